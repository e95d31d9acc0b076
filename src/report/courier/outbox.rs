//! What each moment brings of an epoch: its tokens asked for while it lasts, its slots filled when it ends, questions, reports
//! and sums at the times that were drawn. What comes too late is dropped, never sent in another form.

use super::epoch::{ANSWER_LEN, Asked, Epoch, QUESTION_LEN, Running, Side, Weekly, evaluated, purposes};
use super::{Action, Errand, Home, Pending, Reply};
use crate::report::calendar::{ASK_HOURS, DESTROY_HOURS};
use crate::report::consent::{Counting, Mode, Permit};
use crate::report::envelope::{Envelope, REPORT_LEN, WEEK_LEN};
use crate::report::manifest::Purpose;
use crate::report::message::{Lane, Report, VERSION};
use crate::report::oblivious::ANSWER_MAX;
use crate::report::preview::{Kind, Planned};
use crate::report::seal::{Answer, Question, SealError};
use crate::report::slots::{self, Filling, per_epoch};
use crate::report::spool::Put;
use crate::report::token::{self, REQUEST_LEN, SIGNATURE_LEN, TOKEN_LEN};

/// Octets of the week's sums with their token.
const WEEKLY_LEN: usize = TOKEN_LEN + WEEK_LEN;
/// Keys do not wait for whoever asks: no more than a few hours between two tries.
const DOUBLINGS_MAX: u8 = 5;

type Key = (Lane, u32);

impl Home {
    /// Epochs that run now. One that ended before this box knew of it is left out: it has no tokens for it.
    pub(super) fn open_epochs(&mut self, now: u64) {
        if self.manifest.issuer.is_none() {
            return;
        }
        for lane in Lane::ALL {
            let epoch = self.manifest.calendar.epoch(lane, now);
            let is_wanted = match self.mode {
                Mode::Full(_) => self.manifest.keys(lane, epoch).is_some(),
                Mode::CountsOnly(..) => lane == Lane::Harm,
                Mode::Off(_) => false,
            };
            if is_wanted && !self.epochs.contains_key(&(lane, epoch)) {
                let at = slots::plan_tokens(self.manifest.calendar, lane, epoch, now, &mut self.rng);
                self.epochs.insert((lane, epoch), Epoch::new(at));
            }
        }
    }

    /// Asks for all tokens of an epoch at once, at the time drawn for it.
    pub(super) fn ask_tokens(&mut self, key: Key, now: u64) -> Option<Action> {
        let until = self.manifest.calendar.after(key.0, key.1, ASK_HOURS);
        let epoch = self.epochs.get_mut(&key)?;
        let is_due = epoch.tokens_at.is_some_and(|at| at <= now) && now < until;
        if !is_due || epoch.has_tokens {
            return None;
        }
        let issuer = self.manifest.issuer.as_ref()?;
        let (mut asked, mut body) = (Asked::new(), Vec::new());
        for purpose in purposes(self.mode, key.0) {
            let challenge = self.manifest.challenge(purpose, key.0, key.1)?;
            let (asking, request) = token::ask(&issuer.key, &challenge, &mut self.rng).ok()?;
            asked.push((purpose, asking));
            body.extend(request);
        }
        epoch.tokens_at = None;
        let (url, octets, most) =
            (format!("{}tokens", issuer.url), body.len(), asked.len().saturating_mul(SIGNATURE_LEN));
        let errand = Errand::Tokens(asked);
        let pending = Pending { kind: Kind::Tokens, octets, since: now, epoch: Some(key), errand, opening: None };
        Some(self.wait_for(pending, (url, body), most))
    }

