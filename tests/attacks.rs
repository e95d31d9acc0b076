//! Attacks by authoritative servers and by clients, each beside unbound in the same run: what they cost, and whether others are
//! still served. Only our own numbers are judged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::hostile::{
    EVIL, GOOD, Hostile, ROOT, SILENT, Said, Script, VICTIM, address, alias, collision, dnskey, nothing, record, reply,
    server, signature, soa,
};
use harness::{PATIENCE, binary, namespace, query_bytes, read};
use hickory_proto::dnssec::Nsec3HashAlgorithm;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC3};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::NULL;
use hickory_proto::rr::{RData, Record, RecordType};
use tempfile::TempDir;

/// A resolver under attack.
struct Resolver {
    name: &'static str,
    addr: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const RESOLVER: &str = "10.78.0.2:53";

impl Resolver {
    fn luytre(hostile: &Hostile, dnssec: bool) -> Resolver {
        let folder = TempDir::new().unwrap();
        let text = format!(
            "version = 1\nstate_dir = \"none\"\n[dns]\nlisten = [\"{RESOLVER}\"]\nclient_rate = 0\n[dns.upstream]\n\
             mode = \"recurse\"\nroot_hints = \"root.hints\"\ntrust_anchor = \"root.key\"\nallow_private_servers = true\n\
             dnssec = {dnssec}\nnegative_trust_anchors = [\"good\", \"victim\", \"silent\"]\n[[profile]]\nname = \"all\"\n\
             band = \"18+\"\nrebinding_protection = false\n[defaults]\nprofile = \"all\"\n"
        );
        fs::write(folder.path().join("luytre.toml"), text).unwrap();
        let log = files(folder.path(), hostile);
        let child =
            Command::new(binary()).arg("-c").arg(folder.path().join("luytre.toml")).stderr(log).spawn().unwrap();
        Resolver { name: "luytre", addr: RESOLVER.parse().unwrap(), child, _folder: folder }.ready()
    }

    fn unbound(hostile: &Hostile, dnssec: bool) -> Resolver {
        let folder = TempDir::new().unwrap();
        let place = folder.path().display();
        let modules = if dnssec { "validator iterator" } else { "iterator" };
        let text = format!(
            "server:\n  do-daemonize: no\n  chroot: \"\"\n  username: \"\"\n  directory: \"{place}\"\n  pidfile: \"\"\n  \
             use-syslog: no\n  interface: 10.78.0.2\n  access-control: 0.0.0.0/0 allow\n  do-not-query-localhost: no\n  do-ip6: no\n  \
             root-hints: \"root.hints\"\n  trust-anchor-file: \"root.key\"\n  module-config: \"{modules}\"\n  num-threads: 1\n  \
             domain-insecure: \"good\"\n  domain-insecure: \"victim\"\n  domain-insecure: \"silent\"\n  so-rcvbuf: 0\n\
             remote-control:\n  control-enable: no\n"
        );
        fs::write(folder.path().join("unbound.conf"), text).unwrap();
        let log = files(folder.path(), hostile);
        let child =
            Command::new("unbound").arg("-d").arg("-c").arg(folder.path().join("unbound.conf")).stderr(log).spawn();
        Resolver { name: "unbound", addr: RESOLVER.parse().unwrap(), child: child.unwrap(), _folder: folder }.ready()
    }

    fn ready(self) -> Resolver {
        let until = Instant::now() + PATIENCE;
        let mut tries = 0;
        // Another name each time: a failure at the start would be remembered.
        let mut answers = || {
            tries += 1;
            let seen = ask(self.addr, 0, &format!("ready{tries}.good"), Duration::from_millis(500));
            seen.is_some_and(|seen| seen.addresses().len() == 1)
        };
        while !answers() {
            let log = fs::read_to_string(self._folder.path().join("log")).unwrap();
            assert!(Instant::now() < until, "{} is not ready: {log}", self.name);
        }
        self
    }

