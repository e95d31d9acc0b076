//! Names that no list has: judged by what they look like, more mildly the older the child, never those that are known to be
//! good, and the same by every way of asking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;

use harness::authority::{bad, good};
use harness::country::{Country, start as start_box, wait_for_version};
use harness::{Server, Upstream, run, text};
use tempfile::TempDir;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/blocklists/model/lexical.bin");
/// Spelt like what it is not: nobody owns it as far as is known, and nothing is ever sent there.
const SPELT: &str = "xxxporntube-free-sex-videos.net";
const PRETENDS: &str = "vietcombank-login.top";
const PEOPLE: &str = "[[profile]]\nname = \"be\"\nband = \"6-9\"\n[[profile]]\nname = \"mai\"\nband = \"10-12\"\nallow_names = [\"chosen.example\"]\n\
    [[profile]]\nname = \"nam\"\nband = \"16-17\"\n[[profile]]\nname = \"lan\"\nband = \"18+\"\n\
    [[profile]]\nname = \"an\"\nband = \"10-12\"\nguess_unlisted = false\n\
    [[device]]\nprofile = \"be\"\naddress = [\"127.0.0.11\"]\n[[device]]\nprofile = \"nam\"\naddress = [\"127.0.0.12\"]\n\
    [[device]]\nprofile = \"lan\"\naddress = [\"127.0.0.13\"]\n[[device]]\nprofile = \"an\"\naddress = [\"127.0.0.14\"]\n\
    [defaults]\nprofile = \"mai\"\n";

fn server(upstream: &Upstream, model: &str, lists: &str) -> Server {
    let folder = Arc::new(TempDir::new().unwrap());
    let (state, addr) = (folder.path().join("state"), upstream.addr);
    let text = |dns, metrics| {
        let head = harness::head(dns, metrics, addr, &state, "");
        head.replacen("version = 1", &format!("version = 1\nmodel = {model:?}"), 1) + lists + PEOPLE
    };
    Server::start_by(folder, text, |_| {})
}

fn ede(server: &Server, from: u8, name: &str) -> Option<u16> {
    server.ask_from(Ipv4Addr::new(127, 0, 0, from), name, "A").ede_code()
}

fn explained(server: &Server, profile: &str, name: &str) -> serde_json::Value {
    let told = server.command(&["explain", name, "--as", profile, "--json"]);
    serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", text(&told.stderr)))
}

#[test]
fn what_a_name_looks_like_means_less_the_older_the_child() {
    let upstream = Upstream::start();
    let server = server(&upstream, MODEL, "");
    // Twice: looked up, and from the cache.
    for _ in 0..2 {
        assert_eq!(ede(&server, 11, SPELT), Some(17), "from six to nine");
        assert_eq!(ede(&server, 9, SPELT), Some(17), "from ten to twelve");
        assert_eq!(ede(&server, 12, SPELT), None, "at sixteen");
        assert_eq!(ede(&server, 13, SPELT), None, "an adult");
        assert_eq!(ede(&server, 14, SPELT), None, "switched off");
        assert_eq!(ede(&server, 9, PRETENDS), Some(15));
        assert_eq!(ede(&server, 14, PRETENDS), Some(15), "another switch");
        assert_eq!(ede(&server, 13, PRETENDS), None, "an adult");
        assert_eq!(ede(&server, 9, "www.plain-name.example"), None);
    }
    for (profile, verdict) in [("be", "block"), ("mai", "ask"), ("nam", "warn"), ("lan", "allow"), ("an", "allow")] {
        assert_eq!(explained(&server, profile, SPELT)["verdict"], verdict, "{profile}");
    }
    let told = explained(&server, "mai", SPELT);
    assert_eq!((&told["reason"]["step"], &told["reason"]["category"]), (&"guessed".into(), &"porn".into()), "{told}");
    assert_eq!(told["reason"]["who_can_change"], "guardian");
    let grams = told["guess"]["grams"].as_array().unwrap();
    assert!(grams.iter().any(|gram| gram[0].as_str().unwrap().contains("porn")), "{told}");
    assert_eq!(explained(&server, "mai", PRETENDS)["guess"]["by"], "added_word");
    // The same by the command that classifies.
    let file = server.folder.path().join("names");
    fs::write(&file, SPELT).unwrap();
    let line = text(&server.command(&["classify", "--json", file.to_str().unwrap()]).stdout);
    let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
    assert_eq!(line["guess"], told["guess"]);
}

