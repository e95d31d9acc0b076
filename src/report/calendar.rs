//! Which days and weeks are counted, and what happens when after their end. A day has 86,400 seconds, but for tests in which
//! everything goes faster. Times are passed in; pure.

use crate::report::message::Lane;

/// Seconds of a day, unless a test says otherwise.
pub const DAY_SECS: u64 = 86_400;
/// Hours after the end of an epoch in which both operators are asked. They destroy their keys after [`DESTROY_HOURS`]; what is
/// left is for whoever was late.
pub const ASK_HOURS: u64 = 20;
/// Hours after the end of an epoch when its keys are destroyed, and from which on reports are sent: nobody can ask about what
/// arrives any more.
pub const DESTROY_HOURS: u64 = 24;
/// Hours after the end of an epoch until which reports are sent.
pub const SEND_HOURS: u64 = 48;
/// Hours after the end of an epoch when B hands over what came. By then what was due in the last minutes has arrived, and what
/// failed there was tried again three times (after 10, 20 and 40 minutes at most).
pub const HAND_OVER_HOURS: u64 = 50;
/// Hours after the end of an epoch until which a day's or a week's reports are taken, for whoever could not be reached.
pub const ACCEPT_HOURS: u64 = 96;

/// How long a day is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    day_secs: u64,
}

impl Default for Calendar {
    fn default() -> Calendar {
        Calendar { day_secs: DAY_SECS }
    }
}

impl Calendar {
    /// Days of so many seconds, 1 to 86,400; only in tests other than the latter.
    pub fn of_days(day_secs: u64) -> Option<Calendar> {
        (1..=DAY_SECS).contains(&day_secs).then_some(Calendar { day_secs })
    }

    /// Whether a day is one.
    pub fn is_real(self) -> bool {
        self.day_secs == DAY_SECS
    }

    /// How long one count of this lane lasts, in seconds.
    pub fn epoch_secs(self, lane: Lane) -> u64 {
        match lane {
            Lane::Security => self.day_secs,
            Lane::Harm => self.day_secs.saturating_mul(7),
        }
    }

    /// The number of the epoch in which that moment lies: days or weeks since 1970.
    pub fn epoch(self, lane: Lane, now: u64) -> u32 {
        u32::try_from(now / self.epoch_secs(lane).max(1)).unwrap_or(u32::MAX)
    }

    /// When that epoch begins, seconds since 1970.
    pub fn begins_at(self, lane: Lane, epoch: u32) -> u64 {
        u64::from(epoch).saturating_mul(self.epoch_secs(lane))
    }

    /// When that epoch has ended, seconds since 1970.
    pub fn ends_at(self, lane: Lane, epoch: u32) -> u64 {
        self.begins_at(lane, epoch).saturating_add(self.epoch_secs(lane))
    }

    /// So many hours, in seconds; in a test at least one.
    pub fn hours(self, hours: u64) -> u64 {
        (self.day_secs.saturating_mul(hours) / 24).max(1)
    }

    /// That many hours after the end of an epoch, seconds since 1970.
    pub fn after(self, lane: Lane, epoch: u32, hours: u64) -> u64 {
        self.ends_at(lane, epoch).saturating_add(self.hours(hours))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_weeks_follow_each_other_without_a_gap() {
        for day_secs in [DAY_SECS, 10, 1] {
            let calendar = Calendar::of_days(day_secs).unwrap();
            for lane in [Lane::Security, Lane::Harm] {
                for epoch in [0, 1, 2_969, u32::MAX - 1] {
                    assert_eq!(calendar.ends_at(lane, epoch), calendar.begins_at(lane, epoch + 1));
                    assert_eq!(calendar.epoch(lane, calendar.begins_at(lane, epoch)), epoch);
                    assert_eq!(calendar.epoch(lane, calendar.ends_at(lane, epoch) - 1), epoch);
                }
            }
        }
        assert_eq!(Calendar::of_days(0), None);
        assert_eq!(Calendar::of_days(DAY_SECS + 1), None);
        assert_eq!(Calendar::default().after(Lane::Security, 0, DESTROY_HOURS), 2 * DAY_SECS);
    }
}
