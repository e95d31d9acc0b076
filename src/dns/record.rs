//! A finished answer in one block of words: an upstream's message without its OPT, the places of its times to live, and
//! everything in it that must be judged for each asker. One record serves all profiles; patched, never rebuilt.
//!
//! ```text
//! head 32 octets | message, question lower-cased | offsets of times to live, 16 bits each | parts
//! part: 4, IPv4 address | 6, IPv6 address | 0, name in wire form
//! ```
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::answer::EdeCode;
use super::query::{HEADER, rtype, u16_at};
use crate::config;
use crate::judge::Part;
use crate::name::Name;

/// What an answer depends on, to look it up.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The name, lower-cased.
    pub name: &'a Name,
    /// Record type.
    pub rtype: u16,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// The CD bit.
    pub checking_disabled: bool,
    /// Service bindings without Encrypted Client Hello.
    pub without_ech: bool,
}

/// The same, to keep.
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
    /// Service bindings without Encrypted Client Hello.
    pub without_ech: bool,
}

impl Question<'_> {
    /// A copy that stands alone.
    pub fn to_key(self) -> Key {
        let Question { name, rtype, dnssec_ok, checking_disabled, without_ech } = self;
        Key { name: name.clone(), rtype, dnssec_ok, checking_disabled, without_ech }
    }

    /// What is not name and type, as a number.
    pub fn bits(self) -> u8 {
        u8::from(self.dnssec_ok) | u8::from(self.checking_disabled) << 1 | u8::from(self.without_ech) << 2
    }
}

impl Key {
    /// The question it keeps.
    pub fn question(&self) -> Question<'_> {
        let Key { ref name, rtype, dnssec_ok, checking_disabled, without_ech } = *self;
        Question { name, rtype, dnssec_ok, checking_disabled, without_ech }
    }
}

/// A finished answer of its own.
#[derive(Debug)]
pub struct Entry(Box<[u64]>);

/// A finished answer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    head: &'a Head,
    /// Everything behind the head.
    body: &'a [u8],
}

#[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Head {
    /// Where the cache files it; written by the cache.
    hash: u64,
    /// Length of the record, head included.
    words: u32,
    ttl_secs: u32,
    /// Seconds since 1970; 32 bits last until 2106.
    stored_at_secs: u32,
    parts_len: u32,
    wire_len: u16,
    question_end: u16,
    ttls: u16,
    bits: u8,
    /// A [`Note`].
    note: u8,
}

/// The AD bit of the flag word (RFC 4035 §3.1.6).
const AD: u16 = 0x0020;
/// The DO bit among [`Question::bits`].
const DNSSEC_OK: u8 = 1;

/// Words of a record's head.
pub const HEAD_WORDS: usize = size_of::<Head>() / 8;
/// Longest record: a whole message and as much again for what it leads to. A chain of thousands of aliases is refused.
pub const WORDS_MAX: usize = 1 << 14;

/// What is known of an answer that its message does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Note {
    /// All of it was validated (RFC 4035 §3.2.3).
    pub authentic: bool,
    /// Why it is a failure (RFC 8914).
    pub ede: Option<EdeCode>,
    /// Something is guessed of the name asked for, should nobody list it ([`Guesser::suspects`]).
    ///
    /// [`Guesser::suspects`]: crate::classify::guess::Guesser::suspects
    pub is_suspect: bool,
}

/// The bits of [`Note::authentic`] and [`Note::is_suspect`]; the code stands below them.
const AUTHENTIC: u8 = 0x80;
const SUSPECT: u8 = 0x40;

/// How an answer stands against the clock.
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
    /// More octets than a DNS message has, or leading to more than is judged.
    #[error("answer too large")]
    TooLarge,
}

/// Stale answers are given this long (RFC 8767 §4).
pub const STALE_TTL_SECS: u32 = 30;
/// A server's failure is remembered so long (RFC 2308 §7.1 allows five minutes; short, because homes recover fast).
const FAILURE_TTL_SECS: u32 = 5;

