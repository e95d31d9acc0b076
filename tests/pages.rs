//! What pages are about, by their words: sample pages that nothing was learnt from, any cut of a body, and bodies of any kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

use std::sync::LazyLock;

use luytre::classify::text::{BODY_MAX, HARMS, PageText, Reader, Sample, TextModel, TextScores};
use luytre::classify::{Category, CategorySet};
use luytre::lists::phrases::{phrases, samples, text_model};
use proptest::prelude::*;

static MODEL: LazyLock<TextModel> = LazyLock::new(|| text_model().expect("the phrases have faults"));

fn verdict(chunks: &[&[u8]]) -> TextScores {
    let mut reader = Reader::new(&MODEL);
    for chunk in chunks {
        reader.push(chunk);
    }
    reader.verdict()
}

/// Right calls, wrong calls, harms not called, and calm pages called anything.
fn tally(model: &TextModel, samples: &[Sample]) -> [usize; 4] {
    let mut tally = [0; 4];
    for sample in samples {
        let scores = model.judge(&sample.text);
        let called = scores.called();
        let right = sample.category.map_or(CategorySet::EMPTY, |category| CategorySet::of(&[category]));
        tally[0] += called.and(right).len();
        tally[1] += called.without(right).len();
        tally[2] += right.without(called).len();
        tally[3] += usize::from(sample.category.is_none() && !called.is_empty());
        if called != right {
            println!("{:?}: called {called}, {scores:?}, {:?}", sample.category, sample.text);
        }
    }
    tally
}

#[test]
fn pages_held_out_are_called_what_they_are_and_calm_ones_nothing() {
    let samples = samples().unwrap_or_else(|faults| panic!("{} faults", faults.len()));
    assert!(samples.learnt.len() + samples.held_out.len() >= 120);
    for harm in HARMS {
        assert!(samples.held_out.iter().filter(|sample| sample.category == Some(harm)).count() >= 4, "{harm}");
    }
    let phrases_alone = TextModel::new(&phrases().unwrap_or_default(), &[]).unwrap();
    println!("phrases alone, held out: {:?}", tally(&phrases_alone, &samples.held_out));
    println!("learnt: {:?}", tally(&MODEL, &samples.learnt));
    let [right, wrong, missed, calm_called] = tally(&MODEL, &samples.held_out);
    println!("held out: {right} right, {wrong} wrong, {missed} missed, {calm_called} calm ones called");
    assert_eq!(calm_called, 0);
    assert!(right * 100 >= (right + wrong) * 95, "precision: {right} right, {wrong} wrong");
    assert!(right * 100 >= (right + missed) * 85, "recall: {right} right, {missed} missed");
}

#[test]
fn a_page_without_marks_is_understood_and_words_that_only_look_so_are_not() {
    let bare = "<title>Nha cai uy tin</title><p>ca cuoc bong da, nap dau tang 100%";
    assert!(verdict(&[bare.as_bytes()]).called().contains(Category::Gambling));
    let carrots = "<title>Cà đỏ</title><p>Ca đó đỗ, nhà cải, cả đo, các độ";
    assert!(verdict(&[carrots.as_bytes()]).called().is_empty());
}

#[test]
fn only_the_beginning_of_a_body_is_kept_and_judged() {
    let mut reader = Reader::new(&MODEL);
    let filler = [b'x'; 1000];
    let mut taken = 0;
    while reader.push(&filler) {
        taken += filler.len();
    }
    assert!(taken < BODY_MAX && taken + filler.len() >= BODY_MAX);
    let before = reader.verdict();
    for _ in 0..10 {
        assert!(!reader.push(&vec![b' '; 1 << 20]));
        assert!(!reader.push("<title>nhà cái uy tín, cá cược bóng đá</title>".as_bytes()));
    }
    assert_eq!(reader.verdict(), before);
    assert!(before.called().is_empty());
}

#[test]
fn what_scripts_and_styles_hold_is_not_read() {
    let page = "<script>'online casino free spins welcome bonus'</script><style>/* free spins online casino */</style>";
    assert_eq!(verdict(&[page.as_bytes()]), verdict(&[b""]));
}

proptest! {
    #[test]
    fn however_a_body_is_cut_the_verdict_is_the_same(cuts in proptest::collection::vec(1_usize..60, 0..30)) {
        let body = "<title>Nhà c&aacute;i</title><h1>Cá <b>độ</b> bóng đá</h1><a href=/x>Đăng ký</a> free spins<p>nổ hũ".as_bytes();
        let mut chunks = Vec::new();
        let mut rest = body;
        for cut in cuts {
            let (chunk, behind) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = behind;
        }
        chunks.push(rest);
        prop_assert_eq!(verdict(&chunks), verdict(&[body]));
        prop_assert!(verdict(&chunks).called().contains(Category::Gambling));
    }

    #[test]
    fn any_octets_get_a_verdict(octets in proptest::collection::vec(any::<u8>(), 0..2000), tags in "(</?[a-z]{1,6}[ =\"'>&#;a-z!-]{0,9}){0,40}") {
        verdict(&[&octets]);
        verdict(&[tags.as_bytes(), &octets]);
        PageText::of(tags.as_bytes());
    }
}
