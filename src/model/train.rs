//! How a model is learnt, on one screen: every common feature first gets numbers of its own; those that matter most get a
//! slot in the table; then all is learnt again as it will be read, rounded and with its mix-ups; then it is written, and
//! its probabilities and thresholds are set on rows it has not seen.

use super::data::{BENIGN, Part, Rows};
use super::network::{Grid, Layers, RowsOfNumbers};
use super::random::Random;
use super::vocabulary::{Features, Group, NUMBER, Vocabulary};
use super::{ordinary, pack, settle};
use crate::classify::lexical::{DIMS, FILE_MAX, HEADER, LINE, ModelError, NOTE_MAX, ROWS, TableWriter};
use crate::name::Name;

/// Times the rows are gone through: with every feature, then with those kept. Measured: more does not help.
const FIRST_TURNS: usize = 2;
const SECOND_TURNS: usize = 3;
/// Lengths of a step at the start, of rows and of layers; they fall to a twentieth. Second: of the first's.
const ROW_RATE: f32 = 0.05;
const LAYER_RATE: f32 = 0.02;
const SECOND_RATE: f32 = 0.7;
/// What rows remember of their slopes into the second time.
const REMEMBERED: f32 = 0.3;
/// How often a feature, the ending, all that stands left, is left out, so that nothing is leant on: above all the ending,
/// because harmless names of the data come from a few countries.
const WITHOUT_FEATURE: f32 = 0.1;
const WITHOUT_ENDING: f32 = 0.2;
const WITHOUT_LEFT: f32 = 0.2;
/// How often a name gets labels to its left that say nothing.
const WITH_LEFT: f32 = 0.4;
/// What a harmless row counts for: false alarms cost most.
const BENIGN_WEIGHT: f32 = 2.0;
/// Harmless rows of the data for each that is made up.
const PER_ORDINARY: usize = 10;
/// Labels to draw from.
const LEFT_POOL: usize = 16_384;
/// Of a thousand kept rows 995 fit the large step at its start, by half.
const FITS: (usize, usize) = (995, 1000);

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Nothing to learn from, or nothing harmless.
    #[error("no rows to learn from: {rows} of them, {benign} harmless")]
    NoRows {
        /// Rows of the training part.
        rows: usize,
        /// Of them harmless.
        benign: usize,
    },
    /// What came out could not be read.
    #[error("what was learnt is no model: {0}")]
    Unreadable(#[from] ModelError),
}

/// Learns from the training part of `rows`; sets probabilities and thresholds by the calibration part. `say` hears how far
/// it is. Gives the file, at most [`FILE_MAX`] octets.
pub fn train(mut rows: Rows, seed: u64, note: &str, say: &mut dyn FnMut(&str)) -> Result<Vec<u8>, TrainError> {
    add_ordinary(&mut rows, seed);
    let (names, classes): (Vec<Name>, Vec<u16>) = rows.of(Part::Train).map(|(row, name)| (name, row.classes)).unzip();
    let benign = classes.iter().filter(|classes| **classes & BENIGN > 0).count();
    if benign == 0 || benign == classes.len() {
        return Err(TrainError::NoRows { rows: classes.len(), benign });
    }
    let mut random = Random::new(seed);
    let pool = left_pool(seed);

    let vocabulary = Vocabulary::of(names.iter().chain(&pool));
    say(&format!("{} rows, {} features", names.len(), vocabulary.hashes.len()));
    let mut learner = Learner {
        features: Features::of(names.iter(), |hash| vocabulary.number(hash)),
        pool: Features::of(pool.iter(), |hash| vocabulary.number(hash)),
        classes,
        rows: RowsOfNumbers::drawn(vocabulary.hashes.len(), &mut random),
        layers: Layers::drawn(&mut random),
        random,
    };
    learner.turns(FIRST_TURNS, 1.0, say);

    let (table, slots) = keep(&vocabulary, &learner.rows);
    drop(vocabulary);
    learner.rows = learner.rows.select(&slots, REMEMBERED);
    learner.rows.grid = Some(grid(&learner.rows));
    let slot = |hash| table.slot(hash).map(|slot| slot as u32);
    learner.features = Features::of(names.iter(), slot);
    learner.pool = Features::of(pool.iter(), slot);
    say(&format!("{} features kept", slots.iter().flatten().count()));
    learner.turns(SECOND_TURNS, SECOND_RATE, say);

    let draft = pack::pack(table, &slots, &learner.rows, &learner.layers, note);
    Ok(settle::settle(draft, &rows, seed)?)
}

/// Adds names made up, at most one for [`PER_ORDINARY`] harmless rows: those that lists give shall be the many.
fn add_ordinary(rows: &mut Rows, seed: u64) {
    let benign = rows.rows.iter().filter(|row| row.part == Part::Train && row.classes & BENIGN > 0).count();
    let names = ordinary::names(seed);
    let every = names.len().div_ceil((benign / PER_ORDINARY).max(1));
    for name in names.iter().step_by(every.max(1)) {
        rows.push_for(Part::Train, name, BENIGN);
    }
}

