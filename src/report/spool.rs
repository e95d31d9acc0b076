//! Closed messages that wait to be sent, in one file of bounded size. Written aside, synced and renamed; of a file that is
//! torn, whole messages are kept. What comes too late, or finds no room, is dropped: never sent in another form. Holds
//! nothing that this box could read.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use rand::CryptoRng;

use crate::report::calendar::Calendar;
use crate::report::envelope::Envelope;
use crate::report::slots::retry;

const MAGIC: &[u8; 8] = b"LTspool1";
/// Due, expiry, tries and length before the octets; a check behind them.
const RECORD_HEAD_LEN: usize = 8 + 8 + 1 + 4;
const CHECK_LEN: usize = 8;

/// What a spool holds at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Octets of the file.
    pub octets_max: usize,
}

impl Default for Limits {
    /// 256 KiB: a month without a relay.
    fn default() -> Limits {
        Limits { octets_max: 256 << 10 }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// On disk.
    Kept,
    /// There was no room. It is gone.
    Dropped,
}

/// What was found at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Messages that are whole.
    pub kept: usize,
    /// Octets behind them that are none.
    pub torn: usize,
}

/// Messages that wait.
#[derive(Debug)]
pub struct Spool {
    path: PathBuf,
    limits: Limits,
    waiting: Vec<Waiting>,
}

/// A message that waits. Told apart by what it is: the same octets are the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// When it is sent, in seconds since 1970.
    pub due_at: u64,
    /// From when on nobody takes it any more.
    pub expires_at: u64,
    /// How often it failed.
    pub tries: u8,
    /// What is sent, the same each time.
    pub envelope: Envelope,
}

impl Spool {
    /// Reads what waits. A missing file is an empty spool; a torn one gives its whole messages.
    pub fn open(path: &Path, limits: Limits) -> io::Result<(Spool, Found)> {
        let octets = match fs::read(path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => MAGIC.to_vec(),
            Err(error) => return Err(error),
        };
        let (waiting, torn) = read_all(&octets);
        let found = Found { kept: waiting.len(), torn };
        Ok((Spool { path: path.to_path_buf(), limits, waiting }, found))
    }

    /// Adds one and writes. `Err`: the disk did not take it; then it is not kept in memory either.
    pub fn put(&mut self, envelope: Envelope, due_at: u64, expires_at: u64) -> io::Result<Put> {
        let waiting = Waiting { due_at, expires_at, tries: 0, envelope };
        let mut all = self.waiting.clone();
        all.push(waiting);
        if size(&all) > self.limits.octets_max {
            return Ok(Put::Dropped);
        }
        self.keep(all).map(|()| Put::Kept)
    }

    /// The one that has been due the longest.
    pub fn due(&self, now: u64) -> Option<&Waiting> {
        let due = self.waiting.iter().filter(|waiting| waiting.due_at <= now && now < waiting.expires_at);
        due.min_by_key(|waiting| waiting.due_at)
    }

    /// When the next one is due.
    pub fn next_at(&self) -> Option<u64> {
        self.waiting.iter().map(|waiting| waiting.due_at).min()
    }

    /// It arrived.
    pub fn sent(&mut self, envelope: &Envelope) -> io::Result<()> {
        self.keep(self.waiting.iter().filter(|waiting| waiting.envelope != *envelope).cloned().collect())
    }

    /// It did not: tried again later, each time later, with chance in it so that many boxes do not return at once.
    pub fn failed(
        &mut self,
        envelope: &Envelope,
        calendar: Calendar,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> io::Result<()> {
        let mut all = self.waiting.clone();
        for waiting in all.iter_mut().filter(|waiting| waiting.envelope == *envelope) {
            waiting.due_at = now.saturating_add(retry(calendar, waiting.tries, rng));
            waiting.tries = waiting.tries.saturating_add(1);
        }
        self.keep(all)
    }

    /// All that waits.
    pub fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// What comes too late, also what would be due only then.
    pub fn late(&self, now: u64) -> impl Iterator<Item = &Waiting> {
        self.waiting.iter().filter(move |waiting| now >= waiting.expires_at || waiting.due_at >= waiting.expires_at)
    }

    /// Drops what comes too late, also what would be due only then. Returns how many.
    pub fn expire(&mut self, now: u64) -> io::Result<usize> {
        let all = self.waiting.iter().filter(|waiting| now < waiting.expires_at && waiting.due_at < waiting.expires_at);
        let left: Vec<Waiting> = all.cloned().collect();
        let dropped = self.waiting.len().saturating_sub(left.len());
        if dropped > 0 {
            self.keep(left)?;
        }
        Ok(dropped)
    }

    /// Drops everything: somebody took their consent back.
    pub fn clear(&mut self) -> io::Result<()> {
        self.keep(Vec::new())
    }

    /// Messages.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn keep(&mut self, all: Vec<Waiting>) -> io::Result<()> {
        write_aside(&self.path, &octets(&all))?;
        self.waiting = all;
        Ok(())
    }
}

fn size(all: &[Waiting]) -> usize {
    let records = all.iter().map(|waiting| waiting.envelope.octets().len().saturating_add(RECORD_HEAD_LEN + CHECK_LEN));
    records.fold(MAGIC.len(), usize::saturating_add)
}

fn octets(all: &[Waiting]) -> Vec<u8> {
    let mut octets = MAGIC.to_vec();
    for waiting in all {
        let content = waiting.envelope.octets();
        let length = u32::try_from(content.len()).unwrap_or(0).to_be_bytes();
        let head = [waiting.due_at.to_be_bytes(), waiting.expires_at.to_be_bytes()].concat();
        let record = [head.as_slice(), &[waiting.tries], &length, content].concat();
        octets.extend(&record);
        octets.extend(check(&record));
    }
    octets
}

