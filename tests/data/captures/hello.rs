//! A client that only says hello, by rustls or quinn, for `tests/data/captures/make`: `hello tls|quic ADDRESS NAME`.
#![allow(clippy::expect_used, clippy::panic, reason = "it is run by hand")]

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, ClientConnection, RootCertStore};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [kind, addr, name] = &words[..] else { panic!("hello tls|quic ADDRESS NAME") };
    let addr: SocketAddr = addr.parse().expect("an address with its port");
    let mut config = ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth();
    match kind.as_str() {
        "tls" => say_tls(config, addr, name),
        "quic" => {
            config.alpn_protocols = vec![b"h3".to_vec()];
            say_quic(config, addr, name);
        }
        _ => panic!("hello tls|quic ADDRESS NAME"),
    }
}

fn say_tls(config: ClientConfig, addr: SocketAddr, name: &str) {
    let name = name.to_string().try_into().expect("a name");
    let mut client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let mut stream = TcpStream::connect(addr).expect("a listener");
    client.write_tls(&mut stream).expect("an open stream");
    std::thread::sleep(Duration::from_secs(1));
}

fn say_quic(config: ClientConfig, addr: SocketAddr, name: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut endpoint = quinn::Endpoint::client(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a socket");
        let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config).expect("TLS 1.3");
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(crypto)));
        let _ = tokio::time::timeout(Duration::from_secs(2), endpoint.connect(addr, name).expect("a name")).await;
    });
}
