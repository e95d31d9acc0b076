//! What it costs to ask whether a name imitates another, and what a page is about: `cargo bench --bench classify`.
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may end so")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use luytre::classify::Lookalikes;
use luytre::classify::text::{BODY_MAX, Reader};
use luytre::lists::data::Builtin;
use luytre::lists::phrases::text_model;
use luytre::name::Name;

fn names(criterion: &mut Criterion) {
    let Ok(builtin) = Builtin::read() else { return };
    let lookalikes = Lookalikes::new(&builtin.protected);
    for text in [
        "www.example.com",
        "r4---sn-8pxuuxa-nboel.googlevideo.com",
        "images.thuviensach-truonghocso.edu.example.net",
        "dang-ky-nhan-qua-tri-an-khach-hang.vn",
        "xacminh-vietconbank.top",
        "viеtcombаnk.com",
    ] {
        let name = Name::parse(text).unwrap();
        criterion
            .bench_function(&format!("lookalike/{text}"), |bench| bench.iter(|| lookalikes.find(black_box(&name))));
    }
}

fn pages(criterion: &mut Criterion) {
    let Some(model) = text_model() else { return };
    let mut page = String::from("<title>Tin tức trong ngày</title>");
    while page.len() < BODY_MAX {
        page += "<p>Giá vàng hôm nay tăng <a href='/x'>năm trăm nghìn đồng</a> một lượng, người mua <b>xếp hàng</b> dài.</p>";
        page += &format!("<p>Bản tin số {} của đài truyền hình.</p>", page.len());
    }
    criterion.bench_function("page/64 KiB", |bench| {
        bench.iter(|| {
            let mut reader = Reader::new(&model);
            reader.push(black_box(page.as_bytes()));
            reader.verdict()
        });
    });
    criterion.bench_function("page/model at start", |bench| bench.iter(text_model));
}

criterion_group!(benches, names, pages);
criterion_main!(benches);
