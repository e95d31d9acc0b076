//! From what was learnt to a file: rows to nibbles, layers to whole numbers.

use super::network::{Layers, RowsOfNumbers, Weight};
use crate::classify::lexical::{CLASSES, Curve, HIDDEN_SHIFT, ModelWriter, NAT_BITS, TableWriter, Weights};

/// Bits behind the point of a hidden unit: what a unit of 64 leaves room for below 2^14.
const HIDDEN_BITS: u32 = 8;

/// All of a file but its probabilities and thresholds.
pub(super) struct Draft {
    weights: Weights,
    table: Vec<u8>,
    note: String,
}

impl Draft {
    /// The file with these.
    pub(super) fn finish(&self, curves: &[Curve; CLASSES], thresholds: &[i32; CLASSES]) -> Vec<u8> {
        ModelWriter { weights: &self.weights, curves, thresholds, note: &self.note, table: &self.table }.finish()
    }
}

/// Writes what was learnt into the slots of `table`.
pub(super) fn pack(
    mut table: TableWriter,
    slots: &[Option<u32>],
    rows: &RowsOfNumbers,
    layers: &Layers,
    note: &str,
) -> Draft {
    let mut step = 1.0;
    if let Some(grid) = &rows.grid {
        step = grid.step;
        for (slot, (_, values)) in slots.iter().zip(&rows.values).enumerate().filter(|(_, (held, _))| held.is_some()) {
            let (whole, is_coarse) = grid.whole(slot, values);
            table.set(slot, whole, is_coarse);
        }
    }
    Draft { weights: weights(layers, step), table: table.finish(), note: note.into() }
}

fn weights(layers: &Layers, step: f32) -> Weights {
    let bits = |bits: u32| (1_u64 << bits) as f32;
    // A sum is worth `step`, a hidden unit 2^-8, a score 2^-18.
    let of_hidden = bits(HIDDEN_BITS + HIDDEN_SHIFT);
    let of_score = bits(NAT_BITS);
    Weights {
        hidden: layers.hidden.map(|unit| unit.map(|weight| short(weight, step * of_hidden))),
        hidden_bias: layers.hidden_bias.map(|weight| long(weight, of_hidden)),
        out: layers.out.map(|score| score.map(|weight| short(weight, bits(NAT_BITS - HIDDEN_BITS)))),
        direct: layers.direct.map(|score| score.map(|weight| short(weight, step * of_score))),
        out_bias: layers.out_bias.map(|weight| long(weight, of_score)),
    }
}

/// Casts from floating point stay within the type.
fn short(weight: Weight, by: f32) -> i16 {
    (weight.value * by).round() as i16
}

fn long(weight: Weight, by: f32) -> i32 {
    (weight.value * by).round() as i32
}
