//! Authoritative servers that do whatever a script says, on addresses of the test's own namespace, and count what they are
//! asked. The root and a good zone are honest; everything under `evil.` is the script's.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::dnssec::crypto::Ed25519SigningKey;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, RRSIG, SigInput};
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKey, PublicKeyBuf, SigningKey, TBS};
use hickory_proto::op::{Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NS, SOA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};

/// Who serves what.
pub const ROOT: &str = "10.78.0.10";
pub const EVIL: &str = "10.78.0.20";
pub const VICTIM: &str = "10.78.0.30";
pub const GOOD: &str = "10.78.0.40";
/// Hears and never answers.
pub const SILENT: &str = "10.78.0.50";

/// What a script makes of a question that came to a server.
pub enum Said {
    /// These octets, each a datagram; by TCP the last one only.
    Octets(Vec<Vec<u8>>),
    /// This message.
    Message(Box<Message>),
    Nothing,
}

pub type Script = Arc<dyn Fn(&Message, bool) -> Said + Send + Sync>;

/// The servers. Their threads end with the test's process, which is the namespace's own.
pub struct Hostile {
    pub keys: Keys,
    counts: Arc<Mutex<HashMap<&'static str, u64>>>,
    script: Arc<Mutex<Script>>,
}

/// Keys of the root and of `evil.`.
#[derive(Clone)]
pub struct Keys {
    root: Arc<Ed25519SigningKey>,
    pub evil: Arc<Ed25519SigningKey>,
}

pub fn name(text: &str) -> Name {
    let mut name = Name::from_str(text).unwrap();
    name.set_fqdn(true);
    name
}

pub fn record(owner: &str, data: RData) -> Record {
    Record::from_rdata(name(owner), 300, data)
}

pub fn address(owner: &str, addr: &str) -> Record {
    record(owner, RData::A(A(addr.parse().unwrap())))
}

pub fn server(owner: &str, of: &str) -> Record {
    record(owner, RData::NS(NS(name(of))))
}

pub fn alias(owner: &str, to: &str) -> Record {
    record(owner, RData::CNAME(CNAME(name(to))))
}

pub fn soa(owner: &str) -> Record {
    record(owner, RData::SOA(SOA::new(name(owner), name(owner), 1, 2, 3, 4, 5)))
}

/// An authoritative answer to `query` with nothing in it.
pub fn reply(query: &Message) -> Message {
    let mut message = query.clone();
    message.metadata.message_type = MessageType::Response;
    message.metadata.authoritative = true;
    message.edns = None;
    message
}

impl Keys {
    fn new() -> Keys {
        let key = || {
            let der = Ed25519SigningKey::generate_pkcs8().unwrap();
            Arc::new(Ed25519SigningKey::from_pkcs8(&der).unwrap())
        };
        Keys { root: key(), evil: key() }
    }

    /// The trust anchor as a zone file.
    pub fn anchor(&self) -> String {
        let key = dnskey(&self.root);
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, key.public_key().public_bytes());
        format!(". 3600 IN DNSKEY 257 3 15 {encoded}\n")
    }
}

pub fn dnskey(key: &Ed25519SigningKey) -> DNSKEY {
    DNSKEY::new(true, true, false, key.to_public_key().unwrap())
}

/// A key that has the tag of `key` and is another: its words stand in another order.
pub fn collision(key: &DNSKEY, at: usize) -> DNSKEY {
    let mut octets = key.public_key().public_bytes().to_vec();
    let words = octets.len() / 2;
    let (one, other) = (at % words, (at / words + at + 1) % words);
    for half in 0..2 {
        octets.swap(one * 2 + half, other * 2 + half);
    }
    DNSKEY::new(true, true, false, PublicKeyBuf::new(octets, Algorithm::ED25519))
}

/// The signature of `zone` over `records`, which are one set.
pub fn signature(records: &[Record], zone: &str, key: &Ed25519SigningKey) -> Record {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32;
    let input = SigInput {
        type_covered: records[0].record_type(),
        algorithm: Algorithm::ED25519,
        num_labels: records[0].name.num_labels(),
        original_ttl: records[0].ttl,
        sig_expiration: SerialNumber::from(now + 86_400),
        sig_inception: SerialNumber::from(now - 3600),
        key_tag: dnskey(key).calculate_key_tag().unwrap(),
        signer_name: name(zone),
    };
    let tbs = TBS::from_input(&records[0].name, DNSClass::IN, &input, records.iter()).unwrap();
    let data = RRSIG::from_sig(input, key.sign(&tbs).unwrap());
    Record::from_rdata(records[0].name.clone(), records[0].ttl, RData::DNSSEC(DNSSECRData::RRSIG(data)))
}

impl Hostile {
    pub fn start() -> Hostile {
        let keys = Keys::new();
        let counts: Arc<Mutex<HashMap<&'static str, u64>>> = Arc::default();
        let script: Arc<Mutex<Script>> = Arc::new(Mutex::new(Arc::new(|_: &Message, _: bool| Said::Nothing)));
        let hostile = Hostile { keys, counts, script };
        for addr in [ROOT, EVIL, VICTIM, GOOD, SILENT] {
            hostile.serve(addr);
        }
        hostile
    }

    pub fn play(&self, script: Script) {
        *self.script.lock().unwrap() = script;
        self.counts.lock().unwrap().clear();
    }

    /// Questions that came to a server since the script began.
    pub fn count(&self, addr: &str) -> u64 {
        self.counts.lock().unwrap().get(addr).copied().unwrap_or(0)
    }

