//! One authority's repository as a folder of static files. Files go first, the list that names them next, and what tells
//! that it is the newest last, so that who reads while it is written finds the old or the new, never half.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::{Span, Timestamp};
use serde_json::{Value, json};

use super::key::SigningKey;
use super::metadata::{Metadata, MetadataError, SPEC};
use crate::lists::compile::hex;
use crate::lists::store::write_aside;
use crate::lists::trust::release::{FORMAT, FileRef, RELEASE, Release, WITHDRAWN, Withdrawn};
use crate::lists::trust::repository::stored;

/// The keys at hand; who has none leaves the file to be signed elsewhere.
#[derive(Default)]
pub struct Keys {
    /// For the list of files.
    pub targets: Vec<SigningKey>,
    /// For the snapshot.
    pub snapshot: Vec<SigningKey>,
    /// For the timestamp.
    pub timestamp: Vec<SigningKey>,
}

/// How long each kind of file holds, in days.
#[derive(Debug, Clone, Copy)]
pub struct Days {
    /// The list of files.
    pub targets: i64,
    /// The snapshot.
    pub snapshot: i64,
    /// The timestamp.
    pub timestamp: i64,
}

impl Default for Days {
    /// A timestamp of a week is what bounds how long anybody can hold a box back; it is signed anew every day.
    fn default() -> Days {
        Days { targets: 90, snapshot: 30, timestamp: 7 }
    }
}

/// What changes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The folder a build wrote; `None` leaves the release as it is.
    pub release: Option<PathBuf>,
    /// Takes the release away.
    pub no_release: bool,
    /// All names this authority takes back; `None` leaves them as they are.
    pub withdrawn: Option<Vec<String>>,
}

/// One authority's folder.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The repository at `path`, made when it is not there.
    pub fn open(path: &Path) -> Result<Folder, MetadataError> {
        let folder = Folder { path: path.to_path_buf() };
        for part in ["metadata", "targets"] {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(|error| file_error(&part, error))?;
        }
        Ok(folder)
    }

    /// Publishes a root: the first, or the next one.
    pub fn add_root(&self, root: &Metadata) -> Result<(), MetadataError> {
        let version = root.version();
        root.check("the new root", root)?;
        if version > 1 {
            let before = self.read(&format!("{}.root.json", version - 1))?;
            let before = before.ok_or_else(|| {
                MetadataError::Asked(format!("root {version} comes after root {}, which is not here", version - 1))
            })?;
            root.check("the new root, by the keys of the one before", &before)?;
        }
        root.write(&self.metadata(&format!("{version}.root.json")))?;
        root.write(&self.metadata("root.json"))
    }

    /// Publishes a change, signed by the keys at hand.
    pub fn publish(&self, change: &Change, keys: &Keys, days: Days, now: Timestamp) -> Result<(), MetadataError> {
        let before = self.current("targets")?;
        let mut targets: BTreeMap<String, Value> = before
            .as_ref()
            .and_then(|before| before.signed.get("targets").and_then(Value::as_object))
            .map(|targets| targets.iter().map(|(path, target)| (path.clone(), target.clone())).collect())
            .unwrap_or_default();
        if change.no_release || change.release.is_some() {
            targets.retain(|path, _| path == WITHDRAWN);
        }
        for (file, octets) in
            change.release.iter().map(|folder| release_files(folder)).collect::<Result<Vec<_>, _>>()?.concat()
        {
            self.add(&file, &octets, &mut targets)?;
        }
        if let Some(names) = &change.withdrawn {
            let list = Withdrawn { format: FORMAT, names: names.clone() };
            let octets = serde_json::to_vec_pretty(&list).map_err(|error| MetadataError::Asked(error.to_string()))?;
            self.add(&file_ref(WITHDRAWN, &octets), &octets, &mut targets)?;
        }
        let version = before.map_or(0, |before| before.version()) + 1;
        let expires = in_days(now, days.targets)?;
        let mut list = Metadata::new(json!({
            "_type": "targets", "spec_version": SPEC, "version": version, "expires": expires, "targets": targets,
        }));
        sign(&mut list, &keys.targets)?;
        list.write(&self.metadata(&format!("{version}.targets.json")))?;
        self.snapshot(version, keys, days, now)
    }

    fn snapshot(&self, targets: u64, keys: &Keys, days: Days, now: Timestamp) -> Result<(), MetadataError> {
        let version = self.current("snapshot")?.map_or(0, |before| before.version()) + 1;
        let mut snapshot = Metadata::new(json!({
            "_type": "snapshot", "spec_version": SPEC, "version": version, "expires": in_days(now, days.snapshot)?,
            "meta": {"targets.json": {"version": targets}},
        }));
        sign(&mut snapshot, &keys.snapshot)?;
        snapshot.write(&self.metadata(&format!("{version}.snapshot.json")))?;
        self.timestamp(version, keys, days, now)
    }

    /// Says anew that the newest is the newest.
    pub fn refresh(&self, keys: &Keys, days: Days, now: Timestamp) -> Result<(), MetadataError> {
        let snapshot = self.current("snapshot")?;
        let snapshot = snapshot.ok_or_else(|| MetadataError::Asked("nothing is published here yet".into()))?;
        let left =
            snapshot.signed.get("expires").and_then(Value::as_str).and_then(|text| text.parse::<Timestamp>().ok());
        let ends = now + jiff::SignedDuration::from_hours(24 * days.timestamp);
        if left.is_some_and(|left| left < ends) && !keys.snapshot.is_empty() {
            let targets = snapshot.signed.pointer("/meta/targets.json/version").and_then(Value::as_u64).unwrap_or(1);
            return self.snapshot(targets, keys, days, now);
        }
        self.timestamp(snapshot.version(), keys, days, now)
    }

    fn timestamp(&self, snapshot: u64, keys: &Keys, days: Days, now: Timestamp) -> Result<(), MetadataError> {
        let version = self.read("timestamp.json")?.map_or(0, |before| before.version()) + 1;
        let mut timestamp = Metadata::new(json!({
            "_type": "timestamp", "spec_version": SPEC, "version": version, "expires": in_days(now, days.timestamp)?,
            "meta": {"snapshot.json": {"version": snapshot}},
        }));
        sign(&mut timestamp, &keys.timestamp)?;
        timestamp.write(&self.metadata("timestamp.json"))
    }

    /// What would be wrong with this repository for a box: signatures, versions, files.
    pub fn check(&self) -> Result<(), MetadataError> {
        let missing = |what: &str| MetadataError::Asked(format!("{what} is missing"));
        let root = self.read("root.json")?.ok_or_else(|| missing("metadata/root.json"))?;
        root.check("root.json", &root)?;
        self.read("timestamp.json")?
            .ok_or_else(|| missing("metadata/timestamp.json"))?
            .check("timestamp.json", &root)?;
        self.current("snapshot")?.ok_or_else(|| missing("the snapshot"))?.check("the snapshot", &root)?;
        let targets = self.current("targets")?.ok_or_else(|| missing("the list of targets"))?;
        targets.check("the list of targets", &root)?;
        for (path, target) in targets.signed.get("targets").and_then(Value::as_object).into_iter().flatten() {
            let sha256 = target.pointer("/hashes/sha256").and_then(Value::as_str).unwrap_or_default();
            let file = FileRef { path: path.clone(), length: 0, sha256: sha256.into() };
            let place = self.path.join(stored(&file));
            let octets = fs::read(&place).map_err(|error| file_error(&place, error))?;
            if hex(digest(&SHA256, &octets).as_ref()) != sha256 {
                return Err(MetadataError::Asked(format!("{} is not what was signed", place.display())));
            }
        }
        Ok(())
    }

    fn add(&self, file: &FileRef, octets: &[u8], targets: &mut BTreeMap<String, Value>) -> Result<(), MetadataError> {
        let place = self.path.join(stored(file));
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        }
        write_aside(&place, octets).map_err(|error| file_error(&place, error))?;
        targets.insert(file.path.clone(), json!({"length": file.length, "hashes": {"sha256": file.sha256}}));
        Ok(())
    }

    /// The newest list of files or snapshot, as the timestamp leads to it.
    fn current(&self, what: &str) -> Result<Option<Metadata>, MetadataError> {
        let Some(timestamp) = self.read("timestamp.json")? else { return Ok(None) };
        let version = |of: &Metadata, file: &str| {
            of.signed.pointer(&format!("/meta/{file}/version")).and_then(Value::as_u64).unwrap_or(0)
        };
        let Some(snapshot) = self.read(&format!("{}.snapshot.json", version(&timestamp, "snapshot.json")))? else {
            return Ok(None);
        };
        match what {
            "snapshot" => Ok(Some(snapshot)),
            _ => self.read(&format!("{}.targets.json", version(&snapshot, "targets.json"))),
        }
    }

    fn read(&self, file: &str) -> Result<Option<Metadata>, MetadataError> {
        let path = self.metadata(file);
        if path.is_file() { Metadata::read(&path).map(Some) } else { Ok(None) }
    }

    /// Where a file of metadata lies.
    pub fn metadata(&self, file: &str) -> PathBuf {
        self.path.join("metadata").join(file)
    }
}

