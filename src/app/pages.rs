//! Opens the pages: listeners, plain and by TLS.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::{App, now};
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::net;
use crate::policy::Verdict;
use crate::proxy::refusal::Pages;
use crate::web::{Web, server};

/// Opens what the configuration names; nothing without `[web]`.
pub fn open(app: &Arc<App>, runtime: &Handle) -> anyhow::Result<()> {
    let options = app.state().config.web.clone();
    let Some((options, (family, _))) = options.zip(app.family.as_ref()) else { return Ok(()) };
    let steward = Arc::clone(app) as Arc<dyn crate::web::Steward>;
    let (judge, builtin) = (Arc::clone(&app.judge), Arc::clone(&app.builtin));
    let web = Arc::new(Web::new(judge, Arc::clone(family), steward, builtin, options.clone()).context("the pages")?);
    let router = server::router(Arc::clone(&web));
    let places = Arc::new(Semaphore::new(options.connections_max));
    let listen = |addr: SocketAddr, tls: Option<TlsAcceptor>| -> anyhow::Result<()> {
        let _inside = runtime.enter();
        let listener = TcpListener::from_std(net::bind_tcp(addr)?).context("the pages cannot listen")?;
        runtime.spawn(server::serve(listener, router.clone(), Arc::clone(&places), tls));
        tracing::info!(%addr, "the pages are here");
        Ok(())
    };
    for addr in &options.listen {
        listen(*addr, None)?;
    }
    let tls = app.doors.lock().unwrap_or_else(PoisonError::into_inner).handshake();
    for addr in &options.listen_tls {
        listen(*addr, tls.clone())?;
    }
    if let Some(proxy) = app.proxy.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
        // There is one start, and it sets this once.
        let _ = proxy.server.pages.set(Arc::new(Portal(Arc::clone(&web))));
    }
    let _ = app.web.set(web);
    Ok(())
}

/// The portal as door two knows it.
struct Portal(Arc<Web>);

impl Pages for Portal {
    fn refused(&self, client: ClientAddr, name: &Name, verdict: &Verdict, languages: Option<&str>) -> (String, String) {
        self.0.refusal_elsewhere(client, name, verdict, languages, now())
    }
}
