//! Asking other resolvers, over UDP with TCP when an answer does not fit. Each server has its own health and latency; a
//! question moves on to the next one when a server is silent or says it failed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hickory_net::NetError;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, Query};
use hickory_net::proto::rr::{DNSClass, Name as WireName, RecordType};
use hickory_net::proto::serialize::binary::{BinDecodable, BinDecoder};
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsRequestSender, FirstAnswer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::query::{HEADER, u16_at};
use super::record::Key;
use crate::config::{self, Strategy};
use crate::name::Name;
use crate::telemetry::metrics::ServerStats;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamError {
    /// No server answered.
    #[error("no upstream answered")]
    AllDown,
    /// The question cannot be put on the wire.
    #[error("question cannot be asked")]
    Unaskable,
}

/// The servers of one configuration.
pub struct Upstreams {
    servers: Vec<Server>,
    timeout: Duration,
    strategy: Strategy,
}

/// Silent so many times in a row, a server is asked after the healthy ones.
const FAILURES_MAX: u32 = 3;
/// First and longest pause before a failed server is preferred again.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// Largest UDP answer taken from a server (DNS flag day 2020).
const PAYLOAD: u16 = 1232;

impl Upstreams {
    /// Servers as configured; nothing is sent yet.
    pub fn new(config: &config::Upstream) -> Upstreams {
        let servers = config.servers.iter().map(|addr| Server::new(*addr)).collect();
        Upstreams { servers, timeout: config.timeout, strategy: config.strategy }
    }

    /// Asks until a server answers. Returns the whole message; a server's own failure is an answer when all say it.
    pub async fn ask(&self, key: &Key) -> Result<Vec<u8>, UpstreamError> {
        let question = question(key).ok_or(UpstreamError::Unaskable)?;
        let mut refusal = None;
        for server in self.order() {
            match server.ask(&question, key, self.timeout).await {
                Ok(answer) if matches!(answer.get(3).map(|flags| flags & 0x0f), Some(0 | 3)) => return Ok(answer),
                Ok(answer) => refusal = Some(answer),
                Err(error) => tracing::debug!(server = %server.addr, %error, "upstream did not answer"),
            }
        }
        refusal.ok_or(UpstreamError::AllDown)
    }

    /// Each server's address and numbers.
    pub fn stats(&self) -> impl Iterator<Item = (SocketAddr, ServerStats)> {
        self.servers.iter().map(|server| (server.addr, server.stats()))
    }

    /// Healthy ones first, in the order of the strategy; then the others, the one whose pause ends first at the front.
    fn order(&self) -> Vec<&Server> {
        let now = Instant::now();
        let mut order: Vec<&Server> = self.servers.iter().collect();
        order.sort_by_key(|server| {
            let pause = server.paused_until().filter(|until| *until > now);
            let latency =
                if self.strategy == Strategy::Fastest { server.latency_us.load(Ordering::Relaxed) } else { 0 };
            (pause, latency)
        });
        order
    }
}

