//! A role as a process: its doors, what happens by the clock, and an end in good order. A web server in front of it ends TLS.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Semaphore, watch};

use super::gateway::Operator;
use super::issuing::{self, Issuing};
use super::metrics::Metrics;
use super::opening::{BATCH_MAX, TABLES};
use super::post::Poster;
use super::relay::{self, Relay};
use super::secrets::{Folder, SecretError, read_shared};
use super::settings::{Role, Settings};
use super::store::Store;
use super::weeks::{Running, WEEKS_MAX};
use crate::clock::now_secs;
use crate::hub::database::DatabaseError;
use crate::hub::triage::schema::PUBLISHED;
use crate::report::calendar::Calendar;
use crate::report::manifest::{Manifest, ManifestError};
use crate::report::message::Lane;

/// Connections at once, of each door.
const CONNECTIONS_MAX: usize = 4096;
/// A head and a body come in this time.
const PATIENCE: Duration = Duration::from_secs(10);
/// The other operator opens a hand-over of thousands in this time.
const PEER_PATIENCE: Duration = Duration::from_secs(120);
/// What is in flight at the end has so long.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a role does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A door.
    #[error("cannot listen on {addr}: {error}")]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// The manifest's file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// Its content.
    #[error("{path}: {error}")]
    Manifest {
        /// Which.
        path: String,
        /// What is wrong.
        error: ManifestError,
    },
    /// Keys.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The manifest names somebody else for this role, or other keys.
    #[error(
        "the manifest does not have this operator by its name and key: put a new one together from its announcement"
    )]
    Stranger,
    /// A library refused its own names.
    #[error("the process cannot be set up")]
    Setup,
}

/// A request, as far as anybody looks at it.
pub struct Asked {
    /// Of the URL.
    pub path: String,
    /// Whose line it came from.
    pub line: IpAddr,
    /// What the body is.
    pub content_type: String,
    /// Who says to be allowed.
    pub bearer: String,
    /// The body, bounded.
    pub body: Bytes,
}

/// What is answered.
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: Bytes,
}

impl Answer {
    /// With a body.
    pub fn new(status: u16, content_type: &'static str, body: Bytes) -> Answer {
        Answer { status, content_type, body }
    }

    /// Without.
    pub fn status(status: u16) -> Answer {
        Answer { status, content_type: "text/plain", body: Bytes::new() }
    }
}

/// A running role.
enum Part {
    Operator { operator: Arc<Operator>, sum: Box<Mutex<Option<Running>>> },
    Relay(Box<Relay>),
    Issuer(Box<Issuing>),
}

/// Which door a request came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    Public,
    Internal,
    Metrics,
}

struct Process {
    role: Part,
    settings: Settings,
    metrics: Arc<Metrics>,
}

/// Serves until it is told to end. `say` is told where each door is.
pub async fn serve(
    role: Role,
    settings: Settings,
    mut say: impl FnMut(&str, SocketAddr) -> io::Result<()>,
) -> Result<(), ServeError> {
    let metrics = Arc::new(Metrics::new(role).ok_or(ServeError::Setup)?);
    let (public, internal, watched) = (settings.listen, settings.internal, settings.metrics);
    let manifest_path = settings.manifest.clone();
    let running = start(role, &settings, &metrics)?;
    let process = Arc::new(Process { role: running, settings, metrics });
    let (end, ended) = watch::channel(false);
    let mut doors = Vec::new();
    let wanted = [(Some(public), Door::Public), (internal, Door::Internal), (watched, Door::Metrics)];
    for (addr, door) in wanted.into_iter().filter_map(|(addr, door)| Some((addr?, door))) {
        if door == Door::Internal && role != Role::A {
            continue;
        }
        let failed = |error| ServeError::Listen { addr, error };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let name = match door {
            Door::Public => "listening",
            Door::Internal => "internal",
            Door::Metrics => "metrics",
        };
        say(name, listener.local_addr().map_err(failed)?).map_err(failed)?;
        doors.push(tokio::spawn(accept(listener, door, Arc::clone(&process), ended.clone())));
    }
    by_the_clock(&process, manifest_path.as_deref()).await;
    // Told to end: no new connection, and what is in flight has a moment.
    let _ = end.send(true);
    for door in doors {
        let _ = tokio::time::timeout(DRAIN, door).await;
    }
    Ok(())
}

