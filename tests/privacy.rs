//! What must not be left behind: after a day, neither memory nor disk holds the name of what a child was allowed to see; after a
//! week, nothing that "Who sees what" does not let anybody keep.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::clock::Clock;
use harness::family::{DESK, EVERYBODY, Household, LINH, MAI, NAM, people, soon};
use harness::http::Client;
use harness::memory::{self, Trace};
use harness::zones::Internet;
use harness::{PATIENCE, Server, Upstream, namespace};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A child of eleven on 127.0.0.3; everybody else is a stranger.
const FAMILY: &str = "[defaults]\nprofile = \"mai\"\n[[profile]]\nname = \"mai\"\nband = \"10-12\"\n\
                      [[device]]\nprofile = \"mai\"\naddress = [\"127.0.0.3\"]\n";
const ELEVEN: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// A household whose clock the test moves.
struct House {
    folder: Arc<TempDir>,
    clock: Clock,
    upstream: Upstream,
    server: Server,
}

impl House {
    fn open(family: &str) -> House {
        let folder = Arc::new(TempDir::new().unwrap());
        let clock = Clock::new(folder.path());
        clock.set("2027-03-01T12:00:00Z");
        let upstream = Upstream::start();
        let server = Server::start_at(&clock, Arc::clone(&folder), upstream.addr, "", family);
        House { folder, clock, upstream, server }
    }

