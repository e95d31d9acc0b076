//! The chain of a decision as people and programs read it. Filled in by the snapshot; decides nothing.

use serde::Serialize;

use crate::classify::guess::{By, Guess, Guesser};
use crate::classify::{Category, Match};
use crate::name::Name;
use crate::policy::{Action, Band, Chain, Profile};

/// The whole chain of a decision, as `luytre explain --json` prints it.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What was asked.
    pub name: String,
    /// The URL it was asked as, in its normal form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// For whom.
    pub profile: String,
    /// Their age band.
    pub band: &'static str,
    /// When, on the household's clock.
    pub at: String,
    /// `allow`, `warn`, `ask`, `block`, `help` (refused with help) or `rewrite`.
    pub verdict: &'static str,
    /// Where a rewrite leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Category codes; empty when nobody lists the name.
    pub categories: Vec<&'static str>,
    /// Service ids.
    pub services: Vec<String>,
    /// Time budgets that a use counts towards that day, used up or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<String>,
    /// The entry's own minimum age.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_age: Option<u8>,
    /// What it looks like, where nobody lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guess: Option<Guessed>,
    /// Encrypted Client Hello is left out of answers.
    pub strips_ech: bool,
    /// An address of the household in an answer from outside is refused.
    pub guards_rebinding: bool,
    /// What becomes of the profile's connections beside their names; absent when they do not go through the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Connections>,
    /// Every entry that speaks of the name, most specific first.
    pub matches: Vec<Entry>,
    /// Why.
    pub reason: Why,
}

/// What becomes of a profile's connections beside their names: a line for each way round the filter.
#[derive(Debug, Clone, Serialize)]
pub struct Connections {
    /// QUIC: `reject`, `filter` or `allow`.
    pub quic: &'static str,
    /// To addresses that no answer gave: `block`, `tcp443`, `log` or `allow`.
    pub nameless: &'static str,
    /// With a name that does not belong to the address: `resolve`, `refuse` or `allow`.
    pub unexplained: &'static str,
    /// With a true name that is hidden (Encrypted Client Hello): refused.
    pub blocks_hidden_names: bool,
    /// DNS over TLS and QUIC: rejected.
    pub blocks_encrypted_dns: bool,
    /// VPN, Tor and proxies: rejected.
    pub blocks_tunnels: bool,
    /// While the program does not run: `open` or `closed`.
    pub when_dead: &'static str,
}

impl Connections {
    pub(super) fn of(profile: &Profile) -> Connections {
        let network = &profile.network;
        Connections {
            quic: network.quic.code(),
            nameless: network.nameless.code(),
            unexplained: network.unexplained.code(),
            blocks_hidden_names: profile.strip_ech,
            blocks_encrypted_dns: profile.block_encrypted_dns,
            blocks_tunnels: network.block_tunnels,
            when_dead: network.when_dead.code(),
        }
    }
}

/// What a name that nobody lists looks like, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Guessed {
    /// `homoglyph`, `edit`, `added_word`, `other_ending`, `subdomain`, `name` or `spelling`.
    pub by: &'static str,
    /// Category code.
    pub category: &'static str,
    /// The brand or name it pretends to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imitates: Option<String>,
    /// Thousandths that a name of this spelling is of the category, where names come as in the training data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chance_permille: Option<u32>,
    /// By how much the spelling speaks for it, in 1/1024 nat, and how much was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<(i32, i32)>,
    /// The household has not met it before this month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_new: Option<bool>,
    /// Parts of the name that weighed most, heaviest first, in 1/1024 nat.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grams: Vec<(String, i32)>,
}

/// Parts shown of a name.
const GRAMS: usize = 5;

