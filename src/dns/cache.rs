//! Finished answers by question, in memory that is reserved once. Readers take no lock: they copy a record's words and then
//! look whether the place was given away or wiped meanwhile. Writers, of which there is one at a time, fill two rings: a new answer
//! begins in the young one and moves to the main one only if it was asked for again, so a flood of names nobody asks twice
//! passes through without pushing out what a household uses (the idea of S3-FIFO, Yang et al., SOSP 2023).
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Mutex, PoisonError};

use zerocopy::FromZeros;

use super::record::{Answer, Entry, Freshness, HEAD_WORDS, Question, WORDS_MAX};
use crate::sys;

/// The cache. Shared by all threads.
pub struct AnswerCache {
    index: Box<[[AtomicU64; SLOTS]]>,
    young: Ring,
    main: Ring,
    writer: Mutex<Writer>,
    hasher: RandomState,
    entries: AtomicUsize,
}

/// Where a found answer is filed, to say later that it is being asked again.
#[derive(Debug, Clone, Copy)]
pub struct Filed<'c> {
    slot: &'c AtomicU64,
    seen: Slot,
}

/// Slots of one cache line of the index.
const SLOTS: usize = 8;
/// Of the memory, this part is index: a slot for every 72 octets of records, which are seldom shorter.
const INDEX_SHARE: u64 = 9;
/// Of the records, this part is the young ring.
const YOUNG_SHARE: usize = 8;
/// The smallest ring that makes sense, in words.
const RING_MIN: usize = 1024;
/// Records that a ring moves out of the way of one new one; more would make the writer wait.
const MOVES_MAX: usize = 64;
/// Records that are looked over before the writer's place is left to others for a moment.
const LOOK_OVER: usize = 512;
/// Uses counted of an answer.
const HITS_MAX: u64 = 3;

/// `place 50 | main 1 | refreshing 1 | hits 2 | tag 10`, 0 for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot(u64);

impl Slot {
    const MAIN: u64 = 1 << 13;
    const REFRESHING: u64 = 1 << 12;
    const HIT: u64 = 1 << 10;
    const TAG: u64 = Slot::HIT - 1;

    fn new(place: Place, is_main: bool, hits: u64, hash: u64) -> Slot {
        let ring = if is_main { Slot::MAIN } else { 0 };
        Slot(place.0 << 14 | ring | hits.min(HITS_MAX) << 10 | hash & Slot::TAG)
    }

    fn place(self) -> Place {
        Place(self.0 >> 14)
    }

    fn is_main(self) -> bool {
        self.0 & Slot::MAIN != 0
    }

    /// True when the record lies where it lay; its uses may have grown.
    fn is_at(self, other: Slot) -> bool {
        self.place() == other.place() && self.is_main() == other.is_main()
    }

    fn hits(self) -> u64 {
        self.0 >> 10 & HITS_MAX
    }

    fn has_tag(self, hash: u64) -> bool {
        self.0 != 0 && self.0 & Slot::TAG == hash & Slot::TAG
    }
}

/// How far a ring has been written in all: laps in the upper bits, the offset in the lower. Never goes back; 50 bits last
/// for 9 petabytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u64);

/// A run of words that is written round and round.
struct Ring {
    words: Box<[AtomicU64]>,
    /// Bits of an offset.
    bits: u32,
    /// What lies before is given away.
    tail: AtomicU64,
}

struct Writer {
    young: Head,
    main: Head,
    /// A record on its way from one place to another.
    moved: Vec<u64>,
    found: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct Head {
    next: Place,
    /// Where the lap before ended.
    lap_end: u64,
}

impl AnswerCache {
    /// A cache of `bytes_max` octets, index included. The system gives the memory as it is first used.
    pub fn new(bytes_max: u64) -> AnswerCache {
        let lines = usize::try_from(bytes_max.wrapping_div(INDEX_SHARE).wrapping_div(64)).unwrap_or(usize::MAX).max(16);
        let index_bytes = (lines as u64).saturating_mul(64);
        let words = usize::try_from(bytes_max.saturating_sub(index_bytes).wrapping_div(8)).unwrap_or(usize::MAX);
        let young = words.wrapping_div(YOUNG_SHARE).max(RING_MIN);
        let (young, young_head) = Ring::new(young);
        let (main, main_head) = Ring::new(words.saturating_sub(young.words.len()).max(RING_MIN));
        AnswerCache {
            index: zeroed(lines),
            young,
            main,
            writer: Mutex::new(Writer { young: young_head, main: main_head, moved: Vec::new(), found: Vec::new() }),
            hasher: RandomState::new(),
            entries: AtomicUsize::new(0),
        }
    }

