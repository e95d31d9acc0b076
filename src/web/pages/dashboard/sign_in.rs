//! Where guardians sign in.

use askama::Template;

use super::fault::Fault;
use crate::web::pages::{Shell, rendered};

/// The page of signing in.
#[derive(Debug, Clone, Template)]
#[template(path = "dashboard/sign_in.html")]
pub struct SignInPage {
    /// Round it.
    pub shell: Shell,
    /// As it was typed.
    pub name: String,
    /// What was wrong.
    pub fault: Fault,
}

impl SignInPage {
    /// The whole page.
    pub fn render(&self) -> String {
        rendered(self)
    }
}
