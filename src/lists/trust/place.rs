//! Where an authority's files can be had: its web servers and folders (a USB stick), one asked at a time.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use hyper::StatusCode;
use tough::{Transport, TransportError, TransportErrorKind, TransportStream, async_trait};
use url::Url;

use crate::lists::fetch::{Client, FetchError};

/// A web server or a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `http://` or `https://`, ends with a slash.
    Web(String),
    /// A folder.
    Folder(PathBuf),
}

impl Place {
    /// Reads `https://HOST/PATH/`, `http://…`, or a path.
    pub fn parse(text: &str, beside: &Path) -> Result<Place, &'static str> {
        if text.starts_with("https://") || text.starts_with("http://") {
            Url::parse(text).map_err(|_| "not a URL")?;
            let end = if text.ends_with('/') { "" } else { "/" };
            return Ok(Place::Web(format!("{text}{end}")));
        }
        if text.contains("://") {
            return Err("neither http, https nor a folder");
        }
        Ok(Place::Folder(beside.join(text)))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Web(url) => out.write_str(url),
            Place::Folder(path) => write!(out, "{}", path.display()),
        }
    }
}

/// A place with the client to ask it by.
#[derive(Clone)]
pub struct Reach {
    client: Arc<Client>,
    place: Place,
}

/// Largest file of metadata that is read, as tough's largest limit.
const METADATA_MAX: u64 = 10 << 20;

impl Reach {
    /// Reaches `place` by `client`.
    pub fn new(client: Arc<Client>, place: Place) -> Reach {
        Reach { client, place }
    }

    /// A small file, at most `bytes_max` octets; `None` when the place has none of that name.
    pub async fn small(&self, path: &str, bytes_max: u64) -> Result<Option<Vec<u8>>, FetchError> {
        match &self.place {
            Place::Web(base) => match self.client.small(&format!("{base}{path}"), bytes_max).await {
                Err(FetchError::Status(StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::FORBIDDEN)) => Ok(None),
                other => other.map(Some),
            },
            Place::Folder(folder) => read_small(&below(folder, path)?, bytes_max),
        }
    }

    /// A file of any size to `aside`, at most `bytes_max` octets; goes on behind what is there.
    pub async fn large(&self, path: &str, aside: &Path, bytes_max: u64) -> Result<u64, FetchError> {
        match &self.place {
            Place::Web(base) => self.client.resume(&format!("{base}{path}"), aside, bytes_max).await,
            Place::Folder(folder) => {
                let from = File::open(below(folder, path)?)?;
                let mut to = File::create(aside)?;
                let copied = io::copy(&mut from.take(bytes_max + 1), &mut to)?;
                if copied > bytes_max {
                    to.set_len(0)?;
                    return Err(FetchError::TooLarge(bytes_max));
                }
                to.sync_all()?;
                Ok(copied)
            }
        }
    }
}

/// A path as metadata names it stays below the folder.
fn below(folder: &Path, path: &str) -> io::Result<PathBuf> {
    let is_plain = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if is_plain {
        Ok(folder.join(path))
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "leads out of the folder"))
    }
}

fn read_small(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A stick that is not there is not a repository without that file.
            return if path.parent().is_some_and(|parent| fs::metadata(parent).is_ok()) {
                Ok(None)
            } else {
                Err(error.into())
            };
        }
        other => other?,
    };
    let mut octets = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut octets)?;
    if octets.len() as u64 > bytes_max { Err(FetchError::TooLarge(bytes_max)) } else { Ok(Some(octets)) }
}

/// The scheme by which tough names files here; the place is known by the transport alone.
pub const BASE: &str = "luytre://repository/";

impl fmt::Debug for Reach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.place)
    }
}

#[async_trait]
impl Transport for Reach {
    async fn fetch(&self, url: Url) -> Result<TransportStream, TransportError> {
        let path = url.path().trim_start_matches('/').to_string();
        match self.small(&path, METADATA_MAX).await {
            Ok(Some(octets)) => Ok(Box::pin(tokio_stream::iter([Ok(Bytes::from(octets))]))),
            Ok(None) => Err(TransportError::new(TransportErrorKind::FileNotFound, url)),
            Err(error) => Err(TransportError::new_with_cause(TransportErrorKind::Other, url, error)),
        }
    }
}
