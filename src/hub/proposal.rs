//! What somebody proposes: an entry, what it is, why, by whom and until when. Read from files people can review.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::appeal::{self, Appeals};
use crate::classify::{AppealId, Category, Url, UrlHost};
use crate::config::{criteria, word};
use crate::document::{At, Fault, Table, read};
use crate::lists::trust::release::{Network, Rollout};
use crate::lists::trust::update::sha256 as sha256_of_file;
use crate::name::Name;
use crate::policy::Criteria;

/// One entry to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What is listed.
    pub subject: Subject,
    /// What it is.
    pub category: Category,
    /// From this age, 0 for none of its own.
    pub min_age: u8,
    /// Why: one of a closed set.
    pub reason: Reason,
    /// SHA-256 of the evidence, which stays with the proposer.
    pub evidence: [u8; 32],
    /// Who proposes it: a role or organisation, never a person.
    pub proposer: String,
    /// First day.
    pub issued: Date,
    /// Last day; an entry without an end is none.
    pub expires: Date,
    /// How it is appealed.
    pub appeal: AppealId,
}

/// What an entry speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// That name alone.
    Exact(Name),
    /// That name with all below it.
    Suffix(Name),
    /// The page and all below it, whatever the scheme: host, port, path and query.
    Url {
        /// Where it is.
        host: Name,
        /// `None` for any.
        port: Option<u16>,
        /// Path and query, beginning with `/`.
        rest: String,
    },
}

/// Why an entry is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A report by a person was verified.
    Report,
    /// Many homes met it, and a person verified it.
    Indicator,
    /// An organisation of the network verified it.
    Partner,
    /// Looked at by an analyst on their own account.
    Review,
    /// Taken from a list whose maker is trusted, by its licence.
    List,
}

/// Many names of which all the same is said, in a file beside the proposals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulk {
    /// One name a line; plain or packed with zstd.
    pub path: PathBuf,
    /// Whether each name stands for all below it.
    pub below: bool,
    /// What they are.
    pub category: Category,
    /// From this age, 0 for none of their own.
    pub min_age: u8,
    /// Why.
    pub reason: Reason,
    /// First day.
    pub issued: Date,
    /// Last day.
    pub expires: Date,
    /// Digest of the file, which the reader has checked.
    pub sha256: String,
}

/// All that is proposed.
#[derive(Debug, Clone, Default)]
pub struct Proposals {
    /// One by one, in the order of their files.
    pub entries: Vec<Proposal>,
    /// In bulk.
    pub bulks: Vec<Bulk>,
    /// Who publishes, and how.
    pub terms: Terms,
    /// What is said against entries.
    pub appeals: Appeals,
    /// The text of `criteria.toml`, which has been read without a fault; `None` where there is none.
    pub criteria: Option<String>,
}

/// Name of the file of criteria in a folder of proposals.
pub const CRITERIA: &str = "criteria.toml";

/// What a release says beside its entries: `release.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// Who publishes it.
    pub network: Network,
    /// Which share of the boxes takes it first.
    pub rollout: Option<Rollout>,
    /// Why it is to be in force even where a box's guard would hold it back.
    pub overrides_guard: Option<String>,
}

/// Words of [`Reason`].
const REASONS: [(&str, Reason); 5] = [
    ("report", Reason::Report),
    ("indicator", Reason::Indicator),
    ("partner", Reason::Partner),
    ("review", Reason::Review),
    ("list", Reason::List),
];

impl Reason {
    /// Its word in files.
    pub fn code(self) -> &'static str {
        REASONS.iter().find(|(_, reason)| *reason == self).map_or("review", |(code, _)| code)
    }
}

impl Subject {
    /// As a box's [`Match`](crate::classify::Match) writes the entry: what its appeal id is drawn from.
    pub fn text(&self) -> String {
        match self {
            Subject::Exact(name) | Subject::Suffix(name) => name.to_string(),
            Subject::Url { host, port, rest } => match port {
                Some(port) => format!("{host}:{port}{rest}"),
                None => format!("{host}{rest}"),
            },
        }
    }

    /// The name, or the host of the URL.
    pub fn name(&self) -> &Name {
        match self {
            Subject::Exact(name) | Subject::Suffix(name) | Subject::Url { host: name, .. } => name,
        }
    }
}

impl Proposal {
    /// Whether it holds on that day.
    pub fn is_due(&self, day: Date) -> bool {
        self.issued <= day && day <= self.expires
    }
}

impl Bulk {
    /// Whether it holds on that day.
    pub fn is_due(&self, day: Date) -> bool {
        self.issued <= day && day <= self.expires
    }
}

impl Proposals {
    /// The criteria that are proposed, else those that come with the program.
    pub fn criteria(&self) -> Result<Criteria, Vec<Fault>> {
        criteria(CRITERIA, self.criteria.as_deref().unwrap_or(crate::config::CRITERIA))
    }
}

