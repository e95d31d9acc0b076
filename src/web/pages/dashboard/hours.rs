//! A child's hours: schedules with a picture of their week, budgets, and the form of one of them.

use askama::Template;

use super::children::Head;
use super::parts::{Boxes, Field};
use crate::web::pages::{Shell, rendered};
use crate::web::text::Family;

/// A schedule on the list.
pub struct ScheduleCard {
    /// Its name.
    pub name: String,
    /// Where it is changed.
    pub path: String,
    /// When, in words.
    pub hours: String,
    /// What it refuses, in words.
    pub block: Vec<String>,
    /// What it allows, in words.
    pub allow: Vec<String>,
    /// On days of these calendars alone.
    pub only: String,
    /// Not on days of these.
    pub except: String,
    /// The week as SVG.
    pub picture: String,
    /// The same as hours of each day of the week, Monday first.
    pub week: Vec<String>,
}

/// A budget on the list.
pub struct BudgetCard {
    /// Its name.
    pub name: String,
    /// Where it is changed.
    pub path: String,
    /// Of what, in words.
    pub of: Vec<String>,
    /// How long a day.
    pub limit: String,
    /// Minutes used today.
    pub used: u32,
}

/// All of a child's hours.
#[derive(Template)]
#[template(path = "dashboard/hours.html")]
pub struct HoursPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// In order.
    pub schedules: Vec<ScheduleCard>,
    /// In order.
    pub budgets: Vec<BudgetCard>,
}

/// What the form is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A schedule.
    Schedule,
    /// A budget.
    Budget,
}

/// What can be named in a form: kinds and services, each group under a summary.
pub struct Named {
    /// Over it.
    pub title: String,
    /// Ticked ones are inside.
    pub is_open: bool,
    /// The boxes.
    pub boxes: Boxes,
}

/// The form of a schedule or a budget.
#[derive(Template)]
#[template(path = "dashboard/hours_form.html")]
pub struct HoursForm {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// What it is of.
    pub of: Of,
    /// Where it goes.
    pub action: String,
    /// It is there already and can be removed.
    pub is_there: bool,
    /// Its lines.
    pub fields: Vec<Field>,
    /// Days of the week.
    pub days: Boxes,
    /// Calendars; none where there are none.
    pub calendars: Vec<Boxes>,
    /// What it is about.
    pub named: Vec<Named>,
    /// What a schedule allows.
    pub allowed: Vec<Named>,
}

impl HoursPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}

impl HoursForm {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }

    fn title(&self) -> String {
        let language = self.shell.language;
        let text = match (self.of, self.is_there) {
            (Of::Schedule, false) => language.t("schedule-new"),
            (Of::Schedule, true) => language.t("schedule-change"),
            (Of::Budget, false) => language.t("budget-new"),
            (Of::Budget, true) => language.t("budget-change"),
        };
        text.into_owned()
    }
}
