//! The dashboard as guardians meet it, in a real browser: set up from nothing, a child's request, hours past midnight, the list of two
//! authorities, and every page looked over by axe-core in both languages and photographed at three widths.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::authority::Fault;
use harness::browser::{Browser, Look};
use harness::country::{Country, wait_for_version};
use harness::{PATIENCE, Server, Upstream, free_port};
use tempfile::TempDir;

const WIDTHS: [u32; 3] = [320, 768, 1280];
const PASSWORD: &str = "correct horse battery";

struct Home {
    server: Server,
    port: u16,
    _upstream: Upstream,
}

/// A household that nobody has set up: one profile, that of unknown devices.
fn fresh() -> Home {
    household("[[profile]]\nname = \"child\"\nband = \"10-12\"\n[defaults]\nprofile = \"child\"\n")
}

fn household(people: &str) -> Home {
    let (upstream, folder, port) = (Upstream::start(), Arc::new(TempDir::new().unwrap()), free_port());
    fs::write(folder.path().join("bets.txt"), "casino.example\n").unwrap();
    fs::write(folder.path().join("games.txt"), "game.example\n").unwrap();
    let list = |name: &str, category: &str| {
        format!(
            "[[list]]\nname = \"{name}\"\nsource = \"file:{name}.txt\"\nformat = \"domains\"\nplain = \"suffix\"\n\
             categories = [\"{category}\"]\n"
        )
    };
    let text = format!(
        "[web]\nlisten = [\"127.0.0.1:{port}\"]\nexit = \"https://exit.example/\"\n[[list]]\nname = \"starter\"\n\
         source = \"starter\"\n{}{}{people}",
        list("bets", "gambling"),
        list("games", "gaming"),
    );
    let portal = "block_answer = \"portal\"\nportal = [\"127.0.0.1\"]";
    let server = Server::start_in(folder, upstream.addr, portal, &text);
    Home { server, port, _upstream: upstream }
}

impl Home {
    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    /// Signs the first guardian up, in the browser.
    fn sign_up(&self, browser: &Browser) {
        browser.go(&self.url("/dashboard"));
        browser.wait_until("the first step", PATIENCE, |browser| browser.url().contains("/dashboard/set-up"));
        browser.find("[name=name]").fill("Lan");
        browser.find("[name=password]").fill(PASSWORD);
        browser.find("[name=again]").fill(PASSWORD);
        browser.find("main form button.primary").click();
        browser.wait_until("the second step", PATIENCE, |browser| browser.url().ends_with("/set-up/children"));
    }
}

fn browser(look: Look) -> Browser {
    Browser::open(&look.argument("--host-resolver-rules=MAP exit.example ~NOTFOUND, MAP * 127.0.0.1"))
}

fn look_over(browser: &Browser, name: &str) {
    browser.assert_accessible();
    for width in WIDTHS {
        browser.resize(width, 900);
        assert!(!browser.scrolls_sideways(), "{name} at {width}");
        browser.screenshot_whole(format!("screenshots/{name}-{width}.png"));
    }
}

fn add_child(browser: &Browser, name: &str, born: &str) {
    browser.find("form[action='/dashboard/set-up/children'] [name=name]").fill(name);
    browser.find("form[action='/dashboard/set-up/children'] [name=born]").fill(born);
    browser.find("form[action='/dashboard/set-up/children'] button").click();
    browser.wait_until("the child is there", PATIENCE, |browser| browser.text().contains(name));
}

#[test]
fn from_nothing_to_two_children() {
    let home = fresh();
    let began = Instant::now();
    let browser = browser(Look::default().language("vi"));
    browser.go(&home.url("/dashboard"));
    browser.wait_until("the first step", PATIENCE, |browser| browser.url().contains("/dashboard/set-up"));
    look_over(&browser, "set-up-1-vi");
    home.sign_up(&browser);
    add_child(&browser, "Mai", "2018");
    add_child(&browser, "An", "2012");
    look_over(&browser, "set-up-2-vi");
    browser.find("a.primary[href='/dashboard/set-up/devices']").click();
    browser.wait_until("the third step", PATIENCE, |browser| browser.url().ends_with("/set-up/devices"));
    look_over(&browser, "set-up-3-vi");
    browser.find("form[action='/dashboard/set-up/devices'] button.primary").click();
    browser.wait_until("the fourth step", PATIENCE, |browser| browser.url().ends_with("/set-up/traffic"));
    look_over(&browser, "set-up-4-vi");
    browser.find("a.primary").click();
    browser.wait_until("the fifth step", PATIENCE, |browser| browser.url().ends_with("/set-up/test"));
    look_over(&browser, "set-up-5-vi");
    browser.find("a.primary").click();
    browser.wait_until("home", PATIENCE, |browser| browser.url().ends_with("/dashboard"));
    let text = browser.text();
    assert!(text.contains("Mai") && text.contains("An"), "{text}");
    println!("set up in {:.1} s", began.elapsed().as_secs_f64());
    let written = fs::read_to_string(&home.server.config).unwrap();
    assert!(
        written.contains("name = \"Mai\"\nborn = 2018") && written.contains("name = \"An\"\nborn = 2012"),
        "{written}"
    );
    assert!(home.server.command(&["check"]).status.success());
    assert!(fs::read_to_string(home.server.file("luytre.toml.previous")).is_ok());
}

