//! The real binary in a folder of its own, with a mock upstream that remembers what it was asked. Traffic stays on loopback.
#![allow(dead_code, clippy::print_stdout, reason = "each test file uses its own part of the harness")]

pub mod authority;
pub mod browser;
pub mod clock;
pub mod country;
pub mod desk;
pub mod family;
pub mod gateway;
pub mod homes;
pub mod hostile;
pub mod http;
pub mod load;
pub mod memory;
pub mod namespace;
pub mod operators;
pub mod postgres;
pub mod schemathesis;
pub mod zones;

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_proto::rr::rdata::svcb::{EchConfigList, IpHint, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, HTTPS, SOA, SVCB, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tempfile::TempDir;

use clock::Clock;

pub const PATIENCE: Duration = Duration::from_secs(10);

/// A record the mock upstream serves: owner, type and data as written in scenarios.
#[derive(Clone)]
pub struct Answer {
    pub owner: String,
    pub rtype: String,
    pub data: String,
}

/// What the mock upstream serves and has seen.
#[derive(Default)]
pub struct World {
    pub answers: Vec<Answer>,
    pub seen: Vec<String>,
    /// Every query as it came, one behind the other.
    pub octets: Vec<u8>,
    pub failing: bool,
    pub silent: bool,
}

/// An upstream of our own: names with records get them, names under `nx.` do not exist, all others have 192.0.2.1 and
/// 2001:db8::1.
pub struct Upstream {
    pub addr: SocketAddr,
    pub world: Arc<Mutex<World>>,
    stop: Arc<AtomicBool>,
}

impl Upstream {
    pub fn start() -> Upstream {
        let (udp, tcp) = both();
        Upstream::on(udp, tcp)
    }

    /// By these sockets of one address.
    pub fn on(udp: UdpSocket, tcp: TcpListener) -> Upstream {
        let addr = udp.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::default()));
        let stop = Arc::new(AtomicBool::new(false));
        udp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (seen, ended) = (Arc::clone(&world), Arc::clone(&stop));
        thread::spawn(move || {
            let mut packet = [0; 4096];
            while !ended.load(Ordering::Relaxed) {
                let Ok((len, from)) = udp.recv_from(&mut packet) else { continue };
                if let Some(answer) = reply(&packet[..len], &seen, true) {
                    let _ = udp.send_to(&answer, from);
                }
            }
        });
        let seen = Arc::clone(&world);
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let Ok(mut stream) = stream else { return };
                let mut len = [0; 2];
                if stream.read_exact(&mut len).is_err() {
                    continue;
                }
                let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
                if stream.read_exact(&mut packet).is_ok()
                    && let Some(answer) = reply(&packet, &seen, false)
                {
                    let _ = stream.write_all(&[&(answer.len() as u16).to_be_bytes()[..], &answer].concat());
                }
            }
        });
        Upstream { addr, world, stop }
    }

    pub fn serve(&self, owner: &str, rtype: &str, data: &str) {
        let answer = Answer { owner: owner.into(), rtype: rtype.into(), data: data.into() };
        self.world.lock().unwrap().answers.push(answer);
    }

    pub fn seen(&self) -> Vec<String> {
        self.world.lock().unwrap().seen.clone()
    }

    /// Every query so far as it came.
    pub fn octets(&self) -> Vec<u8> {
        self.world.lock().unwrap().octets.clone()
    }

    /// Without the help set, which a program with a proxy knows beforehand whoever asks.
    pub fn seen_beside_help(&self) -> Vec<String> {
        let help = luytre::lists::data::Builtin::read().unwrap().help;
        let is_help = |seen: &String| help.names().iter().any(|name| seen.ends_with(&format!(" {name}")));
        self.seen().into_iter().filter(|seen| !is_help(seen)).collect()
    }

    pub fn forget(&self) {
        self.world.lock().unwrap().seen.clear();
    }

    pub fn set_silent(&self, silent: bool) {
        self.world.lock().unwrap().silent = silent;
    }

    pub fn set_failing(&self, failing: bool) {
        self.world.lock().unwrap().failing = failing;
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// A UDP and a TCP socket on one port of 127.0.0.1.
pub fn both() -> (UdpSocket, TcpListener) {
    let addr = (Ipv4Addr::LOCALHOST, free_port());
    (UdpSocket::bind(addr).unwrap(), TcpListener::bind(addr).unwrap())
}

fn reply(packet: &[u8], world: &Mutex<World>, udp: bool) -> Option<Vec<u8>> {
    let mut message = Message::from_vec(packet).ok()?;
    let query = message.queries.first()?.clone();
    let asked = query.name().to_lowercase();
    let mut world = world.lock().unwrap();
    world.octets.extend(packet);
    world.seen.push(format!("{} {}", query.query_type(), asked.to_string().trim_end_matches('.')));
    if world.silent {
        return None;
    }
    message.metadata.message_type = MessageType::Response;
    message.metadata.recursion_available = true;
    if world.failing {
        message.metadata.response_code = ResponseCode::ServFail;
        return message.to_vec().ok();
    }
    let mut owner = asked.clone();
    let mut written = false;
    // A chain of aliases is at most as long as the list of records.
    for _ in 0..=world.answers.len() {
        let at_owner = |answer: &&Answer| name(&answer.owner) == owner;
        let of_type = |answer: &&Answer| answer.rtype == query.query_type().to_string() || answer.rtype == "CNAME";
        let mut alias = None;
        for answer in world.answers.iter().filter(at_owner) {
            written = true;
            if !of_type(&answer) {
                continue;
            }
            let data = rdata(&answer.rtype, &answer.data);
            if let RData::CNAME(to) = &data {
                alias = Some(to.0.clone());
            }
            message.answers.push(Record::from_rdata(query_case(&owner, &asked, query.name()), 300, data));
        }
        match alias {
            Some(to) => owner = to,
            None => break,
        }
    }
    if !written || owner != asked && message.answers.len() < 2 && !world.answers.iter().any(|a| name(&a.owner) == owner)
    {
        default_answer(&mut message, &query, &owner);
    }
    if message.answers.is_empty() {
        let soa = SOA::new(name("ns.example"), name("x.example"), 1, 2, 3, 4, 60);
        message.authorities.push(Record::from_rdata(name("example"), 60, RData::SOA(soa)));
    }
    let bytes = message.to_vec().ok()?;
    if udp && bytes.len() > 1232 {
        message.metadata.truncation = true;
        message.answers.clear();
        return message.to_vec().ok();
    }
    Some(bytes)
}

fn query_case(owner: &Name, asked: &Name, as_sent: &Name) -> Name {
    if owner == asked { as_sent.clone() } else { owner.clone() }
}

fn default_answer(message: &mut Message, query: &Query, owner: &Name) {
    if owner.to_string().starts_with("nx.") {
        message.metadata.response_code = ResponseCode::NXDomain;
        return;
    }
    let owner = query_case(owner, &query.name().to_lowercase(), query.name());
    match query.query_type() {
        RecordType::A => message.answers.push(Record::from_rdata(owner, 300, rdata("A", "192.0.2.1"))),
        RecordType::AAAA => message.answers.push(Record::from_rdata(owner, 300, rdata("AAAA", "2001:db8::1"))),
        RecordType::TXT => message.answers.push(Record::from_rdata(owner, 300, rdata("TXT", "hello"))),
        _ => {}
    }
}

pub fn name(text: &str) -> Name {
    let mut name = Name::from_str(text).unwrap();
    name.set_fqdn(true);
    name
}

fn rdata(rtype: &str, data: &str) -> RData {
    match rtype {
        "A" => RData::A(A(data.parse().unwrap())),
        "AAAA" => RData::AAAA(AAAA(data.parse().unwrap())),
        "CNAME" => RData::CNAME(CNAME(name(data))),
        "TXT" if data.starts_with("size=") => {
            let size: usize = data[5..].parse().unwrap();
            RData::TXT(TXT::new(vec!["x".repeat(250); size.div_ceil(250)]))
        }
        "TXT" => RData::TXT(TXT::new(vec![data.to_string()])),
        // `target hint=192.0.2.9`
        "HTTPS" => {
            let (data, ech) = data.strip_suffix(" ech").map_or((data, false), |data| (data, true));
            let (target, hint) = data.split_once(" hint=").map_or((data, None), |(target, hint)| (target, Some(hint)));
            let params = hint
                .map(|hint| (SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(vec![A(hint.parse().unwrap())]))));
            let ech = ech
                .then(|| (SvcParamKey::EchConfigList, SvcParamValue::EchConfigList(EchConfigList(vec![0, 2, 1, 2]))));
            RData::HTTPS(HTTPS(SVCB::new(1, name(target), params.into_iter().chain(ech).collect())))
        }
        other => panic!("the mock upstream has no {other}"),
    }
}

