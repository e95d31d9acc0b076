//! A DNS query, parsed once at the door. Borrows the packet; malformed input is an answer (FORMERR, NOTIMP, BADVERS) or
//! silence, never an error to pass on. Work is bounded by the packet's length and four additional records.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::cookie::ClientCookie;
use crate::identity::Mac;
use crate::name::Name;

/// Octets of the header (RFC 1035 §4.1.1).
pub const HEADER: usize = 12;
/// Payload a client without EDNS takes (RFC 1035 §4.2.1).
pub const PLAIN_PAYLOAD: u16 = 512;
/// Additional records read; an OPT and a signature are two, more is nobody's honest query.
const ADDITIONAL_MAX: u16 = 4;

/// Record types by number (IANA "Resource Record (RR) TYPEs"), as far as the pipeline treats them apart.
#[allow(missing_docs, reason = "the names are the registry's")]
pub mod rtype {
    pub const A: u16 = 1;
    pub const CNAME: u16 = 5;
    pub const SOA: u16 = 6;
    pub const HINFO: u16 = 13;
    pub const AAAA: u16 = 28;
    pub const OPT: u16 = 41;
    pub const SVCB: u16 = 64;
    pub const HTTPS: u16 = 65;
    pub const RESINFO: u16 = 261;
    pub const IXFR: u16 = 251;
    pub const AXFR: u16 = 252;
    pub const ANY: u16 = 255;
}

/// Response codes (IANA "DNS RCODEs"); BADVERS needs EDNS for its upper bits.
#[allow(missing_docs, reason = "the names are the registry's")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Rcode {
    NoError = 0,
    FormErr = 1,
    ServFail = 2,
    NxDomain = 3,
    NotImp = 4,
    Refused = 5,
    BadVers = 16,
}

/// What the client said of EDNS (RFC 6891 §6.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edns {
    /// Largest UDP answer it takes, in octets; at least 512.
    pub payload: u16,
    /// The DO bit.
    pub dnssec_ok: bool,
    /// Options the answer has to heed.
    pub options: Options,
}

/// EDNS options of a query that change its answer; all others are ignored (RFC 6891 §6.1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// The answer may be padded (RFC 7830 §4).
    pub padding: bool,
    /// The client wants to know how long a connection lives (RFC 7828 §3.2.1).
    pub keepalive: bool,
    /// The client's part of its cookie (RFC 7873 §4).
    pub cookie: Option<ClientCookie>,
    /// Codes of the first options without data: a client's way of saying what it understands. 0 is none.
    pub empty: [u16; 2],
    /// The device for whom a forwarder says it asks (dnsmasq's `add-mac`). Anybody may say so.
    pub mac: Option<Mac>,
}

/// Option codes (IANA "DNS EDNS0 Option Codes").
#[allow(missing_docs, reason = "the names are the registry's")]
pub mod option {
    pub const COOKIE: u16 = 10;
    pub const KEEPALIVE: u16 = 11;
    pub const PADDING: u16 = 12;
    pub const EDE: u16 = 15;
    /// In the range for local use; dnsmasq has made it the MAC address of who asks.
    pub const MAC: u16 = 65_001;
}

impl Options {
    /// Reads the data of an OPT.
    fn read(packet: &[u8], mut at: usize, len: u16) -> Result<Options, Rcode> {
        let mut options = Options::default();
        let end = at.saturating_add(usize::from(len));
        while at < end {
            let code = u16_at(packet, at).ok_or(Rcode::FormErr)?;
            let len = usize::from(u16_at(packet, at.saturating_add(2)).ok_or(Rcode::FormErr)?);
            let start = at.saturating_add(4);
            at = start.saturating_add(len);
            let data = packet.get(start..at).filter(|_| at <= end).ok_or(Rcode::FormErr)?;
            match code {
                // Eight octets, and eight to thirty-two of ours if it has met us (RFC 7873 §5.2.2).
                option::COOKIE if len == 8 || (16..=40).contains(&len) => options.cookie = data.first_chunk().copied(),
                option::COOKIE => return Err(Rcode::FormErr),
                option::KEEPALIVE => options.keepalive = true,
                option::PADDING => options.padding = true,
                option::MAC if len == 6 => options.mac = Mac::of_octets(data),
                _ if len == 0 => {
                    if let Some(free) = options.empty.iter_mut().find(|known| **known == 0) {
                        *free = code;
                    }
                }
                _ => {}
            }
        }
        Ok(options)
    }
}

/// One question and how it was asked.
#[derive(Debug, Clone)]
pub struct Query<'a> {
    packet: &'a [u8],
    question_end: usize,
    /// The name asked for, lower-cased.
    pub name: Name,
    /// Record type.
    pub qtype: u16,
    /// Class; 1 is IN.
    pub qclass: u16,
    /// EDNS, if the client speaks it.
    pub edns: Option<Edns>,
}

