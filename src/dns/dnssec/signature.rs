//! Sets of records and the signatures over them.

use hickory_proto::dnssec::Verifier;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, RRSIG};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::Work;
use crate::dns::answer::EdeCode;

/// Records of one name and type, and their signatures.
#[derive(Debug)]
pub struct RrSet<'m> {
    /// Their owner.
    pub name: Name,
    /// Their type.
    pub kind: RecordType,
    /// The records.
    pub records: Vec<&'m Record>,
    /// Signatures over them.
    pub signatures: Vec<&'m RRSIG>,
}

/// Signatures of one set that are looked at: a roll-over of keys or algorithms has two or four.
const SIGNATURES_MAX: usize = 8;
/// Keys with one tag that are tried: tags collide once in 65,536 by chance.
const COLLISIONS_MAX: usize = 4;

/// The sets of a section, in the order they begin.
pub fn sets_of(records: &[Record]) -> Vec<RrSet<'_>> {
    let mut sets: Vec<RrSet<'_>> = Vec::new();
    for record in records {
        let covers = covered(record);
        let kind = covers.unwrap_or_else(|| record.record_type());
        let at = sets.iter().position(|set| set.kind == kind && set.name == record.name);
        let at = at.unwrap_or_else(|| {
            sets.push(RrSet { name: record.name.clone(), kind, records: Vec::new(), signatures: Vec::new() });
            sets.len() - 1
        });
        match (covers, &record.data) {
            (Some(_), RData::DNSSEC(DNSSECRData::RRSIG(signature))) => sets[at].signatures.push(signature),
            _ => sets[at].records.push(record),
        }
    }
    // Signatures over nothing prove nothing.
    sets.retain(|set| !set.records.is_empty());
    sets
}

/// The type a signature covers; `None` for other records.
pub fn covered(record: &Record) -> Option<RecordType> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature.input().type_covered),
        _ => None,
    }
}

/// A set whose signature holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// Seconds it may be kept (RFC 4035 §5.3.3).
    pub ttl_max: u32,
    /// Labels of the closest encloser, when a wildcard made it.
    pub closest: Option<usize>,
}

impl<'m> RrSet<'m> {
    /// Signatures that could hold for this set, with their signers.
    pub fn candidates(&self) -> impl Iterator<Item = &'m RRSIG> + '_ {
        let labels = self.name.num_labels();
        let fits = move |signature: &&RRSIG| {
            let input = signature.input();
            input.num_labels <= labels && input.signer_name.zone_of(&self.name) && input.algorithm.is_supported()
        };
        self.signatures.iter().copied().filter(fits).take(SIGNATURES_MAX)
    }

    /// Checks one signature with the keys of its signer. The error is the best reason found.
    pub(super) fn verify(
        &self,
        signature: &RRSIG,
        keys: &[DNSKEY],
        now: u32,
        work: &mut Work,
    ) -> Result<Verified, EdeCode> {
        let input = signature.input();
        let (from, until) = (input.sig_inception.get(), input.sig_expiration.get());
        if is_before(until, now) {
            return Err(EdeCode::SignatureExpired);
        }
        if is_before(now, from) {
            return Err(EdeCode::SignatureNotYetValid);
        }
        let fitting = keys.iter().filter(|key| {
            key.public_key_algorithm() == input.algorithm
                && key.calculate_key_tag().is_ok_and(|tag| tag == input.key_tag)
        });
        let mut found = EdeCode::DnskeyMissing;
        for key in fitting.take(COLLISIONS_MAX) {
            found = EdeCode::DnssecBogus;
            Work::spend(&mut work.signatures, 1)?;
            if key.verify_rrsig(&self.name, DNSClass::IN, signature, self.records.iter().copied()).is_ok() {
                let is_expanded = input.num_labels < self.name.num_labels();
                let ttl = self.records.iter().map(|record| record.ttl).min().unwrap_or(0);
                return Ok(Verified {
                    ttl_max: ttl.min(input.original_ttl).min(until.wrapping_sub(now)),
                    closest: is_expanded.then_some(usize::from(input.num_labels)),
                });
            }
        }
        Err(found)
    }
}

trait KeyAlgorithm {
    fn public_key_algorithm(&self) -> hickory_proto::dnssec::Algorithm;
}

impl KeyAlgorithm for DNSKEY {
    fn public_key_algorithm(&self) -> hickory_proto::dnssec::Algorithm {
        use hickory_proto::dnssec::PublicKey;
        self.public_key().algorithm()
    }
}

/// Serial number arithmetic (RFC 4034 §3.1.5): times wrap.
fn is_before(one: u32, other: u32) -> bool {
    (other.wrapping_sub(one) as i32) > 0
}
