//! The desk at which people look at what enough homes met: by its commands and in a real browser, with the real build of both
//! authorities behind it, in a file and in PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::path::Path;
use std::process::Command;

use harness::authority::{bad, good};
use harness::browser::{Browser, Look};
use harness::country::Country;
use harness::desk::{Desk, PASSWORD, Served, Sitting, cookie_of, csrf_of, published};
use harness::postgres::Postgres;
use harness::{run, text};
use luytre::hub::database::{Database, Value};
use serde_json::json;
use tempfile::TempDir;

const LURE: (&str, &str) = ("lure-jobs.example", "trafficking_lure");
const PHISH: (&str, &str) = ("vietcornbank-login.example", "phishing_scam");

fn today() -> String {
    text(&Command::new("date").args(["-u", "+%F"]).output().unwrap().stdout).trim().to_string()
}

#[test]
fn a_candidate_goes_from_homes_to_both_authorities_and_back() {
    all_the_way(&Desk::new());
}

#[test]
fn the_same_in_postgresql() {
    let postgres = Postgres::start();
    all_the_way(&Desk::on(TempDir::new().unwrap(), postgres.url.clone()));
}

/// Every state, four eyes, the real build, and what may not be.
fn all_the_way(desk: &Desk) {
    let country = Country::found();
    let proposals = country.path("proposals");
    let with = ["--proposals", &*proposals];
    assert_eq!(desk.import(&published()), "0 new rows\n", "what is known does not change");
    assert!(desk.refused("ro", LURE.0, LURE.1, "verify", "seen", &[]).contains("not for the role reader"));
    assert!(desk.refused("lan", LURE.0, LURE.1, "propose", "protects", &with).contains("follows verified"));
    assert!(desk.refused("an", LURE.0, LURE.1, "verify", "harmless", &[]).contains("no reason to verify"));
    let long = "x".repeat(501);
    assert!(desk.refused("an", LURE.0, LURE.1, "verify", "seen", &["--note", &long]).contains("500"));
    assert!(desk.refused("an", "nobody.example", "malware", "verify", "seen", &[]).contains("no such candidate"));
    desk.done("lan", LURE.0, LURE.1, "verify", "seen", &["--note", "a form for passports"]);
    assert!(desk.refused("an", LURE.0, LURE.1, "propose", "protects", &with).contains("role analyst"));
    assert!(desk.refused("lan", LURE.0, LURE.1, "propose", "protects", &with).contains("four eyes"));
    assert!(desk.refused("minh", LURE.0, LURE.1, "propose", "protects", &[]).contains("no folder"));
    assert_eq!(desk.state(LURE.0), "verified");
    desk.done("minh", LURE.0, LURE.1, "propose", "protects", &with);

    // Both authorities build from it as it lies there.
    let day = today();
    country.build_on(&day, "one", None);
    let release: serde_json::Value =
        serde_json::from_slice(&fs::read(country.path("one-a/release.json")).unwrap()).unwrap();
    assert_eq!(release["categories"], json!({ "trafficking_lure": 1 }));
    assert_eq!(release["reasons"], json!({ "indicator": 1 }));
    let bundle = country.path(&format!("one-a/{}", release["bundle"]["path"].as_str().unwrap()));
    let look = |more: &[&str]| {
        let all = [&["hub", "triage", "look", "--database", &desk.database, "--proposals", &proposals], more].concat();
        good(&all)
    };
    assert_eq!(look(&[]), "0 listed\n");
    assert_eq!(look(&["--bundle", &bundle]), "1 listed\n");
    assert_eq!((desk.state(LURE.0), look(&["--bundle", &bundle])), ("listed".into(), "0 listed\n".into()));

    // A file that somebody lost is written anew; taken back, the name is gone from the next release.
    let file = Path::new(&proposals).join("triage.toml");
    let kept = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    look(&[]);
    assert_eq!(fs::read_to_string(&file).unwrap(), kept);
    assert!(desk.refused("an", LURE.0, LURE.1, "withdraw", "mistake", &with).contains("role analyst"));
    desk.done("lan", LURE.0, LURE.1, "withdraw", "appeal", &with);
    country.build_on(&day, "two", Some("one"));
    let release: serde_json::Value =
        serde_json::from_slice(&fs::read(country.path("two-a/release.json")).unwrap()).unwrap();
    assert_eq!((release["categories"].clone(), release["removed"].as_u64()), (json!({}), Some(1)));
    desk.done("minh", LURE.0, LURE.1, "reopen", "news", &with);
    desk.done("an", LURE.0, LURE.1, "reject", "gone", &with);
    assert_eq!(desk.state(LURE.0), "rejected");

    // A popular name is verified at most; help is not there at all.
    desk.done("an", "vnexpress.net", "malware", "verify", "seen", &[]);
    assert!(desk.refused("lan", "vnexpress.net", "malware", "propose", "protects", &with).contains("popular name"));
    let list = desk.list();
    assert!(!list.to_string().contains("tongdai111") && list.as_array().unwrap().len() == 4, "{list}");
    assert!(desk.refused("an", "tongdai111.vn", "bullying_dox", "verify", "seen", &[]).contains("no such candidate"));
    let phish = list.as_array().unwrap().iter().find(|one| one["name"] == PHISH.0).unwrap();
    assert!(phish["guess"]["imitates"].as_str().unwrap().contains("Vietcombank"), "{phish}");
    assert_eq!(phish["regions"], json!({ "7": 12 }), "fewer than five homes are not shown");
    the_record_holds(desk);
}

