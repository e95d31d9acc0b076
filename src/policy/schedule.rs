//! What a guardian writes of a schedule, and the moment that is asked about. When it holds stands in `hours`, on which days it
//! starts in `calendar`.

use jiff::civil::{DateTime, Time};

use super::calendar::StartDays;
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
    pub days: StartDays,
    /// First moment.
    pub from: Time,
    /// First moment after; earlier than `from` means the next morning, equal means a whole day.
    pub to: Time,
    /// Refused while it holds.
    pub block: Vec<Selector>,
    /// Allowed while it holds, although the criteria refuse it.
    pub allow: Vec<Selector>,
}
