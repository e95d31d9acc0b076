//! Settings: the household, people who may steer, named days, and who did what.

use askama::Template;

use super::children::ActRow;
use super::parts::{Boxes, Field, Wrong};
use crate::family::{Account, TokenRow};
use crate::web::pages::{Shell, rendered};
use crate::web::text::{Family, Language};

/// The pages of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Time zone, answers, upstreams.
    Household,
    /// Accounts and tokens.
    People,
    /// Named days.
    Calendars,
    /// The audit log.
    Acts,
}

impl Place {
    /// In their order.
    pub const ALL: [Place; 4] = [Place::Household, Place::People, Place::Calendars, Place::Acts];

    /// Where it is.
    pub const fn path(self) -> &'static str {
        match self {
            Place::Household => "/dashboard/settings",
            Place::People => "/dashboard/settings/people",
            Place::Calendars => "/dashboard/settings/calendars",
            Place::Acts => "/dashboard/settings/acts",
        }
    }

    fn label(self, language: Language) -> String {
        let text = match self {
            Place::Household => language.t("settings-household"),
            Place::People => language.t("settings-people"),
            Place::Calendars => language.t("settings-calendars"),
            Place::Acts => language.t("settings-acts"),
        };
        text.into_owned()
    }
}

/// The top of each of these pages.
pub struct Top {
    /// Which page it is.
    pub place: Place,
    /// Of a form.
    pub wrong: Option<Wrong>,
}

impl Top {
    fn tabs(&self, language: &Language) -> Vec<(&'static str, String, bool)> {
        Place::ALL.map(|place| (place.path(), place.label(*language), place == self.place)).to_vec()
    }
}

/// The household.
#[derive(Template)]
#[template(path = "dashboard/settings.html")]
pub struct HouseholdPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub top: Top,
    /// Of the form.
    pub fields: Vec<Field>,
}

/// A new secret for one-time codes.
pub struct NewSecret {
    /// As text, for typing.
    pub secret: String,
    /// For the camera, as SVG.
    pub picture: String,
    /// Of the form.
    pub field: Field,
}

/// People who may steer.
#[derive(Template)]
#[template(path = "dashboard/people.html")]
pub struct PeoplePage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub top: Top,
    /// Who looks; `None` for a program.
    pub own: Option<Account>,
    /// May change people and tokens.
    pub may_people: bool,
    /// Everybody.
    pub accounts: Vec<Account>,
    /// Of the form for a new account.
    pub account: Vec<Field>,
    /// Of the form for the own password.
    pub password: Vec<Field>,
    /// While one-time codes are being switched on.
    pub new_secret: Option<NewSecret>,
    /// Programs.
    pub tokens: Vec<TokenRow>,
    /// Of the form for a new token.
    pub token: Field,
    /// Of the form for a new token.
    pub scopes: Boxes,
    /// The text of a token that was just made.
    pub made: Option<String>,
}

impl PeoplePage {
    fn off(&self) -> Field {
        Field::password("password", &self.shell.language.t("people-password"), "current-password").at("off")
    }
}

/// Named days, each with the fields of its form.
pub struct CalendarCard {
    /// Their name.
    pub name: String,
    /// Their name as a part of a path.
    pub path: String,
    /// Of the form.
    pub fields: Vec<Field>,
}

/// Named days.
#[derive(Template)]
#[template(path = "dashboard/calendars.html")]
pub struct CalendarsPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub top: Top,
    /// In order.
    pub calendars: Vec<CalendarCard>,
    /// Of the form for new ones.
    pub fields: Vec<Field>,
}

/// Who did what.
#[derive(Template)]
#[template(path = "dashboard/settings_acts.html")]
pub struct ActsPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub top: Top,
    /// The newest first.
    pub acts: Vec<ActRow>,
}

macro_rules! pages {
    ($($page:ident)*) => {$(
        impl $page {
            /// The page.
            pub fn html(&self) -> String {
                rendered(self)
            }
        }
    )*};
}

pages!(HouseholdPage PeoplePage CalendarsPage ActsPage);
