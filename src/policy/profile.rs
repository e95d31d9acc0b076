//! A profile: one child's (or adult's) rules, compiled to masks so that deciding costs a few machine words.

use std::sync::Arc;

use super::band::{Action, Age, Band};
use super::budget::{Budget, BudgetInput};
use super::criteria::Criteria;
use super::hours::Hours;
use super::network::{Nameless, Network, Quic, Unexplained, WhenDead};
use super::schedule::ScheduleInput;
use super::temporary::Temporary;
use crate::classify::{Category, CategorySet, Classes, ServiceId, ServiceSet};
use crate::name::{Name, NameSet};

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

/// How YouTube is asked to restrict itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Youtube {
    /// Not at all.
    #[default]
    Off,
    /// Moderate restricted mode.
    Moderate,
    /// Strict restricted mode.
    Strict,
}

impl Youtube {
    /// The code that files use.
    pub const fn code(self) -> &'static str {
        match self {
            Youtube::Off => "off",
            Youtube::Moderate => "moderate",
            Youtube::Strict => "strict",
        }
    }

    /// What suits a band when nothing is said.
    pub const fn default_for(band: Band) -> Youtube {
        match band {
            Band::Age0to5 | Band::Age6to9 | Band::Age10to12 => Youtube::Strict,
            Band::Age13to15 => Youtube::Moderate,
            Band::Age16to17 | Band::Adult => Youtube::Off,
        }
    }
}

/// A profile as it was written.
#[derive(Debug, Clone)]
pub struct ProfileInput {
    /// The guardian's name for it.
    pub name: String,
    /// How old.
    pub age: Age,
    /// The language of its pages, `vi` or `en`; `None`: the browser's.
    pub language: Option<&'static str>,
    /// Search engines are led to their safe form; `None`: under 18.
    pub safe_search: Option<bool>,
    /// YouTube is led to its restricted form; `None`: by band.
    pub youtube: Option<Youtube>,
    /// Browsers are told to leave encrypted DNS of their own (canary name); `None`: under 18.
    pub canary: Option<bool>,
    /// iCloud Private Relay is told that it is not available; `None`: under 18.
    pub block_private_relay: Option<bool>,
    /// Chrome is told to look names up before it shows pages that a proxy fetched ahead; `None`: under 18.
    pub filter_prefetch: Option<bool>,
    /// Encrypted Client Hello is left out of answers, so that names stay visible to the proxy; `None`: under 18.
    pub strip_ech: Option<bool>,
    /// Names from outside must not lead to addresses inside; `None`: yes.
    pub rebinding_protection: Option<bool>,
    /// Names that pretend to be well-known ones are refused; `None`: under 18.
    pub block_lookalikes: Option<bool>,
    /// Names that nobody lists are judged by what they look like; `None`: under 18.
    pub guess_unlisted: Option<bool>,
    /// Connections go through the proxy; `None`: under 18.
    pub intercept: Option<bool>,
    /// What becomes of QUIC; `None`: by band.
    pub quic: Option<Quic>,
    /// What becomes of addresses without a name; `None`: by band.
    pub nameless: Option<Nameless>,
    /// What becomes of names that do not belong to their address; `None`: by band.
    pub unexplained: Option<Unexplained>,
    /// VPN, Tor and proxy ports and shapes are rejected; `None`: where the criteria refuse ways round the filter.
    pub block_tunnels: Option<bool>,
    /// Encrypted DNS by TLS and QUIC (port 853) is rejected; `None`: under 18.
    pub block_encrypted_dns: Option<bool>,
    /// What the kernel does while the program does not run; `None`: as for the whole household.
    pub when_dead: Option<WhenDead>,
    /// Refused on top of the criteria.
    pub block: Vec<Selector>,
    /// Allowed although the criteria refuse it.
    pub allow: Vec<Selector>,
    /// Names, with all below them, refused.
    pub block_names: Vec<Name>,
    /// Names, with all below them, allowed.
    pub allow_names: Vec<Name>,
    /// In the order they are shown.
    pub schedules: Vec<ScheduleInput>,
    /// In the order they are shown; what is behind the 64th is not kept.
    pub budgets: Vec<BudgetInput>,
}

