//! From the trust anchor down: which zones are signed, and by which keys (RFC 4035 §5.2). What was found is remembered for a
//! while, a failure shortly.

use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use hickory_proto::dnssec::PublicKey;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::BinEncodable;

use super::denial::{Denial, Proof};
use super::signature::{RrSet, Verified, sets_of};
use super::{Fetch, Validator, Work};
use crate::dns::answer::EdeCode;
use crate::name;

/// What a set of records is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Signed, up to a trust anchor.
    Secure {
        /// Seconds it may be kept.
        ttl_max: u32,
        /// Labels of the closest encloser, when a wildcard made it.
        closest: Option<usize>,
    },
    /// In a zone that is provably not signed.
    Insecure,
}

/// What the parent says of a name.
#[derive(Debug, Clone)]
enum Cut {
    /// A signed zone begins here.
    Signed(Arc<[DS]>),
    /// A zone begins here or above that is not signed.
    Unsigned,
    /// No zone begins here.
    None,
}

/// What is remembered of a name.
#[derive(Debug, Clone, Default)]
pub struct Known {
    cut: Option<(Instant, Result<Cut, EdeCode>)>,
    keys: Option<(Instant, Result<Keys, EdeCode>)>,
}

/// The keys of a zone; `None` when it is not signed.
type Keys = Option<Arc<[DNSKEY]>>;
type Pinned<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Names remembered. A home meets some thousand zones; beyond that all is forgotten and found again.
const KNOWN_MAX: usize = 8192;
/// Longest and shortest time something is remembered.
const REMEMBER: (u64, u64) = (3600, 5);
/// How long a failure is: attacks repeat, zones are repaired (RFC 4035 §4.7).
const REMEMBER_BOGUS: Duration = Duration::from_secs(30);
/// Keys and digests of one zone that are looked at.
const KEYS_MAX: usize = 32;
const DIGESTS_MAX: usize = 8;

impl Validator {
    /// What a set is worth. `below`: its signer has to stand above that name (a parent's word for its child).
    pub(super) async fn standing<F: Fetch>(
        &self,
        fetch: &F,
        set: &RrSet<'_>,
        below: Option<&Name>,
        now: u32,
        work: &mut Work,
    ) -> Result<Standing, EdeCode> {
        if self.is_unchecked(&set.name) {
            return Ok(Standing::Insecure);
        }
        let mut why = None;
        for signature in set.candidates() {
            let signer = &signature.input().signer_name;
            // Strictly above, so that what is asked for next is always closer to the root.
            if below.is_some_and(|child| signer == child || !signer.zone_of(child)) {
                continue;
            }
            let verified = match self.keys(fetch, signer, now, work).await {
                Ok(None) => return Ok(Standing::Insecure),
                Ok(Some(keys)) => set.verify(signature, &keys, now, work),
                Err(code) => Err(code),
            };
            match verified {
                Ok(Verified { ttl_max, closest }) => return Ok(Standing::Secure { ttl_max, closest }),
                Err(code) => why = why.or(Some(code)),
            }
        }
        // Without a usable signature the zone must be one that has none.
        let (name, kind) = below.map_or((&set.name, set.kind), |child| (child, RecordType::DS));
        match self.zone_standing(fetch, name, kind, now, work).await? {
            false => Ok(Standing::Insecure),
            true => Err(why.unwrap_or(EdeCode::RrsigsMissing)),
        }
    }

    /// True when records of that type at `name` have to be signed; false when a delegation on the way to it is proven to lead
    /// into an unsigned zone.
    pub(super) async fn zone_standing<F: Fetch>(
        &self,
        fetch: &F,
        name: &Name,
        kind: RecordType,
        now: u32,
        work: &mut Work,
    ) -> Result<bool, EdeCode> {
        // The parent speaks for its child's DS.
        let last = usize::from(name.num_labels()) - usize::from(kind == RecordType::DS && !name.is_root());
        for labels in 1..=last {
            let ancestor = name.trim_to(labels);
            if self.is_unchecked(&ancestor) {
                return Ok(false);
            }
            match self.cut(fetch, &ancestor, now, work).await? {
                Cut::Unsigned => return Ok(false),
                Cut::Signed(digests) if !digests.iter().any(is_usable) => return Ok(false),
                Cut::Signed(_) | Cut::None => {}
            }
        }
        Ok(true)
    }

