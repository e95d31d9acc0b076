//! What operators published, taken from a file: so that a desk can run apart from the servers that open reports. A count that
//! is known already is not changed.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::classify::Category;
use crate::hub::database::Value;
use crate::hub::triage::store::{Store, TriageError};
use crate::name::Name;
use crate::report::message::{Lane, REGIONS, THRESHOLD_FLOOR};
use crate::report::statistics::CELLS;

/// Octets of a file.
pub const FILE_MAX: u64 = 64 << 20;

/// The file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    #[serde(default)]
    indicators: Vec<Indicator>,
    #[serde(default)]
    cells: Vec<Cell>,
    #[serde(default)]
    batches: Vec<Batch>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Indicator {
    lane: String,
    epoch: u32,
    name: String,
    category: String,
    households: u32,
    #[serde(default)]
    refused: u32,
    #[serde(default)]
    regions: BTreeMap<u8, u32>,
    confidence: [u32; 4],
    at: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    epoch: u32,
    cell: u32,
    households: f64,
    deviation: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    epoch: u32,
    reports: u32,
    variance: u32,
    flip_one_in: u32,
}

impl Published {
    /// Reads a file's text and checks that all of it may be said.
    pub fn parse(text: &[u8]) -> Result<Published, TriageError> {
        let refused = |what: String| TriageError::Refused(what);
        let read: Published = serde_json::from_slice(text).map_err(|error| refused(error.to_string()))?;
        for one in &read.indicators {
            one.check().map_err(refused)?;
        }
        for one in &read.cells {
            let is_number = one.households.is_finite() && one.deviation.is_finite() && one.deviation > 0.0;
            if usize::try_from(one.cell).is_ok_and(|cell| cell >= CELLS) || !is_number {
                return Err(refused(format!(
                    "cell {} of epoch {}: 0 to {}, numbers, σ > 0",
                    one.cell,
                    one.epoch,
                    CELLS - 1
                )));
            }
        }
        if let Some(one) = read.batches.iter().find(|one| one.variance == 0 || one.flip_one_in < 3) {
            return Err(refused(format!("batch of epoch {}: a sum without noise is not published", one.epoch)));
        }
        Ok(read)
    }

    /// Puts in what is not there yet; how many rows that was.
    pub fn put(&self, store: &Store) -> Result<u64, TriageError> {
        store.database.transact(|open| {
            let mut put = 0;
            for one in &self.indicators {
                let insert = "INSERT INTO indicators (lane, epoch, name, category, households, refused, regions, \
                              confidence, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
                put += open.execute(insert, &one.values()?)?;
            }
            for one in &self.cells {
                let insert = "INSERT INTO cells (epoch, cell, households, deviation) VALUES ($1, $2, $3, $4) \
                              ON CONFLICT DO NOTHING";
                let values = [one.epoch.into(), one.cell.into(), one.households.into(), one.deviation.into()];
                put += open.execute(insert, &values)?;
            }
            for one in &self.batches {
                let insert = "INSERT INTO batches (epoch, reports, variance, flip_one_in) VALUES ($1, $2, $3, $4) \
                              ON CONFLICT DO NOTHING";
                let values = [one.epoch, one.reports, one.variance, one.flip_one_in].map(Value::from);
                put += open.execute(insert, &values)?;
            }
            Ok(put)
        })
    }
}

impl Indicator {
    /// What speaks against it.
    fn check(&self) -> Result<(), String> {
        let Indicator { lane, name, category, households, regions, .. } = self;
        let known = Lane::from_name(lane).ok_or_else(|| format!("lane {lane:?} is neither security nor harm"))?;
        if !Category::from_code(category).is_some_and(|category| known.categories().contains(category)) {
            return Err(format!("category {category:?} is not reported in the lane {lane}"));
        }
        let parsed = Name::parse(name).map_err(|error| format!("{name:?} is no name: {error}"))?;
        if parsed.registrable().is_none_or(|registrable| registrable.to_name() != parsed) || parsed.to_string() != *name
        {
            return Err(format!("{name:?} is no registrable name in lower case"));
        }
        if *households < u32::from(THRESHOLD_FLOOR) {
            return Err(format!("{name}: {households} homes, and nothing is said of fewer than {THRESHOLD_FLOOR}"));
        }
        match regions.keys().find(|region| **region >= REGIONS) {
            Some(region) => Err(format!("{name}: region {region}, and there are {REGIONS}")),
            None => Ok(()),
        }
    }

    fn values(&self) -> Result<Vec<Value>, TriageError> {
        let json = |error: serde_json::Error| TriageError::Refused(error.to_string());
        Ok(vec![
            self.lane.as_str().into(),
            self.epoch.into(),
            self.name.as_str().into(),
            self.category.as_str().into(),
            self.households.into(),
            self.refused.into(),
            serde_json::to_string(&self.regions).map_err(json)?.as_str().into(),
            serde_json::to_string(&self.confidence).map_err(json)?.as_str().into(),
            self.at.into(),
        ])
    }
}