    pub(super) fn take_tokens(&mut self, key: Option<Key>, asked: Asked, reply: &Reply, now: u64) -> bool {
        let wait = self.wait(key.and_then(|key| self.epochs.get(&key)).map_or(0, |epoch| epoch.tries));
        let tokens = self.finish_tokens(asked, reply);
        let Some(epoch) = key.and_then(|key| self.epochs.get_mut(&key)) else { return false };
        let Some(tokens) = tokens else {
            epoch.tries = epoch.tries.saturating_add(1);
            epoch.tokens_at = Some(now.saturating_add(wait));
            return false;
        };
        epoch.put(tokens);
        true
    }

    /// All of them, or none: one that does not hold says that the answer is not to be used.
    fn finish_tokens(&self, asked: Asked, reply: &Reply) -> Option<Vec<(Purpose, token::Token)>> {
        let Reply::Said(200, body) = reply else { return None };
        let key = &self.manifest.issuer.as_ref()?.key;
        if body.len() != asked.len().checked_mul(SIGNATURE_LEN)? {
            return None;
        }
        let answers = body.chunks(SIGNATURE_LEN);
        let tokens = asked.into_iter().zip(answers).map(|((purpose, asking), answer)| {
            let answer: &[u8; SIGNATURE_LEN] = answer.try_into().ok()?;
            Some((purpose, asking.finish(answer, key).ok()?))
        });
        tokens.collect()
    }

    /// When an epoch has ended, draws what leaves of it.
    pub(super) fn close_epoch(&mut self, key: Key, now: u64) {
        let is_over = self.manifest.calendar.ends_at(key.0, key.1) <= now;
        if !is_over || self.epochs.get(&key).is_none_or(|epoch| epoch.is_closed) {
            return;
        }
        let (slots, week) = match self.mode {
            Mode::Full(permit) => (self.fill(key, permit), self.sums(key, permit)),
            Mode::CountsOnly(_, counting) => (Vec::new(), self.one_cell(key, counting)),
            Mode::Off(_) => return,
        };
        if let Some(epoch) = self.epochs.get_mut(&key) {
            (epoch.slots, epoch.week, epoch.is_closed) = (slots, week, true);
        }
    }

    fn fill(&mut self, (lane, epoch): Key, permit: Permit) -> Vec<Running> {
        let header = self.manifest.header(lane, epoch);
        let met = self.tally.take(lane, epoch).into_iter();
        let reports = met.filter_map(|content| Report::new(header, content).ok()).collect();
        let fillings = slots::fill(header, reports, &mut self.rng);
        let slots = slots::plan(self.manifest.calendar, lane, epoch, &mut self.rng);
        let mut running = Vec::new();
        for (filling, slot) in fillings.into_iter().zip(slots) {
            let hidden = match filling {
                Filling::Report(report) => Question::about(*report, permit),
                Filling::Nothing(header) => Question::about_nothing(header, &mut self.rng, permit),
            };
            // Without randomness nothing can be hidden; a slot about nothing fails in the same way.
            match hidden.or_else(|_| Question::about_nothing(header, &mut self.rng, permit)) {
                Ok((question, elements)) => running.push(Running::new(question, elements, slot)),
                Err(_) => self.dropped(Kind::Report, 1),
            }
        }
        running
    }

    /// The week's sums, in the weeks in which a coin says so.
    fn sums(&mut self, (lane, epoch): Key, permit: Permit) -> Option<Weekly> {
        if lane != Lane::Harm {
            return None;
        }
        let presence = self.tally.take_week(epoch);
        if !slots::takes_part(self.manifest.takes_part_one_in, &mut self.rng) {
            return None;
        }
        let (a, b) = (self.manifest.a.as_ref()?, self.manifest.b.as_ref()?);
        let halves = presence.blur(&mut self.rng, permit).split(epoch, &mut self.rng);
        let sealed = halves.ok().and_then(|halves| Envelope::week(epoch, &halves, &a.sealing, &b.sealing).ok());
        let due_at = slots::plan_week(self.manifest.calendar, epoch, &mut self.rng);
        if sealed.is_none() {
            self.dropped(Kind::Week, 1);
        }
        sealed.map(|envelope| Weekly::Sums { envelope, due_at })
    }

