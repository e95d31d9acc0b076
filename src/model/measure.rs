//! How good a model is, on rows it has not learnt from: what it finds of each class at which cost, apart for names whose
//! stem it has never seen, and whether its probabilities mean what they say.

use std::collections::HashSet;

use serde::Serialize;

use super::data::{BENIGN, Part, Rows};
use crate::classify::lexical::{Class, MILLION, Model, Scores};
use crate::name::Name;

/// Shares of a class that the points of a curve find.
const RECALLS: [f64; 7] = [0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9];
/// Bins of a reliability table.
const BINS: usize = 10;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Rows looked at.
    pub rows: usize,
    /// Of them harmless.
    pub benign: usize,
    /// Harmless rows told to be anything.
    pub alarms: usize,
    /// By class, over all rows.
    pub classes: Vec<ClassReport>,
    /// The same over rows whose stem no training row has, harmless ones too. The stem is the registrable label without
    /// digits and hyphens.
    pub unseen: Vec<ClassReport>,
}

/// What was measured of one class: its rows against the harmless ones.
#[derive(Debug, Serialize)]
pub struct ClassReport {
    /// The class.
    pub class: &'static str,
    /// Its rows.
    pub rows: usize,
    /// Area under the curve of precision over recall (average precision).
    pub pr_auc: f64,
    /// Share found where 1 in 1,000 harmless rows is told wrongly, and 1 in 100.
    pub recall_at_0_1_percent: f64,
    /// See there.
    pub recall_at_1_percent: f64,
    /// Share told at the model's own threshold.
    pub told: f64,
    /// Share told at the model's own thresholds to be anything.
    pub told_any: f64,
    /// Harmless rows told to be this at the model's own threshold.
    pub alarms: usize,
    /// Points of the curve.
    pub curve: Vec<Point>,
    /// What was said and what was so, over all rows.
    pub reliability: Vec<Bin>,
}

/// A point of a curve.
#[derive(Debug, Serialize)]
pub struct Point {
    /// Share of the class that is found.
    pub recall: f64,
    /// Share of what is found that is of the class, harmless rows being the others.
    pub precision: f64,
    /// Share of harmless rows that are found too.
    pub alarms: f64,
}

/// Rows whose probability lies in one tenth.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Bin {
    /// How many.
    pub rows: usize,
    /// Their mean probability.
    pub said: f64,
    /// The share that is of the class.
    pub was: f64,
}

struct Scored {
    classes: u16,
    scores: Scores,
    told: u16,
}

/// Measures `model` on a part of `rows`; stems are compared with the training part of the same rows.
pub fn measure(model: &Model, rows: &Rows, part: Part) -> Report {
    let stems: HashSet<Vec<u8>> = rows.of(Part::Train).map(|(_, name)| stem(&name)).collect();
    let (mut all, mut unseen) = (Vec::new(), Vec::new());
    for (row, name) in rows.of(part) {
        let scores = model.score(&name);
        let told = model.told(&scores).fold(0, |told, class| told | 1 << class as u16);
        let scored = || Scored { classes: row.classes, scores, told };
        all.push(scored());
        if !stems.contains(&stem(&name)) {
            unseen.push(scored());
        }
    }
    let benign = |scored: &&Scored| scored.classes & BENIGN > 0;
    Report {
        rows: all.len(),
        benign: all.iter().filter(benign).count(),
        alarms: all.iter().filter(benign).filter(|scored| scored.told > 0).count(),
        classes: Class::ALL.iter().map(|class| of_class(&all, *class)).collect(),
        unseen: Class::ALL.iter().map(|class| of_class(&unseen, *class)).collect(),
    }
}

/// The registrable label (of a name without one, the first) without digits and hyphens.
fn stem(name: &Name) -> Vec<u8> {
    let label = name.registrable().unwrap_or(name.view()).labels().next().unwrap_or(&[]);
    label.iter().copied().filter(|octet| !octet.is_ascii_digit() && *octet != b'-').collect()
}

