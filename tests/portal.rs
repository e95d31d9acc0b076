//! The portal as children meet it: the page of a refusal for every band in both languages, with and without JavaScript, asking,
//! quick exit, help; each page looked over by axe-core and photographed at three widths.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::sync::Arc;

use harness::browser::{Browser, Look, SHIFT};
use harness::{PATIENCE, Server, Upstream, free_port};
use tempfile::TempDir;

const BANDS: [&str; 6] = ["0-5", "6-9", "10-12", "13-15", "16-17", "18+"];
const WIDTHS: [u32; 3] = [320, 768, 1280];

/// A household whose only device, this machine, belongs to a child of some band.
struct Home {
    server: Server,
    port: u16,
    _upstream: Upstream,
}

fn config(band: &str, port: u16) -> String {
    format!(
        "[web]\nlisten = [\"127.0.0.1:{port}\"]\nexit = \"https://exit.example/\"\n\
         [[list]]\nname = \"bets\"\nsource = \"file:bets.txt\"\nformat = \"domains\"\nplain = \"suffix\"\ncategories = [\"gambling\"]\n\
         [[list]]\nname = \"harm\"\nsource = \"file:harm.txt\"\nformat = \"domains\"\nplain = \"suffix\"\ncategories = [\"grooming\"]\n\
         [[list]]\nname = \"evil\"\nsource = \"file:evil.txt\"\nformat = \"domains\"\nplain = \"suffix\"\ncategories = [\"malware\"]\n\
         [[profile]]\nname = \"An\"\nband = \"{band}\"\n[defaults]\nprofile = \"An\"\n"
    )
}

impl Home {
    fn open(band: &str) -> Home {
        let (upstream, folder, port) = (Upstream::start(), Arc::new(TempDir::new().unwrap()), free_port());
        for (file, name) in [("bets.txt", "casino.example"), ("harm.txt", "lure.example"), ("evil.txt", "evil.example")]
        {
            fs::write(folder.path().join(file), format!("{name}\n")).unwrap();
        }
        let portal = "block_answer = \"portal\"\nportal = [\"127.0.0.1\"]";
        let server = Server::start_in(folder, upstream.addr, portal, &config(band, port));
        Home { server, port, _upstream: upstream }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }
}

fn browser(look: Look) -> Browser {
    // Every name leads here, as DNS with `block_answer = "portal"` would say, but for the one that quick exit leads to.
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

#[test]
fn the_page_of_a_refusal_speaks_to_every_band_in_both_languages() {
    for band in BANDS {
        let home = Home::open(band);
        for (language, heading) in [("vi", "lang=\"vi\""), ("en", "lang=\"en\"")] {
            let browser = browser(Look::default().language(language));
            // The youngest and adults are refused by other rules than those between.
            let host = if band == "18+" { "evil.example" } else { "casino.example" };
            browser.go(&home.url(host, "/bets?x=1"));
            browser.wait_until("the page", PATIENCE, |browser| browser.source().contains(heading));
            let (source, text) = (browser.source(), browser.text());
            assert!(source.contains(heading) && source.contains("tel:111"), "{band} {language}\n{text}");
            assert!(source.len() <= 30 << 10, "{band} {language}: {} octets", source.len());
            assert_eq!(browser.title(), "Lũy Tre", "a neutral title");
            assert!(browser.cookies().is_empty(), "a refusal leaves no cookie");
            look_over(&browser, &format!("blocked-{band}-{language}"));
        }
    }
}

#[test]
fn without_javascript_a_child_reads_asks_and_leaves() {
    let home = Home::open("10-12");
    set_up(&home);
    let browser = browser(Look::default().language("vi").without_script());
    browser.go(&home.url("casino.example", "/"));
    assert!(browser.text().contains("111"));
    assert_eq!(browser.find("#exit").attribute("href").as_deref(), Some("https://exit.example/"));
    let form = browser.find("form[action$='/ask']");
    form.find("[name=note]").fill("cho bài tập");
    form.find("button").click();
    browser.wait_until("the question was sent", PATIENCE, |browser| browser.url().ends_with("/ask"));
    assert!(browser.url().starts_with(&home.url("luytre.home.arpa", "/")), "{}", browser.url());
    browser.go(&home.url("luytre.home.arpa", "/"));
    assert!(browser.text().contains("casino.example"), "the question and what was stopped\n{}", browser.text());
}

#[test]
fn harm_brings_help_and_no_question() {
    let home = Home::open("10-12");
    set_up(&home);
    for language in ["vi", "en"] {
        let browser = browser(Look::default().language(language));
        browser.go(&home.url("lure.example", "/"));
        assert!(
            browser.try_find("form[action$='/ask']").is_none() && browser.try_find("form[action$='/wrong']").is_none()
        );
        assert!(browser.try_find(".help a[href='tel:111']").is_some(), "{}", browser.source());
        look_over(&browser, &format!("harm-{language}"));
    }
}

#[test]
fn quick_exit_leaves_nothing_to_go_back_to() {
    let home = Home::open("10-12");
    for leave in ["click", "keys"] {
        let browser = browser(Look::default());
        browser.go(&home.url("luytre.home.arpa", "/who"));
        browser.go(&home.url("luytre.home.arpa", "/help"));
        match leave {
            "click" => browser.find("#exit").click(),
            _ => (0..3).for_each(|_| browser.press(SHIFT)),
        }
        let left = |browser: &Browser| {
            browser.url().starts_with("https://exit.example/") || browser.url().starts_with("chrome-error:")
        };
        browser.wait_until("the page is gone", PATIENCE, left);
        browser.back();
        let at = browser.url();
        assert!(at.ends_with("/who"), "the page before it, not it: {at}");
    }
}

#[test]
fn every_page_of_the_portal_can_be_used_by_everybody() {
    let home = Home::open("10-12");
    for language in ["vi", "en"] {
        let browser = browser(Look::default().language(language));
        for (path, name) in
            [("/", "home"), ("/who", "who"), ("/help", "help"), ("/code", "code"), ("/nothing", "missing")]
        {
            browser.go(&home.url("luytre.home.arpa", path));
            look_over(&browser, &format!("portal-{name}-{language}"));
        }
        let dark = self::browser(Look::default().language(language).dark());
        dark.go(&home.url("luytre.home.arpa", "/"));
        look_over(&dark, &format!("portal-home-dark-{language}"));
    }
}

#[test]
fn the_captive_portal_api_tells_where_the_portal_is() {
    let home = Home::open("10-12");
    let browser = browser(Look::default());
    browser.go(&home.url("luytre.home.arpa", "/captive-portal/api"));
    let text = browser.text();
    assert!(text.contains("\"captive\":false") && text.contains("venue-info-url"), "{text}");
}

/// There is somebody to ask.
fn set_up(home: &Home) {
    let browser = browser(Look::default());
    browser.go(&home.url("127.0.0.1", "/"));
    let done = browser.script_async(
        "const done = arguments[arguments.length - 1];
         fetch('/api/v1/setup', {method: 'POST', headers: {'content-type': 'application/json'},
           body: JSON.stringify({name: 'Lan', password: 'correct horse'})}).then(answer => done(answer.status));",
        &[],
    );
    assert_eq!(done, 201, "{}", home.server.log());
}
