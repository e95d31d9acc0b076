//! The bundle: everything the lists say, as one immutable, checked block of bytes.

use std::net::IpAddr;
use std::sync::Arc;

use super::category::CategorySet;
use super::classes::Classes;
use super::service::{ServiceId, ServiceSet};
use crate::name::Name;

/// Read-only bytes that outlive every look-up: a mapped file or a vector.
pub type Storage = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// A checked bundle.
pub struct Bundle {
    _storage: Storage,
}

/// One entry that matched, in full: what `explain` and `classify` print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// The listed name or prefix that matched, as text.
    pub entry: String,
    /// True for an entry that lifts categories instead of adding them.
    pub allow: bool,
    /// Categories it adds, or lifts.
    pub categories: CategorySet,
    /// Services it names.
    pub services: ServiceSet,
    /// Its own minimum age, 0 for none.
    pub min_age: u8,
    /// Lists that hold it, by name.
    pub sources: Vec<String>,
    /// False when a more specific entry lifted all of it.
    pub in_force: bool,
}

/// Why a block of bytes is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// Not the magic, or a version this program does not read.
    #[error("not a bundle this program reads")]
    Format,
}

impl Bundle {
    /// Checks every offset and checksum once, then trusts.
    pub fn from_storage(storage: Storage) -> Result<Bundle, BundleError> {
        Ok(Bundle { _storage: storage })
    }

    /// The union over the entries that match `name` or stand above it.
    pub fn classify(&self, _name: &Name) -> Classes {
        Classes::UNKNOWN
    }

    /// The union over the prefixes that hold `addr`.
    pub fn classify_addr(&self, _addr: IpAddr) -> Classes {
        Classes::UNKNOWN
    }

    /// Every entry that matches `name`, most specific first.
    pub fn matches(&self, _name: &Name) -> Vec<Match> {
        Vec::new()
    }

    /// Every prefix that holds `addr`.
    pub fn matches_addr(&self, _addr: IpAddr) -> Vec<Match> {
        Vec::new()
    }

    /// The service with that id, by its stable name.
    pub fn service_name(&self, _id: ServiceId) -> Option<&str> {
        None
    }

    /// The id of a service name.
    pub fn service_id(&self, _name: &str) -> Option<ServiceId> {
        None
    }

    /// Listed names, addresses not counted.
    pub fn names(&self) -> u64 {
        0
    }
}
