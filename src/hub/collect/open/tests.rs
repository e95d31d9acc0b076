//! Households that say the same, households that lie, and octets from nowhere.

use super::*;
use crate::oprf::ServerKey;
use crate::report::consent::{Consent, Mode, Operators, Permit};
use crate::report::message::{Lane, Report, Threshold};
use crate::report::seal::{Anonymous, Answer, Question, SealError};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

const LIMITS: Limits = Limits { reports_max: 10_000 };

fn permit() -> Permit {
    let named = |name: &str| Some(name.to_string());
    let operators = Operators { a: named("a"), b: named("b"), relay: named("r"), is_lab: false };
    match Mode::of(Consent { guardian: true, children: true }, &operators) {
        Mode::Full(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn header(threshold: u8) -> Header {
    Header { lane: Lane::Security, epoch: 20_783, threshold: Threshold::new(threshold).unwrap() }
}

struct World {
    a: ServerKey,
    b: ServerKey,
    rng: StdRng,
}

impl World {
    fn new(seed: u64) -> World {
        World { a: ServerKey::generate().unwrap(), b: ServerKey::generate().unwrap(), rng: StdRng::seed_from_u64(seed) }
    }

    fn seal(&mut self, question: Question, elements: seal::Elements) -> Anonymous {
        let (a, b) = (self.a.evaluate(&[elements.a]).unwrap(), self.b.evaluate(&[elements.b]).unwrap());
        let (key_a, key_b) = (self.a.public(), self.b.public());
        let (a, b) = (Answer { evaluated: &a, key: &key_a }, Answer { evaluated: &b, key: &key_b });
        question.seal(a, b, &mut self.rng).unwrap()
    }

    fn report(&mut self, header: Header, name: &str, region: u8) -> Vec<u8> {
        let name = Name::parse(name).unwrap();
        let content = Content { name, category: Category::PhishingScam, confidence: region % 4, region, engine: 1 };
        let (question, elements) = Question::about(Report::new(header, content).unwrap(), permit()).unwrap();
        self.seal(question, elements).octets().to_vec()
    }

    fn nothing(&mut self, header: Header) -> Vec<u8> {
        let (question, elements) = Question::about_nothing(header, &mut self.rng, permit()).unwrap();
        self.seal(question, elements).octets().to_vec()
    }

    fn junk_like(&mut self, report: &[u8]) -> Vec<u8> {
        let mut octets = report.to_vec();
        let at = HEADER_LEN + TAG_LEN;
        octets[at..at + 32].copy_from_slice(share::random_scalar(&mut self.rng).as_bytes());
        octets[at + 32..at + 64].copy_from_slice(share::random_scalar(&mut self.rng).as_bytes());
        octets
    }
}

fn opened(reports: &[Vec<u8>], header: Header) -> Vec<Group> {
    let mut collector = Collector::new(header, LIMITS);
    for report in reports {
        assert_eq!(collector.take(report), Taken::Kept);
    }
    collector.open(&mut StdRng::seed_from_u64(99))
}

#[test]
fn a_name_surfaces_at_the_threshold_and_not_one_below() {
    let mut world = World::new(1);
    let reports: Vec<_> = (0..20).map(|home| world.report(header(20), "xau.com", home % 2)).collect();
    assert_eq!(opened(&reports[1..], header(20)), [Group::Hidden { shares: 19 }]);
    let groups = opened(&reports, header(20));
    let [Group::Revealed(indicator)] = groups.as_slice() else { panic!("{groups:?}") };
    assert_eq!((indicator.name.to_string().as_str(), indicator.category), ("xau.com", Category::PhishingScam));
    assert_eq!((indicator.households, indicator.refused), (20, 0));
    assert_eq!(indicator.regions, [(0, 10), (1, 10)]);
    assert_eq!(indicator.confidence, [10, 10, 0, 0]);
}

#[test]
fn few_and_junk_stay_closed_and_many_open_in_spite_of_junk() {
    let mut world = World::new(2);
    let good: Vec<_> = (0..36).map(|_| world.report(header(20), "xau.com", 7)).collect();
    let junk: Vec<_> = (0..4).map(|_| world.junk_like(&good[0])).collect();
    let nineteen = [&good[..19], &junk[..1]].concat();
    assert_eq!(opened(&nineteen, header(20)), [Group::Unclear { shares: 20 }]);
    for order in [[good.clone(), junk.clone()].concat(), [junk.clone(), good.clone()].concat()] {
        let groups = opened(&order, header(20));
        let [Group::Revealed(indicator)] = groups.as_slice() else { panic!("{groups:?}") };
        assert_eq!((indicator.households, indicator.refused), (36, 4));
    }
    let many: Vec<_> = (0..16).map(|_| world.junk_like(&good[0])).collect();
    let groups = opened(&[good.clone(), many[..8].to_vec()].concat(), header(20));
    assert!(matches!(groups.as_slice(), [Group::Revealed(_)]), "36 of 44, by decoding");
}

#[test]
fn a_share_counts_once_however_often_it_comes() {
    let mut world = World::new(3);
    let reports: Vec<_> = (0..10).map(|_| world.report(header(10), "xau.com", 7)).collect();
    let mut collector = Collector::new(header(10), LIMITS);
    for _ in 0..3 {
        for report in &reports[..9] {
            collector.take(report);
        }
    }
    assert_eq!(collector.take(&reports[0]), Taken::Again);
    let mut other_ciphertext = reports[0].clone();
    *other_ciphertext.last_mut().unwrap() ^= 1;
    assert_eq!(collector.take(&other_ciphertext), Taken::Again);
    assert_eq!(collector.open(&mut StdRng::seed_from_u64(1)), [Group::Hidden { shares: 9 }]);
    assert_eq!(collector.take(&reports[9]), Taken::Kept);
    assert!(matches!(collector.open(&mut StdRng::seed_from_u64(1)).as_slice(), [Group::Revealed(_)]));
}

#[test]
fn both_key_holders_make_the_secret() {
    let (mut one, mut two) = (World::new(10), World::new(11));
    two.a = ServerKey::from_bytes(&one.a.to_bytes()).unwrap();
    let mut three = World::new(12);
    three.b = ServerKey::from_bytes(&one.b.to_bytes()).unwrap();
    let tag = |report: Vec<u8>| report[HEADER_LEN..HEADER_LEN + TAG_LEN].to_vec();
    let base = tag(one.report(header(20), "xau.com", 7));
    assert_ne!(base, tag(two.report(header(20), "xau.com", 7)), "the same a, another b");
    assert_ne!(base, tag(three.report(header(20), "xau.com", 7)), "another a, the same b");
    assert_eq!(base, tag(one.report(header(20), "xau.com", 7)));
}

#[test]
fn who_asks_for_another_threshold_epoch_or_lane_gets_shares_of_something_else() {
    let mut world = World::new(4);
    let tag = |report: &[u8]| report[HEADER_LEN..HEADER_LEN + TAG_LEN].to_vec();
    let base = world.report(header(20), "xau.com", 7);
    assert_eq!(tag(&base), tag(&world.report(header(20), "xau.com", 3)));
    assert_ne!(tag(&base), tag(&world.report(header(10), "xau.com", 7)));
    assert_ne!(tag(&base), tag(&world.report(Header { epoch: 1, ..header(20) }, "xau.com", 7)));
    let mut collector = Collector::new(header(10), LIMITS);
    assert_eq!(collector.take(&base), Taken::Malformed, "a hub that lowers its own threshold reads nothing");
}

#[test]
fn one_home_that_claims_another_name_is_left_out() {
    let mut world = World::new(5);
    let mut reports: Vec<_> = (0..21).map(|_| world.report(header(20), "xau.com", 7)).collect();
    // Its share is right, its ciphertext is not.
    let last = reports[0].len() - 1;
    reports[0][last] ^= 1;
    let groups = opened(&reports, header(20));
    let [Group::Revealed(indicator)] = groups.as_slice() else { panic!("{groups:?}") };
    assert_eq!((indicator.households, indicator.refused), (20, 1));
    reports.remove(1);
    assert_eq!(opened(&reports, header(20)), [Group::Unclear { shares: 20 }]);
}

#[test]
fn an_empty_report_looks_like_any_and_reveals_nothing() {
    let mut world = World::new(6);
    let reports: Vec<_> = (0..40).map(|_| world.nothing(header(10))).collect();
    let real = world.report(header(10), "xau.com", 7);
    assert!(reports.iter().all(|report| report.len() == real.len() && report[..HEADER_LEN] == real[..HEADER_LEN]));
    let groups = opened(&reports, header(10));
    assert_eq!(groups, vec![Group::Hidden { shares: 1 }; 40]);
}

#[test]
fn a_lying_operator_stops_the_report() {
    let mut world = World::new(7);
    let name = Name::parse("xau.com").unwrap();
    let content = Content { name, category: Category::Malware, confidence: 0, region: 0, engine: 1 };
    let report = Report::new(header(20), content).unwrap();
    let other = ServerKey::generate().unwrap();
    let (key_a, key_b) = (world.a.public(), world.b.public());
    let sealed =
        |question: Question, by_a: &ServerKey, by_b: &ServerKey, elements: seal::Elements, rng: &mut StdRng| {
            let (a, b) = (by_a.evaluate(&[elements.a]).unwrap(), by_b.evaluate(&[elements.b]).unwrap());
            question.seal(Answer { evaluated: &a, key: &key_a }, Answer { evaluated: &b, key: &key_b }, rng)
        };
    let (question, elements) = Question::about(report.clone(), permit()).unwrap();
    let refused = sealed(question, &other, &world.b, elements, &mut world.rng).unwrap_err();
    assert!(matches!(refused, SealError::Operator { operator: 'a', .. }), "{refused}");
    let (question, elements) = Question::about_nothing(header(20), &mut world.rng, permit()).unwrap();
    let refused = sealed(question, &world.a, &other, elements, &mut world.rng).unwrap_err();
    assert!(matches!(refused, SealError::Operator { operator: 'b', .. }), "an empty slot is checked too: {refused}");
    let (question, elements) = Question::about(report, permit()).unwrap();
    assert_ne!(elements.a, elements.b);
    let one = world.a.evaluate(&[elements.a]).unwrap();
    let answer = Answer { evaluated: &one, key: &key_a };
    assert_eq!(question.seal(answer, answer, &mut world.rng), Err(SealError::OneKey));
}

#[test]
fn in_order_one_group_is_held_and_nothing_else_comes_out() {
    let (mut world, header) = (World::new(31), header(10));
    let mut reports: Vec<Vec<u8>> = (0..30).map(|_| world.nothing(header)).collect();
    for (name, homes) in [("nine.example", 9), ("ten.example", 10), ("many.example", 25)] {
        reports.extend((0..homes).map(|_| world.report(header, name, 1)));
    }
    reports.sort();
    let whole = opened(&reports, header);
    // No name has room for more than itself.
    let mut collector = Collector::new(header, Limits { reports_max: 25 });
    let mut groups = Vec::new();
    for report in &reports {
        groups.extend(collector.open_before(report, &mut world.rng));
        assert_eq!(collector.take(report), Taken::Kept);
        assert!(collector.open_before(&report[..HEADER_LEN + 3], &mut world.rng).is_empty(), "cut off");
    }
    groups.extend(collector.open(&mut world.rng));
    assert_eq!(groups, whole);
    assert_eq!(groups.iter().filter(|group| matches!(group, Group::Revealed(_))).count(), 2);
}

#[test]
fn a_full_collector_says_so() {
    let mut world = World::new(8);
    let mut collector = Collector::new(header(10), Limits { reports_max: 2 });
    for expected in [Taken::Kept, Taken::Kept, Taken::Full] {
        assert_eq!(collector.take(&world.nothing(header(10))), expected);
    }
}

#[test]
fn numbers_that_are_none_are_refused() {
    let mut world = World::new(9);
    let good = world.report(header(10), "xau.com", 7);
    let mut collector = Collector::new(header(10), LIMITS);
    let at = HEADER_LEN + TAG_LEN;
    for (from, value) in [(at, 0), (at, 0xff), (at + 32, 0xff)] {
        let mut octets = good.clone();
        octets[from..from + 32].fill(value);
        assert_eq!(collector.take(&octets), Taken::Malformed);
    }
    for length in [0, 1, good.len() - 1] {
        assert_eq!(collector.take(&good[..length]), Taken::Malformed);
    }
    assert_eq!(collector.take(&[good.clone(), vec![0]].concat()), Taken::Malformed);
    assert_eq!(collector.take(&vec![0; 1 << 20]), Taken::Malformed);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Any tail behind a right header: groups of junk are opened without a panic and reveal nothing.
    #[test]
    fn octets_from_nowhere_reveal_nothing(tails in prop::collection::vec(any::<[u8; 32]>(), 12..24)) {
        let mut collector = Collector::new(header(10), LIMITS);
        for tail in &tails {
            let mut octets = header(10).octets().to_vec();
            octets.extend([7; TAG_LEN]);
            for part in 0..2_u8 {
                let mut scalar = *tail;
                (scalar[0], scalar[31]) = (part, scalar[31] & 0x0f);
                octets.extend(scalar);
            }
            octets.extend([0; CIPHERTEXT_LEN]);
            collector.take(&octets);
        }
        let groups = collector.open(&mut StdRng::seed_from_u64(5));
        let is_closed = |group: &Group| !matches!(group, Group::Revealed(_));
        prop_assert!(groups.iter().all(is_closed));
    }
}
