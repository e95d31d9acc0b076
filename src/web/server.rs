//! Takes connections and leads requests to their pages. Bounded: connections, heads, bodies, and time.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::guard::{self, BODY_MAX, Peer};
use super::{Web, api, dashboard, portal};

/// A client that sends no request for so long is gone.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// A handshake takes no longer.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

/// All pages and the API behind the guard.
pub fn router(web: Arc<Web>) -> Router {
    let all = Router::new()
        .merge(api::routes())
        .merge(dashboard::routes(Arc::clone(&web)))
        .merge(portal::routes(Arc::clone(&web)));
    let all = all.layer(DefaultBodyLimit::max(BODY_MAX)).with_state(Arc::clone(&web));
    // Outside of all routes: the guard may lead a request to another page than it names.
    Router::new().fallback_service(all).layer(middleware::from_fn_with_state(web, guard::guard))
}

/// Serves until the runtime ends.
pub async fn serve(listener: TcpListener, router: Router, places: Arc<Semaphore>, tls: Option<TlsAcceptor>) {
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, peer)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (router, tls) = (router.clone(), tls.clone());
        let peer = Peer { ip: peer.ip(), is_tls: tls.is_some() };
        tokio::spawn(async move {
            let _place = place;
            match tls {
                None => connection(stream, router, peer).await,
                Some(tls) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
                        connection(stream, router, peer).await;
                    }
                }
            }
        });
    }
}

async fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S, router: Router, peer: Peer) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(64 << 10);
    // How the client leaves is no concern of ours.
    let _ = http.serve_connection(TokioIo::new(stream), service).await;
}
