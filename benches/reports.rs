//! What anonymous reports cost: a home's week in octets and processor time, and what one core of each operator takes in. Real
//! code of both sides, in one thread, without sockets: `cargo bench --bench reports`. Prints; judges nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs, reason = "a program that prints")]

use std::time::{Duration, Instant};

use luytre::classify::Category;
use luytre::hub::collect::issue::{Allowance, Issuer, Redeemer};
use luytre::hub::collect::open::{Collector, Group, Limits};
use luytre::hub::collect::sum::{Side, Summing};
use luytre::name::Name;
use luytre::oprf::ServerKey;
use luytre::report::consent::{Consent, Mode, Operators, Permit};
use luytre::report::envelope::{Envelope, OpeningKey, Recipient, Week};
use luytre::report::message::{Content, Header, Lane, Report, Threshold};
use luytre::report::oblivious;
use luytre::report::seal::{Anonymous, Answer, Question};
use luytre::report::statistics::{Cell, Presence};
use luytre::report::token::{Token, ask, challenge};
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, SymmetricSuite};

const REPORTS_A_WEEK: u32 = 20;
const HEADER: Header = Header { lane: Lane::Harm, epoch: 2_969, threshold: Threshold::USUAL };

fn permit() -> Permit {
    let name = |name: &str| Some(name.to_string());
    let operators = Operators { a: name("a"), b: name("b"), relay: name("r"), is_lab: false };
    match Mode::of(Consent { guardian: true, children: true }, &operators) {
        Mode::Full(permit) => permit,
        other => unreachable!("{other:?}"),
    }
}

/// Runs it so often; the time of one.
fn each<T>(times: u32, mut work: impl FnMut() -> T) -> (Duration, Vec<T>) {
    let start = Instant::now();
    let done: Vec<T> = (0..times).map(|_| work()).collect();
    (start.elapsed() / times, done)
}

fn line(what: &str, one: Duration) {
    println!("{what:<58} {:>9.1} µs  {:>9.0} a second and core", one.as_secs_f64() * 1e6, 1.0 / one.as_secs_f64());
}

fn report(home: u32) -> Report {
    let name = Name::parse(&format!("xau{}.com", home % 10)).unwrap();
    Report::new(HEADER, Content { name, category: Category::Grooming, confidence: 3, region: 1, engine: 1 }).unwrap()
}

struct Operating {
    a: ServerKey,
    b: ServerKey,
}

fn reports(keys: &Operating) -> (Duration, Duration, Vec<Anonymous>) {
    let (public_a, public_b) = (keys.a.public(), keys.b.public());
    let (mut asking, mut sealing, mut answering) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
    let mut all = Vec::new();
    for home in 0..1_000 {
        let start = Instant::now();
        let (question, elements) = Question::about(report(home), permit()).unwrap();
        asking += start.elapsed();
        let start = Instant::now();
        let (a, b) = (keys.a.evaluate(&[elements.a]).unwrap(), keys.b.evaluate(&[elements.b]).unwrap());
        answering += start.elapsed() / 2;
        let start = Instant::now();
        let (a, b) = (Answer { evaluated: &a, key: &public_a }, Answer { evaluated: &b, key: &public_b });
        all.push(question.seal(a, b, &mut rand::rng()).unwrap());
        sealing += start.elapsed();
    }
    ((asking + sealing) / 1_000, answering / 1_000, all)
}

fn tokens() -> (Duration, Duration, Duration, Token) {
    let mut rng = rand::rng();
    let issuer = Issuer::generate(&mut rng).unwrap();
    let purpose = challenge("isp.vn", &[1; 32], "b.vn");
    let (asked, asking) = each(200, || ask(issuer.public(), &purpose, &mut rand::rng()).unwrap());
    let mut requests = asking.iter();
    let (signed, answers) = each(200, || {
        let (_, request) = requests.next().unwrap();
        issuer.sign(request, &mut Allowance::default(), &mut rng).unwrap()
    });
    let mut both = asking.into_iter().zip(answers);
    let (finished, tokens) = each(200, || {
        let ((asking, _), answer) = both.next().unwrap();
        asking.finish(&answer, issuer.public()).unwrap()
    });
    let mut redeemer = Redeemer::new(issuer.public().clone(), purpose, 1_000);
    let mut unspent = tokens.iter();
    let (redeemed, _) = each(200, || redeemer.redeem(unspent.next().unwrap().octets()).unwrap());
    (asked + finished, signed, redeemed, tokens[0].clone())
}

