//! The model's file. Little-endian, in one piece, checked once when it is read; whatever is wrong has a name.
//!
//! ```text
//! octets  what
//! 8       "LUYTREM1"
//! 4, 4    lines of the table · octets of the note
//! 32×32   hidden weights, i16, 16 for each of 32 units        then 32 × 4 their biases, i32
//! 11×64   weights from hidden units, i16, 32 a score
//! 11×32   weights from sums, i16, 16 a score                  then 11 × 4 the scores' biases, i32
//! 10×72   a class's curve: nine knots of two u32, parts per million
//! 10×4    a class's threshold, i32, in 1/1024 nat
//! …       the note, UTF-8: what made the model
//! …       the table, 64 octets a line
//! ```
#![deny(clippy::indexing_slicing)]

use super::chance::{Curve, KNOTS};
use super::class::CLASSES;
use super::head::{HIDDEN, Head, OUTS, Weights};
use super::model::Model;
use super::table::{DIMS, LINE, Table};

/// Octets of the largest file: what a small router spares for it.
pub const FILE_MAX: usize = 1 << 20;
/// Octets before the note.
pub const HEADER: usize = 16 + HIDDEN * (DIMS * 2 + 4) + OUTS * (HIDDEN * 2 + DIMS * 2 + 4) + CLASSES * (KNOTS * 8 + 4);
/// Octets of the longest note.
pub const NOTE_MAX: usize = 1024;
const MAGIC: &[u8; 8] = b"LUYTREM1";

/// Why a file is no model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    /// It begins with something else.
    #[error("it does not begin with \"LUYTREM1\"")]
    NotAModel,
    /// Over [`FILE_MAX`].
    #[error("{0} octets are more than a model may have (1048576)")]
    TooLong(usize),
    /// Fewer or more octets than its own counts say.
    #[error("{got} octets where its header announces {announced}")]
    Length {
        /// By its header.
        announced: usize,
        /// In the file.
        got: usize,
    },
    /// The note is too long or no UTF-8.
    #[error("its note cannot be read")]
    Note,
    /// Weights so large that a score could overflow.
    #[error("its weights could overflow")]
    Overflow,
    /// Knots that do not rise.
    #[error("the curve of class {0} does not rise")]
    Curve(&'static str),
}

/// All a file holds, to be written.
#[derive(Debug)]
pub struct ModelWriter<'a> {
    /// The network.
    pub weights: &'a Weights,
    /// A curve a class.
    pub curves: &'a [Curve; CLASSES],
    /// A threshold a class, in 1/1024 nat.
    pub thresholds: &'a [i32; CLASSES],
    /// What made it; cut at [`NOTE_MAX`] octets.
    pub note: &'a str,
    /// Octets of a [`TableWriter`](super::TableWriter).
    pub table: &'a [u8],
}