impl ProfileInput {
    /// A profile that says nothing but its name and age.
    pub fn new(name: &str, age: Age) -> ProfileInput {
        ProfileInput {
            name: name.to_string(),
            age,
            language: None,
            safe_search: None,
            youtube: None,
            canary: None,
            block_private_relay: None,
            filter_prefetch: None,
            strip_ech: None,
            rebinding_protection: None,
            block_lookalikes: None,
            guess_unlisted: None,
            intercept: None,
            quic: None,
            nameless: None,
            unexplained: None,
            block_tunnels: None,
            block_encrypted_dns: None,
            when_dead: None,
            block: Vec::new(),
            allow: Vec::new(),
            block_names: Vec::new(),
            allow_names: Vec::new(),
            schedules: Vec::new(),
            budgets: Vec::new(),
        }
    }
}

/// A profile as it is asked.
#[derive(Debug, Clone)]
pub struct Profile {
    /// The guardian's name for it.
    pub name: Arc<str>,
    /// The band that holds this year.
    pub band: Band,
    /// The language of its pages, `vi` or `en`; `None`: the browser's.
    pub language: Option<&'static str>,
    /// Search engines are led to their safe form.
    pub safe_search: bool,
    /// YouTube is led to its restricted form.
    pub youtube: Youtube,
    /// Browsers are told to leave encrypted DNS of their own.
    pub canary: bool,
    /// iCloud Private Relay is told that it is not available.
    pub block_private_relay: bool,
    /// Chrome is told to look names up before it shows pages that a proxy fetched ahead.
    pub filter_prefetch: bool,
    /// Encrypted Client Hello is left out of answers.
    pub strip_ech: bool,
    /// Names from outside must not lead to addresses inside.
    pub rebinding_protection: bool,
    /// Names that pretend to be well-known ones are refused.
    pub block_lookalikes: bool,
    /// Names that nobody lists are judged by what they look like.
    pub guess_unlisted: bool,
    /// How its connections are treated beside their names.
    pub network: Network,
    /// Encrypted DNS by TLS and QUIC (port 853) is rejected.
    pub block_encrypted_dns: bool,
    /// What holds for a while beside the written rules.
    pub temporary: Temporary,
    /// Categories by action, and the criterion behind each.
    pub(super) masks: Masks,
    pub(super) criterion: [Option<u16>; 48],
    pub(super) own_allow: Selection,
    pub(super) own_block: Selection,
    pub(super) schedules: Vec<Schedule>,
    pub(super) budgets: Vec<Budget>,
    /// What devices need to work at all, allowed in the allow-list world of the youngest.
    pub(super) infrastructure: ServiceSet,
}

/// The categories of a band by action; what is in none is allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Masks {
    pub help: CategorySet,
    pub block: CategorySet,
    pub ask: CategorySet,
    pub warn: CategorySet,
}

/// Several selectors and names as one question.
#[derive(Debug, Clone, Default)]
pub(super) struct Selection {
    pub categories: CategorySet,
    pub services: ServiceSet,
    pub everything: bool,
    names: NameSet,
}

#[derive(Debug, Clone)]
pub(super) struct Schedule {
    pub name: Arc<str>,
    pub hours: Hours,
    pub block: Selection,
    pub allow: Selection,
}

