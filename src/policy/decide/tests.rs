//! The order of decision, case by case, and the masks against a slow oracle that walks rules one at a time.

use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;
use crate::classify::ServiceSet;
use crate::policy::criteria::{self, Criteria};
use crate::policy::{Age, DaySet, ProfileInput, ScheduleInput, Selector};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn of(categories: &[Category]) -> Classes {
    Classes { categories: CategorySet::of(categories), ..Classes::UNKNOWN }
}

fn noon() -> Moment {
    Moment { unix_secs: 0, local: date(2026, 11, 23).at(12, 0, 0, 0) }
}

fn compile(input: &ProfileInput) -> Profile {
    Profile::compile(input, &criteria::plain(), ServiceSet::EMPTY, 2026)
}

fn plain(band: Band) -> ProfileInput {
    ProfileInput::new("mai", Age::Band(band))
}

fn decided(input: &ProfileInput, asked: &str, classes: &Classes) -> (Action, Step) {
    let verdict = decide(&compile(input), Some(&name(asked)), classes, &noon());
    (verdict.action, verdict.reason.step)
}

#[test]
fn sealed_comes_before_the_guardian() {
    let mut input = plain(Band::Age10to12);
    input.allow_names = vec![name("bad.example")];
    assert_eq!(decided(&input, "bad.example", &of(&[Category::Csam])), (Action::Help, Step::Sealed));
    assert_eq!(decided(&input, "bad.example", &of(&[Category::Stalkerware])), (Action::Block, Step::Security));
    assert_eq!(decided(&input, "x.bad.example", &of(&[Category::PhishingScam])), (Action::Allow, Step::OwnAllow));
}

#[test]
fn allow_comes_before_block_and_block_before_criteria() {
    let mut input = plain(Band::Age13to15);
    input.block_names = vec![name("games.example")];
    assert_eq!(decided(&input, "games.example", &of(&[Category::Gaming])), (Action::Block, Step::OwnBlock));
    input.allow_names = vec![name("games.example")];
    assert_eq!(decided(&input, "games.example", &of(&[Category::Gaming])), (Action::Allow, Step::OwnAllow));
}

#[test]
fn allowing_one_category_does_not_allow_another() {
    let mut input = plain(Band::Age10to12);
    input.allow = vec![Selector::Category(Category::SocialNetwork)];
    assert_eq!(decided(&input, "a.example", &of(&[Category::SocialNetwork])).0, Action::Allow);
    let both = of(&[Category::SocialNetwork, Category::Gambling]);
    assert_eq!(decided(&input, "a.example", &both), (Action::Block, Step::Criterion));
}

#[test]
fn health_can_be_kept_from_small_children_only() {
    for (band, expected) in [(Band::Age6to9, Action::Block), (Band::Age10to12, Action::Allow)] {
        let mut input = plain(band);
        input.block_names = vec![name("health.example")];
        input.block = vec![Selector::Category(Category::HealthSexed)];
        assert_eq!(decided(&input, "health.example", &of(&[Category::HealthSexed])).0, expected, "{band}");
    }
}

#[test]
fn schedules_hold_with_their_exceptions() {
    let mut input = plain(Band::Age10to12);
    input.schedules = vec![ScheduleInput {
        name: "lunch".into(),
        days: DaySet(127),
        from: time(11, 30, 0, 0),
        to: time(13, 0, 0, 0),
        block: vec![Selector::Everything],
        allow: vec![Selector::Category(Category::EducationKids)],
    }];
    assert_eq!(decided(&input, "a.example", &Classes::UNKNOWN), (Action::Block, Step::Schedule));
    assert_eq!(decided(&input, "a.example", &of(&[Category::EducationKids])), (Action::Allow, Step::Schedule));
    let two = of(&[Category::EducationKids, Category::Gambling]);
    assert_eq!(decided(&input, "a.example", &two), (Action::Block, Step::Schedule));
    let later = Moment { local: date(2026, 11, 23).at(13, 0, 0, 0), ..noon() };
    let verdict = decide(&compile(&input), Some(&name("a.example")), &Classes::UNKNOWN, &later);
    assert_eq!(verdict.action, Action::Allow);
}

#[test]
fn minimum_age_allows_blocks_or_asks() {
    let entry = |min_age| Classes { min_age, ..of(&[Category::Gaming]) };
    let expect = [(Band::Age10to12, Action::Block), (Band::Age13to15, Action::Ask), (Band::Age16to17, Action::Allow)];
    for (band, action) in expect {
        assert_eq!(decided(&plain(band), "game.example", &entry(14)).0, action, "{band}");
    }
    assert_eq!(decided(&plain(Band::Age0to5), "game.example", &entry(0)), (Action::Ask, Step::Criterion));
}

