//! Posting to another operator: bounded in time and in what is read.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Request, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client for the run.
pub struct Poster {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    patience: Duration,
}

impl Poster {
    /// Gives up after so long.
    pub fn new(patience: Duration) -> Poster {
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        Poster { http: Client::builder(TokioExecutor::new()).build(https), patience }
    }

    /// Posts; status and at most so many octets of the answer. `None`: nobody there, too slow, or too much.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
        answer_max: usize,
    ) -> Option<(u16, Bytes)> {
        let mut request = Request::post(url).header(header::CONTENT_LENGTH, body.len());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body)).ok()?;
        let answered = async {
            let answer = self.http.request(request).await.ok()?;
            let status = answer.status().as_u16();
            let body = Limited::new(answer.into_body(), answer_max).collect().await.ok()?;
            Some((status, body.to_bytes()))
        };
        tokio::time::timeout(self.patience, answered).await.ok()?
    }
}
