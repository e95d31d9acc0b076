//! What the box keeps of the signed lists: the bundle in force, the one before it, what each authority took back, and what
//! was seen so that nothing goes back. A torn record is read from its copy; a torn bundle gives way to the one before it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::Side;
use super::log::Seen;
use super::release::Release;
use super::rollout::Trial;
use crate::classify::Bundle;
use crate::lists::store::write_aside;
use crate::sys;

/// The folder `signed` of the state.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: PathBuf,
}

/// What is kept between two looks.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The release in force.
    pub current: Option<Kept>,
    /// The one before it.
    pub previous: Option<Kept>,
    /// What authority a and authority b took back.
    pub withdrawn: [Vec<String>; 2],
    /// The log as it was seen last.
    pub log: Option<Seen>,
    /// The draw of this box, and how the release in force fares.
    pub trial: Trial,
    /// The last look.
    pub last: Look,
    /// When a look last ended well, seconds since 1970.
    pub good_at: u64,
}

/// A release that is on the shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// What was signed.
    pub release: Release,
    /// SHA-256 of the release file, hexadecimal.
    pub sha256: String,
}

/// How a look ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// When, seconds since 1970; 0 for never.
    pub at: u64,
    /// `ok`, `waiting`, or the code of what was wrong.
    pub code: String,
    /// The same in words.
    pub message: String,
}

impl Shelf {
    /// The shelf of a state folder, made when it is not there.
    pub fn open(state_dir: &Path) -> io::Result<Shelf> {
        let root = state_dir.join("signed");
        fs::create_dir_all(root.join("partial"))?;
        Ok(Shelf { root })
    }

    /// What is kept; the copy where the record is torn, nothing where both are.
    pub fn state(&self) -> State {
        let read = |file: &str| serde_json::from_slice(&fs::read(self.root.join(file)).ok()?).ok();
        read("state.json").or_else(|| read("state.copy.json")).unwrap_or_default()
    }

    /// Keeps it.
    pub fn keep(&self, state: &State) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(state)?;
        write_aside(&self.root.join("state.json"), &text)?;
        write_aside(&self.root.join("state.copy.json"), &text)
    }

    /// The release in force with its bundle: the current one, or the one before when that cannot be read.
    pub fn in_force(&self, state: &State) -> Option<(Kept, Arc<Bundle>)> {
        [&state.current, &state.previous].into_iter().flatten().find_map(|kept| match self.map(&self.bundle(kept)) {
            Ok(bundle) => Some((kept.clone(), bundle)),
            Err(error) => {
                tracing::error!(version = kept.release.version, "signed list on disk cannot be read: {error}");
                None
            }
        })
    }

    /// The release in force, without a look into its bundle: the first one whose bundle has its length.
    pub fn kept(&self, state: &State) -> Option<Kept> {
        let is_there = |kept: &&Kept| {
            let len = self.bundle(kept).metadata().map(|meta| meta.len());
            len.is_ok_and(|len| len == kept.release.bundle.length)
        };
        [&state.current, &state.previous].into_iter().flatten().find(is_there).cloned()
    }

    /// Maps and checks a bundle.
    pub fn map(&self, path: &Path) -> io::Result<Arc<Bundle>> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidData, error);
        Ok(Arc::new(Bundle::from_storage(sys::map_file(path)?).map_err(invalid)?))
    }

    /// Where a release's bundle lies.
    pub fn bundle(&self, kept: &Kept) -> PathBuf {
        self.root.join(format!("{}.lyb", kept.release.bundle.sha256))
    }

    /// Where a release's criteria lie; `None` when it has none.
    pub fn criteria(&self, kept: &Kept) -> Option<PathBuf> {
        kept.release.criteria.as_ref().map(|file| self.root.join(format!("{}.toml", file.sha256)))
    }

    /// Where a release's model of spellings lies; `None` when it has none.
    pub fn model(&self, kept: &Kept) -> Option<PathBuf> {
        kept.release.model.as_ref().map(|file| self.root.join(format!("{}.model", file.sha256)))
    }

    /// Where a release's manifest of reports lies; `None` when it has none.
    pub fn reports(&self, kept: &Kept) -> Option<PathBuf> {
        kept.release.reports.as_ref().map(|file| self.root.join(format!("{}.reports", file.sha256)))
    }

    /// Where a release's sealed list lies; `None` when it has none.
    pub fn sealed(&self, kept: &Kept) -> Option<PathBuf> {
        kept.release.sealed.as_ref().map(|file| self.root.join(format!("{}.sealed", file.sha256)))
    }

    /// Where a file lies while it comes.
    pub fn partial(&self, sha256: &str) -> PathBuf {
        self.root.join("partial").join(sha256)
    }

    /// What was seen of an authority's metadata.
    pub fn memory(&self, side: Side) -> PathBuf {
        self.root.join(side.code())
    }

    /// Deletes bundles and parts that nothing needs any more.
    pub fn tidy(&self, state: &State, wanted: Option<&str>) {
        let releases = [&state.current, &state.previous].into_iter().flatten().map(|kept| &kept.release);
        let files = releases
            .flat_map(|one| {
                [
                    Some(&one.bundle),
                    one.criteria.as_ref(),
                    one.sealed.as_ref(),
                    one.model.as_ref(),
                    one.reports.as_ref(),
                ]
            })
            .flatten();
        let kept: Vec<&str> = files.map(|file| file.sha256.as_str()).collect();
        let stale = |path: &Path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let ended =
                [".lyb", ".toml", ".sealed", ".model", ".reports"].iter().find_map(|end| name.strip_suffix(end));
            match ended {
                Some(sha256) => !kept.contains(&sha256),
                None => Some(name) != wanted && path.parent().is_some_and(|folder| folder.ends_with("partial")),
            }
        };
        for folder in [self.root.clone(), self.root.join("partial")] {
            let Ok(entries) = fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file() && stale(path)) {
                // What stays only takes room.
                let _ = fs::remove_file(path);
            }
        }
    }
}
