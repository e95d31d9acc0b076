//! Fetching one file: HTTPS, only when it changed, never more than so much or for longer than so long. The old file stays
//! until the new one is whole.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::store::Fetched;

/// Why a list did not come.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not an address.
    #[error("{0:?} is not a URL")]
    BadUrl(String),
    /// The server could not be reached, or broke off.
    #[error("{0}")]
    Transport(String),
    /// The server said no.
    #[error("the server answered {0}")]
    Status(StatusCode),
    /// It leads from one place to another and never arrives.
    #[error("more than {REDIRECTS_MAX} redirects")]
    Redirects,
    /// More than the limit.
    #[error("larger than {0} octets")]
    TooLarge(u64),
    /// Longer than the limit.
    #[error("not finished within {0:?}")]
    TooSlow(Duration),
    /// It ended before the length the server had told.
    #[error("ended after {got} of {told} octets")]
    Short {
        /// Octets that came.
        got: u64,
        /// Octets announced.
        told: u64,
    },
    /// The disk refused.
    #[error("cannot be written: {0}")]
    Disk(#[from] std::io::Error),
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing new.
    Unchanged,
    /// A new text lies in the file named, with the server's marks.
    New(Fetched),
}

const REDIRECTS_MAX: usize = 5;

/// A client for all fetches of a run.
pub struct Client {
    http: HyperClient<HttpsConnector<HttpConnector>, Empty<Bytes>>,
    bytes_max: u64,
    timeout: Duration,
}

impl Client {
    /// A client with the public certificate authorities, and these limits a file.
    pub fn new(bytes_max: u64, timeout: Duration) -> Client {
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Client { http: HyperClient::builder(TokioExecutor::new()).build(https), bytes_max, timeout }
    }

