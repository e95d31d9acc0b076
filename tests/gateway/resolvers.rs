//! Other resolvers: in the clear they are answered for, encrypted ones are not reached.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::namespace;
use crate::tls::{Call, Outcome};
use crate::{CASINO, FAMILIES, FOREIGN, Gateway, HELP, SCHOOL, Site, ask, ask_tcp};

/// Quad9, as blocklists/bypass.toml knows it.
const QUAD9: Site = Site { name: "dns.quad9.net", addrs: ["9.9.9.9", "2620:fe::9"] };
/// Rejected, not dropped.
const AT_ONCE: Duration = Duration::from_millis(500);

fn foreign(family: usize) -> SocketAddr {
    (FOREIGN[family].parse::<std::net::IpAddr>().unwrap(), 53).into()
}

#[test]
fn foreign_resolvers_never_hear_a_question() {
    if !namespace::enter("resolvers::foreign_resolvers_never_hear_a_question") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        let seen = ask(gateway.child(), foreign(family), CASINO.name, "A").unwrap();
        assert_eq!((seen.ede_code(), seen.addresses()[0].is_unspecified()), (Some(17), true), "{seen:?}");
        let seen = ask(gateway.child(), foreign(family), SCHOOL.name, "AAAA").unwrap();
        assert_eq!(seen.addresses(), [SCHOOL.ip(1)]);
        assert_eq!(ask_tcp(gateway.child(), foreign(family), CASINO.name, "A").ede_code(), Some(17));
        assert_eq!(ask_tcp(gateway.child(), foreign(family), SCHOOL.name, "A").addresses(), [SCHOOL.ip(0)]);
        let seen = ask(gateway.child(), foreign(family), HELP.name, "A").unwrap();
        assert_eq!(seen.addresses(), [HELP.ip(0)]);
    }
    for foreign in &gateway.foreign {
        assert_eq!(foreign.seen(), [""; 0]);
    }
}

#[test]
fn answers_come_without_encrypted_client_hello() {
    if !namespace::enter("resolvers::answers_come_without_encrypted_client_hello") {
        return;
    }
    let gateway = Gateway::open("");
    gateway.upstream.serve("hidden.example", "HTTPS", "svc.example hint=198.51.100.30 ech");
    gateway.foreign[0].serve("hidden.example", "HTTPS", "svc.example hint=198.51.100.30 ech");
    let shown = |room| ask(room, foreign(0), "hidden.example", "HTTPS").unwrap().message.answers[0].to_string();
    let (childs, adults) = (shown(gateway.child()), shown(gateway.adult()));
    assert!(childs.contains("198.51.100.30") && !childs.contains("ech="), "{childs}");
    assert!(adults.contains("ech="), "{adults}");
    // The outer name, as a browser would send it that has the keys from somewhere else.
    let outer = Site { name: "cloudflare-ech.com", addrs: ["198.51.100.40", "2001:db8:51::40"] };
    gateway.upstream.serve(outer.name, "A", outer.addrs[0]);
    gateway.upstream.serve(outer.name, "AAAA", outer.addrs[1]);
    for family in FAMILIES {
        let call = Call { hides: true, ..Call::to(&outer, family) };
        assert_eq!(call.from(&gateway, gateway.child()), Outcome::Refused);
        // Every browser sends something that looks like it.
        let call = Call { hides: true, ..Call::to(&SCHOOL, family) };
        assert!(matches!(call.from(&gateway, gateway.child()), Outcome::Reached { .. }));
    }
    assert!(gateway.visits().iter().all(|visit| visit.said == SCHOOL.name));
    assert_eq!(gateway.server.metric("luytre_proxy_ways_total{way=\"hidden_name\"}"), 2.0);
}

#[test]
fn encrypted_resolvers_are_refused_at_once() {
    if !namespace::enter("resolvers::encrypted_resolvers_are_refused_at_once") {
        return;
    }
    let gateway = Gateway::open("");
    for family in FAMILIES {
        let started = Instant::now();
        let error = gateway.child().connect(QUAD9.at(family, 853)).unwrap_err();
        assert!(error.kind() == ErrorKind::ConnectionRefused && started.elapsed() < AT_ONCE, "{error}");
        let call = Call::to(&QUAD9, family);
        assert_eq!(call.from(&gateway, gateway.child()), Outcome::Refused, "by its name");
        let call = Call { to: QUAD9.at(family, 443), ..Call::to(&SCHOOL, family) };
        assert_eq!(call.from(&gateway, gateway.child()), Outcome::Refused, "by its address, behind an allowed name");
        let call = Call { name: None, ..Call::to(&QUAD9, family) };
        assert_eq!(call.from(&gateway, gateway.child()), Outcome::Refused, "by its address alone");
    }
    assert_eq!(gateway.visits(), []);
    assert!(gateway.server.metric("luytre_proxy_ways_total{way=\"bypass\"}") >= 6.0);
    assert!(gateway.server.metric("luytre_firewall_packets_total{way=\"encrypted_dns\"}") >= 2.0);
}
