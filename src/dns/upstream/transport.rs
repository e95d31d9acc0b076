//! The way to one resolver: a datagram, or a connection that many questions share. A connection is made when it is needed,
//! kept while it works, and made anew once when it turns out to be dead.

use std::sync::Arc;
use std::time::Duration;

use hickory_net::NetError;
use hickory_net::h2::HttpsClientStream;
use hickory_net::h3::H3ClientStream;
use hickory_net::proto::op::{DnsRequest, DnsRequestOptions, Edns};
use hickory_net::proto::rr::rdata::opt::EdnsOption;
use hickory_net::quic::QuicClientStream;
use hickory_net::runtime::TokioRuntimeProvider;
use hickory_net::udp::UdpClientStream;
use hickory_net::xfer::{DnsExchange, DnsHandle, DnsRequestSender, FirstAnswer};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_rustls::TlsConnector;

use super::Asked;
use super::pipe::Pipe;
use crate::config::{Protocol, Server};
use crate::dns::query::{HEADER, u16_at};
use crate::name::Name;

/// Largest UDP answer taken from a server (DNS flag day 2020).
const PAYLOAD: u16 = 1232;
/// Queries on encrypted connections are padded to a multiple of this (RFC 8467 §4.1).
const PADDING_BLOCK: usize = 128;
const PADDING_OPTION: u16 = 12;

/// A connection that many questions share.
#[derive(Clone)]
enum Exchange {
    /// TCP and TLS. hickory's own multiplexer does not read while it writes, and refuses more than 32 at a time.
    Pipe(Arc<Pipe>),
    /// HTTP and QUIC.
    Streams(DnsExchange<TokioRuntimeProvider>),
}

/// How one resolver is reached.
pub struct Transport {
    server: Server,
    timeout: Duration,
    tls: Arc<ClientConfig>,
    link: Mutex<Link>,
}

/// The connection in use, and how many were made before it.
#[derive(Default)]
struct Link {
    exchange: Option<Exchange>,
    number: u64,
}

impl Transport {
    /// Nothing is sent yet.
    pub fn new(server: Server, timeout: Duration, tls: Arc<ClientConfig>) -> Transport {
        Transport { server, timeout, tls, link: Mutex::default() }
    }

    /// The server at the other end.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The whole answer.
    pub async fn ask(&self, asked: &Asked) -> Result<Vec<u8>, NetError> {
        if self.server.protocol != Protocol::Udp {
            return self.ask_on_connection(asked).await;
        }
        let answer = self.ask_udp(asked).await?;
        let is_truncated = answer.get(2).is_some_and(|flags| flags & 0x02 != 0);
        if is_truncated { self.ask_tcp(asked).await } else { Ok(answer) }
    }

    async fn ask_udp(&self, asked: &Asked) -> Result<Vec<u8>, NetError> {
        // Two packets in all, the second half-way: a lost one costs half the time-out, not the question.
        let half = u64::try_from(self.timeout.as_millis() / 2).unwrap_or(u64::MAX);
        let mut stream = UdpClientStream::builder(self.server.addr, TokioRuntimeProvider::new())
            .with_timeout(Some(self.timeout))
            .with_max_retries(2)
            .with_retry_interval_floor(half)
            .build();
        let answer = stream.send_message(request(asked, Guard::Letters)).first_answer().await?;
        Ok(answer.into_buffer())
    }