/// Names of which only what stands left is looked at.
fn left_pool(seed: u64) -> Vec<Name> {
    let texts = ordinary::left(seed, LEFT_POOL).into_iter().map(|left| format!("{left}.x.example"));
    texts.filter_map(|text| Name::parse(&text).ok()).collect()
}

/// Gives slots to the features that move most: the length of their row by the root of how often they come. Says which
/// feature each slot holds.
fn keep(vocabulary: &Vocabulary, rows: &RowsOfNumbers) -> (TableWriter, Vec<Option<u32>>) {
    let lines = (FILE_MAX - HEADER - NOTE_MAX) / LINE;
    let length = |row: &[f32; DIMS]| row.iter().map(|value| value * value).sum::<f32>();
    let weights = rows.values.iter().zip(&vocabulary.counts).map(|(row, count)| length(row) * *count as f32);
    let mut order: Vec<(f32, u32)> = weights.zip(0..).collect();
    order.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(&right.1)));
    let mut table = TableWriter::new(lines.min(order.len() / 2 + 1));
    let mut slots = vec![None; table.lines() * ROWS];
    for (_, number) in order {
        let hash = vocabulary.hashes.get(number as usize).copied().unwrap_or(0);
        if let Some(slot) = table.claim(hash).and_then(|slot| slots.get_mut(slot)) {
            *slot = Some(number);
        }
    }
    (table, slots)
}

fn grid(rows: &RowsOfNumbers) -> Grid {
    let most = |row: &[f32; DIMS]| row.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
    let mut all: Vec<f32> = rows.values.iter().map(most).filter(|most| *most > 0.0).collect();
    all.sort_by(f32::total_cmp);
    let at = (all.len() * FITS.0 / FITS.1).min(all.len().saturating_sub(1));
    Grid { step: all.get(at).copied().unwrap_or(1.0) / 16.0, is_coarse: Vec::new() }
}

struct Learner {
    features: Features,
    pool: Features,
    classes: Vec<u16>,
    rows: RowsOfNumbers,
    layers: Layers,
    random: Random,
}

impl Learner {
    fn turns(&mut self, turns: usize, rate: f32, say: &mut dyn FnMut(&str)) {
        let mut order: Vec<u32> = (0..self.classes.len() as u32).collect();
        let steps = (turns * order.len()) as f32;
        for turn in 0..turns {
            if let Some(grid) = &mut self.rows.grid {
                grid.choose(&self.rows.values);
            }
            self.random.shuffle(&mut order);
            let mut wrong = 0.0;
            for (at, row) in order.iter().enumerate() {
                let left = 1.0 - (turn * order.len() + at) as f32 / steps;
                wrong += f64::from(self.step(*row as usize, rate * (0.05 + 0.95 * left)));
            }
            say(&format!("turn {} of {turns}: wrong by {:.4} a row", turn + 1, wrong / order.len() as f64));
        }
    }

    /// Learns from one row; says how wrong it was, from 0 to 1.
    fn step(&mut self, row: usize, rate: f32) -> f32 {
        let used = self.draw(row);
        let mut sums = [0.0; DIMS];
        used.iter().for_each(|number| self.rows.add(*number, &mut sums));
        let classes = self.classes.get(row).copied().unwrap_or(0);
        let weight = if classes & BENIGN > 0 { BENIGN_WEIGHT } else { 1.0 };
        let pass = self.layers.forward(sums);
        let (slopes, wrong) = pass.slopes(classes, weight);
        let slopes = self.layers.backward(&pass, &slopes, LAYER_RATE * rate);
        let square = slopes.iter().map(|slope| slope * slope).sum::<f32>() / DIMS as f32;
        used.iter().for_each(|number| self.rows.step(*number, &slopes, square, ROW_RATE * rate));
        wrong
    }

    /// The features of a row, some left out by chance; labels at its left by chance where it has none.
    fn draw(&mut self, row: usize) -> Vec<usize> {
        let random = &mut self.random;
        let (no_ending, no_left) = (random.unit() < WITHOUT_ENDING, random.unit() < WITHOUT_LEFT);
        let own = self.features.at(row);
        let is_bare = !own.iter().any(|number| Group::of_number(*number) == Group::Left);
        let added = if is_bare && random.unit() < WITH_LEFT { self.pool.at(random.below(LEFT_POOL)) } else { &[] };
        let added = added.iter().filter(|number| Group::of_number(**number) == Group::Left);
        let own = own.iter().filter(|number| match Group::of_number(**number) {
            Group::Label => true,
            Group::Ending => !no_ending,
            Group::Left => !no_left,
        });
        let all = own.chain(added).map(|number| (number & NUMBER) as usize);
        all.filter(|_| random.unit() >= WITHOUT_FEATURE).collect()
    }
}
