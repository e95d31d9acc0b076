//! The bundle against a naive oracle, its determinism, its size, and what becomes of a torn one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::IpAddr;
use std::sync::Arc;

use luytre::classify::bundle::{Applies, BundleWriter, Part, PartKind, ServiceInfo, SourceInfo};
use luytre::classify::{Bundle, Category, CategorySet, Classes, ServiceSet};
use luytre::name::Name;
use proptest::prelude::*;

type Entry = (Vec<u8>, Applies, PartKind, u64, bool, u8);

fn part_of(writer: &mut BundleWriter, entry: &Entry) -> luytre::classify::bundle::PartId {
    let source = luytre::classify::bundle::SourceId(0);
    let mut services = ServiceSet::EMPTY;
    if entry.4 && entry.2 == PartKind::Block {
        services = services.with(luytre::classify::ServiceId(3));
    }
    let categories = CategorySet::from_bits(entry.3);
    writer.part(Part { applies: entry.1, kind: entry.2, categories, services, min_age: entry.5, source })
}

fn writer() -> BundleWriter {
    let mut writer = BundleWriter::new([7; 16], 1, 2);
    writer.source(SourceInfo { name: "test".into(), ..SourceInfo::default() }).unwrap();
    for id in ["a", "b", "c", "d"] {
        writer.service(ServiceInfo { id: id.into(), title: id.into() }).unwrap();
    }
    writer
}

fn name(labels: &[u8]) -> Name {
    let text: Vec<String> = labels.iter().map(|label| format!("l{label}")).collect();
    Name::parse(&text.join(".")).unwrap()
}

fn build(entries: &[Entry]) -> Vec<u8> {
    let mut writer = writer();
    // Part ids follow the order of calls, so equal entry sets must make them in one order.
    let mut sorted = entries.to_vec();
    sorted.sort_by_key(|entry| format!("{entry:?}"));
    for entry in &sorted {
        part_of(&mut writer, entry);
    }
    for entry in entries {
        let part = part_of(&mut writer, entry);
        writer.name(name(&entry.0).view(), part);
    }
    writer.finish().unwrap().0
}

fn open(bytes: Vec<u8>) -> Bundle {
    Bundle::from_storage(Arc::new(bytes)).unwrap()
}

/// The plain reading of the rules: level by level, allows first.
fn oracle(entries: &[Entry], asked: &[u8]) -> (u64, bool, u8) {
    let (mut categories, mut service, mut age, mut lifted) = (0, false, 0, 0);
    for level in 0..asked.len() {
        let wanted = if level == 0 { Applies::Exact } else { Applies::Subdomains };
        let here: Vec<&Entry> =
            entries.iter().filter(|entry| entry.0 == asked[level..] && entry.1 as u8 & wanted as u8 != 0).collect();
        let lift = here.iter().filter(|entry| entry.2 == PartKind::Allow).fold(0, |bits, entry| bits | entry.3);
        let (mut added, mut here_service, mut here_age, mut stands) = (0, false, 0, false);
        for entry in here.iter().filter(|entry| entry.2 == PartKind::Block) {
            if entry.3 == 0 || entry.3 & !lift != 0 {
                added |= entry.3 & !lift;
                here_service |= entry.4;
                stands |= entry.3 == 0 && entry.4;
                here_age = here_age.max(entry.5);
            }
        }
        if stands || added & !lifted != 0 {
            categories |= added & !lifted;
            service |= here_service;
            age = if age == 0 { here_age } else { age };
        }
        lifted |= lift;
    }
    (categories, service, age)
}

fn entry() -> impl Strategy<Value = Entry> {
    let applies = prop_oneof![Just(Applies::Exact), Just(Applies::Subdomains), Just(Applies::Suffix)];
    let kind = prop_oneof![4 => Just(PartKind::Block), 1 => Just(PartKind::Allow)];
    // Bits 3..=10 are ordinary categories.
    let bits = (0_u64..256).prop_map(|bits| bits << 3);
    (prop::collection::vec(0_u8..3, 1..4), applies, kind, bits, any::<bool>(), prop_oneof![Just(0_u8), 12..18_u8])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn agrees_with_the_oracle(entries in prop::collection::vec(entry(), 0..40), asked in prop::collection::vec(0_u8..3, 1..12)) {
        let bundle = open(build(&entries));
        let found = bundle.classify(&name(&asked));
        let (categories, service, age) = oracle(&entries, &asked);
        prop_assert_eq!(found.categories.bits(), categories);
        prop_assert_eq!(!found.services.is_empty(), service);
        prop_assert_eq!(found.min_age, age);
        let explained = bundle.matches(&name(&asked));
        prop_assert_eq!(found.evidence.is_some(), explained.iter().any(|found| !found.allow && found.in_force && (!found.categories.is_empty() || !found.services.is_empty())));
    }

    #[test]
    fn order_of_names_does_not_matter(entries in prop::collection::vec(entry(), 0..40), seed in any::<u64>()) {
        let mut shuffled = entries.clone();
        let count = shuffled.len() as u64;
        for at in 0..count {
            shuffled.swap(at as usize, (seed.wrapping_mul(at + 1) % count) as usize);
        }
        prop_assert_eq!(build(&entries), build(&shuffled));
    }

    #[test]
    fn addresses_agree_with_a_scan(spans in prop::collection::vec((0_u8..60, 0_u8..60, 3_u8..8, any::<bool>()), 0..30), asked in 0_u8..64) {
        let mut writer = writer();
        let addr = |octet: u8, six: bool| -> IpAddr {
            if six { std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, octet.into()).into() } else { [192, 0, 2, octet].into() }
        };
        for (a, b, bit, six) in &spans {
            let part = part_of(&mut writer, &(vec![], Applies::Exact, PartKind::Block, 1 << bit, false, 0));
            writer.range(addr(*a.min(b), *six), addr(*a.max(b), *six), part);
        }
        let bundle = open(writer.finish().unwrap().0);
        for six in [false, true] {
            let expected = spans.iter().filter(|(a, b, _, of)| *of == six && (*a.min(b)..=*a.max(b)).contains(&asked))
                .fold(0_u64, |bits, (_, _, bit, _)| bits | 1 << bit);
            prop_assert_eq!(bundle.classify_addr(addr(asked, six)).categories.bits(), expected);
            prop_assert_eq!(bundle.matches_addr(addr(asked, six)).is_empty(), expected == 0);
        }
    }
}

