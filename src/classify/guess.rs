//! What a name that nobody lists looks like. Asked only of such names, in this order: it pretends to be a protected brand; it
//! pretends to be a name this household protects; its spelling is that of a class of the model, more so the newer it is
//! here. Last, where a page comes in the clear, its words speak. What follows from a guess is `policy`'s to say; a guess is never evidence.

use std::sync::Arc;

use super::category::Category;
use super::lexical::{Class, Gram, Model, Scores};
use super::lookalike::{Imitation, Lookalikes, Protected};
use super::seen::Seen;
use super::text::TextModel;
use crate::name::{self, Name, NameSet};

/// A guess at a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess<'g> {
    /// What it would be.
    pub category: Category,
    /// How it was guessed.
    pub by: By<'g>,
}

/// How a name was guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By<'g> {
    /// It pretends to be a brand.
    Brand(Imitation<'g>),
    /// It pretends to be a name.
    Name(&'g Name),
    /// It is spelt so.
    Spelling(Spelling),
}

/// What a spelling was found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    /// The class.
    pub class: Class,
    /// By how much it speaks for the class, in 1/1024 nat ([`Scores::margin`]).
    pub margin: i32,
    /// How much was needed, this time.
    pub needed: i32,
    /// Parts per million ([`Scores::chance`]).
    pub chance: u32,
    /// The household has not met it before this month.
    pub is_new: bool,
}

/// Everything that guesses. The default guesses nothing.
#[derive(Default)]
pub struct Guesser {
    model: Option<Model>,
    brands: Option<Lookalikes>,
    names: Arc<name::Lookalikes>,
    popular: NameSet,
    seen: Option<Arc<Seen>>,
    text: Option<TextModel>,
}

/// What a household has met for a month or more has shown itself; what a registry's feed calls new has shown nothing yet. One
/// nat either way, which is a factor of 2.7 in the odds: a guess with room.
const NAT: i32 = 1 << 10;

impl Guesser {
    /// Guesses by a model and by names that others pretend to be. `popular` names are never guessed at.
    pub fn new(
        model: Option<Model>,
        protected: &Protected,
        names: Arc<name::Lookalikes>,
        popular: NameSet,
        seen: Option<Arc<Seen>>,
    ) -> Guesser {
        Guesser { model, brands: Some(Lookalikes::new(protected)), names, popular, seen, text: None }
    }

    /// The same with what judges pages by their words.
    pub fn reading(self, text: Option<TextModel>) -> Guesser {
        Guesser { text, ..self }
    }

    /// What judges pages by their words.
    pub fn text(&self) -> Option<&TextModel> {
        self.text.as_ref()
    }

    /// True for names that are never guessed at.
    pub fn is_popular(&self, name: &Name) -> bool {
        self.popular.contains(name)
    }

    /// True when something may be guessed of the name; cheap for nearly all. Notes that the household met it.
    pub fn suspects(&self, name: &Name) -> bool {
        if let Some(seen) = &self.seen {
            seen.meet(name);
        }
        // The lowest that any list could bring it to.
        self.guess(name, true).is_some()
    }

    /// The guess at a name that nobody lists. `is_registered_lately`: a feed says so.
    pub fn guess(&self, name: &Name, is_registered_lately: bool) -> Option<Guess<'_>> {
        if self.popular.contains(name) {
            return None;
        }
        let imitates = |by| Guess { category: Category::PhishingScam, by };
        if let Some(found) = self.brands.as_ref().and_then(|brands| brands.find(name)) {
            return Some(imitates(By::Brand(found)));
        }
        if let Some(found) = self.names.imitated(name) {
            return Some(imitates(By::Name(found)));
        }
        let spelling = self.spelling(name, is_registered_lately)?;
        Some(Guess { category: spelling.class.category(), by: By::Spelling(spelling) })
    }

    fn spelling(&self, name: &Name, is_registered_lately: bool) -> Option<Spelling> {
        let model = self.model.as_ref()?;
        let scores = model.score(name);
        let is_new = self.seen.as_ref().is_none_or(|seen| seen.is_new(name));
        let shift = if is_new { 0 } else { NAT } - if is_registered_lately { NAT } else { 0 };
        let needed = |class: Class| model.threshold(class).saturating_add(shift);
        let told = |class: &Class| scores.margin(*class) >= needed(*class);
        let class = Class::ALL.into_iter().filter(told).max_by_key(|class| scores.margin(*class) - needed(*class))?;
        // One that stands far behind the likeliest is not told.
        let is_told = shift < 0 || model.told(&scores).any(|other| other == class);
        is_told.then(|| self.found(&scores, class, needed(class), is_new))
    }

    fn found(&self, scores: &Scores, class: Class, needed: i32, is_new: bool) -> Spelling {
        Spelling { class, margin: scores.margin(class), needed, chance: scores.chance(class), is_new }
    }

    /// The grams that weighed most in a guess by spelling.
    pub fn grams(&self, name: &Name, class: Class, most: usize) -> Vec<Gram> {
        self.model.as_ref().map_or_else(Vec::new, |model| model.weigh(name, class, most))
    }

    /// What is known of its model; `None` where there is none.
    pub fn model(&self) -> Option<&Model> {
        self.model.as_ref()
    }

    /// What the household has met.
    pub fn seen(&self) -> Option<&Arc<Seen>> {
        self.seen.as_ref()
    }
}
