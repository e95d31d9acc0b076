//! When a household sends what: a state machine that is told the time, gives out messages to post and takes what came back.
//! How many messages there are, and how long each is, follows from the manifest alone. Opens no socket: who carries the
//! messages is not here, so that hundreds of households run in one test.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod epoch;
mod outbox;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::io;

use rand::rngs::StdRng;

use self::epoch::{Asked, Epoch, Side};
use crate::classify::category::Category;
use crate::name::Name;
use crate::report::calendar::ACCEPT_HOURS;
use crate::report::consent::{Consent, Mode, Operators};
use crate::report::envelope::Envelope;
use crate::report::manifest::{Manifest, Operator};
use crate::report::message::{Content, Lane};
use crate::report::oblivious::{self, Opening};
use crate::report::preview::{Kind, Planned, Preview, Sent};
use crate::report::spool::Spool;
use crate::report::tally::Tally;

/// Seconds after which a message that nobody said anything about has failed. Whoever carries it gives up before.
pub const PATIENCE_SECS: u64 = 60;
/// Messages that left and are shown.
const SENT_MAX: usize = 50;
/// What requests for tokens are to HTTP.
const TOKENS_TYPE: &str = "application/private-token-request";

/// What the configuration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// A test's manifest is taken in earnest.
    pub lab: bool,
    /// A coarse region, below 64; 0 for the whole country.
    pub region: u8,
    /// The engine's version.
    pub engine: u16,
}

/// A message to post. All of it: nothing is to be added but what HTTP asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// By which the answer is told.
    pub id: u64,
    /// What it is.
    pub kind: Kind,
    /// Where to.
    pub url: String,
    /// What it is to HTTP.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
    /// Octets of the longest answer that is of any use.
    pub answer_max: usize,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// An answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// At most [`Action::answer_max`] octets.
        body: Vec<u8>,
    },
    /// Nothing, or more than was asked for.
    Nothing,
}

/// What became of messages of one kind, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// They arrived.
    pub sent: u64,
    /// They did not, this time.
    pub failed: u64,
    /// They never will.
    pub dropped: u64,
}

/// What a message is about, kept until its answer comes.
enum Errand {
    Tokens(Asked),
    Question { slot: usize, side: Side },
    Spooled(Envelope),
    Answer,
}

struct Pending {
    kind: Kind,
    octets: usize,
    since: u64,
    epoch: Option<(Lane, u32)>,
    errand: Errand,
    opening: Option<Opening>,
}

/// A household that reports.
pub struct Home {
    manifest: Manifest,
    options: Options,
    consent: Consent,
    mode: Mode,
    /// Why nothing is sent although it may be.
    fault: Option<String>,
    tally: Tally,
    spool: Spool,
    epochs: BTreeMap<(Lane, u32), Epoch>,
    pending: BTreeMap<u64, Pending>,
    next_id: u64,
    sent: VecDeque<Sent>,
    counts: BTreeMap<Kind, Count>,
    rng: StdRng,
}

impl Home {
    /// Goes on with what the spool kept, if all still agree; else wipes it.
    pub fn new(manifest: Manifest, options: Options, consent: Consent, spool: Spool, rng: StdRng) -> Home {
        let mode = mode_of(&manifest, options, consent);
        Home {
            manifest,
            options,
            consent,
            mode,
            fault: None,
            tally: Tally::new(),
            spool,
            epochs: BTreeMap::new(),
            pending: BTreeMap::new(),
            next_id: 0,
            sent: VecDeque::new(),
            counts: BTreeMap::new(),
            rng,
        }
    }

    /// Somebody gave or took back consent. Whoever takes it back has everything wiped, at once.
    pub fn consent(&mut self, consent: Consent) -> io::Result<()> {
        self.consent = consent;
        self.settle()
    }

    /// Another manifest holds. What stopped the old one does not stop the new one.
    pub fn manifest(&mut self, manifest: Manifest) -> io::Result<()> {
        if manifest == self.manifest {
            return Ok(());
        }
        let is_calendar = manifest.calendar == self.manifest.calendar;
        self.manifest = manifest;
        self.fault = None;
        if is_calendar { self.settle() } else { self.wipe().and_then(|()| self.settle()) }
    }

