//! Real clients, a real upstream, and packets nobody should send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use harness::{Server, Upstream, query_bytes, read, text};
use tempfile::TempDir;

const CHILD: &str = "[[profile]]\nname = \"an\"\nband = \"10-12\"\n[defaults]\nprofile = \"an\"\n[[list]]\nname = \"starter\"\nsource = \"starter\"\n";

fn dig(program: &str, server: SocketAddr, arguments: &[&str]) -> String {
    let at = format!("@{}", server.ip());
    let port = server.port().to_string();
    let output =
        Command::new(program).arg(at).args(["-p", &port]).args(arguments).output().expect("installed by tests/run");
    text(&output.stdout)
}

#[test]
fn dig_and_kdig_understand_us() {
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, CHILD);
    let shown = dig("dig", server.dns, &["+tries=1", "bet365.com"]);
    assert!(shown.contains("EDE: 17 (Filtered): (gambling: refused for ages 10-12)"), "{shown}");
    assert!(shown.contains("status: NOERROR") && shown.contains("0.0.0.0"), "{shown}");
    let shown = dig("dig", server.dns, &["+tcp", "+dnssec", "WwW.eXaMpLe.com"]);
    assert!(
        shown.contains("WwW.eXaMpLe.com.") && shown.contains("192.0.2.1") && shown.contains("flags: do"),
        "{shown}"
    );
    let shown = dig("dig", server.dns, &["+tries=1", "+noedns", "bet365.com"]);
    assert!(shown.contains("0.0.0.0") && !shown.contains("OPT"), "{shown}");
    let shown = dig("dig", server.dns, &["+tries=1", "ch", "txt", "version.bind"]);
    assert!(shown.contains("status: REFUSED"), "{shown}");
    let shown = dig("dig", server.dns, &["+tries=1", "+edns=1", "+noednsnegotiation", "example.com"]);
    assert!(shown.contains("BADVERS"), "{shown}");
    let shown = dig("kdig", server.dns, &["+retry=0", "+edns", "bet365.com", "AAAA"]);
    assert!(shown.contains("AAAA\t::") && shown.contains("17 (Filtered)"), "{shown}");
}

/// Unbound as an authoritative-like upstream with local data.
struct Unbound {
    child: Child,
    addr: SocketAddr,
    _folder: TempDir,
}

