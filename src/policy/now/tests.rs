//! What changes by itself is counted, and nothing is offline longer than it should be.
#![allow(clippy::single_range_in_vec_init, reason = "a day can have one bar")]

use std::time::Duration;

use jiff::civil::{date, time};

use super::*;
use crate::classify::{Category, ServiceSet};
use crate::policy::{
    Age, Band, BudgetInput, DaySet, Grant, Granted, ProfileInput, ScheduleInput, Selector, Temporary, criteria,
};

const NOON: i64 = 1_000_000;

/// Monday noon and so many seconds.
fn at(secs: i64) -> Moment {
    let local = date(2026, 11, 23).at(12, 0, 0, 0).checked_add(secs.seconds()).unwrap();
    Moment { unix_secs: NOON + secs, local }
}

fn budget(name: &str, of: Selector, days: u8) -> BudgetInput {
    BudgetInput { name: name.into(), of: vec![of], limit: Duration::from_secs(3600), days: DaySet(days).into() }
}

fn with(schedules: Vec<ScheduleInput>, budgets: Vec<BudgetInput>, temporary: Temporary) -> Profile {
    let input = ProfileInput { schedules, budgets, ..ProfileInput::new("mai", Age::Band(Band::Age10to12)) };
    let profile = Profile::compile(&input, &criteria::plain(), ServiceSet::EMPTY, 2026);
    Profile { temporary, ..profile }
}

fn bedtime() -> ScheduleInput {
    ScheduleInput {
        name: "bedtime".into(),
        days: DaySet(127).into(),
        from: time(21, 0, 0, 0),
        to: time(6, 30, 0, 0),
        block: vec![Selector::Everything],
        allow: Vec::new(),
    }
}

fn grant(what: Granted, secs: i64) -> Temporary {
    Temporary { grants: vec![Grant { what, until: NOON + secs }], ..Temporary::default() }
}

#[test]
fn nothing_changes_where_nothing_holds() {
    let profile = with(Vec::new(), Vec::new(), Temporary::default());
    assert_eq!(profile.secs_to_change(&at(0)), None);
    assert_eq!(profile.ttl_max(0, &at(0)), None);
    assert_eq!(profile.ttl_max(1, &at(0)), Some(60));
}

#[test]
fn grants_and_pauses_are_counted_until_they_end() {
    let granted = with(vec![bedtime()], Vec::new(), grant(Granted::Time, 900));
    assert_eq!(granted.secs_to_change(&at(0)), Some(900));
    assert_eq!(granted.secs_to_change(&at(899)), Some(1));
    assert_eq!(granted.secs_to_change(&at(900)), Some(9 * 3600 - 900), "only bedtime is left");
    let paused = with(Vec::new(), Vec::new(), Temporary { paused_until: Some(NOON + 30), ..Temporary::default() });
    assert_eq!(paused.secs_to_change(&at(0)), Some(30));
    assert_eq!(paused.secs_to_change(&at(30)), None);
    let long = with(Vec::new(), Vec::new(), Temporary { paused_until: Some(i64::MAX), ..Temporary::default() });
    assert_eq!(long.secs_to_change(&at(0)), Some(u32::MAX));
}

#[test]
fn what_is_used_up_comes_back_at_midnight() {
    let spent = Temporary { spent: 1, ..Temporary::default() };
    let profile = with(Vec::new(), vec![budget("games", Selector::Category(Category::Gaming), 127)], spent);
    assert_eq!(profile.secs_to_change(&at(0)), Some(12 * 3600));
    assert_eq!(profile.secs_to_change(&at(12 * 3600 - 1)), Some(1));
}

#[test]
fn offline_is_a_pause_a_schedule_or_a_budget_of_everything() {
    let offline = |profile: &Profile, secs: i64| profile.is_offline(&at(secs));
    let paused = with(Vec::new(), Vec::new(), Temporary { paused_until: Some(NOON + 30), ..Temporary::default() });
    assert!(offline(&paused, 29) && !offline(&paused, 30));
    let sleepy = with(vec![bedtime()], Vec::new(), grant(Granted::Time, 10 * 3600));
    assert!(!offline(&sleepy, 9 * 3600 + 1), "more time was given");
    assert!(offline(&sleepy, 10 * 3600));
    let spent =
        |of, days| with(Vec::new(), vec![budget("day", of, days)], Temporary { spent: 1, ..Temporary::default() });
    assert!(offline(&spent(Selector::Everything, 127), 0));
    assert!(!offline(&spent(Selector::Category(Category::Gaming), 127), 0));
    assert!(!offline(&spent(Selector::Everything, 0b10), 0), "it is no budget of Mondays");
    let mut both = spent(Selector::Everything, 127);
    both.temporary.grants = grant(Granted::Time, 60).grants;
    assert!(!offline(&both, 59) && offline(&both, 60));
    both.temporary.paused_until = Some(NOON + 60);
    assert!(offline(&both, 59), "more time lifts no pause");
}

#[test]
fn pages_see_what_holds_and_a_weeks_bars() {
    let profile = with(vec![bedtime()], Vec::new(), Temporary::default());
    assert_eq!(profile.schedules_at(&at(0)).count(), 0);
    let now: Vec<_> = profile.schedules_at(&at(10 * 3600)).collect();
    let until = Some(date(2026, 11, 24).at(6, 30, 0, 0));
    let expected = ScheduleNow { position: 0, name: "bedtime".into(), until, blocks_everything: true };
    assert_eq!(now, [expected]);
    let week = profile.week_of(0, date(2026, 11, 23));
    assert!(week.iter().all(|day| *day == vec![0..390, 1260..1440]), "{week:?}");
    assert!(profile.week_of(1, date(2026, 11, 23)).iter().all(Vec::is_empty));
    assert!(profile.week_of(0, Date::MAX)[1].is_empty());
}
