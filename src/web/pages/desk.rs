//! The pages of the desk at the central side, where people look at what enough homes met. Values only: who may see what, and
//! what may be done, is decided before.

use std::borrow::Cow;

use askama::Template;

use crate::classify::Category;
use crate::web::text::Language;

/// Round every page.
#[derive(Debug, Clone)]
pub struct DeskFrame {
    /// Of the texts.
    pub language: Language,
    /// Put into every form.
    pub csrf: String,
    /// Name and role of who is signed in.
    pub who: Option<(String, &'static str)>,
    /// Path of this page's part, as it stands in the navigation.
    pub part: &'static str,
    /// Path and query of this page, to come back to.
    pub here: String,
}

/// Signing in.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/sign_in.html")]
pub struct DeskSignIn {
    /// Round it.
    pub frame: DeskFrame,
    /// Why it did not work.
    pub fault: Option<String>,
}

/// A choice of a form.
#[derive(Debug, Clone)]
pub struct Choice {
    /// As it is sent.
    pub value: String,
    /// As it is read.
    pub label: String,
    /// Stands in the field.
    pub is_chosen: bool,
}

/// One candidate of many.
#[derive(Debug, Clone)]
pub struct DeskRow {
    /// Where its page is.
    pub path: String,
    /// Its name.
    pub name: String,
    /// What it is taken for.
    pub category: Category,
    /// `security` or `harm`.
    pub lane: &'static str,
    /// Code of the state.
    pub state: &'static str,
    /// Homes in the strongest epoch.
    pub most: u64,
    /// May not be proposed.
    pub is_guarded: bool,
    /// The published list has it.
    pub is_listed: bool,
}

/// The candidates.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/list.html")]
pub struct DeskList {
    /// Round it.
    pub frame: DeskFrame,
    /// Label, name and choices of each filter.
    pub filters: Vec<(String, &'static str, Vec<Choice>)>,
    /// Those of this page.
    pub rows: Vec<DeskRow>,
    /// How many there are on all pages.
    pub count: usize,
    /// Where the next page is.
    pub next: Option<String>,
}

/// A step that was taken.
#[derive(Debug, Clone)]
pub struct DeskStep {
    /// Code.
    pub step: &'static str,
    /// Code.
    pub reason: String,
    /// More about it.
    pub note: String,
    /// Who.
    pub account: String,
    /// Day and minute, UTC.
    pub at: String,
}

/// A step that may be taken.
#[derive(Debug, Clone)]
pub struct DeskMay {
    /// Code.
    pub step: &'static str,
    /// Codes of the reasons.
    pub reasons: Vec<&'static str>,
}

/// One candidate.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/candidate.html")]
pub struct DeskCandidate {
    /// Round it.
    pub frame: DeskFrame,
    /// In short.
    pub row: DeskRow,
    /// Why something was not done.
    pub fault: Option<String>,
    /// Bars by epoch, as SVG of our own making.
    pub chart: String,
    /// Day on which the epoch began, homes, shares that fitted nothing.
    pub counts: Vec<(String, u64, u64)>,
    /// Region and homes.
    pub regions: Vec<(u8, u64)>,
    /// Homes by how sure their engine was, from the least.
    pub confidence: [u64; 4],
    /// The engine's reasons: what, and what it says.
    pub engine: Vec<(String, String)>,
    /// What forbids to propose it.
    pub against: Vec<String>,
    /// Last day on which its proposal holds.
    pub until: Option<String>,
    /// What was done, oldest first.
    pub history: Vec<DeskStep>,
    /// What this reader may do now.
    pub may: Vec<DeskMay>,
}

/// One number with its error.
#[derive(Debug, Clone)]
pub struct DeskNumber {
    /// Band or hours.
    pub label: String,
    /// Homes.
    pub households: i64,
    /// Half the width of the interval.
    pub error: i64,
    /// Cannot be told from nothing.
    pub is_noise: bool,
}

/// A group by band or by part of the day.
#[derive(Debug, Clone)]
pub struct DeskTable {
    /// What it is of.
    pub title: String,
    /// Bars with their errors, as SVG of our own making.
    pub chart: String,
    /// The same as numbers.
    pub numbers: Vec<DeskNumber>,
}

/// The weekly sums.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/statistics.html")]
pub struct DeskStatistics {
    /// Round it.
    pub frame: DeskFrame,
    /// Label, name and choices of week and group.
    pub filters: Vec<(String, &'static str, Vec<Choice>)>,
    /// Homes that took part; `None` where nothing was published.
    pub reports: Option<u64>,
    /// By band, by part of the day.
    pub tables: Vec<DeskTable>,
}

/// What the sums have cost.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/ledger.html")]
pub struct DeskLedger {
    /// Round it.
    pub frame: DeskFrame,
    /// As the ledger writes itself.
    pub lines: Vec<String>,
    /// Weeks that could not be counted.
    pub odd: Vec<u32>,
}

/// A row of the record.
#[derive(Debug, Clone)]
pub struct DeskDeed {
    /// Its number.
    pub id: i64,
    /// Day and minute, UTC.
    pub at: String,
    /// Who.
    pub account: String,
    /// Code of what was done.
    pub deed: String,
    /// About what.
    pub detail: String,
    /// The beginning of its digest.
    pub digest: String,
}

/// The record of what was done.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/audit.html")]
pub struct DeskAudit {
    /// Round it.
    pub frame: DeskFrame,
    /// Rows that hold and the digest at the end, or why it does not hold.
    pub verdict: Result<(i64, String), String>,
    /// Newest first.
    pub rows: Vec<DeskDeed>,
}

/// Something that is not there, or not for this reader.
#[derive(Debug, Clone, Template)]
#[template(path = "desk/wrong.html")]
pub struct DeskWrong {
    /// Round it.
    pub frame: DeskFrame,
    /// HTTP status.
    pub status: u16,
    /// What was said about it.
    pub detail: String,
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page {
            /// The whole page.
            pub fn html(&self) -> String {
                super::rendered(self)
            }
        }
    )*};
}

pages!(DeskSignIn DeskList DeskCandidate DeskStatistics DeskLedger DeskAudit DeskWrong);

impl DeskFrame {
    /// Paths and names of the parts this reader may see, and which of them this page is in.
    pub fn parts(&self) -> Vec<(&'static str, Cow<'static, str>, bool)> {
        let language = self.language;
        let mut parts = vec![
            ("/", language.t("desk-candidates")),
            ("/statistics", language.t("desk-statistics")),
            ("/ledger", language.t("desk-ledger")),
        ];
        if self.who.as_ref().is_some_and(|(_, role)| *role == "auditor") {
            parts.push(("/audit", language.t("desk-audit")));
        }
        parts.into_iter().map(|(path, name)| (path, name, path == self.part)).collect()
    }