impl Unbound {
    fn start() -> Unbound {
        let folder = TempDir::new().unwrap();
        let port = harness::free_port();
        let config = folder.path().join("unbound.conf");
        let many: String = (0..200).map(|at| format!("local-data: \"big.zone.example. 60 TXT {at:060}\"\n")).collect();
        fs::write(&config, format!(
            "server:\ninterface: 127.0.0.1\nport: {port}\nusername: \"\"\nchroot: \"\"\ndirectory: {:?}\npidfile: \"\"\n\
             use-syslog: no\ndo-daemonize: no\nmodule-config: \"iterator\"\ndo-not-query-localhost: no\n\
             local-zone: \"zone.example.\" static\nlocal-data: \"zone.example. 60 SOA ns.zone.example. x.zone.example. 1 2 3 4 60\"\n\
             local-data: \"www.zone.example. 60 A 192.0.2.77\"\nlocal-data: \"www.zone.example. 60 AAAA 2001:db8::77\"\n{many}",
            folder.path()
        )).unwrap();
        let child = Command::new("unbound")
            .args(["-d", "-c", config.to_str().unwrap()])
            .stderr(Stdio::null())
            .spawn()
            .expect("unbound is installed by tests/run");
        let addr: SocketAddr = (Ipv4Addr::LOCALHOST, port).into();
        let until = Instant::now() + harness::PATIENCE;
        while TcpStream::connect(addr).is_err() {
            assert!(Instant::now() < until, "unbound does not start");
            std::thread::sleep(Duration::from_millis(10));
        }
        Unbound { child, addr, _folder: folder }
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn unbound_is_a_good_upstream() {
    let unbound = Unbound::start();
    let server = Server::start(unbound.addr, CHILD);
    assert_eq!(server.ask("www.zone.example", "A").addresses(), ["192.0.2.77".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(server.ask("www.zone.example", "AAAA").addresses().len(), 1);
    let missing = server.ask("missing.zone.example", "A");
    assert_eq!(missing.rcode().to_string(), "Non-Existent Domain");
    assert_eq!(missing.message.authorities.len(), 1, "its SOA came through");
    let cut = server.ask("big.zone.example", "TXT");
    assert!(cut.message.metadata.truncation && cut.message.answers.is_empty());
    assert_eq!(server.ask_tcp("big.zone.example", "TXT").message.answers.len(), 200, "fetched by TCP, given by TCP");
}

#[test]
fn options_of_edns_are_heeded() {
    let upstream = Upstream::start();
    let errors = "[dns.structured_errors]\nenabled = true\ncontact = [\"mailto:a@b.example\"]\nlanguage = \"en\"\n";
    let rest = format!(
        "{errors}[[profile]]\nname = \"mai\"\nband = \"10-12\"\nblock_names = [\"casino.example\"]\n[defaults]\nprofile = \"mai\"\n"
    );
    let server = Server::start(upstream.addr, &rest);
    let plain = dig("dig", server.dns, &["+nocookie", "casino.example"]);
    assert!(plain.contains("EDE: 17 (Filtered): (refused by a rule of this household)"), "{plain}");
    let structured = dig("dig", server.dns, &["+nocookie", "+ednsopt=65001", "casino.example"]);
    assert!(structured.contains("mailto:a@b.example") && structured.contains("For help call 111"), "{structured}");
    // dig checks that its own part comes back, and says so.
    let cookie = dig("dig", server.dns, &["+cookie=0102030405060708", "www.example"]);
    assert!(cookie.contains("COOKIE: 0102030405060708") && cookie.contains("(good)"), "{cookie}");
    let keepalive = dig("dig", server.dns, &["+tcp", "+keepalive", "www.example"]);
    assert!(keepalive.contains("TCP KEEPALIVE: 10.0 secs"), "{keepalive}");
    let udp = dig("dig", server.dns, &["+keepalive", "www.example"]);
    assert!(!udp.contains("10.0 secs"), "not by UDP: {udp}");
}

#[test]
fn an_upstream_that_dies_is_passed_over() {
    let (first, second) = (Unbound::start(), Unbound::start());
    let both = format!("udp://{}\", \"udp://{}", first.addr, second.addr);
    let folder = std::sync::Arc::new(TempDir::new().unwrap());
    let server = Server::start_in(folder, second.addr, "", CHILD);
    let config = fs::read_to_string(&server.config).unwrap().replace(&format!("udp://{}", second.addr), &both);
    fs::write(&server.config, config).unwrap();
    server.reload();
    assert_eq!(server.ask("www.zone.example", "A").addresses().len(), 1);
    drop(first);
    assert_eq!(server.ask("www.zone.example", "AAAA").addresses().len(), 1);
    assert!(server.metric(&format!("luytre_upstream_failures_total{{server=\"{}\"}}", second.addr)) == 0.0);
}

#[test]
fn packets_nobody_should_send_cost_nothing() {
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, CHILD);
    let good = query_bytes(7, "bet365.com", "A", true);
    let from = Ipv4Addr::LOCALHOST;
    // Every prefix of a good packet: FORMERR, or silence when there is no header.
    for end in [0, 5, 11] {
        assert!(server.send_from(from, &good[..end], Duration::from_millis(30)).is_none(), "{end} octets");
    }
    for end in 12..good.len() {
        let answer = server.send_from(from, &good[..end], harness::PATIENCE).unwrap_or_else(|| panic!("{end} octets"));
        assert_eq!(answer[3] & 0x0f, 1, "{end} octets are FORMERR");
    }
    let mut response = good.clone();
    response[2] |= 0x80;
    assert!(server.send_from(from, &response, Duration::from_millis(30)).is_none(), "a response is not answered");
    let mut state = 1_u64;
    for _ in 0..2_000 {
        let noise: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        server.send_from(from, &noise, Duration::from_micros(1));
    }
    assert_eq!(server.ask("bet365.com", "A").ede_code(), Some(17), "{}", server.log());
    assert!(server.metric("luytre_dns_queries_total{outcome=\"malformed\"}") > 40.0);
    assert!(!server.log().contains("panic"));
}

#[test]
fn many_questions_share_a_connection() {
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, CHILD);
    let mut stream = TcpStream::connect(server.dns).unwrap();
    stream.set_read_timeout(Some(harness::PATIENCE)).unwrap();
    let mut all = Vec::new();
    for id in 0..200_u16 {
        let packet = query_bytes(id, &format!("site{id}.example"), "A", true);
        all.extend((packet.len() as u16).to_be_bytes());
        all.extend(packet);
    }
    // Cut anywhere: framing must not depend on packets.
    for piece in all.chunks(333) {
        stream.write_all(piece).unwrap();
    }
    let mut ids = Vec::new();
    for _ in 0..200 {
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut answer).unwrap();
        let seen = read(&answer);
        assert_eq!(seen.addresses().len(), 1);
        ids.push(seen.message.metadata.id);
    }
    ids.sort_unstable();
    assert_eq!(ids, (0..200).collect::<Vec<u16>>());
}

#[test]
fn equal_questions_in_flight_are_asked_once() {
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, CHILD);
    upstream.set_silent(true);
    let waiting: Vec<_> = (0..20)
        .map(|id| {
            let socket = std::net::UdpSocket::bind("127.0.0.9:0").unwrap();
            socket.set_read_timeout(Some(harness::PATIENCE)).unwrap();
            socket.connect(server.dns).unwrap();
            socket.send(&query_bytes(id, "same.example", "A", true)).unwrap();
            socket
        })
        .collect();
    while upstream.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    upstream.set_silent(false);
    for socket in waiting {
        let mut answer = [0; 4096];
        let len = socket.recv(&mut answer).unwrap();
        assert_eq!(read(&answer[..len]).addresses().len(), 1);
    }
    // The lost first packet and its repetition.
    assert!(upstream.seen().len() <= 2, "{:?}", upstream.seen());
}

