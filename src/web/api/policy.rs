//! Rules: profiles, devices, calendars, lists and settings, in the shapes of the configuration.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Json, Path, Query, aside};
use crate::config::edit::{CalendarForm, DeviceForm, ListForm, ProfileForm, Settings};
use crate::family::Scope;
use crate::web::{Trouble, Visitor, Web};

type Made<T> = Result<(StatusCode, Body<T>), Trouble>;
type Done = Result<StatusCode, Trouble>;

pub(super) async fn profiles(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<ProfileForm>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.profiles()?))
}

pub(super) async fn profile(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Body<ProfileForm>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.profile(&name)?))
}

pub(super) async fn add_profile(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(form): Json<ProfileForm>,
) -> Made<ProfileForm> {
    let form = aside(move || web.add_profile(&visitor, &form).and_then(|()| web.profile(form.name.trim()))).await?;
    Ok((StatusCode::CREATED, Body(form)))
}

pub(super) async fn set_profile(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Json(form): Json<ProfileForm>,
) -> Result<Body<ProfileForm>, Trouble> {
    aside(move || web.set_profile(&visitor, &name, &form).and_then(|()| web.profile(form.name.trim()))).await.map(Body)
}

#[derive(Deserialize)]
pub(super) struct Replacement {
    replacement: Option<String>,
}

pub(super) async fn remove_profile(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(query): Query<Replacement>,
) -> Done {
    aside(move || web.remove_profile(&visitor, &name, query.replacement.as_deref())).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn devices(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<DeviceForm>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.devices()?))
}

pub(super) async fn add_device(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(form): Json<DeviceForm>,
) -> Made<DeviceForm> {
    let form = aside(move || web.add_device(&visitor, &form).map(|()| form)).await?;
    Ok((StatusCode::CREATED, Body(form)))
}

pub(super) async fn set_device(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(position): Path<usize>,
    Json(form): Json<DeviceForm>,
) -> Result<Body<DeviceForm>, Trouble> {
    aside(move || web.set_device(&visitor, position, &form).map(|()| form)).await.map(Body)
}

pub(super) async fn remove_device(State(web): State<Arc<Web>>, visitor: Visitor, Path(position): Path<usize>) -> Done {
    aside(move || web.remove_device(&visitor, position)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignBody {
    key: String,
    profile: String,
    #[serde(default)]
    name: String,
}

pub(super) async fn assign(State(web): State<Arc<Web>>, visitor: Visitor, Json(body): Json<AssignBody>) -> Done {
    aside(move || web.assign(&visitor, &body.key, &body.profile, &body.name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn calendars(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<CalendarForm>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.calendars()?))
}

pub(super) async fn add_calendar(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(form): Json<CalendarForm>,
) -> Made<CalendarForm> {
    let form = aside(move || web.add_calendar(&visitor, &form).map(|()| form)).await?;
    Ok((StatusCode::CREATED, Body(form)))
}

pub(super) async fn set_calendar(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(name): Path<String>,
    Json(form): Json<CalendarForm>,
) -> Result<Body<CalendarForm>, Trouble> {
    aside(move || web.set_calendar(&visitor, &name, &form).map(|()| form)).await.map(Body)
}

pub(super) async fn remove_calendar(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Done {
    aside(move || web.remove_calendar(&visitor, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn lists(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<ListForm>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.lists()?))
}

pub(super) async fn add_list(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(form): Json<ListForm>,
) -> Made<ListForm> {
    let form = aside(move || web.add_list(&visitor, &form).map(|()| form)).await?;
    Ok((StatusCode::CREATED, Body(form)))
}

pub(super) async fn remove_list(State(web): State<Arc<Web>>, visitor: Visitor, Path(name): Path<String>) -> Done {
    aside(move || web.remove_list(&visitor, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn update_lists(web: State<Arc<Web>>, visitor: Visitor) -> Done {
    web.update_lists(&visitor)?;
    Ok(StatusCode::ACCEPTED)
}

pub(super) async fn settings(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Settings>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.settings()?))
}

pub(super) async fn set_settings(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(settings): Json<Settings>,
) -> Result<Body<Settings>, Trouble> {
    aside(move || web.set_settings(&visitor, &settings).and_then(|()| web.settings())).await.map(Body)
}
