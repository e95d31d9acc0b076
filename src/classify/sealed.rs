//! The sealed category on a box: a filter that one of 256 names passes by chance, and a table of tags that are random octets
//! to whoever has not the holder's key. Neither can be read back into names. What the holder said of a name is kept in a
//! small memory that is lost with the process.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

use crate::name::{Name, NameSet};

/// What is believed of a name without asking anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Belief {
    /// It is not sealed.
    Free,
    /// It is.
    Sealed,
    /// It passes the filter, and nobody has asked yet.
    Unknown,
}

/// What a sealed table holds.
pub struct Sealed {
    table: Table,
    /// Well-known names, which never have to be asked about.
    known: NameSet,
    memory: Box<[AtomicU64]>,
    seed: u64,
}

/// The table itself, as the holder made it and both authorities signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The holder's public key.
    pub key: [u8; 32],
    /// Where the holder answers.
    pub url: String,
    filter: Vec<u8>,
    tags: Vec<Tag>,
}

/// The first octets of the key's function of a name.
pub type Tag = [u8; TAG_LEN];

/// 2⁻⁶⁴ that another name has one of them: no collision is to be met.
pub const TAG_LEN: usize = 8;
const MAGIC: [u8; 8] = *b"LTSEAL01";
/// Bits of the filter that a name sets: with 11.55 bits a name, 2⁻⁸ pass by chance (Bloom 1970).
const HASHES: u64 = 8;
const BITS_PER_NAME_HUNDREDTHS: usize = 1155;
/// Tables are padded to a multiple of this, so that their size tells little of how many names there are.
const PADDED_TO: usize = 256;
/// More names than any hotline lists.
const TAGS_MAX: usize = 1 << 20;
const URL_MAX: usize = 1024;
/// Answers remembered; a newer one takes the place of an older.
const MEMORY: usize = 4096;

/// Why octets are no sealed table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealedError {
    /// It does not begin as one does.
    #[error("no sealed table")]
    Magic,
    /// It ends too early, goes on too long, or announces too much.
    #[error("a sealed table of another length than it says")]
    Length,
    /// Its tags are not in their order.
    #[error("a sealed table whose tags are out of order")]
    Order,
    /// Its address is none.
    #[error("a sealed table without the holder's address")]
    Url,
}

impl Table {
    /// Of the names (as [`canonical`] gives them) with their tags. `fill` gives the octets that pad it.
    pub fn of<'n>(
        names: impl ExactSizeIterator<Item = (&'n [u8], Tag)>,
        key: [u8; 32],
        url: &str,
        mut fill: impl FnMut() -> Tag,
    ) -> Table {
        let padded = names.len().next_multiple_of(PADDED_TO);
        let mut table = Table { key, url: url.into(), filter: vec![0; filter_len(padded)], tags: Vec::new() };
        for (name, tag) in names {
            for bit in table.bits(name) {
                if let Some(octet) = table.filter.get_mut(bit / 8) {
                    *octet |= 1 << (bit % 8);
                }
            }
            table.tags.push(tag);
        }
        // Padding sets bits as a name would: how full the filter is tells nothing, either.
        while table.tags.len() < padded {
            let tag = fill();
            for bit in table.bits(&tag) {
                if let Some(octet) = table.filter.get_mut(bit / 8) {
                    *octet |= 1 << (bit % 8);
                }
            }
            table.tags.push(fill());
        }
        table.tags.sort_unstable();
        table.tags.dedup();
        table
    }

