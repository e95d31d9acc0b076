//! Opens the pages, plain and by TLS: their sockets before any door is open, what they say when all is there to say it.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::{App, now};
use crate::config::Config;
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::net;
use crate::policy::Verdict;
use crate::proxy::refusal::Pages;
use crate::web::{Web, server};

/// Where the pages will be: who comes early waits, and is not turned away.
#[derive(Default)]
pub struct Sockets {
    plain: Vec<std::net::TcpListener>,
    tls: Vec<std::net::TcpListener>,
}

/// Takes the addresses that the configuration names.
pub fn bind(config: &Config) -> anyhow::Result<Sockets> {
    let bind = |addrs: &[SocketAddr]| addrs.iter().map(|addr| Ok(net::bind_tcp(*addr)?)).collect::<anyhow::Result<_>>();
    let Some(web) = &config.web else { return Ok(Sockets::default()) };
    Ok(Sockets { plain: bind(&web.listen)?, tls: bind(&web.listen_tls)? })
}

/// Serves the pages; nothing without `[web]`.
pub fn open(app: &Arc<App>, runtime: &Handle, sockets: Sockets) -> anyhow::Result<()> {
    let options = app.state().config.web.clone();
    let Some((options, (family, _))) = options.zip(app.family.as_ref()) else { return Ok(()) };
    let steward = Arc::clone(app) as Arc<dyn crate::web::Steward>;
    let (judge, builtin) = (Arc::clone(&app.judge), Arc::clone(&app.builtin));
    let web = Arc::new(Web::new(judge, Arc::clone(family), steward, builtin, options.clone()).context("the pages")?);
    let router = server::router(Arc::clone(&web));
    let places = Arc::new(Semaphore::new(options.connections_max));
    let serve = |socket: std::net::TcpListener, tls: Option<TlsAcceptor>| -> anyhow::Result<()> {
        let _inside = runtime.enter();
        let addr = socket.local_addr()?;
        let listener = TcpListener::from_std(socket).context("the pages cannot listen")?;
        runtime.spawn(server::serve(listener, router.clone(), Arc::clone(&places), tls));
        tracing::info!(%addr, "the pages are here");
        Ok(())
    };
    for socket in sockets.plain {
        serve(socket, None)?;
    }
    let tls = app.doors.lock().unwrap_or_else(PoisonError::into_inner).handshake();
    for socket in sockets.tls {
        serve(socket, tls.clone())?;
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
