//! What holds for a while: what a guardian granted, a pause, and budgets that are used up. Values only; who grants, and where
//! that is kept, is known elsewhere.

use super::profile::Selector;
use crate::classify::CategorySet;
use crate::name::Name;

/// What holds for one profile beside its written rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Temporary {
    /// Allowed for a while.
    pub grants: Vec<Grant>,
    /// Nothing but help until then (seconds since 1970).
    pub paused_until: Option<i64>,
    /// The profile's budgets that are used up today, bit by position.
    pub spent: u64,
}

impl Temporary {
    /// True while nothing but help may be reached.
    pub fn is_paused(&self, unix_secs: i64) -> bool {
        self.paused_until.is_some_and(|until| unix_secs < until)
    }

    /// True while schedules and budgets do not hold.
    pub fn gives_time(&self, unix_secs: i64) -> bool {
        self.in_force(unix_secs).any(|(_, grant)| grant.what == Granted::Time)
    }

    /// The grants that hold, with their positions.
    pub fn in_force(&self, unix_secs: i64) -> impl Iterator<Item = (usize, &Grant)> {
        self.grants.iter().enumerate().filter(move |(_, grant)| unix_secs < grant.until)
    }

    /// Seconds until a grant or the pause ends, at least 1; `None` when none holds.
    pub fn secs_to_end(&self, unix_secs: i64) -> Option<u32> {
        let pause = self.paused_until.filter(|until| unix_secs < *until);
        let grants = self.in_force(unix_secs).map(|(_, grant)| grant.until);
        let secs = grants.chain(pause).min()?.saturating_sub(unix_secs);
        Some(u32::try_from(secs).unwrap_or(u32::MAX))
    }

    pub(super) fn granted_categories(&self, unix_secs: i64) -> CategorySet {
        let category = |(_, grant): (usize, &Grant)| match grant.what {
            Granted::Selector(Selector::Category(category)) => Some(category),
            _ => None,
        };
        self.in_force(unix_secs).filter_map(category).collect()
    }
}

/// Something a guardian allowed for a while; it locks itself again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What.
    pub what: Granted,
    /// First moment at which it no longer holds (seconds since 1970).
    pub until: i64,
}

/// What a grant allows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a household has a handful of them")]
pub enum Granted {
    /// A name with all below it.
    Name(Box<Name>),
    /// A category or a service.
    Selector(Selector),
    /// More time: schedules and budgets do not hold. What the criteria refuse stays refused.
    Time,
}
