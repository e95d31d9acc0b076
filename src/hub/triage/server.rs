//! The desk's pages over HTTP: who asks, what they may see, what a form does. Rendered here, without a script. Every answer
//! is worked out aside, since the database waits for a disk.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::classify::Category;
use crate::clock::now_secs;
use crate::hub::triage::accounts::{Account, csrf};
use crate::hub::triage::desk::{Desk, Wish};
use crate::hub::triage::state::{Reason, Step};
use crate::hub::triage::store::TriageError;
use crate::hub::triage::views;
use crate::web::guard::{BODY_MAX, Peer, cookie, dress, nonce};
use crate::web::pages::desk::{DeskFrame, DeskSignIn, DeskText, DeskWrong};
use crate::web::pages::style;
use crate::web::text::Language;

/// The session's cookie, the one of the form before it, and the language's.
const COOKIE: &str = "luytre_desk";
const FORM: &str = "luytre_desk_form";
const LANGUAGE: &str = "luytre_language";
/// More people than any desk has.
const CONNECTIONS_MAX: usize = 256;
/// A request that takes longer ends.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// How often the published list is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// One request, taken apart.
pub(super) struct Asked {
    /// Whether it is a form.
    is_post: bool,
    /// Its path.
    pub path: String,
    /// Path and query.
    pub here: String,
    /// Fields of the query, or of the form.
    fields: Vec<(String, String)>,
    languages: (Option<String>, Option<String>),
    session: Option<String>,
    form: Option<String>,
    /// Cookies go over TLS alone.
    is_secure: bool,
    /// `None` for this machine: what ends TLS here speaks for everybody.
    from: Option<IpAddr>,
    now: i64,
}

/// What is sent back instead of a page.
pub(super) enum Stop {
    /// To that path.
    To(String),
    /// With that status, and why.
    Wrong(StatusCode, String),
    /// A page with that status.
    Page(StatusCode, String),
}

