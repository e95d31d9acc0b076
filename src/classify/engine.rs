//! The classification engine: asks every kind of knowledge there is (the box's own bundle, the signed one) and gives one
//! answer with its evidence. Decides nothing: whether a child may go there is `policy`.

use std::net::IpAddr;
use std::sync::Arc;

use super::bundle::{self, Bundle, Finding, Match};
use super::category::{Category, CategorySet};
use super::classes::Classes;
use super::guess::{Guess, Guesser};
use super::sealed::Sealed;
use super::service::ServiceSet;
use super::url::Host;
use crate::name::{Name, NameSet};

/// A list of these says that a name is new, not what it is.
const SAYS_NOTHING: CategorySet = CategorySet::of(&[Category::NewlyRegistered]);
/// What good health information can never be called (CATEGORIES: 45 moves no name under 11 or 12).
const NOT_OF_HEALTH: CategorySet = CategorySet::of(&[Category::Porn, Category::Suggestive]);

/// The engine over the box's own bundle and, where there is one, the signed one; cheap to clone.
///
/// Both say what they know and it adds up. What the operator's own allow lists lift, at a name or above it, they lift of
/// the signed list too; what the signed list lifts it lifts of itself alone. Services are the own bundle's.
#[derive(Clone)]
pub struct Engine {
    bundle: Arc<Bundle>,
    signed: Option<Arc<Published>>,
    guesser: Arc<Guesser>,
}

/// What two authorities sign, less what either of them took back.
pub struct Published {
    /// Their bundle, as they published it.
    pub bundle: Arc<Bundle>,
    /// Names of which it says nothing any more, with all below them.
    pub withdrawn: NameSet,
    /// Page for appeals against it; the appeal id is appended. Empty where there is none.
    pub appeals_url: String,
    /// The sealed list, where the household takes it. Doors ask of it before anything but help.
    pub sealed: Option<Arc<Sealed>>,
}

impl Published {
    fn is_withdrawn(&self, host: Host<'_>) -> bool {
        matches!(host, Host::Name(name) if self.withdrawn.contains(name))
    }
}

/// Where a name and its parents would live in each bundle.
#[derive(Debug, Clone, Copy, Default)]
pub struct Places {
    own: bundle::Places,
    signed: bundle::Places,
}

impl Engine {
    /// An engine that knows what `bundle` knows.
    pub fn new(bundle: Arc<Bundle>) -> Engine {
        Engine { bundle, signed: None, guesser: Arc::default() }
    }

    /// The same with what two authorities sign.
    pub fn with(self, signed: Option<Arc<Published>>) -> Engine {
        Engine { signed, ..self }
    }

    /// The same with what guesses at names that nobody lists.
    pub fn guessing(self, guesser: Arc<Guesser>) -> Engine {
        Engine { guesser, ..self }
    }

    /// What guesses.
    pub fn guesser(&self) -> &Arc<Guesser> {
        &self.guesser
    }

    /// True when no list says anything of the name and it is not well known: what is there may be anything.
    pub fn is_unknown(&self, name: &Name) -> bool {
        let classes = self.classify(name);
        classes.categories.without(SAYS_NOTHING).is_empty()
            && classes.services.is_empty()
            && !self.guesser.is_popular(name)
            && !self.matches(name).iter().any(|found| found.allow)
    }

