//! The model itself: a name in, evidence and a probability a class out.
#![deny(clippy::indexing_slicing)]

use std::collections::BTreeMap;

use super::chance::{self, Curve, NAT_BITS};
use super::class::{CLASSES, Class};
use super::format::{self, ModelError};
use super::head::{Head, OUTS};
use super::reading::Reading;
use super::table::{DIMS, Sums, Table};
use crate::name::Name;

/// How far a class may stand behind the likeliest and still be told: 2 nats, one to seven. A choice of ours.
const BEHIND: i32 = 2 << MARGIN_BITS;
/// Bits behind the point of a margin.
const MARGIN_BITS: u32 = 10;

/// A model of spellings.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) table: Table,
    pub(super) head: Head,
    pub(super) curves: [Curve; CLASSES],
    pub(super) thresholds: [i32; CLASSES],
    pub(super) note: Box<str>,
}

/// What a model says of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scores {
    margins: [i32; CLASSES],
    chances: [u32; CLASSES],
    benign: u32,
}

/// A gram and what it did to a name's margin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gram {
    /// As it stands in the name; `^` and `$` are the ends of the label, `.co.uk` its ending, `(shape)` its lengths and
    /// counts, `(left of it)` all labels before the registrable one.
    pub text: String,
    /// The class it speaks for, or against.
    pub class: Class,
    /// By how much the margin would be lower without it, in 1/1024 nat.
    pub weight: i32,
}

impl Model {
    /// Reads a file, and copies what it keeps.
    pub fn read(octets: &[u8]) -> Result<Model, ModelError> {
        format::read(octets)
    }

    /// What the spelling of `name` says. A name without a registrable domain is told to be harmless.
    pub fn score(&self, name: &Name) -> Scores {
        match Reading::of(name) {
            Some(reading) => self.score_sums(&self.sums(&reading)),
            None => Scores { margins: [i32::MIN; CLASSES], chances: [0; CLASSES], benign: chance::MILLION },
        }
    }

    /// The classes a name of those scores is told to be: each whose margin reaches its threshold, and that does not stand
    /// far behind the likeliest.
    pub fn told(&self, scores: &Scores) -> impl Iterator<Item = Class> {
        let best = scores.margins.iter().copied().max().unwrap_or(i32::MIN);
        let all = Class::ALL.into_iter().zip(scores.margins).zip(self.thresholds);
        let told =
            all.filter(move |((_, margin), threshold)| margin >= threshold && *margin >= best.saturating_sub(BEHIND));
        told.map(|((class, _), _)| class)
    }

    /// The margin from which a class is told, in 1/1024 nat: chosen so that of a thousand harmless names at most one is
    /// told to be anything.
    pub fn threshold(&self, class: Class) -> i32 {
        self.thresholds.get(class as usize).copied().unwrap_or(i32::MAX)
    }

    /// The `most` grams that moved the margin of `class` most, in either direction; the heaviest first. Allocates.
    pub fn weigh(&self, name: &Name, class: Class, most: usize) -> Vec<Gram> {
        let Some(reading) = Reading::of(name) else { return Vec::new() };
        let all = self.sums(&reading);
        let whole = self.score_sums(&all).margin(class);
        let mut grams: BTreeMap<String, [i32; DIMS]> = BTreeMap::new();
        reading.each(|feature| {
            if let Some(found) = self.table.find(feature.hash) {
                let sums = grams.entry(reading.show(feature)).or_default();
                sums.iter_mut().zip(found.values()).for_each(|(sum, value)| *sum += value);
            }
        });
        let weigh = |(text, part): (String, [i32; DIMS])| {
            let mut rest = all;
            rest.iter_mut().zip(part).for_each(|(sum, value)| *sum -= value);
            Gram { text, class, weight: whole - self.score_sums(&rest).margin(class) }
        };
        let mut weighed: Vec<Gram> = grams.into_iter().map(weigh).collect();
        weighed.sort_by(|left, right| right.weight.abs().cmp(&left.weight.abs()).then(left.text.cmp(&right.text)));
        weighed.truncate(most);
        weighed
    }

    /// What made it, in words.
    pub fn note(&self) -> &str {
        &self.note
    }

    /// Lines of its table.
    pub fn lines(&self) -> usize {
        self.table.lines()
    }

    fn sums(&self, reading: &Reading<'_>) -> [i32; DIMS] {
        let mut sums = Sums::default();
        reading.each(|feature| {
            if let Some(found) = self.table.find(feature.hash) {
                sums.add(&found);
            }
        });
        sums.finish()
    }

    fn score_sums(&self, sums: &[i32; DIMS]) -> Scores {
        let scores = self.head.scores(sums);
        let [classes @ .., harmless]: [i32; OUTS] = scores;
        let [raw @ .., benign] = chance::softmax(&scores);
        let mut chances = raw;
        chances.iter_mut().zip(&self.curves).for_each(|(chance, curve)| *chance = curve.at(*chance));
        Scores { margins: classes.map(|score| (score - harmless) >> (NAT_BITS - MARGIN_BITS)), chances, benign }
    }
}

