//! The encrypted doors, asked by kdig, by Chromium and by the program's own encrypted upstreams: the same answers as in the
//! clear, other profiles by token, limits that hold.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::{PATIENCE, Server, Upstream, free_port, query_bytes, read, text};
use hickory_proto::op::ResponseCode;
use tempfile::TempDir;

const TOKEN: &str = "k7q2m4x9v1b8n3z6c5j0h2g4f6";
const PEOPLE: &str = "[[profile]]\nname = \"mai\"\nband = \"10-12\"\n[[profile]]\nname = \"parent\"\nband = \"18+\"\n\
                      rebinding_protection = false\nallow_names = [\"casino.example\"]\n[[device]]\nprofile = \"parent\"\n\
                      token = \"k7q2m4x9v1b8n3z6c5j0h2g4f6\"\n[defaults]\nprofile = \"mai\"\n";

/// A server with every encrypted door, its upstream, and the addresses of the doors.
struct Doors {
    server: Server,
    upstream: Upstream,
    tls: SocketAddr,
    https: SocketAddr,
    quic: SocketAddr,
}

fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

impl Doors {
    fn open(extra: &str) -> Doors {
        let folder = Arc::new(TempDir::new().unwrap());
        let ports = [free_port(), free_port(), free_port()];
        Doors::open_in(folder, ports, Upstream::start(), "", extra)
    }

    fn open_in(folder: Arc<TempDir>, ports: [u16; 3], upstream: Upstream, dns: &str, extra: &str) -> Doors {
        let [tls, https, quic] = ports.map(local);
        fs::write(folder.path().join("list.txt"), "casino.example\n").unwrap();
        let rest = format!(
            "[dns.encrypted]\ntls = [\"{tls}\"]\nhttps = [\"{https}\"]\nquic = [\"{quic}\"]\nname = \"dns.home.example\"\n\
             addresses = [\"127.0.0.1\"]\n{extra}\n[[list]]\nname = \"x\"\nsource = \"file:list.txt\"\nformat = \"domains\"\n\
             plain = \"suffix\"\ncategories = [\"gambling\"]\n{PEOPLE}"
        );
        let server = Server::start_in(folder, upstream.addr, dns, &rest);
        Doors { server, upstream, tls, https, quic }
    }

    fn authority(&self) -> PathBuf {
        self.server.file("state/tls/authority.pem")
    }

    /// Resident memory in MiB.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() >> 10
    }

    /// kdig's output, checked against the household's authority. `way` comes last: an option of TLS behind it would undo it.
    fn kdig(&self, addr: SocketAddr, options: &[&str], way: &str, name: &str) -> String {
        let output = Command::new("kdig")
            .args(["@127.0.0.1", "-p", &addr.port().to_string(), "+retry=0", "+time=5"])
            .arg(format!("+tls-ca={}", self.authority().display()))
            .args(options)
            .args([way, name, "A"])
            .output()
            .unwrap();
        text(&output.stdout) + &text(&output.stderr)
    }

    /// The status line that comes back for a request by HTTP/1.1.
    fn http(&self, request: &[u8]) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (addr, authority) = (self.https, fs::read(self.authority()).unwrap());
        let talk = async {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let mut stream = handshake(addr, &authority, b"http/1.1").await;
            stream.write_all(request).await.unwrap();
            let mut answer = Vec::new();
            // A server that closes without close_notify is an error to rustls, not to this test.
            let _ = stream.read_to_end(&mut answer).await;
            answer
        };
        let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, talk).await.unwrap() });
        text(&answer).lines().next().unwrap_or_default().to_string()
    }
}

async fn handshake(
    addr: SocketAddr,
    authority: &[u8],
    alpn: &[u8],
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    let stream = tokio::net::TcpStream::connect(addr).await.unwrap();
    let name = "dns.home.example".try_into().unwrap();
    let config = Arc::new(client_config(authority, alpn));
    tokio_rustls::TlsConnector::from(config).connect(name, stream).await.unwrap()
}

fn client_config(authority: &[u8], alpn: &[u8]) -> rustls::ClientConfig {
    use rustls::pki_types::pem::PemObject;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    config
}

