//! What a guardian says holds at once, at the doors, and ends by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use harness::family::{BE, DESK, Household, LINH, MAI, NAM, people, soon};
use harness::http::Client;
use serde_json::{Value, json};

const MONDAY: &str = "2027-03-01T16:00:00Z";
/// What takes effect at once does so within this.
const AT_ONCE: Duration = Duration::from_secs(1);
/// What follows the clock does so within this: it is looked at once a second.
const BY_THE_CLOCK: Duration = Duration::from_secs(3);

fn household(of: impl Fn(&str) -> String) -> Household {
    let list = vec!["casino.example".to_string(), "friends.example".to_string()];
    Household::open(MONDAY, &[("gambling", list)], &people(of))
}

#[test]
fn a_grant_holds_at_once_and_locks_itself_again() {
    let home = household(|_| String::new());
    let guardian = home.guardian();
    assert!(home.is_refused(MAI, "www.casino.example"));
    let body = json!({ "profile": "mai", "what": "name:casino.example", "lasts": { "minutes": 15 } });
    guardian.api("POST", "/grants", &body).expect(201);
    soon("the grant", AT_ONCE, || !home.is_refused(MAI, "www.casino.example"));
    assert!(home.is_refused(NAM, "www.casino.example"), "a grant is one child's");
    assert!(home.is_refused(MAI, "www.friends.example"), "a grant is for one name");
    home.clock.add_secs(14.0 * 60.0);
    assert!(!home.is_refused(MAI, "www.casino.example"));
    home.clock.add_secs(61.0);
    soon("the end of the grant", BY_THE_CLOCK, || home.is_refused(MAI, "www.casino.example"));
    assert_eq!(guardian.api("GET", "/grants", &Value::Null).json(), json!([]));

    let row = guardian.api("POST", "/grants", &body).expect(201).json();
    soon("the second grant", AT_ONCE, || !home.is_refused(MAI, "www.casino.example"));
    guardian.api("DELETE", &format!("/grants/{}", row["id"]), &Value::Null).expect(204);
    soon("the grant taken back", AT_ONCE, || home.is_refused(MAI, "www.casino.example"));
}

#[test]
fn a_pause_of_a_child_a_device_and_the_house() {
    let home = household(|_| String::new());
    let guardian = home.guardian();
    let paused = |addr: Ipv4Addr| home.is_refused(addr, "wikipedia.org");
    let cases: [(String, &[Ipv4Addr], &[Ipv4Addr]); 3] = [
        ("profile:mai".into(), &[MAI], &[NAM, LINH, DESK]),
        (format!("device:{NAM}"), &[NAM], &[MAI, LINH, DESK]),
        ("house".into(), &[MAI, NAM, LINH, BE], &[DESK]),
    ];
    for (who, those, others) in cases {
        let body = json!({ "who": who, "lasts": { "minutes": 30 } });
        guardian.api("POST", "/pauses", &body).expect(201);
        soon(&who, AT_ONCE, || those.iter().all(|addr| paused(*addr)));
        assert!(!others.iter().any(|addr| paused(*addr)), "{who} pauses others too");
        assert!(!home.is_refused(those[0], "childline.org.uk"), "help is there in a pause");
        guardian.api("DELETE", &format!("/pauses?who={who}"), &Value::Null).expect(204);
        soon("the end by a guardian", AT_ONCE, || !those.iter().any(|addr| paused(*addr)));
        guardian.api("POST", "/pauses", &body).expect(201);
        soon(&who, AT_ONCE, || paused(those[0]));
        home.clock.add_secs(30.0 * 60.0 + 1.0);
        soon("the end by itself", BY_THE_CLOCK, || !those.iter().any(|addr| paused(*addr)));
    }
}

/// What the child's page says of the budget of three minutes.
fn left(minutes: u32) -> String {
    format!("{minutes} of 3 minutes left")
}

/// The hidden field that a form on the child's page carries.
fn token(child: &Client) -> String {
    child.api("GET", "/me", &Value::Null).expect(200).json()["csrf"].as_str().unwrap().to_string()
}

fn ask(child: &Client, name: &str) {
    let csrf = token(child);
    child.form("/ask", &[("csrf", &csrf), ("name", name), ("note", "please")]).expect(200);
}

fn answer(guardian: &Client, answer: &str) -> harness::http::Reply {
    let requests = guardian.api("GET", "/requests", &Value::Null).json();
    let id = requests[0]["id"].clone();
    assert_eq!(requests[0]["answer"], Value::Null, "{requests}");
    guardian.api("POST", &format!("/requests/{id}/answer"), &json!({ "answer": answer, "reason": "a visit" }))
}

#[test]
fn what_a_child_asked_for_is_there_within_a_second() {
    let home = household(|_| String::new());
    let guardian = home.guardian();
    let mai = home.client(MAI);
    home.refused(MAI, "www.casino.example");
    ask(&mai, "www.casino.example");
    let seen = guardian.api("GET", "/requests", &Value::Null).json();
    assert_eq!((&seen[0]["name"], &seen[0]["profile"]), (&json!("www.casino.example"), &json!("mai")));
    answer(&guardian, "hour").expect(204);
    soon("the approval", AT_ONCE, || !home.is_refused(MAI, "www.casino.example"));
    let told = mai.api("GET", "/me/requests", &Value::Null).json();
    assert_eq!((&told[0]["answer"], &told[0]["reason"]), (&json!("hour"), &json!("a visit")));
    home.clock.add_secs(3601.0);
    soon("the end of the hour", BY_THE_CLOCK, || home.is_refused(MAI, "www.casino.example"));
    // A form without its field, and one from elsewhere, ask for nothing.
    mai.form("/ask", &[("name", "www.friends.example")]).expect(403);
    mai.form("/ask", &[("csrf", &token(&home.client(NAM))), ("name", "www.friends.example")]).expect(403);
    assert_eq!(guardian.api("GET", "/requests", &Value::Null).json().as_array().unwrap().len(), 1);
}

