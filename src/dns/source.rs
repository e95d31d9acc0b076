//! Where unknown answers come from: the servers of the longest route, the configured upstreams, or the authoritative servers
//! themselves; validated where the configuration says so. Always comes back with a message: a failure is one too, and says
//! why (RFC 8914).

mod recurse;

use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name as WireName, Record, RecordType};
use rustls::ClientConfig;

use super::answer::EdeCode;
use super::dnssec::{Fetch, Validator, covered};
use super::record::{Key, Note};
use super::upstream::{Asked, Upstreams};
use crate::config::{self, Mode};
use crate::name::{Name, NameSet};
use crate::telemetry::metrics::ServerStats;
use recurse::Recursion;

/// All ways to an answer, of one configuration.
pub struct Source {
    routes: Vec<(Name, Upstreams)>,
    main: Main,
    /// Checks what comes back; `None` believes it.
    validator: Option<Validator>,
    /// Names that are not checked.
    unchecked: NameSet,
}

enum Main {
    /// Other resolvers.
    Forward(Upstreams),
    /// From the root down.
    Recurse(Box<Recursion>),
}

/// An answer and what is known of it.
pub struct Found {
    /// The whole message.
    pub message: Vec<u8>,
    /// What it does not say itself.
    pub note: Note,
}

impl Source {
    /// Nothing is sent yet. `cache_bytes` bounds what recursion and validation remember.
    pub fn new(upstream: &config::Upstream, cache_bytes: u64) -> Source {
        let tls = client_tls(upstream);
        let servers = |servers: &[config::Server]| Upstreams::new(servers, upstream.strategy, upstream.timeout, &tls);
        let main = match upstream.mode {
            Mode::Recurse => Main::Recurse(Box::new(Recursion::new(upstream, cache_bytes))),
            Mode::Forward => Main::Forward(servers(&upstream.servers)),
        };
        let unchecked = NameSet::new(&upstream.negative_trust_anchors);
        let validator = || Validator::new(Arc::clone(&upstream.trust_anchor), unchecked.clone());
        Source {
            routes: upstream.routes.iter().map(|route| (route.suffix.clone(), servers(&route.servers))).collect(),
            main,
            validator: upstream.dnssec.then(validator),
            unchecked,
        }
    }

    /// The answer to the question of `key`.
    pub async fn ask(&self, key: &Key) -> Found {
        let Some(asked) = Asked::of(key) else { return Found::failure(None, key, EdeCode::NetworkError) };
        if let Some((_, servers)) = self.routes.iter().find(|(suffix, _)| key.name.is_within(suffix)) {
            return forward(servers, &asked, key).await;
        }
        let is_unchecked = key.checking_disabled || self.unchecked.contains(&key.name);
        let validator = self.validator.as_ref().filter(|_| !is_unchecked);
        let found = match (&self.main, validator) {
            (Main::Forward(upstreams), None) => {
                // Whoever checks for himself, or must not check, wants the data whatever the upstream thinks of it.
                return forward(upstreams, &Asked { checking_disabled: is_unchecked, ..asked }, key).await;
            }
            (Main::Forward(upstreams), Some(validator)) => check(upstreams, &asked, validator).await,
            (Main::Recurse(recursion), validator) => recursion.ask(&asked.query, validator).await,
        };
        match found {
            Ok((message, authentic)) => Found::of(message, key, Note { authentic, ..Note::default() }),
            Err(code) => Found::failure(Some(&asked), key, code),
        }
    }

    /// Forgets what is past its time at `now`.
    pub fn forget(&self, now: u64) {
        if let Main::Recurse(recursion) = &self.main {
            recursion.forget(now);
        }
        self.validator.iter().for_each(Validator::forget);
    }

    /// Each upstream as it was written, and its numbers.
    pub fn stats(&self) -> Vec<(String, ServerStats)> {
        let main = match &self.main {
            Main::Forward(upstreams) => Some(upstreams),
            Main::Recurse(_) => None,
        };
        let all = main.into_iter().chain(self.routes.iter().map(|(_, servers)| servers));
        let mut stats: Vec<_> = all.flat_map(Upstreams::stats).collect();
        // One server may stand in several routes; its numbers are those of all.
        stats.sort_by(|one, other| one.0.cmp(&other.0));
        stats.dedup_by(|later, kept| later.0 == kept.0 && kept.1.add(&later.1));
        stats
    }
}

async fn forward(servers: &Upstreams, asked: &Asked, key: &Key) -> Found {
    match servers.ask(asked).await {
        Ok(message) => Found { message, note: Note::default() },
        Err(_) => Found::failure(Some(asked), key, EdeCode::NoReachableAuthority),
    }
}

/// The upstreams' answer, followed up to a trust anchor.
async fn check(upstreams: &Upstreams, asked: &Asked, validator: &Validator) -> Result<(Message, bool), EdeCode> {
    let message = ask_unchecked(upstreams, asked.query.clone()).await;
    let mut message = message.ok_or(EdeCode::NoReachableAuthority)?;
    if !matches!(message.response_code, ResponseCode::NoError | ResponseCode::NXDomain) {
        return Err(EdeCode::NetworkError);
    }
    let authentic = validator.check(upstreams, &mut message).await?;
    Ok((message, authentic))
}

/// With signatures, and without the upstream's own check, which would hide what ours has to see (RFC 6840 §5.9).
async fn ask_unchecked(upstreams: &Upstreams, query: Query) -> Option<Message> {
    let asked = Asked { query, dnssec_ok: true, checking_disabled: true };
    let message = Message::from_vec(&upstreams.ask(&asked).await.ok()?).ok()?;
    let is_for = message.queries.first().is_some_and(|query| *query == asked.query);
    is_for.then_some(message)
}

impl Fetch for Upstreams {
    async fn fetch(&self, name: &WireName, kind: RecordType) -> Option<Message> {
        let mut query = Query::query(name.clone(), kind);
        query.set_query_class(DNSClass::IN);
        ask_unchecked(self, query).await
    }
}

impl Found {
    /// SERVFAIL and why. Remembered for a while like any other answer (RFC 9520).
    fn failure(asked: Option<&Asked>, key: &Key, code: EdeCode) -> Found {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.response_code = ResponseCode::ServFail;
        message.queries.extend(asked.map(|asked| asked.query.clone()));
        Found::of(message, key, Note { ede: Some(code), ..Note::default() })
    }

    /// What the client asked for of `message`: without signatures unless it wants them, without what it did not ask for.
    fn of(message: Message, key: &Key, note: Note) -> Found {
        let mut message = message.maybe_strip_dnssec_records(key.dnssec_ok);
        message.metadata.message_type = MessageType::Response;
        message.edns = None;
        message.additionals.clear();
        if !message.answers.is_empty() {
            // Name servers beside an answer are nobody's question.
            let kind = |record: &Record| covered(record).unwrap_or_else(|| record.record_type());
            message.authorities.retain(|record| kind(record) != RecordType::NS);
        }
        // A message that cannot be written is no answer; the caller reads it and says so.
        Found { message: message.to_vec().unwrap_or_default(), note }
    }
}

fn client_tls(upstream: &config::Upstream) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = Arc::clone(&upstream.authorities);
    let builder = ClientConfig::builder_with_provider(provider);
    // The provider is compiled in and has cipher suites for both versions, so this cannot fail; TLS 1.3 alone stands in.
    let builder = builder.with_safe_default_protocol_versions().unwrap_or_else(|_| ClientConfig::builder());
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}
