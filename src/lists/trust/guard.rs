//! The over-block guard: before a release comes in force, names that children need are judged by it. Pure. What a list says
//! of them may be true (a video site has videos); what counts is what a child would meet.

use std::fmt;

use crate::classify::{Bundle, Category, CategorySet};
use crate::judge::HelpSet;
use crate::name::Name;
use crate::policy::{Action, Band, Criteria};

/// Names of one kind that must stay reachable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Stable, as messages name it.
    pub id: String,
    /// Its names.
    pub names: Vec<Name>,
}

/// When a release is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Names of a thousand in a group that may be hit.
    pub hits_max_permille: u64,
    /// So many per cent more names than before.
    pub growth_max_percent: u64,
    /// So many per cent fewer.
    pub shrink_max_percent: u64,
}

/// One reason to hold a release back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hold {
    /// It would touch the help set. Which name is not said: messages end up in logs.
    Help(usize),
    /// Names of a group would be refused that were not before.
    Group {
        /// Which group.
        id: String,
        /// How many of how many.
        hits: (usize, usize),
        /// The first of them.
        names: Vec<String>,
    },
    /// Its criteria would refuse what no criteria may: health or education. Category code.
    Criteria(&'static str),
    /// It has far more names than the one in force.
    Grown(u64, u64),
    /// It has far fewer.
    Shrunk(u64, u64),
}

impl fmt::Display for Hold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hold::Help(hits) => write!(out, "{hits} names of the help set would be touched"),
            Hold::Group { id, hits: (hits, all), names } => {
                write!(out, "{hits} of {all} names of {id} would be refused ({})", names.join(", "))
            }
            Hold::Criteria(code) => write!(out, "its criteria would refuse `{code}` to children of ten and older"),
            Hold::Grown(before, after) => write!(out, "it grew from {before} names to {after}"),
            Hold::Shrunk(before, after) => write!(out, "it shrank from {before} names to {after}"),
        }
    }
}

/// Names a message shows at most.
const SHOWN: usize = 5;
/// Lists smaller than this may grow and shrink as they like: of ten names, three are thirty per cent.
const NAMES_MIN: u64 = 1000;
/// Whom a wrong entry hurts: older ones are refused less, younger ones live by an allow list.
const BANDS: [Band; 2] = [Band::Age10to12, Band::Age13to15];

/// What no authority may refuse to a child of ten or older.
const GOOD: [Category; 2] = [Category::HealthSexed, Category::EducationKids];

/// What holds `new` back, a bundle with the criteria it is judged by, in place of `old`; nothing when it may come in force.
pub fn holds(
    new: (&Bundle, &Criteria),
    old: Option<(&Bundle, &Criteria)>,
    canary: &[Group],
    help: &HelpSet,
    limits: &Limits,
) -> Vec<Hold> {
    let mut holds = Vec::new();
    let touched = help.names().iter().filter(|name| new.0.classify(name).evidence.is_some()).count();
    if touched > 0 {
        holds.push(Hold::Help(touched));
    }
    let refuses = |category: &Category| is_refused(CategorySet::EMPTY.with(*category), new.1);
    holds.extend(GOOD.iter().filter(|category| refuses(category)).map(|category| Hold::Criteria(category.code())));
    for group in canary {
        let is_hit = |name: &&Name| {
            let refused =
                |(bundle, criteria): (&Bundle, &Criteria)| is_refused(bundle.classify(name).categories, criteria);
            refused(new) && !old.is_some_and(refused)
        };
        let hit: Vec<&Name> = group.names.iter().filter(is_hit).collect();
        if hit.len() as u64 * 1000 > limits.hits_max_permille * group.names.len() as u64 {
            let names = hit.iter().take(SHOWN).map(ToString::to_string).collect();
            holds.push(Hold::Group { id: group.id.clone(), hits: (hit.len(), group.names.len()), names });
        }
    }
    if let Some(old) = old.map(|(old, _)| old).filter(|old| old.names() >= NAMES_MIN) {
        let (before, after) = (old.names(), new.0.names());
        if after * 100 > before * (100 + limits.growth_max_percent) {
            holds.push(Hold::Grown(before, after));
        }
        if after * 100 < before * (100 - limits.shrink_max_percent.min(100)) {
            holds.push(Hold::Shrunk(before, after));
        }
    }
    holds
}

fn is_refused(categories: CategorySet, criteria: &Criteria) -> bool {
    categories.iter().any(|category| {
        BANDS
            .into_iter()
            .any(|band| matches!(criteria.action(band, category).0, Action::Block | Action::Help | Action::Ask))
    })
}
