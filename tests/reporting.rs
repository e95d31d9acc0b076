//! A household that reports, by the real program: nothing before all agreed, then exactly what the manifest says, and nothing
//! that a hostile operator answers does more than stop it. All operators are played here, on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end so"
)]

mod harness;

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bhttp::{Message, Mode, StatusCode};
use harness::family::soon;
use harness::{Server, Upstream, free_port, text};
use luytre::family::Family;
use luytre::hub::collect::issue::{Allowance, Issuer};
use luytre::name::Name;
use luytre::oprf::ServerKey;
use luytre::report::envelope::{OpeningKey, REPORT_LEN};
use luytre::report::manifest::{Announcement, File, Provider, Relay};
use luytre::report::message::Threshold;
use luytre::report::share::{Polynomial, secret_of};
use luytre::report::token::REQUEST_LEN;
use ohttp::hpke::{Aead, Kdf, Kem};
use ohttp::{KeyConfig, SymmetricSuite};
use tempfile::TempDir;

/// Seconds of a day: an epoch of the security lane.
const DAY: u64 = 4;
const PRETENDS: &str = "vietcombank-login.top";
const CHILD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
/// A week, and until all of it has left.
const LONG: Duration = Duration::from_secs(80);

/// How the operators behave.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    OtherKey,
    Endless,
    Drip,
}

struct Operated {
    gateway: ohttp::Server,
    opening: OpeningKey,
    key: ServerKey,
}

/// What was posted: path, octets of the body, the head of the request.
struct Posted {
    path: String,
    octets: usize,
    head: String,
}

#[derive(Default)]
struct Seen {
    posted: Vec<Posted>,
    /// By path inside: octets of content.
    inside: Vec<(String, Vec<u8>)>,
}

struct Operators {
    a: Operated,
    b: Operated,
    addr: SocketAddr,
    manner: Mutex<Manner>,
    seen: Mutex<Seen>,
    /// Octets that an endless answer could write before it was cut off, at most.
    endless: AtomicUsize,
    connections: AtomicUsize,
}

fn issuer() -> &'static Issuer {
    static ISSUER: OnceLock<Issuer> = OnceLock::new();
    ISSUER.get_or_init(|| Issuer::generate(&mut rand::rng()).unwrap())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn epoch(length: u64) -> u32 {
    (SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / length) as u32
}

fn operated(name: &str) -> (Operated, Announcement) {
    let suite = vec![SymmetricSuite::new(Kdf::HkdfSha256, Aead::ChaCha20Poly1305)];
    let config = KeyConfig::new(1, Kem::X25519Sha256, suite).unwrap();
    let gateway = STANDARD.encode(config.encode().unwrap());
    let (opening, sealing) = OpeningKey::generate().unwrap();
    let key = ServerKey::generate().unwrap();
    let public = hex(&key.public().to_bytes());
    let keys = |length: u64, many| (0..many).map(|at| (epoch(length) + at, public.clone())).collect();
    let keys = BTreeMap::from([("security".to_string(), keys(DAY, 200)), ("harm".to_string(), keys(7 * DAY, 30))]);
    let announced = Announcement { name: name.into(), gateway, sealing: hex(sealing.octets()), keys };
    (Operated { gateway: ohttp::Server::new(config).unwrap(), opening, key }, announced)
}

