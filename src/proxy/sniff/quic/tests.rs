//! Clients' datagrams, sealed here with the keys that anybody can derive, and those of the standards.

#![allow(clippy::arithmetic_side_effects, reason = "small numbers of these tests alone")]

use rustls::Side;

use super::super::hello::build::{hello, named, names};
use super::*;

const DCID: &[u8] = b"first id";
const SCID: &[u8] = b"mine";

fn client_keys(version: Version, dcid: &[u8]) -> Keys {
    let suite =
        rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().unwrap().quic_suite().unwrap();
    let version = if version == Version::V1 { rustls::quic::Version::V1 } else { rustls::quic::Version::V2 };
    suite.keys(dcid, Side::Client, version)
}

/// A client's Initial with keys made from another id than the one it is sent to, of exactly the octets that its frames need.
fn packet_to(version: Version, keys_of: &[u8], dcid: &[u8], frames: &[u8]) -> Vec<u8> {
    initial::seal(version, &client_keys(version, keys_of), dcid, SCID, frames).unwrap()
}

fn padded(frames: &[u8]) -> Vec<u8> {
    let mut frames = frames.to_vec();
    frames.resize(frames.len().max(1200), 0);
    frames
}

fn datagram(version: Version, dcid: &[u8], frames: &[u8]) -> Vec<u8> {
    packet_to(version, dcid, dcid, &padded(frames))
}

fn crypto(offset: usize, octets: &[u8]) -> Vec<u8> {
    let varint = |value: usize| (u16::try_from(value).unwrap() | 0x4000).to_be_bytes();
    [&[6][..], &varint(offset), &varint(octets.len()), octets].concat()
}

/// The hello in pieces of these octets, as CRYPTO frames.
fn pieces(hello: &[u8], octets: usize) -> Vec<Vec<u8>> {
    hello.chunks(octets).enumerate().map(|(number, piece)| crypto(number * octets, piece)).collect()
}

fn name(progress: &Progress) -> Option<String> {
    match progress {
        Progress::Done(sniffed) => sniffed.name.as_ref().map(ToString::to_string),
        _ => None,
    }
}

fn read(datagrams: &[Vec<u8>]) -> (Assembly, Progress) {
    let mut assembly = Assembly::new();
    let last = datagrams.iter().map(|datagram| assembly.push(datagram)).last().unwrap();
    (assembly, last)
}

