//! A guardian who wants to know what is nobody else's business: asks every endpoint, follows every link and tries names in the
//! simulator, and learns nothing of help, nothing of a 16-year-old, and of a 13-year-old what was asked about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use harness::family::{EVERYBODY, Household, LINH, NAM, people, soon};
use harness::http::Client;
use harness::{PATIENCE, memory};
use serde_json::{Value, json};

const MONDAY: &str = "2027-03-01T16:00:00Z";
/// In every name that only a spy could show.
const SECRET: &str = "zqsecret";
/// The one page that the 13-year-old asked about.
const ASKED: &str = "www.zqasked-casino.example";

fn household() -> Household {
    let gambling = ["nam", "linh"].map(|who| format!("{SECRET}-casino-{who}.example"));
    let gambling =
        gambling.into_iter().chain(["zqasked-casino.example".to_string(), "other-casino.example".to_string()]);
    let malware = vec![format!("{SECRET}-malware.example"), "other-malware.example".to_string()];
    let health = vec![format!("{SECRET}-health.example")];
    let lists = [("gambling", gambling.collect()), ("malware", malware), ("health_sexed", health)];
    Household::open(MONDAY, &lists, &people(|_| String::new()))
}

/// What a child looked at that is nobody else's business.
fn secrets(who: &str) -> [String; 5] {
    [
        format!("{SECRET}-poems-{who}.example"),
        format!("www.{SECRET}-casino-{who}.example"),
        format!("{SECRET}-{who}.{SECRET}-malware.example"),
        format!("{SECRET}-{who}.childline.org.uk"),
        format!("{SECRET}-{who}.{SECRET}-health.example"),
    ]
}

fn visit(home: &Household, who: &str, from: Ipv4Addr) {
    for name in secrets(who) {
        home.server.ask_from(from, &name, "A");
    }
    // When the last of it is there, all before it is.
    home.refused(from, if who == "nam" { ASKED } else { "www.other-casino.example" });
}

fn ask(child: &Client, name: &str) {
    let csrf = child.api("GET", "/me", &Value::Null).expect(200).json()["csrf"].clone();
    child.api("POST", "/me/requests", &json!({ "name": name, "csrf": csrf })).expect(201);
}

/// Every answer that can be had by reading, by path.
fn everything(guardian: &Client) -> BTreeMap<String, String> {
    let mut answers = BTreeMap::new();
    let described = guardian.get("/api/v1/openapi.json").expect(200).json();
    for (path, of) in described["paths"].as_object().unwrap().iter().filter(|(_, of)| of.get("get").is_some()) {
        for one in paths(path, &of["get"]) {
            let reply = guardian.get(&format!("/api/v1{one}"));
            assert!(matches!(reply.status, 200 | 404 | 422), "{one}: {reply:?}");
            answers.insert(one, format!("{:?} {}", reply.headers, reply.body));
        }
    }
    answers.extend(crawl(guardian));
    answers
}

/// A path with everybody's name in it, and everything else that may stand there.
fn paths(path: &str, operation: &Value) -> Vec<String> {
    let people = EVERYBODY.iter().map(|(name, _, _)| *name).chain(["guest"]);
    let in_path = ["{profile}", "{name}"].iter().find(|part| path.contains(**part));
    let mut paths: Vec<String> = match in_path {
        Some(part) => people.clone().map(|name| path.replace(part, name)).collect(),
        None => vec![path.replace("{id}", "1").replace("{position}", "0")],
    };
    let takes = |name: &str| {
        operation["parameters"].as_array().unwrap().iter().any(|one| one["name"] == name && one["in"] == "query")
    };
    if takes("name") {
        // Names that nobody asked for: what they are told must not depend on what others asked for.
        let names = ["wikipedia.org", "www.other-casino.example", "www.childline.org.uk", "other-malware.example"];
        paths = people
            .flat_map(|who| names.map(|name| format!("{path}?profile={who}&at=2027-03-01T16:30&name={name}")))
            .collect();
    }
    // What a spy would try.
    paths.extend(["activity?all=true", "requests?show=name&limit=1000"].map(|more| format!("/profiles/linh/{more}")));
    paths
}

