//! Who lies to the four, and who comes too late: shares that are none, tokens that are spent, questions after the key is gone, and
//! octets that mean nothing. The same on SQLite and on PostgreSQL.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::str::FromStr;
use std::thread;
use std::time::Duration;

use bhttp::{Message, Mode};
use luytre::classify::Category;
use luytre::name::Name;
use luytre::oprf::Evaluated;
use luytre::report::calendar::{ACCEPT_HOURS, DESTROY_HOURS};
use luytre::report::consent::{Consent, Mode as Allowed, Permit};
use luytre::report::envelope::Envelope;
use luytre::report::manifest::{Manifest, Purpose};
use luytre::report::message::{Content, Header, Lane, Report};
use luytre::report::seal::{Answer, Question};
use luytre::report::token::{SIGNATURE_LEN, TOKEN_LEN, Token, ask};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305;
use rustls::crypto::hpke::{Hpke, HpkePublicKey};

use crate::harness::family::soon;
use crate::harness::homes::now;
use crate::harness::operators::{Operators, Options};
use crate::harness::postgres::Postgres;

/// Name, homes that report it, homes that send junk under its tag.
const MET: [(&str, usize, usize); 4] =
    [("du-hai-muoi.top", 20, 0), ("muoi-chin.vn", 19, 0), ("muoi-chin-va-mot.net", 19, 1), ("bon-muoi.org", 36, 4)];

/// One line of the provider's, and what it can do by hand.
struct Line<'a> {
    operators: &'a Operators,
    manifest: &'a Manifest,
    from: [u8; 4],
}

impl Line<'_> {
    fn post(&self, to: SocketAddr, path: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
        post(self.from, to, path, kind, body)
    }

    fn tokens(&self, header: Header, purposes: &[Purpose]) -> Vec<Token> {
        let issuer = &self.manifest.issuer.as_ref().unwrap().key;
        let challenge = |purpose| self.manifest.challenge(purpose, header.lane, header.epoch).unwrap();
        let asked: Vec<_> =
            purposes.iter().map(|purpose| ask(issuer, &challenge(*purpose), &mut rand::rng()).unwrap()).collect();
        let body: Vec<u8> = asked.iter().flat_map(|(_, request)| *request).collect();
        let (status, signed) = self.post(self.operators.issuer, "tokens", "application/private-token-request", &body);
        assert_eq!(status, 200);
        let answers = signed.chunks(SIGNATURE_LEN);
        let both = asked.into_iter().zip(answers);
        both.map(|((asking, _), answer)| asking.finish(answer.try_into().unwrap(), issuer).unwrap()).collect()
    }

    /// Through the relay to the gateway of `a` or `b`; what it says inside.
    fn inside(&self, side: &str, path: &str, content: &[u8]) -> (u16, Vec<u8>) {
        let operator = if side == "a" { &self.manifest.a } else { &self.manifest.b };
        let client = ohttp::ClientRequest::from_encoded_config(&operator.as_ref().unwrap().gateway).unwrap();
        let mut request = Message::request(b"POST".into(), b"https".into(), Vec::new(), path.into());
        request.write_content(content);
        let mut octets = Vec::new();
        request.write_bhttp(Mode::KnownLength, &mut octets).unwrap();
        let (closed, opening) = client.encapsulate(&octets).unwrap();
        let (status, answer) = self.post(self.operators.relay, side, "message/ohttp-req", &closed);
        assert_eq!(status, 200, "the relay");
        let message = Message::read_bhttp(&mut Cursor::new(opening.decapsulate(&answer).unwrap())).unwrap();
        (message.control().status().unwrap().code(), message.content().to_vec())
    }

    fn evaluate(&self, side: &str, header: Header, token: &Token, element: [u8; 32]) -> (u16, Vec<u8>) {
        self.inside(side, "/evaluate", &[header.octets().as_slice(), token.octets(), &element].concat())
    }

    /// A report of that name, sealed; with `junk`, its value is another's.
    fn report(&self, header: Header, name: &str, junk: bool) -> Vec<u8> {
        let content = Content {
            name: Name::from_str(name).unwrap(),
            category: Category::PhishingScam,
            confidence: 3,
            region: 0,
            engine: 1,
        };
        let (question, elements) =
            Question::about(Report::new(header, content).unwrap(), permit(self.manifest)).unwrap();
        let tokens = self.tokens(header, &[Purpose::AskA, Purpose::AskB, Purpose::Report]);
        let evaluated = |side: &str, token: &Token, element| {
            let (status, octets) = self.evaluate(side, header, token, element);
            assert_eq!(status, 200);
            Evaluated { elements: vec![octets[..32].try_into().unwrap()], proof: octets[32..].try_into().unwrap() }
        };
        let (a, b) = (evaluated("a", &tokens[0], elements.a), evaluated("b", &tokens[1], elements.b));
        let (key_a, key_b) = self.manifest.keys(header.lane, header.epoch).unwrap();
        let (a, b) = (Answer { evaluated: &a, key: &key_a }, Answer { evaluated: &b, key: &key_b });
        let report = question.seal(a, b, &mut rand::rng()).unwrap();
        let sealing = &self.manifest.a.as_ref().unwrap().sealing;
        if !junk {
            return Envelope::report(&report, tokens[2].octets(), sealing).unwrap().octets().to_vec();
        }
        // The share's value takes its place's octets: a number, and not the right one.
        let mut octets = *report.octets();
        octets.copy_within(23..55, 55);
        let mut envelope = [[1].as_slice(), &octets[..7]].concat();
        let key = HpkePublicKey(sealing.octets().to_vec());
        let content = [octets.as_slice(), tokens[2].octets()].concat();
        let hpke: &dyn Hpke = DH_KEM_X25519_HKDF_SHA256_CHACHA20_POLY1305;
        let (sender, sealed) = hpke.seal(b"luytre report 1 to a", &envelope, &content, &key).unwrap();
        envelope.extend([sender.0, sealed].concat());
        envelope
    }
}