    fn serve(&self, addr: &'static str) {
        let place: SocketAddr = (addr.parse::<IpAddr>().unwrap(), 53).into();
        let udp = UdpSocket::bind(place).unwrap();
        let _ = luytre::sys::set_receive_buffer(std::os::fd::AsFd::as_fd(&udp), 8 << 20);
        let tcp = TcpListener::bind(place).unwrap();
        let answer = {
            let (keys, counts, script) = (self.keys.clone(), Arc::clone(&self.counts), Arc::clone(&self.script));
            move |packet: &[u8], udp: bool| {
                *counts.lock().unwrap().entry(addr).or_default() += 1;
                let query = Message::from_vec(packet).ok()?;
                let said = match addr {
                    ROOT => Said::Message(Box::new(root(&query, &keys))),
                    GOOD => Said::Message(Box::new(good(&query))),
                    VICTIM => Said::Message(Box::new(nothing(&query, "victim"))),
                    SILENT => Said::Nothing,
                    _ => {
                        let script = Arc::clone(&script.lock().unwrap());
                        script(&query, udp)
                    }
                };
                match said {
                    Said::Octets(octets) => Some(octets),
                    Said::Message(message) => Some(vec![message.to_vec().unwrap()]),
                    Said::Nothing => None,
                }
            }
        };
        let by_udp = answer.clone();
        thread::spawn(move || {
            let mut packet = [0; 4096];
            while let Ok((len, from)) = udp.recv_from(&mut packet) {
                for mut octets in by_udp(&packet[..len], true).into_iter().flatten() {
                    if octets.len() > 1232 {
                        // Come by TCP.
                        octets.truncate(12);
                        octets[2] |= 2;
                        octets[4..12].fill(0);
                        let mut short = reply(&Message::from_vec(&packet[..len]).unwrap());
                        short.metadata.truncation = true;
                        octets = short.to_vec().unwrap();
                    }
                    let _ = udp.send_to(&octets, from);
                }
            }
        });
        thread::spawn(move || {
            for stream in tcp.incoming() {
                let (Ok(mut stream), answer) = (stream, answer.clone()) else { continue };
                thread::spawn(move || {
                    let mut len = [0; 2];
                    while stream.read_exact(&mut len).is_ok() {
                        let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
                        if stream.read_exact(&mut packet).is_err() {
                            return;
                        }
                        let Some(octets) = answer(&packet, false).and_then(|mut all| all.pop()) else { continue };
                        let _ = stream.write_all(&[&(octets.len() as u16).to_be_bytes()[..], &octets].concat());
                    }
                });
            }
        });
    }
}

fn root(query: &Message, keys: &Keys) -> Message {
    let asked = query.queries[0].name().to_lowercase();
    let mut message = reply(query);
    if asked.is_root() {
        let records = match query.queries[0].query_type() {
            RecordType::DNSKEY => vec![record(".", RData::DNSSEC(DNSSECRData::DNSKEY(dnskey(&keys.root))))],
            RecordType::NS => vec![server(".", "ns.root-server.")],
            _ => vec![soa(".")],
        };
        message.answers.push(signature(&records, ".", &keys.root));
        message.answers.extend(records);
        return message;
    }
    let zone = asked.trim_to(1).to_string();
    let zone = zone.trim_end_matches('.');
    let Some(addr) =
        [("evil", EVIL), ("victim", VICTIM), ("good", GOOD), ("silent", SILENT)].iter().find(|(of, _)| *of == zone)
    else {
        message.metadata.response_code = ResponseCode::NXDomain;
        message.authorities.push(soa("."));
        return message;
    };
    let ds = || {
        let key = dnskey(&keys.evil);
        let digest = key.to_digest(&name("evil"), DigestType::SHA256).unwrap();
        let ds =
            DS::new(key.calculate_key_tag().unwrap(), Algorithm::ED25519, DigestType::SHA256, digest.as_ref().to_vec());
        let records = vec![record("evil", RData::DNSSEC(DNSSECRData::DS(ds)))];
        let signed = signature(&records, ".", &keys.root);
        [records, vec![signed]].concat()
    };
    if query.queries[0].query_type() == RecordType::DS && asked.num_labels() == 1 {
        match zone {
            "evil" => message.answers.extend(ds()),
            _ => message.authorities.push(soa(".")),
        }
        return message;
    }
    message.metadata.authoritative = false;
    message.authorities.push(server(zone, &format!("ns.{zone}")));
    if zone == "evil" {
        message.authorities.extend(ds());
    }
    message.additionals.push(address(&format!("ns.{zone}"), addr.1));
    message
}

fn good(query: &Message) -> Message {
    let mut message = reply(query);
    let asked = query.queries[0].name().to_string();
    match query.queries[0].query_type() {
        RecordType::A => message.answers.push(address(&asked, "192.0.2.1")),
        RecordType::NS if query.queries[0].name().num_labels() == 1 => message.answers.push(server("good", "ns.good")),
        _ => message.authorities.push(soa("good")),
    }
    message
}

/// The name does not exist.
pub fn nothing(query: &Message, zone: &str) -> Message {
    let mut message = reply(query);
    if query.queries[0].name().num_labels() == 1 {
        if query.queries[0].query_type() == RecordType::NS {
            message.answers.push(server(zone, &format!("ns.{zone}")));
        } else {
            message.authorities.push(soa(zone));
        }
        return message;
    }
    message.metadata.response_code = ResponseCode::NXDomain;
    message.authorities.push(soa(zone));
    message
}