    /// Looks whether `url` has a newer text than `known`, and writes it to `aside`, synced.
    pub async fn fetch(&self, url: &str, known: Option<&Fetched>, aside: &Path) -> Result<Arrival, FetchError> {
        let known = known.filter(|known| known.url == url);
        let work = self.follow(url, known, aside);
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(FetchError::TooSlow(self.timeout)))
    }

    async fn follow(&self, url: &str, known: Option<&Fetched>, aside: &Path) -> Result<Arrival, FetchError> {
        let mut at: Uri = url.parse().map_err(|_| FetchError::BadUrl(url.to_string()))?;
        for _ in 0..=REDIRECTS_MAX {
            let request = request(&at, known).map_err(|_| FetchError::BadUrl(at.to_string()))?;
            let response = self.http.request(request).await.map_err(transport)?;
            match response.status() {
                StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Arrival::Unchanged),
                StatusCode::OK => return self.receive(url, response, aside).await,
                status if status.is_redirection() => {
                    at = location(&at, response.headers()).ok_or(FetchError::Status(status))?;
                }
                status => return Err(FetchError::Status(status)),
            }
        }
        Err(FetchError::Redirects)
    }

    /// Writes what is at `url` to `aside`, synced; goes on behind what is there already where the server can. Never more
    /// than `bytes_max` octets in all, never longer than the limit. What came of a broken transfer stays, to go on from.
    pub async fn resume(&self, url: &str, aside: &Path, bytes_max: u64) -> Result<u64, FetchError> {
        let work = self.append(url, aside, bytes_max);
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(FetchError::TooSlow(self.timeout)))
    }

    async fn append(&self, url: &str, aside: &Path, bytes_max: u64) -> Result<u64, FetchError> {
        let there = aside.metadata().map_or(0, |meta| meta.len());
        let from = if there < bytes_max { there } else { 0 };
        let response = self.get(url, from).await?;
        let goes_on = response.status() == StatusCode::PARTIAL_CONTENT && starts_at(response.headers()) == Some(from);
        let mut file = OpenOptions::new().create(true).write(true).truncate(!goes_on).open(aside)?;
        let mut got = if goes_on { file.seek(SeekFrom::End(0))? } else { 0 };
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(transport)?;
            let Some(data) = frame.data_ref() else { continue };
            got += data.len() as u64;
            if got > bytes_max {
                // Nothing of it can be right.
                file.set_len(0)?;
                return Err(FetchError::TooLarge(bytes_max));
            }
            file.write_all(data)?;
        }
        file.sync_all()?;
        Ok(got)
    }

    /// What is at `url`, at most `bytes_max` octets.
    pub async fn small(&self, url: &str, bytes_max: u64) -> Result<Vec<u8>, FetchError> {
        let work = async {
            let (mut body, mut all) = (self.get(url, 0).await?.into_body(), Vec::new());
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(transport)?;
                all.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                if all.len() as u64 > bytes_max {
                    return Err(FetchError::TooLarge(bytes_max));
                }
            }
            Ok(all)
        };
        tokio::time::timeout(self.timeout, work).await.unwrap_or(Err(FetchError::TooSlow(self.timeout)))
    }

    async fn get(&self, url: &str, from: u64) -> Result<hyper::Response<hyper::body::Incoming>, FetchError> {
        let mut at: Uri = url.parse().map_err(|_| FetchError::BadUrl(url.to_string()))?;
        for _ in 0..=REDIRECTS_MAX {
            let mut request = request(&at, None).map_err(|_| FetchError::BadUrl(at.to_string()))?;
            if from > 0 {
                request
                    .headers_mut()
                    .insert(header::RANGE, HeaderValue::try_from(format!("bytes={from}-")).map_err(transport)?);
            }
            let response = self.http.request(request).await.map_err(transport)?;
            match response.status() {
                StatusCode::OK | StatusCode::PARTIAL_CONTENT => return Ok(response),
                status if status.is_redirection() => {
                    at = location(&at, response.headers()).ok_or(FetchError::Status(status))?;
                }
                status => return Err(FetchError::Status(status)),
            }
        }
        Err(FetchError::Redirects)
    }

    async fn receive(
        &self,
        url: &str,
        response: hyper::Response<hyper::body::Incoming>,
        aside: &Path,
    ) -> Result<Arrival, FetchError> {
        let text =
            |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_string);
        let (etag, last_modified) = (text(header::ETAG), text(header::LAST_MODIFIED));
        let told: Option<u64> = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if told.is_some_and(|told| told > self.bytes_max) {
            return Err(FetchError::TooLarge(self.bytes_max));
        }
        let (mut body, mut file, mut got) = (response.into_body(), File::create(aside)?, 0_u64);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(transport)?;
            let Some(data) = frame.data_ref() else { continue };
            got += data.len() as u64;
            if got > self.bytes_max {
                return Err(FetchError::TooLarge(self.bytes_max));
            }
            file.write_all(data)?;
        }
        if let Some(told) = told.filter(|told| *told != got) {
            return Err(FetchError::Short { got, told });
        }
        file.sync_all()?;
        Ok(Arrival::New(Fetched { url: url.to_string(), etag, last_modified, bytes: got, ..Fetched::default() }))
    }
}

fn request(at: &Uri, known: Option<&Fetched>) -> Result<Request<Empty<Bytes>>, hyper::http::Error> {
    let agent = concat!("luytre/", env!("CARGO_PKG_VERSION"));
    let mut request = Request::get(at).header(header::USER_AGENT, agent);
    if let Some(etag) = known.and_then(|known| known.etag.as_deref()) {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    if let Some(date) = known.and_then(|known| known.last_modified.as_deref()) {
        request = request.header(header::IF_MODIFIED_SINCE, date);
    }
    request.body(Empty::new())
}

/// Where the part that is sent begins (RFC 9110 §14.4).
fn starts_at(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// Where a redirect leads; never from HTTPS to plain HTTP.
fn location(from: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let text = headers.get(header::LOCATION)?.to_str().ok()?;
    let to: Uri = text.parse().ok()?;
    if to.scheme().is_none() {
        let mut parts = from.clone().into_parts();
        parts.path_and_query = to.into_parts().path_and_query;
        return Uri::from_parts(parts).ok();
    }
    (from.scheme_str() != Some("https") || to.scheme_str() == Some("https")).then_some(to)
}

fn transport(error: impl std::error::Error) -> FetchError {
    // The outer message says only that something failed; the cause is what helps.
    let mut deepest: &dyn std::error::Error = &error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    FetchError::Transport(deepest.to_string())
}
