//! The network while it learns: rows of sixteen numbers, a hidden layer, scores, and one step down the slope of a softmax's
//! loss. The model that is written is this one in whole numbers.

use super::random::Random;
use crate::classify::lexical::{COARSE, DIMS, HIDDEN, OUTS};

/// Keeps the first steps of Adagrad from being too long.
const EPSILON: f32 = 1e-6;

/// A number that is learnt, with what Adagrad remembers of its slopes (Duchi et al. 2011).
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    pub(super) value: f32,
    squares: f32,
}

impl Weight {
    const ZERO: Weight = Weight { value: 0.0, squares: 0.0 };

    fn drawn(random: &mut Random) -> Weight {
        Weight { value: (random.unit() - 0.5) * 0.5, squares: 0.0 }
    }

    fn step(&mut self, slope: f32, rate: f32) {
        self.squares += slope * slope;
        self.value -= rate * slope / (self.squares + EPSILON).sqrt();
    }
}

/// The layers behind the rows.
#[derive(Debug, Clone)]
pub(super) struct Layers {
    pub(super) hidden: [[Weight; DIMS]; HIDDEN],
    pub(super) hidden_bias: [Weight; HIDDEN],
    pub(super) out: [[Weight; HIDDEN]; OUTS],
    pub(super) direct: [[Weight; DIMS]; OUTS],
    pub(super) out_bias: [Weight; OUTS],
}

/// What one name made of the layers.
pub(super) struct Pass {
    sums: [f32; DIMS],
    hidden: [f32; HIDDEN],
    scores: [f32; OUTS],
}

impl Layers {
    pub(super) fn drawn(random: &mut Random) -> Layers {
        Layers {
            hidden: std::array::from_fn(|_| std::array::from_fn(|_| Weight::drawn(random))),
            hidden_bias: [Weight::ZERO; HIDDEN],
            out: std::array::from_fn(|_| std::array::from_fn(|_| Weight::drawn(random))),
            direct: std::array::from_fn(|_| std::array::from_fn(|_| Weight::drawn(random))),
            out_bias: [Weight::ZERO; OUTS],
        }
    }

    pub(super) fn forward(&self, sums: [f32; DIMS]) -> Pass {
        let mut hidden = [0.0; HIDDEN];
        for ((unit, weights), bias) in hidden.iter_mut().zip(&self.hidden).zip(&self.hidden_bias) {
            *unit = (bias.value + product(weights, &sums)).max(0.0);
        }
        let mut scores = [0.0; OUTS];
        let weights = self.out.iter().zip(&self.direct).zip(&self.out_bias);
        for (score, ((out, direct), bias)) in scores.iter_mut().zip(weights) {
            *score = bias.value + product(out, &hidden) + product(direct, &sums);
        }
        Pass { sums, hidden, scores }
    }

    /// One step: `slopes` are those of the scores. Gives the slopes of the sums.
    pub(super) fn backward(&mut self, pass: &Pass, slopes: &[f32; OUTS], rate: f32) -> [f32; DIMS] {
        let (mut of_sums, mut of_hidden) = ([0.0; DIMS], [0.0; HIDDEN]);
        let weights = self.out.iter_mut().zip(&mut self.direct).zip(&mut self.out_bias);
        for (slope, ((out, direct), bias)) in slopes.iter().zip(weights) {
            back(out, &pass.hidden, &mut of_hidden, *slope, rate);
            back(direct, &pass.sums, &mut of_sums, *slope, rate);
            bias.step(*slope, rate);
        }
        let units = self.hidden.iter_mut().zip(&mut self.hidden_bias).zip(of_hidden).zip(pass.hidden);
        for (((weights, bias), slope), _) in units.filter(|(_, unit)| *unit > 0.0) {
            back(weights, &pass.sums, &mut of_sums, slope, rate);
            bias.step(slope, rate);
        }
        of_sums
    }
}

fn product<const N: usize>(weights: &[Weight; N], values: &[f32; N]) -> f32 {
    weights.iter().zip(values).map(|(weight, value)| weight.value * value).sum()
}

fn back<const N: usize>(weights: &mut [Weight; N], values: &[f32; N], into: &mut [f32; N], slope: f32, rate: f32) {
    for ((weight, value), into) in weights.iter_mut().zip(values).zip(into) {
        *into += slope * weight.value;
        weight.step(slope * value, rate);
    }
}

impl Pass {
    /// The slopes of the loss, `weight` times, where the classes of the bits in `classes` are right, all alike; with the
    /// loss.
    pub(super) fn slopes(&self, classes: u16, weight: f32) -> ([f32; OUTS], f32) {
        let best = self.scores.iter().copied().fold(f32::MIN, f32::max);
        let powers = self.scores.map(|score| exp(score - best));
        let sum: f32 = powers.iter().sum();
        let share = 1.0 / classes.count_ones().max(1) as f32;
        let (mut slopes, mut likelihood) = ([0.0; OUTS], 0.0);
        for (at, (slope, power)) in slopes.iter_mut().zip(powers).enumerate() {
            let target = if classes >> at & 1 == 1 { share } else { 0.0 };
            *slope = weight * (power / sum - target);
            likelihood += target * power / sum;
        }
        (slopes, 1.0 - likelihood / share)
    }
}

/// Rows of sixteen numbers, one memory of slopes a row.
pub(super) struct RowsOfNumbers {
    pub(super) values: Vec<[f32; DIMS]>,
    squares: Vec<f32>,
    /// How rows are rounded; `None` while they are not.
    pub(super) grid: Option<Grid>,
}

/// The numbers a written row can hold: -8 to 7 times a step, or times [`COARSE`] steps.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    pub(super) step: f32,
    pub(super) is_coarse: Vec<bool>,
}

