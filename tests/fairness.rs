//! Nobody starves the rest, and no flood pushes out what a household uses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

use harness::{Server, Upstream, query_bytes};

const CHILD: &str = "[[profile]]\nname = \"an\"\nband = \"10-12\"\n[defaults]\nprofile = \"an\"\n[[list]]\nname = \"starter\"\nsource = \"starter\"\n";
const LOUD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const QUIET: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// Answers that came to `count` questions sent one after the other as fast as possible: whole ones, and those cut short.
fn hammer(server: &Server, from: Ipv4Addr, count: usize) -> (usize, usize) {
    let socket = UdpSocket::bind((from, 0)).unwrap();
    socket.connect(server.dns).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let (mut whole, mut cut, mut answer) = (0, 0, [0; 4096]);
    for part in 0..count.div_ceil(100) {
        for at in 0..100 {
            let id = (part * 100 + at) as u16;
            socket.send(&query_bytes(id, "bet365.com", "A", true)).unwrap();
        }
        while let Ok(len) = socket.recv(&mut answer) {
            assert!(len > 12);
            if answer[2] & 2 != 0 {
                cut += 1
            } else {
                whole += 1
            }
            if whole + cut == (part + 1) * 100 {
                break;
            }
            // What is dropped is not waited for beyond the first pause.
            socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        }
    }
    (whole, cut)
}

#[test]
fn a_loud_client_is_held_to_its_share_and_others_do_not_notice() {
    let upstream = Upstream::start();
    let server = Server::start_with(upstream.addr, "client_rate = 200", CHILD);
    let (whole, cut) = hammer(&server, LOUD, 2_000);
    // A burst of 400, and 200 for each second that this takes.
    assert!((400..1_800).contains(&whole), "{whole} answered");
    assert!(cut > 0, "nobody was told to come by TCP");
    assert!(server.metric("luytre_dns_limited_total") >= (2_000 - whole) as f64);
    for _ in 0..50 {
        let seen = server.ask_from(QUIET, "bet365.com", "A");
        assert_eq!(seen.addresses(), [Ipv4Addr::UNSPECIFIED]);
    }
}

#[test]
fn a_loud_connection_is_slowed_down_and_loses_nothing() {
    let upstream = Upstream::start();
    let server = Server::start_with(upstream.addr, "client_rate = 100", CHILD);
    let mut stream = TcpStream::connect(server.dns).unwrap();
    stream.set_read_timeout(Some(harness::PATIENCE)).unwrap();
    let mut questions = Vec::new();
    for id in 0..400_u16 {
        let packet = query_bytes(id, "bet365.com", "A", false);
        questions.extend_from_slice(&(packet.len() as u16).to_be_bytes());
        questions.extend_from_slice(&packet);
    }
    stream.write_all(&questions).unwrap();
    let mut seen = [false; 400];
    for _ in 0..400 {
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut answer).unwrap();
        seen[usize::from(u16::from_be_bytes([answer[0], answer[1]]))] = true;
    }
    assert!(seen.iter().all(|seen| *seen));
    assert!(server.metric("luytre_dns_limited_total") > 0.0, "the share was never used up");
}

#[test]
fn an_unlimited_client_is_never_limited() {
    let upstream = Upstream::start();
    let server = Server::start_with(upstream.addr, "client_rate = 0", CHILD);
    let (whole, cut) = hammer(&server, LOUD, 1_000);
    assert_eq!((whole, cut), (1_000, 0));
    assert_eq!(server.metric("luytre_dns_limited_total"), 0.0);
}

fn resident_kib(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_flood_of_random_names_pushes_out_nothing_and_grows_nothing() {
    let upstream = Upstream::start();
    let server = Server::start_with(upstream.addr, "client_rate = 0\n[dns.cache]\nsize = \"1MiB\"", CHILD);
    let names: Vec<String> = (0..100).map(|at| format!("www.site{at}.com")).collect();
    for _ in 0..2 {
        for name in &names {
            assert!(!server.ask(name, "A").addresses().is_empty());
        }
    }
    let socket = UdpSocket::bind((LOUD, 0)).unwrap();
    socket.connect(server.dns).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let flood = |from: u32, to: u32| {
        let mut answer = [0; 4096];
        for at in from..to {
            let asked = format!("r{}.victim.com", at.wrapping_mul(2_654_435_761));
            socket.send(&query_bytes(at as u16, &asked, "A", false)).unwrap();
            let _ = socket.recv(&mut answer);
        }
    };
    flood(0, 2_000);
    let before = resident_kib(&server);
    flood(2_000, 22_000);
    let after = resident_kib(&server);
    // The cache's own megabyte may still be filling.
    assert!(after < before + 3 * 1024, "{before} KiB before, {after} KiB after");
    upstream.forget();
    for name in &names {
        assert!(!server.ask(name, "A").addresses().is_empty());
    }
    let asked_again = upstream.seen().len();
    assert!(asked_again <= 2, "{asked_again} of 100 names in use had to be asked again");
}
