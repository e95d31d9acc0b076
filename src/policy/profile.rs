//! Placeholder.

use crate::classify::{Category, ServiceId};

/// What a rule of a profile speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Selector {
    /// One of the 48 categories.
    Category(Category),
    /// A service of `services.toml`.
    Service(ServiceId),
    /// Every name; the help set is always excepted.
    Everything,
}
