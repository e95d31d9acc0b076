//! What a box would tell, as pages show it before anybody agrees and after: how many messages of what length, what is in them,
//! and what left. Values only; whoever carries the messages fills them in.

use crate::classify::Category;
use crate::name::Name;
use crate::report::consent::{Mode, Operators};
use crate::report::message::Lane;

/// All that a page says about reports.
#[derive(Debug, Clone)]
pub struct Preview {
    /// The configuration lets this box report at all.
    pub enabled: bool,
    /// What is sent now, and why not more.
    pub mode: Mode,
    /// Who receives.
    pub operators: Operators,
    /// Why nothing is sent for now although all agreed, in English.
    pub paused: Option<String>,
    /// Octets that leave in a week, whatever was met.
    pub week_octets: usize,
    /// Messages of a week.
    pub plan: Vec<Planned>,
    /// Names that wait to be told.
    pub candidates: Vec<Shown>,
    /// Cells of this week's sums that are set, before they are blurred.
    pub cells: Vec<Cells>,
    /// What left, the newest last.
    pub sent: Vec<Sent>,
    /// Closed messages that wait.
    pub waiting: usize,
}

/// So many messages of one length.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Which.
    pub kind: Kind,
    /// A week.
    pub count: usize,
    /// Of each.
    pub octets: usize,
}

/// A name that waits to be told.
#[derive(Debug, Clone)]
pub struct Shown {
    /// How often its kind is counted.
    pub lane: Lane,
    /// `None`: it belongs to a child whose names guardians do not see.
    pub name: Option<Name>,
    /// What it is taken for.
    pub category: Category,
    /// What would be sealed.
    pub octets: Vec<u8>,
}

/// A cell of the week: a group of categories, and either a band or a part of the day.
#[derive(Debug, Clone)]
pub struct Cells {
    /// 0 to 23.
    pub group: usize,
    /// 0 to 4, the youngest first.
    pub band: Option<usize>,
    /// 0 to 3, from midnight.
    pub part: Option<usize>,
}

/// A message that left.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When, seconds since 1970.
    pub at: u64,
    /// Which.
    pub kind: Kind,
    /// Its length.
    pub octets: usize,
}

/// The kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Tokens are asked for at the line's provider.
    Tokens,
    /// A blinded question to a key holder.
    Question,
    /// A report, or nothing that looks like one.
    Report,
    /// The week's sums.
    Week,
    /// One noised answer.
    Answer,
}

impl Preview {
    /// Of a box that tells nothing.
    pub fn silent(mode: Mode, operators: Operators) -> Preview {
        Preview {
            enabled: false,
            mode,
            operators,
            paused: None,
            week_octets: 0,
            plan: Vec::new(),
            candidates: Vec::new(),
            cells: Vec::new(),
            sent: Vec::new(),
            waiting: 0,
        }
    }
}
