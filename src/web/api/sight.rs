//! What can be seen: activity as far as CATEGORIES lets anybody see it, devices, the state of things, and the simulator.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Json, Path, Query, aside};
use crate::family::{Act, Scope, Visible};
use crate::judge::Explanation;
use crate::web::sight::SeenDevice;
use crate::web::steering::known;
use crate::web::{Finding, Status, Trouble, Visitor, Web};

pub(super) async fn activity(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Path(profile): Path<String>,
) -> Result<Body<Visible>, Trouble> {
    visitor.may_read_of(&profile)?;
    Ok(Body(web.visible(&visitor, &profile)?))
}

pub(super) async fn forget_activity(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Path(profile): Path<String>,
) -> Result<StatusCode, Trouble> {
    web.forget_activity(&visitor, &profile)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn acts_of(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Path(profile): Path<String>,
) -> Result<Body<Vec<Act>>, Trouble> {
    visitor.may_read_of(&profile)?;
    known(&web.judge.keep(), &profile)?;
    Ok(Body(web.family.acts(Some(&profile), 500)?))
}

pub(super) async fn seen(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<SeenDevice>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.seen_devices()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyBody {
    key: String,
}

pub(super) async fn know(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<KeyBody>,
) -> Result<StatusCode, Trouble> {
    visitor.may(Scope::Moments)?;
    web.family.know(&body.key)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn status(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Status>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.steward.status()))
}

pub(super) async fn findings(State(web): State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<Finding>>, Trouble> {
    visitor.may(Scope::Read)?;
    aside(move || Ok(Body(web.steward.findings()))).await
}

#[derive(Deserialize)]
pub(super) struct ExplainQuery {
    name: String,
    profile: Option<String>,
    at: Option<String>,
}

pub(super) async fn explain(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Query(query): Query<ExplainQuery>,
) -> Result<Body<Explanation>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.explain(&query.name, query.profile.as_deref(), query.at.as_deref(), visitor.now)?))
}