    fn one_cell(&mut self, (lane, epoch): Key, counting: Counting) -> Option<Weekly> {
        if lane != Lane::Harm {
            return None;
        }
        let cell = self.tally.take_week(epoch).one_cell(&mut self.rng, counting);
        let due_at = Some(slots::plan_week(self.manifest.calendar, epoch, &mut self.rng));
        Some(Weekly::Answer { group: cell.group, answer: cell.answer, due_at, tries: 0, token: None })
    }

    /// Puts each question to its key holder at its time, and drops what was not answered while keys lived.
    pub(super) fn ask_questions(&mut self, key: Key, now: u64) -> Vec<Action> {
        let is_late = self.manifest.calendar.after(key.0, key.1, DESTROY_HOURS) <= now;
        let count = self.epochs.get(&key).map_or(0, |epoch| epoch.slots.len());
        let mut actions = Vec::new();
        for slot in 0..count {
            if is_late {
                self.lose(key, slot);
                continue;
            }
            actions.extend(Side::BOTH.into_iter().filter_map(|side| self.ask_question(key, slot, side, now)));
        }
        actions
    }

    fn ask_question(&mut self, key: Key, slot: usize, side: Side, now: u64) -> Option<Action> {
        let header = self.manifest.header(key.0, key.1).octets();
        let epoch = self.epochs.get_mut(&key)?;
        let running = epoch.slots.get(slot).filter(|running| running.question.is_some())?;
        if running.half(side).at.is_none_or(|at| at > now) {
            return None;
        }
        let content = epoch.question(slot, side, &header)?;
        epoch.slots.get_mut(slot)?.half_mut(side).at = None;
        let (url, body, opening) = self.through_relay(side, "/evaluate", &content)?;
        let (octets, errand) = (content.len(), Errand::Question { slot, side });
        let opening = Some(opening);
        let pending = Pending { kind: Kind::Question, octets, since: now, epoch: Some(key), errand, opening };
        Some(self.wait_for(pending, (url, body), ANSWER_MAX))
    }

    pub(super) fn take_answer(&mut self, key: Option<Key>, slot: usize, side: Side, reply: &Reply, now: u64) -> bool {
        let Some(key) = key else { return false };
        let running = self.epochs.get(&key).and_then(|epoch| epoch.slots.get(slot));
        let wait = self.wait(running.map_or(0, |running| running.half(side).tries));
        let answer = match reply {
            Reply::Said(200, content) => evaluated(content),
            _ => None,
        };
        if answer.is_none() && reply.is_final() {
            self.lose(key, slot);
            return false;
        }
        let Some(running) = self.epochs.get_mut(&key).and_then(|epoch| epoch.slots.get_mut(slot)) else { return false };
        let half = running.half_mut(side);
        let Some(answer) = answer else {
            half.tries = half.tries.saturating_add(1);
            half.at = Some(now.saturating_add(wait));
            return false;
        };
        half.answer = Some(answer);
        if let Some(answers) = running.answers()
            && let Some(question) = running.question.take()
        {
            let send_at = running.send_at;
            self.seal(key, question, &answers, send_at);
        }
        true
    }

    /// Checks both proofs, also of a slot that is empty, and puts the sealed report on disk.
    fn seal(
        &mut self,
        key: Key,
        question: Question,
        (a, b): &(crate::oprf::Evaluated, crate::oprf::Evaluated),
        send_at: u64,
    ) {
        let Some((key_a, key_b)) = self.manifest.keys(key.0, key.1) else { return self.dropped(Kind::Report, 1) };
        let (a, b) = (Answer { evaluated: a, key: &key_a }, Answer { evaluated: b, key: &key_b });
        let report = match question.seal(a, b, &mut self.rng) {
            Ok(report) => report,
            Err(error @ SealError::Operator { .. }) => {
                self.fault = Some(error.to_string());
                self.tally.clear();
                self.epochs.clear();
                self.pending.clear();
                return self.dropped(Kind::Report, 1);
            }
            Err(_) => return self.dropped(Kind::Report, 1),
        };
        let token = self.epochs.get_mut(&key).and_then(|epoch| epoch.draw(Purpose::Report));
        let sealed = token
            .zip(self.manifest.a.as_ref())
            .and_then(|(token, a)| Envelope::report(&report, token.octets(), &a.sealing).ok());
        match sealed {
            Some(envelope) => self.put(Kind::Report, envelope, send_at, key),
            None => self.dropped(Kind::Report, 1),
        }
    }

