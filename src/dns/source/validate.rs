//! Forwarding with a check: every answer of the upstreams is followed up to a trust anchor (RFC 4035 §5).

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use hickory_net::dnssec::DnssecDnsHandle;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::xfer::{DnsHandle, FirstAnswer};
use hickory_net::{DnsError, NetError};
use hickory_proto::dnssec::Proof;
use hickory_proto::op::{DnsRequest, DnsRequestOptions, DnsResponse};

use super::super::answer::EdeCode;
use super::super::record::Key;
use super::super::upstream::{Asked, Upstreams};
use super::{Found, proof};
use crate::config;

/// More iterations are not worth the work: the zone counts as unsigned (RFC 9276 §3.2).
pub const NSEC3_ITERATIONS_INSECURE: u16 = 50;
/// Above this the answer is refused.
pub const NSEC3_ITERATIONS_MAX: u16 = 150;

/// Upstreams whose answers are checked.
pub struct Validation(DnssecDnsHandle<Handle>);

impl Validation {
    /// In front of `upstreams`.
    pub fn new(upstreams: Arc<Upstreams>, upstream: &config::Upstream) -> Validation {
        let handle = DnssecDnsHandle::with_trust_anchor(Handle(upstreams), Arc::clone(&upstream.trust_anchor));
        Validation(handle.nsec3_iteration_limits(Some(NSEC3_ITERATIONS_INSECURE), Some(NSEC3_ITERATIONS_MAX)))
    }

    /// The checked answer.
    pub async fn ask(&self, asked: Asked, key: &Key) -> Found {
        let options = options();
        let result = self.0.lookup(asked.query.clone(), options).first_answer().await;
        match result {
            Ok(response) => judge(response, &asked, key),
            Err(NetError::Dns(DnsError::Nsec { response, proof: Proof::Insecure, .. })) => {
                judge(*response, &asked, key)
            }
            Err(NetError::Dns(DnsError::Nsec { response, .. })) => {
                Found::failure(Some(&asked), key, proof::why_unproven(&response))
            }
            Err(NetError::Dns(DnsError::DnssecBogus)) => Found::failure(Some(&asked), key, EdeCode::DnssecBogus),
            Err(error) => {
                tracing::debug!(%error, "no checked answer");
                Found::failure(Some(&asked), key, EdeCode::NoReachableAuthority)
            }
        }
    }
}

fn options() -> DnsRequestOptions {
    let mut options = DnsRequestOptions::default();
    options.edns_set_dnssec_ok = true;
    options
}

fn judge(response: DnsResponse, asked: &Asked, key: &Key) -> Found {
    let mut message = response.into_message();
    proof::trim(&mut message);
    match proof::weigh(&message) {
        Ok(note) => Found::of(message, key, note),
        Err(code) => Found::failure(Some(asked), key, code),
    }
}

/// The upstreams as hickory asks them.
#[derive(Clone)]
struct Handle(Arc<Upstreams>);

impl DnsHandle for Handle {
    type Response = Pin<Box<dyn Stream<Item = Result<DnsResponse, NetError>> + Send>>;
    type Runtime = TokioRuntimeProvider;

    fn send(&self, request: DnsRequest) -> Self::Response {
        let upstreams = Arc::clone(&self.0);
        Box::pin(stream::once(async move {
            let query = request.queries.first().cloned().ok_or_else(|| NetError::from("no question"))?;
            // The upstream's own check would hide what ours has to see (RFC 6840 §5.9).
            let asked = Asked { query, dnssec_ok: true, checking_disabled: true };
            let answer = upstreams.ask(&asked).await.map_err(|_| NetError::Timeout)?;
            let response = DnsResponse::from_buffer(answer)?;
            let is_for = response.queries.first().is_some_and(|query| *query == asked.query);
            if is_for { Ok(response) } else { Err(NetError::from("answer to another question")) }
        }))
    }
}
