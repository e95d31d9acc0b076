//! Sets what a draft still lacks on rows it has not seen: curves that make probabilities mean what they say, and thresholds
//! by how many harmless names may be told wrongly.

use super::data::{BENIGN, Part, Rows};
use super::ordinary;
use super::pack::Draft;
use crate::classify::lexical::{CLASSES, Class, Curve, KNOTS, MILLION, Model, ModelError, Scores};
use crate::name::Name;

/// Of a million harmless names so many may be told to be of each class: 400 in all where 1,000 are allowed, because two
/// samples of the same lists differ by as much (measured at 800: 24 alarms in one, 42 in the next). More where what is
/// missed harms a child more, and where most is found for it.
const ALARMS: [(Class, u32); CLASSES] = [
    (Class::Adult, 150),
    (Class::Gambling, 60),
    (Class::Drugs, 30),
    (Class::Dating, 25),
    (Class::Bypass, 40),
    (Class::Phishing, 35),
    (Class::Malware, 15),
    (Class::Violence, 10),
    (Class::Games, 20),
    (Class::Social, 15),
];
/// One harmless row in so many makes the tail by which a threshold is set.
const TAIL: usize = 1000;
/// Where the curves have their knots, in parts per million.
const SAID: [u32; KNOTS] = [0, 10_000, 50_000, 150_000, 350_000, 600_000, 800_000, 950_000, MILLION];
/// How many rows a knot is taken to have seen beforehand, saying what the network says.
const PRIOR: f64 = 4.0;

/// The finished file.
pub(super) fn settle(draft: Draft, rows: &Rows, seed: u64) -> Result<Vec<u8>, ModelError> {
    let model = Model::read(&draft.finish(&[Curve::STRAIGHT; CLASSES], &[i32::MAX; CLASSES]))?;
    let scored: Vec<(u16, Scores)> =
        rows.of(Part::Calibrate).map(|(row, name)| (row.classes, model.score(&name))).collect();
    let curves = Class::ALL.map(|class| {
        curve(scored.iter().map(|(classes, scores)| (classes >> class as u16 & 1 == 1, scores.chance(class))))
    });
    let benign = benign(&model, rows, seed);
    let thresholds =
        ALARMS.map(|(class, alarms)| threshold(benign.iter().map(|scores| scores.margin(class)).collect(), alarms));
    let file = draft.finish(&curves, &thresholds);
    Model::read(&file)?;
    Ok(file)
}

/// Scores of the harmless rows, each twice: as the lists have it, and below it a name as a household asks for it.
fn benign(model: &Model, rows: &Rows, seed: u64) -> Vec<Scores> {
    let benign: Vec<Name> =
        rows.of(Part::Calibrate).filter(|(row, _)| row.classes & BENIGN > 0).map(|(_, name)| name).collect();
    let lefts = ordinary::left(!seed, benign.len());
    let below = benign.iter().zip(lefts).filter_map(|(name, left)| Name::parse(&format!("{left}.{name}")).ok());
    benign.iter().map(|name| model.score(name)).chain(below.map(|name| model.score(&name))).collect()
}

/// The margin that so many in a million harmless rows reach, by the margins of some. There are too few rows to count one
/// in 100,000; but the highest margins thin out like e^-x, so the height and the mean excess of the highest thousandth say
/// where that one would be.
fn threshold(mut margins: Vec<i32>, alarms: u32) -> i32 {
    margins.sort_unstable_by(|left, right| right.cmp(left));
    let len = (margins.len() / TAIL).max(1);
    let (Some(tail), Some(height)) = (margins.get(..len), margins.get(len)) else { return i32::MAX };
    let excess = tail.iter().map(|margin| f64::from(margin - height)).sum::<f64>() / len as f64;
    let expected = margins.len() as f64 * f64::from(alarms) / f64::from(MILLION);
    height.saturating_add((excess * (len as f64 / expected).ln()).ceil() as i32)
}

/// At each knot the share of rows near it that are of the class, by what is so and what was said, each weighed by how near; then made to rise.
fn curve(scored: impl Iterator<Item = (bool, u32)>) -> Curve {
    let mut seen = SAID.map(|said| (f64::from(said) * PRIOR, PRIOR));
    for (is, said) in scored {
        let is = f64::from(u8::from(is)) * f64::from(MILLION);
        let after = SAID.iter().position(|knot| *knot >= said).unwrap_or(KNOTS - 1).max(1);
        if let Some([(low, below), (high, above)]) = pair(&SAID, &mut seen, after) {
            let part = f64::from(said - low) / f64::from(high - low);
            *below = (below.0 + is * (1.0 - part), below.1 + 1.0 - part);
            *above = (above.0 + is * part, above.1 + part);
        }
    }
    let mut knots = [(0, 0); KNOTS];
    for ((knot, said), so) in knots.iter_mut().zip(SAID).zip(rising(&seen)) {
        *knot = (said, (so.round() as u32).min(MILLION));
    }
    Curve::through(knots).unwrap_or(Curve::STRAIGHT)
}

/// The means of these, neighbours that fall taken together until all rise (pool adjacent violators, Ayer et al. 1955).
fn rising(seen: &[Seen; KNOTS]) -> Vec<f64> {
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (sum, weight) in seen {
        let mut pool = (*sum, *weight, 1);
        while let Some(last) = pools.pop_if(|last| last.0 / last.1 > pool.0 / pool.1) {
            pool = (pool.0 + last.0, pool.1 + last.1, pool.2 + last.2);
        }
        pools.push(pool);
    }
    pools.iter().flat_map(|(sum, weight, knots)| std::iter::repeat_n(sum / weight, *knots)).collect()
}

type Seen = (f64, f64);

fn pair<'a>(said: &[u32; KNOTS], seen: &'a mut [Seen; KNOTS], after: usize) -> Option<[(u32, &'a mut Seen); 2]> {
    let (low, high) = (said.get(after - 1)?, said.get(after)?);
    let [below, above] = seen.get_mut(after - 1..=after)? else { return None };
    Some([(*low, below), (*high, above)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_twenty_thousand_is_set_by_the_tail() {
        let rows = 30_000;
        let margins: Vec<i32> =
            (0..rows).map(|at| (1000.0 * (f64::from(rows) / (f64::from(at) + 0.5)).ln()) as i32).collect();
        let exact = 1000.0 * (1_000_000.0_f64 / 50.0).ln();
        let set = f64::from(threshold(margins, 50));
        assert!((set - exact).abs() < 150.0, "{set} for {exact}");
        assert_eq!(threshold(vec![], 50), i32::MAX, "nothing is told where nothing is known");
    }

    #[test]
    fn a_curve_says_what_was_so() {
        // Whoever says 80 % is right half of the time.
        let curve = curve((0..1000).map(|at| (at % 2 == 0, 800_000)));
        assert!(curve.at(800_000).abs_diff(500_000) < 3000, "{}", curve.at(800_000));
        assert!(curve.at(0) < 10_000 && curve.at(950_000) >= curve.at(800_000));
    }
}
