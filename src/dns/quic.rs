//! QUIC: DNS over QUIC (RFC 9250), a question to a stream, and HTTP/3 for DNS over HTTPS (RFC 9114). Connections, streams, the
//! octets of a question and every wait have limits; a crowd has to prove its addresses first.

use std::io;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h3::server::RequestStream;
use http_body_util::BodyExt;
use hyper::{Request, Response, StatusCode};
use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{
    Connection, Endpoint, EndpointConfig, Incoming, RecvStream, SendStream, TokioRuntime, TransportConfig, VarInt,
};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::https::{self, HEAD_MAX, QUESTION_MAX, STREAMS_MAX};
use super::listen::HANDSHAKE_MAX;
use super::single::{Single, Told};
use super::tls::Tls;
use crate::identity::{Asker, ClientAddr};

/// What is spoken on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// DNS over QUIC.
    Dns,
    /// DNS over HTTPS with HTTP/3.
    Http3,
}

/// One kind of door.
#[derive(Clone)]
pub struct Listening {
    /// The door behind it.
    pub single: Single,
    /// How it shakes hands.
    pub tls: Arc<Tls>,
    /// What is spoken.
    pub speaks: Speaks,
    /// Places for connections.
    pub places: Arc<Semaphore>,
    /// A connection on which nothing happens is closed after this.
    pub idle: Duration,
}

/// A question has to be there whole, and its answer taken, in this time.
const QUESTION_TIME_MAX: Duration = Duration::from_secs(5);
/// Octets the other side may send ahead on a connection: all its streams full of questions are not welcome.
const WINDOW: u32 = 64 << 10;
/// Error codes of RFC 9250 §4.3.
const NO_ERROR: VarInt = VarInt::from_u32(0);
const PROTOCOL_ERROR: VarInt = VarInt::from_u32(2);
const EXCESSIVE_LOAD: VarInt = VarInt::from_u32(4);

impl Listening {
    /// An endpoint on `socket`.
    pub fn endpoint(&self, socket: UdpSocket) -> io::Result<Endpoint> {
        let alpn: &[&[u8]] = if self.speaks == Speaks::Dns { &[b"doq"] } else { &[b"h3"] };
        let crypto = QuicServerConfig::try_from(self.tls.config(alpn)).map_err(io::Error::other)?;
        let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        let mut transport = TransportConfig::default();
        // HTTP/3 has three streams of its own in each direction (RFC 9114 §6.2).
        let uni = if self.speaks == Speaks::Dns { 0 } else { 3 };
        transport
            .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
            .max_concurrent_uni_streams(VarInt::from_u32(uni))
            .receive_window(VarInt::from_u32(WINDOW))
            .stream_receive_window(VarInt::from_u32(WINDOW / 4))
            .max_idle_timeout(self.idle.try_into().ok());
        config.transport_config(Arc::new(transport));
        Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime))
    }

    /// Accepts until told to stop.
    pub async fn accept(self, endpoint: Endpoint) {
        let all = self.places.available_permits();
        while let Some(incoming) = endpoint.accept().await {
            if self.single.shared.stop.load(Ordering::Relaxed) {
                return;
            }
            let is_crowded = self.places.available_permits() < all / 2;
            if is_crowded && !incoming.remote_address_validated() && incoming.may_retry() {
                // It cannot fail: the address is not yet validated and may be.
                let _ = incoming.retry();
                continue;
            }
            let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
                incoming.refuse();
                continue;
            };
            let door = self.clone();
            tokio::spawn(async move {
                let _place = place;
                // The client's way of closing is no concern of ours.
                let _ = door.serve(incoming).await;
            });
        }
    }

    async fn serve(self, incoming: Incoming) -> io::Result<()> {
        let connection = timeout(HANDSHAKE_MAX, incoming).await??;
        let handshake = connection.handshake_data().and_then(|data| data.downcast::<HandshakeData>().ok());
        let name = handshake.and_then(|data| data.server_name);
        let token = self.tls.token(name.as_deref(), &self.single)?;
        let asker = Asker { token, ..ClientAddr::from(connection.remote_address()).into() };
        match self.speaks {
            Speaks::Dns => self.dns(connection, asker).await,
            Speaks::Http3 => self.http3(connection, asker).await,
        }
    }

    async fn dns(self, connection: Connection, asker: Asker) -> io::Result<()> {
        loop {
            let (send, receive) = connection.accept_bi().await?;
            let (single, connection) = (self.single.clone(), connection.clone());
            tokio::spawn(async move {
                match timeout(QUESTION_TIME_MAX * 3, question(&single, asker, send, receive)).await {
                    Ok(Ok(())) | Err(_) => {}
                    Ok(Err(code)) => connection.close(code, b""),
                }
            });
        }
    }

    async fn http3(self, connection: Connection, asker: Asker) -> io::Result<()> {
        let mut builder = h3::server::builder();
        builder.max_field_section_size(u64::from(HEAD_MAX));
        let connection = h3_quinn::Connection::new(connection);
        let mut connection = builder.build::<_, Bytes>(connection).await.map_err(io::Error::other)?;
        while let Some(request) = connection.accept().await.map_err(io::Error::other)? {
            let single = self.single.clone();
            tokio::spawn(timeout(QUESTION_TIME_MAX * 3, async move {
                let (request, stream) = request.resolve_request().await.ok()?;
                respond(&single, asker, request, stream).await
            }));
        }
        Ok(())
    }
}