#[test]
fn the_youngest_live_in_an_allow_list() {
    let mut input = plain(Band::Age0to5);
    assert_eq!(decided(&input, "a.example", &Classes::UNKNOWN), (Action::Ask, Step::Criterion));
    assert_eq!(decided(&input, "a.example", &of(&[Category::HealthSexed])), (Action::Ask, Step::AllowListOnly));
    assert_eq!(decided(&input, "a.example", &of(&[Category::EducationKids])).0, Action::Allow);
    input.name = "devices".into();
    let services: ServiceSet = [ServiceId(3)].into_iter().collect();
    let profile = Profile::compile(&input, &criteria::plain(), services, 2026);
    let clock = Classes { services, ..Classes::UNKNOWN };
    assert_eq!(decide(&profile, Some(&name("ntp.example")), &clock, &noon()).action, Action::Allow);
}

#[test]
fn parts_of_an_answer_refuse_only_when_listed() {
    let profile = compile(&plain(Band::Age0to5));
    let part = |classes: &Classes, chosen| decide_part(&profile, Some(&name("cdn.example")), classes, &noon(), chosen);
    assert_eq!(part(&Classes::UNKNOWN, false).action, Action::Allow);
    assert_eq!(part(&of(&[Category::AdsTracker]), false).action, Action::Block);
    assert_eq!(part(&of(&[Category::AdsTracker]), true).action, Action::Allow);
    assert_eq!(part(&of(&[Category::Malware]), true).action, Action::Block);
}

#[test]
fn extended_errors_tell_the_truth() {
    let profile = compile(&plain(Band::Age10to12));
    let ede = |category| decide(&profile, None, &of(&[category]), &noon()).ede();
    assert_eq!(ede(Category::Malware), 15);
    assert_eq!(ede(Category::PhishingScam), 15);
    assert_eq!(ede(Category::LegalOrder), 16);
    assert_eq!(ede(Category::Gambling), 17);
}

/// The same order, a rule at a time, over plain lists.
fn oracle(input: &ProfileInput, band: Band, categories: &[Category], min_age: u8, criteria: &Criteria) -> Action {
    let has = |category: Category| categories.contains(&category);
    if has(Category::Csam) {
        return if band == Band::Adult { Action::Block } else { Action::Help };
    }
    if has(Category::Malware) || has(Category::Stalkerware) {
        return Action::Block;
    }
    let own = |rules: &[Selector]| -> Vec<Category> {
        let of = |rule: &Selector| if let Selector::Category(category) = rule { Some(*category) } else { None };
        rules.iter().filter_map(of).collect()
    };
    let (allow, block) = (own(&input.allow), own(&input.block));
    let effective = if categories.is_empty() { &[Category::Unknown][..] } else { categories };
    let action = |category: Category| criteria.action(band, category).0;
    let any_allowed = effective.iter().any(|category| allow.contains(category));
    let left_over = effective
        .iter()
        .any(|category| (action(*category) != Action::Allow || block.contains(category)) && !allow.contains(category));
    if any_allowed && !left_over {
        return Action::Allow;
    }
    let young = band <= Band::Age6to9;
    let blocks = |category: &Category| match category {
        Category::Help => false,
        Category::HealthSexed => young,
        _ => true,
    };
    if effective.iter().any(|category| block.contains(category) && blocks(category)) {
        return Action::Block;
    }
    let mut strictest = Action::Allow;
    for category in effective {
        let one = action(*category);
        if one.strictness() > strictest.strictness() || one == Action::Help {
            strictest = one;
        }
    }
    let ages = band.ages();
    let by_age = match min_age {
        age if *ages.start() >= age => Action::Allow,
        age if *ages.end() < age => Action::Block,
        _ => Action::Ask,
    };
    if by_age.strictness() > strictest.strictness() {
        strictest = by_age;
    }
    let good = has(Category::EducationKids) || has(Category::Help);
    if band == Band::Age0to5 && !good && strictest.strictness() < 2 {
        strictest = Action::Ask;
    }
    strictest
}

fn categories(max: usize) -> impl Strategy<Value = Vec<Category>> {
    proptest::collection::vec((0u8..48).prop_map(|id| Category::from_id(id).unwrap()), 0..max)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn masks_agree_with_the_oracle(
        band in 0usize..6, listed in categories(4), allow in categories(6), block in categories(6),
        min_age in prop_oneof![Just(0u8), 0u8..20],
    ) {
        let band = Band::ALL[band];
        let mut input = plain(band);
        input.allow = allow.into_iter().map(Selector::Category).collect();
        input.block = block.into_iter().map(Selector::Category).collect();
        let classes = Classes { min_age, ..of(&listed) };
        let verdict = decide(&compile(&input), Some(&name("www.site.example")), &classes, &noon());
        prop_assert_eq!(verdict.action, oracle(&input, band, &listed, min_age, &criteria::plain()));
    }
}
