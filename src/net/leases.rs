//! Lease files of DHCP servers, followed: which device was given which address, for those behind another router and for
//! DHCPv6, of whom the neighbour table may know nothing. Each file is looked at once a second, on a thread that ends when the
//! last handle is dropped. A file that is not there is none yet; one that is too large or cannot be read keeps what it said.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::net::IpAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::identity::Mac;
use crate::identity::lease::{self, Format, LEASES_MAX, Lease, LeaseFile};

/// Octets read of one file: four times what 16,384 leases of the wordiest format need that a household has.
pub const FILE_MAX: u64 = 4 << 20;
/// Between two looks.
const EVERY: Duration = Duration::from_secs(1);
/// Kea writes its file anew beside itself now and then; meanwhile these, oldest first, hold what the file itself does not
/// ("Lease File Cleanup" in Kea's manual).
const KEA_PARTS: [&str; 3] = [".2", ".1", ".completed"];

/// What the files say now.
#[derive(Default)]
pub struct Leases {
    now: ArcSwap<Held>,
    changes: AtomicU64,
    files: Mutex<Vec<Followed>>,
}

#[derive(Default)]
struct Held {
    macs: HashMap<IpAddr, Mac>,
    all: Vec<Lease>,
}

/// A file, how it was when it was read, and what it said.
struct Followed {
    file: LeaseFile,
    stamps: Vec<Option<Stamp>>,
    leases: Vec<Lease>,
    /// Told, and not told again while it stays so.
    is_failing: bool,
}

/// Tells a file from a newer one: by what a change or a rename changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    len: u64,
    modified: (i64, i64),
}

impl Leases {
    /// Reads the files and follows them until the last handle is dropped. `now` tells the time, in seconds since 1970.
    pub fn start(files: &[LeaseFile], now: fn() -> i64) -> io::Result<Arc<Leases>> {
        let leases = Arc::new(Leases::of(files));
        leases.look(now());
        if !files.is_empty() {
            let followed = Arc::downgrade(&leases);
            thread::Builder::new().name("leases".into()).spawn(move || follow(&followed, now))?;
        }
        Ok(leases)
    }

    fn of(files: &[LeaseFile]) -> Leases {
        let unread = |file: &LeaseFile| Followed {
            file: file.clone(),
            stamps: Vec::new(),
            leases: Vec::new(),
            is_failing: false,
        };
        Leases { files: Mutex::new(files.iter().map(unread).collect()), ..Leases::default() }
    }

    /// The device that was given this address, by the first file that says so. Takes no lock.
    pub fn mac_of(&self, ip: IpAddr) -> Option<Mac> {
        self.now.load().macs.get(&ip.to_canonical()).copied()
    }

    /// All leases that have not ended.
    pub fn all(&self) -> Vec<Lease> {
        self.now.load().all.clone()
    }

    /// A number that changes with what the files say.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The files followed.
    pub fn files(&self) -> Vec<LeaseFile> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.iter().map(|followed| followed.file.clone()).collect()
    }

    /// Reads what has changed and lets go what has ended.
    fn look(&self, now: i64) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let is_changed = files.iter_mut().map(Followed::renew).filter(|is_changed| *is_changed).count() > 0;
        let has_ended = |lease: &Lease| lease.until.is_some_and(|until| until <= now);
        if !is_changed && !self.now.load().all.iter().any(has_ended) {
            return;
        }
        let mut held = Held::default();
        let current = files.iter().flat_map(|followed| &followed.leases).filter(|lease| !has_ended(lease));
        for lease in current.take(LEASES_MAX) {
            if let Some(mac) = lease.mac {
                held.macs.entry(lease.ip).or_insert(mac);
            }
            held.all.push(lease.clone());
        }
        self.now.store(Arc::new(held));
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}

fn follow(leases: &Weak<Leases>, now: fn() -> i64) {
    loop {
        thread::sleep(EVERY);
        let Some(leases) = leases.upgrade() else { return };
        leases.look(now());
    }
}

impl Followed {
    /// True when the file says something else than before.
    fn renew(&mut self) -> bool {
        let parts = self.parts();
        let stamps: Vec<_> = parts.iter().map(|path| stamp(path)).collect();
        if stamps == self.stamps {
            return false;
        }
        self.stamps = stamps;
        match read_all(&parts) {
            Ok(text) => {
                let leases = lease::read(self.file.format, &text);
                self.is_failing = false;
                let is_other = leases != self.leases;
                self.leases = leases;
                is_other
            }
            Err(error) => {
                if !self.is_failing {
                    tracing::warn!(file = %self.file.path.display(), "leases are not read: {error}");
                }
                self.is_failing = true;
                false
            }
        }
    }

