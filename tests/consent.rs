//! Who is asked before anything is told about a household, that nobody can be pressed over an answer, and a page for one's own
//! words that never leaves the browser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use harness::PATIENCE;
use harness::browser::{Browser, Look};
use harness::family::{BE, DESK, Household, LINH, MAI, NAM, PASSWORD, TOT, people, soon};
use harness::http::{Client, Reply};
use harness::schemathesis::schemathesis;
use harness::text;
use serde_json::{Value, json};

const MONDAY: &str = "2027-03-01T16:00:00Z";
/// A device that belongs to nobody.
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);
/// Where the browser sits.
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn household() -> Household {
    let lists = [("grooming", vec!["lure.example".to_string()])];
    Household::open(MONDAY, &lists, &people(|_| String::new()))
}

/// The same, and the browser sits at that child's device.
fn household_of(name: &str) -> Household {
    let more = format!("[[device]]\nprofile = \"{name}\"\naddress = [\"{HERE}\"]\n");
    Household::open(MONDAY, &[], &format!("{}{more}", people(|_| String::new())))
}

/// What the portal gives a device to send back.
fn token(device: &Client) -> String {
    device.api("GET", "/me", &Value::Null).json()["csrf"].as_str().unwrap().to_string()
}

/// Answers as a child does, with the form of its own device's page.
fn answer(home: &Household, from: Ipv4Addr, yes: bool) -> Reply {
    let device = home.client(from);
    device.form("/reports", &[("csrf", &token(&device)), ("answer", if yes { "yes" } else { "no" })])
}

fn state(guardian: &Client) -> Value {
    guardian.api("GET", "/reports", &Value::Null).expect(200).json()
}

fn why(guardian: &Client) -> String {
    let state = state(guardian);
    assert_eq!(state["mode"], "off");
    state["why"].as_str().unwrap().to_string()
}

fn agree(guardian: &Client, yes: bool) {
    guardian.api("PUT", "/reports/consent", &json!({ "agree": yes })).expect(204);
}

#[test]
fn nothing_is_told_until_everybody_agreed_and_anybody_can_stop_it() {
    let home = household();
    let guardian = home.guardian();
    assert_eq!(why(&guardian), "guardian", "off by default");
    assert_eq!(state(&guardian)["children_asked"], 4, "be, mai, nam and linh; tot is too young, guests are nobody");
    for from in [BE, NAM, LINH] {
        answer(&home, from, true).expect(303);
    }
    agree(&guardian, true);
    assert_eq!(why(&guardian), "child", "one child of ten has not agreed");
    assert_eq!(state(&guardian)["children"], false);
    // A device that is paused has rules of its own for a while, and belongs to the same child.
    let pause = json!({ "who": format!("device:{MAI}"), "lasts": { "minutes": 60 } });
    guardian.api("POST", "/pauses", &pause).expect(201);
    assert_eq!(state(&guardian)["children_asked"], 4);
    answer(&home, MAI, true).expect(303);
    assert_eq!(state(&guardian)["children"], true);
    assert_eq!(why(&guardian), "nobody", "now only receivers are missing");
    answer(&home, MAI, false).expect(303);
    assert_eq!(why(&guardian), "child", "a child took it back");
    answer(&home, MAI, true).expect(303);
    agree(&guardian, false);
    assert_eq!(why(&guardian), "guardian", "the guardian took it back");
}

#[test]
fn nobody_learns_what_a_child_answered() {
    let home = household();
    let guardian = home.guardian();
    agree(&guardian, true);
    let paths = ["/reports", "/acts", "/profiles", "/requests", "/settings", "/seen", "/profiles/mai/acts", "/me/acts"];
    let pages = ["/dashboard", "/dashboard/settings/acts", "/dashboard/children", "/dashboard/children/mai"];
    let seen = || -> Vec<String> {
        let api = paths.iter().map(|path| guardian.api("GET", path, &Value::Null).expect(200).body);
        let page = |path: &&str| without_nonce(&guardian.get(path).expect(200).body);
        api.chain(pages.iter().map(page)).collect()
    };
    let nobody = seen();
    for (agreeing, other) in [(MAI, NAM), (BE, LINH)] {
        answer(&home, agreeing, true).expect(303);
        assert_eq!(seen(), nobody, "a yes of one child of several moves nothing");
        answer(&home, other, false).expect(303);
        assert_eq!(seen(), nobody, "nor does a no");
    }
    let acts = guardian.api("GET", "/acts", &Value::Null).json();
    let about: Vec<&Value> = acts.as_array().unwrap().iter().filter(|act| act["deed"] == "reports").collect();
    assert_eq!(about.len(), 1, "the guardian's own act: {acts}");
    assert_eq!((&about[0]["by"], &about[0]["profile"]), (&json!("lan"), &Value::Null));
    assert!(!home.server.log().contains("mai"), "{}", home.server.log());
    // The check can fail: what is seen does move when the last of all agrees.
    for from in [NAM, LINH] {
        answer(&home, from, true).expect(303);
    }
    assert_ne!(seen(), nobody);
}