/// Reads every `*.toml` of a folder. `lint` tells what speaks against an entry; all faults of all files are told at once.
pub fn read_folder(
    folder: &Path,
    lint: &dyn Fn(&Subject, Category, bool) -> Vec<String>,
) -> Result<Proposals, Vec<Fault>> {
    let (mut proposals, mut faults) = (Proposals::default(), Vec::new());
    let fault = |path: &Path, what: String| Fault { file: path.display().to_string(), line: 1, column: 1, what };
    let listed = fs::read_dir(folder).map_err(|error| vec![fault(folder, error.to_string())])?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "toml"));
    files.sort();
    for path in files {
        let shown = path.display().to_string();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                faults.push(fault(&path, error.to_string()));
                continue;
            }
        };
        let read = match path.file_name().and_then(|name| name.to_str()) {
            Some("release.toml") => read(&shown, &text, |root| Some(terms(root))).map(|terms| proposals.terms = terms),
            Some(appeal::FILE) => Appeals::parse(&shown, &text).map(|appeals| proposals.appeals = appeals),
            Some(CRITERIA) => criteria(&shown, &text).map(|_| proposals.criteria = Some(text)),
            _ => read(&shown, &text, |root| {
                one_file(root, folder, lint, &mut proposals);
                Some(())
            }),
        };
        faults.extend(read.err().into_iter().flatten());
    }
    if faults.is_empty() { Ok(proposals) } else { Err(faults) }
}

fn one_file(
    root: &mut Table<'_>,
    folder: &Path,
    lint: &dyn Fn(&Subject, Category, bool) -> Vec<String>,
    into: &mut Proposals,
) {
    schema(root, "proposals/1");
    for mut table in root.tables("proposal") {
        if let Some(proposal) = one(&mut table, lint) {
            into.entries.push(proposal);
        }
    }
    for mut table in root.tables("bulk") {
        if let Some(bulk) = bulk(&mut table, folder) {
            into.bulks.push(bulk);
        }
    }
}

/// What both kinds say.
struct Said {
    category: Category,
    min_age: u8,
    reason: Reason,
    proposer: String,
    issued: Date,
    expires: Date,
}

/// No entry holds longer: half a year, and a month where names change hands within days.
const DAYS_MAX: i32 = 180;
const DAYS_MAX_SHORT: i32 = 30;

fn said(table: &mut Table<'_>) -> Option<Said> {
    let category = table.required::<Category>("category");
    if let Some(category) = &category
        && matches!(category.value, Category::Unknown | Category::Csam | Category::LegalOrder | Category::Help)
    {
        table.fault(&category.span, format!("category {:?} cannot be proposed", category.value.code()));
    }
    let age = table.get::<u64>("min_age");
    if let Some(age) = age.as_ref().filter(|age| age.value > 18) {
        table.fault(&age.span, format!("`min_age` {} is above 18", age.value));
    }
    let reason = word(table, "reason", "reason", &REASONS);
    if !table.has("reason") {
        table
            .fault(&table.span(), "`reason` is missing (\"report\", \"indicator\", \"partner\", \"review\", \"list\")");
    }
    let proposer = table.required::<String>("proposer");
    let (issued, expires) = (date(table, "issued"), date(table, "expires"));
    let category = category?.value;
    if let (Some(issued), Some(expires)) = (&issued, &expires) {
        let short = matches!(category, Category::PhishingScam | Category::Malware);
        let most = if short { DAYS_MAX_SHORT } else { DAYS_MAX };
        let days = expires.value.since(issued.value).map_or(i32::MAX, |span| span.get_days());
        if days < 0 || days > most {
            let what = format!("`expires` has to be 0 to {most} days after `issued`, not {days}");
            table.fault(&expires.span, what);
        }
    }
    let min_age = age.map_or(0, |age| u8::try_from(age.value).unwrap_or(18));
    Some(Said {
        category,
        min_age,
        reason: reason?.value,
        proposer: proposer?.value,
        issued: issued?.value,
        expires: expires?.value,
    })
}

fn one(table: &mut Table<'_>, lint: &dyn Fn(&Subject, Category, bool) -> Vec<String>) -> Option<Proposal> {
    let name = table.required::<String>("name");
    let kinds = [("exact", 0), ("suffix", 1), ("url", 2)];
    let kind = word(table, "match", "kind of match", &kinds);
    if !table.has("match") {
        table.fault(&table.span(), "`match` is missing (\"exact\", \"suffix\", \"url\")");
    }
    let evidence = table.required::<String>("evidence");
    let evidence = evidence.and_then(|text| {
        let digest = text.strip_prefix("sha256:").and_then(octets);
        if digest.is_none() {
            table.fault(&text.span, "`evidence` is the digest of what was seen: \"sha256:\" and 64 hexadecimal digits");
        }
        digest
    });
    let high_impact = table.or("high_impact", false);
    let appeal = table.get::<String>("appeal");
    let said = said(table);
    let (name, kind) = (name?, kind?.value);
    let subject = subject(&name.value, kind).map_err(|what| table.fault(&name.span, what)).ok()?;
    let said = said?;
    for what in lint(&subject, said.category, high_impact) {
        table.fault(&name.span, what);
    }
    let id = AppealId::of(&subject.text(), said.category);
    if let Some(appeal) = appeal.filter(|appeal| AppealId::parse(appeal) != Some(id)) {
        table.fault(&appeal.span, format!("`appeal` of this entry is {id}"));
    }
    let Said { category, min_age, reason, proposer, issued, expires } = said;
    let evidence = evidence?;
    Some(Proposal { subject, category, min_age, reason, evidence, proposer, issued, expires, appeal: id })
}