/// One question on a stream of its own: length, message, end (RFC 9250 §4.2). The error closes the connection.
async fn question(single: &Single, asker: Asker, mut send: SendStream, mut receive: RecvStream) -> Result<(), VarInt> {
    let read = timeout(QUESTION_TIME_MAX, receive.read_to_end(QUESTION_MAX + 2)).await;
    let framed = read.map_err(|_| EXCESSIVE_LOAD)?.map_err(|_| PROTOCOL_ERROR)?;
    let (len, packet) = framed.split_first_chunk::<2>().ok_or(PROTOCOL_ERROR)?;
    if usize::from(u16::from_be_bytes(*len)) != packet.len() {
        return Err(PROTOCOL_ERROR);
    }
    match single.ask(asker, packet).await {
        Told::Answer(answer) => {
            let len = u16::try_from(answer.len()).map_err(|_| PROTOCOL_ERROR)?;
            // A client that went away has stopped waiting.
            let _ = send.write_all(&[&len.to_be_bytes()[..], &answer].concat()).await;
            let _ = send.finish();
            Ok(())
        }
        Told::NoQuestion => Err(PROTOCOL_ERROR),
        Told::Limited | Told::Busy => {
            let _ = send.reset(EXCESSIVE_LOAD);
            let _ = receive.stop(NO_ERROR);
            Ok(())
        }
    }
}

type H3Stream = RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

async fn respond(single: &Single, asker: Asker, request: Request<()>, mut stream: H3Stream) -> Option<()> {
    let (head, ()) = request.into_parts();
    let mut body = BytesMut::new();
    let mut response = None;
    while let Some(piece) = stream.recv_data().await.ok()? {
        if body.len() + piece.remaining() > QUESTION_MAX {
            let mut refusal = Response::new(Default::default());
            *refusal.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            response = Some(refusal);
            break;
        }
        body.extend_from_slice(piece.chunk());
    }
    let response = match response {
        Some(response) => response,
        None => https::respond(single, asker, &head, &body).await,
    };
    let (head, body) = response.into_parts();
    stream.send_response(Response::from_parts(head, ())).await.ok()?;
    // The body is in memory; collecting it cannot fail.
    let body = body.collect().await.ok()?.to_bytes();
    stream.send_data(body).await.ok()?;
    stream.finish().await.ok()
}
