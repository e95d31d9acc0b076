//! Lists that two authorities sign: what both say comes in force, what one says alone does not, and whatever is wrong on
//! the way, the last good list stays and no question is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::authority::{Fault, bad, good, make_key};
use harness::country::{Country, EVIDENCE, is_blocked, look, quiet_box, start, wait_for, wait_for_version};
use harness::{PATIENCE, Server, Upstream, binary, query_bytes, run, text};
use tempfile::TempDir;

/// Asks all the while, and counts what was not answered.
struct Asking {
    stop: Arc<AtomicBool>,
    lost: Arc<AtomicU64>,
    asked: Arc<AtomicU64>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Asking {
    fn begin(server: &Server) -> Asking {
        let (stop, lost, asked) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (to, of_thread) = (server.dns, (Arc::clone(&stop), Arc::clone(&lost), Arc::clone(&asked)));
        let thread = thread::spawn(move || {
            let (stop, lost, asked) = of_thread;
            let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            socket.connect(to).unwrap();
            while !stop.load(Ordering::Relaxed) {
                let at = asked.fetch_add(1, Ordering::Relaxed) as u16;
                socket.send(&query_bytes(at, "casino.example", "A", true)).unwrap();
                if socket.recv(&mut [0; 512]).is_err() {
                    lost.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        Asking { stop, lost, asked, thread: Some(thread) }
    }

    fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap();
        let (asked, lost) = (self.asked.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed));
        assert!(asked > 100, "{asked} questions");
        assert_eq!(lost, 0, "of {asked} questions");
    }
}

#[test]
fn the_whole_life_of_a_list() {
    let (country, upstream) = (Country::found(), Upstream::start());
    country.propose(&["casino.example", "bets.example"]);
    country.build("one", None);
    country.publish("one");
    good(&["hub", "check", &country.a.file("repository")]);
    let server = start(&country, &upstream);
    wait_for_version(&server, 1.0);
    let status = text(&server.command(&["lists", "status"]).stdout);
    assert!(status.contains("signed: 2 entries\n"), "{status}");
    assert!(is_blocked(&server, "www.casino.example") && !is_blocked(&server, "new.example"));
    // Whoever is refused can say which entry is meant.
    let explained = text(&server.command(&["explain", "casino.example", "--json"]).stdout);
    let explained: serde_json::Value = serde_json::from_str(&explained).unwrap();
    let appeal = explained["matches"][0]["appeal"].as_str().unwrap_or_else(|| panic!("{explained}")).to_string();
    assert_eq!(appeal.len(), 14);
    // The next day, by what changed.
    country.propose(&["casino.example", "bets.example", "new.example"]);
    country.build("two", Some("one"));
    country.a.web.sent();
    country.publish("two");
    wait_for_version(&server, 2.0);
    assert!(is_blocked(&server, "new.example"));
    let sent = country.a.web.sent();
    assert!(sent.iter().any(|(path, _)| path.contains("delta-1-2")), "{sent:?}");
    assert!(!sent.iter().any(|(path, _)| path.contains("bundle-2")), "{sent:?}");
    // One side alone takes back, at once and whatever the other does.
    fs::write(country.path("back"), "bets.example\n").unwrap();
    country.b.publish(&["--withdraw", &country.path("back")]);
    let until = Instant::now() + 2 * PATIENCE;
    while is_blocked(&server, "www.bets.example") {
        assert!(Instant::now() < until, "{}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
    assert!(is_blocked(&server, "casino.example"));
    // Keys change hands: the next root is signed by the officers of the old one and of the new one.
    make_key(Path::new(&country.a.file("targets2")));
    let (old, new) = (country.a.file("root.json"), country.a.file("root2.json"));
    good(&["hub", "root", "next", &old, "--targets-key", &country.a.public("targets2"), "-o", &new]);
    assert!(bad(&["hub", "root", "show", &new, "--after", &old]).contains("root2.json"), "nobody has signed it yet");
    for officer in ["officer1", "officer2"] {
        good(&["hub", "sign", &new, "--key", &country.a.file(officer)]);
    }
    good(&["hub", "root", "show", &new, "--after", &old]);
    country.a.publish(&["--root", &new]);
    fs::copy(country.a.file("targets2"), country.a.file("targets")).unwrap();
    country.propose(&["casino.example", "bets.example", "new.example", "newer.example"]);
    country.build("three", Some("two"));
    country.publish("three");
    wait_for_version(&server, 3.0);
    assert!(is_blocked(&server, "newer.example"));
    // Somebody says that it is no casino but a place where children find help: it rests until that is decided.
    let (proposals, day) = (country.path("proposals"), "2026-11-26");
    good(&["hub", "appeals", "open", &proposals, &appeal, "--ground", "help", "--day", day]);
    country.build("four", Some("three"));
    country.publish("four");
    wait_for_version(&server, 4.0);
    assert!(!is_blocked(&server, "casino.example") && is_blocked(&server, "newer.example"));
    good(&["hub", "appeals", "decide", &proposals, &appeal, "rejected", "--day", day]);
    country.build("five", Some("four"));
    country.publish("five");
    wait_for_version(&server, 5.0);
    assert!(is_blocked(&server, "casino.example"));
    // Whoever has all keys of one side adds nothing.
    country.propose(&["casino.example", "school.example"]);
    country.build("six", Some("five"));
    country.a.publish(&["--release", &country.path("six-a")]);
    wait_for(&server, "disagree");
    assert!(!is_blocked(&server, "school.example") && is_blocked(&server, "newer.example"));
}

/// The ceremony as the manual has it, typed in one folder; the key of one officer never leaves its token.
#[test]
fn a_token_signs_what_an_officer_gives_it() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("tokens")).unwrap();
    let (conf, tokens) = (folder.path().join("softhsm.conf"), folder.path().join("tokens"));
    fs::write(&conf, format!("directories.tokendir = {}\n", tokens.display())).unwrap();
    let here = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder.path()).env("SOFTHSM2_CONF", &conf).env("PIN", "1234");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", text(&output.stderr));
        output.stdout
    };
    let hub = |arguments: &[&str]| text(&here(binary(), &[&["hub"], arguments].concat()));
    let token =
        |arguments: &[&str]| here("pkcs11-tool", &[&["--module", MODULE, "--token-label", "an"], arguments].concat());
    here("softhsm2-util", &["--init-token", "--free", "--label", "an", "--so-pin", "1234", "--pin", "1234"]);
    let made = ["--keypairgen", "--key-type", "EC:edwards25519", "--label", "officer1", "--id", "01"];
    token(&[&["--login", "--pin", "1234"], made.as_slice()].concat());
    token(&["--read-object", "--type", "pubkey", "--id", "01", "-o", "officer1.public"]);
    let der = here("openssl", &["pkey", "-pubin", "-in", "officer1.public", "-outform", "DER"]);
    let on_token: String = der[der.len() - 32..].iter().map(|octet| format!("{octet:02x}")).collect();
    let made = |key: &str| {
        let said = hub(&["key", "new", key]);
        said.lines()
            .find_map(|line| line.strip_prefix("public "))
            .unwrap_or_else(|| panic!("{said}"))
            .trim()
            .to_string()
    };
    let keys: Vec<String> = ["officer2", "targets", "snapshot", "timestamp"].map(made).into();
    let roots = ["root", "new", "--root-key", &on_token, "--root-key", &keys[0], "--threshold", "2"];
    let others =
        ["--targets-key", &keys[1], "--snapshot-key", &keys[2], "--timestamp-key", &keys[3], "-o", "root.json"];
    hub(&[roots, others].concat());
    hub(&["sign", "root.json", "--key", "officer2"]);
    hub(&["sign", "root.json", "--octets", "to-sign"]);
    assert!(fs::metadata(folder.path().join("to-sign")).unwrap().len() > 1_024, "more than a tool hands over at once");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/token-sign.py");
    here("/usr/bin/python3", &[script.to_str().unwrap(), MODULE, "an", "officer1", "to-sign", "signed"]);
    hub(&["sign", "root.json", "--signature", "signed", "--public", &on_token]);
    assert_eq!(hub(&["root", "show", "root.json"]).matches("has signed this root").count(), 2);
    hub(&["publish", "repository", "--root", "root.json"]);
}

/// Where Debian's softhsm2 has it.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A box with release 2 in force, and what is tried on it.
#[test]
fn every_attack_leaves_the_last_good_list_in_force() {
    let (country, upstream) = (Country::with_a_release(), Upstream::start());
    let server = start(&country, &upstream);
    wait_for_version(&server, 1.0);
    country.a.keep_copy("first");
    country.propose(&["casino.example", "second.example"]);
    country.build("two", Some("one"));
    country.publish("two");
    wait_for_version(&server, 2.0);
    country.a.keep_copy("second");
    country.propose(&["casino.example", "second.example", "third.example"]);
    country.build("three", Some("two"));
    let asking = Asking::begin(&server);
    let attack = |outcome: &str| {
        wait_for(&server, outcome);
        assert!(is_blocked(&server, "second.example"), "{outcome}");
        assert_eq!(server.metric("luytre_lists_signed_version"), 2.0);
        assert!(text(&server.command(&["lists", "status"]).stdout).contains("release 2"), "{outcome}");
        country.a.web.heal();
        country.a.put_back("second");
        wait_for(&server, "unchanged");
    };
    // Rolled back: what was right once.
    country.a.put_back("first");
    attack("rollback");
    // Held back: nobody signs any more.
    country.a.publish(&["--refresh", "--timestamp-days=-1"]);
    attack("expired");
    // Files of two publications.
    let metadata = |file: &str| country.a.file(&format!("repository/metadata/{file}"));
    fs::copy(metadata("1.targets.json"), metadata("2.targets.json")).unwrap();
    attack("mixed");
    // Signed by nobody, by too few, twice by one key, by somebody else.
    country.a.publish_by(&["snapshot", "timestamp"], &["--release", &country.path("two-a")]);
    attack("signature");
    let twice = fs::read_to_string(metadata("timestamp.json")).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&twice).unwrap();
    let one = value["signatures"][0].clone();
    value["signatures"].as_array_mut().unwrap().push(one);
    fs::write(metadata("timestamp.json"), value.to_string()).unwrap();
    attack("same_key");
    // More than anything may be, less than was signed, something else.
    country.a.web.fail("timestamp.json", Fault::Endless);
    attack("too_large");
    country.a.web.fail("timestamp.json", Fault::Cut);
    attack("malformed");
    country.a.web.fail("timestamp.json", Fault::Silent);
    attack("too_slow");
    country.a.web.fail("timestamp.json", Fault::Missing);
    attack("unreachable");
    // A release that one side alone has, and one that differs.
    country.a.publish(&["--no-release"]);
    wait_for(&server, "one_side");
    assert!(is_blocked(&server, "second.example"));
    country.a.publish(&["--release", &country.path("three-a")]);
    wait_for(&server, "disagree");
    assert!(is_blocked(&server, "second.example") && !is_blocked(&server, "third.example"));
    // Both have it now, and nothing was lost on the way.
    country.b.publish(&["--release", &country.path("three-b")]);
    wait_for_version(&server, 3.0);
    asking.end();
}

