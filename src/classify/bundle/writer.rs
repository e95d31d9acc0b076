//! Names, URLs and prefixes in, a bundle out. Holds 24 octets a name and 48 a URL while it works, sorts in place, and gives
//! the same bytes for the same calls whatever the order of names.

use std::collections::HashMap;
use std::net::IpAddr;

use zerocopy::IntoBytes;
use zerocopy::little_endian::{U16, U32, U64};

use super::addresses::{Segment, Span, number, sweep};
use super::format::{self, Effect, Extent, Header, PartRecord, Range4, Range6, SECTIONS};
use super::meta::{Meta, ServiceInfo, SourceInfo};
use super::reader::Bundle;
use super::sets::{Sets, effects, group};
use super::table::{Hashed, Pile, Table};
use super::url_key::{HostKey, HostRules};
use crate::classify::category::{Category, CategorySet};
use crate::classify::path::PathAndQuery;
use crate::classify::service::{SERVICES_MAX, ServiceId, ServiceSet};
use crate::classify::url::Host;
use crate::name::Suffix;

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
    /// Names or URLs that no nonce tells apart.
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
    /// Different URL rules.
    pub urls: u64,
    /// Octets of the table they are in, with the hosts that have them.
    pub url_bytes: usize,
    /// Different class sets.
    pub sets: usize,
    /// Size of the bundle in octets.
    pub bytes: usize,
    /// Names whose list detail was dropped to save class sets.
    pub coarsened: u64,
}

