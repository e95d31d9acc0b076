//! Validation (RFC 4035 §5): every set of records is followed up to a trust anchor, every denial to its proof. hickory does
//! the cryptography and the formats; what a proof has to consist of is decided here, and so is what it may cost. Its input is
//! hostile: signatures, keys, hashes and questions are counted, and the count ends the work (KeyTrap, CVE-2023-50387; NSEC3,
//! CVE-2023-50868).

mod denial;
mod signature;
mod zones;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex};

use hickory_proto::dnssec::TrustAnchors;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::answer::EdeCode;
use crate::clock;
use crate::name::NameSet;
use denial::{Denial, Proof};
pub use signature::covered;
use signature::{RrSet, sets_of};
use zones::{Known, Standing};

/// Where keys and their parents' words for them are fetched: any answer, unchecked, with its signatures.
pub trait Fetch: Send + Sync {
    /// The answer to that question; `None` when there is none.
    fn fetch(&self, name: &Name, kind: RecordType) -> impl Future<Output = Option<Message>> + Send;
}

/// Trust anchors, and what is known of zones.
pub struct Validator {
    anchors: Arc<TrustAnchors>,
    /// Names that are not checked, with all below them (RFC 7646).
    unchecked: NameSet,
    known: Mutex<HashMap<Name, Known>>,
}

/// What one answer may cost. More than honest zones ever need: a chain of ten zones takes about thirty of each.
#[derive(Debug)]
struct Work {
    signatures: u32,
    fetches: u32,
    hashes: u32,
}

impl Work {
    fn new() -> Work {
        Work { signatures: 128, fetches: 64, hashes: 8_000 }
    }

    /// Takes one from a budget; the error is what a spent one means.
    fn spend(budget: &mut u32, cost: u32) -> Result<(), EdeCode> {
        *budget = budget.checked_sub(cost).ok_or(EdeCode::DnssecBogus)?;
        Ok(())
    }
}

/// Longest chain of aliases within one message.
const ALIASES_MAX: usize = 32;

impl Validator {
    /// Nothing is known yet.
    pub fn new(anchors: Arc<TrustAnchors>, unchecked: NameSet) -> Validator {
        Validator { anchors, unchecked, known: Mutex::default() }
    }

    /// Checks a whole answer and cuts its times to live to what the signatures allow. True when all of it is authentic;
    /// false when it stands in a zone that is not signed. The error is why it must not be told.
    pub async fn check(&self, fetch: &impl Fetch, message: &mut Message) -> Result<bool, EdeCode> {
        let Some(query) = message.queries.first().cloned() else { return Err(EdeCode::NetworkError) };
        let mut work = Work::new();
        let now = now_secs();
        let (answers, authorities) = (sets_of(&message.answers), sets_of(&message.authorities));
        let mut all = Tally::new();
        let mut expanded = Vec::new();
        for set in &answers {
            // What a DNAME makes of a name has no signature of its own (RFC 6672 §5.3.1).
            if set.kind == RecordType::CNAME && set.signatures.is_empty() && is_synthesized(set, &answers) {
                continue;
            }
            match self.standing(fetch, set, None, now, &mut work).await? {
                Standing::Secure { ttl_max, closest } => {
                    all.secure(set, ttl_max);
                    expanded.extend(closest.map(|closest| (set.name.clone(), closest)));
                }
                Standing::Insecure => all.insecure(),
            }
        }
        let mut denial = Denial::default();
        for set in
            authorities.iter().filter(|set| matches!(set.kind, RecordType::SOA | RecordType::NSEC | RecordType::NSEC3))
        {
            match self.standing(fetch, set, None, now, &mut work).await? {
                Standing::Secure { ttl_max, .. } => {
                    all.secure(set, ttl_max);
                    denial.add(set);
                }
                Standing::Insecure => all.insecure(),
            }
        }
        for (name, closest) in expanded {
            all.proved(denial.no_closer(&name, closest, &mut work)?, EdeCode::NsecMissing)?;
        }
        let last = end_of_chain(query.name(), query.query_type(), &answers)?;
        let is_there = answers
            .iter()
            .any(|set| set.name == last && (set.kind == query.query_type() || query.query_type() == RecordType::ANY));
        if !is_there {
            let proof = match message.response_code {
                ResponseCode::NXDomain => denial.no_name(&last, &mut work)?,
                _ => denial.no_data(&last, query.query_type(), &mut work)?,
            };
            match proof {
                Proof::None => match self.zone_standing(fetch, &last, query.query_type(), now, &mut work).await? {
                    false => all.insecure(),
                    true => return Err(EdeCode::NsecMissing),
                },
                proof => all.proved(proof, EdeCode::NsecMissing)?,
            }
        }
        let Tally { is_secure, ttls, .. } = all;
        drop((answers, authorities, denial));
        cut_ttls(message, &ttls);
        Ok(is_secure)
    }
}

