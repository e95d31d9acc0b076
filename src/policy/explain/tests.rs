//! What holds for a while is told with its end, in words that fit where they go.

use std::time::Duration;

use jiff::civil::{date, time};

use super::*;
use crate::classify::{CategorySet, Classes, ServiceSet};
use crate::name::Name;
use crate::policy::{
    Age, BudgetInput, DaySet, Grant, Granted, ProfileInput, ScheduleInput, Selector, Temporary, criteria, decide,
};

const NOW: i64 = 1_000_000;

fn profile(band: Band, temporary: Temporary) -> Profile {
    let mut input = ProfileInput::new("mai", Age::Band(band));
    input.schedules = vec![ScheduleInput {
        name: "bedtime".into(),
        days: DaySet(127).into(),
        from: time(21, 0, 0, 0),
        to: time(6, 30, 0, 0),
        block: vec![Selector::Everything],
        allow: Vec::new(),
    }];
    let of = vec![Selector::Category(Category::Gaming)];
    let days = DaySet(127).into();
    input.budgets = vec![BudgetInput { name: "games".into(), of, limit: Duration::from_secs(3600), days }];
    Profile { temporary, ..Profile::compile(&input, &criteria::plain(), ServiceSet::EMPTY, 2026) }
}

/// The verdict on a site of games at that hour, with its chain.
fn told(band: Band, hour: i8, temporary: Temporary) -> (Verdict, Chain, Profile) {
    let profile = profile(band, temporary);
    let moment = Moment { unix_secs: NOW, local: date(2026, 11, 23).at(hour, 0, 0, 0) };
    let classes = Classes { categories: CategorySet::of(&[Category::Gaming]), ..Classes::UNKNOWN };
    let verdict = decide(&profile, Some(&Name::parse("games.example").unwrap()), &classes, &moment);
    let chain = Chain::of(&verdict, &profile, &criteria::plain(), &moment);
    (verdict, chain, profile)
}

fn paused() -> Temporary {
    Temporary { paused_until: Some(NOW + 600), ..Temporary::default() }
}

fn spent() -> Temporary {
    Temporary { spent: 1, ..Temporary::default() }
}

#[test]
fn the_chain_knows_the_end_and_who_can_change_it() {
    let (_, pause, _) = told(Band::Age10to12, 12, paused());
    assert_eq!(
        (pause.step, pause.until, pause.who_can_change),
        (Step::Pause, Some(Until::Unix(NOW + 600)), "guardian")
    );
    let (_, own, _) = told(Band::Adult, 12, paused());
    assert_eq!((own.step, own.who_can_change), (Step::Pause, "self"));
    let games = Granted::Selector(Selector::Category(Category::Gaming));
    let ended = Grant { what: games.clone(), until: NOW };
    let grants = vec![ended, Grant { what: games.clone(), until: NOW + 900 }, Grant { what: games, until: NOW + 60 }];
    let (_, grant, _) = told(Band::Age10to12, 22, Temporary { grants, ..Temporary::default() });
    assert_eq!((grant.step, grant.until), (Step::Grant, Some(Until::Unix(NOW + 900))), "the one that holds longest");
    let (_, night, _) = told(Band::Age10to12, 22, spent());
    let morning = Until::Local(date(2026, 11, 24).at(6, 30, 0, 0));
    assert_eq!((night.schedule.as_deref(), night.until, night.budget), (Some("bedtime"), Some(morning), None));
    let (_, day, _) = told(Band::Age10to12, 12, spent());
    let midnight = Until::Local(date(2026, 11, 24).at(0, 0, 0, 0));
    assert_eq!((day.budget.as_deref(), day.until, day.who_can_change), (Some("games"), Some(midnight), "guardian"));
    let (_, plain, _) = told(Band::Age10to12, 12, Temporary::default());
    assert_eq!((plain.until, plain.budget), (None, None));
}

#[test]
fn refusals_for_now_say_not_now() {
    for (temporary, hour, vietnamese) in [
        (paused(), 12, "Mạng đang tạm nghỉ một lúc. Cần giúp đỡ: gọi 111."),
        (spent(), 12, "Hôm nay đã dùng hết giờ, mai lại có. Cần giúp đỡ: gọi 111."),
        (spent(), 22, "Chưa đến giờ dùng. Cần giúp đỡ: gọi 111."),
    ] {
        let (verdict, _, profile) = told(Band::Age6to9, hour, temporary);
        let mut text = String::new();
        refusal_text(&verdict, &profile, &mut text);
        assert!(text.starts_with("not now: ") && text.is_ascii() && text.len() <= 100, "{text}");
        assert_eq!(justification(&verdict, &criteria::plain(), true), vietnamese);
        assert!(justification(&verdict, &criteria::plain(), false).ends_with(". For help call 111."));
    }
}
