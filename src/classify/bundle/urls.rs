//! Looking URLs up in a bundle: first whether the host has rules at all, then each front of the path that a rule may name,
//! the most specific first. At most 18 paths and 17 queries are looked for, twice where rules name a port.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::format::{self, Effect, Line, Section};
use super::reader::{Bundle, Finding, Match, effect_index, find};
use super::url_key::{HostKey, HostRules, PathKey};
use crate::classify::category::CategorySet;
use crate::classify::classes::{Classes, Evidence};
use crate::classify::path::{ARGUMENTS_MAX, PathAndQuery, prefixes};
use crate::classify::url::{Host, write_url};

/// A rule that was found.
struct Hit<'t> {
    set: u16,
    /// The rule is for this very host, not for one above it.
    own: bool,
    host: Host<'t>,
    labels: usize,
    port: Option<u16>,
    path: &'t str,
    query: &'t str,
}

impl Bundle {
    /// The union over the URL rules that hold for the request and the entries of its host. What is more specific lifts
    /// what is less: a longer path before a shorter one, a host before those above it, a URL before a name. Scheme does
    /// not count; a rule without a port holds for all ports.
    pub fn classify_url(&self, host: Host<'_>, port: u16, path_and_query: &str) -> Classes {
        self.classify_url_from(Finding::new(), host, port, path_and_query).classes
    }

    /// The same where something is lifted already.
    pub(in crate::classify) fn classify_url_from(
        &self,
        mut found: Finding,
        host: Host<'_>,
        port: u16,
        path_and_query: &str,
    ) -> Finding {
        let effects = self.section::<Effect>(Section::Effects);
        self.each_url(host, port, path_and_query, &mut |hit| {
            let labels = u8::try_from(hit.labels).unwrap_or(u8::MAX);
            found.take(effects.get(effect_index(hit.set, hit.own)), Evidence { labels, is_url: true, set: hit.set });
        });
        match host {
            Host::Name(name) => self.classify_from(found, name, &self.places(name)),
            Host::Addr(addr) => self.classify_addr_from(found, addr.to_canonical()),
        }
    }

    /// Every rule and entry that speaks of the request, most specific first.
    pub fn matches_url(&self, host: Host<'_>, port: u16, path_and_query: &str) -> Vec<Match> {
        let mut matches = Vec::new();
        self.matches_url_from(CategorySet::EMPTY, &mut matches, host, port, path_and_query);
        matches
    }

    /// The same where something is lifted already.
    pub(in crate::classify) fn matches_url_from(
        &self,
        mut lifted: CategorySet,
        matches: &mut Vec<Match>,
        host: Host<'_>,
        port: u16,
        path_and_query: &str,
    ) {
        self.each_url(host, port, path_and_query, &mut |hit| {
            self.explain_set(hit.set, hit.own, &hit.text(), &mut lifted, matches);
        });
        match host {
            Host::Name(name) => self.matches_from(lifted, matches, name),
            Host::Addr(addr) => self.matches_addr_from(lifted, matches, addr.to_canonical()),
        }
    }

    /// Different URL rules.
    pub fn urls(&self) -> u64 {
        self.header().urls.get()
    }

    fn each_url(&self, host: Host<'_>, port: u16, path_and_query: &str, take: &mut dyn FnMut(Hit<'_>)) {
        if self.section::<Line>(Section::Urls).is_empty() {
            return;
        }
        // Nearly every host has no rules, and its path needs no normal form.
        let mut target = None;
        let mut look = |host: Host<'_>, labels: usize, own: bool, key: &HostKey| {
            let Some(rules) = self.url_record(key.host()).map(HostRules::from_bits) else { return };
            if own || rules.covers_below() {
                let target = target.get_or_insert_with(|| PathAndQuery::of_request(path_and_query.as_bytes()));
                for port in rules.ports(port) {
                    self.each_path(key.at_port(port), rules, target, &mut |set, path, query| {
                        take(Hit { set, own, host, labels, port, path, query });
                    });
                }
            }
        };
        match host {
            Host::Addr(addr) => look(Host::Addr(addr.to_canonical()), 0, true, &HostKey::of_addr(&self.key(), addr)),
            Host::Name(name) => {
                let below_max = usize::from(self.header().url_below_labels);
                for (suffix, labels) in name.suffixes().zip((1..=name.label_count()).rev()) {
                    let own = suffix.as_wire().len() == name.as_wire().len();
                    if own || labels <= below_max {
                        let above = suffix.to_name();
                        look(Host::Name(&above), labels, own, &HostKey::of_name(&self.key(), suffix.as_wire()));
                    }
                }
            }
        }
    }

    /// The rules for one host and port, longest first.
    fn each_path<'t>(
        &self,
        mut key: PathKey,
        rules: HostRules,
        target: &'t PathAndQuery,
        take: &mut dyn FnMut(u16, &'t str, &'t str),
    ) {
        let mut wanted: Vec<((u64, u64), &str, &str)> = Vec::new();
        let mut before = 0;
        for path in prefixes(target.path(), '/', rules.depth().saturating_add(1)) {
            key.write(path.get(before..).unwrap_or_default());
            before = path.len();
            wanted.push((key.here(), path, ""));
        }
        if rules.has_query() && !target.query().is_empty() {
            key.write("?");
            before = 0;
            for query in prefixes(target.query(), '&', ARGUMENTS_MAX) {
                key.write(query.get(before..).unwrap_or_default());
                before = query.len();
                wanted.push((key.here(), target.path(), query));
            }
        }
        for (hash, path, query) in wanted.into_iter().rev() {
            if let Some(set) = self.url_record(hash) {
                take(set, path, query);
            }
        }
    }

    fn url_record(&self, hash: (u64, u64)) -> Option<u16> {
        let table = self.section::<Line>(Section::Urls);
        let header = self.header();
        let place = format::place(hash, header.url_nonce.get(), header.url_home_lines.get());
        find(table, table.get(place.line)?, place)
    }
}