/// The chain is whole, and a row that is changed, taken out or cut off is noticed.
fn the_record_holds(desk: &Desk) {
    let audit = |more: &[&str]| [&["hub", "triage", "audit", "--database", &desk.database], more].concat().join("\n");
    let split = |all: &str| all.split('\n').map(str::to_string).collect::<Vec<_>>();
    let good_audit = |more: &[&str]| good(&split(&audit(more)).iter().map(String::as_str).collect::<Vec<_>>());
    let bad_audit = |more: &[&str]| bad(&split(&audit(more)).iter().map(String::as_str).collect::<Vec<_>>());
    let told = good_audit(&["--verify"]);
    let head = told.trim().rsplit(' ').next().unwrap().to_string();
    assert!(good_audit(&["--verify", "--noted", &head]).contains("rows hold"));
    let rows = good_audit(&[]);
    for part in
        ["lan\tpropose", "minh\tpropose\tlure-jobs.example trafficking_lure protects", "desk\tlist", "an\treject"]
    {
        assert_eq!(rows.contains(part), part != "lan\tpropose", "{part}: {rows}");
    }
    let database = Database::open(&desk.database).unwrap();
    let newest = |database: &Database| {
        database.query("SELECT COALESCE(MAX(id), 0) FROM triage_audit", &[]).unwrap()[0][0].int().unwrap()
    };
    let last = newest(&database);
    let cut = database.query(
        "SELECT id, at, account, deed, detail, previous, digest FROM triage_audit WHERE id = $1",
        &[Value::Int(last)],
    );
    let cut = cut.unwrap().remove(0);
    database.execute("DELETE FROM triage_audit WHERE id = $1", &[Value::Int(last)]).unwrap();
    assert!(good_audit(&["--verify"]).contains("rows hold"), "by itself a shorter chain is a chain");
    assert!(bad_audit(&["--verify", "--noted", &head]).contains("taken away"));
    let insert = "INSERT INTO triage_audit (id, at, account, deed, detail, previous, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    database.execute(insert, &cut).unwrap();
    good_audit(&["--verify", "--noted", &head]);
    database.execute("UPDATE triage_audit SET detail = $1 WHERE id = $2", &["other".into(), Value::Int(3)]).unwrap();
    assert!(bad_audit(&["--verify"]).contains("from row 3 on"));
    database.execute("DELETE FROM triage_audit WHERE id = $1", &[Value::Int(3)]).unwrap();
    assert!(bad_audit(&["--verify"]).contains("from row 3 on"));
}

