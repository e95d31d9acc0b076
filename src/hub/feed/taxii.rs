//! TAXII 2.1 (OASIS Standard, 10 June 2021), for reading alone: discovery, one API root, one collection, its manifest, objects
//! and versions. Takes nothing from anybody.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::clock::now_secs;
use crate::hub::feed::stix::{Terms, micros, objects, own_uuid};
use crate::hub::feed::versions::{Version, after, of, publish};
use crate::hub::triage::desk::Desk;
use crate::hub::triage::store::TriageError;

/// What is sent, and what has to be asked for.
const MEDIA: &str = "application/taxii+json;version=2.1";
const STIX: &str = "application/stix+json;version=2.1";
/// Objects on a page where nobody asks for fewer.
const PAGE_MAX: usize = 500;
/// Parts of a filter; a URL is short.
const FILTER_MAX: usize = 100;
const CONNECTIONS_MAX: usize = 256;
/// How often it is looked for something new.
const PUBLISH_EVERY: Duration = Duration::from_secs(30);

/// What is served, and to whom.
pub struct Feed {
    /// Where it comes from.
    pub desk: Arc<Desk>,
    /// What is said.
    pub terms: Terms,
    /// As the feed is reached from outside, without a slash at its end; `None`: as each client names it, without TLS.
    pub url: Option<String>,
    /// `name:secret` of those who may read; empty: everybody who reaches it.
    pub readers: Vec<String>,
    kept: Mutex<Arc<Vec<Version>>>,
}

/// Why there is no answer.
struct Refusal(StatusCode, &'static str);

type Answer = Result<Sent, Refusal>;

/// A resource, and the moments at which the first and last of its objects were added.
struct Sent {
    body: Json,
    added: Option<(i64, i64)>,
}

/// What a client asks for.
#[derive(Default)]
struct Filter {
    after: i64,
    limit: usize,
    ids: Vec<String>,
    kinds: Vec<String>,
    versions: Vec<String>,
    spec_versions: Vec<String>,
}

impl Feed {
    /// A feed of a desk.
    pub fn new(desk: Arc<Desk>, terms: Terms, url: Option<String>, readers: Vec<String>) -> Feed {
        Feed { desk, terms, url, readers, kept: Mutex::default() }
    }

    /// Adds versions of what changed since; how many.
    pub fn publish(&self, now: i64) -> Result<u64, TriageError> {
        let (objects, gone) = objects(&self.desk, &self.terms)?;
        publish(&self.desk.store.database, &objects, &gone, now)
    }

    /// All versions, oldest first; read anew where something was added or forgotten.
    fn versions(&self) -> Result<Arc<Vec<Version>>, TriageError> {
        let question = "SELECT count(*), COALESCE(MAX(added), 0) FROM feed_object";
        let rows = self.desk.store.database.query(question, &[])?;
        let number = |at: usize| rows.first().and_then(|row| row.get(at)).and_then(|value| value.int()).unwrap_or(0);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = kept.last().map_or(0, |version| version.added);
        if usize::try_from(number(0)).ok() != Some(kept.len()) || number(1) != newest {
            *kept = Arc::new(after(&self.desk.store.database, 0)?);
        }
        Ok(Arc::clone(&kept))
    }

    fn may_read(&self, headers: &HeaderMap) -> bool {
        if self.readers.is_empty() {
            return true;
        }
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or("");
        let (scheme, rest) = shown.split_once(' ').unwrap_or_default();
        // Digests are of one length, so comparing them tells nothing.
        let digest_of = |text: &[u8]| digest(&SHA256, text);
        let is = |shown: &[u8], known: &str| {
            verify_slices_are_equal(digest_of(shown).as_ref(), digest_of(known.as_bytes()).as_ref()).is_ok()
        };
        if scheme.eq_ignore_ascii_case("basic") {
            let decoded = STANDARD.decode(rest.trim()).unwrap_or_default();
            return self.readers.iter().fold(false, |found, known| is(&decoded, known) | found);
        }
        let secrets = self.readers.iter().filter_map(|known| known.split_once(':'));
        scheme.eq_ignore_ascii_case("bearer")
            && secrets.fold(false, |found, (_, secret)| is(rest.trim().as_bytes(), secret) | found)
    }
}

/// Serves until the runtime ends, and looks for something new meanwhile.
pub async fn serve(listener: TcpListener, feed: Arc<Feed>) {
    let publishing = Arc::clone(&feed);
    tokio::spawn(async move {
        loop {
            let feed = Arc::clone(&publishing);
            let now = i64::try_from(now_secs()).unwrap_or(i64::MAX);
            let done = tokio::task::spawn_blocking(move || feed.publish(now)).await;
            if let Ok(Err(error)) = done {
                tracing::error!("nothing new is published: {error}");
            }
            tokio::time::sleep(PUBLISH_EVERY).await;
        }
    });
    let router = Router::new().fallback(handle).layer(DefaultBodyLimit::max(0)).with_state(feed);
    crate::web::server::serve(listener, router, Arc::new(Semaphore::new(CONNECTIONS_MAX)), None).await;
}

async fn handle(State(feed): State<Arc<Feed>>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let answered = tokio::task::spawn_blocking(move || answer(&feed, &method, &uri, &headers)).await;
    answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn answer(feed: &Feed, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
    let answered = if !feed.may_read(headers) {
        Err(Refusal(StatusCode::UNAUTHORIZED, "who asks?"))
    } else if !is_acceptable(headers) {
        Err(Refusal(StatusCode::NOT_ACCEPTABLE, "the answer is application/taxii+json;version=2.1"))
    } else {
        resource(feed, method, uri, headers)
    };
    let mut response = match answered {
        Ok(sent) => dressed(StatusCode::OK, &sent.body, sent.added),
        Err(Refusal(status, title)) => {
            dressed(status, &json!({ "title": title, "http_status": status.as_u16().to_string() }), None)
        }
    };
    if response.status() == StatusCode::UNAUTHORIZED {
        let realm = HeaderValue::from_static("Basic realm=\"taxii\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, realm);
    }
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}

fn dressed(status: StatusCode, body: &Json, added: Option<(i64, i64)>) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some((first, last)) = added {
        for (name, at) in [("x-taxii-date-added-first", first), ("x-taxii-date-added-last", last)] {
            if let Ok(value) = HeaderValue::from_str(&micros(at)) {
                headers.insert(name, value);
            }
        }
    }
    response
}

/// What is named in no version, or in 2.1, is understood; so is somebody who takes anything.
fn is_acceptable(headers: &HeaderMap) -> bool {
    let mut all = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if all.peek().is_none() {
        return true;
    }
    all.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
        let kind = parts.next().unwrap_or_default();
        let version =
            parts.find_map(|part| part.strip_prefix("version=").map(|value| value.trim_matches('"').to_string()));
        kind == "*/*" || (kind == "application/taxii+json" && version.is_none_or(|version| version == "2.1"))
    })
}