/// Collects entries and writes the bundle.
pub struct BundleWriter {
    key: [u8; 16],
    list_version: u64,
    built_at: u64,
    meta: Meta,
    parts: Vec<Part>,
    part_ids: HashMap<Part, u32>,
    names: Pile,
    urls: Pile,
    url_hosts: Pile,
    spans4: Vec<Span>,
    spans6: Vec<Span>,
    has_tld: bool,
    labels_max: u8,
    url_below_labels: u8,
    home_lines: Option<u64>,
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
            names: Pile::new(same),
            urls: Pile::new(same),
            url_hosts: Pile::new(union),
            spans4: Vec::new(),
            spans6: Vec::new(),
            has_tld: false,
            labels_max: 0,
            url_below_labels: 0,
            home_lines: None,
        }
    }

    /// Keeps as many lines as `old` has while they are neither crowded nor empty, so that names which are in both stay where
    /// they were. For the same key only.
    #[must_use]
    pub fn like(mut self, old: &Bundle) -> BundleWriter {
        self.home_lines = Some(old.home_lines());
        self
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
        self.names.push(Hashed { hash: format::hash(&self.key, name.as_wire()), says: part.0 });
    }

    /// Says `part` of the URLs of `host` whose path is that of `path_and_query` or stands below it, and, where it has a
    /// query, of that path alone with queries that start so. Without a port, whatever the port. False, and nothing said,
    /// when it is longer than any that is looked up ([`PATH_MAX`](crate::classify::path::PATH_MAX)).
    pub fn url(&mut self, host: Host<'_>, port: Option<u16>, path_and_query: &str, part: PartId) -> bool {
        let Some(target) = PathAndQuery::of_rule(path_and_query.as_bytes()) else { return false };
        let below = self.parts[part.0 as usize].applies != Applies::Exact;
        let key = match host {
            Host::Name(name) => {
                if below {
                    self.url_below_labels = self.url_below_labels.max(name.label_count() as u8);
                }
                HostKey::of_name(&self.key, name.as_wire())
            }
            Host::Addr(addr) => HostKey::of_addr(&self.key, addr),
        };
        let rules = HostRules::of(&target, port, below);
        self.url_hosts.push(Hashed { hash: key.host(), says: rules.bits().into() });
        self.urls.push(Hashed { hash: key.at_port(port).rule(&target), says: part.0 });
        true
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
        let mut sets = Sets::default();
        let mut report = WriteReport::default();
        let ranges4 = ranges(&sweep(&self.spans4), &mut sets, &self.parts, &mut report)?;
        let ranges6 = ranges(&sweep(&self.spans6), &mut sets, &self.parts, &mut report)?;
        let names = self.table_of_names(&mut sets, &mut report)?;
        let urls = self.table_of_urls(&mut sets, &mut report)?;
        report.ranges = (ranges4.len() + ranges6.len()) as u64;
        report.sets = sets.members.len();
        let records: Vec<PartRecord> = self.parts.iter().map(record).collect();
        let effects: Vec<Effect> = sets.members.iter().flat_map(|set| effects(set, &self.parts)).collect();
        let (index, members) = sets.flatten();
        let v4: Vec<Range4> = ranges4.iter().map(range4).collect();
        let v6: Vec<Range6> = ranges6.iter().map(range6).collect();
        let meta = serde_json::to_vec(&self.meta).map_err(|_| WriteError::TooLarge)?;
        let sections: [&[u8]; SECTIONS] = [
            names.lines.as_bytes(),
            effects.as_bytes(),
            records.as_bytes(),
            index.as_bytes(),
            members.as_bytes(),
            v4.as_bytes(),
            v6.as_bytes(),
            urls.lines.as_bytes(),
            &meta,
        ];
        let bytes = self.assemble(&names, &urls, &report, sections);
        report.bytes = bytes.len();
        Ok((bytes, report))
    }

    fn table_of_names(&mut self, sets: &mut Sets, report: &mut WriteReport) -> Result<Table, WriteError> {
        let names = std::mem::replace(&mut self.names, Pile::new(same));
        let names = group(names.into_sorted(), sets, &self.parts, report)?;
        report.names = names.len() as u64;
        self.meta.category_names = count_categories(&names, sets, &self.parts);
        Table::fill_like(&names, self.home_lines).ok_or(WriteError::Collisions)
    }

    fn table_of_urls(&mut self, sets: &mut Sets, report: &mut WriteReport) -> Result<Table, WriteError> {
        let urls = std::mem::replace(&mut self.urls, Pile::new(same));
        let mut urls = group(urls.into_sorted(), sets, &self.parts, report)?;
        report.urls = urls.len() as u64;
        self.meta.category_urls = count_categories(&urls, sets, &self.parts);
        if urls.is_empty() {
            return Ok(Table::default());
        }
        urls.extend(std::mem::replace(&mut self.url_hosts, Pile::new(union)).into_sorted());
        urls.sort_unstable_by_key(|record| record.hash);
        let table = Table::fill(&urls).ok_or(WriteError::Collisions)?;
        report.url_bytes = size_of_val(&table.lines[..]);
        Ok(table)
    }

    fn assemble(&self, names: &Table, urls: &Table, report: &WriteReport, sections: [&[u8]; SECTIONS]) -> Vec<u8> {
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
            nonce: U64::new(names.nonce),
            list_version: U64::new(self.list_version),
            built_at: U64::new(self.built_at),
            names: U64::new(report.names),
            addresses: U64::new(report.ranges),
            home_lines: U64::new(names.home_lines),
            urls: U64::new(report.urls),
            url_nonce: U64::new(urls.nonce),
            url_home_lines: U64::new(urls.home_lines),
            sections: extents,
            labels_max: self.labels_max,
            url_below_labels: self.url_below_labels,
            reserved: [0; 6],
            reserved2: [0; 32],
            checksum: [0; 16],
        };
        header.checksum = format::checksum(header.as_bytes());
        bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
        bytes
    }
}

/// Statements about one name stay apart until they are grouped.
fn same(one: u32, other: u32) -> Option<u32> {
    (one == other).then_some(one)
}

/// The kinds of rules of one host add up.
fn union(one: u32, other: u32) -> Option<u32> {
    let [one, other] = [one, other].map(|bits| HostRules::from_bits(bits as u16));
    Some(one.union(other).bits().into())
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

fn count_categories(placed: &[Hashed], sets: &Sets, parts: &[Part]) -> Vec<u64> {
    let masks: Vec<CategorySet> = sets
        .members
        .iter()
        .map(|set| {
            let [own, below] = effects(set, parts);
            CategorySet::from_bits(own.categories.get() | below.categories.get())
        })
        .collect();
    let mut uses = vec![0_u64; masks.len()];
    for record in placed {
        uses[record.says as usize - 1] += 1;
    }
    let mut counts = vec![0; Category::ALL.len()];
    for (mask, used) in masks.iter().zip(uses) {
        for category in mask.iter() {
            counts[category as usize] += used;
        }
    }
    counts
}
