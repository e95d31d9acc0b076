//! Class sets: all that is said of a name or a URL by one number, and what that comes to, worked out once by the writer.

use std::collections::HashMap;

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U32, U64};

use super::format::{Effect, SETS_MAX};
use super::table::Hashed;
use super::writer::{Applies, Part, PartKind, WriteError, WriteReport};
use crate::classify::category::CategorySet;
use crate::classify::service::ServiceSet;

/// Class sets: sorted part ids, numbered from 1 in the order of first use.
#[derive(Default)]
pub struct Sets {
    ids: HashMap<Box<[u32]>, u16>,
    pub members: Vec<Box<[u32]>>,
}

impl Sets {
    /// The id of the set of these parts, which are sorted.
    pub fn intern(&mut self, parts: &[u32], all: &[Part], report: &mut WriteReport) -> Result<u16, WriteError> {
        if let Some(id) = self.ids.get(parts) {
            return Ok(*id);
        }
        // Half the ids stay free for coarse sets, of which there are few.
        if self.members.len() < SETS_MAX / 2 {
            return self.add(parts);
        }
        report.coarsened += 1;
        let coarse = coarsen(parts, all);
        match self.ids.get(&coarse[..]) {
            Some(id) => Ok(*id),
            None => self.add(&coarse),
        }
    }

    fn add(&mut self, parts: &[u32]) -> Result<u16, WriteError> {
        if self.members.len() >= SETS_MAX {
            return Err(WriteError::Sets);
        }
        let id = self.members.len() as u16 + 1;
        self.ids.insert(parts.into(), id);
        self.members.push(parts.into());
        Ok(id)
    }

    /// Where each set ends among all members, and those.
    pub fn flatten(&self) -> (Vec<U32>, Vec<U32>) {
        let mut index = vec![U32::new(0)];
        let mut members = Vec::new();
        for set in &self.members {
            members.extend(set.iter().map(|part| U32::new(*part)));
            index.push(U32::new(members.len() as u32));
        }
        (index, members)
    }
}

/// Drops the parts that add nothing but another list's name: the effect of the set stays exactly the same.
fn coarsen(parts: &[u32], all: &[Part]) -> Vec<u32> {
    let whole = pair(parts, all);
    let mut kept = parts.to_vec();
    for part in parts.iter().rev() {
        let without: Vec<u32> = kept.iter().copied().filter(|id| id != part).collect();
        if pair(&without, all) == whole {
            kept = without;
        }
    }
    kept
}

fn pair(parts: &[u32], all: &[Part]) -> [Vec<u8>; 2] {
    effects(parts, all).map(|effect| effect.as_bytes().to_vec())
}

/// What the set does to the name itself and to the names below it.
pub fn effects(parts: &[u32], all: &[Part]) -> [Effect; 2] {
    [Applies::Exact, Applies::Subdomains].map(|level| {
        let applying = || {
            parts
                .iter()
                .filter_map(|id| all.get(*id as usize))
                .filter(move |part| part.applies as u8 & level as u8 != 0)
        };
        let lifts = applying()
            .filter(|part| part.kind == PartKind::Allow)
            .fold(CategorySet::EMPTY, |lifts, part| lifts | part.categories);
        let (mut categories, mut services, mut min_age) = (CategorySet::EMPTY, ServiceSet::EMPTY, 0);
        let mut stands = false;
        for part in applying().filter(|part| part.kind == PartKind::Block) {
            let added = part.categories.without(lifts);
            if part.categories.is_empty() || !added.is_empty() {
                categories |= added;
                stands |= part.categories.is_empty() && !part.services.is_empty();
                services = services.union(part.services);
                min_age = min_age.max(part.min_age);
            }
        }
        Effect {
            categories: U64::new(categories.bits()),
            lifts: U64::new(lifts.bits()),
            services: services.words().map(U64::new),
            min_age,
            stands: u8::from(stands),
            reserved: [0; 14],
        }
    })
}

/// Leaves one record a name or URL, in place: its hash and the id of its class set.
pub fn group(
    mut records: Vec<Hashed>,
    sets: &mut Sets,
    parts: &[Part],
    report: &mut WriteReport,
) -> Result<Vec<Hashed>, WriteError> {
    let mut members = Vec::new();
    let (mut from, mut to) = (0, 0);
    while let Some(Hashed { hash, .. }) = records.get(from).copied() {
        members.clear();
        members.extend(records[from..].iter().take_while(|record| record.hash == hash).map(|record| record.says));
        from += members.len();
        records[to] = Hashed { hash, says: u32::from(sets.intern(&members, parts, report)?) };
        to += 1;
    }
    records.truncate(to);
    Ok(records)
}