#[test]
fn what_comes_wrong_is_not_put_on_the_shelf() {
    let country = Country::with_a_release();
    let (state, config) = quiet_box(&country, "box");
    for (fault, code) in [(Fault::Cut, "truncated"), (Fault::Flip, "corrupted"), (Fault::Endless, "too_large")] {
        for side in [&country.a, &country.b] {
            side.web.fail("bundle-1", fault.clone());
        }
        let said = look(&config);
        assert!(said.contains(&format!("refused ({code})")), "{fault:?}: {said}");
        let status = run(&["-c", config.to_str().unwrap(), "lists", "status"], "");
        assert!(!status.status.success() && text(&status.stdout).contains(code), "{}", text(&status.stdout));
    }
    // What came before it broke off is gone on from; the other side helps out where one cannot.
    country.a.web.fail("bundle-1", Fault::Cut);
    country.b.web.fail("bundle-1", Fault::Cut);
    look(&config);
    country.a.web.heal();
    country.a.web.sent();
    assert!(look(&config).contains("release 1 taken"));
    let whole = fs::metadata(country.path("one-a/bundle-1.lyb")).unwrap().len() as usize;
    let sent = country.a.web.sent();
    let of_bundle: Vec<usize> =
        sent.iter().filter(|(path, _)| path.contains("bundle-1")).map(|(_, sent)| *sent).collect();
    assert_eq!(of_bundle, [whole - whole / 2], "{sent:?}");
    assert!(look(&config).contains("unchanged"));
    // A torn record is read from its copy, a torn bundle gives way to the one before.
    fs::write(state.join("signed/state.json"), "{\"current\": ").unwrap();
    let says =
        |name: &str| text(&run(&["-c", config.to_str().unwrap(), "explain", name, "--as", "mai", "--json"], "").stdout);
    assert!(says("casino.example").contains("\"block\""));
    country.propose(&["casino.example", "second.example"]);
    country.build("two", Some("one"));
    country.publish("two");
    assert!(look(&config).contains("release 2 taken"));
    let bundles: Vec<PathBuf> =
        fs::read_dir(state.join("signed")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let bundles = bundles.iter().filter(|path| path.extension().is_some_and(|end| end == "lyb"));
    assert_eq!(bundles.count(), 2, "old and new");
    let kept: serde_json::Value = serde_json::from_slice(&fs::read(state.join("signed/state.json")).unwrap()).unwrap();
    let current = kept["current"]["release"]["bundle"]["sha256"].as_str().unwrap();
    fs::write(state.join(format!("signed/{current}.lyb")), "torn").unwrap();
    assert!(says("casino.example").contains("\"block\""));
}

#[test]
fn a_full_disk_keeps_what_was_there() {
    let country = Country::found();
    let names: String = (0..150_000).map(|at| format!("n{at}.example\n")).collect();
    fs::write(country.path("proposals/many.txt"), names).unwrap();
    let sum = Command::new("sha256sum").arg(country.path("proposals/many.txt")).output().unwrap();
    let sum = text(&sum.stdout)[..64].to_string();
    let bulk = format!(
        "[[bulk]]\nnames = \"many.txt\"\nsha256 = \"{sum}\"\nmatch = \"suffix\"\ncategory = \"gambling\"\nreason = \"list\"\n\
         proposer = \"desk\"\nissued = \"2026-11-01\"\nexpires = \"2027-03-01\"\n"
    );
    fs::write(country.path("proposals/bulk.toml"), format!("schema = \"proposals/1\"\n{bulk}")).unwrap();
    country.build("one", None);
    country.publish("one");
    let (state, config) = quiet_box(&country, "box");
    fs::create_dir_all(&state).unwrap();
    let (state, config) = (state.display().to_string(), config.display().to_string());
    let script = format!("mount -t tmpfs -o size=1m tmpfs {state} && {} -c {config} lists update", binary());
    let output = Command::new("unshare").args(["-m", "sh", "-c", &script]).output().unwrap();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("refused (disk)"), "{said}");
    assert!(look(Path::new(&config)).contains("release 1 taken"), "with room it is taken");
}