    fn is_unchecked(&self, name: &Name) -> bool {
        let known = || name.to_bytes().ok().and_then(|wire| name::Name::from_wire(&wire, 0).ok());
        !self.unchecked.is_empty() && known().is_some_and(|(name, _)| self.unchecked.contains(&name))
    }

    /// The keys of a zone, as far as the chain to it holds.
    fn keys<'a, F: Fetch>(
        &'a self,
        fetch: &'a F,
        zone: &'a Name,
        now: u32,
        work: &'a mut Work,
    ) -> Pinned<'a, Result<Keys, EdeCode>> {
        Box::pin(async move {
            if let Some(known) = self.recall(zone, |known| known.keys.clone()) {
                return known;
            }
            let found = self.find_keys(fetch, zone, now, work).await;
            let (ttl, keys) = match found {
                Ok((ttl, keys)) => (remember(ttl), Ok(keys)),
                Err(code) => (REMEMBER_BOGUS, Err(code)),
            };
            self.keep(zone, |known| known.keys = Some((Instant::now() + ttl, keys.clone())));
            keys
        })
    }

    async fn find_keys<F: Fetch>(
        &self,
        fetch: &F,
        zone: &Name,
        now: u32,
        work: &mut Work,
    ) -> Result<(u32, Keys), EdeCode> {
        let digests = if zone.is_root() {
            None
        } else {
            match self.cut(fetch, zone, now, work).await? {
                Cut::Signed(digests) if digests.iter().any(is_usable) => Some(digests),
                Cut::Signed(_) | Cut::Unsigned => return Ok((u32::MAX, None)),
                // A signature by a zone that is none.
                Cut::None => return Err(EdeCode::DnssecBogus),
            }
        };
        Work::spend(&mut work.fetches, 1)?;
        let message = fetch.fetch(zone, RecordType::DNSKEY).await.ok_or(EdeCode::DnskeyMissing)?;
        let sets = sets_of(&message.answers);
        let set = sets.iter().find(|set| set.kind == RecordType::DNSKEY && set.name == *zone);
        let set = set.ok_or(EdeCode::DnskeyMissing)?;
        let keys: Vec<DNSKEY> = set
            .records
            .iter()
            .filter_map(|record| match &record.data {
                RData::DNSSEC(DNSSECRData::DNSKEY(key)) if key.zone_key() && !key.revoke() => Some(key.clone()),
                _ => None,
            })
            .take(KEYS_MAX)
            .collect();
        // Of all keys only those count at first that the parent, or an anchor, vouches for.
        let vouched: Vec<DNSKEY> = match &digests {
            None => keys.iter().filter(|key| self.anchors.contains(key.public_key())).cloned().collect(),
            Some(digests) => {
                let usable = || digests.iter().filter(|digest| is_usable(digest)).take(DIGESTS_MAX);
                keys.iter().filter(|key| usable().any(|digest| vouches(digest, zone, key))).cloned().collect()
            }
        };
        if vouched.is_empty() {
            return Err(EdeCode::DnskeyMissing);
        }
        let mut why = EdeCode::RrsigsMissing;
        for signature in set.candidates().filter(|signature| signature.input().signer_name == *zone) {
            match set.verify(signature, &vouched, now, work) {
                Ok(verified) => return Ok((verified.ttl_max, Some(keys.into()))),
                Err(code) => why = code,
            }
        }
        Err(why)
    }

    /// What the parent says of a name.
    fn cut<'a, F: Fetch>(
        &'a self,
        fetch: &'a F,
        name: &'a Name,
        now: u32,
        work: &'a mut Work,
    ) -> Pinned<'a, Result<Cut, EdeCode>> {
        Box::pin(async move {
            if let Some(known) = self.recall(name, |known| known.cut.clone()) {
                return known;
            }
            let found = self.find_cut(fetch, name, now, work).await;
            let (ttl, cut) = match found {
                Ok((ttl, cut)) => (remember(ttl), Ok(cut)),
                Err(code) => (REMEMBER_BOGUS, Err(code)),
            };
            self.keep(name, |known| known.cut = Some((Instant::now() + ttl, cut.clone())));
            cut
        })
    }

    async fn find_cut<F: Fetch>(
        &self,
        fetch: &F,
        name: &Name,
        now: u32,
        work: &mut Work,
    ) -> Result<(u32, Cut), EdeCode> {
        Work::spend(&mut work.fetches, 1)?;
        let message = fetch.fetch(name, RecordType::DS).await.ok_or(EdeCode::NoReachableAuthority)?;
        let sets = sets_of(&message.answers);
        if let Some(set) = sets.iter().find(|set| set.kind == RecordType::DS && set.name == *name) {
            return Ok(match self.standing(fetch, set, Some(name), now, work).await? {
                Standing::Insecure => (REMEMBER.0 as u32, Cut::Unsigned),
                Standing::Secure { ttl_max, .. } => (ttl_max, Cut::Signed(digests(set))),
            });
        }
        // Where an alias stands, no zone begins (RFC 1034 §3.6.2).
        if let Some(alias) = sets.iter().find(|set| set.kind == RecordType::CNAME && set.name == *name) {
            return Ok(match self.standing(fetch, alias, Some(name), now, work).await? {
                Standing::Insecure => (REMEMBER.0 as u32, Cut::Unsigned),
                Standing::Secure { ttl_max, .. } => (ttl_max, Cut::None),
            });
        }
        let mut denial = Denial::default();
        let mut ttl = REMEMBER.0 as u32;
        for set in sets_of(&message.authorities).iter().filter(|set| is_proof(set.kind)) {
            match self.standing(fetch, set, Some(name), now, work).await? {
                Standing::Insecure => return Ok((ttl, Cut::Unsigned)),
                Standing::Secure { ttl_max, .. } => {
                    ttl = ttl.min(ttl_max);
                    denial.add(set);
                }
            }
        }
        if let Some(is_delegation) = denial.no_ds(name, work)? {
            return Ok((ttl, if is_delegation { Cut::Unsigned } else { Cut::None }));
        }
        if denial.no_name(name, work)? != Proof::None {
            return Ok((ttl, Cut::None));
        }
        // No proof: as it must be where the parent itself is not signed.
        match self.zone_standing(fetch, name, RecordType::DS, now, work).await? {
            false => Ok((ttl, Cut::Unsigned)),
            true => Err(EdeCode::NsecMissing),
        }
    }

    /// Forgets what is past its time.
    pub fn forget(&self) {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // A table leaves what was removed from it where it was.
        let before = known.len();
        known.retain(|_, known| {
            known.cut.as_ref().is_some_and(|(until, _)| *until > now)
                || known.keys.as_ref().is_some_and(|(until, _)| *until > now)
        });
        if known.len() < before {
            known.shrink_to_fit();
        }
    }

    fn recall<T>(
        &self,
        name: &Name,
        of: impl Fn(&Known) -> Option<(Instant, Result<T, EdeCode>)>,
    ) -> Option<Result<T, EdeCode>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, found) = of(known.get(&name.to_lowercase())?)?;
        (until > Instant::now()).then_some(found)
    }

    fn keep(&self, name: &Name, set: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX && !known.contains_key(name) {
            known.clear();
        }
        set(known.entry(name.to_lowercase()).or_default());
    }
}

