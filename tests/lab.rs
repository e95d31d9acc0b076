//! Recursion and validation in a small Internet of our own, beside unbound: the same questions get the same answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command};
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use harness::zones::{Fault, Internet, LEAVES, OWNERS, Signed};
use harness::{PATIENCE, Seen, binary, name, namespace, read};
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, RecordType};

const OURS: &str = "10.77.0.2:53";
const THEIRS: &str = "10.77.0.3:53";
/// Ours again, asking unbound instead of the servers, and checking for itself.
const FORWARDING: &str = "10.77.0.4:53";

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The zones and both resolvers.
struct Lab {
    internet: Internet,
    _resolvers: Vec<Running>,
}

impl Lab {
    fn start(extra: &str) -> Lab {
        let addrs = [
            "10.77.0.2/32",
            "10.77.0.3/32",
            "10.77.0.4/32",
            "10.77.0.10/32",
            "10.77.0.20/32",
            "10.77.0.30/32",
            "10.77.0.40/32",
        ];
        namespace::addresses(&addrs);
        let internet = Internet::start();
        let folder = internet.folder.path().to_path_buf();
        let configuration = |addr: &str, upstream: &str| {
            format!(
                "version = 1\nstate_dir = \"none\"\n[log]\nlevel = \"debug\"\n[dns]\nlisten = [\"{addr}\"]\nclient_rate = 0\n\
                 [dns.upstream]\n{upstream}\ntrust_anchor = \"root.key\"\n{extra}\n[[profile]]\nname = \"all\"\n\
                 band = \"18+\"\nrebinding_protection = false\n[defaults]\nprofile = \"all\"\n"
            )
        };
        let recursion = "mode = \"recurse\"\nroot_hints = \"root.hints\"\nallow_private_servers = true";
        fs::write(folder.join("luytre.toml"), configuration(OURS, recursion)).unwrap();
        let forwarding = "servers = [\"10.77.0.3\"]\ndnssec = true";
        fs::write(folder.join("forwarding.toml"), configuration(FORWARDING, forwarding)).unwrap();
        let unbound = format!(
            "server:\n  do-daemonize: no\n  chroot: \"\"\n  username: \"\"\n  directory: \"{0}\"\n  pidfile: \"\"\n  use-syslog: no\n  \
             interface: 10.77.0.3\n  access-control: 0.0.0.0/0 allow\n  do-not-query-localhost: no\n  do-ip6: no\n  \
             root-hints: \"{0}/root.hints\"\n  trust-anchor-file: \"{0}/root.key\"\n  module-config: \"validator iterator\"\n  \
             qname-minimisation: yes\n  minimal-responses: yes\n  ede: yes\n  val-clean-additional: yes\n  num-threads: 1\n  \
             outgoing-range: 200\n  so-rcvbuf: 0\n  incoming-num-tcp: 64\nremote-control:\n  control-enable: no\n",
            folder.display()
        );
        fs::write(folder.join("unbound.conf"), unbound).unwrap();
        let log = |name: &str| fs::File::create(folder.join(name)).unwrap();
        let ours = |name: &str| {
            let file = folder.join(format!("{name}.toml"));
            Running(Command::new(binary()).arg("-c").arg(file).stderr(log(&format!("{name}.log"))).spawn().unwrap())
        };
        let theirs = Command::new("unbound")
            .arg("-d")
            .arg("-c")
            .arg(folder.join("unbound.conf"))
            .stderr(log("unbound.log"))
            .spawn();
        let lab = Lab { internet, _resolvers: vec![ours("luytre"), ours("forwarding"), Running(theirs.unwrap())] };
        for resolver in [OURS, THEIRS, FORWARDING] {
            lab.wait(resolver);
        }
        lab
    }

    fn wait(&self, resolver: &str) {
        let until = Instant::now() + PATIENCE;
        let ready = || {
            let mut stream = connect(resolver)?;
            let seen = ask_on(&mut stream, &Asked::new("www.nsec.com", "A"))?;
            (seen.message.answers.len() == 1).then_some(())
        };
        while ready().is_none() {
            assert!(Instant::now() < until, "{resolver} is not ready: {}", self.log());
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        ["luytre.log", "forwarding.log", "unbound.log", "server0/log"]
            .map(|name| fs::read_to_string(self.internet.file(name)).unwrap_or_default())
            .join("\n")
    }
}

/// A question with its bits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    name: String,
    rtype: &'static str,
    dnssec_ok: bool,
    checking_disabled: bool,
    authentic: bool,
}

