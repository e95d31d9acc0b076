//! What the kernel does when the program is gone: killed, stopped, or its rules flushed by somebody else.

use std::io::{ErrorKind, Read, Write};
use std::net::IpAddr;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::gateway::{CHILD, OUTSIDE};
use crate::harness::{binary, namespace};
use crate::tls::{Call, Outcome};
use crate::{CASINO, FAMILIES, FOREIGN, Gateway, SCHOOL, ask, exchange, quic};

fn kill(gateway: &mut Gateway) {
    gateway.server.child.kill().unwrap();
    gateway.server.child.wait().unwrap();
}

fn revive(gateway: &mut Gateway) {
    let config = gateway.server.config.to_str().unwrap();
    let child = Command::new("setpriv").args(["--pdeathsig", "KILL", binary(), "-c", config]).spawn().unwrap();
    gateway.server.child = child;
    gateway.server.wait_ready();
}

#[test]
fn without_the_program_everything_passes_where_it_shall_be_open() {
    if !namespace::enter("gone::without_the_program_everything_passes_where_it_shall_be_open") {
        return;
    }
    let mut gateway = Gateway::open("quic = \"filter\"");
    let mut open = gateway.child().connect(SCHOOL.at(0, 80)).unwrap();
    open.write_all(b"GET /slow HTTP/1.1\r\nhost: school.example\r\n\r\n").unwrap();
    open.read_exact(&mut [0; 8192]).unwrap();
    kill(&mut gateway);
    crate::read_all(&mut open);
    gateway.visits();
    for family in FAMILIES {
        let outcome = Call::to(&CASINO, family).from(&gateway, gateway.child());
        assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
        let request = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", CASINO.name);
        let page = exchange(gateway.child().connect(CASINO.at(family, 80)).unwrap(), request.as_bytes());
        assert!(page.contains("reached"), "{page}");
        let answer = quic::echo(&gateway, gateway.child(), CASINO.at(family, 443), CASINO.name);
        assert_eq!(answer.as_deref(), Ok(quic::HELLO));
        let resolver = (FOREIGN[family].parse::<IpAddr>().unwrap(), 53).into();
        assert_eq!(ask(gateway.child(), resolver, CASINO.name, "A").unwrap().addresses().len(), 1);
        assert_eq!(gateway.foreign[family].seen(), ["A casino.example"]);
        let own: IpAddr = CHILD[family].parse().unwrap();
        assert!(gateway.visits().iter().all(|visit| visit.from == own), "nobody in between");
    }
    revive(&mut gateway);
    for family in FAMILIES {
        assert_eq!(Call::to(&CASINO, family).from(&gateway, gateway.child()), Outcome::Refused);
    }
    stopped(gateway);
}

#[test]
fn without_the_program_nothing_passes_where_it_shall_be_closed() {
    if !namespace::enter("gone::without_the_program_nothing_passes_where_it_shall_be_closed") {
        return;
    }
    let mut gateway = Gateway::open_with("when_dead = \"closed\"", "quic = \"filter\"");
    kill(&mut gateway);
    let gateway_ref = &gateway;
    thread::scope(|scope| {
        for family in FAMILIES {
            for port in [53, 80, 443, 853] {
                scope.spawn(move || {
                    let error = gateway_ref.child().connect(SCHOOL.at(family, port)).unwrap_err();
                    let expected = if port == 853 { ErrorKind::ConnectionRefused } else { ErrorKind::TimedOut };
                    assert_eq!(error.kind(), expected, "{family} {port}");
                });
            }
            scope.spawn(move || {
                let to = SCHOOL.at(family, 443);
                quic::echo(gateway_ref, gateway_ref.child(), to, SCHOOL.name).unwrap_err();
            });
            scope.spawn(move || {
                let call = Call::to(&CASINO, family).from(gateway_ref, &gateway_ref.network.adult);
                assert!(matches!(call, Outcome::Reached { .. }), "the adult's profile is not intercepted: {call:?}");
            });
        }
    });
    assert_eq!(gateway.quic.lock().unwrap().len(), 0);
    // After a crash the service manager leaves the rules; an operator takes them away, as often as he likes.
    clear(&gateway, &["--after-stop"]);
    assert!(gateway.child().connect(SCHOOL.at(0, 80)).is_err());
    clear(&gateway, &[]);
    clear(&gateway, &[]);
    assert!(gateway.child().connect(SCHOOL.at(0, 80)).is_ok());
    revive(&mut gateway);
    gateway.visits();
    for family in FAMILIES {
        assert!(matches!(Call::to(&SCHOOL, family).from(&gateway, gateway.child()), Outcome::Reached { .. }));
        assert_eq!(gateway.visits()[0].from, OUTSIDE[family].parse::<IpAddr>().unwrap());
    }
    stopped(gateway);
}

fn clear(gateway: &Gateway, arguments: &[&str]) {
    let mut command = Command::new(binary());
    command.arg("-c").arg(&gateway.server.config).args(["firewall", "clear"]).args(arguments);
    assert!(command.env("SERVICE_RESULT", "signal").status().unwrap().success());
}

/// Asked to stop, the program takes its rules away, and what it filtered passes.
fn stopped(gateway: Gateway) {
    let Gateway { network, visits, server, .. } = gateway;
    assert!(server.stop().success());
    let rules = Command::new("nft").args(["list", "tables"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&rules.stdout).contains("luytre"));
    visits.take();
    for family in FAMILIES {
        let mut stream = network.child.connect(CASINO.at(family, 80)).unwrap();
        stream.write_all(b"hello\n").unwrap();
        stream.read_exact(&mut [0; 6]).unwrap();
        assert_eq!(visits.take()[0].from, CHILD[family].parse::<IpAddr>().unwrap());
    }
}

#[test]
fn rules_that_somebody_flushed_come_back() {
    if !namespace::enter("gone::rules_that_somebody_flushed_come_back") {
        return;
    }
    let gateway = Gateway::open("nameless = \"block\"");
    let foreign = (FOREIGN[0].parse::<IpAddr>().unwrap(), 53).into();
    assert_eq!(ask(gateway.child(), foreign, SCHOOL.name, "A").unwrap().addresses(), [SCHOOL.ip(0)]);
    assert!(gateway.child().connect(SCHOOL.at(0, 8080)).is_ok(), "its address was given");
    assert!(gateway.child().connect(CASINO.at(0, 8080)).is_err(), "this one was not");
    assert!(Command::new("nft").args(["flush", "ruleset"]).status().unwrap().success());
    assert!(gateway.child().connect(CASINO.at(0, 8080)).is_ok());
    let until = Instant::now() + Duration::from_secs(10);
    while gateway.child().connect(CASINO.at(0, 8080)).is_ok() {
        assert!(Instant::now() < until, "{}", gateway.server.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(gateway.child().connect(SCHOOL.at(0, 8080)).is_ok(), "and what was given is remembered");
    assert_eq!(Call::to(&CASINO, 0).from(&gateway, gateway.child()), Outcome::Refused);
    assert!(gateway.server.metric("luytre_firewall_packets_total{way=\"nameless\"}") >= 1.0);
}