#[test]
fn what_is_known_or_chosen_is_not_guessed_at() {
    let upstream = Upstream::start();
    let folder = TempDir::new().unwrap();
    let list = |name: &str, names: &str| {
        fs::write(folder.path().join(name), names).unwrap();
        folder.path().join(name).display().to_string()
    };
    let good_file = list("good", &format!("school.{SPELT}\n"));
    let allow_file = list("allow", "sex-porn-xxx-tube.com\n");
    let lists = format!(
        "[[list]]\nname = \"school\"\nsource = \"file:{good_file}\"\nformat = \"domains\"\nplain = \"suffix\"\ncategories = [\"education_kids\"]\n\
         [[list]]\nname = \"lift\"\nsource = \"file:{allow_file}\"\nformat = \"domains\"\nplain = \"suffix\"\nkind = \"allow\"\n\
         categories = [\"porn\"]\n"
    );
    let server = server(&upstream, MODEL, &lists);
    assert_eq!(ede(&server, 9, SPELT), Some(17));
    assert_eq!(ede(&server, 9, &format!("school.{SPELT}")), None, "listed as good");
    assert_eq!(ede(&server, 9, "sex-porn-xxx-tube.com"), None, "lifted by the operator's own list");
    for name in ["tongdai111.vn", "www.childline.org.uk", "vnexpress.net", "www.youtube.com"] {
        assert!(explained(&server, "mai", name)["guess"].is_null(), "{name}");
    }
    // A guardian's word comes before any guess.
    let text = fs::read_to_string(&server.config).unwrap();
    fs::write(&server.config, text.replace("chosen.example", SPELT)).unwrap();
    server.reload();
    assert_eq!(ede(&server, 9, SPELT), None);
    assert_eq!(explained(&server, "mai", SPELT)["verdict"], "allow");
}

#[test]
fn without_a_model_only_imitations_are_seen() {
    let upstream = Upstream::start();
    let server = server(&upstream, "none", "");
    assert_eq!((ede(&server, 9, SPELT), ede(&server, 9, PRETENDS)), (None, Some(15)));
    // A file that is none is told of, and guesses nothing.
    let folder = TempDir::new().unwrap();
    let broken = folder.path().join("model");
    fs::write(&broken, &fs::read(MODEL).unwrap()[..5000]).unwrap();
    let text = fs::read_to_string(&server.config).unwrap();
    fs::write(&server.config, text.replacen("model = \"none\"", &format!("model = {broken:?}"), 1)).unwrap();
    server.reload();
    assert_eq!((ede(&server, 9, SPELT), ede(&server, 9, PRETENDS)), (None, Some(15)));
    assert!(server.log().contains("no name is guessed at by its spelling"), "{}", server.log());
}

#[test]
fn a_model_that_both_authorities_sign_is_taken() {
    let (country, upstream) = (Country::found(), Upstream::start());
    country.propose(&["casino.example"]);
    let none = country.path("none");
    fs::write(&none, "no model").unwrap();
    let proposals = country.path("proposals");
    let told = bad(&["hub", "build", &proposals, "--day", "2026-11-26", "-o", &none, "--model", &none]);
    assert!(told.contains("none"), "{told}");
    for (side, authority) in [("a", &country.a), ("b", &country.b)] {
        let out = country.path(&format!("one-{side}"));
        good(&["hub", "build", &proposals, "--day", "2026-11-26", "-o", &out, "--model", MODEL]);
        authority.publish(&["--release", &out]);
    }
    let server = start_box(&country, &upstream);
    wait_for_version(&server, 1.0);
    let shelf = server.config.parent().unwrap().join("state/signed");
    let kept = fs::read_dir(shelf).unwrap().flatten().map(|entry| entry.path());
    let models: Vec<_> = kept.filter(|path| path.extension().is_some_and(|end| end == "model")).collect();
    assert_eq!(models.len(), 1);
    assert_eq!(fs::read(&models[0]).unwrap(), fs::read(MODEL).unwrap());
    assert_eq!(server.ask(SPELT, "A").ede_code(), Some(17));
}

#[test]
fn what_was_met_is_kept_without_a_name() {
    let upstream = Upstream::start();
    let server = server(&upstream, MODEL, "");
    assert_eq!(ede(&server, 13, "met-by-somebody.example"), None);
    let (folder, config) = (Arc::clone(&server.folder), server.config.clone());
    let state = folder.path().join("state");
    server.stop();
    let kept = fs::read(state.join("seen.bin")).unwrap();
    assert_eq!(kept.len(), 131_104);
    let bits: u32 = kept[32..].iter().map(|octet| octet.count_ones()).sum();
    let of = 8 * 131_072 / 8;
    assert!(bits.abs_diff(of) < 4000, "{bits} of about {of} are set by chance");
    assert!(!kept.windows(6).any(|window| window == b"met-by"));
    let output = run(&["-c", config.to_str().unwrap(), "explain", SPELT, "--json"], "");
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(told["guess"]["is_new"].is_boolean(), "{told}");
}