impl Asked {
    fn new(name: &str, rtype: &'static str) -> Asked {
        Asked { name: name.into(), rtype, dnssec_ok: false, checking_disabled: false, authentic: false }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        message.metadata.checking_disabled = self.checking_disabled;
        message.metadata.authentic_data = self.authentic;
        let mut query = Query::query(name(&self.name), RecordType::from_str(self.rtype).unwrap());
        query.set_query_class(DNSClass::IN);
        message.add_query(query);
        let mut edns = Edns::new();
        edns.set_max_payload(1232);
        edns.set_dnssec_ok(self.dnssec_ok);
        message.edns = Some(edns);
        message.to_vec().unwrap()
    }
}

fn connect(resolver: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(resolver.parse::<SocketAddr>().unwrap()).ok()?;
    stream.set_read_timeout(Some(PATIENCE * 2)).unwrap();
    Some(stream)
}

fn ask_on(stream: &mut TcpStream, asked: &Asked) -> Option<Seen> {
    let packet = asked.bytes();
    stream.write_all(&[&(packet.len() as u16).to_be_bytes()[..], &packet].concat()).ok()?;
    let mut len = [0; 2];
    stream.read_exact(&mut len).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut answer).ok()?;
    Some(read(&answer))
}

fn ask(resolver: &str, asked: &Asked) -> Seen {
    let mut stream = connect(resolver).unwrap();
    ask_on(&mut stream, asked).unwrap_or_else(|| panic!("{resolver} does not answer {asked:?}"))
}

#[test]
fn valid_zones_are_authentic_and_broken_ones_are_not_served() {
    if !namespace::enter("valid_zones_are_authentic_and_broken_ones_are_not_served") {
        return;
    }
    let lab = Lab::start("negative_trust_anchors = [\"wrongds.com\"]");
    for resolver in [OURS, FORWARDING] {
        is_right(resolver, &lab);
    }
}

fn is_right(resolver: &str, lab: &Lab) {
    for zone in &LEAVES {
        let www = if zone.name.ends_with("arpa") { format!("8.{}", zone.name) } else { format!("www.{}", zone.name) };
        let rtype = if zone.name.ends_with("arpa") { "PTR" } else { "A" };
        let with = |dnssec_ok, checking_disabled, authentic| {
            ask(resolver, &Asked { dnssec_ok, checking_disabled, authentic, ..Asked::new(&www, rtype) })
        };
        let what = format!("{}: {}", zone.name, lab.log().lines().rev().take(30).collect::<Vec<_>>().join("\n"));
        let ede = match zone.fault {
            // Help is reached although its signatures have run out.
            Fault::None | Fault::NoDs | Fault::WrongDs | Fault::ExpiredHelp => {
                let is_secure = zone.signed != Signed::No && zone.fault == Fault::None;
                let seen = with(true, false, false);
                assert_eq!(seen.message.metadata.authentic_data, is_secure, "{what}");
                assert_eq!(with(false, false, true).message.metadata.authentic_data, is_secure, "{what}");
                assert!(!with(false, false, false).message.metadata.authentic_data, "nobody asked: {what}");
                assert!(!with(true, true, false).message.metadata.authentic_data, "unchecked: {what}");
                assert!(!seen.message.answers.is_empty(), "{what}");
                continue;
            }
            Fault::Expired => 7,
            Fault::Future => 8,
            Fault::Altered => 6,
            Fault::Unsigned => 10,
        };
        let seen = with(true, false, false);
        assert_eq!((u16::from(seen.rcode()), seen.ede_code()), (2, Some(ede)), "{what}");
        assert_eq!(with(false, false, false).ede_code(), Some(ede), "{what}");
        assert_eq!(with(true, true, false).message.answers.len(), 2 - usize::from(ede == 10), "with CD: {what}");
    }
}

/// What is compared of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Compared {
    rcode: u16,
    flags: String,
    answers: BTreeSet<String>,
    has_soa: bool,
    has_proof: bool,
}

