//! Hours across midnight and through calendars, and against an oracle that walks every run of a schedule minute by minute.
#![allow(clippy::single_range_in_vec_init, reason = "a day can have one bar")]

use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{date, time};
use proptest::prelude::*;

use super::*;
use crate::policy::calendar::{Calendar, Days};
use crate::policy::schedule::DaySet;

fn hours(days: impl Into<StartDays>, from: Time, to: Time) -> Hours {
    Hours { days: days.into(), from, to }
}

fn bedtime(days: impl Into<StartDays>) -> Hours {
    hours(days, time(21, 0, 0, 0), time(6, 30, 0, 0))
}

fn calendar(days: Days) -> Arc<Calendar> {
    Arc::new(Calendar { name: "tet".into(), days: vec![days] })
}

#[test]
fn holds_across_midnight_from_the_day_it_is_named_for() {
    let sunday_night = bedtime(DaySet(1 << 6));
    assert!(sunday_night.hold_at(date(2026, 11, 22).at(21, 0, 0, 0)));
    assert!(sunday_night.hold_at(date(2026, 11, 23).at(6, 29, 59, 0)), "Monday morning belongs to Sunday night");
    assert!(!sunday_night.hold_at(date(2026, 11, 23).at(6, 30, 0, 0)));
    assert!(!sunday_night.hold_at(date(2026, 11, 23).at(21, 30, 0, 0)));
    assert!(!sunday_night.hold_at(date(2026, 11, 22).at(3, 0, 0, 0)));
}

#[test]
fn equal_ends_are_a_whole_day() {
    let hours = hours(DaySet(1), time(8, 0, 0, 0), time(8, 0, 0, 0));
    assert!(hours.hold_at(date(2026, 11, 23).at(8, 0, 0, 0)) && hours.hold_at(date(2026, 11, 24).at(7, 59, 0, 0)));
    assert!(!hours.hold_at(date(2026, 11, 24).at(8, 0, 0, 0)));
}

#[test]
fn edges_are_never_zero_seconds_away() {
    let hours = bedtime(DaySet(127));
    assert_eq!(hours.secs_to_edge(date(2026, 11, 23).at(20, 59, 50, 0)), 10);
    assert_eq!(hours.secs_to_edge(date(2026, 11, 23).at(21, 0, 0, 0)), 9 * 3600 + 1800);
}

#[test]
fn a_calendar_counts_on_the_day_the_night_begins() {
    let tet = calendar(Days::Once(date(2027, 2, 5), date(2027, 2, 12)));
    let usual = bedtime(StartDays { except: vec![Arc::clone(&tet)], ..DaySet(127).into() });
    let late = hours(StartDays { only: vec![tet], ..DaySet(127).into() }, time(23, 0, 0, 0), time(8, 0, 0, 0));
    assert!(usual.hold_at(date(2027, 2, 5).at(6, 0, 0, 0)), "the night before began as usual");
    assert!(!usual.hold_at(date(2027, 2, 5).at(22, 0, 0, 0)) && !late.hold_at(date(2027, 2, 5).at(22, 0, 0, 0)));
    assert!(late.hold_at(date(2027, 2, 13).at(7, 0, 0, 0)), "the last night ends after the holiday");
    assert!(!usual.hold_at(date(2027, 2, 13).at(6, 0, 0, 0)));
    assert!(usual.hold_at(date(2027, 2, 13).at(21, 0, 0, 0)));
}

#[test]
fn the_end_is_told_across_runs_that_touch() {
    let night = bedtime(DaySet(127));
    assert_eq!(night.end_at(date(2026, 11, 23).at(22, 0, 0, 0)), Some(date(2026, 11, 24).at(6, 30, 0, 0)));
    assert_eq!(night.end_at(date(2026, 11, 24).at(6, 0, 0, 0)), Some(date(2026, 11, 24).at(6, 30, 0, 0)));
    assert_eq!(night.end_at(date(2026, 11, 24).at(12, 0, 0, 0)), None);
    let weekend = hours(DaySet(0b110_0000), time(0, 0, 0, 0), time(0, 0, 0, 0));
    assert_eq!(weekend.end_at(date(2026, 11, 28).at(1, 0, 0, 0)), Some(date(2026, 11, 30).at(0, 0, 0, 0)));
    let always = hours(DaySet(127), time(8, 0, 0, 0), time(8, 0, 0, 0));
    assert_eq!(always.end_at(date(2026, 11, 28).at(1, 0, 0, 0)), None);
}

