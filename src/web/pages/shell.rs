//! What stands round every page: the frame of the portal and the shell of the dashboard.

use std::borrow::Cow;

use super::style;
use crate::web::text::{Family, Language};

/// Round a child's page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Of the texts.
    pub language: Language,
    /// Of the inline style and script (content security policy).
    pub nonce: String,
    /// Where the quick exit leads: a neutral site, chosen by the household.
    pub exit_url: String,
    /// Where the other language is; `None` on pages that must not carry any state.
    pub switch_url: Option<String>,
    /// Put before the portal's own paths: empty on the portal itself, `http://name` on a page shown in place of another.
    pub portal: String,
}

impl Frame {
    pub(super) fn style(&self) -> &'static str {
        style::inline()
    }

    pub(super) fn script(&self) -> &'static str {
        style::exit_script()
    }
}

/// Round a guardian's page. Templates that extend `base.html` have it as their field `shell`.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Of the texts.
    pub language: Language,
    /// Of inline scripts (content security policy); the style is a file.
    pub nonce: String,
    /// Put into every form.
    pub csrf: String,
    /// Who steers; `None` before sign-in and during set-up: no navigation, no sign-out.
    pub signed_in_as: Option<String>,
    /// Marked in the navigation.
    pub section: Section,
    /// Path of this page, to come back to from the language switch.
    pub here: String,
    /// Requests that wait for an answer.
    pub waiting: u32,
}

/// The pages of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// Is everything working; each child now.
    Home,
    /// A child's rules.
    Children,
    /// Whose device.
    Devices,
    /// Asked by children.
    Requests,
    /// What would happen.
    Simulator,
    /// Where what is known comes from.
    Lists,
    /// As much as may be seen.
    Activity,
    /// What is told so that nobody can be found.
    Reports,
    /// Of the box.
    Settings,
    /// Of the box's health.
    Diagnostics,
}

impl Section {
    /// In the order of the navigation.
    pub const ALL: [Section; 10] = [
        Section::Home,
        Section::Children,
        Section::Devices,
        Section::Requests,
        Section::Simulator,
        Section::Lists,
        Section::Activity,
        Section::Reports,
        Section::Settings,
        Section::Diagnostics,
    ];

    /// Its code, and the end of its text's key.
    pub const fn code(self) -> &'static str {
        match self {
            Section::Home => "home",
            Section::Children => "children",
            Section::Devices => "devices",
            Section::Requests => "requests",
            Section::Simulator => "simulator",
            Section::Lists => "lists",
            Section::Activity => "activity",
            Section::Reports => "reports",
            Section::Settings => "settings",
            Section::Diagnostics => "diagnostics",
        }
    }

    /// Where it is.
    pub fn path(self) -> String {
        match self {
            Section::Home => "/dashboard".to_string(),
            other => format!("/dashboard/{}", other.code()),
        }
    }
}

impl Shell {
    /// The name of this page's section.
    pub fn title(&self) -> Cow<'static, str> {
        self.section_name(&self.section)
    }

    /// The navigation.
    pub fn sections(&self) -> [Section; 10] {
        Section::ALL
    }

    /// A section's name.
    pub fn section_name(&self, section: &Section) -> Cow<'static, str> {
        self.language.of(Family::Section, section.code())
    }

    /// Something waits there for an answer.
    pub fn is_waiting(&self, section: &Section) -> bool {
        *section == Section::Requests && self.waiting > 0
    }
}
