//! Names and prefixes in, a bundle out. Holds 24 octets a name while it works, sorts in place, and gives the same bytes
//! for the same calls whatever the order of names.

use std::collections::HashMap;
use std::net::IpAddr;

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

use super::addresses::{Segment, Span, number, sweep};
use super::format::{self, Effect, Extent, Header, Line, PartRecord, Range4, Range6, SECTIONS, SETS_MAX};
use super::meta::{Meta, ServiceInfo, SourceInfo};
use crate::classify::category::{Category, CategorySet};
use crate::classify::service::{SERVICES_MAX, ServiceId, ServiceSet};
use crate::name::Suffix;

/// Slots used of a hundred: higher is smaller and slower (chains of full lines), 88 gives 9.1 octets a name.
const LOAD_PERCENT: u64 = 88;
/// Tries to find remainders that tell all names apart; each fails about once in 10¹⁴ pairs of a line.
const NONCES_MAX: u64 = 16;
/// What no list may say: sealed and legal entries have their own ways in, help cannot be moved.
const RESERVED: CategorySet = CategorySet::of(&[Category::Csam, Category::LegalOrder, Category::Help]);

/// A list within the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SourceId(pub u16);

/// A statement about names, shared by all names it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartId(u32);

/// Which names an entry speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Applies {
    /// The name alone.
    Exact = 1,
    /// All names below it.
    Subdomains = 2,
    /// Both.
    Suffix = 3,
}

/// Whether a part adds its categories or lifts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PartKind {
    /// Adds.
    Block = 0,
    /// Lifts.
    Allow = 1,
}

/// What one list says of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Part {
    /// Which names.
    pub applies: Applies,
    /// Adds or lifts.
    pub kind: PartKind,
    /// Categories added or lifted.
    pub categories: CategorySet,
    /// Services named.
    pub services: ServiceSet,
    /// Minimum age in years, 0 for none.
    pub min_age: u8,
    /// The list that says so.
    pub source: SourceId,
}

/// Why no bundle could be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// More lists than a 16-bit number counts.
    #[error("more than 65535 sources")]
    Sources,
    /// More services than the class word holds.
    #[error("service {0:?}: more than 256 services")]
    Services(String),
    /// Even coarsened, the lists combine in too many ways.
    #[error("more than 65535 different class sets")]
    Sets,
    /// Names that no nonce tells apart.
    #[error("names collide under every nonce")]
    Collisions,
    /// More than the file format can point at.
    #[error("bundle too large")]
    TooLarge,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WriteReport {
    /// Different names.
    pub names: u64,
    /// Disjoint address ranges.
    pub ranges: u64,
    /// Different class sets.
    pub sets: usize,
    /// Size of the bundle in octets.
    pub bytes: usize,
    /// Names whose list detail was dropped to save class sets.
    pub coarsened: u64,
}

/// A name by its hash, and what is said of it: a part while names are collected, a class set once they are grouped.
#[derive(Clone, Copy)]
struct Named {
    hash: (u64, u64),
    says: u32,
}

/// From so many names on, repeated ones are dropped before more memory is taken: lists repeat each other.
const TIDY_MIN: usize = 1 << 20;

/// Collects entries and writes the bundle.
pub struct BundleWriter {
    key: [u8; 16],
    list_version: u64,
    built_at: u64,
    meta: Meta,
    parts: Vec<Part>,
    part_ids: HashMap<Part, u32>,
    names: Vec<Named>,
    spans4: Vec<Span>,
    spans6: Vec<Span>,
    has_tld: bool,
    labels_max: u8,
}

impl BundleWriter {
    /// An empty bundle. `key` must be drawn after the lists are frozen (so that nobody can aim at a collision), `built_at`
    /// is seconds since 1970 and is stored as given.
    pub fn new(key: [u8; 16], list_version: u64, built_at: u64) -> BundleWriter {
        BundleWriter {
            key,
            list_version,
            built_at,
            meta: Meta::default(),
            parts: Vec::new(),
            part_ids: HashMap::new(),
            names: Vec::new(),
            spans4: Vec::new(),
            spans6: Vec::new(),
            has_tld: false,
            labels_max: 0,
        }
    }

    /// Adds a list.
    pub fn source(&mut self, info: SourceInfo) -> Result<SourceId, WriteError> {
        let id = u16::try_from(self.meta.sources.len()).map_err(|_| WriteError::Sources)?;
        self.meta.sources.push(info);
        Ok(SourceId(id))
    }

    /// The list's record, to fill in its counts once it is read.
    pub fn source_mut(&mut self, id: SourceId) -> Option<&mut SourceInfo> {
        self.meta.sources.get_mut(usize::from(id.0))
    }

