//! Answers we make ourselves, as bytes: refusals, local data, faults, and the EDNS part of every answer. Writes into a
//! buffer the caller reuses. Never decides anything.

use std::net::IpAddr;

pub use crate::config::BlockAnswer;

use super::query::{Edns, HEADER, PLAIN_PAYLOAD, Query, Rcode, option, rtype, skip_name, u16_at};
use crate::name::Name;

/// Extended DNS Error codes we send (RFC 8914 §4, IANA "Extended DNS Error Codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EdeCode {
    /// Served from a cache past its time (§4.4).
    StaleAnswer = 3,
    /// Answered with something else than the name has (§4.5).
    Forged = 4,
    /// Validation failed (§4.7).
    DnssecBogus = 6,
    /// A signature is too old (§4.8).
    SignatureExpired = 7,
    /// A signature is too young (§4.9).
    SignatureNotYetValid = 8,
    /// The parent vouches for no key of the zone (§4.10).
    DnskeyMissing = 9,
    /// No signature where there must be one (§4.11).
    RrsigsMissing = 10,
    /// A denial without proof (§4.13).
    NsecMissing = 12,
    /// Too busy or still starting (§4.15).
    NotReady = 14,
    /// Blocked for security (§4.16).
    Blocked = 15,
    /// Blocked by law (§4.17).
    Censored = 16,
    /// Blocked as the household asked (§4.18).
    Filtered = 17,
    /// This server does not do that (§4.22).
    NotSupported = 21,
    /// No upstream could be reached (§4.23).
    NoReachableAuthority = 22,
    /// An upstream answered with an error (§4.24).
    NetworkError = 23,
    /// What a server said cannot be so (§4.25).
    InvalidData = 24,
}

impl EdeCode {
    const ALL: [EdeCode; 16] = [
        EdeCode::StaleAnswer,
        EdeCode::Forged,
        EdeCode::DnssecBogus,
        EdeCode::SignatureExpired,
        EdeCode::SignatureNotYetValid,
        EdeCode::DnskeyMissing,
        EdeCode::RrsigsMissing,
        EdeCode::NsecMissing,
        EdeCode::NotReady,
        EdeCode::Blocked,
        EdeCode::Censored,
        EdeCode::Filtered,
        EdeCode::NotSupported,
        EdeCode::NoReachableAuthority,
        EdeCode::NetworkError,
        EdeCode::InvalidData,
    ];

    /// The code of that number, if it is one of ours.
    pub fn from_code(code: u8) -> Option<EdeCode> {
        // Nearly every answer has none.
        if code == 0 {
            return None;
        }
        EdeCode::ALL.into_iter().find(|known| *known as u8 == code)
    }
}

/// An extended error with its text; the text is cut at 512 octets so that an answer stays small.
#[derive(Debug, Clone, Copy)]
pub struct Ede<'a> {
    /// The code.
    pub code: EdeCode,
    /// For people, UTF-8; may be empty.
    pub text: &'a str,
}

const EDE_TEXT_MAX: usize = 512;
/// Size of the UDP answers we take ourselves, told in our OPT (DNS flag day 2020).
const OUR_PAYLOAD: u16 = 1232;
/// A pointer to the name of the question, which always stands right behind the header.
const QUESTION_NAME: [u8; 2] = [0xc0, 0x0c];

/// Starts an answer to `query` in `out`: header with QR, RA and the rcode's low bits, question as asked.
pub fn start(query: &Query<'_>, rcode: Rcode, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&query.id().to_be_bytes());
    // Opcode, RD and CD are echoed (RFC 1035 §4.1.1, RFC 4035 §3.2.2).
    let flags = 0x8080 | query.flags() & 0x7910 | rcode as u16 & 0x000f;
    out.extend_from_slice(&flags.to_be_bytes());
    out.extend_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    out.extend_from_slice(query.question());
}