    fn settle(&mut self) -> io::Result<()> {
        let before = std::mem::replace(&mut self.mode, mode_of(&self.manifest, self.options, self.consent));
        let is_same = std::mem::discriminant(&before) == std::mem::discriminant(&self.mode);
        if is_same && self.is_on() { Ok(()) } else { self.wipe() }
    }

    /// Wipes what was met, what is asked, what waits, and all tokens.
    pub fn wipe(&mut self) -> io::Result<()> {
        self.tally.clear();
        self.epochs.clear();
        self.pending.clear();
        if self.spool.is_empty() { Ok(()) } else { self.spool.clear() }
    }

    /// Whether anything at all is collected now.
    pub fn is_on(&self) -> bool {
        !matches!(self.mode, Mode::Off(_)) && self.fault.is_none()
    }

    /// A registrable name that the engine judged, or that a guardian noted. Dropped unless names may leave.
    pub fn meet_name(&mut self, now: u64, name: &Name, category: Category, confidence: u8, guardian_may_see: bool) {
        if !self.is_on() || !matches!(self.mode, Mode::Full(_)) {
            return;
        }
        let Options { region, engine, .. } = self.options;
        let content = Content { name: name.clone(), category, confidence, region, engine };
        self.tally.name(self.manifest.calendar, now, &content, guardian_may_see, &mut self.rng);
    }

    /// Something of that kind was met by a child of that band (0 to 4) in that part of the day (0 to 3).
    pub fn meet_cell(&mut self, now: u64, category: Category, band: usize, part: usize) {
        if self.is_on() {
            self.tally.cell(self.manifest.calendar, now, category, band, part);
        }
    }

    /// Whether that moment lies in an epoch that this household takes part in and that has not been drawn from yet.
    pub fn is_running(&self, lane: Lane, at: u64) -> bool {
        let key = (lane, self.manifest.calendar.epoch(lane, at));
        self.epochs.get(&key).is_some_and(|epoch| !epoch.is_closed)
    }

    /// What is to be posted now.
    pub fn step(&mut self, now: u64) -> Vec<Action> {
        self.expire(now);
        if !self.is_on() {
            // Also when the disk refused to wipe it before.
            let _ = if matches!(self.mode, Mode::Off(_)) { self.wipe() } else { Ok(()) };
            return Vec::new();
        }
        self.tally.forget(self.manifest.calendar, now);
        self.give_up(now);
        self.open_epochs(now);
        let keys: Vec<(Lane, u32)> = self.epochs.keys().copied().collect();
        let mut actions = Vec::new();
        for key in keys {
            self.close_epoch(key, now);
            actions.extend(self.ask_tokens(key, now));
            actions.extend(self.ask_questions(key, now));
            actions.extend(self.send_week(key, now));
        }
        actions.extend(self.send_spooled(now));
        self.drop_epochs(now);
        actions
    }

