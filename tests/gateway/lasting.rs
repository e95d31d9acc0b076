//! Connections that last: cut when the rules change or bedtime comes, whole however large, half-closed; and what the kernel
//! does when the program is gone.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{Context, SHA256};

use crate::harness::namespace;
use crate::origin::{big, hex};
use crate::tls::{Call, Outcome};
use crate::{CASINO, FAMILIES, FOREIGN, Gateway, SCHOOL, ask};

const NIGHT: &str =
    "[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"00:00\"\nto = \"00:00\"\nblock = [\"everything\"]\n";

/// A download that never ends, under way.
fn download(gateway: &Gateway, family: usize) -> TcpStream {
    let mut stream = gateway.child().connect(SCHOOL.at(family, 80)).unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: school.example\r\n\r\n").unwrap();
    let mut first = [0; 20_000];
    stream.read_exact(&mut first).unwrap();
    stream
}

/// How long it still goes on, at most as long as the reader's patience.
fn time_to_end(stream: &mut TcpStream, patience: Duration) -> Duration {
    let started = Instant::now();
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).is_ok_and(|taken| taken > 0) {
        assert!(started.elapsed() < patience, "it goes on");
    }
    started.elapsed()
}

#[test]
fn live_connections_end_when_the_rules_change() {
    if !namespace::enter("lasting::live_connections_end_when_the_rules_change") {
        return;
    }
    let gateway = Gateway::open("");
    let mut plain: Vec<TcpStream> = FAMILIES.iter().map(|family| download(&gateway, *family)).collect();
    let mut tunnels: Vec<TcpStream> = FAMILIES.iter().map(|family| hello(&gateway, *family)).collect();
    gateway.reconfigure("block_names = [\"other.example\"]");
    let mut buffer = [0; 4096];
    assert!(plain.iter_mut().all(|stream| stream.read(&mut buffer).unwrap() > 0), "another rule ends nothing");
    gateway.reconfigure(NIGHT);
    for stream in plain.iter_mut().chain(&mut tunnels) {
        time_to_end(stream, Duration::from_secs(3));
    }
    gateway.await_passages("http", "cut", 2.0);
    gateway.await_passages("stream", "cut", 2.0);
    assert_eq!(Call::to(&SCHOOL, 0).from(&gateway, gateway.child()), Outcome::Refused);
    assert!(gateway.child().connect(SCHOOL.at(0, 8080)).is_err(), "and what is only forwarded");
    gateway.reconfigure("");
    assert!(matches!(Call::to(&SCHOOL, 0).from(&gateway, gateway.child()), Outcome::Reached { .. }));
}

#[test]
fn a_live_download_ends_when_bedtime_begins() {
    if !namespace::enter("lasting::a_live_download_ends_when_bedtime_begins") {
        return;
    }
    // The next whole minute: the household's clock is UTC here.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let (begins, left) = (now / 60 + 1, 60 - now % 60);
    let clock = |minute: u64| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let (from, to) = (clock(begins), clock(begins + 120));
    let gateway = Gateway::open(&format!(
        "[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"{from}\"\nto = \"{to}\"\nblock = [\"everything\"]\n"
    ));
    let mut stream = download(&gateway, 0);
    let lasted = time_to_end(&mut stream, Duration::from_secs(left + 10));
    assert!(
        lasted >= Duration::from_secs(left).saturating_sub(Duration::from_secs(5)),
        "not before its time: {lasted:?}"
    );
    gateway.await_passages("http", "cut", 1.0);
    let until = Instant::now() + Duration::from_secs(3);
    while gateway.child().connect(SCHOOL.at(0, 8080)).is_ok() {
        assert!(Instant::now() < until, "the kernel's rules follow");
    }
}

/// A tunnel under way: a hello, and an answer.
fn hello(gateway: &Gateway, family: usize) -> TcpStream {
    let call = Call::to(&SCHOOL, family);
    call.open(gateway, gateway.child())
}