fn permit(manifest: &Manifest) -> Permit {
    let operators = luytre::report::consent::Operators { is_lab: false, ..manifest.operators() };
    match Allowed::of(Consent { guardian: true, children: true }, &operators) {
        Allowed::Full(permit) => permit,
        other => panic!("{other:?}"),
    }
}

fn post(from: [u8; 4], to: SocketAddr, path: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let mut stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {to}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // A server that has heard enough may hang up before the end.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return (0, answer) };
    let status = std::str::from_utf8(&answer[..end]).unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer.split_off(end + 4))
}

/// Side by side: nearly all of it is waiting.
#[test]
fn lies_and_lateness_change_nothing_on_sqlite_and_on_postgresql() {
    let postgres = Postgres::start();
    let places = ["of_a", "of_b", "of_t"].map(|database| {
        let url = &postgres.url;
        let made = Command::new("psql").args([url, "-qc", &format!("CREATE DATABASE {database}")]).status().unwrap();
        assert!(made.success());
        let (server, _) = url.rsplit_once('/').unwrap();
        format!("{server}/{database}")
    });
    thread::scope(|scope| {
        scope.spawn(|| lies_and_lateness(None));
        scope.spawn(|| lies_and_lateness(Some(places)));
    });
}

fn lies_and_lateness(databases: Option<[String; 3]>) {
    let options = Options { day_secs: 9, days: 2, weeks: 0, takes_part_one_in: 4, databases };
    let mut operators = Operators::start(&options);
    let (manifest, calendar) = (operators.manifest(), operators.calendar);
    let epoch = operators.first(Lane::Security) + 1;
    let header = manifest.header(Lane::Security, epoch);
    let key = fs::read(operators.folder.path().join(format!("a/keys/security-{epoch}.key"))).unwrap();
    assert_eq!(key.len(), 32);

    let mut line = 0_u8;
    let mut envelopes = Vec::new();
    for (name, good, junk) in MET {
        for home in 0..good + junk {
            line += 1;
            let line = Line { operators: &operators, manifest: &manifest, from: [127, 0, 7, line] };
            envelopes.push((line.from, line.report(header, name, home >= good)));
        }
    }
    tokens_are_spent_once(&operators, &manifest, header);
    nonsense_is_answered(&operators, &manifest);
    one_answer_counts_while_its_week_is_taken(&operators, &manifest);
    while now() < calendar.ends_at(Lane::Security, epoch) {
        thread::sleep(Duration::from_millis(100));
    }
    for (from, envelope) in &envelopes {
        let line = Line { operators: &operators, manifest: &manifest, from: *from };
        assert_eq!(line.inside("b", "/report", envelope).0, 202);
        // Once more: an answer may have been lost. It counts once.
        assert_eq!(line.inside("b", "/report", envelope).0, 202);
    }
    while now() <= calendar.after(Lane::Security, epoch, DESTROY_HOURS) {
        thread::sleep(Duration::from_millis(100));
    }
    let late = Line { operators: &operators, manifest: &manifest, from: [127, 0, 8, 1] };
    let tokens = late.tokens(header, &[Purpose::AskA, Purpose::AskB]);
    assert_eq!(late.evaluate("a", header, &tokens[0], [7; 32]).0, 410);
    assert_eq!(late.evaluate("b", header, &tokens[1], [7; 32]).0, 410);
    soon("what enough homes said", Duration::from_secs(40), || operators.indicators().len() == 2);
    let found = operators.indicators();
    let told: Vec<_> =
        found.iter().map(|row| (row[2].text().unwrap(), row[4].int().unwrap(), row[5].int().unwrap())).collect();
    assert_eq!(told, [("bon-muoi.org", 36, 4), ("du-hai-muoi.top", 20, 0)], "19 and one junk stay closed");
    // Opened, counted, and gone with its epoch; of what stayed closed nothing is left but that it stayed closed.
    soon("that the epoch is forgotten", Duration::from_secs(60), || {
        operators.query("SELECT epoch FROM epochs WHERE stage < 3").is_empty()
    });
    assert!(operators.metric("a", "luytre_hub_done_total{thing=\"key_destroyed\",role=\"a\"}") >= 2.0);
    operators.stop();
    for (path, octets) in operators.disks() {
        for secret in [key.as_slice(), b"muoi-chin"] {
            assert!(!octets.windows(secret.len()).any(|window| window == secret), "{}", path.display());
        }
    }
}