#[test]
fn a_question_in_flight_is_answered_before_the_end() {
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, CHILD);
    upstream.set_silent(true);
    let socket = std::net::UdpSocket::bind("127.0.0.9:0").unwrap();
    socket.set_read_timeout(Some(harness::PATIENCE)).unwrap();
    socket.connect(server.dns).unwrap();
    socket.send(&query_bytes(1, "late.example", "A", true)).unwrap();
    while upstream.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(1));
    }
    server.signal("-TERM");
    // The upstream answers the repetition, when no new question is taken any more.
    upstream.set_silent(false);
    let mut answer = [0; 4096];
    let len = socket.recv(&mut answer).unwrap();
    assert_eq!(read(&answer[..len]).addresses().len(), 1);
    assert!(server.stop().success());
}

#[test]
fn a_torn_bundle_is_made_anew() {
    let upstream = Upstream::start();
    let folder = std::sync::Arc::new(TempDir::new().unwrap());
    let server = Server::start_in(folder.clone(), upstream.addr, "", CHILD);
    assert!(server.stop().success());
    let bundle = folder.path().join("state/bundle");
    let whole = fs::read(&bundle).unwrap();
    fs::write(&bundle, &whole[..whole.len() / 2]).unwrap();
    let server = Server::start_in(folder, upstream.addr, "", CHILD);
    assert_eq!(server.ask("bet365.com", "A").ede_code(), Some(17));
    assert!(server.log().contains("refused; compiling anew"), "{}", server.log());
    assert_eq!(fs::read(&bundle).unwrap(), whole);
}

#[test]
fn ipv6_and_the_address_that_was_asked() {
    let upstream = Upstream::start();
    let folder = std::sync::Arc::new(TempDir::new().unwrap());
    let server = Server::start_in(folder, upstream.addr, "", CHILD);
    let port = harness::free_port();
    let config = fs::read_to_string(&server.config).unwrap();
    let config = config.replace(&format!("\"{}\"", server.dns), &format!("\"0.0.0.0:{port}\", \"[::]:{port}\""));
    let config =
        config.replace(&format!("listen = \"{}\"", server.metrics), "enabled = false\nlisten = \"127.0.0.1:1\"");
    let path = server.file("wide.toml");
    fs::write(&path, config).unwrap();
    let mut child =
        Command::new(harness::binary()).args(["-c", path.to_str().unwrap()]).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + harness::PATIENCE;
    for (from, to) in [("127.0.0.1:0", format!("127.0.0.33:{port}")), ("[::1]:0", format!("[::1]:{port}"))] {
        let mut answer = [0; 4096];
        loop {
            let socket = std::net::UdpSocket::bind(from).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
            // Connected: an answer from any other address would not arrive.
            socket.connect(&to).unwrap();
            let _ = socket.send(&query_bytes(1, "bet365.com", "A", true));
            if let Ok(len) = socket.recv(&mut answer) {
                assert_eq!(read(&answer[..len]).ede_code(), Some(17));
                break;
            }
            assert!(Instant::now() < until, "no answer from {to}");
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
