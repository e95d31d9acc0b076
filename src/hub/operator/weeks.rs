//! Weeks are added up by A and B together when no more are taken: B leads, A answers, each adds its own noise and lets go of its
//! half. A sum that began and did not end begins again from what B keeps; what was published is never drawn a second time.

use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;

use super::gateway::Operator;
use super::store::Kind;
use crate::hub::collect::sum::{Pending, Published, Side, SumError, Summing, combine};
use crate::hub::database::{DatabaseError, Value};
use crate::report::envelope::{Recipient, Week};
use crate::report::ledger::{Ledger, NOISE_VARIANCE, WEEKS_A_YEAR};
use crate::report::message::Lane;
use crate::report::statistics::FLIP_ONE_IN;

/// Weeks that go to A together.
const TOGETHER: usize = 200;
/// Octets of the largest such message.
pub const WEEKS_MAX: usize = 4 << 20;
/// Octets of the longest word about a week.
const WORD_MAX: usize = 16 << 10;

/// Why a sum did not come about now. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(super) enum WeekError {
    /// The other operator cannot be reached, or answers something else.
    #[error("the other operator does not answer as it should")]
    Peer,
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The sum itself.
    #[error(transparent)]
    Sum(#[from] SumError),
}

/// A's side of a sum on its way.
pub(super) struct Running {
    pub(super) epoch: u32,
    pub(super) sum: Summing,
}

impl Operator {
    /// B: adds up a week with A, and publishes it. `Ok(false)`: too few to be published.
    pub(super) async fn add_up(self: &Arc<Operator>, epoch: u32, now: u64) -> Result<bool, WeekError> {
        let half = match self.published(epoch)? {
            Some(half) => half,
            None => match self.sum_with_peer(epoch).await? {
                Some(sum) => self.publish(sum, epoch, now)?,
                None => return Ok(false),
            },
        };
        let path = format!("publish/{epoch}");
        let (status, _) = self.to_peer(&path, half.into(), 64).await.ok_or(WeekError::Peer)?;
        if status == 200 { Ok(true) } else { Err(WeekError::Peer) }
    }

    async fn sum_with_peer(&self, epoch: u32) -> Result<Option<Summing>, WeekError> {
        let mut sum = Summing::new(Side::B, epoch, self.key_of(epoch))?;
        let (mut is_first, mut after) = (true, Vec::new());
        loop {
            // By their octets, a nonce behind what all share: nothing of when they came is left.
            let part = self.store.page((Kind::Weeks, Lane::Harm, epoch), &after, TOGETHER)?;
            let Some(last) = part.last() else { break };
            after.clone_from(last);
            let begun: Vec<(Week, Pending, Vec<u8>)> =
                part.iter().filter_map(|octets| self.begin(&sum, octets, Recipient::B)).collect();
            let mut body = vec![u8::from(is_first)];
            for (week, _, word) in &begun {
                // B's own half stays here.
                put(&mut body, &week.octets_for_a().ok_or(SumError::Malformed)?);
                put(&mut body, word);
            }
            is_first = false;
            let path = format!("weeks/{epoch}");
            let (status, answer) = self.to_peer(&path, body.into(), WEEKS_MAX).await.ok_or(WeekError::Peer)?;
            if status != 200 {
                return Err(WeekError::Peer);
            }
            let mut words = answer.as_ref();
            for (_, pending, _) in begun {
                let word = take(&mut words).ok_or(WeekError::Peer)?;
                let is_good = !word.is_empty() && sum.finish(pending, word).is_ok();
                self.metrics.done(if is_good { "week_summed" } else { "week_refused" }, 1);
            }
        }
        Ok((sum.weeks() >= crate::hub::collect::sum::BATCH_MIN).then_some(sum))
    }

    fn begin(&self, sum: &Summing, octets: &[u8], side: Recipient) -> Option<(Week, Pending, Vec<u8>)> {
        let week = Week::parse(octets).ok()?;
        let half = self.opening.open_half(&week, side).ok()?;
        let (pending, word) = sum.begin(week.nonce, &week.public, &half).ok()?;
        Some((week, pending, word))
    }

    /// A: words about weeks that B begins; an empty one where the week is none.
    pub(super) fn take_weeks(&self, running: &mut Option<Running>, epoch: u32, body: &[u8]) -> Option<Vec<u8>> {
        let (first, mut rest) = body.split_first()?;
        if *first == 1 {
            let sum = Summing::new(Side::A, epoch, self.key_of(epoch)).ok()?;
            *running = Some(Running { epoch, sum });
        }
        let running = running.as_mut().filter(|running| running.epoch == epoch)?;
        let mut answer = Vec::new();
        while !rest.is_empty() {
            let (week, theirs) = (take(&mut rest)?, take(&mut rest)?);
            let begun = self.begin(&running.sum, week, Recipient::A);
            let word = begun.and_then(|(_, pending, word)| {
                running.sum.finish(pending, theirs).ok()?;
                Some(word)
            });
            self.metrics.done(if word.is_some() { "week_summed" } else { "week_refused" }, 1);
            put(&mut answer, &word.unwrap_or_default());
        }
        Some(answer)
    }