#[test]
fn two_authorities_with_one_key_are_one() {
    let country = Country::found();
    country.propose(&["casino.example"]);
    country.build("one", None);
    fs::copy(country.a.file("timestamp"), country.b.file("timestamp")).unwrap();
    fs::remove_dir_all(country.b.file("repository")).unwrap();
    country.b.first_root(&["targets"]);
    country.publish("one");
    let (_, config) = quiet_box(&country, "box");
    let said = look(&config);
    assert!(said.contains("refused (shared_key)"), "{said}");
}

#[test]
fn a_role_with_two_keys_wants_both() {
    let country = Country::found();
    make_key(Path::new(&country.a.file("targets-second")));
    fs::remove_dir_all(country.a.file("repository")).unwrap();
    country.a.first_root(&["targets", "targets-second"]);
    country.propose(&["casino.example"]);
    country.build("one", None);
    country.publish("one");
    let (_, config) = quiet_box(&country, "box");
    assert!(look(&config).contains("refused (signature)"));
    // The second officer signs on another machine, by a key that may lie on a token.
    let list = country.a.file("repository/metadata/1.targets.json");
    good(&["hub", "sign", &list, "--key", &country.a.file("targets-second")]);
    let said = look(&config);
    assert!(said.contains("release 1 taken"), "{said}");
}

