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
        let effects = self.section::<Effect>(Section::Effects);
        let mut found = Finding::new();
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
        let mut lifted = CategorySet::EMPTY;
        let mut matches = Vec::new();
        self.each_url(host, port, path_and_query, &mut |hit| {
            self.explain_set(hit.set, hit.own, &hit.text(), &mut lifted, &mut matches);
        });
        match host {
            Host::Name(name) => self.matches_from(lifted, &mut matches, name),
            Host::Addr(addr) => self.matches_addr_from(lifted, &mut matches, addr.to_canonical()),
        }
        matches
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
