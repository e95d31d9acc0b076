//! What holds for a profile at a moment, and until when: for the time answers may live, for the kernel's rules, and for the
//! pages that show it.

use std::ops::Range;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use serde::Serialize;

use super::budget::Budget;
use super::hours::secs_until;
use super::profile::{Profile, Schedule};
use super::schedule::Moment;

/// Answers that count towards a budget are asked for again after this: so fine can activity be seen.
const ACTIVITY_SECS: u32 = 60;

/// A schedule that holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleNow {
    /// Its position in the profile.
    pub position: u8,
    /// The guardian's name for it.
    pub name: String,
    /// When it ends, on the household's clock; `None` when it holds for a year on end.
    pub until: Option<DateTime>,
    /// Nothing but help may be reached, and what the schedule allows.
    pub blocks_everything: bool,
}

impl Profile {
    /// Seconds until something about this profile changes by itself: a schedule, a grant, a pause, or the day when a budget
    /// is used up. `None` when nothing will.
    pub fn secs_to_change(&self, moment: &Moment) -> Option<u32> {
        let edges = self.schedules.iter().map(|schedule| schedule.hours.secs_to_edge(moment.local));
        let new_day = (self.temporary.spent != 0).then(|| secs_until(moment.local, Time::midnight()));
        edges.chain(new_day).chain(self.temporary.secs_to_end(moment.unix_secs)).min()
    }

    /// Seconds an answer may be kept by the client that counts towards the budgets `met` ([`Profile::budgets_met`]).
    pub fn ttl_max(&self, met: u64, moment: &Moment) -> Option<u32> {
        let activity = (met != 0).then_some(ACTIVITY_SECS);
        self.secs_to_change(moment).into_iter().chain(activity).min()
    }

    /// True while nothing but help may be reached.
    pub fn is_offline(&self, moment: &Moment) -> bool {
        let temporary = &self.temporary;
        if self.own_block.everything || temporary.is_paused(moment.unix_secs) {
            return true;
        }
        let holds = |schedule: &Schedule| schedule.block.everything && schedule.hours.hold_at(moment.local);
        let is_spent = |(_, budget): (u8, &Budget)| budget.is_of_everything();
        !temporary.gives_time(moment.unix_secs)
            && (self.schedules.iter().any(holds) || self.spent_on(moment.local.date()).any(is_spent))
    }

    /// The schedules that hold. A grant of more time does not end them; it only lifts what they refuse.
    pub fn schedules_at(&self, moment: &Moment) -> impl Iterator<Item = ScheduleNow> {
        let holding = (0..=u8::MAX).zip(&self.schedules).filter(|(_, schedule)| schedule.hours.hold_at(moment.local));
        holding.map(|(position, schedule)| ScheduleNow {
            position,
            name: schedule.name.to_string(),
            until: schedule.hours.end_at(moment.local),
            blocks_everything: schedule.block.everything,
        })
    }

    /// The names of all schedules, by position.
    pub fn schedule_names(&self) -> impl Iterator<Item = &str> {
        self.schedules.iter().map(|schedule| &*schedule.name)
    }

    /// The bars of the schedule at `position` for seven days from `first`, in minutes from each midnight
    /// ([`Hours::intervals_on`](super::Hours::intervals_on)). Empty days beyond the calendar's end and for no such schedule.
    pub fn week_of(&self, position: u8, first: Date) -> [Vec<Range<u16>>; 7] {
        std::array::from_fn(|offset| {
            let day = first.checked_add((offset as i32).days()).ok();
            let schedule = self.schedules.get(usize::from(position));
            day.zip(schedule).map(|(day, schedule)| schedule.hours.intervals_on(day)).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests;
