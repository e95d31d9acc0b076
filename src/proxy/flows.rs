//! QUIC by name, for profiles with `quic = "filter"`: the datagrams of a flow are held until its name is known and allowed,
//! then pass both ways through a socket of the flow's own. Nothing of an undecided flow passes.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket as StdSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::net::UdpSocket;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::places::Place;
use super::route::{OriginalDst, Route, Subject};
use super::server::Server;
use super::sniff::quic::{self, Assembly, Kind};
use super::sniff::{Progress, Sniffed};
use super::ways;
use crate::clock::now_secs;
use crate::identity::{Asker, ClientAddr};
use crate::name::Name;
use crate::net::replies::{self, Reply};
use crate::sys::{Batch, DATAGRAM_MAX, LocalAddr, recv_batch, wipe_stack};
use crate::telemetry::proxied::{By, Passage};

/// A flow on which nothing moves is forgotten: longer than the idle time of browsers and servers (30 s).
const IDLE_SECS: u32 = 60;
/// A flow whose name does not become known.
const UNDECIDED_SECS: u32 = 5;
/// A refused flow answers its client's repetitions for so long.
const REFUSED_SECS: u32 = 10;
/// Datagrams on their way to clients.
const REPLIES_MAX: usize = 4096;
/// Datagrams held while the judge is asked: what a client sends in that time is repetition.
const WAITING_MAX: usize = 16;
/// The one port that is intercepted.
const PORT: u16 = 443;

/// Whose flow, and where it was sent.
type Key = (SocketAddr, IpAddr);

/// All flows of one socket.
pub struct Flows {
    server: Arc<Server>,
    runtime: Handle,
    table: Mutex<HashMap<Key, Flow>>,
    replies: SyncSender<Reply>,
    started: Instant,
}

struct Flow {
    state: State,
    /// By this the answer leaves from where the client sent to.
    local: LocalAddr,
    touched: Arc<AtomicU32>,
    /// The way on of the connection before on the same ports. A Retry makes a second one (RFC 9000 §17.2.5.2), and its server
    /// knows the client by the address that the first had.
    way: Option<Way>,
    _place: Place,
}

/// An address, and the socket that is connected to it.
type Way = (IpAddr, Arc<UdpSocket>);

enum State {
    /// Its name is not known yet.
    Reading(Assembly),
    /// The judge is asked; what came meanwhile.
    Deciding(Assembly, Vec<Vec<u8>>),
    Open(Box<Open>),
    Refused,
}

struct Open {
    assembly: Assembly,
    origin: Arc<UdpSocket>,
    name: Option<Name>,
    addr: IpAddr,
    is_help: bool,
    /// Tells the task that brings answers back to end.
    end: Arc<Notify>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end.notify_one();
    }
}

/// What a datagram leads to, once the table is no longer locked.
#[allow(clippy::large_enum_variant, reason = "lives on the stack for one look; boxing would allocate")]
enum Next {
    Nothing,
    Send(Vec<u8>),
    Ask(Sniffed),
}

/// What the first datagram of no known flow leads to.
#[allow(clippy::large_enum_variant, reason = "moves into the table at once")]
enum Begun {
    Nothing,
    Told(Vec<u8>),
    Flow(Flow),
}

/// Serves a transparent socket, which must have a receive time-out and packet information: a thread for what comes, one for
/// what goes.
pub fn start(server: Arc<Server>, runtime: Handle, socket: StdSocket) -> io::Result<Vec<JoinHandle<()>>> {
    let socket = Arc::new(socket);
    let (handed_over, outgoing) = sync_channel(REPLIES_MAX);
    let flows =
        Arc::new(Flows { server, runtime, table: Mutex::default(), replies: handed_over, started: Instant::now() });
    let sending = Arc::clone(&socket);
    let sender = thread::Builder::new().name("quic-reply".into()).spawn(move || {
        // What is lost is sent again.
        replies::send(&sending, &outgoing, || {});
    })?;
    let receiver = thread::Builder::new().name("quic".into()).spawn(move || flows.run(&socket))?;
    Ok(vec![receiver, sender])
}

impl Flows {
    fn run(self: Arc<Self>, socket: &StdSocket) {
        let mut inbox = Batch::new();
        let mut changes = self.server.changes.subscribe();
        let (mut minute, mut second) = (now_secs() / 60, 0);
        while !self.server.stop.load(Ordering::Relaxed) {
            if recv_batch(socket.as_fd(), &mut inbox).is_ok() {
                for at in 0..inbox.len() {
                    let (Some(peer), Some(local)) = (inbox.peer(at), inbox.local(at)) else { continue };
                    self.datagram(peer, local, inbox.data(at));
                }
            } else if inbox.wipe() {
                wipe_stack();
            }
            if self.now() != second {
                second = self.now();
                self.forget();
            }
            if changes.has_changed().unwrap_or(false) || now_secs() / 60 != minute {
                changes.mark_unchanged();
                minute = now_secs() / 60;
                self.judge_again();
            }
        }
        self.table().clear();
    }

