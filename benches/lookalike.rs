//! What it costs to ask whether a name imitates another.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may end so")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use luytre::classify::Lookalikes;
use luytre::lists::data::Builtin;
use luytre::name::Name;

fn find(criterion: &mut Criterion) {
    let Ok(builtin) = Builtin::read() else { return };
    let lookalikes = Lookalikes::new(&builtin.protected);
    for text in [
        "www.example.com",
        "r4---sn-8pxuuxa-nboel.googlevideo.com",
        "images.thuviensach-truonghocso.edu.vn.example.net",
        "dang-ky-nhan-qua-tri-an-khach-hang.vn",
        "xacminh-vietconbank.top",
        "viеtcombаnk.com",
    ] {
        let name = Name::parse(text).unwrap();
        criterion
            .bench_function(&format!("lookalike/{text}"), |bench| bench.iter(|| lookalikes.find(black_box(&name))));
    }
}

criterion_group!(benches, find);
criterion_main!(benches);
