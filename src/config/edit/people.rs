//! Changes of profiles, calendars and lists.

use serde_json::Value as Json;
use toml_edit::{DocumentMut, TableLike};

use super::devices::DEVICE;
use super::forms::{BudgetForm, CalendarForm, ListForm, ProfileForm, Row, ScheduleForm, form};
use super::layout;
use super::names;
use super::place::{self, Path, Place, row};
use super::put::{new_row, put, put_row, put_rows, read_rows};
use super::{Editor, Refusal};

impl Editor {
    /// All profiles, in order.
    pub fn profiles(&self) -> Vec<ProfileForm> {
        let root = self.document.as_table();
        (0..place::rows(root, PROFILE)).filter_map(|at| place::table(root, &row(PROFILE, at))).map(profile).collect()
    }

    /// All calendars, in order.
    pub fn calendars(&self) -> Vec<CalendarForm> {
        read_rows(self.document.as_table(), CALENDAR)
    }

    /// All lists, in order.
    pub fn lists(&self) -> Vec<ListForm> {
        read_rows(self.document.as_table(), LIST)
    }

    /// Adds a profile after the last one.
    pub fn add_profile(&mut self, form: &ProfileForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let form = ProfileForm { name: free_name(document, PROFILE, &form.name)?, ..form.clone() };
            check_profile(&form, &ProfileForm::default())?;
            let at = place::rows(document.as_table(), PROFILE);
            layout::insert_row(document, &Vec::new(), PROFILE, at, new_row(&form), PROFILE);
            put_rows(document, &row(PROFILE, at), SCHEDULE, &form.schedules);
            put_rows(document, &row(PROFILE, at), BUDGET, &form.budgets);
            Ok(())
        })
    }

    /// Makes the profile `name` what the form says; another name in the form renames it.
    pub fn set_profile(&mut self, name: &str, form: &ProfileForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, PROFILE, name)?;
            let place = row(PROFILE, at);
            let old = place::table(document.as_table(), &place).map(profile).unwrap_or_default();
            check_profile(form, &old)?;
            let mut form = form.clone();
            if form.name != name {
                form.name = free_name(document, PROFILE, &form.name)?;
                repoint_profile(document, name, &form.name);
            }
            put_row(document, &place, &form);
            put_rows(document, &place, SCHEDULE, &form.schedules);
            put_rows(document, &place, BUDGET, &form.budgets);
            Ok(())
        })
    }

    /// Gives a profile another name, in devices and defaults as well.
    pub fn rename_profile(&mut self, name: &str, new: &str) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, PROFILE, name)?;
            let new = free_name(document, PROFILE, new)?;
            put(document, &row(PROFILE, at), "name", Some(&Json::from(new.as_str())));
            repoint_profile(document, name, &new);
            Ok(())
        })
    }

    /// Takes a profile out with its schedules and budgets. Who still points to it gets the `replacement`; without one the
    /// change is refused.
    pub fn remove_profile(&mut self, name: &str, replacement: Option<&str>) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, PROFILE, name)?;
            match replacement {
                Some(other) if other == name => return Err(unknown(PROFILE, other)),
                Some(other) => {
                    find(document, PROFILE, other)?;
                    repoint_profile(document, name, other);
                }
                None => unused(name, users_of_profile(document, name))?,
            }
            layout::remove_row(document, &Vec::new(), PROFILE, at);
            Ok(())
        })
    }

    /// Adds a calendar after the last one.
    pub fn add_calendar(&mut self, form: &CalendarForm) -> Result<(), Refusal> {
        self.attempt(|document| add_named(document, CALENDAR, &form.name, |name| CalendarForm { name, ..form.clone() }))
    }

    /// Makes the calendar `name` what the form says; another name in the form renames it, in schedules and budgets as well.
    pub fn set_calendar(&mut self, name: &str, form: &CalendarForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, CALENDAR, name)?;
            let mut form = form.clone();
            if form.name != name {
                form.name = free_name(document, CALENDAR, &form.name)?;
                rename_in_days(document, name, &form.name);
            }
            put_row(document, &row(CALENDAR, at), &form);
            Ok(())
        })
    }

    /// Takes a calendar out; refused while a schedule or a budget names it.
    pub fn remove_calendar(&mut self, name: &str) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, CALENDAR, name)?;
            unused(name, users_of_calendar(document, name))?;
            layout::remove_row(document, &Vec::new(), CALENDAR, at);
            Ok(())
        })
    }

    /// Adds a list after the last one.
    pub fn add_list(&mut self, form: &ListForm) -> Result<(), Refusal> {
        self.attempt(|document| add_named(document, LIST, &form.name, |name| ListForm { name, ..form.clone() }))
    }

    /// Makes the list `name` what the form says.
    pub fn set_list(&mut self, name: &str, form: &ListForm) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, LIST, name)?;
            let new = if form.name == name { name.to_string() } else { free_name(document, LIST, &form.name)? };
            put_row(document, &row(LIST, at), &ListForm { name: new, ..form.clone() });
            Ok(())
        })
    }

    /// Takes a list out.
    pub fn remove_list(&mut self, name: &str) -> Result<(), Refusal> {
        self.attempt(|document| {
            let at = find(document, LIST, name)?;
            layout::remove_row(document, &Vec::new(), LIST, at);
            Ok(())
        })
    }
}

pub(super) const PROFILE: &str = "profile";
const SCHEDULE: &str = "schedule";
const BUDGET: &str = "budget";
const CALENDAR: &str = "calendar";
const LIST: &str = "list";

