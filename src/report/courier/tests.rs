//! Households against operators played in memory: idle and busy ones look the same, and whoever answers badly gets nothing.

#![allow(clippy::arithmetic_side_effects, reason = "small numbers of a test")]

use super::*;
use crate::oprf::ServerKey;
use crate::report::envelope::OpeningKey;
use crate::report::manifest::{Announcement, File, Provider, Relay};
use crate::report::spool::Limits;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bhttp::{Message, Mode as Length, StatusCode};
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, Server, SymmetricSuite};
use rand::SeedableRng;
use rsa::traits::PublicKeyParts;
use rsa::{BoxedUint, PrivateKey, hazmat};
use std::io::Cursor;
use std::sync::OnceLock;

/// A day of 24 seconds: an hour is one.
const DAY: u64 = 24;
/// The beginning of a week.
const START: u64 = 1_000 * 7 * DAY;
const WEEKS: u64 = 3;
const AGREED: Consent = Consent { guardian: true, children: true };

/// How an operator behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    OtherKey,
    NoPoint,
    Short,
    Gone,
    Junk,
}

struct Operated {
    gateway: Server,
    opening: OpeningKey,
    announced: Announcement,
    key: ServerKey,
}

struct World {
    a: Operated,
    b: Operated,
    manifest: Manifest,
    manner: Manner,
    /// Kind, where to, octets and when, of all that was posted.
    log: Vec<(Kind, String, usize, u64)>,
    reports: Vec<Vec<u8>>,
    weeks: Vec<Vec<u8>>,
    answers: Vec<Vec<u8>>,
}

fn issuer() -> &'static PrivateKey {
    static ISSUER: OnceLock<PrivateKey> = OnceLock::new();
    ISSUER.get_or_init(|| PrivateKey::new(&mut rand::rng(), 2048).unwrap())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// One key for all epochs of the test, which the wire does not show.
fn operated(name: &str) -> Operated {
    let suite = vec![SymmetricSuite::new(Kdf::HkdfSha256, Aead::ChaCha20Poly1305)];
    let config = KeyConfig::new(1, Kem::X25519Sha256, suite).unwrap();
    let encoded = config.encode().unwrap();
    let (opening, sealing) = OpeningKey::generate().unwrap();
    let key = ServerKey::generate().unwrap();
    let public = hex(&key.public().to_bytes());
    let days = (7_000..7_000 + 7 * (WEEKS as u32 + 2)).map(|epoch| (epoch, public.clone())).collect();
    let weeks = (1_000..1_000 + WEEKS as u32 + 2).map(|epoch| (epoch, public.clone())).collect();
    let announced = Announcement {
        name: name.into(),
        gateway: STANDARD.encode(encoded),
        sealing: hex(sealing.octets()),
        keys: [("security".to_string(), days), ("harm".to_string(), weeks)].into(),
    };
    Operated { gateway: Server::new(config).unwrap(), opening, announced, key }
}

impl World {
    fn new(change: impl Fn(&mut File)) -> World {
        let (a, b) = (operated("An ninh"), operated("Trẻ em"));
        let modulus = issuer().n_bytes();
        let mut file = File {
            format: 1,
            lab: true,
            day_secs: DAY,
            takes_part_one_in: 1,
            threshold: 25,
            a: Some(a.announced.clone()),
            b: Some(b.announced.clone()),
            relay: Some(Relay { name: "Nhà mạng".into(), url: "https://relay.example/".into() }),
            issuer: Some(Provider {
                name: "Nhà mạng".into(),
                url: "https://issuer.example/".into(),
                key: STANDARD.encode(&modulus),
            }),
        };
        change(&mut file);
        let manifest = Manifest::of(&file).unwrap();
        let (log, reports, weeks, answers) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        World { a, b, manifest, manner: Manner::Good, log, reports, weeks, answers }
    }