#[test]
fn a_clock_that_is_wrong_is_named() {
    let country = Country::with_a_release();
    let (_, config) = quiet_box(&country, "box");
    let clock = harness::clock::Clock::new(country.folder.path());
    clock.add_days(400.0);
    let mut command = Command::new(binary());
    command.args(["-c", config.to_str().unwrap(), "lists", "update"]);
    clock.rule(&mut command);
    let said = text(&command.output().unwrap().stdout);
    assert!(said.contains("refused (expired)") && said.contains("the clock is wrong"), "{said}");
}

#[test]
fn a_list_that_would_block_too_much_is_held_back_until_both_insist() {
    let country = Country::with_a_release();
    let (_, config) = quiet_box(&country, "box");
    assert!(look(&config).contains("release 1 taken"));
    country.propose(&["casino.example", "khanacademy.org"]);
    country.build("two", Some("one"));
    country.publish("two");
    for _ in 0..2 {
        let said = look(&config);
        assert!(
            said.contains("refused (held)") && said.contains("names of schools") && said.contains("khanacademy.org"),
            "{said}"
        );
    }
    let says = |name: &str| {
        let output = run(&["-c", config.to_str().unwrap(), "explain", name, "--as", "mai"], "");
        text(&output.stdout)
    };
    assert!(says("casino.example").contains("block") && !says("khanacademy.org").contains("gambling"));
    fs::write(
        country.path("proposals/release.toml"),
        "schema = \"release/1\"\noverrides_guard = \"both looked at it\"\n",
    )
    .unwrap();
    country.build("three", Some("two"));
    country.publish("three");
    assert!(look(&config).contains("release 3 taken"));
    assert!(says("khanacademy.org").contains("gambling"));
}

