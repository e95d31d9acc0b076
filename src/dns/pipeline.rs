//! The way of a question, on one screen: parse, ask the judge, settle it here, or look it up and judge what came back. The
//! same stages serve the UDP workers (which stop where a look-up would have to wait) and the asynchronous side.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::answer::{self, Additions, BlockAnswer, Ede, EdeCode};
use super::cookie::Secret;
use super::designate::Designations;
use super::doubt::Doubts;
use super::given::{self, Given};
use super::query::{Options, Parsed, Query, Rcode, rtype};
use super::record::{Answer, Question};
use super::resolver::{ResolveError, Resolver};
use super::special;
use super::structured;
use crate::classify::guess::Guesser;
use crate::clock::now_secs;
use crate::config;
use crate::identity::{Asker, Token};
use crate::judge::{Judge, Part, Places, Ruling, Snapshot};
use crate::name::{Name, NameSet};
use crate::policy::{Action, Moment, Profile, Verdict, explain};
use crate::sys;
use crate::telemetry::activity::{Activity, Refused};
use crate::telemetry::metrics::{Counters, Outcome, Source};

/// Door one: what every listener shares.
pub struct Door {
    judge: Arc<Judge>,
    resolver: Arc<Resolver>,
    /// Looks up the help set. Its cache and upstreams are counted nowhere.
    quiet: Arc<Resolver>,
    settings: ArcSwap<Settings>,
    /// Asks about names that may be sealed.
    doubts: Doubts,
    /// Remembers addresses for the other door; `None` when that is shut.
    given: Option<Arc<Given>>,
    /// Where refusals are told; `None` when nobody listens.
    activity: Option<Arc<Activity>>,
}

/// How answers look.
pub struct Settings {
    block_answer: BlockAnswer,
    block_ttl_secs: u32,
    portal: Vec<IpAddr>,
    udp_payload: u16,
    client_rate: u32,
    structured_errors: Option<config::StructuredErrors>,
    /// Names with a route of their own.
    routed: NameSet,
    cookies: Secret,
    designations: Designations,
    /// An idle connection lives so long, in units of 100 ms.
    keepalive: u16,
    /// Names that may lead to addresses of the household.
    private: NameSet,
}

/// What a thread keeps between questions, so that answering allocates nothing.
#[derive(Default)]
pub struct Scratch {
    /// The answer, after [`Step::Reply`].
    pub out: Vec<u8>,
    /// A record of the cache.
    words: Vec<u64>,
    /// The text of a refusal.
    text: String,
}

/// What holds for one batch of questions: one snapshot, one reading of the clock.
#[derive(Clone)]
pub struct Context {
    snapshot: Arc<Snapshot>,
    settings: Arc<Settings>,
    activity: Option<Arc<Activity>>,
    moment: Moment,
    now: u64,
}

impl Context {
    /// Seconds since 1970.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Tokens a second of one client.
    pub fn client_rate(&self) -> u32 {
        self.settings.client_rate
    }
}

/// A packet looked over: several of a batch are, before the first is answered, so that their memory is on its way together.
pub struct Foreseen<'p> {
    packet: &'p [u8],
    parsed: Parsed<'p>,
    places: Places,
    hash: u64,
}

/// How the question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram: the answer has to fit one.
    Udp,
    /// On a stream.
    Tcp,
    /// On an encrypted stream.
    Tls,
    /// On an encrypted stream or request of its own (HTTPS, QUIC).
    Single,
}

/// What to do now.
pub enum Step {
    /// Send what was written to [`Scratch::out`].
    Reply,
    /// Send nothing.
    Drop,
    /// Wait for a look-up.
    Defer(Deferred),
}

/// A question that waits for a look-up. Keeps the snapshot it was judged by.
pub struct Deferred {
    packet: Box<[u8]>,
    asker: Asker,
    transport: Transport,
    context: Context,
}

impl Door {
    /// The door in front of `judge` and `resolver`; `quiet` looks up the help set; `given` and `activity` hear of it.
    pub fn new(
        judge: Arc<Judge>,
        resolver: Arc<Resolver>,
        quiet: Arc<Resolver>,
        given: Option<Arc<Given>>,
        activity: Option<Arc<Activity>>,
        dns: &config::Dns,
    ) -> Door {
        let settings = ArcSwap::from_pointee(Settings::new(dns, Secret::new()));
        Door { judge, resolver, quiet, settings, doubts: Doubts::default(), given, activity }
    }