    fn put(&mut self, kind: Kind, envelope: Envelope, due_at: u64, key: Key) {
        let until = self.accepted_until(key);
        if !matches!(self.spool.put(envelope, due_at, until), Ok(Put::Kept)) {
            self.dropped(kind, 1);
        }
    }

    /// A slot that cannot be answered any more.
    fn lose(&mut self, key: Key, slot: usize) {
        let running = self.epochs.get_mut(&key).and_then(|epoch| epoch.slots.get_mut(slot));
        if running.is_some_and(|running| running.question.take().is_some()) {
            self.dropped(Kind::Report, 1);
        }
    }

    /// Sums get their token and go to disk; one answer is sent at its time.
    pub(super) fn send_week(&mut self, key: Key, now: u64) -> Option<Action> {
        let epoch = self.epochs.get_mut(&key)?;
        match epoch.week.take()? {
            Weekly::Sums { envelope, due_at } => {
                let Some(token) = epoch.draw(Purpose::Week) else {
                    epoch.week = Some(Weekly::Sums { envelope, due_at });
                    return None;
                };
                self.put(Kind::Week, envelope.behind(&token), due_at, key);
                None
            }
            Weekly::Answer { group, answer, due_at, tries, token } => {
                let token = token.or_else(|| epoch.draw(Purpose::Week).map(Box::new));
                let is_due = due_at.is_some_and(|at| at <= now);
                let content = token.as_ref().filter(|_| is_due).map(|token| {
                    let [a, b, c, d] = key.1.to_be_bytes();
                    [token.octets().as_slice(), &[VERSION, a, b, c, d, group, u8::from(answer)]].concat()
                });
                let due_at = due_at.filter(|_| content.is_none());
                epoch.week = Some(Weekly::Answer { group, answer, due_at, tries, token });
                let content = content?;
                let side = if self.manifest.b.is_some() { Side::B } else { Side::A };
                let (url, body, opening) = self.through_relay(side, "/answer", &content)?;
                let (kind, octets, opening) = (Kind::Answer, content.len(), Some(opening));
                let pending = Pending { kind, octets, since: now, epoch: Some(key), errand: Errand::Answer, opening };
                Some(self.wait_for(pending, (url, body), ANSWER_MAX))
            }
        }
    }

    pub(super) fn take_week_receipt(&mut self, key: Option<Key>, reply: &Reply, now: u64) -> bool {
        let is_taken = matches!(reply, Reply::Said(202, _));
        let week = key.and_then(|key| self.epochs.get(&key)).and_then(|epoch| epoch.week.as_ref());
        let tries = if let Some(Weekly::Answer { tries, .. }) = week { *tries } else { 0 };
        let wait = self.wait(tries);
        let Some(epoch) = key.and_then(|key| self.epochs.get_mut(&key)) else { return false };
        match &mut epoch.week {
            week if is_taken || reply.is_final() => *week = None,
            Some(Weekly::Answer { due_at, tries, .. }) => {
                *due_at = Some(now.saturating_add(wait));
                *tries = tries.saturating_add(1);
            }
            _ => {}
        }
        if !is_taken && reply.is_final() {
            self.dropped(Kind::Answer, 1);
        }
        is_taken
    }

