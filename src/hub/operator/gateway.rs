//! The gateway of A and of B: opens what came through the relay (RFC 9458), answers questions with its key of the epoch and the
//! proof, and takes messages in. Every message brings a token, spent once; who sent it is nowhere in it.
#![deny(clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bhttp::{Message, Mode, StatusCode};
use zeroize::Zeroizing;

use super::metrics::Metrics;
use super::post::Poster;
use super::secrets::Folder;
use super::serve::Answer;
use super::settings::Role;
use super::store::{Kept, Kind, Store, StoreError};
use crate::hub::database::Value;
use crate::oprf::{ELEMENT_LEN, ServerKey};
use crate::report::calendar::{ACCEPT_HOURS, DESTROY_HOURS};
use crate::report::envelope::{OpeningKey, REPORT_LEN, Week};
use crate::report::manifest::{Manifest, Purpose, challenge};
use crate::report::message::{HEADER_LEN, Header, Lane};
use crate::report::statistics::GROUPS;
use crate::report::token::{TOKEN_LEN, Token};

/// What a closed answer is to HTTP.
const RESPONSE_TYPE: &str = "message/ohttp-res";
/// Octets of a week's message at most.
const WEEK_MAX: usize = 8 << 10;

/// Operator A or B.
pub struct Operator {
    pub(super) role: Role,
    /// Its own name, as tokens have it.
    pub(super) name: String,
    pub(super) folder: Folder,
    pub(super) opening: OpeningKey,
    pub(super) manifest: ArcSwap<Manifest>,
    pub(super) store: Store,
    pub(super) metrics: Arc<Metrics>,
    pub(super) shared: Zeroizing<Vec<u8>>,
    pub(super) poster: Poster,
    /// B: where A listens for it.
    pub(super) peer: String,
    pub(super) reports_max: u64,
    pub(super) keys: Mutex<BTreeMap<(Lane, u32), Arc<ServerKey>>>,
    pub(super) held: Mutex<BTreeMap<(Lane, u32), u64>>,
    /// A: epochs of which something came since it was last looked.
    pub(super) fresh: Mutex<BTreeSet<(Lane, u32)>>,
    /// Held by whoever hands over, opens and adds up: one at a time.
    pub(super) busy: tokio::sync::Mutex<()>,
    pub(super) gateway: ohttp::Server,
}

/// What a request inside comes to: status and content.
type Said = (u16, Vec<u8>);

/// Why a token does not count, as a status.
const FORBIDDEN: Said = (403, Vec::new());
const MALFORMED: Said = (400, Vec::new());
const OVER: Said = (410, Vec::new());
const NO_ROOM: Said = (503, Vec::new());

impl Operator {
    /// One closed message.
    pub async fn closed(&self, body: &[u8], now: u64) -> (&'static str, Answer) {
        let Ok((inner, closing)) = self.gateway.decapsulate(body) else { return ("closed", Answer::status(400)) };
        let (ask, (status, content)) = self.inner(&inner, now).await;
        self.metrics.request(ask, status);
        let closed = encode(status, &content).and_then(|octets| closing.encapsulate(&octets).ok());
        let answer = closed.map_or(Answer::status(503), |octets| Answer::new(200, RESPONSE_TYPE, octets.into()));
        ("gateway", answer)
    }

    async fn inner(&self, octets: &[u8], now: u64) -> (&'static str, Said) {
        let Ok(message) = Message::read_bhttp(&mut Cursor::new(octets)) else { return ("malformed", MALFORMED) };
        let content = message.content();
        match (message.control().path().unwrap_or_default(), self.role) {
            (b"/evaluate", _) => ("evaluate", self.evaluate(content, now).await),
            (b"/report", Role::B) => ("report", self.report(content, now).await),
            (b"/week", Role::B) => ("week", self.week(content, now).await),
            (b"/answer", _) => ("answer", self.one_answer(content, now).await),
            _ => ("other", (404, Vec::new())),
        }
    }

