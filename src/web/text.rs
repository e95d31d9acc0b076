//! Every text that people read, in Vietnamese and English, from the Fluent files beside it. A key that is missing is a failed
//! test; at run time its own name stands in, and nothing panics.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::classify::Category;
use crate::family::{Deed, Role, Scope};
use crate::policy::{Action, Band, Step};
use crate::report::preview::Kind;
use crate::web::pages::Section;
use crate::web::reports;

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// Where nothing else is said.
    #[default]
    Vietnamese,
    /// English.
    English,
}

/// Families of texts whose key ends with a code of the program: `category-porn`, `band-0-5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// [`Category::code`].
    Category,
    /// In a sentence for the child: why the group is looked at. [`Category::code`].
    Why,
    /// [`Band::code`], without its plus sign.
    Band,
    /// Days after Monday.
    Weekday,
    /// The same, as short as a calendar needs it.
    WeekdayShort,
    /// [`Action::code`].
    Action,
    /// [`Step::code`].
    Step,
    /// Who could change a verdict, as [`crate::policy::explain::who_can_change`] says.
    Change,
    /// [`Section::code`].
    Section,
    /// What was done, [`Deed::code`].
    Deed,
    /// [`Role::code`].
    Role,
    /// [`Scope::code`].
    Scope,
    /// What is told about the household, [`reports::mode_code`].
    ReportMode,
    /// A kind of message, [`Kind::code`].
    ReportKind,
    /// Groups and reasons in place of a category, as activity of 13 to 15 is counted.
    Group,
}

/// How a page speaks to its reader. Vietnamese has a word for "you" by age: `con`, `em`, `bạn`; English grows plainer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Up to nine.
    Con,
    /// Ten to twelve.
    Em,
    /// Older, and whoever is not known.
    Ban,
}

/// A value that stands in a text.
pub trait Arg {
    /// As Fluent takes it; numbers decide about plurals.
    fn value(&self) -> FluentValue<'_>;
}

/// The texts themselves.
pub struct Texts;

static VIETNAMESE: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::Vietnamese));
static ENGLISH: LazyLock<FluentBundle<FluentResource>> = LazyLock::new(|| bundle(Language::English));

impl Texts {
    /// The text of `key` in `language` with `args` put in; the key itself where there is no such text.
    pub fn get(language: Language, key: &str, args: &[(&str, &dyn Arg)]) -> Cow<'static, str> {
        let bundle = language.bundle();
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            return Cow::Owned(key.to_string());
        };
        let mut given = FluentArgs::with_capacity(args.len());
        for (name, value) in args {
            given.set(*name, value.value());
        }
        // What Fluent cannot put in it leaves visible as {$name}; the tests compare the variables of all texts.
        bundle.format_pattern(pattern, Some(&given), &mut Vec::new())
    }
}

impl Language {
    /// All, the first one being the house's own.
    pub const ALL: [Language; 2] = [Language::Vietnamese, Language::English];

