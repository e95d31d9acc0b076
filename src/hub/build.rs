//! Proposals to a release: the bundle, the ways to it from earlier ones, and the file both authorities sign. The same
//! proposals give the same bytes on every machine, in whatever order they come: that is how one authority checks the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hash::Hasher;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use siphasher::sip::SipHasher13;

use super::appeal::Standing;
use super::delta;
use super::proposal::{Bulk, Proposals, Reason, Subject};
use crate::classify::bundle::{Applies, BundleWriter, Part, PartId, PartKind, SourceInfo, WriteError};
use crate::classify::{Bundle, Category, CategorySet, ServiceSet};
use crate::lists::store::write_aside;
use crate::lists::trust::release::{Delta, FORMAT, FileRef, RELEASE, Release};
use crate::lists::trust::update::digest_of;
use crate::name::{Name, NameSet};

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A line of a bulk file.
    #[error("{path}:{line}: {what}")]
    Line {
        /// Which file.
        path: String,
        /// From 1.
        line: usize,
        /// What is wrong.
        what: String,
    },
    /// The names do not fit a bundle.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// An earlier release that is none.
    #[error("{path}: {what}")]
    Earlier {
        /// Its folder.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// Something fits nowhere.
    #[error("{0}")]
    Other(String),
}

/// What a build is given beside the proposals.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Folders of earlier releases, the newest first: parent of the new one, and where deltas begin.
    pub earlier: Vec<PathBuf>,
    /// Names that are left out, with all below them: suspended by an appeal, withdrawn.
    pub without: Vec<Name>,
    /// The day of the release.
    pub day: Date,
    /// Names that must not be hit by accident.
    pub popular: Vec<Name>,
    /// The model of spellings.
    pub model: Option<Vec<u8>>,
    /// The sealed list, as its holder gave it.
    pub sealed: Option<Vec<u8>>,
    /// To whom households report, as `luytre hub manifest` wrote it.
    pub reports: Option<Vec<u8>>,
}

/// A release in memory.
pub struct Built {
    /// What both sign.
    pub release: Release,
    /// Its exact octets.
    pub release_text: Vec<u8>,
    /// The bundle.
    pub bundle: Vec<u8>,
    /// Deltas, by their paths.
    pub deltas: Vec<(String, Vec<u8>)>,
    /// Criteria and sealed list, by their paths.
    pub others: Vec<(String, Vec<u8>)>,
    entries: Vec<u64>,
}

/// An earlier release on disk.
struct Earlier {
    release: Release,
    sha256: String,
    bundle: Vec<u8>,
    entries: Vec<u64>,
}

/// Where the digests of a release's entries lie: what was added and removed is counted by them.
const ENTRIES: &str = "entries.bin";

