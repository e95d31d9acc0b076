//! QUIC: rejected at once, or judged by its name and then carried.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, Endpoint, EndpointConfig, Incoming, TokioRuntime};

use crate::harness::gateway::{OUTSIDE, Room};
use crate::harness::{namespace, text};
use crate::origin::{Authority, server_config};
use crate::people::BEDTIME;
use crate::tls::client_config;
use crate::{CASINO, FAMILIES, Gateway, HELP, NEWS, NOBODY, SCHOOL, Site};

/// A refusal is told, not waited for.
const AT_ONCE: Duration = Duration::from_millis(500);

/// What QUIC servers saw: the name, the client's address, their own.
pub type Names = Arc<Mutex<Vec<String>>>;

/// An echo by QUIC on UDP 443 of every address. One site has its clients prove their address first (Retry).
pub fn serve(internet: &Room, authority: &Arc<Authority>) -> Names {
    let names = Names::default();
    let socket = internet.udp("[::]:443");
    let tls = QuicServerConfig::try_from(server_config(authority, b"h3")).unwrap();
    let (config, seen) = (quinn::ServerConfig::with_crypto(Arc::new(tls)), Arc::clone(&names));
    thread::spawn(move || {
        runtime().block_on(async {
            let endpoint =
                Endpoint::new(EndpointConfig::default(), Some(config), socket, Arc::new(TokioRuntime)).unwrap();
            while let Some(incoming) = endpoint.accept().await {
                let is_careful =
                    incoming.local_ip().is_some_and(|ip| FAMILIES.map(|at| NEWS.ip(at)).contains(&ip.to_canonical()));
                if is_careful && !incoming.remote_address_validated() {
                    incoming.retry().unwrap();
                } else {
                    tokio::spawn(answer(incoming, Arc::clone(&seen)));
                }
            }
        });
    });
    names
}