#[test]
fn the_list_two_authorities_sign_is_shown() {
    let country = Country::with_a_release();
    let home = household(&country.signed("1s"));
    wait_for_version(&home.server, 1.0);
    let browser = browser(Look::default().language("vi"));
    home.sign_up(&browser);
    let shown = |what: &str| {
        browser.wait_until(what, PATIENCE, |browser| {
            browser.go(&home.url("/dashboard/lists"));
            browser.text().contains(what)
        });
    };
    shown("Danh sách chung của hai cơ quan Tốt");
    look_over(&browser, "lists-signed-vi");
    for side in [&country.a, &country.b] {
        side.web.fail("timestamp.json", Fault::Endless);
    }
    browser.find("form[action='/dashboard/lists/update'] button").click();
    shown("Lần xem gần nhất không thành");
    shown("Bản tốt gần nhất vẫn được dùng");
    look_over(&browser, "lists-signed-wrong-vi");
}

#[test]
fn a_request_approved_on_the_dashboard_is_honoured_at_once() {
    let home = fresh();
    let guardian = browser(Look::default());
    home.sign_up(&guardian);
    let child = browser(Look::default());
    let refused = || {
        home.server.ask_from(Ipv4Addr::LOCALHOST, "casino.example", "A").addresses()
            == ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]
    };
    assert!(refused());
    child.go(&format!("http://casino.example:{}/", home.port));
    child.find("form[action$='/ask'] button").click();
    child.wait_until("it was sent", PATIENCE, |child| child.url().ends_with("/ask"));
    guardian.go(&home.url("/dashboard/requests"));
    assert!(guardian.text().contains("casino.example"), "{}", guardian.text());
    guardian.find("[name=reason]").fill("for your homework");
    guardian.find("button[name=answer][value=hour]").click();
    guardian.wait_until("it was answered", PATIENCE, |guardian| {
        guardian.try_find("button[name=answer][value=hour]").is_none()
    });
    let answered = Instant::now();
    while refused() {
        assert!(answered.elapsed() < Duration::from_secs(1), "not honoured: {}", home.server.log());
    }
    child.go(&home.url("/"));
    assert!(child.text().contains("for your homework"), "the child sees the reason\n{}", child.text());
}

#[test]
fn hours_past_midnight_are_shown_and_simulated() {
    let home = fresh();
    let browser = browser(Look::default());
    home.sign_up(&browser);
    browser.go(&home.url("/dashboard/children/child/schedules/new"));
    browser.find("[name=name]").fill("bedtime");
    browser.script(
        "document.querySelector('[name=from]').value = '21:00'; document.querySelector('[name=to]').value = '06:30';",
        &[],
    );
    if let Some(everything) = browser.try_find("input[name=block][value=everything]") {
        everything.click();
    }
    browser.find("button[name=do][value=save]").click();
    browser.wait_until("the schedule is there", PATIENCE, |browser| browser.text().contains("bedtime"));
    browser.go(&home.url("/dashboard/children/child/hours"));
    assert!(browser.try_find("main svg").is_some() && browser.text().contains("bedtime"), "{}", browser.text());
    look_over(&browser, "hours-en");
    let verdict = |at: &str| {
        browser.go(&home.url(&format!("/dashboard/simulator?text=wikipedia.org&profile=child&at={at}")));
        browser.text()
    };
    let night = verdict("2026-11-24T02:00");
    assert!(night.contains("bedtime"), "{night}");
    look_over(&browser, "simulator-en");
    let day = verdict("2026-11-24T12:00");
    assert!(!day.contains("bedtime"), "{day}");
}