/// Builds the release of a day.
pub fn build(proposals: &Proposals, asked: &Asked) -> Result<Built, BuildError> {
    let earlier = asked.earlier.iter().map(|folder| Earlier::read(folder)).collect::<Result<Vec<_>, _>>()?;
    let parent = earlier.first();
    let version = parent.map_or(0, |parent| parent.release.version) + 1;
    let published = TimeZone::UTC
        .to_ambiguous_zoned_datetime(asked.day.at(0, 0, 0, 0))
        .compatible()
        .map_err(|error| BuildError::Other(error.to_string()))?;
    let published = u64::try_from(published.timestamp().as_second()).unwrap_or(0);
    let mut writing = Writing::begin(proposals, asked, parent, version, published)?;
    writing.entries(proposals)?;
    for bulk in &proposals.bulks {
        writing.bulk(bulk)?;
    }
    let Writing { writer, mut entries, categories, reasons, appeals, .. } = writing;
    let (bundle, _) = writer.finish()?;
    check_popular(&bundle, proposals, &asked.popular)?;
    entries.sort_unstable();
    entries.dedup();
    let (added, removed) = compare(parent.map_or(&[], |parent| &parent.entries), &entries);
    let path = format!("bundle-{version}.lyb");
    let whole = file_ref(&path, &bundle);
    let mut deltas = Vec::new();
    let mut ways = Vec::new();
    for old in &earlier {
        let path = format!("delta-{}-{version}.zst", old.release.version);
        let made = delta::make(&old.bundle, &bundle).map_err(|error| BuildError::Other(error.to_string()))?;
        ways.push(Delta { from: digest_of(&old.bundle), file: file_ref(&path, &made) });
        deltas.push((path, made));
    }
    let criteria =
        proposals.criteria.as_ref().map(|text| (format!("criteria-{version}.toml"), text.as_bytes().to_vec()));
    let sealed = asked.sealed.clone().map(|octets| (format!("sealed-{version}.bin"), octets));
    let reports = asked.reports.clone().map(|octets| (format!("reports-{version}.json"), octets));
    let model = asked.model.clone().map(|octets| (format!("model-{version}.bin"), octets));
    let release = Release {
        format: FORMAT,
        version,
        published,
        parent: parent.map(|parent| parent.sha256.clone()).unwrap_or_default(),
        bundle: whole,
        deltas: ways,
        criteria: criteria.as_ref().map(|(path, octets)| file_ref(path, octets)),
        model: model.as_ref().map(|(path, octets)| file_ref(path, octets)),
        sealed: sealed.as_ref().map(|(path, octets)| file_ref(path, octets)),
        reports: reports.as_ref().map(|(path, octets)| file_ref(path, octets)),
        rollout: proposals.terms.rollout,
        overrides_guard: proposals.terms.overrides_guard.clone(),
        network: proposals.terms.network.clone(),
        added,
        removed,
        categories,
        reasons,
        appeals: appeals.counts,
    };
    let mut release_text = serde_json::to_vec_pretty(&release).map_err(|error| BuildError::Other(error.to_string()))?;
    release_text.push(b'\n');
    let others = criteria.into_iter().chain(sealed).chain(model).chain(reports).collect();
    Ok(Built { release, release_text, bundle, deltas, others, entries })
}

impl Built {
    /// Writes all to a folder; the release file last.
    pub fn write(&self, folder: &Path) -> Result<(), BuildError> {
        fs::create_dir_all(folder).map_err(|error| file_error(folder, error))?;
        let entries: Vec<u8> = self.entries.iter().flat_map(|entry| entry.to_le_bytes()).collect();
        let files = [(&self.release.bundle.path, &self.bundle)].into_iter();
        let files = files.chain(self.deltas.iter().chain(&self.others).map(|(path, octets)| (path, octets)));
        let (own, release) = (ENTRIES.to_string(), RELEASE.to_string());
        for (path, octets) in files.chain([(&own, &entries), (&release, &self.release_text)]) {
            let place = folder.join(path);
            write_aside(&place, octets).map_err(|error| file_error(&place, error))?;
        }
        Ok(())
    }
}

impl Earlier {
    fn read(folder: &Path) -> Result<Earlier, BuildError> {
        let file = |path: &str| {
            let place = folder.join(path);
            fs::read(&place).map_err(|error| file_error(&place, error))
        };
        let wrong = |what: String| BuildError::Earlier { path: folder.display().to_string(), what };
        let text = file(RELEASE)?;
        let release: Release = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        let bundle = file(&release.bundle.path)?;
        if file_ref(&release.bundle.path, &bundle) != release.bundle {
            return Err(wrong(format!("{} is not what {RELEASE} names", release.bundle.path)));
        }
        let entries = file(ENTRIES)?;
        let entries = entries
            .chunks_exact(8)
            .map(|octets| octets.iter().rev().fold(0, |sum, octet| sum << 8 | u64::from(*octet)));
        Ok(Earlier { sha256: digest_of(&text), bundle, entries: entries.collect(), release })
    }
}

/// What is said of a name: the parts of a published bundle.
type Says = (Category, u8, u8);

struct Writing {
    writer: BundleWriter,
    parts: BTreeMap<Says, PartId>,
    without: NameSet,
    day: Date,
    entries: Vec<u64>,
    categories: BTreeMap<String, u64>,
    reasons: BTreeMap<String, u64>,
    appeals: Standing,
}

