//! Pages about the box rather than a child: the simulator, lists, activity and diagnostics.

use askama::Template;

use super::parts::{Boxes, Field, Wrong};
use crate::policy::Band;
use crate::web::pages::{Shell, rendered};
use crate::web::steward::{Finding, Status};

/// What the simulator found, in words.
pub struct Found {
    /// The name or address of a page.
    pub name: String,
    /// What happens, in a word.
    pub verdict: String,
    /// `ok`, `info`, `wait` or `stop`.
    pub tone: &'static str,
    /// The chain: what each link is, and what it says here.
    pub chain: Vec<(String, String)>,
    /// All of it for programs.
    pub json: String,
}

/// What would happen.
#[derive(Template)]
#[template(path = "dashboard/simulator.html")]
pub struct SimulatorPage {
    /// Round it.
    pub shell: Shell,
    /// Of the form.
    pub wrong: Option<Wrong>,
    /// Of the form.
    pub fields: Vec<Field>,
    /// Once something was asked.
    pub found: Option<Found>,
}

/// A list.
pub struct ListCard {
    /// Its name.
    pub name: String,
    /// Its name as a part of a path.
    pub path: String,
    /// Where it comes from.
    pub source: String,
    /// What its maker allows; empty when it is not known.
    pub licence: String,
    /// What it speaks of, in words.
    pub why: String,
    /// Its rules, in words.
    pub rules: String,
    /// When it was last looked at, in words.
    pub checked: String,
    /// `ok`, `missing`, `stale`.
    pub state: &'static str,
}

/// The list two authorities sign, in words.
pub struct SignedCard {
    /// Who signs it; empty when it is not known.
    pub signers: String,
    /// Its names.
    pub names: u64,
    /// Which release, and when it was built.
    pub release: String,
    /// Names taken back since.
    pub withdrawn: usize,
    /// When it was last looked at.
    pub checked: String,
    /// `ok`, `waiting`, `missing` or `wrong`.
    pub state: &'static str,
    /// What was wrong, as the program says it.
    pub message: String,
}

/// Where what is known comes from.
#[derive(Template)]
#[template(path = "dashboard/lists.html")]
pub struct ListsPage {
    /// Round it.
    pub shell: Shell,
    /// Of a form.
    pub wrong: Option<Wrong>,
    /// Names in force.
    pub names: u64,
    /// The list two authorities sign, where it is taken.
    pub signed: Option<SignedCard>,
    /// In the order of the configuration.
    pub lists: Vec<ListCard>,
    /// Of the form with the catalog.
    pub known: Field,
    /// Of the form with an address.
    pub fields: Vec<Field>,
    /// What a list with an address speaks of.
    pub categories: Boxes,
}

/// Somebody whose activity can be looked at.
pub struct Person {
    /// Their name.
    pub name: String,
    /// Where.
    pub path: String,
    /// How old.
    pub band: Band,
}

/// Everybody's activity is somewhere else.
#[derive(Template)]
#[template(path = "dashboard/activities.html")]
pub struct ActivitiesPage {
    /// Round it.
    pub shell: Shell,
    /// Everybody.
    pub people: Vec<Person>,
}

/// A row of a table: when, what, how often.
pub struct Row {
    /// A day or the first day of a week.
    pub period: String,
    /// In words.
    pub what: String,
    /// For what; empty for counts.
    pub group: String,
    /// How often.
    pub count: u32,
}

/// As much of somebody's activity as may be seen.
#[derive(Template)]
#[template(path = "dashboard/activity.html")]
pub struct ActivityPage {
    /// Round it.
    pub shell: Shell,
    /// Whose.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// How old.
    pub band: Band,
    /// Of days or weeks, as SVG.
    pub chart: String,
    /// Names; only of the youngest.
    pub names: Vec<Row>,
    /// Counts.
    pub counts: Vec<Row>,
    /// Attacks of today.
    pub alerts: Vec<(String, u32)>,
}

/// How the box is.
#[derive(Template)]
#[template(path = "dashboard/diagnostics.html")]
pub struct DiagnosticsPage {
    /// Round it.
    pub shell: Shell,
    /// What was looked at.
    pub findings: Vec<Finding>,
    /// Numbers.
    pub status: Status,
    /// Since when it runs, in words.
    pub since: String,
}

impl ActivityPage {
    fn is_weekly(&self) -> bool {
        self.band == Band::Age13to15
    }
}

impl DiagnosticsPage {
    fn problems(&self) -> usize {
        self.findings.iter().filter(|one| one.state == "problem").count()
    }

    /// What was looked at, in plain words; as the program calls it where it has no words.
    fn check_name(&self, check: &str) -> String {
        let language = self.shell.language;
        let text = match check {
            "clock" => language.t("check-clock"),
            "dns ports" => language.t("check-dns-ports"),
            "state folder" => language.t("check-state-folder"),
            "lists" => language.t("check-lists"),
            "proxy: capabilities" => language.t("check-capabilities"),
            "proxy: interfaces" => language.t("check-interfaces"),
            "proxy: forwarding" => language.t("check-forwarding"),
            "proxy: rules" => language.t("check-rules"),
            "proxy: flow offloading" => language.t("check-offloading"),
            other => return other.to_string(),
        };
        text.into_owned()
    }
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page {
            /// The page.
            pub fn html(&self) -> String {
                rendered(self)
            }
        }
    )*};
}

pages!(SimulatorPage ListsPage ActivitiesPage ActivityPage DiagnosticsPage);
