//! Door two, on one screen: accept → sniff → judge → tunnel or refuse. One thread of the proxy and its connections; threads
//! share the limits, the judge and the memory of what was given, nothing else.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::timeout;

use super::first::{self, First};
use super::live::{About, End, Entry, Live, Seat};
use super::places::{Place, Places};
use super::refusal::{self, Pages};
use super::route::{Guide, OriginalDst, Route, Subject};
use super::sniff::Sniffed;
use super::tunnel::{self, Side, Tunnel};
use super::{http, ways};
use crate::clock::now_secs;
use crate::config;
use crate::identity::ClientAddr;
use crate::sys;
use crate::telemetry::proxied::{By, Passage, Proxied};

/// What all threads share.
pub struct Server {
    /// Who is asked on the way.
    pub guide: Guide,
    /// Limits and times.
    pub settings: ArcSwap<config::Proxy>,
    /// Connections under way.
    pub places: Arc<Places>,
    /// What became of them.
    pub counters: Arc<Proxied>,
    /// Set once, when no more connections are taken.
    pub stop: Arc<AtomicBool>,
    /// Told when the rules change.
    pub changes: watch::Sender<()>,
    /// Who writes the page of a refusal; empty where there is no portal.
    pub pages: OnceLock<Arc<dyn Pages>>,
}

impl Server {
    /// Takes on other limits and times, and has every connection judged again.
    pub fn reconfigure(&self, options: &config::Proxy) {
        self.settings.store(Arc::new(options.clone()));
        self.places.limit(options.places);
        self.rules_changed();
    }

    /// Has all connections judged again, now.
    pub fn rules_changed(&self) {
        self.changes.send_replace(());
    }
}

/// A pause after an error of the listener (out of descriptors), so that a lasting one does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);
/// How often a thread looks at its connections.
const TICK: Duration = Duration::from_secs(1);

/// Starts a thread that serves `listeners`.
pub fn start(server: Arc<Server>, listeners: Vec<StdListener>) -> io::Result<JoinHandle<()>> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().on_thread_park(sys::wipe_stack_at_rest).build()?;
    thread::Builder::new().name("proxy".into()).spawn(move || {
        LocalSet::new().block_on(&runtime, async {
            let worker = Rc::new(Worker { server, live: Live::default() });
            for listener in listeners {
                match TcpListener::from_std(listener) {
                    Ok(listener) => drop(spawn_local(Rc::clone(&worker).accept(listener))),
                    Err(error) => tracing::error!(%error, "a listener of the proxy cannot be used"),
                }
            }
            worker.watch().await;
        });
    })
}

/// One thread.
pub struct Worker {
    pub(super) server: Arc<Server>,
    pub(super) live: Live,
}

/// An accepted connection with its place.
pub struct Connection {
    /// The device's side.
    pub stream: TcpStream,
    /// Whose it is.
    pub client: ClientAddr,
    /// Where it was sent.
    pub to: SocketAddr,
    /// Held to its end.
    pub place: Place,
}