    /// A connection of its own: few answers are truncated, and servers differ in when they close one under us.
    async fn ask_tcp(&self, asked: &Asked) -> Result<Vec<u8>, NetError> {
        let request = request(asked, Guard::Connection).to_vec()?;
        let len = u16::try_from(request.len()).map_err(|_| NetError::from("question too long"))?;
        let exchange = async {
            let mut stream = TcpStream::connect(self.server.addr).await?;
            stream.write_all(&[&len.to_be_bytes()[..], &request].concat()).await?;
            let mut answer = vec![0; usize::from(stream.read_u16().await?)];
            stream.read_exact(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = tokio::time::timeout(self.timeout, exchange).await.map_err(|_| NetError::Timeout)??;
        let asked =
            |message: &[u8]| Name::from_message(message, HEADER).ok().map(|(name, end)| (name, u16_at(message, end)));
        if answer.get(..2) != request.get(..2) || asked(&answer) != asked(&request) {
            return Err(NetError::from("answer to another question"));
        }
        Ok(answer)
    }

    async fn ask_on_connection(&self, asked: &Asked) -> Result<Vec<u8>, NetError> {
        let (exchange, number, is_new) = self.exchange().await?;
        let failed = match self.send(&exchange, asked).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        self.forget(number).await;
        // The other end may have closed an idle connection; a new one that fails, or silence, is an answer.
        if is_new || matches!(failed, NetError::Timeout) {
            return Err(failed);
        }
        let (exchange, number, _) = self.exchange().await?;
        let result = self.send(&exchange, asked).await;
        if result.is_err() {
            self.forget(number).await;
        }
        result
    }

    async fn send(&self, exchange: &Exchange, asked: &Asked) -> Result<Vec<u8>, NetError> {
        let guard = if self.server.protocol == Protocol::Tcp { Guard::Connection } else { Guard::Encryption };
        let request = request(asked, guard);
        let answer = async {
            match exchange {
                Exchange::Streams(streams) => Ok(streams.send(request).first_answer().await?.into_buffer()),
                Exchange::Pipe(pipe) => {
                    pipe.ask(request.to_vec()?).await.map_err(|closed| NetError::from(closed.to_string()))
                }
            }
        };
        tokio::time::timeout(self.timeout, answer).await.map_err(|_| NetError::Timeout)?
    }

    /// The connection in use or a new one: its number, and whether it is new. Others wait while one is made.
    async fn exchange(&self) -> Result<(Exchange, u64, bool), NetError> {
        let mut link = self.link.lock().await;
        if let Some(exchange) = &link.exchange {
            return Ok((exchange.clone(), link.number, false));
        }
        let connected = tokio::time::timeout(self.timeout, self.connect()).await;
        let exchange = connected.map_err(|_| NetError::Timeout)??;
        link.number += 1;
        link.exchange = Some(exchange.clone());
        Ok((exchange, link.number, true))
    }

    /// Drops a connection, unless a newer one stands in its place. Questions in flight on it still end.
    async fn forget(&self, number: u64) {
        let mut link = self.link.lock().await;
        if link.number == number {
            link.exchange = None;
        }
    }

    async fn connect(&self) -> Result<Exchange, NetError> {
        let Server { protocol, addr, ref path, .. } = self.server;
        let (provider, name) = (TokioRuntimeProvider::new(), self.tls_name());
        match protocol {
            Protocol::Udp | Protocol::Tcp => Ok(piped(self.connect_tcp().await?)),
            Protocol::Tls => {
                let connector = TlsConnector::from(self.with_alpn(b"dot"));
                Ok(piped(connector.connect(self.server_name()?, self.connect_tcp().await?).await?))
            }
            Protocol::Https => {
                let builder = HttpsClientStream::builder(self.with_alpn(b"h2"), provider);
                Ok(driven(builder.build(addr, name, Arc::clone(path)).await?))
            }
            Protocol::H3 => {
                let builder = H3ClientStream::builder().crypto_config((*self.tls).clone());
                Ok(driven(builder.build(addr, name, Arc::clone(path)).await?))
            }
            Protocol::Quic => {
                let builder = QuicClientStream::builder().crypto_config((*self.tls).clone());
                Ok(driven(builder.build(addr, name).await?))
            }
        }
    }

    async fn connect_tcp(&self) -> Result<TcpStream, NetError> {
        let stream = TcpStream::connect(self.server.addr).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn tls_name(&self) -> Arc<str> {
        self.server.tls_name.clone().unwrap_or_else(|| self.server.addr.ip().to_string().into())
    }

    fn server_name(&self) -> Result<ServerName<'static>, NetError> {
        let name = self.tls_name();
        let parsed = ServerName::try_from(&*name).map_err(|_| NetError::from("no name a certificate can have"))?;
        Ok(parsed.to_owned())
    }

    fn with_alpn(&self, protocol: &[u8]) -> Arc<ClientConfig> {
        let mut tls = (*self.tls).clone();
        tls.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(tls)
    }
}

/// Puts a stream to work on a task of its own; the task ends with the last handle.
fn driven<S: DnsRequestSender>(stream: S) -> Exchange {
    let (exchange, background) = DnsExchange::from_stream(stream);
    tokio::spawn(background);
    Exchange::Streams(exchange)
}

fn piped(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Exchange {
    Exchange::Pipe(Arc::new(Pipe::new(stream)))
}

/// What keeps others from answering in the server's place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Random letter case besides id and port, on datagrams.
    Letters,
    /// Nobody can guess a connection.
    Connection,
    /// Nobody can read along either, and padding hides the length.
    Encryption,
}

fn request(asked: &Asked, guard: Guard) -> DnsRequest {
    let mut options = DnsRequestOptions::default();
    options.edns_payload_len = PAYLOAD;
    options.edns_set_dnssec_ok = asked.dnssec_ok;
    options.case_randomization = guard == Guard::Letters;
    let mut request = DnsRequest::from_query(asked.query.clone(), options);
    request.metadata.checking_disabled = asked.checking_disabled;
    if guard == Guard::Encryption {
        pad(&mut request);
    }
    request
}

fn pad(request: &mut DnsRequest) {
    const OPTION_HEAD: usize = 4;
    let Ok(plain) = request.to_vec() else { return };
    let len = plain.len() + OPTION_HEAD;
    let padding = vec![0; len.next_multiple_of(PADDING_BLOCK) - len];
    request.edns.get_or_insert_with(Edns::new).options_mut().insert(EdnsOption::Unknown(PADDING_OPTION, padding));
}
