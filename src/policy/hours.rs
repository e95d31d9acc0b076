//! The hours of a schedule: whether they hold, until when, and as bars of a day to be drawn. Times are the household's local
//! wall clock: on the night the clock jumps, a schedule holds exactly while the clock on the wall shows its hours, so an hour
//! that comes twice counts twice and an hour that is left out is left out.

use std::ops::Range;

use jiff::civil::{Date, DateTime, Time};

use super::calendar::StartDays;
use super::schedule::ScheduleInput;

/// When a schedule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    days: StartDays,
    from: Time,
    to: Time,
}

/// Minutes of a day, and of a bar's ends.
pub const DAY_MINUTES: u16 = 1440;
const DAY_SECS: u32 = 86_400;
/// A schedule that holds longer than a year without a gap has no end worth telling.
const RUNS_MAX: usize = 366;

impl Hours {
    /// The hours of `input`.
    pub fn of(input: &ScheduleInput) -> Hours {
        Hours { days: input.days.clone(), from: input.from, to: input.to }
    }

    /// True while the schedule holds. Days and calendars are those of the day it started.
    pub fn hold_at(&self, local: DateTime) -> bool {
        self.started(local).is_some()
    }

    /// When it ends, if it holds now; `None` as well when it holds for a year on end.
    pub fn end_at(&self, local: DateTime) -> Option<DateTime> {
        let mut end = self.end_of(self.started(local)?)?;
        for _ in 0..RUNS_MAX {
            let Some(next) = self.started(end) else { return Some(end) };
            end = self.end_of(next)?;
        }
        None
    }

    /// Seconds until one of its ends is next on the wall clock, 1 to 86,400. An end that no day or calendar lets happen
    /// counts too.
    pub fn secs_to_edge(&self, local: DateTime) -> u32 {
        secs_until(local, self.from).min(secs_until(local, self.to))
    }

    /// The minutes from midnight during which it holds on that day, in order, at most two of them, never touching.
    pub fn intervals_on(&self, date: Date) -> Vec<Range<u16>> {
        let (from, to) = (minute_of(self.from), minute_of(self.to));
        let crosses = self.crosses_midnight();
        let is_tail = crosses && to > 0 && date.yesterday().is_ok_and(|yesterday| self.days.contains(yesterday));
        let starts = self.days.contains(date);
        let (morning, evening) = (0..to, from..if crosses { DAY_MINUTES } else { to });
        if is_tail && starts && from == to {
            return Vec::from_iter(Some(morning.start..evening.end));
        }
        is_tail.then_some(morning).into_iter().chain(starts.then_some(evening)).collect()
    }

    /// The day on which what holds now started.
    fn started(&self, local: DateTime) -> Option<Date> {
        let (today, time) = (local.date(), local.time());
        let crosses = self.crosses_midnight();
        if time >= self.from && (crosses || time < self.to) && self.days.contains(today) {
            return Some(today);
        }
        let is_morning_after = crosses && time < self.to;
        let yesterday = if is_morning_after { today.yesterday().ok()? } else { return None };
        self.days.contains(yesterday).then_some(yesterday)
    }

    fn end_of(&self, started: Date) -> Option<DateTime> {
        let day = if self.crosses_midnight() { started.tomorrow().ok()? } else { started };
        Some(day.to_datetime(self.to))
    }

    /// Earlier than `from` means the next morning, equal means a whole day.
    fn crosses_midnight(&self) -> bool {
        self.to <= self.from
    }
}

/// Seconds until the wall clock shows `time` again, 1 to 86,400.
pub(super) fn secs_until(local: DateTime, time: Time) -> u32 {
    let secs_of = |time: Time| time.hour() as u32 * 3600 + time.minute() as u32 * 60 + time.second() as u32;
    match (secs_of(time) + DAY_SECS - secs_of(local.time())) % DAY_SECS {
        0 => DAY_SECS,
        secs => secs,
    }
}

fn minute_of(time: Time) -> u16 {
    time.hour() as u16 * 60 + time.minute() as u16
}

#[cfg(test)]
mod tests;
