//! The portal's pages about telling: whether this child agrees to anonymous reports, and a draft of one's own words that never
//! leaves the browser.

use std::borrow::Cow;

use askama::Template;

use super::{Frame, Line, style};
use crate::classify::Category;
use crate::lists::data;
use crate::name::Name;
use crate::policy::Band;
use crate::report::message::Content;
use crate::report::preview::{Planned, Preview};
use crate::web::text::{Family, Language, Tone};

/// What would be told, and the question whether this child agrees.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/reports.html")]
pub struct Say {
    /// Round it.
    pub frame: Frame,
    /// Of the reader.
    pub band: Band,
    /// Said yes.
    pub agrees: bool,
    /// Nobody else is asked, so a guardian can tell the answer from the sum of all.
    pub is_alone: bool,
    /// Households that must tell the same name before anybody reads it.
    pub households: usize,
    /// Something is sent now. Why nothing is, is not said: it could be another child's answer.
    pub is_sent: bool,
    /// Who receives.
    pub receivers: Vec<(String, String)>,
    /// Messages of a week.
    pub plan: Plan,
    /// What a message would look like.
    pub example: Example,
    /// Put into the form.
    pub csrf: String,
}

/// Messages of a week, as people read it.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// What, how many, octets of each.
    pub rows: Vec<(String, usize, usize)>,
    /// Octets of all.
    pub octets: usize,
}

/// A message about a made-up name.
#[derive(Debug, Clone)]
pub struct Example {
    /// The name.
    pub name: String,
    /// Its category, in words.
    pub category: String,
    /// What is sealed, in octets.
    pub hex: String,
}

/// A draft of one's own words. The same for everybody, like the page of help: nothing tells who looked.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/tell.html")]
pub struct Tell {
    /// Round it.
    pub frame: Frame,
    /// Where it can be told, of the reader's country.
    pub here: Vec<Line>,
}

impl Say {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn tone(&self) -> &'static str {
        Tone::of(self.band).code()
    }
}

impl Plan {
    /// Of what a box plans.
    pub fn of(preview: &Preview, language: Language) -> Plan {
        let row = |one: &Planned| (kind(language, one).into_owned(), one.count, one.octets);
        Plan { rows: preview.plan.iter().map(row).collect(), octets: preview.week_octets }
    }
}

fn kind(language: Language, planned: &Planned) -> Cow<'static, str> {
    language.of(Family::ReportKind, planned.kind.code())
}

/// Who receives, by what they do.
pub fn receivers(preview: &Preview, language: Language) -> Vec<(String, String)> {
    let operators = &preview.operators;
    let named = [
        (language.t("reports-operator-a"), &operators.a),
        (language.t("reports-operator-b"), &operators.b),
        (language.t("reports-relay"), &operators.relay),
    ];
    let row = |(what, name): (Cow<'static, str>, &Option<String>)| Some((what.into_owned(), name.clone()?));
    named.into_iter().filter_map(row).collect()
}

/// Octets as people compare them: sixteen a line.
pub fn hex(octets: &[u8]) -> String {
    let line = |line: &[u8]| line.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ");
    octets.chunks(16).map(line).collect::<Vec<_>>().join("\n")
}

impl Example {
    /// As a report about it would be written down before it is sealed.
    pub fn new(language: Language) -> Example {
        let category = Category::PhishingScam;
        let name = Name::parse(MADE_UP).ok();
        let content = name.map(|name| Content { name, category, confidence: 2, region: 0, engine: 1 });
        Example {
            name: MADE_UP.to_string(),
            category: language.category(&category).into_owned(),
            hex: content.map(|content| hex(&content.octets())).unwrap_or_default(),
        }
    }
}

/// A name that nobody can register (RFC 2606).
const MADE_UP: &str = "vi-du-lua-dao.example";

impl Tell {
    /// The page from the rows of `help.toml` of `country`.
    pub fn of(frame: Frame, rows: &[data::HelpLine], country: &str) -> Tell {
        let rows = rows.iter().filter(|row| row.country == country);
        Tell { here: rows.map(|row| Line::of(row, frame.language)).collect(), frame }
    }

    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    fn composer(&self) -> &'static str {
        style::tell_script()
    }
}