fn weeks() -> (Duration, Duration, usize) {
    let ((open_a, seal_a), (open_b, seal_b)) = (OpeningKey::generate().unwrap(), OpeningKey::generate().unwrap());
    let cell = |category| Cell::of_band(category, 2).unwrap();
    let (made, envelopes) = each(100, || {
        let mut presence = Presence::new();
        [Category::Porn, Category::Gambling, Category::Malware].into_iter().for_each(|one| presence.meet(cell(one)));
        let halves = presence.blur(&mut rand::rng(), permit()).split(7, &mut rand::rng()).unwrap();
        Envelope::week(7, &halves, &seal_a, &seal_b).unwrap()
    });
    let (mut a, mut b) = (Summing::new(Side::A, 7, [1; 32]).unwrap(), Summing::new(Side::B, 7, [1; 32]).unwrap());
    let mut arrived = envelopes.iter();
    let (summed, _) = each(100, || {
        let week = Week::parse(arrived.next().unwrap().octets()).unwrap();
        let (of_a, of_b) =
            (open_a.open_half(&week, Recipient::A).unwrap(), open_b.open_half(&week, Recipient::B).unwrap());
        let (wait_a, word_a) = a.begin(week.nonce, &week.public, &of_a).unwrap();
        let (wait_b, word_b) = b.begin(week.nonce, &week.public, &of_b).unwrap();
        a.finish(wait_a, &word_b).unwrap();
        b.finish(wait_b, &word_a).unwrap();
    });
    (made, summed, envelopes[0].octets().len())
}

/// A question on its way: closed by the home, opened and answered by the gateway, opened by the home.
fn oblivious() -> (Duration, Duration) {
    let suite = SymmetricSuite::new(Kdf::HkdfSha256, Aead::ChaCha20Poly1305);
    let config = KeyConfig::derive(1, Kem::X25519Sha256, vec![suite], &[7; 32]).unwrap();
    let (encoded, gateway) = (config.encode().unwrap(), ohttp::Server::new(config).unwrap());
    let mut answer = Vec::new();
    let mut message = bhttp::Message::response(bhttp::StatusCode::OK);
    message.write_content([1; 96]);
    message.write_bhttp(bhttp::Mode::KnownLength, &mut answer).unwrap();
    let (closed, messages) = each(500, || oblivious::close(&encoded, "/evaluate", &[1; 393]).unwrap());
    let mut arrived = messages.iter();
    let (served, answers) = each(500, || {
        let (inner, reply) = gateway.decapsulate(&arrived.next().unwrap().0).unwrap();
        bhttp::Message::read_bhttp(&mut std::io::Cursor::new(inner)).unwrap();
        reply.encapsulate(&answer).unwrap()
    });
    let mut both = messages.into_iter().zip(answers);
    let (opened, _) = each(500, || {
        let ((_, opening), answer) = both.next().unwrap();
        opening.open(&answer).unwrap()
    });
    (closed + opened, served)
}

fn main() {
    let keys = Operating { a: ServerKey::generate().unwrap(), b: ServerKey::generate().unwrap() };
    let (home_report, evaluated, anonymous) = reports(&keys);
    let (home_token, signed, redeemed, token) = tokens();
    let (home_week, summed, week_octets) = weeks();
    let (home_closed, served) = oblivious();
    let (open, seal) = OpeningKey::generate().unwrap();
    let mut sealed = anonymous.iter();
    let (enveloped, envelopes) =
        each(1_000, || Envelope::report(sealed.next().unwrap(), token.octets(), &seal).unwrap());
    let mut arrived = envelopes.iter();
    let (opened, reports) = each(1_000, || open.open_report(arrived.next().unwrap().octets()).unwrap());
    let mut collector = Collector::new(HEADER, Limits { reports_max: 10_000 });
    let start = Instant::now();
    for (report, _) in &reports {
        collector.take(report);
    }
    let groups = collector.open(&mut rand::rng());
    let recovered = start.elapsed() / 1_000;
    let revealed = groups.iter().filter(|group| matches!(group, Group::Revealed(_))).count();

    println!("of a home");
    line("  a report: two questions, two proofs checked, sealed", home_report);
    line("  an envelope", enveloped);
    line("  a token: blinded, unblinded, checked", home_token);
    line("  a week: blurred, split with its proof, sealed", home_week);
    line("  a message closed, its answer opened (OHTTP)", home_closed);
    let messages = home_closed * (3 * REPORTS_A_WEEK + 1);
    let week =
        (home_report + enveloped) * REPORTS_A_WEEK + home_token * (3 * REPORTS_A_WEEK + 1) + home_week + messages;
    println!("  a whole week: {:.1} ms", week.as_secs_f64() * 1e3);
    println!("  envelopes: {} octets a report, {week_octets} a week", envelopes[0].octets().len());
    println!("of the operators");
    line("  a message opened, its answer closed (OHTTP; A, B)", served);
    line("  a question answered with its proof (A, B)", evaluated);
    line("  a token signed (issuer)", signed);
    line("  a token checked (A, B)", redeemed);
    line("  a report opened (A)", opened);
    line("  a report counted and, of ten names, recovered (A)", recovered);
    line("  a week verified and added up (A and B together)", summed);
    let at_a = served + evaluated + redeemed * 2 + opened + recovered;
    line("  a report in all at A: its question, two tokens, opened, counted", at_a);
    line("  a report in all at B: its question, a token, passed on", served * 2 + evaluated + redeemed);
    println!("  {revealed} of 10 names recovered");
}