fn bulk(table: &mut Table<'_>, folder: &Path) -> Option<Bulk> {
    let names = table.required::<PathBuf>("names");
    let kind = word(table, "match", "kind of match", &[("exact", false), ("suffix", true)]);
    if !table.has("match") {
        table.fault(&table.span(), "`match` is missing (\"exact\", \"suffix\")");
    }
    let told = table.required::<String>("sha256");
    let said = said(table);
    let (names, told, below) = (names?, told?, kind?.value);
    let path = folder.join(&names.value);
    let found =
        sha256_of_file(&path).map_err(|error| table.fault(&names.span, format!("{}: {error}", path.display()))).ok()?;
    if found != told.value {
        table.fault(&told.span, format!("{} has the SHA-256 {found}", path.display()));
    }
    let Said { category, min_age, reason, issued, expires, .. } = said?;
    Some(Bulk { path, below, category, min_age, reason, issued, expires, sha256: found })
}

fn subject(text: &str, kind: usize) -> Result<Subject, String> {
    if kind < 2 {
        let name = Name::parse(text).map_err(|error| format!("{text:?} is no name: {error}"))?;
        return Ok(if kind == 0 { Subject::Exact(name) } else { Subject::Suffix(name) });
    }
    let url = Url::read(text.as_bytes()).map_err(|_| format!("{text:?} is no URL (\"host/path\")"))?;
    match (url.host, &url.rest) {
        (UrlHost::Name(host), rest) if rest.len() > 1 => Ok(Subject::Url { host, port: url.port, rest: rest.clone() }),
        (UrlHost::Name(_), _) => {
            Err(format!("{text:?} names no page; a whole host is listed as \"exact\" or \"suffix\""))
        }
        (UrlHost::Addr(_), _) => Err(format!("{text:?}: an address cannot be proposed")),
    }
}

fn terms(root: &mut Table<'_>) -> Terms {
    schema(root, "release/1");
    let names = |root: &mut Table<'_>, key: &'static str| {
        let mut table = root.table(key)?;
        let words =
            ["vi", "en"].map(|language| table.required::<String>(language).map(|at| (language.to_string(), at.value)));
        Some(words.into_iter().flatten().collect::<BTreeMap<_, _>>())
    };
    let appeals_url = root.get::<String>("appeals_url");
    if let Some(url) = appeals_url.as_ref().filter(|url| !url.starts_with("https://")) {
        root.fault(
            &url.span,
            format!("{:?} is no page (\"https://lists.example/appeal/#\"; the id is appended)", url.value),
        );
    }
    let network = Network {
        authority_a: names(root, "authority_a").unwrap_or_default(),
        authority_b: names(root, "authority_b").unwrap_or_default(),
        appeals_url: appeals_url.map(|url| url.value).unwrap_or_default(),
    };
    let rollout = root.table("rollout").and_then(|mut table| {
        let (percent, hours) = (table.required::<u64>("percent"), table.required::<u64>("hours"));
        let (percent, hours) = (percent?, hours?);
        if percent.value > 100 || hours.value > 720 {
            table.fault(&table.span(), "`percent` is 0 to 100, `hours` 0 to 720");
        }
        Some(Rollout { percent: percent.value.min(100) as u8, hours: hours.value.min(720) as u32 })
    });
    Terms { network, rollout, overrides_guard: root.get::<String>("overrides_guard").map(|at| at.value) }
}

pub(super) fn schema(root: &mut Table<'_>, expected: &str) {
    if let Some(found) = root.required::<String>("schema")
        && found.value != expected
    {
        root.fault(&found.span, format!("schema {:?} is not known; this version reads {expected:?}", found.value));
    }
}

pub(super) fn date(table: &mut Table<'_>, key: &'static str) -> Option<At<Date>> {
    let text = table.required::<String>(key)?;
    match text.parse::<Date>() {
        Ok(value) => Some(At { value, span: text.span }),
        Err(_) => {
            table.fault(&text.span, format!("{:?} is no day (\"2026-11-26\")", text.value));
            None
        }
    }
}

fn octets(hex: &str) -> Option<[u8; 32]> {
    let digits = hex.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut octets = [0; 32];
    for (octet, pair) in octets.iter_mut().zip(digits.chunks(2)) {
        *octet = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(octets)
}