fn vector(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn the_examples_of_the_standards_are_read() {
    for (version, text) in [
        (Version::V1, include_str!("../../../../tests/data/vectors/rfc9001-a2.hex")),
        (Version::V2, include_str!("../../../../tests/data/vectors/rfc9369-a2.hex")),
    ] {
        let datagram = vector(text);
        let dcid = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        assert_eq!(kind(&datagram), Kind::Initial { version, dcid: &dcid, scid: &[] });
        let (mut assembly, progress) = read(std::slice::from_ref(&datagram));
        assert_eq!(name(&progress).as_deref(), Some("example.com"), "{version:?}");
        assert!(assembly.admits(&datagram));
        assert_eq!(assembly.take_held(), [datagram]);
    }
}

#[test]
fn a_hello_over_datagrams_in_any_order_is_read_and_held() {
    for version in Version::ALL {
        let hello = named("www.example.com", 3000);
        let mut datagrams: Vec<_> = pieces(&hello, 900).iter().map(|frames| datagram(version, DCID, frames)).collect();
        datagrams.reverse();
        let mut assembly = Assembly::new();
        let (last, first) = datagrams.split_last().unwrap();
        for datagram in first {
            assert_eq!(assembly.push(datagram), Progress::More);
            assert_eq!(assembly.push(datagram), Progress::More, "again");
        }
        assert_eq!(name(&assembly.push(last)).as_deref(), Some("www.example.com"));
        assert_eq!(assembly.take_held().len(), 2 * first.len() + 1);
        assert!(assembly.take_held().is_empty());
    }
}

#[test]
fn frames_in_disorder_as_chromium_sends_them_are_read() {
    let hello = named("www.example.com", 900);
    let mut frames = pieces(&hello, 97);
    frames.reverse();
    frames.insert(1, vec![1, 0, 0, 1]);
    frames.insert(3, vec![0; 70]);
    frames.push(crypto(50, &hello[50..150]));
    let (_, progress) = read(&[datagram(Version::V1, DCID, &frames.concat())]);
    assert_eq!(name(&progress).as_deref(), Some("www.example.com"));
}

#[test]
fn coalesced_packets_are_read_each() {
    let hello = named("www.example.com", 900);
    let (front, back) = hello.split_at(400);
    let early = [&[0xd0, 0, 0, 0, 1, 8][..], DCID, &[4], SCID, &[0x40, 30], &[9; 30]].concat();
    let packets = [
        packet_to(Version::V1, DCID, DCID, &crypto(0, front)),
        early.clone(),
        packet_to(Version::V1, DCID, DCID, &padded(&crypto(400, back))),
        vec![0; 20],
    ];
    let (mut assembly, progress) = read(&[packets.concat()]);
    assert_eq!(name(&progress).as_deref(), Some("www.example.com"));
    assert!(assembly.admits(&early), "early data begins no connection");
}

#[test]
fn two_connections_in_one_datagram_are_refused() {
    let allowed = hello(&[names(&["allowed.example"])]);
    let blocked = hello(&[names(&["blocked.example"])]);
    for (version, dcid) in [(Version::V1, &b"other id"[..]), (Version::V2, DCID)] {
        let first = packet_to(Version::V1, DCID, DCID, &crypto(0, &allowed));
        let second = datagram(version, dcid, &crypto(0, &blocked));
        assert_eq!(read(&[[first, second].concat()]).1, Progress::Malformed, "{version:?}");
    }
    // A version that is not read here may be one that the server reads.
    let mut second = datagram(Version::V1, DCID, &crypto(0, &blocked));
    second[1..5].copy_from_slice(&[0xff, 0, 0, 29]);
    let first = packet_to(Version::V1, DCID, DCID, &crypto(0, &allowed));
    let both = [first, second].concat();
    assert_eq!(read(std::slice::from_ref(&both)).1, Progress::Malformed);
    let (mut assembly, _) = read(&[datagram(Version::V1, DCID, &crypto(0, &allowed))]);
    assert!(!assembly.admits(&both));
}

#[test]
fn another_connection_starts_anew_and_nothing_of_the_first_is_sent() {
    let blocked = named("blocked.example", 900);
    let parts: Vec<_> = pieces(&blocked, 500).iter().map(|frames| datagram(Version::V1, DCID, frames)).collect();
    let allowed = datagram(Version::V1, b"after a retry", &crypto(0, &hello(&[names(&["allowed.example"])])));
    let mut assembly = Assembly::new();
    assert_eq!(assembly.push(&parts[0]), Progress::More);
    assert_eq!(name(&assembly.push(&allowed)).as_deref(), Some("allowed.example"));
    assert_eq!(assembly.take_held(), std::slice::from_ref(&allowed));
    assert!(assembly.admits(&allowed));
    assert!(!assembly.admits(&parts[0]) && !assembly.admits(&parts[1]), "the first is not decided");
}

#[test]
fn once_decided_only_the_same_may_follow() {
    let allowed = hello(&[names(&["allowed.example"])]);
    let blocked = hello(&[names(&["blocked.example"])]);
    for version in Version::ALL {
        let (mut assembly, _) = read(&[datagram(version, DCID, &crypto(0, &allowed))]);
        let server = b"server's id";
        assert!(assembly.admits(&packet_to(version, DCID, server, &padded(&[2, 0, 0, 0, 0]))), "an acknowledgement");
        assert!(
            assembly.admits(&packet_to(version, DCID, server, &padded(&crypto(9, &allowed[9..30])))),
            "a repetition"
        );
        for other in Version::ALL {
            let changed = packet_to(other, DCID, server, &padded(&[2, 0, 0, 0, 0]));
            assert!(assembly.admits(&changed), "a compatible version (RFC 9369 §4)");
            assert!(!assembly.admits(&packet_to(other, DCID, server, &padded(&crypto(0, &blocked)))), "another hello");
            assert!(!assembly.admits(&datagram(other, b"other id", &crypto(0, &blocked))), "another connection");
        }
        assert!(assembly.admits(&[0x40; 40]), "a short header");
    }
}

#[test]
fn a_second_hello_must_name_the_same() {
    let second = |name: &str| {
        let allowed = hello(&[names(&["allowed.example"])]);
        let (mut assembly, progress) = read(&[datagram(Version::V1, DCID, &crypto(0, &allowed))]);
        assert_eq!(self::name(&progress).as_deref(), Some("allowed.example"));
        let again = named(name, 1300);
        let (front, back) = again.split_at(700);
        let front = datagram(Version::V1, DCID, &crypto(allowed.len(), front));
        assert!(assembly.admits(&front));
        assembly.admits(&datagram(Version::V1, DCID, &crypto(allowed.len() + 700, back)))
    };
    assert!(second("Allowed.example"));
    assert!(!second("blocked.example"));
    let both = [hello(&[names(&["allowed.example"])]), hello(&[names(&["blocked.example"])])].concat();
    assert_eq!(read(&[datagram(Version::V1, DCID, &crypto(0, &both))]).1, Progress::Malformed, "unasked");
}

#[test]
fn small_datagrams_count_for_nothing_as_at_a_server() {
    let allowed = crypto(0, &hello(&[names(&["allowed.example"])]));
    let (mut assembly, progress) = read(&[packet_to(Version::V1, DCID, DCID, &allowed)]);
    assert_eq!(progress, Progress::More);
    assert!(assembly.take_held().is_empty());
}

#[test]
fn hellos_that_contradict_are_refused_for_good() {
    let [allowed, blocked] = ["allowed.example", "blocked.example"].map(|name| named(name, 900));
    let first = datagram(Version::V1, DCID, &crypto(0, &allowed[..970]));
    let second = datagram(Version::V1, DCID, &crypto(955, &blocked[955..]));
    let (mut assembly, progress) = read(&[first.clone(), second]);
    assert_eq!(progress, Progress::Malformed);
    assert_eq!(assembly.push(&first), Progress::Malformed);
}

#[test]
fn limits_hold() {
    let hello = named("www.example.com", 15_000);
    let parts: Vec<_> = pieces(&hello, 1100).iter().map(|frames| datagram(Version::V1, DCID, frames)).collect();
    assert_eq!(name(&read(&parts).1).as_deref(), Some("www.example.com"), "fourteen datagrams");
    assert_eq!(read(&vec![parts[0].clone(); DATAGRAMS_MAX + 1]).1, Progress::Malformed);
    assert_eq!(read(&vec![parts[0].clone(); DATAGRAMS_MAX]).1, Progress::More);
    let over = crypto(16_000, &[0; 500]);
    assert_eq!(read(&[datagram(Version::V1, DCID, &over)]).1, Progress::Malformed);
    let large = datagram(Version::V1, DCID, &[&crypto(0, &hello[..90])[..], &[0; 13_000]].concat());
    assert_eq!(read(std::slice::from_ref(&large)).1, Progress::More);
    assert_eq!(read(&[large.clone(), large]).1, Progress::Malformed, "octets are counted too");
}

#[test]
fn early_data_of_the_connection_is_held_while_there_is_room() {
    let hello = named("www.example.com", 900);
    let early = |dcid: &[u8]| [&[0xd0, 0, 0, 0, 1, 8][..], dcid, &[4], SCID, &[0x44, 0], &[9; 1024]].concat();
    let parts: Vec<_> = pieces(&hello, 500).iter().map(|frames| datagram(Version::V1, DCID, frames)).collect();
    let mut assembly = Assembly::new();
    assembly.push(&early(DCID));
    assembly.push(&parts[0]);
    assembly.push(&early(DCID));
    assembly.push(&early(b"other id"));
    assert_eq!(name(&assembly.push(&parts[1])).as_deref(), Some("www.example.com"));
    assert_eq!(assembly.take_held(), [parts[0].clone(), early(DCID), parts[1].clone()]);
    let (mut full, _) = read(&parts[..1]);
    for _ in 0..50 {
        assert_eq!(full.push(&early(DCID)), Progress::More);
    }
    assert!(full.held.len() <= DATAGRAMS_MAX);
}

#[test]
fn every_kind_of_datagram_is_told() {
    let initial = datagram(Version::V2, DCID, &[1]);
    assert_eq!(kind(&initial), Kind::Initial { version: Version::V2, dcid: DCID, scid: SCID });
    assert_eq!(
        kind(&[0xc0, 0xfa, 0xce, 0xb0, 0x0c, 1, 7, 0]),
        Kind::UnknownVersion { version: 0xface_b00c, dcid: &[7], scid: &[] }
    );
    assert_eq!(kind(&[0xe0, 0, 0, 0, 1, 0, 0]), Kind::OtherLong);
    assert_eq!(kind(&[0x40]), Kind::Short);
    let long_id = [&[0xc0, 0, 0, 0, 1, 21][..], &[0; 30]].concat();
    for malformed in [&[][..], &[0xc0], &[0xc0, 0, 0, 0, 1, 9, 1], &[0xc0, 0, 0, 0, 0, 0, 0], &long_id] {
        assert_eq!(kind(malformed), Kind::Malformed, "{malformed:?}");
        assert_eq!(Assembly::new().push(malformed), Progress::Alien);
    }
}

#[test]
fn junk_in_front_hides_nothing() {
    let hello = datagram(Version::V1, DCID, &crypto(0, &hello(&[names(&["www.example.com"])])));
    let junk_initial = [&[0xc0, 0, 0, 0, 1, 8][..], b"other id", &[0, 0, 0x44, 0x9e], &[7; 1182]].concat();
    let mut assembly = Assembly::new();
    assert_eq!(assembly.push(&[0x40; 1200]), Progress::Alien);
    assert_eq!(assembly.push(&junk_initial), Progress::More);
    assert_eq!(name(&assembly.push(&hello)).as_deref(), Some("www.example.com"));
    assert_eq!(assembly.take_held().len(), 1, "junk is not held");
}

#[test]
fn versions_are_offered_by_a_packet_of_no_version() {
    let mut out = b"old".to_vec();
    version_negotiation(b"theirs", b"us", &mut out);
    let expected = [&[0xc0, 0, 0, 0, 0, 2][..], b"us", &[6], b"theirs", &[0, 0, 0, 1, 0x6b, 0x33, 0x43, 0xcf]].concat();
    assert_eq!(out, expected);
}

#[test]
fn a_refusal_closes_the_connection_with_the_alert() {
    for version in Version::ALL {
        let refused = refusal(&datagram(version, DCID, &crypto(0, b"\x01"))).unwrap();
        assert!(refused.len() < 100);
        let Kind::Initial { dcid, scid, .. } = kind(&refused) else { panic!("{refused:?}") };
        assert_eq!((dcid, scid), (SCID, DCID));
        let packet = Packets::of(&refused).next().unwrap();
        let mut buffer = Vec::new();
        let (number, frames) = packet.open(&client_keys(version, DCID), None, &mut buffer).unwrap();
        assert_eq!((number, frames), (0, &[0x1c, 0x41, 0x70, 6, 0][..]));
    }
    assert_eq!(refusal(b"\x40short"), None);
    let mut damaged = datagram(Version::V1, DCID, &[1]);
    damaged[100] ^= 1;
    assert_eq!(refusal(&damaged), None, "no answer to what no client sent");
}
