//! Opens the doors: sockets bound or handed over, a thread for each UDP socket, a task for each other listener, and the
//! certificate that the encrypted ones show.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::config::{Config, Dns, Encrypted, Web};
use crate::dns::listen::{Listening, Speaks};
use crate::dns::single::Single;
use crate::dns::tls::{Certificate, Handshake, Tls};
use crate::dns::worker::{self, Shared};
use crate::dns::{https, quic};
use crate::net::certificate::{AUTHORITY, Kept, Origin};
use crate::net::{self, BindError, Listeners, transparent};
use crate::telemetry::metrics::Metrics;

/// The open doors.
pub struct Doors {
    /// UDP workers and their senders.
    pub threads: Vec<JoinHandle<()>>,
    shown: Option<Shown>,
}

/// The certificate in force and where it comes from.
struct Shown {
    kept: Mutex<Kept>,
    certificate: Arc<Certificate>,
    tls: Arc<Tls>,
}

/// Opens every door of the configuration.
pub fn open(shared: &Shared, config: &Config, metrics: &Arc<Metrics>, now: u64) -> anyhow::Result<Doors> {
    let (dns, state_dir) = (&config.dns, config.state_dir.as_deref());
    let mut listeners = listeners(dns)?;
    if config.proxy.is_some() {
        intercept(&mut listeners, workers(dns)).context("intercepted DNS")?;
    }
    let slow = metrics.shared();
    let single = Single { shared: shared.clone(), counters: Arc::clone(&slow) };
    let plain = Listening {
        single,
        speaks: Speaks::Dns,
        places: Arc::new(Semaphore::new(dns.tcp.connections_max)),
        idle: dns.tcp.idle,
        balancers: dns.tcp.balancers.as_slice().into(),
    };
    let shown = open_encrypted(&plain, config, state_dir, now)?;
    for listener in listeners.tcp {
        accept(&plain, listener)?;
    }
    // Last: who is answered by UDP finds the other doors open as well.
    let mut threads = Vec::new();
    for socket in listeners.udp {
        let started = worker::start(shared.clone(), socket, metrics.thread(), Arc::clone(&slow));
        threads.extend(started.context("a UDP worker cannot start")?);
    }
    for addr in &dns.listen {
        tracing::info!(%addr, "listening");
    }
    Ok(Doors { threads, shown })
}

fn listeners(dns: &Dns) -> anyhow::Result<Listeners> {
    let workers = workers(dns);
    if let Some(inherited) = net::inherited(workers).context("sockets handed over cannot be used")? {
        tracing::info!(udp = inherited.udp.len(), tcp = inherited.tcp.len(), "sockets handed over");
        return Ok(inherited);
    }
    Ok(net::bind(&dns.listen, workers)?)
}

fn workers(dns: &Dns) -> usize {
    if dns.workers == 0 { thread::available_parallelism().map_or(1, usize::from) } else { dns.workers }
}

/// Makes what listens on port 53 of a loopback address take questions that were sent elsewhere, and listens there where
/// nothing does: an answer has to come from the port that was asked.
fn intercept(listeners: &mut Listeners, workers: usize) -> anyhow::Result<()> {
    const PORT: u16 = 53;
    for ip in super::proxy::LOOPBACK {
        let covers = |addr: std::io::Result<SocketAddr>| {
            addr.is_ok_and(|addr| {
                let is_here = addr.ip() == ip || addr.ip().is_unspecified() && addr.is_ipv4() == ip.is_ipv4();
                is_here && addr.port() == PORT
            })
        };
        let addr = SocketAddr::new(ip, PORT);
        match take_over(listeners, addr, workers, covers) {
            // A machine without IPv6 has nothing to intercept there.
            Err(error) if ip.is_ipv6() && super::proxy::is_absent(&error.error) => {
                tracing::warn!(%addr, %error, "not listening");
            }
            other => other?,
        }
    }
    Ok(())
}

/// Makes the sockets that `covers` finds transparent, and binds what is missing.
fn take_over(
    listeners: &mut Listeners,
    addr: SocketAddr,
    workers: usize,
    covers: impl Fn(std::io::Result<SocketAddr>) -> bool,
) -> Result<(), BindError> {
    let failed = |error| BindError { addr, error };
    let udp: Vec<_> = listeners.udp.iter().filter(|socket| covers(socket.local_addr())).collect();
    let tcp: Vec<_> = listeners.tcp.iter().filter(|listener| covers(listener.local_addr())).collect();
    let descriptors = udp.iter().map(|socket| socket.as_fd()).chain(tcp.iter().map(|listener| listener.as_fd()));
    for descriptor in descriptors {
        transparent::make_transparent(descriptor).map_err(failed)?;
    }
    let (lacks_udp, lacks_tcp) = (udp.is_empty(), tcp.is_empty());
    if lacks_udp {
        listeners.udp.extend(net::bind_intercepted_udp(addr, workers)?);
    }
    if lacks_tcp {
        listeners.tcp.push(net::bind_intercepted_tcp(addr)?);
    }
    Ok(())
}

