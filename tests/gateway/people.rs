//! Whom the gateway leaves in peace: everybody who looks for help, and the adult.

use std::io::{Read, Write};
use std::net::IpAddr;

use crate::harness::gateway::{ADULT, Room};
use crate::harness::namespace;
use crate::quic;
use crate::tls::{Call, Cut, Outcome};
use crate::{CASINO, COP, FAMILIES, FOREIGN, Gateway, HELP, SCHOOL, Site, ask, ask_tcp, exchange};

/// The whole day, every day.
pub const BEDTIME: &str =
    "[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"00:00\"\nto = \"00:00\"\nblock = [\"everything\"]\n";

fn http(room: &Room, site: &Site, family: usize) -> String {
    let request = format!("GET /page HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", site.name);
    exchange(room.connect(site.at(family, 80)).unwrap(), request.as_bytes())
}

/// By a foreign resolver, UDP and TCP.
fn resolve(gateway: &Gateway, site: &Site) {
    for (family, rtype) in [(0, "A"), (1, "AAAA")] {
        let resolver = (FOREIGN[family].parse::<IpAddr>().unwrap(), 53).into();
        assert_eq!(ask(gateway.child(), resolver, site.name, rtype).unwrap().addresses(), [site.ip(family)]);
        assert_eq!(ask_tcp(gateway.child(), resolver, site.name, rtype).addresses(), [site.ip(family)]);
    }
}

/// By TLS and HTTP.
fn reach(gateway: &Gateway, site: &Site) {
    for family in FAMILIES {
        for cut in [Cut::Whole, Cut::Records(4)] {
            let outcome = Call { cut, ..Call::to(site, family) }.from(gateway, gateway.child());
            let Outcome::Reached { page, .. } = outcome else { panic!("{outcome:?}") };
            assert!(page.contains(&format!("reached {}", site.ip(family))), "{page}");
        }
        let page = http(gateway.child(), site, family);
        assert!(page.contains(&format!("reached {}", site.ip(family))), "{page}");
    }
}

#[test]
fn help_is_reached_at_bedtime_without_upstream_and_is_counted_nowhere() {
    if !namespace::enter("people::help_is_reached_at_bedtime_without_upstream_and_is_counted_nowhere") {
        return;
    }
    let gateway = Gateway::open(&format!(
        "block_names = [\"{}\"]\nnameless = \"block\"\nunexplained = \"refuse\"\n{BEDTIME}",
        HELP.name
    ));
    for family in FAMILIES {
        assert_eq!(Call::to(&SCHOOL, family).from(&gateway, gateway.child()), Outcome::Refused, "it is bedtime");
    }
    gateway.visits();
    let before = gateway.counters();
    // Nobody can say where it is: it is where the device wants to go.
    gateway.upstream.set_silent(true);
    reach(&gateway, &COP);
    gateway.upstream.set_silent(false);
    resolve(&gateway, &HELP);
    reach(&gateway, &HELP);
    // Known by now, and reached on every port.
    gateway.upstream.set_failing(true);
    resolve(&gateway, &HELP);
    reach(&gateway, &HELP);
    for family in FAMILIES {
        let chat = gateway.child().connect(HELP.at(family, 8080)).expect("a chat on a port of its own");
        drop(chat);
        assert!(gateway.child().connect(SCHOOL.at(family, 8080)).is_err(), "it is bedtime on every port");
    }
    let kernels =
        |text: &str| text.lines().filter(|line| !line.starts_with("luytre_firewall")).collect::<Vec<_>>().join("\n");
    assert_eq!(kernels(&gateway.counters()), kernels(&before));
    assert!(!gateway.server.log().contains("tongdai111"));
}