const NOT_THERE: Refusal = Refusal(StatusCode::NOT_FOUND, "there is no such resource");

fn resource(feed: &Feed, method: &Method, uri: &Uri, headers: &HeaderMap) -> Answer {
    let collection = own_uuid(&["collection"]);
    let parts: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let known = match parts.as_slice() {
        ["taxii2"] | ["triage"] | ["triage", "collections"] => true,
        ["triage", "collections", id, rest @ ..] if *id == collection => {
            matches!(rest, [] | ["manifest" | "objects"] | ["objects", _] | ["objects", _, "versions"])
        }
        _ => false,
    };
    if !known {
        return Err(NOT_THERE);
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(Refusal(StatusCode::METHOD_NOT_ALLOWED, "this server is for reading"));
    }
    let alone = |body: Json| Ok(Sent { body, added: None });
    let filter = Filter::of(uri.query().unwrap_or(""))?;
    match parts.as_slice() {
        ["taxii2"] => alone(discovery(feed, headers)),
        ["triage"] => alone(json!({
            "title": "Triage", "description": "What many homes met and people verified",
            "versions": [MEDIA], "max_content_length": 1,
        })),
        ["triage", "collections"] => alone(json!({ "collections": [about(&collection)] })),
        ["triage", "collections", _] => alone(about(&collection)),
        ["triage", "collections", _, "manifest"] => listed(feed, &filter, |chosen| {
            let one = |version: &&Version| {
                json!({ "id": version.id, "date_added": micros(version.added), "version": version.name(),
                        "media_type": STIX })
            };
            chosen.iter().map(one).collect()
        }),
        ["triage", "collections", _, "objects"] => listed(feed, &filter, bodies),
        ["triage", "collections", _, "objects", id] => {
            exists(feed, id)?;
            listed(feed, &Filter { ids: vec![(*id).to_string()], ..filter }, bodies)
        }
        ["triage", "collections", _, "objects", id, "versions"] => versions(feed, id, &filter),
        _ => Err(NOT_THERE),
    }
}

fn discovery(feed: &Feed, headers: &HeaderMap) -> Json {
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    let base = feed.url.clone().unwrap_or_else(|| format!("http://{host}"));
    let root = format!("{base}/triage/");
    json!({
        "title": feed.terms.publisher, "description": "Names that harm children, for others to protect them, too",
        "default": root, "api_roots": [root],
    })
}

fn about(collection: &str) -> Json {
    json!({
        "id": collection, "title": "Names verified by people",
        "description": "Indicators with the homes that met them, by epoch; what was taken back is revoked",
        "can_read": true, "can_write": false, "media_types": [STIX],
    })
}