/// Without what differs on every page.
fn without_nonce(page: &str) -> String {
    page.split("nonce=\"").map(|part| part.split_once('"').map_or(part, |(_, rest)| rest)).collect()
}

#[test]
fn nobody_answers_for_another() {
    let home = household();
    let guardian = home.guardian();
    agree(&guardian, true);
    let account = json!({ "name": "mai", "password": PASSWORD, "role": "child", "profile": "mai" });
    guardian.api("POST", "/accounts", &account).expect(201);
    // The token of a sister's device is none here.
    let stolen = token(&home.client(MAI));
    home.client(NAM).form("/reports", &[("csrf", &stolen), ("answer", "yes")]).expect(403);
    home.client(MAI).form("/reports", &[("answer", "yes")]).expect(403);
    // A field that names another child changes nothing: the device says who it is.
    let nam = home.client(NAM);
    let fields = [("csrf", token(&nam)), ("answer", "yes".into()), ("profile", "mai".into()), ("name", "mai".into())];
    nam.form("/reports", &fields.each_ref().map(|(key, value)| (*key, value.as_str()))).expect(303);
    assert!(nam.get("/reports").body.contains("Bạn đã đồng ý"));
    assert!(home.client(MAI).get("/reports").body.contains("Em chưa đồng ý"));
    // The youngest, adults and strangers have no such page; nor has a child's account on another's device.
    let elsewhere = home.sign_in("mai");
    for other in [&home.client(TOT), &home.client(DESK), &home.client(STRANGER), &guardian, &elsewhere] {
        assert_eq!(other.get("/reports").status, 404, "{other:?}");
        assert_eq!(
            other.form("/reports", &[("csrf", &token(&home.client(other.from))), ("answer", "yes")]).status,
            404,
            "{other:?}"
        );
    }
    assert_eq!(state(&guardian)["children"], false);
    home.client(TOT).get("/").expect(200);
    assert!(!home.client(TOT).get("/").body.contains("/reports"));
    assert!(home.client(BE).get("/").body.contains("/reports"));
}

#[test]
fn a_household_of_the_youngest_asks_its_guardian_alone() {
    let people = "[defaults]\nprofile = \"tot\"\n[[profile]]\nname = \"tot\"\nborn = 2021\n";
    let home = Household::open(MONDAY, &[], people);
    let guardian = home.guardian();
    assert_eq!((state(&guardian)["children_asked"].clone(), why(&guardian)), (json!(0), "guardian".to_string()));
    agree(&guardian, true);
    assert_eq!(why(&guardian), "nobody");
    // Who reads only does not decide.
    let reader = home.program(&guardian, &["read"]);
    reader.api("PUT", "/reports/consent", &json!({ "agree": false })).expect(403);
    home.client(DESK).api("PUT", "/reports/consent", &json!({ "agree": true })).expect(401);
    home.client(DESK).api("GET", "/reports", &Value::Null).expect(401);
}