async fn answer(incoming: Incoming, seen: Names) {
    let Ok(connection) = incoming.await else { return };
    let data = connection.handshake_data().unwrap().downcast::<HandshakeData>().unwrap();
    let (from, to) = (connection.remote_address().ip(), connection.local_ip().unwrap());
    let [from, to] = [from, to].map(|ip| ip.to_canonical());
    seen.lock().unwrap().push(format!("{} {from} {to}", data.server_name.unwrap_or_default()));
    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
        let Ok(said) = receive.read_to_end(1000).await else { continue };
        let _ = send.write_all(&said).await;
        let _ = send.finish();
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn client(gateway: &Gateway, room: &Room, to: SocketAddr) -> Endpoint {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let mut endpoint = Endpoint::new(EndpointConfig::default(), None, room.udp(any), Arc::new(TokioRuntime)).unwrap();
    let mut tls = client_config(&gateway.authority, false, true);
    tls.alpn_protocols = vec![b"h3".to_vec()];
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let mut transport = quinn::TransportConfig::default();
    transport.max_idle_timeout(Some(Duration::from_secs(3).try_into().unwrap()));
    config.transport_config(Arc::new(transport));
    endpoint.set_default_client_config(config);
    endpoint
}

/// Says hello by QUIC, and returns what came back or why nothing did.
pub fn echo(gateway: &Gateway, room: &Room, to: SocketAddr, name: &str) -> Result<String, String> {
    runtime().block_on(async {
        let endpoint = client(gateway, room, to);
        let connection = endpoint.connect(to, name).unwrap().await.map_err(|error| error.to_string())?;
        let echoed = hello(&connection).await;
        connection.close(0_u8.into(), b"");
        endpoint.wait_idle().await;
        echoed.ok_or("broken off".to_string())
    })
}

async fn hello(connection: &Connection) -> Option<String> {
    let (mut send, mut receive) = connection.open_bi().await.ok()?;
    send.write_all(HELLO.as_bytes()).await.ok()?;
    send.finish().ok()?;
    receive.read_to_end(1000).await.ok().map(|octets| text(&octets))
}

pub const HELLO: &str = "hello by QUIC";

#[test]
fn quic_is_rejected_at_once_by_default() {
    if !namespace::enter("quic::quic_is_rejected_at_once_by_default") {
        return;
    }
    let gateway = Gateway::open("");
    // On its own port anything; on others what begins a connection of version 1.
    let initial = [&[0xc0, 0, 0, 0, 1, 8][..], &[0; 1194]].concat();
    for (family, port, octets) in
        FAMILIES.into_iter().flat_map(|family| [(family, 443, &[0x40; 40][..]), (family, 4433, &initial)])
    {
        let socket = gateway.child().udp(if family == 0 { "0.0.0.0:0" } else { "[::]:0" });
        socket.connect(SCHOOL.at(family, port)).unwrap();
        let started = Instant::now();
        socket.send(octets).unwrap();
        let error = socket.recv(&mut [0; 10]).unwrap_err();
        assert!(started.elapsed() < AT_ONCE && error.kind() != ErrorKind::WouldBlock, "{family} {port}: {error}");
    }
    assert_eq!(gateway.quic.lock().unwrap().len(), 0);
    assert_eq!(gateway.server.metric("luytre_firewall_packets_total{way=\"quic\"}"), 4.0);
}

#[test]
fn quic_is_judged_by_its_name_where_the_profile_says_so() {
    if !namespace::enter("quic::quic_is_judged_by_its_name_where_the_profile_says_so") {
        return;
    }
    let gateway = Gateway::open("");
    // Put in force by a reload: the sockets are opened when they are first needed.
    gateway.reconfigure("quic = \"filter\"");
    for family in FAMILIES {
        let call = |site: &Site, name| echo(&gateway, gateway.child(), site.at(family, 443), name);
        // Twice: the second time with what the first has learned. News has its clients prove their addresses.
        for site in [&SCHOOL, &SCHOOL, &NEWS, &HELP] {
            assert_eq!(call(site, site.name).as_deref(), Ok(HELLO), "{} by {family}", site.name);
            let expected = format!("{} {} {}", site.name, OUTSIDE[family], site.ip(family));
            assert_eq!(gateway.quic.lock().unwrap().pop(), Some(expected), "through the proxy");
        }
        let started = Instant::now();
        let error = call(&CASINO, CASINO.name).unwrap_err();
        assert!(started.elapsed() < AT_ONCE, "closed at once, not after {:?}: {error}", started.elapsed());
        assert!(error.contains("unrecognized") || error.contains("112"), "{error}");
        // A name that is not at that address leads to where it is; none leads nowhere.
        assert_eq!(call(&CASINO, SCHOOL.name).as_deref(), Ok(HELLO));
        let expected = format!("{} {} {}", SCHOOL.name, OUTSIDE[family], SCHOOL.ip(family));
        assert_eq!(gateway.quic.lock().unwrap().pop(), Some(expected));
        call(&NOBODY, NOBODY.addrs[family]).unwrap_err();
        assert_eq!(*gateway.quic.lock().unwrap(), [""; 0]);
    }
    assert_eq!(gateway.passages("quic", "refused"), 4.0);
    // Who has to prove an address begins twice; help is not counted.
    assert_eq!(gateway.passages("quic", "allowed"), 10.0);
}

#[test]
fn a_quic_flow_ends_when_bedtime_begins() {
    if !namespace::enter("quic::a_quic_flow_ends_when_bedtime_begins") {
        return;
    }
    let gateway = Gateway::open("quic = \"filter\"");
    runtime().block_on(async {
        let endpoint = client(&gateway, gateway.child(), SCHOOL.at(0, 443));
        let connection = endpoint.connect(SCHOOL.at(0, 443), SCHOOL.name).unwrap().await.unwrap();
        assert_eq!(hello(&connection).await.as_deref(), Some(HELLO));
        gateway.reconfigure(&format!("quic = \"filter\"\n{BEDTIME}"));
        gateway.await_passages("quic", "cut", 1.0);
        assert_eq!(hello(&connection).await, None, "{:?}", connection.close_reason());
    });
}

#[test]
fn another_version_is_told_which_ones_are_spoken_here() {
    if !namespace::enter("quic::another_version_is_told_which_ones_are_spoken_here") {
        return;
    }
    let gateway = Gateway::open("quic = \"filter\"");
    for family in FAMILIES {
        let socket = gateway.child().udp(if family == 0 { "0.0.0.0:0" } else { "[::]:0" });
        socket.connect(SCHOOL.at(family, 443)).unwrap();
        let mut packet = vec![0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 4, 1, 2, 3, 4, 2, 8, 9];
        packet.resize(1200, 0);
        socket.send(&packet).unwrap();
        let mut answer = [0; 100];
        let len = socket.recv(&mut answer).unwrap();
        // Version 0, and the connection IDs in each other's places (RFC 9000 §17.2.1).
        assert_eq!(answer[1..14], [0, 0, 0, 0, 2, 8, 9, 4, 1, 2, 3, 4, 0], "{:?}", &answer[..len]);
    }
}
