//! The addresses of a name as a profile would be told them, for the other door.

use std::net::IpAddr;

use super::given::Given;
use super::pipeline::{Door, addresses as addresses_of};
use super::query::rtype;
use super::record::{Answer, Question};
use super::special;
use crate::clock::now_secs;
use crate::judge::{HelpSet, Part, Snapshot};
use crate::name::Name;
use crate::policy::{Moment, Profile, Verdict};

/// Whose addresses are wanted, and for whom.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// What holds.
    pub snapshot: &'a Snapshot,
    /// For whom.
    pub profile: &'a Profile,
    /// When.
    pub moment: &'a Moment,
    /// Of what.
    pub name: &'a Name,
    /// It belongs to the help set: asked quietly, judged by nobody.
    pub is_help: bool,
    /// Somebody chose the name, so what it leads to stands ([`Verdict::is_chosen`]).
    pub is_chosen: bool,
    /// IPv6 is wanted.
    pub ipv6: bool,
}

impl Door {
    /// The addresses of that family; empty when there are none or no upstream answers. `Err` when the answer leads to
    /// something that is refused.
    pub async fn addresses(&self, wanted: Wanted<'_>) -> Result<Vec<IpAddr>, Verdict> {
        let question = Question {
            name: wanted.name,
            rtype: if wanted.ipv6 { rtype::AAAA } else { rtype::A },
            dnssec_ok: false,
            checking_disabled: wanted.is_help,
            without_ech: false,
        };
        let resolver = self.resolver_of(wanted.is_help);
        {
            let (hash, mut words) = (resolver.cache().hash(question), Vec::new());
            if let Some((answer, _)) = resolver.cached(hash, question, now_secs(), &mut words) {
                return wanted.addresses_in(&answer, self.is_private(wanted.name));
            }
        }
        // Rarely waited for, and large.
        match Box::pin(resolver.resolve(question)).await {
            Ok(found) => wanted.addresses_in(&found.entry.answer(), self.is_private(wanted.name)),
            Err(_) => Ok(Vec::new()),
        }
    }
}

impl Door {
    /// Looks up the whole help set and lets everybody reach its addresses, so that nothing in the kernel tells whether
    /// anybody ever asked for one of them.
    pub async fn learn_help(&self, help: &HelpSet, given: &Given) {
        let resolver = self.resolver_of(true);
        for name in help.names() {
            for rtype in [rtype::A, rtype::AAAA] {
                let question = Question { name, rtype, dnssec_ok: false, checking_disabled: true, without_ech: false };
                if let Ok(found) = resolver.resolve(question).await {
                    let addrs: Vec<IpAddr> = addresses_of(&found.entry.answer()).collect();
                    given.note_help(&addrs);
                }
            }
        }
    }
}

impl Wanted<'_> {
    fn addresses_in(&self, answer: &Answer<'_>, is_private: bool) -> Result<Vec<IpAddr>, Verdict> {
        let mut addrs = Vec::new();
        for part in answer.parts() {
            if let Part::Addr(addr) = &part {
                addrs.push(*addr);
            }
            let verdict = self.judged(&part, is_private);
            if !self.is_help && verdict.is_refusal() {
                return Err(verdict);
            }
        }
        Ok(addrs)
    }

    fn judged(&self, part: &Part, is_private: bool) -> Verdict {
        let guards = self.profile.rebinding_protection && !self.is_chosen && !is_private;
        match part {
            Part::Addr(addr) if guards && special::is_inside(*addr) => Verdict::REBINDING,
            part => self.snapshot.rule_part(self.profile, part, self.moment, self.is_chosen),
        }
    }
}
