//! What happens by the clock: keys that are over are destroyed, B hands over what came and adds up weeks with A, and epochs nobody
//! needs any more are forgotten.

use std::sync::Arc;

use super::gateway::Operator;
use super::opening::BATCH_MAX;
use super::settings::Role;
use super::store::Kind;
use super::weeks::WeekError;
use crate::hub::database::DatabaseError;
use crate::report::calendar::{ACCEPT_HOURS, HAND_OVER_HOURS};
use crate::report::envelope::REPORT_LEN;
use crate::report::message::Lane;

/// Hours after the end of an epoch at which the last of it is forgotten: a day after nothing more of it is taken.
const FORGET_HOURS: u64 = ACCEPT_HOURS + 24;

/// How far an epoch is; 0 where nothing was done yet. Each step is done once, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i64)]
enum Stage {
    /// B handed over what came in time.
    HandedOver = 1,
    /// And what came late, with the week's sum.
    Closed = 2,
    /// Nothing is left of it but results.
    Forgotten = 3,
}

impl Operator {
    /// Everything that is due now. What fails is tried again the next time. Keys are destroyed also while a hand-over lasts.
    pub(super) async fn tick(self: &Arc<Operator>, now: u64) {
        self.destroy_overdue(now);
        let Ok(_busy) = self.busy.try_lock() else { return };
        if let Err(error) = self.note_epochs() {
            tracing::error!("{error}");
        }
        if self.role == Role::A {
            // Before anything is forgotten.
            self.open_fresh(now).await;
        }
        let epochs = self.epochs().unwrap_or_default();
        let mut held = 0;
        for (lane, epoch, stage) in epochs {
            held += self.store.count(Kind::Sealed, lane, epoch).unwrap_or(0);
            match self.advance((lane, epoch), stage, now).await {
                Ok(()) => {}
                Err(error) => {
                    self.metrics.done("batch_failed", 1);
                    tracing::warn!(lane = lane.name(), epoch, "not handed over or added up yet: {error}");
                }
            }
        }
        self.metrics.held("messages", held);
    }

    fn destroy_overdue(&self, now: u64) {
        let calendar = self.manifest.load().calendar;
        match self.folder.destroy_overdue(calendar, now) {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                for (lane, epoch) in &gone {
                    tracing::info!(lane = lane.name(), epoch, "key destroyed");
                }
                self.metrics.done("key_destroyed", gone.len() as u64);
                self.reload_keys();
            }
            Err(error) => tracing::error!("a key that is over could not be destroyed: {error}"),
        }
    }

    pub(super) fn reload_keys(&self) {
        if let Err(error) = self.load_keys() {
            tracing::error!("{error}");
        }
    }

    async fn advance(self: &Arc<Operator>, place: (Lane, u32), stage: i64, now: u64) -> Result<(), WeekError> {
        let calendar = self.manifest.load().calendar;
        let after = |hours| calendar.after(place.0, place.1, hours) <= now;
        if self.role == Role::B && stage < Stage::HandedOver as i64 && after(HAND_OVER_HOURS) {
            self.hand_over(place).await?;
            self.set_stage(place, Stage::HandedOver)?;
        }
        if self.role == Role::B && stage < Stage::Closed as i64 && after(ACCEPT_HOURS) {
            self.hand_over(place).await?;
            if place.0 == Lane::Harm && !self.add_up(place.1, now).await? {
                self.metrics.done("sum_too_small", 1);
                tracing::info!(epoch = place.1, "too few weeks to be published");
            }
            self.set_stage(place, Stage::Closed)?;
        }
        let is_done = self.role == Role::A || self.stage(place)? >= Stage::Closed as i64;
        if is_done && after(FORGET_HOURS) {
            self.store.forget(place.0, place.1)?;
            self.set_stage(place, Stage::Forgotten)?;
        }
        Ok(())
    }

    /// Hands over all envelopes of an epoch in parts, and takes away here what A took. The order is that of their octets: behind
    /// a header that all share stands a public key that each home drew by chance, so nothing of when they came is left in it.
    async fn hand_over(&self, (lane, epoch): (Lane, u32)) -> Result<(), WeekError> {
        let place = (Kind::Sealed, lane, epoch);
        loop {
            let part = self.store.page(place, &[], BATCH_MAX / REPORT_LEN)?;
            if part.is_empty() {
                return Ok(());
            }
            let path = format!("batch/{}/{epoch}", lane.name());
            let answered = self.to_peer(&path, part.concat().into(), 64).await;
            if answered.is_none_or(|(status, _)| status != 200) {
                return Err(WeekError::Peer);
            }
            self.store.remove(place, part.iter().map(Vec::as_slice))?;
            self.metrics.done("batch_handed_over", 1);
        }
    }

    fn note_epochs(&self) -> Result<(), DatabaseError> {
        let manifest = self.manifest.load_full();
        self.store.database().transact(|open| {
            for (lane, epoch) in manifest.epochs() {
                open.execute(
                    "INSERT INTO epochs (lane, epoch, stage) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
                    &[lane.name().into(), epoch.into()],
                )?;
            }
            Ok(())
        })
    }

    /// Epochs of which something may be left, with how far each is.
    pub(super) fn epochs(&self) -> Result<Vec<(Lane, u32, i64)>, DatabaseError> {
        let question = "SELECT lane, epoch, stage FROM epochs WHERE stage < 3 ORDER BY epoch";
        let rows = self.store.database().query(question, &[])?;
        let epoch = |row: &Vec<crate::hub::database::Value>| {
            let [lane, epoch, stage] = row.as_slice() else { return None };
            Some((Lane::from_name(lane.text()?)?, u32::try_from(epoch.int()?).ok()?, stage.int()?))
        };
        Ok(rows.iter().filter_map(epoch).collect())
    }

    fn stage(&self, (lane, epoch): (Lane, u32)) -> Result<i64, DatabaseError> {
        let question = "SELECT stage FROM epochs WHERE lane = $1 AND epoch = $2";
        let rows = self.store.database().query(question, &[lane.name().into(), epoch.into()])?;
        Ok(rows.first().and_then(|row| row.first()?.int()).unwrap_or(0))
    }

    fn set_stage(&self, (lane, epoch): (Lane, u32), stage: Stage) -> Result<(), DatabaseError> {
        let values = [lane.name().into(), epoch.into(), (stage as i64).into()];
        let update = "UPDATE epochs SET stage = $3 WHERE lane = $1 AND epoch = $2";
        self.store.database().execute(update, &values).map(drop)
    }
}