/// A whole answer that is only an rcode.
pub fn code(query: &Query<'_>, rcode: Rcode, ede: Option<Ede<'_>>, out: &mut Vec<u8>) {
    start(query, rcode, out);
    finish(query, rcode, ede, out);
}

/// The answer to something that is no query: a bare header (RFC 1035 §4.1.1).
pub fn fault(id: u16, flags: u16, rcode: Rcode, out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&(0x8080 | flags & 0x7900 | rcode as u16 & 0x000f).to_be_bytes());
    out.extend_from_slice(&[0; 8]);
    if rcode as u16 > 15 {
        // The upper bits of the rcode live in an OPT (RFC 6891 §6.1.3).
        append_opt(rcode, false, None, out);
    }
}

/// NODATA or NXDOMAIN with a SOA that lets clients cache it for `ttl` seconds (RFC 2308 §5).
pub fn negative(query: &Query<'_>, rcode: Rcode, ttl: u32, ede: Option<Ede<'_>>, out: &mut Vec<u8>) {
    start(query, rcode, out);
    append_soa(ttl, out);
    finish(query, rcode, ede, out);
}

/// A NOERROR answer with the addresses of the family asked for; NODATA for other types and families.
pub fn addresses(query: &Query<'_>, all: &[IpAddr], ttl: u32, ede: Option<Ede<'_>>, out: &mut Vec<u8>) {
    start(query, Rcode::NoError, out);
    let mut count = 0;
    for addr in all {
        match addr {
            IpAddr::V4(addr) if query.qtype == rtype::A => record(rtype::A, ttl, &addr.octets(), out),
            IpAddr::V6(addr) if query.qtype == rtype::AAAA => record(rtype::AAAA, ttl, &addr.octets(), out),
            _ => continue,
        }
        count += 1;
    }
    set_count(out, 6, count);
    if count == 0 {
        append_soa(ttl, out);
    }
    finish(query, Rcode::NoError, ede, out);
}

/// A NOERROR answer with records of the type asked for, one for each of `all`.
pub fn records<'d>(query: &Query<'_>, all: impl Iterator<Item = &'d [u8]>, ttl: u32, out: &mut Vec<u8>) {
    start(query, Rcode::NoError, out);
    let mut count = 0;
    for data in all {
        record(query.qtype, ttl, data, out);
        count += 1;
    }
    set_count(out, 6, count);
    finish(query, Rcode::NoError, None, out);
}

/// The question's name as an alias of `target`, and the target's addresses of the family asked for.
pub fn alias(
    query: &Query<'_>,
    target: &Name,
    all: impl Iterator<Item = IpAddr>,
    ttl: u32,
    ede: Option<Ede<'_>>,
    out: &mut Vec<u8>,
) {
    start(query, Rcode::NoError, out);
    record(rtype::CNAME, ttl, target.as_wire(), out);
    // The addresses are owned by the alias target, which ends the record just written.
    let owner = (0xc000 | (out.len() - target.as_wire().len()) as u16).to_be_bytes();
    let mut count = 1;
    for addr in all {
        match addr {
            IpAddr::V4(addr) if query.qtype == rtype::A => owned(owner, rtype::A, ttl, &addr.octets(), out),
            IpAddr::V6(addr) if query.qtype == rtype::AAAA => owned(owner, rtype::AAAA, ttl, &addr.octets(), out),
            _ => continue,
        }
        count += 1;
    }
    set_count(out, 6, count);
    finish(query, Rcode::NoError, ede, out);
}

/// A refusal in the style the administrator chose.
pub fn block(
    query: &Query<'_>,
    style: BlockAnswer,
    portal: &[IpAddr],
    ttl: u32,
    ede: Option<Ede<'_>>,
    out: &mut Vec<u8>,
) {
    const NULL: [IpAddr; 2] =
        [IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED)];
    match style {
        BlockAnswer::Null => addresses(query, &NULL, ttl, ede, out),
        BlockAnswer::Portal => addresses(query, portal, ttl, ede, out),
        BlockAnswer::Nxdomain => negative(query, Rcode::NxDomain, ttl, ede, out),
        BlockAnswer::Refused => code(query, Rcode::Refused, ede, out),
    }
}

