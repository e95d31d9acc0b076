//! Opens door two: its listeners on the loopback addresses, a thread for each core, and the sockets of intercepted DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use socket2::{SockRef, TcpKeepalive};
use tokio::runtime::Handle;
use tokio::sync::watch;

use crate::config;
use crate::dns::given::Given;
use crate::dns::pipeline::Door;
use crate::dns::worker::Shared;
use crate::judge::{HelpSet, Judge};
use crate::net::transparent;
use crate::policy::{Profile, Quic};
use crate::proxy::flows;
use crate::proxy::places::Places;
use crate::proxy::route::Guide;
use crate::proxy::server::{self, Server};
use crate::telemetry::metrics::Metrics;

/// Where intercepted traffic is led.
pub const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// Connections the kernel holds for each listener.
const BACKLOG: i32 = 4096;
/// How often a thread that waits for datagrams looks whether to stop.
const LOOK_AROUND: Duration = Duration::from_millis(100);
/// Octets of queue for QUIC datagrams.
const RECEIVE_BUFFER: usize = 4 << 20;
/// A device that left without a word is noticed after two minutes of silence and half a minute of asking.
const KEEPALIVE: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(10));

/// The open door.
pub struct Open {
    /// What its threads share.
    pub server: Arc<Server>,
    /// Its threads.
    pub threads: Vec<JoinHandle<()>>,
    runtime: Handle,
    serves_quic: bool,
}

impl Open {
    /// Listens for QUIC once a profile has it filtered; until then nobody needs the sockets.
    pub fn serve_quic(&mut self, profiles: &[Profile]) -> anyhow::Result<()> {
        let is_wanted = |profile: &Profile| profile.network.intercept && profile.network.quic == Quic::Filter;
        if self.serves_quic || !profiles.iter().any(is_wanted) {
            return Ok(());
        }
        for socket in both_families(443, quic)? {
            let started = flows::start(Arc::clone(&self.server), self.runtime.clone(), socket);
            self.threads.extend(started.context("a thread for QUIC cannot start")?);
        }
        self.serves_quic = true;
        Ok(())
    }
}

/// What the door is made of.
pub struct Parts<'a> {
    /// Its options.
    pub config: &'a config::Proxy,
    /// Whose connections come.
    pub profiles: &'a [Profile],
    /// Door one.
    pub shared: &'a Shared,
    /// Who decides.
    pub judge: &'a Arc<Judge>,
    /// What answers gave.
    pub given: &'a Arc<Given>,
    /// Where it is counted.
    pub metrics: &'a Arc<Metrics>,
    /// Where look-ups run.
    pub runtime: &'a Handle,
}

/// Opens the door.
pub fn open(parts: &Parts<'_>) -> anyhow::Result<Open> {
    let config = parts.config;
    let (judge, door, given) = (Arc::clone(parts.judge), Arc::clone(&parts.shared.door), Arc::clone(parts.given));
    let server = Arc::new(Server {
        guide: Guide { judge, door, given },
        settings: ArcSwap::from_pointee(config.clone()),
        places: Arc::new(Places::new(config.places)),
        counters: parts.metrics.proxied(),
        stop: Arc::clone(&parts.shared.stop),
        changes: watch::Sender::new(()),
        pages: OnceLock::new(),
    });
    let workers =
        if config.workers == 0 { thread::available_parallelism().map_or(1, usize::from) } else { config.workers };
    let mut threads = Vec::new();
    for _ in 0..workers {
        let mut listeners = Vec::new();
        for port in [config.http_port, config.tls_port] {
            listeners.extend(both_families(port, tcp)?);
        }
        threads.push(server::start(Arc::clone(&server), listeners).context("a thread of the proxy cannot start")?);
    }
    tracing::info!(http = config.http_port, tls = config.tls_port, workers, "proxy listening");
    let mut open = Open { server, threads, runtime: parts.runtime.clone(), serves_quic: false };
    open.serve_quic(parts.profiles)?;
    Ok(open)
}

/// The options that hold after a reload: what was opened and put into the kernel at the start stays as it is.
pub fn as_opened(old: Option<&config::Proxy>, new: Option<config::Proxy>) -> Option<config::Proxy> {
    let (Some(old), Some(new)) = (old, new) else { return old.cloned() };
    Some(config::Proxy {
        http_port: old.http_port,
        tls_port: old.tls_port,
        workers: old.workers,
        manage_firewall: old.manage_firewall,
        mark: old.mark,
        table: old.table,
        preference: old.preference,
        ..new
    })
}

/// Knows the help set's addresses before anybody asks, and follows them as they change.
pub async fn learn_help(door: Arc<Door>, help: HelpSet, given: Arc<Given>) {
    const EVERY: Duration = Duration::from_secs(3600);
    loop {
        door.learn_help(&help, &given).await;
        tokio::time::sleep(EVERY).await;
    }
}

/// Of each family this machine has; at least one.
fn both_families<T>(port: u16, bind: impl Fn(SocketAddr) -> std::io::Result<T>) -> anyhow::Result<Vec<T>> {
    let mut bound = Vec::new();
    for ip in LOOPBACK {
        let addr = SocketAddr::new(ip, port);
        match bind(addr) {
            Ok(socket) => bound.push(socket),
            // A machine without IPv6 has nothing to intercept there.
            Err(error) if ip.is_ipv6() && is_absent(&error) => tracing::warn!(%addr, %error, "not listening"),
            Err(error) => {
                let advice = match error.kind() {
                    std::io::ErrorKind::PermissionDenied => " (transparent sockets need CAP_NET_ADMIN)",
                    _ => "",
                };
                return Err(error).with_context(|| format!("the proxy cannot listen on {addr}{advice}"));
            }
        }
    }
    Ok(bound)
}

/// True when the machine does not have that family of addresses.
pub fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AddrNotAvailable, Unsupported};
    matches!(error.kind(), AddrNotAvailable | Unsupported) || error.raw_os_error() == Some(97)
}

fn tcp(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let listener = transparent::tcp(addr, BACKLOG)?;
    let socket = SockRef::from(&listener);
    // Accepted connections inherit both.
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE.0).with_interval(KEEPALIVE.1).with_retries(3))?;
    Ok(listener)
}

fn quic(addr: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = transparent::udp(addr)?;
    socket.set_read_timeout(Some(LOOK_AROUND))?;
    // A smaller queue than asked for is no reason not to serve.
    let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
    Ok(socket)
}