    /// A blinded point, with the key of its epoch as long as it lives.
    async fn evaluate(&self, content: &[u8], now: u64) -> Said {
        let Some((header, rest)) = content.split_first_chunk::<HEADER_LEN>() else { return MALFORMED };
        let Some((token, element)) = rest.split_first_chunk::<TOKEN_LEN>() else { return MALFORMED };
        let Ok(element) = <&[u8; ELEMENT_LEN]>::try_from(element) else { return MALFORMED };
        let manifest = self.manifest.load_full();
        let Some(header) = Header::parse(header).filter(|header| header.threshold == manifest.threshold) else {
            return MALFORMED;
        };
        let place = (header.lane, header.epoch);
        let is_over = manifest.calendar.after(place.0, place.1, DESTROY_HOURS) <= now;
        let key = self.keys.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned();
        let Some(key) = key.filter(|_| !is_over) else { return OVER };
        let purpose = if self.role == Role::A { Purpose::AskA } else { Purpose::AskB };
        match self.spend(&manifest, purpose, place, token, element).await {
            Ok(()) => {}
            Err(said) => return said,
        }
        match key.evaluate(&[*element]) {
            Ok(evaluated) => (200, [evaluated.elements.concat(), evaluated.proof.to_vec()].concat()),
            Err(_) => MALFORMED,
        }
    }

    /// An envelope for A, kept until it is handed over with all others.
    async fn report(&self, content: &[u8], now: u64) -> Said {
        if content.len() != REPORT_LEN {
            return MALFORMED;
        }
        let manifest = self.manifest.load_full();
        let header = content.get(1..).and_then(<[u8]>::first_chunk).and_then(Header::parse);
        let Some(header) = header.filter(|header| header.threshold == manifest.threshold) else { return MALFORMED };
        let place = (header.lane, header.epoch);
        self.keep(&manifest, Kind::Sealed, place, content, now).await
    }

    /// A week in two halves, kept until all are added up.
    async fn week(&self, content: &[u8], now: u64) -> Said {
        let Some((token, week)) = content.split_first_chunk::<TOKEN_LEN>() else { return MALFORMED };
        let parsed = Week::parse(week).ok().filter(|_| week.len() <= WEEK_MAX);
        let Some(parsed) = parsed else { return MALFORMED };
        let (manifest, place) = (self.manifest.load_full(), (Lane::Harm, parsed.epoch));
        if !is_taken(&manifest, place, now) {
            return OVER;
        }
        match self.spend(&manifest, Purpose::Week, place, token, &parsed.nonce).await {
            Ok(()) => self.keep(&manifest, Kind::Weeks, place, week, now).await,
            Err(said) => said,
        }
    }

    /// One noised answer about one group, where there is one operator only.
    async fn one_answer(&self, content: &[u8], now: u64) -> Said {
        let Some((token, rest)) = content.split_first_chunk::<TOKEN_LEN>() else { return MALFORMED };
        let Ok([1, e0, e1, e2, e3, group, answer @ (0 | 1)]) = <&[u8; 7]>::try_from(rest) else { return MALFORMED };
        let (manifest, epoch) = (self.manifest.load_full(), u32::from_be_bytes([*e0, *e1, *e2, *e3]));
        if usize::from(*group) >= GROUPS {
            return MALFORMED;
        }
        let place = (Lane::Harm, epoch);
        let (ends, until) =
            (manifest.calendar.ends_at(place.0, epoch), manifest.calendar.after(place.0, epoch, ACCEPT_HOURS));
        if !(ends..until).contains(&now) {
            return OVER;
        }
        if let Err(said) = self.spend(&manifest, Purpose::Week, place, token, rest).await {
            return said;
        }
        let values = [Value::from(epoch), Value::Int(i64::from(*group)), Value::Int(i64::from(*answer))];
        let counted = self.store.database().execute(COUNT_ANSWER, &values);
        if counted.is_ok() { (202, Vec::new()) } else { NO_ROOM }
    }