    /// CPU seconds so far (proc(5): fields 14 and 15, in ticks of a hundredth).
    fn cpu(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    /// Resident memory in MiB.
    fn memory(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }
}

fn files(folder: &std::path::Path, hostile: &Hostile) -> fs::File {
    fs::write(folder.join("root.hints"), format!(". 3600 IN NS ns.root-server.\nns.root-server. 3600 IN A {ROOT}\n"))
        .unwrap();
    fs::write(folder.join("root.key"), hostile.keys.anchor()).unwrap();
    fs::File::create(folder.join("log")).unwrap()
}

/// Asks from one of many client addresses.
fn ask(to: SocketAddr, client: u16, asked: &str, patience: Duration) -> Option<harness::Seen> {
    let [high, low] = client.to_be_bytes();
    let socket = UdpSocket::bind((Ipv4Addr::new(127, 78, high, low.max(1)), 0)).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.connect(to).ok()?;
    socket.send(&query_bytes(client, asked, "A", true)).ok()?;
    let mut packet = [0; 4096];
    let len = socket.recv(&mut packet).ok()?;
    Some(read(&packet[..len]))
}

/// What an attack came to.
struct Outcome {
    queries: u64,
    victim: u64,
    cpu: f64,
    memory: f64,
    asked: u64,
    answered: u64,
    rcodes: Vec<u16>,
}

impl Outcome {
    /// How the attacker's questions ended, by response code.
    fn rcodes(&self) -> String {
        let count = |code: u16| self.rcodes.iter().filter(|rcode| **rcode == code).count();
        let named = [(0, "answer"), (2, "failure"), (3, "no name")].map(|(code, name)| (count(code), name));
        let shown: Vec<String> =
            named.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}")).collect();
        shown.join(", ")
    }
}

/// Somebody honest, who asks for names known and unknown all the while.
struct Honest {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicU64>,
    answered: Arc<AtomicU64>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Honest {
    fn start(to: SocketAddr) -> Honest {
        let (stop, asked, answered) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let threads = (0..4_u64).map(|thread| {
            let (stop, asked, answered) = (Arc::clone(&stop), Arc::clone(&asked), Arc::clone(&answered));
            thread::spawn(move || {
                let mut at = 0;
                while !stop.load(Ordering::Relaxed) {
                    at += 1;
                    let name = if at % 2 == 0 { "www.good".to_string() } else { format!("n{at}-{thread}.good") };
                    asked.fetch_add(1, Ordering::Relaxed);
                    // A stub resolver waits five seconds (resolv.conf(5)).
                    let seen = ask(to, 60_000 + thread as u16, &name, Duration::from_secs(5));
                    if seen.is_some_and(|seen| seen.addresses().len() == 1) {
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    thread::sleep(Duration::from_millis(5));
                }
            })
        });
        Honest { threads: threads.collect(), stop, asked, answered }
    }

    fn end(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        (self.asked.load(Ordering::Relaxed), self.answered.load(Ordering::Relaxed))
    }
}

/// Asks every name at once, from many clients, and waits for what comes back.
fn attack(hostile: &Hostile, script: &Script, resolver: &Resolver, questions: &[String]) -> Outcome {
    hostile.play(Arc::clone(script));
    let (cpu, memory) = (resolver.cpu(), resolver.memory());
    let honest = Honest::start(resolver.addr);
    let sockets: Vec<UdpSocket> = (0..50_u8)
        .map(|at| {
            let socket = UdpSocket::bind((Ipv4Addr::new(127, 79, 0, at + 1), 0)).unwrap();
            socket.connect(resolver.addr).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            socket
        })
        .collect();
    for (at, question) in questions.iter().enumerate() {
        let _ = sockets[at % 50].send(&query_bytes(at as u16, question, "A", true));
        if at % 50 == 49 {
            thread::sleep(Duration::from_millis(5));
        }
    }
    let until = Instant::now() + Duration::from_secs(6);
    let mut rcodes = Vec::new();
    let mut packet = [0; 4096];
    while rcodes.len() < questions.len() && Instant::now() < until {
        for socket in &sockets {
            socket.set_nonblocking(true).unwrap();
            while let Ok(len) = socket.recv(&mut packet) {
                rcodes.push(u16::from(read(&packet[..len]).rcode()));
            }
        }
        thread::sleep(Duration::from_millis(5));
    }
    // At least so long, so that the honest have asked often enough for a hundredth to mean something.
    thread::sleep(Duration::from_millis(500));
    let (asked, answered) = honest.end();
    Outcome {
        queries: hostile.count(EVIL) + hostile.count(SILENT),
        victim: hostile.count(VICTIM),
        cpu: resolver.cpu() - cpu,
        memory: resolver.memory() - memory,
        asked,
        answered,
        rcodes,
    }
}

/// What an attack may cost us.
struct Bounds {
    /// Questions to the attacker's and the victim's servers for each question of a client.
    queries: f64,
    /// CPU seconds for each, in a build without optimisation.
    cpu: f64,
    /// MiB in all.
    memory: f64,
}

/// Twenty questions a name are more than honest resolution takes; 0.1 s is what a router can spare; the process may grow by what
/// its caches may hold.
const USUAL: Bounds = Bounds { queries: 20.0, cpu: 0.1, memory: 48.0 };

fn survive(what: &str, hostile: &Hostile, script: &Script, questions: &[String], dnssec: bool, bounds: &Bounds) {
    for start in [Resolver::unbound, Resolver::luytre] {
        let mut resolver = start(hostile, dnssec);
        let outcome = attack(hostile, script, &resolver, questions);
        assert!(resolver.child.try_wait().unwrap().is_none(), "{} has ended", resolver.name);
        let each = |sum: f64| sum / questions.len() as f64;
        let served = 100.0 * outcome.answered as f64 / outcome.asked as f64;
        println!(
            "{what:28} {:8} {:8.1} queries each, {:6.1} to others, {:8.2} ms CPU each, {:6.1} MiB, {:4} of {:4} answered ({}), honest {served:.1} % of {}",
            resolver.name,
            each(outcome.queries as f64),
            each(outcome.victim as f64),
            each(outcome.cpu) * 1000.0,
            outcome.memory,
            outcome.rcodes.len(),
            questions.len(),
            outcome.rcodes(),
            outcome.asked,
        );
        if resolver.name == "unbound" {
            continue;
        }
        assert!(each((outcome.queries + outcome.victim) as f64) <= bounds.queries, "{what}: too many queries");
        // What the honest cost is not the attack's.
        let honest_cpu = outcome.asked as f64 * 0.002;
        assert!(each(outcome.cpu - honest_cpu) <= bounds.cpu, "{what}: {} s CPU each", each(outcome.cpu));
        assert!(outcome.memory <= bounds.memory, "{what}: {} MiB", outcome.memory);
        assert!(outcome.asked >= 100, "the honest hardly asked");
        assert!(served >= 99.0, "{what}: the honest got {served} %");
    }
}

fn internet() -> Hostile {
    let addrs = [RESOLVER.trim_end_matches(":53"), ROOT, EVIL, VICTIM, GOOD, SILENT].map(|addr| format!("{addr}/32"));
    namespace::addresses(&addrs.each_ref().map(String::as_str));
    Hostile::start()
}

fn names(count: usize, of: &str) -> Vec<String> {
    (0..count).map(|at| format!("q{at}.{of}")).collect()
}

fn asked(query: &Message) -> (String, RecordType) {
    let name = query.queries[0].name().to_lowercase().to_string();
    (name.trim_end_matches('.').to_string(), query.queries[0].query_type())
}

/// The beginning of every script: the zone's own records.
fn apex(query: &Message) -> Option<Said> {
    let (name, kind) = asked(query);
    (name == "evil").then(|| {
        let mut message = reply(query);
        match kind {
            RecordType::NS => message.answers.push(server("evil", "ns.evil")),
            _ => message.authorities.push(soa("evil")),
        }
        Said::Message(Box::new(message))
    })
}

fn script(play: impl Fn(&Message, &str, bool) -> Said + Send + Sync + 'static) -> Script {
    Arc::new(move |query, udp| apex(query).unwrap_or_else(|| play(query, &asked(query).0, udp)))
}

fn said(query: &Message, fill: impl FnOnce(&mut Message)) -> Said {
    let mut message = reply(query);
    fill(&mut message);
    Said::Message(Box::new(message))
}

#[test]
fn servers_that_send_for_others() {
    if !namespace::enter("servers_that_send_for_others") {
        return;
    }
    let hostile = internet();
    // NXNS (CVE-2020-12662): a delegation to very many names of somebody else's.
    let nxns = script(|query, name, _| {
        said(query, |message| {
            message.metadata.authoritative = false;
            let owner = name.to_string();
            message
                .authorities
                .extend((0..100).map(|at| server(&owner, &format!("{}-{at}.victim", owner.replace('.', "-")))));
        })
    });
    survive("NXNS", &hostile, &nxns, &names(20, "evil"), false, &USUAL);
    // Non-responsive delegation (CVE-2022-3204): servers that are there and silent.
    let silent = script(|query, name, _| {
        said(query, |message| {
            message.metadata.authoritative = false;
            let owner = name.to_string();
            message.authorities.extend((0..50).map(|at| server(&owner, &format!("s{at}.{owner}"))));
            message.additionals.extend((0..50).map(|at| address(&format!("s{at}.{owner}"), SILENT)));
        })
    });
    survive("non-responsive delegation", &hostile, &silent, &names(20, "evil"), false, &USUAL);
}

#[test]
fn aliases_without_end() {
    if !namespace::enter("aliases_without_end") {
        return;
    }
    let hostile = internet();
    let chain = script(|query, name, _| {
        let (head, rest) = name.split_once('.').unwrap_or((name, ""));
        let at: usize = head.rsplit('x').next().and_then(|digits| digits.parse().ok()).unwrap_or(0);
        let start = head.split('x').next().unwrap_or("");
        said(query, |message| message.answers.push(alias(name, &format!("{start}x{}.{rest}", at + 1))))
    });
    survive("chain of aliases", &hostile, &chain, &names(20, "evil"), false, &USUAL);
    let ring = script(|query, name, _| {
        let other = name.strip_prefix('r').map_or_else(|| format!("r{name}"), str::to_string);
        said(query, |message| message.answers.push(alias(name, &other)))
    });
    survive("ring of aliases", &hostile, &ring, &names(20, "evil"), false, &USUAL);
    let whole = script(|query, name, _| {
        said(query, |message| {
            let hop = |at: usize| if at == 0 { name.to_string() } else { format!("h{at}.{name}") };
            message.answers.extend((0..500).map(|at| alias(&hop(at), &hop(at + 1))));
        })
    });
    // Eleven hops, each by UDP and then, because it does not fit, by TCP.
    let bounds = Bounds { queries: 30.0, cpu: 0.3, ..USUAL };
    survive("500 aliases in one answer", &hostile, &whole, &names(20, "evil"), false, &bounds);
    // Each name leads to a longer one.
    let growing = script(|query, name, _| {
        said(query, |message| {
            let mut wire =
                hickory_proto::serialize::binary::BinEncodable::to_bytes(&harness::name("x.y.d.evil")).unwrap();
            wire.shrink_to_fit();
            let dname = RData::Unknown { code: RecordType::from(39), rdata: NULL::with(wire) };
            message.answers.push(record("d.evil", dname));
            if let Some(head) = name.strip_suffix(".d.evil") {
                message.answers.push(alias(name, &format!("{head}.x.y.d.evil")));
            }
        })
    });
    survive("growing DNAME", &hostile, &growing, &names(20, "d.evil"), false, &USUAL);
}

#[test]
fn answers_that_cost() {
    if !namespace::enter("answers_that_cost") {
        return;
    }
    let hostile = internet();
    let large = script(|query, name, _| {
        said(query, |message| {
            let addr = |at: u32| Ipv4Addr::from(0x0b00_0000 + at).to_string();
            message.answers.extend((0..3_800).map(|at| address(name, &addr(at))));
        })
    });
    survive("64 KiB of addresses", &hostile, &large, &names(20, "evil"), false, &USUAL);
    // Pointers to pointers, in circles, and one long name again and again.
    let bomb: Script = Arc::new(|query, _| {
        apex(query).unwrap_or_else(|| {
            let mut octets = reply(query).to_vec().unwrap();
            octets[7] = 200;
            let start = octets.len() as u16;
            for at in 0..200_u16 {
                let to = if at % 2 == 0 { start + at * 12 } else { start + (at - 1) * 12 };
                octets.extend_from_slice(&(0xc000 | to).to_be_bytes());
                octets.extend_from_slice(&[0, 5, 0, 1, 0, 0, 0, 60, 0, 2]);
                octets.extend_from_slice(&(0xc000 | to).to_be_bytes()[..0]);
            }
            Said::Octets(vec![octets])
        })
    });
    survive("compression in circles", &hostile, &bomb, &names(20, "evil"), false, &USUAL);
    let rubbish: Script = Arc::new(|query, _| {
        apex(query).unwrap_or_else(|| {
            let mut octets = reply(query).to_vec().unwrap();
            octets.extend((0..900).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 13) as u8));
            octets[7] = 9;
            Said::Octets(vec![octets])
        })
    });
    survive("rubbish behind a header", &hostile, &rubbish, &names(20, "evil"), false, &USUAL);
}

#[test]
fn proofs_that_cost() {
    if !namespace::enter("proofs_that_cost") {
        return;
    }
    let hostile = internet();
    // KeyTrap (CVE-2023-50387): many keys of one tag, many signatures by that tag, none of which holds.
    let keys = hostile.keys.clone();
    let key = dnskey(&keys.evil);
    let mut set: Vec<Record> = vec![record("evil", RData::DNSSEC(DNSSECRData::DNSKEY(key.clone())))];
    set.extend((0..100).map(|at| record("evil", RData::DNSSEC(DNSSECRData::DNSKEY(collision(&key, at))))));
    let signed_keys = signature(&set, "evil", &keys.evil);
    let trap: Script = Arc::new(move |query, _| {
        let (name, kind) = asked(query);
        said(query, |message| match kind {
            RecordType::DNSKEY if name == "evil" => {
                message.answers.push(signed_keys.clone());
                message.answers.extend(set.iter().cloned());
            }
            RecordType::NS if name == "evil" => message.answers.push(server("evil", "ns.evil")),
            RecordType::DS => message.authorities.push(soa("evil")),
            _ => {
                // Signed for another address, a hundred times.
                for at in 0..100 {
                    let other = [address(&name, &format!("192.0.2.{at}"))];
                    message.answers.push(signature(&other, "evil", &keys.evil));
                }
                message.answers.push(address(&name, "198.51.100.1"));
            }
        })
    });
    survive("KeyTrap", &hostile, &trap, &names(20, "evil"), true, &USUAL);
    // NSEC3 (CVE-2023-50868): as many iterations as are believed, for names as deep as names can be.
    for iterations in [150, 2_500] {
        let keys = hostile.keys.clone();
        let denial: Script = Arc::new(move |query, _| {
            let (name, kind) = asked(query);
            let signed = |records: Vec<Record>| [vec![signature(&records, "evil", &keys.evil)], records].concat();
            said(query, |message| match kind {
                RecordType::DNSKEY if name == "evil" => {
                    let key = record("evil", RData::DNSSEC(DNSSECRData::DNSKEY(dnskey(&keys.evil))));
                    message.answers.extend(signed(vec![key]));
                }
                RecordType::NS if name == "evil" => message.answers.push(server("evil", "ns.evil")),
                _ => {
                    message.metadata.response_code = ResponseCode::NXDomain;
                    message.authorities.extend(signed(vec![soa("evil")]));
                    for at in 0..8_u8 {
                        let owner = format!("{}.evil", char::from(b'a' + at).to_string().repeat(32));
                        let nsec3 = NSEC3::new(
                            Nsec3HashAlgorithm::SHA1,
                            false,
                            iterations,
                            vec![7; 16],
                            vec![at; 20],
                            [RecordType::A],
                        );
                        message
                            .authorities
                            .extend(signed(vec![record(&owner, RData::DNSSEC(DNSSECRData::NSEC3(nsec3)))]));
                    }
                }
            })
        });
        let deep: Vec<String> = (0..20).map(|at| format!("q{at}.{}evil", "a.".repeat(100))).collect();
        survive(&format!("NSEC3, {iterations} iterations"), &hostile, &denial, &deep, true, &USUAL);
    }
}

#[test]
fn answers_nobody_asked_for() {
    if !namespace::enter("answers_nobody_asked_for") {
        return;
    }
    let hostile = internet();
    const FALSE: &str = "203.0.113.66";
    // Others' names beside the answer, false answers in front of it: wrong id, another question, another letter case.
    let poison: Script = Arc::new(|query, udp| {
        apex(query).unwrap_or_else(|| {
            let (name, _) = asked(query);
            let mut right = reply(query);
            right.answers.push(address(&name, "192.0.2.7"));
            right.answers.push(address("www.good", FALSE));
            right.authorities.push(server("good", "ns.evil"));
            right.authorities.push(server(".", "ns.evil"));
            right.additionals.push(address("ns.good", EVIL));
            right.additionals.push(address("mail.good", FALSE));
            let mut all = Vec::new();
            if udp {
                for at in 1..40_u16 {
                    let mut wrong = reply(query);
                    wrong.metadata.id = wrong.metadata.id.wrapping_add(at);
                    wrong.answers.push(address(&name, FALSE));
                    all.push(wrong.to_vec().unwrap());
                }
                let mut other = reply(query);
                other.queries[0].name = harness::name("other.evil");
                other.answers.push(address(&name, FALSE));
                all.push(other.to_vec().unwrap());
            }
            all.push(right.to_vec().unwrap());
            Said::Octets(all)
        })
    });
    survive("poison", &hostile, &poison, &names(20, "evil"), false, &USUAL);
    let resolver = Resolver::luytre(&hostile, false);
    hostile.play(poison);
    for at in 0..20 {
        let seen = ask(resolver.addr, at, &format!("p{at}.evil"), PATIENCE).unwrap();
        let addrs: Vec<String> = seen.addresses().iter().map(ToString::to_string).collect();
        assert!(!addrs.contains(&FALSE.to_string()), "{addrs:?}");
    }
    for good in ["www.good", "mail.good", "ns.good", "new.good"] {
        let seen = ask(resolver.addr, 1, good, PATIENCE).unwrap();
        assert_eq!(seen.addresses(), ["192.0.2.1".parse::<std::net::IpAddr>().unwrap()], "{good}");
    }
    // Only the letters are wrong: a forger who does not see the question cannot know them.
    let letters: Script = Arc::new(|query, udp| {
        apex(query).unwrap_or_else(|| {
            let mut forged = reply(query);
            let (name, _) = asked(query);
            forged.queries[0].name = harness::name(&name);
            forged.answers.push(address(&name, if udp { FALSE } else { "192.0.2.8" }));
            Said::Message(Box::new(forged))
        })
    });
    hostile.play(letters);
    for at in 0..10 {
        let asked = format!("abcdefghijklmnopqrstuvwxyz{at}.evil");
        let seen = ask(resolver.addr, at, &asked, PATIENCE).unwrap();
        assert!(!seen.addresses().iter().any(|addr| addr.to_string() == FALSE), "{asked}");
    }
}

#[test]
fn floods_of_names_and_slow_readers() {
    if !namespace::enter("floods_of_names_and_slow_readers") {
        return;
    }
    let hostile = internet();
    // Water torture: names that nobody has, in a zone whose server never answers.
    let none: Script = Arc::new(|query, _| Said::Message(Box::new(nothing(query, "evil"))));
    survive("3,000 names, no such name", &hostile, &none, &names(3_000, "flood.evil"), false, &USUAL);
    survive("3,000 names, silent server", &hostile, &none, &names(3_000, "flood.silent"), false, &USUAL);
    // Connections that ask and never read, that begin a question and stop, and that say nothing.
    let resolver = Resolver::luytre(&hostile, false);
    let memory = resolver.memory();
    let open: Vec<TcpStream> = (0..300)
        .map(|at| {
            let mut stream = TcpStream::connect(resolver.addr).unwrap();
            let packet = query_bytes(7, "www.good", "A", true);
            let framed = [&(packet.len() as u16).to_be_bytes()[..], &packet].concat();
            stream.set_write_timeout(Some(Duration::from_millis(20))).unwrap();
            match at % 3 {
                0 => (0..200).for_each(|_| {
                    let _ = stream.write_all(&framed);
                }),
                1 => stream.write_all(&framed[..5]).unwrap(),
                _ => {}
            }
            stream
        })
        .collect();
    let honest = Honest::start(resolver.addr);
    thread::sleep(Duration::from_secs(2));
    let (asked, answered) = honest.end();
    let grown = resolver.memory() - memory;
    println!("{:28} luytre   {grown:.1} MiB, honest {answered} of {asked}", "300 slow connections");
    assert!(asked >= 100 && answered * 100 >= asked * 99, "{answered} of {asked}");
    assert!(grown < 48.0, "{grown} MiB");
    drop(open);
}
