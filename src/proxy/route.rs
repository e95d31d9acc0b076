//! Where a connection is led: the judge is asked for its name (or its address, when it has none), and the address is checked
//! against what our answers gave for that name, so that a false name leads nowhere. Touches no socket.

use std::net::IpAddr;
use std::sync::Arc;

use super::sniff::Sniffed;
use crate::classify::Host;
use crate::dns::given::Given;
use crate::dns::lookup::Wanted;
use crate::dns::pipeline::Door;
use crate::dns::special;
use crate::identity::Asker;
use crate::judge::{Judge, Part, Ruling, Snapshot};
use crate::name::Name;
use crate::policy::{self, Moment, Nameless, Profile, Step, Unexplained, Verdict};

/// Where a connection was sent to before it was intercepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginalDst(pub IpAddr);

/// What is done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// It goes to that address.
    To {
        /// The one it was sent to, or one that its name really has.
        addr: IpAddr,
        /// It is for the help set: nothing of it is counted or remembered.
        is_help: bool,
        /// It named nobody and is only counted ([`Nameless::Log`]).
        is_nameless: bool,
    },
    /// It is refused.
    Refuse(Verdict),
}

/// Everything that is asked on the way.
pub struct Guide {
    /// Who decides.
    pub judge: Arc<Judge>,
    /// Who looks names up.
    pub door: Arc<Door>,
    /// Who remembers what was given.
    pub given: Arc<Given>,
}

/// One connection, as far as it is known before it is led anywhere.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Who opened it.
    pub asker: Asker,
    /// Where it was sent.
    pub to: OriginalDst,
    /// The port it names, or was sent to: rules of URLs know ports.
    pub port: u16,
    /// What it said.
    pub sniffed: &'a Sniffed,
    /// When, in seconds since 1970.
    pub at: u64,
}

/// What holds for one decision: taken once, kept to its end.
struct Case<'a> {
    guide: &'a Guide,
    snapshot: &'a Snapshot,
    profile: &'a Profile,
    moment: Moment,
    to: IpAddr,
    /// Port, and path with query, of a request that can be seen.
    url: Option<(u16, &'a str)>,
}

impl Guide {
    /// Where the connection is led.
    pub async fn route(&self, subject: Subject<'_>) -> Route {
        let snapshot = self.judge.keep();
        let case = Case {
            guide: self,
            profile: snapshot.asker(subject.asker),
            moment: moment_at(&snapshot, subject.at),
            snapshot: &snapshot,
            to: subject.to.0,
            url: subject.sniffed.url.as_deref().map(|url| (subject.port, url)),
        };
        let Some(name) = &subject.sniffed.name else { return case.nameless() };
        let route = case.named(name, subject.sniffed).await;
        if let Route::Refuse(verdict) = route {
            self.door.tell(&snapshot, subject.asker, name, verdict);
        }
        route
    }

    /// True when pages of `name` are read on the way: nobody lists it, and nobody chose it.
    pub fn reads_pages(&self, subject: Subject<'_>, name: &Name) -> bool {
        let snapshot = self.judge.current();
        let profile = snapshot.asker(subject.asker);
        snapshot.reads_pages(profile, name, &moment_at(&snapshot, subject.at))
    }

    /// True when the connection of `asker` to `to` may go on at that time; asks nobody outside.
    pub fn still_allows(&self, asker: Asker, name: Option<&Name>, to: IpAddr, at: u64) -> bool {
        let snapshot = self.judge.keep();
        let profile = snapshot.asker(asker);
        let moment = moment_at(&snapshot, at);
        let case = Case { guide: self, profile, moment, snapshot: &snapshot, to, url: None };
        match name {
            Some(name) => !matches!(case.judge(name), Ruling::Verdict(verdict) if verdict.is_refusal()),
            None => matches!(case.nameless(), Route::To { .. }),
        }
    }

    /// Marks the budgets that a connection for `name` counts towards as being used.
    pub fn used(&self, asker: Asker, name: Option<&Name>, at: u64) {
        let snapshot = self.judge.keep();
        if let Some(name) = name {
            self.door.used(&snapshot, asker, name, &moment_at(&snapshot, at));
        }
    }
}

fn moment_at(snapshot: &Snapshot, at: u64) -> Moment {
    snapshot.moment(i64::try_from(at).unwrap_or(i64::MAX))
}

impl<'a> Case<'a> {
    async fn named(&self, name: &Name, sniffed: &Sniffed) -> Route {
        let ruling = match self.judge(name) {
            Ruling::Doubt => match self.settled(name).await {
                Ruling::Verdict(verdict) if verdict.is_refusal() => return Route::Refuse(verdict),
                // Free now, so the rest is asked as for any other; or still in doubt, and of no concern.
                ruling => match self.judge(name) {
                    Ruling::Doubt => ruling,
                    judged => judged,
                },
            },
            ruling => ruling,
        };
        match ruling {
            Ruling::Help => self.help(name).await,
            Ruling::Doubt => Route::Refuse(Verdict::IN_DOUBT),
            Ruling::Canary | Ruling::PrivateRelay | Ruling::PrefetchProxy => Route::Refuse(Verdict::HIDDEN_NAME),
            Ruling::Verdict(verdict) if verdict.is_refusal() => Route::Refuse(verdict),
            Ruling::Verdict(_) if self.hides(name, sniffed) => Route::Refuse(Verdict::HIDDEN_NAME),
            Ruling::Verdict(verdict) => self.checked(name, name, verdict.is_chosen()).await,
            // The safe form has addresses of its own; the one it was sent to may be the other's.
            Ruling::Rewrite(target, _) => self.led(target, name, true, Unexplained::Resolve).await,
        }
    }

