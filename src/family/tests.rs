//! The family's file, as its users meet it.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::civil::{Date, date};
use tempfile::TempDir;

use super::*;
use crate::classify::{Category, CategorySet};
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::policy::{Action, Band, Reason, Step, Verdict};
use crate::telemetry::activity::Refused;

const MONDAY: Date = date(2026, 11, 23);
const NOW: i64 = 1_795_000_000;

fn refused(band: Band, name: &str, step: Step, category: Option<Category>, categories: &[Category]) -> Refused {
    let reason = Reason { step, category, ..Verdict::HELP_SET.reason };
    Refused {
        client: ClientAddr::from("192.0.2.7".parse::<IpAddr>().unwrap()),
        profile: "an".into(),
        band,
        verdict: Verdict { action: Action::Block, reason },
        categories: CategorySet::of(categories),
        name: Name::parse(name).unwrap(),
    }
}

fn gambling(band: Band) -> Refused {
    refused(band, "www.casino.example", Step::Criterion, Some(Category::Gambling), &[Category::Gambling])
}

fn login<'a>(name: &'a str, password: &'a str, code: &'a str) -> Login<'a> {
    Login { name, password, code, from: "192.0.2.9".parse().unwrap() }
}

/// All octets of the family's files.
fn raw(folder: &TempDir) -> Vec<u8> {
    let files = std::fs::read_dir(folder.path()).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

fn holds(octets: &[u8], text: &str) -> bool {
    octets.windows(text.len()).any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

#[test]
fn names_are_kept_of_the_youngest_alone() {
    let seen = |band| {
        let folder = TempDir::new().unwrap();
        let family = Family::open(Some(folder.path()), NOW).unwrap();
        family.record(&[gambling(band), gambling(band)], NOW, MONDAY).unwrap();
        let visible = family.visible("an", band, MONDAY).unwrap();
        let counts: Vec<_> =
            visible.counts.iter().map(|one| (one.period.clone(), one.what.clone(), one.count)).collect();
        (visible.names.len(), counts, holds(&raw(&folder), "casino"))
    };
    let day = ("2026-11-23".to_string(), "gambling".to_string(), 2);
    assert_eq!(seen(Band::Age6to9), (1, vec![day.clone()], true));
    assert_eq!(seen(Band::Age10to12), (0, vec![day], false));
    assert_eq!(seen(Band::Age13to15), (0, vec![("2026-11-23".into(), "age".into(), 2)], false));
    assert_eq!(seen(Band::Age16to17), (0, vec![], false));
    assert_eq!(seen(Band::Adult), (0, vec![], false));
}

#[test]
fn help_health_and_sealed_content_are_never_kept() {
    let folder = TempDir::new().unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    let band = Band::Age6to9;
    let private = [
        refused(band, "unseen1.example", Step::OwnBlock, Some(Category::HealthSexed), &[Category::HealthSexed]),
        refused(band, "unseen2.example", Step::Schedule, None, &[Category::HealthSexed]),
        refused(band, "unseen3.example", Step::Sealed, Some(Category::Csam), &[Category::Csam]),
        refused(band, "unseen4.example", Step::OwnBlock, None, &[Category::Help]),
    ];
    family.record(&private, NOW, MONDAY).unwrap();
    assert_eq!(family.visible("an", band, MONDAY).unwrap(), Visible::default());
    assert!(!holds(&raw(&folder), "unseen"));
}

#[test]
fn what_an_hour_refused_is_counted_without_its_name() {
    let family = Family::open(None, NOW).unwrap();
    family.record(&[refused(Band::Age6to9, "x.example", Step::Schedule, None, &[])], NOW, MONDAY).unwrap();
    let visible = family.visible("an", Band::Age6to9, MONDAY).unwrap();
    assert_eq!((visible.names.len(), visible.counts[0].what.as_str()), (0, "time"));
}

#[test]
fn time_and_growing_up_delete_from_the_raw_file() {
    let folder = TempDir::new().unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    let young = [("an".into(), Band::Age6to9)];
    family.record(&[gambling(Band::Age6to9)], NOW, MONDAY).unwrap();
    family.forget(&young, NOW, date(2026, 11, 29)).unwrap();
    assert!(holds(&raw(&folder), "casino"), "six days later it is still there");
    family.forget(&young, NOW, date(2026, 11, 30)).unwrap();
    assert!(!holds(&raw(&folder), "casino"), "seven days later it is not");

    family.record(&[gambling(Band::Age6to9)], NOW, MONDAY).unwrap();
    family.forget(&[("an".into(), Band::Age10to12)], NOW, MONDAY).unwrap();
    assert!(!holds(&raw(&folder), "casino"), "names of a child that has grown");
    family.forget(&[("an".into(), Band::Age13to15)], NOW, MONDAY).unwrap();
    assert_eq!(
        family.visible("an", Band::Age13to15, MONDAY).unwrap().counts,
        [],
        "categories where groups may be seen"
    );

    family.record(&[gambling(Band::Age6to9)], NOW, MONDAY).unwrap();
    family.forget(&[], NOW, MONDAY).unwrap();
    assert!(!holds(&raw(&folder), "casino"), "a profile that is gone");
}

#[test]
fn attacks_are_told_without_names_for_the_day() {
    let family = Family::open(None, NOW).unwrap();
    let attack =
        refused(Band::Age16to17, "evil.example", Step::Security, Some(Category::Malware), &[Category::Malware]);
    family.record(&[attack], NOW, MONDAY).unwrap();
    let alerts = |band, day| family.visible("an", band, day).unwrap().alerts;
    assert_eq!(alerts(Band::Age16to17, MONDAY), [Alert { category: "malware", count: 1 }]);
    assert_eq!(alerts(Band::Age16to17, date(2026, 11, 24)), []);
    assert_eq!(alerts(Band::Adult, MONDAY), []);
}

#[test]
fn a_device_sees_what_was_just_refused_to_it() {
    let family = Family::open(None, NOW).unwrap();
    let sealed = refused(Band::Age6to9, "s.example", Step::Sealed, Some(Category::Csam), &[Category::Csam]);
    family.record(&[gambling(Band::Age16to17), sealed], NOW, MONDAY).unwrap();
    let of = |client: &str, now| family.recent(ClientAddr::from(client.parse::<IpAddr>().unwrap()), now).len();
    assert_eq!((of("192.0.2.7", NOW + 599), of("192.0.2.7", NOW + 600), of("192.0.2.8", NOW)), (1, 0, 0));
}

#[test]
fn passwords_codes_and_waiting() {
    let family = Family::open(None, NOW).unwrap();
    assert!(family.is_new().unwrap());
    assert!(matches!(family.add_account("Lan", "short", Role::Guardian, None, NOW), Err(Error::Refused(_))));
    let id = family.add_account("Lan", "correct horse", Role::Guardian, None, NOW).unwrap();
    assert!(!family.is_new().unwrap());
    assert!(matches!(family.add_account("Lan", "correct horse", Role::Reader, None, NOW), Err(Error::Refused(_))));

    let session = family.sign_in(&login("Lan", "correct horse", ""), NOW).unwrap();
    assert_eq!(family.session(&session.secret, NOW + 60).unwrap().unwrap().id, id);
    assert_eq!(family.session(&session.secret, NOW + 13 * 3600).unwrap(), None, "idle for too long");
    assert_eq!(family.session("made up", NOW).unwrap(), None);

    let (secret, url) = family.new_totp("Lan").unwrap();
    assert!(url.starts_with("otpauth://totp/") && secret.len() == 32, "{url}");
    let totp = totp_rs::Totp::from_url(&url).unwrap();
    let code = |at: i64| totp.generate(at as u64).to_string();
    assert!(family.set_totp(id, Some((&secret, "000000")), NOW).is_err() || code(NOW) == "000000");
    family.set_totp(id, Some((&secret, &code(NOW))), NOW).unwrap();
    assert!(family.sign_in(&login("Lan", "correct horse", ""), NOW).is_err());
    family.sign_in(&login("Lan", "correct horse", &code(NOW)), NOW).unwrap();
    assert!(family.sign_in(&login("Lan", "correct horse", &code(NOW)), NOW).is_err(), "a code counts once");

    for _ in 0..4 {
        assert!(matches!(family.sign_in(&login("Lan", "wrong horse", ""), NOW), Err(Error::Refused(_))));
    }
    assert!(matches!(family.sign_in(&login("Lan", "correct horse", &code(NOW + 60)), NOW), Err(Error::Wait(_))));
    family.sign_in(&login("Lan", "correct horse", &code(NOW + 60)), NOW + 60).unwrap();

    family.set_password(id, "another horse").unwrap();
    assert_eq!(family.session(&session.secret, NOW + 61).unwrap(), None, "a new password ends sessions");
    assert!(family.remove_account(id).is_err(), "the last guardian stays");
}

#[test]
fn a_child_cannot_keep_its_guardian_out_by_guessing() {
    let family = Family::open(None, NOW).unwrap();
    family.add_account("Lan", "correct horse", Role::Guardian, None, NOW).unwrap();
    let from = |from: &str, password| {
        let login = Login { name: "Lan", password, code: "", from: from.parse().unwrap() };
        family.sign_in(&login, NOW).map(drop)
    };
    from("192.0.2.1", "correct horse").unwrap();
    for _ in 0..6 {
        assert!(from("192.0.2.66", "a guess of mine").is_err());
    }
    assert!(matches!(from("192.0.2.67", "a guess of mine"), Err(Error::Wait(_))), "the name waits elsewhere");
    from("192.0.2.1", "correct horse").unwrap();
}

#[test]
fn nobody_becomes_guardian_because_a_disk_failed() {
    let family = Family::substitute(NOW).unwrap();
    assert!(!family.is_new().unwrap());
}

#[test]
fn tokens_are_kept_as_digests() {
    let folder = TempDir::new().unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    let (id, text) = family.add_token("home assistant", &[Scope::Read, Scope::Moments], NOW).unwrap();
    assert_eq!(family.token(&text, NOW).unwrap().unwrap().scopes, [Scope::Read, Scope::Moments]);
    assert_eq!(family.token("luytre_0", NOW).unwrap(), None);
    assert!(!holds(&raw(&folder), &text));
    family.remove_token(id).unwrap();
    assert_eq!(family.token(&text, NOW).unwrap(), None);
}

#[test]
fn requests_are_answered_once_and_forgotten() {
    let folder = TempDir::new().unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    let ask = |name, shows_name| Ask {
        profile: "an",
        kind: Kind::Ask,
        name,
        category: Some("gaming"),
        note: "please",
        shows_name,
    };
    let id = family.ask(&ask("game.example", true), NOW).unwrap();
    assert_eq!(family.ask(&ask("game.example", true), NOW).unwrap(), id, "the same one is not taken twice");
    assert_eq!(family.answer(id, Answer::Hour, "homework first", NOW).unwrap().as_deref(), Some("game.example"));
    assert!(family.answer(id, Answer::No, "", NOW).is_err());
    let hidden = family.ask(&ask("hidden.example", false), NOW).unwrap();
    assert_eq!(family.request(hidden).unwrap().name, None);
    assert!(!holds(&raw(&folder), "hidden.example"));
    assert_eq!(family.answer(hidden, Answer::Once, "", NOW).unwrap().as_deref(), Some("hidden.example"));
    for name in ["a.example", "b.example", "c.example"] {
        family.ask(&ask(name, true), NOW).unwrap();
    }
    assert!(matches!(family.ask(&ask("more.example", true), NOW), Err(Error::Wait(_))), "five an hour");
    family.forget(&[("an".into(), Band::Age10to12)], NOW + 8 * 86_400, date(2026, 12, 1)).unwrap();
    assert_eq!(family.requests(None).unwrap(), []);
    assert!(!holds(&raw(&folder), "game.example"));
}

#[test]
fn grants_and_pauses_end_by_themselves() {
    let family = Family::open(None, NOW).unwrap();
    let id = family.grant("an", "service:youtube", NOW + 900, "Lan", NOW).unwrap();
    family.pause(&Who::House, NOW + 600, "Lan").unwrap();
    family.pause(&Who::House, NOW + 60, "Lan").unwrap();
    family.spend("an", "games", MONDAY, 60).unwrap();
    family.spend("an", "games", MONDAY, 60).unwrap();
    let moments = family.moments(NOW, MONDAY).unwrap();
    assert_eq!((moments.grants.len(), moments.pauses[0].until, moments.used[0].2), (1, NOW + 60, 120));
    assert_eq!(family.moments(NOW + 900, date(2026, 11, 24)).unwrap(), Moments::default());
    assert_eq!(family.take_back(id).unwrap().profile, "an");
    assert!(
        family.take_back(id).is_err() && family.resume(&Who::House).unwrap() && !family.resume(&Who::House).unwrap()
    );
}

#[test]
fn what_a_16_year_old_was_allowed_is_in_memory_alone() {
    let folder = TempDir::new().unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    family.grant_unwritten("an", "unseen.example", NOW + 60, "Lan", NOW);
    let grants = family.moments(NOW, MONDAY).unwrap().grants;
    assert_eq!((grants[0].what.as_str(), grants[0].id), ("hidden:unseen.example", -1));
    assert!(!holds(&raw(&folder), "unseen"));
    assert_eq!(family.moments(NOW + 60, MONDAY).unwrap().grants, []);
    family.take_back(-1).unwrap();
    assert!(family.take_back(-1).is_err());
}

#[test]
fn a_torn_file_is_kept_aside_and_a_new_one_begun() {
    let folder = TempDir::new().unwrap();
    drop(Family::open(Some(folder.path()), NOW).unwrap());
    let file = folder.path().join("family.db");
    let mut octets = std::fs::read(&file).unwrap();
    octets.iter_mut().take(4096).for_each(|octet| *octet = 0x5a);
    std::fs::write(&file, octets).unwrap();
    let family = Family::open(Some(folder.path()), NOW).unwrap();
    assert!(family.is_new().unwrap());
    assert!(folder.path().join(format!("family.broken-{NOW}")).is_file());
}

#[test]
fn new_devices_are_told_once() {
    let family = Family::open(None, NOW).unwrap();
    assert!(family.see("02:00:00:00:00:01", "tablet", NOW).unwrap());
    assert!(!family.see("02:00:00:00:00:01", "", NOW + 5).unwrap());
    let seen = family.seen().unwrap();
    assert_eq!((seen[0].name.as_str(), seen[0].last, seen[0].is_known), ("tablet", NOW + 5, false));
    family.know("02:00:00:00:00:01").unwrap();
    assert!(family.seen().unwrap()[0].is_known);
}

#[test]
fn what_was_done_can_be_read_by_whom_it_concerns() {
    let family = Family::open(None, NOW).unwrap();
    family.note("Lan", Some("an"), Deed::Grant, "time 900", NOW).unwrap();
    family.note("Lan", None, Deed::SignedIn, "", NOW).unwrap();
    assert_eq!((family.acts(Some("an"), 10).unwrap().len(), family.acts(None, 10).unwrap().len()), (1, 2));
}

#[test]
fn profiles_are_kept_apart() {
    let family = Family::open(None, NOW).unwrap();
    let other = Refused { profile: Arc::from("binh"), ..gambling(Band::Age6to9) };
    family.record(&[gambling(Band::Age6to9), other], NOW, MONDAY).unwrap();
    family.forget_activity("an", MONDAY).unwrap();
    assert_eq!(family.visible("an", Band::Age6to9, MONDAY).unwrap().names, []);
    assert_eq!(family.visible("binh", Band::Age6to9, MONDAY).unwrap().names.len(), 1);
}