fn many(count: u32) -> (BundleWriter, Vec<Name>) {
    let mut writer = writer();
    let part = part_of(&mut writer, &(vec![], Applies::Suffix, PartKind::Block, 1 << 11, false, 0));
    let names: Vec<Name> = (0..count).map(|at| Name::parse(&format!("name{at}.example")).unwrap()).collect();
    for name in &names {
        writer.name(name.view(), part);
    }
    (writer, names)
}

/// Names and URLs, so that no section is empty.
fn mixed(count: u32) -> (Vec<u8>, Vec<Name>) {
    let (mut writer, names) = many(count);
    let part = part_of(&mut writer, &(vec![], Applies::Suffix, PartKind::Block, 1 << 12, false, 0));
    for (at, name) in names.iter().enumerate() {
        assert!(writer.url(name.into(), (at % 3 == 0).then_some(8080), &format!("/a/{at}?b"), part));
    }
    writer.range([192, 0, 2, 1].into(), [192, 0, 2, 9].into(), part);
    writer.range("2001:db8::1".parse().unwrap(), "2001:db8::9".parse().unwrap(), part);
    (writer.finish().unwrap().0, names)
}

#[test]
fn ten_octets_a_name_and_every_name_found() {
    let (writer, names) = many(200_000);
    let (bytes, report) = writer.finish().unwrap();
    assert_eq!(report.names, 200_000);
    assert!(bytes.len() <= 2_000_000, "{} octets", bytes.len());
    let bundle = open(bytes);
    assert!(names.iter().all(|name| bundle.classify(name).categories.contains(Category::Porn)));
    let strangers = (0..200_000).map(|at| Name::parse(&format!("other{at}.example")).unwrap());
    assert_eq!(strangers.filter(|name| bundle.classify(name) != Classes::UNKNOWN).count(), 0);
    assert_eq!(bundle.category_names(Category::Porn), 200_000);
}

#[test]
fn a_name_of_127_labels_is_found_at_its_end() {
    let mut writer = writer();
    let part = part_of(&mut writer, &(vec![], Applies::Suffix, PartKind::Block, 1 << 11, false, 0));
    writer.name(Name::parse("b.c").unwrap().view(), part);
    let bundle = open(writer.finish().unwrap().0);
    let deep = Name::parse(&format!("{}b.c", "a.".repeat(125))).unwrap();
    assert!(bundle.classify(&deep).categories.contains(Category::Porn));
    assert!(!bundle.classify(&Name::parse("c").unwrap()).categories.contains(Category::Porn));
}

#[test]
fn a_service_without_a_category_is_not_lifted_with_its_neighbour() {
    let entries = [
        (vec![1, 1], Applies::Suffix, PartKind::Allow, 32, false, 0),
        (vec![1], Applies::Suffix, PartKind::Block, 32, false, 0),
        (vec![1], Applies::Suffix, PartKind::Block, 0, true, 0),
    ];
    let found = open(build(&entries)).classify(&name(&[0, 1, 1]));
    assert!(found.categories.is_empty() && !found.services.is_empty());
}

#[test]
fn reserved_categories_cannot_come_from_a_list() {
    let entries = [(vec![1], Applies::Suffix, PartKind::Block, (1 << 1) | (1 << 2) | (1 << 47) | (1 << 11), false, 0)];
    assert_eq!(open(build(&entries)).classify(&name(&[1])).categories, CategorySet::of(&[Category::Porn]));
}

#[test]
fn a_torn_bundle_is_refused() {
    let (whole, _) = mixed(300);
    for end in 0..whole.len() {
        let torn = Bundle::from_storage(Arc::new(whole[..end].to_vec()));
        assert!(torn.is_err(), "cut at {end} of {}", whole.len());
    }
    assert!(open(whole).names() == 300);
}

#[test]
fn a_changed_octet_is_refused_or_harmless() {
    let (whole, names) = mixed(300);
    let url = Category::from_id(12).unwrap();
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let at = (state >> 33) as usize % whole.len();
        let mut changed = whole.clone();
        changed[at] ^= 1 << (state >> 20 & 7);
        if let Ok(bundle) = Bundle::from_storage(Arc::new(changed)) {
            // Only padding between sections is not covered by a checksum.
            assert!(names.iter().all(|name| !bundle.classify(name).categories.is_empty()), "octet {at}");
            let listed = |(at, name): (usize, &Name)| {
                bundle.classify_url(name.into(), 8080, &format!("/a/{at}?b")).categories.contains(url)
            };
            assert!(names.iter().enumerate().all(listed), "octet {at}");
        }
    }
}

#[test]
fn other_files_are_refused_by_name() {
    let refusal = |bytes: &[u8]| Bundle::from_storage(Arc::new(bytes.to_vec())).err().expect("refused").to_string();
    assert_eq!(refusal(b""), "0 octets are too few for a bundle");
    assert_eq!(refusal(&[0; 1024]), "not a bundle");
    let mut newer = many(1).0.finish().unwrap().0;
    newer[8] = 9;
    assert_eq!(refusal(&newer), "bundle format 9, which this program does not read");
}
