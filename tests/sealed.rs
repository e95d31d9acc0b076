//! The sealed list: refused without being named, asked about without being told, and not to be read from anything the box has.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::authority::{bad, good};
use harness::country::{Country, wait_for_version};
use harness::memory;
use harness::{PATIENCE, Server, Upstream, binary, free_port, text};
use luytre::classify::sealed::{Belief, Sealed, Table};
use luytre::name::{Name, NameSet};
use tempfile::TempDir;

const CHILD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
const ADULT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 8);
const PEOPLE: &str = "[[profile]]\nname = \"mai\"\nband = \"10-12\"\n[[profile]]\nname = \"lan\"\nband = \"18+\"\n\
    [[device]]\nprofile = \"lan\"\naddress = [\"127.0.0.8\"]\n[defaults]\nprofile = \"mai\"\n";
/// Made for this test; nothing of the kind exists.
const NAMES: [&str; 3] = ["sealed-one.example", "sealed-two.example", "sealed-three.example"];

/// The holder's server; ends with the test.
struct Holder(Child);

impl Holder {
    fn start(key: &str, port: u16, more: &[&str]) -> Holder {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", binary(), "hub", "holder", "serve", "--key", key]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("listening on"), "{line}");
        Holder(child)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A country whose release has a sealed list, the key's file, and the holder's port.
fn found() -> (Country, String, u16) {
    let (country, port) = (Country::found(), free_port());
    country.propose(&["casino.example"]);
    let (key, names, sealed) = (country.path("holder-key"), country.path("names"), country.path("sealed"));
    fs::write(&names, NAMES.join("\n")).unwrap();
    good(&["hub", "holder", "key", &key]);
    let url = format!("http://127.0.0.1:{port}/");
    let told = good(&["hub", "holder", "seal", &names, "--key", &key, "--url", &url, "-o", &sealed]);
    assert!(told.starts_with("3 names sealed"), "{told}");
    country.publish_sealed("one", None, &sealed);
    (country, key, port)
}

fn start(country: &Country, upstream: &Upstream, takes_sealed: bool) -> Server {
    let folder = Arc::new(TempDir::new().unwrap());
    let (state, upstream) = (folder.path().join("state"), upstream.addr);
    let rest = country.signed("1s").replace(harness::country::PEOPLE, PEOPLE);
    let rest = rest.replacen("[signed]", &format!("[signed]\nsealed = {takes_sealed}"), 1);
    let text = |dns, metrics| harness::head(dns, metrics, upstream, &state, "") + &rest;
    let server = Server::start_by(folder, text, |command| {
        command.env("WATCHDOG_USEC", "400000");
    });
    wait_for_version(&server, 1.0);
    server
}

/// Names that nobody sealed and that pass the filter by chance.
fn in_doubt(country: &Country) -> Vec<String> {
    let table = Table::read(&fs::read(country.path("sealed")).unwrap()).unwrap();
    let sealed = Sealed::new(table, NameSet::new(&[]), 1);
    let all = (0..20_000).map(|at| format!("rare{at}.example"));
    let found: Vec<String> =
        all.filter(|name| sealed.belief(&Name::parse(name).unwrap()) == Belief::Unknown).take(20).collect();
    assert_eq!(found.len(), 20);
    found
}

fn doubts(server: &Server, outcome: &str) -> f64 {
    server.metric(&format!("luytre_dns_doubts_total{{outcome=\"{outcome}\"}}"))
}

#[test]
fn a_sealed_name_is_refused_to_everybody_and_named_to_nobody() {
    let ((country, key, port), upstream) = (found(), Upstream::start());
    let holder = Holder::start(&key, port, &[]);
    let server = start(&country, &upstream, true);
    for name in ["sealed-one.example", "www.sealed-two.example"] {
        for from in [CHILD, ADULT] {
            let seen = server.ask_from(from, name, "A");
            assert_eq!(seen.ede_code(), Some(15), "{name}");
            let said = format!("{seen:?}").to_lowercase();
            assert!(!said.contains("csam") && !said.contains("abuse"), "{said}");
        }
    }
    assert_eq!(doubts(&server, "settled"), 2.0, "each registered name is asked about once");
    // One of 256 others is asked about, too, and is free.
    let rare = in_doubt(&country);
    assert!(server.ask_from(CHILD, &rare[0], "A").ede_code().is_none());
    assert_eq!(doubts(&server, "settled"), 3.0);
    assert!(server.ask_from(CHILD, "www.wikipedia.org", "A").ede_code().is_none());
    assert_eq!((doubts(&server, "settled"), doubts(&server, "failed")), (3.0, 0.0));
    // Nobody upstream heard of a sealed name, and nothing on disk or in the log has one.
    assert!(!upstream.seen().iter().any(|asked| asked.contains("sealed-")));
    let folder = server.config.parent().unwrap();
    for word in ["sealed-one", "sealed-two", "sealed-three", rare[0].as_str()] {
        assert_eq!(memory::in_files(folder, word), [], "it is written nowhere");
    }
    drop(holder);
    // Known by now, so the holder is not needed.
    assert_eq!(server.ask_from(ADULT, "sealed-one.example", "A").ede_code(), Some(15));
    assert!(server.ask_from(CHILD, &rare[0], "A").ede_code().is_none());
    // In doubt, and nobody can say: a child waits, an adult goes on.
    assert_eq!(server.ask_from(CHILD, &rare[1], "A").ede_code(), Some(15));
    assert!(server.ask_from(ADULT, &rare[2], "A").ede_code().is_none());
    assert!(server.ask_from(CHILD, "nothing-special.example", "A").ede_code().is_none());
    assert!(doubts(&server, "failed") >= 1.0);
}

#[test]
fn a_holder_with_another_key_is_not_believed() {
    let ((country, _, port), upstream) = (found(), Upstream::start());
    let other = country.path("other-key");
    good(&["hub", "holder", "key", &other]);
    let _holder = Holder::start(&other, port, &[]);
    let server = start(&country, &upstream, true);
    let rare = in_doubt(&country);
    assert_eq!(server.ask_from(CHILD, &rare[0], "A").ede_code(), Some(15));
    assert_eq!((doubts(&server, "settled"), doubts(&server, "failed")), (0.0, 1.0));
}

#[test]
fn it_is_off_until_the_household_takes_it() {
    let ((country, key, port), upstream) = (found(), Upstream::start());
    let server = start(&country, &upstream, false);
    assert!(server.ask_from(CHILD, "sealed-one.example", "A").ede_code().is_none());
    let kept = fs::read_dir(server.config.parent().unwrap().join("state/signed")).unwrap();
    let kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(
        kept.iter().any(|file| file.ends_with(".lyb")) && !kept.iter().any(|file| file.ends_with(".sealed")),
        "{kept:?}"
    );
    let status = || text(&server.command(&["lists", "status"]).stdout);
    assert!(status().contains("entries, not taken: sealed\n"), "{}", status());
    // Wanted later, it comes without a new release.
    let _holder = Holder::start(&key, port, &[]);
    let written = fs::read_to_string(&server.config).unwrap();
    fs::write(&server.config, written.replacen("sealed = false", "sealed = true", 1)).unwrap();
    server.reload();
    let until = Instant::now() + 2 * PATIENCE;
    while server.ask_from(CHILD, "sealed-one.example", "A").ede_code() != Some(15) {
        assert!(Instant::now() < until, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(status().contains("entries, with sealed\n"), "{}", status());
}

#[test]
fn the_holder_names_lines_and_answers_no_more_than_a_share() {
    let country = Country::found();
    let (key, names, sealed) = (country.path("holder-key"), country.path("names"), country.path("sealed"));
    good(&["hub", "holder", "key", &key]);
    assert!(bad(&["hub", "holder", "key", &key]).contains("holder-key"), "a key is not overwritten");
    fs::write(&names, "sealed-one.example\nwww.sealed-two.example\n").unwrap();
    let seal = |url: &str| bad(&["hub", "holder", "seal", &names, "--key", &key, "--url", url, "-o", &sealed]);
    let told = seal("https://holder.example/");
    assert!(told.contains("names:2:") && !told.contains("sealed-two"), "{told}");
    assert!(seal("holder.example").contains("no address"));
    assert!(!Path::new(&sealed).exists());
    fs::write(&sealed, "LTSEAL01 and nothing").unwrap();
    country.propose(&["casino.example"]);
    let (proposals, out) = (country.path("proposals"), country.path("x"));
    let told = bad(&["hub", "build", &proposals, "--day", "2026-11-26", "-o", &out, "--sealed", &sealed]);
    assert!(told.contains("sealed table"), "{told}");

    let port = free_port();
    let _holder = Holder::start(&key, port, &["--per-hour", "3"]);
    let ask = |body: &str, method: &str| {
        let url = format!("http://127.0.0.1:{port}/");
        let arguments = ["-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", method, "--data-binary", body, &url];
        text(&Command::new("curl").args(arguments).output().unwrap().stdout)
    };
    assert_eq!(ask("x", "PUT"), "405");
    let point = "\u{1}".repeat(32);
    assert_eq!([ask("short", "POST"), ask(&"y".repeat(4096), "POST"), ask(&point, "POST")], ["400", "400", "400"]);
    assert_eq!(ask(&point, "POST"), "429");
}
