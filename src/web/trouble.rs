//! What can go wrong with a request, and how that is told: as JSON to programs, as a page to people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::document::Fault;
use crate::family;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nobody is signed in.
    #[error("sign in first")]
    NotSignedIn,
    /// Somebody is, who may not.
    #[error("you may not do this")]
    Forbidden,
    /// There is no such thing.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// The request makes no sense; why.
    #[error("{0}")]
    Invalid(String),
    /// The configuration would have faults.
    #[error("the change is not possible")]
    Faults(Vec<Fault>),
    /// Somebody else changed it meanwhile.
    #[error("{0}")]
    Conflict(String),
    /// Too many tries; seconds to wait.
    #[error("too many tries; wait {0} s")]
    Wait(u64),
    /// Ours. Told in the log.
    #[error("something went wrong here")]
    Internal(String),
}

impl Trouble {
    /// The status that says so.
    pub fn status(&self) -> StatusCode {
        match self {
            Trouble::NotSignedIn => StatusCode::UNAUTHORIZED,
            Trouble::Forbidden => StatusCode::FORBIDDEN,
            Trouble::NoSuch(_) => StatusCode::NOT_FOUND,
            Trouble::Invalid(_) | Trouble::Faults(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Trouble::Conflict(_) => StatusCode::CONFLICT,
            Trouble::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            Trouble::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The faults, as lines without the file's name.
    pub fn lines(&self) -> Vec<String> {
        match self {
            Trouble::Faults(faults) => faults.iter().map(|fault| fault.what.clone()).collect(),
            other => vec![other.to_string()],
        }
    }
}

impl From<family::Error> for Trouble {
    fn from(error: family::Error) -> Trouble {
        match error {
            family::Error::NoSuch(what) => Trouble::NoSuch(what),
            family::Error::Refused(why) => Trouble::Invalid(why.to_string()),
            family::Error::Wait(secs) => Trouble::Wait(secs),
            other => Trouble::Internal(other.to_string()),
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        if let Trouble::Internal(what) = &self {
            tracing::error!("a request failed: {what}");
        }
        let mut body = json!({ "error": self.to_string() });
        if let Trouble::Faults(_) = &self {
            body["faults"] = self.lines().into();
        }
        let mut response = (self.status(), axum::Json(body)).into_response();
        if let Trouble::Wait(secs) = self {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}
