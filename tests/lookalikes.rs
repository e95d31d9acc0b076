//! Names that pretend to be another: those made up by hand are found, and nothing honest is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use luytre::classify::lookalike::{Kind, Lookalikes};
use luytre::lists::data::Builtin;
use luytre::name::Name;
use proptest::prelude::*;

fn builtin() -> Builtin {
    Builtin::read().unwrap_or_else(|faults| panic!("{} faults", faults.len()))
}

fn lookalikes() -> Lookalikes {
    Lookalikes::new(&builtin().protected)
}

fn code(kind: Kind) -> &'static str {
    match kind {
        Kind::Homoglyph => "homoglyph",
        Kind::Edit => "edit",
        Kind::AddedWord => "added",
        Kind::OtherEnding => "ending",
        Kind::Subdomain => "subdomain",
    }
}

#[test]
fn lookalikes_made_up_by_hand_are_found_with_the_right_brand() {
    let lookalikes = lookalikes();
    let text = include_str!("data/lookalikes.tsv");
    let rows: Vec<Vec<&str>> =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').collect()).collect();
    let brands: BTreeSet<&str> = rows.iter().map(|row| row[1]).collect();
    assert!(rows.len() >= 200 && brands.len() >= 40, "{} of {}", rows.len(), brands.len());
    let (mut found, mut same_kind, mut missed) = (0, 0, Vec::new());
    for row in &rows {
        let name = Name::parse(row[0]).unwrap_or_else(|error| panic!("{}: {error}", row[0]));
        match lookalikes.find(&name) {
            Some(imitation) if imitation.of.id == row[1] => {
                found += 1;
                same_kind += usize::from(code(imitation.how) == row[2]);
            }
            other => missed.push((row[0], other.map(|imitation| imitation.of.id.clone()))),
        }
    }
    println!("found {found} of {}, {same_kind} of the kind expected; missed {missed:?}", rows.len());
    assert!(found * 100 >= rows.len() * 95, "{found} of {}: {missed:?}", rows.len());
}

#[test]
fn nothing_in_the_blocklists_is_called_a_lookalike() {
    let lookalikes = lookalikes();
    let mut called = BTreeMap::new();
    let mut seen = 0;
    for name in names_written_in(Path::new("blocklists")) {
        seen += 1;
        if let Some(imitation) = lookalikes.find(&name) {
            called.insert(name.to_string(), (imitation.of.id.clone(), imitation.how));
        }
    }
    assert!(seen > 1500, "only {seen} names were read");
    assert!(called.is_empty(), "{called:#?}");
}

#[test]
fn a_brands_own_names_and_all_below_them_are_its_own() {
    let builtin = builtin();
    let lookalikes = Lookalikes::new(&builtin.protected);
    assert!(builtin.protected.brands.len() >= 40);
    for brand in &builtin.protected.brands {
        let words = brand.words.len() + brand.joined.len();
        assert!(!brand.names.is_empty() && words > 0, "{}", brand.id);
        for name in &brand.names {
            assert_eq!(lookalikes.find(name), None, "{name}");
            let below = Name::parse(&format!("dang-nhap.{name}")).unwrap();
            assert_eq!(lookalikes.find(&below), None, "{below}");
        }
    }
}

#[test]
fn a_word_is_no_brand_and_an_authority_no_imitation() {
    let lookalikes = lookalikes();
    for honest in [
        "pineapple.vn",
        "apple.vn",
        "steam.vn",
        "momoland.kr",
        "minecraft.fandom.com",
        "discord.js.org",
        "www.google.de",
        "dichvucong.hanoi.gov.vn",
        "www.apple.com.edgekey.net",
        "finance.vn",
        "vietbank.com.vn",
        "ngan-hang-xacthuc.com",
        "xn--kthp-8qa.vn",
    ] {
        assert_eq!(lookalikes.find(&Name::parse(honest).unwrap()), None, "{honest}");
    }
}

proptest! {
    #[test]
    fn any_name_gets_an_answer(
        wire in proptest::collection::vec(any::<u8>(), 0..80),
        text in "(xn--)?[a-z0-9-]{1,40}\\.vn",
    ) {
        static LOOKALIKES: LazyLock<Lookalikes> = LazyLock::new(lookalikes);
        let lookalikes = &*LOOKALIKES;
        if let Ok(name) = Name::parse(&text) {
            let _ = lookalikes.find(&name);
        }
        let mut packet: Vec<u8> = wire.chunks(20).flat_map(|label| [&[label.len() as u8], label].concat()).collect();
        packet.push(0);
        let (name, _) = Name::from_wire(&packet, 0).unwrap();
        let _ = lookalikes.find(&name);
    }
}

/// Whatever in the files of a folder stands in quotes, or on a line of its own, and is a name.
fn names_written_in(folder: &Path) -> Vec<Name> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(names_written_in(&path));
            continue;
        }
        // The model of spellings holds no names.
        if path.extension().is_some_and(|end| end == "bin") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let quoted =
            text.lines().filter(|line| !line.starts_with('#')).flat_map(|line| line.split('"').skip(1).step_by(2));
        let bare = text.lines().filter(|line| !line.contains([' ', '#', '"']));
        names.extend(quoted.chain(bare).filter(|word| word.contains('.')).filter_map(|word| Name::parse(word).ok()));
    }
    names
}
