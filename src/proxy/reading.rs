//! Pages in the clear from sites that nobody lists: their beginning is read before it is passed on. Never more than 64 KiB,
//! never for long, and never a page of a site that is listed, popular, chosen or help.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{self, HeaderMap};
use hyper::{Response, StatusCode};
use tokio::time::{Instant, timeout_at};

use crate::classify::text::{Reader, TextModel, TextScores};

/// The beginning of a page and the rest of it: passed on as it came.
pub(super) struct Begun {
    first: Option<Bytes>,
    rest: Option<Incoming>,
}

/// A page that comes so slowly is judged by what came.
const PATIENCE: Duration = Duration::from_secs(2);

/// True for what can be read: a whole page of HTML or text, not packed.
pub(super) fn is_page(response: &Response<Incoming>) -> bool {
    let value = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value(header::CONTENT_TYPE).trim_start().to_ascii_lowercase();
    let is_text = ["text/html", "text/plain", "application/xhtml+xml"].iter().any(|known| kind.starts_with(known));
    let is_plain = matches!(value(header::CONTENT_ENCODING).trim(), "" | "identity");
    response.status() == StatusCode::OK && is_text && is_plain
}

/// Asks for the page as it is: what is packed cannot be read on the way.
pub(super) fn ask_plain(headers: &mut HeaderMap) {
    headers.insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
}

/// Reads the beginning; `None` when the origin breaks off.
pub(super) async fn begin(mut body: Incoming, model: &TextModel) -> Option<(TextScores, Begun)> {
    let (mut reader, mut first, until) = (Reader::new(model), Vec::new(), Instant::now() + PATIENCE);
    let mut goes_on = true;
    while goes_on {
        match timeout_at(until, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { break };
                goes_on = reader.push(&data);
                first.extend_from_slice(&data);
            }
            Ok(Some(Err(_))) => return None,
            Ok(None) => return Some((reader.verdict(), Begun { first: Some(first.into()), rest: None })),
            Err(_) => break,
        }
    }
    Some((reader.verdict(), Begun { first: Some(first.into()), rest: Some(body) }))
}

impl Body for Begun {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.as_ref().is_none_or(Bytes::is_empty) && self.rest.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + first);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + first);
        }
        hint
    }
}