fn start(role: Role, settings: &Settings, metrics: &Arc<Metrics>) -> Result<Part, ServeError> {
    // `Settings::read` saw to it that all are there but for the relay, which needs none.
    let kept = settings.secrets.as_deref().zip(settings.database.as_deref()).zip(settings.manifest.as_deref());
    let Some(((secrets, database), manifest)) = kept.filter(|_| role != Role::Relay) else {
        return Ok(Part::Relay(Box::new(Relay::new(settings))));
    };
    let (folder, manifest) = (Folder::open(secrets), read_manifest(manifest)?);
    if role != Role::Issuer {
        let operator = operator(role, settings, folder, manifest, database, metrics)?;
        return Ok(Part::Operator { operator: Arc::new(operator), sum: Box::default() });
    }
    let issuer = folder.issuer()?;
    if manifest.issuer.as_ref().is_none_or(|known| known.key.modulus() != issuer.public().modulus()) {
        return Err(ServeError::Stranger);
    }
    let issuing = Issuing::new(issuer, database, manifest.calendar, Arc::clone(metrics))?;
    Ok(Part::Issuer(Box::new(issuing)))
}

fn operator(
    role: Role,
    settings: &Settings,
    folder: Folder,
    manifest: Manifest,
    database: &str,
    metrics: &Arc<Metrics>,
) -> Result<Operator, ServeError> {
    folder.destroy_overdue(manifest.calendar, now_secs())?;
    let operator = Operator {
        role,
        name: folder.name()?,
        opening: folder.opening()?,
        store: Store::open(database, &[PUBLISHED, TABLES].concat())?,
        metrics: Arc::clone(metrics),
        shared: read_shared(settings.shared.as_deref().unwrap_or(Path::new("")))?,
        poster: Poster::new(PEER_PATIENCE),
        peer: settings.a.clone().unwrap_or_default(),
        reports_max: settings.reports_max,
        keys: std::sync::Mutex::default(),
        held: std::sync::Mutex::default(),
        fresh: std::sync::Mutex::default(),
        busy: Mutex::default(),
        gateway: ohttp::Server::new(folder.gateway()?).map_err(SecretError::from)?,
        manifest: ArcSwap::from_pointee(manifest),
        folder,
    };
    if !operator.is_named(&operator.manifest.load())? {
        return Err(ServeError::Stranger);
    }
    operator.load_keys()?;
    operator.look_again()?;
    Ok(operator)
}

fn read_manifest(path: &Path) -> Result<Manifest, ServeError> {
    let shown = || path.display().to_string();
    let octets = std::fs::read(path).map_err(|error| ServeError::File { path: shown(), error })?;
    Manifest::parse(&octets).map_err(|error| ServeError::Manifest { path: shown(), error })
}

/// Ticks, reads a manifest that changed, and ends when the system says so.
async fn by_the_clock(process: &Arc<Process>, manifest: Option<&Path>) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        return;
    };
    // Five minutes, of a test's day as much less, but at least a second.
    let every = Duration::from_secs(process.calendar().hours(1).div_ceil(12).clamp(1, 300));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = hup.recv() => {}
            _ = term.recv() => return,
            _ = int.recv() => return,
        }
        if let Some(path) = manifest {
            process.renew(path);
        }
        // By itself: neither the next tick nor the end waits for a hand-over.
        let process = Arc::clone(process);
        tokio::spawn(async move { process.tick().await });
    }
}

impl Process {
    fn calendar(&self) -> Calendar {
        match &self.role {
            Part::Operator { operator, .. } => operator.manifest.load().calendar,
            Part::Issuer(issuing) => issuing.calendar(),
            Part::Relay(_) => Calendar::default(),
        }
    }

