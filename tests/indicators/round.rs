//! The whole round: a site that lies is met by thirty homes, comes out at A, is looked at and proposed at the desk, built and signed
//! by both authorities, and refused at the home after them. One of the thirty is the real program with its own guess and the
//! manifest of the signed release; so is the last.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use luytre::classify::Category;
use luytre::family::Family;
use luytre::hub::database::Row;
use luytre::name::Name;
use luytre::report::calendar::ACCEPT_HOURS;
use luytre::report::message::Lane;
use tempfile::TempDir;

use crate::harness::authority::good;
use crate::harness::country::{Country, wait_for_version};
use crate::harness::desk::Desk;
use crate::harness::family::soon;
use crate::harness::homes::{Resident, live, now};
use crate::harness::operators::{Operators, Options};
use crate::harness::{Server, Upstream, folder_in_memory, free_port, head, text};

const SCAM: &str = "vietcombank-login.top";
const CHILD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);

fn today() -> String {
    text(&Command::new("date").args(["-u", "+%F"]).output().unwrap().stdout).trim().to_string()
}

/// A household with one child and its device, which takes the signed lists; `more` for the profile.
fn household(country: &Country, upstream: &Upstream, more: &str, rest: &str) -> Server {
    let folder = Arc::new(TempDir::new().unwrap());
    let state = folder.path().join("state");
    let pages: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
    let people = format!(
        "[[profile]]\nname = \"mai\"\nband = \"10-12\"\n{more}\n[[profile]]\nname = \"lan\"\nband = \"18+\"\n\
         [[device]]\nprofile = \"mai\"\naddress = [\"{CHILD}\"]\n[defaults]\nprofile = \"lan\"\n"
    );
    let signed = country.signed("1s").replace(crate::harness::country::PEOPLE, &people);
    let upstream = upstream.addr;
    Server::start_by(
        folder,
        |dns, metrics| {
            head(dns, metrics, upstream, &state, "") + &format!("[web]\nlisten = [\"{pages}\"]\n{rest}") + &signed
        },
        |command| {
            // Half of it is how often the program looks at what is due.
            command.env("WATCHDOG_USEC", "400000");
        },
    )
}

fn all_agree(server: &Server) {
    let family = Family::open(Some(&server.folder.path().join("state")), 0).unwrap();
    family.guardian_agrees(true).unwrap();
    family.child_agrees("mai", true).unwrap();
    drop(family);
    server.reload();
}

/// What became of the homes' messages that are not at B.
fn lost(homes: &[Resident]) -> String {
    let of = |(number, resident): (usize, &Resident)| {
        let counts = resident.home.counts().iter().filter(|(_, count)| count.failed + count.dropped > 0);
        let counts: Vec<_> = counts.collect();
        let waiting = resident.home.waiting();
        (!counts.is_empty() || waiting > 0).then(|| format!("home {number}: {waiting} wait, {counts:?}"))
    };
    homes.iter().enumerate().filter_map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_thirty_homes_met_is_refused_at_the_next() {
    let (upstream, country, day) = (Upstream::start(), Country::with_a_release(), today());
    upstream.serve(SCAM, "A", "192.0.2.66");
    let options = Options { day_secs: 20, days: 3, weeks: 0, takes_part_one_in: 4, databases: None };
    let mut operators = Operators::start(&options);
    let manifest_file = operators.manifest.to_str().unwrap();
    country.publish_with(&day, "two", Some("one"), &["--reports", manifest_file]);
    let reporting = household(&country, &upstream, "", "[report]\nenabled = true\nlab = true\n");
    // Neither guesses nor looks for imitations: only a list can protect it.
    let next = household(&country, &upstream, "guess_unlisted = false\nblock_lookalikes = false\n", "");
    wait_for_version(&reporting, 2.0);
    wait_for_version(&next, 2.0);
    all_agree(&reporting);
    assert_eq!(reporting.metric("luytre_report_mode{mode=\"off\"}"), 0.0, "{}", reporting.log());
    assert_eq!(next.ask_from(CHILD, SCAM, "A").addresses(), ["192.0.2.66".parse::<std::net::IpAddr>().unwrap()]);

    // The first epoch that all see from its beginning.
    let (manifest, calendar) = (operators.manifest(), operators.calendar);
    let first = operators.first(Lane::Security);
    let epoch = (first..first + 3).find(|epoch| calendar.begins_at(Lane::Security, *epoch) > now()).unwrap();
    let spools = folder_in_memory();
    let mut homes: Vec<Resident> = (0..29).map(|home| Resident::new(&manifest, home, spools.path())).collect();
    let middle = calendar.begins_at(Lane::Security, epoch) + 10;
    live(&mut homes, middle);
    for home in &mut homes {
        home.home.meet_name(middle, &Name::from_str(SCAM).unwrap(), Category::PhishingScam, 3, true);
    }
    assert_eq!(reporting.metric("luytre_report_mode{mode=\"full\"}"), 1.0, "{}", reporting.log());
    for _ in 0..3 {
        assert_eq!(reporting.ask_from(CHILD, SCAM, "A").ede_code(), Some(15), "an imitation");
    }
    // Long before those that were late are handed over by themselves, and let the number grow.
    let late_at = calendar.after(Lane::Security, epoch, ACCEPT_HOURS);
    while operators.indicators().is_empty() {
        live(&mut homes, now() + 1);
        assert!(now() < late_at, "nothing was handed over\n{}", lost(&homes));
    }
    let last = calendar.after(Lane::Security, epoch, ACCEPT_HOURS + 2) + 10;
    let is_found =
        |found: &[Row]| found.first().is_some_and(|row| (row[2].text(), row[4].int()) == (Some(SCAM), Some(30)));
    while now() < last && !is_found(&operators.indicators()) {
        live(&mut homes, now() + 1);
    }
    let found = operators.indicators();
    assert!(is_found(&found), "{found:?}\n{}\n{}", lost(&homes), reporting.metrics_text());

    // The desk: one looks, another proposes.
    let desk = Desk::over(TempDir::new().unwrap(), operators.database.clone());
    let proposals = country.path("proposals");
    desk.done("an", SCAM, "phishing_scam", "verify", "seen", &[]);
    assert!(
        desk.refused("an", SCAM, "phishing_scam", "propose", "protects", &["--proposals", &proposals])
            .contains("analyst")
    );
    desk.done("lan", SCAM, "phishing_scam", "propose", "protects", &["--proposals", &proposals]);
    assert_eq!(next.ask_from(CHILD, SCAM, "A").ede_code(), None, "a candidate blocks nothing");

    // Both authorities build, sign and publish; the home after the thirty takes it.
    country.publish_with(&day, "three", Some("two"), &["--reports", manifest_file]);
    wait_for_version(&next, 3.0);
    soon("that it is refused", Duration::from_secs(10), || next.ask_from(CHILD, SCAM, "A").ede_code() == Some(15));
    let told = text(&next.command(&["explain", SCAM, "--as", "mai", "--json"]).stdout);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{told}"));
    assert_eq!((&told["verdict"], &told["reason"]["category"]), (&"help".into(), &"phishing_scam".into()), "{told}");
    let bundle = country.path("three-a/bundle-3.lyb");
    let look = ["hub", "triage", "look", "--database", &desk.database, "--proposals", &proposals, "--bundle", &bundle];
    assert_eq!(good(&look), "1 listed\n");
    assert_eq!(desk.state(SCAM), "listed");
    for server in [&reporting, &next] {
        assert!(!server.log().contains("vietcombank"), "{}", server.log());
    }
    operators.stop();
}
