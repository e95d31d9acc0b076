//! Grants, pauses, requests, and codes for being away.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{Json, Path, Query, aside};
use crate::family::{Answer, GrantRow, RequestRow, Scope, Who};
use crate::web::steering::Lasts;
use crate::web::{Trouble, Visitor, Web};

/// `minutes`, or the rest of the day.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LastsBody {
    minutes: Option<u32>,
    #[serde(default)]
    today: bool,
}

impl LastsBody {
    fn lasts(self) -> Result<Lasts, Trouble> {
        match (self.minutes, self.today) {
            (Some(minutes), false) => Ok(Lasts::Minutes(minutes)),
            (None, true) => Ok(Lasts::Today),
            _ => Err(Trouble::Invalid("either `minutes` or `today` has to be given".into())),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantBody {
    profile: String,
    what: String,
    lasts: LastsBody,
}

pub(super) async fn grants(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<GrantRow>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.moments(visitor.now)?.grants))
}

pub(super) async fn grant(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<GrantBody>,
) -> Result<(StatusCode, Body<GrantRow>), Trouble> {
    let lasts = body.lasts.lasts()?;
    let row = aside(move || web.grant(&visitor, &body.profile, &body.what, lasts)).await?;
    Ok((StatusCode::CREATED, Body(row)))
}

pub(super) async fn take_back(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<StatusCode, Trouble> {
    aside(move || web.take_back(&visitor, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A pause as JSON has it.
#[derive(Serialize)]
pub(super) struct PauseView {
    who: String,
    until: i64,
    by: String,
}

pub(super) async fn pauses(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<PauseView>>, Trouble> {
    visitor.may(Scope::Read)?;
    let pauses = web.moments(visitor.now)?.pauses.into_iter();
    Ok(Body(pauses.map(|pause| PauseView { who: pause.who.key(), until: pause.until, by: pause.by }).collect()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PauseBody {
    who: String,
    lasts: LastsBody,
}

fn who(text: &str) -> Result<Who, Trouble> {
    Who::parse(text).ok_or_else(|| Trouble::Invalid("`who` is house, profile:NAME or device:ADDRESS".into()))
}

pub(super) async fn pause(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<PauseBody>,
) -> Result<(StatusCode, Body<PauseView>), Trouble> {
    let (who, lasts) = (who(&body.who)?, body.lasts.lasts()?);
    let by = visitor.may(Scope::Moments)?.to_string();
    let until = aside(move || web.pause(&visitor, &who, lasts)).await?;
    Ok((StatusCode::CREATED, Body(PauseView { who: body.who, until, by })))
}

#[derive(Deserialize)]
pub(super) struct WhoQuery {
    who: String,
}

pub(super) async fn resume(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Query(query): Query<WhoQuery>,
) -> Result<StatusCode, Trouble> {
    let who = who(&query.who)?;
    aside(move || web.resume(&visitor, &who)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn requests(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<RequestRow>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.family.requests(None)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody {
    answer: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn answer(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Json(body): Json<AnswerBody>,
) -> Result<StatusCode, Trouble> {
    let answer = Answer::from_code(&body.answer)
        .ok_or_else(|| Trouble::Invalid("`answer` is once, hour, today, always or no".into()))?;
    aside(move || web.answer(&visitor, id, answer, &body.reason)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Codes that a guardian reads out to a child.
#[derive(Serialize)]
pub(super) struct CodeView {
    /// `15` or `60` minutes, or `today`.
    lasts: &'static str,
    code: String,
}

pub(super) async fn code(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(profile): Path<String>,
) -> Result<Body<Vec<CodeView>>, Trouble> {
    let codes = aside(move || web.codes(&visitor, &profile)).await?;
    Ok(Body(codes.into_iter().map(|(extra, code)| CodeView { lasts: extra.code(), code }).collect()))
}

pub(super) async fn renew_code(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(profile): Path<String>,
) -> Result<StatusCode, Trouble> {
    aside(move || web.renew_codes(&visitor, &profile)).await?;
    Ok(StatusCode::NO_CONTENT)
}
