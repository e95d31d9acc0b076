//! What speaks against an entry before anybody signs it: names that must stay reachable, names under which others live,
//! names so many people use that a mistake would be felt everywhere.

use std::fs;
use std::io;
use std::path::Path;

use super::proposal::Subject;
use crate::classify::{Category, CategorySet};
use crate::judge::HelpSet;
use crate::name::Name;

/// What may not be listed, or not without saying so.
pub struct Lint<'a> {
    help: &'a HelpSet,
    popular: Vec<Name>,
}

/// What harms nobody by being listed: it says that a name is good.
const GOOD: CategorySet = CategorySet::of(&[Category::HealthSexed, Category::EducationKids]);

impl<'a> Lint<'a> {
    /// Guards the help set and these popular names.
    pub fn new(help: &'a HelpSet, popular: Vec<Name>) -> Lint<'a> {
        Lint { help, popular }
    }

    /// What speaks against listing `subject` as `category`.
    pub fn against(&self, subject: &Subject, category: Category, high_impact: bool) -> Vec<String> {
        let name = subject.name();
        let mut found = Vec::new();
        if self.help.contains(name) || self.help.names().iter().any(|help| help.is_within(name)) {
            // Which one is nobody's business: messages end up in logs.
            found.push("it would touch the help set, which nothing may block".to_string());
        }
        if name.public_suffix().is_some_and(|suffix| suffix.labels().count() >= name.label_count()) {
            found.push(format!("{name} is a public suffix: others live below it"));
        }
        let is_whole = !matches!(subject, Subject::Url { .. });
        if is_whole && !high_impact && !GOOD.contains(category) && self.is_popular(subject) {
            found.push(format!("{name} is a popular name, or above one: `high_impact = true` says that it is meant"));
        }
        found
    }

    /// Names that must not be hit by accident.
    pub fn popular(&self) -> &[Name] {
        &self.popular
    }

    fn is_popular(&self, subject: &Subject) -> bool {
        match subject {
            // A page or a name below a popular one is somebody's own (`user.example.com`).
            Subject::Exact(name) => self.popular.contains(name),
            Subject::Suffix(name) => self.popular.iter().any(|one| one.is_within(name)),
            Subject::Url { .. } => false,
        }
    }
}

/// Names of a file, one a line; empty lines and those that begin with `#` say nothing.
pub fn names_of(path: &Path) -> io::Result<Vec<Name>> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let text = fs::read_to_string(path).map_err(named)?;
    let lines = text.lines().enumerate().map(|(at, line)| (at, line.trim()));
    let parse = |(at, line): (usize, &str)| {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        Name::parse(line).map_err(|error| invalid(format!("{}:{}: {line:?}: {error}", path.display(), at + 1)))
    };
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(parse).collect()
}
