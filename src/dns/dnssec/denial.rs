//! Proofs that something is not there: NSEC (RFC 4035 §5.4) and NSEC3 (RFC 5155 §8). Takes records whose signatures hold;
//! decides what they prove together.

use hickory_proto::dnssec::Nsec3HashAlgorithm;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC, NSEC3};
use hickory_proto::rr::{Name, RData, RecordType};

use super::signature::RrSet;
use super::{DNAME, Work};
use crate::dns::answer::EdeCode;

/// What was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// That it is not there.
    Secure,
    /// That it may be there in an unsigned zone (opt-out, RFC 5155 §9.2), or only at a cost nobody should pay.
    Insecure,
    /// Nothing.
    None,
}

/// Records that deny.
#[derive(Default)]
pub struct Denial {
    plain: Vec<(Name, NSEC)>,
    hashed: Vec<Hashed>,
}

struct Hashed {
    /// The hash of its owner.
    from: Vec<u8>,
    zone: Name,
    record: NSEC3,
}

/// More iterations are not worth the work: such a zone counts as unsigned (RFC 9276 §3.2).
const ITERATIONS_MAX: u16 = 150;

impl Denial {
    /// Takes a secure set in.
    pub fn add(&mut self, set: &RrSet<'_>) {
        for record in &set.records {
            match &record.data {
                RData::DNSSEC(DNSSECRData::NSEC(nsec)) => self.plain.push((set.name.clone(), nsec.clone())),
                RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => {
                    let label = set.name.iter().next().unwrap_or_default();
                    let Some(from) = base32(label) else { continue };
                    // One zone has one way of hashing; others are somebody's attempt at making us work.
                    let is_same = |first: &Hashed| {
                        first.record.salt() == nsec3.salt() && first.record.iterations() == nsec3.iterations()
                    };
                    if self.hashed.first().is_none_or(is_same) {
                        self.hashed.push(Hashed { from, zone: set.name.base_name(), record: nsec3.clone() });
                    }
                }
                _ => {}
            }
        }
    }

    /// That `name` has nothing of that type.
    pub fn no_data(&self, name: &Name, kind: RecordType, work: &mut Work) -> Result<Proof, EdeCode> {
        if self.plain_no_data(name, kind) {
            return Ok(Proof::Secure);
        }
        self.with_hashes(|| self.hashed_no_data(name, kind, work))
    }

    /// That `name` does not exist.
    pub fn no_name(&self, name: &Name, work: &mut Work) -> Result<Proof, EdeCode> {
        if self.plain_no_name(name) {
            return Ok(Proof::Secure);
        }
        self.with_hashes(|| {
            let Some(found) = self.closest(name, work)? else { return Ok(Proof::None) };
            if found.is_opt_out {
                return Ok(Proof::Insecure);
            }
            let wildcard = self.covering(&wildcard_of(&found.name)?, work)?;
            Ok(if wildcard.is_some() { Proof::Secure } else { Proof::None })
        })
    }

    /// That nothing closer to `name` exists than a wildcard below its last `closest` labels.
    pub fn no_closer(&self, name: &Name, closest: usize, work: &mut Work) -> Result<Proof, EdeCode> {
        let next = name.trim_to(closest + 1);
        // A name that is covered, with nothing between it and the wildcard's place.
        if self
            .plain_covering(name)
            .is_some_and(|(owner, nsec)| !next.zone_of(owner) && !next.zone_of(nsec.next_domain_name()))
        {
            return Ok(Proof::Secure);
        }
        self.with_hashes(|| {
            Ok(match self.covering(&next, work)? {
                Some(hashed) if hashed.record.opt_out() => Proof::Insecure,
                Some(_) => Proof::Secure,
                None => Proof::None,
            })
        })
    }

