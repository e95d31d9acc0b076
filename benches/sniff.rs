//! What it costs to learn where a connection wants to go, by client: `cargo bench --bench sniff`. The captures are those of
//! the tests.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may end so")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use hyper::Request;
use luytre::proxy::sniff::Progress;
use luytre::proxy::sniff::http;
use luytre::proxy::sniff::quic::{self, Assembly};
use luytre::proxy::sniff::tls::Hello;

fn capture(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures").join(file)).unwrap()
}

fn datagrams(octets: &[u8]) -> Vec<&[u8]> {
    let mut rest = octets;
    let next = || {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (datagram, after) = after.split_at(usize::from(u16::from_be_bytes(*len)));
        rest = after;
        Some(datagram)
    };
    std::iter::from_fn(next).collect()
}

fn tls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tls");
    for (client, pieces) in [("openssl-tls13", 9999), ("chromium", 9999), ("chromium", 1460), ("chromium", 1)] {
        let octets = capture(&format!("tls-{client}.bin"));
        group.bench_function(format!("{client}, pieces of {pieces}"), |bencher| {
            bencher.iter(|| {
                let mut hello = Hello::default();
                let done = octets.chunks(pieces).map(|piece| hello.push(piece)).find(|it| *it != Progress::More);
                assert!(matches!(black_box(done), Some(Progress::Done(_))));
            });
        });
    }
}

fn quic(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("quic");
    for client in ["chromium-v1", "quinn-v1", "aioquic-v2"] {
        let octets = capture(&format!("quic-{client}.bin"));
        let datagrams = datagrams(&octets);
        group.bench_function(format!("{client}, until the name"), |bencher| {
            bencher.iter(|| {
                let mut assembly = Assembly::new();
                let done = datagrams.iter().map(|datagram| assembly.push(datagram)).find(|it| *it != Progress::More);
                assert!(matches!(black_box(done), Some(Progress::Done(_))));
            });
        });
    }
    let octets = capture("quic-chromium-v1.bin");
    let first = datagrams(&octets)[0];
    group.bench_function("refusal", |bencher| bencher.iter(|| black_box(quic::refusal(first)).unwrap()));
    group.bench_function("kind", |bencher| bencher.iter(|| black_box(quic::kind(black_box(first)))));
}

fn http(criterion: &mut Criterion) {
    let request = Request::builder().uri("/a?b=c").header("host", "www.example.com").header("accept", "*/*");
    let (head, ()) = request.body(()).unwrap().into_parts();
    criterion.bench_function("http/check", |bencher| bencher.iter(|| black_box(http::check(&head)).unwrap()));
}

criterion_group!(benches, tls, quic, http);
criterion_main!(benches);
