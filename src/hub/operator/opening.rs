//! A takes what B hands over: opens each envelope, takes its token, keeps the report, and looks which names enough homes said.
//! What they did not stays closed here as well, and goes with its epoch.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use serde_json::json;
use tokio::task::spawn_blocking;

use super::gateway::Operator;
use super::store::Kind;
use crate::hub::collect::open::{Collector, Group, Indicator, Limits};
use crate::hub::database::DatabaseError;
use crate::report::envelope::REPORT_LEN;
use crate::report::manifest::Purpose;
use crate::report::message::{HEADER_LEN, Lane};

/// Octets of the largest hand-over: B sends in parts.
pub const BATCH_MAX: usize = 4_096 * REPORT_LEN;

/// Reports that are read at once.
const PAGE: usize = 512;

/// What both keep beside what came, and beside what A finds out (`triage/schema.rs`).
pub const TABLES: &str = "
CREATE TABLE IF NOT EXISTS ledger (epoch BIGINT PRIMARY KEY, at BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS published (epoch BIGINT PRIMARY KEY, half BYTEA NOT NULL);
CREATE TABLE IF NOT EXISTS epochs (lane TEXT, epoch BIGINT, stage BIGINT NOT NULL, PRIMARY KEY (lane, epoch));
";

impl Operator {
    /// Envelopes of one epoch in a row. Those that are none, or whose token is none, are left out.
    pub(super) async fn take_batch(self: &Arc<Operator>, place: (Lane, u32), body: &[u8]) -> u16 {
        if !body.len().is_multiple_of(REPORT_LEN) || body.len() > BATCH_MAX {
            return 400;
        }
        let manifest = self.manifest.load_full();
        let header = manifest.header(place.0, place.1).octets();
        let mut waiting = tokio::task::JoinSet::new();
        for envelope in body.chunks(REPORT_LEN) {
            let Ok((report, token)) = self.opening.open_report(envelope) else { continue };
            if report.first_chunk::<HEADER_LEN>() != Some(&header) {
                continue;
            }
            let (this, manifest) = (Arc::clone(self), Arc::clone(&manifest));
            waiting.spawn(async move {
                let spent = this.spend(&manifest, Purpose::Report, place, &token, &report).await;
                match spent {
                    Ok(()) => this.store.insert((Kind::Reports, place.0, place.1), &report, &[]).await.is_ok(),
                    // A token that is none is no reason to be asked again.
                    Err((status, _)) => status != 503,
                }
            });
        }
        let all = waiting.join_all().await;
        if !all.into_iter().all(|kept| kept) {
            return 503;
        }
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
        self.metrics.done("batch_taken", 1);
        200
    }

    /// Opens epochs of which something came. By the clock and not with each part: it looks through all of an epoch.
    pub(super) async fn open_fresh(self: &Arc<Operator>, now: u64) {
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        for place in fresh {
            let this = Arc::clone(self);
            let opened = spawn_blocking(move || this.open(place, now)).await;
            if !matches!(opened, Ok(Ok(()))) {
                tracing::error!(lane = place.0.name(), epoch = place.1, "not opened; tried again");
                self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(place);
            }
        }
    }

    /// After a start: what came before may not have been looked at.
    pub(super) fn look_again(&self) -> Result<(), DatabaseError> {
        let epochs = self.epochs()?;
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.extend(epochs.into_iter().map(|(lane, epoch, _)| (lane, epoch)));
        Ok(())
    }

    /// Looks which names enough homes said, and keeps those.
    fn open(&self, (lane, epoch): (Lane, u32), now: u64) -> Result<(), DatabaseError> {
        let header = self.manifest.load().header(lane, epoch);
        let reports_max = usize::try_from(self.reports_max).unwrap_or(usize::MAX);
        let mut collector = Collector::new(header, Limits { reports_max });
        let keep = |groups: Vec<Group>| {
            groups.into_iter().try_for_each(|group| match group {
                Group::Revealed(indicator) => self.keep_indicator(lane, epoch, &indicator, now),
                _ => Ok(()),
            })
        };
        let mut after = Vec::new();
        loop {
            let page = self.store.page((Kind::Reports, lane, epoch), &after, PAGE)?;
            for report in &page {
                keep(collector.open_before(report, &mut rand::rng()))?;
                collector.take(report);
            }
            let Some(last) = page.last() else { break };
            after.clone_from(last);
        }
        keep(collector.open(&mut rand::rng()))?;
        let rows = self.store.database().query("SELECT COUNT(*) FROM indicators", &[])?;
        let count = rows.first().and_then(|row| row.first()?.int()).unwrap_or(0);
        self.metrics.held("indicators", u64::try_from(count).unwrap_or(0));
        Ok(())
    }

    /// A later part of the same epoch brings higher numbers, never a second line.
    fn keep_indicator(&self, lane: Lane, epoch: u32, indicator: &Indicator, now: u64) -> Result<(), DatabaseError> {
        let regions: BTreeMap<u8, usize> = indicator.regions.iter().copied().collect();
        let values = [
            lane.name().into(),
            epoch.into(),
            indicator.name.to_string().as_str().into(),
            indicator.category.code().into(),
            (indicator.households as u64).into(),
            (indicator.refused as u64).into(),
            json!(regions).to_string().as_str().into(),
            json!(indicator.confidence).to_string().as_str().into(),
            now.into(),
        ];
        let keep = "INSERT INTO indicators (lane, epoch, name, category, households, refused, regions, confidence, at) \
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (lane, epoch, name, category) DO UPDATE SET \
            households = excluded.households, refused = excluded.refused, regions = excluded.regions, \
            confidence = excluded.confidence";
        self.store.database().execute(keep, &values).map(drop)
    }
}
