//! TLS of the encrypted doors: the certificate in force, swapped whole when its files change, and the token that a device
//! puts before the resolver's name.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::single::Single;
use crate::identity::Token;
use crate::name::Name;

/// The certificate in force.
#[derive(Debug)]
pub struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Starts with that one.
    pub fn new(key: CertifiedKey) -> Arc<Certificate> {
        Arc::new(Certificate(ArcSwap::from_pointee(key)))
    }

    /// Handshakes from now on show that one.
    pub fn swap(&self, key: CertifiedKey) {
        self.0.store(Arc::new(key));
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// How the encrypted doors shake hands.
pub struct Tls {
    certificate: Arc<Certificate>,
    name: Option<Name>,
}

fn unknown_token() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, "unknown token")
}

impl Tls {
    /// With `certificate`; tokens stand before `name`.
    pub fn new(certificate: Arc<Certificate>, name: Option<Name>) -> Tls {
        Tls { certificate, name }
    }

    /// Settings for the protocols of `alpn`.
    pub fn config(&self, alpn: &[&[u8]]) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider);
        // The provider is compiled in and has cipher suites for both versions, so this cannot fail.
        let builder = builder.with_safe_default_protocol_versions().unwrap_or_else(|_| ServerConfig::builder());
        let certificate: Arc<dyn ResolvesServerCert> = Arc::clone(&self.certificate) as _;
        let mut config = builder.with_no_client_auth().with_cert_resolver(certificate);
        config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
        Arc::new(config)
    }

    /// The token in the name a client asked for. The error is a token that nobody has.
    pub fn token(&self, server_name: Option<&str>, single: &Single) -> io::Result<Option<Token>> {
        let Some(label) = self.name.as_ref().zip(server_name).and_then(|(name, asked)| label_before(name, asked))
        else {
            return Ok(None);
        };
        let token = Token::of(&label).filter(|token| single.shared.door.knows(*token));
        token.map(Some).ok_or_else(unknown_token)
    }
}

/// Handshakes on TCP, for one set of protocols.
pub struct Handshake {
    tls: Arc<Tls>,
    acceptor: TlsAcceptor,
}

impl Handshake {
    /// For the protocols of `alpn`.
    pub fn new(tls: Arc<Tls>, alpn: &[&[u8]]) -> Handshake {
        let acceptor = TlsAcceptor::from(tls.config(alpn));
        Handshake { tls, acceptor }
    }

    /// Shakes hands on a connection. A client that shows an unknown token is turned away: it would get another's rules.
    pub async fn accept(
        &self,
        stream: TcpStream,
        single: &Single,
    ) -> io::Result<(TlsStream<TcpStream>, Option<Token>)> {
        let stream = self.acceptor.accept(stream).await?;
        let token = self.tls.token(stream.get_ref().1.server_name(), single)?;
        Ok((stream, token))
    }
}

/// The single label that `asked` has before `name`.
fn label_before(name: &Name, asked: &str) -> Option<String> {
    let asked = Name::parse(asked).ok()?;
    let is_child = asked.label_count() == name.label_count() + 1 && asked.is_within(name);
    let label = asked.labels().next().filter(|_| is_child)?;
    String::from_utf8(label.to_vec()).ok()
}