/// What came out of a packet.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "lives on the stack of one worker; boxing would allocate a query")]
pub enum Parsed<'a> {
    /// A well-formed query.
    Query(Query<'a>),
    /// Not one, but its sender may be told: header only.
    Fault {
        /// The message id to answer with.
        id: u16,
        /// Opcode and RD of the query, to echo.
        flags: u16,
        /// What to answer.
        rcode: Rcode,
    },
    /// Nothing to answer: too short, or itself a response.
    Silence,
}

impl<'a> Query<'a> {
    /// Reads a packet.
    pub fn parse(packet: &'a [u8]) -> Parsed<'a> {
        let (Some(id), Some(flags)) = (u16_at(packet, 0), u16_at(packet, 2)) else { return Parsed::Silence };
        if packet.len() < HEADER || flags & 0x8000 != 0 {
            return Parsed::Silence;
        }
        if flags & 0x7800 != 0 {
            return Parsed::Fault { id, flags, rcode: Rcode::NotImp };
        }
        match Query::read(packet) {
            Ok(query) => Parsed::Query(query),
            Err(rcode) => Parsed::Fault { id, flags, rcode },
        }
    }

    fn read(packet: &'a [u8]) -> Result<Query<'a>, Rcode> {
        let count = |at| u16_at(packet, at).ok_or(Rcode::FormErr);
        // Exactly one question (RFC 9619 §4); a query carries no answers and no authority.
        if (count(4)?, count(6)?, count(8)?) != (1, 0, 0) || count(10)? > ADDITIONAL_MAX {
            return Err(Rcode::FormErr);
        }
        let (name, at) = Name::from_wire(packet, HEADER).map_err(|_| Rcode::FormErr)?;
        let qtype = count(at)?;
        let qclass = count(at.saturating_add(2))?;
        let question_end = at.saturating_add(4);
        let edns = read_edns(packet, question_end, count(10)?)?;
        Ok(Query { packet, question_end, name, qtype, qclass, edns })
    }

    /// Message id.
    pub fn id(&self) -> u16 {
        u16_at(self.packet, 0).unwrap_or(0)
    }

    /// The header's flag word as sent.
    pub fn flags(&self) -> u16 {
        u16_at(self.packet, 2).unwrap_or(0)
    }

    /// The CD bit: the client validates for itself (RFC 4035 §3.2.2).
    pub fn checking_disabled(&self) -> bool {
        self.flags() & 0x0010 != 0
    }

    /// The DO bit.
    pub fn dnssec_ok(&self) -> bool {
        self.edns.is_some_and(|edns| edns.dnssec_ok)
    }

    /// The question section as sent, case kept (0x20).
    pub fn question(&self) -> &'a [u8] {
        self.packet.get(HEADER..self.question_end).unwrap_or(&[])
    }

    /// The whole packet.
    pub fn packet(&self) -> &'a [u8] {
        self.packet
    }
}

fn read_edns(packet: &[u8], mut at: usize, additional: u16) -> Result<Option<Edns>, Rcode> {
    let mut edns = None;
    for _ in 0..additional {
        let owner = at;
        at = skip_name(packet, at)?;
        let rtype = u16_at(packet, at).ok_or(Rcode::FormErr)?;
        let data = usize::from(u16_at(packet, at.saturating_add(8)).ok_or(Rcode::FormErr)?);
        let next = at.saturating_add(10).saturating_add(data);
        if next > packet.len() {
            return Err(Rcode::FormErr);
        }
        if rtype == rtype::OPT {
            // One OPT, owned by the root (RFC 6891 §6.1.1, §6.1.2).
            if edns.is_some() || at != owner.saturating_add(1) {
                return Err(Rcode::FormErr);
            }
            edns = Some(read_opt(packet, at)?);
        }
        at = next;
    }
    Ok(edns)
}

fn read_opt(packet: &[u8], at: usize) -> Result<Edns, Rcode> {
    let payload = u16_at(packet, at.saturating_add(2)).ok_or(Rcode::FormErr)?.max(PLAIN_PAYLOAD);
    let version = u16_at(packet, at.saturating_add(4)).ok_or(Rcode::FormErr)? & 0x00ff;
    if version != 0 {
        return Err(Rcode::BadVers);
    }
    let flags = u16_at(packet, at.saturating_add(6)).ok_or(Rcode::FormErr)?;
    let options = Options::read(packet, at.saturating_add(10), u16_at(packet, at.saturating_add(8)).unwrap_or(0))?;
    Ok(Edns { payload, dnssec_ok: flags & 0x8000 != 0, options })
}

