//! Every page of the portal, for everybody: small, whole in itself, and silent where it must be.

use std::sync::LazyLock;

use askama::Template;

use super::*;
use crate::classify::{Category, CategorySet, Classes, ServiceSet, Tier};
use crate::config::{CRITERIA, criteria};
use crate::lists::data::Builtin;
use crate::policy::{Action, Age, Band, HelpPanel, Moment, Profile, ProfileInput, Step, decide};
use crate::web::text::Language;

static BUILTIN: LazyLock<Builtin> = LazyLock::new(|| Builtin::read().unwrap());

const REFUSALS: [Action; 3] = [Action::Ask, Action::Block, Action::Help];

fn frame(language: Language) -> Frame {
    Frame {
        language,
        nonce: "bm9uY2U".to_string(),
        exit_url: "https://thoitiet.example/".to_string(),
        switch_url: Some(format!("/language/{}", language.other().code())),
        portal: String::new(),
    }
}

fn blocked(language: Language, band: Band, action: Action) -> Blocked {
    Blocked {
        frame: frame(language),
        band,
        action,
        step: Step::Criterion,
        category: Some(Category::Gambling),
        criterion: Some(("luytre.gambling".to_string(), "Cờ bạc, cá cược".to_string())),
        name: Some("casino.example".to_string()),
        hold: None,
        appeal: Some("0A1B-2C3D-4E5F".into()),
        appeal_url: Some("https://lists.example/appeal/#0A1B-2C3D-4E5F".into()),
        until: None,
        who_can_change: "guardian_by_name",
        may_ask: true,
        asks_without_name: band == Band::Age16to17,
        help: HelpPanel::None,
        csrf: "token".to_string(),
        learn: Tile::for_band(&BUILTIN.tiles, band, language, 6),
    }
}

fn held(language: Language, band: Band) -> Blocked {
    Blocked {
        step: Step::Schedule,
        category: None,
        criterion: None,
        hold: Some("Giờ ngủ".to_string()),
        until: Some("06:30".to_string()),
        who_can_change: "guardian",
        ..blocked(language, band, Action::Block)
    }
}

fn home(language: Language, who: Option<Who>) -> Home {
    let band = who.as_ref().map_or(Band::Age10to12, |who| who.band);
    Home {
        frame: frame(language),
        who,
        holds: vec![
            Hold::Schedule { name: "Giờ học".to_string(), until: "17:00".to_string() },
            Hold::Pause { until: "18:00".to_string() },
            Hold::Grant { what: "Scratch".to_string(), until: "19:15".to_string() },
        ],
        is_asked: band != Band::Age0to5,
        budgets: vec![
            Budget { title: language.category(&Category::Gaming).to_string(), left: 25, of: 60 },
            Budget { title: "YouTube".to_string(), left: 0, of: 0 },
        ],
        stopped: vec![
            Stopped { name: "game.example".to_string(), category: Some(Category::Gaming16), may_ask: true },
            Stopped {
                name: "a-very-long-name-that-has-no-place.to.break.example".to_string(),
                category: None,
                may_ask: false,
            },
        ],
        asked: vec![
            Asked { what: "chat.example".to_string(), answer: Answer::Waiting, reason: None },
            Asked { what: "video.example".to_string(), answer: Answer::Yes, reason: None },
            Asked {
                what: "paint.example".to_string(),
                answer: Answer::YesUntil("18:30".to_string()),
                reason: Some("Xong bài tập rồi thì được".to_string()),
            },
            Asked {
                what: "loot.example".to_string(),
                answer: Answer::No,
                reason: Some("Trò này tốn tiền".to_string()),
            },
            Asked { what: "old.example".to_string(), answer: Answer::Expired, reason: None },
        ],
        csrf: "token".to_string(),
        learn: Tile::for_band(&BUILTIN.tiles, band, language, 6),
    }
}

fn say(language: Language, band: Band, agrees: bool) -> Say {
    let plan = reports::Plan { rows: vec![("tokens".to_string(), 61, 259)], octets: 67_154 };
    Say {
        frame: frame(language),
        band,
        agrees,
        is_alone: agrees,
        households: 20,
        is_sent: agrees,
        receivers: vec![("A".to_string(), "an-ninh.example".to_string())],
        plan,
        example: reports::Example::new(language),
        csrf: "token".to_string(),
    }
}

