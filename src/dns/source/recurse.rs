//! Recursion from the root down. hickory walks the delegations, minimises what each server learns (RFC 9156) and bounds the
//! questions one answer may cost. Aliases are followed here, one by one, so that each can be checked with the proofs that
//! came with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::{DnsError, NetError, NoRecords};
use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_resolver::recursor::{DnssecPolicy, Recursor, RecursorError, RecursorOptions};

use super::super::answer::EdeCode;
use super::super::dnssec::{Fetch, Validator, covered};
use crate::clock::now_secs;
use crate::config;

/// The way down from the root.
pub struct Recursion {
    /// What hickory remembers lives and dies with it; `None` when it could not start.
    recursor: ArcSwapOption<Recursor<TokioRuntimeProvider>>,
    made_at: AtomicU64,
    upstream: config::Upstream,
    cache_bytes: u64,
}

/// hickory passes over what is past its time, but keeps it until there is no room. After a day all of it goes, and a few
/// delegations are asked for anew.
const REMEMBER_SECS: u64 = 86_400;

/// A question whose answer takes longer than this has none: clients have given up by then.
const WALK_MAX: Duration = Duration::from_secs(10);
/// What a remembered message takes, with its place in hickory's cache and the state of its servers: measured at about 14 KiB
/// for names asked once. Finished answers are kept elsewhere; here it is about delegations.
const RESPONSE_BYTES: u64 = 8192;
/// Zones whose servers are remembered.
const ZONES_MAX: usize = 1024;
/// Deepest chain of delegations and aliases; the deepest honest ones have about ten.
const DEPTH_MAX: u8 = 16;
/// Longest chain of aliases; honest ones have three or four, and unbound gives up at eleven.
const ALIASES_MAX: usize = 11;

impl Recursion {
    /// Nothing is sent yet.
    pub fn new(upstream: &config::Upstream, cache_bytes: u64) -> Recursion {
        let recursor = ArcSwapOption::from(recursor(upstream, cache_bytes).map(Arc::new));
        Recursion { recursor, made_at: AtomicU64::new(now_secs()), upstream: upstream.clone(), cache_bytes }
    }

    /// Forgets everything once a day.
    pub fn forget(&self, now: u64) {
        if now.saturating_sub(self.made_at.load(Ordering::Relaxed)) >= REMEMBER_SECS {
            self.made_at.store(now, Ordering::Relaxed);
            self.recursor.store(recursor(&self.upstream, self.cache_bytes).map(Arc::new));
        }
    }

    /// The whole answer, and whether all of it is authentic; checked when there is a validator.
    pub async fn ask(&self, query: &Query, validator: Option<&Validator>) -> Result<(Message, bool), EdeCode> {
        let walk = tokio::time::timeout(WALK_MAX, self.follow(query, validator)).await;
        walk.unwrap_or(Err(EdeCode::NoReachableAuthority))
    }

    async fn follow(&self, query: &Query, validator: Option<&Validator>) -> Result<(Message, bool), EdeCode> {
        let mut whole = response_to(query);
        let (mut name, mut seen) = (query.name().clone(), Vec::new());
        let mut authentic = validator.is_some();
        while seen.len() < ALIASES_MAX {
            let mut hop = self.hop(&with_name(query, name.clone(), query.query_type())).await?;
            if let Some(validator) = validator {
                authentic &= validator.check(self, &mut hop).await?;
            }
            let target = alias_at(&hop, &name).filter(|_| query.query_type() != RecordType::CNAME);
            whole.answers.append(&mut hop.answers);
            whole.authorities.append(&mut hop.authorities);
            seen.push(name);
            match target {
                // A chain that bites its tail leads nowhere.
                Some(target) if seen.contains(&target) => return Err(EdeCode::InvalidData),
                Some(target) => name = target,
                None => {
                    whole.metadata.response_code = hop.metadata.response_code;
                    return Ok((whole, authentic));
                }
            }
        }
        Err(EdeCode::InvalidData)
    }

    /// What there is at one name: its data, its alias, or the proof that there is nothing.
    async fn hop(&self, question: &Query) -> Result<Message, EdeCode> {
        let error = match self.resolve(question.clone()).await {
            Ok(message) => return Ok(first_hop(message, question)),
            Err(error) => error,
        };
        // Where a name above does not exist, this one does not (RFC 8020).
        let is_elsewhere = denied_name(&error).is_some_and(|denied| !denied.zone_of(question.name()));
        // Of an alias hickory tells the end only; asked for a SOA, it tells of none.
        let alias = with_name(question, question.name().clone(), RecordType::CNAME);
        if is_elsewhere && question.query_type() != RecordType::CNAME {
            let message = self.resolve(alias.clone()).await.map_err(|_| EdeCode::NoReachableAuthority)?;
            return Ok(first_hop(message, &alias));
        }
        if question.query_type() == RecordType::SOA
            && let Ok(message) = self.resolve(alias.clone()).await
            && alias_at(&message, question.name()).is_some()
        {
            return Ok(first_hop(message, &alias));
        }
        Ok(message_of(question, denial(error)?))
    }

