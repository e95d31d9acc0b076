//! Connections that last: whole however large, half-closed, and ended when bedtime begins.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{Context, SHA256};
use jiff::Timestamp;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use crate::harness::namespace;
use crate::origin::{big, hex};
use crate::people::BEDTIME;
use crate::tls::{Call, Outcome, client_config};
use crate::{FAMILIES, Gateway, HELP, SCHOOL, Site, exchange, read_all};

const LARGE: usize = 50 << 20;

fn hash_of(pieces: impl Iterator<Item = Vec<u8>>) -> String {
    let mut hash = Context::new(&SHA256);
    pieces.for_each(|piece| hash.update(&piece));
    hex(hash)
}

fn secure(gateway: &Gateway, site: &Site, family: usize) -> StreamOwned<ClientConnection, TcpStream> {
    let config = Arc::new(client_config(&gateway.authority, false, true));
    let tls = ClientConnection::new(config, ServerName::try_from(site.name).unwrap()).unwrap();
    StreamOwned::new(tls, gateway.child().connect(site.at(family, 443)).unwrap())
}

/// Sends and fetches a large body, and compares what came with what went.
fn there_and_back(stream: impl Read + Write) {
    let mut stream = BufReader::new(stream);
    let whole = hash_of(big(LARGE));
    let post = format!("POST /take HTTP/1.1\r\nhost: {}\r\ncontent-length: {LARGE}\r\n\r\n", SCHOOL.name);
    stream.get_mut().write_all(post.as_bytes()).unwrap();
    big(LARGE).for_each(|piece| stream.get_mut().write_all(&piece).unwrap());
    stream.get_mut().flush().unwrap();
    let (_, answer) = crate::http::answer(&mut stream);
    assert!(answer.contains(&format!("{LARGE} {whole}")), "{answer}");
    stream
        .get_mut()
        .write_all(format!("GET /big?{LARGE} HTTP/1.1\r\nhost: {}\r\n\r\n", SCHOOL.name).as_bytes())
        .unwrap();
    let len = crate::http::head(&mut stream).1;
    let mut hash = Context::new(&SHA256);
    let (mut left, mut buffer) = (len, vec![0; 64 << 10]);
    while left > 0 {
        let at_most = left.min(buffer.len());
        let taken = stream.read(&mut buffer[..at_most]).unwrap();
        assert!(taken > 0, "ended with {left} octets to come");
        hash.update(&buffer[..taken]);
        left -= taken;
    }
    assert_eq!((len, hex(hash)), (LARGE, whole));
}

#[test]
fn fifty_megabytes_arrive_as_they_were_sent() {
    if !namespace::enter("lasting::fifty_megabytes_arrive_as_they_were_sent") {
        return;
    }
    let gateway = Gateway::open("");
    there_and_back(secure(&gateway, &SCHOOL, 0));
    there_and_back(gateway.child().connect(SCHOOL.at(1, 80)).unwrap());
    gateway.counters();
    for direction in ["up", "down"] {
        let moved = gateway.server.metric(&format!("luytre_proxy_octets_total{{direction=\"{direction}\"}}"));
        assert!(moved > 2.0 * LARGE as f64 && moved < 2.1 * LARGE as f64, "{direction}: {moved}");
    }
}

#[test]
fn both_ways_at_once_and_one_way_to_the_end() {
    if !namespace::enter("lasting::both_ways_at_once_and_one_way_to_the_end") {
        return;
    }
    let gateway = Gateway::open("nameless = \"allow\"");
    for family in FAMILIES {
        // No TLS and no HTTP, so that nothing but bytes moves.
        let mut stream = gateway.child().connect(SCHOOL.at(family, 443)).unwrap();
        stream.write_all(b"echo\n").unwrap();
        stream.read_exact(&mut [0; 5]).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let sending = thread::spawn(move || {
            big(LARGE).for_each(|piece| writer.write_all(&piece).unwrap());
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let (mut hash, mut taken, mut buffer) = (Context::new(&SHA256), 0, vec![0; 64 << 10]);
        loop {
            let len = stream.read(&mut buffer).expect("an end, told by the origin's, told by ours");
            if len == 0 {
                break;
            }
            taken += len;
            hash.update(&buffer[..len]);
        }
        sending.join().unwrap();
        assert_eq!((taken, hex(hash)), (LARGE, hash_of(big(LARGE))));
    }
}

#[test]
fn a_side_that_has_ended_still_hears_the_other() {
    if !namespace::enter("lasting::a_side_that_has_ended_still_hears_the_other") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        let mut stream = secure(&gateway, &SCHOOL, family);
        stream.write_all(b"POST /end HTTP/1.1\r\nhost: school.example\r\n\r\n").unwrap();
        big(1 << 20).for_each(|piece| stream.write_all(&piece).unwrap());
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        stream.sock.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&mut stream), hash_of(big(1 << 20)));
        let mut stream = gateway.child().connect(SCHOOL.at(family, 80)).unwrap();
        stream.write_all(b"GET /page HTTP/1.1\r\nhost: school.example\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        assert!(read_all(&mut stream).contains(&format!("reached {}", SCHOOL.ip(family))));
    }
}

