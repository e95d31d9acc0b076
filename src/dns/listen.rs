//! Accepting connections: how many at once, who is behind a balancer, the TLS handshake and the token in its name. What is
//! spoken on them is `stream` and `https`.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::https;
use super::pipeline::Transport;
use super::proxied;
use super::single::Single;
use super::stream::Connection;
use super::tls::Handshake;
use crate::identity::Asker;

/// What is spoken on a listener.
#[derive(Clone)]
pub enum Speaks {
    /// DNS over TCP (RFC 7766).
    Dns,
    /// DNS over TLS (RFC 7858).
    DnsOverTls(Arc<Handshake>),
    /// DNS over HTTPS, HTTP/1.1 and HTTP/2 (RFC 8484).
    Https(Arc<Handshake>),
}

impl Speaks {
    /// For the log.
    pub fn name(&self) -> &'static str {
        match self {
            Speaks::Dns => "DNS",
            Speaks::DnsOverTls(_) => "DNS over TLS",
            Speaks::Https(_) => "DNS over HTTPS",
        }
    }
}

/// One kind of door, as many listeners as it has.
#[derive(Clone)]
pub struct Listening {
    /// The door behind it.
    pub single: Single,
    /// What is spoken.
    pub speaks: Speaks,
    /// Places for connections, shared by all listeners of a kind.
    pub places: Arc<Semaphore>,
    /// A connection without a question is closed after this.
    pub idle: Duration,
    /// Balancers that tell whom they speak for.
    pub balancers: Arc<[IpNet]>,
}

/// PROXY header and TLS handshake have to be over in this time.
pub const HANDSHAKE_MAX: Duration = Duration::from_secs(5);
/// Pause after an error of the listener (out of descriptors), so that a lasting one does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

impl Listening {
    /// Accepts until told to stop.
    pub async fn accept(self, listener: TcpListener) {
        while !self.single.shared.stop.load(Ordering::Relaxed) {
            // The kernel's queue holds what comes while all places are taken.
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let door = self.clone();
                    tokio::spawn(async move {
                        let _place = place;
                        // The client's way of closing is no concern of ours.
                        let _ = door.serve(stream, peer).await;
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "TCP listener");
                    tokio::time::sleep(ERROR_PAUSE).await;
                }
            }
        }
    }

    async fn serve(self, mut stream: TcpStream, peer: SocketAddr) -> io::Result<()> {
        // Answers are small and complete.
        stream.set_nodelay(true)?;
        let asker = Asker::from(if self.balancers.iter().any(|net| net.contains(&peer.ip().to_canonical())) {
            timeout(HANDSHAKE_MAX, proxied::client(&mut stream, peer)).await??
        } else {
            peer.into()
        });
        match &self.speaks {
            Speaks::Dns => Connection::new(self.single, asker, Transport::Tcp).run(stream, self.idle).await,
            Speaks::DnsOverTls(tls) => {
                let (stream, token) = timeout(HANDSHAKE_MAX, tls.accept(stream, &self.single)).await??;
                let asker = Asker { token, ..asker };
                Connection::new(self.single, asker, Transport::Tls).run(stream, self.idle).await
            }
            Speaks::Https(tls) => {
                let (stream, token) = timeout(HANDSHAKE_MAX, tls.accept(stream, &self.single)).await??;
                https::serve(self.single, Asker { token, ..asker }, stream, self.idle).await
            }
        }
    }
}
