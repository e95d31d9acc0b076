//! Signing in and out.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};

use super::faults::in_words;
use super::{Fields, Page, page, see, with_cookie};
use crate::family::Role;
use crate::web::pages::dashboard::fault::Fault;
use crate::web::pages::dashboard::sign_in::SignInPage;
use crate::web::sessions::{self, SignIn};
use crate::web::{Trouble, Visitor, Web, aside};

const HERE: &str = "/dashboard/sign-in";

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route(HERE, get(show).post(sign_in)).route("/dashboard/sign-out", post(sign_out))
}

async fn show(State(web): State<Arc<Web>>, visitor: Visitor) -> Page {
    match visitor.account() {
        Some(account) => see(home_of(account.role)),
        None if web.family.is_new()? => see("/dashboard/set-up"),
        None => page(asked(&web, &visitor, "", Fault::default())),
    }
}

fn asked(web: &Web, visitor: &Visitor, name: &str, fault: Fault) -> String {
    SignInPage { shell: web.bare_shell(visitor, HERE), name: name.to_string(), fault }.render()
}

async fn sign_in(State(web): State<Arc<Web>>, visitor: Visitor, fields: Fields) -> Page {
    aside(move || {
        let [name, code] = ["name", "code"].map(|field| fields.one(field).to_string());
        let password = fields.secret("password").to_string();
        match web.sign_in(&visitor, &SignIn { name: name.clone(), password, code }) {
            Ok(session) => {
                let cookie = sessions::cookie(&session.secret, visitor.is_tls);
                Ok(with_cookie(see(home_of(session.account.role))?, &cookie))
            }
            Err(trouble) => refused(&web, &visitor, &name, trouble),
        }
    })
    .await
}

fn refused(web: &Web, visitor: &Visitor, name: &str, trouble: Trouble) -> Page {
    let wait = if let Trouble::Wait(secs) = trouble { Some(secs) } else { None };
    let text = in_words(trouble, visitor.language())?;
    let html = Html(asked(web, visitor, name, Fault::of("", text)));
    let Some(secs) = wait else { return Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response()) };
    Ok((StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, HeaderValue::from(secs))], html).into_response())
}

async fn sign_out(State(web): State<Arc<Web>>, visitor: Visitor, _fields: Fields) -> Page {
    web.sign_out(&visitor)?;
    Ok(with_cookie(see(HERE)?, &sessions::no_cookie(visitor.is_tls)))
}

/// A child's own page is the portal.
fn home_of(role: Role) -> &'static str {
    if role == Role::Child { "/" } else { "/dashboard" }
}
