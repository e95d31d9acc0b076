//! The handle both doors hold: one immutable snapshot of everything a decision needs, swapped whole. Asking it is pure; the
//! moment is an argument.

mod explanation;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

pub use explanation::{Connections, Entry, Explanation, Guessed, Title, Why};

pub use crate::classify::Places;
use crate::classify::guess::By;
use crate::classify::sealed::Belief;
use crate::classify::{Category, CategorySet, Classes, Engine, Host, Match, ServiceSet, Url};
use crate::identity::{Asker, Clients, ProfileId};
use crate::name::{Name, NameSet};
use crate::policy::{self, Band, Chain, Criteria, Moment, Profile, Until, Verdict, Youtube};

/// Everything a decision needs.
pub struct Snapshot {
    /// What is known of names and addresses.
    pub engine: Engine,
    /// Where help is; asked before anything else.
    pub help: HelpSet,
    /// Names that have a safe form.
    pub safe_search: SafeSearch,
    /// Names by which browsers ask whether to bypass the network's resolver.
    pub switches: Switches,
    /// Why, in people's words.
    pub criteria: Arc<Criteria>,
    /// By [`ProfileId`].
    pub profiles: Vec<Profile>,
    /// Whose address is whose.
    pub clients: Clients,
    /// What devices need to work at all.
    pub infrastructure: ServiceSet,
    /// The household's clock.
    pub time_zone: TimeZone,
    /// Connections are led through door two.
    pub has_proxy: bool,
}

/// What the judge says of one question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ruling<'s> {
    /// The help set: answered by whatever means, recorded by none.
    Help,
    /// A browser's question whether it should use a resolver of its own: no.
    Canary,
    /// iCloud Private Relay's question whether it may work here: no.
    PrivateRelay,
    /// Answered with the addresses of the safe form.
    Rewrite(&'s Name, Verdict),
    /// Chrome's question whether pages fetched ahead by a proxy may be shown without a look-up: no.
    PrefetchProxy,
    /// It may be sealed, and has to be asked about first.
    Doubt,
    /// Everything else.
    Verdict(Verdict),
}

/// One thing in an answer that is judged beside the name asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "lives on the stack for one look; boxing would allocate a query")]
pub enum Part {
    /// An alias target or the target of a service binding.
    Name(Name),
    /// An address or an address hint.
    Addr(IpAddr),
}

impl Snapshot {
    /// The profile of whoever asks.
    pub fn asker(&self, asker: Asker) -> &Profile {
        self.profile(self.clients.profile_of_asker(asker))
    }

    /// The profile with that id.
    pub fn profile(&self, id: ProfileId) -> &Profile {
        // Ids come from this snapshot's own configuration; the last profile stands in rather than a panic.
        let last = self.profiles.len() - 1;
        &self.profiles[usize::from(id.0).min(last)]
    }

