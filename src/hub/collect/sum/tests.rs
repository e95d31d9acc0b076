//! Many weeks summed by two that see nothing, and weeks that lie.

use super::*;
use crate::classify::category::Category;
use crate::report::consent::tests::permit;
use crate::report::ledger::Rho;
use crate::report::statistics::{Cell, Halves, Presence};
use rand::SeedableRng;
use rand::rngs::StdRng;

const KEY: [u8; 32] = [9; 32];

fn both(epoch: u32) -> (Summing, Summing) {
    (Summing::new(Side::A, epoch, KEY).unwrap(), Summing::new(Side::B, epoch, KEY).unwrap())
}

fn count(a: &mut Summing, b: &mut Summing, week: &Halves) -> Result<(), SumError> {
    let (at_a, from_a) = a.begin(week.nonce, &week.public, &week.a)?;
    let (at_b, from_b) = b.begin(week.nonce, &week.public, &week.b)?;
    let (one, two) = (a.finish(at_a, &from_b), b.finish(at_b, &from_a));
    assert_eq!(one.is_ok(), two.is_ok(), "both or neither");
    one.and(two)
}

fn week(cells: &[Cell], rng: &mut StdRng) -> Halves {
    let mut week = Presence::new();
    cells.iter().for_each(|cell| week.meet(*cell));
    week.blur(rng, permit()).split(2_969, rng).unwrap()
}

#[test]
fn sums_come_out_within_what_was_added_on_purpose() {
    let mut rng = StdRng::seed_from_u64(21);
    let (mut a, mut b) = both(2_969);
    let scam = Cell::of_band(Category::PhishingScam, 2).unwrap();
    let night = Cell::of_part(Category::Gambling, 3).unwrap();
    for home in 0..600 {
        let cells: &[Cell] = if home % 2 == 0 { &[scam, night] } else { &[scam] };
        count(&mut a, &mut b, &week(cells, &mut rng)).unwrap();
    }
    let (mut ledger_a, mut ledger_b) = (Ledger::for_weeks(52), Ledger::for_weeks(52));
    let (a, b) = (a.publish(&mut ledger_a, &mut rng).unwrap(), b.publish(&mut ledger_b, &mut rng).unwrap());
    assert_eq!(ledger_a.spent(), Rho::of_release());
    let estimates = combine(&a, &b).unwrap();
    assert_eq!(estimates.len(), CELLS);
    let mut within = 0;
    for (place, estimate) in estimates.iter().enumerate() {
        let truth = f64::from(600 * i32::from(place == scam.place()) + 300 * i32::from(place == night.place()));
        let off = (estimate.households - truth).abs() / estimate.deviation;
        assert!(off < 5.0, "cell {place}: {estimate:?} is {off} deviations from {truth}");
        within += usize::from(off < 1.0);
    }
    // 68 % of 216 are 147.4, sd 6.9; five of them.
    assert!((113..=182).contains(&within), "{within}");
    let exact = estimates.iter().filter(|estimate| estimate.households.abs() < 1e-9).count();
    assert!(exact < 20, "without noise most cells would be near nothing");
}

#[test]
fn a_week_counts_once_and_few_are_not_published() {
    let mut rng = StdRng::seed_from_u64(22);
    let (mut a, mut b) = both(2_969);
    let week = week(&[], &mut rng);
    count(&mut a, &mut b, &week).unwrap();
    assert_eq!(count(&mut a, &mut b, &week), Err(SumError::Again));
    assert_eq!(a.publish(&mut Ledger::for_weeks(52), &mut rng), Err(SumError::TooFew(1)));
}

#[test]
fn a_week_of_another_epoch_or_a_turned_bit_is_refused() {
    let mut rng = StdRng::seed_from_u64(23);
    let good = week(&[], &mut rng);
    let (mut a, mut b) = both(2_970);
    assert_eq!(count(&mut a, &mut b, &good), Err(SumError::Proof));
    let (mut a, mut b) = both(2_969);
    for at in [0, 100, good.a.len() / 2, good.a.len() - 1] {
        let mut bad = good.clone();
        bad.a[at] ^= 1;
        assert!(count(&mut a, &mut b, &bad).is_err(), "octet {at}");
    }
    let mut bad = good.clone();
    bad.b[0] ^= 1;
    assert_eq!(count(&mut a, &mut b, &bad), Err(SumError::Proof));
    assert_eq!(count(&mut a, &mut b, &good), Ok(()));
}

#[test]
fn octets_of_any_length_are_refused() {
    let mut rng = StdRng::seed_from_u64(24);
    let good = week(&[], &mut rng);
    let (mut a, _) = both(2_969);
    for length in [0, 1, 31, 32, good.a.len() - 1] {
        assert_eq!(a.begin(good.nonce, &good.public, &good.a[..length]).err(), Some(SumError::Malformed));
    }
    for octets in [vec![0; good.a.len() + 1], vec![0xff; good.a.len()], vec![0; 1 << 20]] {
        assert_eq!(a.begin(good.nonce, &good.public, &octets).err(), Some(SumError::Malformed));
    }
    assert_eq!(a.begin(good.nonce, &[], &good.a).err(), Some(SumError::Malformed));
    let (pending, _) = a.begin(good.nonce, &good.public, &good.a).unwrap();
    assert_eq!(a.finish(pending, &[7; 99]), Err(SumError::Malformed));
}

/// A household that sets 21 cells by writing its own shares.
#[test]
fn more_than_twenty_cells_are_caught_by_the_proof() {
    use prio::vdaf::Client;
    let vdaf = statistics::vdaf().unwrap();
    let mut cells = vec![false; CELLS];
    cells.iter_mut().take(21).for_each(|cell| *cell = true);
    assert!(vdaf.shard(b"x", &cells, &[0; 16]).is_err(), "the library refuses to write it");
    // Written under a looser rule it fits no other.
    let loose = Prio3MultihotCountVec::new_multihot_count_vec(2, CELLS, 31, 15).unwrap();
    let nonce = [1; 16];
    let (public, halves) = loose.shard(&statistics::context(2_969), &cells, &nonce).unwrap();
    let encoded = |half: &Prio3InputShare<Field128, 32>| half.get_encoded().unwrap();
    let week = Halves { nonce, public: public.get_encoded().unwrap(), a: encoded(&halves[0]), b: encoded(&halves[1]) };
    let (mut a, mut b) = both(2_969);
    assert_eq!(count(&mut a, &mut b, &week), Err(SumError::Proof));
}

#[test]
fn numbers_below_zero_come_back() {
    for value in [0, 1, -1, 23, -100_000] {
        assert_eq!(number(element(value)), value);
    }
    assert_eq!(number(element(-5) + element(3)), -2);
}
