//! A child's own side: what holds, what was just refused, asking, what was done about its rules, and what others see. Known by
//! its device or signed in.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, aside};
use crate::family::{Act, Kind, RequestRow, Visible};
use crate::web::asking::{Asked, StoppedView};
use crate::web::{Trouble, Visitor, Web};

/// Who asks, and what holds.
#[derive(Serialize)]
pub(super) struct MeView {
    profile: String,
    band: &'static str,
    /// What has to be sent as `csrf` with a request.
    csrf: String,
}

pub(super) async fn me(web: State<Arc<Web>>, visitor: Visitor) -> Body<MeView> {
    let snapshot = web.judge.keep();
    let profile = visitor.profile(&snapshot);
    Body(MeView { profile: profile.name.to_string(), band: profile.band.code(), csrf: visitor.csrf.clone() })
}

pub(super) async fn recent(web: State<Arc<Web>>, visitor: Visitor) -> Body<Vec<StoppedView>> {
    Body(web.stopped(&visitor))
}

pub(super) async fn requests(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<RequestRow>>, Trouble> {
    let snapshot = web.judge.keep();
    Ok(Body(web.family.requests(Some(&visitor.profile(&snapshot).name))?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskBody {
    name: String,
    #[serde(default)]
    note: String,
    #[serde(default)]
    wrong: bool,
    csrf: String,
}

#[derive(Serialize)]
pub(super) struct AskedView {
    id: i64,
    /// Guardians see the group alone.
    hides_name: bool,
}

pub(super) async fn ask(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<AskBody>,
) -> Result<(StatusCode, Body<AskedView>), Trouble> {
    visitor.check_form(&body.csrf)?;
    let kind = if body.wrong { Kind::Wrong } else { Kind::Ask };
    let Asked { id, hides_name } = aside(move || web.ask(&visitor, kind, &body.name, &body.note)).await?;
    Ok((StatusCode::CREATED, Body(AskedView { id, hides_name })))
}

pub(super) async fn acts(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<Act>>, Trouble> {
    let snapshot = web.judge.keep();
    Ok(Body(web.family.acts(Some(&visitor.profile(&snapshot).name), 200)?))
}

pub(super) async fn activity(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Visible>, Trouble> {
    let profile = visitor.profile(&web.judge.keep()).name.to_string();
    Ok(Body(web.visible(&visitor, &profile)?))
}

pub(super) async fn forget_activity(web: State<Arc<Web>>, visitor: Visitor) -> Result<StatusCode, Trouble> {
    let profile = visitor.profile(&web.judge.keep()).name.to_string();
    web.forget_activity(&visitor, &profile)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    code: String,
    csrf: String,
}

pub(super) async fn use_code(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<CodeBody>,
) -> Result<StatusCode, Trouble> {
    visitor.check_form(&body.csrf)?;
    aside(move || web.use_code(&visitor, &body.code)).await?;
    Ok(StatusCode::NO_CONTENT)
}