    /// The one that has been due the longest, one at a time.
    pub(super) fn send_spooled(&mut self, now: u64) -> Option<Action> {
        if self.pending.values().any(|pending| matches!(pending.errand, Errand::Spooled(_))) {
            return None;
        }
        let envelope = self.spool.due(now)?.envelope.clone();
        let kind = kind_of(&envelope);
        let path = if kind == Kind::Week { "/week" } else { "/report" };
        let (url, body, opening) = self.through_relay(Side::B, path, envelope.octets())?;
        let (octets, errand, opening) = (envelope.octets().len(), Errand::Spooled(envelope), Some(opening));
        let pending = Pending { kind, octets, since: now, epoch: None, errand, opening };
        Some(self.wait_for(pending, (url, body), ANSWER_MAX))
    }

    pub(super) fn take_receipt(&mut self, kind: Kind, envelope: &Envelope, reply: &Reply, now: u64) -> bool {
        let is_taken = matches!(reply, Reply::Said(202, _));
        // What the disk does not take is tried again, and refused as spent.
        let _ = if is_taken || reply.is_final() {
            self.spool.sent(envelope)
        } else {
            self.spool.failed(envelope, self.manifest.calendar, now, &mut self.rng)
        };
        if !is_taken && reply.is_final() {
            self.dropped(kind, 1);
        }
        is_taken
    }

    /// Drops from disk what nobody takes any more.
    pub(super) fn expire(&mut self, now: u64) {
        let late: Vec<Kind> = self.spool.late(now).map(|waiting| kind_of(&waiting.envelope)).collect();
        if !late.is_empty() && self.spool.expire(now).is_ok() {
            late.into_iter().for_each(|kind| self.dropped(kind, 1));
        }
    }

    pub(super) fn drop_epochs(&mut self, now: u64) {
        let late = self.epochs.keys().filter(|key| self.accepted_until(**key) <= now);
        let late: Vec<Key> = late.copied().collect();
        for key in late {
            let week = self.epochs.remove(&key).and_then(|epoch| epoch.week);
            match week {
                Some(Weekly::Sums { .. }) => self.dropped(Kind::Week, 1),
                Some(Weekly::Answer { .. }) => self.dropped(Kind::Answer, 1),
                None => {}
            }
        }
        self.epochs.retain(|_, epoch| !epoch.is_done());
    }

    /// Seconds until something is tried again.
    fn wait(&mut self, tries: u8) -> u64 {
        slots::retry(self.manifest.calendar, tries.min(DOUBLINGS_MAX), &mut self.rng)
    }
}

/// Each kind that waits on disk is of one length.
fn kind_of(envelope: &Envelope) -> Kind {
    if envelope.octets().len() == REPORT_LEN { Kind::Report } else { Kind::Week }
}

/// What leaves in a week, whatever was met.
pub(super) fn plan(mode: Mode) -> Vec<Planned> {
    let tokens = |lane| purposes(mode, lane).len().saturating_mul(REQUEST_LEN);
    let of_week = |lane| if lane == Lane::Security { 7_usize } else { 1 };
    let planned = |kind, count, octets| Planned { kind, count, octets };
    match mode {
        Mode::Off(_) => Vec::new(),
        Mode::CountsOnly(..) => {
            vec![planned(Kind::Tokens, 1, tokens(Lane::Harm)), planned(Kind::Answer, 1, ANSWER_LEN)]
        }
        Mode::Full(_) => {
            let reports = Lane::ALL.map(|lane| of_week(lane).saturating_mul(per_epoch(lane))).iter().sum::<usize>();
            let mut all: Vec<Planned> = Lane::ALL.map(|lane| planned(Kind::Tokens, of_week(lane), tokens(lane))).into();
            all.push(planned(Kind::Question, reports.saturating_mul(2), QUESTION_LEN));
            all.push(planned(Kind::Report, reports, REPORT_LEN));
            all.push(planned(Kind::Week, 1, WEEKLY_LEN));
            all
        }
    }
}
