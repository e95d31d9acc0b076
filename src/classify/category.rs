//! The closed set of 48 categories, one bit each, and sets of them. Ids and codes are part of the bundle format and of
//! every file an operator writes: they are never renumbered or renamed.

use std::fmt;
use std::ops::{BitOr, BitOrAssign};

macro_rules! categories {
    ($($id:literal $variant:ident $code:literal $tier:ident $doc:literal;)*) => {
        /// What a name is about. The discriminant is the bit in a [`CategorySet`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Category {
            $(#[doc = $doc] $variant = $id,)*
        }

        impl Category {
            /// Every category, by id.
            pub const ALL: [Category; 48] = [$(Category::$variant,)*];

            /// The stable code that files and commands use.
            pub const fn code(self) -> &'static str {
                match self { $(Category::$variant => $code,)* }
            }

            /// Why the category is regulated at all.
            pub const fn tier(self) -> Tier {
                match self { $(Category::$variant => Tier::$tier,)* }
            }

            /// What the category holds, in a few words, as shown to people.
            pub const fn title(self) -> &'static str {
                match self { $(Category::$variant => $doc,)* }
            }
        }
    };
}

categories! {
    0 Unknown "unknown" Unknown "names nobody has classified";
    1 Csam "csam" Sealed "sealed content";
    2 LegalOrder "legal_order" Law "blocked by legal order";
    3 Grooming "grooming" Harm "grooming";
    4 StrangerChat "stranger_chat" Harm "anonymous chat with strangers";
    5 NudifyNcii "nudify_ncii" Harm "fake or stolen intimate pictures";
    6 SelfharmPromo "selfharm_promo" Harm "promotion of self-harm";
    7 EatingDisPromo "eating_dis_promo" Harm "promotion of eating disorders";
    8 DangerousActs "dangerous_acts" Harm "dangerous acts";
    9 BullyingDox "bullying_dox" Harm "bullying and exposure";
    10 TraffickingLure "trafficking_lure" Harm "lures of traffickers";
    11 Porn "porn" Age "pornography";
    12 Suggestive "suggestive" Age "suggestive content";
    13 AdultServices "adult_services" Age "adult services";
    14 Dating "dating" Age "dating";
    15 GoreViolence "gore_violence" Age "gore and violence";
    16 Horror "horror" Age "horror";
    17 HateExtremism "hate_extremism" Age "hate and extremism";
    18 CrudeLanguage "crude_language" Age "crude language";
    19 Drugs "drugs" Age "drugs";
    20 Alcohol "alcohol" Age "alcohol";
    21 TobaccoVape "tobacco_vape" Age "tobacco and vapes";
    22 Weapons "weapons" Age "weapons";
    23 Gambling "gambling" Age "gambling";
    24 GamblingLike "gambling_like" Age "games like gambling";
    25 PredatoryLoan "predatory_loan" Age "predatory loans";
    26 Speculation "speculation" Age "speculation";
    27 SocialNetwork "social_network" Age "social networks";
    28 Messaging "messaging" Age "messaging";
    29 VideoUgc "video_ugc" Age "video platforms";
    30 Livestream "livestream" Age "live streams";
    31 Gaming "gaming" Age "games";
    32 Gaming16 "gaming_16" Age "games from 16";
    33 Gaming18 "gaming_18" Age "games from 18";
    34 ForumUgc "forum_ugc" Age "forums";
    35 AiCompanion "ai_companion" Age "companion bots";
    36 AiGeneral "ai_general" Age "general AI assistants";
    37 DownloadStore "download_store" Age "app stores and downloads";
    38 Piracy "piracy" Age "piracy";
    39 AdsTracker "ads_tracker" Data "advertising and tracking";
    40 Malware "malware" Security "malware";
    41 PhishingScam "phishing_scam" Security "phishing and scams";
    42 NewlyRegistered "newly_registered" Security "newly registered names";
    43 Bypass "bypass" Policy "ways round the filter";
    44 Stalkerware "stalkerware" Security "spying on people";
    45 HealthSexed "health_sexed" Good "health and sex education";
    46 EducationKids "education_kids" Good "education for children";
    47 Help "help" Protected "help and reporting";
}