#[test]
fn names_of_ones_own_are_checked_and_few() {
    let home = household();
    let guardian = home.guardian();
    let add = |name: &str, category: &str| {
        guardian.api("POST", "/reports/names", &json!({ "name": name, "category": category }))
    };
    assert_eq!(add("Xau-Lam.com", "grooming").expect(201).json()["name"], "xau-lam.com");
    for (name, category, says) in [
        ("www.xau-lam.vn", "malware", "xau-lam.vn"),
        ("com.vn", "malware", "registrable"),
        ("a b", "malware", "not the name of a site"),
        ("tongdai111.vn", "malware", "a place that helps"),
        ("facebook.com", "malware", "everybody knows"),
        ("xau.com", "porn", "never reported"),
        ("xau.com", "csam", "never reported"),
    ] {
        let reply = add(name, category).expect(422);
        assert!(reply.body.contains(says), "{name} {category}: {reply:?}");
    }
    add("xau-lam.com", "malware").expect(409);
    for at in 1..50 {
        add(&format!("xau{at}.com"), "malware").expect(201);
    }
    assert!(add("xau50.com", "malware").expect(422).body.contains("50 names"));
    guardian.api("DELETE", "/reports/names/xau-lam.com", &Value::Null).expect(204);
    guardian.api("DELETE", "/reports/names/xau-lam.com", &Value::Null).expect(404);
    let names = guardian.api("GET", "/reports/names", &Value::Null).expect(200).json();
    assert_eq!(names.as_array().unwrap().len(), 49);
    // It is counted and blocks nothing, and its name is in no log.
    assert!(!home.is_refused(NAM, "xau7.com"));
    assert!(!guardian.api("GET", "/acts", &Value::Null).body.contains("xau"));
}

