//! Named days: holidays, exam weeks, summers. A schedule or a budget starts on days of the week, only within some calendars,
//! except within others; so a calendar can put one schedule in the place of another.

use std::sync::Arc;

use jiff::civil::Date;

use super::schedule::DaySet;

/// The guardian's name for some days of the year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// The guardian's name for them.
    pub name: String,
    /// Which they are.
    pub days: Vec<Days>,
}

impl Calendar {
    /// True when that day is one of them.
    pub fn contains(&self, date: Date) -> bool {
        self.days.iter().any(|days| days.contains(date))
    }
}

/// Days in a row, the first and the last included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Of one year, or over the turn of one.
    Once(Date, Date),
    /// Of every year, by month and day; a last day before the first lies in the year after.
    Yearly((i8, i8), (i8, i8)),
}

impl Days {
    /// True when that day is one of them.
    pub fn contains(self, date: Date) -> bool {
        match self {
            Days::Once(first, last) => (first..=last).contains(&date),
            Days::Yearly(first, last) => {
                let day = (date.month(), date.day());
                if first <= last { (first..=last).contains(&day) } else { day >= first || day <= last }
            }
        }
    }
}

/// The days on which a schedule or a budget starts. Calendars are shared, not copied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StartDays {
    /// Days of the week.
    pub weekdays: DaySet,
    /// Only on days of one of these; empty: on any.
    pub only: Vec<Arc<Calendar>>,
    /// On no day of these.
    pub except: Vec<Arc<Calendar>>,
}

impl StartDays {
    /// True when it starts on that day.
    pub fn contains(&self, date: Date) -> bool {
        let of = |calendars: &[Arc<Calendar>]| calendars.iter().any(|calendar| calendar.contains(date));
        self.weekdays.contains(date.weekday().to_monday_zero_offset() as u8)
            && (self.only.is_empty() || of(&self.only))
            && !of(&self.except)
    }
}

impl From<DaySet> for StartDays {
    fn from(weekdays: DaySet) -> StartDays {
        StartDays { weekdays, ..StartDays::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn calendar(days: &[Days]) -> Arc<Calendar> {
        Arc::new(Calendar { name: "x".into(), days: days.to_vec() })
    }

    #[test]
    fn first_and_last_day_belong_to_it() {
        let tet = Days::Once(date(2027, 2, 5), date(2027, 2, 12));
        for (day, expected) in [(4, false), (5, true), (12, true), (13, false)] {
            assert_eq!(tet.contains(date(2027, 2, day)), expected, "{day}");
        }
        assert!(!tet.contains(date(2028, 2, 6)));
    }

    #[test]
    fn yearly_days_come_back_and_may_go_over_new_year() {
        let summer = Days::Yearly((6, 1), (8, 15));
        assert!(summer.contains(date(2026, 6, 1)) && summer.contains(date(2031, 8, 15)));
        assert!(!summer.contains(date(2026, 8, 16)));
        let winter = Days::Yearly((12, 20), (1, 5));
        assert!(winter.contains(date(2026, 12, 31)) && winter.contains(date(2027, 1, 5)));
        assert!(!winter.contains(date(2027, 1, 6)) && !winter.contains(date(2026, 12, 19)));
        assert!(Days::Yearly((2, 29), (2, 29)).contains(date(2028, 2, 29)));
    }

    #[test]
    fn except_comes_before_only_and_both_before_no_word() {
        let days = StartDays {
            weekdays: DaySet(0b001_1111),
            only: vec![calendar(&[Days::Yearly((9, 1), (9, 30))]), calendar(&[Days::Yearly((12, 1), (12, 31))])],
            except: vec![calendar(&[Days::Once(date(2026, 9, 2), date(2026, 9, 2))])],
        };
        assert!(days.contains(date(2026, 9, 1)) && days.contains(date(2026, 12, 1)));
        assert!(!days.contains(date(2026, 9, 2)), "excepted");
        assert!(!days.contains(date(2026, 9, 5)), "a Saturday");
        assert!(!days.contains(date(2026, 10, 1)), "in no calendar");
    }
}
