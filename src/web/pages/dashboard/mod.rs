//! The guardians' pages as values. Each template extends `base.html`.

pub mod children;
pub mod devices;
pub mod fault;
pub mod home;
pub mod hours;
pub mod machine;
pub mod parts;
pub mod reports;
pub mod requests;
pub mod rules;
pub mod set_up;
pub mod settings;
pub mod sign_in;

use askama::Template;

use super::Shell;

#[derive(Template)]
#[template(path = "dashboard/trouble.html")]
struct TroublePage<'a> {
    shell: &'a Shell,
    status: u16,
}

/// The page that says that something was not possible.
pub fn trouble(shell: &Shell, status: u16) -> String {
    super::rendered(&TroublePage { shell, status })
}
