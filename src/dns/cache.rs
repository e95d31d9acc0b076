//! Finished answers by question, in a fixed amount of memory. An entry is an upstream's message without its OPT, with the
//! places of its times to live and with everything in it that must be judged for each asker. One entry serves all profiles.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::query::{HEADER, rtype, u16_at};
use crate::config;
use crate::judge::Part;
use crate::name::Name;

/// What an answer depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    /// The name, lower-cased.
    pub name: Name,
    /// Record type.
    pub rtype: u16,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// The CD bit.
    pub checking_disabled: bool,
}

/// A finished answer.
#[derive(Debug)]
pub struct Entry {
    /// Header, question and records without OPT.
    wire: Box<[u8]>,
    question_end: u16,
    /// Where the times to live stand.
    ttl_offsets: Box<[u16]>,
    parts: Box<[Part]>,
    stored_at_secs: u64,
    ttl_secs: u32,
    hits: AtomicU32,
    refreshing: AtomicBool,
}

/// How an entry stands against the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Good for so many more seconds.
    Fresh(u32),
    /// Past its time, but better than nothing (RFC 8767).
    Stale,
    /// Of no use.
    Gone,
}

/// Why an upstream's message cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not a well-formed response.
    #[error("malformed answer")]
    Malformed,
    /// More octets than a DNS message has.
    #[error("answer too large")]
    TooLarge,
}

/// Stale answers are given this long (RFC 8767 §4).
pub const STALE_TTL_SECS: u32 = 30;
/// A server's failure is remembered so long (RFC 2308 §7.1 allows five minutes; short, because homes recover fast).
const FAILURE_TTL_SECS: u32 = 5;
/// An answer is asked again when this share of its time is left, if it was used at least [`PREFETCH_HITS`] times.
const PREFETCH_SHARE: u32 = 10;
const PREFETCH_HITS: u32 = 2;

impl Entry {
    /// Reads an upstream's answer that arrived at `now`.
    pub fn new(message: &[u8], now: u64, limits: &config::Cache) -> Result<Entry, EntryError> {
        if message.len() > usize::from(u16::MAX) {
            return Err(EntryError::TooLarge);
        }
        let read = Reading::of(message).ok_or(EntryError::Malformed)?;
        let secs = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        let rcode = message.get(3).copied().unwrap_or(0) & 0x0f;
        let ttl_secs = match (rcode, read.answer_ttl) {
            (0, Some(ttl)) => ttl.clamp(secs(limits.ttl_min), secs(limits.ttl_max)),
            // Negative answers live as long as their SOA says (RFC 2308 §5); without one they are not kept (§5).
            (0 | 3, _) => read.negative_ttl.unwrap_or(0).min(secs(limits.negative_ttl_max)),
            _ => FAILURE_TTL_SECS,
        };
        Ok(Entry {
            wire: read.wire.into(),
            question_end: read.question_end,
            ttl_offsets: read.ttl_offsets.into(),
            parts: read.parts.into(),
            stored_at_secs: now,
            ttl_secs,
            hits: AtomicU32::new(0),
            refreshing: AtomicBool::new(false),
        })
    }

    /// Everything in it that is judged beside the name asked for.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The response code's low bits.
    pub fn rcode(&self) -> u16 {
        self.wire.get(3).map_or(2, |flags| u16::from(flags & 0x0f))
    }

    /// How it stands at `now`.
    pub fn freshness(&self, now: u64, stale_max_secs: u64) -> Freshness {
        let age = now.saturating_sub(self.stored_at_secs);
        let ttl = u64::from(self.ttl_secs);
        if age < ttl {
            return Freshness::Fresh(u32::try_from(ttl.saturating_sub(age)).unwrap_or(u32::MAX));
        }
        // A failure is never served past its time.
        let useful = matches!(self.rcode(), 0 | 3) && age < ttl.saturating_add(stale_max_secs);
        if useful { Freshness::Stale } else { Freshness::Gone }
    }

    /// True once an entry's life when it is used and about to run out: the caller asks again.
    pub fn wants_prefetch(&self, left_secs: u32) -> bool {
        let hits = self.hits.load(Ordering::Relaxed).saturating_add(1);
        self.hits.store(hits, Ordering::Relaxed);
        hits >= PREFETCH_HITS
            && left_secs <= self.ttl_secs.wrapping_div(PREFETCH_SHARE)
            && !self.refreshing.swap(true, Ordering::Relaxed)
    }

