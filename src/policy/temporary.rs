//! What holds for a while: what a guardian granted, a pause, and budgets that are used up. Values only; who grants, and where
//! that is kept, is known elsewhere.

use super::profile::Selector;
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
pub enum Granted {
    /// A name with all below it.
    Name(Name),
    /// A category or a service.
    Selector(Selector),
    /// More time: schedules and budgets do not hold. What the criteria refuse stays refused.
    Time,
}