    /// Tells the family's side that `asker` was refused `name`.
    pub fn tell(&self, snapshot: &Snapshot, asker: Asker, name: &Name, verdict: Verdict) {
        tell(self.activity.as_deref(), snapshot, asker, name, verdict);
    }

    /// Marks the budgets that time of `asker` on `name` counts towards as being used, and gives them.
    pub fn used(&self, snapshot: &Snapshot, asker: Asker, name: &Name, moment: &Moment) -> u64 {
        used(self.activity.as_deref(), snapshot, asker, name, moment)
    }

    /// Takes on new settings, upstreams and limits.
    pub fn reconfigure(&self, dns: &config::Dns) {
        let cookies = self.settings.load().cookies.clone();
        self.settings.store(Arc::new(Settings::new(dns, cookies)));
        self.resolver.reconfigure(dns);
        self.quiet.reconfigure(dns);
    }

    /// Wipes what is past its time at `now`: answers, what recursion and validation learned, and names of addresses given.
    pub fn forget(&self, now: u64) {
        self.resolver.forget(now);
        self.quiet.forget(now);
        self.given.iter().for_each(|given| given.forget(now));
    }

    /// True when a device has that token.
    pub fn knows(&self, token: Token) -> bool {
        self.judge.current().clients.knows(token)
    }

    /// What holds now.
    pub fn context(&self) -> Context {
        let (snapshot, now) = (self.judge.keep(), now_secs());
        let moment = snapshot.moment(i64::try_from(now).unwrap_or(i64::MAX));
        Context { snapshot, settings: self.settings.load_full(), activity: self.activity.clone(), moment, now }
    }

    /// Brings `context` up to date; cheap when nothing changed. Done once a batch.
    pub fn renew(&self, context: &mut Context) {
        let same = Arc::ptr_eq(&self.judge.current(), &context.snapshot)
            && Arc::ptr_eq(&self.settings.load(), &context.settings)
            && now_secs() == context.now;
        if !same {
            *context = self.context();
        }
    }

