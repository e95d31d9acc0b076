//! The dashboard's handlers: forms in, pages out. What they change, `steering`, `sessions` and `policy` change; what they
//! show, `sight` finds; how it looks, `pages` knows. No other room's work is done here.

pub mod fields;

mod activity;
mod children;
mod devices;
mod diagnostics;
mod faults;
mod home;
mod hours;
mod lists;
mod people;
mod reports;
mod requests;
mod rules;
mod said;
mod sessions;
mod set_up;
mod settings;
mod simulator;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::pages::{Section, Shell};
use super::text::Language;
use super::{Trouble, Visitor, Web};
use crate::family::Scope;

pub use fields::Fields;

/// Every page below `/dashboard`.
pub(super) fn routes(web: Arc<Web>) -> Router<Arc<Web>> {
    let pages = Router::new()
        .merge(activity::routes())
        .merge(children::routes())
        .merge(devices::routes())
        .merge(diagnostics::routes())
        .merge(home::routes())
        .merge(hours::routes())
        .merge(lists::routes())
        .merge(people::routes())
        .merge(reports::routes())
        .merge(requests::routes())
        .merge(rules::routes())
        .merge(sessions::routes())
        .merge(set_up::routes())
        .merge(settings::routes())
        .merge(simulator::routes());
    pages.layer(from_fn_with_state(web, told))
}

/// A page, or why there is none.
pub type Page = Result<Response, Trouble>;

/// A finished page.
pub fn page(html: String) -> Page {
    Ok(Html(html).into_response())
}

/// A page that says what was wrong with the form it shows again.
pub fn page_again(html: String) -> Page {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(html)).into_response())
}

/// After a change: the page that shows it, so that going back sends no form twice.
pub fn see(path: &str) -> Page {
    Ok(Redirect::to(path).into_response())
}

/// A path of ours that a form names to come back to; else that other one.
pub fn local<'p>(back: &'p str, other: &'p str) -> &'p str {
    let is_ours =
        back.starts_with('/') && !back.starts_with("//") && !back.contains('\\') && !back.contains(char::is_control);
    if is_ours { back } else { other }
}

impl Visitor {
    /// The language of this visitor's pages.
    pub fn language(&self) -> Language {
        Language::choose(self.chosen_language.as_deref().or(self.own_language), self.languages.as_deref())
    }
}

impl Web {
    /// What stands round a guardian's page; refuses who may not read.
    pub fn shell(&self, visitor: &Visitor, section: Section, here: &str) -> Result<Shell, Trouble> {
        let name = visitor.may(Scope::Read)?.to_string();
        let waiting = self.family.requests(None)?.iter().filter(|request| request.answer.is_none()).count();
        Ok(Shell {
            language: visitor.language(),
            nonce: visitor.nonce.clone(),
            csrf: visitor.csrf.clone(),
            signed_in_as: Some(name),
            section,
            here: here.to_string(),
            waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
        })
    }

    /// The same for who is not signed in.
    pub fn bare_shell(&self, visitor: &Visitor, here: &str) -> Shell {
        Shell {
            language: visitor.language(),
            nonce: visitor.nonce.clone(),
            csrf: visitor.csrf.clone(),
            signed_in_as: None,
            section: Section::Home,
            here: here.to_string(),
            waiting: 0,
        }
    }
}

/// Tells troubles to people: who is not signed in is led to where that is done, others get a page.
async fn told(State(web): State<Arc<Web>>, visitor: Visitor, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let status = response.status();
    if !is_json || status.is_success() {
        return response;
    }
    if status == StatusCode::UNAUTHORIZED {
        let is_new = web.family.is_new().unwrap_or(false);
        return Redirect::to(if is_new { "/dashboard/set-up" } else { "/dashboard/sign-in" }).into_response();
    }
    let retry = response.headers().get(header::RETRY_AFTER).cloned();
    let mut page =
        (status, Html(super::pages::trouble(&web.bare_shell(&visitor, "/dashboard"), status.as_u16()))).into_response();
    if let Some(retry) = retry {
        page.headers_mut().insert(header::RETRY_AFTER, retry);
    }
    page
}

/// Puts a cookie into an answer.
pub fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