    /// Writes the answer: header and question as asked (id, letter case, RD, CD), records with the time that is left,
    /// `ttl_max` at most. The caller adds OPT.
    pub fn write_to(&self, id: u16, query_flags: u16, question: &[u8], now: u64, ttl_max: u32, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.wire);
        let age = u32::try_from(now.saturating_sub(self.stored_at_secs)).unwrap_or(u32::MAX);
        // QR and RA are set; AA and AD are not ours to claim.
        let flags = 0x8080 | query_flags & 0x7910 | self.rcode();
        put(out, 0, &id.to_be_bytes());
        put(out, 2, &flags.to_be_bytes());
        if usize::from(self.question_end) == question.len().saturating_add(HEADER) {
            put(out, HEADER, question);
        }
        let stale = u64::from(age) >= u64::from(self.ttl_secs);
        for at in &self.ttl_offsets {
            let at = usize::from(*at);
            let ttl = out.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |octets| u32::from_be_bytes(*octets));
            // Records may outlive the entry, whose life was cut; none may live longer than the entry.
            let left = ttl.min(self.ttl_secs.max(1)).saturating_sub(age);
            let told = if stale { STALE_TTL_SECS } else { left };
            put(out, at, &told.min(ttl_max).to_be_bytes());
        }
    }

    fn weight(&self) -> u64 {
        let names = self.parts.iter().filter(|part| matches!(part, Part::Name(_))).count();
        let parts =
            self.parts.len().saturating_mul(size_of::<Part>()).saturating_add(names.saturating_mul(size_of::<Name>()));
        let offsets = self.ttl_offsets.len().saturating_mul(2);
        let own = self.wire.len().saturating_add(parts).saturating_add(offsets);
        u64::try_from(own.saturating_add(ENTRY_OVERHEAD)).unwrap_or(u64::MAX)
    }
}

/// Entry, key, three heap blocks and the cache's own bookkeeping; estimated from the types' sizes.
const ENTRY_OVERHEAD: usize = size_of::<Entry>() + size_of::<Key>() + 3 * 16 + 64;

fn put(out: &mut [u8], at: usize, octets: &[u8]) {
    if let Some(room) = out.get_mut(at..at.saturating_add(octets.len())) {
        room.copy_from_slice(octets);
    }
}

/// A walk over a response. Bounded by its length: every step moves on.
struct Reading {
    wire: Vec<u8>,
    question_end: u16,
    ttl_offsets: Vec<u16>,
    parts: Vec<Part>,
    answer_ttl: Option<u32>,
    negative_ttl: Option<u32>,
}

impl Reading {
    fn of(message: &[u8]) -> Option<Reading> {
        let flags = u16_at(message, 2)?;
        if flags & 0x8000 == 0 || u16_at(message, 4)? != 1 {
            return None;
        }
        let (_, after_name) = Name::from_message(message, HEADER).ok()?;
        let mut at = after_name.checked_add(4)?;
        message.get(..at)?;
        let mut reading = Reading {
            wire: message.to_vec(),
            question_end: u16::try_from(at).ok()?,
            ttl_offsets: Vec::new(),
            parts: Vec::new(),
            answer_ttl: None,
            negative_ttl: None,
        };
        let counts = [u16_at(message, 6)?, u16_at(message, 8)?, u16_at(message, 10)?];
        for (section, count) in counts.into_iter().enumerate() {
            for left in (0..count).rev() {
                let record = Record::at(message, at)?;
                at = record.end;
                if record.rtype == rtype::OPT {
                    // An OPT stands last in practice; one that does not would leave pointers behind it dangling.
                    if section != 2 || left != 0 {
                        return None;
                    }
                    reading.wire.truncate(record.start);
                    put(&mut reading.wire, 10, &count.saturating_sub(1).to_be_bytes());
                    return Some(reading);
                }
                reading.take(message, section, &record)?;
            }
        }
        reading.wire.truncate(at);
        Some(reading)
    }

    fn take(&mut self, message: &[u8], section: usize, record: &Record) -> Option<()> {
        self.ttl_offsets.push(u16::try_from(record.ttl_at).ok()?);
        if section == 0 {
            self.answer_ttl = Some(self.answer_ttl.map_or(record.ttl, |ttl| ttl.min(record.ttl)));
            parts_of(message, record, &mut self.parts)?;
        }
        if section == 1 && record.rtype == rtype::SOA {
            let minimum_at = record.end.checked_sub(4)?;
            let minimum = u32::from_be_bytes(*message.get(minimum_at..)?.first_chunk()?);
            self.negative_ttl = Some(record.ttl.min(minimum));
        }
        Some(())
    }
}