fn of_class(scored: &[Scored], class: Class) -> ClassReport {
    let bit = 1_u16 << class as u16;
    let margins = |of: u16| {
        let mut margins: Vec<i32> =
            scored.iter().filter(|scored| scored.classes & of > 0).map(|scored| scored.scores.margin(class)).collect();
        margins.sort_unstable_by(|left, right| right.cmp(left));
        margins
    };
    let (found, benign) = (margins(bit), margins(BENIGN));
    let share = |is: &dyn Fn(&Scored) -> bool| {
        let of = scored.iter().filter(|scored| scored.classes & bit > 0 && is(scored)).count();
        ratio(of, found.len())
    };
    ClassReport {
        class: class.word(),
        rows: found.len(),
        pr_auc: average_precision(&found, &benign),
        recall_at_0_1_percent: recall_at(&found, &benign, 1000),
        recall_at_1_percent: recall_at(&found, &benign, 100),
        told: share(&|scored| scored.told & bit > 0),
        told_any: share(&|scored| scored.told > 0),
        alarms: scored.iter().filter(|scored| scored.classes & BENIGN > 0 && scored.told & bit > 0).count(),
        curve: RECALLS.iter().filter_map(|recall| point(&found, &benign, *recall)).collect(),
        reliability: reliability(scored, class, bit),
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// How many of `margins`, highest first, reach `least`.
fn reach(margins: &[i32], least: i32) -> usize {
    margins.partition_point(|margin| *margin >= least)
}

/// The share found when at most one in so many harmless rows is.
fn recall_at(found: &[i32], benign: &[i32], one_in: usize) -> f64 {
    match benign.get(benign.len() / one_in) {
        Some(margin) => ratio(reach(found, margin.saturating_add(1)), found.len()),
        None => 0.0,
    }
}

fn point(found: &[i32], benign: &[i32], recall: f64) -> Option<Point> {
    let at = (found.len() as f64 * recall).ceil() as usize;
    let least = *found.get(at.checked_sub(1)?)?;
    let (right, wrong) = (reach(found, least), reach(benign, least));
    Some(Point {
        recall: ratio(right, found.len()),
        precision: ratio(right, right + wrong),
        alarms: ratio(wrong, benign.len()),
    })
}

/// Both highest first. Rows with equal margins are found together.
fn average_precision(found: &[i32], benign: &[i32]) -> f64 {
    let (mut sum, mut at) = (0.0, 0);
    while let Some(margin) = found.get(at) {
        let right = reach(found, *margin);
        sum += ratio(right, right + reach(benign, *margin)) * (right - at) as f64;
        at = right;
    }
    if found.is_empty() { 0.0 } else { sum / found.len() as f64 }
}

fn reliability(scored: &[Scored], class: Class, bit: u16) -> Vec<Bin> {
    let mut bins = [Bin::default(); BINS];
    for scored in scored {
        let said = scored.scores.chance(class);
        let at = (said as usize * BINS / MILLION as usize).min(BINS - 1);
        if let Some(bin) = bins.get_mut(at) {
            bin.rows += 1;
            bin.said += f64::from(said) / f64::from(MILLION);
            bin.was += f64::from(u8::from(scored.classes & bit > 0));
        }
    }
    let mean = |bin: &Bin| {
        let rows = bin.rows.max(1) as f64;
        Bin { rows: bin.rows, said: bin.said / rows, was: bin.was / rows }
    };
    bins.iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_what_a_person_counts() {
        let (found, benign) = ([9, 7, 7, 1], [8, 3, 2, 0]);
        assert_eq!((reach(&found, 7), reach(&benign, 9)), (3, 0));
        // 1/1, then 3/4 for two, then 4/7.
        let expected = (1.0 + 2.0 * 0.75 + 4.0 / 7.0) / 4.0;
        assert!((average_precision(&found, &benign) - expected).abs() < 1e-12);
        assert!((recall_at(&found, &benign, 1000) - 0.25).abs() < 1e-12, "none may pass, and 8 would");
        assert!((recall_at(&found, &benign, 4) - 0.75).abs() < 1e-12, "one may");
        let point = point(&found, &benign, 0.6).unwrap();
        assert!((point.recall - 0.75).abs() < 1e-12 && (point.alarms - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_stem_is_what_is_left_of_the_label() {
        assert_eq!(stem(&"www.My-Name24.co.uk".parse().unwrap()), b"myname");
    }
}
