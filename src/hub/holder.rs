//! The holder of the sealed list: seals names that only it knows, and answers questions it cannot read. No name is ever
//! printed, not even one that is wrong: its line is.

use std::convert::Infallible;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::classify::sealed::{TAG_LEN, Table, Tag, canonical};
use crate::hub::line::Shares;
use crate::name::Name;
use crate::oprf::{OprfError, ServerKey};

/// Why nothing was sealed.
#[derive(Debug, thiserror::Error)]
pub enum HolderError {
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: io::Error,
    },
    /// A line that is no name somebody registered.
    #[error("{path}:{line}: not a registered name; sealed are whole registered names")]
    Line {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
    },
    /// A key that is none.
    #[error("{0}: not a holder's key (32 octets)")]
    Key(String),
    /// No randomness, or an input that cannot be sealed.
    #[error(transparent)]
    Oprf(#[from] OprfError),
    /// Not where boxes ask.
    #[error("{0:?} is no address of the holder (\"https://holder.example/\")")]
    Url(String),
}

/// Connections at once.
const CONNECTIONS_MAX: usize = 1024;
/// A question comes in one piece, or not at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Makes a key in a file that only its owner reads and that must not be there yet.
pub fn new_key(path: &Path) -> Result<(), HolderError> {
    let key = ServerKey::generate()?;
    let failed = |error| HolderError::File { path: path.display().to_string(), error };
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
    file.write_all(key.to_bytes().as_ref()).and_then(|()| file.sync_all()).map_err(failed)
}

/// Reads one.
pub fn read_key(path: &Path) -> Result<ServerKey, HolderError> {
    let shown = path.display().to_string();
    let octets = fs::read(path).map_err(|error| HolderError::File { path: shown.clone(), error })?;
    let octets: &[u8; 32] = octets.as_slice().try_into().map_err(|_| HolderError::Key(shown.clone()))?;
    ServerKey::from_bytes(octets).map_err(|_| HolderError::Key(shown))
}

/// Seals the names of a file, one a line; and how many they are.
pub fn seal(names: &Path, key: &ServerKey, url: &str) -> Result<(Table, usize), HolderError> {
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1:") {
        return Err(HolderError::Url(url.into()));
    }
    let shown = names.display().to_string();
    let text = fs::read_to_string(names).map_err(|error| HolderError::File { path: shown.clone(), error })?;
    let mut all = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let name = Name::parse(line).ok().filter(|name| canonical(name) == Some(name.as_wire()));
        all.push(name.ok_or(HolderError::Line { path: shown.clone(), line: at + 1 })?);
    }
    all.sort();
    all.dedup();
    let tags = all.iter().map(|name| Ok(tag(&key.output(name.as_wire())?))).collect::<Result<Vec<Tag>, OprfError>>()?;
    let entries: Vec<(&[u8], Tag)> = all.iter().map(Name::as_wire).zip(tags).collect();
    // What pads the table is the key's function of numbers: as random as the rest, and the same every time.
    let mut padding = 0_u64;
    let table = Table::of(entries.into_iter(), key.public().to_bytes(), url, || {
        padding += 1;
        key.output(&[b"padding", &padding.to_be_bytes()[..]].concat()).map_or([0; TAG_LEN], |output| tag(&output))
    });
    Ok((table, all.len()))
}

fn tag(output: &[u8; 64]) -> Tag {
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(&output[..TAG_LEN]);
    tag
}

/// Answers, each line (an IPv4 address, an IPv6 /56) at most `per_hour` times an hour. Keeps no log.
pub async fn serve(listener: TcpListener, key: ServerKey, per_hour: u32) {
    let (key, shares) = (Arc::new(key), Arc::new(Mutex::new(Shares::new(per_hour))));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (key, shares) = (Arc::clone(&key), Arc::clone(&shares));
        tokio::spawn(async move {
            let _place = place;
            let service = service_fn(|request| {
                let (key, shares) = (Arc::clone(&key), Arc::clone(&shares));
                async move { Ok::<_, Infallible>(answer(request, &key, &shares, peer.ip()).await) }
            });
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
            // How a box leaves is no concern of ours.
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    key: &ServerKey,
    shares: &Mutex<Shares>,
    peer: IpAddr,
) -> Response<Full<Bytes>> {
    let status = |status: StatusCode| {
        let mut response = Response::new(Full::default());
        *response.status_mut() = status;
        response
    };
    if request.method() != Method::POST {
        return status(StatusCode::METHOD_NOT_ALLOWED);
    }
    let hour = crate::clock::now_secs() / 3600;
    if !shares.lock().unwrap_or_else(PoisonError::into_inner).take(peer, hour) {
        return status(StatusCode::TOO_MANY_REQUESTS);
    }
    let body = tokio::time::timeout(PATIENCE, Limited::new(request.into_body(), 32).collect()).await;
    let Ok(Ok(body)) = body else { return status(StatusCode::BAD_REQUEST) };
    let body = body.to_bytes();
    let evaluated = <[u8; 32]>::try_from(body.as_ref()).ok().and_then(|element| key.evaluate(&[element]).ok());
    let Some(evaluated) = evaluated else { return status(StatusCode::BAD_REQUEST) };
    let octets = [evaluated.elements.concat(), evaluated.proof.to_vec()].concat();
    Response::new(Full::new(Bytes::from(octets)))
}
