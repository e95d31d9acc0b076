//! Where fetched lists and compiled bundles lie. Everything is written aside, synced and renamed, so a file is either the
//! old one or the new one; a torn one is noticed when it is read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The folder of the state, with `lists/` in it.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
}

/// What is known of a fetched list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// From where.
    pub url: String,
    /// When, seconds since 1970; of the last look, also when nothing was new.
    pub checked_at: u64,
    /// The server's mark of this version.
    pub etag: Option<String>,
    /// When the server says it changed.
    pub last_modified: Option<String>,
    /// Octets.
    pub bytes: u64,
    /// Usable rules.
    pub entries: u64,
}

/// What the bundle on disk was made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// Digest over the definitions and sizes of all inputs.
    pub fingerprint: String,
}

impl Store {
    /// Opens the folder, and makes it when it is not there.
    pub fn open(root: &Path) -> io::Result<Store> {
        fs::create_dir_all(root.join("lists"))?;
        Ok(Store { root: root.to_path_buf() })
    }

    /// The file of a list's text.
    pub fn list(&self, name: &str) -> PathBuf {
        self.root.join("lists").join(format!("{}.list", file_name(name)))
    }

    /// The file of the bundle.
    pub fn bundle(&self) -> PathBuf {
        self.root.join("bundle")
    }

    /// What is known of a fetched list; `None` when it never was, or its record is torn.
    pub fn fetched(&self, name: &str) -> Option<Fetched> {
        read_json(&self.record(name)).filter(|_| self.list(name).is_file())
    }

    /// Keeps what is known of a fetched list.
    pub fn keep_fetched(&self, name: &str, fetched: &Fetched) -> io::Result<()> {
        write_json(&self.record(name), fetched)
    }

    /// What the bundle was made from; `None` when there is none.
    pub fn made(&self) -> Option<Made> {
        read_json(&self.root.join("bundle.json")).filter(|_| self.bundle().is_file())
    }

    /// Keeps a bundle and what it was made from.
    pub fn keep_bundle(&self, bytes: &[u8], made: &Made) -> io::Result<()> {
        // The record goes last: one that does not fit its bundle only costs a compilation.
        write_aside(&self.bundle(), bytes)?;
        write_json(&self.root.join("bundle.json"), made)
    }

    fn record(&self, name: &str) -> PathBuf {
        self.root.join("lists").join(format!("{}.json", file_name(name)))
    }
}

/// A list's name as a file name: letters, digits and hyphens stay, every other octet is written as `_xx`.
fn file_name(name: &str) -> String {
    let octet = |octet: u8| match octet {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => char::from(octet).to_string(),
        other => format!("_{other:02x}"),
    };
    name.bytes().map(octet).collect()
}

/// Writes a file aside, syncs it and puts it in place.
pub fn write_aside(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    put_in_place(&aside, path)
}

/// Renames a finished, synced file to its place, and makes the renaming last.
pub fn put_in_place(aside: &Path, path: &Path) -> io::Result<()> {
    fs::rename(aside, path)?;
    // A bare file name has an empty parent: it lies here.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

fn write_json<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    write_aside(path, &serde_json::to_vec_pretty(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_record_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let fetched = Fetched { url: "https://x.example/".into(), entries: 3, ..Fetched::default() };
        store.keep_fetched("a/b c", &fetched).unwrap();
        assert_eq!(store.fetched("a/b c"), None, "no text, no list");
        fs::write(store.list("a/b c"), "x").unwrap();
        assert_eq!(store.fetched("a/b c"), Some(fetched));
        fs::write(store.record("a/b c"), "{\"url\": \"ht").unwrap();
        assert_eq!(store.fetched("a/b c"), None);
    }

    #[test]
    fn names_do_not_leave_the_folder() {
        assert_eq!(file_name("../../etc"), "_2e_2e_2f_2e_2e_2fetc");
        assert_ne!(file_name("a_b"), file_name("a b"));
    }
}
