//! Which features there are, and the features of every row as numbers: first all that are common enough, later the slots
//! of a table as the model's reader will find them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::classify::lexical::{Kind, Reading};
use crate::name::Name;

/// How often a feature must come among the training rows to be looked at; measured: 3 and 4 do the same, 2 is slower.
const OFTEN: u8 = 3;
/// Bits of the counter's table: 2^27 octets hold the 60 million different features with few in one place.
const COUNTER_BITS: u32 = 27;
/// What a feature belongs to, in the upper bits of its number.
const GROUP_SHIFT: u32 = 30;
/// Bits of the number alone.
pub(super) const NUMBER: u32 = (1 << GROUP_SHIFT) - 1;

/// What part of a name a feature was read off; training leaves each out now and then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Group {
    Label = 0,
    Ending = 1,
    Left = 2,
}

impl Group {
    fn of(kind: Kind) -> Group {
        match kind {
            Kind::Ending | Kind::EndingShape => Group::Ending,
            Kind::SubGram | Kind::SubLabel => Group::Left,
            _ => Group::Label,
        }
    }

    /// The group of a numbered feature.
    pub(super) fn of_number(number: u32) -> Group {
        match number >> GROUP_SHIFT {
            0 => Group::Label,
            1 => Group::Ending,
            _ => Group::Left,
        }
    }
}

/// Hashes are mixed already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|octet| self.0 = self.0 << 8 | u64::from(*octet));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash.rotate_left(20);
    }
}

/// Features with their numbers.
#[derive(Default)]
pub(super) struct Vocabulary {
    numbers: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    /// By number: its hash.
    pub(super) hashes: Vec<u64>,
    /// By number: how often it came.
    pub(super) counts: Vec<u32>,
}

impl Vocabulary {
    /// The features that come often among these names.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a Name> + Clone) -> Vocabulary {
        let mut counter = vec![0_u8; 1 << COUNTER_BITS];
        let place = |hash: u64| (hash >> (64 - COUNTER_BITS)) as usize;
        for name in names.clone() {
            each(name, |hash, _| {
                if let Some(count) = counter.get_mut(place(hash)) {
                    *count = count.saturating_add(1);
                }
            });
        }
        let mut vocabulary = Vocabulary::default();
        for name in names {
            each(name, |hash, _| {
                if counter.get(place(hash)).is_some_and(|count| *count >= OFTEN) {
                    vocabulary.count(hash);
                }
            });
        }
        vocabulary
    }

    fn count(&mut self, hash: u64) {
        let next = self.hashes.len() as u32;
        let number = *self.numbers.entry(hash).or_insert(next);
        if number == next {
            self.hashes.push(hash);
            self.counts.push(0);
        }
        if let Some(count) = self.counts.get_mut(number as usize) {
            *count += 1;
        }
    }

    /// The number of a hash.
    pub(super) fn number(&self, hash: u64) -> Option<u32> {
        self.numbers.get(&hash).copied()
    }
}

/// Features of many names, one behind the other.
#[derive(Default)]
pub(super) struct Features {
    all: Vec<u32>,
    ends: Vec<usize>,
}

impl Features {
    /// The features of these names that `number` knows, each with its [`Group`] in the upper bits.
    pub(super) fn of<'a>(names: impl Iterator<Item = &'a Name>, number: impl Fn(u64) -> Option<u32>) -> Features {
        let mut features = Features::default();
        for name in names {
            each(name, |hash, kind| {
                if let Some(number) = number(hash) {
                    features.all.push(number | (Group::of(kind) as u32) << GROUP_SHIFT);
                }
            });
            features.ends.push(features.all.len());
        }
        features
    }

    /// The features of one name.
    pub(super) fn at(&self, row: usize) -> &[u32] {
        let from = row.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(row).copied().unwrap_or(from);
        self.all.get(from..end).unwrap_or(&[])
    }
}

fn each(name: &Name, mut take: impl FnMut(u64, Kind)) {
    if let Some(reading) = Reading::of(name) {
        reading.each(|feature| take(feature.hash, feature.kind));
    }
}