    /// The profile of that name.
    pub fn profile_named(&self, name: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| &*profile.name == name)
    }

    /// The household's moment at that time.
    pub fn moment(&self, unix_secs: i64) -> Moment {
        let local = Timestamp::from_second(unix_secs).map_or(DateTime::default(), |at| self.time_zone.to_datetime(at));
        Moment { unix_secs, local }
    }

    /// What to do with a question for `name`.
    pub fn rule(&self, profile: &Profile, name: &Name, moment: &Moment) -> Ruling<'_> {
        self.rule_at(profile, name, &self.engine.places(name), moment)
    }

    /// The same, with the places of that name ([`Engine::places`]).
    pub fn rule_at(&self, profile: &Profile, name: &Name, places: &Places, moment: &Moment) -> Ruling<'_> {
        self.rule_by(profile, name, moment, || self.engine.classify_at(name, places))
    }

    /// What to do with a request for `path_and_query` on a host: a name, judged in the same order as a question for it,
    /// or an address. The path is as the client sent it; what it may cost is bounded ([`Engine::classify_url`]).
    pub fn rule_url<'h>(
        &self,
        profile: &Profile,
        host: impl Into<Host<'h>>,
        port: u16,
        path_and_query: &str,
        moment: &Moment,
    ) -> Ruling<'_> {
        let host = host.into();
        let classes = || self.engine.classify_url(host, port, path_and_query);
        match host {
            Host::Name(name) => self.rule_by(profile, name, moment, classes),
            Host::Addr(_) => Ruling::Verdict(policy::decide(profile, None, &classes(), moment)),
        }
    }

    #[inline]
    fn rule_by(
        &self,
        profile: &Profile,
        name: &Name,
        moment: &Moment,
        classes: impl FnOnce() -> Classes,
    ) -> Ruling<'_> {
        if self.help.contains(name) {
            return Ruling::Help;
        }
        if let Some(ruling) = self.switches.ruling(profile, name) {
            return ruling;
        }
        match self.engine.sealed().map_or(Belief::Free, |sealed| sealed.belief(name)) {
            Belief::Free => {}
            Belief::Sealed => return Ruling::Verdict(policy::decide(profile, Some(name), &SEALED, moment)),
            Belief::Unknown => return Ruling::Doubt,
        }
        self.rule_free(profile, name, moment, classes)
    }

    /// The word on a name of which nobody can say now whether it is sealed: a child waits, others go on.
    pub fn rule_doubtful(&self, profile: &Profile, name: &Name, moment: &Moment) -> Ruling<'_> {
        if profile.band < Band::Age16to17 {
            return Ruling::Verdict(Verdict::IN_DOUBT);
        }
        self.rule_free(profile, name, moment, || self.engine.classify(name))
    }

    #[inline]
    fn rule_free(
        &self,
        profile: &Profile,
        name: &Name,
        moment: &Moment,
        classes: impl FnOnce() -> Classes,
    ) -> Ruling<'_> {
        let verdict = policy::decide(profile, Some(name), &classes(), moment);
        match self.safe_search.target(profile, name) {
            Some(target) if !verdict.is_refusal() => Ruling::Rewrite(target, verdict),
            _ => Ruling::Verdict(verdict),
        }
    }

    /// The budgets of a profile that time on `name` counts towards.
    pub fn budgets_met(&self, profile: &Profile, name: &Name, moment: &Moment) -> u64 {
        if !profile.has_budgets() || self.help.contains(name) {
            return 0;
        }
        profile.budgets_met(Some(name), &self.engine.classify(name), moment)
    }

    /// What to do with something that stands in an answer. `chosen` as in [`policy::decide_part`].
    pub fn rule_part(&self, profile: &Profile, part: &Part, moment: &Moment, chosen: bool) -> Verdict {
        let (name, classes) = match part {
            Part::Name(name) if self.help.contains(name) => return Verdict::HELP_SET,
            Part::Name(name) => (Some(name), self.engine.classify(name)),
            Part::Addr(addr) => (None, self.engine.classify_addr(*addr)),
        };
        policy::decide_part(profile, name, &classes, moment, chosen)
    }

    /// What a guess at a name means for the profile, where nobody lists the name and nobody chose it; `None` for nothing.
    pub fn rule_guess(&self, profile: &Profile, name: &Name, moment: &Moment) -> Option<Verdict> {
        if !profile.block_lookalikes && !profile.guess_unlisted || self.help.contains(name) {
            return None;
        }
        let guess = self.engine.guess(name)?;
        match guess.by {
            By::Brand(_) | By::Name(_) => {
                let is_allowed = policy::decide(profile, Some(name), &Classes::UNKNOWN, moment).is_chosen();
                (profile.block_lookalikes && !is_allowed).then_some(Verdict::LOOKALIKE)
            }
            By::Spelling(_) => policy::decide_guess(profile, name, guess.category, moment),
        }
    }

    /// True when pages of `name` are judged by their words: the profile guesses, and nobody lists, knows or chose the name.
    pub fn reads_pages(&self, profile: &Profile, name: &Name, moment: &Moment) -> bool {
        profile.guess_unlisted
            && !self.help.contains(name)
            && self.engine.is_unknown(name)
            && !policy::decide(profile, Some(name), &Classes::UNKNOWN, moment).is_chosen()
    }

    /// What the words of a page mean for the profile: the strictest of what each category would.
    pub fn rule_text(&self, profile: &Profile, name: &Name, called: CategorySet, moment: &Moment) -> Option<Verdict> {
        let guesses = called.iter().filter_map(|category| policy::decide_guess(profile, name, category, moment));
        guesses.max_by_key(|verdict| verdict.action.strictness())
    }

    /// The whole chain of the decision on a question for `name`, or on a request for `url`, whose host `name` then is.
    pub fn explain(&self, profile: &Profile, name: &Name, url: Option<&Url>, moment: &Moment) -> Explanation {
        let guess = self.engine.guess(name);
        let by_guess = self.rule_guess(profile, name, moment);
        let ruling = match url {
            Some(url) => self.rule_url(profile, name, url.effective_port(), &url.rest, moment),
            None => self.rule(profile, name, moment),
        };
        let ruling = if ruling == Ruling::Doubt { self.rule_doubtful(profile, name, moment) } else { ruling };
        let ruling = match ruling {
            Ruling::Verdict(verdict) if !verdict.is_refusal() && !verdict.is_chosen() => {
                Ruling::Verdict(by_guess.unwrap_or(verdict))
            }
            ruling => ruling,
        };
        let (word, verdict, target) = match ruling {
            Ruling::Help => ("allow", Verdict::HELP_SET, None),
            Ruling::Canary | Ruling::PrivateRelay | Ruling::PrefetchProxy => ("block", Verdict::HELP_SET, None),
            Ruling::Doubt => ("block", Verdict::IN_DOUBT, None),
            Ruling::Rewrite(target, verdict) => ("rewrite", verdict, Some(target.to_string())),
            Ruling::Verdict(verdict) => (verdict.action.code(), verdict, None),
        };
        let (classes, matches) = match ruling {
            Ruling::Help => (Classes::UNKNOWN, Vec::new()),
            _ => self.known_of(name, url),
        };
        let chain = Chain::of(&verdict, profile, &self.criteria, moment);
        let mut why = Why::of(&chain, &matches);
        why.until = chain.until.map(|until| self.local(until).to_string());
        match ruling {
            Ruling::Canary => why.switch("canary", profile),
            Ruling::PrivateRelay => why.switch("private_relay", profile),
            Ruling::PrefetchProxy => why.switch("prefetch_proxy", profile),
            Ruling::Help => why.category = Some(Category::Help.code()),
            _ => {}
        }
        let categories = if ruling == Ruling::Help {
            vec![Category::Help.code()]
        } else {
            classes.categories.iter().map(Category::code).collect()
        };
        Explanation {
            name: name.to_string(),
            url: url.map(Url::to_string),
            profile: profile.name.to_string(),
            band: profile.band.code(),
            at: moment.local.to_string(),
            verdict: word,
            target,
            categories,
            services: classes
                .services
                .iter()
                .filter_map(|id| self.engine.bundle().service_name(id))
                .map(str::to_string)
                .collect(),
            budgets: match ruling {
                Ruling::Help => Vec::new(),
                _ => budgets(profile, name, &classes, moment),
            },
            min_age: (classes.min_age > 0).then_some(classes.min_age),
            guess: guess
                .filter(|_| ruling != Ruling::Help)
                .map(|guess| Guessed::of(&guess, name, self.engine.guesser())),
            strips_ech: profile.strip_ech && ruling != Ruling::Help,
            guards_rebinding: profile.rebinding_protection && ruling != Ruling::Help && !verdict.is_chosen(),
            connections: Some(Connections::of(profile))
                .filter(|_| self.has_proxy && profile.network.intercept && ruling != Ruling::Help),
            matches: matches.iter().map(Entry::of).collect(),
            reason: why,
        }
    }

    fn local(&self, until: Until) -> DateTime {
        match until {
            Until::Unix(unix_secs) => self.moment(unix_secs).local,
            Until::Local(local) => local,
        }
    }

    fn known_of(&self, name: &Name, url: Option<&Url>) -> (Classes, Vec<Match>) {
        let (engine, host) = (&self.engine, Host::Name(name));
        match url {
            Some(url) => {
                let (port, rest) = (url.effective_port(), &url.rest);
                (engine.classify_url(host, port, rest), engine.matches_url(host, port, rest))
            }
            None => (engine.classify(name), engine.matches(name)),
        }
    }
}