    /// Reads a manifest that changed. One with a fault, or for somebody else, changes nothing.
    fn renew(&self, path: &Path) {
        let Part::Operator { operator, .. } = &self.role else { return };
        let read = read_manifest(path).and_then(|manifest| match operator.is_named(&manifest)? {
            true => Ok(manifest),
            false => Err(ServeError::Stranger),
        });
        match read {
            Ok(manifest) if manifest != **operator.manifest.load() => {
                operator.manifest.store(Arc::new(manifest));
                operator.reload_keys();
                tracing::info!(path = %path.display(), "a new manifest holds");
            }
            Ok(_) => {}
            Err(error) => tracing::error!("{error}; the manifest before holds"),
        }
    }

    async fn tick(&self) {
        match &self.role {
            Part::Operator { operator, .. } => operator.tick(now_secs()).await,
            Part::Issuer(issuing) => {
                if let Err(error) = issuing.forget(now_secs()) {
                    tracing::error!("{error}");
                }
            }
            Part::Relay(_) => {}
        }
    }

    fn is_well(&self) -> bool {
        match &self.role {
            Part::Operator { operator, .. } => {
                operator.store.database().query("SELECT COUNT(*) FROM epochs", &[]).is_ok()
            }
            Part::Issuer(issuing) => issuing.is_well(),
            Part::Relay(_) => true,
        }
    }

    fn body_max(&self, door: Door) -> usize {
        match (&self.role, door) {
            (_, Door::Metrics) => 0,
            (_, Door::Internal) => WEEKS_MAX.max(BATCH_MAX),
            (Part::Issuer(_), Door::Public) => issuing::MESSAGE_MAX,
            (_, Door::Public) => relay::MESSAGE_MAX,
        }
    }

    async fn answer(&self, door: Door, asked: Asked) -> Answer {
        let now = now_secs();
        let (ask, answer) = match (&self.role, door) {
            (Part::Relay(relay), Door::Public) => relay.answer(asked, now).await,
            (Part::Issuer(issuing), Door::Public) => issuing.answer(asked, now).await,
            (Part::Operator { operator, .. }, Door::Public) if asked.path == "/gateway" => {
                operator.closed(&asked.body, now).await
            }
            (Part::Operator { operator, sum }, Door::Internal) => {
                ("internal", internal(operator, sum, &asked, now).await)
            }
            _ => ("other", Answer::status(404)),
        };
        self.metrics.request(ask, answer.status);
        answer
    }
}

/// What B asks of A.
async fn internal(operator: &Arc<Operator>, sum: &Mutex<Option<Running>>, asked: &Asked, now: u64) -> Answer {
    if !is_bearer(&operator.shared, &asked.bearer) {
        return Answer::status(401);
    }
    let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["batch", lane, epoch] => match (Lane::from_name(lane), epoch.parse()) {
            (Some(lane), Ok(epoch)) => Answer::status(operator.take_batch((lane, epoch), &asked.body).await),
            _ => Answer::status(404),
        },
        ["weeks", epoch] => {
            let (Ok(epoch), mut sum) = (epoch.parse(), sum.lock().await) else { return Answer::status(404) };
            match operator.take_weeks(&mut sum, epoch, &asked.body) {
                Some(words) => Answer::new(200, "application/octet-stream", words.into()),
                None => Answer::status(400),
            }
        }
        ["publish", epoch] => {
            let (Ok(epoch), mut sum) = (epoch.parse(), sum.lock().await) else { return Answer::status(404) };
            match operator.take_published(&mut sum, epoch, &asked.body, now) {
                Ok(()) => Answer::status(200),
                Err(error) => {
                    tracing::warn!(epoch, "sum not taken: {error}");
                    Answer::status(409)
                }
            }
        }
        _ => Answer::status(404),
    }
}

/// What B shows A: a function of what both have.
pub(super) fn bearer_of(shared: &[u8]) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, shared);
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"luytre bearer 1"))
}

