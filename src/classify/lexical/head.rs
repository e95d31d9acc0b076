//! The small network behind the sums: sixteen sums to thirty-two hidden units to one score a class and one for what is
//! harmless. Whole numbers only; a [`Head`] exists only after it is shown that none of them can overflow.
#![deny(clippy::indexing_slicing)]

use super::class::CLASSES;
use super::table::DIMS;

/// Hidden units.
pub const HIDDEN: usize = 32;
/// Scores: the classes, then what is harmless.
pub const OUTS: usize = CLASSES + 1;
/// A sum is kept within this, either way.
pub const SUM_MAX: i32 = 4095;
/// A hidden unit is kept within this.
pub const HIDDEN_MAX: i32 = 16_383;
/// How many bits a hidden unit loses.
pub const HIDDEN_SHIFT: u32 = 6;

/// Weights of the network, by what they lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weights {
    /// Sums to hidden units.
    pub hidden: [[i16; DIMS]; HIDDEN],
    /// What a hidden unit begins with.
    pub hidden_bias: [i32; HIDDEN],
    /// Hidden units to scores.
    pub out: [[i16; HIDDEN]; OUTS],
    /// Sums to scores, past the hidden units.
    pub direct: [[i16; DIMS]; OUTS],
    /// What a score begins with.
    pub out_bias: [i32; OUTS],
}

/// The network, known not to overflow.
#[derive(Debug, Clone)]
pub struct Head(Box<Weights>);

impl Head {
    /// The network of these weights. `None` when some sum could pass 32 bits.
    pub fn of(weights: Weights) -> Option<Head> {
        let fits = |weights: &[i16], most: i32| -> i64 {
            weights.iter().map(|weight| i64::from(weight.unsigned_abs())).sum::<i64>() * i64::from(most)
        };
        let room = |sum: i64, bias: i32| sum + i64::from(bias.unsigned_abs()) <= i64::from(i32::MAX / 2);
        let hidden = weights.hidden.iter().zip(weights.hidden_bias);
        let outs = weights.out.iter().zip(&weights.direct).zip(weights.out_bias);
        let is_safe = hidden.into_iter().all(|(weights, bias)| room(fits(weights, SUM_MAX), bias))
            && outs.into_iter().all(|((out, direct), bias)| room(fits(out, HIDDEN_MAX) + fits(direct, SUM_MAX), bias));
        is_safe.then(|| Head(Box::new(weights)))
    }

    /// Its weights.
    pub fn weights(&self) -> &Weights {
        &self.0
    }

    /// The scores of a name with these sums, in units of 2^-18 nats.
    pub fn scores(&self, sums: &[i32; DIMS]) -> [i32; OUTS] {
        let sums = sums.map(|sum| sum.clamp(-SUM_MAX, SUM_MAX) as i16);
        let mut hidden = [0_i16; HIDDEN];
        let units = products(&self.0.hidden, &sums);
        for ((unit, sum), bias) in hidden.iter_mut().zip(units).zip(&self.0.hidden_bias) {
            *unit = ((sum + bias) >> HIDDEN_SHIFT).clamp(0, HIDDEN_MAX) as i16;
        }
        let (by_hidden, by_sums) = (products(&self.0.out, &hidden), products(&self.0.direct, &sums));
        let mut scores = self.0.out_bias;
        for ((score, out), direct) in scores.iter_mut().zip(by_hidden).zip(by_sums) {
            *score += out + direct;
        }
        scores
    }
}

/// Not inlined, so that the compiler sees 16-bit numbers and multiplies eight at once; else it widens them first, and the
/// older x86-64 have no product of 32-bit lanes.
#[inline(never)]
fn products<const N: usize, const M: usize>(weights: &[[i16; N]; M], values: &[i16; N]) -> [i32; M] {
    let product = |weights: &[i16; N]| -> i32 {
        weights.iter().zip(values).map(|(weight, value)| i32::from(*weight) * i32::from(*value)).sum()
    };
    let mut sums = [0; M];
    sums.iter_mut().zip(weights).for_each(|(sum, weights)| *sum = product(weights));
    sums
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Weights that a person can follow: sum 0 speaks for the first class, sum 1 through hidden unit 0 for the second.
    pub(in crate::classify::lexical) fn handmade() -> Weights {
        let mut weights = Weights {
            hidden: [[0; DIMS]; HIDDEN],
            hidden_bias: [0; HIDDEN],
            out: [[0; HIDDEN]; OUTS],
            direct: [[0; DIMS]; OUTS],
            out_bias: [0; OUTS],
        };
        weights.direct[0][0] = 4096;
        weights.hidden[0][1] = 128;
        weights.hidden_bias[0] = -640;
        weights.out[1][0] = 2048;
        weights.out_bias[OUTS - 1] = 1 << 18;
        weights
    }

    #[test]
    fn follows_both_ways() {
        let head = Head::of(handmade()).unwrap();
        let mut sums = [0; DIMS];
        (sums[0], sums[1]) = (3, 4);
        assert_eq!(head.scores(&sums)[..3], [3 * 4096, 0, 0], "the unit is below nought");
        sums[1] = 15;
        assert_eq!(head.scores(&sums)[1], ((15 * 128 - 640) >> 6) * 2048);
        sums[0] = i32::MIN;
        assert_eq!(head.scores(&sums)[0], -SUM_MAX * 4096);
    }

    #[test]
    fn refuses_what_could_overflow() {
        let mut weights = handmade();
        weights.out[3] = [i16::MAX; HIDDEN];
        assert!(Head::of(weights).is_none());
    }
}