/// Every page that links lead to from the dashboard and from the portal.
fn crawl(guardian: &Client) -> BTreeMap<String, String> {
    const PAGES_MAX: usize = 400;
    let mut found = BTreeMap::new();
    let mut ways: Vec<String> = ["/dashboard", "/", "/who", "/code", "/help"].map(str::to_string).into();
    let mut seen: BTreeSet<String> = ways.iter().cloned().collect();
    while let Some(path) = ways.pop() {
        let reply = guardian.get(&path);
        assert!(reply.status < 500, "{path}: {reply:?}");
        let to = reply.header("location").map(str::to_string);
        let links = reply.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_string);
        for link in links.chain(to).map(|link| link.replace("&amp;", "&").split('#').next().unwrap().to_string()) {
            let is_ours = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/language/");
            if is_ours && seen.len() < PAGES_MAX && seen.insert(link.clone()) {
                ways.push(link);
            }
        }
        found.insert(path, format!("{:?} {}", reply.headers, reply.body));
    }
    found
}

/// Everything that a guardian reads holds none of it.
#[track_caller]
fn assert_silent(answers: &BTreeMap<String, String>, when: &str) {
    for (path, answer) in answers {
        let lower = answer.to_ascii_lowercase();
        // Lists of the configuration name their files, not what is in them.
        assert!(!lower.contains(SECRET), "{when}: {path} tells {answer}");
    }
}

#[test]
fn a_guardian_learns_nothing_of_help_and_of_a_sixteen_year_old() {
    let home = household();
    let guardian = home.guardian();
    let explained = |who: &str| -> Vec<String> {
        let mine = secrets(who);
        mine.iter().map(|name| explain(&guardian, who, name)).collect()
    };
    let before = (explained("nam"), explained("linh"));
    for (who, from) in [("nam", NAM), ("linh", LINH)] {
        visit(&home, who, from);
        for page in ["/help", "/who", "/"] {
            home.client(from).get(page).expect(200);
        }
    }
    ask(&home.client(NAM), ASKED);
    let hidden = format!("www.{SECRET}-casino-linh.example");
    ask(&home.client(LINH), &hidden);
    let answers = everything(&guardian);
    assert!(answers.len() > 60, "{:?}", answers.keys());
    let pages: Vec<&String> = answers.keys().filter(|path| path.starts_with("/dashboard")).collect();
    assert!(pages.len() > 40, "{pages:?}");
    assert_silent(&answers, "after the visits");
    assert_eq!(before, (explained("nam"), explained("linh")), "the simulator does not know who visited");
    // What may be seen is there: the page asked about, what the weekly counts say, and an alert without a name.
    assert!(answers["/requests"].contains(ASKED));
    assert!(answers["/profiles/nam/activity"].contains("\"what\":\"age\""), "{}", answers["/profiles/nam/activity"]);
    assert!(answers["/profiles/linh/activity"].contains("\"category\":\"malware\",\"count\":1"));
    assert!(answers["/profiles/linh/activity"].contains("\"names\":[],\"counts\":[]"));

    // Deciding about the hidden page does not show it either, in whatever way.
    let requests = guardian.api("GET", "/requests", &Value::Null).json();
    let id = requests.as_array().unwrap().iter().find(|row| row["profile"] == "linh").unwrap()["id"].clone();
    for answer in ["always", "today"] {
        let reply = guardian.api("POST", &format!("/requests/{id}/answer"), &json!({ "answer": answer }));
        assert!(!reply.body.contains(SECRET), "{reply:?}");
    }
    soon("the approval", PATIENCE, || !home.is_refused(LINH, &hidden));
    assert_silent(&everything(&guardian), "after the answer");
    assert_eq!(before.1, explained("linh"), "the simulator does not know what was allowed");
    let device = json!({ "name": "mine", "profile": "linh", "address": ["127.0.0.2"] });
    guardian.api("PUT", "/devices/5", &device).expect(200);
    assert_silent(&everything(&guardian), "as one of the child's devices");
    let young = json!({ "name": "linh", "band": "6-9" });
    guardian.api("PUT", "/profiles/linh", &young).expect(200);
    assert_silent(&everything(&guardian), "as the profile of a small child");
    assert_eq!(memory::in_files(&home.state(), &hidden), [], "it is written nowhere");
    let device = home.client(harness::family::DESK);
    for page in ["/", "/api/v1/me/requests", "/api/v1/me/recent", "/api/v1/me/activity", "/api/v1/me/acts"] {
        let reply = device.get(page).expect(200);
        assert!(!reply.body.contains(SECRET), "{page}: {reply:?}");
    }
    // The log is read by whoever keeps the machine.
    assert!(!home.server.log().contains(SECRET), "{}", home.server.log());
}