/// Where the name at `at` ends.
pub fn skip_name(packet: &[u8], mut at: usize) -> Result<usize, Rcode> {
    loop {
        let len = *packet.get(at).ok_or(Rcode::FormErr)?;
        match len {
            0 => return Ok(at.saturating_add(1)),
            1..=63 => at = at.saturating_add(1).saturating_add(usize::from(len)),
            // A pointer ends the name (RFC 1035 §4.1.4); where it leads does not matter here.
            0xc0.. => return Ok(at.saturating_add(2)),
            _ => return Err(Rcode::FormErr),
        }
    }
}

/// The big-endian 16-bit word at `at`, `None` past the end.
pub fn u16_at(packet: &[u8], at: usize) -> Option<u16> {
    let octets = packet.get(at..)?.first_chunk::<2>()?;
    Some(u16::from_be_bytes(*octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03wWw\x07Example\x00\x00\x01\x00\x01";

    fn with_opt(version: u8) -> Vec<u8> {
        let mut packet = PLAIN.to_vec();
        packet[11] = 1;
        packet.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, version, 0x80, 0, 0, 0]);
        packet
    }

    fn fault(packet: &[u8]) -> Option<Rcode> {
        match Query::parse(packet) {
            Parsed::Fault { rcode, .. } => Some(rcode),
            _ => None,
        }
    }

    #[test]
    fn reads_a_plain_query() {
        let Parsed::Query(query) = Query::parse(PLAIN) else { panic!("not read") };
        assert_eq!((query.id(), query.qtype, query.qclass), (0x1234, rtype::A, 1));
        assert_eq!(query.name.to_string(), "www.example");
        assert_eq!(query.question(), b"\x03wWw\x07Example\x00\x00\x01\x00\x01");
        assert!(query.edns.is_none() && !query.dnssec_ok());
    }

    #[test]
    fn reads_edns() {
        let packet = with_opt(0);
        let Parsed::Query(query) = Query::parse(&packet) else { panic!("not read") };
        assert_eq!(query.edns, Some(Edns { payload: 1232, dnssec_ok: true, options: Options::default() }));
        assert_eq!(fault(&with_opt(1)), Some(Rcode::BadVers));
    }

    #[test]
    fn reads_options_and_refuses_broken_ones() {
        let with = |data: &[u8]| {
            let mut packet = with_opt(0);
            let len = packet.len();
            packet[len - 1] = data.len() as u8;
            packet.extend_from_slice(data);
            packet
        };
        let packet = with(b"\x00\x0a\x00\x0812345678\x00\x0b\x00\x00\x00\x0c\x00\x02\x00\x00\x00\x63\x00\x01x");
        let Parsed::Query(query) = Query::parse(&packet) else { panic!("not read") };
        let expected = Options { padding: true, keepalive: true, cookie: Some(*b"12345678"), ..Options::default() };
        assert_eq!(query.edns.unwrap().options, expected);
        for broken in [&b"\x00\x0a\x00\x0712345678"[..], b"\x00\x0a", b"\x00\x0c\x00\x09x"] {
            assert_eq!(fault(&with(broken)), Some(Rcode::FormErr), "{broken:?}");
        }
    }

    #[test]
    fn a_forwarder_says_for_which_device_it_asks() {
        let mac = |data: &[u8]| {
            let mut packet = with_opt(0);
            let len = packet.len();
            packet[len - 1] = data.len() as u8;
            packet.extend_from_slice(data);
            let Parsed::Query(query) = Query::parse(&packet) else { panic!("not read") };
            query.edns.unwrap().options.mac
        };
        assert_eq!(mac(b"\xfd\xe9\x00\x06\x02\x00\x00\x00\x00\x01"), Some(Mac([2, 0, 0, 0, 0, 1])));
        for nobody in [
            &b"\xfd\xe9\x00\x00"[..],
            b"\xfd\xe9\x00\x05\x02\x00\x00\x00\x00",
            b"\xfd\xe9\x00\x06\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(mac(nobody), None, "{nobody:?}");
        }
    }

    #[test]
    fn answers_faults_and_keeps_silent() {
        let mut two = PLAIN.to_vec();
        two[5] = 2;
        assert_eq!(fault(&two), Some(Rcode::FormErr));
        let mut notify = PLAIN.to_vec();
        notify[2] = 0x20;
        assert_eq!(fault(&notify), Some(Rcode::NotImp));
        let mut response = PLAIN.to_vec();
        response[2] |= 0x80;
        assert!(matches!(Query::parse(&response), Parsed::Silence));
        assert!(matches!(Query::parse(&PLAIN[..11]), Parsed::Silence));
        let mut twice = with_opt(0);
        twice[11] = 2;
        twice.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(fault(&twice), Some(Rcode::FormErr));
    }

    #[test]
    fn every_prefix_is_safe() {
        let packet = with_opt(0);
        for end in 0..packet.len() {
            assert!(!matches!(Query::parse(&packet[..end]), Parsed::Query(_)), "prefix of {end}");
        }
    }
}