    /// A: B's noised half of a sum. Adds its own, puts both together, and keeps what comes out.
    pub(super) fn take_published(
        &self,
        running: &mut Option<Running>,
        epoch: u32,
        half: &[u8],
        now: u64,
    ) -> Result<(), WeekError> {
        let theirs = Published::parse(half)?;
        if theirs.epoch() != epoch {
            return Err(SumError::Mismatch.into());
        }
        let ours = match self.published(epoch)? {
            Some(half) => Published::parse(&half)?,
            None => {
                let running = running.take().filter(|running| running.epoch == epoch).ok_or(WeekError::Peer)?;
                Published::parse(&self.publish(running.sum, epoch, now)?)?
            }
        };
        let estimates = combine(&ours, &theirs)?;
        self.store.database().transact(|open| {
            for (cell, estimate) in estimates.iter().enumerate() {
                let values =
                    [epoch.into(), (cell as u64).into(), estimate.households.into(), estimate.deviation.into()];
                open.execute(
                    "INSERT INTO cells (epoch, cell, households, deviation) VALUES ($1, $2, $3, $4) \
                     ON CONFLICT DO NOTHING",
                    &values,
                )?;
            }
            let values = [epoch.into(), ours.weeks().into(), NOISE_VARIANCE.into(), FLIP_ONE_IN.into()];
            let keep = "INSERT INTO batches (epoch, reports, variance, flip_one_in) VALUES ($1, $2, $3, $4) \
                ON CONFLICT DO NOTHING";
            open.execute(keep, &values).map(drop)
        })?;
        Ok(())
    }

    /// Spends from the year's budget, adds noise, and keeps what may be let go, all before anybody sees it.
    fn publish(&self, sum: Summing, epoch: u32, now: u64) -> Result<Vec<u8>, WeekError> {
        let mut ledger = self.ledger(epoch)?;
        let half = sum.publish(&mut ledger, &mut rand::rng())?.octets()?;
        self.store.database().transact(|open| {
            open.execute("INSERT INTO ledger (epoch, at) VALUES ($1, $2)", &[epoch.into(), now.into()])?;
            open.execute("INSERT INTO published (epoch, half) VALUES ($1, $2)", &[epoch.into(), half.as_slice().into()])
        })?;
        self.metrics.done("sum_published", 1);
        Ok(half)
    }

    fn published(&self, epoch: u32) -> Result<Option<Vec<u8>>, DatabaseError> {
        let rows = self.store.database().query("SELECT half FROM published WHERE epoch = $1", &[epoch.into()])?;
        Ok(rows.first().and_then(|row| row.first()?.octets().map(<[u8]>::to_vec)))
    }

    /// What was spent in the year before that week.
    fn ledger(&self, epoch: u32) -> Result<Ledger, DatabaseError> {
        let since = epoch.saturating_sub(WEEKS_A_YEAR - 1);
        let rows = self.store.database().query(
            "SELECT epoch FROM ledger WHERE epoch >= $1 AND epoch <> $2 ORDER BY epoch",
            &[since.into(), epoch.into()],
        )?;
        let mut ledger = Ledger::for_weeks(WEEKS_A_YEAR);
        for epoch in rows.iter().filter_map(|row| row.first().and_then(Value::int)) {
            // More than the budget cannot have been let go; if it was, the next release is refused.
            let _ = ledger.spend(u32::try_from(epoch).unwrap_or(u32::MAX));
        }
        Ok(ledger)
    }

    /// What both verify a week with; homes do not know it.
    fn key_of(&self, epoch: u32) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.shared);
        let tag = hmac::sign(&key, &[b"luytre verify 1".as_slice(), &epoch.to_be_bytes()].concat());
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }

    pub(super) async fn to_peer(&self, path: &str, body: Bytes, answer_max: usize) -> Option<(u16, Bytes)> {
        let bearer = format!("Bearer {}", super::serve::bearer_of(&self.shared));
        let url = format!("{}{path}", self.peer);
        self.poster.post(&url, &[("authorization", &bearer)], body, answer_max).await
    }
}

fn put(to: &mut Vec<u8>, part: &[u8]) {
    to.extend(u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
    to.extend(part);
}

fn take<'a>(from: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = from.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok().filter(|length| *length <= WORD_MAX)?;
    let (part, rest) = rest.split_at_checked(length)?;
    *from = rest;
    Some(part)
}