    /// Some days go by, hour by hour of the last one, with other questions asked meanwhile.
    fn live_on(&self, days: f64) {
        self.clock.add_days(days);
        for at in 0..40 {
            self.server.ask_from(ELEVEN, &format!("later{at}.everyday-life.example"), "A");
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
    let household = House::open(FAMILY);
    let names = ["first-love.example", "old.chain.example", "my-poems.example", "nx.not-there.example"];
    household.upstream.serve("old.chain.example", "CNAME", "end-of-chain.example");
    for name in names {
        household.server.ask_from(ELEVEN, name, "A");
        household.server.ask_from(ELEVEN, name, "A");
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

/// Lived by a child of each band and a parent: what was looked at, day by day. Every name that nobody may keep holds `NEVER`;
/// those of sites that are kept for the youngest hold `SITE`, with the day.
const NEVER: &str = "zqnever";
const SITE: &str = "zqsite";
const DAYS: usize = 7;

/// The site that is refused to somebody on that day; for the youngest alone it may be kept.
fn casino(who: &str, day: usize) -> String {
    let mark = if matches!(who, "tot" | "be") { SITE } else { NEVER };
    format!("{mark}{day}-casino-{who}.example")
}

fn listed() -> Vec<(&'static str, Vec<String>)> {
    let of_all = |made: fn(&str, usize) -> String| {
        let days = |who: &'static str| (0..DAYS).map(move |day| made(who, day));
        EVERYBODY.iter().flat_map(|(who, _, _)| days(who)).collect::<Vec<String>>()
    };
    vec![
        ("gambling", of_all(casino)),
        ("malware", vec![format!("{NEVER}-malware.example")]),
        ("health_sexed", vec![format!("{NEVER}-health.example")]),
    ]
}

/// The guardians of the smallest refuse them what would be allowed; and everybody sleeps at nine.
fn rules(who: &str) -> String {
    let block = if who == "tot" { "block = [\"health_sexed\"]\n" } else { "" };
    let bedtime =
        "[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"21:00\"\nto = \"06:30\"\nblock = [\"everything\"]";
    format!("{block}{}", if who == "parent" { "" } else { bedtime })
}

/// An afternoon and an evening of everybody.
fn live(home: &Household, day: usize) {
    home.clock.set(&format!("2027-03-{:02}T16:00:00Z", day + 1));
    // The day begins when the clock is looked at, once a second.
    soon("the afternoon", PATIENCE, || !home.is_refused(MAI, "wikipedia.org"));
    for (who, _, from) in EVERYBODY {
        for name in [
            format!("{NEVER}{day}-poems-{who}.example"),
            format!("{NEVER}{day}-{who}.childline.org.uk"),
            format!("{NEVER}{day}-{who}.{NEVER}-health.example"),
        ] {
            home.server.ask_from(from, &name, "A");
            home.server.ask_from(from, &name, "A");
        }
        if who == "parent" {
            home.server.ask_from(from, &format!("{NEVER}{day}-visit.{}", casino(who, day)), "A");
            continue;
        }
        if who != "tot" && who != "be" {
            // An attack as well: of the youngest its site would be kept.
            home.server.ask_from(from, &format!("{NEVER}{day}-{who}.{NEVER}-malware.example"), "A");
        }
        assert!(home.is_refused(from, &format!("{NEVER}{day}-visit.{}", casino(who, day))));
    }
    for (who, _, from) in EVERYBODY.iter().filter(|(who, _, _)| *who != "parent") {
        home.heard(*from, &format!("{NEVER}{day}-visit.{}", casino(who, day)));
    }
    if day == 0 {
        for from in [MAI, NAM, LINH] {
            let client = home.client(from);
            let csrf = client.api("GET", "/me", &Value::Null).json()["csrf"].clone();
            let who = EVERYBODY.iter().find(|(_, _, addr)| *addr == from).unwrap().0;
            let body = json!({ "name": casino(who, 0), "note": "please", "csrf": csrf });
            client.api("POST", "/me/requests", &body).expect(201);
        }
    }
    home.clock.set(&format!("2027-03-{:02}T22:00:00Z", day + 1));
    for (who, _, from) in EVERYBODY.iter().filter(|(who, _, _)| *who != "parent") {
        assert!(home.is_refused(*from, &format!("{NEVER}{day}-bedtime-{who}.example")));
    }
    for (who, _, from) in EVERYBODY.iter().filter(|(who, _, _)| *who != "parent") {
        home.heard(*from, &format!("{NEVER}{day}-bedtime-{who}.example"));
    }
}

/// Places on disk that hold it and did not before anybody came.
fn on_disk(home: &Household, before: &[Trace], mark: &str) -> Vec<Trace> {
    let known: Vec<&str> = before.iter().map(|trace| trace.place.as_str()).collect();
    let mut found = memory::in_files(&home.state(), mark);
    found.extend(memory::in_files(home.folder.path(), mark).into_iter().filter(|trace| trace.place.ends_with("/log")));
    found.retain(|trace| !known.contains(&trace.place.as_str()));
    found
}

fn activity(guardian: &Client, who: &str) -> Value {
    guardian.api("GET", &format!("/profiles/{who}/activity"), &Value::Null).expect(200).json()
}

/// What the list of an activity holds, as text.
fn all<'a>(activity: &'a Value, list: &str, field: &str) -> Vec<&'a str> {
    activity[list].as_array().unwrap().iter().map(|row| row[field].as_str().unwrap()).collect()
}

#[test]
fn after_a_week_everybody_sees_and_keeps_what_their_row_says() {
    let home = Household::open("2027-03-01T12:00:00Z", &listed(), &people(rules));
    let guardian = home.guardian();
    let program = home.program(&guardian, &["read"]);
    // Compiled lists hold what is listed.
    let before = [NEVER, SITE].map(|mark| memory::in_files(&home.state(), mark)).concat();
    assert!(before.iter().all(|trace| !trace.place.contains("family.db")), "{before:?}");
    for day in 0..DAYS {
        live(&home, day);
        assert_eq!(on_disk(&home, &before, &format!("{NEVER}{day}-visit")), [], "no more than the site is written");
        if day == 0 {
            the_first_evening(&home, &program, &before);
        }
    }
    home.clock.set("2027-03-08T16:00:00Z");
    soon("the eighth day", PATIENCE, || activity(&program, "be")["names"].as_array().unwrap().len() == DAYS - 1);
    for who in ["tot", "be"] {
        let seen = activity(&program, who);
        let mut names = all(&seen, "names", "name");
        names.sort_unstable();
        assert_eq!(names, (1..DAYS).map(|day| casino(who, day)).collect::<Vec<_>>(), "{seen}");
        assert!(all(&seen, "counts", "what").contains(&"gambling"), "{seen}");
    }
    soon("the first day's names to go", PATIENCE, || on_disk(&home, &before, &format!("{SITE}0")).is_empty());
    assert!(!on_disk(&home, &before, &format!("{SITE}6")).is_empty(), "the search finds what is kept");
    let mai = activity(&program, "mai");
    assert_eq!(mai["names"], json!([]));
    for day in 1..=DAYS {
        let of = json!({ "period": format!("2027-03-{day:02}"), "what": "gambling", "count": 1 });
        assert!(mai["counts"].as_array().unwrap().contains(&of), "{of} is not in {mai}");
    }
    let nam = activity(&program, "nam");
    assert_eq!(nam["names"], json!([]));
    let weekly = [("age", DAYS), ("security", DAYS), ("time", DAYS)]
        .map(|(what, count)| json!({ "period": "2027-03-01", "what": what, "count": count }));
    assert!(weekly.iter().all(|of| nam["counts"].as_array().unwrap().contains(of)), "{nam}");
    assert_eq!(nam["counts"].as_array().unwrap().len(), weekly.len(), "{nam}");
    for who in ["linh", "parent"] {
        assert_eq!(activity(&program, who), json!({ "names": [], "counts": [], "alerts": [] }), "{who}");
    }
    assert_eq!(on_disk(&home, &before, NEVER), []);
    // What was allowed on the last day is good for a day when no upstream answers.
    home.clock.set("2027-03-09T23:30:00Z");
    others_ask(&home);
    assert_forgotten(&home, &before, NEVER);
    // What was kept for a week, and what its file kept of it.
    home.clock.set("2027-03-16T12:00:00Z");
    assert_forgotten(&home, &before, SITE);
    assert_forgotten(&home, &before, NEVER);
    assert!(!activity(&program, "mai")["counts"].as_array().unwrap().is_empty(), "counts stay for 30 days");
    home.clock.set("2027-04-12T12:00:00Z");
    soon("the counts to go", PATIENCE, || {
        EVERYBODY.iter().all(|(who, _, _)| activity(&program, who)["counts"] == json!([]))
    });
}

/// Life goes on: what was just answered stays where it was until there is something else to answer.
fn others_ask(home: &Household) {
    for at in 0..40 {
        home.server.ask_from(DESK, &format!("later{at}.everyday-life.example"), "A");
        home.server.ask_tcp(&format!("stream{at}.everyday-life.example"), "A");
    }
}

/// Asked about: the guardian sees the page of a child under 16, and of an older one the group. Alerts have no names.
fn the_first_evening(home: &Household, program: &Client, before: &[Trace]) {
    let requests = program.api("GET", "/requests", &Value::Null).json();
    for (who, name) in [("mai", json!(casino("mai", 0))), ("nam", json!(casino("nam", 0))), ("linh", Value::Null)] {
        let row = requests.as_array().unwrap().iter().find(|row| row["profile"] == who).unwrap();
        assert_eq!((&row["name"], &row["category"]), (&name, &json!("gambling")));
    }
    assert_eq!(on_disk(home, before, &casino("linh", 0)), []);
    assert!(!on_disk(home, before, &casino("mai", 0)).is_empty(), "the search finds what was asked about");
    for who in ["mai", "nam", "linh"] {
        assert_eq!(activity(program, who)["alerts"], json!([{ "category": "malware", "count": 1 }]), "{who}");
    }
}

/// Neither in memory nor on disk. What is past is wiped once a minute, and time went on by days: the next second is soon enough.
#[track_caller]
fn assert_forgotten(home: &Household, before: &[Trace], mark: &str) {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut found = memory::in_memory(home.server.child.id(), mark);
        found.extend(on_disk(home, before, mark));
        if found.is_empty() {
            return;
        }
        assert!(
            Instant::now() < until,
            "{mark}: {} {:#?}\n{}",
            found.len(),
            &found[..found.len().min(12)],
            home.server.log()
        );
        thread::sleep(Duration::from_millis(300));
    }
}
