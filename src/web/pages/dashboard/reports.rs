//! The guardian's page about anonymous reports: what would be told, to whom, what was, and the decision about it.

use askama::Template;

use super::parts::{Field, Wrong};
use crate::web::pages::reports::{Example, Plan};
use crate::web::pages::{Shell, rendered};
use crate::web::reports::Answers;

/// A name that waits to be told.
pub struct Candidate {
    /// The name.
    pub name: String,
    /// Its category, in words.
    pub category: String,
    /// What would be sealed, in octets.
    pub hex: String,
}

/// A message that left.
pub struct SentRow {
    /// On the household's clock.
    pub at: String,
    /// Which.
    pub kind: String,
    /// Its length.
    pub octets: usize,
}

/// One of the household's own names.
pub struct OwnRow {
    /// The name.
    pub name: String,
    /// Its category, in words.
    pub category: String,
}

/// The whole page.
#[derive(Template)]
#[template(path = "dashboard/reports.html")]
pub struct ReportsPage {
    /// Round it.
    pub shell: Shell,
    /// Of the form for a name.
    pub wrong: Option<Wrong>,
    /// What was just done: `agreed`, `withdrawn`, `added`, `removed`, or nothing.
    pub done: String,
    /// May decide, and add names.
    pub may_decide: bool,
    /// The configuration lets this box report.
    pub enabled: bool,
    /// Something is sent now.
    pub is_on: bool,
    /// What is sent now, and why not more, in words.
    pub mode: String,
    /// Why it is paused, as the box says it.
    pub paused: Option<String>,
    /// Who answered.
    pub answers: Answers,
    /// Households that must tell the same name before anybody reads it.
    pub households: usize,
    /// Who receives: what they do, and their names.
    pub receivers: Vec<(String, String)>,
    /// Messages of a week.
    pub plan: Plan,
    /// A message about a made-up name.
    pub example: Example,
    /// Names that wait.
    pub candidates: Vec<Candidate>,
    /// Of others only how many.
    pub candidates_hidden: usize,
    /// Cells of this week, in words.
    pub cells: Vec<String>,
    /// Of others only how many.
    pub cells_hidden: usize,
    /// What left, the newest first.
    pub sent: Vec<SentRow>,
    /// Closed messages that wait.
    pub waiting: usize,
    /// The household's own names.
    pub own: Vec<OwnRow>,
    /// Of the form for a name.
    pub fields: Vec<Field>,
}

impl ReportsPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}
