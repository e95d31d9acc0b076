//! What phrases and words speak for. Phrases have weights that people gave them; words have those that `learn` drew from sample
//! pages, and can tip the scale but not move it far. All sums are of integers, so that every box says the same.

use aho_corasick::{AhoCorasick, BuildError};

use super::learn::{Learnt, Sample};
use super::page::{PageText, normalise};
use crate::classify::{Category, CategorySet};

/// The categories a page's words are judged for.
pub const HARMS: [Category; 7] = [
    Category::StrangerChat,
    Category::SelfharmPromo,
    Category::Porn,
    Category::Drugs,
    Category::Gambling,
    Category::PredatoryLoan,
    Category::PhishingScam,
];

/// One phrase of `blocklists/phrases/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// As people write it.
    pub text: String,
    /// What it speaks for; `None` when it speaks against all: prevention, news, health, learning.
    pub category: Option<Category>,
    /// How loudly, 1 to 20; 10 is a phrase that hardly stands elsewhere.
    pub weight: i32,
}

/// Phrases and learnt words, ready to judge pages. Built once, shared by all.
pub struct TextModel {
    finder: AhoCorasick,
    /// By the pattern's number in `finder`.
    meanings: Vec<Meaning>,
    learnt: Learnt,
}

struct Meaning {
    /// The phrase, whatever its spelling.
    phrase: usize,
    /// Position in [`HARMS`]; `None` speaks against all.
    harm: Option<usize>,
    weight: i32,
}

/// How loudly a page speaks for each of [`HARMS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TextScores {
    scores: [i32; HARMS.len()],
}

/// From here on a page is called what it speaks for; two strong phrases and a little more. Set on the sample pages learnt from.
const CALLED: i32 = 24;
/// A phrase counts so often at most, a title as three: repetition says nothing new.
const TIMES_MAX: i32 = 4;
/// What speaks against all can take away so much at most, so that a footer of good advice hides no casino.
const AGAINST_MAX: i32 = 80;

impl TextModel {
    /// Prepares phrases and learns from samples. Fails only when there are more phrases than an automaton can hold.
    pub fn new(phrases: &[Phrase], samples: &[Sample]) -> Result<TextModel, BuildError> {
        let (mut patterns, mut meanings) = (Vec::new(), Vec::new());
        for (number, phrase) in phrases.iter().enumerate() {
            let harm = phrase.category.and_then(|category| HARMS.iter().position(|harm| *harm == category));
            if phrase.category.is_some() && harm.is_none() {
                continue;
            }
            for spelling in spellings(&phrase.text) {
                patterns.push(spelling);
                meanings.push(Meaning { phrase: number, harm, weight: phrase.weight });
            }
        }
        Ok(TextModel { finder: AhoCorasick::new(&patterns)?, meanings, learnt: Learnt::from(samples) })
    }

    /// What speaks for each category in a page.
    pub fn judge(&self, page: &PageText) -> TextScores {
        let mut scores = self.phrases(page);
        for (score, learnt) in scores.iter_mut().zip(self.learnt.judge(page)) {
            *score += learnt;
        }
        TextScores { scores }
    }

    fn phrases(&self, page: &PageText) -> [i32; HARMS.len()] {
        let mut times = vec![0; self.meanings.len()];
        let (mut scores, mut against) = ([0; HARMS.len()], 0);
        for (text, weight) in page.weighted() {
            for found in self.finder.find_overlapping_iter(text) {
                let Some(meaning) = self.meanings.get(found.pattern().as_usize()) else { continue };
                let Some(so_far) = times.get_mut(meaning.phrase) else { continue };
                if !stands_alone(text, found.start(), found.end()) {
                    continue;
                }
                let more = weight.min(TIMES_MAX - *so_far);
                *so_far += more;
                match meaning.harm.and_then(|harm| scores.get_mut(harm)) {
                    Some(score) => *score += meaning.weight * more,
                    None => against += meaning.weight * more,
                }
            }
        }
        scores.map(|score| score - against.min(AGAINST_MAX))
    }
}

impl TextScores {
    /// How loudly the page speaks for `category`; 0 for those that are not judged, below 0 when more speaks against it.
    pub fn of(&self, category: Category) -> i32 {
        HARMS.iter().zip(self.scores).find(|(harm, _)| **harm == category).map_or(0, |(_, score)| score)
    }

    /// What the page is called: each category it speaks for loudly enough. Empty for most pages.
    pub fn called(&self) -> CategorySet {
        HARMS.into_iter().zip(self.scores).filter(|(_, score)| *score >= CALLED).map(|(harm, _)| harm).collect()
    }
}

/// A phrase as it is written, and as those write it who leave out the marks of Vietnamese. One syllable without its marks could
/// be any of six words, so that is not sought. A page that has its marks matches only what is written with the same ones.
fn spellings(phrase: &str) -> Vec<String> {
    let full = normalise(phrase);
    let bare = without_marks(&full);
    if bare != full && bare.contains(' ') { vec![full, bare] } else { vec![full] }
}

fn without_marks(text: &str) -> String {
    let apart = icu_normalizer::DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let letters = apart.chars().filter(|letter| !matches!(letter, '\u{300}'..='\u{36f}'));
    letters.map(|letter| if letter == 'đ' { 'd' } else { letter }).collect()
}

/// No letter or digit stands directly before or behind.
fn stands_alone(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).and_then(|text| text.chars().next_back());
    let behind = text.get(end..).and_then(|text| text.chars().next());
    !before.is_some_and(char::is_alphanumeric) && !behind.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(page: &str) -> i32 {
        let phrase = |text: &str, category, weight| Phrase { text: text.into(), category, weight };
        let phrases = [phrase("cá độ", Some(Category::Gambling), 10), phrase("phòng chống", None, 8)];
        let model = TextModel::new(&phrases, &[]).unwrap();
        model.judge(&PageText::of(page.as_bytes())).of(Category::Gambling)
    }

    #[test]
    fn a_phrase_counts_where_it_stands_alone_in_either_spelling() {
        assert_eq!((score("Cá độ!"), score("chơi ca do ngay"), score("cá\u{323} đô\u{323}")), (10, 10, 0));
        assert_eq!((score("ca đó"), score("xca do"), score("cá<p>độ"), score("cá <b>độ</b>")), (0, 0, 0, 10));
    }

    #[test]
    fn a_title_counts_more_repetition_no_more_and_prevention_against() {
        assert_eq!(score("<title>cá độ</title>"), 30);
        assert_eq!(score(&"cá độ ".repeat(50)), 40);
        assert_eq!(score("phòng chống cá độ"), 2);
        assert_eq!(score("phòng chống"), -8);
    }
}