struct Record {
    start: usize,
    rtype: u16,
    ttl_at: usize,
    ttl: u32,
    data_at: usize,
    end: usize,
}

impl Record {
    fn at(message: &[u8], start: usize) -> Option<Record> {
        let (_, at) = Name::from_message(message, start).ok()?;
        let rtype = u16_at(message, at)?;
        let ttl_at = at.checked_add(4)?;
        let ttl = u32::from_be_bytes(*message.get(ttl_at..)?.first_chunk()?);
        let data_at = at.checked_add(10)?;
        let end = data_at.checked_add(usize::from(u16_at(message, at.checked_add(8)?)?))?;
        message.get(..end)?;
        // A time to live over 2^31 is zero (RFC 2181 §8).
        let ttl = if ttl > i32::MAX as u32 { 0 } else { ttl };
        Some(Record { start, rtype, ttl_at, ttl, data_at, end })
    }
}

const DNAME: u16 = 39;
const SVCB: u16 = 64;

/// Adds what the record leads to. `None` when it is malformed.
fn parts_of(message: &[u8], record: &Record, parts: &mut Vec<Part>) -> Option<()> {
    let data = message.get(record.data_at..record.end)?;
    match record.rtype {
        rtype::A => parts.push(Part::Addr(Ipv4Addr::from(*<&[u8; 4]>::try_from(data).ok()?).into())),
        rtype::AAAA => parts.push(Part::Addr(Ipv6Addr::from(*<&[u8; 16]>::try_from(data).ok()?).into())),
        rtype::CNAME | DNAME => {
            let (name, end) = Name::from_message(message, record.data_at).ok()?;
            if end != record.end {
                return None;
            }
            parts.push(Part::Name(Box::new(name)));
        }
        rtype::HTTPS | SVCB => binding(message, record, parts)?,
        _ => {}
    }
    Some(())
}

/// Target and address hints of a service binding (RFC 9460 §2.2, §7.3).
fn binding(message: &[u8], record: &Record, parts: &mut Vec<Part>) -> Option<()> {
    let (target, mut at) = Name::from_message(message, record.data_at.checked_add(2)?).ok()?;
    if !target.is_root() {
        parts.push(Part::Name(Box::new(target)));
    }
    while at < record.end {
        let key = u16_at(message, at)?;
        let value_at = at.checked_add(4)?;
        let end = value_at.checked_add(usize::from(u16_at(message, at.checked_add(2)?)?))?;
        if end > record.end {
            return None;
        }
        let value = message.get(value_at..end)?;
        match key {
            4 => parts.extend(value.as_chunks::<4>().0.iter().map(|octets| Part::Addr(IpAddr::from(*octets)))),
            6 => parts.extend(value.as_chunks::<16>().0.iter().map(|octets| Part::Addr(IpAddr::from(*octets)))),
            _ => {}
        }
        at = end;
    }
    (at == record.end).then_some(())
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Arc<Entry>> for Weight {
    fn weight(&self, _: &Key, entry: &Arc<Entry>) -> u64 {
        entry.weight()
    }
}

/// The cache. Shared by all threads; reading takes a shard's lock for a few instructions.
pub struct AnswerCache {
    entries: Cache<Key, Arc<Entry>, Weight>,
}

/// A guess at a common answer, to size the tables.
const USUAL_ENTRY: u64 = 400;

impl AnswerCache {
    /// A cache of at most so many octets.
    pub fn new(bytes_max: u64) -> AnswerCache {
        let items = usize::try_from(bytes_max.wrapping_div(USUAL_ENTRY)).unwrap_or(usize::MAX).max(16);
        AnswerCache { entries: Cache::with_weighter(items, bytes_max, Weight) }
    }

    /// The entry for that question, whatever its age.
    pub fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    /// Keeps an entry in place of an older one.
    pub fn insert(&self, key: Key, entry: Arc<Entry>) {
        self.entries.insert(key, entry);
    }

    /// Entries now held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// True when nothing is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Octets now held, as counted for the limit.
    pub fn bytes(&self) -> u64 {
        self.entries.weight()
    }
}

#[cfg(test)]
mod tests;
