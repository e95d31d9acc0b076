//! Pages for requests that lead nowhere: neutral, and the same for everybody.

use askama::Template;

use super::Frame;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// 404.
    NotFound,
    /// 405.
    NotAllowed,
    /// 429.
    TooMany,
    /// 500.
    Failed,
}

/// An error page of the portal.
#[derive(Template)]
#[template(path = "portal/error.html")]
pub struct ErrorPage {
    /// Round it.
    pub frame: Frame,
    /// What went wrong.
    pub wrong: Wrong,
}

impl ErrorPage {
    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }
}