fn open_encrypted(
    plain: &Listening,
    config: &Config,
    state_dir: Option<&Path>,
    now: u64,
) -> anyhow::Result<Option<Shown>> {
    let (encrypted, web) = (&config.dns.encrypted, config.web.as_ref());
    if encrypted.is_off() && web.is_none_or(|web| web.listen_tls.is_empty()) {
        return Ok(None);
    }
    let (kept, key) = Kept::load(&origin(encrypted, web, state_dir), now as i64).context("encrypted doors")?;
    if let Origin::Own { folder: Some(folder), .. } = &kept.origin {
        let file = folder.join(AUTHORITY);
        tracing::info!(file = %file.display(), "own certificate; devices that shall trust it need this authority");
    }
    let certificate = Certificate::new(key);
    let tls = Arc::new(Tls::new(Arc::clone(&certificate), encrypted.name.clone()));
    let kind = |speaks| Listening { speaks, places: places(encrypted), idle: encrypted.idle, ..plain.clone() };
    let dns = kind(Speaks::DnsOverTls(Arc::new(Handshake::new(Arc::clone(&tls), &[b"dot"]))));
    let web = kind(Speaks::Https(Arc::new(Handshake::new(Arc::clone(&tls), &https::ALPN))));
    for (door, addrs) in [(dns, &encrypted.tls), (web, &encrypted.https)] {
        for addr in addrs {
            accept(&door, net::bind_tcp(*addr)?)?;
            tracing::info!(%addr, speaks = door.speaks.name(), "listening");
        }
    }
    for (speaks, addrs) in [(quic::Speaks::Dns, &encrypted.quic), (quic::Speaks::Http3, &encrypted.https)] {
        let (single, tls) = (plain.single.clone(), Arc::clone(&tls));
        let door = quic::Listening { single, tls, speaks, places: places(encrypted), idle: encrypted.idle };
        for addr in addrs {
            let _inside = plain.single.shared.runtime.enter();
            let endpoint = door.endpoint(net::bind_quic(*addr)?).context("QUIC cannot start")?;
            plain.single.shared.runtime.spawn(door.clone().accept(endpoint));
            tracing::info!(%addr, ?speaks, "listening by QUIC");
        }
    }
    Ok(Some(Shown { kept: Mutex::new(kept), certificate, tls }))
}

fn places(encrypted: &Encrypted) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(encrypted.connections_max))
}

fn accept(door: &Listening, listener: std::net::TcpListener) -> anyhow::Result<()> {
    let runtime = &door.single.shared.runtime;
    let _inside = runtime.enter();
    let listener = TcpListener::from_std(listener).context("a TCP listener cannot start")?;
    runtime.spawn(door.clone().accept(listener));
    Ok(())
}

fn origin(encrypted: &Encrypted, web: Option<&Web>, state_dir: Option<&Path>) -> Origin {
    if let Some((certificate, key)) = encrypted.certificate.clone() {
        return Origin::Files { certificate, key };
    }
    let listened = encrypted.tls.iter().chain(&encrypted.https).chain(&encrypted.quic).map(|addr| addr.ip());
    let of_pages = web.into_iter().flat_map(|web| web.addresses.iter().copied());
    let all = encrypted.addresses.iter().copied().chain(listened).chain(of_pages);
    let addrs: BTreeSet<IpAddr> = all.filter(|addr| !addr.is_unspecified()).collect();
    let named = encrypted.name.iter().flat_map(|name| [name.to_string(), format!("*.{name}")]);
    let named = named.chain(web.map(|web| web.name.to_string()));
    let names = named.chain(["localhost".to_string()]).chain(addrs.iter().map(IpAddr::to_string)).collect();
    Origin::Own { folder: state_dir.map(|dir| dir.join("tls")), names }
}

impl Doors {
    /// How the pages shake hands; `None` when no door is encrypted.
    pub fn handshake(&self) -> Option<TlsAcceptor> {
        self.shown.as_ref().map(|shown| TlsAcceptor::from(shown.tls.config(&[b"http/1.1"])))
    }

    /// Shows a newer certificate when there is one; a broken one is told and the old one stays.
    pub fn renew_certificate(&self, now: u64) {
        let Some(shown) = &self.shown else { return };
        let mut kept = shown.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if !kept.is_old(now as i64) {
            return;
        }
        match Kept::load(&kept.origin, now as i64) {
            Ok((newer, key)) => {
                *kept = newer;
                shown.certificate.swap(key);
                tracing::info!("certificate renewed");
            }
            Err(error) => tracing::error!("certificate not renewed: {error}; the old one stays in force"),
        }
    }
}
