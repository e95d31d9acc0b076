//! DNS over HTTPS (RFC 8484): GET and POST to `/dns-query`, or `/dns-query/TOKEN` for a device that wants to be known. HTTP/1.1
//! and HTTP/2 here; HTTP/3 brings its requests from `quic`. Every request and connection has limits.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};

use super::single::{Single, Told};
use crate::identity::{Asker, Token};

/// The path a resolver is found at (RFC 8484 §4.1.1 leaves it open; this is everybody's).
pub const PATH: &str = "/dns-query";
/// Protocols offered in the handshake.
pub const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];
const MEDIA_TYPE: &str = "application/dns-message";
/// A question with a full name, options and padding is well below this.
pub const QUESTION_MAX: usize = 4096;
/// Requests at once on one connection.
pub const STREAMS_MAX: u32 = 128;
/// Octets of a request's head.
pub const HEAD_MAX: u32 = 16 << 10;
/// A request has to be there whole in this time.
const REQUEST_MAX: Duration = Duration::from_secs(5);

/// Serves one connection until it is closed or idle.
pub async fn serve<S>(single: Single, asker: Asker, stream: S, idle: Duration) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let active = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&active);
    let service = service_fn(move |request: Request<Incoming>| {
        seen.store(true, Ordering::Relaxed);
        let single = single.clone();
        async move { Ok::<_, Infallible>(answer(&single, asker, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(HEAD_MAX as usize);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS_MAX).max_header_list_size(HEAD_MAX);
    builder.http2().max_pending_accept_reset_streams(32).keep_alive_interval(idle).keep_alive_timeout(REQUEST_MAX);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    loop {
        tokio::select! {
            ended = connection.as_mut() => return ended.map_err(io::Error::other),
            () = tokio::time::sleep(idle) => {
                if !active.swap(false, Ordering::Relaxed) {
                    connection.as_mut().graceful_shutdown();
                    // What was asked meanwhile is still answered.
                    let ended = tokio::time::timeout(REQUEST_MAX, connection).await;
                    return ended.map_or(Ok(()), |ended| ended.map_err(io::Error::other));
                }
            }
        }
    }
}

async fn answer(single: &Single, asker: Asker, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let limited = Limited::new(body, QUESTION_MAX);
    let body = match tokio::time::timeout(REQUEST_MAX, limited.collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(_)) => return plain(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT),
    };
    respond(single, asker, &head, &body).await
}

/// The response to a request that is there whole.
pub async fn respond(single: &Single, asker: Asker, head: &Parts, body: &[u8]) -> Response<Full<Bytes>> {
    let read = asker_of(single, asker, head).and_then(|asker| Ok((asker, question(head, body)?)));
    let (asker, question) = match read {
        Ok(read) => read,
        Err(status) => return plain(status),
    };
    match single.ask(asker, &question).await {
        Told::Answer(answer) => message(answer),
        Told::NoQuestion => plain(StatusCode::BAD_REQUEST),
        Told::Limited => plain(StatusCode::TOO_MANY_REQUESTS),
        Told::Busy => plain(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Who asks, by the path.
fn asker_of(single: &Single, asker: Asker, head: &Parts) -> Result<Asker, StatusCode> {
    let rest = head.uri.path().strip_prefix(PATH).ok_or(StatusCode::NOT_FOUND)?;
    match rest {
        "" | "/" => Ok(asker),
        _ => {
            let token = rest.strip_prefix('/').and_then(Token::of).filter(|token| single.shared.door.knows(*token));
            token.map(|token| Asker { token: Some(token), ..asker }).ok_or(StatusCode::NOT_FOUND)
        }
    }
}

fn question(head: &Parts, body: &[u8]) -> Result<Vec<u8>, StatusCode> {
    match head.method {
        Method::GET => {
            let query = head.uri.query().unwrap_or("");
            let dns = query.split('&').find_map(|pair| pair.strip_prefix("dns=")).ok_or(StatusCode::BAD_REQUEST)?;
            if dns.len() > QUESTION_MAX.div_ceil(3) * 4 {
                return Err(StatusCode::URI_TOO_LONG);
            }
            BASE64_URL_SAFE_NO_PAD.decode(dns.trim_end_matches('=')).map_err(|_| StatusCode::BAD_REQUEST)
        }
        Method::POST => {
            let is_dns = head.headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == MEDIA_TYPE.as_bytes());
            if is_dns { Ok(body.to_vec()) } else { Err(StatusCode::UNSUPPORTED_MEDIA_TYPE) }
        }
        _ => Err(StatusCode::METHOD_NOT_ALLOWED),
    }
}

fn message(answer: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(answer)));
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(MEDIA_TYPE));
    // Answers differ by asker, and a browser must not write on disk what a child has asked.
    response.headers_mut().insert(CACHE_CONTROL, hyper::header::HeaderValue::from_static("no-store"));
    response
}

fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = status;
    response
}
