//! Recursion from the root down. hickory walks the delegations, minimises what each server learns (RFC 9156) and bounds the
//! questions one answer may cost; here the walk gets its limits, and its result becomes a message again.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::{DnsError, NetError, NoRecords};
use hickory_proto::dnssec::Proof;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{RData, Record, RecordType};
use hickory_resolver::recursor::{DnssecConfig, DnssecPolicy, Recursor, RecursorError, RecursorOptions};

use super::super::answer::EdeCode;
use super::super::record::Key;
use super::super::upstream::Asked;
use super::validate::{NSEC3_ITERATIONS_INSECURE, NSEC3_ITERATIONS_MAX};
use super::{Found, proof};
use crate::config;

type Walker = Recursor<TokioRuntimeProvider>;

/// A recursor that checks, and one that does not for those who check themselves.
pub struct Recursion {
    limits: Limits,
    checked: OnceLock<Option<Walker>>,
    unchecked: OnceLock<Option<Walker>>,
}

struct Limits {
    upstream: config::Upstream,
    responses_max: u64,
}

/// A question whose answer takes longer than this has none: clients have given up by then.
const WALK_MAX: Duration = Duration::from_secs(10);
/// What a remembered message takes, with its place in hickory's cache. A guess.
const RESPONSE_BYTES: u64 = 2048;
/// Zones whose servers are remembered.
const ZONES_MAX: usize = 4096;
/// Deepest chain of delegations and aliases; the deepest honest ones have about ten.
const DEPTH_MAX: u8 = 16;
/// Aliases of a denied name that are told; a longer chain fails before.
const ALIASES_MAX: usize = 16;

impl Recursion {
    /// Nothing is sent yet.
    pub fn new(upstream: &config::Upstream, cache_bytes: u64) -> Recursion {
        let responses_max = (cache_bytes / RESPONSE_BYTES).clamp(64, 1 << 20);
        let limits = Limits { upstream: upstream.clone(), responses_max };
        Recursion { limits, checked: OnceLock::new(), unchecked: OnceLock::new() }
    }

    /// The answer from the authoritative servers; checked when the configuration and the asker want it.
    pub async fn ask(&self, asked: Asked, key: &Key, checking: bool) -> Found {
        let checking = checking && self.limits.upstream.dnssec;
        let walker = if checking {
            self.checked.get_or_init(|| self.limits.walker(true))
        } else {
            self.unchecked.get_or_init(|| self.limits.walker(false))
        };
        let Some(walker) = walker else { return Found::failure(Some(&asked), key, EdeCode::NotReady) };
        match tokio::time::timeout(WALK_MAX, walk(walker, &asked.query)).await {
            Ok(Ok(message)) => told(message, &asked, key, checking),
            Ok(Err(code)) => Found::failure(Some(&asked), key, code),
            Err(_) => Found::failure(Some(&asked), key, EdeCode::NoReachableAuthority),
        }
    }
}

impl Limits {
    fn walker(&self, checking: bool) -> Option<Walker> {
        let mut options = RecursorOptions {
            ns_cache_size: ZONES_MAX,
            response_cache_size: self.responses_max,
            recursion_limit: DEPTH_MAX,
            ns_recursion_limit: DEPTH_MAX,
            case_randomization: true,
            ..RecursorOptions::default()
        };
        if self.upstream.allow_private_servers {
            options.deny_server.clear();
        }
        let policy = if checking {
            let mut dnssec = DnssecConfig::default();
            dnssec.trust_anchor = Some(Arc::clone(&self.upstream.trust_anchor));
            dnssec.nsec3_soft_iteration_limit = Some(NSEC3_ITERATIONS_INSECURE);
            dnssec.nsec3_hard_iteration_limit = Some(NSEC3_ITERATIONS_MAX);
            DnssecPolicy::ValidateWithStaticKey(dnssec)
        } else {
            DnssecPolicy::ValidationDisabled
        };
        let made = Recursor::new(&self.upstream.root_hints, policy, None, options, TokioRuntimeProvider::new());
        made.map_err(|error| tracing::error!(%error, "recursion cannot start")).ok()
    }
}

fn told(mut message: Message, asked: &Asked, key: &Key, checking: bool) -> Found {
    message.queries = vec![asked.query.clone()];
    proof::trim(&mut message);
    match if checking { proof::weigh(&message) } else { Ok(Default::default()) } {
        Ok(note) => Found::of(message, key, note),
        Err(code) => Found::failure(Some(asked), key, code),
    }
}

async fn walk(walker: &Walker, query: &Query) -> Result<Message, EdeCode> {
    let denied = match walker.resolve(query.clone(), Instant::now(), true).await {
        Ok(message) => return Ok(message),
        Err(error) => denial(error)?,
    };
    // hickory tells of the last name only; the aliases that led to it belong to the answer.
    let aliases = aliases(walker, query, &denied).await;
    Ok(message_of(query, denied, aliases))
}

/// What a failed walk proves after all; the error is why it proves nothing.
fn denial(error: RecursorError) -> Result<NoRecords, EdeCode> {
    match error {
        RecursorError::Negative(data) => Ok(data.into()),
        RecursorError::Net(NetError::Dns(DnsError::NoRecordsFound(denied))) => Ok(denied),
        RecursorError::Net(NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, query, .. })) => {
            let mut denied = NoRecords::new(*query, response.response_code);
            denied.authorities = Some(response.authorities.iter().cloned().collect());
            Ok(denied)
        }
        RecursorError::Net(NetError::Dns(DnsError::Nsec { response, .. })) => Err(proof::why_unproven(&response)),
        RecursorError::Net(NetError::Dns(DnsError::DnssecBogus)) => Err(EdeCode::DnssecBogus),
        error => {
            tracing::debug!(%error, "no answer from the authoritative servers");
            Err(EdeCode::NoReachableAuthority)
        }
    }
}

async fn aliases(walker: &Walker, query: &Query, denied: &NoRecords) -> Vec<Record> {
    let (mut aliases, mut name) = (Vec::new(), query.name().clone());
    for _ in 0..ALIASES_MAX {
        if name == *denied.query.name() || query.query_type() == RecordType::CNAME {
            break;
        }
        let mut question = Query::query(name.clone(), RecordType::CNAME);
        question.set_query_class(query.query_class());
        let Ok(message) = walker.resolve(question, Instant::now(), true).await else { break };
        let target = message.answers.iter().find_map(|record| match &record.data {
            RData::CNAME(target) if record.name == name => Some(target.0.clone()),
            _ => None,
        });
        aliases.extend(message.answers);
        match target {
            Some(target) => name = target,
            None => break,
        }
    }
    aliases
}

fn message_of(query: &Query, denied: NoRecords, aliases: Vec<Record>) -> Message {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.metadata.response_code = match denied.response_code {
        ResponseCode::NXDomain => ResponseCode::NXDomain,
        _ => ResponseCode::NoError,
    };
    message.queries.push(query.clone());
    message.answers = aliases;
    let authorities = denied.authorities.iter().flat_map(|records| records.iter().cloned());
    message.authorities.extend(authorities.filter(|record| record.record_type() != RecordType::NS));
    if let Some(soa) = denied.soa {
        let soa = (*soa).into_record_of_rdata();
        if !message.authorities.iter().any(|record| record.record_type() == RecordType::SOA) {
            message.authorities.insert(0, soa);
        }
    }
    message
}