#[test]
fn the_adults_device_is_left_alone() {
    if !namespace::enter("people::the_adults_device_is_left_alone") {
        return;
    }
    let gateway =
        Gateway::open("when_dead = \"closed\"\nquic = \"filter\"\nnameless = \"block\"\nblock_tunnels = true");
    let before = gateway.counters();
    for family in FAMILIES {
        let resolver = (FOREIGN[family].parse::<IpAddr>().unwrap(), 53).into();
        let seen = ask(gateway.adult(), resolver, CASINO.name, "A").unwrap();
        assert_eq!(seen.addresses()[0].to_string(), "192.0.2.1", "the foreign resolver's own answer");
        ask_tcp(gateway.adult(), resolver, CASINO.name, "A");
        assert_eq!(gateway.foreign[family].seen(), ["A casino.example"; 2]);
        let Outcome::Reached { certificate, .. } = Call::to(&CASINO, family).from(&gateway, gateway.adult()) else {
            panic!()
        };
        assert_eq!(certificate, gateway.authority.certificate(CASINO.name).cert[0].to_vec());
        assert!(http(gateway.adult(), &HELP, family).contains("reached"));
        for port in [853, 8080] {
            let mut stream = gateway.adult().connect(SCHOOL.at(family, port)).unwrap();
            stream.write_all(b"hello\n").unwrap();
            stream.read_exact(&mut [0; 6]).unwrap();
        }
        let answer = quic::echo(&gateway, gateway.adult(), CASINO.at(family, 443), CASINO.name);
        assert_eq!(answer.as_deref(), Ok(quic::HELLO));
        let own: IpAddr = ADULT[family].parse().unwrap();
        let visits = gateway.visits();
        assert!(!visits.is_empty() && visits.iter().all(|visit| visit.from == own), "nobody in between: {visits:?}");
    }
    assert_eq!(gateway.counters(), before);
    assert_eq!(gateway.upstream.seen_beside_help(), [""; 0]);
}

/// What the kernel has of help, as an administrator would see it.
fn kernels_help() -> String {
    let shown = |set| {
        let output = std::process::Command::new("nft").args(["list", "set", "inet", "luytre", set]).output().unwrap();
        assert!(output.status.success());
        crate::harness::text(&output.stdout)
    };
    shown("help4") + &shown("help6")
}

#[test]
fn nothing_in_the_kernel_tells_that_somebody_looked_for_help() {
    if !namespace::enter("people::nothing_in_the_kernel_tells_that_somebody_looked_for_help") {
        return;
    }
    let gateway = Gateway::open("nameless = \"block\"");
    let until = std::time::Instant::now() + crate::PATIENCE;
    // The last name of the list: by then all are known.
    while !gateway.upstream.seen().iter().any(|seen| seen == "AAAA ecpat.org") {
        assert!(std::time::Instant::now() < until, "{:?}", gateway.upstream.seen());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    while !HELP.addrs.iter().all(|addr| kernels_help().contains(addr)) {
        assert!(std::time::Instant::now() < until, "{}", kernels_help());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let before = kernels_help();
    resolve(&gateway, &HELP);
    reach(&gateway, &HELP);
    assert!(gateway.child().connect(HELP.at(0, 8080)).is_ok());
    assert_eq!(kernels_help(), before);
    let given = std::process::Command::new("nft").args(["list", "ruleset"]).output().unwrap();
    let given = crate::harness::text(&given.stdout).replace(&before, "");
    let elsewhere = given.lines().filter(|line| line.contains(HELP.addrs[0])).count();
    assert_eq!(elsewhere, before.lines().filter(|line| line.contains(HELP.addrs[0])).count(), "in no set of a child");
}

#[test]
fn a_device_that_uses_up_its_connections_still_reaches_help() {
    if !namespace::enter("people::a_device_that_uses_up_its_connections_still_reaches_help") {
        return;
    }
    let gateway = Gateway::open_with("connections_per_client = 5", "");
    let until = std::time::Instant::now() + crate::PATIENCE;
    while !HELP.addrs.iter().all(|addr| kernels_help().contains(addr)) {
        assert!(std::time::Instant::now() < until);
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    for family in FAMILIES {
        let waiting: Vec<_> = (0..8).map(|_| gateway.child().connect(SCHOOL.at(family, 443)).unwrap()).collect();
        gateway.await_passages("stream", "limited", 3.0 * (family + 1) as f64);
        assert!(http(gateway.child(), &HELP, family).contains("reached"));
        let outcome = Call::to(&HELP, family).from(&gateway, gateway.child());
        assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
        drop(waiting);
    }
}
