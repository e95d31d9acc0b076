//! How the box is: what the steward finds, and numbers.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::said;
use super::{Page, page};
use crate::web::api::aside;
use crate::web::pages::Section;
use crate::web::pages::dashboard::machine::DiagnosticsPage;
use crate::web::{Visitor, Web};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/dashboard/diagnostics", get(diagnostics))
}

async fn diagnostics(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    let shell = web.shell(&visitor, Section::Diagnostics, "/dashboard/diagnostics")?;
    let keeper = Arc::clone(&web);
    let (mut findings, status) = aside(move || Ok((keeper.steward.findings(), keeper.steward.status()))).await?;
    // What is wrong comes first.
    findings.sort_by_key(|one| ["problem", "note", "ok"].iter().position(|state| *state == one.state));
    let since = said::moment(shell.language, &web.judge.keep(), status.since);
    page(DiagnosticsPage { shell, findings, status, since }.html())
}
