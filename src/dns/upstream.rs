//! Asking other resolvers. Each server has its own way, health and latency; a question moves on to the next one when a server
//! is silent or says it failed.

mod pipe;
mod transport;

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_net::NetError;
use hickory_net::proto::op::Query;
use hickory_net::proto::rr::{DNSClass, Name as WireName, RecordType};
use hickory_net::proto::serialize::binary::{BinDecodable, BinDecoder};
use rustls::ClientConfig;

use super::record::Key;
use crate::config::{self, Strategy};
use crate::telemetry::metrics::ServerStats;
use transport::Transport;

/// A question as it goes out.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Name, type and class.
    pub query: Query,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// The CD bit.
    pub checking_disabled: bool,
}

impl Asked {
    /// The question of a key; `None` when it cannot be put on the wire.
    pub fn of(key: &Key) -> Option<Asked> {
        let name = WireName::read(&mut BinDecoder::new(key.name.as_wire())).ok()?;
        let mut query = Query::query(name, RecordType::from(key.rtype));
        query.set_query_class(DNSClass::IN);
        Some(Asked { query, dnssec_ok: key.dnssec_ok, checking_disabled: key.checking_disabled })
    }
}

/// No server answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no upstream answered")]
pub struct AllDown;

/// Servers that can stand in for each other.
pub struct Upstreams {
    servers: Vec<Server>,
    strategy: Strategy,
    /// Questions so far, to take turns.
    turns: AtomicUsize,
    /// None answered the last question.
    is_down: AtomicBool,
}

/// Silent so many times in a row, a server is asked after the healthy ones.
const FAILURES_MAX: u32 = 3;
/// First and longest pause before a failed server is preferred again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// The fastest server is not asked once in so many questions: another may have become faster. A guess.
const LOOK_ELSEWHERE: usize = 32;

impl Upstreams {
    /// Servers as configured; nothing is sent yet.
    pub fn new(
        servers: &[config::Server],
        strategy: Strategy,
        timeout: Duration,
        tls: &Arc<ClientConfig>,
    ) -> Upstreams {
        let server = |server: &config::Server| Server::new(Transport::new(server.clone(), timeout, Arc::clone(tls)));
        Upstreams {
            servers: servers.iter().map(server).collect(),
            strategy,
            turns: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
        }
    }

    /// Asks until a server answers. Returns the whole message; a server's own failure is an answer when all say it.
    pub async fn ask(&self, asked: &Asked) -> Result<Vec<u8>, AllDown> {
        let mut refusal = None;
        for server in self.order() {
            match server.ask(asked).await {
                Ok(answer) if matches!(answer.get(3).map(|flags| flags & 0x0f), Some(0 | 3)) => {
                    if self.is_down.load(Ordering::Relaxed) && self.is_down.swap(false, Ordering::Relaxed) {
                        tracing::info!(server = %server.transport.server(), "an upstream answers again");
                    }
                    return Ok(answer);
                }
                Ok(answer) => refusal = Some(answer),
                Err(error) => {
                    tracing::debug!(server = %server.transport.server(), %error, "upstream did not answer");
                }
            }
        }
        // Said once for each time they all went away, and once when one is back.
        if refusal.is_none() && !self.is_down.swap(true, Ordering::Relaxed) {
            tracing::warn!(servers = %self.names(), "no upstream answers; old answers are served while they last");
        }
        refusal.ok_or(AllDown)
    }

    fn names(&self) -> String {
        self.servers.iter().map(|server| server.transport.server().to_string()).collect::<Vec<_>>().join(", ")
    }

    /// Each server as it was written, and its numbers.
    pub fn stats(&self) -> impl Iterator<Item = (String, ServerStats)> {
        self.servers.iter().map(|server| (server.transport.server().to_string(), server.stats()))
    }

