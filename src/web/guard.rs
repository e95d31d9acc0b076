//! What every request passes: the name it came by (DNS rebinding), who sends it, whether a form is ours (CSRF), and the headers
//! of every answer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::visitor::{Person, Visitor};
use super::{Trouble, Web};
use crate::clock::now_secs;
use crate::family::Session;
use crate::identity::ClientAddr;
use crate::name::Name;

/// The session's cookie.
pub const COOKIE: &str = "luytre";
/// The language's cookie.
pub const LANGUAGE: &str = "luytre_language";
/// A body that comes too slowly, or an answer that takes too long, ends here. What is sent as events has begun by then.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Octets of a form or JSON body.
pub const BODY_MAX: usize = 64 << 10;

/// Where a connection came from; set by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The address.
    pub ip: IpAddr,
    /// By TLS.
    pub is_tls: bool,
}

/// A name under which somebody asked for this machine although it is another's.
#[derive(Debug, Clone)]
pub struct Foreign(pub String);

/// Lets a request in.
pub async fn guard(State(web): State<Arc<Web>>, mut request: Request, next: Next) -> Response {
    let nonce = nonce();
    let host = host_of(&request).map(str::to_string);
    let is_ours = host.as_deref().is_none_or(|host| web.is_ours(host));
    let admitted = visitor(&web, &request, nonce.clone());
    let mut response = match admitted {
        Err(trouble) => trouble.into_response(),
        Ok(visitor) => {
            request.extensions_mut().insert(visitor);
            if let Some(host) = host.filter(|_| !is_ours) {
                request.extensions_mut().insert(Foreign(host));
                // Whatever path another site has, here it has one.
                *request.uri_mut() = axum::http::Uri::from_static("/blocked");
                if !matches!(*request.method(), Method::GET | Method::HEAD) {
                    *request.method_mut() = Method::GET;
                    *request.body_mut() = Body::empty();
                }
            }
            match tokio::time::timeout(ANSWER_MAX, next.run(request)).await {
                Ok(response) => response,
                Err(_) => StatusCode::REQUEST_TIMEOUT.into_response(),
            }
        }
    };
    dress(response.headers_mut(), &nonce);
    response
}

impl Web {
    /// True for the names of this machine. An address is one: nobody else's page can have it.
    pub fn is_ours(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let options = self.options();
        Name::parse(host).is_ok_and(|name| name == options.name || options.hosts.contains(&name))
    }

    /// What a form of somebody who is not signed in has to send back: only a page of ours could give it to this device.
    pub fn form_token(&self, peer: IpAddr) -> String {
        let tag = hmac::sign(&self.key, peer.to_string().as_bytes());
        URL_SAFE_NO_PAD.encode(&tag.as_ref()[..16])
    }
}

fn visitor(web: &Web, request: &Request, nonce: String) -> Result<Visitor, Trouble> {
    let peer = request.extensions().get::<Peer>().copied().ok_or_else(|| Trouble::Internal("no peer".into()))?;
    let (headers, now) = (request.headers(), now_secs() as i64);
    let secret = cookie(headers, COOKIE).map(str::to_string);
    let mut visitor = Visitor {
        peer: peer.ip.to_canonical(),
        person: None,
        session: None,
        csrf: web.form_token(peer.ip.to_canonical()),
        languages: headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map(str::to_string),
        chosen_language: cookie(headers, LANGUAGE).map(str::to_string),
        own_language: web.judge.current().asker(ClientAddr::from(peer.ip).into()).language,
        nonce,
        is_tls: peer.is_tls,
        now,
    };
    if let Some(text) = bearer(headers) {
        let token = web.family.token(text, now)?.ok_or(Trouble::NotSignedIn)?;
        visitor.person = Some(Person::Token(token));
        return Ok(visitor);
    }
    if let Some(secret) = secret
        && let Some(account) = web.family.session(&secret, now)?
    {
        visitor.csrf = Session::csrf(&secret);
        visitor.person = Some(Person::Account(account));
        visitor.session = Some(secret);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        // The API has to be told in a header; forms tell in a field, which their handlers check.
        let is_api = request.uri().path().starts_with("/api/");
        let is_form = !is_api && content_type(headers).starts_with("application/x-www-form-urlencoded");
        if !is_form {
            from_our_own_page(headers)?;
        }
        if !is_form && visitor.session.is_some() {
            let sent = headers.get("x-csrf-token").and_then(|value| value.to_str().ok()).unwrap_or("");
            visitor.check_form(sent)?;
        }
    }
    Ok(visitor)
}

impl Visitor {
    /// Refuses a form that did not come from a page of ours.
    pub fn check_form(&self, sent: &str) -> Result<(), Trouble> {
        verify_slices_are_equal(sent.as_bytes(), self.csrf.as_bytes()).map_err(|_| Trouble::Forbidden)
    }
}

/// What the browser says of where a request comes from. The page of a refusal stands under the refused site's name, and its
/// form is known by its field.
fn from_our_own_page(headers: &HeaderMap) -> Result<(), Trouble> {
    match headers.get("sec-fetch-site").and_then(|value| value.to_str().ok()) {
        Some("cross-site") => Err(Trouble::Forbidden),
        _ => Ok(()),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ").map(str::trim)
}

/// A cookie's value.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// The host without its port.
fn host_of(request: &Request) -> Option<&str> {
    let host = request.uri().host().or_else(|| request.headers().get(header::HOST)?.to_str().ok())?;
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|octet| octet.is_ascii_digit()) && !name.ends_with(':') => {
            (!name.contains(':') || name.starts_with('[')).then_some(name).or(Some(host))
        }
        _ => Some(host),
    }
}

/// A nonce for the inline style and script of one answer.
pub fn nonce() -> String {
    let mut octets = [0; 16];
    // Without randomness nothing inline is shown, which is safe.
    let _ = aws_lc_rs::rand::fill(&mut octets);
    URL_SAFE_NO_PAD.encode(octets)
}

/// The headers of every answer: nothing is kept, framed, sniffed or told to others, and nothing foreign is loaded.
pub fn dress(headers: &mut HeaderMap, nonce: &str) {
    let policy = policy(nonce);
    let fixed: [(HeaderName, &'static str); 6] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), interest-cohort=()"),
    ];
    for (name, value) in fixed {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
}

/// The content security policy of an answer with that nonce.
pub fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'self' 'nonce-{nonce}'; script-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
}
