//! The classification engine: asks every kind of knowledge there is (today the bundle) and gives one answer with its
//! evidence. Decides nothing: whether a child may go there is `policy`.

use std::net::IpAddr;
use std::sync::Arc;

use super::bundle::{Bundle, Places};
use super::category::{Category, CategorySet};
use super::classes::Classes;
use super::url::Host;
use crate::name::Name;

/// What good health information can never be called (CATEGORIES: 45 moves no name under 11 or 12).
const NOT_OF_HEALTH: CategorySet = CategorySet::of(&[Category::Porn, Category::Suggestive]);

/// The engine over one bundle; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    bundle: Arc<Bundle>,
}

impl Engine {
    /// An engine that knows what `bundle` knows.
    pub fn new(bundle: Arc<Bundle>) -> Engine {
        Engine { bundle }
    }

    /// What is known of `name`, every parent included. Allocates nothing.
    pub fn classify(&self, name: &Name) -> Classes {
        settle(self.bundle.classify(name))
    }

    /// Where to look for `name`.
    pub fn places(&self, name: &Name) -> Places {
        self.bundle.places(name)
    }

    /// As [`Engine::classify`], with the places of that name.
    pub fn classify_at(&self, name: &Name, places: &Places) -> Classes {
        settle(self.bundle.classify_at(name, places))
    }

    /// What is known of an address.
    pub fn classify_addr(&self, addr: IpAddr) -> Classes {
        settle(self.bundle.classify_addr(addr))
    }

    /// What is known of a request for that path on that host: what its name or address says and what URL rules say. Of
    /// the path the first 8 KiB are looked at ([`PATH_MAX`](super::path::PATH_MAX)). Allocates only when some rule speaks
    /// of the host.
    pub fn classify_url(&self, host: Host<'_>, port: u16, path_and_query: &str) -> Classes {
        settle(self.bundle.classify_url(host, port, path_and_query))
    }

    /// The bundle itself, to explain a match.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The same, to be kept or shared with another engine.
    pub fn shared_bundle(&self) -> Arc<Bundle> {
        Arc::clone(&self.bundle)
    }
}

fn settle(mut classes: Classes) -> Classes {
    if classes.categories.contains(Category::HealthSexed) {
        classes.categories = classes.categories.without(NOT_OF_HEALTH);
    }
    classes
}
