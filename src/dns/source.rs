//! Where unknown answers come from: the servers of the longest route, the configured upstreams, or the authoritative servers
//! themselves; validated where the configuration says so. Always comes back with a message: a failure is one too, and says
//! why (RFC 8914).

mod proof;
mod recurse;
mod validate;

use std::sync::Arc;

use hickory_proto::op::{Message, MessageType, OpCode, ResponseCode};
use rustls::ClientConfig;

use super::answer::EdeCode;
use super::record::{Key, Note};
use super::upstream::{Asked, Upstreams};
use crate::config::{self, Mode};
use crate::name::{Name, NameSet};
use crate::telemetry::metrics::ServerStats;
use recurse::Recursion;
use validate::Validation;

/// All ways to an answer, of one configuration.
pub struct Source {
    routes: Vec<(Name, Upstreams)>,
    main: Main,
    /// Names that are not validated.
    unvalidated: NameSet,
}

enum Main {
    /// Other resolvers, believed or checked.
    Forward(Arc<Upstreams>, Option<Validation>),
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
            Mode::Forward => {
                let upstreams = Arc::new(servers(&upstream.servers));
                let validation = upstream.dnssec.then(|| Validation::new(Arc::clone(&upstreams), upstream));
                Main::Forward(upstreams, validation)
            }
        };
        Source {
            routes: upstream.routes.iter().map(|route| (route.suffix.clone(), servers(&route.servers))).collect(),
            main,
            unvalidated: NameSet::new(&upstream.negative_trust_anchors),
        }
    }

    /// The answer to the question of `key`.
    pub async fn ask(&self, key: &Key) -> Found {
        let Some(asked) = Asked::of(key) else { return Found::failure(None, key, EdeCode::NetworkError) };
        if let Some((_, servers)) = self.routes.iter().find(|(suffix, _)| key.name.is_within(suffix)) {
            return forward(servers, &asked, key).await;
        }
        let unchecked = key.checking_disabled || self.unvalidated.contains(&key.name);
        match &self.main {
            Main::Recurse(recursion) => recursion.ask(asked, key, !unchecked).await,
            Main::Forward(_, Some(validation)) if !unchecked => validation.ask(asked, key).await,
            Main::Forward(upstreams, _) => {
                // Whoever checks for himself, or must not check, wants the data whatever the upstream thinks of it.
                let checking_disabled = unchecked;
                forward(upstreams, &Asked { checking_disabled, ..asked }, key).await
            }
        }
    }

    /// Each upstream as it was written, and its numbers.
    pub fn stats(&self) -> Vec<(String, ServerStats)> {
        let main = match &self.main {
            Main::Forward(upstreams, _) => Some(&**upstreams),
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

impl Found {
    /// SERVFAIL and why. Remembered for a while like any other answer (RFC 9520).
    fn failure(asked: Option<&Asked>, key: &Key, code: EdeCode) -> Found {
        let mut message = Message::new(0, MessageType::Response, OpCode::Query);
        message.metadata.response_code = ResponseCode::ServFail;
        message.queries.extend(asked.map(|asked| asked.query.clone()));
        Found::of(message, key, Note { authentic: false, ede: Some(code) })
    }

    /// What the client asked for of `message`: without signatures unless it wants them, without what it did not ask for.
    fn of(message: Message, key: &Key, note: Note) -> Found {
        let mut message = message.maybe_strip_dnssec_records(key.dnssec_ok);
        message.metadata.message_type = MessageType::Response;
        message.edns = None;
        message.additionals.clear();
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
