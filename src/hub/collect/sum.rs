//! The sum of blurred weeks: two aggregators verify together that each is well formed, add up their halves apart, add noise
//! each for itself, and publish a noised half. Neither ever holds a week, nor an exact count.

use std::collections::BTreeSet;
use std::io::Cursor;

use prio::codec::{Decode, Encode, ParameterizedDecode};
use prio::field::{Field128, FieldElement, FieldElementWithInteger};
use prio::vdaf::prio3::{
    Prio3InputShare, Prio3MultihotCountVec, Prio3PublicShare, Prio3VerifierShare, Prio3VerifyState,
};
use prio::vdaf::{Aggregatable, AggregateShare, Aggregator, OutputShare, VerifyTransition};
use rand::CryptoRng;

use crate::hub::collect::noise::discrete_gaussian;
use crate::report::ledger::{Ledger, LedgerError, NOISE_VARIANCE};
use crate::report::statistics::{self, CELLS, Estimate, NONCE_LEN};

/// Fewest weeks that are summed up and published: a rule of DAP; the number is ours.
pub const BATCH_MIN: u64 = 500;

/// Why a week does not count, or a sum is not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SumError {
    /// Octets that are no share.
    #[error("half of a week that cannot be read")]
    Malformed,
    /// The proof does not hold: more than 20 cells, or something other than bits.
    #[error("half of a week whose proof does not hold")]
    Proof,
    /// The nonce was there before.
    #[error("a week that was counted already")]
    Again,
    /// Fewer than [`BATCH_MIN`].
    #[error("{0} weeks are too few to be published (500)")]
    TooFew(u64),
    /// The budget.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// Two halves of different sums.
    #[error("two halves that do not belong together")]
    Mismatch,
    /// The library refused its own parameters.
    #[error("the aggregator cannot be set up")]
    Setup,
}

/// Which half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Operator A: the long half.
    A,
    /// Operator B: the seed.
    B,
}

/// One operator's side of one week.
pub struct Summing {
    vdaf: Prio3MultihotCountVec,
    side: Side,
    epoch: u32,
    key: [u8; 32],
    sum: AggregateShare<Field128>,
    weeks: u64,
    seen: BTreeSet<[u8; NONCE_LEN]>,
}

/// A half that waits for the other operator's word.
pub struct Pending {
    nonce: [u8; NONCE_LEN],
    state: Prio3VerifyState<Field128, 32>,
    word: Prio3VerifierShare<Field128, 32>,
}

/// A noised half of all counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    epoch: u32,
    weeks: u64,
    half: Vec<Field128>,
}

impl Summing {
    /// `key` is random, shared by both operators, and unknown to households.
    pub fn new(side: Side, epoch: u32, key: [u8; 32]) -> Result<Summing, SumError> {
        let vdaf = statistics::vdaf().map_err(|_| SumError::Setup)?;
        let sum = vdaf.aggregate_init(&());
        Ok(Summing { vdaf, side, epoch, key, sum, weeks: 0, seen: BTreeSet::new() })
    }

    /// Reads a half and makes the word about it that goes to the other operator.
    pub fn begin(&self, nonce: [u8; NONCE_LEN], public: &[u8], half: &[u8]) -> Result<(Pending, Vec<u8>), SumError> {
        if self.seen.contains(&nonce) {
            return Err(SumError::Again);
        }
        let id = usize::from(self.side == Side::B);
        let public = whole(public, |octets| Prio3PublicShare::decode_with_param(&self.vdaf, octets))?;
        let half = whole(half, |octets| Prio3InputShare::decode_with_param(&(&self.vdaf, id), octets))?;
        let context = statistics::context(self.epoch);
        let begun = self.vdaf.verify_init(&self.key, &context, id, &(), &nonce, &public, &half);
        let (state, word) = begun.map_err(|_| SumError::Proof)?;
        let octets = word.get_encoded().map_err(|_| SumError::Malformed)?;
        Ok((Pending { nonce, state, word }, octets))
    }

