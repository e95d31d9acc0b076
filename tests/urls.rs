//! URL rules in the bundle against a naive oracle, what a rule means, and where the limits are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

use std::net::IpAddr;
use std::sync::Arc;

use luytre::classify::bundle::{Applies, BundleWriter, Part, PartId, PartKind, SourceId, SourceInfo};
use luytre::classify::path::{ARGUMENTS_MAX, PATH_MAX, SEGMENTS_MAX};
use luytre::classify::{Bundle, Category, CategorySet, Classes, Engine, Host, ServiceSet, Url};
use luytre::name::Name;
use proptest::prelude::*;

/// What one list says of a name (no path) or of URLs.
#[derive(Debug, Clone)]
struct Rule {
    host: TestHost,
    url: Option<(Option<u16>, String)>,
    applies: Applies,
    kind: PartKind,
    bits: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum TestHost {
    Labels(Vec<u8>),
    Addr(IpAddr),
}

fn name(labels: &[u8]) -> Name {
    let text: Vec<String> = labels.iter().map(|label| format!("l{label}")).collect();
    Name::parse(&text.join(".")).unwrap()
}

fn writer() -> BundleWriter {
    let mut writer = BundleWriter::new([7; 16], 1, 2);
    writer.source(SourceInfo { name: "test".into(), ..SourceInfo::default() }).unwrap();
    writer
}

fn part(writer: &mut BundleWriter, applies: Applies, kind: PartKind, bits: u64) -> PartId {
    let categories = CategorySet::from_bits(bits);
    writer.part(Part { applies, kind, categories, services: ServiceSet::EMPTY, min_age: 0, source: SourceId(0) })
}

fn build(rules: &[Rule]) -> Vec<u8> {
    let mut writer = writer();
    // Part ids follow the order of calls, so equal rule sets must make them in one order.
    let mut parts: Vec<(Applies, PartKind, u64)> =
        rules.iter().map(|rule| (rule.applies, rule.kind, rule.bits)).collect();
    parts.sort_by_key(|part| format!("{part:?}"));
    for (applies, kind, bits) in parts {
        part(&mut writer, applies, kind, bits);
    }
    for rule in rules {
        let part = part(&mut writer, rule.applies, rule.kind, rule.bits);
        match (&rule.host, &rule.url) {
            (TestHost::Labels(labels), None) => writer.name(name(labels).view(), part),
            (TestHost::Labels(labels), Some((port, rest))) => {
                assert!(writer.url((&name(labels)).into(), *port, rest, part))
            }
            (TestHost::Addr(addr), None) => writer.range(*addr, *addr, part),
            (TestHost::Addr(addr), Some((port, rest))) => assert!(writer.url((*addr).into(), *port, rest, part)),
        }
    }
    writer.finish().unwrap().0
}

fn open(bytes: Vec<u8>) -> Bundle {
    Bundle::from_storage(Arc::new(bytes)).unwrap()
}

fn classify(bundle: &Bundle, host: &TestHost, port: u16, rest: &str) -> Classes {
    match host {
        TestHost::Labels(labels) => bundle.classify_url((&name(labels)).into(), port, rest),
        TestHost::Addr(addr) => bundle.classify_url((*addr).into(), port, rest),
    }
}

/// Path without its last slash, and query without its last `&`.
fn halves(rest: &str) -> (String, String) {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (path.strip_suffix('/').unwrap_or(path).to_string(), query.trim_end_matches('&').to_string())
}

/// How specific the rule is, and whether it is on the very host; `None` when it does not hold for the request.
fn holds(rule: &Rule, host: &TestHost, port: u16, rest: &str) -> Option<(usize, bool, bool, usize, usize, bool)> {
    let (labels, own) = match (&rule.host, host) {
        (TestHost::Labels(rule), TestHost::Labels(host)) if host.ends_with(rule) => {
            (rule.len(), rule.len() == host.len())
        }
        (TestHost::Addr(rule), TestHost::Addr(host)) if rule == host => (0, true),
        _ => return None,
    };
    let wanted = if own { Applies::Exact } else { Applies::Subdomains };
    if rule.applies as u8 & wanted as u8 == 0 {
        return None;
    }
    let Some((of_port, of)) = &rule.url else { return Some((labels, false, false, 0, 0, own)) };
    let ((path, query), (of_path, of_query)) = (halves(rest), halves(of));
    let below = |text: &str, of: &str, mark: char| text == of || text.starts_with(&format!("{of}{mark}"));
    let matches = match of_query.is_empty() {
        true => below(&path, &of_path, '/'),
        false => path == of_path && below(&query, &of_query, '&'),
    };
    (matches && of_port.is_none_or(|of| of == port)).then_some((
        labels,
        true,
        of_port.is_some(),
        of_query.len(),
        of_path.len(),
        own,
    ))
}

/// The plain reading: every rule looked at, most specific first; URLs before names; in one place allows first.
fn oracle(rules: &[Rule], host: &TestHost, port: u16, rest: &str) -> u64 {
    let mut hits: Vec<_> = rules.iter().filter_map(|rule| Some((holds(rule, host, port, rest)?, rule))).collect();
    hits.sort_by_key(|((labels, is_url, has_port, query, path, _), _)| {
        std::cmp::Reverse((*is_url, *labels, *has_port, *query, *path))
    });
    let (mut categories, mut lifted) = (0, 0);
    for level in hits.chunk_by(|one, other| one.0 == other.0) {
        let of = |kind: PartKind| {
            level.iter().filter(|(_, rule)| rule.kind == kind).fold(0, |bits, (_, rule)| bits | rule.bits)
        };
        let lifts = of(PartKind::Allow);
        categories |= of(PartKind::Block) & !lifts & !lifted;
        lifted |= lifts;
    }
    categories
}

fn host() -> impl Strategy<Value = TestHost> {
    prop_oneof![
        6 => prop::collection::vec(0_u8..2, 1..4).prop_map(TestHost::Labels),
        1 => Just(TestHost::Addr([192, 0, 2, 1].into())),
        1 => Just(TestHost::Addr("2001:db8::1".parse().unwrap())),
    ]
}

/// In normal form, so that the oracle needs none.
fn rest() -> impl Strategy<Value = String> {
    "(/|(/[ab]?){1,4}/?)(\\?(|a|ab|b=1)(&(a|ab|b=1|)){0,2})?"
}

fn rule() -> impl Strategy<Value = Rule> {
    let applies = prop_oneof![Just(Applies::Exact), Just(Applies::Subdomains), Just(Applies::Suffix)];
    let kind = prop_oneof![4 => Just(PartKind::Block), 1 => Just(PartKind::Allow)];
    let port = prop_oneof![2 => Just(None), 1 => Just(Some(80)), 1 => Just(Some(8080))];
    // Bits 3..=10 are ordinary categories.
    let bits = (0_u64..256).prop_map(|bits| bits << 3);
    (host(), prop::option::weighted(0.8, (port, rest())), applies, kind, bits).prop_map(
        |(host, url, applies, kind, bits)| {
            // An address has nothing below it.
            let applies = if matches!(host, TestHost::Addr(_)) { Applies::Exact } else { applies };
            Rule { host, url, applies, kind, bits }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn agrees_with_the_oracle(
        rules in prop::collection::vec(rule(), 0..40),
        requests in prop::collection::vec((host(), prop_oneof![Just(80_u16), Just(443), Just(8080)], rest()), 1..8),
    ) {
        let bundle = open(build(&rules));
        for (host, port, rest) in requests {
            let found = classify(&bundle, &host, port, &rest);
            prop_assert_eq!(found.categories.bits(), oracle(&rules, &host, port, &rest), "{:?}:{}{}", host, port, rest);
            let explained = match &host {
                TestHost::Labels(labels) => bundle.matches_url((&name(labels)).into(), port, &rest),
                TestHost::Addr(addr) => bundle.matches_url((*addr).into(), port, &rest),
            };
            let in_force = explained.iter().filter(|found| !found.allow && found.in_force && !found.categories.is_empty());
            prop_assert_eq!(found.evidence.is_some(), in_force.count() > 0);
            let speaking = rules.iter().filter(|rule| holds(rule, &host, port, &rest).is_some()).count();
            prop_assert_eq!(explained.is_empty(), speaking == 0);
        }
    }

    #[test]
    fn order_of_rules_does_not_matter(rules in prop::collection::vec(rule(), 0..40), seed in any::<u64>()) {
        let mut shuffled = rules.clone();
        let count = shuffled.len() as u64;
        for at in 0..count {
            shuffled.swap(at as usize, (seed.wrapping_mul(at + 1) % count) as usize);
        }
        prop_assert_eq!(build(&rules), build(&shuffled));
    }

    #[test]
    fn any_request_is_answered(rules in prop::collection::vec(rule(), 0..20), host in host(), port in any::<u16>(), rest in any::<String>()) {
        classify(&open(build(&rules)), &host, port, &rest);
    }
}

/// A bundle of one rule, read as lists write it, and for the hosts below where it starts with `||`.
fn one(rule: &str) -> Bundle {
    let mut writer = writer();
    let (applies, text) = rule.strip_prefix("||").map_or((Applies::Exact, rule), |text| (Applies::Suffix, text));
    let part = part(&mut writer, applies, PartKind::Block, 1 << 11);
    let url = Url::read(text.as_bytes()).unwrap();
    assert!(writer.url(url.host(), url.port, &url.rest, part));
    open(writer.finish().unwrap().0)
}

fn is_listed(bundle: &Bundle, request: &str) -> bool {
    let url = Url::read(request.as_bytes()).unwrap();
    let classes = bundle.classify_url(url.host(), url.effective_port(), &url.rest);
    let matches = bundle.matches_url(url.host(), url.effective_port(), &url.rest);
    assert_eq!(classes != Classes::UNKNOWN, !matches.is_empty());
    assert!(classes.evidence.is_none_or(|evidence| evidence.is_url));
    classes.categories.contains(Category::Porn)
}

#[test]
fn what_a_rule_means() {
    for (rule, listed, open) in [
        (
            "x.example/a",
            &[
                "http://x.example/a",
                "http://X.Example/a/",
                "http://x.example/a/b.html",
                "http://x.example/a?q",
                "https://x.example/a",
                "http://x.example:8080/a",
                "http://x.example//../a",
                "http://x.example/%61",
                "http://u@x.example/b/../a#f",
            ][..],
            &[
                "http://x.example/",
                "http://x.example/ab",
                "http://x.example/A",
                "http://x.example//a",
                "http://www.x.example/a",
                "http://x.example/?/a",
                "http://example/a",
            ][..],
        ),
        ("https://x.example/a/", &["http://x.example/a", "http://x.example/a/b"], &["http://x.example/"]),
        ("x.example/", &["http://x.example", "http://x.example/a/b?c"], &["http://y.example/"]),
        ("x.example:8080/a", &["http://x.example:8080/a/b"], &["http://x.example/a", "https://x.example/a"]),
        ("https://x.example:80/a", &["http://x.example/a"], &["https://x.example/a"]),
        (
            "x.example/a?b=1&c",
            &["http://x.example/a?b=1&c", "http://x.example/a/?b=1&c&d", "http://x.example/a?b=1&c&"],
            &[
                "http://x.example/a",
                "http://x.example/a?b=1",
                "http://x.example/a?b=1&cd",
                "http://x.example/a?c&b=1",
                "http://x.example/a/b?b=1&c",
            ],
        ),
        ("x.example/a?", &["http://x.example/a", "http://x.example/a/b?c"], &["http://x.example/"]),
        (
            "||x.example/a",
            &["http://x.example/a", "http://b.a.x.example/a/b"],
            &["http://yx.example/a", "http://example/a", "http://a.x.example/b"],
        ),
        (
            "192.0.2.1/a",
            &["http://192.0.2.1/a", "http://0xc0.0.0x201/a", "http://[::ffff:192.0.2.1]/a"],
            &["http://192.0.2.2/a"],
        ),
        ("http://[2001:db8::1]/a", &["http://[2001:db8:0::1]/a/"], &["http://[2001:db8::2]/a"]),
    ] {
        let bundle = one(rule);
        assert!(listed.iter().all(|request| is_listed(&bundle, request)), "{rule}: {listed:?}");
        assert!(open.iter().all(|request| !is_listed(&bundle, request)), "{rule}: {open:?}");
    }
}

#[test]
fn beyond_the_limits_a_rule_means_itself_alone() {
    let deep = |segments: usize| format!("x.example{}", "/s".repeat(segments));
    let (most, more) = (deep(SEGMENTS_MAX), deep(SEGMENTS_MAX + 1));
    assert!(is_listed(&one(&most), &most) && is_listed(&one(&most), &format!("{more}/t/u")));
    assert!(is_listed(&one(&more), &more) && !is_listed(&one(&more), &format!("{more}/t")));
    let many = |arguments: usize| format!("x.example/?{}", vec!["a"; arguments].join("&"));
    let (most, more) = (many(ARGUMENTS_MAX), many(ARGUMENTS_MAX + 1));
    assert!(is_listed(&one(&most), &most) && is_listed(&one(&most), &format!("{more}&b")));
    assert!(is_listed(&one(&more), &more) && !is_listed(&one(&more), &format!("{more}&b")));
}

#[test]
fn a_request_over_8_kib_is_looked_at_in_front_and_a_rule_refused() {
    let long = "y".repeat(PATH_MAX);
    let bundle = one("x.example/a/b");
    assert!(is_listed(&bundle, &format!("http://x.example/a/b/{long}")));
    assert!(is_listed(&bundle, &format!("http://x.example/a/b?{long}")));
    assert!(!is_listed(&bundle, &format!("http://x.example/{long}/a/b")));
    // The piece that was cut through is no piece.
    let cut = format!("x.example/{}", "y".repeat(PATH_MAX - 1));
    assert!(is_listed(&one(&cut), &cut) && !is_listed(&one(&cut), &format!("{cut}y")));
    let mut writer = writer();
    let part = part(&mut writer, Applies::Exact, PartKind::Block, 1 << 11);
    assert!(!writer.url((&name(&[1])).into(), None, &format!("/{long}"), part));
    assert_eq!(writer.finish().unwrap().1.urls, 0);
}

#[test]
fn a_match_is_told_as_the_rule_it_is() {
    let mut writer = writer();
    let block = part(&mut writer, Applies::Suffix, PartKind::Block, 1 << 11);
    let allow = part(&mut writer, Applies::Exact, PartKind::Allow, 1 << 11);
    let x = Name::parse("x.example").unwrap();
    let www = Name::parse("www.x.example").unwrap();
    writer.name(x.view(), block);
    writer.url((&x).into(), None, "/a/", block);
    writer.url((&x).into(), Some(8080), "/a/b?c=1", block);
    writer.url((&www).into(), None, "/a/b/good", allow);
    let bundle = open(writer.finish().unwrap().0);
    let told = |port: u16, rest: &str| -> Vec<(String, bool, bool)> {
        let matches = bundle.matches_url((&www).into(), port, rest);
        matches.into_iter().map(|found| (found.entry, found.allow, found.in_force)).collect()
    };
    let is = |entry: &str, allow: bool, in_force: bool| (entry.to_string(), allow, in_force);
    let expected =
        vec![is("x.example:8080/a/b?c=1", false, true), is("x.example/a", false, true), is("x.example", false, true)];
    assert_eq!(told(8080, "/a/b?c=1&d"), expected);
    let expected =
        vec![is("www.x.example/a/b/good", true, true), is("x.example/a", false, false), is("x.example", false, false)];
    assert_eq!(told(80, "/a/b/good/one"), expected);
    assert_eq!(bundle.classify_url((&www).into(), 80, "/a/b/good/one"), Classes::UNKNOWN);
    assert_eq!((bundle.urls(), bundle.names(), bundle.category_urls(Category::Porn)), (3, 1, 2));
}

#[test]
fn health_pages_are_no_pornography() {
    let mut writer = writer();
    let porn = part(&mut writer, Applies::Suffix, PartKind::Block, 1 << Category::Porn as u8);
    let health = part(&mut writer, Applies::Exact, PartKind::Block, 1 << Category::HealthSexed as u8);
    let x = Name::parse("x.example").unwrap();
    writer.name(x.view(), porn);
    writer.url((&x).into(), None, "/clinic", health);
    let engine = Engine::new(Arc::new(open(writer.finish().unwrap().0)));
    let of = |rest: &str| engine.classify_url((&x).into(), 80, rest).categories;
    assert_eq!(
        (of("/clinic/hours"), of("/")),
        (CategorySet::of(&[Category::HealthSexed]), CategorySet::of(&[Category::Porn]))
    );
}

#[test]
fn two_hundred_thousand_rules_are_all_found_and_nothing_else() {
    let mut writer = writer();
    let part = part(&mut writer, Applies::Exact, PartKind::Block, 1 << 11);
    let host = |at: u32| Name::parse(&format!("h{}.example", at / 2)).unwrap();
    for at in 0..200_000 {
        assert!(writer.url((&host(at)).into(), None, &format!("/p{at}/index.html"), part));
    }
    let (bytes, report) = writer.finish().unwrap();
    assert_eq!((report.urls, report.names), (200_000, 0));
    // A slot a rule and half a slot a host, filled to 88 %.
    println!("{:.2} octets a URL", report.url_bytes as f64 / report.urls as f64);
    assert!(report.url_bytes <= 200_000 * 14, "{} octets", report.url_bytes);
    let bundle = open(bytes);
    let listed = |at: u32, rest: &str| bundle.classify_url(Host::Name(&host(at)), 80, rest) != Classes::UNKNOWN;
    assert!((0..200_000).all(|at| listed(at, &format!("/p{at}/index.html"))));
    assert_eq!((0..200_000).filter(|at| listed(*at, &format!("/p{at}/")) || listed(*at, "/")).count(), 0);
    assert_eq!((200_000..400_000).filter(|at| listed(*at, &format!("/p{}/index.html", at - 200_000))).count(), 0);
    assert_eq!(bundle.category_urls(Category::Porn), 200_000);
}

#[test]
fn without_url_rules_a_url_is_its_host() {
    let mut writer = writer();
    let part = part(&mut writer, Applies::Suffix, PartKind::Block, 1 << 11);
    writer.name(name(&[1]).view(), part);
    let bundle = open(writer.finish().unwrap().0);
    assert_eq!(bundle.classify_url((&name(&[0, 1])).into(), 80, "/a?b"), bundle.classify(&name(&[0, 1])));
    assert_eq!(bundle.urls(), 0);
}
