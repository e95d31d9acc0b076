//! What somebody proposes: an entry, what it is, why, by whom and until when. Read from files people can review.

use crate::classify::{AppealId, Category};
use crate::name::Name;
use jiff::civil::Date;

/// One entry to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// What is listed.
    pub subject: Subject,
    /// What it is.
    pub category: Category,
    /// From this age, 0 for none of its own.
    pub min_age: u8,
    /// Why: one of a closed set.
    pub reason: Reason,
    /// SHA-256 of the evidence, which stays with the proposer.
    pub evidence: [u8; 32],
    /// Who proposes it: a role or organisation, never a person.
    pub proposer: String,
    /// First day.
    pub issued: Date,
    /// Last day; an entry without an end is none.
    pub expires: Date,
    /// How it is appealed.
    pub appeal: AppealId,
}

/// What an entry speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// That name alone.
    Exact(Name),
    /// That name with all below it.
    Suffix(Name),
    /// The page and all below it, whatever the scheme: host, port, path and query.
    Url {
        /// Where it is.
        host: Name,
        /// `None` for any.
        port: Option<u16>,
        /// Path and query, beginning with `/`.
        rest: String,
    },
}

/// Why an entry is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A report by a person was verified.
    Report,
    /// Many homes met it, and a person verified it.
    Indicator,
    /// An organisation of the network verified it.
    Partner,
    /// Looked at by an analyst on their own account.
    Review,
    /// Taken from a list whose maker is trusted, by its licence.
    List,
}