    /// Looks a packet over and has the memory fetched that its answer will need.
    pub fn foresee<'p>(&self, context: &Context, packet: &'p [u8]) -> Foreseen<'p> {
        let parsed = Query::parse(packet);
        let (mut places, mut hash) = (Places::default(), 0);
        if let Parsed::Query(query) = &parsed {
            places = context.snapshot.engine.places(&query.name);
            context.snapshot.engine.each_line(&places, sys::prefetch);
            hash = self.resolver.cache().hash(asked(query, &query.name));
            self.resolver.cache().prefetch_index(hash);
        }
        Foreseen { packet, parsed, places, hash }
    }

    /// The second look, some questions later.
    pub fn foresee_record(&self, foreseen: &Foreseen<'_>) {
        self.resolver.cache().prefetch_record(foreseen.hash);
    }

    /// Answers as far as possible without waiting.
    pub fn answer(
        &self,
        context: &Context,
        foreseen: &Foreseen<'_>,
        asker: Asker,
        transport: Transport,
        counters: &Counters,
        scratch: &mut Scratch,
    ) -> Step {
        let Scratch { out, words, text } = scratch;
        let query = match sorted(&foreseen.parsed, counters, out) {
            Ok(query) => query,
            Err(step) => return step,
        };
        let case = Case::new(context, query, &foreseen.places, asker, transport, counters);
        if case.settle(text, out) {
            return Step::Reply;
        }
        if matches!(case.ruling, Ruling::Doubt) {
            let packet = foreseen.packet;
            return Step::Defer(Deferred { packet: packet.into(), asker, transport, context: context.clone() });
        }
        let (resolver, question) = (self.resolver_for(&case), case.question());
        // What was foreseen holds for the name asked for, in the common cache, unchanged.
        let is_foreseen = matches!(case.ruling, Ruling::Verdict(_)) && !question.without_ech;
        let hash = if is_foreseen { foreseen.hash } else { resolver.cache().hash(question) };
        let Some((answer, prefetch)) = resolver.cached(hash, question, context.now, words) else {
            let packet = foreseen.packet;
            return Step::Defer(Deferred { packet: packet.into(), asker, transport, context: context.clone() });
        };
        if prefetch {
            resolver.prefetch(question);
        }
        let refusal = case.judge(&answer);
        if refusal.is_none() && !case.is_remembered(&answer, self.given.as_deref()) {
            // Telling the kernel is a system call: not here.
            let packet = foreseen.packet;
            return Step::Defer(Deferred { packet: packet.into(), asker, transport, context: context.clone() });
        }
        case.write(refusal, &answer, Source::Hit, text, out);
        Step::Reply
    }

    /// Finishes what had to wait. `None` when there is nothing to send.
    pub async fn finish(&self, deferred: Deferred, counters: &Counters) -> Option<Vec<u8>> {
        let (mut out, mut text) = (Vec::with_capacity(512), String::new());
        let Deferred { packet, asker, transport, context } = &deferred;
        let parsed = Query::parse(packet);
        let query = sorted(&parsed, counters, &mut out).ok()?;
        let places = context.snapshot.engine.places(&query.name);
        let mut case = Case::new(context, query, &places, *asker, *transport, counters);
        if matches!(case.ruling, Ruling::Doubt) {
            // Rarely waited for, and large.
            case.ruling = Box::pin(self.settle(&context.snapshot, case.profile, &query.name, &context.moment)).await;
            if case.settle(&mut text, &mut out) {
                return Some(out);
            }
        }
        match self.resolver_for(&case).resolve(case.question()).await {
            Ok(found) => {
                let (source, answer) = (if found.stale { Source::Stale } else { Source::Miss }, found.entry.answer());
                let refusal = case.judge(&answer);
                if refusal.is_none() {
                    case.remember(&answer, self.given.as_deref());
                }
                case.write(refusal, &answer, source, &mut text, &mut out);
            }
            Err(error) => case.failed(error, &mut out),
        }
        Some(out)
    }

    /// The word on a name in doubt, once it was asked about.
    pub async fn settle<'s>(
        &self,
        snapshot: &'s Snapshot,
        profile: &Profile,
        name: &Name,
        moment: &Moment,
    ) -> Ruling<'s> {
        if let Some(sealed) = snapshot.engine.sealed() {
            self.doubts.settle(sealed, name).await;
        }
        match snapshot.rule(profile, name, moment) {
            Ruling::Doubt => snapshot.rule_doubtful(profile, name, moment),
            ruling => ruling,
        }
    }

    /// Names in doubt that were settled, and that could not be.
    pub fn doubts(&self) -> (u64, u64) {
        self.doubts.counts()
    }

    /// From now on names are guessed at so; those of the help set never are.
    pub fn guess_by(&self, guesser: Arc<Guesser>) {
        self.resolver.guess_by(guesser);
    }

    fn resolver_for(&self, case: &Case<'_>) -> &Arc<Resolver> {
        self.resolver_of(case.is_help())
    }

    pub(super) fn resolver_of(&self, is_help: bool) -> &Arc<Resolver> {
        if is_help { &self.quiet } else { &self.resolver }
    }

    /// True when the name may lead to addresses of the household.
    pub(super) fn is_private(&self, name: &Name) -> bool {
        self.settings.load().private.contains(name)
    }
}

impl Deferred {
    /// The answer when too much is in flight already.
    pub fn give_up(&self, counters: &Counters) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let parsed = Query::parse(&self.packet);
        let query = sorted(&parsed, counters, &mut out).ok()?;
        let places = self.context.snapshot.engine.places(&query.name);
        let case = Case::new(&self.context, query, &places, self.asker, self.transport, counters);
        case.failed(ResolveError::Busy, &mut out);
        Some(out)
    }
}

/// The query, or what to do with something that is none.
fn sorted<'a, 'p>(parsed: &'a Parsed<'p>, counters: &Counters, out: &mut Vec<u8>) -> Result<&'a Query<'p>, Step> {
    match parsed {
        Parsed::Query(query) => Ok(query),
        Parsed::Fault { id, flags, rcode } => {
            counters.outcome(Outcome::Malformed);
            answer::fault(*id, *flags, *rcode, out);
            Err(Step::Reply)
        }
        Parsed::Silence => {
            counters.outcome(Outcome::Malformed);
            Err(Step::Drop)
        }
    }
}

/// The question for `name` as `query` puts it.
fn asked<'a>(query: &Query<'_>, name: &'a Name) -> Question<'a> {
    Question {
        name,
        rtype: query.qtype,
        dnssec_ok: query.dnssec_ok(),
        checking_disabled: query.checking_disabled(),
        without_ech: false,
    }
}

/// One question with everything that is known of it before a look-up.
struct Case<'a> {
    context: &'a Context,
    query: &'a Query<'a>,
    transport: Transport,
    counters: &'a Counters,
    asker: Asker,
    profile: &'a Profile,
    ruling: Ruling<'a>,
}

