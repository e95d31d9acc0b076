//! What the house itself knows about a candidate: why its engine took the name for what it did, whether the published list
//! has it already, and what forbids to list it. Helps people to decide, and decides nothing.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::classify::guess::Guesser;
use crate::classify::{Bundle, Category};
use crate::config::criteria;
use crate::document::Fault;
use crate::hub::lint::Lint;
use crate::hub::proposal::Subject;
use crate::hub::triage::candidate::Candidate;
use crate::judge::Guessed;
use crate::lists::data::Builtin;
use crate::name::Name;
use crate::policy::{Action, Band, Criteria};

/// The engine, the guards and the list.
pub struct Guide {
    /// What comes with the program: help set and popular names among it.
    pub builtin: Builtin,
    guesser: Arc<Guesser>,
    criteria: Criteria,
    bundle: Option<PathBuf>,
    read: Mutex<Option<Read>>,
}

/// A bundle as it was read.
struct Read {
    stamp: (u64, Option<SystemTime>),
    bundle: Arc<Bundle>,
}

/// What is known about one candidate.
#[derive(Debug, Clone)]
pub struct Known {
    /// Why the engine takes it for what it does; `None` where it would not today.
    pub guess: Option<Guessed>,
    /// The published list has it in this category.
    pub is_listed: bool,
    /// What forbids to list it, in words.
    pub against: Vec<String>,
}

impl Guide {
    /// By the program's own criteria. `bundle`: the published list, read again whenever the file is another.
    pub fn new(builtin: Builtin, guesser: Arc<Guesser>, bundle: Option<PathBuf>) -> Result<Guide, Vec<Fault>> {
        let criteria = criteria("criteria.toml", crate::config::CRITERIA)?;
        Ok(Guide { builtin, guesser, criteria, bundle, read: Mutex::new(None) })
    }

    /// What is known.
    pub fn of(&self, candidate: &Candidate) -> Known {
        let guess = self.guesser.guess(&candidate.name, false);
        Known {
            guess: guess.map(|guess| Guessed::of(&guess, &candidate.name, &self.guesser)),
            is_listed: self.is_listed(candidate),
            against: self.against(candidate),
        }
    }

    /// What forbids to list it: the help set, public suffixes, and names many people use for something good.
    pub fn against(&self, candidate: &Candidate) -> Vec<String> {
        let popular: Vec<Name> = self.builtin.canary.iter().flat_map(|group| group.names.iter().cloned()).collect();
        let lint = Lint::new(&self.builtin.help, popular);
        let mut found = lint.against(&Subject::Suffix(candidate.name.clone()), candidate.category, false);
        if found.is_empty() && self.guesser.is_popular(&candidate.name) {
            found.push(format!("{} is a popular name", candidate.name));
        }
        found
    }

    /// Whether the published list has it in this category.
    pub fn is_listed(&self, candidate: &Candidate) -> bool {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let found = read.as_ref().map(|read| read.bundle.classify(&candidate.name).categories);
        found.is_some_and(|categories| categories.contains(candidate.category))
    }

    /// Children to whom the criteria refuse the category.
    pub fn bands(&self, category: Category) -> Vec<Band> {
        let refuses = |band: &Band| matches!(self.criteria.action(*band, category).0, Action::Block | Action::Help);
        Band::ALL.into_iter().filter(refuses).collect()
    }

    /// Looks whether the published list is another than the one that was read. A file that cannot be read changes nothing.
    pub fn look(&self) -> io::Result<()> {
        let Some(path) = &self.bundle else { return Ok(()) };
        let about = fs::metadata(path)?;
        let stamp = (about.len(), about.modified().ok());
        let is_known = |read: &Option<Read>| read.as_ref().is_some_and(|read| read.stamp == stamp);
        if is_known(&self.read.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let bundle = Bundle::from_storage(Arc::new(fs::read(path)?)).map_err(io::Error::other)?;
        let read = Read { stamp, bundle: Arc::new(bundle) };
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = Some(read);
        Ok(())
    }
}