#[test]
fn some_boxes_take_a_release_first() {
    let country = Country::found();
    country.propose(&["casino.example"]);
    let terms = |percent: u8, hours: u32| {
        let text = format!("schema = \"release/1\"\n[rollout]\npercent = {percent}\nhours = {hours}\n");
        fs::write(country.path("proposals/release.toml"), text).unwrap();
    };
    // The day of the release is long past for none of them: 720 hours from the day it was built.
    terms(0, 720);
    country.build("one", None);
    country.publish("one");
    let (_, config) = quiet_box(&country, "box");
    assert!(look(&config).contains("waits for this box's turn"));
    terms(100, 720);
    country.build("two", Some("one"));
    country.publish("two");
    assert!(look(&config).contains("release 2 taken"));
}

#[test]
fn a_release_with_which_the_program_does_not_stay_up_is_taken_back() {
    let (country, upstream) = (Country::with_a_release(), Upstream::start());
    let server = start(&country, &upstream);
    wait_for_version(&server, 1.0);
    let (config, folder) = (server.config.clone(), Arc::clone(&server.folder));
    // It ends in good order: the release has proved itself.
    assert!(server.stop().success());
    country.propose(&["casino.example", "second.example"]);
    country.build("two", Some("one"));
    country.publish("two");
    assert!(look(&config).contains("release 2 taken"));
    for round in 1..=3 {
        // Each is killed as soon as it runs, as a program that fails would be.
        let (text, state) = (fs::read_to_string(&config).unwrap(), folder.path().join("state"));
        let tail = text[text.find("[signed]").unwrap()..].replace("\"1s\"", "\"0s\"");
        let mut server = Server::start_text(Arc::clone(&folder), |dns, metrics| {
            harness::head(dns, metrics, upstream.addr, &state, "") + &tail
        });
        let expected = if round < 3 { 2.0 } else { 1.0 };
        assert_eq!(server.metric("luytre_lists_signed_version"), expected, "start {round}");
        assert_eq!(is_blocked(&server, "second.example"), round < 3);
        assert!(is_blocked(&server, "casino.example"));
        server.child.kill().unwrap();
    }
    let said = look(&config);
    assert!(said.contains("refused (bad)"), "{said}");
}