    /// A state in words.
    pub fn state(&self, code: &str) -> Cow<'static, str> {
        match code {
            "new" => self.language.t("desk-state-new"),
            "verified" => self.language.t("desk-state-verified"),
            "proposed" => self.language.t("desk-state-proposed"),
            "listed" => self.language.t("desk-state-listed"),
            "withdrawn" => self.language.t("desk-state-withdrawn"),
            _ => self.language.t("desk-state-rejected"),
        }
    }

    /// A step in words.
    pub fn step(&self, code: &str) -> Cow<'static, str> {
        match code {
            "verify" => self.language.t("desk-step-verify"),
            "reject" => self.language.t("desk-step-reject"),
            "propose" => self.language.t("desk-step-propose"),
            "list" => self.language.t("desk-step-list"),
            "withdraw" => self.language.t("desk-step-withdraw"),
            _ => self.language.t("desk-step-reopen"),
        }
    }

    /// A reason in words; a code nobody knows stands for itself.
    pub fn reason(&self, code: &str) -> Cow<'static, str> {
        match code {
            "seen" => self.language.t("desk-reason-seen"),
            "partner" => self.language.t("desk-reason-partner"),
            "protects" => self.language.t("desk-reason-protects"),
            "published" => self.language.t("desk-reason-published"),
            "harmless" => self.language.t("desk-reason-harmless"),
            "wrong_category" => self.language.t("desk-reason-wrong-category"),
            "popular" => self.language.t("desk-reason-popular"),
            "gone" => self.language.t("desk-reason-gone"),
            "hotline" => self.language.t("desk-reason-hotline"),
            "appeal" => self.language.t("desk-reason-appeal"),
            "mistake" => self.language.t("desk-reason-mistake"),
            "news" => self.language.t("desk-reason-news"),
            other => Cow::Owned(other.to_string()),
        }
    }

    /// A lane in words.
    pub fn lane(&self, code: &str) -> Cow<'static, str> {
        match code {
            "security" => self.language.t("desk-lane-security"),
            _ => self.language.t("desk-lane-harm"),
        }
    }

    /// A role in words.
    pub fn role(&self, code: &str) -> Cow<'static, str> {
        match code {
            "analyst" => self.language.t("desk-role-analyst"),
            "lead" => self.language.t("desk-role-lead"),
            "auditor" => self.language.t("desk-role-auditor"),
            _ => self.language.t("desk-role-reader"),
        }
    }

    /// A state's colour.
    pub fn tone(&self, code: &str) -> &'static str {
        match code {
            "new" => "wait",
            "verified" | "proposed" => "info",
            "listed" => "ok",
            _ => "stop",
        }
    }
}

