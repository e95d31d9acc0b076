//! The API: everything the dashboard does, as JSON. Its description is `openapi.json`; a test holds the two together.

mod events;
mod me;
mod moments;
mod openapi;
mod people;
mod policy;
mod reports;
mod sight;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts};
use axum::routing::{delete, get, post, put};

pub(super) use super::aside;
use super::{Trouble, Web};

/// Every route with its handler.
pub(super) fn routes() -> Router<Arc<Web>> {
    let routes = Router::new()
        .route("/openapi.json", get(openapi::document))
        .route("/setup", post(people::set_up))
        .route("/session", get(people::session).post(people::sign_in).delete(people::sign_out))
        .route("/session/password", put(people::change_password))
        .route("/session/totp", post(people::new_totp).put(people::use_totp).delete(people::drop_totp))
        .route("/accounts", get(people::accounts).post(people::add_account))
        .route("/accounts/{id}", delete(people::remove_account))
        .route("/tokens", get(people::tokens).post(people::add_token))
        .route("/tokens/{id}", delete(people::remove_token))
        .route("/acts", get(people::acts))
        .route("/grants", get(moments::grants).post(moments::grant))
        .route("/grants/{id}", delete(moments::take_back))
        .route("/pauses", get(moments::pauses).post(moments::pause).delete(moments::resume))
        .route("/requests", get(moments::requests))
        .route("/requests/{id}/answer", post(moments::answer))
        .route("/codes/{profile}", get(moments::code).post(moments::renew_code))
        .route("/profiles/{name}/activity", get(sight::activity).delete(sight::forget_activity))
        .route("/profiles/{name}/acts", get(sight::acts_of))
        .route("/profiles", get(policy::profiles).post(policy::add_profile))
        .route("/profiles/{name}", get(policy::profile).put(policy::set_profile).delete(policy::remove_profile))
        .route("/devices", get(policy::devices).post(policy::add_device))
        .route("/devices/{position}", put(policy::set_device).delete(policy::remove_device))
        .route("/devices/assign", post(policy::assign))
        .route("/calendars", get(policy::calendars).post(policy::add_calendar))
        .route("/calendars/{name}", put(policy::set_calendar).delete(policy::remove_calendar))
        .route("/lists", get(policy::lists).post(policy::add_list))
        .route("/lists/{name}", delete(policy::remove_list))
        .route("/lists/update", post(policy::update_lists))
        .route("/settings", get(policy::settings).put(policy::set_settings))
        .route("/reports", get(reports::state))
        .route("/reports/consent", put(reports::decide))
        .route("/reports/names", get(reports::names).post(reports::add_name))
        .route("/reports/names/{name}", delete(reports::remove_name))
        .route("/seen", get(sight::seen))
        .route("/seen/known", post(sight::know))
        .route("/status", get(sight::status))
        .route("/findings", get(sight::findings))
        .route("/explain", get(sight::explain))
        .route("/events", get(events::events))
        .route("/me", get(me::me))
        .route("/me/recent", get(me::recent))
        .route("/me/requests", get(me::requests).post(me::ask))
        .route("/me/acts", get(me::acts))
        .route("/me/activity", get(me::activity).delete(me::forget_activity))
        .route("/me/code", post(me::use_code));
    Router::new().nest("/api/v1", routes)
}

/// A JSON body whose faults are told as every other.
pub(super) struct Json<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromRequest<Arc<Web>> for Json<T> {
    type Rejection = Trouble;

    async fn from_request(request: axum::extract::Request, web: &Arc<Web>) -> Result<Json<T>, Trouble> {
        let read: Result<axum::Json<T>, JsonRejection> = axum::Json::from_request(request, web).await;
        read.map(|axum::Json(value)| Json(value)).map_err(|error| Trouble::Invalid(error.body_text()))
    }
}

/// A part of the path, likewise.
pub(super) struct Path<T>(pub T);

impl<T: serde::de::DeserializeOwned + Send> FromRequestParts<Arc<Web>> for Path<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, web: &Arc<Web>) -> Result<Path<T>, Trouble> {
        let read: Result<axum::extract::Path<T>, PathRejection> =
            axum::extract::Path::from_request_parts(parts, web).await;
        read.map(|axum::extract::Path(value)| Path(value)).map_err(|_| Trouble::NoSuch("page"))
    }
}

/// The query, likewise.
pub(super) struct Query<T>(pub T);

impl<T: serde::de::DeserializeOwned> FromRequestParts<Arc<Web>> for Query<T> {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, web: &Arc<Web>) -> Result<Query<T>, Trouble> {
        let read: Result<axum::extract::Query<T>, QueryRejection> =
            axum::extract::Query::from_request_parts(parts, web).await;
        read.map(|axum::extract::Query(value)| Query(value)).map_err(|error| Trouble::Invalid(error.body_text()))
    }
}
