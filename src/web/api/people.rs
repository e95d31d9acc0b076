//! Setting up, signing in, accounts, tokens, and what was done.

use std::sync::Arc;

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::{Json, Path, aside};
use crate::family::{Account, Act, Role, Scope, TokenRow};
use crate::web::sessions::{self, SignIn};
use crate::web::{Trouble, Visitor, Web};

/// Who is signed in.
#[derive(Serialize)]
pub(super) struct SessionView {
    account: Option<Account>,
    /// To be sent as `x-csrf-token` with every change.
    csrf: Option<String>,
    /// There is no guardian yet.
    is_new: bool,
}

pub(super) async fn session(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<SessionView>, Trouble> {
    let csrf = visitor.session.is_some().then(|| visitor.csrf.clone());
    Ok(Body(SessionView { account: visitor.account().cloned(), csrf, is_new: web.family.is_new()? }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUpBody {
    name: String,
    password: String,
}

pub(super) async fn set_up(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<SetUpBody>,
) -> Result<Response, Trouble> {
    let is_tls = visitor.is_tls;
    let session = aside(move || web.set_up(&visitor, &body.name, &body.password)).await?;
    Ok(signed_in(StatusCode::CREATED, &session, is_tls))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    name: String,
    password: String,
    #[serde(default)]
    code: String,
}

pub(super) async fn sign_in(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<SignInBody>,
) -> Result<Response, Trouble> {
    let is_tls = visitor.is_tls;
    let SignInBody { name, password, code } = body;
    let session = aside(move || web.sign_in(&visitor, &SignIn { name, password, code })).await?;
    Ok(signed_in(StatusCode::OK, &session, is_tls))
}

fn signed_in(status: StatusCode, session: &crate::family::Session, is_tls: bool) -> Response {
    let view = SessionView {
        account: Some(session.account.clone()),
        csrf: Some(crate::family::Session::csrf(&session.secret)),
        is_new: false,
    };
    let mut response = (status, Body(view)).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&sessions::cookie(&session.secret, is_tls)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

pub(super) async fn sign_out(State(web): State<Arc<Web>>, visitor: Visitor) -> Result<Response, Trouble> {
    web.sign_out(&visitor)?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(&sessions::no_cookie(visitor.is_tls)) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    old: String,
    new: String,
}

pub(super) async fn change_password(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<PasswordBody>,
) -> Result<StatusCode, Trouble> {
    aside(move || web.change_password(&visitor, &body.old, &body.new)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A secret for one-time codes, not yet in use.
#[derive(Serialize)]
pub(super) struct TotpView {
    secret: String,
    url: String,
}

pub(super) async fn new_totp(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<TotpView>, Trouble> {
    let account = visitor.account().ok_or(Trouble::NotSignedIn)?;
    let (secret, url) = web.family.new_totp(&account.name)?;
    Ok(Body(TotpView { secret, url }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TotpBody {
    secret: String,
    code: String,
}

pub(super) async fn use_totp(
    web: State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<TotpBody>,
) -> Result<StatusCode, Trouble> {
    web.set_totp(&visitor, Some((&body.secret, &body.code)))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn drop_totp(web: State<Arc<Web>>, visitor: Visitor) -> Result<StatusCode, Trouble> {
    web.set_totp(&visitor, None)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn accounts(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<Account>>, Trouble> {
    visitor.may(Scope::People)?;
    Ok(Body(web.family.accounts()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountBody {
    name: String,
    password: String,
    role: String,
    profile: Option<String>,
}

/// Something new, by its number.
#[derive(Serialize)]
pub(super) struct Made {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

pub(super) async fn add_account(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<AccountBody>,
) -> Result<(StatusCode, Body<Made>), Trouble> {
    let role = Role::from_code(&body.role)
        .ok_or_else(|| Trouble::Invalid("`role` is guardian, second, reader or child".into()))?;
    let id =
        aside(move || web.add_account(&visitor, &body.name, &body.password, role, body.profile.as_deref())).await?;
    Ok((StatusCode::CREATED, Body(Made { id, token: None })))
}

pub(super) async fn remove_account(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<StatusCode, Trouble> {
    web.remove_account(&visitor, id)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn tokens(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<TokenRow>>, Trouble> {
    visitor.may(Scope::People)?;
    Ok(Body(web.family.tokens()?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    name: String,
    scopes: Vec<String>,
}

pub(super) async fn add_token(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Json(body): Json<TokenBody>,
) -> Result<(StatusCode, Body<Made>), Trouble> {
    let scopes: Option<Vec<Scope>> = body.scopes.iter().map(|code| Scope::from_code(code)).collect();
    let scopes = scopes.ok_or_else(|| Trouble::Invalid("scopes are read, moments, policy and people".into()))?;
    let (id, token) = web.add_token(&visitor, &body.name, &scopes)?;
    Ok((StatusCode::CREATED, Body(Made { id, token: Some(token) })))
}

pub(super) async fn remove_token(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
    Path(id): Path<i64>,
) -> Result<StatusCode, Trouble> {
    web.remove_token(&visitor, id)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn acts(web: State<Arc<Web>>, visitor: Visitor) -> Result<Body<Vec<Act>>, Trouble> {
    visitor.may(Scope::Read)?;
    Ok(Body(web.family.acts(None, 500)?))
}