    /// Oldest first.
    fn parts(&self) -> Vec<PathBuf> {
        let beside = |ending: &&str| {
            let mut name = OsString::from(&self.file.path);
            name.push(ending);
            PathBuf::from(name)
        };
        let older = KEA_PARTS.iter().filter(|_| self.file.format == Format::Kea).map(beside);
        older.chain([self.file.path.clone()]).collect()
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let meta = fs::metadata(path).ok()?;
    Some(Stamp { inode: meta.ino(), len: meta.len(), modified: (meta.mtime(), meta.mtime_nsec()) })
}

/// The text of the files that are there, one behind the other; an error when none is, and when they are too large.
fn read_all(parts: &[PathBuf]) -> io::Result<String> {
    let mut octets = Vec::new();
    let mut missing = None;
    for path in parts {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                missing = Some(error);
                continue;
            }
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("no regular file"));
        }
        file.take(FILE_MAX + 1).read_to_end(&mut octets)?;
        if octets.len() as u64 > FILE_MAX {
            return Err(io::Error::other("larger than 4 MiB"));
        }
        // A line that was cut at the end of one must not run into the next.
        octets.push(b'\n');
    }
    match missing {
        Some(error) if octets.is_empty() => Err(error),
        _ => Ok(String::from_utf8_lossy(&octets).into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "1900000000 02:00:00:00:00:10 10.0.0.10 an *\n";

    fn at(folder: &Path, name: &str, format: Format) -> LeaseFile {
        LeaseFile { path: folder.join(name), format }
    }

    fn mac(leases: &Leases, ip: &str) -> Option<String> {
        leases.mac_of(ip.parse().unwrap()).map(Mac::to_text)
    }

    #[test]
    fn a_file_is_read_when_it_comes_is_replaced_and_grows() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = at(folder.path(), "leases", Format::Dnsmasq);
        let leases = Leases::of(std::slice::from_ref(&file));
        leases.look(0);
        assert_eq!((leases.all().len(), leases.changes()), (0, 0), "a missing file is fine");
        fs::write(&file.path, LINE).unwrap();
        leases.look(0);
        assert_eq!(mac(&leases, "::ffff:10.0.0.10").as_deref(), Some("02:00:00:00:00:10"));
        let seen = leases.changes();
        leases.look(0);
        assert_eq!(leases.changes(), seen, "nothing changed");
        let aside = folder.path().join("aside");
        fs::write(&aside, LINE.replace(":10 10", ":20 10")).unwrap();
        fs::rename(&aside, &file.path).unwrap();
        leases.look(0);
        assert_eq!(mac(&leases, "10.0.0.10").as_deref(), Some("02:00:00:00:00:20"));
        fs::write(&file.path, vec![b'x'; FILE_MAX as usize + 1]).unwrap();
        leases.look(0);
        assert!(mac(&leases, "10.0.0.10").is_some(), "what cannot be read keeps what it said");
    }

    #[test]
    fn a_lease_ends_by_itself_and_the_first_file_counts() {
        let folder = tempfile::TempDir::new().unwrap();
        let files = [at(folder.path(), "a", Format::Dnsmasq), at(folder.path(), "b", Format::Dnsmasq)];
        fs::write(&files[0].path, LINE).unwrap();
        fs::write(&files[1].path, LINE.replace("00:10 ", "00:20 ").replace("19", "20")).unwrap();
        let leases = Leases::of(&files);
        leases.look(1_899_999_999);
        assert_eq!(mac(&leases, "10.0.0.10").as_deref(), Some("02:00:00:00:00:10"));
        leases.look(1_900_000_000);
        assert_eq!(mac(&leases, "10.0.0.10").as_deref(), Some("02:00:00:00:00:20"));
        leases.look(2_000_000_000);
        assert_eq!(mac(&leases, "10.0.0.10"), None);
    }

    #[test]
    fn while_kea_tidies_up_its_leases_stand_in_several_files() {
        const HEAD: &str = "address,hwaddr,client_id,valid_lifetime,expire,state\n";
        let folder = tempfile::TempDir::new().unwrap();
        let file = at(folder.path(), "kea.csv", Format::Kea);
        let leases = Leases::of(std::slice::from_ref(&file));
        let line = |ip: &str, mac: &str| format!("{ip},02:00:00:00:00:{mac},,3600,1900000000,0\n");
        fs::write(folder.path().join("kea.csv.2"), format!("{HEAD}{}", line("10.0.0.1", "01"))).unwrap();
        fs::write(folder.path().join("kea.csv.1"), format!("{HEAD}{}", line("10.0.0.2", "02"))).unwrap();
        fs::write(&file.path, format!("{HEAD}{}", line("10.0.0.1", "03"))).unwrap();
        leases.look(0);
        assert_eq!(mac(&leases, "10.0.0.1").as_deref(), Some("02:00:00:00:00:03"), "the newest");
        assert_eq!(mac(&leases, "10.0.0.2").as_deref(), Some("02:00:00:00:00:02"));
    }
}