#[test]
fn kdig_gets_filtered_answers_at_every_door() {
    let doors = Doors::open("");
    let name = "+tls-hostname=dns.home.example";
    for (addr, way) in
        [(doors.tls, "+tls"), (doors.https, "+https"), (doors.https, "+https-get"), (doors.quic, "+quic")]
    {
        let shown = doors.kdig(addr, &[name], way, "casino.example");
        assert!(shown.contains("EDE: 17") && shown.contains("0.0.0.0"), "{way}: {shown}");
        assert!(shown.contains("PADDING") && shown.contains("Received 468 B"), "{way} is padded: {shown}");
        let shown = doors.kdig(addr, &[name], way, "www.example");
        assert!(shown.contains("192.0.2.1"), "{way}: {shown}");
    }
    let shown = doors.kdig(doors.tls, &["+tls-hostname=other.example"], "+tls", "www.example");
    assert!(!shown.contains("192.0.2.1"), "another name than the certificate's: {shown}");
}

#[test]
fn a_token_makes_the_profile() {
    let doors = Doors::open("");
    doors.upstream.serve("casino.example", "A", "192.0.2.77");
    let path = format!("+https=/dns-query/{TOKEN}");
    let named = format!("+tls-hostname={TOKEN}.dns.home.example");
    let sni = format!("+tls-sni={TOKEN}.dns.home.example");
    let asked = [
        (doors.https, vec!["+tls-hostname=dns.home.example"], path.as_str()),
        (doors.tls, vec![&*named, &*sni], "+tls"),
        (doors.quic, vec![&*named, &*sni], "+quic"),
    ];
    for (addr, options, way) in asked {
        let shown = doors.kdig(addr, &options, way, "casino.example");
        assert!(shown.contains("192.0.2.77"), "{way}: {shown}");
    }
    let other = TOKEN.replace('6', "7");
    let shown = doors.kdig(doors.https, &[], &format!("+https=/dns-query/{other}"), "www.example");
    assert!(shown.contains("status: 404"), "{shown}");
    let shown = doors.kdig(doors.tls, &[&format!("+tls-sni={other}.dns.home.example")], "+tls", "www.example");
    assert!(!shown.contains("NOERROR"), "{shown}");
    let log = doors.server.log();
    assert!(!log.contains(TOKEN) && !log.contains(&other), "{log}");
}

