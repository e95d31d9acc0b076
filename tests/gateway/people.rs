//! Who is left alone, and what nothing may stand before: the adult's device, and help.

use crate::harness::namespace;
use crate::tls::{Call, Outcome};
use crate::{ADULT, CASINO, FAMILIES, FOREIGN, Gateway, HELP, SCHOOL, ask, exchange};

#[test]
fn the_adults_device_is_untouched() {
    if !namespace::enter("people::the_adults_device_is_untouched") {
        return;
    }
    let gateway = Gateway::open("");
    for foreign in &gateway.foreign {
        foreign.serve(CASINO.name, "A", CASINO.addrs[0]);
    }
    let before = gateway.counters();
    for family in FAMILIES {
        let foreign = (FOREIGN[family].parse::<std::net::IpAddr>().unwrap(), 53).into();
        let seen = ask(gateway.adult(), foreign, CASINO.name, "A").unwrap();
        assert_eq!(seen.addresses(), [CASINO.ip(0)], "the resolver that was asked answers");
        let outcome = Call::to(&CASINO, family).from(&gateway, gateway.adult());
        assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
        let page = exchange(
            gateway.adult().connect(CASINO.at(family, 80)).unwrap(),
            b"GET / HTTP/1.1\r\nHost: casino.example\r\nConnection: close\r\n\r\n",
        );
        assert!(page.contains(" 200 "), "{page}");
        assert!(gateway.adult().connect(CASINO.at(family, 853)).is_ok(), "DNS over TLS is the adult's own choice");
    }
    // With its own addresses: nobody stood between.
    let own = ADULT.map(|addr| addr.parse::<std::net::IpAddr>().unwrap());
    let visits = gateway.visits();
    assert!(visits.len() >= 4 && visits.iter().all(|visit| own.contains(&visit.from)), "{visits:?}");
    assert_eq!(gateway.counters(), before, "nothing of it was seen, let alone counted");
}

#[test]
fn help_is_reached_whatever_holds_and_leaves_no_trace() {
    if !namespace::enter("people::help_is_reached_whatever_holds_and_leaves_no_trace") {
        return;
    }
    let bedtime =
        "nameless = \"block\"\nunexplained = \"refuse\"\nblock = [\"everything\"]\nblock_names = [\"tongdai111.vn\"]";
    let gateway = Gateway::open(bedtime);
    let refused = Call::to(&SCHOOL, 0).from(&gateway, gateway.child());
    assert_eq!(refused, Outcome::Refused, "it is bedtime");
    let before = gateway.counters();
    for is_silent in [false, true] {
        gateway.upstream.set_silent(is_silent);
        for (family, rtype) in [(0, "A"), (1, "AAAA")] {
            let foreign = (FOREIGN[family].parse::<std::net::IpAddr>().unwrap(), 53).into();
            let seen = ask(gateway.child(), foreign, HELP.name, rtype).unwrap();
            assert_eq!(seen.addresses(), [HELP.ip(family)], "silent upstream: {is_silent}");
            let outcome = Call::to(&HELP, family).from(&gateway, gateway.child());
            assert!(matches!(outcome, Outcome::Reached { .. }), "{outcome:?}");
            let page = exchange(
                gateway.child().connect(HELP.at(family, 80)).unwrap(),
                b"GET / HTTP/1.1\r\nHost: tongdai111.vn\r\nConnection: close\r\n\r\n",
            );
            assert!(page.contains(&format!("reached {}", HELP.ip(family))), "{page}");
        }
    }
    assert_eq!(gateway.counters(), before);
    assert!(!gateway.server.log().contains(HELP.name));
}