impl ModelWriter<'_> {
    /// The file.
    pub fn finish(&self) -> Vec<u8> {
        let note = self.note.get(..self.note.floor_char_boundary(NOTE_MAX)).unwrap_or("");
        let mut out = MAGIC.to_vec();
        out.extend(((self.table.len() / LINE) as u32).to_le_bytes());
        out.extend((note.len() as u32).to_le_bytes());
        out.extend(self.weights.hidden.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        out.extend(self.weights.hidden_bias.iter().flat_map(|bias| bias.to_le_bytes()));
        out.extend(self.weights.out.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        out.extend(self.weights.direct.iter().flatten().flat_map(|weight| weight.to_le_bytes()));
        out.extend(self.weights.out_bias.iter().flat_map(|bias| bias.to_le_bytes()));
        let knots = self.curves.iter().flat_map(Curve::knots).flat_map(|(said, so)| [said, so]);
        out.extend(knots.flat_map(|number| number.to_le_bytes()));
        out.extend(self.thresholds.iter().flat_map(|threshold| threshold.to_le_bytes()));
        out.extend(note.as_bytes());
        out.extend(self.table.get(..self.table.len() / LINE * LINE).unwrap_or(&[]));
        out
    }
}

/// Reads a file.
pub(super) fn read(octets: &[u8]) -> Result<Model, ModelError> {
    if !octets.starts_with(MAGIC) {
        return Err(ModelError::NotAModel);
    }
    if octets.len() > FILE_MAX {
        return Err(ModelError::TooLong(octets.len()));
    }
    let mut from = Cursor(octets.get(MAGIC.len()..).unwrap_or(&[]));
    let (lines, note_len) = (from.u32() as usize, from.u32() as usize);
    let announced = lines.saturating_mul(LINE).saturating_add(note_len).saturating_add(HEADER);
    if announced != octets.len() {
        return Err(ModelError::Length { announced, got: octets.len() });
    }
    let weights = Weights {
        hidden: from_fn(|| from_fn(|| from.i16())),
        hidden_bias: from_fn(|| from.i32()),
        out: from_fn(|| from_fn(|| from.i16())),
        direct: from_fn(|| from_fn(|| from.i16())),
        out_bias: from_fn(|| from.i32()),
    };
    let head = Head::of(weights).ok_or(ModelError::Overflow)?;
    let knots: [[(u32, u32); KNOTS]; CLASSES] = from_fn(|| from_fn(|| (from.u32(), from.u32())));
    let mut curves = [Curve::STRAIGHT; CLASSES];
    for ((curve, knots), class) in curves.iter_mut().zip(knots).zip(super::Class::ALL) {
        *curve = Curve::through(knots).ok_or(ModelError::Curve(class.word()))?;
    }
    let thresholds = from_fn(|| from.i32());
    let (note, table) = from.0.split_at_checked(note_len).ok_or(ModelError::Note)?;
    let note = std::str::from_utf8(note).ok().filter(|note| note.len() <= NOTE_MAX).ok_or(ModelError::Note)?;
    Ok(Model { table: Table::of(table), head, curves, thresholds, note: note.into() })
}

fn from_fn<T, const N: usize>(mut make: impl FnMut() -> T) -> [T; N] {
    std::array::from_fn(|_| make())
}

/// What is left to read. Past the end it gives noughts; the length was checked before.
struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk() {
            Some((taken, rest)) => {
                self.0 = rest;
                *taken
            }
            None => [0; N],
        }
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn i32(&mut self) -> i32 {
        i32::from_le_bytes(self.take())
    }

    fn i16(&mut self) -> i16 {
        i16::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::lexical::head::tests::handmade;
    use crate::classify::lexical::model::tests::small;

    #[test]
    fn every_prefix_and_any_damage_has_a_name() {
        let file = small();
        assert!(read(&file).is_ok());
        for end in 0..file.len() {
            assert!(read(&file[..end]).is_err(), "{end} octets are no model");
        }
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut damaged = file.clone();
            for _ in 0..1 + state % 4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (state >> 33) as usize % damaged.len();
                damaged[at] = (state >> 20) as u8;
            }
            if let Ok(model) = read(&damaged) {
                model.score(&"casino-24.example".parse().unwrap());
            }
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        let file = small();
        assert_eq!(read(b"LUYTREB1 and so on").unwrap_err(), ModelError::NotAModel);
        let long = [&file[..], &vec![0; FILE_MAX]].concat();
        assert_eq!(read(&long).unwrap_err(), ModelError::TooLong(long.len()));
        let got = file.len() + 1;
        assert_eq!(read(&[&file[..], b"x"].concat()).unwrap_err(), ModelError::Length { announced: got - 1, got });
        let curves = HEADER - CLASSES * (KNOTS * 8 + 4);
        let mut falling = file.clone();
        falling[curves + 8] = 0;
        falling[curves + 9..curves + 12].fill(0);
        assert_eq!(read(&falling).unwrap_err(), ModelError::Curve("adult"));
        let mut weights = handmade();
        weights.out_bias[0] = i32::MAX;
        let curves = [Curve::STRAIGHT; CLASSES];
        let writer =
            ModelWriter { weights: &weights, curves: &curves, thresholds: &[0; CLASSES], note: "", table: &[] };
        assert_eq!(read(&writer.finish()).unwrap_err(), ModelError::Overflow);
        let mut note = file;
        note[HEADER] = 0xff;
        assert_eq!(read(&note).unwrap_err(), ModelError::Note);
    }
}