    /// Reads a table, or says what is wrong with it.
    pub fn read(octets: &[u8]) -> Result<Table, SealedError> {
        let rest = octets.strip_prefix(&MAGIC).ok_or(SealedError::Magic)?;
        let (key, rest) = rest.split_first_chunk::<32>().ok_or(SealedError::Length)?;
        let (url_len, rest) = number(rest)?;
        let (filter_len, rest) = number(rest)?;
        let (tags, rest) = number(rest)?;
        let filter_max = TAGS_MAX * BITS_PER_NAME_HUNDREDTHS / 800 + 1;
        if url_len > URL_MAX || tags > TAGS_MAX || filter_len > filter_max {
            return Err(SealedError::Length);
        }
        let (url, rest) = rest.split_at_checked(url_len).ok_or(SealedError::Length)?;
        let (filter, rest) = rest.split_at_checked(filter_len).ok_or(SealedError::Length)?;
        let (tags_read, remainder) = rest.as_chunks::<TAG_LEN>();
        if tags_read.len() != tags || !remainder.is_empty() {
            return Err(SealedError::Length);
        }
        if !tags_read.is_sorted_by(|one, other| one < other) {
            return Err(SealedError::Order);
        }
        let url = std::str::from_utf8(url).ok().filter(|url| url.starts_with("http")).ok_or(SealedError::Url)?;
        Ok(Table { key: *key, url: url.into(), filter: filter.to_vec(), tags: tags_read.to_vec() })
    }

    /// As [`Table::read`] reads it.
    pub fn write(&self) -> Vec<u8> {
        let mut octets = [&MAGIC[..], &self.key].concat();
        for len in [self.url.len(), self.filter.len(), self.tags.len()] {
            octets.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
        }
        octets.extend_from_slice(self.url.as_bytes());
        octets.extend_from_slice(&self.filter);
        self.tags.iter().for_each(|tag| octets.extend_from_slice(tag));
        octets
    }

    /// True when the name has to be asked about: always for a sealed one, by chance for one of 256 others.
    fn passes(&self, name: &[u8]) -> bool {
        let is_set = |bit: usize| self.filter.get(bit / 8).is_some_and(|octet| octet >> (bit % 8) & 1 == 1);
        !self.filter.is_empty() && self.bits(name).into_iter().all(is_set)
    }

    /// True when the key's function of a name begins with one of the tags.
    pub fn has(&self, tag: &Tag) -> bool {
        self.tags.binary_search(tag).is_ok()
    }

    fn bits(&self, name: &[u8]) -> [usize; HASHES as usize] {
        let mut seed = [0; 16];
        seed.copy_from_slice(&self.key[..16]);
        let mut hasher = SipHasher13::new_with_key(&seed);
        hasher.write(name);
        let hash = hasher.finish();
        // Two halves give as many as are wanted (Kirsch and Mitzenmacher 2006).
        let (one, other) = (hash & 0xFFFF_FFFF, hash >> 32 | 1);
        let bits = (self.filter.len() as u64 * 8).max(1);
        std::array::from_fn(|at| usize::try_from(one.wrapping_add(other.wrapping_mul(at as u64)) % bits).unwrap_or(0))
    }
}

impl Sealed {
    /// A table in use. `known` names are free without a look; `seed` is random, so that nobody can aim at the memory.
    pub fn new(table: Table, known: NameSet, seed: u64) -> Sealed {
        let memory = (0..MEMORY).map(|_| AtomicU64::new(0)).collect();
        Sealed { table, known, memory, seed }
    }

    /// The table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is believed of the name.
    pub fn belief(&self, name: &Name) -> Belief {
        let Some(canonical) = canonical(name) else { return Belief::Free };
        if !self.table.passes(canonical) || self.known.contains(name) {
            return Belief::Free;
        }
        let (place, mark) = self.place(canonical);
        match self.memory.get(place).map(|kept| kept.load(Ordering::Relaxed)) {
            Some(kept) if kept == mark => Belief::Free,
            Some(kept) if kept == mark | 1 => Belief::Sealed,
            _ => Belief::Unknown,
        }
    }

    /// Remembers what the holder said.
    pub fn remember(&self, name: &Name, is_sealed: bool) {
        let Some((place, mark)) = canonical(name).map(|canonical| self.place(canonical)) else { return };
        if let Some(kept) = self.memory.get(place) {
            kept.store(mark | u64::from(is_sealed), Ordering::Relaxed);
        }
    }