/// An answer as a client sees it.
#[derive(Debug)]
pub struct Seen {
    pub message: Message,
    /// Extended error: code and text.
    pub ede: Option<(u16, String)>,
}

impl Seen {
    pub fn rcode(&self) -> ResponseCode {
        self.message.metadata.response_code
    }

    pub fn addresses(&self) -> Vec<IpAddr> {
        let of = |record: &Record| match &record.data {
            RData::A(addr) => Some(IpAddr::V4(addr.0)),
            RData::AAAA(addr) => Some(IpAddr::V6(addr.0)),
            _ => None,
        };
        self.message.answers.iter().filter_map(of).collect()
    }

    pub fn aliases(&self) -> Vec<String> {
        let of = |record: &Record| match &record.data {
            RData::CNAME(to) => Some(to.0.to_string().trim_end_matches('.').to_string()),
            _ => None,
        };
        self.message.answers.iter().filter_map(of).collect()
    }

    pub fn ede_code(&self) -> Option<u16> {
        self.ede.as_ref().map(|(code, _)| *code)
    }
}

pub fn query_bytes(id: u16, asked: &str, rtype: &str, edns: bool) -> Vec<u8> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    let mut query = Query::query(name(asked), RecordType::from_str(rtype).unwrap());
    query.set_query_class(hickory_proto::rr::DNSClass::IN);
    message.add_query(query);
    if edns {
        let mut opt = Edns::new();
        opt.set_max_payload(1232);
        message.edns = Some(opt);
    }
    message.to_vec().unwrap()
}