    fn carry(&mut self, action: &Action, now: u64) -> Came {
        self.log.push((action.kind, action.url.clone(), action.body.len(), now));
        match self.manner {
            Manner::Gone => return Came::Nothing,
            Manner::Junk => return Came::Answer { status: 200, body: vec![7; action.answer_max] },
            _ => {}
        }
        if action.url.ends_with("tokens") {
            let signed = action.body.chunks(259).flat_map(|request| {
                let blinded = BoxedUint::from_be_slice(&request[3..], 2048).unwrap();
                hazmat::rsa_decrypt_and_check(issuer(), Some(&mut rand::rng()), &blinded).unwrap().to_be_bytes()
            });
            return Came::Answer { status: 200, body: signed.collect() };
        }
        let side = if action.url.ends_with('a') { &self.a } else { &self.b };
        let (inner, reply) = side.gateway.decapsulate(&action.body).unwrap();
        let message = Message::read_bhttp(&mut Cursor::new(inner)).unwrap();
        let (path, content) = (message.control().path().unwrap().to_vec(), message.content().to_vec());
        let (status, told) = self.answer(&path, &content, action.url.ends_with('a'));
        let mut response = Message::response(StatusCode::try_from(u64::from(status)).unwrap());
        response.write_content(told);
        let mut octets = Vec::new();
        response.write_bhttp(Length::KnownLength, &mut octets).unwrap();
        Came::Answer { status: 200, body: reply.encapsulate(&octets).unwrap() }
    }

    fn answer(&mut self, path: &[u8], content: &[u8], is_a: bool) -> (u16, Vec<u8>) {
        match path {
            b"/evaluate" => {
                assert_eq!(content.len(), 393);
                let element = content[361..].try_into().unwrap();
                let other = ServerKey::generate().unwrap();
                let key = match (self.manner, is_a) {
                    (Manner::OtherKey, _) => &other,
                    (_, true) => &self.a.key,
                    (_, false) => &self.b.key,
                };
                let evaluated = key.evaluate(&[element]).unwrap();
                let mut told = [evaluated.elements[0].as_slice(), &evaluated.proof].concat();
                match self.manner {
                    Manner::NoPoint => told[..32].fill(0xff),
                    Manner::Short => told.truncate(95),
                    _ => {}
                }
                (200, told)
            }
            b"/report" => {
                self.reports.push(content.to_vec());
                (202, Vec::new())
            }
            b"/week" => {
                self.weeks.push(content.to_vec());
                (202, Vec::new())
            }
            b"/answer" => {
                self.answers.push(content.to_vec());
                (202, Vec::new())
            }
            _ => (404, Vec::new()),
        }
    }

    fn home(&self, folder: &std::path::Path, seed: u64) -> Home {
        let (spool, _) = Spool::open(&folder.join("reports.spool"), Limits::default()).unwrap();
        let options = Options { lab: true, region: 7, engine: 1 };
        Home::new(self.manifest.clone(), options, AGREED, spool, StdRng::seed_from_u64(seed))
    }

    /// Lives through some seconds, with something met in each by `meet`.
    fn live(&mut self, home: &mut Home, seconds: std::ops::Range<u64>, meet: impl Fn(&mut Home, u64)) {
        for now in seconds {
            meet(home, now);
            for action in home.step(now) {
                let came = self.carry(&action, now);
                home.came(action.id, came, now);
            }
        }
    }

    fn counts(&self) -> BTreeMap<(Kind, String, usize), usize> {
        let mut counts = BTreeMap::new();
        for (kind, url, octets, _) in &self.log {
            *counts.entry((*kind, url.clone(), *octets)).or_default() += 1;
        }
        counts
    }
}

fn busy(home: &mut Home, now: u64) {
    for at in 0..4 {
        let name = |end: &str| Name::parse(&format!("xau{now}-{at}.{end}")).unwrap();
        home.meet_name(now, &name("com"), Category::PhishingScam, 2, true);
        home.meet_name(now, &name("net"), Category::Grooming, 1, false);
        home.meet_cell(now, Category::Gambling, 2, 3);
    }
}

