//! The public site of the shared list: static pages, without a script, written by the central side from its log.

use askama::Template;

use crate::classify::Category;
use crate::lists::trust::release::AppealCounts;
use crate::policy::{Band, Criteria, Criterion};
use crate::web::text::Language;

/// One release in a table.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// Its number.
    pub version: u64,
    /// `2026-11-26`.
    pub day: String,
    /// All entries.
    pub entries: u64,
    /// More than before.
    pub added: u64,
    /// Fewer than before.
    pub removed: u64,
    /// Until that day.
    pub appeals: AppealCounts,
    /// Of the release file.
    pub sha256: String,
    /// Why both wanted it in force where a box would hold it back.
    pub overrides_guard: Option<String>,
}

/// The log as it was read and found right.
#[derive(Debug, Clone)]
pub struct LogState {
    /// Its name.
    pub origin: String,
    /// Releases.
    pub size: u64,
    /// Hexadecimal.
    pub root: String,
    /// Names of the log and of witnesses under its checkpoint.
    pub signed_by: Vec<String>,
}

/// Versions and counts.
#[derive(Debug, Clone, Template)]
#[template(path = "site/index.html")]
pub struct Index {
    /// Of the texts.
    pub language: Language,
    /// Names of both authorities.
    pub signers: Vec<String>,
    /// The newest release.
    pub newest: Option<Row>,
    /// Its entries by category.
    pub categories: Vec<(Category, u64)>,
    /// Its entries by reason code.
    pub reasons: Vec<(String, u64)>,
    /// Newest first.
    pub releases: Vec<Row>,
    /// Where they stand.
    pub log: LogState,
}

/// The criteria of the newest release.
#[derive(Debug, Clone, Template)]
#[template(path = "site/criteria.html")]
pub struct CriteriaPage<'a> {
    /// Of the texts.
    pub language: Language,
    /// Both signed them; else they are the program's.
    pub is_signed: bool,
    /// All of them.
    pub criteria: &'a Criteria,
}

/// How to appeal.
#[derive(Debug, Clone, Template)]
#[template(path = "site/appeal.html")]
pub struct AppealPage {
    /// Of the texts.
    pub language: Language,
    /// Where the desk is, as people read it.
    pub contact: Option<String>,
    /// Within which it answers.
    pub days: u32,
    /// Of the newest release.
    pub counts: AppealCounts,
}

/// A page of the site: where it lies, and how it leads to the others.
trait Place {
    const FILE: &'static str;
    fn language(&self) -> Language;

    fn file(&self) -> &'static str {
        Self::FILE
    }

    /// To the folder of all: Vietnamese lies in it, English one below.
    fn up(&self) -> &'static str {
        match self.language() {
            Language::Vietnamese => "",
            Language::English => "../",
        }
    }

    /// To the folder of the other language.
    fn other(&self) -> &'static str {
        match self.language() {
            Language::Vietnamese => "en/",
            Language::English => "../",
        }
    }
}

impl Place for Index {
    const FILE: &'static str = "index.html";
    fn language(&self) -> Language {
        self.language
    }
}

impl Place for CriteriaPage<'_> {
    const FILE: &'static str = "criteria.html";
    fn language(&self) -> Language {
        self.language
    }
}

impl Place for AppealPage {
    const FILE: &'static str = "appeal.html";
    fn language(&self) -> Language {
        self.language
    }
}

impl Index {
    /// The whole page.
    pub fn html(&self) -> String {
        super::rendered(self)
    }

    fn reason(&self, code: &str) -> String {
        let text = match code {
            "report" => self.language.t("site-reason-report"),
            "indicator" => self.language.t("site-reason-indicator"),
            "partner" => self.language.t("site-reason-partner"),
            "review" => self.language.t("site-reason-review"),
            "list" => self.language.t("site-reason-list"),
            other => other.into(),
        };
        text.into_owned()
    }
}

impl CriteriaPage<'_> {
    /// The whole page.
    pub fn html(&self) -> String {
        super::rendered(self)
    }

    fn title<'a>(&self, one: &'a Criterion) -> &'a str {
        match self.language {
            Language::Vietnamese => &one.title_vi,
            Language::English => &one.title_en,
        }
    }

    fn bands(&self) -> [Band; 6] {
        Band::ALL
    }
}

impl AppealPage {
    /// The whole page.
    pub fn html(&self) -> String {
        super::rendered(self)
    }
}
