//! What must not be left behind: after a day, neither memory nor disk holds the name of what a child was allowed to see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::clock::Clock;
use harness::memory::{self, Trace};
use harness::zones::Internet;
use harness::{PATIENCE, Server, Upstream, namespace};
use tempfile::TempDir;

/// A child of eleven on 127.0.0.3; everybody else is a stranger.
const FAMILY: &str = "[defaults]\nprofile = \"mai\"\n[[profile]]\nname = \"mai\"\nband = \"10-12\"\n\
                      [[device]]\nprofile = \"mai\"\naddress = [\"127.0.0.3\"]\n";
const MAI: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A household whose clock the test moves.
struct Household {
    folder: Arc<TempDir>,
    clock: Clock,
    upstream: Upstream,
    server: Server,
}

impl Household {
    fn open(family: &str) -> Household {
        let folder = Arc::new(TempDir::new().unwrap());
        let clock = Clock::new(folder.path());
        clock.set("2027-03-01T12:00:00Z");
        let upstream = Upstream::start();
        let server = Server::start_at(&clock, Arc::clone(&folder), upstream.addr, "", family);
        Household { folder, clock, upstream, server }
    }

    /// Some days go by, hour by hour of the last one, with other questions asked meanwhile.
    fn live_on(&self, days: f64) {
        self.clock.add_days(days);
        for at in 0..40 {
            self.server.ask_from(MAI, &format!("later{at}.everyday-life.example"), "A");
            self.server.ask_tcp(&format!("stream{at}.everyday-life.example"), "A");
        }
    }

    fn traces(&self, name: &str) -> Vec<Trace> {
        let mut found = memory::in_memory(self.server.child.id(), name);
        found.extend(memory::in_files(self.folder.path(), name));
        found
    }

    /// Once a minute what is past is wiped, and time went on by days: the next second is soon enough.
    fn assert_forgotten(&self, name: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.traces(name);
            if found.is_empty() {
                return;
            }
            assert!(Instant::now() < until, "{name}: {found:#?}\n{}", self.server.log());
            thread::sleep(Duration::from_millis(300));
        }
    }
}

#[test]
fn a_name_that_was_allowed_is_gone_after_its_time() {
    let household = Household::open(FAMILY);
    let names = ["first-love.example", "old.chain.example", "my-poems.example", "nx.not-there.example"];
    household.upstream.serve("old.chain.example", "CNAME", "end-of-chain.example");
    for name in names {
        household.server.ask_from(MAI, name, "A");
        household.server.ask_from(MAI, name, "A");
        household.server.ask_tcp(name, "AAAA");
        assert!(!household.traces(name).is_empty(), "{name}: the search sees what was just asked");
    }
    // A day is what an old answer is good for when no upstream answers.
    household.live_on(1.2);
    for name in names.iter().chain(&["end-of-chain.example"]) {
        household.assert_forgotten(name);
    }
    let late = "later3.everyday-life.example";
    assert!(!household.traces(late).is_empty(), "the cache holds what is fresh");
}

#[test]
fn recursion_forgets_once_a_day() {
    if !namespace::enter("recursion_forgets_once_a_day") {
        return;
    }
    namespace::addresses(&["10.77.0.10/32", "10.77.0.20/32", "10.77.0.30/32", "10.77.0.40/32"]);
    let internet = Internet::start();
    let folder = Arc::new(TempDir::new().unwrap());
    // The zones are signed now: the clock begins where the machine's is.
    let clock = Clock::new(folder.path());
    let state = folder.path().join("state");
    let text = |dns: SocketAddr, metrics: SocketAddr| {
        format!(
            "version = 1\nstate_dir = {state:?}\n[metrics]\nlisten = \"{metrics}\"\n[dns]\nlisten = [\"{dns}\"]\nworkers = 1\n\
             [dns.upstream]\nmode = \"recurse\"\nroot_hints = {:?}\nallow_private_servers = true\ndnssec = false\n\
             [defaults]\nprofile = \"all\"\n[[profile]]\nname = \"all\"\nband = \"18+\"\nrebinding_protection = false\n",
            internet.file("root.hints")
        )
    };
    let server = Server::start_by(Arc::clone(&folder), text, |command| clock.rule(command));
    assert!(!server.ask("www.nsec.com", "A").addresses().is_empty(), "{}", server.log());
    assert!(!memory::in_memory(server.child.id(), "www.nsec.com").is_empty());
    clock.add_days(1.2);
    let (until, mut later) = (Instant::now() + PATIENCE, 0..);
    loop {
        // hickory's cache frees what it held a hundred questions later.
        for _ in 0..40 {
            server.ask(&format!("other{}.rsa.net", later.next().unwrap()), "A");
        }
        let found = memory::in_memory(server.child.id(), "www.nsec.com");
        if found.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{found:#?}\n{}", server.log());
        thread::sleep(Duration::from_millis(300));
    }
}