impl Entry {
    /// Reads an upstream's answer to `question` that arrived at `now`.
    pub fn new(message: &[u8], question: Question<'_>, now: u64, limits: &config::Cache) -> Result<Entry, EntryError> {
        if message.len() > usize::from(u16::MAX) {
            return Err(EntryError::TooLarge);
        }
        let read = Reading::of(message, question).ok_or(EntryError::Malformed)?;
        let secs = |duration: std::time::Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        let rcode = message.get(3).copied().unwrap_or(0) & 0x0f;
        let ttl_secs = match (rcode, read.answer_ttl) {
            (0, Some(ttl)) => ttl.clamp(secs(limits.ttl_min), secs(limits.ttl_max)),
            // Negative answers live as long as their SOA says (RFC 2308 §5); without one they are not kept (§5).
            (0 | 3, _) => read.negative_ttl.unwrap_or(0).min(secs(limits.negative_ttl_max)),
            _ => FAILURE_TTL_SECS,
        };
        read.into_entry(question, now, ttl_secs).ok_or(EntryError::TooLarge)
    }

    /// The same answer with what is known of it.
    pub fn with_note(mut self, note: Note) -> Entry {
        if let Ok((head, _)) = Head::mut_from_prefix(self.0.as_mut_bytes()) {
            let authentic = if note.authentic { AUTHENTIC } else { 0 };
            let suspect = if note.is_suspect { SUSPECT } else { 0 };
            head.note = authentic | suspect | note.ede.map_or(0, |code| code as u8);
        }
        self
    }

    /// A copy of a record that [`Answer::of`] has accepted.
    pub fn from_words(words: &[u64]) -> Entry {
        Entry(words.into())
    }

    /// The record.
    pub fn words(&self) -> &[u64] {
        &self.0
    }

    /// The answer.
    pub fn answer(&self) -> Answer<'_> {
        const NONE: Head = Head {
            hash: 0,
            words: 0,
            ttl_secs: 0,
            stored_at_secs: 0,
            parts_len: 0,
            wire_len: 0,
            question_end: 0,
            ttls: 0,
            bits: 0,
            note: 0,
        };
        // Entries are made of whole records only, so there always is one.
        Answer::of(&self.0).unwrap_or(Answer { head: &NONE, body: &[] })
    }
}

impl<'a> Answer<'a> {
    /// The answer in a record; `None` when the words hold no whole one.
    pub fn of(words: &'a [u64]) -> Option<Answer<'a>> {
        let (head, body) = Head::ref_from_prefix(words.as_bytes()).ok()?;
        let offsets_end = offsets_at(head.wire_len).saturating_add(usize::from(head.ttls).saturating_mul(2));
        let whole = offsets_end.saturating_add(head.parts_len as usize) <= body.len();
        (whole && usize::from(head.question_end) <= usize::from(head.wire_len)).then_some(Answer { head, body })
    }

    /// True when this answers `question`.
    pub fn is_for(&self, question: Question<'_>) -> bool {
        let asked = question.name.as_wire();
        let name_end = HEADER.saturating_add(asked.len());
        self.head.bits == question.bits()
            && usize::from(self.head.question_end) == name_end.saturating_add(4)
            && self.body.get(HEADER..name_end) == Some(asked)
            && u16_at(self.body, name_end) == Some(question.rtype)
    }

    /// Everything in it that is judged beside the name asked for.
    pub fn parts(&self) -> Parts<'a> {
        let at = offsets_at(self.head.wire_len).saturating_add(usize::from(self.head.ttls).saturating_mul(2));
        let end = at.saturating_add(self.head.parts_len as usize);
        Parts(self.body.get(at..end).unwrap_or(&[]))
    }

    /// The response code's low bits.
    pub fn rcode(&self) -> u16 {
        self.wire().get(3).map_or(2, |flags| u16::from(flags & 0x0f))
    }

    /// What is known of it beside its message.
    pub fn note(&self) -> Note {
        Note {
            authentic: self.head.note & AUTHENTIC != 0,
            ede: EdeCode::from_code(self.head.note & !(AUTHENTIC | SUSPECT)),
            is_suspect: self.head.note & SUSPECT != 0,
        }
    }

