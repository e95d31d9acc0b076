//! One authority's repository (TUF): its metadata, loaded from one mirror after the other until one is right, with the
//! memory that makes going back impossible. tough checks signatures, versions and digests; time is checked here, by the
//! house's own clock, which knows what tough's cannot.

use std::fs;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use tough::error::Error as Tough;
use tough::schema::{Error as Schema, RoleType, Root, Signed};
use tough::{ExpirationEnforcement, Limits, Repository, RepositoryLoader, TargetName};
use url::Url;

use super::error::{Side, TrustError};
use super::place::{BASE, Place, Reach};
use super::release::FileRef;
use crate::lists::compile::hex;
use crate::lists::fetch::FetchError;

/// An authority's repository as one mirror shows it.
pub struct Authority {
    /// Whose.
    pub side: Side,
    /// From where.
    pub reach: Reach,
    shown: String,
    repository: Repository,
}

/// What tough may read: an authority has a handful of keys and a few dozen files.
const LIMITS: Limits = Limits {
    max_root_size: 256 << 10,
    max_targets_size: 4 << 20,
    max_timestamp_size: 64 << 10,
    max_snapshot_size: 256 << 10,
    max_root_updates: 256,
};

impl Authority {
    /// Loads what `reach` has. `anchor` is the root file that came with the configuration, `memory` the folder of what was
    /// seen before; it is brought up to date only as far as everything was right.
    pub async fn load(
        side: Side,
        anchor: &Path,
        memory: &Path,
        reach: Reach,
        place: &Place,
        now: u64,
    ) -> Result<Authority, TrustError> {
        let root = trusted_root(side, anchor, memory)?;
        // tough writes as it reads; a copy is what may be thrown away.
        let aside = begin(memory)?;
        let url = |path: &str| {
            Url::parse(&format!("{BASE}{path}")).map_err(|error| TrustError::Inconsistent(error.to_string()))
        };
        let loader = RepositoryLoader::new(&root, url("metadata/")?, url("targets/")?)
            .transport(reach.clone())
            .limits(LIMITS)
            .datastore(&aside)
            .expiration_enforcement(ExpirationEnforcement::Unsafe);
        let loaded = loader.load().await;
        let shown = place.to_string();
        let repository = loaded.map_err(|error| of_tough(side, &shown, error))?;
        let authority = Authority { side, reach, shown, repository };
        authority.check_expiry(now)?;
        keep(&aside, memory)?;
        Ok(authority)
    }