    fn datagram(self: &Arc<Self>, peer: SocketAddr, local: LocalAddr, datagram: &[u8]) {
        let key = (peer, local.ip);
        match self.next(key, local, datagram) {
            Next::Nothing => {}
            Next::Send(payload) => self.reply(Reply { payload, to: peer, from: Some(local) }),
            Next::Ask(sniffed) => {
                let flows = Arc::clone(self);
                self.runtime.spawn(async move { flows.decide(key, sniffed).await });
            }
        }
    }

    fn next(&self, key: Key, local: LocalAddr, datagram: &[u8]) -> Next {
        let mut table = self.table();
        let flows = table.len();
        let flow = match table.entry(key) {
            Slot::Occupied(flow) => flow.into_mut(),
            Slot::Vacant(free) => match self.begin(key, local, datagram, flows) {
                Begun::Flow(flow) => free.insert(flow),
                Begun::Told(answer) => return Next::Send(answer),
                Begun::Nothing => return Next::Nothing,
            },
        };
        flow.touched.store(self.now(), Ordering::Relaxed);
        flow.take(datagram)
    }

    /// A new flow begins with an Initial; another version is told which ones are spoken here.
    fn begin(&self, (peer, to): Key, local: LocalAddr, datagram: &[u8], flows: usize) -> Begun {
        match quic::kind(datagram) {
            Kind::Initial { .. } => {}
            Kind::UnknownVersion { dcid, scid, .. } if datagram.len() >= quic::DATAGRAM_MIN => {
                let mut answer = Vec::new();
                quic::version_negotiation(dcid, scid, &mut answer);
                return Begun::Told(answer);
            }
            _ => return Begun::Nothing,
        }
        let is_help = || self.server.guide.given.is_help(to.to_canonical());
        let fits = flows < self.server.settings.load().places.flows || is_help();
        let place = if fits { self.server.places.enter(ClientAddr::from(peer), is_help) } else { None };
        let Some(place) = place else {
            self.server.counters.passage(By::Quic, Passage::Limited);
            return Begun::Nothing;
        };
        let touched = Arc::new(AtomicU32::new(self.now()));
        Begun::Flow(Flow { state: State::Reading(Assembly::new()), local, touched, way: None, _place: place })
    }

    /// Asks the judge where the flow may go.
    async fn decide(self: Arc<Self>, key: Key, sniffed: Sniffed) {
        let asker = Asker::from(ClientAddr::from(key.0));
        let subject =
            Subject { asker, to: OriginalDst(key.1.to_canonical()), port: PORT, sniffed: &sniffed, at: now_secs() };
        match self.server.guide.route(subject).await {
            Route::Refuse(verdict) => {
                self.server.counters.passage(By::Quic, Passage::Refused);
                ways::note(&self.server.counters, &verdict);
                self.refuse(key);
            }
            Route::To { addr, is_help, is_nameless } => match self.way(key, addr).await {
                Ok(origin) => {
                    if !is_help {
                        let passage = if is_nameless { Passage::Nameless } else { Passage::Allowed };
                        self.server.counters.passage(By::Quic, passage);
                    }
                    self.open(key, origin, sniffed.name, addr, is_help);
                }
                Err(_) => {
                    if !is_help {
                        self.server.counters.passage(By::Quic, Passage::Unreachable);
                    }
                    self.refuse(key);
                }
            },
        }
    }

    async fn way(&self, key: Key, addr: IpAddr) -> io::Result<Arc<UdpSocket>> {
        let before = self.table().get(&key).and_then(|flow| flow.way.clone());
        match before.filter(|(to, _)| *to == addr) {
            Some((_, origin)) => Ok(origin),
            None => Ok(Arc::new(open(addr).await?)),
        }
    }

    fn refuse(&self, key: Key) {
        let mut table = self.table();
        let Some(flow) = table.get_mut(&key) else { return };
        let State::Deciding(assembly, _) = &mut flow.state else { return };
        let answer = assembly.take_held().first().and_then(|first| quic::refusal(first));
        let from = flow.local;
        flow.state = State::Refused;
        drop(table);
        if let Some(payload) = answer {
            self.reply(Reply { payload, to: key.0, from: Some(from) });
        }
    }

