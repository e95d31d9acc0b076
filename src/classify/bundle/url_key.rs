//! What of a URL is hashed, shared by writer and reader. A rule is one record: host, port, path, query. Each host that has
//! rules is one record more, which tells what kinds they are, so that a request for any other host costs one look.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::classify::path::{PathAndQuery, SEGMENTS_MAX, prefixes};

/// In place of the first label's length, which is never over 63: an address follows.
const ADDRESS: u8 = 0xff;

/// The hash of a host, to be led on.
#[derive(Clone)]
pub struct HostKey(SipHasher13);

impl HostKey {
    /// Of a name, by its wire form.
    pub fn of_name(key: &[u8; 16], wire: &[u8]) -> HostKey {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(wire);
        HostKey(hasher)
    }

    /// Of an address.
    pub fn of_addr(key: &[u8; 16], addr: IpAddr) -> HostKey {
        let mut hasher = SipHasher13::new_with_key(key);
        hasher.write(&[ADDRESS]);
        match addr.to_canonical() {
            IpAddr::V4(addr) => hasher.write(&addr.octets()),
            IpAddr::V6(addr) => hasher.write(&addr.octets()),
        }
        HostKey(hasher)
    }

    /// Where the host's own record is.
    pub fn host(&self) -> (u64, u64) {
        finish(&self.0)
    }

    /// The start of all rules for that port, or for any.
    pub fn at_port(&self, port: Option<u16>) -> PathKey {
        let mut hasher = self.0;
        // No request goes to port 0.
        hasher.write(&port.unwrap_or(0).to_be_bytes());
        PathKey(hasher)
    }
}

/// The hash of a host, a port and the front of a path.
pub struct PathKey(SipHasher13);

impl PathKey {
    /// Where the rule for exactly this path and query is.
    pub fn rule(mut self, target: &PathAndQuery) -> (u64, u64) {
        self.write(target.path());
        if !target.query().is_empty() {
            self.write("?");
            self.write(target.query());
        }
        finish(&self.0)
    }

    /// Leads the hash on by `text`.
    pub fn write(&mut self, text: &str) {
        self.0.write(text.as_bytes());
    }

    /// Where the rule that ends here is.
    pub fn here(&self) -> (u64, u64) {
        finish(&self.0)
    }
}

fn finish(hasher: &SipHasher13) -> (u64, u64) {
    let sum = hasher.finish128();
    (sum.h1, sum.h2)
}

/// Which kinds of rules a host has: what stands in its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostRules(u16);

const DEPTH: u16 = 0x1f;
const ANY_PORT: u16 = 1 << 5;
const ONE_PORT: u16 = 1 << 6;
const QUERY: u16 = 1 << 7;
const BELOW: u16 = 1 << 8;

impl HostRules {
    /// Of one rule. `below` tells that it speaks of the hosts below too.
    pub fn of(target: &PathAndQuery, port: Option<u16>, below: bool) -> HostRules {
        let depth = prefixes(target.path(), '/', SEGMENTS_MAX).count().saturating_sub(1);
        let depth = u16::try_from(depth).unwrap_or(DEPTH);
        let query = if target.query().is_empty() { 0 } else { QUERY };
        let port = if port.is_some() { ONE_PORT } else { ANY_PORT };
        HostRules(depth | port | query | if below { BELOW } else { 0 })
    }

    /// As stored; whatever the bits, what is read from them is within limits.
    pub fn from_bits(bits: u16) -> HostRules {
        HostRules(bits)
    }

    /// To be stored; never 0.
    pub fn bits(self) -> u16 {
        self.0
    }

    /// What two rules of a host come to.
    pub fn union(self, other: HostRules) -> HostRules {
        HostRules((self.0 | other.0) & !DEPTH | (self.0 & DEPTH).max(other.0 & DEPTH))
    }

    /// Segments of the deepest rule.
    pub fn depth(self) -> usize {
        usize::from(self.0 & DEPTH).min(SEGMENTS_MAX)
    }

    /// Some rule has a query.
    pub fn has_query(self) -> bool {
        self.0 & QUERY != 0
    }

    /// Some rule speaks of the hosts below.
    pub fn covers_below(self) -> bool {
        self.0 & BELOW != 0
    }

    /// The ports to look for in a request to `port`: itself, then any.
    pub fn ports(self, port: u16) -> impl Iterator<Item = Option<u16>> {
        let own = (self.0 & ONE_PORT != 0 && port != 0).then_some(Some(port));
        own.into_iter().chain((self.0 & ANY_PORT != 0).then_some(None))
    }
}
