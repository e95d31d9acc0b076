//! A clock that is behind, set, turned back or pushed on while a household runs by it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::clock::Clock;
use harness::{Server, Upstream, binary, text};
use tempfile::TempDir;

/// Asleep from nine to half past six.
const BEDTIME: &str = "[defaults]\nprofile = \"mai\"\n[[profile]]\nname = \"mai\"\nband = \"10-12\"\n\
                       [[profile.schedule]]\nname = \"bedtime\"\nfrom = \"21:00\"\nto = \"06:30\"\nblock = [\"everything\"]\n";
/// A change of the clock is noticed within a second.
const SOON: Duration = Duration::from_secs(3);

struct Household {
    folder: Arc<TempDir>,
    clock: Clock,
    upstream: Upstream,
}

impl Household {
    fn at(moment: &str) -> Household {
        let folder = Arc::new(TempDir::new().unwrap());
        let clock = Clock::new(folder.path());
        clock.set(moment);
        Household { folder, clock, upstream: Upstream::start() }
    }

    fn start(&self) -> Server {
        Server::start_at(&self.clock, Arc::clone(&self.folder), self.upstream.addr, "", BEDTIME)
    }

    fn doctor(&self) -> String {
        let config = self.folder.path().join("luytre.toml");
        let mut command = Command::new(binary());
        self.clock.rule(&mut command);
        let shown = text(&command.args(["doctor", "-c"]).arg(config).output().unwrap().stdout);
        shown.lines().find(|line| line.contains(" clock ")).unwrap().to_string()
    }
}

fn is_bedtime(server: &Server) -> bool {
    server.ask("wikipedia.org", "A").ede_code().is_some()
}

fn is_trusted(server: &Server) -> bool {
    server.metric("luytre_app_clock_trusted") == 1.0
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < end, "waited {SOON:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// What was so is still so when the clock has been looked at twice.
fn stays(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_millis(2200);
    while Instant::now() < end {
        assert!(holds(), "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_box_without_a_battery_goes_on_from_where_it_was() {
    let household = Household::at("2027-03-01T21:10:00Z");
    let server = household.start();
    assert!(is_bedtime(&server) && is_trusted(&server));
    assert!(server.stop().success());
    let noted: u64 = fs::read_to_string(household.folder.path().join("state/clock")).unwrap().trim().parse().unwrap();
    assert!(household.clock.now_secs().abs_diff(noted) <= 2, "{noted}");
    assert!(household.doctor().starts_with("ok"), "{}", household.doctor());

    household.clock.set("1970-01-01T12:00:00Z");
    let doctor = household.doctor();
    assert!(doctor.starts_with("problem") && doctor.contains("1970-01-01 12:00") && doctor.contains("2027-03-01 21:1"));
    let server = household.start();
    stays("it is night, whatever the clock shows", || is_bedtime(&server) && !is_trusted(&server));
    assert!(server.log().contains("the system's clock is behind"), "{}", server.log());

    household.clock.set("2027-03-02T12:00:00Z");
    until("the day", || !is_bedtime(&server) && is_trusted(&server));
    until("a word", || server.log().contains("the system's clock is right again"));
}

#[test]
fn without_a_note_the_day_of_the_release_is_known() {
    let household = Household::at("1970-01-01T03:00:00Z");
    let server = household.start();
    // The release's date begins at midnight, too: what shows is the metric.
    assert!(!is_trusted(&server));
    assert!(server.stop().success());
    let noted: u64 = fs::read_to_string(household.folder.path().join("state/clock")).unwrap().trim().parse().unwrap();
    assert!((luytre::clock::RELEASED_SECS..luytre::clock::RELEASED_SECS + 60).contains(&noted), "{noted}");
}

#[test]
fn the_kernel_may_vouch_for_an_earlier_time() {
    let household = Household::at("2027-03-01T21:10:00Z");
    let server = household.start();
    assert!(is_bedtime(&server));
    household.clock.set("2027-03-01T20:50:00Z");
    stays("time does not go back because somebody turned the clock", || is_bedtime(&server));
    assert!(!is_trusted(&server));
    household.clock.set_synchronised(true);
    until("ten to nine", || !is_bedtime(&server) && is_trusted(&server));
    household.clock.set_synchronised(false);
    stays("what the kernel vouched for holds on", || !is_bedtime(&server) && is_trusted(&server));
}

#[test]
fn a_jump_of_more_than_a_day_is_told() {
    let household = Household::at("2027-03-01T12:00:00Z");
    let server = household.start();
    household.clock.add_secs(20.0 * 3600.0);
    stays("it may have slept", || !server.log().contains("jumped"));
    household.clock.add_days(9.0);
    until("a word", || server.log().contains("the clock jumped forwards") && server.log().contains("hours=216"));
}
