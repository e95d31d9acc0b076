//! What the engine found out about one name or address.

use super::category::CategorySet;
use super::service::ServiceSet;

/// Everything known of one subject: the union over all its matching entries. A plain value, a cache line at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Classes {
    /// Categories; empty when nothing lists the subject.
    pub categories: CategorySet,
    /// Services the subject belongs to.
    pub services: ServiceSet,
    /// The entry's own minimum age in years; 0 when no entry carries one.
    pub min_age: u8,
    /// Where the most specific entry was found; `None` when nothing matched.
    pub evidence: Option<Evidence>,
}

/// The most specific entry that matched: enough to find it again, small enough for the hot path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// Labels of the matching suffix; 0 for an address.
    pub labels: u8,
    /// The entry is a URL rule, on the host of so many labels.
    pub is_url: bool,
    /// Id of the class set in the bundle.
    pub set: u16,
}

impl Classes {
    /// Nothing is known.
    pub const UNKNOWN: Classes =
        Classes { categories: CategorySet::EMPTY, services: ServiceSet::EMPTY, min_age: 0, evidence: None };

    /// Both findings together, for answers that hold several names: categories and services add up, the higher age and
    /// the first evidence stay.
    #[must_use]
    pub fn union(self, other: Classes) -> Classes {
        Classes {
            categories: self.categories | other.categories,
            services: self.services.union(other.services),
            min_age: self.min_age.max(other.min_age),
            evidence: self.evidence.or(other.evidence),
        }
    }
}
