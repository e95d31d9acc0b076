//! Anonymous reports: what they tell, a guardian's yes, the household's own names. How a child answered is in no answer here.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, Path, aside};
use crate::classify::Category;
use crate::family::{OwnIndicator, Scope};
use crate::policy::Band;
use crate::report::consent::{Mode, Why};
use crate::report::preview::{Cells, Preview, Shown};
use crate::web::pages::reports::hex;
use crate::web::reports::{Own, group, is_shown};
use crate::web::{Trouble, Visitor, Web};

/// What the page of reports shows.
#[derive(Serialize)]
pub(super) struct ReportsView {
    enabled: bool,
    mode: &'static str,
    why: Option<&'static str>,
    paused: Option<String>,
    guardian: bool,
    children: bool,
    children_asked: usize,
    operators: Operators,
    /// Homes that must say a name before anybody can read it.
    households: usize,
    week_octets: usize,
    plan: Vec<Planned>,
    candidates: Vec<Candidate>,
    candidates_hidden: usize,
    cells: Vec<CellView>,
    cells_hidden: usize,
    sent: Vec<Sent>,
    waiting: usize,
}

#[derive(Serialize)]
struct Operators {
    a: Option<String>,
    b: Option<String>,
    relay: Option<String>,
}

#[derive(Serialize)]
struct Planned {
    kind: &'static str,
    count: usize,
    octets: usize,
}

#[derive(Serialize)]
struct Candidate {
    lane: &'static str,
    name: String,
    category: &'static str,
    /// Hexadecimal.
    octets: String,
}

#[derive(Serialize)]
struct CellView {
    categories: Vec<&'static str>,
    band: &'static str,
}

#[derive(Serialize)]
struct Sent {
    at: u64,
    kind: &'static str,
    octets: usize,
}

pub(super) async fn state(State(web): State<Arc<Web>>, visitor: Visitor) -> Result<Body<ReportsView>, Trouble> {
    visitor.may(Scope::Read)?;
    let answers = web.report_answers()?;
    let preview = web.steward.report_preview();
    let candidates: Vec<Candidate> = preview.candidates.iter().filter_map(candidate).collect();
    let cells: Vec<CellView> = preview.cells.iter().filter_map(cell).collect();
    let (mode, why) = mode(preview.mode);
    Ok(Body(ReportsView {
        enabled: preview.enabled,
        mode,
        why,
        guardian: answers.guardian,
        children: answers.children,
        children_asked: answers.asked,
        households: preview.threshold.households(),
        week_octets: preview.week_octets,
        candidates_hidden: preview.candidates.len().saturating_sub(candidates.len()),
        cells_hidden: preview.cells.len().saturating_sub(cells.len()),
        candidates,
        cells,
        plan: plan(&preview),
        sent: sent(&preview),
        waiting: preview.waiting,
        operators: Operators { a: preview.operators.a, b: preview.operators.b, relay: preview.operators.relay },
        paused: preview.paused,
    }))
}

fn plan(preview: &Preview) -> Vec<Planned> {
    let row =
        |one: &crate::report::preview::Planned| Planned { kind: one.kind.code(), count: one.count, octets: one.octets };
    preview.plan.iter().map(row).collect()
}

fn sent(preview: &Preview) -> Vec<Sent> {
    let row = |one: &crate::report::preview::Sent| Sent { at: one.at, kind: one.kind.code(), octets: one.octets };
    preview.sent.iter().map(row).collect()
}

fn candidate(shown: &Shown) -> Option<Candidate> {
    Some(Candidate {
        lane: shown.lane.name(),
        name: shown.name.as_ref()?.to_string(),
        category: shown.category.code(),
        octets: hex(&shown.octets).replace(['\n', ' '], ""),
    })
}

fn cell(cell: &Cells) -> Option<CellView> {
    let band = Band::ALL.get(cell.band.filter(|_| is_shown(cell))?)?;
    Some(CellView { categories: group(cell.group).into_iter().map(Category::code).collect(), band: band.code() })
}

fn mode(mode: Mode) -> (&'static str, Option<&'static str>) {
    let why = |why| match why {
        Why::Guardian => "guardian",
        Why::Child => "child",
        Why::Nobody => "nobody",
        Why::Lab => "lab",
        Why::OneOperator => "one_operator",
    };
    match mode {
        Mode::Off(reason) => ("off", Some(why(reason))),
        Mode::CountsOnly(reason, _) => ("counts_only", Some(why(reason))),
        Mode::Full(_) => ("full", None),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgreeBody {
    agree: bool,
}

pub(super) async fn decide(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<AgreeBody>,
) -> Result<StatusCode, Trouble> {
    aside(move || web.decide_reports(&visitor, body.agree)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One of the household's own names.
#[derive(Serialize)]
pub(super) struct OwnView {
    name: String,
    category: &'static str,
    added_at: i64,
}

pub(super) async fn names(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<OwnView>>, Trouble> {
    visitor.may(Scope::Read)?;
    let view = |OwnIndicator { name, category, added_at }: OwnIndicator| OwnView {
        name: name.to_string(),
        category: category.code(),
        added_at,
    };
    Ok(Body(web.family.own_indicators()?.into_iter().map(view).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnBody {
    name: String,
    category: String,
}

pub(super) async fn add_name(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<OwnBody>,
) -> Result<(StatusCode, Body<OwnView>), Trouble> {
    let added_at = visitor.now;
    let Own { name, category } = aside(move || Ok(web.add_own_name(&visitor, &body.name, &body.category)??)).await?;
    Ok((StatusCode::CREATED, Body(OwnView { name: name.to_string(), category: category.code(), added_at })))
}

pub(super) async fn remove_name(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<StatusCode, Trouble> {
    aside(move || web.remove_own_name(&visitor, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}