    /// Adds a service; ids follow the order of the calls.
    pub fn service(&mut self, info: ServiceInfo) -> Result<ServiceId, WriteError> {
        if self.meta.services.len() == SERVICES_MAX {
            return Err(WriteError::Services(info.id));
        }
        let id = ServiceId(self.meta.services.len() as u8);
        self.meta.services.push(info);
        Ok(id)
    }

    /// The id of a statement; equal statements share one. Reserved categories (sealed, legal order, help) are dropped.
    pub fn part(&mut self, mut part: Part) -> PartId {
        part.categories = part.categories.without(RESERVED);
        let next = self.parts.len() as u32;
        let id = *self.part_ids.entry(part).or_insert(next);
        if id == next {
            self.parts.push(part);
        }
        PartId(id)
    }

    /// Says `part` of a name.
    pub fn name(&mut self, name: Suffix<'_>, part: PartId) {
        let labels = name.labels().count() as u8;
        self.has_tld |= labels == 1;
        self.labels_max = self.labels_max.max(labels);
        if self.names.len() == self.names.capacity() && self.names.len() >= TIDY_MIN {
            self.tidy();
        }
        self.names.push(Named { hash: format::hash(&self.key, name.as_wire()), says: part.0 });
    }

    fn tidy(&mut self) {
        self.names.sort_unstable_by_key(|named| (named.hash, named.says));
        self.names.dedup_by_key(|named| (named.hash, named.says));
        // A little room won would be used up, and sorted for, soon again.
        if self.names.len() > self.names.capacity() / 4 * 3 {
            self.names.reserve(self.names.capacity());
        }
    }

    /// Says `part` of the addresses from `first` to `last`, both included and of one family.
    pub fn range(&mut self, first: IpAddr, last: IpAddr, part: PartId) {
        let span = Span { first: number(first), last: number(last), part: part.0 };
        match (first, last) {
            (IpAddr::V4(_), IpAddr::V4(_)) => self.spans4.push(span),
            (IpAddr::V6(_), IpAddr::V6(_)) => self.spans6.push(span),
            _ => {}
        }
    }

    /// Writes the bundle.
    pub fn finish(mut self) -> Result<(Vec<u8>, WriteReport), WriteError> {
        self.tidy();
        let mut sets = Sets::default();
        let mut report = WriteReport::default();
        let ranges4 = ranges(&sweep(&self.spans4), &mut sets, &self.parts, &mut report)?;
        let ranges6 = ranges(&sweep(&self.spans6), &mut sets, &self.parts, &mut report)?;
        self.group(&mut sets, &mut report)?;
        let placed = std::mem::take(&mut self.names);
        self.meta.category_names = count_categories(&placed, &sets, &self.parts);
        let home_lines = (placed.len() as u64 * 100).div_ceil(8 * LOAD_PERCENT).max(1);
        let (table, nonce) = fill_any(&placed, home_lines)?;
        report.names = placed.len() as u64;
        report.ranges = (ranges4.len() + ranges6.len()) as u64;
        report.sets = sets.members.len();
        drop(placed);
        let records: Vec<PartRecord> = self.parts.iter().map(record).collect();
        let effects: Vec<Effect> = sets.members.iter().flat_map(|set| effects(set, &self.parts)).collect();
        let (index, members) = sets.flatten();
        let v4: Vec<Range4> = ranges4.iter().map(range4).collect();
        let v6: Vec<Range6> = ranges6.iter().map(range6).collect();
        let meta = serde_json::to_vec(&self.meta).map_err(|_| WriteError::TooLarge)?;
        let sections: [&[u8]; SECTIONS] = [
            table.as_bytes(),
            effects.as_bytes(),
            records.as_bytes(),
            index.as_bytes(),
            members.as_bytes(),
            v4.as_bytes(),
            v6.as_bytes(),
            &meta,
        ];
        let bytes = self.assemble(nonce, home_lines, &report, sections);
        report.bytes = bytes.len();
        Ok((bytes, report))
    }

    /// Leaves one record a name, in place: its hash and the id of its class set.
    fn group(&mut self, sets: &mut Sets, report: &mut WriteReport) -> Result<(), WriteError> {
        let mut members = Vec::new();
        let (mut from, mut to) = (0, 0);
        while let Some(Named { hash, .. }) = self.names.get(from).copied() {
            members.clear();
            members.extend(self.names[from..].iter().take_while(|named| named.hash == hash).map(|named| named.says));
            from += members.len();
            self.names[to] = Named { hash, says: u32::from(sets.intern(&members, &self.parts, report)?) };
            to += 1;
        }
        self.names.truncate(to);
        Ok(())
    }