struct Server {
    addr: SocketAddr,
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
    fn new(addr: SocketAddr) -> Server {
        Server {
            addr,
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

    async fn ask(&self, question: &Query, key: &Key, timeout: Duration) -> Result<Vec<u8>, NetError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let result = match self.ask_udp(question, key, timeout).await {
            Ok(answer) if answer.get(2).is_some_and(|flags| flags & 0x02 != 0) => {
                self.ask_tcp(question, key, timeout).await
            }
            result => result,
        };
        match &result {
            Ok(_) => self.answered(started.elapsed()),
            Err(_) => self.silent(),
        }
        result
    }

    async fn ask_udp(&self, question: &Query, key: &Key, timeout: Duration) -> Result<Vec<u8>, NetError> {
        // Two packets in all, the second half-way: a lost one costs half the time-out, not the question.
        let half = u64::try_from(timeout.as_millis() / 2).unwrap_or(u64::MAX);
        let mut stream = UdpClientStream::builder(self.addr, TokioRuntimeProvider::new())
            .with_timeout(Some(timeout))
            .with_max_retries(2)
            .with_retry_interval_floor(half)
            .build();
        let answer = stream.send_message(request(question, key, true)).first_answer().await?;
        Ok(answer.into_buffer())
    }

    /// A connection of its own: few answers are truncated, and servers differ in when they close one under us.
    async fn ask_tcp(&self, question: &Query, key: &Key, timeout: Duration) -> Result<Vec<u8>, NetError> {
        let request = request(question, key, false).to_vec()?;
        let len = u16::try_from(request.len()).map_err(|_| NetError::from("question too long"))?;
        let exchange = async {
            let mut stream = TcpStream::connect(self.addr).await?;
            stream.write_all(&[&len.to_be_bytes()[..], &request].concat()).await?;
            let mut answer = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(timeout, exchange).await.map_err(|_| NetError::Timeout)??;
        let asked =
            |message: &[u8]| Name::from_message(message, HEADER).ok().map(|(name, end)| (name, u16_at(message, end)));
        if answer.get(..2) != request.get(..2) || asked(&answer) != asked(&request) {
            return Err(NetError::from("answer to another question"));
        }
        Ok(answer)
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

fn question(key: &Key) -> Option<Query> {
    let name = WireName::read(&mut BinDecoder::new(key.name.as_wire())).ok()?;
    let mut query = Query::query(name, RecordType::from(key.rtype));
    query.set_query_class(DNSClass::IN);
    Some(query)
}

fn request(question: &Query, key: &Key, randomize_case: bool) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.edns_payload_len = PAYLOAD;
    options.edns_set_dnssec_ok = key.dnssec_ok;
    // On a connection nobody can guess, the letters need not be guarded.
    options.case_randomization = randomize_case;
    let mut request = DnsRequest::from_query(question.clone(), options);
    request.metadata.checking_disabled = key.checking_disabled;
    request
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_net::proto::op::{Message, MessageType, ResponseCode};
    use hickory_net::proto::rr::rdata::SOA;
    use hickory_net::proto::rr::{RData, Record};
    use tokio::net::{TcpListener, UdpSocket};

    fn key() -> Key {
        Key {
            name: Name::parse("www.example").unwrap(),
            rtype: 1,
            dnssec_ok: false,
            checking_disabled: false,
            without_ech: false,
        }
    }

    fn upstreams(servers: &[SocketAddr]) -> Upstreams {
        let timeout = Duration::from_millis(400);
        Upstreams::new(&config::Upstream { servers: servers.to_vec(), timeout, strategy: Strategy::Ordered })
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
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
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
        let servers = upstreams(&[server(ResponseCode::NXDomain, false).await]);
        let answer = read(servers.ask(&key()).await.unwrap());
        assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
        assert_eq!(answer.authorities.len(), 1);
    }

    #[tokio::test]
    async fn truncated_answers_are_asked_by_tcp() {
        let servers = upstreams(&[server(ResponseCode::NoError, true).await]);
        for _ in 0..3 {
            assert_eq!(read(servers.ask(&key()).await.unwrap()).answers.len(), 1);
        }
    }

    #[tokio::test]
    async fn a_silent_server_is_passed_over_and_then_asked_last() {
        let (dead, alive) = (dead().await, server(ResponseCode::NoError, false).await);
        let servers = upstreams(&[dead, alive]);
        for _ in 0..FAILURES_MAX + 1 {
            assert_eq!(read(servers.ask(&key()).await.unwrap()).answers.len(), 1);
        }
        let stats: Vec<_> = servers.stats().map(|(_, stats)| stats).collect();
        assert!(!stats[0].healthy && stats[1].healthy);
        assert_eq!((stats[0].asked, stats[1].asked), (3, 4), "the last question did not wait for the dead one");
    }

    #[tokio::test]
    async fn failures_move_on_and_the_last_one_is_told() {
        let failing = server(ResponseCode::ServFail, false).await;
        let alive = server(ResponseCode::NoError, false).await;
        assert_eq!(read(upstreams(&[failing, alive]).ask(&key()).await.unwrap()).answers.len(), 1);
        let told = read(upstreams(&[failing]).ask(&key()).await.unwrap());
        assert_eq!(told.metadata.response_code, ResponseCode::ServFail);
        assert_eq!(upstreams(&[dead().await]).ask(&key()).await.unwrap_err(), UpstreamError::AllDown);
    }
}
