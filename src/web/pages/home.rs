//! The child's own page: who the box takes them for, what holds now, what was stopped a moment ago, what they asked.

use askama::Template;

use super::{Frame, Tile};
use crate::classify::Category;
use crate::policy::Band;
use crate::web::text::Tone;

/// The portal's first page.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/home.html")]
pub struct Home {
    /// Round it.
    pub frame: Frame,
    /// Whose device this is; `None` while nobody has said.
    pub who: Option<Who>,
    /// What holds now.
    pub holds: Vec<Hold>,
    /// Has a say about anonymous reports.
    pub is_asked: bool,
    /// Time that is left today.
    pub budgets: Vec<Budget>,
    /// Lately refused on this device, newest first. Kept by nobody but the box's memory.
    pub stopped: Vec<Stopped>,
    /// What this child asked, newest first.
    pub asked: Vec<Asked>,
    /// Put into the forms.
    pub csrf: String,
    /// Good pages.
    pub learn: Vec<Tile>,
}

/// A profile as its child sees it.
#[derive(Debug, Clone)]
pub struct Who {
    /// The profile's name.
    pub name: String,
    /// Its band.
    pub band: Band,
}

/// Something that holds now.
#[derive(Debug, Clone)]
pub enum Hold {
    /// A schedule, by its name.
    Schedule {
        /// The guardian's name for it.
        name: String,
        /// In words.
        until: String,
    },
    /// Nothing but help.
    Pause {
        /// In words.
        until: String,
    },
    /// Something a guardian allowed for a while.
    Grant {
        /// What, in words.
        what: String,
        /// In words.
        until: String,
    },
}

/// A day's time for something.
#[derive(Debug, Clone)]
pub struct Budget {
    /// For what.
    pub title: String,
    /// Minutes that are left.
    pub left: u32,
    /// Minutes of the whole day.
    pub of: u32,
}

/// Something refused.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// Its name.
    pub name: String,
    /// Its group.
    pub category: Option<Category>,
    /// A question may be put ([`super::Blocked::offers_ask`]).
    pub may_ask: bool,
}

/// A question and what became of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// About what: a name or a group.
    pub what: String,
    /// What became of it.
    pub answer: Answer,
    /// The guardian's words.
    pub reason: Option<String>,
}

/// What became of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing yet.
    Waiting,
    /// Yes, for good.
    Yes,
    /// Yes, until then (in words).
    YesUntil(String),
    /// No.
    No,
    /// Nobody answered in time.
    Expired,
}

impl Home {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn tone(&self) -> &'static str {
        self.who.as_ref().map_or(Tone::Ban, |who| Tone::of(who.band)).code()
    }
}

impl Budget {
    /// Of a bar a hundred wide.
    fn share(&self) -> u32 {
        (self.left.min(self.of) * 100).checked_div(self.of).unwrap_or(0)
    }
}
