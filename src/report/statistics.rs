//! The week of a household as 216 bits that say *whether*, never *how often*: blurred here, before anything else, and split
//! into two shares of which each alone is noise (Prio3MultihotCountVec, draft-irtf-cfrg-vdaf-18). The proof in them shows
//! both aggregators that no more than 20 bits are set. Pure but for randomness.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use prio::codec::Encode;
use prio::vdaf::Client;
use prio::vdaf::VdafError;
use prio::vdaf::prio3::Prio3MultihotCountVec;
use rand::{CryptoRng, Rng};
use zeroize::Zeroize;

use crate::classify::category::Category;
use crate::report::consent::{Counting, Permit};

/// Kinds of things counted: categories, together where few are expected.
pub const GROUPS: usize = 24;
/// Bands of children.
pub const BANDS: usize = 5;
/// Parts of a day.
pub const PARTS: usize = 4;
/// Cells: groups by band, and groups by part of the day. Two margins; never all three together.
pub const CELLS: usize = GROUPS * (BANDS + PARTS);
/// Cells one household can set, blurring included: what the proof shows and the noise is measured for.
pub const WEIGHT_MAX: usize = 20;
/// Cells set before blurring; of more, some are dropped by chance. Blurring sets 3.2 more on average and must find room.
pub const TRUE_MAX: usize = 12;
/// One in so many bits is turned over: q = 1/64.
pub const FLIP_ONE_IN: u32 = 64;
/// Octets that make a split unique.
pub const NONCE_LEN: usize = 16;

/// Multiplications of the proof taken together; the length of a proof is least near √216.
const CHUNK: usize = 15;

/// Why nothing was split.
#[derive(Debug, thiserror::Error)]
pub enum StatisticsError {
    /// The library refused.
    #[error("the week cannot be split: {0}")]
    Vdaf(#[from] VdafError),
    /// The library could not write its own share.
    #[error("a share cannot be written: {0}")]
    Codec(#[from] prio::codec::CodecError),
    /// Another number of shares than two.
    #[error("{0} shares where there are two")]
    Shares(usize),
}

/// One of the 216.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cell(usize);

/// What was met this week. Stays in memory, is wiped when dropped, and cannot be sent.
pub struct Presence([bool; CELLS]);

/// A week in which any bit may be chance. Only this is split.
pub struct Blurred([bool; CELLS]);

/// A week in two halves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Halves {
    /// Random; both aggregators see it and take each once.
    pub nonce: [u8; NONCE_LEN],
    /// What both see.
    pub public: Vec<u8>,
    /// For operator A.
    pub a: Vec<u8>,
    /// For operator B: a seed.
    pub b: Vec<u8>,
}

/// One answer about one group, which may always be chance: all that is sent where there is one operator only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OneCell {
    /// Drawn, whatever the week was.
    pub group: u8,
    /// True with probability 3/4 when something of the group was met, 1/4 when not: ε = ln 3.
    pub answer: bool,
}

/// A number of households, as far as it can be known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Unbiased, hence sometimes below zero.
    pub households: f64,
    /// Standard deviation of everything that was added on purpose.
    pub deviation: f64,
}

impl Cell {
    /// Met by a child of that band (0 to 4). `None` for what is never counted, help and sealed content among it.
    pub fn of_band(category: Category, band: usize) -> Option<Cell> {
        let cell = group_of(category)?.checked_mul(BANDS)?.checked_add(band)?;
        (band < BANDS).then_some(Cell(cell))
    }

    /// Met in that part of a day (0 to 3). `None` likewise.
    pub fn of_part(category: Category, part: usize) -> Option<Cell> {
        let cell = group_of(category)?.checked_mul(PARTS)?.checked_add(part)?.checked_add(GROUPS * BANDS)?;
        (part < PARTS).then_some(Cell(cell))
    }

    /// Its place among [`CELLS`].
    pub fn place(self) -> usize {
        self.0
    }
}

impl Presence {
    /// A week without anything.
    pub fn new() -> Presence {
        Presence([false; CELLS])
    }

    /// Something was met. Twice is once.
    pub fn meet(&mut self, cell: Cell) {
        if let Some(bit) = self.0.get_mut(cell.0) {
            *bit = true;
        }
    }

    /// The places of the cells that are set, for whoever is shown them at home.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter_map(|(place, bit)| bit.then_some(place))
    }

    /// Drops cells by chance down to [`TRUE_MAX`], turns each bit over with q = 1/64, and again keeps [`WEIGHT_MAX`].
    pub fn blur(mut self, rng: &mut impl CryptoRng, _: Permit) -> Blurred {
        keep(&mut self.0, TRUE_MAX, rng);
        let mut cells = self.0;
        for bit in &mut cells {
            *bit ^= rng.next_u32().is_multiple_of(FLIP_ONE_IN);
        }
        keep(&mut cells, WEIGHT_MAX, rng);
        Blurred(cells)
    }

    /// Randomised response (Warner 1965) about one group drawn by chance.
    pub fn one_cell(&self, rng: &mut impl CryptoRng, _: Counting) -> OneCell {
        let group = below(GROUPS, rng);
        let of_bands = self.0.chunks(BANDS).nth(group);
        let is_met = of_bands.is_some_and(|cells| cells.contains(&true));
        let is_turned = rng.next_u32().is_multiple_of(4);
        OneCell { group: u8::try_from(group).unwrap_or(0), answer: is_met ^ is_turned }
    }
}