impl Guessed {
    /// The guess at `name` in words.
    pub fn of(guess: &Guess<'_>, name: &Name, guesser: &Guesser) -> Guessed {
        let mut guessed = Guessed {
            by: "spelling",
            category: guess.category.code(),
            imitates: None,
            chance_permille: None,
            margin: None,
            is_new: None,
            grams: Vec::new(),
        };
        match guess.by {
            By::Brand(found) => {
                guessed.by = found.how.code();
                let real = found.of.names.first().map(|name| format!(" ({name})")).unwrap_or_default();
                guessed.imitates = Some(format!("{}{real}", found.of.title));
            }
            By::Name(real) => {
                guessed.by = "name";
                guessed.imitates = Some(real.to_string());
            }
            By::Spelling(found) => {
                guessed.chance_permille = Some(found.chance / 1000);
                guessed.margin = Some((found.margin, found.needed));
                guessed.is_new = Some(found.is_new);
                let grams = guesser.grams(name, found.class, GRAMS).into_iter();
                guessed.grams = grams.map(|gram| (gram.text, gram.weight)).collect();
            }
        }
        guessed
    }
}

/// One list entry that speaks of the name.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The list's name.
    pub list: String,
    /// The name or URL it lists.
    pub entry: String,
    /// `block` adds categories, `allow` lifts them.
    pub kind: &'static str,
    /// Category codes.
    pub categories: Vec<&'static str>,
    /// False when an exception of the same list lifts it.
    pub in_force: bool,
    /// Under which id it is appealed, where two authorities sign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appeal: Option<String>,
}

impl Entry {
    pub(super) fn of(found: &Match) -> Entry {
        Entry {
            list: found.source.clone(),
            entry: found.entry.clone(),
            kind: if found.allow { "allow" } else { "block" },
            categories: found.categories.iter().map(Category::code).collect(),
            in_force: found.in_force,
            appeal: found.appeal().map(|id| id.to_string()),
        }
    }
}

/// Why: entry → category → criterion → band → who can change it.
#[derive(Debug, Clone, Serialize)]
pub struct Why {
    /// The step of the order of decision.
    pub step: &'static str,
    /// The list behind the deciding entry.
    pub list: Option<String>,
    /// The deciding entry.
    pub entry: Option<String>,
    /// The deciding category.
    pub category: Option<&'static str>,
    /// Id of the criterion.
    pub criterion: Option<String>,
    /// Its title, Vietnamese and English.
    pub title: Option<Title>,
    /// The schedule that holds.
    pub schedule: Option<String>,
    /// The budget that is used up.
    pub budget: Option<String>,
    /// When the pause, the grant or the schedule ends or the budget begins anew, on the household's clock.
    pub until: Option<String>,
    /// `nobody`, `authorities`, `guardian`, `guardian_by_name` or `self`.
    pub who_can_change: &'static str,
}

/// A title in both languages.
#[derive(Debug, Clone, Serialize)]
pub struct Title {
    /// Vietnamese.
    pub vi: String,
    /// English.
    pub en: String,
}

impl Why {
    pub(super) fn of(chain: &Chain, matches: &[Match]) -> Why {
        let behind = matches.iter().find(|found| {
            found.in_force && !found.allow && chain.category.is_none_or(|category| found.categories.contains(category))
        });
        Why {
            step: chain.step.code(),
            list: behind.map(|found| found.source.clone()),
            entry: behind.map(|found| found.entry.clone()),
            category: chain.category.map(Category::code),
            criterion: chain.criterion.as_ref().map(|(id, _, _)| id.clone()),
            title: chain.criterion.as_ref().map(|(_, vi, en)| Title { vi: vi.clone(), en: en.clone() }),
            schedule: chain.schedule.clone(),
            budget: chain.budget.clone(),
            until: None,
            who_can_change: chain.who_can_change,
        }
    }

    pub(super) fn switch(&mut self, step: &'static str, profile: &Profile) {
        self.step = step;
        self.who_can_change = if profile.band == Band::Adult { "self" } else { "guardian" };
    }
}

impl Explanation {
    /// True when the name would be refused.
    pub fn is_refusal(&self) -> bool {
        Action::from_code(self.verdict).is_some_and(|action| action.strictness() >= Action::Ask.strictness())
    }
}