/// What is known of a sealed name, and all that ever is.
const SEALED: Classes =
    Classes { categories: CategorySet::of(&[Category::Csam]), services: ServiceSet::EMPTY, min_age: 0, evidence: None };

fn budgets(profile: &Profile, name: &Name, classes: &Classes, moment: &Moment) -> Vec<String> {
    let met = profile.budgets_met(Some(name), classes, moment);
    let counted = profile.budgets(moment.local.date()).filter(|budget| met & (1 << budget.position) != 0);
    counted.map(|budget| budget.name.to_string()).collect()
}

/// Where help is. Has no `Debug` and no `Display`: its names are never written anywhere.
#[derive(Clone, Default)]
pub struct HelpSet {
    set: NameSet,
    names: Vec<Name>,
}

impl HelpSet {
    /// The set of these names with all below them.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n Name>) -> HelpSet {
        let names: Vec<Name> = names.into_iter().cloned().collect();
        HelpSet { set: NameSet::new(&names), names }
    }

    /// True when `name` is in it.
    pub fn contains(&self, name: &Name) -> bool {
        self.set.contains(name)
    }

    /// The names themselves, to look them up before anybody needs them.
    pub fn names(&self) -> &[Name] {
        &self.names
    }
}

/// Names by which a device asks whether to leave the network's resolver.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Firefox's canary and its like.
    pub canary: NameSet,
    /// iCloud Private Relay.
    pub private_relay: NameSet,
    /// Chrome's private prefetch proxy.
    pub prefetch_proxy: NameSet,
    /// Names behind which others hide (the outer ones of Encrypted Client Hello). Only a connection tells.
    pub outer_names: NameSet,
    /// All but those of them: nearly every name is in none, and one look tells.
    all: NameSet,
}