fn idle(_: &mut Home, _: u64) {}

/// Three weeks, and until all of them is taken.
fn whole() -> std::ops::Range<u64> {
    START..START + (7 * WEEKS + 2) * DAY
}

#[test]
fn an_idle_home_and_a_busy_one_send_the_same() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [idle_counts, busy_counts] = [(idle as fn(&mut Home, u64), 0), (busy, 1)].map(|(meet, at)| {
        let mut world = World::new(|_| {});
        let mut home = world.home(folders[at].path(), 5 + at as u64);
        world.live(&mut home, whole(), meet);
        // Tokens of the epochs that still run are at times of their own.
        world.log.retain(|(kind, ..)| *kind != Kind::Tokens);
        assert_eq!(home.counts().values().map(|count| count.dropped + count.failed).sum::<u64>(), 0);
        assert_eq!(world.reports.iter().filter(|report| report.len() == 609).count(), world.reports.len());
        (world.counts(), world.reports.len(), world.weeks.len())
    });
    assert_eq!(idle_counts, busy_counts);
    // Of three weeks and the first day after them, all reports but those of the last day have left.
    assert_eq!((idle_counts.1, idle_counts.2), (3 * 20, 3));
    let questions: usize = idle_counts.0.iter().filter(|((kind, ..), _)| *kind == Kind::Question).map(|of| of.1).sum();
    // Two of the days after the weeks were asked about as well: each has two slots, and each slot two questions.
    assert!((120..=128).contains(&questions), "{questions}");
    let kinds: Vec<_> = idle_counts.0.keys().map(|(kind, url, _)| (*kind, url.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (Kind::Question, "https://relay.example/a"),
            (Kind::Question, "https://relay.example/b"),
            (Kind::Report, "https://relay.example/b"),
            (Kind::Week, "https://relay.example/b")
        ],
        "one length of each"
    );
}

#[test]
fn what_was_met_can_be_opened_by_a_and_holds_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|_| {});
    let mut home = world.home(folder.path(), 3);
    let name = Name::parse("xau.com").unwrap();
    world.live(&mut home, START..START + 4 * DAY, |home, now| {
        home.meet_name(now, &name, Category::PhishingScam, 2, true);
    });
    assert!(world.reports.len() >= 4, "{}", world.reports.len());
    let challenge = |epoch| world.manifest.challenge(crate::report::manifest::Purpose::Report, Lane::Security, epoch);
    let key = &world.manifest.issuer.as_ref().unwrap().key;
    for report in &world.reports {
        let (anonymous, token) = world.a.opening.open_report(report).unwrap();
        let epoch = u32::from_be_bytes(anonymous[2..6].try_into().unwrap());
        let token = crate::report::token::Token::parse(&token).unwrap();
        assert_eq!(key.verify(&token, &challenge(epoch).unwrap()), Ok(()));
        assert!(world.b.opening.open_report(report).is_err());
    }
    // Asked before the keys are destroyed, sent after that.
    for (kind, _, _, at) in &world.log {
        let of_day = |epoch: u64, from: u64, until: u64| (epoch * DAY + from..epoch * DAY + until).contains(at);
        let days = 7_000..7_004;
        let is_in_time = match kind {
            Kind::Tokens => true,
            Kind::Question => days.into_iter().any(|day| of_day(day, DAY, DAY + 20)),
            _ => days.into_iter().any(|day| of_day(day, 2 * DAY, 3 * DAY + 1)),
        };
        assert!(is_in_time, "{kind:?} at {at}");
    }
}