impl Scores {
    /// The probability of a class in parts per million, where names come in the mixture of the training data (a fifth of
    /// them harmless); among the names of a household it is far lower.
    pub fn chance(&self, class: Class) -> u32 {
        self.chances.get(class as usize).copied().unwrap_or(0)
    }

    /// The probability that it is harmless, in parts per million of the same mixture; as the network says it.
    pub fn benign(&self) -> u32 {
        self.benign
    }

    /// By how much the spelling speaks more for a class than for a harmless name, in 1/1024 nat.
    pub fn margin(&self, class: Class) -> i32 {
        self.margins.get(class as usize).copied().unwrap_or(i32::MIN)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::classify::lexical::format::ModelWriter;
    use crate::classify::lexical::head::tests::handmade;
    use crate::classify::lexical::reading::Kind;
    use crate::classify::lexical::table::TableWriter;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn hash_of(text: &str, kind: Kind, gram: &str) -> u64 {
        let name = name(text);
        let reading = Reading::of(&name).unwrap();
        let mut found = None;
        reading.each(|feature| {
            if feature.kind == kind && reading.show(feature) == gram {
                found = Some(feature.hash);
            }
        });
        found.unwrap()
    }

    /// A file that knows three things: "casi" is sum 1, the word "pills" sum 0, a digit pair at the end both a little.
    pub(in crate::classify::lexical) fn small() -> Vec<u8> {
        let mut table = TableWriter::new(8);
        let mut row = |hash, values: &[i32], is_coarse| {
            let slot = table.claim(hash).unwrap();
            table.set(slot, std::array::from_fn(|dim| values.get(dim).copied().unwrap_or(0)), is_coarse);
        };
        row(hash_of("casino.example", Kind::Gram, "casi"), &[0, 7], true);
        row(hash_of("my-pills.example", Kind::Word, "pills"), &[5], true);
        row(hash_of("a24.example", Kind::DigitGram, "00$"), &[1, 1], false);
        let weights = handmade();
        let mut curves = [Curve::STRAIGHT; CLASSES];
        let mut knots = *Curve::STRAIGHT.knots();
        knots[8].1 = 900_000;
        curves[0] = Curve::through(knots).unwrap();
        let mut thresholds = [i32::MAX; CLASSES];
        thresholds[1] = -900;
        let table = table.finish();
        ModelWriter { weights: &weights, curves: &curves, thresholds: &thresholds, note: "by hand", table: &table }
            .finish()
    }

    #[test]
    fn a_handmade_model_says_what_a_person_works_out() {
        let model = Model::read(&small()).unwrap();
        assert_eq!((model.note(), model.lines()), ("by hand", 8));
        let plain = model.score(&name("sunday-school.example"));
        assert_eq!((plain.margin(Class::Adult), plain.margin(Class::Gambling)), (-1024, -1024), "the bias of harmless");
        assert_eq!(model.told(&plain).count(), 0);
        // 28 of sum 1: (28 × 128 - 640) >> 6 = 46 → 46 × 2048 / 2^18 nats less one.
        let casino = model.score(&name("www.mycasino.example"));
        assert_eq!((casino.margin(Class::Adult), casino.margin(Class::Gambling)), (-1024, 46 * 8 - 1024));
        assert_eq!(model.told(&casino).collect::<Vec<_>>(), [Class::Gambling]);
        assert_eq!(
            (casino.chance(Class::Adult), casino.chance(Class::Gambling), casino.benign()),
            (76_041, 108_927, 206_695)
        );
    }

    #[test]
    fn a_score_is_what_adding_rows_one_by_one_gives() {
        let model = Model::read(&small()).unwrap();
        for text in ["casino24.example", "my-pills-24.co.uk", "casi-casi-casi.vn", "xn--bcher-kva.example", "a.b.c.d"] {
            let name = name(text);
            let reading = Reading::of(&name).unwrap();
            let mut sums = [0; DIMS];
            reading.each(|feature| {
                if let Some(found) = model.table.find(feature.hash) {
                    sums.iter_mut().zip(found.values()).for_each(|(sum, value)| *sum += value);
                }
            });
            assert_eq!(model.score(&name), model.score_sums(&sums), "{text}");
        }
    }

    #[test]
    fn grams_are_weighed_by_what_they_move() {
        let model = Model::read(&small()).unwrap();
        let grams = model.weigh(&name("mycasino.example"), Class::Gambling, 3);
        assert_eq!(grams[0], Gram { text: "casi".into(), class: Class::Gambling, weight: 46 * 8 });
        assert_eq!(model.weigh(&name("example"), Class::Gambling, 3), []);
    }

    #[test]
    fn a_suffix_is_harmless() {
        let model = Model::read(&small()).unwrap();
        for text in ["co.uk", "com", "."] {
            let scores = model.score(&name(text));
            assert_eq!((scores.benign(), model.told(&scores).count()), (1_000_000, 0));
        }
    }
}
