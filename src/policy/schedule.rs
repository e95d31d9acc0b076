//! When a profile's schedules hold. Times are the household's local wall clock: on the night the clock jumps, a schedule
//! holds exactly while the clock on the wall shows its hours, so an hour that comes twice counts twice and an hour that is
//! left out is left out.

use jiff::civil::{DateTime, Time};

use super::profile::Selector;

/// Now, as the caller's clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970, UTC.
    pub unix_secs: i64,
    /// The household's wall clock.
    pub local: DateTime,
}

/// Days of the week, bit 0 is Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DaySet(pub u8);

impl DaySet {
    /// True when the day `offset` days after Monday is in the set.
    pub const fn contains(self, offset: u8) -> bool {
        self.0 & (1 << offset) != 0
    }
}

/// A schedule as it was written.
#[derive(Debug, Clone)]
pub struct ScheduleInput {
    /// The guardian's name for it.
    pub name: String,
    /// Days on which it starts.
    pub days: DaySet,
    /// First moment.
    pub from: Time,
    /// First moment after; earlier than `from` means the next morning, equal means a whole day.
    pub to: Time,
    /// Refused while it holds.
    pub block: Vec<Selector>,
    /// Allowed while it holds, although the criteria refuse it.
    pub allow: Vec<Selector>,
}

/// The hours of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    days: DaySet,
    from: Time,
    to: Time,
}

impl Hours {
    /// The hours of `input`.
    pub fn of(input: &ScheduleInput) -> Hours {
        Hours { days: input.days, from: input.from, to: input.to }
    }

    /// True while the schedule holds. The day named is the day it starts.
    pub fn hold_at(self, local: DateTime) -> bool {
        let today = local.weekday().to_monday_zero_offset() as u8;
        let yesterday = (today + 6) % 7;
        let time = local.time();
        if self.from < self.to {
            return self.days.contains(today) && (self.from..self.to).contains(&time);
        }
        self.days.contains(today) && time >= self.from || self.days.contains(yesterday) && time < self.to
    }

    /// Seconds until one of its ends is next on the wall clock, 1 to 86,400.
    pub fn secs_to_edge(self, local: DateTime) -> u32 {
        let now = secs_of(local.time());
        let until = |edge: Time| match (secs_of(edge) + DAY_SECS - now) % DAY_SECS {
            0 => DAY_SECS,
            secs => secs,
        };
        until(self.from).min(until(self.to))
    }
}

const DAY_SECS: u32 = 86_400;

fn secs_of(time: Time) -> u32 {
    time.hour() as u32 * 3600 + time.minute() as u32 * 60 + time.second() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, time};

    fn bedtime(days: u8) -> Hours {
        Hours { days: DaySet(days), from: time(21, 0, 0, 0), to: time(6, 30, 0, 0) }
    }

    #[test]
    fn holds_across_midnight_from_the_day_it_is_named_for() {
        let sunday_night = bedtime(1 << 6);
        assert!(sunday_night.hold_at(date(2026, 11, 22).at(21, 0, 0, 0)));
        assert!(sunday_night.hold_at(date(2026, 11, 23).at(6, 29, 59, 0)), "Monday morning belongs to Sunday night");
        assert!(!sunday_night.hold_at(date(2026, 11, 23).at(6, 30, 0, 0)));
        assert!(!sunday_night.hold_at(date(2026, 11, 23).at(21, 30, 0, 0)));
        assert!(!sunday_night.hold_at(date(2026, 11, 22).at(3, 0, 0, 0)));
    }

    #[test]
    fn equal_ends_are_a_whole_day() {
        let hours = Hours { days: DaySet(1), from: time(8, 0, 0, 0), to: time(8, 0, 0, 0) };
        assert!(hours.hold_at(date(2026, 11, 23).at(8, 0, 0, 0)) && hours.hold_at(date(2026, 11, 24).at(7, 59, 0, 0)));
        assert!(!hours.hold_at(date(2026, 11, 24).at(8, 0, 0, 0)));
    }

    #[test]
    fn edges_are_never_zero_seconds_away() {
        let hours = bedtime(127);
        assert_eq!(hours.secs_to_edge(date(2026, 11, 23).at(20, 59, 50, 0)), 10);
        assert_eq!(hours.secs_to_edge(date(2026, 11, 23).at(21, 0, 0, 0)), 9 * 3600 + 1800);
    }
}
