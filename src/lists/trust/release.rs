//! One release, as both authorities sign it and as it stands in the log: which files it is made of and what they hold.
//! The bytes of the file are the leaf of the log, so they are written once and never written anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Path of the file in both repositories.
pub const RELEASE: &str = "release.json";
/// Raised when an older program would misunderstand a newer release.
pub const FORMAT: u32 = 1;

/// What a release holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// [`FORMAT`].
    pub format: u32,
    /// One more than the release before.
    pub version: u64,
    /// When it was built, seconds since 1970.
    pub published: u64,
    /// SHA-256 of the release before, hexadecimal; empty for the first.
    pub parent: String,
    /// The whole bundle.
    pub bundle: FileRef,
    /// Ways from earlier bundles to this one.
    pub deltas: Vec<Delta>,
    /// The criteria, where the authorities publish them.
    pub criteria: Option<FileRef>,
    /// The model of spellings, where the authorities publish one.
    #[serde(default)]
    pub model: Option<FileRef>,
    /// The sealed list, where the authorities publish one: a table nobody can read.
    #[serde(default)]
    pub sealed: Option<FileRef>,
    /// To whom households report, where anybody takes reports.
    #[serde(default)]
    pub reports: Option<FileRef>,
    /// Which share of the boxes takes it at first, and for how long.
    pub rollout: Option<Rollout>,
    /// Why both authorities want it in force even where a box's guard would hold it back.
    pub overrides_guard: Option<String>,
    /// Who publishes it, as people read it.
    pub network: Network,
    /// Entries it has more than the release before, and fewer.
    pub added: u64,
    /// Entries that are gone.
    pub removed: u64,
    /// Category code → entries.
    pub categories: BTreeMap<String, u64>,
    /// Reason code → entries.
    pub reasons: BTreeMap<String, u64>,
    /// Appeals against entries, until the day of the release.
    #[serde(default)]
    pub appeals: AppealCounts,
}

/// How many appeals there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppealCounts {
    /// Not decided yet.
    pub open: u64,
    /// Of these, those whose entry is left out until then.
    pub suspended: u64,
    /// The entry was wrong.
    pub upheld: u64,
    /// The entry was right.
    pub rejected: u64,
}

/// A file both repositories name with the same path, length and digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRef {
    /// Path below the targets of a repository.
    pub path: String,
    /// Octets.
    pub length: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// From an earlier bundle to this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    /// SHA-256 of the bundle it is applied to, hexadecimal.
    pub from: String,
    /// The delta itself.
    pub file: FileRef,
}

/// A release that some boxes take first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Boxes of a hundred that take it at once.
    pub percent: u8,
    /// After so many hours all do.
    pub hours: u32,
}

/// Who publishes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// Language (`vi`, `en`) → name of the first authority.
    pub authority_a: BTreeMap<String, String>,
    /// Language → name of the second.
    pub authority_b: BTreeMap<String, String>,
    /// Where an appeal is made; the id is appended. Empty where there is no such page.
    pub appeals_url: String,
}

impl Network {
    /// What both authorities are called in that language, or in any where it has none.
    pub fn signers(&self, language: &str) -> Vec<&str> {
        let both = [&self.authority_a, &self.authority_b].into_iter();
        both.filter_map(|names| names.get(language).or(names.values().next()).map(String::as_str)).collect()
    }
}

impl Release {
    /// What comes beside the bundle, by its code.
    pub fn parts(&self) -> Vec<&'static str> {
        let parts = [
            ("criteria", &self.criteria),
            ("model", &self.model),
            ("sealed", &self.sealed),
            ("reports", &self.reports),
        ];
        parts.into_iter().filter_map(|(code, file)| file.as_ref().map(|_| code)).collect()
    }
}

/// What one authority takes back alone, in its own repository: `withdrawn.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawn {
    /// [`FORMAT`].
    pub format: u32,
    /// Names the signed list says nothing of any more, with all below them.
    pub names: Vec<String>,
}

/// Path of [`Withdrawn`] in a repository.
pub const WITHDRAWN: &str = "withdrawn.json";
