//! Signing out and choosing a language.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::post;

use super::{Fields, Page, see, with_cookie};
use crate::web::{Visitor, Web, sessions};

pub(super) fn routes() -> Router<Arc<Web>> {
    Router::new().route("/dashboard/sign-out", post(sign_out))
}

async fn sign_out(State(web): State<Arc<Web>>, visitor: Visitor, _fields: Fields) -> Page {
    web.sign_out(&visitor)?;
    Ok(with_cookie(see("/dashboard/sign-in")?, &sessions::no_cookie(visitor.is_tls)))
}