/// What the sets of a message come to.
struct Tally {
    is_secure: bool,
    ttls: Vec<(Name, RecordType, u32)>,
}

impl Tally {
    fn new() -> Tally {
        Tally { is_secure: true, ttls: Vec::new() }
    }

    fn secure(&mut self, set: &RrSet<'_>, ttl_max: u32) {
        self.ttls.push((set.name.clone(), set.kind, ttl_max));
    }

    fn insecure(&mut self) {
        self.is_secure = false;
    }

    fn proved(&mut self, proof: Proof, missing: EdeCode) -> Result<(), EdeCode> {
        match proof {
            Proof::Secure => Ok(()),
            Proof::Insecure => {
                self.is_secure = false;
                Ok(())
            }
            Proof::None => Err(missing),
        }
    }
}

/// True when a DNAME of the same message leads to exactly this alias (RFC 6672 §2.2).
fn is_synthesized(alias: &RrSet<'_>, answers: &[RrSet<'_>]) -> bool {
    let target = alias.records.iter().find_map(|record| match &record.data {
        RData::CNAME(target) => Some(&target.0),
        _ => None,
    });
    answers.iter().filter(|set| is_dname(set.kind) && set.name != alias.name && set.name.zone_of(&alias.name)).any(
        |set| {
            let to = set.records.iter().find_map(|record| dname_target(record));
            let expected = to.and_then(|to| substitute(&alias.name, &set.name, &to));
            expected.is_some() && expected.as_ref() == target
        },
    )
}

/// DNAME, which hickory knows by number only.
const DNAME: u16 = 39;

fn is_dname(kind: RecordType) -> bool {
    u16::from(kind) == DNAME
}

fn dname_target(record: &Record) -> Option<Name> {
    use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};
    match &record.data {
        RData::Unknown { rdata, .. } => Name::read(&mut BinDecoder::new(&rdata.anything)).ok(),
        _ => None,
    }
}

/// `name` with `to` in place of its ending `from`.
fn substitute(name: &Name, from: &Name, to: &Name) -> Option<Name> {
    let keep = usize::from(name.num_labels()).checked_sub(usize::from(from.num_labels()))?;
    let head = Name::from_labels(name.iter().take(keep)).ok()?;
    head.append_domain(to).ok()
}

/// The name that the aliases of an answer lead to. The error is a chain that bites its tail.
pub fn end_of_chain(start: &Name, kind: RecordType, answers: &[RrSet<'_>]) -> Result<Name, EdeCode> {
    let mut name = start.clone();
    if kind == RecordType::CNAME {
        return Ok(name);
    }
    for _ in 0..ALIASES_MAX {
        let alias = answers.iter().find(|set| set.kind == RecordType::CNAME && set.name == name);
        let target = alias.and_then(|set| set.records.iter().find_map(|record| record.data.as_cname_target()));
        match target {
            Some(target) => name = target,
            None => return Ok(name),
        }
    }
    Err(EdeCode::InvalidData)
}

trait AliasTarget {
    fn as_cname_target(&self) -> Option<Name>;
}

impl AliasTarget for RData {
    fn as_cname_target(&self) -> Option<Name> {
        match self {
            RData::CNAME(target) => Some(target.0.clone()),
            _ => None,
        }
    }
}

fn cut_ttls(message: &mut Message, ttls: &[(Name, RecordType, u32)]) {
    for record in message.answers.iter_mut().chain(message.authorities.iter_mut()) {
        let kind = covered(record).unwrap_or_else(|| record.record_type());
        if let Some((_, _, ttl_max)) = ttls.iter().find(|(name, of, _)| *of == kind && *name == record.name) {
            record.ttl = record.ttl.min(*ttl_max);
        }
    }
}

/// Seconds since 1970, cut to 32 bits as signatures count them (RFC 4034 §3.1.5).
fn now_secs() -> u32 {
    clock::now_secs() as u32
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use super::*;

    #[test]
    fn names_are_substituted_below_a_dname() {
        let name = |text: &str| Name::from_str(text).unwrap();
        let made = substitute(&name("a.b.old.example."), &name("old.example."), &name("new.example."));
        assert_eq!(made, Some(name("a.b.new.example.")));
    }

    #[test]
    fn budgets_end() {
        let mut budget = 2;
        assert!(Work::spend(&mut budget, 2).is_ok());
        assert!(Work::spend(&mut budget, 1).is_err());
    }
}