fn explain(guardian: &Client, who: &str, name: &str) -> String {
    guardian
        .api("GET", &format!("/explain?profile={who}&at=2027-03-01T16:30&name={name}"), &Value::Null)
        .expect(200)
        .body
}

/// A page that tells nobody that it was opened, and names that count for nothing.
#[test]
fn help_leaves_no_trace() {
    let home = household();
    let guardian = home.guardian();
    let linh = home.client(LINH);
    let counted = || -> Vec<String> {
        let text = home.server.metrics_text();
        // Of the answer's head the date moves.
        text.lines()
            .filter(|line| line.starts_with("luytre_"))
            .filter(|line| !moves_by_itself(line))
            .map(str::to_string)
            .collect()
    };
    let known = || {
        everything(&guardian)
            .into_iter()
            .filter(|(path, _)| !path.starts_with("/dashboard"))
            .map(|(path, answer)| (path, without_times(&answer)))
            .collect::<Vec<_>>()
    };
    home.refused(LINH, "www.other-casino.example");
    let (before, told) = (counted(), known());
    for page in ["/help", "/help?from=somewhere"] {
        let reply = linh.get(page).expect(200);
        assert_eq!(reply.header("set-cookie"), None);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert!(reply.body.contains("111"), "{}", reply.body);
    }
    for name in ["childline.org.uk", "www.childline.org.uk", "tongdai111.vn", "nx.childline.org.uk"] {
        for rtype in ["A", "AAAA", "HTTPS"] {
            home.server.ask_from(LINH, name, rtype);
        }
        home.server.ask_tcp(name, "A");
    }
    assert_eq!(before, counted());
    for (was, is) in told.iter().zip(&known()) {
        let differs = was.1.bytes().zip(is.1.bytes()).position(|(was, is)| was != is).unwrap_or(0).saturating_sub(80);
        assert_eq!(was, is, "at {:?}", was.1.get(differs..differs + 160));
    }
    // The check can fail: anything else is counted.
    home.server.ask_from(LINH, "wikipedia.org", "A");
    assert_ne!(before, counted());
}

/// Gauges of time.
fn moves_by_itself(line: &str) -> bool {
    ["luytre_app_lists_age", "luytre_app_clock"].iter().any(|name| line.starts_with(name))
}

/// An answer without what differs from one to the next: the moment, nonces and form tokens.
fn without_times(answer: &str) -> String {
    let mut text = answer.to_string();
    let differing = [
        ("(\"date\", \"", '"'),
        ("'nonce-", '\''),
        ("nonce=\"", '"'),
        ("(\"content-length\", \"", '"'),
        ("\"last\":", '}'),
        ("\"used\":", '}'),
    ];
    for (begin, end) in differing {
        let mut parts = text.split(begin);
        let mut kept = parts.next().unwrap_or("").to_string();
        for part in parts {
            kept += &part[part.find(end).unwrap_or(0)..];
        }
        text = kept;
    }
    text
}