    /// Where a name is remembered, and by what: 62 bits of a hash nobody else knows, never zero.
    fn place(&self, canonical: &[u8]) -> (usize, u64) {
        let mut hasher = SipHasher13::new_with_keys(self.seed, !self.seed);
        hasher.write(canonical);
        let hash = hasher.finish();
        (hash as usize % MEMORY, hash & !3 | 2)
    }
}

/// The form of a name that is sealed and asked about: what somebody registered, in wire form. `None` for what nobody can.
pub fn canonical(name: &Name) -> Option<&[u8]> {
    name.registrable().map(|registrable| registrable.as_wire())
}

fn number(octets: &[u8]) -> Result<(usize, &[u8]), SealedError> {
    let (number, rest) = octets.split_first_chunk::<4>().ok_or(SealedError::Length)?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}

fn filter_len(names: usize) -> usize {
    (names * BITS_PER_NAME_HUNDREDTHS).div_ceil(800)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn tag_of(at: u64) -> Tag {
        let mut hasher = SipHasher13::new();
        hasher.write_u64(at);
        hasher.finish().to_le_bytes()
    }

    fn table(names: u64) -> Table {
        let all: Vec<Name> = (0..names).map(|at| name(&format!("sealed{at}.example"))).collect();
        let entries: Vec<(&[u8], Tag)> =
            all.iter().enumerate().map(|(at, name)| (canonical(name).unwrap(), tag_of(at as u64))).collect();
        let mut fill = 1 << 40;
        Table::of(entries.into_iter(), [7; 32], "https://holder.example/", || {
            fill += 1;
            tag_of(fill)
        })
    }

    #[test]
    fn one_of_256_passes_by_chance_and_every_sealed_one_does() {
        let table = table(5000);
        assert!((0..5000).all(|at| table.passes(canonical(&name(&format!("www.sealed{at}.example"))).unwrap())));
        let by_chance =
            (0..200_000).filter(|at| table.passes(canonical(&name(&format!("other{at}.example"))).unwrap()));
        let one_of = 200_000.0 / by_chance.count() as f64;
        assert!((200.0..330.0).contains(&one_of), "one of {one_of}");
        assert!((0..5000).all(|at| table.has(&tag_of(at))) && !table.has(&[0; 8]));
        let empty = Table::of([].into_iter(), [7; 32], "https://holder.example/", || [0; 8]);
        assert!(!empty.passes(b"\x01a\x01b\0"));
    }

    #[test]
    fn what_was_said_is_remembered_for_the_registered_name() {
        let well_known = name("sealed7.example");
        let sealed = Sealed::new(table(300), NameSet::new([&well_known]), 42);
        let one = name("www.sealed3.example");
        assert_eq!(sealed.belief(&one), Belief::Unknown);
        assert_eq!(sealed.belief(&name("www.sealed7.example")), Belief::Free);
        sealed.remember(&one, true);
        assert_eq!(sealed.belief(&name("img.sealed3.example")), Belief::Sealed);
        sealed.remember(&one, false);
        assert_eq!(sealed.belief(&one), Belief::Free);
        assert_eq!(sealed.belief(&name("example")), Belief::Free, "nobody registers that");
    }

    #[test]
    fn a_table_is_read_as_written_and_nothing_else_is() {
        let octets = table(3).write();
        assert_eq!(Table::read(&octets), Ok(table(3)));
        for len in 0..octets.len() {
            assert!(Table::read(&octets[..len]).is_err(), "{len}");
        }
        assert_eq!(Table::read(&[&octets[..], &[0]].concat()), Err(SealedError::Length));
        for at in 0..60 {
            let mut other = octets.clone();
            other[at] ^= 0x80;
            // Never a panic, never more memory than is there.
            let _ = Table::read(&other);
        }
        let mut swapped = octets.clone();
        let end = swapped.len() - 16;
        swapped[end..].rotate_left(8);
        assert_eq!(Table::read(&swapped), Err(SealedError::Order));
        let sizes = [0, 3, 256].map(|names| table(names).write().len());
        assert!(sizes[1] == sizes[2] && sizes[0] < sizes[1], "{sizes:?}");
    }
}