impl Default for Presence {
    fn default() -> Presence {
        Presence::new()
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Drop for Blurred {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Blurred {
    /// Two shares with a proof. `epoch` is bound into it.
    pub fn split(&self, epoch: u32, rng: &mut impl CryptoRng) -> Result<Halves, StatisticsError> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let (public, shares) = vdaf()?.shard(&context(epoch), &self.0.to_vec(), &nonce)?;
        let [a, b] = shares.as_slice() else { return Err(StatisticsError::Shares(shares.len())) };
        Ok(Halves { nonce, public: public.get_encoded()?, a: a.get_encoded()?, b: b.get_encoded()? })
    }

    /// Which cells are set.
    #[cfg(test)]
    pub(crate) fn cells(&self) -> &[bool; CELLS] {
        &self.0
    }
}

impl Estimate {
    /// From a noised count of `reports` blurred weeks: (c − N q) / (1 − 2 q). The deviation is that of the bits turned over
    /// and of both aggregators' noise, each of `variance`.
    #[allow(clippy::cast_precision_loss, reason = "counts of households")]
    pub fn of_count(count: i64, reports: u64, variance: u64) -> Estimate {
        let (q, reports) = (1.0 / f64::from(FLIP_ONE_IN), reports as f64);
        let spread = reports * q * (1.0 - q) + 2.0 * variance as f64;
        let scale = 1.0 - 2.0 * q;
        Estimate { households: (count as f64 - reports * q) / scale, deviation: spread.sqrt() / scale }
    }

    /// From the answers about one group: share of households, `yes` of `answers`.
    #[allow(clippy::cast_precision_loss, reason = "counts of households")]
    pub fn of_answers(yes: u64, answers: u64) -> Estimate {
        let answers = answers as f64;
        let households = (yes as f64 - answers / 4.0) * 2.0;
        Estimate { households, deviation: 2.0 * (answers * 3.0 / 16.0).sqrt() }
    }
}

/// What both sides compute with.
pub(crate) fn vdaf() -> Result<Prio3MultihotCountVec, VdafError> {
    Prio3MultihotCountVec::new_multihot_count_vec(2, CELLS, WEIGHT_MAX, CHUNK)
}

/// Binds a split to this use, these parameters and this week (VDAF §4.3).
pub(crate) fn context(epoch: u32) -> Vec<u8> {
    format!("luytre report 1 week {epoch} cells {CELLS} weight {WEIGHT_MAX} flip {FLIP_ONE_IN}").into_bytes()
}

/// Which of the 24 a category belongs to; `None` for what is never counted.
fn group_of(category: Category) -> Option<usize> {
    let groups: [&[Category]; GROUPS] = [
        &[Category::Malware],
        &[Category::PhishingScam],
        &[Category::Stalkerware],
        &[Category::NewlyRegistered],
        &[Category::Bypass],
        &[Category::AdsTracker],
        &[Category::Grooming, Category::StrangerChat],
        &[Category::NudifyNcii],
        &[Category::SelfharmPromo, Category::EatingDisPromo],
        &[Category::DangerousActs],
        &[Category::BullyingDox],
        &[Category::TraffickingLure],
        &[Category::Porn, Category::Suggestive, Category::AdultServices],
        &[Category::Dating],
        &[Category::GoreViolence, Category::Horror],
        &[Category::HateExtremism, Category::CrudeLanguage],
        &[Category::Drugs, Category::Alcohol, Category::TobaccoVape],
        &[Category::Weapons],
        &[Category::Gambling, Category::GamblingLike],
        &[Category::PredatoryLoan, Category::Speculation],
        &[Category::SocialNetwork, Category::Messaging, Category::ForumUgc],
        &[Category::VideoUgc, Category::Livestream, Category::Piracy, Category::DownloadStore],
        &[Category::Gaming, Category::Gaming16, Category::Gaming18],
        &[Category::AiCompanion, Category::AiGeneral],
    ];
    groups.iter().position(|group| group.contains(&category))
}

/// Clears bits drawn by chance until `most` are set.
fn keep(cells: &mut [bool; CELLS], most: usize, rng: &mut impl Rng) {
    let mut set: Vec<usize> = cells.iter().enumerate().filter_map(|(at, bit)| bit.then_some(at)).collect();
    while set.len() > most {
        let at = set.swap_remove(below(set.len(), rng));
        if let Some(bit) = cells.get_mut(at) {
            *bit = false;
        }
    }
}

/// A number below `end`, which is 1 to a few hundred: the remainder favours some by less than 2⁻⁵⁵.
fn below(end: usize, rng: &mut impl Rng) -> usize {
    let end = u64::try_from(end.max(1)).unwrap_or(1);
    rng.next_u64().checked_rem(end).and_then(|drawn| usize::try_from(drawn).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests;