impl Profile {
    /// Compiles `input` for the calendar year `year`.
    pub fn compile(input: &ProfileInput, criteria: &Criteria, infrastructure: ServiceSet, year: i16) -> Profile {
        let band = input.age.band_in(year);
        let minor = band != Band::Adult;
        let mut masks = Masks::default();
        let mut criterion = [None; 48];
        for category in Category::ALL {
            let (action, why) = criteria.action(band, category);
            criterion[category as usize] = why;
            match action {
                Action::Allow => {}
                Action::Warn => masks.warn = masks.warn.with(category),
                Action::Ask => masks.ask = masks.ask.with(category),
                Action::Block => masks.block = masks.block.with(category),
                Action::Help => masks.help = masks.help.with(category),
            }
        }
        Profile {
            name: input.name.as_str().into(),
            band,
            language: input.language,
            safe_search: input.safe_search.unwrap_or(minor),
            youtube: input.youtube.unwrap_or(Youtube::default_for(band)),
            canary: input.canary.unwrap_or(minor),
            block_private_relay: input.block_private_relay.unwrap_or(minor),
            filter_prefetch: input.filter_prefetch.unwrap_or(minor),
            strip_ech: input.strip_ech.unwrap_or(minor),
            rebinding_protection: input.rebinding_protection.unwrap_or(true),
            block_lookalikes: input.block_lookalikes.unwrap_or(minor),
            guess_unlisted: input.guess_unlisted.unwrap_or(minor),
            network: network(input, band, masks),
            block_encrypted_dns: input.block_encrypted_dns.unwrap_or(minor),
            temporary: Temporary::default(),
            masks,
            criterion,
            own_allow: Selection::new(&input.allow, &input.allow_names),
            own_block: Selection::new(&input.block, &input.block_names),
            schedules: input.schedules.iter().map(Schedule::new).collect(),
            budgets: input.budgets.iter().take(Budget::COUNT_MAX).map(Budget::new).collect(),
            infrastructure,
        }
    }

    /// The name of the schedule at that position.
    pub fn schedule_name(&self, position: u8) -> Option<&str> {
        self.schedules.get(usize::from(position)).map(|schedule| &*schedule.name)
    }

    /// The categories rules go by: what nobody lists is `unknown`, unless devices need it to work at all.
    pub(super) fn effective(&self, classes: &Classes) -> CategorySet {
        if classes.categories.is_empty() && !classes.services.intersects(self.infrastructure) {
            return CategorySet::of(&[Category::Unknown]);
        }
        classes.categories
    }
}

fn network(input: &ProfileInput, band: Band, masks: Masks) -> Network {
    let usual = Network::default_for(band);
    let refuses_ways_round = (masks.help | masks.block | masks.ask).contains(Category::Bypass);
    Network {
        intercept: input.intercept.unwrap_or(usual.intercept),
        quic: input.quic.unwrap_or(usual.quic),
        nameless: input.nameless.unwrap_or(usual.nameless),
        unexplained: input.unexplained.unwrap_or(usual.unexplained),
        block_tunnels: input.block_tunnels.unwrap_or(refuses_ways_round),
        when_dead: input.when_dead.unwrap_or(usual.when_dead),
    }
}

impl Schedule {
    fn new(input: &ScheduleInput) -> Schedule {
        Schedule {
            name: input.name.as_str().into(),
            hours: Hours::of(input),
            block: Selection::new(&input.block, &[]),
            allow: Selection::new(&input.allow, &[]),
        }
    }
}

/// What of a selection a subject met, the narrowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hit {
    Name,
    Service(ServiceId),
    Category(Category),
    Everything,
}

impl Selection {
    pub fn new(selectors: &[Selector], names: &[Name]) -> Selection {
        let mut selection = Selection { names: NameSet::new(names), ..Selection::default() };
        for selector in selectors {
            match *selector {
                Selector::Category(category) => selection.categories = selection.categories.with(category),
                Selector::Service(service) => selection.services = selection.services.with(service),
                Selector::Everything => selection.everything = true,
            }
        }
        selection
    }

    /// What the subject meets first: its name, a service, a category, everything.
    pub fn meets(&self, name: Option<&Name>, classes: &Classes, categories: CategorySet) -> Option<Hit> {
        if name.is_some_and(|name| self.names.contains(name)) {
            return Some(Hit::Name);
        }
        if let Some(service) = self.services.and(classes.services).first() {
            return Some(Hit::Service(service));
        }
        if let Some(category) = self.categories.and(categories).first() {
            return Some(Hit::Category(category));
        }
        self.everything.then_some(Hit::Everything)
    }
}
