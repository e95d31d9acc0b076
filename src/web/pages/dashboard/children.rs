//! The children: everybody's card, and one child's first page.

use askama::Template;

use super::parts::{Choice, Field, Wrong, in_path};
use crate::policy::Band;
use crate::web::pages::{Shell, rendered};
use crate::web::text::{Family, Language};

/// A child on the list.
pub struct Card {
    /// Their name.
    pub name: String,
    /// Where their rules are.
    pub path: String,
    /// How old.
    pub band: Band,
    /// Names of their devices.
    pub devices: Vec<String>,
    /// What holds for them now, in words.
    pub now: Vec<String>,
}

/// Everybody.
#[derive(Template)]
#[template(path = "dashboard/children.html")]
pub struct ChildrenPage {
    /// Round it.
    pub shell: Shell,
    /// Of the form.
    pub wrong: Option<Wrong>,
    /// In the order of the configuration.
    pub cards: Vec<Card>,
    /// Of a new child.
    pub fields: Vec<Field>,
}

/// The pages of one child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Age, what holds, codes.
    Overview,
    /// Groups of sites.
    Criteria,
    /// Services and names.
    Sites,
    /// Schedules and budgets.
    Hours,
    /// Safe search and connections.
    Protection,
}

impl Tab {
    /// In their order.
    pub const ALL: [Tab; 5] = [Tab::Overview, Tab::Criteria, Tab::Sites, Tab::Hours, Tab::Protection];

    /// What follows the child's path.
    pub const fn end(self) -> &'static str {
        match self {
            Tab::Overview => "",
            Tab::Criteria => "/criteria",
            Tab::Sites => "/sites",
            Tab::Hours => "/hours",
            Tab::Protection => "/protection",
        }
    }

    fn label(self, language: Language) -> String {
        let text = match self {
            Tab::Overview => language.t("child-tab-overview"),
            Tab::Criteria => language.t("child-tab-criteria"),
            Tab::Sites => language.t("child-tab-sites"),
            Tab::Hours => language.t("child-tab-hours"),
            Tab::Protection => language.t("child-tab-protection"),
        };
        text.into_owned()
    }
}

/// The top of each of a child's pages.
pub struct Head {
    /// Whose.
    pub name: String,
    /// Where their rules are.
    pub path: String,
    /// Which page it is.
    pub tab: Tab,
    /// What is wrong with the form that was sent.
    pub wrong: Option<Wrong>,
    /// Who looks may not change anything.
    pub reads_only: bool,
}

impl Head {
    pub(super) fn tabs(&self, language: &Language) -> Vec<(String, String, bool)> {
        let one = |tab: Tab| (format!("{}{}", self.path, tab.end()), tab.label(*language), tab == self.tab);
        Tab::ALL.map(one).to_vec()
    }
}

/// Something allowed for a while.
pub struct Granted {
    /// To take it back by.
    pub id: i64,
    /// What, in words.
    pub what: String,
    /// Until when, in words.
    pub until: String,
    /// Who gave it.
    pub by: String,
}

/// A code to read out.
pub struct AwayCode {
    /// Its length: `15`, `60`, `today`.
    pub length: &'static str,
    /// The digits.
    pub digits: String,
}

/// An entry of the audit log.
pub struct ActRow {
    /// When, in words.
    pub at: String,
    /// Who.
    pub by: String,
    /// The profile concerned.
    pub profile: String,
    /// Code of what was done.
    pub deed: &'static str,
}

/// One child's first page.
#[derive(Template)]
#[template(path = "dashboard/child.html")]
pub struct ChildPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// How old, now.
    pub band: Band,
    /// The band moves on by itself.
    pub is_born: bool,
    /// When the next band begins: its name and the year.
    pub next: Option<(Band, i16)>,
    /// Names of their devices.
    pub devices: Vec<String>,
    /// What holds, in words.
    pub now: Vec<String>,
    /// Of the form about age.
    pub age: Vec<Field>,
    /// Granted.
    pub grants: Vec<Granted>,
    /// Of the form for a new grant.
    pub grant: Vec<Field>,
    /// Codes for being away; empty when who looks may not see them.
    pub codes: Vec<AwayCode>,
    /// What was done to this profile.
    pub acts: Vec<ActRow>,
    /// Of the form about name and language.
    pub called: Vec<Field>,
    /// Profiles its devices could go to.
    pub others: Vec<Choice>,
}

impl ChildPage {
    fn activity_path(&self) -> String {
        format!("/dashboard/activity/{}", in_path(&self.head.name))
    }

    fn others(&self) -> Field {
        let language = self.shell.language;
        Field::select("replacement", &language.t("child-remove-to"), self.others.clone())
    }
}

impl ChildrenPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}

impl ChildPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}
