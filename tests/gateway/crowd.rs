//! Ten thousand connections that say nothing, or one octet a minute, beside somebody honest.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::harness::namespace;
use crate::tls::{Call, Outcome};
use crate::{Gateway, SCHOOL};

const CROWD: usize = 10_000;
/// From so many addresses: each is within its limit.
const ADDRESSES: usize = 20;

fn crowd_address(number: usize) -> IpAddr {
    Ipv4Addr::new(10, 77, 1, (number % ADDRESSES) as u8 + 1).into()
}

fn resident_kib(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn ten_thousand_that_say_nothing_do_not_disturb_one_that_speaks() {
    if !namespace::enter("crowd::ten_thousand_that_say_nothing_do_not_disturb_one_that_speaks") {
        return;
    }
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let gateway = Gateway::open_with("hello_timeout = \"60s\"", "");
    let addresses: String = (1..=ADDRESSES).map(|last| format!("address add 10.77.1.{last}/16 dev eth0\n")).collect();
    gateway.child().ip(&addresses);
    let before = resident_kib(gateway.server.child.id());
    let honest = || {
        let started = Instant::now();
        let outcome = Call::to(&SCHOOL, 0).from(&gateway, gateway.child());
        assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}\n{}", gateway.server.log());
        started.elapsed()
    };
    let mut crowd: Vec<TcpStream> = Vec::with_capacity(CROWD);
    let mut slowest = honest();
    for number in 0..CROWD {
        let mut stream = gateway
            .child()
            .connect_from(Some(crowd_address(number)), SCHOOL.at(0, 443))
            .unwrap_or_else(|error| panic!("{number}: {error}"));
        if number % 2 == 0 {
            // The first octet of a record; the next comes in a minute.
            stream.write_all(&[22]).unwrap();
        }
        crowd.push(stream);
        if number % 1000 == 999 {
            slowest = slowest.max(honest());
        }
    }
    let held = resident_kib(gateway.server.child.id()) - before;
    println!("{CROWD} waiting: {} octets each, slowest honest visit {slowest:?}", held * 1024 / CROWD as u64);
    assert!(held < 200 * 1024, "{held} KiB for {CROWD}");
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    // One client alone cannot take all places, and those it may not have are closed.
    gateway.reconfigure("");
    drop(crowd);
    honest();
}