impl Hit<'_> {
    /// The rule in its normal form, without the last slash.
    fn text(&self) -> String {
        let mut rest = if self.path.is_empty() { "/".to_string() } else { self.path.to_string() };
        if !self.query.is_empty() {
            rest.push('?');
            rest.push_str(self.query);
        }
        let mut out = String::new();
        // Writing into a string does not fail.
        let _ = write_url(&mut out, self.host, self.port, &rest);
        out
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may end so")]
mod tests {
    use std::sync::Arc;

    use zerocopy::little_endian::U64;
    use zerocopy::{FromBytes, IntoBytes};

    use super::*;
    use crate::classify::bundle::format::Header;
    use crate::classify::bundle::{Applies, BundleError, BundleWriter, Part, PartKind, SourceInfo};
    use crate::classify::category::Category;
    use crate::classify::service::ServiceSet;
    use crate::name::Name;

    fn host(at: usize) -> Name {
        Name::parse(&format!("h{at}.example")).unwrap()
    }

    fn bundle_bytes() -> Vec<u8> {
        let mut writer = BundleWriter::new([7; 16], 1, 2);
        let source = writer.source(SourceInfo::default()).unwrap();
        let categories = CategorySet::of(&[Category::Porn]);
        let services = ServiceSet::EMPTY;
        let part = Part { applies: Applies::Suffix, kind: PartKind::Block, categories, services, min_age: 0, source };
        let part = writer.part(part);
        for at in 0..100 {
            assert!(writer.url((&host(at)).into(), Some(80), "/a/b?c", part));
        }
        writer.finish().unwrap().0
    }

    /// Changes header and URL table and makes every checksum fit again, as somebody would who means harm.
    fn forge(bytes: &mut [u8], header_of: impl Fn(&mut Header), slot_of: impl Fn(usize, u64) -> u64) {
        let (header, _) = Header::read_from_prefix(bytes).unwrap();
        let mut header = header;
        let extent = &mut header.sections[Section::Urls as usize];
        let from = extent.offset.get() as usize;
        let table = &mut bytes[from..from + extent.len.get() as usize];
        for (at, slot) in <[U64]>::mut_from_bytes(table).unwrap().iter_mut().enumerate() {
            *slot = U64::new(slot_of(at, slot.get()));
        }
        extent.checksum = format::checksum(table);
        header_of(&mut header);
        header.checksum = [0; 16];
        header.checksum = format::checksum(header.as_bytes());
        bytes[..size_of::<Header>()].copy_from_slice(header.as_bytes());
    }

    fn open(bytes: Vec<u8>) -> Result<Bundle, BundleError> {
        Bundle::from_storage(Arc::new(bytes))
    }

    #[test]
    fn a_table_shorter_than_its_header_says_is_refused() {
        let mut bytes = bundle_bytes();
        let more = |header: &mut Header| header.url_home_lines = U64::new(header.url_home_lines.get() + 100);
        forge(&mut bytes, more, |_, slot| slot);
        assert_eq!(open(bytes).err(), Some(BundleError::Reference("urls")));
    }

    #[test]
    fn a_table_of_nonsense_is_looked_up_within_limits() {
        // Set ids that are none, hosts of all kinds, lines that pass on to the end: whatever the sixteen bits are.
        for turn in 0..64_u64 {
            let mut bytes = bundle_bytes();
            let noise = |at: usize, slot: u64| match turn % 4 {
                0 => slot | 0xffff,
                1 => slot ^ (turn << 10),
                2 => (at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(turn as u32),
                _ => slot | 1 << 16,
            };
            let header = |header: &mut Header| {
                header.url_below_labels = 255;
                header.url_nonce = U64::new(header.url_nonce.get() + turn % 3);
            };
            forge(&mut bytes, header, noise);
            let bundle = open(bytes).unwrap();
            let deep = "/x".repeat(4000) + "?" + &"y&".repeat(4000);
            for at in 0..100 {
                bundle.classify_url((&host(at)).into(), 80, "/a/b?c");
                bundle.matches_url((&host(at)).into(), 80, &deep);
            }
        }
    }

    #[test]
    fn a_request_costs_few_looks_whatever_it_is() {
        let all = HostRules::from_bits(u16::MAX);
        let deep = PathAndQuery::of_request(("/x".repeat(4000) + "?" + &"y&".repeat(4000)).as_bytes());
        let paths = prefixes(deep.path(), '/', all.depth() + 1).count();
        let queries = prefixes("y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y&y", '&', ARGUMENTS_MAX).count();
        assert_eq!((paths, queries, all.ports(80).count()), (18, 17, 2));
    }
}
