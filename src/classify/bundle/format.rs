//! The layout on disk, shared by writer and reader. All numbers little-endian, sections aligned to 64 octets.
//!
//! ```text
//! header 448 | table: lines of 8 slots | effects: 2 lines a set | parts | set index | set members | v4 | v6 | urls | meta (JSON)
//! slot: remainder 47 bits | passed-on 1 bit | class set 16 bits; 0 is empty
//! urls: a table of rules (class set) and of the hosts that have rules (their kinds in place of the class set)
//! ```

use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hasher;
use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

pub const MAGIC: [u8; 8] = *b"LUYTREB1";
/// Raised whenever an old reader would misread a new bundle.
pub const VERSION: u32 = 4;
pub const ALIGN: usize = 64;
pub const SECTIONS: usize = 9;
/// Most class sets a 16-bit id can name; 0 means an empty slot.
pub const SETS_MAX: usize = u16::MAX as usize;

const SET_BITS: u32 = 16;
const PASSED_ON: u64 = 1 << SET_BITS;
const REMAINDER_SHIFT: u32 = SET_BITS + 1;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(usize)]
pub enum Section {
    Table,
    Effects,
    Parts,
    Index,
    Members,
    V4,
    V6,
    Urls,
    Meta,
}

impl Section {
    pub const ALL: [Section; SECTIONS] = [
        Section::Table,
        Section::Effects,
        Section::Parts,
        Section::Index,
        Section::Members,
        Section::V4,
        Section::V6,
        Section::Urls,
        Section::Meta,
    ];
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub struct Header {
    pub magic: [u8; 8],
    pub version: U32,
    pub flags: U32,
    pub key: [u8; 16],
    pub nonce: U64,
    pub list_version: U64,
    pub built_at: U64,
    pub names: U64,
    pub addresses: U64,
    pub home_lines: U64,
    pub urls: U64,
    pub url_nonce: U64,
    pub url_home_lines: U64,
    pub sections: [Extent; SECTIONS],
    /// Labels of the deepest name: longer suffixes need not be looked up.
    pub labels_max: u8,
    /// Labels of the deepest host with a URL rule for the hosts below it; 0 when there is none.
    pub url_below_labels: u8,
    pub reserved: [u8; 6],
    pub reserved2: [u8; 32],
    pub checksum: [u8; 16],
}

/// Set in `flags` when some entry is a whole top-level domain, so that one must be looked up.
pub const HAS_TLD: u32 = 1;

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Default)]
#[repr(C)]
pub struct Extent {
    pub offset: U64,
    pub len: U64,
    pub checksum: [u8; 16],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
/// Eight slots of a table: one line of the processor's cache.
pub struct Line(pub [U64; 8]);

impl Line {
    /// No slot used.
    pub const EMPTY: Line = Line([U64::ZERO; 8]);

    /// The class set stored for that remainder.
    pub fn find(&self, remainder: u64) -> Option<u16> {
        self.0.iter().map(|slot| slot.get()).find(|slot| *slot != 0 && slot >> REMAINDER_SHIFT == remainder).map(set_of)
    }

    /// True when an entry that belongs here or before was placed further on.
    pub fn passed_on(&self) -> bool {
        self.0[7].get() & PASSED_ON != 0
    }

    /// Marks that something which belongs here was placed further on.
    pub fn pass_on(&mut self) {
        self.0[7] |= U64::new(PASSED_ON);
    }
}

fn set_of(slot: u64) -> u16 {
    (slot & u64::from(u16::MAX)) as u16
}

pub fn slot(remainder: u64, set: u16) -> U64 {
    U64::new(remainder << REMAINDER_SHIFT | u64::from(set))
}

/// What one class set does at one level: worked out by the writer, one cache line for the reader.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub struct Effect {
    pub categories: U64,
    pub lifts: U64,
    pub services: [U64; 4],
    pub min_age: u8,
    /// 1 when some entry names a service and no category: there is nothing to lift it by.
    pub stands: u8,
    pub reserved: [u8; 14],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub struct PartRecord {
    pub categories: U64,
    pub services: [U64; 4],
    pub source: U16,
    pub applies: u8,
    pub kind: u8,
    pub min_age: u8,
    pub reserved: [u8; 3],
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub struct Range4 {
    pub first: U32,
    pub last: U32,
    pub set: U16,
}

/// Addresses in network order, which sorts as numbers do.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy)]
#[repr(C)]
pub struct Range6 {
    pub first: [u8; 16],
    pub last: [u8; 16],
    pub set: U16,
}

/// Where a hashed name lives and what tells it from its neighbours.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub line: usize,
    pub remainder: u64,
}

/// The 128-bit keyed hash of a name's wire form.
pub fn hash(key: &[u8; 16], wire: &[u8]) -> (u64, u64) {
    let sum = SipHasher13::new_with_key(key).hash(wire);
    (sum.h1, sum.h2)
}

pub fn place(hash: (u64, u64), nonce: u64, home_lines: u64) -> Place {
    // The product's upper half spreads hashes over the lines in hash order, which the writer relies on.
    let line = ((u128::from(hash.0) * u128::from(home_lines)) >> 64) as usize;
    // Fibonacci hashing: another nonce gives other remainders without hashing the names again.
    let remainder = hash.1.wrapping_add(nonce).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> REMAINDER_SHIFT;
    Place { line, remainder }
}

/// Guards against torn files, not against people: that is the signature's work.
pub fn checksum(bytes: &[u8]) -> [u8; 16] {
    let mut hasher = SipHasher13::new_with_key(b"luytre/checksum1");
    hasher.write(bytes);
    hasher.finish128().as_bytes()
}