    async fn resolve(&self, query: Query) -> Result<Message, RecursorError> {
        match self.recursor.load_full() {
            Some(recursor) => recursor.resolve(query, Instant::now(), true).await,
            None => Err(RecursorError::Message("recursion could not start")),
        }
    }
}

fn recursor(upstream: &config::Upstream, cache_bytes: u64) -> Option<Recursor<TokioRuntimeProvider>> {
    let mut options = RecursorOptions {
        ns_cache_size: ZONES_MAX,
        response_cache_size: (cache_bytes / RESPONSE_BYTES).clamp(64, 1 << 20),
        recursion_limit: DEPTH_MAX,
        ns_recursion_limit: DEPTH_MAX,
        case_randomization: true,
        ..RecursorOptions::default()
    };
    if upstream.allow_private_servers {
        options.deny_server.clear();
    }
    // Signatures are fetched with everything; whether they hold is judged elsewhere.
    let policy = DnssecPolicy::ValidationDisabled;
    let made = Recursor::new(&upstream.root_hints, policy, None, options, TokioRuntimeProvider::new());
    made.map_err(|error| tracing::error!(%error, "recursion cannot start")).ok()
}

impl Fetch for Recursion {
    async fn fetch(&self, name: &Name, kind: RecordType) -> Option<Message> {
        let mut query = Query::query(name.clone(), kind);
        query.set_query_class(DNSClass::IN);
        self.hop(&query).await.ok()
    }
}

/// Of an answer what concerns the name asked for. An alias is the answer to a question for it.
fn first_hop(mut message: Message, question: &Query) -> Message {
    let name = question.name();
    let is_above =
        |record: &Record| u16::from(kind_of(record)) == DNAME && record.name != *name && record.name.zone_of(name);
    message.answers.retain(|record| record.name == *name || is_above(record));
    let is_alias = alias_at(&message, name).is_some();
    let kind = if is_alias { RecordType::CNAME } else { question.query_type() };
    let is_expanded = message.answers.iter().any(is_expanded);
    message.authorities.retain(|record| match u16::from(kind_of(record)) {
        NSEC | NSEC3 => !is_alias || is_expanded,
        _ => !is_alias && kind_of(record) != RecordType::NS,
    });
    if !message.answers.is_empty() {
        message.metadata.response_code = ResponseCode::NoError;
    }
    message.queries = vec![with_name(question, name.clone(), kind)];
    message
}

/// Types by number (IANA).
const DNAME: u16 = 39;
const NSEC: u16 = 47;
const NSEC3: u16 = 50;

/// The type of a record, and of what a signature covers.
fn kind_of(record: &Record) -> RecordType {
    covered(record).unwrap_or_else(|| record.record_type())
}

/// True for the signature of something a wildcard made (RFC 4035 §5.3.4).
fn is_expanded(record: &Record) -> bool {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => signature.input().num_labels < record.name.num_labels(),
        _ => false,
    }
}

fn alias_at(message: &Message, name: &Name) -> Option<Name> {
    message.answers.iter().find_map(|record| match &record.data {
        RData::CNAME(target) if record.name == *name => Some(target.0.clone()),
        _ => None,
    })
}

/// The name that does not exist or has nothing of the kind, if that is what the error says.
fn denied_name(error: &RecursorError) -> Option<&Name> {
    match error {
        RecursorError::Negative(data) => Some(data.query.name()),
        RecursorError::Net(NetError::Dns(DnsError::NoRecordsFound(denied))) => Some(denied.query.name()),
        _ => None,
    }
}

/// What a failed walk says is not there; the error is why it says nothing.
fn denial(error: RecursorError) -> Result<NoRecords, EdeCode> {
    match error {
        RecursorError::Negative(data) => Ok(data.into()),
        RecursorError::Net(NetError::Dns(DnsError::NoRecordsFound(denied))) => Ok(denied),
        error => {
            tracing::debug!(%error, "no answer from the authoritative servers");
            Err(EdeCode::NoReachableAuthority)
        }
    }
}

fn with_name(query: &Query, name: Name, kind: RecordType) -> Query {
    let mut query = query.clone();
    query.name = name;
    query.query_type = kind;
    query
}

fn response_to(query: &Query) -> Message {
    let mut message = Message::new(0, MessageType::Response, OpCode::Query);
    message.queries.push(query.clone());
    message
}

fn message_of(query: &Query, denied: NoRecords) -> Message {
    let mut message = response_to(query);
    message.metadata.response_code = match denied.response_code {
        ResponseCode::NXDomain => ResponseCode::NXDomain,
        _ => ResponseCode::NoError,
    };
    let authorities = denied.authorities.iter().flat_map(|records| records.iter().cloned());
    message.authorities.extend(authorities.filter(|record| kind_of(record) != RecordType::NS));
    if let Some(soa) = denied.soa
        && !message.authorities.iter().any(|record| record.record_type() == RecordType::SOA)
    {
        message.authorities.insert(0, (*soa).into_record_of_rdata());
    }
    message
}
