//! The public site: static pages written from the log, which is read whole and found right first. It says how much of what is
//! listed and why, never which sites: a directory of harmful sites would be the harm.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::appeal::DAYS_TO_ANSWER;
use super::log::{Log, WriteLogError};
use crate::classify::Category;
use crate::config::criteria;
use crate::document::Fault;
use crate::lists::compile::hex;
use crate::lists::store::write_aside;
use crate::lists::trust::log::{LogError, leaf_hash, root_of};
use crate::lists::trust::release::Release;
use crate::lists::trust::update::digest_of;
use crate::policy::Criteria;
use crate::web::pages::site::{AppealPage, CriteriaPage, Index, LogState, Row};
use crate::web::pages::style;
use crate::web::text::Language;

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// The log cannot be read, or is not right.
    #[error(transparent)]
    Log(#[from] WriteLogError),
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// The criteria of the newest release are not what it names, or cannot be read.
    #[error("{0}")]
    Criteria(String),
}

/// What the site is written from.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Where the log lies.
    pub log: PathBuf,
    /// Its name.
    pub origin: String,
    /// Where the criteria of the newest release lie; `None` where they are not at hand.
    pub criteria: Option<PathBuf>,
    /// Where the desk is, as people read it.
    pub contact: Option<String>,
}

/// Releases on a page; the rest stands in the data beside it.
const ROWS_MAX: usize = 400;

/// Writes the site to a folder; the number of releases it tells of.
pub fn write(asked: &Asked, folder: &Path) -> Result<usize, SiteError> {
    let log = Log::open(&asked.log, &asked.origin);
    let (size, root) = log.state()?;
    let entries = log.entries()?;
    let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    if leaves.len() as u64 != size || root_of(&leaves) != root {
        return Err(WriteLogError::from(LogError::Root).into());
    }
    let releases: Vec<(Release, Row)> = entries.iter().rev().filter_map(|entry| row(entry)).collect();
    let newest = releases.first().map(|(release, _)| release);
    let (criteria, is_signed) = criteria_of(newest, asked.criteria.as_deref())?;
    let signed_by = log.signed_by()?;
    let state = LogState { origin: asked.origin.clone(), size, root: hex(&root), signed_by };
    for language in Language::ALL {
        let index = index(language, &releases, state.clone());
        let counts = newest.map(|release| release.appeals).unwrap_or_default();
        let days = DAYS_TO_ANSWER.unsigned_abs();
        let appeal = AppealPage { language, contact: asked.contact.clone(), days, counts };
        let criteria = CriteriaPage { language, is_signed, criteria: &criteria };
        let place = match language {
            Language::Vietnamese => folder.to_path_buf(),
            Language::English => folder.join("en"),
        };
        for (file, text) in
            [("index.html", index.html()), ("criteria.html", criteria.html()), ("appeal.html", appeal.html())]
        {
            put(&place.join(file), text.as_bytes())?;
        }
    }
    put(&folder.join("style.css"), style::served().as_bytes())?;
    let rows: Vec<&Row> = releases.iter().map(|(_, row)| row).collect();
    let data = serde_json::to_vec_pretty(&rows).map_err(io::Error::from);
    put(&folder.join("releases.json"), &data.map_err(|error| failed(folder, error))?)?;
    Ok(releases.len())
}

fn row(entry: &[u8]) -> Option<(Release, Row)> {
    let release: Release = serde_json::from_slice(entry).ok()?;
    let at = Timestamp::from_second(i64::try_from(release.published).ok()?).ok()?;
    let row = Row {
        version: release.version,
        day: TimeZone::UTC.to_datetime(at).date().to_string(),
        entries: release.categories.values().sum(),
        added: release.added,
        removed: release.removed,
        appeals: release.appeals,
        sha256: digest_of(entry),
        overrides_guard: release.overrides_guard.clone(),
    };
    Some((release, row))
}

fn index(language: Language, releases: &[(Release, Row)], log: LogState) -> Index {
    let newest = releases.first();
    let name = |names: &std::collections::BTreeMap<String, String>| names.get(language.code()).cloned();
    let network = newest.map(|(release, _)| &release.network);
    let signers = network.map(|network| [&network.authority_a, &network.authority_b]).into_iter().flatten();
    let counts = newest.map(|(release, _)| (&release.categories, &release.reasons));
    let categories = counts.iter().flat_map(|(categories, _)| categories.iter());
    let categories = categories.filter_map(|(code, count)| Some((Category::from_code(code)?, *count)));
    let mut categories: Vec<(Category, u64)> = categories.collect();
    categories.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let reasons = counts.iter().flat_map(|(_, reasons)| reasons.iter());
    Index {
        language,
        signers: signers.filter_map(name).collect(),
        newest: newest.map(|(_, row)| row.clone()),
        categories,
        reasons: reasons.map(|(code, count)| (code.clone(), *count)).collect(),
        releases: releases.iter().take(ROWS_MAX).map(|(_, row)| row.clone()).collect(),
        log,
    }
}

/// The criteria of the newest release, checked against what it names; those of the program where it names none.
fn criteria_of(newest: Option<&Release>, path: Option<&Path>) -> Result<(Criteria, bool), SiteError> {
    let first = |faults: Vec<Fault>| SiteError::Criteria(faults.first().map_or_else(String::new, ToString::to_string));
    let Some(file) = newest.and_then(|release| release.criteria.as_ref()) else {
        return Ok((criteria("criteria.toml", crate::config::CRITERIA).map_err(first)?, false));
    };
    let path =
        path.ok_or_else(|| SiteError::Criteria(format!("the newest release has criteria; name {}", file.path)))?;
    let text = fs::read_to_string(path).map_err(|error| failed(path, error))?;
    if digest_of(text.as_bytes()) != file.sha256 {
        return Err(SiteError::Criteria(format!("{} is not the {} of the newest release", path.display(), file.path)));
    }
    Ok((criteria(&path.display().to_string(), &text).map_err(first)?, true))
}

fn put(path: &Path, octets: &[u8]) -> Result<(), SiteError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    }
    write_aside(path, octets).map_err(|error| failed(path, error))
}

fn failed(path: &Path, error: io::Error) -> SiteError {
    SiteError::File { path: path.display().to_string(), error }
}