    /// Takes the other operator's word. Both come to the same conclusion, so a week counts at both or at neither.
    pub fn finish(&mut self, pending: Pending, other: &[u8]) -> Result<(), SumError> {
        let Pending { nonce, state, word } = pending;
        let other = whole(other, |octets| Prio3VerifierShare::decode_with_param(&state, octets))?;
        let words = if self.side == Side::A { [word, other] } else { [other, word] };
        let context = statistics::context(self.epoch);
        let message = self.vdaf.verifier_shares_to_message(&context, &(), words).map_err(|_| SumError::Proof)?;
        let next = self.vdaf.verify_next(&context, state, message).map_err(|_| SumError::Proof)?;
        let VerifyTransition::Finish(half) = next else { return Err(SumError::Proof) };
        if !self.seen.insert(nonce) {
            return Err(SumError::Again);
        }
        self.weeks += 1;
        self.sum.accumulate(&half).map_err(|_| SumError::Proof)
    }

    /// Weeks that count so far.
    pub fn weeks(&self) -> u64 {
        self.weeks
    }

    /// Adds noise and lets go. Once: there is no second draw to average.
    pub fn publish(mut self, ledger: &mut Ledger, rng: &mut impl CryptoRng) -> Result<Published, SumError> {
        if self.weeks < BATCH_MIN {
            return Err(SumError::TooFew(self.weeks));
        }
        ledger.spend(self.epoch)?;
        let noise: Vec<Field128> = (0..CELLS).map(|_| element(discrete_gaussian(NOISE_VARIANCE, rng))).collect();
        self.sum.accumulate(&OutputShare::from(noise)).map_err(|_| SumError::Proof)?;
        Ok(Published { epoch: self.epoch, weeks: self.weeks, half: self.sum.as_ref().to_vec() })
    }
}

impl Published {
    /// As it goes to the other operator: epoch, weeks, and an element of the field for each count.
    pub fn octets(&self) -> Result<Vec<u8>, SumError> {
        let mut octets = [self.epoch.to_be_bytes().as_slice(), &self.weeks.to_be_bytes()].concat();
        for element in &self.half {
            element.encode(&mut octets).map_err(|_| SumError::Malformed)?;
        }
        Ok(octets)
    }

    /// Reads what [`Published::octets`] wrote.
    pub fn parse(octets: &[u8]) -> Result<Published, SumError> {
        let (epoch, rest) = octets.split_first_chunk().ok_or(SumError::Malformed)?;
        let (weeks, rest) = rest.split_first_chunk().ok_or(SumError::Malformed)?;
        let elements = rest.chunks(Field128::ENCODED_SIZE).map(Field128::get_decoded);
        let half: Vec<Field128> = elements.collect::<Result<_, _>>().map_err(|_| SumError::Malformed)?;
        let (epoch, weeks) = (u32::from_be_bytes(*epoch), u64::from_be_bytes(*weeks));
        if half.len() == CELLS { Ok(Published { epoch, weeks, half }) } else { Err(SumError::Malformed) }
    }

    /// Which week.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Reports that were added up.
    pub fn weeks(&self) -> u64 {
        self.weeks
    }
}

/// Puts two noised halves together: an estimate for each cell, in order.
pub fn combine(a: &Published, b: &Published) -> Result<Vec<Estimate>, SumError> {
    if (a.epoch, a.weeks, a.half.len()) != (b.epoch, b.weeks, b.half.len()) {
        return Err(SumError::Mismatch);
    }
    let weeks = a.weeks;
    let counts = a.half.iter().zip(&b.half).map(|(a, b)| number(*a + *b));
    Ok(counts.map(|count| Estimate::of_count(count, weeks, NOISE_VARIANCE)).collect())
}

fn whole<'a, T, E>(octets: &'a [u8], read: impl FnOnce(&mut Cursor<&'a [u8]>) -> Result<T, E>) -> Result<T, SumError> {
    let mut cursor = Cursor::new(octets);
    let value = read(&mut cursor).map_err(|_| SumError::Malformed)?;
    if cursor.position() == octets.len() as u64 { Ok(value) } else { Err(SumError::Malformed) }
}

/// A number as the field has it: below zero is the other end.
fn element(number: i64) -> Field128 {
    let size = Field128::from(u128::from(number.unsigned_abs()));
    if number < 0 { -size } else { size }
}

fn number(element: Field128) -> i64 {
    let (value, modulus) = (u128::from(element), Field128::modulus());
    let bound = |size: u128| i64::try_from(size).unwrap_or(i64::MAX);
    if value > modulus / 2 { -bound(modulus - value) } else { bound(value) }
}

#[cfg(test)]
mod tests;