    /// Healthy ones first, in the order of the strategy; then the others, the one whose pause ends first at the front.
    fn order(&self) -> Vec<&Server> {
        let now = Instant::now();
        let mut order: Vec<&Server> = self.servers.iter().collect();
        if order.len() < 2 {
            return order;
        }
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        match self.strategy {
            Strategy::Ordered => {}
            Strategy::Spread => order.rotate_left(turn % self.servers.len()),
            Strategy::Fastest => {
                order.sort_by_key(|server| server.latency_us.load(Ordering::Relaxed));
                if turn % LOOK_ELSEWHERE == LOOK_ELSEWHERE - 1 {
                    order.rotate_left(1 + turn / LOOK_ELSEWHERE % (self.servers.len() - 1));
                }
            }
        }
        order.sort_by_key(|server| server.paused_until().filter(|until| *until > now));
        order
    }
}

struct Server {
    transport: Transport,
    health: Mutex<Health>,
    latency_us: AtomicU32,
    asked: AtomicU64,
    failed: AtomicU64,
}

#[derive(Default)]
struct Health {
    failures: u32,
    paused_until: Option<Instant>,
}

impl Server {
    fn new(transport: Transport) -> Server {
        Server {
            transport,
            health: Mutex::default(),
            latency_us: AtomicU32::new(0),
            asked: AtomicU64::new(0),
            failed: AtomicU64::new(0),
        }
    }