/// The answer to ANY: one synthetic HINFO (RFC 8482 §4.2).
pub fn any(query: &Query<'_>, out: &mut Vec<u8>) {
    start(query, Rcode::NoError, out);
    // An hour, so that the asker does not come back soon.
    record(rtype::HINFO, 3600, b"\x07RFC8482\x00", out);
    set_count(out, 6, 1);
    finish(query, Rcode::NoError, None, out);
}

/// Ends an answer: adds our OPT, with the error if there is one, when the client speaks EDNS (RFC 6891 §7).
pub fn finish(query: &Query<'_>, rcode: Rcode, ede: Option<Ede<'_>>, out: &mut Vec<u8>) {
    if let Some(edns) = query.edns {
        append_opt(rcode, edns.dnssec_ok, ede, out);
    }
}

/// Cuts an answer that does not fit a UDP datagram: question and OPT stay, TC is set (RFC 2181 §9, RFC 6891 §7). True when
/// it did not fit.
pub fn truncate(query: &Query<'_>, payload_max: u16, out: &mut Vec<u8>) -> bool {
    let limit = query.edns.map_or(PLAIN_PAYLOAD, |edns: Edns| edns.payload.min(payload_max));
    if out.len() <= usize::from(limit) {
        return false;
    }
    let keep = HEADER + query.question().len();
    out.truncate(keep);
    out[2] |= 0x02;
    set_count(out, 6, 0);
    set_count(out, 8, 0);
    set_count(out, 10, 0);
    if let Some(edns) = query.edns {
        append_opt(Rcode::NoError, edns.dnssec_ok, None, out);
    }
    true
}

/// What is said in the OPT beside an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Additions {
    /// The client's cookie and ours.
    pub cookie: Option<[u8; 24]>,
    /// How long an idle connection lives, in units of 100 ms (RFC 7828 §3.1).
    pub keepalive: Option<u16>,
    /// Padded so that lengths tell little (RFC 8467 §4.1).
    pub padding: bool,
}

/// Adds options to the OPT, which ends the answer. Nothing when there is none.
pub fn add_options(additions: &Additions, out: &mut Vec<u8>) {
    /// Answers on encrypted connections are a multiple of this.
    const BLOCK: usize = 468;
    let Some(len_at) = opt_len_at(out) else { return };
    let start = out.len();
    if let Some(cookie) = additions.cookie {
        push_option(option::COOKIE, &cookie, out);
    }
    if let Some(keepalive) = additions.keepalive {
        push_option(option::KEEPALIVE, &keepalive.to_be_bytes(), out);
    }
    if additions.padding {
        let len = (out.len() + 4).next_multiple_of(BLOCK) - out.len() - 4;
        push_option(option::PADDING, &[0; BLOCK][..len], out);
    }
    let len = u16_at(out, len_at).unwrap_or(0) + (out.len() - start) as u16;
    set_count(out, len_at, len);
}

fn push_option(code: u16, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}

/// Where the OPT's length stands. Walks the answer, which is ours and well-formed; anything else has none.
fn opt_len_at(message: &[u8]) -> Option<usize> {
    let mut at = skip_name(message, HEADER).ok()? + 4;
    let records = [6, 8, 10].iter().try_fold(0, |sum, at| Some(sum + u32::from(u16_at(message, *at)?)))?;
    for left in (0..records).rev() {
        let after_name = skip_name(message, at).ok()?;
        let len_at = after_name + 8;
        if left == 0 {
            return (u16_at(message, after_name)? == rtype::OPT).then_some(len_at);
        }
        at = len_at + 2 + usize::from(u16_at(message, len_at)?);
    }
    None
}