    fn open(self: &Arc<Self>, key: Key, origin: Arc<UdpSocket>, name: Option<Name>, addr: IpAddr, is_help: bool) {
        let mut table = self.table();
        let Some(flow) = table.get_mut(&key) else { return };
        let State::Deciding(assembly, waiting) = &mut flow.state else { return };
        let (mut assembly, waiting) = (std::mem::take(assembly), std::mem::take(waiting));
        for datagram in assembly.take_held() {
            // What is lost is sent again.
            let _ = origin.try_send(&datagram);
        }
        for datagram in waiting.iter().filter(|datagram| assembly.admits(datagram)) {
            let _ = origin.try_send(datagram);
        }
        let end = Arc::new(Notify::new());
        let back = Back {
            flows: Arc::clone(self),
            origin: Arc::clone(&origin),
            to: key.0,
            from: flow.local,
            touched: Arc::clone(&flow.touched),
            end: Arc::clone(&end),
        };
        flow.way = Some((addr, Arc::clone(&origin)));
        flow.state = State::Open(Box::new(Open { assembly, origin, name, addr, is_help, end }));
        drop(table);
        self.runtime.spawn(back.run());
    }

    /// Forgets what is still.
    fn forget(&self) {
        let now = self.now();
        let mut table = self.table();
        let before = table.len();
        table.retain(|_, flow| {
            let patience = match flow.state {
                State::Reading(_) => UNDECIDED_SECS,
                State::Deciding(..) | State::Open(_) => IDLE_SECS,
                State::Refused => REFUSED_SECS,
            };
            now.saturating_sub(flow.touched.load(Ordering::Relaxed)) <= patience
        });
        // A table leaves what was removed from it where it was.
        if table.len() < before {
            table.shrink_to_fit();
        }
    }

    /// Ends what the rules no longer allow.
    fn judge_again(&self) {
        let mut table = self.table();
        for ((peer, _), flow) in table.iter_mut() {
            let State::Open(open) = &flow.state else { continue };
            let asker = Asker::from(ClientAddr::from(*peer));
            if !open.is_help && !self.server.guide.still_allows(asker, open.name.as_ref(), open.addr, now_secs()) {
                self.server.counters.passage(By::Quic, Passage::Cut);
                flow.state = State::Refused;
            }
        }
    }

    fn reply(&self, reply: Reply) {
        // A full queue loses datagrams, as UDP may.
        let _ = self.replies.try_send(reply);
    }

    fn table(&self) -> MutexGuard<'_, HashMap<Key, Flow>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u32 {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }
}

impl Flow {
    fn take(&mut self, datagram: &[u8]) -> Next {
        match &mut self.state {
            State::Open(open) => {
                if open.assembly.admits(datagram) {
                    let _ = open.origin.try_send(datagram);
                    return Next::Nothing;
                }
                // Another connection on the same ports: judged for itself.
                self.state = State::Reading(Assembly::new());
                self.take(datagram)
            }
            State::Reading(assembly) => match assembly.push(datagram) {
                Progress::More | Progress::Alien => Next::Nothing,
                Progress::Malformed => {
                    self.state = State::Refused;
                    Next::Nothing
                }
                Progress::Done(sniffed) => {
                    self.state = State::Deciding(std::mem::take(assembly), Vec::new());
                    Next::Ask(sniffed)
                }
            },
            State::Deciding(_, waiting) => {
                if waiting.len() < WAITING_MAX {
                    waiting.push(datagram.to_vec());
                }
                Next::Nothing
            }
            State::Refused => quic::refusal(datagram).map_or(Next::Nothing, Next::Send),
        }
    }
}

/// Brings answers back.
struct Back {
    flows: Arc<Flows>,
    origin: Arc<UdpSocket>,
    to: SocketAddr,
    from: LocalAddr,
    touched: Arc<AtomicU32>,
    end: Arc<Notify>,
}

impl Back {
    async fn run(self) {
        let mut buffer = [0; DATAGRAM_MAX];
        loop {
            let received = tokio::select! {
                received = self.origin.recv(&mut buffer) => received,
                () = self.end.notified() => return,
            };
            match received {
                Ok(len) => {
                    self.touched.store(self.flows.now(), Ordering::Relaxed);
                    self.flows.reply(Reply { payload: buffer[..len].to_vec(), to: self.to, from: Some(self.from) });
                }
                // ICMP told that nobody listens there: the flow will be still, and then forgotten.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        }
    }
}

async fn open(addr: IpAddr) -> io::Result<UdpSocket> {
    if addr.is_loopback() || addr.is_unspecified() {
        return Err(io::ErrorKind::AddrNotAvailable.into());
    }
    let any: IpAddr = if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect((addr, PORT)).await?;
    Ok(socket)
}