impl Grid {
    /// The numbers of a row as they are written.
    pub(super) fn whole(&self, row: usize, values: &[f32; DIMS]) -> ([i32; DIMS], bool) {
        let is_coarse = self.is_coarse.get(row).copied().unwrap_or(false);
        let inverse = 1.0 / self.unit(is_coarse);
        (values.map(|value| rounded(value * inverse) as i32), is_coarse)
    }

    fn unit(&self, is_coarse: bool) -> f32 {
        if is_coarse { self.step * COARSE as f32 } else { self.step }
    }

    /// Gives the large step to rows that need it now.
    pub(super) fn choose(&mut self, rows: &[[f32; DIMS]]) {
        let most = self.step * 7.5;
        self.is_coarse = rows.iter().map(|row| row.iter().any(|value| value.abs() > most)).collect();
    }
}

/// The nearest of -8 to 7; by adding, because that is one instruction on every machine.
fn rounded(value: f32) -> f32 {
    const BIG: f32 = 12_582_912.0;
    (value.clamp(-8.0, 7.0) + BIG) - BIG
}

impl RowsOfNumbers {
    pub(super) fn drawn(rows: usize, random: &mut Random) -> RowsOfNumbers {
        let values = (0..rows).map(|_| std::array::from_fn(|_| (random.unit() - 0.5) * 0.1)).collect();
        RowsOfNumbers { values, squares: vec![0.0; rows], grid: None }
    }

    /// Some of these rows, in that order, with `keep` of what they remember.
    pub(super) fn select(&self, numbers: &[Option<u32>], keep: f32) -> RowsOfNumbers {
        let from = |number: &Option<u32>| number.map_or(usize::MAX, |number| number as usize);
        let values = numbers.iter().map(|number| self.values.get(from(number)).copied().unwrap_or([0.0; DIMS]));
        let squares = numbers.iter().map(|number| self.squares.get(from(number)).map_or(0.0, |square| square * keep));
        RowsOfNumbers { values: values.collect(), squares: squares.collect(), grid: None }
    }

    /// Adds a row to sums.
    pub(super) fn add(&self, row: usize, sums: &mut [f32; DIMS]) {
        let Some(values) = self.values.get(row) else { return };
        match &self.grid {
            None => sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
            Some(grid) => {
                let unit = grid.unit(grid.is_coarse.get(row).copied().unwrap_or(false));
                let inverse = 1.0 / unit;
                sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += rounded(value * inverse) * unit);
            }
        }
    }

    /// One step of a row down these slopes, whose mean square is given.
    pub(super) fn step(&mut self, row: usize, slopes: &[f32; DIMS], square: f32, rate: f32) {
        let (Some(values), Some(squares)) = (self.values.get_mut(row), self.squares.get_mut(row)) else { return };
        *squares += square;
        let rate = rate / (*squares + 1e-8).sqrt();
        values.iter_mut().zip(slopes).for_each(|(value, slope)| *value -= rate * slope);
    }
}

/// e^x within 2e-7 of it, by the same additions and products everywhere: the library's differs from machine to machine.
fn exp(x: f32) -> f32 {
    let octaves = x.clamp(-80.0, 80.0) * std::f32::consts::LOG2_E;
    let whole = (octaves + 0.5).floor();
    let rest = (octaves - whole) * std::f32::consts::LN_2;
    let series = [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0];
    let power = series.iter().fold(0.0, |sum, part| sum * rest + part);
    power * f32::from_bits(((whole as i32 + 127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_exp() {
        for at in -400..400_i16 {
            let x = f32::from(at) / 10.0;
            assert!((exp(x) / x.exp() - 1.0).abs() < 5e-6, "{x}: {} for {}", exp(x), x.exp());
        }
    }

    #[test]
    fn slopes_are_those_of_the_loss() {
        let mut random = Random::new(3);
        let layers = Layers::drawn(&mut random);
        let sums: [f32; DIMS] = std::array::from_fn(|_| random.unit() * 4.0 - 2.0);
        let loss = |sums: [f32; DIMS]| -> f64 {
            let scores = layers.forward(sums).scores.map(f64::from);
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            -(scores[2].exp() / sum).ln()
        };
        let pass = layers.forward(sums);
        let slopes = layers.clone().backward(&pass, &pass.slopes(1 << 2, 1.0).0, 0.0);
        for dim in 0..DIMS {
            let (mut more, mut less) = (sums, sums);
            (more[dim], less[dim]) = (sums[dim] + 0.01, sums[dim] - 0.01);
            let slope = (loss(more) - loss(less)) / 0.02;
            assert!((slope - f64::from(slopes[dim])).abs() < 0.01, "{dim}: {slope} for {}", slopes[dim]);
        }
    }

    #[test]
    fn a_grid_rounds_as_it_writes() {
        let grid = Grid { step: 0.1, is_coarse: vec![false, true] };
        let values: [f32; DIMS] = std::array::from_fn(|dim| dim as f32 * 0.2 - 1.5);
        let rows = RowsOfNumbers { values: vec![values; 2], squares: vec![0.0; 2], grid: Some(grid.clone()) };
        for row in 0..2 {
            let mut sums = [0.0; DIMS];
            rows.add(row, &mut sums);
            let (whole, is_coarse) = grid.whole(row, &values);
            let unit = if is_coarse { 0.4 } else { 0.1 };
            assert!(sums.iter().zip(whole).all(|(sum, whole)| (sum - whole as f32 * unit).abs() < 1e-5));
            assert!(whole.iter().all(|value| (-8..8).contains(value)));
        }
    }
}