impl Operators {
    /// They listen; the manifest that names them.
    fn start(manner: Manner) -> (Arc<Operators>, String) {
        let ((a, announced_a), (b, announced_b)) = (operated("An ninh"), operated("Trẻ em"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let url = |path: &str| format!("http://{addr}/{path}/");
        let file = File {
            format: 1,
            lab: true,
            day_secs: DAY,
            takes_part_one_in: 1,
            threshold: 20,
            a: Some(announced_a),
            b: Some(announced_b),
            relay: Some(Relay { name: "Nhà mạng".into(), url: url("relay") }),
            issuer: Some(Provider {
                name: "Nhà mạng".into(),
                url: url("issuer"),
                key: STANDARD.encode(issuer().public().modulus()),
            }),
        };
        let operators = Arc::new(Operators {
            a,
            b,
            addr,
            manner: Mutex::new(manner),
            seen: Mutex::default(),
            endless: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        });
        let all = Arc::clone(&operators);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                all.connections.fetch_add(1, Ordering::SeqCst);
                let one = Arc::clone(&all);
                // The other side may go away at any time.
                thread::spawn(move || drop(one.serve(stream)));
            }
        });
        (operators, serde_json::to_string(&file).unwrap())
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let (mut octets, mut piece) = (Vec::new(), [0; 4096]);
        let end = loop {
            let got = stream.read(&mut piece)?;
            octets.extend(&piece[..got]);
            if let Some(end) = octets.windows(4).position(|window| window == b"\r\n\r\n") {
                break end + 4;
            }
            assert!(got > 0, "{}", text(&octets));
        };
        let head = text(&octets[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = octets[end..].to_vec();
        body.resize(length.parse().unwrap(), 0);
        let there = octets.len() - end;
        stream.read_exact(&mut body[there..])?;
        let path = head.split(' ').nth(1).unwrap().to_string();
        let posted = Posted { path: path.clone(), octets: body.len(), head };
        self.seen.lock().unwrap().posted.push(posted);
        let manner = *self.manner.lock().unwrap();
        let (status, answer) = match path.as_str() {
            "/issuer/tokens" => (200, self.sign(&body)),
            _ if manner == Manner::Endless => return self.write_without_end(&mut stream),
            _ if manner == Manner::Drip => return drip(&mut stream),
            "/relay/a" => (200, self.inside(&self.a, &body)),
            "/relay/b" => (200, self.inside(&self.b, &body)),
            _ => (404, Vec::new()),
        };
        write!(stream, "HTTP/1.1 {status} x\r\ncontent-length: {}\r\n\r\n", answer.len())?;
        stream.write_all(&answer)
    }

    fn sign(&self, body: &[u8]) -> Vec<u8> {
        let mut line = Allowance::default();
        let sign = |request| issuer().sign(request, &mut line, &mut rand::rng()).unwrap();
        body.chunks(REQUEST_LEN).flat_map(sign).collect()
    }

    fn inside(&self, side: &Operated, body: &[u8]) -> Vec<u8> {
        let (inner, reply) = side.gateway.decapsulate(body).unwrap();
        let message = Message::read_bhttp(&mut Cursor::new(inner)).unwrap();
        assert_eq!(message.control().method(), Some(b"POST".as_slice()));
        let path = text(message.control().path().unwrap());
        let content = message.content().to_vec();
        let (status, told) =
            if path == "/evaluate" { (200_u16, self.evaluate(side, &content)) } else { (202, Vec::new()) };
        self.seen.lock().unwrap().inside.push((path, content));
        let mut response = Message::response(StatusCode::try_from(status).unwrap());
        response.write_content(told);
        let mut octets = Vec::new();
        response.write_bhttp(Mode::KnownLength, &mut octets).unwrap();
        reply.encapsulate(&octets).unwrap()
    }

    fn evaluate(&self, side: &Operated, content: &[u8]) -> Vec<u8> {
        let element = content[7 + 354..].try_into().unwrap();
        let other = ServerKey::generate().unwrap();
        let key = if *self.manner.lock().unwrap() == Manner::OtherKey { &other } else { &side.key };
        let evaluated = key.evaluate(&[element]).unwrap();
        [evaluated.elements[0].as_slice(), &evaluated.proof].concat()
    }

    fn write_without_end(&self, stream: &mut TcpStream) -> std::io::Result<()> {
        stream.write_all(b"HTTP/1.1 200 x\r\nconnection: close\r\n\r\n")?;
        for written in (0..).step_by(4096) {
            self.endless.fetch_max(written, Ordering::SeqCst);
            stream.write_all(&[7; 4096])?;
        }
        Ok(())
    }

    fn posted(&self) -> usize {
        self.seen.lock().unwrap().posted.len()
    }

    /// Contents that came to that path inside.
    fn came(&self, path: &str) -> Vec<Vec<u8>> {
        let seen = self.seen.lock().unwrap();
        seen.inside.iter().filter(|(to, _)| to == path).map(|(_, content)| content.clone()).collect()
    }

    /// Whether a report of that name as phishing is among those that came: only who has both keys can tell.
    fn has_report_of(&self, name: &str) -> bool {
        let wire = Name::parse(name).unwrap();
        self.came("/report").iter().any(|report| {
            let (anonymous, _) = self.a.opening.open_report(report).unwrap();
            let mut measured = anonymous[..7].to_vec();
            let phishing = luytre::classify::Category::PhishingScam as u8;
            measured.extend([phishing, wire.as_wire().len() as u8]);
            measured.extend(wire.as_wire());
            let (a, b) = (self.a.key.output(&measured).unwrap(), self.b.key.output(&measured).unwrap());
            let secret = secret_of(&measured, &a, &b).unwrap();
            Polynomial::of_secret(&secret, Threshold::USUAL).unwrap().tag() == anonymous[7..23]
        })
    }
}

fn drip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 400\r\n\r\n")?;
    loop {
        stream.write_all(b"x")?;
        thread::sleep(Duration::from_millis(500));
    }
}

