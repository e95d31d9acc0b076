//! From an older bundle to a newer one. Names lie where their hashes put them, so a day's changes touch single lines of the
//! table, and push others into the line behind: a delta says which lines changed, which words of the old line and its two
//! neighbours they have, in order, and which are new.
//!
//! ```text
//! "LUYTRED1" | octets of the old one, of the new one: 8 each | a zstd frame (RFC 8878) of changed lines:
//! equal lines before it (LEB128) | words kept of the three old lines: a bit each, 3 octets | new words: a bit each | those
//! ```

use std::io::{self, Read, Write};

/// What a delta begins with.
pub const MAGIC: [u8; 8] = *b"LUYTRED1";
/// Octets of a line.
pub const LINE: usize = 64;
/// Octets of a word.
pub const WORD: usize = 8;

/// Writes what `delta` makes of `old`; never more than `length_max` octets. Returns how many.
pub fn apply(old: &[u8], mut delta: impl Read, out: &mut impl Write, length_max: u64) -> io::Result<u64> {
    let mut head = [0; 24];
    delta.read_exact(&mut head)?;
    let number = |at: usize| head.iter().skip(at).take(8).rev().fold(0, |sum, octet| sum << 8 | u64::from(*octet));
    if !head.starts_with(&MAGIC) || number(8) != old.len() as u64 {
        return Err(invalid("is not for this bundle"));
    }
    let length = number(16);
    if length > length_max {
        return Err(invalid("makes more octets than the bundle has"));
    }
    let mut changes = io::BufReader::new(zstd::Decoder::new(delta)?);
    let lines = length.div_ceil(LINE as u64);
    let mut at = 0;
    while let Some(equal) = number_of(&mut changes)? {
        let changed = at + equal;
        if changed >= lines {
            return Err(invalid("changes a line that is not there"));
        }
        copy(old, at, changed, length, out)?;
        let new = change(&around(old, changed), &mut changes)?;
        write_line(&new, changed, length, out)?;
        at = changed + 1;
    }
    copy(old, at, lines, length, out)?;
    Ok(length)
}

/// A line with zeros where there is none.
pub fn line_of(octets: &[u8], index: u64) -> [u8; LINE] {
    let mut line = [0; LINE];
    let from = usize::try_from(index).unwrap_or(usize::MAX).saturating_mul(LINE);
    let held = octets.get(from..).unwrap_or_default();
    line.iter_mut().zip(held).for_each(|(to, octet)| *to = *octet);
    line
}

fn copy(old: &[u8], from: u64, to: u64, length: u64, out: &mut impl Write) -> io::Result<()> {
    (from..to).try_for_each(|index| write_line(&line_of(old, index), index, length, out))
}

/// The last line may be a part of one.
fn write_line(line: &[u8; LINE], index: u64, length: u64, out: &mut impl Write) -> io::Result<()> {
    let held = length.saturating_sub(index.saturating_mul(LINE as u64)).min(LINE as u64);
    out.write_all(line.get(..held as usize).unwrap_or(line))
}

/// A line with the one before and the one behind it.
pub fn around(octets: &[u8], index: u64) -> [u8; 3 * LINE] {
    let mut lines = [0; 3 * LINE];
    let before = index.checked_sub(1);
    let each = [before, Some(index), index.checked_add(1)].map(|at| at.map_or([0; LINE], |at| line_of(octets, at)));
    lines.iter_mut().zip(each.as_flattened()).for_each(|(to, octet)| *to = *octet);
    lines
}

fn change(old: &[u8; 3 * LINE], changes: &mut impl Read) -> io::Result<[u8; LINE]> {
    let mut masks = [0; 4];
    changes.read_exact(&mut masks)?;
    let [first, second, third, fresh] = masks;
    let kept = u32::from_le_bytes([first, second, third, 0]);
    if kept.count_ones() + fresh.count_ones() != 8 {
        return Err(invalid("has a line of other than eight words"));
    }
    let mut staying = old.chunks_exact(WORD).enumerate().filter(|(at, _)| kept >> at & 1 != 0).map(|(_, word)| word);
    let mut new = [0; LINE];
    for (at, word) in new.chunks_exact_mut(WORD).enumerate() {
        match staying.next_if_not(fresh >> at & 1 != 0) {
            Some(old) => word.copy_from_slice(old),
            None => changes.read_exact(word)?,
        }
    }
    Ok(new)
}

trait NextIfNot: Iterator {
    /// The next one, unless `is_fresh`.
    fn next_if_not(&mut self, is_fresh: bool) -> Option<Self::Item> {
        if is_fresh { None } else { self.next() }
    }
}

impl<I: Iterator> NextIfNot for I {}

/// LEB128; `None` at the end.
fn number_of(changes: &mut impl Read) -> io::Result<Option<u64>> {
    let (mut value, mut shift) = (0_u64, 0_u32);
    loop {
        let mut octet = [0; 1];
        if changes.read(&mut octet)? == 0 {
            return if shift == 0 { Ok(None) } else { Err(invalid("ends within a number")) };
        }
        let [octet] = octet;
        if shift > 42 {
            return Err(invalid("has a number without end"));
        }
        value |= u64::from(octet & 0x7f) << shift;
        shift += 7;
        if octet & 0x80 == 0 {
            return Ok(Some(value));
        }
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
