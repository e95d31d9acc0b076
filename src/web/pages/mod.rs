//! Pages as values: a struct holds what a page shows and renders itself to one string. Nothing here reads a clock, a file or a
//! request; every text comes from [`crate::web::text`], and every value is escaped by askama.
//!
//! Classes that `style.css` (every page) offers: `card`, `grid`, `row` (`spread`), `stack`, `items` (list with lines between),
//! `plain` (list without marks), `button` (`primary`, `quiet`, `danger`, `wide`), `badge` and `alert` (`ok`, `wait`, `stop`,
//! `info`), `field` (label over input, `.muted` hint, `.error`), `muted`, `small`, `away` (for screen readers alone), `tiles`.
//! `hex` and `draft` (preformatted, and it breaks), `paper` (lines to write on), `unprinted`, `bars` (list of label,
//! number and an `svg` with one `rect`), `number`, `name` (may break anywhere). `dashboard.css` adds `table` (`cards`: rows become cards on a phone, `data-label` names a cell; wrap in `scroll` otherwise;
//! `number`), `fields` (fields beside each other), `choice` (checkbox or radio with its label), `switch` (a label around a
//! checkbox), `tabs` (list of links, `aria-current`), `bars` (list of label, number and an `svg` with one `rect`). Widths of
//! bars are SVG attributes: the content security policy allows no `style` attribute.

pub mod blocked;
pub mod dashboard;
pub mod desk;
pub mod errors;
pub mod home;
pub mod plain;
pub mod reports;
pub mod shell;
pub mod site;
pub mod style;
pub mod tiles;

pub use blocked::Blocked;
pub use dashboard::trouble;
pub use errors::{ErrorPage, Wrong};
pub use home::{Answer, Asked, Budget, Hold, Home, Stopped, Who};
pub use plain::{Code, Help, Line, Outcome, Sent, Tried, WhoSees};
pub use reports::{Say, Tell};
pub use shell::{Frame, Section, Shell};
pub use tiles::Tile;

/// Writing into a string does not fail, so neither does a page.
fn rendered(page: &impl askama::Template) -> String {
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests;
