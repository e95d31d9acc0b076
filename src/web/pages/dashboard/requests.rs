//! What children asked.

use askama::Template;

use super::fault::Fault;
use crate::web::pages::{Shell, rendered};

/// A request as guardians see it.
#[derive(Debug, Clone)]
pub struct Request {
    /// To answer it by.
    pub id: i64,
    /// Whose.
    pub profile: String,
    /// About what, as far as guardians may know.
    pub what: String,
    /// The group, where there is one and it is not said already.
    pub group: Option<String>,
    /// The child's words.
    pub note: String,
    /// When, in words.
    pub when: String,
    /// What was answered, in words.
    pub answer: Option<String>,
    /// The guardian's words.
    pub reason: String,
    /// As it was typed, when the form comes again.
    pub typed: String,
}

/// A group that was allowed to a child again and again.
#[derive(Debug, Clone)]
pub struct Habit {
    /// Whose.
    pub profile: String,
    /// The group's name.
    pub group: String,
    /// Where that child's rules are.
    pub path: String,
}

/// A reason ready to choose.
#[derive(Debug, Clone)]
pub struct Preset {
    /// As it is sent.
    pub code: &'static str,
    /// In words.
    pub text: String,
}

/// The page of requests.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/requests.html")]
pub struct RequestsPage {
    /// Round it.
    pub shell: Shell,
    /// Those that wait, newest first.
    pub waiting: Vec<Request>,
    /// Those that were answered in the last days.
    pub answered: Vec<Request>,
    /// Hints.
    pub habits: Vec<Habit>,
    /// Reasons ready to choose.
    pub presets: Vec<Preset>,
    /// The reader may answer.
    pub may_answer: bool,
    /// The reader may allow for good.
    pub may_always: bool,
    /// What was wrong.
    pub fault: Fault,
}

impl RequestsPage {
    /// The whole page.
    pub fn render(&self) -> String {
        rendered(self)
    }
}