/// A question back with TC set: whoever really asked it comes again by TCP.
pub fn come_by_tcp(query: &Query<'_>, out: &mut Vec<u8>) {
    start(query, Rcode::NoError, out);
    out[2] |= 0x02;
    finish(query, Rcode::NoError, None, out);
}

fn append_opt(rcode: Rcode, dnssec_ok: bool, ede: Option<Ede<'_>>, out: &mut Vec<u8>) {
    let text = ede.map_or(&[][..], |ede| cut(ede.text).as_bytes());
    let option_len = text.len() as u16 + 2;
    let data_len = if ede.is_some() { option_len + 4 } else { 0 };
    out.push(0);
    out.extend_from_slice(&rtype::OPT.to_be_bytes());
    out.extend_from_slice(&OUR_PAYLOAD.to_be_bytes());
    out.extend_from_slice(&[(rcode as u16 >> 4) as u8, 0, u8::from(dnssec_ok) << 7, 0]);
    out.extend_from_slice(&data_len.to_be_bytes());
    if let Some(ede) = ede {
        out.extend_from_slice(&option::EDE.to_be_bytes());
        out.extend_from_slice(&option_len.to_be_bytes());
        out.extend_from_slice(&u16::from(ede.code as u8).to_be_bytes());
        out.extend_from_slice(text);
    }
    let additional = u16::from_be_bytes([out[10], out[11]]);
    set_count(out, 10, additional + 1);
}

fn append_soa(ttl: u32, out: &mut Vec<u8>) {
    // Names under `invalid` (RFC 6761 §6.4): nobody can take them for the real zone's.
    const NAMES: &[u8] = b"\x06luytre\x07invalid\x00\x06nobody\x07invalid\x00";
    let mut data = [0; NAMES.len() + 20];
    data[..NAMES.len()].copy_from_slice(NAMES);
    for (word, value) in data[NAMES.len()..].chunks_exact_mut(4).zip([1, 3600, 600, 86_400, ttl]) {
        word.copy_from_slice(&u32::to_be_bytes(value));
    }
    record(rtype::SOA, ttl, &data, out);
    set_count(out, 8, 1);
}

fn record(rtype: u16, ttl: u32, data: &[u8], out: &mut Vec<u8>) {
    owned(QUESTION_NAME, rtype, ttl, data, out);
}