#[test]
fn what_a_sixteen_year_old_asked_for_stays_hidden_and_works() {
    let home = household(|_| String::new());
    let guardian = home.guardian();
    let linh = home.client(LINH);
    home.refused(LINH, "www.casino.example");
    ask(&linh, "www.casino.example");
    // Else the rules, which guardians read, would name it.
    answer(&guardian, "always").expect(422);
    answer(&guardian, "once").expect(204);
    soon("the approval", AT_ONCE, || !home.is_refused(LINH, "www.casino.example"));
    assert_eq!(harness::memory::in_files(&home.state(), "www.casino.example"), [], "it is written nowhere");
    let grants = guardian.api("GET", "/grants", &Value::Null).json();
    assert_eq!(grants[0]["what"], "hidden");
    // Nor is it found by trying names.
    let explained = |name: &str| {
        let body = guardian.api("GET", &format!("/explain?profile=linh&name={name}"), &Value::Null).expect(200).body;
        body.replace(name, "NAME")
    };
    assert_eq!(explained("www.casino.example"), explained("other.casino.example"));
    guardian.api("DELETE", &format!("/grants/{}", grants[0]["id"]), &Value::Null).expect(204);
    soon("the grant taken back", AT_ONCE, || home.is_refused(LINH, "www.casino.example"));
    ask(&linh, "www.casino.example");
    answer(&guardian, "once").expect(204);
    soon("the second approval", AT_ONCE, || !home.is_refused(LINH, "www.casino.example"));
    home.clock.add_secs(901.0);
    soon("its end", BY_THE_CLOCK, || home.is_refused(LINH, "www.casino.example"));
}

#[test]
fn always_is_written_with_comments_kept() {
    let home =
        household(
            |name| if name == "mai" { "# our eldest\nblock = [\"gaming\"] # until June".into() } else { String::new() },
        );
    let guardian = home.guardian();
    let before = fs::read_to_string(&home.server.config).unwrap();
    home.refused(MAI, "www.casino.example");
    ask(&home.client(MAI), "www.casino.example");
    answer(&guardian, "always").expect(204);
    soon("the rule", AT_ONCE, || !home.is_refused(MAI, "www.casino.example"));
    let after = fs::read_to_string(&home.server.config).unwrap();
    assert!(after.contains("allow_names = [\"www.casino.example\"]"), "{after}");
    let lost: Vec<&str> = before.lines().filter(|line| !after.contains(line)).collect();
    assert!(lost.is_empty(), "{lost:?}");
    let previous = home.folder.path().join("luytre.toml.previous");
    assert_eq!(fs::read_to_string(previous).unwrap(), before);
    home.server.reload();
    assert!(!home.is_refused(MAI, "www.casino.example"), "it stays");
}

#[test]
fn a_budget_that_is_used_up_blocks_until_midnight() {
    let budget = "[[profile.budget]]\nname = \"videos\"\nof = [\"youtube\"]\nlimit = \"3m\"";
    let home = household(|name| if name == "nam" { budget.into() } else { String::new() });
    let used = |minutes: u32| {
        let page = home.client(NAM).with("Accept-Language", "en").get("/").expect(200).body;
        page.contains(&left(3 - minutes))
    };
    for minute in 1..=3u32 {
        // Watching goes on, so that the second in which the program begins to count does not matter.
        let watched = || home.is_refused(NAM, "www.youtube.com");
        if minute < 3 {
            soon(&format!("minute {minute} counted"), BY_THE_CLOCK, || !watched() && used(minute));
            home.clock.add_secs(60.0);
        } else {
            soon("the end of the budget", BY_THE_CLOCK, watched);
        }
    }
    assert!(!home.is_refused(NAM, "wikipedia.org"));
    assert!(!home.is_refused(LINH, "www.youtube.com"));
    home.clock.set("2027-03-02T07:00:00Z");
    soon("a new day", BY_THE_CLOCK, || !home.is_refused(NAM, "www.youtube.com"));
}

#[test]
fn a_guardians_code_gives_time() {
    let bedtime =
        "[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"15:00\"\nto = \"06:30\"\nblock = [\"everything\"]";
    let home = household(|name| if name == "mai" { bedtime.into() } else { String::new() });
    let guardian = home.guardian();
    assert!(home.is_refused(MAI, "wikipedia.org"));
    let codes = guardian.api("GET", "/codes/mai", &Value::Null).expect(200).json();
    let quarter = codes.as_array().unwrap().iter().find(|code| code["lasts"] == "15").unwrap()["code"].clone();
    let mai = home.client(MAI);
    let csrf = token(&mai);
    mai.api("POST", "/me/code", &json!({ "code": "0000 0000", "csrf": csrf })).expect(422);
    let nam = home.client(NAM);
    nam.api("POST", "/me/code", &json!({ "code": quarter, "csrf": token(&nam) })).expect(422);
    mai.api("POST", "/me/code", &json!({ "code": quarter, "csrf": csrf })).expect(204);
    soon("the time", AT_ONCE, || !home.is_refused(MAI, "wikipedia.org"));
    assert!(home.is_refused(MAI, "www.casino.example"), "time, and nothing else");
    mai.api("POST", "/me/code", &json!({ "code": quarter, "csrf": csrf })).expect(422);
    home.clock.add_secs(901.0);
    soon("the end of the time", BY_THE_CLOCK, || home.is_refused(MAI, "wikipedia.org"));
}