    /// BCP 47, as `lang` and the cookie have it.
    pub const fn code(self) -> &'static str {
        match self {
            Language::Vietnamese => "vi",
            Language::English => "en",
        }
    }

    /// The language with that code.
    pub fn from_code(code: &str) -> Option<Language> {
        Language::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The other one, for the switch.
    pub const fn other(self) -> Language {
        match self {
            Language::Vietnamese => Language::English,
            Language::English => Language::Vietnamese,
        }
    }

    /// Its name in itself, for the switch.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::Vietnamese => "Tiếng Việt",
            Language::English => "English",
        }
    }

    /// What was chosen once (profile or cookie), else what the browser likes best of ours (`Accept-Language`, RFC 9110
    /// §12.5.4), else Vietnamese.
    pub fn choose(cookie: Option<&str>, header: Option<&str>) -> Language {
        cookie.and_then(Language::from_code).or_else(|| header.and_then(preferred)).unwrap_or_default()
    }

    /// The text of `key`.
    pub fn t(self, key: &str) -> Cow<'static, str> {
        Texts::get(self, key, &[])
    }

    /// The text of `key` with one value in it.
    pub fn t1(self, key: &str, name: &str, value: impl Arg) -> Cow<'static, str> {
        Texts::get(self, key, &[(name, &value)])
    }

    /// The text of `key` with two values in it.
    pub fn t2(self, key: &str, name: &str, value: impl Arg, other: &str, second: impl Arg) -> Cow<'static, str> {
        Texts::get(self, key, &[(name, &value), (other, &second)])
    }

    /// The text of a family for one of its codes.
    pub fn of(self, family: Family, code: &str) -> Cow<'static, str> {
        self.t(&family.key(code))
    }

    /// A category's name.
    pub fn category(self, category: &Category) -> Cow<'static, str> {
        self.of(Family::Category, category.code())
    }

    /// Why a category is looked at, in a sentence.
    pub fn why(self, category: &Category) -> Cow<'static, str> {
        self.of(Family::Why, category.code())
    }

    /// A band's name.
    pub fn band(self, band: &Band) -> Cow<'static, str> {
        self.of(Family::Band, band.code())
    }

    /// An action's name.
    pub fn action(self, action: &Action) -> Cow<'static, str> {
        self.of(Family::Action, action.code())
    }

    /// Why a step decided, in a sentence.
    pub fn step(self, step: &Step) -> Cow<'static, str> {
        self.of(Family::Step, step.code())
    }

    /// Who could change it, in a sentence.
    pub fn change(self, who: &str) -> Cow<'static, str> {
        self.of(Family::Change, who)
    }

    fn bundle(self) -> &'static FluentBundle<FluentResource> {
        match self {
            Language::Vietnamese => &VIETNAMESE,
            Language::English => &ENGLISH,
        }
    }

    const fn files(self) -> &'static [&'static str] {
        match self {
            Language::Vietnamese => &[
                include_str!("texts/vi/names.ftl"),
                include_str!("texts/vi/why.ftl"),
                include_str!("texts/vi/portal.ftl"),
                include_str!("texts/vi/reports.ftl"),
                include_str!("texts/vi/site.ftl"),
                include_str!("texts/vi/desk.ftl"),
                include_str!("texts/vi/dashboard.ftl"),
                include_str!("texts/vi/dashboard_rules.ftl"),
                include_str!("texts/vi/dashboard_box.ftl"),
                include_str!("texts/vi/dashboard_devices.ftl"),
                include_str!("texts/vi/dashboard_home.ftl"),
                include_str!("texts/vi/dashboard_requests.ftl"),
                include_str!("texts/vi/dashboard_set_up.ftl"),
            ],
            Language::English => &[
                include_str!("texts/en/names.ftl"),
                include_str!("texts/en/why.ftl"),
                include_str!("texts/en/portal.ftl"),
                include_str!("texts/en/reports.ftl"),
                include_str!("texts/en/site.ftl"),
                include_str!("texts/en/desk.ftl"),
                include_str!("texts/en/dashboard.ftl"),
                include_str!("texts/en/dashboard_rules.ftl"),
                include_str!("texts/en/dashboard_box.ftl"),
                include_str!("texts/en/dashboard_devices.ftl"),
                include_str!("texts/en/dashboard_home.ftl"),
                include_str!("texts/en/dashboard_requests.ftl"),
                include_str!("texts/en/dashboard_set_up.ftl"),
            ],
        }
    }
}

impl Tone {
    /// How to speak to that band.
    pub const fn of(band: Band) -> Tone {
        match band {
            Band::Age0to5 | Band::Age6to9 => Tone::Con,
            Band::Age10to12 => Tone::Em,
            Band::Age13to15 | Band::Age16to17 | Band::Adult => Tone::Ban,
        }
    }

