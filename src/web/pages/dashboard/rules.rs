//! A child's rules as forms: groups of sites with the criteria behind them, services and names, safe search and connections.

use askama::Template;

use super::children::Head;
use super::parts::Field;
use crate::classify::Category;
use crate::policy::Action;
use crate::web::pages::{Shell, rendered};

/// A category of a criterion.
pub struct Group {
    /// Which.
    pub category: Category,
    /// What the child's band gets of it by the criteria.
    pub action: Action,
    /// What a guardian may choose; `None` where nothing can be changed.
    pub choice: Option<Field>,
}

/// A criterion with what it decides.
pub struct CriterionCard {
    /// In the reader's language.
    pub title: String,
    /// Laws and reasons.
    pub basis: Vec<String>,
    /// Its categories.
    pub groups: Vec<Group>,
}

/// Groups of sites and why.
#[derive(Template)]
#[template(path = "dashboard/criteria.html")]
pub struct CriteriaPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// In the order of the file.
    pub criteria: Vec<CriterionCard>,
}

/// Services of a kind.
pub struct ServiceGroup {
    /// Their kind.
    pub category: Category,
    /// A choice each.
    pub services: Vec<Field>,
}

/// Services and names.
#[derive(Template)]
#[template(path = "dashboard/sites.html")]
pub struct SitesPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// By kind.
    pub groups: Vec<ServiceGroup>,
    /// Of the form about names.
    pub names: Vec<Field>,
}

/// Safe search and connections.
#[derive(Template)]
#[template(path = "dashboard/protection.html")]
pub struct ProtectionPage {
    /// Round it.
    pub shell: Shell,
    /// On top.
    pub head: Head,
    /// Safe search and YouTube.
    pub search: Vec<Field>,
    /// The others.
    pub advanced: Vec<Field>,
}

impl CriteriaPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}

impl SitesPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}

impl ProtectionPage {
    /// The page.
    pub fn html(&self) -> String {
        rendered(self)
    }
}