#[test]
fn what_operators_would_never_publish_is_not_taken_in() {
    let desk = Desk::new();
    let good_one = published()["indicators"][0].clone();
    let with = |key: &str, value: serde_json::Value| {
        let mut one = good_one.clone();
        one[key] = value;
        json!({ "indicators": [one] })
    };
    for (published, says) in [
        (with("households", 9.into()), "fewer than 10"),
        (with("category", "csam".into()), "not reported in the lane"),
        (with("category", "help".into()), "not reported in the lane"),
        (with("category", "health_sexed".into()), "not reported in the lane"),
        (with("category", "malware".into()), "not reported in the lane"),
        (with("name", "www.lure-jobs.example".into()), "no registrable name"),
        (with("name", "no name".into()), "no name"),
        (with("regions", json!({ "64": 9 })), "region 64"),
        (with("address", "192.0.2.1".into()), "unknown field"),
        (json!({ "cells": [{ "epoch": 1, "cell": 216, "households": 1.0, "deviation": 1.0 }] }), "0 to 215"),
        (json!({ "batches": [{ "epoch": 1, "reports": 1, "variance": 0, "flip_one_in": 64 }] }), "without noise"),
    ] {
        let file = desk.path("bad.json");
        fs::write(&file, published.to_string()).unwrap();
        let told = bad(&["hub", "triage", "import", "--database", &desk.database, &file]);
        assert!(told.contains(says), "{says}: {told}");
    }
    for password in ["", "fourteen octet"] {
        let arguments = ["hub", "triage", "account", "add", "--database", &desk.database, "new", "--role", "reader"];
        assert!(text(&run(&arguments, password).stderr).contains("15 to 256"));
    }
}

#[test]
fn forms_are_ours_and_tries_are_limited() {
    let desk = Desk::new();
    let proposals = desk.path("proposals");
    fs::create_dir(&proposals).unwrap();
    let served = Served::start(&["triage", "serve", "--database", &desk.database, "--proposals", &proposals]);
    let nobody = served.client();
    for path in ["/candidate?name=a&category=malware", "/statistics", "/ledger", "/audit"] {
        let reply = nobody.get(path).expect(401);
        assert!(!reply.body.contains("lure-jobs"));
    }
    assert!(!nobody.get("/").expect(200).body.contains("lure-jobs"));
    nobody.form("/step", &[("name", LURE.0)]).expect(401);
    nobody.form("/sign-in", &[("name", "an"), ("password", PASSWORD)]).expect(403);
    let door = nobody.get("/sign-in").expect(200);
    let cookie = cookie_of(&door);
    let forged =
        nobody.with("Cookie", &cookie).form("/sign-in", &[("csrf", "0"), ("name", "an"), ("password", PASSWORD)]);
    forged.expect(403);
    let reply = Sitting::sign_in(&served, "an", PASSWORD).expect(303);
    let set = reply.header("set-cookie").unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("Secure"), "{set}");
    let proxied = nobody.with("Host", "desk.example").get("/sign-in").expect(200);
    assert!(proxied.header("set-cookie").unwrap().contains("; Secure"));

    let an = Sitting::of(&served, "an");
    let page = an.client.get("/").expect(200);
    assert!(page.header("content-security-policy").unwrap().contains("default-src 'none'"));
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let step = [("name", LURE.0), ("category", LURE.1), ("step", "verify"), ("reason", "seen"), ("note", "")];
    an.client.form("/step", &step).expect(403);
    let other = Sitting::of(&served, "an");
    an.client.form("/step", &[&step[..], &[("csrf", &*other.csrf)]].concat()).expect(403);
    let cross = an.client.with("Sec-Fetch-Site", "cross-site");
    cross.form("/step", &[&step[..], &[("csrf", &*an.csrf)]].concat()).expect(403);
    assert_eq!(desk.state(LURE.0), "new");
    an.step(LURE.0, LURE.1, "verify", "seen", "").expect(303);
    assert_eq!(desk.state(LURE.0), "verified");
    let told = an.step(LURE.0, LURE.1, "propose", "protects", "").expect(409);
    assert!(told.body.contains("not for the role analyst"));
    an.step(LURE.0, LURE.1, "dance", "seen", "").expect(400);
    an.step("nobody.example", LURE.1, "verify", "seen", "").expect(404);
    an.client.get("/audit").expect(403);
    an.client.get("/candidate?name=tongdai111.vn&category=bullying_dox").expect(404);
    for path in ["/", "/?state=new&lane=harm&region=7", "/?page=99999999999999999999", "/?region=%00"] {
        assert!(!an.client.get(path).expect(200).body.contains("tongdai111"), "{path}");
    }
    assert!(Sitting::of(&served, "ada").client.get("/audit").expect(200).body.contains("chain holds"));
    an.client.request("PUT", "/", &[], "").expect(405);
    an.client.form("/step", &[("note", &"x".repeat(70_000))]).expect(413);
    assert_eq!(an.client.get("/language/vi?back=//evil.example").expect(303).header("location"), Some("/"));
    an.client.form("/sign-out", &[("csrf", &*an.csrf)]).expect(303);
    an.client.get("/ledger").expect(401);

    for _ in 0..6 {
        Sitting::sign_in(&served, "ro", "a wrong password").expect(403);
    }
    let waits = Sitting::sign_in(&served, "ro", PASSWORD).expect(403);
    assert!(waits.body.contains("giây") || waits.body.contains("seconds"), "{}", waits.body);
    let arguments = ["hub", "triage", "account", "remove", "--database", &desk.database, "minh"];
    let minh = Sitting::of(&served, "minh");
    good(&arguments);
    minh.client.get("/ledger").expect(401);
}