    fn assemble(&self, nonce: u64, home_lines: u64, report: &WriteReport, sections: [&[u8]; SECTIONS]) -> Vec<u8> {
        let mut bytes = vec![0; size_of::<Header>()];
        let mut extents = [Extent::default(); SECTIONS];
        for (extent, section) in extents.iter_mut().zip(sections) {
            bytes.resize(bytes.len().next_multiple_of(format::ALIGN), 0);
            extent.offset = U64::new(bytes.len() as u64);
            extent.len = U64::new(section.len() as u64);
            extent.checksum = format::checksum(section);
            bytes.extend_from_slice(section);
        }
        let mut header = Header {
            magic: format::MAGIC,
            version: U32::new(format::VERSION),
            flags: U32::new(if self.has_tld { format::HAS_TLD } else { 0 }),
            key: self.key,
            nonce: U64::new(nonce),
            list_version: U64::new(self.list_version),
            built_at: U64::new(self.built_at),
            names: U64::new(report.names),
            addresses: U64::new(report.ranges),
            home_lines: U64::new(home_lines),
            sections: extents,
            labels_max: self.labels_max,
            reserved: [0; 3],
            reserved2: [0; 28],
            checksum: [0; 16],
        };
        header.checksum = format::checksum(header.as_bytes());
        bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        bytes
    }
}

/// Class sets: sorted part ids, numbered from 1 in the order of first use.
#[derive(Default)]
struct Sets {
    ids: HashMap<Box<[u32]>, u16>,
    members: Vec<Box<[u32]>>,
}

impl Sets {
    fn intern(&mut self, parts: &[u32], all: &[Part], report: &mut WriteReport) -> Result<u16, WriteError> {
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

    fn flatten(&self) -> (Vec<U32>, Vec<U32>) {
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
fn effects(parts: &[u32], all: &[Part]) -> [Effect; 2] {
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

fn record(part: &Part) -> PartRecord {
    PartRecord {
        categories: U64::new(part.categories.bits()),
        services: part.services.words().map(U64::new),
        source: U16::new(part.source.0),
        applies: part.applies as u8,
        kind: part.kind as u8,
        min_age: part.min_age,
        reserved: [0; 3],
    }
}

struct Ranged {
    first: u128,
    last: u128,
    set: u16,
}

fn ranges(
    segments: &[Segment],
    sets: &mut Sets,
    parts: &[Part],
    report: &mut WriteReport,
) -> Result<Vec<Ranged>, WriteError> {
    segments
        .iter()
        .map(|segment| {
            let set = sets.intern(&segment.parts, parts, report)?;
            Ok(Ranged { first: segment.first, last: segment.last, set })
        })
        .collect()
}

fn range4(range: &Ranged) -> Range4 {
    Range4 { first: U32::new(range.first as u32), last: U32::new(range.last as u32), set: U16::new(range.set) }
}

fn range6(range: &Ranged) -> Range6 {
    Range6 { first: range.first.to_be_bytes(), last: range.last.to_be_bytes(), set: U16::new(range.set) }
}

fn count_categories(placed: &[Named], sets: &Sets, parts: &[Part]) -> Vec<u64> {
    let masks: Vec<CategorySet> = sets
        .members
        .iter()
        .map(|set| {
            let [own, below] = effects(set, parts);
            CategorySet::from_bits(own.categories.get() | below.categories.get())
        })
        .collect();
    let mut uses = vec![0_u64; masks.len()];
    for named in placed {
        uses[named.says as usize - 1] += 1;
    }
    let mut counts = vec![0; Category::ALL.len()];
    for (mask, used) in masks.iter().zip(uses) {
        for category in mask.iter() {
            counts[category as usize] += used;
        }
    }
    counts
}

fn fill_any(placed: &[Named], home_lines: u64) -> Result<(Vec<Line>, u64), WriteError> {
    (0..NONCES_MAX)
        .find_map(|nonce| fill(placed, home_lines, nonce).map(|table| (table, nonce)))
        .ok_or(WriteError::Collisions)
}

/// Fills lines in hash order; what does not fit its line goes to the next, marked on the way. `None` when two names
/// cannot be told apart under this nonce.
fn fill(placed: &[Named], home_lines: u64, nonce: u64) -> Option<Vec<Line>> {
    let mut table = vec![Line::EMPTY; home_lines as usize];
    let (mut line, mut used) = (0, 0);
    for Named { hash, says } in placed {
        let place = format::place(*hash, nonce, home_lines);
        if place.line > line {
            (line, used) = (place.line, 0);
        } else if used == 8 {
            table[line].pass_on();
            (line, used) = (line + 1, 0);
            if line == table.len() {
                table.push(Line::EMPTY);
            }
        }
        // Another name's remainder anywhere on the way from home would be found first.
        if table[place.line..=line].iter().any(|line| line.find(place.remainder).is_some()) {
            return None;
        }
        table[line].0[used] = format::slot(place.remainder, *says as u16);
        used += 1;
    }
    // A later name may have settled on the way of an earlier one only behind it, so the check above is enough.
    Some(table)
}
