//! Five hundred homes, one week, all roles in one process: names that enough of them met come out with the right number,
//! names that fewer met do not come out at all, and nobody on the way holds what would tell who.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{CryptoRng, SeedableRng};

use crate::classify::category::Category;
use crate::hub::collect::issue::tests::{issuer, token};
use crate::hub::collect::issue::{IssueError, Redeemer};
use crate::hub::collect::noise::discrete_gaussian;
use crate::hub::collect::open::{Collector, Group, Limits, Taken};
use crate::name::Name;
use crate::oprf::ServerKey;
use crate::report::consent::tests::permit;
use crate::report::envelope::{Envelope, OpeningKey, REPORT_LEN, SealingKey};
use crate::report::ledger::NOISE_VARIANCE;
use crate::report::message::{Content, Header, Lane, Report, Threshold};
use crate::report::seal::{Answer, Question};
use crate::report::slots::{self, Filling};
use crate::report::statistics::{CELLS, Cell, Estimate, Presence};
use crate::report::token::{TOKEN_LEN, challenge};

const HOMES: usize = 500;
const HEADER: Header = Header { lane: Lane::Harm, epoch: 2_969, threshold: Threshold::USUAL };
/// How many homes met which name. The last three stay closed at k = 20.
const MET: [(&str, usize); 6] =
    [("xau.com", 200), ("doc-hai.vn", 45), ("bay.net", 20), ("hiem.vn", 19), ("rieng.com", 3), ("mot-nha.vn", 1)];

fn home_met(home: usize) -> Vec<Report> {
    // Each name is met by the homes of one run that starts elsewhere for each.
    let mut met = Vec::new();
    for (at, (name, homes)) in MET.iter().enumerate() {
        if (home + at * 83) % HOMES < *homes {
            let region = u8::try_from(home % 3).unwrap();
            let name = Name::parse(name).unwrap();
            let content = Content { name, category: Category::Grooming, confidence: 3, region, engine: 1 };
            met.push(Report::new(HEADER, content).unwrap());
        }
    }
    met
}

struct Operators {
    a: ServerKey,
    b: ServerKey,
}

/// What one home sends in a week: always six.
fn week_of(
    met: Vec<Report>,
    operators: &Operators,
    sealed_to: &OpeningPair,
    rng: &mut impl CryptoRng,
) -> Vec<Envelope> {
    let (key_a, key_b) = (operators.a.public(), operators.b.public());
    let fillings = slots::fill(HEADER, met, rng);
    let seal = |filling: Filling| {
        let asked = match filling {
            Filling::Report(report) => Question::about(*report, permit()),
            Filling::Nothing(header) => Question::about_nothing(header, rng, permit()),
        };
        let (question, elements) = asked.unwrap();
        let (a, b) = (operators.a.evaluate(&[elements.a]).unwrap(), operators.b.evaluate(&[elements.b]).unwrap());
        let (a, b) = (Answer { evaluated: &a, key: &key_a }, Answer { evaluated: &b, key: &key_b });
        let report = question.seal(a, b, rng).unwrap();
        // Signing 3,000 tokens is not what is tested here.
        Envelope::report(&report, &[0; TOKEN_LEN], &sealed_to.1).unwrap()
    };
    fillings.into_iter().map(seal).collect()
}

type OpeningPair = (OpeningKey, SealingKey);

