//! Age bands, the five actions, and what a band gets of each category when no criterion says otherwise.

use std::fmt;
use std::ops::RangeInclusive;

use crate::classify::Category;

/// An age band, youngest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Band {
    /// 0 to 5: an allow-list world.
    Age0to5,
    /// 6 to 9.
    Age6to9,
    /// 10 to 12.
    Age10to12,
    /// 13 to 15; under 16 is a child in Vietnamese law.
    Age13to15,
    /// 16 and 17.
    Age16to17,
    /// 18 and older.
    Adult,
}

impl Band {
    /// All bands, youngest first.
    pub const ALL: [Band; 6] =
        [Band::Age0to5, Band::Age6to9, Band::Age10to12, Band::Age13to15, Band::Age16to17, Band::Adult];

    /// The code that files and commands use.
    pub const fn code(self) -> &'static str {
        match self {
            Band::Age0to5 => "0-5",
            Band::Age6to9 => "6-9",
            Band::Age10to12 => "10-12",
            Band::Age13to15 => "13-15",
            Band::Age16to17 => "16-17",
            Band::Adult => "18+",
        }
    }

    /// The band with that code.
    pub fn from_code(code: &str) -> Option<Band> {
        Band::ALL.into_iter().find(|band| band.code() == code)
    }

    /// Ages in years.
    pub const fn ages(self) -> RangeInclusive<u8> {
        match self {
            Band::Age0to5 => 0..=5,
            Band::Age6to9 => 6..=9,
            Band::Age10to12 => 10..=12,
            Band::Age13to15 => 13..=15,
            Band::Age16to17 => 16..=17,
            Band::Adult => 18..=u8::MAX,
        }
    }

    /// The band of that age in years.
    pub fn from_age(age: u8) -> Band {
        Band::ALL.into_iter().find(|band| band.ages().contains(&age)).unwrap_or(Band::Adult)
    }

    /// What the band gets of `category` by default (the table of CATEGORIES).
    pub fn default_action(self, category: Category) -> Action {
        match DEFAULTS[category as usize].as_bytes()[self as usize] {
            b'A' => Action::Allow,
            b'W' => Action::Warn,
            b'K' => Action::Ask,
            b'H' => Action::Help,
            _ => Action::Block,
        }
    }
}

impl fmt::Display for Band {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// How old a profile's child is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// A band that stays.
    Band(Band),
    /// A birth year that moves the band on by itself.
    Born(i16),
}

impl Age {
    /// The band in that calendar year. Only the year of birth is known, so the child counts as the age it surely has
    /// reached: a child is protected a few months longer, never shorter.
    pub fn band_in(self, year: i16) -> Band {
        match self {
            Age::Band(band) => band,
            Age::Born(born) => {
                Band::from_age(u8::try_from(year.saturating_sub(born).saturating_sub(1).max(0)).unwrap_or(u8::MAX))
            }
        }
    }
}

/// What happens to a request, mildest first. `Block` and `Help` are equally strict; `Help` comes with the help panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// Goes through.
    Allow,
    /// Goes through; a page warns once a day where there is a page.
    Warn,
    /// Refused until the guardian says yes.
    Ask,
    /// Refused.
    Block,
    /// Refused, and help is offered.
    Help,
}

impl Action {
    /// All actions, mildest first.
    pub const ALL: [Action; 5] = [Action::Allow, Action::Warn, Action::Ask, Action::Block, Action::Help];

    /// The code that files and commands use.
    pub const fn code(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Warn => "warn",
            Action::Ask => "ask",
            Action::Block => "block",
            Action::Help => "help",
        }
    }

    /// The action with that code.
    pub fn from_code(code: &str) -> Option<Action> {
        Action::ALL.into_iter().find(|action| action.code() == code)
    }

    /// Rank when actions are compared; `Block` and `Help` share one.
    pub const fn strictness(self) -> u8 {
        match self {
            Action::Allow => 0,
            Action::Warn => 1,
            Action::Ask => 2,
            Action::Block | Action::Help => 3,
        }
    }
}

/// One line a category, one letter a band: Allow, Warn, asK, Block, block with Help.
const DEFAULTS: [&str; 48] = [
    "KWAAAA", // unknown
    "HHHHHB", // csam
    "BBBBBB", // legal_order
    "HHHHHW", // grooming
    "HHHHWA", // stranger_chat
    "HHHHHW", // nudify_ncii
    "HHHHHW", // selfharm_promo
    "HHHHHA", // eating_dis_promo
    "BBBWWA", // dangerous_acts
    "HHHHWA", // bullying_dox
    "HHHHHW", // trafficking_lure
    "HHBBBA", // porn
    "BBBKAA", // suggestive
    "BBBBBA", // adult_services
    "BBBBBA", // dating
    "BBBBWA", // gore_violence
    "BBKAAA", // horror
    "BBBBWA", // hate_extremism
    "BBWAAA", // crude_language
    "BBHHHA", // drugs
    "BBBBWA", // alcohol
    "BBBBBA", // tobacco_vape
    "BBBBWA", // weapons
    "BBBBBA", // gambling
    "BBBBWA", // gambling_like
    "BBBBBW", // predatory_loan
    "BBBBWA", // speculation
    "BBBKAA", // social_network
    "BKKAAA", // messaging
    "KWAAAA", // video_ugc
    "BBKAAA", // livestream
    "KAAAAA", // gaming
    "BBBKAA", // gaming_16
    "BBBBBA", // gaming_18
    "BKWAAA", // forum_ugc
    "HHHHWA", // ai_companion
    "BKWAAA", // ai_general
    "BKKAAA", // download_store
    "BBBWWA", // piracy
    "BBBBBA", // ads_tracker
    "BBBBBB", // malware
    "HHHHHW", // phishing_scam
    "KKWWAA", // newly_registered
    "BBBBWA", // bypass
    "BBBBBB", // stalkerware
    "AAAAAA", // health_sexed
    "AAAAAA", // education_kids
    "AAAAAA", // help
];
