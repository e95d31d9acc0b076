//! Entries from messages that hickory wrote, aged by hand.

use std::str::FromStr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::svcb::{IpHint, SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{A, CNAME, HTTPS, SOA, SVCB};
use hickory_proto::rr::{Name as HName, RData, Record as HRecord, RecordType};

use super::*;

fn asked() -> Key {
    Key {
        name: Name::parse("www.example").unwrap(),
        rtype: 1,
        dnssec_ok: false,
        checking_disabled: false,
        without_ech: false,
    }
}

fn read(message: &[u8], now: u64) -> Result<Entry, EntryError> {
    Entry::new(message, asked().question(), now, &limits())
}

fn limits() -> config::Cache {
    config::Cache {
        bytes_max: 1 << 20,
        ttl_min: Duration::ZERO,
        ttl_max: Duration::from_secs(86_400),
        negative_ttl_max: Duration::from_secs(300),
        stale_max: Duration::from_secs(3600),
        prefetch: true,
    }
}

fn hname(text: &str) -> HName {
    HName::from_str(text).unwrap()
}

fn message(rcode: ResponseCode, answers: Vec<(&str, u32, RData)>) -> Message {
    let mut message = Message::new(7, MessageType::Response, OpCode::Query);
    message.metadata.response_code = rcode;
    message.add_query(Query::query(hname("www.example."), RecordType::A));
    for (owner, ttl, data) in answers {
        message.answers.push(HRecord::from_rdata(hname(owner), ttl, data));
    }
    message.edns = Some(Edns::new());
    message
}

fn chain() -> Vec<u8> {
    let binding = SVCB::new(
        1,
        hname("svc.example."),
        vec![(SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(vec![A::new(192, 0, 2, 9)])))],
    );
    message(
        ResponseCode::NoError,
        vec![
            ("www.example.", 300, RData::CNAME(CNAME(hname("cdn.example.")))),
            ("cdn.example.", 60, RData::A(A::new(192, 0, 2, 1))),
            ("cdn.example.", 90, RData::HTTPS(HTTPS(binding))),
        ],
    )
    .to_vec()
    .unwrap()
}

fn told(entry: &Entry, now: u64, ttl_max: u32) -> Message {
    let mut out = Vec::new();
    let question = b"\x03wWw\x07example\x00\x00\x01\x00\x01";
    entry.answer().write_to(99, 0x0110, question, now, ttl_max, &mut out);
    assert!(out.windows(4).any(|window| window == b"\x03wWw"), "case is the asker's");
    Message::from_vec(&out).unwrap()
}

#[test]
fn answers_age_and_lose_their_opt() {
    let entry = read(&chain(), 1000).unwrap();
    let message = told(&entry, 1010, u32::MAX);
    assert!(message.edns.is_none());
    assert_eq!(message.metadata.id, 99);
    assert!(message.metadata.recursion_desired && message.metadata.checking_disabled);
    let ttls: Vec<u32> = message.answers.iter().map(|record| record.ttl).collect();
    assert_eq!(ttls, [50, 50, 50], "nothing outlives the entry");
    assert!(told(&entry, 1010, 5).answers.iter().all(|record| record.ttl == 5));
    assert_eq!(entry.answer().freshness(1059, 3600), Freshness::Fresh(1));
    assert_eq!(entry.answer().freshness(1060, 3600), Freshness::Stale);
    assert!(told(&entry, 1060, u32::MAX).answers.iter().all(|record| record.ttl == STALE_TTL_SECS));
    assert_eq!(entry.answer().freshness(1060 + 3600, 3600), Freshness::Gone);
}

#[test]
fn everything_in_an_answer_is_found() {
    let entry = read(&chain(), 0).unwrap();
    let name = |text| Part::Name(Name::parse(text).unwrap());
    let addr = |text: &str| Part::Addr(text.parse().unwrap());
    let parts: Vec<Part> = entry.answer().parts().collect();
    assert_eq!(parts, [name("cdn.example"), addr("192.0.2.1"), name("svc.example"), addr("192.0.2.9")]);
}

#[test]
fn negative_answers_live_as_their_soa_says() {
    let mut negative = message(ResponseCode::NXDomain, vec![]);
    assert_eq!(read(&negative.to_vec().unwrap(), 0).unwrap().answer().ttl_secs(), 0);
    let soa = SOA::new(hname("ns.example."), hname("x.example."), 1, 2, 3, 4, 120);
    negative.authorities.push(HRecord::from_rdata(hname("example."), 600, RData::SOA(soa)));
    assert_eq!(read(&negative.to_vec().unwrap(), 0).unwrap().answer().ttl_secs(), 120);
    let failure = read(&message(ResponseCode::ServFail, vec![]).to_vec().unwrap(), 0).unwrap();
    assert_eq!(failure.answer().ttl_secs(), FAILURE_TTL_SECS);
    assert_eq!(failure.answer().freshness(6, 3600), Freshness::Gone, "failures are never served stale");
}

#[test]
fn an_answer_to_another_question_is_none() {
    let other = Key { name: Name::parse("ww.example").unwrap(), ..asked() };
    assert!(Entry::new(&chain(), other.question(), 0, &limits()).is_err());
    assert!(Entry::new(&chain(), Key { rtype: 28, ..asked() }.question(), 0, &limits()).is_err());
    let entry = read(&chain(), 0).unwrap();
    assert!(entry.answer().is_for(asked().question()));
    for other in [other, Key { rtype: 28, ..asked() }, Key { dnssec_ok: true, ..asked() }] {
        assert!(!entry.answer().is_for(other.question()));
    }
}

#[test]
fn no_prefix_and_no_flipped_octet_panics() {
    let whole = chain();
    for end in 0..whole.len() {
        let _ = read(&whole[..end], 0);
    }
    for at in 0..whole.len() {
        for octet in [0x00, 0x3f, 0xc0, 0xff] {
            let mut broken = whole.clone();
            broken[at] = octet;
            if let Ok(entry) = read(&broken, 0) {
                entry.answer().write_to(1, 0, b"", 1, 10, &mut Vec::new());
            }
        }
    }
}
