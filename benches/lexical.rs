//! What a score of the model costs, by kind of name: `cargo bench --bench lexical`. With the model as shipped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may end so")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use luytre::classify::lexical::Model;
use luytre::name::Name;

/// Names asked in turn; enough that the rows of all of them do not stay in the first cache.
const ASKED: usize = 4096;

fn scores(criterion: &mut Criterion) {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/blocklists/model/lexical.bin");
    let model = Model::read(&std::fs::read(file).unwrap()).unwrap();
    let words = ["river", "casino", "school", "xyz", "dating", "hospital", "games", "thanhpho", "paper", "shop4"];
    let word = |at: usize| words[at % words.len()];
    let kinds: [(&str, &dyn Fn(usize) -> String); 4] = [
        ("usual", &|at| format!("www.{}{}.com", word(at), word(at / 10 + at / 100))),
        ("digits", &|at| format!("{}{at}.net", word(at))),
        ("subdomain", &|at| format!("e{at}.cdn-{}.{}{}.co.uk", word(at / 7), word(at), word(at / 10))),
        ("longest", &|at| format!("{0}.{0}.{1}{at:031}.com", "a1b2c3d4e5", "z".repeat(30))),
    ];
    let mut group = criterion.benchmark_group("lexical");
    group.throughput(Throughput::Elements(1));
    for (kind, make) in kinds {
        let names: Vec<Name> = (0..ASKED).map(|at| make(at).parse().unwrap()).collect();
        let mut at = 0;
        group.bench_function(kind, |bench| {
            bench.iter(|| {
                at = (at + 1) % ASKED;
                black_box(model.score(&names[at]))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, scores);
criterion_main!(benches);
