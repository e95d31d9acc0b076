//! QUIC: rejected at once so that browsers take TCP, or filtered by the name in its first packets.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Endpoint, ServerConfig};

use crate::harness::gateway::Room;
use crate::harness::namespace;
use crate::origin::server_config;
use crate::tls::client_config;
use crate::{CASINO, FAMILIES, Gateway, SCHOOL, Site};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Serves UDP 443 of every address of the internet: tells the name it was asked for and the address it has.
fn serve(gateway: &Gateway) {
    let config = QuicServerConfig::try_from(server_config(&gateway.authority, b"h3")).unwrap();
    let config = ServerConfig::with_crypto(Arc::new(config));
    let socket = gateway.network.internet.within(|| std::net::UdpSocket::bind("[::]:443").unwrap());
    thread::spawn(move || {
        runtime().block_on(async move {
            let runtime = Arc::new(quinn::TokioRuntime);
            let endpoint = Endpoint::new(quinn::EndpointConfig::default(), Some(config), socket, runtime).unwrap();
            while let Some(incoming) = endpoint.accept().await {
                tokio::spawn(async move {
                    let connection = incoming.await.ok()?;
                    let data = connection.handshake_data()?;
                    let data = data.downcast::<quinn::crypto::rustls::HandshakeData>().ok()?;
                    let (mut send, _) = connection.accept_bi().await.ok()?;
                    let to = connection.local_ip().map(|ip| ip.to_canonical());
                    send.write_all(format!("{} {to:?}", data.server_name.unwrap_or_default()).as_bytes()).await.ok()?;
                    send.finish().ok()?;
                    connection.closed().await;
                    Some(())
                });
            }
        });
    });
}

/// What the server says, or the error with the time it took.
fn visit(gateway: &Gateway, room: &Room, name: &str, to: SocketAddr) -> Result<String, (String, Duration)> {
    let mut tls = client_config(&gateway.authority, false, true);
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let any: IpAddr = if to.is_ipv4() { [0, 0, 0, 0].into() } else { [0_u16; 8].into() };
    let socket = room.within(|| std::net::UdpSocket::bind((any, 0)).unwrap());
    runtime().block_on(async {
        let endpoint =
            Endpoint::new(quinn::EndpointConfig::default(), None, socket, Arc::new(quinn::TokioRuntime)).unwrap();
        let started = Instant::now();
        let failed = |error: String| (error, started.elapsed());
        let connecting = endpoint.connect_with(config, to, name).map_err(|error| failed(error.to_string()))?;
        let connected = tokio::time::timeout(Duration::from_secs(5), connecting).await;
        let connection = connected.map_err(|_| failed("silence".into()))?.map_err(|error| failed(error.to_string()))?;
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        send.write_all(b"?").await.unwrap();
        let said = receive.read_to_end(1000).await.map_err(|error| failed(error.to_string()))?;
        Ok(String::from_utf8(said).unwrap())
    })
}

#[test]
fn quic_is_rejected_at_once_so_that_browsers_take_tcp() {
    if !namespace::enter("quic::quic_is_rejected_at_once_so_that_browsers_take_tcp") {
        return;
    }
    let gateway = Gateway::open("");
    serve(&gateway);
    for family in FAMILIES {
        let any = if family == 0 { "0.0.0.0:0" } else { "[::]:0" };
        let socket = gateway.child().udp(any);
        socket.connect(SCHOOL.at(family, 443)).unwrap();
        let started = Instant::now();
        socket.send(&[0xc0; 1200]).unwrap();
        let error = socket.recv(&mut [0; 10]).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        assert!(started.elapsed() < Duration::from_millis(500), "{:?}", started.elapsed());
        let said = visit(&gateway, gateway.adult(), CASINO.name, CASINO.at(family, 443)).unwrap();
        assert!(said.starts_with(CASINO.name), "the adult's passes: {said}");
    }
    assert!(gateway.server.metric("luytre_firewall_packets_total{way=\"quic\"}") >= 2.0);
}

#[test]
fn quic_is_filtered_by_name_where_the_profile_says_so() {
    if !namespace::enter("quic::quic_is_filtered_by_name_where_the_profile_says_so") {
        return;
    }
    let gateway = Gateway::open("");
    serve(&gateway);
    // Put in force by a reload: the sockets are opened when they are first needed.
    gateway.reconfigure("quic = \"filter\"");
    let from_child = |site: &Site, to: SocketAddr| visit(&gateway, gateway.child(), site.name, to);
    for family in FAMILIES {
        let said = from_child(&SCHOOL, SCHOOL.at(family, 443)).unwrap();
        assert_eq!(said, format!("{} Some({})", SCHOOL.name, SCHOOL.ip(family)));
        let (error, took) = from_child(&CASINO, CASINO.at(family, 443)).unwrap_err();
        assert!(error.contains("unrecognized") || error.contains("112"), "{error}");
        assert!(took < Duration::from_millis(1000), "told, not left waiting: {took:?}");
        let said = from_child(&SCHOOL, CASINO.at(family, 443)).unwrap();
        assert_eq!(
            said,
            format!("{} Some({})", SCHOOL.name, SCHOOL.ip(family)),
            "a false name leads to where the name is"
        );
    }
    gateway.await_passages("quic", "allowed", 4.0);
    gateway.await_passages("quic", "refused", 2.0);
    // Another version of the protocol is told which ones are spoken here (RFC 9000 §6).
    let socket = gateway.child().udp("0.0.0.0:0");
    socket.connect(SCHOOL.at(0, 443)).unwrap();
    let mut packet = vec![0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 4, 1, 2, 3, 4, 2, 8, 9];
    packet.resize(1200, 0);
    socket.send(&packet).unwrap();
    let mut answer = [0; 100];
    let len = socket.recv(&mut answer).unwrap();
    assert_eq!(&answer[1..14], [0, 0, 0, 0, 2, 8, 9, 4, 1, 2, 3, 4, 0], "{:?}", &answer[..len]);
}