/// Texts that whoever fills a page puts into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskText {
    /// No filter.
    All,
    /// Label of the filter by state.
    State,
    /// Label of the filter by lane.
    Lane,
    /// Label of the filter by region.
    Region,
    /// Label of the choice of a week.
    Week,
    /// Label of the choice of a group.
    Group,
    /// Title of a group by band.
    ByBand,
    /// Title of a group by part of the day.
    ByPart,
    /// Title of the picture of a candidate.
    Counts,
    /// What that picture says.
    CountsChart,
    /// What a picture with errors says.
    ErrorsChart,
    /// How the engine found it.
    EngineBy,
    /// What the engine takes it for.
    EngineCategory,
    /// What it pretends to be.
    EngineImitates,
    /// How likely by its spelling.
    EngineChance,
    /// Which parts weighed most.
    EngineGrams,
    /// Signing in did not work.
    SignInWrong,
}

impl DeskText {
    /// In that language.
    pub fn of(self, language: Language) -> Cow<'static, str> {
        match self {
            DeskText::All => language.t("desk-all"),
            DeskText::State => language.t("desk-state"),
            DeskText::Lane => language.t("desk-lane"),
            DeskText::Region => language.t("desk-region"),
            DeskText::Week => language.t("desk-week"),
            DeskText::Group => language.t("desk-group"),
            DeskText::ByBand => language.t("desk-by-band"),
            DeskText::ByPart => language.t("desk-by-part"),
            DeskText::Counts => language.t("desk-counts"),
            DeskText::CountsChart => language.t("desk-chart-counts"),
            DeskText::ErrorsChart => language.t("desk-chart-errors"),
            DeskText::EngineBy => language.t("desk-engine-by"),
            DeskText::EngineCategory => language.t("desk-engine-category"),
            DeskText::EngineImitates => language.t("desk-engine-imitates"),
            DeskText::EngineChance => language.t("desk-engine-chance"),
            DeskText::EngineGrams => language.t("desk-engine-grams"),
            DeskText::SignInWrong => language.t("desk-sign-in-wrong"),
        }
    }

    /// Signing in has to wait so many seconds.
    pub fn wait(language: Language, seconds: u64) -> Cow<'static, str> {
        language.t1("desk-sign-in-wait", "seconds", seconds)
    }
}