    fn check_expiry(&self, now: u64) -> Result<(), TrustError> {
        let now = Timestamp::from_second(i64::try_from(now).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
        let signed = &self.repository;
        let times = [
            ("timestamp", signed.timestamp().signed.expires.as_second()),
            ("snapshot", signed.snapshot().signed.expires.as_second()),
            ("list of targets", signed.targets().signed.expires.as_second()),
            ("root", signed.root().signed.expires.as_second()),
        ];
        for (what, expires) in times {
            if expires < now.as_second() {
                let at = Timestamp::from_second(expires).unwrap_or(Timestamp::MIN);
                return Err(TrustError::Expired { side: self.side, what, at, now });
            }
        }
        Ok(())
    }

    /// What it says of a file; `None` when it names no such file.
    pub fn names(&self, path: &str) -> Option<FileRef> {
        let name = TargetName::new(path).ok()?;
        let target = self.repository.targets().signed.find_target(&name, false).ok()?;
        Some(FileRef { path: path.to_string(), length: target.length, sha256: hex(&target.hashes.sha256) })
    }

    /// Ids of the keys that may sign anything.
    pub fn key_ids(&self) -> Vec<String> {
        let root: &Root = &self.repository.root().signed;
        root.roles.values().flat_map(|role| role.keyids.iter().map(|id| hex(id))).collect()
    }

    /// A small file it names, checked.
    pub async fn read(&self, file: &FileRef, bytes_max: u64) -> Result<Vec<u8>, TrustError> {
        if file.length > bytes_max {
            return Err(TrustError::TooLarge { what: file.path.clone(), bytes_max });
        }
        let found = self.reach.small(&stored(file), file.length).await;
        let octets = found.and_then(|octets| octets.ok_or(FetchError::Status(hyper::StatusCode::NOT_FOUND)));
        let octets = octets.map_err(|error| TrustError::of_fetch(self.side, &self.shown, &file.path, error))?;
        check(file, octets.len() as u64, || hex(digest(&SHA256, &octets).as_ref()))?;
        Ok(octets)
    }

    /// A file of any size to `aside`; not checked yet.
    pub async fn fetch(&self, file: &FileRef, aside: &Path) -> Result<u64, TrustError> {
        let fetched = self.reach.large(&stored(file), aside, file.length).await;
        fetched.map_err(|error| TrustError::of_fetch(self.side, &self.shown, &file.path, error))
    }
}

/// The octets are as many as announced, and those that were signed.
pub fn check(file: &FileRef, len: u64, sha256: impl FnOnce() -> String) -> Result<(), TrustError> {
    let what = file.path.clone();
    if len != file.length {
        return Err(TrustError::Truncated { what, got: len, told: file.length });
    }
    let got = sha256();
    if got != file.sha256 {
        return Err(TrustError::Corrupted { what, got, told: file.sha256.clone() });
    }
    Ok(())
}

/// Where a file lies on a server: with its digest before its name, so that old and new can lie side by side.
pub fn stored(file: &FileRef) -> String {
    match file.path.rsplit_once('/') {
        Some((folder, name)) => format!("targets/{folder}/{}.{name}", file.sha256),
        None => format!("targets/{}.{}", file.sha256, file.path),
    }
}

/// The newest root that was ever right, else the one configured. A key that was rotated away must not come back when the
/// configured file is as old as the box.
fn trusted_root(side: Side, anchor: &Path, memory: &Path) -> Result<Vec<u8>, TrustError> {
    let refuse = |why: String| TrustError::Anchor { side, path: anchor.display().to_string(), why };
    let octets = fs::read(anchor).map_err(|error| refuse(error.to_string()))?;
    let configured: Signed<Root> = serde_json::from_slice(&octets).map_err(|error| refuse(error.to_string()))?;
    configured.signed.verify_role(&configured).map_err(|error| refuse(error.to_string()))?;
    let remembered = fs::read(memory.join("root.json")).ok();
    let newer = remembered.filter(|octets| {
        let root = serde_json::from_slice::<Signed<Root>>(octets).ok();
        root.is_some_and(|root| {
            root.signed.version >= configured.signed.version && root.signed.verify_role(&root).is_ok()
        })
    });
    Ok(newer.unwrap_or(octets))
}

const FILES: [&str; 4] = ["root.json", "timestamp.json", "snapshot.json", "targets.json"];

/// A copy of the memory to work on.
fn begin(memory: &Path) -> Result<PathBuf, TrustError> {
    let aside = memory.with_extension("new");
    if aside.exists() {
        fs::remove_dir_all(&aside)?;
    }
    fs::create_dir_all(&aside)?;
    let before = memory.with_extension("old");
    // Between the two renamings of `keep` only this one is there.
    let memory = if memory.exists() { memory } else { &before };
    for file in FILES.iter().filter(|file| memory.join(file).is_file()) {
        fs::copy(memory.join(file), aside.join(file))?;
    }
    Ok(aside)
}

/// Puts the copy in the memory's place.
fn keep(aside: &Path, memory: &Path) -> Result<(), TrustError> {
    for file in FILES.iter().filter(|file| aside.join(file).is_file()) {
        fs::File::open(aside.join(file))?.sync_all()?;
    }
    let before = memory.with_extension("old");
    if memory.exists() {
        if before.exists() {
            fs::remove_dir_all(&before)?;
        }
        fs::rename(memory, &before)?;
    }
    fs::rename(aside, memory)?;
    if let Some(parent) = memory.parent() {
        fs::File::open(parent)?.sync_all()?;
    }
    Ok(())
}

fn of_tough(side: Side, place: &str, error: Tough) -> TrustError {
    let why = error.to_string();
    let named = |role: RoleType| role.to_string();
    match error {
        Tough::VerifyMetadata { role, source, .. } => match *Box::new(source) {
            Schema::DuplicateKeyId { .. } => TrustError::SameKeyTwice { side, what: named(role) },
            other => TrustError::Signature { side, what: named(role), why: other.to_string() },
        },
        Tough::VerifyTrustedMetadata { source, .. } => {
            TrustError::Signature { side, what: "the root".into(), why: source.to_string() }
        }
        Tough::OlderMetadata { .. } | Tough::OlderSnapshotInTimestamp { .. } | Tough::SnapshotRoleRollback { .. } => {
            TrustError::Rollback { side, why }
        }
        Tough::VersionMismatch { .. } | Tough::HashMismatch { .. } | Tough::SnapshotRoleMissing { .. } => {
            TrustError::Mixed { side, why }
        }
        Tough::MaxSizeExceeded { max_size, .. } => {
            TrustError::TooLarge { what: format!("metadata of authority {}", side.code()), bytes_max: max_size }
        }
        Tough::ParseMetadata { role, source, .. } => {
            TrustError::Malformed { side, what: named(role), why: source.to_string() }
        }
        Tough::Transport { source, url, .. } => of_transport(side, place, url.path(), &source, why),
        Tough::DatastoreCreate { source, .. }
        | Tough::DatastoreOpen { source, .. }
        | Tough::DatastoreRemove { source, .. } => TrustError::Disk(source),
        other => TrustError::Malformed { side, what: "its metadata".into(), why: other.to_string() },
    }
}

/// The transport's own error stands below tough's.
fn of_transport(
    side: Side,
    place: &str,
    what: &str,
    error: &(dyn std::error::Error + 'static),
    why: String,
) -> TrustError {
    let what = what.trim_start_matches('/').to_string();
    let mut at = Some(error);
    while let Some(error) = at {
        if let Some(fetch) = error.downcast_ref::<FetchError>() {
            return match fetch {
                FetchError::TooLarge(bytes_max) => TrustError::TooLarge { what, bytes_max: *bytes_max },
                FetchError::TooSlow(_) => TrustError::TooSlow { what, why: fetch.to_string() },
                other => TrustError::Unreachable { side, place: place.to_string(), why: format!("{what}: {other}") },
            };
        }
        at = error.source();
    }
    TrustError::Unreachable { side, place: place.to_string(), why }
}