impl Switches {
    /// The names of each switch.
    pub fn new(canary: &[Name], private_relay: &[Name], prefetch_proxy: &[Name], outer_names: &[Name]) -> Switches {
        Switches {
            canary: NameSet::new(canary),
            private_relay: NameSet::new(private_relay),
            prefetch_proxy: NameSet::new(prefetch_proxy),
            outer_names: NameSet::new(outer_names),
            all: NameSet::new(canary.iter().chain(private_relay).chain(prefetch_proxy)),
        }
    }

    fn ruling(&self, profile: &Profile, name: &Name) -> Option<Ruling<'static>> {
        if !self.all.contains(name) {
            return None;
        }
        let switches = [
            (profile.canary, &self.canary, Ruling::Canary),
            (profile.block_private_relay, &self.private_relay, Ruling::PrivateRelay),
            (profile.filter_prefetch, &self.prefetch_proxy, Ruling::PrefetchProxy),
        ];
        switches.into_iter().find(|(is_on, names, _)| *is_on && names.contains(name)).map(|(_, _, ruling)| ruling)
    }
}

/// When a safe form is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SafeKind {
    /// With safe search.
    Search,
    /// With moderate restricted YouTube.
    YoutubeModerate,
    /// With strict restricted YouTube.
    YoutubeStrict,
}

/// Exact names and the names of their safe forms.
#[derive(Debug, Clone, Default)]
pub struct SafeSearch {
    names: NameSet,
    forms: HashMap<Box<[u8]>, Vec<(SafeKind, Name)>>,
}

impl SafeSearch {
    /// Leads `name` to `target` where `kind` holds.
    pub fn insert(&mut self, name: &Name, kind: SafeKind, target: Name) {
        self.names.insert(name);
        self.forms.entry(name.as_wire().into()).or_default().push((kind, target));
    }

    /// The safe form of `name` for this profile.
    pub fn target(&self, profile: &Profile, name: &Name) -> Option<&Name> {
        if !self.names.may_hold(name.view()) {
            return None;
        }
        let forms = self.forms.get(name.as_wire())?;
        let wanted = |kind: SafeKind| match kind {
            SafeKind::Search => profile.safe_search,
            SafeKind::YoutubeModerate => profile.youtube == Youtube::Moderate,
            SafeKind::YoutubeStrict => profile.youtube == Youtube::Strict,
        };
        forms.iter().find(|(kind, target)| wanted(*kind) && target != name).map(|(_, target)| target)
    }
}

/// The current snapshot. Readers never wait; a swap is one pointer.
pub struct Judge {
    current: ArcSwap<Snapshot>,
}

impl Judge {
    /// A judge that starts with `snapshot`.
    pub fn new(snapshot: Snapshot) -> Judge {
        Judge { current: ArcSwap::from_pointee(snapshot) }
    }

    /// The snapshot for one request or one batch: take it once and keep it to the end.
    pub fn current(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// The same, to keep across an `await`.
    pub fn keep(&self) -> Arc<Snapshot> {
        self.current.load_full()
    }

    /// Puts a new snapshot in place of the old one, which lives until its last reader is done.
    pub fn swap(&self, snapshot: Snapshot) {
        self.current.store(Arc::new(snapshot));
    }
}