    fn paused_until(&self) -> Option<Instant> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner).paused_until
    }

    fn stats(&self) -> ServerStats {
        ServerStats {
            asked: self.asked.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            healthy: self.paused_until().is_none_or(|until| until <= Instant::now()),
            latency_us: self.latency_us.load(Ordering::Relaxed),
        }
    }

    async fn ask(&self, asked: &Asked) -> Result<Vec<u8>, NetError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let result = self.transport.ask(asked).await;
        match &result {
            Ok(_) => self.answered(started.elapsed()),
            Err(_) => self.silent(),
        }
        result
    }

    fn answered(&self, took: Duration) {
        let took = u32::try_from(took.as_micros()).unwrap_or(u32::MAX).max(1);
        let old = self.latency_us.load(Ordering::Relaxed);
        // An eighth of the new sample, as TCP smooths its round trips (RFC 6298 §2).
        let smoothed = if old == 0 { took } else { old - old / 8 + took / 8 };
        self.latency_us.store(smoothed, Ordering::Relaxed);
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = Health::default();
    }

    fn silent(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.failures += 1;
        if let Some(over) = health.failures.checked_sub(FAILURES_MAX) {
            let pause = PAUSE.0.saturating_mul(1 << over.min(5)).min(PAUSE.1);
            health.paused_until = Some(Instant::now() + pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::name::Name;
    use hickory_net::proto::op::{Message, MessageType, ResponseCode};
    use hickory_net::proto::rr::rdata::SOA;
    use hickory_net::proto::rr::{RData, Record};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, UdpSocket};

    fn asked() -> Asked {
        let key = Key {
            name: Name::parse("www.example").unwrap(),
            rtype: 1,
            dnssec_ok: false,
            checking_disabled: false,
            without_ech: false,
        };
        Asked::of(&key).unwrap()
    }

    fn upstreams(servers: &[SocketAddr], strategy: Strategy) -> Upstreams {
        let servers: Vec<_> = servers.iter().map(|addr| config::Server::udp(*addr)).collect();
        Upstreams::new(&servers, strategy, Duration::from_millis(400), &no_tls())
    }

    fn no_tls() -> Arc<ClientConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
    }

    fn reply(packet: &[u8], rcode: ResponseCode, truncated: bool) -> Vec<u8> {
        let mut message = Message::from_vec(packet).unwrap();
        message.metadata.message_type = MessageType::Response;
        message.metadata.response_code = rcode;
        message.metadata.truncation = truncated;
        let name = message.queries[0].name().clone();
        match rcode {
            ResponseCode::NXDomain => {
                let soa = SOA::new(name.clone(), name.clone(), 1, 2, 3, 4, 60);
                message.authorities.push(Record::from_rdata(name, 60, RData::SOA(soa)));
            }
            ResponseCode::NoError if !truncated => {
                let data = RData::A("192.0.2.1".parse().unwrap());
                message.answers.push(Record::from_rdata(name, 60, data));
            }
            _ => {}
        }
        message.to_vec().unwrap()
    }

    async fn server(rcode: ResponseCode, truncated: bool) -> SocketAddr {
        // On an address where no other test asks for any port: free for UDP is free for TCP.
        let udp = UdpSocket::bind("127.0.0.78:0").await.unwrap();
        let addr = udp.local_addr().unwrap();
        let tcp = TcpListener::bind(addr).await.unwrap();
        tokio::spawn(async move {
            let mut packet = [0; 4096];
            while let Ok((len, from)) = udp.recv_from(&mut packet).await {
                udp.send_to(&reply(&packet[..len], rcode, truncated), from).await.unwrap();
            }
        });
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = tcp.accept().await {
                let Ok(len) = stream.read_u16().await else { continue };
                let mut packet = vec![0; usize::from(len)];
                stream.read_exact(&mut packet).await.unwrap();
                let answer = reply(&packet, rcode, false);
                stream.write_u16(answer.len() as u16).await.unwrap();
                stream.write_all(&answer).await.unwrap();
            }
        });
        addr
    }

    async fn dead() -> SocketAddr {
        // Bound and never read: nobody else gets the port, and nobody answers.
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = socket.local_addr().unwrap();
        std::mem::forget(socket);
        addr
    }

    fn read(answer: Vec<u8>) -> Message {
        Message::from_vec(&answer).unwrap()
    }

    #[tokio::test]
    async fn negative_answers_keep_their_soa() {
        let servers = upstreams(&[server(ResponseCode::NXDomain, false).await], Strategy::Ordered);
        let answer = read(servers.ask(&asked()).await.unwrap());
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(answer.authorities.len(), 1);
    }

    #[tokio::test]
    async fn truncated_answers_are_asked_by_tcp() {
        let servers = upstreams(&[server(ResponseCode::NoError, true).await], Strategy::Ordered);
        for _ in 0..3 {
            assert_eq!(read(servers.ask(&asked()).await.unwrap()).answers.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_passed_over_and_then_asked_last() {
        let (dead, alive) = (dead().await, server(ResponseCode::NoError, false).await);
        let servers = upstreams(&[dead, alive], Strategy::Ordered);
        for _ in 0..FAILURES_MAX + 1 {
            assert_eq!(read(servers.ask(&asked()).await.unwrap()).answers.len(), 1);
        }
        let stats: Vec<_> = servers.stats().map(|(_, stats)| stats).collect();
        assert!(!stats[0].healthy && stats[1].healthy);
        assert_eq!((stats[0].asked, stats[1].asked), (3, 4), "the last question did not wait for the dead one");
    }

    #[tokio::test]
    async fn failures_move_on_and_the_last_one_is_told() {
        let failing = server(ResponseCode::ServFail, false).await;
        let alive = server(ResponseCode::NoError, false).await;
        assert_eq!(read(upstreams(&[failing, alive], Strategy::Ordered).ask(&asked()).await.unwrap()).answers.len(), 1);
        let told = read(upstreams(&[failing], Strategy::Ordered).ask(&asked()).await.unwrap());
        assert_eq!(told.metadata.response_code, ResponseCode::ServFail);
        assert_eq!(upstreams(&[dead().await], Strategy::Ordered).ask(&asked()).await.unwrap_err(), AllDown);
    }

    #[tokio::test]
    async fn spreading_takes_turns() {
        let (one, two) = (server(ResponseCode::NoError, false).await, server(ResponseCode::NoError, false).await);
        let servers = upstreams(&[one, two], Strategy::Spread);
        for _ in 0..6 {
            servers.ask(&asked()).await.unwrap();
        }
        assert!(servers.stats().all(|(_, stats)| stats.asked == 3));
    }
}