impl Worker {
    async fn accept(self: Rc<Self>, listener: TcpListener) {
        while !self.server.stop.load(Ordering::Relaxed) {
            match listener.accept().await {
                Ok((stream, peer)) => self.clone().enter(stream, peer.into()),
                Err(error) => {
                    tracing::warn!(%error, "proxy listener");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    fn enter(self: Rc<Self>, stream: TcpStream, client: ClientAddr) {
        // Where it was sent is what the socket is bound to (nft_tproxy).
        let Ok(to) = stream.local_addr() else { return };
        let is_help = || self.server.guide.given.is_help(to.ip().to_canonical());
        let Some(place) = self.server.places.enter(client, is_help) else {
            self.server.counters.passage(By::Stream, Passage::Limited);
            return;
        };
        let connection = Connection { stream, client, to, place };
        spawn_local(async move { self.serve(connection, Vec::new()).await });
    }

    /// The way of a connection; `octets` were read from it already.
    pub(super) async fn serve(self: Rc<Self>, mut connection: Connection, octets: Vec<u8>) {
        let patience = self.server.settings.load().hello;
        let Ok(Ok(first)) = timeout(patience, first::read(&mut connection.stream, octets)).await else {
            return self.count(Passage::Silent);
        };
        self.lead(connection, first).await;
    }

    async fn lead(self: Rc<Self>, connection: Connection, first: First) {
        match first {
            // In a box: hyper's part of this future would be copied about with every connection that has none.
            First::Http(octets) => Box::pin(http::serve(self, connection, octets)).await,
            First::Stream(octets, sniffed) => self.stream(connection, octets, sniffed).await,
            First::Malformed => {
                self.count(Passage::Malformed);
                refusal::alert(connection.stream).await;
            }
        }
    }

    /// The way of a connection whose bytes are not looked at any further.
    async fn stream(self: Rc<Self>, connection: Connection, octets: Vec<u8>, sniffed: Sniffed) {
        let Connection { stream, client, to, place } = connection;
        let subject = Subject {
            asker: client.into(),
            to: OriginalDst(to.ip().to_canonical()),
            port: to.port(),
            sniffed: &sniffed,
            at: now_secs(),
        };
        let (addr, is_help, is_nameless) = match self.server.guide.route(subject).await {
            Route::To { addr, is_help, is_nameless } => (addr, is_help, is_nameless),
            Route::Refuse(verdict) => {
                self.count(Passage::Refused);
                ways::note(&self.server.counters, &verdict);
                return refusal::alert(stream).await;
            }
        };
        let name = RefCell::new(sniffed.name.map(Box::new));
        let about = About { asker: client.into(), name, to: OriginalDst(addr), is_help: Cell::new(is_help) };
        let seat = self.live.enter(about);
        let Ok(origin) = connect(SocketAddr::new(addr, to.port()), &seat.entry()).await else {
            if !is_help {
                self.count(Passage::Unreachable);
            }
            return;
        };
        let (client, origin) = (Side { stream, read: octets }, Side { stream: origin, read: Vec::new() });
        let tunnel = Tunnel::new(client, origin, seat.entry());
        let passage = if is_nameless { Passage::Nameless } else { Passage::Allowed };
        // A task of its own is smaller than this one, and there may be very many.
        spawn_local(self.tunnel(tunnel, seat, place, (!is_help).then_some(passage)));
    }

    async fn tunnel(self: Rc<Self>, tunnel: Tunnel, seat: Seat, _place: Place, passage: Option<Passage>) {
        let Some(passage) = passage else {
            tunnel.await;
            return;
        };
        let counters = &self.server.counters;
        counters.passage(By::Stream, passage);
        counters.open(1);
        let (up, down) = tunnel.await;
        counters.octets(up, down);
        counters.open(-1);
        ended(counters, By::Stream, &seat);
    }

    /// Ends what is still or no longer allowed, until the house stops.
    async fn watch(&self) {
        let started = Instant::now();
        let mut changes = self.server.changes.subscribe();
        let mut tick = tokio::time::interval(TICK);
        let mut minute = now_secs() / 60;
        while !self.server.stop.load(Ordering::Relaxed) {
            let is_changed = tokio::select! {
                _ = tick.tick() => false,
                changed = changes.changed() => changed.is_ok(),
            };
            let now = u32::try_from(started.elapsed().as_secs()).unwrap_or(u32::MAX);
            self.live.tick(now, self.server.settings.load().idle);
            tunnel::wipe();
            // Schedules begin and end with a minute of the wall clock.
            let at = now_secs();
            if is_changed || at / 60 != minute {
                minute = at / 60;
                self.live.judge_again(&self.server.guide, at);
            }
        }
    }

    pub(super) fn count(&self, passage: Passage) {
        self.server.counters.passage(By::Stream, passage);
    }
}

/// Counts a connection that was ended from here.
pub(super) fn ended(counters: &Proxied, by: By, seat: &Seat) {
    match seat.entry().end() {
        Some(End::Cut) => counters.passage(by, Passage::Cut),
        Some(End::Idle) => counters.passage(by, Passage::Idle),
        None => {}
    }
}

/// Connects to an origin, for as long as `entry` may wait for it. Never to this machine: a connection that was not
/// intercepted would come back to us for ever.
pub(super) async fn connect(to: SocketAddr, entry: &Entry) -> io::Result<TcpStream> {
    if to.ip().is_loopback() || to.ip().is_unspecified() {
        return Err(ErrorKind::AddrNotAvailable.into());
    }
    let socket = Socket::new(Domain::for_address(to), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_tcp_nodelay(true)?;
    match socket.connect(&to.into()) {
        Err(error) if error.raw_os_error() != Some(libc::EINPROGRESS) => return Err(error),
        _ => {}
    }
    let stream = TcpStream::from_std(socket.into())?;
    let ready = {
        let mut ready = pin!(stream.ready(Interest::WRITABLE | Interest::ERROR));
        poll_fn(|context| {
            if entry.is_over(context) {
                return Poll::Ready(Err(ErrorKind::TimedOut.into()));
            }
            ready.as_mut().poll(context)
        })
        .await?
    };
    entry.connected();
    if ready.is_error() || ready.is_write_closed() {
        return Err(stream.take_error()?.unwrap_or_else(|| ErrorKind::ConnectionRefused.into()));
    }
    Ok(stream)
}
