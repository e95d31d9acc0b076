//! The guardians' first page: is everything working, each child now, and what wants a word from them.

use askama::Template;

use super::fault::Fault;
use crate::policy::Band;
use crate::web::pages::{Shell, rendered};

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// Well.
    Ok,
    /// It works, but.
    Note,
    /// It does not.
    Problem,
}

impl Health {
    /// Of a badge.
    pub const fn class(self) -> &'static str {
        match self {
            Health::Ok => "ok",
            Health::Note => "wait",
            Health::Problem => "stop",
        }
    }
}

/// One thing, and what to do about it.
#[derive(Debug, Clone)]
pub struct Line {
    /// How it is.
    pub state: Health,
    /// In words.
    pub what: String,
    /// What to do; empty when nothing is.
    pub fix: String,
}

/// A child now.
#[derive(Debug, Clone)]
pub struct ChildNow {
    /// Its name.
    pub name: String,
    /// Its band.
    pub band: Band,
    /// Where its rules are.
    pub path: String,
    /// Nothing but help.
    pub is_offline: bool,
    /// A pause for this child alone holds.
    pub is_paused: bool,
    /// What holds, in sentences.
    pub holds: Vec<String>,
    /// Time of today.
    pub budgets: Vec<BudgetNow>,
    /// What is allowed for a while.
    pub grants: Vec<GrantNow>,
}

/// A budget today.
#[derive(Debug, Clone)]
pub struct BudgetNow {
    /// Its name.
    pub name: String,
    /// Minutes used, of so many.
    pub used: u32,
    /// Minutes of the day.
    pub of: u32,
}

impl BudgetNow {
    fn share(&self) -> u32 {
        (self.used * 100).checked_div(self.of).unwrap_or(100).min(100)
    }

    fn left(&self) -> u32 {
        self.of.saturating_sub(self.used)
    }
}

/// A grant.
#[derive(Debug, Clone)]
pub struct GrantNow {
    /// To take it back by.
    pub id: i64,
    /// What, in words.
    pub what: String,
    /// In words.
    pub until: String,
}

/// A device nobody was told of yet.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// To name it by.
    pub key: String,
    /// As it calls itself.
    pub name: String,
    /// Its addresses, in one line.
    pub addresses: String,
    /// Its address was made up.
    pub is_random: bool,
    /// Whose it may be.
    pub proposal: Option<String>,
}

/// A request that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Whose.
    pub profile: String,
    /// About what, as far as guardians may know.
    pub what: String,
}

/// The first page.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/home.html")]
pub struct HomePage {
    /// Round it.
    pub shell: Shell,
    /// How things are.
    pub lines: Vec<Line>,
    /// Questions answered since the start.
    pub answered: u64,
    /// Until when the house is paused.
    pub house: Option<String>,
    /// Children, youngest first.
    pub children: Vec<ChildNow>,
    /// New devices.
    pub newcomers: Vec<Newcomer>,
    /// Whose a device can be.
    pub profiles: Vec<String>,
    /// Requests that wait.
    pub waiting: Vec<Waiting>,
    /// The reader may change something.
    pub may_steer: bool,
    /// What was wrong with what was just tried.
    pub fault: Fault,
}

impl HomePage {
    /// The whole page.
    pub fn render(&self) -> String {
        rendered(self)
    }
}