impl Writing {
    fn begin(
        proposals: &Proposals,
        asked: &Asked,
        parent: Option<&Earlier>,
        version: u64,
        published: u64,
    ) -> Result<Writing, BuildError> {
        // An earlier bundle's key and size leave what did not change where it was, so that a delta is small.
        let old = parent.map(|parent| Bundle::from_storage(std::sync::Arc::new(parent.bundle.clone()))).transpose();
        let old = old.map_err(|error| BuildError::Other(format!("the earlier bundle: {error}")))?;
        let mut writer = match &old {
            Some(old) => BundleWriter::new(old.key(), version, published).like(old),
            None => BundleWriter::new(key(proposals), version, published),
        };
        let single = proposals.entries.iter().map(|one| (one.category, one.min_age, applies(&one.subject) as u8));
        let bulk = proposals.bulks.iter().map(|bulk| (bulk.category, bulk.min_age, of_bulk(bulk) as u8));
        let says: BTreeSet<Says> = single.chain(bulk).collect();
        let mut sources = BTreeMap::new();
        let mut parts = BTreeMap::new();
        for (category, min_age, level) in says {
            let source = match sources.get(&category) {
                Some(source) => *source,
                None => {
                    let source = writer.source(source_of(category))?;
                    sources.insert(category, source);
                    source
                }
            };
            let applies = match level {
                1 => Applies::Exact,
                _ => Applies::Suffix,
            };
            let categories = CategorySet::EMPTY.with(category);
            let part =
                Part { applies, kind: PartKind::Block, categories, services: ServiceSet::EMPTY, min_age, source };
            parts.insert((category, min_age, level), writer.part(part));
        }
        let (entries, categories, reasons) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        Ok(Writing {
            writer,
            parts,
            without: NameSet::new(&asked.without),
            day: asked.day,
            entries,
            categories,
            reasons,
            appeals: proposals.appeals.on(asked.day),
        })
    }

    fn entries(&mut self, proposals: &Proposals) -> Result<(), BuildError> {
        for one in &proposals.entries {
            let is_left_out = self.without.contains(one.subject.name()) || self.appeals.left_out.contains(&one.appeal);
            if !one.is_due(self.day) || is_left_out {
                continue;
            }
            let Some(part) = self.parts.get(&(one.category, one.min_age, applies(&one.subject) as u8)).copied() else {
                continue;
            };
            match &one.subject {
                Subject::Exact(name) | Subject::Suffix(name) => self.writer.name(name.view(), part),
                Subject::Url { host, port, rest } => {
                    if !self.writer.url(host.into(), *port, rest, part) {
                        return Err(BuildError::Other(format!(
                            "{}: longer than any URL that is looked up",
                            one.subject.text()
                        )));
                    }
                }
            }
            self.count(&one.subject.text(), one.category, one.reason);
        }
        Ok(())
    }

    fn bulk(&mut self, bulk: &Bulk) -> Result<(), BuildError> {
        if !bulk.is_due(self.day) {
            return Ok(());
        }
        let Some(part) = self.parts.get(&(bulk.category, bulk.min_age, of_bulk(bulk) as u8)).copied() else {
            return Ok(());
        };
        let shown = bulk.path.display().to_string();
        let failed = |error| file_error(&bulk.path, error);
        let mut reader = open(&bulk.path).map_err(failed)?;
        let (mut line, mut at) = (String::new(), 0);
        loop {
            line.clear();
            if reader.read_line(&mut line).map_err(failed)? == 0 {
                return Ok(());
            }
            at += 1;
            let text = line.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let wrong = |what: String| BuildError::Line { path: shown.clone(), line: at, what };
            let name = Name::parse(text).map_err(|error| wrong(format!("{text:?} is no name: {error}")))?;
            if name.is_icann_suffix() {
                return Err(wrong(format!("{name} is a public suffix")));
            }
            if !self.without.contains(&name) && !self.appeals.leave_out(&name, bulk.category) {
                self.writer.name(name.view(), part);
                self.count(text, bulk.category, bulk.reason);
            }
        }
    }