    /// Tells what came of a message. What nobody waits for any more is not looked at.
    pub fn came(&mut self, id: u64, came: Came, now: u64) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let Pending { kind, octets, epoch, errand, opening, .. } = pending;
        let reply = reply_of(came, opening);
        let is_good = match errand {
            Errand::Tokens(asked) => self.take_tokens(epoch, asked, &reply, now),
            Errand::Question { slot, side } => self.take_answer(epoch, slot, side, &reply, now),
            Errand::Spooled(envelope) => self.take_receipt(kind, &envelope, &reply, now),
            Errand::Answer => self.take_week_receipt(epoch, &reply, now),
        };
        if is_good {
            self.count(kind).sent = self.count(kind).sent.saturating_add(1);
            if self.sent.len() >= SENT_MAX {
                self.sent.pop_front();
            }
            self.sent.push_back(Sent { at: now, kind, octets });
        } else {
            self.count(kind).failed = self.count(kind).failed.saturating_add(1);
        }
    }

    /// What a guardian is shown.
    pub fn preview(&self, now: u64) -> Preview {
        let operators = operators_of(&self.manifest, self.options);
        let agreed = Mode::of(Consent { guardian: true, children: true }, &operators);
        let plan = outbox::plan(agreed);
        Preview {
            enabled: true,
            mode: self.mode,
            operators,
            threshold: self.manifest.threshold,
            paused: self.paused(now),
            week_octets: plan.iter().map(|planned| planned.count.saturating_mul(planned.octets)).sum(),
            plan,
            candidates: self.tally.shown(),
            cells: self.tally.cells(),
            sent: self.sent.iter().copied().collect(),
            waiting: self.spool.len(),
        }
    }

    /// Why nothing leaves although all agreed.
    pub fn paused(&self, now: u64) -> Option<String> {
        let is_full = matches!(self.mode, Mode::Full(_));
        let has_keys = |lane| self.manifest.keys(lane, self.manifest.calendar.epoch(lane, now)).is_some();
        match &self.fault {
            Some(fault) => Some(fault.clone()),
            None if self.manifest.issuer.is_none() => Some("the manifest names nobody who gives tokens".into()),
            None if is_full && !Lane::ALL.into_iter().any(has_keys) => {
                Some("the manifest has no keys for this week".into())
            }
            None => None,
        }
    }

    /// What may be sent.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What became of messages, by kind.
    pub fn counts(&self) -> &BTreeMap<Kind, Count> {
        &self.counts
    }

    /// Messages that wait on disk.
    pub fn waiting(&self) -> usize {
        self.spool.len()
    }

    fn count(&mut self, kind: Kind) -> &mut Count {
        self.counts.entry(kind).or_default()
    }

    fn dropped(&mut self, kind: Kind, more: usize) {
        let count = self.count(kind);
        count.dropped = count.dropped.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
    }

    /// Forgets messages of which nobody told anything.
    fn give_up(&mut self, now: u64) {
        let late = self.pending.iter().filter(|(_, pending)| pending.since.saturating_add(PATIENCE_SECS) < now);
        let late: Vec<u64> = late.map(|(id, _)| *id).collect();
        for id in late {
            self.came(id, Came::Nothing, now);
        }
    }

    /// A message through the relay to one operator's gateway.
    fn through_relay(&self, side: Side, path: &str, content: &[u8]) -> Option<(String, Vec<u8>, Opening)> {
        let relay = self.manifest.relay.as_ref()?;
        let gateway = &operator(&self.manifest, side)?.gateway;
        let (body, opening) = oblivious::close(gateway, path, content).ok()?;
        Some((format!("{}{}", relay.url, side.path()), body, opening))
    }

    fn wait_for(&mut self, pending: Pending, (url, body): (String, Vec<u8>), answer_max: usize) -> Action {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        let content_type = if pending.opening.is_some() { oblivious::REQUEST_TYPE } else { TOKENS_TYPE };
        let kind = pending.kind;
        self.pending.insert(id, pending);
        Action { id, kind, url, content_type, body, answer_max }
    }

    /// Until when messages of an epoch are taken.
    fn accepted_until(&self, (lane, epoch): (Lane, u32)) -> u64 {
        self.manifest.calendar.after(lane, epoch, ACCEPT_HOURS)
    }
}

/// What an answer says: the gateway's own word where there is one.
enum Reply {
    /// That status and content.
    Said(u16, Vec<u8>),
    /// Nothing that can be understood.
    Nothing,
}

impl Reply {
    /// Trying again with the same octets cannot help.
    fn is_final(&self) -> bool {
        matches!(self, Reply::Said(400 | 403 | 409 | 410, _))
    }
}

fn reply_of(came: Came, opening: Option<Opening>) -> Reply {
    let Came::Answer { status: 200, body } = came else { return Reply::Nothing };
    let Some(opening) = opening else { return Reply::Said(200, body) };
    opening.open(&body).map_or(Reply::Nothing, |inner| Reply::Said(inner.status, inner.content))
}

/// Who receives. A test's manifest counts where the configuration says so.
fn operators_of(manifest: &Manifest, options: Options) -> Operators {
    let operators = manifest.operators();
    Operators { is_lab: operators.is_lab && !options.lab, ..operators }
}

fn mode_of(manifest: &Manifest, options: Options, consent: Consent) -> Mode {
    Mode::of(consent, &operators_of(manifest, options))
}

fn operator(manifest: &Manifest, side: Side) -> Option<&Operator> {
    match side {
        Side::A => manifest.a.as_ref(),
        Side::B => manifest.b.as_ref(),
    }
}

/// What a household whose guardian asks before anything holds is shown: who would receive, and how much would leave.
pub fn outlook(manifest: &Manifest, options: Options) -> (Operators, Vec<Planned>) {
    let operators = operators_of(manifest, options);
    let plan = outbox::plan(Mode::of(Consent { guardian: true, children: true }, &operators));
    (operators, plan)
}