fn profile(table: &dyn TableLike) -> ProfileForm {
    let schedules = read_rows::<ScheduleForm>(table, SCHEDULE);
    ProfileForm { schedules, budgets: read_rows::<BudgetForm>(table, BUDGET), ..form(table) }
}

/// Names that were there stay as they are; new ones have to be names.
fn check_profile(form: &ProfileForm, old: &ProfileForm) -> Result<(), Refusal> {
    if form.born.is_some() == form.band.is_some() {
        return Err(Refusal::Age);
    }
    let was = old.schedules.iter().map(|one| &one.name).chain(old.budgets.iter().map(|one| &one.name));
    let was: Vec<&String> = was.collect();
    let new = form.schedules.iter().map(|one| &one.name).chain(form.budgets.iter().map(|one| &one.name));
    new.filter(|name| !was.contains(name)).try_for_each(|name| names::check(name).map(drop))
}

fn add_named<T: Row>(
    document: &mut DocumentMut,
    key: &'static str,
    name: &str,
    named: impl FnOnce(String) -> T,
) -> Result<(), Refusal> {
    let form = named(free_name(document, key, name)?);
    let at = place::rows(document.as_table(), key);
    layout::insert_row(document, &Vec::new(), key, at, new_row(&form), PROFILE);
    Ok(())
}

pub(super) fn find(document: &DocumentMut, key: &'static str, name: &str) -> Result<usize, Refusal> {
    let is_it = |at: &usize| {
        let table = place::table(document.as_table(), &row(key, *at));
        table.and_then(|table| table.get("name")?.as_str()) == Some(name)
    };
    (0..place::rows(document.as_table(), key)).find(is_it).ok_or_else(|| unknown(key, name))
}

/// `name` as it is written, when nobody else of its kind has it.
fn free_name(document: &DocumentMut, key: &'static str, name: &str) -> Result<String, Refusal> {
    let name = names::check(name)?;
    match find(document, key, &name) {
        Ok(_) => Err(Refusal::Taken { kind: key, name }),
        Err(_) => Ok(name),
    }
}

fn unknown(kind: &'static str, name: &str) -> Refusal {
    Refusal::Unknown { kind, name: name.to_string() }
}

fn unused(name: &str, by: Vec<String>) -> Result<(), Refusal> {
    if by.is_empty() { Ok(()) } else { Err(Refusal::InUse { name: name.to_string(), by }) }
}

/// Who unknown clients are: the other key beside those of devices that names a profile.
fn defaults() -> Place {
    place::place_of(&[], "defaults")
}

/// Where a profile is named: devices in order, then the defaults.
fn pointers(document: &DocumentMut, name: &str) -> Vec<Place> {
    let root = document.as_table();
    let names_it =
        |place: &Place| place::table(root, place).and_then(|table| table.get("profile")?.as_str()) == Some(name);
    let devices = (0..place::rows(root, DEVICE)).map(|at| row(DEVICE, at));
    devices.chain([defaults()]).filter(names_it).collect()
}

fn repoint_profile(document: &mut DocumentMut, name: &str, new: &str) {
    for place in pointers(document, name) {
        put(document, &place, "profile", Some(&Json::from(new)));
    }
}

fn users_of_profile(document: &DocumentMut, name: &str) -> Vec<String> {
    let shown = |place: &Place| {
        let table = place::table(document.as_table(), place);
        let named = table.and_then(|table| table.get("name")?.as_str());
        match place.first().and_then(|(_, at)| *at) {
            Some(at) => named.map_or_else(|| format!("device {}", at + 1), |name| format!("device {name:?}")),
            None => "the default for unknown devices".to_string(),
        }
    };
    pointers(document, name).iter().map(shown).collect()
}

/// The rows of all profiles that may name calendars.
fn timed_rows(document: &DocumentMut) -> Vec<Place> {
    let root = document.as_table();
    let profiles = (0..place::rows(root, PROFILE)).map(|at| row(PROFILE, at));
    let mut found = Vec::new();
    for profile in profiles {
        let Some(table) = place::table(root, &profile) else { continue };
        for key in [SCHEDULE, BUDGET] {
            found.extend((0..place::rows(table, key)).map(|at| place::below(&profile, key, at)));
        }
    }
    found
}

fn calendars_of(document: &DocumentMut, place: &Place, key: &str) -> Vec<String> {
    let array = place::table(document.as_table(), place).and_then(|table| table.get(key)?.as_array());
    array.map(|all| all.iter().filter_map(|one| one.as_str().map(str::to_string)).collect()).unwrap_or_default()
}

fn rename_in_days(document: &mut DocumentMut, name: &str, new: &str) {
    for place in timed_rows(document) {
        for key in ["only", "except"] {
            let mut named = calendars_of(document, &place, key);
            if named.iter().any(|one| one == name) {
                named.iter_mut().filter(|one| *one == name).for_each(|one| *one = new.to_string());
                put(document, &place, key, Some(&Json::from(named)));
            }
        }
    }
}

fn users_of_calendar(document: &DocumentMut, name: &str) -> Vec<String> {
    let names_it = |place: &Place| {
        ["only", "except"].iter().any(|key| calendars_of(document, place, key).iter().any(|one| one == name))
    };
    let shown = |place: &Place| {
        let named = |place: &Path| {
            let table = place::table(document.as_table(), place);
            table.and_then(|table| table.get("name")?.as_str()).unwrap_or_default().to_string()
        };
        format!("{:?} of profile {:?}", named(place), named(&place[..1]))
    };
    timed_rows(document).iter().filter(|place| names_it(place)).map(shown).collect()
}