pub fn read(bytes: &[u8]) -> Seen {
    let message = Message::from_vec(bytes).expect("an answer hickory reads");
    let ede = message.edns.as_ref().and_then(|edns| match edns.option(EdnsCode::Unknown(15)) {
        Some(EdnsOption::Unknown(_, data)) => {
            let code = u16::from_be_bytes([data[0], data[1]]);
            Some((code, String::from_utf8_lossy(&data[2..]).into_owned()))
        }
        _ => None,
    });
    Seen { message, ede }
}

/// The real binary, running.
pub struct Server {
    pub dns: SocketAddr,
    pub metrics: SocketAddr,
    pub folder: Arc<TempDir>,
    pub config: PathBuf,
    pub child: Child,
}

pub fn binary() -> &'static str {
    env!("CARGO_BIN_EXE_luytre")
}

/// Below the ports Linux gives to sockets that ask for any, and above those a browser refuses to open.
const PORTS: Range<u16> = 11_000..32_768;

/// A port free for UDP and TCP, given once. Nobody gets it by chance before the process it is meant for has it.
pub fn free_port() -> u16 {
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let count = u32::from(PORTS.end - PORTS.start);
    // Two test programs at one time begin far from each other.
    let first = std::process::id().wrapping_mul(997) % count;
    for _ in 0..count {
        let port = PORTS.start + ((first + GIVEN.fetch_add(1, Ordering::Relaxed)) % count) as u16;
        let (udp, tcp) = (UdpSocket::bind(("0.0.0.0", port)), TcpListener::bind(("0.0.0.0", port)));
        if udp.is_ok() && tcp.is_ok() {
            return port;
        }
    }
    panic!("no port is free for UDP and TCP");
}

/// The head of a configuration: listeners, upstream, state.
pub fn head(dns: SocketAddr, metrics: SocketAddr, upstream: SocketAddr, state: &Path, dns_extra: &str) -> String {
    format!(
        "version = 1\nstate_dir = {state:?}\ntime_zone = \"UTC\"\n[metrics]\nlisten = \"{metrics}\"\n\
         [dns]\nlisten = [\"{dns}\"]\nworkers = 1\n{dns_extra}\n\
         [dns.upstream]\nservers = [\"udp://{upstream}\"]\ntimeout = \"500ms\"\n"
    )
}

impl Server {
    /// Starts with `rest` behind the usual head; waits until it answers.
    pub fn start(upstream: SocketAddr, rest: &str) -> Server {
        Server::start_with(upstream, "", rest)
    }

    pub fn start_with(upstream: SocketAddr, dns_extra: &str, rest: &str) -> Server {
        let folder = Arc::new(TempDir::new().unwrap());
        Server::start_in(folder, upstream, dns_extra, rest)
    }

    pub fn start_in(folder: Arc<TempDir>, upstream: SocketAddr, dns_extra: &str, rest: &str) -> Server {
        let state = folder.path().join("state");
        Server::start_text(folder, |dns, metrics| head(dns, metrics, upstream, &state, dns_extra) + rest)
    }

    /// Starts with a whole configuration, made for these two listeners.
    pub fn start_text(folder: Arc<TempDir>, text: impl FnOnce(SocketAddr, SocketAddr) -> String) -> Server {
        Server::start_by(folder, text, |_| {})
    }

    /// As [`Server::start_in`], by a clock of the test's own.
    pub fn start_at(clock: &Clock, folder: Arc<TempDir>, upstream: SocketAddr, dns_extra: &str, rest: &str) -> Server {
        let state = folder.path().join("state");
        let text = |dns, metrics| head(dns, metrics, upstream, &state, dns_extra) + rest;
        Server::start_by(folder, text, |command| clock.rule(command))
    }