    async fn settled(&self, name: &Name) -> Ruling<'a> {
        // Rarely waited for, and large.
        Box::pin(self.guide.door.settle(self.snapshot, self.profile, name, &self.moment)).await
    }

    /// The judge's word on a name, lookalikes and listed addresses included.
    fn judge(&self, name: &Name) -> Ruling<'a> {
        let ruling = match self.url {
            Some((port, url)) => self.snapshot.rule_url(self.profile, name, port, url, &self.moment),
            None => self.snapshot.rule(self.profile, name, &self.moment),
        };
        let Ruling::Verdict(verdict) = ruling else { return ruling };
        if verdict.is_refusal() {
            return ruling;
        }
        let chosen = verdict.is_chosen();
        let guess = if chosen { None } else { self.snapshot.rule_guess(self.profile, name, &self.moment) };
        if let Some(refusal) = guess.filter(Verdict::is_refusal) {
            return Ruling::Verdict(refusal);
        }
        let of_addr = self.snapshot.rule_part(self.profile, &Part::Addr(self.to), &self.moment, chosen);
        if of_addr.is_refusal() { Ruling::Verdict(of_addr) } else { ruling }
    }

    /// True when the name is known as one that stands before others, and the hello carries what would hide them.
    fn hides(&self, name: &Name, sniffed: &Sniffed) -> bool {
        sniffed.ech && self.profile.strip_ech && self.snapshot.switches.outer_names.contains(name)
    }

    /// Help is reached by whatever means: where the name leads, and if nobody can say, where the device wanted to go.
    async fn help(&self, name: &Name) -> Route {
        let to = |addr| Route::To { addr, is_help: true, is_nameless: false };
        if self.guide.given.is_help(self.to) {
            return to(self.to);
        }
        let found = self.addresses(name, true, true).await.unwrap_or_default();
        to(if found.contains(&self.to) { self.to } else { found.first().copied().unwrap_or(self.to) })
    }

    /// Leads to the address it was sent to if that belongs to `name`, else as the profile says.
    async fn checked(&self, name: &Name, spoken: &Name, chosen: bool) -> Route {
        let unexplained = self.profile.network.unexplained;
        let now = u64::try_from(self.moment.unix_secs).unwrap_or(0);
        if unexplained == Unexplained::Allow || self.guide.given.explains(self.profile, spoken, self.to, now) {
            return Route::To { addr: self.to, is_help: false, is_nameless: false };
        }
        self.led(name, spoken, chosen, unexplained).await
    }

    /// Asks which addresses `name` has.
    async fn led(&self, name: &Name, spoken: &Name, chosen: bool, unexplained: Unexplained) -> Route {
        let found = match self.addresses(name, chosen, false).await {
            Ok(found) => found,
            Err(verdict) => return Route::Refuse(verdict),
        };
        let addr = match found.first() {
            Some(_) if found.contains(&self.to) => self.to,
            Some(first) if unexplained == Unexplained::Resolve => *first,
            _ => return Route::Refuse(Verdict::UNEXPLAINED),
        };
        if addr != self.to {
            // The device may keep to it; what it asked us for is remembered by the other door.
            let now = u64::try_from(self.moment.unix_secs).unwrap_or(0);
            self.guide.given.note(self.profile, spoken, &[addr], now);
        }
        Route::To { addr, is_help: false, is_nameless: false }
    }

    /// Of the family the connection came in, else of the other.
    async fn addresses(&self, name: &Name, is_chosen: bool, is_help: bool) -> Result<Vec<IpAddr>, Verdict> {
        let wanted = Wanted {
            snapshot: self.snapshot,
            profile: self.profile,
            moment: &self.moment,
            name,
            is_help,
            is_chosen,
            ipv6: self.to.is_ipv6(),
        };
        let found = self.guide.door.addresses(wanted).await?;
        if !found.is_empty() {
            return Ok(found);
        }
        self.guide.door.addresses(Wanted { ipv6: !wanted.ipv6, ..wanted }).await
    }

    /// A connection that names nobody: what its address was given for decides, else the profile's rule for addresses.
    fn nameless(&self) -> Route {
        let to = |is_nameless| Route::To { addr: self.to, is_help: false, is_nameless };
        if self.guide.given.is_help(self.to) {
            return Route::To { addr: self.to, is_help: true, is_nameless: false };
        }
        let now = u64::try_from(self.moment.unix_secs).unwrap_or(0);
        let names = self.guide.given.names(self.profile, self.to, now);
        if let Some(latest) = names.first() {
            return match self.judge(latest) {
                Ruling::Verdict(verdict) if verdict.is_refusal() => Route::Refuse(verdict),
                _ => to(false),
            };
        }
        let engine = &self.snapshot.engine;
        let classes = match self.url {
            Some((port, url)) => engine.classify_url(Host::Addr(self.to), port, url),
            None => engine.classify_addr(self.to),
        };
        let verdict = policy::decide(self.profile, None, &classes, &self.moment);
        // The household's own devices have no names, and no list.
        let is_inside = special::is_inside(self.to);
        let by_age = matches!(verdict.reason.step, Step::Criterion | Step::BandDefault | Step::AllowListOnly);
        match self.profile.network.nameless {
            _ if verdict.is_refusal() && !(is_inside && by_age) => Route::Refuse(verdict),
            Nameless::Block | Nameless::Tcp443 if !is_inside => Route::Refuse(Verdict::NAMELESS),
            Nameless::Log => to(true),
            _ => to(false),
        }
    }
}