#[test]
fn requests_that_are_none_get_the_status_that_says_so() {
    let doors = Doors::open("");
    let get =
        |path: &str| doors.http(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes());
    let post = |kind: &str, body: &[u8]| {
        let head = format!(
            "POST /dns-query HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        doors.http(&[head.as_bytes(), body].concat())
    };
    let question = query_bytes(0, "www.example", "A", true);
    assert_eq!(post("application/dns-message", &question), "HTTP/1.1 200 OK");
    assert_eq!(post("text/plain", &question), "HTTP/1.1 415 Unsupported Media Type");
    assert_eq!(post("application/dns-message", b"x"), "HTTP/1.1 400 Bad Request");
    assert_eq!(post("application/dns-message", &[0; 5000]), "HTTP/1.1 413 Payload Too Large");
    assert_eq!(get("/dns-query?dns=AAABAAABAAAAAAAAA3d3dwdleGFtcGxlAAABAAE"), "HTTP/1.1 200 OK");
    assert_eq!(get("/dns-query"), "HTTP/1.1 400 Bad Request");
    assert_eq!(get("/dns-query?dns=%%%"), "HTTP/1.1 400 Bad Request");
    assert_eq!(get("/"), "HTTP/1.1 404 Not Found");
    assert_eq!(get("/dns-query/short"), "HTTP/1.1 404 Not Found");
    let long = "A".repeat(7000);
    assert_eq!(get(&format!("/dns-query?dns={long}")), "HTTP/1.1 414 URI Too Long");
    assert_eq!(
        doors.http(b"PUT /dns-query HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
        "HTTP/1.1 405 Method Not Allowed"
    );
}

/// A second server that knows the answers of the first one only, by that way.
fn behind(doors: &Doors, server: &str) -> Server {
    patient(doors, server, "2s")
}

fn patient(doors: &Doors, server: &str, timeout: &str) -> Server {
    let authority = doors.authority();
    Server::start_text(Arc::new(TempDir::new().unwrap()), |dns, metrics| {
        format!(
            "version = 1\nstate_dir = \"none\"\n[metrics]\nlisten = \"{metrics}\"\n[dns]\nlisten = [\"{dns}\"]\nclient_rate = 0\n\
             [dns.upstream]\nservers = [\"{server}\"]\nca = {authority:?}\ntimeout = \"{timeout}\"\n[[profile]]\nname = \"all\"\n\
             band = \"18+\"\n[defaults]\nprofile = \"all\"\n"
        )
    })
}

#[test]
fn upstreams_are_asked_by_every_protocol() {
    let doors = Doors::open("");
    for server in [
        format!("tcp://{}", doors.server.dns),
        format!("tls://{}#dns.home.example", doors.tls),
        format!("tls://{}", doors.tls),
        format!("https://{}#dns.home.example", doors.https),
        format!("h3://{}#dns.home.example", doors.https),
        format!("quic://{}#dns.home.example", doors.quic),
        format!("https://{}/dns-query/{TOKEN}#dns.home.example", doors.https),
    ] {
        let second = behind(&doors, &server);
        for at in 0..3 {
            let seen = second.ask(&format!("n{at}.example"), "A");
            assert_eq!(seen.addresses().len(), 1, "{server}: {}", second.log());
        }
        let blocked = second.ask("casino.example", "A").addresses();
        let is_blocked = blocked == ["0.0.0.0".parse::<std::net::IpAddr>().unwrap()];
        assert_eq!(is_blocked, !server.contains(TOKEN), "{server}: {blocked:?}");
    }
    let wrong = behind(&doors, &format!("tls://{}#dns.other.example", doors.tls));
    let seen = wrong.ask("www.example", "A");
    assert_eq!((seen.rcode(), seen.ede_code()), (ResponseCode::ServFail, Some(22)), "another's certificate");
}

#[test]
fn one_encrypted_upstream_is_no_bottleneck() {
    let folder = Arc::new(TempDir::new().unwrap());
    let ports = [free_port(), free_port(), free_port()];
    // So many look-ups at once are above one client's share.
    let doors = Doors::open_in(folder, ports, Upstream::start(), "client_rate = 0", "");
    // The mock upstream behind it answers one question after the other.
    let second = patient(&doors, &format!("tls://{}#dns.home.example", doors.tls), "30s");
    // All at once, on one socket: far more than the 32 that hickory lets in flight by itself.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let _ = luytre::sys::set_receive_buffer(std::os::fd::AsFd::as_fd(&socket), 8 << 20);
    socket.connect(second.dns).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    const QUESTIONS: u16 = 1000;
    for id in 0..QUESTIONS {
        socket.send(&query_bytes(id, &format!("n{id}.example"), "A", true)).unwrap();
    }
    let mut right = std::collections::HashSet::new();
    let mut packet = [0; 4096];
    for _ in 0..QUESTIONS {
        let len = socket.recv(&mut packet).unwrap_or_else(|error| panic!("{} of {QUESTIONS}: {error}", right.len()));
        let seen = read(&packet[..len]);
        assert_eq!(seen.addresses().len(), 1, "{:?} {}", seen.ede, second.log());
        right.insert(seen.message.metadata.id);
    }
    assert_eq!(right.len(), usize::from(QUESTIONS));
    let series = format!("luytre_upstream_failures_total{{server=\"tls://{}#dns.home.example\"}}", doors.tls);
    assert_eq!(second.metric(&series), 0.0);
}

#[test]
fn a_restarted_upstream_is_found_again() {
    let folder = Arc::new(TempDir::new().unwrap());
    let ports = [free_port(), free_port(), free_port()];
    let upstream = Upstream::start();
    let first = Doors::open_in(Arc::clone(&folder), ports, upstream, "", "");
    let second = [
        behind(&first, &format!("tls://{}#dns.home.example", first.tls)),
        behind(&first, &format!("https://{}#dns.home.example", first.https)),
    ];
    for server in &second {
        assert_eq!(server.ask("before.example", "A").addresses().len(), 1);
    }
    let Doors { server, upstream, .. } = first;
    server.stop();
    let again = Doors::open_in(folder, ports, upstream, "", "");
    for server in &second {
        assert_eq!(server.ask("after.example", "A").addresses().len(), 1, "{}", server.log());
    }
    drop(again);
}

#[test]
fn routes_lead_names_elsewhere() {
    let (usual, inside) = (Upstream::start(), Upstream::start());
    inside.serve("nas.home.arpa", "A", "192.168.1.5");
    inside.serve("a.corp.example", "A", "10.1.2.3");
    let routes = format!(
        "[[dns.route]]\nsuffix = [\"corp.example\", \"home.arpa\", \"168.192.in-addr.arpa\"]\nservers = [\"{}\"]\n{PEOPLE}",
        inside.addr
    );
    let server = Server::start(usual.addr, &routes);
    assert_eq!(server.ask("nas.home.arpa", "A").addresses()[0].to_string(), "192.168.1.5");
    assert_eq!(server.ask("a.corp.example", "A").addresses()[0].to_string(), "10.1.2.3");
    server.ask("1.1.168.192.in-addr.arpa", "PTR");
    server.ask("www.example", "A");
    assert_eq!(usual.seen(), ["A www.example"]);
    assert_eq!(inside.seen().len(), 3, "{:?}", inside.seen());
}

#[test]
fn a_new_certificate_is_shown_after_a_reload() {
    let folder = Arc::new(TempDir::new().unwrap());
    let file = |name: &str| folder.path().join(name);
    let make = || {
        let made = rcgen::generate_simple_self_signed(vec!["dns.home.example".to_string()]).unwrap();
        fs::write(file("c.pem"), made.cert.pem()).unwrap();
        fs::write(file("c.key"), made.signing_key.serialize_pem()).unwrap();
        made.cert.der().to_vec()
    };
    let shown = |doors: &Doors| {
        let pem = fs::read(file("c.pem")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let stream = handshake(doors.tls, &pem, b"dot").await;
            stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
        })
    };
    let first = make();
    let extra = format!("certificate = {:?}\nkey = {:?}", file("c.pem"), file("c.key"));
    let ports = [free_port(), free_port(), free_port()];
    let doors = Doors::open_in(Arc::clone(&folder), ports, Upstream::start(), "", &extra);
    assert_eq!(shown(&doors), first);
    let second = make();
    // Some file systems keep whole seconds only.
    let later = std::time::SystemTime::now() + Duration::from_secs(3);
    fs::File::options().append(true).open(file("c.pem")).unwrap().set_modified(later).unwrap();
    doors.server.reload();
    let until = Instant::now() + PATIENCE;
    while doors.server.log().matches("certificate renewed").count() == 0 {
        assert!(Instant::now() < until, "{}", doors.server.log());
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(shown(&doors), second);
}

#[test]
fn who_stays_half_open_keeps_nobody_out() {
    let doors = Doors::open("connections_max = 40\nidle = \"2s\"");
    // More than there is room for, at every door by TCP: no handshake at all, or a handshake and then nothing.
    let silent: Vec<TcpStream> =
        [doors.tls, doors.https].iter().flat_map(|addr| (0..60).map(|_| TcpStream::connect(*addr).unwrap())).collect();
    let authority = fs::read(doors.authority()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The silent ones are put out after five seconds; until then the queue waits, and nothing is refused in the clear.
    assert_eq!(doors.server.ask("plain.example", "A").addresses().len(), 1);
    let idle = runtime.block_on(async {
        tokio::time::timeout(PATIENCE * 2, handshake(doors.tls, &authority, b"dot")).await.unwrap()
    });
    for way in ["+tls", "+https"] {
        let addr = if way == "+tls" { doors.tls } else { doors.https };
        let shown = doors.kdig(addr, &["+tls-hostname=dns.home.example", "+time=15"], way, "www.example");
        assert!(shown.contains("192.0.2.1"), "{way}: {shown}");
    }
    let shown = doors.kdig(doors.quic, &["+tls-hostname=dns.home.example"], "+quic", "www.example");
    assert!(shown.contains("192.0.2.1"), "{shown}");
    drop((silent, idle));
}

#[test]
fn slow_readers_and_half_sent_requests_cost_little() {
    let ports = [free_port(), free_port(), free_port()];
    // All come from one address here; its share is not what is looked at.
    let folder = Arc::new(TempDir::new().unwrap());
    let doors = Doors::open_in(folder, ports, Upstream::start(), "client_rate = 0", "idle = \"5s\"");
    let authority = fs::read(doors.authority()).unwrap();
    let before = doors.memory();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let open = runtime.block_on(async {
        use tokio::io::AsyncWriteExt;
        let packet = query_bytes(7, "casino.example", "A", true);
        let framed = [&(packet.len() as u16).to_be_bytes()[..], &packet].concat();
        let mut open = Vec::new();
        for at in 0..100 {
            let (addr, alpn) = if at % 2 == 0 { (doors.tls, &b"dot"[..]) } else { (doors.https, &b"http/1.1"[..]) };
            let mut stream = handshake(addr, &authority, alpn).await;
            let sent = if at % 2 == 0 {
                // Asks until nobody takes any more, and reads nothing.
                framed.repeat(20_000)
            } else {
                b"POST /dns-query HTTP/1.1\r\nhost: x\r\ncontent-type: application/dns-message\r\ncontent-length: 100\r\n\r\n".to_vec()
            };
            let _ = tokio::time::timeout(Duration::from_millis(50), stream.write_all(&sent)).await;
            open.push(stream);
        }
        open
    });
    for (addr, way) in [(doors.tls, "+tls"), (doors.https, "+https"), (doors.quic, "+quic")] {
        for at in 0..5 {
            let shown = doors.kdig(addr, &["+tls-hostname=dns.home.example"], way, &format!("n{at}.example"));
            assert!(shown.contains("192.0.2.1"), "{way}: {shown}");
        }
    }
    let grown = doors.memory().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    drop(open);
}

/// A body that never comes.
struct Never;

impl hyper::body::Body for Never {
    type Data = bytes::Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<bytes::Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

#[test]
fn half_open_streams_cost_little() {
    let doors = Doors::open("");
    let before = doors.memory();
    let authority = fs::read(doors.authority()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let open = runtime.block_on(async {
        let tls = quinn::crypto::rustls::QuicClientConfig::try_from(client_config(&authority, b"doq")).unwrap();
        let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
        endpoint.set_default_client_config(quinn::ClientConfig::new(Arc::new(tls)));
        let (mut connections, mut streams, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..20 {
            let connection = endpoint.connect(doors.quic, "dns.home.example").unwrap().await.unwrap();
            // As many streams as are allowed, each with a question begun and never ended.
            while let Ok(stream) = tokio::time::timeout(Duration::from_millis(20), connection.open_bi()).await {
                let (mut send, receive) = stream.unwrap();
                send.write_all(&[0]).await.unwrap();
                streams.push((send, receive));
            }
            connections.push(connection);
            let stream = hyper_util::rt::TokioIo::new(handshake(doors.https, &authority, b"h2").await);
            let executor = hyper_util::rt::TokioExecutor::new();
            let (mut sender, driver) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
            tokio::spawn(driver);
            for _ in 0..100 {
                let request = hyper::Request::post("https://dns.home.example/dns-query").body(Never).unwrap();
                requests.push(tokio::spawn(sender.send_request(request)));
            }
            tokio::task::yield_now().await;
        }
        assert!(streams.len() >= 20 * 100, "{} streams", streams.len());
        (connections, streams, requests)
    });
    for (addr, way) in [(doors.https, "+https"), (doors.quic, "+quic"), (doors.tls, "+tls")] {
        for at in 0..5 {
            let shown = doors.kdig(addr, &["+tls-hostname=dns.home.example"], way, &format!("n{at}.example"));
            assert!(shown.contains("192.0.2.1"), "{way}: {shown}");
        }
    }
    let grown = doors.memory().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    drop(open);
}

#[test]
fn a_balancer_says_whom_it_speaks_for() {
    let folder = Arc::new(TempDir::new().unwrap());
    fs::write(folder.path().join("list.txt"), "casino.example\n").unwrap();
    let upstream = Upstream::start();
    let rest = format!(
        "[dns.tcp]\nproxy_protocol_from = [\"127.0.0.1/32\"]\n[[list]]\nname = \"x\"\nsource = \"file:list.txt\"\n\
         format = \"domains\"\nplain = \"suffix\"\ncategories = [\"gambling\"]\n{PEOPLE}\n[[device]]\nprofile = \"parent\"\n\
         address = [\"10.9.8.7\", \"fd00::7\"]\n"
    );
    let server = Server::start_in(folder, upstream.addr, "", &rest);
    let ask = |header: &[u8]| {
        let mut stream = TcpStream::connect(server.dns).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let packet = query_bytes(7, "casino.example", "A", true);
        stream.write_all(&[header, &(packet.len() as u16).to_be_bytes(), &packet].concat()).unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut answer).ok()?;
        Some(read(&answer).addresses()[0].to_string())
    };
    let header = |family: u8, data: &[u8]| {
        [b"\r\n\r\n\0\r\nQUIT\n\x21".as_slice(), &[family], &(data.len() as u16).to_be_bytes(), data].concat()
    };
    let v4 = |last: u8| header(0x11, &[10, 9, 8, last, 127, 0, 0, 1, 1, 0, 0, 53]);
    let v6 = header(0x21, &[&[0xfd][..], &[0; 14], &[7], &[0; 20]].concat());
    assert_eq!(ask(&v4(7)).as_deref(), Some("192.0.2.1"), "the parent's address");
    assert_eq!(ask(&v6).as_deref(), Some("192.0.2.1"), "and by IPv6");
    assert_eq!(ask(&v4(8)).as_deref(), Some("0.0.0.0"), "a stranger's");
    assert_eq!(ask(b""), None, "a balancer that says nothing is not believed");
}

/// A page that any name leads to. Not on 127.0.0.1: a refusal (0.0.0.0) would lead there as well.
fn origin() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    let addr = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            thread::spawn(move || {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request);
                let page = "<html><body>the origin was reached</body></html>";
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    page.len()
                );
                let _ = stream.write_all((head + page).as_bytes());
            });
        }
    });
    addr
}

