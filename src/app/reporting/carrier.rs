//! Posts one message: a connection of its own, no redirect, no word of who posts it, an answer of bounded size within ten
//! seconds. Reads nothing of what it carries.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::report::courier::{Action, Came};

/// A message and its answer, from the first packet to the last.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Who carries.
pub(super) struct Carrier {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Carrier {
    /// With the public certificate authorities. That plain HTTP stays on this machine, the manifest sees to.
    pub(super) fn new() -> Carrier {
        let https = HttpsConnectorBuilder::new().with_webpki_roots().https_or_http().enable_http1().build();
        // Messages of one connection would be known to belong together.
        let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https);
        Carrier { http }
    }

    /// Posts it. Whatever goes wrong is nothing.
    pub(super) async fn post(&self, action: &Action) -> Came {
        tokio::time::timeout(TIMEOUT, self.exchange(action)).await.ok().flatten().unwrap_or(Came::Nothing)
    }

    async fn exchange(&self, action: &Action) -> Option<Came> {
        let request = Request::post(&action.url).header(CONTENT_TYPE, action.content_type);
        let request = request.body(Full::new(Bytes::from(action.body.clone()))).ok()?;
        let response = self.http.request(request).await.ok()?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), action.answer_max).collect().await.ok()?;
        Some(Came::Answer { status, body: body.to_bytes().to_vec() })
    }
}