/// A household with a child of six to nine, whose reports are on as far as the configuration goes.
fn household(upstream: &Upstream, manifest: &str, report: &str) -> Server {
    let folder = Arc::new(TempDir::new().unwrap());
    let (state, addr) = (folder.path().join("state"), upstream.addr);
    let file = folder.path().join("manifest.json");
    std::fs::write(&file, manifest).unwrap();
    let pages: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
    let people = format!(
        "[web]\nlisten = [\"{pages}\"]\n{report}\
         [[profile]]\nname = \"be\"\nband = \"6-9\"\n[[profile]]\nname = \"lan\"\nband = \"18+\"\n\
         [[device]]\nprofile = \"be\"\naddress = [\"{CHILD}\"]\n[defaults]\nprofile = \"lan\"\n"
    );
    let text = |dns, metrics| {
        let head = harness::head(dns, metrics, addr, &state, "");
        let head = head.replacen("version = 1", "version = 1\nmodel = \"none\"", 1);
        head + &people.replace("MANIFEST", file.to_str().unwrap())
    };
    Server::start_by(folder, text, |_| {})
}

const ON: &str = "[report]\nenabled = true\nmanifest = \"MANIFEST\"\nlab = true\n";

/// Has somebody agree, or take it back (`None` is the guardian), and the program look.
fn consent(server: &Server, who: Option<&str>, agrees: bool) {
    let family = Family::open(Some(&server.folder.path().join("state")), 0).unwrap();
    match who {
        None => family.guardian_agrees(agrees).unwrap(),
        Some(child) => family.child_agrees(child, agrees).unwrap(),
    }
    drop(family);
    server.reload();
}

fn mode(server: &Server, mode: &str) -> bool {
    server.metric(&format!("luytre_report_mode{{mode=\"{mode}\"}}")) == 1.0
}

fn messages(server: &Server, kind: &str, outcome: &str) -> f64 {
    server.metric(&format!("luytre_report_messages_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}"))
}

fn meets(server: &Server) {
    assert_eq!(server.ask_from(CHILD, PRETENDS, "A").ede_code(), Some(15));
}

#[test]
fn a_household_reports_what_the_manifest_says_once_all_agreed() {
    let upstream = Upstream::start();
    let (operators, manifest) = Operators::start(Manner::Good);
    let server = household(&upstream, &manifest, ON);
    meets(&server);
    let told = server.command(&["report", "preview"]);
    assert!(text(&told.stdout).contains("An ninh"), "{}", text(&told.stderr));
    // Longer than an epoch, in which tokens would be asked for: by nobody's word, and by one of two.
    thread::sleep(Duration::from_secs(DAY + 2));
    consent(&server, None, true);
    thread::sleep(Duration::from_secs(DAY + 2));
    assert!(mode(&server, "off"));
    assert_eq!(operators.connections.load(Ordering::SeqCst), 0, "no connection before all agreed");
    consent(&server, Some("be"), true);
    assert!(mode(&server, "full"), "{}", server.log());
    soon("a week and reports", LONG, || {
        meets(&server);
        thread::sleep(Duration::from_millis(200));
        !operators.came("/week").is_empty() && operators.has_report_of(PRETENDS) && operators.came("/report").len() > 8
    });
    assert!(operators.came("/report").iter().all(|report| report.len() == REPORT_LEN));
    assert!(operators.came("/evaluate").iter().all(|question| question.len() == 393));
    assert!(operators.came("/week").iter().all(|week| week.len() == 5_148));
    check_what_a_wire_shows(&operators);
    // Taken back: nothing waits any more, and nothing leaves.
    consent(&server, Some("be"), false);
    assert!(mode(&server, "off") && server.metric("luytre_report_waiting") == 0.0);
    // What was on its way at that moment.
    thread::sleep(Duration::from_millis(500));
    let posted = operators.posted();
    thread::sleep(Duration::from_secs(2 * DAY));
    assert_eq!(operators.posted(), posted);
    assert!(!server.log().contains("vietcombank"), "a name is in no log");
}