/// Every page with a name of its own.
fn all_pages() -> Vec<(String, String)> {
    let mut pages = Vec::new();
    for language in Language::ALL {
        let mut add = |name: &str, html: String| pages.push((format!("{name}-{}", language.code()), html));
        for band in Band::ALL {
            let code = band.code().trim_end_matches('+');
            for action in REFUSALS {
                add(&format!("blocked-{code}-{}", action.code()), blocked(language, band, action).render());
            }
            add(&format!("held-{code}"), held(language, band).render());
            let sealed = Blocked {
                step: Step::Sealed,
                category: Some(Category::Csam),
                hold: Some("hold.example".to_string()),
                ..blocked(language, band, Action::Help)
            };
            add(&format!("sealed-{code}"), sealed.render());
            for help in HelpPanel::ALL {
                let page = Blocked { help, ..blocked(language, band, Action::Help) };
                add(&format!("panel-{code}-{}", help.code()), page.render());
            }
            add(&format!("home-{code}"), home(language, Some(Who { name: "Mai".to_string(), band })).render());
            add(&format!("who-{code}"), WhoSees { frame: frame(language), band }.render());
            for outcome in [Outcome::Asked, Outcome::Reported, Outcome::Waits, Outcome::TooMany] {
                add(&format!("sent-{code}-{outcome:?}"), Sent { frame: frame(language), band, outcome }.render());
            }
            for tried in [None, Some(Tried::Opened("20:15".to_string())), Some(Tried::Wrong), Some(Tried::TooMany)] {
                let name = format!("code-{code}-{}", tried.as_ref().map_or("0".to_string(), |one| format!("{one:?}")));
                add(&name, Code { frame: frame(language), band, tried, csrf: "token".to_string() }.render());
            }
        }
        add("home-stranger", home(language, None).render());
        for band in Band::ALL {
            for agrees in [true, false] {
                add(
                    &format!("reports-{}-{agrees}", band.code().trim_end_matches('+')),
                    say(language, band, agrees).render(),
                );
            }
        }
        add("tell", Tell::of(frame(language), &BUILTIN.help_lines, "VN").render());
        add("help", Help::of(frame(language), &BUILTIN.help_lines, "VN").render());
        for wrong in [Wrong::NotFound, Wrong::NotAllowed, Wrong::TooMany, Wrong::Failed] {
            add(&format!("error-{wrong:?}"), ErrorPage { frame: frame(language), wrong }.render());
        }
    }
    pages
}

#[test]
fn every_page_is_small_whole_and_offers_help() {
    let pages = all_pages();
    assert!(pages.len() > 200, "only {} pages", pages.len());
    for (name, html) in pages {
        let language = &name[name.len() - 2..];
        assert!(html.len() <= 30_000, "{name}: {} octets", html.len());
        assert!(html.starts_with(&format!("<!doctype html>\n<html lang=\"{language}\">")), "{name}");
        assert!(html.trim_end().ends_with("</html>"), "{name}");
        assert!(html.contains("href=\"tel:111\""), "{name}");
        assert!(
            html.contains("<title>Lũy Tre</title>") && html.contains("<link rel=\"icon\" href=\"data:,\">"),
            "{name}"
        );
        assert!(!html.contains("{$") && !html.contains("{ $"), "{name}: a variable was not put in");
        assert!(!html.to_lowercase().contains("vi phạm"), "{name} scolds");
    }
}

#[test]
fn no_page_loads_anything_or_runs_what_the_policy_refuses() {
    for (name, html) in all_pages() {
        for load in
            [" src=", "url(", "@import", "<iframe", "<object", "<embed", " srcset=", "rel=\"stylesheet\"", "fetch("]
        {
            assert!(!html.contains(load), "{name} has {load}");
        }
        for address in html.match_indices("http").map(|(at, _)| &html[..at]) {
            assert!(address.ends_with("href=\""), "{name} loads from elsewhere");
        }
        for inline in [" style=", " onclick=", " onload=", "javascript:"] {
            assert!(!html.contains(inline), "{name} has {inline}");
        }
        assert_eq!(html.matches("<script").count(), html.matches("<script nonce=\"bm9uY2U\">").count(), "{name}");
        assert_eq!(html.matches("<style").count(), html.matches("<style nonce=\"bm9uY2U\">").count(), "{name}");
    }
}

