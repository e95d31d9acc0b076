//! What the desk of the authorities does beside listing: appeals, criteria, the public site.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::path::Path;

use harness::authority::{Web, bad, good, make_key};
use harness::browser::{Browser, Look};
use harness::country::{Country, is_blocked, look, quiet_box, start, wait_for_version};
use harness::{Upstream, run, text};

const CRITERIA: &str = include_str!("../config/criteria.toml");

fn release(country: &Country, name: &str) -> serde_json::Value {
    let path = country.path(&format!("{name}-a/release.json"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The id under which an entry is appealed, as the lint tells it when it is wrong.
fn id_of(entry: &str) -> String {
    let folder = tempfile::TempDir::new().unwrap();
    let text = format!(
        "schema = \"appeals/1\"\n[[appeal]]\nid = \"0000-0000-0000\"\nentry = \"{entry}\"\ncategory = \"gambling\"\n\
         ground = \"help\"\nopened = \"2026-11-02\"\n"
    );
    fs::write(folder.path().join("appeals.toml"), text).unwrap();
    let told = bad(&["hub", "appeals", "list", folder.path().to_str().unwrap()]);
    told.split("this entry is ").nth(1).unwrap().trim().to_string()
}

#[test]
fn an_appeal_has_a_state_and_a_day() {
    let country = Country::found();
    country.propose(&["casino.example", "bets.example"]);
    let names = country.path("proposals/names.txt");
    fs::write(&names, "poker.example\ncards.example\n").unwrap();
    let sum = text(&std::process::Command::new("sha256sum").arg(&names).output().unwrap().stdout)[..64].to_string();
    let bulk = format!(
        "schema = \"proposals/1\"\n[[bulk]]\nnames = \"names.txt\"\nsha256 = \"{sum}\"\nmatch = \"suffix\"\n\
         category = \"gambling\"\nreason = \"list\"\nproposer = \"desk\"\nissued = \"2026-11-01\"\nexpires = \"2027-03-01\"\n"
    );
    fs::write(country.path("proposals/bulk.toml"), bulk).unwrap();
    let proposals = country.path("proposals");
    let appeals = |arguments: &[&str]| {
        let all = [&["hub", "appeals", arguments[0], &proposals][..], &arguments[1..]].concat();
        good(&all)
    };
    let (casino, poker) = (id_of("casino.example"), id_of("poker.example"));
    // Of a name in a bulk file as of a single one; written as people write it.
    let typed = poker.to_lowercase().replace('-', " ");
    assert!(appeals(&["open", &typed, "--ground", "education", "--day", "2026-11-03"]).contains("rests"));
    assert!(appeals(&["open", &casino, "--ground", "mistake", "--day", "2026-11-03"]).contains("stays in force"));
    assert!(
        bad(&["hub", "appeals", "open", &proposals, &casino, "--ground", "help"]).contains("open since 2026-11-03")
    );
    let unknown = id_of("nobody.example");
    assert!(bad(&["hub", "appeals", "open", &proposals, &unknown, "--ground", "help"]).contains("no proposed entry"));
    assert!(bad(&["hub", "appeals", "open", &proposals, &casino, "--ground", "rude"]).contains("none of help"));
    assert!(bad(&["hub", "appeals", "decide", &proposals, &unknown, "upheld"]).contains("no appeal of"));
    assert_eq!(appeals(&["list", "--left-out", "--day", "2026-11-04"]), "poker.example\n");
    let listed = appeals(&["list", "--day", "2026-11-18"]);
    assert!(
        listed.contains("overdue") && listed.ends_with("2 open (1 entries rest), 0 upheld, 0 rejected\n"),
        "{listed}"
    );

    country.build_on("2026-11-04", "one", None);
    let one = release(&country, "one");
    assert_eq!(one["categories"]["gambling"], 3, "{one}");
    assert_eq!(one["appeals"].to_string(), r#"{"open":2,"rejected":0,"suspended":1,"upheld":0}"#);
    // What is exported says the same.
    let exported = good(&["hub", "export", "domains", &proposals, "--category", "gambling", "--day", "2026-11-04"]);
    assert!(exported.contains("cards.example") && !exported.contains("poker.example"), "{exported}");

    appeals(&["decide", &poker, "rejected", "--day", "2026-11-05"]);
    assert!(appeals(&["decide", &casino, "upheld", "--day", "2026-11-05"]).contains("remove the proposal"));
    appeals(&["open", &poker, "--ground", "help", "--day", "2026-11-06"]);
    country.build_on("2026-11-06", "two", Some("one"));
    let two = release(&country, "two");
    assert_eq!((two["removed"].as_u64(), two["added"].as_u64()), (Some(1), Some(1)), "{two}");
    assert_eq!(two["appeals"].to_string(), r#"{"open":1,"rejected":1,"suspended":0,"upheld":1}"#);
    let rows: serde_json::Value =
        serde_json::from_str(&appeals(&["list", "--json", "--open", "--day", "2026-11-06"])).unwrap();
    assert_eq!(rows["appeals"].as_array().unwrap().len(), 1);
    // Nothing of whoever appealed has a place in the file.
    let path = country.path("proposals/appeals.toml");
    let kept = fs::read_to_string(&path).unwrap();
    fs::write(&path, kept.replacen("ground", "phone = \"0900000000\"\nground", 1)).unwrap();
    assert!(
        bad(&["hub", "build", &proposals, "--day", "2026-11-06", "-o", &country.path("x")]).contains("unknown key")
    );
}

/// The criteria with gambling asked about instead of refused, from ten on.
fn gentle() -> String {
    let (before, rest) = CRITERIA.split_once("categories = [\"gambling\"]").expect("a criterion of its own");
    let (bands, rest) = rest.split_once('}').unwrap();
    let older = ["10-12", "13-15", "16-17"];
    let asks = |bands: String, band: &&str| {
        bands.replace(&format!("\"{band}\" = \"block\""), &format!("\"{band}\" = \"ask\""))
    };
    let bands = older.iter().fold(bands.to_string(), asks);
    format!("{before}categories = [\"gambling\"]{bands}}}{rest}")
}

#[test]
fn criteria_that_both_sign_hold_until_the_operator_has_their_own() {
    let (country, upstream) = (Country::with_a_release(), Upstream::start());
    let server = start(&country, &upstream);
    wait_for_version(&server, 1.0);
    let action = |config: &[&str]| {
        let told = text(&server.command(&[&["explain", "casino.example", "--json"], config].concat()).stdout);
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        told["verdict"].as_str().unwrap_or_else(|| panic!("{told}")).to_string()
    };
    assert_eq!(action(&[]), "block");
    fs::write(country.path("proposals/criteria.toml"), gentle()).unwrap();
    country.build("two", Some("one"));
    country.publish("two");
    wait_for_version(&server, 2.0);
    assert_eq!(action(&[]), "ask", "by what both signed");
    // Faults in it are told to whoever builds.
    fs::write(country.path("proposals/criteria.toml"), gentle().replace("\"ask\"", "\"perhaps\"")).unwrap();
    let told = bad(&["hub", "build", &country.path("proposals"), "--day", "2026-11-26", "-o", &country.path("x")]);
    assert!(told.contains("criteria.toml:") && told.contains("unknown action \"perhaps\""), "{told}");
    assert!(is_blocked(&server, "casino.example"), "asking is a refusal until somebody says yes");
    // Without the file the built-in criteria hold again.
    fs::remove_file(country.path("proposals/criteria.toml")).unwrap();
    country.build("three", Some("two"));
    country.publish("three");
    wait_for_version(&server, 3.0);
    assert_eq!(action(&[]), "block");
}

#[test]
fn criteria_of_one_side_or_against_children_are_refused() {
    let country = Country::found();
    country.propose(&["casino.example"]);
    fs::write(country.path("proposals/criteria.toml"), gentle()).unwrap();
    country.build("one", None);
    country.publish("one");
    let (state, config) = quiet_box(&country, "box");
    assert!(look(&config).contains("release 1 taken"));
    let explained = || text(&run(&["-c", config.to_str().unwrap(), "explain", "casino.example"], "").stdout);
    assert!(explained().contains("ask"), "{}", explained());
    // Somebody changed the file on one web server; the other one has it as it was signed.
    let of = |side: &Path| {
        let targets = side.join("repository/targets");
        let listed = fs::read_dir(targets).unwrap().flatten().map(|entry| entry.path());
        listed.filter(|path| path.to_str().unwrap().contains("criteria-2")).collect::<Vec<_>>()
    };
    country.propose(&["casino.example", "bets.example"]);
    country.build("two", Some("one"));
    country.publish("two");
    for path in of(&country.a.folder) {
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("ask", "all", 1)).unwrap();
    }
    assert!(look(&config).contains("release 2 taken"));
    // Criteria that would take education away from children are held back.
    let (before, rest) = CRITERIA.split_once("categories = [\"education_kids\"]").expect("a criterion of its own");
    let (bands, rest) = rest.split_once('}').unwrap();
    let cruel = format!("{before}categories = [\"education_kids\"]{}}}{rest}", bands.replace("allow", "block"));
    fs::write(country.path("proposals/criteria.toml"), cruel).unwrap();
    country.build("three", Some("two"));
    country.publish("three");
    let told = look(&config);
    assert!(told.contains("refused (held)") && told.contains("would refuse `education_kids`"), "{told}");
    assert!(explained().contains("ask"), "{}", explained());
    // The operator's own criteria come first.
    let own = config.with_file_name("own.toml");
    fs::write(&own, CRITERIA).unwrap();
    let text = fs::read_to_string(&config).unwrap().replacen("version = 1", "version = 1\ncriteria = \"own.toml\"", 1);
    fs::write(&config, text).unwrap();
    assert!(!explained().contains("ask"), "{}", explained());
    assert!(state.is_dir());
}

#[test]
fn the_public_site_tells_how_much_and_why_and_names_nothing() {
    let country = Country::found();
    let key = country.path("log-key");
    make_key(Path::new(&key));
    let (log, site) = (country.path("log"), country.path("site"));
    let write = |more: &[&str]| {
        let all = [&["hub", "site", &log, "--name", "lists.example/log", "-o", &site], more].concat();
        run(&all, "")
    };
    let told = write(&[]);
    assert!(told.status.success(), "an empty log is a site, too: {}", text(&told.stderr));
    assert!(
        fs::read_to_string(country.path("site/en/index.html")).unwrap().contains("Nothing has been published yet.")
    );

    let terms = "schema = \"release/1\"\nauthority_a = { vi = \"Cơ quan <A>\", en = \"Agency <A>\" }\n\
                 authority_b = { vi = \"Cơ quan B\", en = \"Agency B\" }\n";
    fs::write(country.path("proposals/release.toml"), terms).unwrap();
    country.propose(&["casino.example", "bets.example"]);
    country.build("one", None);
    fs::write(country.path("proposals/criteria.toml"), gentle()).unwrap();
    country.propose(&["casino.example", "bets.example", "new.example"]);
    good(&[
        "hub",
        "appeals",
        "open",
        &country.path("proposals"),
        &id_of("bets.example"),
        "--ground",
        "help",
        "--day",
        "2026-11-26",
    ]);
    country.build("two", Some("one"));
    for release in ["one-a", "two-a"] {
        let file = country.path(&format!("{release}/release.json"));
        good(&["hub", "log", "append", &log, "--name", "lists.example/log", "--key", &key, &file]);
    }
    assert!(text(&write(&[]).stderr).contains("criteria-2.toml"), "the criteria it names are wanted");
    let wrong = write(&["--criteria", &country.path("proposals/desk.toml")]);
    assert!(text(&wrong.stderr).contains("is not the criteria-2.toml"), "{}", text(&wrong.stderr));
    let criteria = country.path("two-a/criteria-2.toml");
    let told = write(&["--criteria", &criteria, "--contact", "111"]);
    assert!(told.status.success(), "{}", text(&told.stderr));

    let page = |file: &str| fs::read_to_string(country.path(&format!("site/{file}"))).unwrap();
    let index = page("en/index.html");
    for part in [
        "Release 2",
        "2 entries",
        "1 came, 1 went",
        "1 open, and 1 of their entries rest",
        "Agency &#60;A&#62; · Agency B",
    ] {
        assert!(index.contains(part), "{part}: {index}");
    }
    assert!(
        page("en/criteria.html").contains("signed by both authorities")
            && page("en/appeal.html").contains("<strong>111</strong>")
    );
    let rows: serde_json::Value = serde_json::from_str(&page("releases.json")).unwrap();
    assert_eq!(
        (rows.as_array().unwrap().len(), rows[0]["version"].as_u64(), rows[0]["entries"].as_u64()),
        (2, Some(2), Some(2))
    );
    for file in [
        "index.html",
        "criteria.html",
        "appeal.html",
        "en/index.html",
        "en/criteria.html",
        "en/appeal.html",
        "releases.json",
    ] {
        let text = page(file);
        assert!(!text.contains("casino.example") && !text.contains("bets.example"), "{file} names what is listed");
        assert!(!text.contains("site-") || file == "releases.json", "{file} has a text without a language");
    }

    let web = Web::start(site.clone().into());
    let browser = Browser::open(&Look::default());
    for file in ["index.html", "criteria.html", "appeal.html", "en/index.html", "en/criteria.html", "en/appeal.html"] {
        browser.go(&format!("http://{}/{file}", web.addr));
        browser.assert_accessible();
        for width in [320, 1280] {
            browser.resize(width, 900);
            assert!(!browser.scrolls_sideways(), "{file} at {width}");
            browser.screenshot_whole(format!("screenshots/site-{}-{width}.png", file.replace(['/', '.'], "-")));
        }
    }
    // Every link of a page leads to a page.
    browser.go(&format!("http://{}/en/index.html", web.addr));
    let links: Vec<String> =
        browser.all("a[href]").iter().map(|link| link.property("href").as_str().unwrap().to_string()).collect();
    assert!(links.len() > 6, "{links:?}");
    for link in links.iter().filter(|link| link.starts_with("http")) {
        let path = link.split_once(&web.addr.to_string()).unwrap().1.split('#').next().unwrap();
        assert!(Path::new(&site).join(path.trim_start_matches('/')).is_file(), "{link}");
    }

    // A log that was changed is not told of.
    let entries = country.path("log/tile/entries");
    let tile = walk(Path::new(&entries));
    let octets = fs::read(&tile).unwrap();
    let changed = String::from_utf8_lossy(&octets).replace("\"added\": 2", "\"added\": 3");
    fs::write(&tile, changed.as_bytes()).unwrap();
    assert!(!write(&["--criteria", &criteria]).status.success());
}

/// The newest file below a folder: the partial tile with both entries.
fn walk(folder: &Path) -> std::path::PathBuf {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.into_iter().max_by_key(|file| fs::metadata(file).unwrap().len()).unwrap()
}