#[test]
fn whatever_is_asked_about_reports_it_does_not_fail() {
    let home = household();
    let guardian = home.guardian();
    let program = home.program(&guardian, &["read", "policy"]);
    let url = format!("http://{}/api/v1/openapi.json", home.pages);
    let header = format!("Authorization: {}", program.header("Authorization").unwrap());
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let arguments = ["--checks", checks, "-H", &header, "--include-path-regex", "^/reports"];
    let output = schemathesis(&url, &arguments);
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// Passes connections on to the pages, and keeps every octet that a browser sent.
struct Recorder {
    addr: SocketAddr,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Recorder {
    fn before(pages: SocketAddr) -> Recorder {
        let listener = TcpListener::bind((HERE, 0)).unwrap();
        let (addr, sent) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&sent);
        thread::spawn(move || {
            for browser in listener.incoming().map_while(Result::ok) {
                let Ok(pages) = TcpStream::connect(pages) else { return };
                let (from, to) = (pages.try_clone().unwrap(), browser.try_clone().unwrap());
                thread::spawn(move || pass(from, to, |_| ()));
                let kept = Arc::clone(&kept);
                thread::spawn(move || pass(browser, pages, |octets| kept.lock().unwrap().extend_from_slice(octets)));
            }
        });
        Recorder { addr, sent }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.sent.lock().unwrap()).into_owned()
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut piece = [0; 16 << 10];
    while let Ok(len @ 1..) = from.read(&mut piece) {
        see(&piece[..len]);
        if to.write_all(&piece[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn browser(look: Look) -> Browser {
    Browser::open(&look.argument("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"))
}

#[test]
fn a_draft_is_put_together_in_the_browser_and_sent_nowhere() {
    let home = household_of("mai");
    let recorder = Recorder::before(home.pages);
    let browser = browser(Look::default().language("vi"));
    browser.go(&recorder.url("/"));
    browser.find("main a[href='/tell']").click();
    browser.wait_until("the draft", PATIENCE, |browser| browser.try_find("#draft:not([hidden])").is_some());
    assert!(!browser.find("#paper").is_shown());
    let before = recorder.text();
    assert_eq!(before.matches("GET /tell").count(), 1, "{before}");

    browser.find("fieldset label:nth-of-type(2)").click();
    browser.find("#site").fill("khongnoiaibiet.example");
    browser.find("#words").fill("co nguoi la xin anh\nem so");
    browser.find("#number").fill("0900 000 000");
    let draft = browser.find("#text").text();
    for line in ["Người lạ rủ rê", "khongnoiaibiet.example", "em so", "0900 000 000", "gọi lại không? Không"]
    {
        assert!(draft.contains(line), "{line}: {draft}");
    }
    browser.find("#copy").click();
    assert!(!browser.find("#said").text().is_empty());
    browser.find("#save").click();
    browser.find("#words").type_keys(" lam");
    assert!(browser.find("#text").text().contains("em so lam"));
    let kept = "return [localStorage.length, sessionStorage.length, document.cookie.length,
                        performance.getEntriesByType('resource').length, document.forms.length]";
    assert_eq!(browser.script(kept, &[]), json!([0, 0, 0, 0, 0]));
    assert_eq!(recorder.text(), before, "something was sent");

    // The way out leaves nothing behind to come back to.
    browser.find("#exit").click();
    browser.wait_until("the page is gone", PATIENCE, |browser| !browser.url().ends_with("/tell"));
    browser.go(&recorder.url("/tell"));
    browser.wait_until("the draft", PATIENCE, |browser| browser.try_find("#draft:not([hidden])").is_some());
    assert_eq!(browser.find("#words").property("value"), "");
    // The record would show it.
    browser.script("fetch('/help?em-so-lam')", &[]);
    soon("the record of a request", PATIENCE, || recorder.text().contains("em-so-lam"));
    for word in ["khongnoiaibiet", "em so", "em+so", "em%20so", "0900"] {
        assert!(!recorder.text().contains(word), "{word} was sent");
    }
    assert!(!home.server.log().contains("tell"));
    assert!(!home.upstream.seen().iter().any(|name| name.contains("khongnoiaibiet")));
}

#[test]
fn without_a_script_there_is_paper() {
    let home = household_of("mai");
    for language in ["vi", "en"] {
        let browser = browser(Look::default().language(language).without_script());
        browser.go(&format!("http://{}/tell", home.pages));
        assert!(browser.find("#paper").is_shown() && !browser.find("#draft").is_shown());
        assert!(browser.find("#exit").is_shown() && browser.find("main a[href='tel:111']").is_shown());
        assert!(browser.find("main a[href='https://vn-cop.vn/']").is_shown());
        browser.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" }));
        assert!(browser.find("#paper").is_shown() && !browser.find("#exit").is_shown(), "as it is printed");
    }
}

#[test]
fn a_child_answers_in_a_browser_and_every_page_can_be_used_by_everybody() {
    let home = household_of("mai");
    let guardian = home.guardian();
    guardian.api("POST", "/reports/names", &json!({ "name": "xau.com", "category": "malware" })).expect(201);
    for language in ["vi", "en"] {
        let browser = browser(Look::default().language(language));
        let at = |path: &str| format!("http://{}{path}", home.pages);
        browser.go(&at("/"));
        browser.find("main a[href='/reports']").click();
        browser.wait_until("the question", PATIENCE, |browser| browser.url().ends_with("/reports"));
        look_over(&browser, &format!("consent-{language}"));
        browser.find("button[value=yes]").click();
        let said_yes = |browser: &Browser| browser.try_find("main .alert.ok").is_some();
        browser.wait_until("the yes", PATIENCE, said_yes);
        look_over(&browser, &format!("consent-yes-{language}"));
        browser.find("button[value=no]").click();
        browser.wait_until("the no", PATIENCE, |browser| !said_yes(browser));
        browser.go(&at("/tell"));
        browser.wait_until("the draft", PATIENCE, |browser| browser.try_find("#draft:not([hidden])").is_some());
        look_over(&browser, &format!("tell-{language}"));
        sign_in(&browser, &at);
        browser.go(&at("/dashboard/reports"));
        look_over(&browser, &format!("reports-{language}"));
        let was = browser.find("button[value=agree]");
        was.click();
        browser.wait_until("agreed", PATIENCE, |browser| browser.try_find("button[value=withdraw]").is_some());
        look_over(&browser, &format!("reports-agreed-{language}"));
        browser.find("button[value=withdraw]").click();
        browser.wait_until("withdrawn", PATIENCE, |browser| browser.try_find("button[value=agree]").is_some());
        browser.find("#name").fill("facebook.com");
        browser.find("form[action='/dashboard/reports/names'] button").click();
        browser.wait_until("a refusal", PATIENCE, |browser| browser.try_find("[aria-invalid=true]").is_some());
        look_over(&browser, &format!("reports-refused-{language}"));
    }
}

fn sign_in(browser: &Browser, at: &impl Fn(&str) -> String) {
    browser.go(&at("/dashboard/sign-in"));
    browser.find("[name=name]").fill("lan");
    browser.find("[name=password]").fill(PASSWORD);
    browser.find("main form button").click();
    browser.wait_until("the dashboard", PATIENCE, |browser| browser.url().ends_with("/dashboard"));
}

fn look_over(browser: &Browser, name: &str) {
    for width in [320, 1280] {
        browser.resize(width, 900);
        browser.assert_accessible();
        assert!(!browser.scrolls_sideways(), "{name} at {width}");
        browser.screenshot_whole(format!("screenshots/{name}-{width}.png"));
    }
}