#[test]
fn the_quick_exit_is_the_first_thing_to_reach() {
    for (name, html) in all_pages() {
        let body = &html[html.find("<body").unwrap()..];
        let first = ["<a ", "<button", "<input", "<summary"].iter().filter_map(|tag| body.find(tag)).min().unwrap();
        assert!(
            body[first..].starts_with("<a class=\"button\" id=\"exit\" href=\"https://thoitiet.example/\""),
            "{name}"
        );
    }
}

#[test]
fn ids_are_unique_and_every_label_has_its_field() {
    let attribute = |html: &str, before: &str| {
        html.match_indices(before)
            .map(|(at, _)| html[at + before.len()..].split('"').next().unwrap().to_string())
            .collect::<Vec<String>>()
    };
    for (name, html) in all_pages() {
        let ids = attribute(&html, " id=\"");
        let mut once = ids.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), ids.len(), "{name}: {ids:?}");
        for before in [" for=\"", " aria-labelledby=\"", " aria-describedby=\"", " href=\"#"] {
            for wanted in attribute(&html, before) {
                assert!(ids.contains(&wanted), "{name}: nothing is called {wanted}");
            }
        }
    }
}

#[test]
fn a_sealed_page_names_nothing_and_asks_nothing() {
    for (name, html) in all_pages().into_iter().filter(|(name, _)| name.starts_with("sealed")) {
        for word in
            ["casino", "hold.example", "gambling", "csam", "Cờ bạc", "<form", "<details", "/who", "class=\"tiles\""]
        {
            assert!(!html.contains(word), "{name} has {word}");
        }
        assert_eq!(html.matches("<h2").count(), 1, "{name}");
    }
}

#[test]
fn a_question_is_offered_only_where_it_betrays_nobody() {
    for band in Band::ALL {
        for category in Category::ALL {
            for action in REFUSALS {
                let page = Blocked { category: Some(category), ..blocked(Language::English, band, action) };
                let html = page.render();
                let harmless = !matches!(category.tier(), Tier::Harm | Tier::Sealed | Tier::Protected)
                    && category != Category::HealthSexed
                    && action != Action::Help;
                assert_eq!(html.contains("action=\"/ask\""), harmless, "{category} {band} {action:?}");
                assert_eq!(
                    html.contains("action=\"/wrong\""),
                    harmless && band >= Band::Age10to12,
                    "{category} {band}"
                );
            }
        }
        for who_can_change in ["nobody", "authorities", "self"] {
            let page = Blocked { who_can_change, ..blocked(Language::English, band, Action::Block) };
            assert!(!page.render().contains("action=\"/ask\""), "{who_can_change}");
        }
    }
}

#[test]
fn names_of_others_are_escaped() {
    let hostile = "\"><script>alert(1)</script>&<img onerror=x>";
    for language in Language::ALL {
        let blocked = Blocked {
            name: Some(hostile.to_string()),
            hold: Some(hostile.to_string()),
            until: Some(hostile.to_string()),
            criterion: Some((hostile.to_string(), hostile.to_string())),
            csrf: hostile.to_string(),
            learn: vec![Tile { title: hostile.to_string(), url: hostile.to_string() }],
            ..blocked(language, Band::Age13to15, Action::Ask)
        };
        let mut home = home(language, Some(Who { name: hostile.to_string(), band: Band::Age6to9 }));
        home.stopped[0].name = hostile.to_string();
        home.asked[2].reason = Some(hostile.to_string());
        for html in [blocked.render(), home.render()] {
            assert!(!html.contains("<script>") && !html.contains("<img"), "not escaped");
            assert!(html.contains("&#60;script&#62;"));
        }
    }
}

