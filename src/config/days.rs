//! `[[calendar]]`, and the days on which schedules and budgets start: `days`, `only`, `except`.

use std::sync::Arc;

use crate::document::{At, Table, nearest};
use crate::policy::{Calendar, DaySet, Days, StartDays};

/// Every calendar; one that could not be read whole is there with what could, so that its name is known.
pub(super) fn calendars(root: &mut Table<'_>) -> Vec<Arc<Calendar>> {
    let mut calendars: Vec<Arc<Calendar>> = Vec::new();
    for mut table in root.tables("calendar") {
        let name = table.required::<String>("name");
        let days = table.required::<Vec<Days>>("days");
        if let Some(days) = days.as_ref().filter(|days| days.is_empty()) {
            table.fault(&days.span, "`days` is empty; name at least one day");
        }
        let Some(name) = name else { continue };
        if calendars.iter().any(|other| other.name == name.value) {
            table.fault(&name.span, format!("calendar name {:?} is taken; names are unique", name.value));
        }
        let days = days.map(|at| at.value).unwrap_or_default();
        calendars.push(Arc::new(Calendar { name: name.value, days }));
    }
    calendars
}

/// `days`, `only` and `except` of a schedule or a budget.
pub(super) fn start_days(table: &mut Table<'_>, calendars: &[Arc<Calendar>]) -> Option<StartDays> {
    let weekdays = weekdays(table);
    let only = named(table, "only", calendars);
    let except = named(table, "except", calendars);
    Some(StartDays { weekdays: weekdays?, only, except })
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

fn weekdays(table: &mut Table<'_>) -> Option<DaySet> {
    let Some(written) = table.get::<Vec<At<String>>>("days") else {
        return (!table.has("days")).then_some(DaySet(0b111_1111));
    };
    let mut set = 0;
    for day in &written.value {
        match DAYS.iter().position(|known| *known == day.value) {
            Some(offset) => set |= 1 << offset,
            None => table.fault(&day.span, format!("unknown day {:?} (one of: {})", day.value, DAYS.join(", "))),
        }
    }
    if written.is_empty() {
        table.fault(&written.span, "`days` is empty; leave it out for every day");
    }
    Some(DaySet(set))
}

fn named(table: &mut Table<'_>, key: &'static str, calendars: &[Arc<Calendar>]) -> Vec<Arc<Calendar>> {
    let Some(written) = table.get::<Vec<At<String>>>(key) else { return Vec::new() };
    if written.is_empty() {
        table.fault(&written.span, format!("`{key}` is empty; name a calendar or leave it out"));
    }
    let mut found = Vec::new();
    for name in &written.value {
        match calendars.iter().find(|calendar| calendar.name == name.value) {
            Some(calendar) => found.push(Arc::clone(calendar)),
            None => table.fault(&name.span, unknown(&name.value, calendars)),
        }
    }
    found
}

fn unknown(name: &str, calendars: &[Arc<Calendar>]) -> String {
    let names = || calendars.iter().map(|calendar| calendar.name.as_str());
    let advice = match nearest(name, names()) {
        Some(near) => format!("did you mean {near:?}?"),
        None if calendars.is_empty() => "there is no `[[calendar]]`".to_string(),
        None => format!("known: {}", names().collect::<Vec<_>>().join(", ")),
    };
    format!("there is no calendar {name:?} ({advice})")
}