#[test]
fn every_page_of_the_dashboard_can_be_used_by_everybody() {
    let people = "[[profile]]\nname = \"Mai\"\nband = \"6-9\"\n[[profile.schedule]]\nname = \"bedtime\"\nfrom = \"21:00\"\nto = \"06:30\"\n\
                  block = [\"everything\"]\nexcept = [\"tet\"]\n[[profile.budget]]\nname = \"games\"\nof = [\"gaming\"]\nlimit = \"1h\"\n\
                  [[profile]]\nname = \"An\"\nband = \"10-12\"\n[[profile]]\nname = \"Bình\"\nband = \"13-15\"\n\
                  [[profile]]\nname = \"Chi\"\nband = \"16-17\"\n[[profile]]\nname = \"Lan\"\nband = \"18+\"\n\
                  [[calendar]]\nname = \"tet\"\ndays = [\"2027-02-05..2027-02-12\"]\n[[device]]\nname = \"tablet\"\nprofile = \"Mai\"\n\
                  address = [\"127.0.0.1\"]\n[defaults]\nprofile = \"An\"\n";
    let home = household(people);
    for name in ["casino.example", "bet365.com", "casino.example"] {
        home.server.ask_from(Ipv4Addr::LOCALHOST, name, "A");
        home.server.ask_from(Ipv4Addr::new(127, 0, 0, 9), name, "A");
    }
    let paths = [
        ("/dashboard", "home"),
        ("/dashboard/children", "children"),
        ("/dashboard/children/Mai", "child"),
        ("/dashboard/children/Mai/criteria", "criteria"),
        ("/dashboard/children/Mai/sites", "sites"),
        ("/dashboard/children/Mai/protection", "protection"),
        ("/dashboard/children/Mai/hours", "hours"),
        ("/dashboard/children/Mai/schedules/0", "schedule"),
        ("/dashboard/children/Mai/budgets/0", "budget"),
        ("/dashboard/devices", "devices"),
        ("/dashboard/requests", "requests"),
        ("/dashboard/simulator?text=bet365.com&profile=Mai", "simulator"),
        ("/dashboard/lists", "lists"),
        ("/dashboard/activity", "activities"),
        ("/dashboard/activity/Mai", "activity-6-9"),
        ("/dashboard/activity/An", "activity-10-12"),
        ("/dashboard/activity/B%C3%ACnh", "activity-13-15"),
        ("/dashboard/activity/Chi", "activity-16-17"),
        ("/dashboard/activity/Lan", "activity-adult"),
        ("/dashboard/settings", "settings"),
        ("/dashboard/settings/people", "people"),
        ("/dashboard/settings/calendars", "calendars"),
        ("/dashboard/settings/acts", "acts"),
        ("/dashboard/diagnostics", "diagnostics"),
        ("/dashboard/nothing", "missing"),
    ];
    let guardian = browser(Look::default().language("vi"));
    guardian.go(&home.url("/dashboard/sign-in"));
    home.sign_up(&guardian);
    ask_for_something(&home);
    for language in ["vi", "en"] {
        guardian.go(&home.url(&format!("/language/{language}?back=/dashboard")));
        for (path, name) in paths {
            guardian.go(&home.url(path));
            assert_eq!(guardian.find("html").attribute("lang").as_deref(), Some(language), "{path}");
            look_over(&guardian, &format!("dashboard-{name}-{language}"));
        }
    }
    let dark = browser(Look::default().dark().language("en"));
    dark.go(&home.url("/dashboard/sign-in"));
    look_over(&dark, "sign-in-dark-en");
    sign_in(&dark);
    for (path, name) in
        [("/dashboard", "home"), ("/dashboard/children/Mai/hours", "hours"), ("/dashboard/activity/An", "activity")]
    {
        dark.go(&home.url(path));
        look_over(&dark, &format!("dashboard-{name}-dark-en"));
    }
}

fn sign_in(browser: &Browser) {
    browser.find("[name=name]").fill("Lan");
    browser.find("[name=password]").fill(PASSWORD);
    browser.find("main form button").click();
    browser.wait_until("signed in", PATIENCE, |browser| browser.url().ends_with("/dashboard"));
}

/// So that the requests' page has something to show.
fn ask_for_something(home: &Home) {
    let child = browser(Look::default());
    child.go(&format!("http://casino.example:{}/", home.port));
    if let Some(ask) = child.try_find("form[action$='/ask'] button") {
        ask.click();
        child.wait_until("it was sent", PATIENCE, |child| child.url().ends_with("/ask"));
    }
}