/// Why a category is regulated at all; decides the EDE code and who may loosen it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Nothing is known.
    Unknown,
    /// Never listed in the clear, never recorded.
    Sealed,
    /// Ordered by law, from local configuration only.
    Law,
    /// Harms children.
    Harm,
    /// Fine from some age.
    Age,
    /// Takes children's data.
    Data,
    /// Attacks the device or its people.
    Security,
    /// Gets round the filter.
    Policy,
    /// Good for children.
    Good,
    /// Can be overridden by nothing.
    Protected,
}

impl Category {
    /// The category with that bit, if there is one.
    pub fn from_id(id: u8) -> Option<Category> {
        Category::ALL.get(usize::from(id)).copied()
    }

    /// The category with that code.
    pub fn from_code(code: &str) -> Option<Category> {
        Category::ALL.into_iter().find(|category| category.code() == code)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code())
    }
}

/// A set of categories in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct CategorySet(u64);

impl CategorySet {
    /// No category.
    pub const EMPTY: CategorySet = CategorySet(0);
    /// All 48.
    pub const ALL: CategorySet = CategorySet((1 << 48) - 1);

    /// The set of these.
    pub const fn of(categories: &[Category]) -> CategorySet {
        let mut bits = 0;
        let mut at = 0;
        while at < categories.len() {
            bits |= 1 << categories[at] as u8;
            at += 1;
        }
        CategorySet(bits)
    }

    /// From stored bits; bits that are no category are dropped.
    pub const fn from_bits(bits: u64) -> CategorySet {
        CategorySet(bits & CategorySet::ALL.0)
    }

    /// The bits, category id = bit number.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// True when nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// True when `category` is in it.
    pub const fn contains(self, category: Category) -> bool {
        self.0 & (1 << category as u8) != 0
    }

    /// True when the two share a category.
    pub const fn intersects(self, other: CategorySet) -> bool {
        self.0 & other.0 != 0
    }

    /// What is in both.
    pub const fn and(self, other: CategorySet) -> CategorySet {
        CategorySet(self.0 & other.0)
    }

    /// What is in `self` and not in `other`.
    pub const fn without(self, other: CategorySet) -> CategorySet {
        CategorySet(self.0 & !other.0)
    }

    /// The set with `category` added.
    pub const fn with(self, category: Category) -> CategorySet {
        CategorySet(self.0 | 1 << category as u8)
    }

    /// How many.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The one with the lowest id.
    pub fn first(self) -> Option<Category> {
        Category::from_id(u8::try_from(self.0.trailing_zeros()).ok()?)
    }

    /// By id.
    pub fn iter(self) -> impl Iterator<Item = Category> {
        Category::ALL.into_iter().filter(move |category| self.contains(*category))
    }
}

impl BitOr for CategorySet {
    type Output = CategorySet;

    fn bitor(self, other: CategorySet) -> CategorySet {
        CategorySet(self.0 | other.0)
    }
}

impl BitOrAssign for CategorySet {
    fn bitor_assign(&mut self, other: CategorySet) {
        self.0 |= other.0;
    }
}

impl FromIterator<Category> for CategorySet {
    fn from_iter<T: IntoIterator<Item = Category>>(categories: T) -> CategorySet {
        categories.into_iter().fold(CategorySet::EMPTY, CategorySet::with)
    }
}

impl fmt::Display for CategorySet {
    /// Codes with commas between; `unknown` when empty.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return out.write_str(Category::Unknown.code());
        }
        for (position, category) in self.iter().enumerate() {
            if position > 0 {
                out.write_str(",")?;
            }
            out.write_str(category.code())?;
        }
        Ok(())
    }
}