fn remember(ttl: u32) -> Duration {
    Duration::from_secs(u64::from(ttl).clamp(REMEMBER.1, REMEMBER.0))
}

fn digests(set: &RrSet<'_>) -> Arc<[DS]> {
    let of = |record: &&hickory_proto::rr::Record| match &record.data {
        RData::DNSSEC(DNSSECRData::DS(digest)) => Some(digest.clone()),
        _ => None,
    };
    set.records.iter().filter_map(of).collect()
}

/// True for a digest we can compute, of a key we can use (RFC 4035 §5.2); SHA-1 is not believed any more (RFC 8624 §3.3).
fn is_usable(digest: &DS) -> bool {
    use hickory_proto::dnssec::DigestType;
    let is_known = matches!(digest.digest_type(), DigestType::SHA256 | DigestType::SHA384);
    is_known && digest.algorithm().is_supported()
}

fn vouches(digest: &DS, zone: &Name, key: &DNSKEY) -> bool {
    digest.algorithm() == key.public_key().algorithm()
        && key.calculate_key_tag().is_ok_and(|tag| tag == digest.key_tag())
        && digest.covers(zone, key).unwrap_or(false)
}

fn is_proof(kind: RecordType) -> bool {
    matches!(kind, RecordType::SOA | RecordType::NSEC | RecordType::NSEC3)
}