fn tokens_are_spent_once(operators: &Operators, manifest: &Manifest, header: Header) {
    let line = Line { operators, manifest, from: [127, 0, 9, 1] };
    let tokens = line.tokens(header, &[Purpose::AskA, Purpose::AskB, Purpose::Report]);
    let element = || luytre::oprf::blind(b"something").unwrap().1;
    let (one, other) = (element(), element());
    assert_eq!(line.evaluate("a", header, &tokens[1], one).0, 403, "signed for b");
    assert_eq!(line.evaluate("a", header, &tokens[2], one).0, 403, "signed for a report");
    assert_eq!(line.evaluate("a", header, &tokens[0], one).0, 200);
    assert_eq!(line.evaluate("a", header, &tokens[0], one).0, 200, "an answer may get lost");
    assert_eq!(line.evaluate("a", header, &tokens[0], other).0, 409, "spent");
    let next = Header { epoch: header.epoch + 1, ..header };
    assert_eq!(line.evaluate("a", next, &tokens[0], other).0, 410, "nobody has a key of that epoch");
    assert_eq!(line.evaluate("b", header, &tokens[1], [0xff; 32]).0, 400, "no point");
    // All of it in one week of the provider's.
    let calendar = operators.calendar;
    while calendar.epoch(Lane::Harm, now()) != calendar.epoch(Lane::Harm, now() + 4) {
        thread::sleep(Duration::from_millis(100));
    }
    let line = Line { operators, manifest, from: [127, 0, 9, 3] };
    line.tokens(header, &[Purpose::AskA; 3]);
    // Three of 61 are gone, and these are 58 and one more.
    line.tokens(header, &[Purpose::AskA; 58]);
    let body = vec![0; 259];
    let (status, _) = line.post(operators.issuer, "tokens", "application/private-token-request", &body);
    assert_eq!(status, 429, "a line has 61 a week");
    assert_eq!(TOKEN_LEN, 354);
}

/// Of homes that can reach one operator only.
fn one_answer_counts_while_its_week_is_taken(operators: &Operators, manifest: &Manifest) {
    let (line, calendar) = (Line { operators, manifest, from: [127, 0, 9, 4] }, operators.calendar);
    let week = calendar.epoch(Lane::Harm, now()) - 1;
    let until = calendar.after(Lane::Harm, week, ACCEPT_HOURS);
    let header = manifest.header(Lane::Harm, week);
    let tokens = line.tokens(header, &[Purpose::Week, Purpose::Week]);
    let answer = |token: &Token, group: u8| {
        let week = week.to_be_bytes();
        [token.octets().as_slice(), &[1], &week, &[group, 1]].concat()
    };
    // Near the edge either would be right.
    let wanted = [(now() + 3 < until).then_some(202), (now() > until).then_some(410)];
    let Some(wanted) = wanted.into_iter().flatten().next() else { return };
    assert_eq!(line.inside("b", "/answer", &answer(&tokens[0], 18)).0, wanted);
    assert_eq!(line.inside("b", "/answer", &answer(&tokens[1], 24)).0, 400, "no such group");
    if wanted == 202 {
        assert_eq!(line.inside("b", "/answer", &answer(&tokens[0], 17)).0, 409, "one a home");
    }
}

fn nonsense_is_answered(operators: &Operators, manifest: &Manifest) {
    let line = Line { operators, manifest, from: [127, 0, 9, 2] };
    let kind = "message/ohttp-req";
    assert_eq!(line.post(operators.relay, "c", kind, b"x").0, 404);
    assert_eq!(line.post(operators.relay, "a", "text/plain", b"x").0, 415);
    assert_eq!(line.post(operators.relay, "a", kind, b"no message").0, 400);
    assert_eq!(line.post(operators.relay, "a", kind, &vec![7; 20_000]).0, 413);
    for length in [0, 1, 258, 260, 62 * 259] {
        let status = line.post(operators.issuer, "tokens", "x", &vec![1; length]).0;
        assert!([400, 413].contains(&status), "{length}: {status}");
    }
    for path in ["batch/security/1", "weeks/1", "publish/1", "gateway"] {
        assert_eq!(line.post(operators.internal, path, "x", b"x").0, 401, "{path}");
    }
    for length in [0, 7, 392, 393, 394, 609, 5_148, 10_000] {
        for path in ["/evaluate", "/report", "/week", "/answer", "/", ""] {
            for side in ["a", "b"] {
                let (status, _) = line.inside(side, path, &vec![1; length]);
                assert!([400, 403, 404, 410].contains(&status), "{side} {path:?} {length}: {status}");
            }
        }
    }
    for role in ["a", "b", "relay", "issuer"] {
        assert!(!operators.log(role).contains("panicked"), "{}", operators.log(role));
        assert!(operators.metrics(role).contains("luytre_hub_requests_total"), "{role} answers");
    }
}