    /// As the texts choose by it (`$tone`).
    pub const fn code(self) -> &'static str {
        match self {
            Tone::Con => "con",
            Tone::Em => "em",
            Tone::Ban => "ban",
        }
    }
}

impl Family {
    /// All families.
    pub const ALL: [Family; 15] = [
        Family::Category,
        Family::Why,
        Family::Band,
        Family::Weekday,
        Family::WeekdayShort,
        Family::Action,
        Family::Step,
        Family::Change,
        Family::Section,
        Family::Deed,
        Family::Role,
        Family::Scope,
        Family::ReportMode,
        Family::ReportKind,
        Family::Group,
    ];

    /// Every code the program may ask the family for.
    pub fn codes(self) -> Vec<&'static str> {
        match self {
            Family::Category | Family::Why => Category::ALL.map(Category::code).to_vec(),
            Family::Band => Band::ALL.map(Band::code).to_vec(),
            Family::Weekday | Family::WeekdayShort => vec!["0", "1", "2", "3", "4", "5", "6"],
            Family::Action => Action::ALL.map(Action::code).to_vec(),
            Family::Step => Step::ALL.map(Step::code).to_vec(),
            Family::Change => vec!["nobody", "authorities", "guardian", "guardian_by_name", "self"],
            Family::Section => Section::ALL.map(Section::code).to_vec(),
            Family::Deed => Deed::ALL.map(Deed::code).to_vec(),
            Family::Role => Role::ALL.map(Role::code).to_vec(),
            Family::Scope => Scope::ALL.map(Scope::code).to_vec(),
            Family::ReportMode => reports::MODES.to_vec(),
            Family::ReportKind => Kind::ALL.map(Kind::code).to_vec(),
            Family::Group => vec!["harm", "age", "data", "security", "policy", "law", "time", "rule", "other"],
        }
    }

    fn key(self, code: &str) -> String {
        let family = match self {
            Family::Category => "category",
            Family::Why => "why",
            Family::Band => "band",
            Family::Weekday => "weekday",
            Family::WeekdayShort => "weekday-short",
            Family::Action => "action",
            Family::Step => "step",
            Family::Change => "change",
            Family::Section => "nav",
            Family::Deed => "deed",
            Family::Role => "role",
            Family::Scope => "scope",
            Family::ReportMode => "report-mode",
            Family::ReportKind => "report-kind",
            Family::Group => "group",
        };
        format!("{family}-{}", code.trim_end_matches('+'))
    }
}

fn bundle(language: Language) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    for file in language.files() {
        // What can be read of a faulty file still serves; the tests refuse the fault.
        let resource = match FluentResource::try_new((*file).to_string()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        bundle.add_resource_overriding(resource);
    }
    bundle
}

/// The one of our languages with the highest weight; of equals the first named.
fn preferred(header: &str) -> Option<Language> {
    let mut best: Option<(Language, u16)> = None;
    // A browser sends fewer than ten; a hundred bound the work.
    for range in header.split(',').take(100) {
        let mut parts = range.split(';').map(str::trim);
        let tag = parts.next().unwrap_or_default();
        let primary = tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, thousandths);
        if let Some(language) = Language::from_code(&primary)
            && weight > best.map_or(0, |(_, weight)| weight)
        {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

fn thousandths(weight: &str) -> u16 {
    weight.parse::<f32>().map_or(0, |weight| (weight.clamp(0.0, 1.0) * 1000.0) as u16)
}

impl Arg for str {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self)
    }
}

impl Arg for String {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(self.as_str())
    }
}

impl Arg for Cow<'_, str> {
    fn value(&self) -> FluentValue<'_> {
        FluentValue::from(&**self)
    }
}

impl<T: Arg + ?Sized> Arg for &T {
    fn value(&self) -> FluentValue<'_> {
        (**self).value()
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Arg for $number {
            fn value(&self) -> FluentValue<'_> {
                FluentValue::from(*self)
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 usize i64);

#[cfg(test)]
mod tests;