fn owned(owner: [u8; 2], rtype: u16, ttl: u32, data: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&owner);
    out.extend_from_slice(&rtype.to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&ttl.to_be_bytes());
    out.extend_from_slice(&(data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}

fn set_count(out: &mut [u8], at: usize, count: u16) {
    out[at..at + 2].copy_from_slice(&count.to_be_bytes());
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(EDE_TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::super::query::Parsed;
    use super::*;
    use hickory_proto::op::{Message, ResponseCode};
    use hickory_proto::rr::RData;

    fn packet(qtype: u16, edns: bool) -> Vec<u8> {
        let mut packet = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03wWw\x07Example\x00".to_vec();
        packet.extend_from_slice(&qtype.to_be_bytes());
        packet.extend_from_slice(&[0, 1]);
        if edns {
            packet[11] = 1;
            packet.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
        }
        packet
    }

    fn answered(qtype: u16, edns: bool, make: impl Fn(&Query<'_>, &mut Vec<u8>)) -> (Message, Vec<u8>) {
        let packet = packet(qtype, edns);
        let Parsed::Query(query) = Query::parse(&packet) else { panic!("not read") };
        let mut out = Vec::new();
        make(&query, &mut out);
        (Message::from_vec(&out).expect("an answer hickory reads"), out)
    }

    #[test]
    fn null_block_carries_filtered_and_a_text() {
        let ede = Ede { code: EdeCode::Filtered, text: "gambling" };
        let (message, bytes) =
            answered(rtype::A, true, |query, out| block(query, BlockAnswer::Null, &[], 10, Some(ede), out));
        assert_eq!(message.answers.len(), 1);
        assert!(matches!(message.answers[0].data, RData::A(a) if a.0.is_unspecified()));
        assert_eq!(message.answers[0].ttl, 10);
        assert!(bytes.ends_with(b"\x00\x0f\x00\x0a\x00\x11gambling"));
        assert!(bytes.windows(4).any(|window| window == b"\x03wWw"), "case is kept");
    }

    #[test]
    fn without_edns_there_is_no_opt() {
        let ede = Ede { code: EdeCode::Filtered, text: "x" };
        let (message, _) =
            answered(rtype::AAAA, false, |query, out| block(query, BlockAnswer::Null, &[], 10, Some(ede), out));
        assert!(message.edns.is_none());
        assert!(matches!(message.answers[0].data, RData::AAAA(a) if a.0.is_unspecified()));
    }

    #[test]
    fn other_types_get_nodata_with_soa() {
        let (message, _) = answered(16, true, |query, out| block(query, BlockAnswer::Null, &[], 10, None, out));
        assert_eq!((message.answers.len(), message.authorities.len()), (0, 1));
        assert_eq!(message.metadata.response_code, ResponseCode::NoError);
    }

    #[test]
    fn styles_differ() {
        let (nx, _) = answered(1, true, |query, out| block(query, BlockAnswer::Nxdomain, &[], 10, None, out));
        assert_eq!(nx.metadata.response_code, ResponseCode::NXDomain);
        let (refused, _) = answered(1, true, |query, out| block(query, BlockAnswer::Refused, &[], 10, None, out));
        assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
        let portal = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let (shown, _) = answered(1, true, |query, out| block(query, BlockAnswer::Portal, &portal, 10, None, out));
        assert_eq!(shown.answers.len(), 1);
    }

    #[test]
    fn an_alias_leads_to_its_targets_addresses() {
        let target = Name::parse("safe.example.org").unwrap();
        let all = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap(), "192.0.2.2".parse().unwrap()];
        let (message, _) = answered(rtype::A, true, |query, out| alias(query, &target, all.into_iter(), 60, None, out));
        assert_eq!(message.answers.len(), 3);
        assert!(matches!(&message.answers[0].data, RData::CNAME(to) if to.0.to_string() == "safe.example.org."));
        assert_eq!(message.answers[2].name.to_string(), "safe.example.org.");
    }

    #[test]
    fn any_is_hinfo() {
        let (message, _) = answered(255, false, any);
        assert!(matches!(message.answers[0].data, RData::HINFO(_)));
    }

    #[test]
    fn what_does_not_fit_is_truncated() {
        let (message, bytes) = answered(1, true, |query, out| {
            let many = vec!["192.0.2.1".parse().unwrap(); 200];
            addresses(query, &many, 10, None, out);
            truncate(query, 1232, out);
        });
        assert!(message.metadata.truncation && message.answers.is_empty() && message.edns.is_some());
        assert!(bytes.len() < 100);
    }

    #[test]
    fn options_stand_behind_the_error() {
        let additions = Additions { cookie: Some([7; 24]), keepalive: Some(100), padding: true };
        let ede = Ede { code: EdeCode::Filtered, text: "gambling" };
        let (message, bytes) = answered(1, true, |query, out| {
            block(query, BlockAnswer::Null, &[], 10, Some(ede), out);
            add_options(&additions, out);
        });
        assert_eq!(bytes.len(), 468);
        assert_eq!(message.edns.unwrap().options().as_ref().len(), 4);
        let (plain, _) = answered(1, false, |query, out| {
            block(query, BlockAnswer::Null, &[], 10, None, out);
            add_options(&additions, out);
        });
        assert!(plain.edns.is_none());
    }

    #[test]
    fn badvers_uses_the_upper_bits() {
        let mut out = Vec::new();
        fault(7, 0x0100, Rcode::BadVers, &mut out);
        assert_eq!(u16::from(Message::from_vec(&out).unwrap().metadata.response_code), Rcode::BadVers as u16);
    }
}