    /// That `name` has no DS: true when a delegation stands there, or may (opt-out), false when none does. `None` without proof.
    pub fn no_ds(&self, name: &Name, work: &mut Work) -> Result<Option<bool>, EdeCode> {
        let of = |types: Types<'_>| {
            (!types.has(RecordType::DS) && !types.has(RecordType::SOA)).then(|| types.has(RecordType::NS))
        };
        if let Some((_, nsec)) = self.plain.iter().find(|(owner, _)| owner == name) {
            return Ok(of(Types::Plain(nsec)));
        }
        if self.plain_covering(name).is_some() {
            return Ok(Some(false));
        }
        if self.is_too_costly() {
            return Ok(Some(true));
        }
        if let Some(hashed) = self.matching(name, work)? {
            return Ok(of(Types::Hashed(&hashed.record)));
        }
        let closest = self.closest(name, work)?;
        Ok(closest.map(|found| found.is_opt_out))
    }

    fn with_hashes(&self, prove: impl FnOnce() -> Result<Proof, EdeCode>) -> Result<Proof, EdeCode> {
        if self.hashed.is_empty() {
            return Ok(Proof::None);
        }
        if self.is_too_costly() { Ok(Proof::Insecure) } else { prove() }
    }

    fn is_too_costly(&self) -> bool {
        self.hashed.iter().any(|hashed| hashed.record.iterations() > ITERATIONS_MAX)
    }

    // NSEC

    fn plain_covering(&self, name: &Name) -> Option<&(Name, NSEC)> {
        self.plain.iter().find(|(owner, nsec)| {
            let next = nsec.next_domain_name();
            // The last one leads back to the zone's beginning.
            let is_between = owner < name && (name < next || next <= owner && next.zone_of(name));
            is_between && !(owner.zone_of(name) && Types::Plain(nsec).hands_over())
        })
    }

    fn plain_no_data(&self, name: &Name, kind: RecordType) -> bool {
        if let Some((_, nsec)) = self.plain.iter().find(|(owner, _)| owner == name) {
            return Types::Plain(nsec).lack(kind);
        }
        let Some((owner, nsec)) = self.plain_covering(name) else { return false };
        // Something stands below it, so it exists, with nothing of its own.
        if name.zone_of(nsec.next_domain_name()) {
            return true;
        }
        let wildcard = wildcard_of(&common(name, owner, nsec.next_domain_name()));
        let wildcard = wildcard.ok().and_then(|wildcard| self.plain.iter().find(|(owner, _)| *owner == wildcard));
        wildcard.is_some_and(|(_, nsec)| Types::Plain(nsec).lack(kind))
    }

    fn plain_no_name(&self, name: &Name) -> bool {
        let Some((owner, nsec)) = self.plain_covering(name) else { return false };
        let wildcard = wildcard_of(&common(name, owner, nsec.next_domain_name()));
        !name.zone_of(nsec.next_domain_name())
            && wildcard.is_ok_and(|wildcard| self.plain_covering(&wildcard).is_some())
    }

    // NSEC3

    fn hash(&self, name: &Name, work: &mut Work) -> Result<Vec<u8>, EdeCode> {
        let Some(Hashed { record, .. }) = self.hashed.first() else { return Err(EdeCode::NsecMissing) };
        Work::spend(&mut work.hashes, u32::from(record.iterations()) + 1)?;
        let hash = Nsec3HashAlgorithm::SHA1.hash(record.salt(), &name.to_lowercase(), record.iterations());
        hash.map(|digest| digest.as_ref().to_vec()).map_err(|_| EdeCode::DnssecBogus)
    }

    fn matching(&self, name: &Name, work: &mut Work) -> Result<Option<&Hashed>, EdeCode> {
        if !self.hashed.iter().any(|hashed| hashed.zone.zone_of(name)) {
            return Ok(None);
        }
        let hash = self.hash(name, work)?;
        Ok(self.hashed.iter().find(|hashed| hashed.from == hash && hashed.zone.zone_of(name)))
    }

    fn covering(&self, name: &Name, work: &mut Work) -> Result<Option<&Hashed>, EdeCode> {
        if !self.hashed.iter().any(|hashed| hashed.zone.zone_of(name)) {
            return Ok(None);
        }
        let hash = self.hash(name, work)?;
        let covers = |hashed: &&Hashed| {
            let (from, to) = (hashed.from.as_slice(), hashed.record.next_hashed_owner_name());
            let is_between =
                if from < to { from < &hash[..] && &hash[..] < to } else { from < &hash[..] || &hash[..] < to };
            is_between && hashed.zone.zone_of(name)
        };
        Ok(self.hashed.iter().find(covers))
    }

    /// The closest name above `name` that exists, when the one below it is proven not to (RFC 5155 §8.3).
    fn closest(&self, name: &Name, work: &mut Work) -> Result<Option<Closest>, EdeCode> {
        for labels in (0..usize::from(name.num_labels())).rev() {
            let ancestor = name.trim_to(labels);
            let Some(found) = self.matching(&ancestor, work)? else { continue };
            if Types::Hashed(&found.record).hands_over() {
                return Ok(None);
            }
            let next = self.covering(&name.trim_to(labels + 1), work)?;
            return Ok(next.map(|next| Closest { name: ancestor, is_opt_out: next.record.opt_out() }));
        }
        Ok(None)
    }

    fn hashed_no_data(&self, name: &Name, kind: RecordType, work: &mut Work) -> Result<Proof, EdeCode> {
        if let Some(found) = self.matching(name, work)? {
            return Ok(if Types::Hashed(&found.record).lack(kind) { Proof::Secure } else { Proof::None });
        }
        let Some(found) = self.closest(name, work)? else { return Ok(Proof::None) };
        let wildcard = self.matching(&wildcard_of(&found.name)?, work)?;
        Ok(match wildcard {
            Some(wildcard) if Types::Hashed(&wildcard.record).lack(kind) => Proof::Secure,
            // An unsigned delegation may hide here, which has no DS (RFC 5155 §8.6), and below which all is unsigned.
            _ if found.is_opt_out => Proof::Insecure,
            _ => Proof::None,
        })
    }
}