    /// Its time to live when it was new, in seconds.
    pub fn ttl_secs(&self) -> u32 {
        self.head.ttl_secs
    }

    /// How it stands at `now`.
    pub fn freshness(&self, now: u64, stale_max_secs: u64) -> Freshness {
        let age = now.saturating_sub(u64::from(self.head.stored_at_secs));
        let ttl = u64::from(self.head.ttl_secs);
        if age < ttl {
            return Freshness::Fresh(u32::try_from(ttl.saturating_sub(age)).unwrap_or(u32::MAX));
        }
        // A failure is never served past its time.
        let useful = matches!(self.rcode(), 0 | 3) && age < ttl.saturating_add(stale_max_secs);
        if useful { Freshness::Stale } else { Freshness::Gone }
    }

    /// Writes the answer: header and question as asked (id, letter case, RD, CD), records with the time that is left,
    /// `ttl_max` at most. The caller adds OPT.
    pub fn write_to(&self, id: u16, query_flags: u16, question: &[u8], now: u64, ttl_max: u32, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.wire());
        let age = u32::try_from(now.saturating_sub(u64::from(self.head.stored_at_secs))).unwrap_or(u32::MAX);
        // QR and RA are set; AA is not ours to claim. AD only for those who show that they know it (RFC 6840 §5.8), and not
        // where the asker checks for himself.
        let knows = query_flags & AD != 0 || self.head.bits & DNSSEC_OK != 0;
        let authentic = if knows && self.head.note & AUTHENTIC != 0 { AD } else { 0 };
        let flags = 0x8080 | query_flags & 0x7910 | authentic | self.rcode();
        put(out, 0, &id.to_be_bytes());
        put(out, 2, &flags.to_be_bytes());
        if usize::from(self.head.question_end) == question.len().saturating_add(HEADER) {
            put(out, HEADER, question);
        }
        let stale = age >= self.head.ttl_secs;
        for at in self.ttl_offsets() {
            let ttl = out.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |octets| u32::from_be_bytes(*octets));
            // Records may outlive the entry, whose life was cut; none may live longer than the entry.
            let left = ttl.min(self.head.ttl_secs.max(1)).saturating_sub(age);
            let told = if stale { STALE_TTL_SECS } else { left };
            put(out, at, &told.min(ttl_max).to_be_bytes());
        }
    }

    fn wire(&self) -> &'a [u8] {
        self.body.get(..usize::from(self.head.wire_len)).unwrap_or(&[])
    }

    fn ttl_offsets(&self) -> impl Iterator<Item = usize> + use<'a> {
        let at = offsets_at(self.head.wire_len);
        let end = at.saturating_add(usize::from(self.head.ttls).saturating_mul(2));
        let octets = self.body.get(at..end).unwrap_or(&[]);
        octets.as_chunks::<2>().0.iter().map(|offset| usize::from(u16::from_ne_bytes(*offset)))
    }
}

/// Offsets stand on an even place behind the message.
fn offsets_at(wire_len: u16) -> usize {
    usize::from(wire_len).next_multiple_of(2)
}

/// What an answer leads to, one after the other.
pub struct Parts<'a>(&'a [u8]);

impl Iterator for Parts<'_> {
    type Item = Part;

    fn next(&mut self) -> Option<Part> {
        let (kind, rest) = self.0.split_first()?;
        let (part, rest) = match kind {
            4 => rest.split_first_chunk::<4>().map(|(addr, rest)| (Part::Addr(IpAddr::from(*addr)), rest))?,
            6 => rest.split_first_chunk::<16>().map(|(addr, rest)| (Part::Addr(IpAddr::from(*addr)), rest))?,
            _ => {
                let (name, end) = Name::from_wire(rest, 0).ok()?;
                (Part::Name(name), rest.get(end..)?)
            }
        };
        self.0 = rest;
        Some(part)
    }
}