#[test]
fn the_pages_work_in_a_browser_for_everybody() {
    let desk = Desk::new();
    let proposals = desk.path("proposals");
    fs::create_dir(&proposals).unwrap();
    let served = Served::start(&["triage", "serve", "--database", &desk.database, "--proposals", &proposals]);
    let at = |path: &str| format!("http://{}{path}", served.addr);
    let browser = Browser::open(&Look::default().without_script());
    browser.go(&at("/"));
    let check = |name: &str| {
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": false }));
        for width in [320, 1280] {
            browser.resize(width, 900);
            assert!(!browser.scrolls_sideways(), "{name} at {width}");
            browser.assert_accessible();
            browser.screenshot_whole(format!("screenshots/desk-{name}-{width}.png"));
        }
        assert!(
            !browser.source().contains("desk-state-") && !browser.text().contains("desk-"),
            "{name} has a bare key"
        );
        browser.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true }));
    };
    check("sign-in");
    let sign_in = |name: &str, password: &str| {
        browser.go(&at("/sign-in"));
        browser.find("#name").type_keys(name);
        browser.find("#password").type_keys(password);
        browser.find("main button").click();
    };
    sign_in("lan", "not the password at all");
    check("sign-in-wrong");
    sign_in("lan", PASSWORD);
    check("list");
    assert!(browser.text().contains("lure-jobs.example") && !browser.text().contains("tongdai111"));
    browser.go(&at("/?lane=security"));
    assert!(!browser.text().contains("lure-jobs.example") && browser.text().contains(PHISH.0));
    browser.find(&format!("a[href*='{}']", PHISH.0)).click();
    browser.wait_until("the candidate", harness::PATIENCE, |browser| browser.text().contains("Vietcombank"));
    check("candidate");
    browser.find("#note-verify").type_keys("asks for passwords of a bank");
    browser.find("button[value=verify]").click();
    browser.wait_until("the step", harness::PATIENCE, |browser| browser.text().contains("asks for passwords"));
    browser.find("button[value=propose]").click();
    browser.wait_until("four eyes", harness::PATIENCE, |browser| browser.text().contains("four eyes"));
    check("candidate-refused");
    browser.go(&at("/statistics?group=18"));
    assert!(browser.text().contains("89.5") || browser.text().contains("90"), "{}", browser.text());
    assert_eq!(browser.all("svg.chart").len(), 2);
    check("statistics");
    browser.go(&at("/statistics?group=0"));
    assert!(browser.text().contains("Below the noise"));
    browser.go(&at("/ledger"));
    assert!(browser.text().contains("spent ρ 0.034904014"), "{}", browser.text());
    check("ledger");
    browser.go(&at("/nowhere"));
    check("wrong");
    browser.go(&at("/language/vi?back=%2F"));
    assert!(browser.text().contains("Tên cần xem"), "{}", browser.text());
    check("list-vi");
    browser.delete_cookies();
    sign_in("ada", PASSWORD);
    browser.wait_until("a seat at the desk", harness::PATIENCE, |browser| browser.text().contains("ada"));
    browser.go(&at("/audit"));
    check("audit");
    assert!(csrf_of(&browser.source()).len() == 32);
}