    /// A token for that purpose, spent once; asked again with the same content it still counts, since answers get lost.
    pub(super) async fn spend(
        &self,
        manifest: &Manifest,
        purpose: Purpose,
        place: (Lane, u32),
        token: &[u8; TOKEN_LEN],
        on: &[u8],
    ) -> Result<(), Said> {
        let Some(issuer) = &manifest.issuer else { return Err(FORBIDDEN) };
        let wanted = challenge(&issuer.name, &self.name, purpose, place.0, place.1);
        let good = Token::parse(token).filter(|token| issuer.key.verify(token, &wanted).is_ok());
        let Some(token) = good else {
            self.metrics.tokens("refused", 1);
            return Err(FORBIDDEN);
        };
        match self.store.insert((Kind::Spent, place.0, place.1), token.nonce(), on).await {
            Ok(Kept::New) => {
                self.metrics.tokens("spent", 1);
                Ok(())
            }
            Ok(Kept::Known(before)) if before == on => Ok(()),
            Ok(Kept::Known(_)) => {
                self.metrics.tokens("again", 1);
                Err((409, Vec::new()))
            }
            Err(_) => Err(NO_ROOM),
        }
    }

    async fn keep(&self, manifest: &Manifest, kind: Kind, place: (Lane, u32), octets: &[u8], now: u64) -> Said {
        if !is_taken(manifest, place, now) {
            return OVER;
        }
        if !self.has_room(place) {
            return NO_ROOM;
        }
        let kept: Result<Kept, StoreError> = self.store.insert((kind, place.0, place.1), octets, &[]).await;
        if kept.is_ok() { (202, Vec::new()) } else { NO_ROOM }
    }

    /// Counts one more of an epoch; `false` when there are as many as may be.
    fn has_room(&self, place: (Lane, u32)) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = held.entry(place).or_default();
        *count = count.saturating_add(1);
        *count <= self.reports_max
    }

    /// Whether a manifest has this operator in its role, by name and key: tokens are signed for the one, messages sealed to the
    /// other.
    pub(super) fn is_named(&self, manifest: &Manifest) -> Result<bool, super::secrets::SecretError> {
        let known = if self.role == Role::A { &manifest.a } else { &manifest.b };
        let sealing = self.opening.public()?;
        Ok(known.as_ref().is_some_and(|known| known.sealing == sealing && known.name == self.name))
    }

    /// Loads the keys that are on disk now.
    pub(super) fn load_keys(&self) -> Result<(), super::secrets::SecretError> {
        let keys: BTreeMap<_, _> = self.folder.keys()?.into_iter().map(|(place, key)| (place, Arc::new(key))).collect();
        self.metrics.held("keys", keys.len() as u64);
        *self.keys.lock().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }
}

/// Epochs that ended and are not too old, of which there are keys.
fn is_taken(manifest: &Manifest, (lane, epoch): (Lane, u32), now: u64) -> bool {
    let (from, until) = (manifest.calendar.ends_at(lane, epoch), manifest.calendar.after(lane, epoch, ACCEPT_HOURS));
    manifest.keys(lane, epoch).is_some() && (from..until).contains(&now)
}

fn encode(status: u16, content: &[u8]) -> Option<Vec<u8>> {
    let mut message = Message::response(StatusCode::try_from(status).ok()?);
    message.write_content(content);
    let mut octets = Vec::new();
    message.write_bhttp(Mode::KnownLength, &mut octets).ok()?;
    Some(octets)
}

const COUNT_ANSWER: &str = "INSERT INTO answers (epoch, grp, yes, asked) VALUES ($1, $2, $3, 1) \
    ON CONFLICT (epoch, grp) DO UPDATE SET yes = answers.yes + excluded.yes, asked = answers.asked + 1";
