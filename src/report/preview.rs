//! What a guardian is shown of the reports before and while they are sent: what leaves in a week, what waits, and what is in
//! it as far as guardians see such names. Holds words for nobody; pages make them. Pure.

use crate::classify::category::Category;
use crate::name::Name;
use crate::report::consent::{Mode, Operators};
use crate::report::message::{Lane, Threshold};

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// The configuration has it switched on.
    pub enabled: bool,
    /// What is sent now, and why not more.
    pub mode: Mode,
    /// Who receives, as the manifest names them.
    pub operators: Operators,
    /// Homes that must say a name before anybody can read it.
    pub threshold: Threshold,
    /// Why nothing is sent at the moment although it may be; in plain English.
    pub paused: Option<String>,
    /// Octets of content that leave in a week, whatever was met.
    pub week_octets: usize,
    /// What leaves in a week, by kind.
    pub plan: Vec<Planned>,
    /// Names that may be drawn for a report.
    pub candidates: Vec<Shown>,
    /// What the week's sums would say before chance is added.
    pub cells: Vec<Cells>,
    /// What left, newest last; at most 50.
    pub sent: Vec<Sent>,
    /// Sealed messages that wait.
    pub waiting: usize,
}

/// So many messages of a kind leave in a week, whatever was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Which.
    pub kind: Kind,
    /// How many.
    pub count: usize,
    /// Octets of content of each.
    pub octets: usize,
}

/// A name that may be reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// How often it is counted.
    pub lane: Lane,
    /// `None`: it belongs to a child whose names guardians do not see.
    pub name: Option<Name>,
    /// What it was taken for.
    pub category: Category,
    /// The 96 octets that would be sealed; empty where the name is not shown.
    pub octets: Vec<u8>,
}

/// One bit of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    /// Which kind of thing, below `statistics::GROUPS`.
    pub group: usize,
    /// The band it was met in.
    pub band: Option<usize>,
    /// The part of the day it was met in.
    pub part: Option<usize>,
}

/// A message that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// When, in seconds since 1970.
    pub at: u64,
    /// What it was.
    pub kind: Kind,
    /// Octets of content.
    pub octets: usize,
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Requests for tokens, to the provider.
    Tokens,
    /// A question to one key holder.
    Question,
    /// A report.
    Report,
    /// The week's sums.
    Week,
    /// One noised answer, where there is one operator only.
    Answer,
}

impl Kind {
    /// All kinds, in the order in which they are counted.
    pub const ALL: [Kind; 5] = [Kind::Tokens, Kind::Question, Kind::Report, Kind::Week, Kind::Answer];

    /// The code of a kind, for texts, programs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Kind::Tokens => "tokens",
            Kind::Question => "question",
            Kind::Report => "report",
            Kind::Week => "week",
            Kind::Answer => "answer",
        }
    }
}

impl Preview {
    /// Of a box that tells nothing.
    pub fn silent(mode: Mode, operators: Operators) -> Preview {
        Preview {
            enabled: false,
            mode,
            operators,
            threshold: Threshold::USUAL,
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
