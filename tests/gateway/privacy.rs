//! What the proxy must not keep: a day later nothing tells which site was visited.

use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::harness::clock::Clock;
use crate::harness::{PATIENCE, memory, namespace};
use crate::tls::{Call, Outcome};
use crate::{FAMILIES, Gateway, NEWS, SCHOOL, Site, ask, exchange};

/// By DNS, plain HTTP and TLS, over both families.
fn visit(gateway: &Gateway, site: &Site) {
    for family in FAMILIES {
        let router = crate::harness::gateway::ROUTER[family];
        let kind = ["A", "AAAA"][family];
        ask(gateway.child(), (router.parse::<std::net::IpAddr>().unwrap(), 53).into(), site.name, kind).unwrap();
        let plain = gateway.child().connect(site.at(family, 80)).unwrap();
        let request = format!("GET /secret HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", site.name);
        let page = exchange(plain, request.as_bytes());
        assert!(page.contains("reached"), "{page}");
        let reached = Call::to(site, family).from(gateway, gateway.child());
        assert!(matches!(reached, Outcome::Reached { .. }), "{reached:?}");
    }
}

#[test]
fn a_visit_leaves_no_name_behind_after_a_day() {
    if !namespace::enter("privacy::a_visit_leaves_no_name_behind_after_a_day") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let clock = Clock::new(folder.path());
    clock.set("2027-03-01T12:00:00Z");
    let gateway = Gateway::open_by("", "", |command| clock.rule(command));
    let traces = |name: &str| {
        let mut found = memory::in_memory(gateway.server.child.id(), name);
        found.extend(memory::in_files(gateway.server.folder.path(), name));
        found
    };
    visit(&gateway, &SCHOOL);
    assert!(!traces(SCHOOL.name).is_empty(), "the search sees what was just visited");
    // The answers' time, and a day for which an old one may be needed.
    clock.add_days(1.2);
    let until = Instant::now() + PATIENCE;
    loop {
        // Life goes on.
        visit(&gateway, &NEWS);
        let found = traces(SCHOOL.name);
        if found.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{found:#?}\n{}", gateway.server.log());
        thread::sleep(Duration::from_millis(300));
    }
    assert!(!traces(NEWS.name).is_empty());
}
