//! The portal's small pages: who can see what, where help is, a question was sent, a guardian's code.

use askama::Template;

use super::Frame;
use crate::lists::data;
use crate::policy::Band;
use crate::web::text::{Language, Tone};

/// "Who can see what", as CATEGORIES promises it to the band.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/who.html")]
pub struct WhoSees {
    /// Round it.
    pub frame: Frame,
    /// Of the reader.
    pub band: Band,
}

/// Where help is. The same for everybody: no form, no query, nothing that tells who looked.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/help.html")]
pub struct Help {
    /// Round it.
    pub frame: Frame,
    /// The country's own lines.
    pub here: Vec<Line>,
    /// Everybody else's.
    pub elsewhere: Vec<Line>,
}

/// One place that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In the page's language.
    pub name: String,
    /// As people read it; `None` where there is none.
    pub number: Option<String>,
    /// Its sites.
    pub sites: Vec<String>,
}

/// A question, or the report of a mistake, was sent.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/sent.html")]
pub struct Sent {
    /// Round it.
    pub frame: Frame,
    /// Of the reader.
    pub band: Band,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a question when it was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The guardian will see it.
    Asked,
    /// A mistake was reported.
    Reported,
    /// The same question waits already.
    Waits,
    /// There were too many within the hour.
    TooMany,
}

/// A guardian's one-time code, typed on the child's device.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/code.html")]
pub struct Code {
    /// Round it.
    pub frame: Frame,
    /// Of the reader.
    pub band: Band,
    /// What became of the last try.
    pub tried: Option<Tried>,
    /// Put into the form.
    pub csrf: String,
}

/// What became of a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// It opens until then (in words).
    Opened(String),
    /// It does not fit or was used before.
    Wrong,
    /// There were too many tries.
    TooMany,
}

impl WhoSees {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn tone(&self) -> &'static str {
        Tone::of(self.band).code()
    }
}

impl Help {
    /// The page from the rows of `help.toml`, those of `country` first.
    pub fn of(frame: Frame, rows: &[data::HelpLine], country: &str) -> Help {
        let lines = |is_here: bool| {
            let rows = rows.iter().filter(|row| (row.country == country) == is_here);
            rows.map(|row| Line::of(row, frame.language)).collect()
        };
        Help { here: lines(true), elsewhere: lines(false), frame }
    }

    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }
}

impl Line {
    /// The number as `tel:` wants it.
    pub(super) fn dial(&self) -> String {
        self.number.iter().flat_map(|number| number.chars()).filter(char::is_ascii_digit).collect()
    }

    pub(super) fn of(row: &data::HelpLine, language: Language) -> Line {
        Line {
            name: row.title(language.code()).to_string(),
            number: Some(row.number.clone()).filter(|number| !number.is_empty()),
            sites: row.sites.clone(),
        }
    }
}

impl Sent {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn tone(&self) -> &'static str {
        Tone::of(self.band).code()
    }
}

impl Code {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn tone(&self) -> &'static str {
        Tone::of(self.band).code()
    }

    fn is_wrong(&self) -> bool {
        matches!(self.tried, Some(Tried::Wrong | Tried::TooMany))
    }
}
