//! What words speak for, learnt from sample pages when the program starts: naive Bayes with what each word and each two
//! neighbours say, one category against all other pages. The same samples give the same integers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher;

use siphasher::sip128::SipHasher13;

use super::model::HARMS;
use super::page::PageText;
use crate::classify::Category;

/// One page of `blocklists/phrases/texts/`.
#[derive(Debug, Clone)]
pub struct Sample {
    /// What it is; `None` when it only speaks of such things, or of others.
    pub category: Option<Category>,
    /// Its text.
    pub text: PageText,
}

/// What words say, in tenths of a nat, by [`HARMS`].
#[derive(Default)]
pub(super) struct Learnt {
    words: HashMap<u64, [i8; HARMS.len()]>,
}

/// Words that stand in fewer samples say nothing yet.
const SAMPLES_MIN: u32 = 3;
/// So far at most do all words together move a score: less than one strong phrase in a title. A choice: samples are few.
const MOVE_MAX: i32 = 12;
/// Tenths of a nat that move a score by one. A choice.
const TENTHS_PER_POINT: i32 = 10;

impl Learnt {
    pub(super) fn from(samples: &[Sample]) -> Learnt {
        let mut pages = [0_u32; HARMS.len()];
        // By word: how many samples of each harm hold it, and how many of all.
        let mut held: BTreeMap<u64, ([u32; HARMS.len()], u32)> = BTreeMap::new();
        for sample in samples {
            let harm = HARMS.iter().position(|harm| sample.category == Some(*harm));
            if let Some(pages) = harm.and_then(|harm| pages.get_mut(harm)) {
                *pages += 1;
            }
            for word in words(&sample.text) {
                let (by_harm, all) = held.entry(word).or_default();
                *all += 1;
                if let Some(count) = harm.and_then(|harm| by_harm.get_mut(harm)) {
                    *count += 1;
                }
            }
        }
        let total = u32::try_from(samples.len()).unwrap_or(u32::MAX);
        let known = held.into_iter().filter(|(_, (_, all))| *all >= SAMPLES_MIN);
        let words = known.map(|(word, (by_harm, all))| {
            let mut says = [0; HARMS.len()];
            for ((says, with), pages) in says.iter_mut().zip(by_harm).zip(pages) {
                *says = tenths(with, pages, all - with, total - pages);
            }
            (word, says)
        });
        Learnt { words: words.collect() }
    }

    /// How far the words of a page move each score.
    pub(super) fn judge(&self, page: &PageText) -> [i32; HARMS.len()] {
        let mut sums = [0; HARMS.len()];
        if self.words.is_empty() {
            return sums;
        }
        for says in words(page).iter().filter_map(|word| self.words.get(word)) {
            for (sum, says) in sums.iter_mut().zip(says) {
                *sum += i32::from(*says);
            }
        }
        sums.map(|sum| (sum / TENTHS_PER_POINT).clamp(-MOVE_MAX, MOVE_MAX))
    }
}

/// The logarithm of how much likelier a page of the harm holds the word than another page; half a page is added to each side.
fn tenths(with: u32, pages: u32, others_with: u32, others: u32) -> i8 {
    let likely = |with: u32, pages: u32| (f64::from(with) + 0.5) / (f64::from(pages) + 1.0);
    let ratio = likely(with, pages) / likely(others_with, others);
    // At most 6 nats with a few hundred samples; the cast saturates.
    (ratio.ln() * 10.0).round() as i8
}

/// The words of a page and each two that are neighbours, as hashes, each once. A set that is ordered: sums never depend on a seed.
fn words(page: &PageText) -> BTreeSet<u64> {
    let mut words = BTreeSet::new();
    for line in page.weighted().flat_map(|(text, _)| text.lines()) {
        let mut before = None;
        for word in line.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()) {
            let here = hash(0, word);
            words.insert(here);
            if let Some(before) = before.replace(here) {
                words.insert(hash(before, word));
            }
        }
    }
    words
}

fn hash(before: u64, word: &str) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(before, 0);
    hasher.write(word.as_bytes());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_harm_speak_for_it_and_those_of_others_against() {
        let sample = |category, text: &str| Sample { category, text: PageText::of(text.as_bytes()) };
        let samples: Vec<Sample> = (0..8)
            .flat_map(|_| [sample(Some(Category::Gambling), "spin the wheel"), sample(None, "read the book")])
            .collect();
        let learnt = Learnt::from(&samples);
        let at = HARMS.iter().position(|harm| *harm == Category::Gambling).unwrap();
        let judge = |text: &str| learnt.judge(&PageText::of(text.as_bytes()))[at];
        assert!(judge("spin") > 0 && judge("book") < 0 && judge("nothing known") == 0);
        assert!(judge("spin the wheel") > judge("wheel the spin"));
        assert_eq!(judge(&"spin the wheel ".repeat(9)), judge("the wheel spin the wheel"));
    }
}