#[test]
fn chromium_with_secure_dns_sees_filtered_names() {
    let folder = Arc::new(TempDir::new().unwrap());
    let ports = [free_port(), free_port(), free_port()];
    let upstream = Upstream::start();
    let doors = Doors::open_in(folder, ports, upstream, "private_names = [\"page.example\"]", "");
    let origin = origin();
    doors.upstream.serve("www.page.example", "A", "127.0.0.2");
    doors.upstream.serve("casino.example", "A", "127.0.0.2");
    let browse = |template: &str, name: &str| {
        let home = TempDir::new().unwrap();
        let database = home.path().join(".pki/nssdb");
        fs::create_dir_all(&database).unwrap();
        let trusted = Command::new("certutil")
            .args(["-d", &format!("sql:{}", database.display()), "-A", "-t", "C,,", "-n", "home", "-i"])
            .arg(doors.authority())
            .output()
            .unwrap();
        assert!(trusted.status.success(), "{}", text(&trusted.stderr));
        let data = home.path().join("data");
        fs::create_dir_all(&data).unwrap();
        let state = format!("{{\"dns_over_https\":{{\"mode\":\"secure\",\"templates\":\"{template}\"}}}}");
        fs::write(data.join("Local State"), state).unwrap();
        let child = Command::new("chromium")
            .env("HOME", home.path())
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"])
            .args(["--disable-component-update", "--disable-sync", "--timeout=15000", "--dump-dom"])
            .arg(format!("--user-data-dir={}", data.display()))
            .arg(format!("http://{name}:{}/", origin.port()))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        text(&child.stdout)
    };
    let plain = format!("https://127.0.0.1:{}/dns-query", doors.https.port());
    let parent = format!("https://127.0.0.1:{}/dns-query/{TOKEN}", doors.https.port());
    assert!(browse(&plain, "www.page.example").contains("the origin was reached"));
    assert!(!browse(&plain, "casino.example").contains("the origin was reached"));
    assert!(browse(&parent, "casino.example").contains("the origin was reached"), "another profile by token");
    assert!(doors.upstream.seen().iter().any(|seen| seen == "A www.page.example"));
}