    /// As [`Server::start_text`], with a last word on how it is run.
    pub fn start_by(
        folder: Arc<TempDir>,
        text: impl FnOnce(SocketAddr, SocketAddr) -> String,
        prepare: impl FnOnce(&mut Command),
    ) -> Server {
        let dns: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let metrics: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let config = folder.path().join("luytre.toml");
        fs::write(&config, text(dns, metrics)).unwrap();
        // Ends with the test even when that is killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", binary(), "-c", config.to_str().unwrap()])
            .stderr(fs::File::create(folder.path().join("log")).unwrap());
        prepare(&mut command);
        let child = command.spawn().unwrap();
        let mut server = Server { dns, metrics, folder, config, child };
        server.wait_ready();
        server
    }

    pub fn wait_ready(&mut self) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("ended at start with {status}: {}", self.log());
            }
            // From another address: what 127.0.0.1 asks is the test's own.
            if self.try_ask_from(Ipv4Addr::new(127, 0, 0, 9), "localhost", "A", Duration::from_millis(50)).is_some() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        panic!("not ready: {}", self.log());
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn ask(&self, asked: &str, rtype: &str) -> Seen {
        self.ask_from(Ipv4Addr::LOCALHOST, asked, rtype)
    }

    pub fn ask_from(&self, from: Ipv4Addr, asked: &str, rtype: &str) -> Seen {
        self.try_ask_from(from, asked, rtype, PATIENCE)
            .unwrap_or_else(|| panic!("no answer to {asked} {rtype}: {}", self.log()))
    }

    pub fn try_ask_from(&self, from: Ipv4Addr, asked: &str, rtype: &str, patience: Duration) -> Option<Seen> {
        self.send_from(from, &query_bytes(4711, asked, rtype, true), patience).map(|bytes| read(&bytes))
    }

    /// Sends any octets and returns what comes back.
    pub fn send_from(&self, from: Ipv4Addr, packet: &[u8], patience: Duration) -> Option<Vec<u8>> {
        let socket = UdpSocket::bind((from, 0)).unwrap();
        socket.set_read_timeout(Some(patience)).unwrap();
        socket.connect(self.dns).unwrap();
        socket.send(packet).ok()?;
        let mut answer = [0; 4096];
        let len = socket.recv(&mut answer).ok()?;
        Some(answer[..len].to_vec())
    }

    pub fn ask_tcp(&self, asked: &str, rtype: &str) -> Seen {
        let mut stream = TcpStream::connect(self.dns).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let packet = query_bytes(7, asked, rtype, true);
        stream.write_all(&[&(packet.len() as u16).to_be_bytes()[..], &packet].concat()).unwrap();
        let mut len = [0; 2];
        stream.read_exact(&mut len).unwrap();
        let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut answer).unwrap();
        read(&answer)
    }

    pub fn metrics_text(&self) -> String {
        let mut stream = TcpStream::connect(self.metrics).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// The value of a series, 0 when it is not there.
    pub fn metric(&self, series: &str) -> f64 {
        let text = self.metrics_text();
        let line = text.lines().find(|line| line.starts_with(series) && line[series.len()..].starts_with(' '));
        line.map_or(0.0, |line| line[series.len() + 1..].parse().unwrap())
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Sends SIGHUP and waits until the reload took effect or was refused.
    pub fn reload(&self) {
        let changes = || {
            self.metric("luytre_app_changes_total{change=\"reload\"}")
                + self.metric("luytre_app_changes_total{change=\"reload_refused\"}")
        };
        let before = changes();
        self.signal("-HUP");
        let until = Instant::now() + PATIENCE;
        while changes() == before {
            assert!(Instant::now() < until, "no reload: {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Runs another command of the program with the same configuration.
    pub fn command(&self, arguments: &[&str]) -> Output {
        run(&[&["-c", self.config.to_str().unwrap()], arguments].concat(), "")
    }

    /// Sends SIGTERM and waits for the end.
    pub fn stop(mut self) -> std::process::ExitStatus {
        // A process that has ended already cannot be told to.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).stderr(Stdio::null()).status();
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder in memory, where the machine has such: where days last seconds, homes cannot wait for one disk.
pub fn folder_in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Runs the program with this standard input.
pub fn run(arguments: &[&str], stdin: &str) -> Output {
    let mut child = Command::new(binary())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text = stdin.to_string();
    let writer = thread::spawn(move || {
        let _ = input.write_all(text.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

pub fn text(octets: &[u8]) -> String {
    String::from_utf8_lossy(octets).into_owned()
}