#[test]
fn a_proof_that_does_not_hold_stops_everything_until_another_manifest() {
    for manner in [Manner::OtherKey, Manner::NoPoint] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(|_| {});
        world.manner = manner;
        let mut home = world.home(folder.path(), 7);
        world.live(&mut home, START..START + 2 * DAY, idle);
        let paused = home.paused(START + 2 * DAY).unwrap_or_default();
        assert!(paused.starts_with("operator"), "{paused}");
        let posted = world.log.len();
        world.live(&mut home, START + 2 * DAY..START + 9 * DAY, busy);
        assert_eq!(world.log.len(), posted, "nothing more leaves");
        assert!(home.preview(START).candidates.is_empty(), "and nothing is collected");
        assert!(world.reports.is_empty());
        let other = World::new(|_| {});
        home.manifest(other.manifest.clone()).unwrap();
        assert_eq!(home.paused(START), None);
    }
}

#[test]
fn junk_and_silence_are_tried_again_and_dropped_in_the_end() {
    for manner in [Manner::Short, Manner::Gone, Manner::Junk] {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::new(|_| {});
        let mut home = world.home(folder.path(), 9);
        // Tokens come; then it begins.
        world.live(&mut home, START..START + DAY, idle);
        world.manner = manner;
        world.live(&mut home, START + DAY..START + 2 * DAY, busy);
        let questions = world.log.iter().filter(|entry| entry.0 == Kind::Question).count();
        assert!((4..200).contains(&questions), "{questions}");
        world.live(&mut home, START + 2 * DAY..START + 6 * DAY, idle);
        assert!(home.counts()[&Kind::Report].dropped >= 2, "{:?}", home.counts());
        assert_eq!((home.waiting(), world.reports.len()), (0, 0), "never sent in another form");
        assert_eq!(home.paused(START), None);
    }
}

#[test]
fn what_finds_no_relay_until_nobody_takes_it_is_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|_| {});
    let mut home = world.home(folder.path(), 21);
    world.live(&mut home, START..START + DAY + 22, busy);
    let waiting = home.waiting();
    assert!(waiting > 0);
    world.manner = Manner::Gone;
    world.live(&mut home, START + DAY + 22..START + 6 * DAY, idle);
    assert_eq!((home.waiting(), world.reports.len()), (0, 0));
    let count = home.counts()[&Kind::Report];
    assert!(count.dropped >= waiting as u64 && count.failed > 0 && count.sent == 0, "{count:?}");
}

#[test]
fn answers_that_nobody_waits_for_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|_| {});
    let mut home = world.home(folder.path(), 11);
    let mut held = Vec::new();
    for now in START..=START + 3 * DAY {
        for action in home.step(now) {
            let came = world.carry(&action, now);
            if action.kind == Kind::Question {
                held.push((action.id, came));
            } else {
                home.came(action.id, came, now);
            }
        }
    }
    assert!(!held.is_empty());
    for (id, came) in held {
        home.came(id, came, START + 3 * DAY);
    }
    home.came(u64::MAX, Came::Nothing, START + 3 * DAY);
    assert_eq!(home.waiting(), 0);
    assert!(home.counts()[&Kind::Report].dropped >= 4);
}

#[test]
fn whoever_takes_consent_back_has_everything_wiped() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|_| {});
    let mut home = world.home(folder.path(), 13);
    // Until something waits on disk.
    world.live(&mut home, START..START + DAY + 22, busy);
    assert!(home.waiting() > 0 && !home.preview(START).candidates.is_empty());
    home.consent(Consent { guardian: true, children: false }).unwrap();
    assert_eq!(home.waiting(), 0);
    let preview = home.preview(START + 2 * DAY);
    assert_eq!(preview.threshold.households(), 25, "as the manifest has it");
    assert!(preview.candidates.is_empty() && preview.cells.is_empty() && !preview.plan.is_empty());
    let posted = world.log.len();
    world.live(&mut home, START + DAY + 22..START + 9 * DAY, busy);
    assert_eq!(world.log.len(), posted);
    assert!(home.preview(START).candidates.is_empty(), "nothing is collected before consent");
    let (_, found) = Spool::open(&folder.path().join("reports.spool"), Limits::default()).unwrap();
    assert_eq!((found.kept, found.torn), (0, 0));
    home.consent(AGREED).unwrap();
    world.live(&mut home, START + 9 * DAY..START + 10 * DAY, busy);
    assert!(world.log.len() > posted, "and it begins anew");
}