#[test]
fn large_bodies_arrive_whole_both_ways_and_half_closed_connections_go_on() {
    if !namespace::enter("lasting::large_bodies_arrive_whole_both_ways_and_half_closed_connections_go_on") {
        return;
    }
    const LEN: usize = 50 << 20;
    let gateway = Gateway::open("nameless = \"allow\"");
    let mut hash = Context::new(&SHA256);
    big(LEN).for_each(|piece| hash.update(&piece));
    let expected = hex(hash);
    for family in FAMILIES {
        // Down, by HTTP.
        let mut stream = gateway.child().connect(SCHOOL.at(family, 80)).unwrap();
        let request = format!("GET /big?{LEN} HTTP/1.1\r\nHost: school.example\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        let body = all.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
        let mut hash = Context::new(&SHA256);
        hash.update(&all[body..]);
        assert_eq!((all.len() - body, hex(hash)), (LEN, expected.clone()));
        // Up, spliced, answered only after this side has ended: not HTTP, so that nothing but bytes moves.
        let mut stream = gateway.child().connect(SCHOOL.at(family, 443)).unwrap();
        stream.write_all(b"echo\n").unwrap();
        let mut echoed = [0; 5];
        stream.read_exact(&mut echoed).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let sending = std::thread::spawn(move || {
            big(LEN).for_each(|piece| writer.write_all(&piece).unwrap());
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let (mut hash, mut taken, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 16]);
        loop {
            match stream.read(&mut buffer).unwrap() {
                0 => break,
                len => {
                    taken += len;
                    hash.update(&buffer[..len]);
                }
            }
        }
        sending.join().unwrap();
        assert_eq!((taken, hex(hash)), (LEN, expected.clone()), "both ways at once");
    }
    let moved = gateway.server.metric("luytre_proxy_octets_total{direction=\"up\"}");
    assert!(moved >= 2.0 * LEN as f64, "{moved}");
}

#[test]
fn a_dead_program_leaves_the_way_open_where_so_configured() {
    if !namespace::enter("lasting::a_dead_program_leaves_the_way_open_where_so_configured") {
        return;
    }
    is_open_without_the_program("open", true);
}

#[test]
fn a_dead_program_leaves_the_way_closed_where_so_configured() {
    if !namespace::enter("lasting::a_dead_program_leaves_the_way_closed_where_so_configured") {
        return;
    }
    is_open_without_the_program("closed", false);
}

fn is_open_without_the_program(when_dead: &str, is_open: bool) {
    let mut gateway = Gateway::open_with(&format!("when_dead = \"{when_dead}\""), "");
    assert_eq!(Call::to(&CASINO, 0).from(&gateway, gateway.child()), Outcome::Refused);
    gateway.server.child.kill().unwrap();
    gateway.server.child.wait().unwrap();
    for family in FAMILIES {
        let outcome = Call::to(&CASINO, family).from(&gateway, gateway.child());
        assert_eq!(matches!(outcome, Outcome::Reached { .. }), is_open, "{when_dead} by {family}: {outcome:?}");
        assert_eq!(gateway.child().connect(CASINO.at(family, 80)).is_ok(), is_open);
    }
    gateway.foreign[0].serve(CASINO.name, "A", CASINO.addrs[0]);
    let foreign = (FOREIGN[0].parse::<std::net::IpAddr>().unwrap(), 53).into();
    assert_eq!(ask_briefly(&gateway, foreign), is_open, "another resolver");
    // After a crash the service manager leaves the rules; an operator takes them away, as often as he likes.
    let clear = |arguments: &[&str]| {
        let mut command = Command::new(crate::harness::binary());
        command.args(["firewall", "clear"]).args(arguments).env("SERVICE_RESULT", "signal");
        assert!(command.status().unwrap().success());
    };
    clear(&["--after-stop"]);
    assert_eq!(gateway.child().connect(CASINO.at(0, 80)).is_ok(), is_open);
    clear(&[]);
    clear(&[]);
    let outcome = Call::to(&CASINO, 0).from(&gateway, gateway.child());
    assert!(matches!(outcome, Outcome::Reached { .. }), "cleared: {outcome:?}");
}

#[test]
fn a_program_that_stops_in_order_takes_its_rules_with_it() {
    if !namespace::enter("lasting::a_program_that_stops_in_order_takes_its_rules_with_it") {
        return;
    }
    let gateway = Gateway::open_with("when_dead = \"closed\"", "");
    gateway.server.signal("-TERM");
    let until = Instant::now() + Duration::from_secs(10);
    while !matches!(Call::to(&CASINO, 0).from(&gateway, gateway.child()), Outcome::Reached { .. }) {
        assert!(Instant::now() < until, "{}", gateway.server.log());
    }
}

fn ask_briefly(gateway: &Gateway, to: std::net::SocketAddr) -> bool {
    let socket = gateway.child().udp("0.0.0.0:0");
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    socket.connect(to).unwrap();
    socket.send(&crate::harness::query_bytes(7, CASINO.name, "A", true)).unwrap();
    socket.recv(&mut [0; 512]).is_ok()
}

#[test]
fn rules_that_somebody_flushed_come_back() {
    if !namespace::enter("lasting::rules_that_somebody_flushed_come_back") {
        return;
    }
    let gateway = Gateway::open("nameless = \"block\"");
    let foreign = (FOREIGN[0].parse::<std::net::IpAddr>().unwrap(), 53).into();
    assert_eq!(ask(gateway.child(), foreign, SCHOOL.name, "A").unwrap().addresses(), [SCHOOL.ip(0)]);
    assert!(gateway.child().connect(SCHOOL.at(0, 8080)).is_ok(), "its address was given");
    assert!(gateway.child().connect(CASINO.at(0, 8080)).is_err(), "this one was not");
    assert!(Command::new("nft").args(["flush", "ruleset"]).status().unwrap().success());
    assert!(gateway.child().connect(CASINO.at(0, 8080)).is_ok());
    let until = Instant::now() + Duration::from_secs(10);
    while gateway.child().connect(CASINO.at(0, 8080)).is_ok() {
        assert!(Instant::now() < until, "{}", gateway.server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(gateway.child().connect(SCHOOL.at(0, 8080)).is_ok(), "and what was given is remembered");
    assert_eq!(Call::to(&CASINO, 0).from(&gateway, gateway.child()), Outcome::Refused);
    assert!(gateway.server.metric("luytre_firewall_packets_total{way=\"nameless\"}") >= 1.0);
}