impl<'a> Case<'a> {
    fn new(
        context: &'a Context,
        query: &'a Query<'a>,
        places: &Places,
        asker: Asker,
        transport: Transport,
        counters: &'a Counters,
    ) -> Case<'a> {
        let asker = Asker { mac: query.edns.and_then(|edns| edns.options.mac), ..asker };
        let profile = context.snapshot.asker(asker);
        let ruling = context.snapshot.rule_at(profile, &query.name, places, &context.moment);
        Case { context, query, transport, counters, asker, profile, ruling }
    }

    fn is_help(&self) -> bool {
        matches!(self.ruling, Ruling::Help)
    }

    /// Writes the answers that need no look-up; false when one is needed.
    fn settle(&self, text: &mut String, out: &mut Vec<u8>) -> bool {
        const SWITCH_TTL_SECS: u32 = 300;
        let query = self.query;
        let outcome = match self.ruling {
            _ if !is_served(query) => {
                answer::code(query, Rcode::Refused, Some(Ede { code: EdeCode::NotSupported, text: "" }), out);
                Outcome::Unserved
            }
            _ if query.qtype == rtype::ANY => {
                answer::any(query, out);
                Outcome::Local
            }
            Ruling::Help => return false,
            _ if self.context.settings.designations.answer(query, out) => Outcome::Local,
            _ if special::answer(query, &self.context.settings.routed, out) => Outcome::Local,
            Ruling::Canary | Ruling::PrivateRelay | Ruling::PrefetchProxy => {
                answer::negative(query, Rcode::NxDomain, SWITCH_TTL_SECS, None, out);
                Outcome::Local
            }
            Ruling::Verdict(verdict) if verdict.is_refusal() => {
                self.refuse(&verdict, text, out);
                return true;
            }
            // A safe form has addresses; other data of the real name would lead round it.
            Ruling::Rewrite(..) if !matches!(query.qtype, rtype::A | rtype::AAAA) => {
                answer::negative(query, Rcode::NoError, SWITCH_TTL_SECS, None, out);
                Outcome::Rewritten
            }
            Ruling::Rewrite(..) | Ruling::Verdict(_) | Ruling::Doubt => return false,
        };
        self.end(outcome, out);
        true
    }

    /// What has to be looked up.
    fn question(&self) -> Question<'_> {
        let name = if let Ruling::Rewrite(target, _) = self.ruling { target } else { &self.query.name };
        // Help is reached by whatever means.
        let without_ech = self.profile.strip_ech && !self.is_help();
        let without_ech = without_ech && matches!(self.query.qtype, rtype::HTTPS | rtype::SVCB);
        let asked = asked(self.query, name);
        let checking_disabled = asked.checking_disabled || self.is_help();
        Question { without_ech, checking_disabled, ..asked }
    }

    /// Judges everything in the answer for this asker; the refusal, if there is one.
    fn judge(&self, answer: &Answer<'_>) -> Option<Verdict> {
        let chosen = match self.ruling {
            Ruling::Verdict(verdict) => verdict.is_chosen(),
            Ruling::Rewrite(..) => true,
            Ruling::Doubt => return Some(Verdict::IN_DOUBT),
            Ruling::Help | Ruling::Canary | Ruling::PrivateRelay | Ruling::PrefetchProxy => return None,
        };
        let Context { snapshot, moment, .. } = self.context;
        if !chosen && answer.note().is_suspect {
            let guess = snapshot.rule_guess(self.profile, &self.query.name, moment);
            if let Some(refusal) = guess.filter(Verdict::is_refusal) {
                return Some(refusal);
            }
        }
        let mut judged = answer.parts().map(|part| match part {
            Part::Addr(addr) if special::is_inside(addr) && !chosen && self.guards_rebinding() => Verdict::REBINDING,
            part => snapshot.rule_part(self.profile, &part, moment, chosen),
        });
        judged.find(Verdict::is_refusal)
    }

    /// True when the other door knows all of the answer's addresses, or has no need to.
    fn is_remembered(&self, answer: &Answer<'_>, given: Option<&Given>) -> bool {
        let Some(given) = given else { return true };
        if self.is_help() {
            return addresses(answer).all(|addr| given.is_help(addr));
        }
        let (name, now) = (&self.query.name, self.context.now);
        !given::concerns(self.profile) || addresses(answer).all(|addr| given.is_noted(self.profile, name, addr, now))
    }

    fn remember(&self, answer: &Answer<'_>, given: Option<&Given>) {
        let Some(given) = given else { return };
        let addrs: Vec<IpAddr> = addresses(answer).collect();
        if self.is_help() {
            given.note_help(&addrs);
        } else if given::concerns(self.profile) && !addrs.is_empty() {
            given.note(self.profile, &self.query.name, &addrs, self.context.now);
        }
    }

    /// Writes the answer, or its refusal.
    fn write(
        &self,
        refusal: Option<Verdict>,
        answer: &Answer<'_>,
        source: Source,
        text: &mut String,
        out: &mut Vec<u8>,
    ) {
        if let Some(refusal) = refusal {
            return self.refuse(&refusal, text, out);
        }
        if !self.is_help() {
            self.counters.source(source);
        }
        let warns = matches!(self.ruling, Ruling::Verdict(verdict) if verdict.action == Action::Warn);
        let moment = &self.context.moment;
        let ttl_max = self.profile.ttl_max(self.spend(), moment).unwrap_or(u32::MAX);
        let outcome = match self.ruling {
            // What could not be found, or was found to be false, is told as it is.
            Ruling::Rewrite(target, _) if matches!(answer.rcode(), 0 | 3) => {
                self.write_alias(target, answer, ttl_max, out);
                Outcome::Rewritten
            }
            _ => {
                answer.write_to(
                    self.query.id(),
                    self.query.flags(),
                    self.query.question(),
                    self.context.now,
                    ttl_max,
                    out,
                );
                let stale = (source == Source::Stale).then_some(EdeCode::StaleAnswer);
                let ede = stale.or(answer.note().ede).map(|code| Ede { code, text: "" });
                // The upper bits of the code are zero in all that is kept.
                answer::finish(self.query, Rcode::NoError, ede, out);
                match answer.rcode() {
                    0 | 3 if warns => Outcome::Warned,
                    0 | 3 => Outcome::Allowed,
                    _ => Outcome::Failed,
                }
            }
        };
        self.end(outcome, out);
    }

    /// The budgets that this answer counts towards; marks them as being used.
    fn spend(&self) -> u64 {
        if self.is_help() || !self.profile.has_budgets() {
            return 0;
        }
        let Context { snapshot, moment, activity, .. } = self.context;
        used(activity.as_deref(), snapshot, self.asker, &self.query.name, moment)
    }

    fn guards_rebinding(&self) -> bool {
        self.profile.rebinding_protection && !self.context.settings.private.contains(&self.query.name)
    }

    fn write_alias(&self, target: &Name, answer: &Answer<'_>, ttl_max: u32, out: &mut Vec<u8>) {
        /// Long enough to be kept, short enough that a change of the profile soon shows.
        const ALIAS_TTL_SECS: u32 = 300;
        let ede = Ede { code: EdeCode::Forged, text: "safe form" };
        answer::alias(self.query, target, addresses(answer), ALIAS_TTL_SECS.min(ttl_max), Some(ede), out);
    }

    fn refuse(&self, verdict: &Verdict, text: &mut String, out: &mut Vec<u8>) {
        let Context { settings, moment, .. } = self.context;
        // The text goes into an option that only clients with EDNS can read.
        if self.query.edns.is_some() {
            self.write_reason(verdict, text);
        }
        let code = match verdict.ede() {
            15 => EdeCode::Blocked,
            16 => EdeCode::Censored,
            _ => EdeCode::Filtered,
        };
        let ttl = settings.block_ttl_secs.min(self.profile.secs_to_change(moment).unwrap_or(u32::MAX));
        let ede = Some(Ede { code, text });
        answer::block(self.query, settings.block_answer, &settings.portal, ttl, ede, out);
        if let Some(category) = verdict.reason.category {
            self.counters.refused(category);
        }
        tell(self.context.activity.as_deref(), &self.context.snapshot, self.asker, &self.query.name, *verdict);
        let outcome = match verdict.action {
            Action::Ask => Outcome::Asked,
            Action::Help => Outcome::Helped,
            _ => Outcome::Blocked,
        };
        self.end(outcome, out);
    }

    /// Why, in words; for a client that reads them, as a structured error.
    fn write_reason(&self, verdict: &Verdict, text: &mut String) {
        explain::refusal_text(verdict, self.profile, text);
        let Some(structured) = &self.context.settings.structured_errors else { return };
        let asks = |options: Options| structured.option_code == 0 || options.empty.contains(&structured.option_code);
        if self.query.edns.is_some_and(|edns| asks(edns.options)) {
            let reason = explain::justification(verdict, &self.context.snapshot.criteria, structured.vietnamese);
            *text = structured::text(verdict, structured, &reason);
        }
    }

    fn failed(&self, error: ResolveError, out: &mut Vec<u8>) {
        let code = match error {
            ResolveError::Unreachable => EdeCode::NoReachableAuthority,
            ResolveError::Malformed => EdeCode::NetworkError,
            ResolveError::Busy => EdeCode::NotReady,
        };
        answer::code(self.query, Rcode::ServFail, Some(Ede { code, text: "" }), out);
        self.end(Outcome::Failed, out);
    }

    /// Options of the answer; `None` for most.
    fn additions(&self) -> Option<Additions> {
        let options = wanted(self.query)?;
        let is_lasting = matches!(self.transport, Transport::Tcp | Transport::Tls);
        let is_encrypted = matches!(self.transport, Transport::Tls | Transport::Single);
        Some(Additions {
            cookie: options
                .cookie
                .map(|theirs| self.context.settings.cookies.cookie(theirs, self.asker.client, self.context.now)),
            // HTTP and QUIC have their own ways to say it (RFC 9250 §5.5.2).
            keepalive: (is_lasting && options.keepalive).then_some(self.context.settings.keepalive),
            padding: options.padding && is_encrypted,
        })
    }

    fn end(&self, outcome: Outcome, out: &mut Vec<u8>) {
        let additions = self.additions();
        if let Some(additions) = &additions {
            answer::add_options(additions, out);
        }
        if self.transport == Transport::Udp && answer::truncate(self.query, self.context.settings.udp_payload, out) {
            additions.iter().for_each(|additions| answer::add_options(additions, out));
        }
        if !self.is_help() {
            self.counters.outcome(outcome);
        }
    }
}