impl Compared {
    fn of(seen: &Seen) -> Compared {
        let metadata = &seen.message.metadata;
        let flag = |name: &str, is_set: bool| if is_set { format!("{name} ") } else { String::new() };
        let answers = seen.message.answers.iter();
        let authorities = &seen.message.authorities;
        Compared {
            rcode: u16::from(seen.rcode()),
            flags: flag("AA", metadata.authoritative)
                + &flag("TC", metadata.truncation)
                + &flag("RA", metadata.recursion_available)
                + &flag("AD", metadata.authentic_data)
                + &flag("CD", metadata.checking_disabled),
            answers: answers
                .map(|record| format!("{} {} {}", record.name, record.record_type(), record.data).to_lowercase())
                .collect(),
            has_soa: authorities.iter().any(|record| record.record_type() == RecordType::SOA),
            has_proof: authorities.iter().any(|record| matches!(u16::from(record.record_type()), 47 | 50)),
        }
    }
}

const TYPES: [&str; 17] = [
    "A", "AAAA", "MX", "TXT", "NS", "SOA", "CNAME", "SRV", "CAA", "HTTPS", "SVCB", "PTR", "DS", "DNSKEY", "TLSA",
    "NAPTR", "DNAME",
];

fn questions() -> Vec<Asked> {
    let mut all = Vec::new();
    for zone in LEAVES.iter() {
        for owner in OWNERS {
            let name = if owner.is_empty() { zone.name.to_string() } else { format!("{owner}.{}", zone.name) };
            for rtype in TYPES {
                // Every type meets every combination of bits at some name.
                let at = all.len();
                let (dnssec_ok, checking_disabled) = (at % 2 == 0, at % 7 == 3);
                all.push(Asked { dnssec_ok, checking_disabled, authentic: at % 3 == 0, ..Asked::new(&name, rtype) });
            }
        }
    }
    all
}

/// Why an answer may differ from unbound's; the first that fits. `None` is a fault of ours.
fn explanation(asked: &Asked, ours: &Compared, theirs: &Compared) -> Option<&'static str> {
    let without_ad = |compared: &Compared| Compared { flags: compared.flags.replace("AD ", ""), ..compared.clone() };
    match () {
        () if asked.name.ends_with("tongdai111.vn") && (theirs.rcode == 2 || without_ad(theirs) == *ours) => {
            Some("help is reached even where its signatures are broken")
        }
        () if asked.checking_disabled && without_ad(theirs) == *ours => {
            Some("AD beside CD: unbound checks all the same; we do not check what nobody wants checked")
        }
        () if asked.rtype == "CNAME" && ours.rcode == 0 && !ours.answers.is_empty() => {
            Some("asked for an alias itself, unbound goes on to what it leads to; RFC 1034 §3.6.2 does not")
        }
        () if asked.rtype == "DNAME" && asked.name.contains(".dname.") => {
            Some("asked for a DNAME below one, unbound takes that one for the answer")
        }
        () => None,
    }
}

#[test]
fn unbound_says_the_same() {
    if !namespace::enter("unbound_says_the_same") {
        return;
    }
    let lab = Lab::start("");
    for resolver in [OURS, FORWARDING] {
        compare(resolver, &lab);
    }
    drop(lab);
}

fn compare(resolver: &str, lab: &Lab) {
    let questions = questions();
    assert!(questions.len() >= 2000);
    let (next, differences) = (AtomicUsize::new(0), Mutex::new(BTreeMap::<String, Vec<String>>::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (mut us, mut them) = (connect(resolver).unwrap(), connect(THEIRS).unwrap());
                while let Some(asked) = questions.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let ours = ask_on(&mut us, asked).unwrap_or_else(|| {
                        panic!(
                            "we do not answer {asked:?}: {}",
                            fs::read_to_string(lab.internet.file("forwarding.log")).unwrap()
                        )
                    });
                    let theirs =
                        ask_on(&mut them, asked).unwrap_or_else(|| panic!("unbound does not answer {asked:?}"));
                    let (ours, theirs) = (Compared::of(&ours), Compared::of(&theirs));
                    if ours != theirs {
                        let why = explanation(asked, &ours, &theirs).unwrap_or("NOT EXPLAINED");
                        let shown = format!("{asked:?}\n  ours   {ours:?}\n  theirs {theirs:?}");
                        differences.lock().unwrap().entry(why.to_string()).or_default().push(shown);
                    }
                }
            });
        }
    });
    let differences = differences.into_inner().unwrap();
    println!("{} questions to {resolver} and to unbound", questions.len());
    for (why, all) in &differences {
        println!("{:6} differ: {why}", all.len());
    }
    if let Some(unexplained) = differences.get("NOT EXPLAINED") {
        let shown: Vec<_> = unexplained.iter().take(10).cloned().collect();
        panic!("{} differences are not explained:\n{}", unexplained.len(), shown.join("\n"));
    }
}