/// Whole messages, and how many octets behind them are none.
fn read_all(octets: &[u8]) -> (Vec<Waiting>, usize) {
    let Some(mut rest) = octets.strip_prefix(MAGIC) else { return (Vec::new(), octets.len()) };
    let mut all = Vec::new();
    while let Some((waiting, behind)) = read_one(rest) {
        all.push(waiting);
        rest = behind;
    }
    (all, rest.len())
}

fn read_one(octets: &[u8]) -> Option<(Waiting, &[u8])> {
    let (due, rest) = octets.split_first_chunk()?;
    let (expires, rest) = rest.split_first_chunk()?;
    let (&tries, rest) = rest.split_first()?;
    let (length, rest) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let content = rest.get(..length)?;
    let end = RECORD_HEAD_LEN.checked_add(length)?;
    let (record, behind) = octets.split_at_checked(end)?;
    let (found, behind) = behind.split_first_chunk::<CHECK_LEN>()?;
    let envelope = Envelope::from_spool(content.to_vec());
    let (due_at, expires_at) = (u64::from_be_bytes(*due), u64::from_be_bytes(*expires));
    (*found == check(record)).then_some((Waiting { due_at, expires_at, tries, envelope }, behind))
}

/// The first octets of SHA-256: against chance, not against anybody.
fn check(record: &[u8]) -> [u8; CHECK_LEN] {
    let digest = digest::digest(&digest::SHA256, record);
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

fn write_aside(path: &Path, octets: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&aside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    fn envelope(octet: u8) -> Envelope {
        Envelope::from_spool(vec![octet; 100])
    }

    fn spool(path: &Path) -> Spool {
        Spool::open(path, Limits::default()).unwrap().0
    }

    #[test]
    fn what_was_put_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut one = spool(&path);
        for octet in 1..4 {
            assert_eq!(one.put(envelope(octet), 100 * u64::from(octet), 1_000).unwrap(), Put::Kept);
        }
        let (mut again, found) = Spool::open(&path, Limits::default()).unwrap();
        assert_eq!(found, Found { kept: 3, torn: 0 });
        assert_eq!(again.due(99), None);
        assert_eq!(again.due(250).unwrap().envelope, envelope(1));
        again.sent(&envelope(1)).unwrap();
        assert_eq!(again.due(250).unwrap().envelope, envelope(2));
        assert_eq!(again.next_at(), Some(200));
        assert_eq!(spool(&path).len(), 2);
        again.clear().unwrap();
        assert!(spool(&path).is_empty());
    }

    #[test]
    fn of_a_torn_file_whole_messages_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut one = spool(&path);
        (1..4).for_each(|octet| assert_eq!(one.put(envelope(octet), 1, 9).unwrap(), Put::Kept));
        let whole = fs::read(&path).unwrap();
        let record = (whole.len() - MAGIC.len()) / 3;
        for length in 0..=whole.len() {
            fs::write(&path, &whole[..length]).unwrap();
            let (_, found) = Spool::open(&path, Limits::default()).unwrap();
            assert_eq!(found.kept, length.saturating_sub(MAGIC.len()) / record, "{length} octets");
        }
        for at in (MAGIC.len()..whole.len()).step_by(7) {
            let mut bad = whole.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            let (_, found) = Spool::open(&path, Limits::default()).unwrap();
            assert_eq!(found.kept, (at - MAGIC.len()) / record, "octet {at}");
            assert!(found.torn > 0);
        }
        fs::write(&path, [MAGIC.as_slice(), &[0xff; 5_000]].concat()).unwrap();
        assert_eq!(Spool::open(&path, Limits::default()).unwrap().1, Found { kept: 0, torn: 5_000 });
    }

    #[test]
    fn a_full_spool_drops_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("spool");
        let mut spool = Spool::open(&path, Limits { octets_max: 300 }).unwrap().0;
        assert_eq!(spool.put(envelope(1), 1, 9).unwrap(), Put::Kept);
        assert_eq!(spool.put(envelope(2), 1, 9).unwrap(), Put::Kept);
        assert_eq!(spool.put(envelope(3), 1, 9).unwrap(), Put::Dropped);
        assert!(fs::metadata(&path).unwrap().len() <= 300);
        spool.sent(&envelope(1)).unwrap();
        assert_eq!(spool.put(envelope(3), 1, 9).unwrap(), Put::Kept);
    }

    #[test]
    fn a_failure_waits_longer_each_time_and_in_the_end_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = StdRng::seed_from_u64(41);
        let mut spool = spool(&folder.path().join("spool"));
        spool.put(envelope(1), 0, 3 * 86_400).unwrap();
        let (mut now, mut waits) = (0, Vec::new());
        while spool.due(now).is_some() {
            spool.failed(&envelope(1), Calendar::default(), now, &mut rng).unwrap();
            let next = spool.next_at().unwrap();
            waits.push(next - now);
            now = next;
        }
        for (at, waited) in waits.iter().enumerate() {
            let longest = (600 << at).min(12 * 3600);
            assert!((longest / 2..longest).contains(waited), "{waits:?}");
        }
        assert!(waits.len() > 6, "{waits:?}");
        assert_eq!(spool.expire(now).unwrap(), 1);
        assert!(spool.is_empty());
    }

    #[test]
    fn a_disk_that_refuses_keeps_nothing_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = spool(&folder.path().join("none/spool"));
        assert!(spool.put(envelope(1), 1, 9).is_err());
        assert!(spool.is_empty());
    }
}
