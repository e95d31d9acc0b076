//! Ten thousand clients that open connections and say next to nothing.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::namespace;
use crate::tls::{Call, Outcome};
use crate::{FAMILIES, Gateway, SCHOOL, exchange};

const CROWD: usize = 10_000;
/// Connections of one client are limited to 1024.
const SOURCES: usize = 16;
/// Longer than all of them take to come.
const PATIENCE_SECS: usize = 20;

/// Resident memory of the program in KiB.
fn memory(gateway: &Gateway) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", gateway.server.child.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Opens the crowd's connections: some say nothing, some begin a hello, some a request.
fn come(gateway: &Gateway) -> Vec<TcpStream> {
    let addrs: String = (0..SOURCES).map(|at| format!("address add 10.77.1.{at}/16 dev eth0\n")).collect();
    gateway.child().ip(&addrs);
    gateway.child().within(|| {
        let mut crowd = Vec::with_capacity(CROWD);
        for at in 0..CROWD {
            let (to, first): (_, &[u8]) = match at % 4 {
                0 => (SCHOOL.at(0, 443), b""),
                1 => (SCHOOL.at(0, 443), b"\x16"),
                2 => (SCHOOL.at(0, 443), b"\x16\x03\x01\x02\x00\x01\x00\x01"),
                _ => (SCHOOL.at(0, 80), b"G"),
            };
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            let from = std::net::Ipv4Addr::new(10, 77, 1, (at % SOURCES) as u8);
            socket.bind(&std::net::SocketAddr::from((from, 0)).into()).unwrap();
            socket.connect(&to.into()).unwrap();
            let mut stream = TcpStream::from(socket);
            stream.write_all(first).unwrap();
            crowd.push(stream);
        }
        crowd
    })
}

/// An honest client's visit, by both doors; how long the slower one took.
fn visit(gateway: &Gateway, family: usize) -> Duration {
    let started = Instant::now();
    let outcome = Call::to(&SCHOOL, family).from(gateway, gateway.child());
    assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
    let by_tls = started.elapsed();
    let request = b"GET / HTTP/1.1\r\nhost: school.example\r\nconnection: close\r\n\r\n";
    assert!(exchange(gateway.child().connect(SCHOOL.at(family, 80)).unwrap(), request).contains("reached"));
    by_tls.max(started.elapsed() - by_tls)
}

#[test]
fn ten_thousand_who_say_nothing_keep_nobody_waiting() {
    if !namespace::enter("crowd::ten_thousand_who_say_nothing_keep_nobody_waiting") {
        return;
    }
    // For both ends of the crowd's connections, and what else is open.
    let most = getrlimit(Resource::Nofile).maximum.map(|most| most.max(CROWD as u64 + 8_000));
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most }).unwrap();
    let gateway = Gateway::open_with(&format!("hello_timeout = \"{PATIENCE_SECS}s\""), "");
    visit(&gateway, 0);
    let (before, started) = (memory(&gateway), Instant::now());
    let (crowd, slowest) = thread::scope(|scope| {
        let coming = scope.spawn(|| come(&gateway));
        let mut slowest = Duration::ZERO;
        while !coming.is_finished() {
            slowest = FAMILIES.map(|family| visit(&gateway, family)).into_iter().fold(slowest, Duration::max);
        }
        (coming.join().unwrap(), slowest)
    });
    let came = started.elapsed();
    assert!(came < Duration::from_secs(PATIENCE_SECS as u64), "they took {came:?} to come");
    let with = memory(&gateway);
    let slowest = (0..20).map(|at| visit(&gateway, at % 2)).fold(slowest, Duration::max);
    println!(
        "{CROWD} half-open connections in {came:?}: honest clients waited at most {slowest:?}; {before} KiB before, {with} KiB \
         with them ({} octets each)",
        (with.saturating_sub(before) << 10) / CROWD
    );
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    assert!(with - before < CROWD * 24, "more than 24 KiB each: {before} to {with} KiB");
    // One octet a minute is not a hello in time.
    for mut stream in crowd.iter().step_by(100) {
        let _ = stream.write_all(b"E");
    }
    gateway.await_silent(CROWD as f64);
    drop(crowd);
    assert!(visit(&gateway, 1) < Duration::from_secs(1));
}

impl Gateway {
    /// Waits until that many were put out, by either door.
    fn await_silent(&self, expected: f64) {
        let until = Instant::now() + Duration::from_secs(2 * PATIENCE_SECS as u64);
        let silent = || self.passages("stream", "silent") + self.passages("http", "silent");
        while silent() < expected {
            assert!(Instant::now() < until, "{} of {expected}\n{}", silent(), self.server.metrics_text());
            thread::sleep(Duration::from_millis(100));
        }
    }
}