#[test]
fn a_page_is_made_of_a_verdict() {
    let criteria = criteria("criteria.toml", CRITERIA).unwrap();
    let moment = Moment { unix_secs: 0, local: jiff::civil::DateTime::default() };
    let mut seen = 0;
    for (band, category) in Band::ALL.into_iter().flat_map(|band| Category::ALL.map(|category| (band, category))) {
        let profile = Profile::compile(&ProfileInput::new("mai", Age::Band(band)), &criteria, ServiceSet::EMPTY, 2026);
        let classes = Classes { categories: CategorySet::of(&[category]), ..Classes::UNKNOWN };
        let verdict = decide(&profile, None, &classes, &moment);
        if !verdict.is_refusal() {
            continue;
        }
        seen += 1;
        let page = Blocked::of(frame(Language::Vietnamese), &verdict, &profile, &criteria);
        assert_eq!((page.band, page.action, page.category), (band, verdict.action, Some(category)));
        let (html, title) = (page.render(), Language::Vietnamese.category(&category).to_string());
        assert_eq!(html.contains(&title), category.tier() != Tier::Sealed, "{category} {band}");
        assert_eq!(
            html.contains("card help"),
            verdict.action == Action::Help || category == Category::Csam,
            "{category}"
        );
    }
    assert!(seen > 100, "only {seen} refusals");
}

#[test]
fn the_help_page_is_the_same_for_everybody() {
    let page = Help::of(Frame { switch_url: None, ..frame(Language::Vietnamese) }, &BUILTIN.help_lines, "VN");
    assert_eq!(page.here[0].number.as_deref(), Some("111"));
    let html = page.render();
    assert!(!html.contains("<form") && !html.contains("href=\"/?") && !html.contains("/language/"));
    assert!(html.contains("href=\"tel:116111\""), "numbers are dialled without spaces");
}

#[test]
fn a_draft_has_nowhere_to_go() {
    for language in Language::ALL {
        let html = Tell::of(frame(language), &BUILTIN.help_lines, "VN").render();
        for way in [
            "<form",
            " action=",
            " formaction=",
            "type=\"submit\"",
            "fetch",
            "XMLHttp",
            "sendBeacon",
            "WebSocket",
            "Storage",
            "cookie",
        ] {
            assert!(!html.contains(way), "{way}");
        }
        assert!(html.contains("id=\"draft\"") && html.contains(" hidden>"), "without a script there is paper");
        assert!(html.contains("href=\"tel:111\"") && html.contains("href=\"https://vn-cop.vn/\" rel=\"noreferrer\""));
    }
    let example = reports::Example::new(Language::Vietnamese);
    let octets: usize = example.hex.split_whitespace().count();
    assert_eq!(octets, 96);
    // Length of the first label, then "vi-".
    assert!(example.hex.contains("0d 76 69 2d"), "{}", example.hex);
}

#[derive(Template)]
#[template(
    source = "{% extends \"base.html\" %}{% block main %}<h1>{{ shell.title() }}</h1>{% endblock %}",
    ext = "html"
)]
struct Sample {
    shell: Shell,
}

fn sample(language: Language, signed_in_as: Option<String>) -> String {
    let (nonce, csrf, here) = ("bm9uY2U".to_string(), "token\"".to_string(), "/dashboard/requests?x=1&y=2".to_string());
    let shell = Shell { language, nonce, csrf, signed_in_as, section: Section::Requests, here, waiting: 2 };
    Sample { shell }.render().unwrap()
}

#[test]
fn the_shell_navigates_switches_and_signs_out() {
    let html = sample(Language::English, Some("Mẹ & Bố".to_string()));
    assert_eq!(html.matches("aria-current=\"page\"").count(), 1);
    assert!(html.contains("<a href=\"/dashboard/requests\" aria-current=\"page\">Requests"));
    assert!(html.contains("2 requests are waiting") && html.contains("Signed in as Mẹ &#38; Bố"));
    assert!(html.contains("href=\"/language/vi?back=/dashboard/requests%3Fx%3D1%26y%3D2\" lang=\"vi\""));
    assert!(html.contains("name=\"csrf\" value=\"token&#34;\""));
    assert!(html.find("class=\"skip").unwrap() < html.find("<nav").unwrap() && html.contains("<main id=\"main\""));
    assert!(!html.contains(" style=") && !html.contains("onclick"));
    let set_up = sample(Language::Vietnamese, None);
    assert!(!set_up.contains("<nav") && !set_up.contains("sign-out"));
}
