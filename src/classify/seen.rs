//! Which registered names this household has met, this month and the month before: one bit a name, in fixed memory. Of every
//! eight bits one is set by chance from the beginning, so that a bit shows nobody that a name was ever asked for.

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip::SipHasher13;

use crate::name::Name;

/// The two months.
pub struct Seen {
    key: [u8; 16],
    /// When this month began, seconds since 1970.
    began: AtomicU64,
    recent: Box<[AtomicU64]>,
    before: Box<[AtomicU64]>,
}

/// 64 KiB a month: a household meets some 20,000 registered names, which set 4 of 100 bits more.
const WORDS: usize = 8192;
/// A month.
pub const MONTH_SECS: u64 = 30 * 86_400;
const MAGIC: [u8; 8] = *b"LTSEEN01";
/// Octets of a file.
pub const FILE_LEN: usize = 8 + 16 + 8 + 2 * WORDS * 8;

impl Seen {
    /// Nothing met. `random` gives the key and what is set by chance.
    pub fn new(now_secs: u64, mut random: impl FnMut() -> u64) -> Seen {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&random().to_le_bytes());
        key[8..].copy_from_slice(&random().to_le_bytes());
        // Three words at random, all of which have to have a bit: one of eight.
        let mut by_chance = || AtomicU64::new(random() & random() & random());
        let recent = (0..WORDS).map(|_| by_chance()).collect();
        let before = (0..WORDS).map(|_| by_chance()).collect();
        Seen { key, began: AtomicU64::new(now_secs), recent, before }
    }

    /// Reads what [`Seen::write`] wrote; `None` for anything else.
    pub fn read(octets: &[u8]) -> Option<Seen> {
        let rest = octets.strip_prefix(&MAGIC).filter(|_| octets.len() == FILE_LEN)?;
        let (key, rest) = rest.split_first_chunk::<16>()?;
        let (began, rest) = rest.split_first_chunk::<8>()?;
        let (words, _) = rest.as_chunks::<8>();
        let mut words = words.iter().map(|word| AtomicU64::new(u64::from_le_bytes(*word)));
        let recent = words.by_ref().take(WORDS).collect();
        Some(Seen { key: *key, began: AtomicU64::new(u64::from_le_bytes(*began)), recent, before: words.collect() })
    }

    /// All of it, for a file.
    pub fn write(&self) -> Vec<u8> {
        let mut octets = Vec::with_capacity(FILE_LEN);
        octets.extend_from_slice(&MAGIC);
        octets.extend_from_slice(&self.key);
        octets.extend_from_slice(&self.began.load(Ordering::Relaxed).to_le_bytes());
        for word in self.recent.iter().chain(&self.before) {
            octets.extend_from_slice(&word.load(Ordering::Relaxed).to_le_bytes());
        }
        octets
    }

    /// Notes that the household met it.
    pub fn meet(&self, name: &Name) {
        let Some((word, bit)) = self.place(name) else { return };
        if let Some(word) = self.recent.get(word).filter(|word| word.load(Ordering::Relaxed) & bit == 0) {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// True until a month has begun after the one in which it was first met; by chance also false.
    pub fn is_new(&self, name: &Name) -> bool {
        let Some((word, bit)) = self.place(name) else { return false };
        self.before.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & bit == 0)
    }

    /// Begins a month when the last one is over. What was met in the month before is forgotten, unless it was met again.
    /// True when it did.
    pub fn turn(&self, now_secs: u64, mut random: impl FnMut() -> u64) -> bool {
        if now_secs < self.began.load(Ordering::Relaxed).saturating_add(MONTH_SECS) {
            return false;
        }
        self.began.store(now_secs, Ordering::Relaxed);
        for (recent, before) in self.recent.iter().zip(&self.before) {
            before.store(recent.swap(random() & random() & random(), Ordering::Relaxed), Ordering::Relaxed);
        }
        true
    }

    fn place(&self, name: &Name) -> Option<(usize, u64)> {
        let mut hasher = SipHasher13::new_with_key(&self.key);
        hasher.write(name.registrable()?.as_wire());
        let hash = hasher.finish();
        Some(((hash >> 6) as usize % WORDS, 1 << (hash & 63)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random() -> impl FnMut() -> u64 {
        let mut state = 7_u64;
        move || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB) ^ (mixed >> 31)
        }
    }

    fn name(at: usize) -> Name {
        Name::parse(&format!("www.met{at}.example")).unwrap()
    }

    #[test]
    fn a_name_is_new_until_the_month_after() {
        let (mut random, began) = (random(), 1_000_000);
        let seen = Seen::new(began, &mut random);
        let new = (0..4000).filter(|at| seen.is_new(&name(*at))).count();
        assert!((3400..3600).contains(&new), "one of eight is not told to be new: {new}");
        (0..4000).for_each(|at| seen.meet(&name(at)));
        assert_eq!((0..4000).filter(|at| seen.is_new(&name(*at))).count(), new, "not within the month");
        assert!(!seen.turn(began + MONTH_SECS - 1, &mut random) && seen.turn(began + MONTH_SECS, &mut random));
        assert_eq!((0..4000).filter(|at| seen.is_new(&name(*at))).count(), 0);
        assert!(seen.turn(began + 2 * MONTH_SECS, &mut random));
        let again = (0..4000).filter(|at| seen.is_new(&name(*at))).count();
        assert!((3400..3600).contains(&again), "not met for a month: {again}");
    }

    #[test]
    fn a_file_is_read_as_written_and_says_no_name() {
        let seen = Seen::new(5, random());
        seen.meet(&name(1));
        let octets = seen.write();
        assert_eq!(octets.len(), FILE_LEN);
        assert_eq!(Seen::read(&octets).unwrap().write(), octets);
        assert!(
            Seen::read(&octets[1..]).is_none() && Seen::read(&octets[..100]).is_none() && Seen::read(b"").is_none()
        );
        assert!(!octets.windows(4).any(|word| word == b"met1"));
    }
}