    fn count(&mut self, text: &str, category: Category, reason: Reason) {
        *self.categories.entry(category.code().to_string()).or_default() += 1;
        *self.reasons.entry(reason.code().to_string()).or_default() += 1;
        self.entries.push(entry_hash(text, category));
    }
}

/// A bulk file, plain or packed.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead>> {
    let file = BufReader::with_capacity(1 << 16, fs::File::open(path)?);
    if path.extension().is_some_and(|end| end == "zst") {
        return Ok(Box::new(BufReader::new(zstd::Decoder::with_buffer(file)?)));
    }
    Ok(Box::new(file))
}

fn applies(subject: &Subject) -> Applies {
    if matches!(subject, Subject::Suffix(_)) { Applies::Suffix } else { Applies::Exact }
}

fn of_bulk(bulk: &Bulk) -> Applies {
    if bulk.below { Applies::Suffix } else { Applies::Exact }
}

fn source_of(category: Category) -> SourceInfo {
    SourceInfo {
        name: format!("signed/{}", category.code()),
        origin: "two authorities".into(),
        format: "proposals/1".into(),
        categories: vec![category.code().to_string()],
        ..SourceInfo::default()
    }
}

fn entry_hash(text: &str, category: Category) -> u64 {
    let mut hasher = SipHasher13::new_with_key(b"luytre/entry-id1");
    hasher.write(text.as_bytes());
    hasher.write(&[0, category as u8]);
    hasher.finish()
}

/// Drawn from everything that is proposed, in whatever order, so that nobody can aim a name at another's place.
fn key(proposals: &Proposals) -> [u8; 16] {
    let single =
        proposals.entries.iter().map(|one| format!("{} {:?} {}", one.subject.text(), one.category, one.min_age));
    let bulk = proposals
        .bulks
        .iter()
        .map(|bulk| format!("{} {:?} {} {}", bulk.sha256, bulk.category, bulk.min_age, bulk.below));
    let lines: BTreeSet<String> = single.chain(bulk).collect();
    let mut context = Context::new(&SHA256);
    for line in lines {
        context.update(line.as_bytes());
        context.update(b"\n");
    }
    let mut key = [0; 16];
    key.copy_from_slice(&context.finish().as_ref()[..16]);
    key
}

/// A kept key is known, and names can be made for it: none may hit a popular one.
fn check_popular(bundle: &[u8], proposals: &Proposals, popular: &[Name]) -> Result<(), BuildError> {
    let bundle = Bundle::from_storage(std::sync::Arc::new(bundle.to_vec()))
        .map_err(|error| BuildError::Other(format!("the new bundle: {error}")))?;
    let meant = NameSet::new(proposals.entries.iter().map(|one| one.subject.name()));
    let hit = popular.iter().find(|name| !meant.contains(name) && bundle.classify(name).evidence.is_some());
    match hit {
        // In bulk, or by a collision of hashes; both are wrong.
        Some(name) => {
            Err(BuildError::Other(format!("the popular name {name} would be listed, and nobody proposed it by name")))
        }
        None => Ok(()),
    }
}

/// How many of two sorted lists are in the second only, and in the first only.
fn compare(old: &[u64], new: &[u64]) -> (u64, u64) {
    let (mut added, mut removed) = (0, 0);
    let (mut before, mut after) = (old.iter().peekable(), new.iter().peekable());
    loop {
        match (before.peek(), after.peek()) {
            (None, None) => return (added, removed),
            (Some(one), Some(other)) if one == other => {
                before.next();
                after.next();
            }
            (Some(one), other) if other.is_none_or(|other| one < other) => {
                removed += 1;
                before.next();
            }
            _ => {
                added += 1;
                after.next();
            }
        }
    }
}

fn file_ref(path: &str, octets: &[u8]) -> FileRef {
    FileRef { path: path.into(), length: octets.len() as u64, sha256: digest_of(octets) }
}

fn file_error(path: &Path, error: io::Error) -> BuildError {
    BuildError::File { path: path.display().to_string(), error }
}
