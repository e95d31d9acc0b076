//! The classes the model tells apart, and which category each of them is.

use crate::classify::category::Category;

/// Classes of the model, without what is harmless.
pub const CLASSES: usize = 10;

/// What a name may be taken for. The discriminant is its place in the model's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Class {
    /// Pornography.
    Adult,
    /// Gambling.
    Gambling,
    /// Drugs, for the most part pharmacies that sell without prescription.
    Drugs,
    /// Dating.
    Dating,
    /// Ways round the filter: proxies, VPNs, open resolvers.
    Bypass,
    /// Phishing, scams and shops that deliver nothing.
    Phishing,
    /// Malware, with the random names it makes for itself.
    Malware,
    /// Gore and violence, and hate.
    Violence,
    /// Games.
    Games,
    /// Social networks.
    Social,
}

impl Class {
    /// Every class, by its place.
    pub const ALL: [Class; CLASSES] = [
        Class::Adult,
        Class::Gambling,
        Class::Drugs,
        Class::Dating,
        Class::Bypass,
        Class::Phishing,
        Class::Malware,
        Class::Violence,
        Class::Games,
        Class::Social,
    ];

    /// The word that training data uses.
    pub const fn word(self) -> &'static str {
        match self {
            Class::Adult => "adult",
            Class::Gambling => "gambling",
            Class::Drugs => "drugs",
            Class::Dating => "dating",
            Class::Bypass => "bypass",
            Class::Phishing => "phishing",
            Class::Malware => "malware",
            Class::Violence => "violence",
            Class::Games => "games",
            Class::Social => "social",
        }
    }

    /// The class of that word; `None` for any other, `benign` among them.
    pub fn from_word(word: &str) -> Option<Class> {
        Class::ALL.into_iter().find(|class| class.word() == word)
    }

    /// The category a name of this class belongs to.
    pub const fn category(self) -> Category {
        match self {
            Class::Adult => Category::Porn,
            Class::Gambling => Category::Gambling,
            Class::Drugs => Category::Drugs,
            Class::Dating => Category::Dating,
            Class::Bypass => Category::Bypass,
            Class::Phishing => Category::PhishingScam,
            Class::Malware => Category::Malware,
            Class::Violence => Category::GoreViolence,
            Class::Games => Category::Gaming,
            Class::Social => Category::SocialNetwork,
        }
    }
}