/// One size for each kind and place, and no word of the sender.
fn check_what_a_wire_shows(operators: &Operators) {
    let seen = operators.seen.lock().unwrap();
    let mut sizes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for posted in &seen.posted {
        assert!(!posted.head.contains("user-agent") && !posted.head.contains("cookie"), "{}", posted.head);
        sizes.entry(&posted.path).or_default().push(posted.octets);
    }
    let sizes: Vec<(&str, Vec<usize>)> = sizes
        .into_iter()
        .map(|(path, mut sizes)| {
            sizes.sort_unstable();
            sizes.dedup();
            (path, sizes)
        })
        .collect();
    let [(_, tokens), (_, a), (_, b)] = sizes.as_slice() else { panic!("{sizes:?}") };
    assert!(tokens.iter().all(|octets| [6 * 259, 19 * 259].contains(octets)), "{tokens:?}");
    assert_eq!((a.len(), b.len()), (1, 3), "questions; questions, reports and weeks: {sizes:?}");
}

#[test]
fn reports_are_off_unless_they_are_switched_on() {
    let upstream = Upstream::start();
    let (operators, manifest) = Operators::start(Manner::Good);
    let without_lab = ON.replace("lab = true", "lab = false");
    for report in ["", &without_lab] {
        let server = household(&upstream, &manifest, report);
        consent(&server, None, true);
        consent(&server, Some("be"), true);
        meets(&server);
        thread::sleep(Duration::from_secs(DAY + 2));
        assert!(mode(&server, "off"));
        let told = server.command(&["report", "status"]);
        assert!(told.status.success(), "{}", text(&told.stderr));
    }
    assert_eq!(operators.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_proof_that_does_not_hold_stops_reports_and_nothing_else() {
    let upstream = Upstream::start();
    let (operators, manifest) = Operators::start(Manner::OtherKey);
    let server = household(&upstream, &manifest, ON);
    consent(&server, None, true);
    consent(&server, Some("be"), true);
    soon("a stop", LONG, || mode(&server, "paused"));
    assert!(server.log().contains("reports are stopped"), "{}", server.log());
    thread::sleep(Duration::from_millis(500));
    let posted = operators.posted();
    thread::sleep(Duration::from_secs(2 * DAY));
    assert_eq!(operators.posted(), posted, "nothing more is asked");
    meets(&server);
    assert!(operators.came("/report").is_empty());
}

#[test]
fn answers_without_an_end_are_cut_off() {
    let upstream = Upstream::start();
    let (operators, manifest) = Operators::start(Manner::Endless);
    let server = household(&upstream, &manifest, ON);
    consent(&server, None, true);
    consent(&server, Some("be"), true);
    soon("questions that failed", LONG, || messages(&server, "question", "failed") >= 2.0);
    assert!(operators.addr.ip().is_loopback());
    // What the kernel's buffers took beside the 4 KiB that were read.
    let written = operators.endless.load(Ordering::SeqCst);
    assert!(written < 8 << 20, "{written} octets");
    *operators.manner.lock().unwrap() = Manner::Drip;
    soon("reports that were dropped", LONG, || messages(&server, "report", "dropped") >= 2.0);
    meets(&server);
    *operators.manner.lock().unwrap() = Manner::Good;
    soon("reports again", LONG, || messages(&server, "report", "sent") >= 1.0);
    assert!(mode(&server, "full"));
}
