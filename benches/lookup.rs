//! What a look-up costs, by kind of name and size of list: `cargo bench --bench lookup`. Other sizes:
//! `LUYTRE_BENCH_NAMES=10000000 cargo bench --bench lookup`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may end so")]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex, OnceLock};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use luytre::classify::bundle::{Applies, BundleWriter, Part, PartKind, SourceInfo};
use luytre::classify::{Bundle, Category, CategorySet, Engine, Host, ServiceSet};
use luytre::dns::query::Query;
use luytre::name::Name;

fn sizes() -> Vec<usize> {
    match std::env::var("LUYTRE_BENCH_NAMES") {
        Ok(text) => text.split(',').filter_map(|size| size.parse().ok()).collect(),
        Err(_) => vec![10_000, 1_000_000],
    }
}

/// An engine over a list of so many names, made once.
fn engine(names: usize) -> Engine {
    static MADE: OnceLock<Mutex<HashMap<usize, Engine>>> = OnceLock::new();
    let mut made = MADE.get_or_init(Mutex::default).lock().unwrap();
    made.entry(names)
        .or_insert_with(|| {
            let mut writer = BundleWriter::new([7; 16], 1, 0);
            let source = writer.source(SourceInfo::default()).unwrap();
            let part = writer.part(Part {
                applies: Applies::Suffix,
                kind: PartKind::Block,
                categories: CategorySet::of(&[Category::Gambling]),
                services: ServiceSet::EMPTY,
                min_age: 0,
                source,
            });
            for at in 0..names {
                writer.name(listed(at).view(), part);
            }
            let bytes = writer.finish().unwrap().0;
            Engine::new(Arc::new(Bundle::from_storage(Arc::new(bytes)).unwrap()))
        })
        .clone()
}

fn listed(at: usize) -> Name {
    Name::parse(&format!("n{at}.listed{}.example", at % 997)).unwrap()
}

const ASKED: usize = 8192;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Names to ask for, by kind; many of each, so that not all of the table is in the first cache.
fn kinds(names: usize) -> Vec<(&'static str, Vec<Name>)> {
    let hit = |at: usize| listed(at.wrapping_mul(7919) % names);
    let all = |of: &dyn Fn(usize) -> Name| (0..ASKED).map(of).collect::<Vec<_>>();
    let letters = |of: &dyn Fn(String) -> String| {
        (b'a'..=b'z').map(|octet| name(&of(char::from(octet).to_string()))).collect::<Vec<_>>()
    };
    vec![
        ("hit", all(&hit)),
        ("below a hit", all(&|at| name(&format!("www.{}", hit(at))))),
        ("miss", all(&|at| name(&format!("www.site{at}.example")))),
        ("deep", all(&|at| name(&format!("a.b.c.d.e.f.g.site{at}.org.example")))),
        // The most hashes one question can cause, and the most octets for each of a few.
        ("127 labels", letters(&|letter| vec![letter; 127].join("."))),
        ("longest labels", letters(&|letter| vec![letter.repeat(62); 4].join("."))),
    ]
}

fn lookups(criterion: &mut Criterion) {
    for names in sizes() {
        let engine = engine(names);
        let mut group = criterion.benchmark_group(format!("classify, {names} names"));
        group.throughput(Throughput::Elements(1));
        for (kind, asked) in kinds(names) {
            let mut turn = 0;
            group.bench_function(BenchmarkId::from_parameter(kind), |bencher| {
                bencher.iter(|| {
                    turn = (turn + 1) % asked.len();
                    engine.classify(black_box(&asked[turn]))
                });
            });
        }
        group.finish();
    }
}

/// Hosts with URL rules: a tenth of the rules.
fn url_engine(urls: usize) -> Engine {
    let mut writer = BundleWriter::new([7; 16], 1, 0);
    let source = writer.source(SourceInfo::default()).unwrap();
    let categories = CategorySet::of(&[Category::PhishingScam]);
    let (services, kind) = (ServiceSet::EMPTY, PartKind::Block);
    let part = writer.part(Part { applies: Applies::Exact, kind, categories, services, min_age: 0, source });
    for at in 0..urls {
        assert!(writer.url((&listed(at / 10)).into(), None, &url_path(at), part));
    }
    let bytes = writer.finish().unwrap().0;
    Engine::new(Arc::new(Bundle::from_storage(Arc::new(bytes)).unwrap()))
}

fn url_path(at: usize) -> String {
    format!("/view/p{at}/login.php?id=5")
}

fn urls(criterion: &mut Criterion) {
    const RULES: usize = 1_000_000;
    let engine = url_engine(RULES);
    let mut group = criterion.benchmark_group(format!("classify a URL, {RULES} rules"));
    group.throughput(Throughput::Elements(1));
    let all = |of: &dyn Fn(usize) -> (Name, String)| (0..ASKED).map(|at| of(at * 7919 % RULES)).collect::<Vec<_>>();
    let long = "/x%41".repeat(800) + "?" + &"y&".repeat(2000);
    for (kind, asked) in [
        ("hit", all(&|at| (listed(at / 10), url_path(at) + "&more"))),
        ("miss, host without rules", all(&|at| (name(&format!("www.site{at}.example")), url_path(at)))),
        ("miss, host with rules", all(&|at| (listed(at / 10), format!("/view/other/{at}?id=5")))),
        // The longest that is looked at, on a host with rules.
        ("8 KiB, host with rules", all(&|at| (listed(at / 10), long.clone()))),
    ] {
        let mut turn = 0;
        group.bench_function(BenchmarkId::from_parameter(kind), |bencher| {
            bencher.iter(|| {
                turn = (turn + 1) % asked.len();
                engine.classify_url(Host::Name(&asked[turn].0), 80, black_box(&asked[turn].1))
            });
        });
    }
    group.finish();
}

fn parsing(criterion: &mut Criterion) {
    let packet = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07example\x03com\x00\x00\x01\x00\x01";
    criterion.bench_function("parse a query", |bencher| bencher.iter(|| Query::parse(black_box(packet))));
    criterion.bench_function("parse a text name", |bencher| bencher.iter(|| Name::parse(black_box("www.example.com"))));
}

criterion_group!(benches, lookups, urls, parsing);
criterion_main!(benches);