#[test]
fn five_hundred_homes_and_what_comes_of_it() {
    let mut rng = StdRng::seed_from_u64(51);
    let operators = Operators { a: ServerKey::generate().unwrap(), b: ServerKey::generate().unwrap() };
    let pair: OpeningPair = OpeningKey::generate().unwrap();
    let mut passed_on = Vec::new();
    for home in 0..HOMES {
        let met = home_met(home);
        let sent = week_of(met, &operators, &pair, &mut rng);
        assert_eq!(sent.len(), 6, "an idle home sends as much as any");
        passed_on.extend(sent.iter().map(|envelope| envelope.octets().to_vec()));
    }
    assert!(passed_on.iter().all(|octets| octets.len() == REPORT_LEN && octets.len() == 609));
    for (name, _) in MET {
        let wire = Name::parse(name).unwrap();
        let wire = &wire.as_wire()[..wire.as_wire().len() - 1];
        assert!(!passed_on.iter().any(|octets| octets.windows(wire.len()).any(|window| window == wire)), "{name}");
    }
    let mut collector = Collector::new(HEADER, Limits { reports_max: 10_000 });
    for octets in &passed_on {
        let (report, _) = pair.0.open_report(octets).unwrap();
        assert_eq!(collector.take(&report), Taken::Kept);
    }
    let mut found = BTreeMap::new();
    let mut hidden = Vec::new();
    for group in collector.open(&mut rng) {
        match group {
            Group::Revealed(indicator) => {
                assert_eq!(indicator.refused, 0);
                assert_eq!(indicator.regions.iter().map(|(_, count)| count).sum::<usize>(), indicator.households);
                found.insert(indicator.name.to_string(), indicator.households);
            }
            Group::Hidden { shares } => hidden.push(shares),
            Group::Unclear { .. } => panic!("nobody sent junk"),
        }
    }
    let expected = MET.iter().filter(|(_, homes)| *homes >= 20).map(|(name, homes)| ((*name).to_string(), *homes));
    assert_eq!(found, expected.collect::<BTreeMap<_, _>>());
    hidden.sort_unstable_by(|one, two| two.cmp(one));
    assert_eq!(hidden[..3], [19, 3, 1]);
    let empty = HOMES * 6 - MET.iter().map(|(_, homes)| homes).sum::<usize>();
    assert_eq!(hidden.len(), empty + 3, "empty reports are groups of one");
}

#[test]
fn a_report_brings_its_token() {
    let mut rng = StdRng::seed_from_u64(52);
    let operators = Operators { a: ServerKey::generate().unwrap(), b: ServerKey::generate().unwrap() };
    let (key_a, key_b) = (operators.a.public(), operators.b.public());
    let (open, seal) = OpeningKey::generate().unwrap();
    let purpose = challenge("isp.vn", &[1; 32], "a.vn");
    let (question, elements) = Question::about_nothing(HEADER, &mut rng, permit()).unwrap();
    let (a, b) = (operators.a.evaluate(&[elements.a]).unwrap(), operators.b.evaluate(&[elements.b]).unwrap());
    let (a, b) = (Answer { evaluated: &a, key: &key_a }, Answer { evaluated: &b, key: &key_b });
    let report = question.seal(a, b, &mut rng).unwrap();
    let envelope = Envelope::report(&report, token(&purpose).octets(), &seal).unwrap();
    let (octets, token) = open.open_report(envelope.octets()).unwrap();
    assert_eq!(&octets, report.octets());
    let mut redeemer = Redeemer::new(issuer().public().clone(), purpose, 10);
    assert_eq!((redeemer.redeem(&token), redeemer.redeem(&token)), (Ok(()), Err(IssueError::Spent)));
    let mut moved = envelope.octets().to_vec();
    moved[5] ^= 1;
    assert!(open.open_report(&moved).is_err(), "bound to its epoch");
}

#[test]
fn of_a_hundred_estimates_ninety_nine_are_within_three_deviations() {
    let mut rng = StdRng::seed_from_u64(53);
    let (mut within, mut all) = (0, 0);
    for week in 0..40 {
        let (mut truth, mut counts) = ([0_i64; CELLS], [0_i64; CELLS]);
        for home in 0..HOMES {
            let mut presence = Presence::new();
            for category in
                Category::ALL.into_iter().filter(|category| (home * 31 + week + *category as usize).is_multiple_of(90))
            {
                let cells = [Cell::of_band(category, home % 5), Cell::of_part(category, home % 4)];
                for cell in cells.into_iter().flatten() {
                    presence.meet(cell);
                }
            }
            presence.places().for_each(|place| truth[place] += 1);
            let blurred = presence.blur(&mut rng, permit());
            blurred.cells().iter().zip(&mut counts).for_each(|(bit, count)| *count += i64::from(*bit));
        }
        for (truth, count) in truth.into_iter().zip(counts) {
            let noise = |rng: &mut StdRng| discrete_gaussian(NOISE_VARIANCE, rng);
            let noised = count + noise(&mut rng) + noise(&mut rng);
            let estimate = Estimate::of_count(noised, HOMES as u64, NOISE_VARIANCE);
            within += usize::from((estimate.households - truth as f64).abs() <= 3.0 * estimate.deviation);
            all += 1;
        }
    }
    assert_eq!(all, 40 * CELLS);
    assert!(within * 100 >= all * 99, "{within} of {all}");
    // And not because the deviation is told larger than it is.
    assert!(within * 1000 < all * 1000 - all / 3, "{within} of {all}");
}