fn tell(activity: Option<&Activity>, snapshot: &Snapshot, asker: Asker, name: &Name, verdict: Verdict) {
    let Some(activity) = activity else { return };
    let profile = snapshot.asker(asker);
    activity.refused(Refused {
        client: asker.client,
        profile: Arc::clone(&profile.name),
        band: profile.band,
        verdict,
        categories: snapshot.engine.classify(name).categories,
        name: name.clone(),
    });
}

fn used(activity: Option<&Activity>, snapshot: &Snapshot, asker: Asker, name: &Name, moment: &Moment) -> u64 {
    let met = snapshot.budgets_met(snapshot.asker(asker), name, moment);
    if let Some(activity) = activity.filter(|_| met != 0) {
        activity.used(snapshot.clients.profile_of_asker(asker), met);
    }
    met
}

/// The addresses and address hints of an answer.
pub(super) fn addresses<'a>(answer: &Answer<'a>) -> impl Iterator<Item = IpAddr> + use<'a> {
    answer.parts().filter_map(|part| if let Part::Addr(addr) = part { Some(addr) } else { None })
}

/// What the client may ask of any answer beside its data.
fn wanted(query: &Query<'_>) -> Option<Options> {
    query.edns.map(|edns| edns.options).filter(|options| Options { mac: None, ..*options } != Options::default())
}