/// The release file and all that it names, each held against what the release says of it.
fn release_files(folder: &Path) -> Result<Vec<(FileRef, Vec<u8>)>, MetadataError> {
    let place = folder.join(RELEASE);
    let text = fs::read(&place).map_err(|error| file_error(&place, error))?;
    let release: Release = serde_json::from_slice(&text)
        .map_err(|error| MetadataError::Format { path: place.display().to_string(), why: error.to_string() })?;
    let named = [&release.bundle]
        .into_iter()
        .chain(release.deltas.iter().map(|delta| &delta.file))
        .chain(&release.criteria)
        .chain(&release.sealed)
        .chain(&release.model)
        .chain(&release.reports);
    let mut files = Vec::new();
    for file in named {
        let place = folder.join(&file.path);
        let octets = fs::read(&place).map_err(|error| file_error(&place, error))?;
        if file_ref(&file.path, &octets) != *file {
            return Err(MetadataError::Asked(format!("{} is not the file that {RELEASE} names", place.display())));
        }
        files.push((file.clone(), octets));
    }
    files.push((file_ref(RELEASE, &text), text));
    Ok(files)
}

fn file_ref(path: &str, octets: &[u8]) -> FileRef {
    FileRef { path: path.into(), length: octets.len() as u64, sha256: hex(digest(&SHA256, octets).as_ref()) }
}

fn sign(metadata: &mut Metadata, keys: &[SigningKey]) -> Result<(), MetadataError> {
    keys.iter().try_for_each(|key| metadata.sign(key).map(|_| ()))
}

/// That many days from now, as metadata writes it: whole seconds.
pub fn in_days(now: Timestamp, days: i64) -> Result<String, MetadataError> {
    let out_of_range = |error: jiff::Error| MetadataError::Asked(error.to_string());
    let whole = Timestamp::from_second(now.as_second()).map_err(out_of_range)?;
    Ok(whole.checked_add(Span::new().hours(24 * days)).map_err(out_of_range)?.to_string())
}

fn file_error(path: &Path, error: io::Error) -> MetadataError {
    MetadataError::File { path: path.display().to_string(), error }
}