impl From<TriageError> for Stop {
    fn from(error: TriageError) -> Stop {
        let status = match &error {
            TriageError::NoSuch => StatusCode::NOT_FOUND,
            TriageError::Refused(_) => StatusCode::CONFLICT,
            TriageError::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Stop::Wrong(status, error.to_string())
    }
}

/// Serves until the runtime ends, and looks at the published list meanwhile.
pub async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    let looking = Arc::clone(&desk);
    tokio::spawn(async move {
        loop {
            let desk = Arc::clone(&looking);
            let done = tokio::task::spawn_blocking(move || desk.look(now())).await;
            if let Ok(Err(error)) = done {
                tracing::error!("the desk cannot look at what was published: {error}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    });
    let router = Router::new()
        .fallback(handle)
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn(|request, next: middleware::Next| async move {
            let mut response = match tokio::time::timeout(ANSWER_MAX, next.run(request)).await {
                Ok(response) => response,
                Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
            };
            dress(response.headers_mut(), &nonce());
            response
        }))
        .with_state(desk);
    crate::web::server::serve(listener, router, Arc::new(Semaphore::new(CONNECTIONS_MAX)), None).await;
}

async fn handle(
    State(desk): State<Arc<Desk>>,
    Extension(peer): Extension<Peer>,
    (method, uri, headers): (Method, Uri, HeaderMap),
    body: Bytes,
) -> Response {
    let is_post = match method {
        Method::GET | Method::HEAD => false,
        Method::POST => true,
        _ => return StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    if uri.path() == "/style.css" {
        return ([(header::CONTENT_TYPE, "text/css")], style::served()).into_response();
    }
    let Ok(asked) = Asked::of(is_post, &uri, &headers, &body, peer) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let answered = tokio::task::spawn_blocking(move || answer(&desk, &asked)).await;
    answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

impl Asked {
    /// `Err` for a request that another site's page makes.
    fn of(is_post: bool, uri: &Uri, headers: &HeaderMap, body: &[u8], peer: Peer) -> Result<Asked, ()> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if is_post && text("sec-fetch-site") == Some("cross-site") {
            return Err(());
        }
        let fields = if is_post { body } else { uri.query().unwrap_or("").as_bytes() };
        let host = text("host").unwrap_or("");
        let peer = peer.ip.to_canonical();
        Ok(Asked {
            is_post,
            path: uri.path().to_string(),
            here: uri.path_and_query().map_or("/", |all| all.as_str()).to_string(),
            fields: form_urlencoded::parse(fields).map(|(key, value)| (key.into(), value.into())).collect(),
            languages: (cookie(headers, LANGUAGE).map(str::to_string), text("accept-language").map(str::to_string)),
            session: cookie(headers, COOKIE).map(str::to_string),
            form: cookie(headers, FORM).map(str::to_string),
            is_secure: !is_loopback(host),
            from: (!peer.is_loopback()).then_some(peer),
            now: now(),
        })
    }

    /// A field; empty where it is missing.
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn language(&self) -> Language {
        Language::choose(self.languages.0.as_deref(), self.languages.1.as_deref())
    }

    /// Round a page of somebody, or of nobody yet.
    pub(super) fn frame(&self, who: Option<&Account>, secret: &str, part: &'static str) -> DeskFrame {
        DeskFrame {
            language: self.language(),
            csrf: csrf(secret),
            who: who.map(|who| (who.name.clone(), who.role.code())),
            part,
            here: if self.is_post { "/".into() } else { self.here.clone() },
        }
    }

    fn check_form(&self, secret: &str) -> Result<(), Stop> {
        let (sent, expected) = (self.field("csrf"), csrf(secret));
        let is_ours = verify_slices_are_equal(sent.as_bytes(), expected.as_bytes()).is_ok();
        if is_ours { Ok(()) } else { Err(Stop::Wrong(StatusCode::FORBIDDEN, "this form is not of this page".into())) }
    }

    fn set_cookie(&self, name: &str, value: &str, more: &str) -> String {
        let secure = if self.is_secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
    }
}

/// The one way of every request: signing in, or somebody known with a page or a form.
fn answer(desk: &Desk, asked: &Asked) -> Response {
    if let Some(code) = asked.path.strip_prefix("/language/") {
        return language(asked, code);
    }
    let secret = asked.session.clone().unwrap_or_default();
    let who = match desk.store.session(&secret, asked.now) {
        Ok(who) => who,
        Err(error) => return stop(asked, None, &secret, error.into()),
    };
    let Some(who) = who else {
        return if asked.is_post && asked.path == "/sign-in" { sign_in(desk, asked) } else { door(asked, None) };
    };
    let done = if asked.is_post { act(desk, asked, &who, &secret) } else { views::page(desk, asked, &who, &secret) };
    match done {
        Ok(html) => page(StatusCode::OK, html),
        Err(stopped) => stop(asked, Some(&who), &secret, stopped),
    }
}

/// What a form does. What was refused is told on the candidate's own page.
fn act(desk: &Desk, asked: &Asked, who: &Account, secret: &str) -> Result<String, Stop> {
    asked.check_form(secret)?;
    match asked.path.as_str() {
        "/sign-out" => {
            desk.store.sign_out(secret)?;
            Err(Stop::To("/".into()))
        }
        "/sign-in" => Err(Stop::To("/".into())),
        "/step" => {
            let (category, step, reason) = (
                Category::from_code(asked.field("category")),
                Step::from_code(asked.field("step")),
                Reason::from_code(asked.field("reason")),
            );
            let (Some(category), Some(step), Some(reason)) = (category, step, reason) else {
                return Err(Stop::Wrong(StatusCode::BAD_REQUEST, "no such category, step or reason".into()));
            };
            let name = asked.field("name");
            let wish = Wish { name, category, step, reason, note: asked.field("note") };
            match desk.take(&wish, who, asked.now) {
                Ok(_) => Err(Stop::To(views::path_of(name, category))),
                Err(TriageError::Refused(text)) => {
                    let frame = asked.frame(Some(who), secret, "/");
                    let html = views::candidate(desk, asked, who, frame, Some(text))?;
                    Err(Stop::Page(StatusCode::CONFLICT, html))
                }
                Err(error) => Err(error.into()),
            }
        }
        _ => Err(Stop::Wrong(StatusCode::NOT_FOUND, "there is no such page".into())),
    }
}

/// The page on which people sign in, with a form of its own secret.
fn door(asked: &Asked, fault: Option<String>) -> Response {
    let secret = nonce();
    let status = match (&fault, asked.path.as_str()) {
        (Some(_), _) => StatusCode::FORBIDDEN,
        (None, "/" | "/sign-in") => StatusCode::OK,
        (None, _) => StatusCode::UNAUTHORIZED,
    };
    let html = DeskSignIn { frame: asked.frame(None, &secret, ""), fault }.html();
    with_cookie(page(status, html), &asked.set_cookie(FORM, &secret, ""))
}

fn sign_in(desk: &Desk, asked: &Asked) -> Response {
    let form = asked.form.clone().unwrap_or_default();
    if form.is_empty() {
        return stop(asked, None, "", Stop::Wrong(StatusCode::FORBIDDEN, "this form is not of this page".into()));
    }
    if let Err(stopped) = asked.check_form(&form) {
        return stop(asked, None, "", stopped);
    }
    let shown = (asked.field("name"), asked.field("password"));
    let language = asked.language();
    match desk.store.sign_in(&desk.tries, shown, asked.from, asked.now) {
        Ok(secret) => with_cookie(Redirect::to("/").into_response(), &asked.set_cookie(COOKIE, &secret, "")),
        Err(TriageError::Refused(_)) => door(asked, Some(DeskText::SignInWrong.of(language).into_owned())),
        Err(TriageError::Wait(seconds)) => door(asked, Some(DeskText::wait(language, seconds).into_owned())),
        Err(error) => stop(asked, None, "", error.into()),
    }
}

fn language(asked: &Asked, code: &str) -> Response {
    let back = asked.field("back");
    // A path of ours, and not another host (`//host`, `/\host`).
    let is_path = back.starts_with('/') && !back.starts_with("//") && !back.contains(['\\', '\r', '\n']);
    let response = Redirect::to(if is_path { back } else { "/" }).into_response();
    match Language::from_code(code) {
        Some(language) => with_cookie(response, &asked.set_cookie(LANGUAGE, language.code(), "; Max-Age=31536000")),
        None => response,
    }
}

fn stop(asked: &Asked, who: Option<&Account>, secret: &str, stopped: Stop) -> Response {
    match stopped {
        Stop::To(path) => Redirect::to(&path).into_response(),
        Stop::Page(status, html) => page(status, html),
        Stop::Wrong(status, detail) => {
            let shown = if status.is_server_error() {
                tracing::error!("the desk: {detail}");
                "the desk could not do its work".to_string()
            } else {
                detail
            };
            let wrong = DeskWrong { frame: asked.frame(who, secret, ""), status: status.as_u16(), detail: shown };
            page(status, wrong.html())
        }
    }
}

fn page(status: StatusCode, html: String) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Host and perhaps port of this machine itself, where nothing can listen on the way.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|addr| addr.is_loopback())
}

fn now() -> i64 {
    i64::try_from(now_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_goes_in_the_open_on_this_machine_alone() {
        for host in ["localhost", "127.0.0.1:8400", "[::1]:8400", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["desk.example", "desk.example:443", "192.0.2.1:8400", "", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