/// Downloads without end: by TLS, by HTTP, and a WebSocket that says something now and then; each tells when it ends.
fn downloads(gateway: &Gateway) -> Vec<thread::JoinHandle<()>> {
    let request = |path: &str, more: &str| format!("GET {path} HTTP/1.1\r\nhost: {}\r\n{more}\r\n", SCHOOL.name);
    let mut ends = Vec::new();
    for family in FAMILIES {
        let mut stream = secure(gateway, &SCHOOL, family);
        stream.write_all(request("/slow", "").as_bytes()).unwrap();
        ends.push(endless(stream));
        let mut stream = gateway.child().connect(SCHOOL.at(family, 80)).unwrap();
        stream.write_all(request("/slow", "").as_bytes()).unwrap();
        ends.push(endless(stream));
        let mut stream = gateway.child().connect(SCHOOL.at(family, 80)).unwrap();
        stream.write_all(request("/", "connection: upgrade\r\nupgrade: websocket\r\n").as_bytes()).unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        stream.set_read_timeout(None).unwrap();
        ends.push(thread::spawn(move || drop(read_all(&mut stream))));
    }
    ends
}

/// Reads until the end. That it goes on until then is looked at by the first octets alone.
fn endless(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<()> {
    stream.read_exact(&mut [0; 8192]).unwrap();
    thread::spawn(move || while stream.read(&mut [0; 8192]).is_ok_and(|len| len > 0) {})
}

fn await_end(downloads: Vec<thread::JoinHandle<()>>, patience: Duration) {
    let until = Instant::now() + patience;
    while !downloads.iter().all(thread::JoinHandle::is_finished) {
        let left = downloads.iter().filter(|download| !download.is_finished()).count();
        assert!(Instant::now() < until, "{left} downloads go on");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn downloads_end_when_bedtime_begins() {
    if !namespace::enter("lasting::downloads_end_when_bedtime_begins") {
        return;
    }
    let gateway = Gateway::open("");
    let running = downloads(&gateway);
    let mut other = gateway.child().connect(SCHOOL.at(0, 8080)).unwrap();
    other.write_all(b"echo\n").unwrap();
    other.read_exact(&mut [0; 5]).unwrap();
    thread::sleep(Duration::from_millis(300));
    gateway.reconfigure("block_names = [\"other.example\"]");
    thread::sleep(Duration::from_millis(300));
    assert!(!running.iter().any(thread::JoinHandle::is_finished), "another rule ends nothing");
    gateway.reconfigure(BEDTIME);
    await_end(running, Duration::from_secs(3));
    gateway.await_passages("stream", "cut", 2.0);
    gateway.await_passages("http", "cut", 4.0);
    // What goes by no door of ours ends in the kernel.
    let _ = other.write_all(b"echo\n");
    assert!(!matches!(other.read(&mut [0; 5]), Ok(1..)));
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", SCHOOL.name);
    let page = exchange(gateway.child().connect(SCHOOL.at(0, 80)).unwrap(), request.as_bytes());
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    assert_eq!(Call::to(&SCHOOL, 1).from(&gateway, gateway.child()), Outcome::Refused);
    assert!(matches!(Call::to(&HELP, 1).from(&gateway, gateway.child()), Outcome::Reached { .. }));
    gateway.reconfigure("");
    assert!(matches!(Call::to(&SCHOOL, 1).from(&gateway, gateway.child()), Outcome::Reached { .. }), "in the morning");
}

#[test]
fn downloads_end_when_the_clock_says_so() {
    if !namespace::enter("lasting::downloads_end_when_the_clock_says_so") {
        return;
    }
    // Waits for a minute to begin, since nothing here can set the clock; the first seconds are for the downloads to begin.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let begins = Duration::from_secs((now.as_secs() + 66) / 60 * 60);
    let hour = |at: Duration| Timestamp::from_second(at.as_secs() as i64).unwrap().strftime("%H:%M").to_string();
    let (from, to) = (hour(begins), hour(begins + Duration::from_secs(3600)));
    let gateway = Gateway::open(&format!(
        "[[profile.schedule]]\nname = \"bedtime\"\nfrom = {from:?}\nto = {to:?}\nblock = [\"everything\"]\n"
    ));
    let running = downloads(&gateway);
    let left = || begins.saturating_sub(SystemTime::now().duration_since(UNIX_EPOCH).unwrap());
    assert!(!left().is_zero(), "the downloads took long to begin");
    while left() > Duration::from_millis(100) {
        assert!(!running.iter().any(thread::JoinHandle::is_finished), "cut {:?} before bedtime", left());
        thread::sleep(Duration::from_millis(50));
    }
    await_end(running, Duration::from_secs(4));
    gateway.await_passages("http", "cut", 4.0);
    let until = Instant::now() + Duration::from_secs(3);
    while gateway.child().connect(SCHOOL.at(0, 8080)).is_ok() {
        assert!(Instant::now() < until, "the kernel's rules follow");
    }
    assert_eq!(Call::to(&SCHOOL, 0).from(&gateway, gateway.child()), Outcome::Refused);
}

#[test]
fn a_reload_does_not_lead_connections_to_where_nobody_listens() {
    if !namespace::enter("lasting::a_reload_does_not_lead_connections_to_where_nobody_listens") {
        return;
    }
    let gateway = Gateway::open("");
    let text = std::fs::read_to_string(&gateway.server.config).unwrap();
    for (from, to) in [
        ("[proxy]\n", "[proxy]\ntls_port = 9443\nhttp_port = 9180\nmark = 0x04000000\n"),
        ("enabled = true\n", "enabled = false\n"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        std::fs::write(&gateway.server.config, changed).unwrap();
        gateway.server.reload();
        for family in FAMILIES {
            let outcome = Call::to(&crate::CASINO, family).from(&gateway, gateway.child());
            assert_eq!(outcome, Outcome::Refused, "{to}: only a restart moves it");
        }
        assert!(gateway.server.log().contains("takes effect at the next restart"));
    }
}