fn push_part(part: &Part, octets: &mut Vec<u8>) {
    match part {
        Part::Addr(IpAddr::V4(addr)) => {
            octets.push(4);
            octets.extend_from_slice(&addr.octets());
        }
        Part::Addr(IpAddr::V6(addr)) => {
            octets.push(6);
            octets.extend_from_slice(&addr.octets());
        }
        Part::Name(name) => {
            octets.push(0);
            octets.extend_from_slice(name.as_wire());
        }
    }
}

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
    /// As the record holds them.
    parts: Vec<u8>,
    answer_ttl: Option<u32>,
    negative_ttl: Option<u32>,
}

impl Reading {
    fn of(message: &[u8], question: Question<'_>) -> Option<Reading> {
        let flags = u16_at(message, 2)?;
        if flags & 0x8000 == 0 || u16_at(message, 4)? != 1 {
            return None;
        }
        let (name, after_name) = Name::from_wire(message, HEADER).ok()?;
        if name != *question.name || u16_at(message, after_name)? != question.rtype {
            return None;
        }
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
        put(&mut reading.wire, HEADER, name.as_wire());
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

    /// The record; `None` when it is too long.
    fn into_entry(mut self, question: Question<'_>, now: u64, ttl_secs: u32) -> Option<Entry> {
        let mut head = Head {
            hash: 0,
            words: 0,
            ttl_secs,
            stored_at_secs: u32::try_from(now).unwrap_or(u32::MAX),
            parts_len: u32::try_from(self.parts.len()).ok()?,
            wire_len: u16::try_from(self.wire.len()).ok()?,
            question_end: self.question_end,
            ttls: u16::try_from(self.ttl_offsets.len()).ok()?,
            bits: question.bits(),
            note: 0,
        };
        self.wire.resize(offsets_at(head.wire_len), 0);
        let body: [&[u8]; 3] = [&self.wire, self.ttl_offsets.as_bytes(), &self.parts];
        let octets = body.iter().fold(size_of::<Head>(), |sum, piece| sum.saturating_add(piece.len()));
        let words = octets.div_ceil(8);
        if words > WORDS_MAX {
            return None;
        }
        head.words = u32::try_from(words).ok()?;
        let mut record = vec![0_u64; words];
        let mut rest = record.as_mut_bytes();
        for piece in [head.as_bytes()].into_iter().chain(body) {
            let (room, behind) = rest.split_at_mut_checked(piece.len())?;
            room.copy_from_slice(piece);
            rest = behind;
        }
        Some(Entry(record.into()))
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

/// Adds what the record leads to. `None` when it is malformed.
fn parts_of(message: &[u8], record: &Record, parts: &mut Vec<u8>) -> Option<()> {
    let data = message.get(record.data_at..record.end)?;
    match record.rtype {
        rtype::A => push_part(&Part::Addr(Ipv4Addr::from(*<&[u8; 4]>::try_from(data).ok()?).into()), parts),
        rtype::AAAA => push_part(&Part::Addr(Ipv6Addr::from(*<&[u8; 16]>::try_from(data).ok()?).into()), parts),
        rtype::CNAME | DNAME => {
            let (name, end) = Name::from_message(message, record.data_at).ok()?;
            if end != record.end {
                return None;
            }
            push_part(&Part::Name(name), parts);
        }
        rtype::HTTPS | rtype::SVCB => binding(message, record, parts)?,
        _ => {}
    }
    Some(())
}

/// Target and address hints of a service binding (RFC 9460 §2.2, §7.3).
fn binding(message: &[u8], record: &Record, parts: &mut Vec<u8>) -> Option<()> {
    let (target, mut at) = Name::from_message(message, record.data_at.checked_add(2)?).ok()?;
    if !target.is_root() {
        push_part(&Part::Name(target), parts);
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
            4 => value.as_chunks::<4>().0.iter().for_each(|octets| push_part(&Part::Addr((*octets).into()), parts)),
            6 => value.as_chunks::<16>().0.iter().for_each(|octets| push_part(&Part::Addr((*octets).into()), parts)),
            _ => {}
        }
        at = end;
    }
    (at == record.end).then_some(())
}

#[cfg(test)]
mod tests;