    /// The guess at a name of which no list says anything, not even that it is harmless.
    pub fn guess(&self, name: &Name) -> Option<Guess<'_>> {
        let classes = self.classify(name);
        let listed = classes.categories.without(SAYS_NOTHING);
        if !listed.is_empty() || !classes.services.is_empty() {
            return None;
        }
        let guess = self.guesser.guess(name, !classes.categories.is_empty())?;
        // Looked at last: few names get here.
        let is_allowed = self.matches(name).iter().any(|found| found.allow);
        (!is_allowed).then_some(guess)
    }

    /// What is known of `name`, every parent included. Allocates nothing.
    pub fn classify(&self, name: &Name) -> Classes {
        self.classify_at(name, &self.places(name))
    }

    /// Where to look for `name`.
    pub fn places(&self, name: &Name) -> Places {
        let signed = self.signed.as_ref().map_or_else(bundle::Places::default, |signed| signed.bundle.places(name));
        Places { own: self.bundle.places(name), signed }
    }

    /// Hands on the memory that looking at `places` will need first.
    pub fn each_line(&self, places: &Places, mut take: impl FnMut(&bundle::Line)) {
        self.bundle.lines(&places.own).for_each(&mut take);
        if let Some(signed) = &self.signed {
            signed.bundle.lines(&places.signed).for_each(take);
        }
    }

    /// As [`Engine::classify`], with the places of that name.
    pub fn classify_at(&self, name: &Name, places: &Places) -> Classes {
        let own = self.bundle.classify_from(Finding::new(), name, &places.own);
        self.add(own, Host::Name(name), |signed, found| signed.classify_from(found, name, &places.signed))
    }

    /// What is known of an address.
    pub fn classify_addr(&self, addr: IpAddr) -> Classes {
        let own = self.bundle.classify_addr_from(Finding::new(), addr);
        self.add(own, Host::Addr(addr), |signed, found| signed.classify_addr_from(found, addr))
    }

    /// What is known of a request for that path on that host: what its name or address says and what URL rules say. Of
    /// the path the first 8 KiB are looked at ([`PATH_MAX`](super::path::PATH_MAX)). Allocates only when some rule speaks
    /// of the host.
    pub fn classify_url(&self, host: Host<'_>, port: u16, path_and_query: &str) -> Classes {
        let own = self.bundle.classify_url_from(Finding::new(), host, port, path_and_query);
        self.add(own, host, |signed, found| signed.classify_url_from(found, host, port, path_and_query))
    }

    fn add(&self, own: Finding, host: Host<'_>, look: impl FnOnce(&Bundle, Finding) -> Finding) -> Classes {
        let Some(signed) = &self.signed else { return settle(own.classes) };
        let found = look(&signed.bundle, Finding::lifting(own.lifted)).classes;
        // Few names are listed, so few are looked for among those that were taken back.
        if found.evidence.is_none() || signed.is_withdrawn(host) {
            return settle(own.classes);
        }
        settle(own.classes.union(Classes { services: ServiceSet::EMPTY, ..found }))
    }

    /// Every entry that speaks of `name`: the box's own, most specific first, then the signed ones.
    pub fn matches(&self, name: &Name) -> Vec<Match> {
        self.matches_of(Host::Name(name), |bundle, lifted, matches| bundle.matches_from(lifted, matches, name))
    }

    /// Every list that holds `addr`.
    pub fn matches_addr(&self, addr: IpAddr) -> Vec<Match> {
        self.matches_of(Host::Addr(addr), |bundle, lifted, matches| bundle.matches_addr_from(lifted, matches, addr))
    }

    /// Every rule and entry that speaks of the request.
    pub fn matches_url(&self, host: Host<'_>, port: u16, path_and_query: &str) -> Vec<Match> {
        self.matches_of(host, |bundle, lifted, matches| {
            bundle.matches_url_from(lifted, matches, host, port, path_and_query);
        })
    }

    fn matches_of(&self, host: Host<'_>, look: impl Fn(&Bundle, CategorySet, &mut Vec<Match>)) -> Vec<Match> {
        let mut matches = Vec::new();
        look(&self.bundle, CategorySet::EMPTY, &mut matches);
        if let Some(signed) = self.signed.as_ref().filter(|signed| !signed.is_withdrawn(host)) {
            let allows = matches.iter().filter(|found| found.allow);
            let lifted = allows.fold(CategorySet::EMPTY, |lifted, found| lifted | found.categories);
            let own = matches.len();
            look(&signed.bundle, lifted, &mut matches);
            for found in matches.iter_mut().skip(own) {
                (found.is_signed, found.services) = (true, ServiceSet::EMPTY);
            }
        }
        matches
    }

    /// The box's own bundle: its lists and services.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// What two authorities sign.
    pub fn signed(&self) -> Option<&Published> {
        self.signed.as_deref()
    }

    /// The sealed list.
    pub fn sealed(&self) -> Option<&Sealed> {
        self.signed.as_deref().and_then(|signed| signed.sealed.as_deref())
    }

    /// Listed names, in both.
    pub fn names(&self) -> u64 {
        self.bundle.names() + self.signed.as_ref().map_or(0, |signed| signed.bundle.names())
    }

    /// Octets of both.
    pub fn bytes(&self) -> usize {
        self.bundle.bytes() + self.signed.as_ref().map_or(0, |signed| signed.bundle.bytes())
    }
}

fn settle(mut classes: Classes) -> Classes {
    if classes.categories.contains(Category::HealthSexed) {
        classes.categories = classes.categories.without(NOT_OF_HEALTH);
    }
    classes
}