struct Closest {
    name: Name,
    is_opt_out: bool,
}

/// The types that an NSEC or NSEC3 says exist.
#[derive(Clone, Copy)]
enum Types<'a> {
    Plain(&'a NSEC),
    Hashed(&'a NSEC3),
}

impl Types<'_> {
    fn has(self, kind: RecordType) -> bool {
        match self {
            Types::Plain(nsec) => nsec.type_set().contains(kind),
            Types::Hashed(nsec3) => nsec3.type_set().contains(kind),
        }
    }

    /// True when names below are another's to speak of: a delegation or a DNAME (RFC 6840 §4.1, RFC 6672 §5.3.4.1).
    fn hands_over(self) -> bool {
        self.has(RecordType::NS) && !self.has(RecordType::SOA) || self.has(RecordType::from(DNAME))
    }

    /// True when it proves that there is nothing of that type, and no alias.
    fn lack(self, kind: RecordType) -> bool {
        let is_cut = self.has(RecordType::NS) && !self.has(RecordType::SOA);
        // For DS the parent speaks, for all else the child.
        let is_speaker = if kind == RecordType::DS { !self.has(RecordType::SOA) } else { !is_cut };
        is_speaker && !self.has(kind) && !self.has(RecordType::CNAME)
    }
}

/// The longest ending that `name` shares with one of the others: the closest encloser.
fn common(name: &Name, one: &Name, other: &Name) -> Name {
    let shared = |with: &Name| {
        (0..=usize::from(name.num_labels()))
            .rev()
            .map(|labels| name.trim_to(labels))
            .find(|ending| ending.zone_of(with))
    };
    let (one, other) = (shared(one).unwrap_or_else(Name::root), shared(other).unwrap_or_else(Name::root));
    if one.num_labels() >= other.num_labels() { one } else { other }
}

fn wildcard_of(name: &Name) -> Result<Name, EdeCode> {
    name.prepend_label("*").map_err(|_| EdeCode::DnssecBogus)
}