#[test]
fn what_waits_on_disk_is_sent_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|_| {});
    let mut home = world.home(folder.path(), 15);
    world.live(&mut home, START..START + DAY + 22, busy);
    let waiting = home.waiting();
    assert!(waiting > 0 && world.reports.is_empty());
    drop(home);
    let mut home = world.home(folder.path(), 16);
    world.live(&mut home, START + DAY + 22..START + 3 * DAY, idle);
    assert_eq!(world.reports.len(), waiting);
}

#[test]
fn where_one_operator_can_be_reached_one_answer_leaves_a_week() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|file| file.a = None);
    let mut home = world.home(folder.path(), 17);
    assert!(matches!(home.mode(), Mode::CountsOnly(..)));
    world.live(&mut home, whole(), busy);
    assert!(home.preview(START).candidates.is_empty(), "no name is kept");
    assert!(world.answers.iter().all(|answer| answer.len() == 361 && answer[360] < 2));
    assert_eq!((world.answers.len(), world.reports.len(), world.weeks.len()), (3, 0, 0));
}

#[test]
fn the_one_answer_of_a_week_is_tried_again_each_time_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|file| file.a = None);
    let mut home = world.home(folder.path(), 18);
    world.live(&mut home, START..START + 7 * DAY, busy);
    world.manner = Manner::Gone;
    world.live(&mut home, START + 7 * DAY..START + 10 * DAY, busy);
    let tried = world.log.iter().filter(|entry| entry.0 == Kind::Answer).map(|entry| entry.3);
    let tried: Vec<u64> = tried.collect();
    for (failures, pair) in tried.windows(2).enumerate() {
        let longest = (1 << failures).min(DAY / 2);
        assert!(pair[1] - pair[0] >= longest / 2, "{tried:?}");
    }
    assert!(tried.len() > 3 && world.answers.is_empty(), "{tried:?}");
    world.manner = Manner::Good;
    world.live(&mut home, START + 10 * DAY..START + 11 * DAY, busy);
    assert_eq!(world.answers.len(), 1, "once, when it can");
    assert_eq!(home.counts()[&Kind::Answer].failed, tried.len() as u64);
}

#[test]
fn a_tests_manifest_and_one_without_a_provider_send_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(|file| file.issuer = None);
    let mut home = world.home(folder.path(), 19);
    world.live(&mut home, START..START + 3 * DAY, busy);
    assert!(world.log.is_empty());
    assert!(home.paused(START).is_some());
    let (spool, _) = Spool::open(&folder.path().join("other.spool"), Limits::default()).unwrap();
    let world = World::new(|_| {});
    let options = Options::default();
    let home = Home::new(world.manifest.clone(), options, AGREED, spool, StdRng::seed_from_u64(1));
    assert!(matches!(home.mode(), Mode::Off(crate::report::consent::Why::Lab)));
}

#[test]
fn the_plan_is_what_the_documents_say() {
    let world = World::new(|_| {});
    let (operators, plan) = outlook(&world.manifest, Options { lab: true, ..Options::default() });
    assert!(operators.a.is_some() && !operators.is_lab);
    let of = |kind| plan.iter().filter(move |planned| planned.kind == kind);
    assert_eq!(of(Kind::Tokens).map(|planned| planned.count * planned.octets).sum::<usize>(), 61 * 259);
    let all: Vec<_> = [Kind::Question, Kind::Report, Kind::Week]
        .into_iter()
        .flat_map(of)
        .map(|planned| (planned.count, planned.octets))
        .collect();
    assert_eq!(all, [(40, 393), (20, 609), (1, 5_148)]);
}