fn bodies(chosen: &[&Version]) -> Vec<Json> {
    chosen.iter().map(|version| version.object.clone()).collect()
}

fn exists(feed: &Feed, id: &str) -> Result<(), Refusal> {
    if of(&feed.desk.store.database, id).map_err(failed)?.is_empty() { Err(NOT_THERE) } else { Ok(()) }
}

/// An envelope: objects, or lines of the manifest, a page at a time.
fn listed(feed: &Feed, filter: &Filter, write: impl Fn(&[&Version]) -> Vec<Json>) -> Answer {
    let all = feed.versions().map_err(failed)?;
    let chosen = filter.choose(&all);
    let page: Vec<&Version> = chosen.iter().copied().take(filter.limit).collect();
    let (Some(first), Some(last)) = (page.first(), page.last()) else {
        return Ok(Sent { body: json!({}), added: None });
    };
    let mut body = json!({ "objects": write(&page) });
    if let Some(map) = body.as_object_mut() {
        map.insert("more".into(), (chosen.len() > page.len()).into());
        if chosen.len() > page.len() {
            map.insert("next".into(), last.added.to_string().into());
        }
    }
    Ok(Sent { body, added: Some((first.added, last.added)) })
}

fn versions(feed: &Feed, id: &str, filter: &Filter) -> Answer {
    let all = of(&feed.desk.store.database, id).map_err(failed)?;
    if all.is_empty() {
        return Err(NOT_THERE);
    }
    let chosen: Vec<&Version> = all.iter().filter(|one| one.added > filter.after).collect();
    let page: Vec<&Version> = chosen.iter().copied().take(filter.limit).collect();
    let (Some(first), Some(last)) = (page.first(), page.last()) else {
        return Ok(Sent { body: json!({}), added: None });
    };
    let names: Vec<String> = page.iter().map(|one| one.name()).collect();
    let body = match chosen.len() > page.len() {
        true => json!({ "versions": names, "more": true, "next": last.added.to_string() }),
        false => json!({ "versions": names, "more": false }),
    };
    Ok(Sent { body, added: Some((first.added, last.added)) })
}

impl Filter {
    fn of(query: &str) -> Result<Filter, Refusal> {
        const BAD: Refusal = Refusal(StatusCode::BAD_REQUEST, "a parameter cannot be understood");
        let mut filter = Filter { limit: PAGE_MAX, ..Filter::default() };
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            let many = || value.split(',').take(FILTER_MAX).map(str::to_string).collect::<Vec<_>>();
            match &*key {
                "added_after" => {
                    let moment: Timestamp = value.parse().map_err(|_| BAD)?;
                    filter.after = filter.after.max(moment.as_microsecond());
                }
                "next" => filter.after = filter.after.max(value.parse().map_err(|_| BAD)?),
                "limit" => {
                    let limit: usize = value.parse().map_err(|_| BAD)?;
                    if limit == 0 {
                        return Err(BAD);
                    }
                    filter.limit = limit.min(PAGE_MAX);
                }
                "match[id]" => filter.ids = many(),
                "match[type]" => filter.kinds = many(),
                "match[version]" => filter.versions = many(),
                "match[spec_version]" => filter.spec_versions = many(),
                _ => {}
            }
        }
        Ok(filter)
    }

    /// The versions that are asked for, oldest first.
    fn choose<'v>(&self, all: &'v [Version]) -> Vec<&'v Version> {
        let newest: BTreeMap<&str, i64> = all.iter().map(|one| (one.id.as_str(), one.added)).collect();
        let oldest: BTreeMap<&str, i64> = all.iter().rev().map(|one| (one.id.as_str(), one.added)).collect();
        let ids: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        let is_version = |one: &Version, version: &str| match version {
            "all" => true,
            "last" => newest.get(one.id.as_str()) == Some(&one.added),
            "first" => oldest.get(one.id.as_str()) == Some(&one.added),
            moment => {
                let of = |text: &str| text.parse::<Timestamp>().ok();
                of(moment).is_some_and(|moment| Some(moment) == of(&one.name()))
            }
        };
        let is_chosen = |one: &&Version| {
            one.added > self.after
                && (ids.is_empty() || ids.contains(one.id.as_str()))
                && (self.kinds.is_empty() || self.kinds.iter().any(|kind| kind == one.kind()))
                && (self.spec_versions.is_empty() || self.spec_versions.iter().any(|version| version == "2.1"))
                && match self.versions.as_slice() {
                    [] => is_version(one, "last"),
                    some => some.iter().any(|version| is_version(one, version)),
                }
        };
        all.iter().filter(is_chosen).collect()
    }
}

fn failed(error: impl std::fmt::Display) -> Refusal {
    tracing::error!("the feed cannot be read: {error}");
    Refusal(StatusCode::INTERNAL_SERVER_ERROR, "the server could not do its work")
}