#[test]
fn what_speaks_against_a_proposal_is_told_with_its_place() {
    let country = Country::found();
    country.propose(&["casino.example"]);
    let lint = |popular: &str| {
        fs::write(country.path("popular"), popular).unwrap();
        run(&["hub", "lint", &country.path("proposals"), "--popular", &country.path("popular")], "")
    };
    assert!(lint("example.com\n").status.success());
    let file = country.path("proposals/desk.toml");
    let good_one = fs::read_to_string(&file).unwrap();
    for (from, to, expected) in [
        ("\"casino.example\"", "\"co.uk\"", "desk.toml:3:8: co.uk is a public suffix"),
        ("\"casino.example\"", "\"github.io\"", "github.io is a public suffix"),
        ("\"casino.example\"", "\"tongdai111.vn\"", "it would touch the help set"),
        ("\"casino.example\"", "\"popular.example\"", "popular.example is a popular name"),
        ("\"gambling\"", "\"csam\"", "cannot be proposed"),
        ("\"gambling\"", "\"politics\"", "politics"),
        ("\"2027-03-01\"", "\"2028-03-01\"", "days after `issued`"),
        ("expires = \"2027-03-01\"\n", "", "`expires` is missing"),
        ("sha256:0", "md5:0", "`evidence` is the digest"),
        ("\"review\"", "\"rumour\"", "reason"),
        ("match = \"suffix\"", "match = \"suffix\"\nappeal = \"0000-0000-0000\"", "`appeal` of this entry is"),
    ] {
        assert!(good_one.contains(from), "{from}");
        fs::write(&file, good_one.replace(from, to)).unwrap();
        let output = lint("www.popular.example\n");
        assert!(!output.status.success() && text(&output.stderr).contains(expected), "{to}: {}", text(&output.stderr));
    }
    fs::write(
        &file,
        good_one.replace("casino.example", "popular.example").replace("match =", "high_impact = true\nmatch ="),
    )
    .unwrap();
    assert!(lint("www.popular.example\n").status.success());
}

/// A log with one release, seen by one witness, and what the box is configured with.
struct Witnessed {
    country: Country,
    config: PathBuf,
}

impl Witnessed {
    fn found() -> Witnessed {
        let country = Country::found();
        for key in ["log-key", "witness-key", "other-key"] {
            make_key(Path::new(&country.path(key)));
        }
        country.propose(&["casino.example"]);
        country.build("one", None);
        country.publish("one");
        let (_, config) = quiet_box(&country, "box");
        let shown = |key: &str, name: &str, rest: &[&str]| {
            good(&[&["hub", "log", "key", &country.path(key), name], rest].concat()).trim().to_string()
        };
        let (log, witness) =
            (shown("log-key", "test.example/log", &[]), shown("witness-key", "w.example", &["--witness"]));
        let mut text = fs::read_to_string(&config).unwrap();
        text += &format!("[signed.log]\nkey = \"{log}\"\nwitnesses = [\"{witness}\"]\n");
        fs::write(&config, text).unwrap();
        Witnessed { country, config }
    }

    fn log(&self) -> String {
        self.country.a.file("repository/log")
    }

    fn append(&self, release: &str) {
        let (log, key) = (self.log(), self.country.path("log-key"));
        let release = self.country.path(&format!("{release}-a/release.json"));
        good(&["hub", "log", "append", &log, "--name", "test.example/log", "--key", &key, &release]);
    }

    fn cosign_arguments(&self) -> Vec<String> {
        let words = ["hub", "log", "cosign", &self.log(), "--name", "test.example/log", "--witness", "w.example"];
        let rest =
            ["--key".to_string(), self.country.path("witness-key"), "--memory".into(), self.country.path("memory")];
        words.iter().map(|word| word.to_string()).chain(rest).collect()
    }