/// Base 32 with the extended hex alphabet, without padding (RFC 4648 §7, RFC 5155 §3.3).
fn base32(label: &[u8]) -> Option<Vec<u8>> {
    let (mut octets, mut bits, mut count) = (Vec::with_capacity(20), 0_u32, 0);
    for letter in label {
        let value = match letter.to_ascii_lowercase() {
            digit @ b'0'..=b'9' => digit - b'0',
            letter @ b'a'..=b'v' => letter - b'a' + 10,
            _ => return None,
        };
        bits = bits << 5 | u32::from(value);
        count += 5;
        if count >= 8 {
            count -= 8;
            octets.push((bits >> count) as u8);
        }
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_proto::rr::Record;

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    fn denial(records: &[(&str, &str, &[RecordType])]) -> Denial {
        let mut denial = Denial::default();
        for (owner, next, types) in records {
            let nsec = NSEC::new(name(next), types.iter().copied());
            let record = Record::from_rdata(name(owner), 60, RData::DNSSEC(DNSSECRData::NSEC(nsec)));
            denial.add(&RrSet {
                name: name(owner),
                kind: RecordType::NSEC,
                records: vec![&record],
                signatures: vec![],
            });
        }
        denial
    }

    fn proof(records: &[(&str, &str, &[RecordType])], of: &str, kind: Option<RecordType>) -> Proof {
        let mut work = Work::new();
        let denial = denial(records);
        match kind {
            Some(kind) => denial.no_data(&name(of), kind, &mut work).unwrap(),
            None => denial.no_name(&name(of), &mut work).unwrap(),
        }
    }

    use RecordType::{A, CNAME, DS, NS, SOA};

    #[test]
    fn nothing_of_the_type() {
        let at = ("b.example.", "d.example.", &[A][..]);
        assert_eq!(proof(&[at], "b.example.", Some(NS)), Proof::Secure);
        assert_eq!(proof(&[at], "b.example.", Some(A)), Proof::None);
        assert_eq!(proof(&[("b.example.", "d.example.", &[CNAME])], "b.example.", Some(A)), Proof::None, "an alias");
        assert_eq!(proof(&[("b.example.", "d.example.", &[NS])], "b.example.", Some(A)), Proof::None, "the parent's");
        assert_eq!(proof(&[("b.example.", "d.example.", &[NS])], "b.example.", Some(DS)), Proof::Secure);
        assert_eq!(
            proof(&[("b.example.", "d.example.", &[NS, SOA])], "b.example.", Some(DS)),
            Proof::None,
            "the child's"
        );
        assert_eq!(proof(&[("b.example.", "x.c.example.", &[A])], "c.example.", Some(A)), Proof::Secure, "empty");
    }

    #[test]
    fn no_such_name() {
        let apex = ("example.", "b.example.", &[NS, SOA][..]);
        let gap = ("b.example.", "d.example.", &[A][..]);
        assert_eq!(proof(&[apex, gap], "c.example.", None), Proof::Secure);
        assert_eq!(proof(&[gap], "c.example.", None), Proof::None, "a wildcard might be");
        assert_eq!(
            proof(&[apex, ("b.example.", "x.c.example.", &[A])], "c.example.", None),
            Proof::None,
            "empty, but there"
        );
        assert_eq!(
            proof(&[apex, ("z.example.", "example.", &[A])], "zz.example.", None),
            Proof::Secure,
            "behind the last"
        );
        assert_eq!(
            proof(&[apex, ("b.example.", "d.example.", &[NS])], "x.b.example.", None),
            Proof::None,
            "handed over"
        );
        assert_eq!(proof(&[("z.example.", "example.", &[A])], "a.other.", None), Proof::None, "another zone");
    }

    #[test]
    fn a_wildcard_needs_proof_that_nothing_is_closer() {
        let closer = |records: &[(&str, &str, &[RecordType])], of: &str| {
            denial(records).no_closer(&name(of), 1, &mut Work::new()).unwrap()
        };
        let gap = ("b.example.", "d.example.", &[A][..]);
        assert_eq!(closer(&[gap], "c.example."), Proof::Secure);
        assert_eq!(closer(&[gap], "x.c.example."), Proof::Secure);
        assert_eq!(closer(&[gap], "e.example."), Proof::None, "not covered");
        assert_eq!(closer(&[("b.example.", "a.c.example.", &[A])], "x.c.example."), Proof::None, "c.example is there");
        assert_eq!(closer(&[("a.c.example.", "z.c.example.", &[A])], "x.c.example."), Proof::None, "and here");
        assert_eq!(closer(&[("a.c.example.", "d.example.", &[A])], "x.c.example."), Proof::None, "and here too");
        assert_eq!(closer(&[], "c.example."), Proof::None);
    }

    #[test]
    fn hashes_are_read_as_they_are_written() {
        assert_eq!(base32(b"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom").map(|octets| octets.len()), Some(20));
        assert_eq!(base32(b"CO"), Some(vec![0x66]));
        assert_eq!(base32(b"w"), None);
    }

    #[test]
    fn hashing_is_bounded() {
        let mut denial = Denial::default();
        let nsec3 = NSEC3::new(Nsec3HashAlgorithm::SHA1, false, 150, vec![], vec![0; 20], [A]);
        let owner = name("0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example.");
        let record = Record::from_rdata(owner.clone(), 60, RData::DNSSEC(DNSSECRData::NSEC3(nsec3)));
        denial.add(&RrSet { name: owner, kind: RecordType::NSEC3, records: vec![&record], signatures: vec![] });
        let deep = format!("{}example.", "a.".repeat(100));
        assert!(denial.no_name(&name(&deep), &mut Work::new()).is_err());
    }
}