/// In constant time.
fn is_bearer(shared: &[u8], header: &str) -> bool {
    let Some(tag) = header.strip_prefix("Bearer ").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok()) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, shared);
    hmac::verify(&key, b"luytre bearer 1", &tag).is_ok()
}

async fn accept(listener: TcpListener, door: Door, process: Arc<Process>, mut ended: watch::Receiver<bool>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = tokio::select! {
            _ = ended.changed() => break,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, peer)) = stream else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let process = Arc::clone(&process);
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let process = Arc::clone(&process);
                async move { Ok::<_, Infallible>(handle(request, &process, door, peer.ip()).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // How the other side leaves is no concern of ours.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
    // All places back: nothing is in flight.
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(DRAIN, places.acquire_many(all)).await;
}

async fn handle(request: Request<Incoming>, process: &Process, door: Door, peer: IpAddr) -> Response<Full<Bytes>> {
    if door == Door::Metrics {
        return respond(watched(request.uri().path(), process));
    }
    if request.method() != Method::POST {
        return respond(Answer::status(405));
    }
    let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let asked = Asked {
        path: request.uri().path().into(),
        line: line(peer, text(header::HeaderName::from_static("x-forwarded-for")), &process.settings.trusted_proxies),
        content_type: text(header::CONTENT_TYPE).unwrap_or_default().into(),
        bearer: text(header::AUTHORIZATION).unwrap_or_default().into(),
        body: Bytes::new(),
    };
    let body = Limited::new(request.into_body(), process.body_max(door)).collect();
    let patience = if door == Door::Internal { PEER_PATIENCE } else { PATIENCE };
    let answer = match tokio::time::timeout(patience, body).await {
        Ok(Ok(body)) => process.answer(door, Asked { body: body.to_bytes(), ..asked }).await,
        Ok(Err(_)) => Answer::status(413),
        Err(_) => Answer::status(408),
    };
    respond(answer)
}

fn watched(path: &str, process: &Process) -> Answer {
    match path {
        "/metrics" => Answer::new(200, "text/plain; version=0.0.4", process.metrics.text().into()),
        "/health" if process.is_well() => Answer::new(200, "text/plain", Bytes::from_static(b"ok\n")),
        "/health" => Answer::new(503, "text/plain", Bytes::from_static(b"the database does not answer\n")),
        _ => Answer::status(404),
    }
}

fn respond(answer: Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Whose line: the address in front of the last proxy that is believed.
fn line(peer: IpAddr, forwarded: Option<&str>, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |addr: &IpAddr| trusted.iter().any(|net| net.contains(&addr.to_canonical()));
    let mut line = peer;
    let mut before = forwarded.unwrap_or_default().rsplit(',');
    while is_trusted(&line) {
        let Some(Ok(addr)) = before.next().map(|text| text.trim().parse()) else { break };
        line = addr;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_proxies_that_are_believed_say_whose_line_it_is() {
        let addr = |text: &str| text.parse::<IpAddr>().unwrap();
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        assert_eq!(line(addr("192.0.2.1"), Some("198.51.100.9"), &trusted), addr("192.0.2.1"));
        assert_eq!(line(addr("10.0.0.1"), Some("203.0.113.5, 198.51.100.9"), &trusted), addr("198.51.100.9"));
        assert_eq!(line(addr("10.0.0.1"), Some("198.51.100.9, 10.0.0.2"), &trusted), addr("198.51.100.9"));
        assert_eq!(line(addr("10.0.0.1"), None, &trusted), addr("10.0.0.1"));
        assert_eq!(line(addr("10.0.0.1"), Some("nonsense"), &trusted), addr("10.0.0.1"));
    }

    #[test]
    fn who_has_not_the_secret_is_nobody() {
        let shared = [7; 32];
        assert!(is_bearer(&shared, &format!("Bearer {}", bearer_of(&shared))));
        for wrong in ["", "Bearer ", "Bearer AAAA", &bearer_of(&shared), &format!("Bearer {}", bearer_of(&[8; 32]))] {
            assert!(!is_bearer(&shared, wrong), "{wrong:?}");
        }
    }
}
