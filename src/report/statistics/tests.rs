//! How a week is blurred, and what it looks like in two halves.

use super::*;
use crate::report::consent::tests::{counting, permit};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::collections::BTreeSet;

fn week(cells: usize) -> Presence {
    let mut week = Presence::new();
    (0..cells).for_each(|cell| week.meet(Cell(cell)));
    week
}

fn weight(cells: &[bool; CELLS]) -> usize {
    cells.iter().filter(|bit| **bit).count()
}

#[test]
fn each_category_has_one_place_or_none() {
    let mut places = BTreeSet::new();
    let mut groups = BTreeSet::new();
    for category in Category::ALL {
        let is_counted = group_of(category).is_some_and(|group| groups.insert(group) || group < GROUPS);
        let never = [
            Category::Unknown,
            Category::Csam,
            Category::LegalOrder,
            Category::HealthSexed,
            Category::EducationKids,
            Category::Help,
        ];
        assert_eq!(is_counted, !never.contains(&category), "{category}");
        places.extend((0..BANDS).filter_map(|band| Cell::of_band(category, band)));
        places.extend((0..PARTS).filter_map(|part| Cell::of_part(category, part)));
        assert_eq!((Cell::of_band(category, BANDS), Cell::of_part(category, PARTS)), (None, None));
    }
    assert_eq!((groups.len(), places.len(), places.last().unwrap().place()), (GROUPS, CELLS, CELLS - 1));
}

#[test]
fn bits_are_turned_over_as_often_as_said() {
    let mut rng = StdRng::seed_from_u64(11);
    let (homes, mut set) = (4_000, 0);
    for _ in 0..homes {
        set += weight(week(0).blur(&mut rng, permit()).cells());
    }
    // 864,000 bits at 1/64: mean 13,500, sd 115.3; five of them.
    assert!((12_923..=14_077).contains(&set), "{set}");
}

#[test]
fn no_week_says_more_than_twenty_and_which_are_dropped_is_chance() {
    let mut rng = StdRng::seed_from_u64(12);
    let mut kept = [0_u32; CELLS];
    for _ in 0..2_000 {
        let blurred = week(CELLS).blur(&mut rng, permit());
        assert!(weight(blurred.cells()) <= WEIGHT_MAX);
        kept.iter_mut().zip(blurred.cells()).for_each(|(count, bit)| *count += u32::from(*bit));
    }
    // Each cell: 12/216 kept and not turned, or turned: p = .0703; 2,000 homes: mean 140.6, sd 11.4.
    assert!(kept.iter().all(|count| (80..=205).contains(count)), "{kept:?}");
}

#[test]
fn both_halves_are_one_size_and_neither_shows_the_week() {
    let mut rng = StdRng::seed_from_u64(13);
    let mut sizes = BTreeSet::new();
    for cells in [0, 1, 12, 200] {
        let halves = week(cells).blur(&mut rng, permit()).split(2_969, &mut rng).unwrap();
        sizes.insert((halves.public.len(), halves.a.len(), halves.b.len()));
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [(64, 4_544, 64)]);
    let week = week(5).blur(&mut rng, permit());
    let (one, two) = (week.split(1, &mut rng).unwrap(), week.split(1, &mut rng).unwrap());
    assert_ne!(one.a, two.a);
    assert_ne!(one.b, two.b);
}

#[test]
fn one_answer_says_little_and_many_say_enough() {
    let mut rng = StdRng::seed_from_u64(14);
    let (mut yes, mut answers) = (0, 0);
    // Three homes of ten met something of group 0.
    for home in 0..60_000 {
        let week = week(usize::from(home % 10 < 3));
        let one = week.one_cell(&mut rng, counting());
        if one.group == 0 {
            (yes, answers) = (yes + u64::from(one.answer), answers + 1);
        }
    }
    let estimate = Estimate::of_answers(yes, answers);
    let truth = 0.3 * answers as f64;
    // The sampling of 3 in 10 adds to the deviation; five of both together.
    assert!((estimate.households - truth).abs() < 5.0 * (estimate.deviation + 25.0), "{estimate:?} {truth}");
}

#[test]
fn estimates_undo_what_blurring_did() {
    let exact = Estimate::of_count(0, 0, 573);
    assert!((exact.households, exact.deviation.round()) == (0.0, 35.0));
    // 1,000 of 64,000: 1,000 · 63/64 + 63,000 / 64 = 1,968.75 are expected.
    let estimate = Estimate::of_count(1_969, 64_000, 573);
    assert!((estimate.households - 1_000.0).abs() < 1.0, "{estimate:?}");
    assert!((estimate.deviation - ((64_000.0 * 63.0 / 4096.0 + 1146.0_f64).sqrt() / (62.0 / 64.0))).abs() < 1e-9);
}