    fn cosign(&self) {
        good(&self.cosign_arguments().iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[track_caller]
    fn refused(&self, why: &str) {
        let said = look(&self.config);
        assert!(said.contains("refused (log)") && said.contains(why), "{said}");
    }
}

#[test]
fn a_release_counts_only_when_the_log_bears_it_out() {
    let it = Witnessed::found();
    assert!(look(&it.config).contains("refused (unreachable)"), "no log at all");
    it.append("one");
    it.refused("0 of 1 witnesses");
    it.cosign();
    assert!(look(&it.config).contains("release 1 taken"));
    // A release that both sign and nobody was shown.
    it.country.propose(&["casino.example", "second.example"]);
    it.country.build("two", Some("one"));
    it.country.publish("two");
    it.refused("the release is not in it");
    it.country.a.keep_copy("before");
    it.append("two");
    it.append("two");
    it.refused("0 of 1 witnesses");
    it.cosign();
    assert!(look(&it.config).contains("release 2 taken"));
    let shown = good(&["hub", "log", "show", &it.log(), "--name", "test.example/log"]);
    assert!(shown.contains("2 releases") && shown.contains("2  +1 -0"), "{shown}");
    // Cut back to what it was: the witness said so once, and the box remembers more.
    let now = it.country.a.file("now");
    fs::rename(it.log(), &now).unwrap();
    assert!(Command::new("cp").arg("-a").args([it.country.a.file("before/log"), it.log()]).status().unwrap().success());
    it.refused("it was cut");
    let arguments = it.cosign_arguments();
    assert!(
        bad(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).contains("it was cut"),
        "a witness does not help"
    );
    // Another history of the same length, by the same key, and a witness that lost its memory.
    fs::remove_dir_all(it.log()).unwrap();
    fs::remove_file(it.country.path("memory")).unwrap();
    it.append("two");
    it.append("one");
    it.cosign();
    it.refused("rewritten");
    // One octet of a tile.
    fs::remove_dir_all(it.log()).unwrap();
    fs::rename(&now, it.log()).unwrap();
    assert!(look(&it.config).contains("unchanged"));
    let tile = Path::new(&it.log()).join("tile/0/000.p/2");
    let mut octets = fs::read(&tile).unwrap();
    octets[40] ^= 1;
    fs::write(&tile, &octets).unwrap();
    it.refused("do not give the root");
    // Somebody else's log.
    let checkpoint = Path::new(&it.log()).join("checkpoint");
    let text = fs::read_to_string(&checkpoint).unwrap();
    fs::write(&checkpoint, text.replacen("test.example/log\n", "other.example/log\n", 1)).unwrap();
    it.refused("not signed by");
}

#[test]
fn a_log_of_many_releases_is_written_in_tiles() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
    make_key(Path::new(&path("key")));
    let key = luytre::hub::key::SigningKey::read(Path::new(&path("key"))).unwrap();
    let log = luytre::hub::log::Log::open(Path::new(&path("log")), "test.example/log");
    let entries: Vec<String> = (0..300).map(|at| format!("entry {at}")).collect();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!(log.append(entry.as_bytes(), &key).unwrap(), at as u64 + 1);
    }
    let read = |file: &str| fs::read(Path::new(&path("log")).join(file)).unwrap();
    assert_eq!(read("tile/0/000").len(), 256 * 32);
    assert_eq!(read("tile/0/001.p/44").len(), 44 * 32);
    // The first tile's hash is the one hash of the level above.
    let leaves: Vec<[u8; 32]> =
        entries.iter().map(|entry| luytre::lists::trust::log::leaf_hash(entry.as_bytes())).collect();
    assert_eq!(read("tile/1/000.p/1"), luytre::lists::trust::log::root_of(&leaves[..256]));
    let kept: Vec<Vec<u8>> = entries.iter().map(|entry| entry.clone().into_bytes()).collect();
    assert_eq!(log.entries().unwrap(), kept);
}

#[test]
fn the_order_of_proposals_changes_no_octet() {
    let folder = TempDir::new().unwrap();
    let one = |at: usize| {
        let (category, kind) = (["gambling", "porn", "dating"][at % 3], ["exact", "suffix"][at % 2]);
        format!(
            "[[proposal]]\nname = \"n{at}.example\"\nmatch = \"{kind}\"\ncategory = \"{category}\"\nreason = \"review\"\n\
             evidence = \"{EVIDENCE}\"\nproposer = \"desk\"\nissued = \"2026-11-01\"\nexpires = \"2027-03-01\"\n"
        )
    };
    let build = |name: &str, files: &[Vec<usize>]| {
        let proposals = folder.path().join(name);
        fs::create_dir(&proposals).unwrap();
        for (at, numbers) in files.iter().enumerate() {
            let list: String = numbers.iter().map(|at| one(*at)).collect();
            fs::write(proposals.join(format!("{at}.toml")), format!("schema = \"proposals/1\"\n{list}")).unwrap();
        }
        let out = folder.path().join(format!("{name}-release"));
        good(&["hub", "build", proposals.to_str().unwrap(), "--day", "2026-11-26", "-o", out.to_str().unwrap()]);
        ["bundle-1.lyb", "release.json"].map(|file| fs::read(out.join(file)).unwrap())
    };
    let straight = build("straight", &[(0..300).collect()]);
    let shuffled = build("shuffled", &[(150..300).rev().collect(), Vec::new(), (0..160).rev().collect()]);
    assert_eq!(straight[0], shuffled[0]);
    assert_ne!(build("other", &[(0..299).collect()])[0], straight[0]);
    // What is proposed twice is listed once, and counted as it was proposed.
    let again = build("again", &[(0..300).rev().collect()]);
    assert!(again == straight);
}