    /// The answer to `question`, whatever its age, copied to `words`.
    pub fn get<'s>(&self, question: Question<'_>, words: &'s mut Vec<u64>) -> Option<(Answer<'s>, Filed<'_>)> {
        self.get_at(self.hash(question), question, words)
    }

    /// Has the line of the index fetched in which that hash would be filed.
    pub fn prefetch_index(&self, hash: u64) {
        sys::prefetch(self.line(hash));
    }

    /// Has the records fetched that may be meant, once the line of the index is there.
    pub fn prefetch_record(&self, hash: u64) {
        for slot in self.line(hash) {
            let seen = Slot(slot.load(Ordering::Relaxed));
            if seen.has_tag(hash) {
                let ring = self.ring(seen.is_main());
                // Most records are two lines long.
                let at = ring.offset(seen.place());
                for word in [ring.words.get(at), ring.words.get(at.saturating_add(8))].into_iter().flatten() {
                    sys::prefetch(word);
                }
            }
        }
    }

    /// As [`AnswerCache::get`], with the hash of that question.
    pub fn get_at<'s>(
        &self,
        hash: u64,
        question: Question<'_>,
        words: &'s mut Vec<u64>,
    ) -> Option<(Answer<'s>, Filed<'_>)> {
        let (slot, seen) = self.find(hash, question, words)?;
        let filed = Filed { slot, seen };
        Some((Answer::of(words)?, filed.used()))
    }

    /// Keeps an answer in place of an older one. One that is longer than a quarter of the young ring is not kept.
    pub fn insert(&self, question: Question<'_>, entry: &Entry) {
        let hash = self.hash(question);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = &mut *writer;
        let words = entry.words();
        if words.len() > self.young.words.len().wrapping_div(4) {
            return;
        }
        // An answer that was in use when it ran out stays among those in use.
        let is_main =
            self.find(hash, question, &mut writer.found).is_some_and(|(_, old)| old.is_main() || old.hits() > 0);
        let place =
            if is_main { self.room_in_main(writer, words.len()) } else { self.room_in_young(writer, words.len()) };
        let Some(place) = place else { return };
        // Making room may have moved the older one.
        let old = self.find(hash, question, &mut writer.found).map(|(_, old)| old);
        self.ring(is_main).write(place, hash, words);
        self.file(hash, old, Slot::new(place, is_main, old.map_or(0, Slot::hits), hash));
    }

    /// Overwrites what is of no use at `now` (RFC 8767: a good answer is useful for `stale_max_secs` past its time), and what
    /// newer answers have taken the place of. Readers go on meanwhile.
    pub fn wipe(&self, now: u64, stale_max_secs: u64) {
        for is_main in [false, true] {
            let mut from = Some(Place(0));
            while let Some(place) = from {
                let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                from = self.wipe_some(&mut writer, is_main, place, (now, stale_max_secs));
                writer.moved = Vec::new();
                writer.found = Vec::new();
            }
        }
    }

    /// Looks over some records from `place` on; where to go on, or `None` at the end.
    fn wipe_some(&self, writer: &mut Writer, is_main: bool, place: Place, clock: (u64, u64)) -> Option<Place> {
        let ring = self.ring(is_main);
        let head = if is_main { writer.main } else { writer.young };
        let mut place = ring.first_from(head, place)?;
        for _ in 0..LOOK_OVER {
            if !ring.read(place, &mut writer.found) {
                return None;
            }
            let len = writer.found.len();
            if !ring.is_wiped(place) {
                let hash = writer.found.first().copied().unwrap_or(0);
                let slot = self.filed(hash, place, is_main);
                let is_gone = Answer::of(&writer.found)
                    .is_none_or(|answer| answer.freshness(clock.0, clock.1) == Freshness::Gone);
                if let Some((slot, _)) = slot.filter(|_| is_gone) {
                    slot.store(0, Ordering::Relaxed);
                    self.entries.fetch_sub(1, Ordering::Relaxed);
                }
                if slot.is_none() || is_gone {
                    // Readers who see any word wiped see that it is no longer filed.
                    fence(Ordering::Release);
                    ring.wipe(place, len);
                }
            }
            place = ring.first_from(head, Place(place.0.wrapping_add(len as u64)))?;
        }
        Some(place)
    }

    /// Answers now held.
    pub fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// True when nothing is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Octets now in use, index included.
    pub fn bytes(&self) -> u64 {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let words = self.young.used(writer.young).saturating_add(self.main.used(writer.main));
        let index = self.index.len().saturating_mul(SLOTS) as u64;
        index.saturating_add(words).saturating_mul(8)
    }

    /// The hash of a question in this cache.
    pub fn hash(&self, question: Question<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(question.name.as_wire());
        hasher.write_u32(u32::from(question.rtype) << 8 | u32::from(question.bits()));
        hasher.finish()
    }

    fn line(&self, hash: u64) -> &[AtomicU64; SLOTS] {
        static EMPTY: [AtomicU64; SLOTS] = [const { AtomicU64::new(0) }; SLOTS];
        let at = u128::from(hash).wrapping_mul(self.index.len() as u128) >> 64;
        // The product of a fraction and the length is less than the length.
        self.index.get(at as usize).unwrap_or(&EMPTY)
    }

    fn ring(&self, is_main: bool) -> &Ring {
        if is_main { &self.main } else { &self.young }
    }

    fn find(&self, hash: u64, question: Question<'_>, words: &mut Vec<u64>) -> Option<(&AtomicU64, Slot)> {
        self.line(hash).iter().find_map(|slot| {
            let seen = Slot(slot.load(Ordering::Acquire));
            let found = seen.has_tag(hash)
                && self.ring(seen.is_main()).read(seen.place(), words)
                // Behind the fence in `read`; pairs with the one before a record is wiped.
                && Slot(slot.load(Ordering::Relaxed)).is_at(seen)
                && Answer::of(words).is_some_and(|answer| answer.is_for(question));
            found.then_some((slot, seen))
        })
    }

    /// Puts `new` in the index: over the old one, an empty slot, one whose record is gone, or the least used.
    fn file(&self, hash: u64, old: Option<Slot>, new: Slot) {
        let line = self.line(hash);
        let worth = |slot: &&AtomicU64| {
            let held = Slot(slot.load(Ordering::Relaxed));
            match held {
                // The hits may have grown since.
                held if old.is_some_and(|old| old.is_at(held)) => 0,
                Slot(0) => 1,
                held if !self.ring(held.is_main()).holds(held.place()) => 2,
                held => held.hits().saturating_add(if held.is_main() { 7 } else { 3 }),
            }
        };
        let Some(slot) = line.iter().min_by_key(worth) else { return };
        if worth(&slot) == 1 {
            self.entries.fetch_add(1, Ordering::Relaxed);
        }
        slot.store(new.0, Ordering::Release);
    }

    fn room_in_young(&self, writer: &mut Writer, len: usize) -> Option<Place> {
        loop {
            if let Some(place) = self.young.claim(&mut writer.young, len) {
                return Some(place);
            }
            let (hash, from) = self.young.give_up_oldest(writer.young, &mut writer.moved)?;
            let Some((slot, held)) = self.filed(hash, from, false) else { continue };
            let moved = std::mem::take(&mut writer.moved);
            let to = if held.hits() > 0 { self.room_in_main(writer, moved.len()) } else { None };
            self.refile(slot, to, 0, &moved, hash);
            writer.moved = moved;
        }
    }

    fn room_in_main(&self, writer: &mut Writer, len: usize) -> Option<Place> {
        let mut moves = 0_usize;
        loop {
            if let Some(place) = self.main.claim(&mut writer.main, len) {
                return Some(place);
            }
            let mut oldest = std::mem::take(&mut writer.found);
            let (hash, from) = self.main.give_up_oldest(writer.main, &mut oldest)?;
            if let Some((slot, held)) = self.filed(hash, from, true) {
                moves = moves.saturating_add(1);
                let stays = held.hits() > 0 && moves <= MOVES_MAX;
                let to = if stays { self.main.claim(&mut writer.main, oldest.len()) } else { None };
                // Each round costs a use: what is no longer asked for leaves.
                self.refile(slot, to, held.hits().saturating_sub(1), &oldest, hash);
            }
            writer.found = oldest;
        }
    }

    /// Moves a record that was given up to a new place in the main ring, or forgets it.
    fn refile(&self, slot: &AtomicU64, to: Option<Place>, hits: u64, words: &[u64], hash: u64) {
        match to {
            Some(place) => {
                self.main.write(place, hash, words);
                slot.store(Slot::new(place, true, hits, hash).0, Ordering::Release);
            }
            None => {
                slot.store(0, Ordering::Release);
                self.entries.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// The slot of the record at that place, if it is still filed.
    fn filed(&self, hash: u64, place: Place, is_main: bool) -> Option<(&AtomicU64, Slot)> {
        self.line(hash).iter().find_map(|slot| {
            let held = Slot(slot.load(Ordering::Relaxed));
            (held.0 != 0 && held.place() == place && held.is_main() == is_main).then_some((slot, held))
        })
    }
}

impl Filed<'_> {
    fn used(mut self) -> Self {
        if self.seen.hits() < HITS_MAX {
            self.change(self.seen.0.saturating_add(Slot::HIT));
        }
        self
    }

    /// Times it was asked for, 3 at most.
    pub fn hits(&self) -> u64 {
        self.seen.hits()
    }

    /// True for the first caller who wants to ask again for this answer.
    pub fn refresh(&mut self) -> bool {
        self.seen.0 & Slot::REFRESHING == 0 && self.change(self.seen.0 | Slot::REFRESHING)
    }

    /// Fails when somebody else changed the slot: they have the newer view.
    fn change(&mut self, to: u64) -> bool {
        let done = self.slot.compare_exchange(self.seen.0, to, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if done {
            self.seen = Slot(to);
        }
        done
    }
}

impl Ring {
    fn new(words: usize) -> (Ring, Head) {
        // One bit more than the last offset needs, so that a place behind the last word is still in its lap.
        let bits = usize::BITS.wrapping_sub(words.leading_zeros());
        // Lap 0 is left out, so that no place is 0.
        let first = Place(1 << bits);
        let ring = Ring { words: zeroed(words), bits, tail: AtomicU64::new(first.0) };
        (ring, Head { next: first, lap_end: 0 })
    }

    fn offset(&self, place: Place) -> usize {
        (place.0 & (1_u64 << self.bits).wrapping_sub(1)) as usize
    }

    fn next_lap(&self, place: Place) -> Place {
        Place((place.0 >> self.bits).wrapping_add(1) << self.bits)
    }

    fn holds(&self, place: Place) -> bool {
        place.0 >= self.tail.load(Ordering::Relaxed)
    }

    /// Copies the record at `place` to `words`; false when the place was given away before the copy was whole.
    fn read(&self, place: Place, words: &mut Vec<u64>) -> bool {
        words.clear();
        let Some(record) = self.words.get(self.offset(place)..) else { return false };
        let Some(len) = record.get(1).map(|word| record_len(word.load(Ordering::Relaxed))) else { return false };
        let Some(record) = record.get(..len) else { return false };
        if !(HEAD_WORDS..=WORDS_MAX).contains(&len) {
            return false;
        }
        words.extend(record.iter().map(|word| word.load(Ordering::Relaxed)));
        // Pairs with the fence in `give_up_oldest`: had a word been new, the tail would be, too.
        fence(Ordering::Acquire);
        self.holds(place)
    }

    fn write(&self, place: Place, hash: u64, words: &[u64]) {
        let at = self.offset(place);
        let Some(room) = self.words.get(at..at.saturating_add(words.len())) else { return };
        for (to, from) in room.iter().zip(words) {
            to.store(*from, Ordering::Relaxed);
        }
        if let Some(first) = room.first() {
            first.store(hash, Ordering::Relaxed);
        }
    }

    /// Overwrites the record at `place` but for its hash and length, by which the ring is walked. Nobody reads it any more.
    fn wipe(&self, place: Place, len: usize) {
        let at = self.offset(place);
        for word in self.words.get(at..at.saturating_add(len)).unwrap_or(&[]).iter().skip(1) {
            word.store(0, Ordering::Relaxed);
        }
        if let Some(length) = self.words.get(at.saturating_add(1)) {
            length.store(length_word(len), Ordering::Relaxed);
        }
    }

    /// True when the record at `place` was wiped: its life and time are zero.
    fn is_wiped(&self, place: Place) -> bool {
        let word =
            |at: usize| self.words.get(self.offset(place).saturating_add(at)).map(|word| word.load(Ordering::Relaxed));
        word(1).is_some_and(|word| word == length_word(record_len(word))) && word(2) == Some(0) && word(3) == Some(0)
    }

    /// The first record at `place` or behind it; `None` when the ring has no more.
    fn first_from(&self, head: Head, place: Place) -> Option<Place> {
        let tail = Place(self.tail.load(Ordering::Relaxed));
        let mut place = place.max(tail);
        if place.0 >> self.bits != head.next.0 >> self.bits && self.offset(place) as u64 >= head.lap_end {
            place = self.next_lap(place);
        }
        (place < head.next).then_some(place)
    }

    /// Room for `len` words at the head, if it is free. A record does not run over the end.
    fn claim(&self, head: &mut Head, len: usize) -> Option<Place> {
        let tail = Place(self.tail.load(Ordering::Relaxed));
        let at = self.offset(head.next);
        let same_lap = head.next.0 >> self.bits == tail.0 >> self.bits;
        let end = if same_lap { self.words.len() } else { self.offset(tail) };
        if end.saturating_sub(at) >= len {
            let place = head.next;
            head.next = Place(place.0.wrapping_add(len as u64));
            return Some(place);
        }
        if same_lap && self.offset(tail) >= len {
            head.lap_end = at as u64;
            let place = self.next_lap(head.next);
            head.next = Place(place.0.wrapping_add(len as u64));
            return Some(place);
        }
        None
    }

    /// Gives away the place of the oldest record: its words are in `words`, its hash and old place are returned. `None` when
    /// the ring is empty.
    fn give_up_oldest(&self, head: Head, words: &mut Vec<u64>) -> Option<(u64, Place)> {
        let mut oldest = Place(self.tail.load(Ordering::Relaxed));
        let is_lap_before = oldest.0 >> self.bits != head.next.0 >> self.bits;
        if is_lap_before && self.offset(oldest) as u64 >= head.lap_end {
            oldest = self.next_lap(oldest);
        }
        if oldest >= head.next || !self.read(oldest, words) {
            return None;
        }
        let hash = *words.first()?;
        let mut next = Place(oldest.0.wrapping_add(words.len() as u64));
        if is_lap_before
            && self.offset(next) as u64 >= head.lap_end
            && oldest.0 >> self.bits != head.next.0 >> self.bits
        {
            next = self.next_lap(next);
        }
        self.tail.store(next.0, Ordering::Relaxed);
        // Readers who see any word written after this see the new tail.
        fence(Ordering::Release);
        self.wipe(oldest, words.len());
        Some((hash, oldest))
    }

    fn used(&self, head: Head) -> u64 {
        let tail = Place(self.tail.load(Ordering::Relaxed));
        let (from, to) = (self.offset(tail) as u64, self.offset(head.next) as u64);
        if tail.0 >> self.bits == head.next.0 >> self.bits {
            return to.saturating_sub(from);
        }
        head.lap_end.saturating_sub(from).saturating_add(to)
    }
}

/// Length of a record, from its second word.
fn record_len(word: u64) -> usize {
    let octets = word.to_ne_bytes();
    octets.first_chunk::<4>().map_or(0, |words| u32::from_ne_bytes(*words) as usize)
}

/// The second word of a record of that length, its time to live left out.
fn length_word(len: usize) -> u64 {
    let mut octets = [0; 8];
    if let Some(words) = octets.first_chunk_mut() {
        *words = (len as u32).to_ne_bytes();
    }
    u64::from_ne_bytes(octets)
}

/// Memory that costs nothing until it is used.
fn zeroed<T>(len: usize) -> Box<[T]>
where
    [T]: FromZeros + zerocopy::KnownLayout<PointerMetadata = usize>,
{
    // Like any allocation that the house cannot live without.
    <[T]>::new_box_zeroed_with_elems(len).unwrap_or_else(|_| std::process::abort())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "sums of small constants")]
mod tests;