#[test]
fn bars_of_a_day() {
    let sunday_night = bedtime(DaySet(1 << 6));
    assert_eq!(sunday_night.intervals_on(date(2026, 11, 22)), vec![1260..1440]);
    assert_eq!(sunday_night.intervals_on(date(2026, 11, 23)), vec![0..390]);
    assert_eq!(bedtime(DaySet(127)).intervals_on(date(2026, 11, 23)), vec![0..390, 1260..1440]);
    let whole = hours(DaySet(127), time(8, 0, 0, 0), time(8, 0, 0, 0));
    assert_eq!(whole.intervals_on(date(2026, 11, 23)), vec![0..1440]);
}

/// Every run is walked from its start to its end, on a line of minutes.
fn oracle(hours: &Hours, at: DateTime) -> bool {
    (-2..=1).any(|offset: i32| {
        let day = at.date().checked_add(offset.days()).unwrap();
        let weekday = hours.days.weekdays.contains(day.weekday().to_monday_zero_offset() as u8);
        let within = |calendar: &Arc<Calendar>| {
            calendar.days.iter().any(|days| match *days {
                Days::Once(first, last) => first <= day && day <= last,
                // Every year's own days, from two years before.
                Days::Yearly((m1, d1), (m2, d2)) => (day.year() - 2..=day.year() + 1).any(|year| {
                    let first = date(year, m1, d1);
                    let last = date(if (m2, d2) < (m1, d1) { year + 1 } else { year }, m2, d2);
                    first <= day && day <= last
                }),
            })
        };
        let only = &hours.days.only;
        let starts = weekday && (only.is_empty() || only.iter().any(within)) && !hours.days.except.iter().any(within);
        let begin = day.to_datetime(hours.from);
        let mut end = day.to_datetime(hours.to);
        if end <= begin {
            end = end.checked_add(1.day()).unwrap();
        }
        starts && begin <= at && at < end
    })
}

fn some_day() -> impl Strategy<Value = Date> {
    (2026i16..2029, 1i8..=12, 1i8..=28).prop_map(|(year, month, day)| date(year, month, day))
}

fn some_days() -> impl Strategy<Value = Days> {
    let once =
        (some_day(), 0i32..40).prop_map(|(first, more)| Days::Once(first, first.checked_add(more.days()).unwrap()));
    let day = || (1i8..=12, 1i8..=28);
    prop_oneof![once, (day(), day()).prop_map(|(first, last)| Days::Yearly(first, last))]
}

fn some_calendars() -> impl Strategy<Value = Vec<Arc<Calendar>>> {
    let one =
        proptest::collection::vec(some_days(), 1..4).prop_map(|days| Arc::new(Calendar { name: "x".into(), days }));
    proptest::collection::vec(one, 0..3)
}

fn some_time() -> impl Strategy<Value = Time> {
    prop_oneof![Just((0, 0)), (0i8..24, 0i8..60)].prop_map(|(hour, minute)| time(hour, minute, 0, 0))
}

fn some_hours() -> impl Strategy<Value = Hours> {
    let same = some_time().prop_map(|time| (time, time));
    (0u8..128, some_calendars(), some_calendars(), prop_oneof![4 => (some_time(), some_time()), 1 => same]).prop_map(
        |(weekdays, only, except, (from, to))| hours(StartDays { weekdays: DaySet(weekdays), only, except }, from, to),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn hours_agree_with_the_oracle(hours in some_hours(), day in some_day(), minutes in proptest::collection::vec(0u16..1440, 8)) {
        let bars = hours.intervals_on(day);
        prop_assert!(bars.len() <= 2 && bars.iter().all(|bar| bar.start < bar.end && bar.end <= DAY_MINUTES));
        prop_assert!(bars.windows(2).all(|pair| pair[0].end < pair[1].start));
        for minute in minutes {
            let at = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
            let expected = oracle(&hours, at);
            prop_assert_eq!(hours.hold_at(at), expected);
            prop_assert_eq!(bars.iter().any(|bar| bar.contains(&minute)), expected);
        }
    }

    #[test]
    fn ends_agree_with_the_oracle(hours in some_hours(), day in some_day(), minute in 0u16..1440) {
        let at = day.at((minute / 60) as i8, (minute % 60) as i8, 0, 0);
        match hours.end_at(at) {
            Some(end) => {
                prop_assert!(oracle(&hours, at) && end > at && !oracle(&hours, end));
                prop_assert!(oracle(&hours, end.checked_sub(1.minute()).unwrap()));
            }
            None if oracle(&hours, at) => prop_assert!(oracle(&hours, at.checked_add(364.days()).unwrap())),
            None => {}
        }
        // Until the edge nothing changes.
        let edge = at.checked_add(i64::from(hours.secs_to_edge(at)).seconds()).unwrap();
        prop_assert_eq!(oracle(&hours, at), oracle(&hours, edge.checked_sub(1.second()).unwrap()));
    }
}