/// Class IN, and neither a transfer nor a type that only stands in messages (RFC 6895 §3.1).
fn is_served(query: &Query<'_>) -> bool {
    const IN: u16 = 1;
    query.qclass == IN && !matches!(query.qtype, 0 | rtype::OPT | 128..=254)
}

impl Settings {
    fn new(dns: &config::Dns, cookies: Secret) -> Settings {
        let routed = NameSet::new(dns.upstream.routes.iter().map(|route| &route.suffix));
        let local: Vec<Name> = special::LOCAL_NAMES.iter().filter_map(|name| Name::parse(name).ok()).collect();
        let routes = dns.upstream.routes.iter().map(|route| &route.suffix);
        let private = NameSet::new(local.iter().chain(&dns.private_names).chain(routes));
        Settings {
            routed,
            structured_errors: dns.structured_errors.clone(),
            cookies,
            designations: Designations::new(
                &dns.encrypted,
                dns.upstream.mode == config::Mode::Recurse,
                dns.pages.clone(),
            ),
            keepalive: u16::try_from(dns.tcp.idle.as_millis() / 100).unwrap_or(u16::MAX),
            private,
            block_answer: dns.block_answer,
            block_ttl_secs: dns.block_ttl_secs,
            portal: dns.portal.clone(),
            udp_payload: dns.udp_payload,
            client_rate: dns.client_rate,
        }
    }
}
