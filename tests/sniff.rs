//! What real clients send first (`tests/data/captures`, made by the script beside them), read whole, cut, damaged, and as
//! noise. Nothing here opens a socket but the refusal of a QUIC connection, which a real client must understand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use hyper::Request;
use luytre::proxy::sniff::http::{self, Opening};
use luytre::proxy::sniff::quic::{self, Assembly};
use luytre::proxy::sniff::tls::Hello;
use luytre::proxy::sniff::{Progress, Sniffed};
use proptest::prelude::*;
use serde::Deserialize;

/// What a client was told to ask for.
#[derive(Debug, Deserialize)]
struct Expected {
    protocol: String,
    name: Option<String>,
    #[serde(default)]
    ech: bool,
    url: Option<String>,
}

impl Expected {
    fn meets(&self, sniffed: &Sniffed) -> bool {
        let name = sniffed.name.as_ref().map(ToString::to_string);
        (&name, &sniffed.url, sniffed.ech) == (&self.name, &self.url, self.ech)
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/captures")
}

/// Captures of a protocol: file, octets, expectation.
fn captures(protocol: &str) -> Vec<(String, Vec<u8>, Expected)> {
    let text = fs::read_to_string(folder().join("expected.json")).unwrap();
    let expected: BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    let read = |(file, expected)| (fs::read(folder().join(&file)).unwrap(), file, expected);
    let all = expected.into_iter().map(read).map(|(octets, file, expected)| (file, octets, expected));
    let found: Vec<_> = all.filter(|(_, _, expected)| expected.protocol == protocol).collect();
    assert!(found.len() >= 4, "{protocol}: {}", found.len());
    found
}

fn datagrams(mut octets: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Some((len, rest)) = octets.split_first_chunk::<2>() {
        let (datagram, rest) = rest.split_at(usize::from(u16::from_be_bytes(*len)));
        all.push(datagram);
        octets = rest;
    }
    all
}

fn tls_by(octets: &[u8], step: usize) -> Progress {
    let mut hello = Hello::default();
    octets.chunks(step).map(|piece| hello.push(piece)).find(|it| *it != Progress::More).unwrap_or(Progress::More)
}

fn quic_of<'a>(datagrams: impl IntoIterator<Item = &'a [u8]>) -> (Assembly, Progress) {
    let mut assembly = Assembly::new();
    for datagram in datagrams {
        match assembly.push(datagram) {
            Progress::More | Progress::Alien => {}
            decided => return (assembly, decided),
        }
    }
    (assembly, Progress::More)
}

/// A head made of octets the way hyper makes it.
fn head(octets: &[u8]) -> Option<hyper::http::request::Parts> {
    let (head, _) = str::from_utf8(octets).ok()?.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let [method, target, version] = lines.next()?.split(' ').collect::<Vec<_>>()[..] else { return None };
    let version = if version == "HTTP/1.0" { hyper::Version::HTTP_10 } else { hyper::Version::HTTP_11 };
    let mut request = Request::builder().method(method).uri(target).version(version);
    for line in lines {
        let (name, value) = line.split_once(':')?;
        request = request.header(name, value.trim());
    }
    Some(request.body(()).ok()?.into_parts().0)
}

#[test]
fn every_tls_client_is_understood_however_its_hello_is_cut() {
    for (file, octets, expected) in captures("tls") {
        for step in [1, 2, 3, 5, 7, 100, 536, 1460, 65_536] {
            let progress = tls_by(&octets, step);
            assert!(
                matches!(&progress, Progress::Done(sniffed) if expected.meets(sniffed)),
                "{file} by {step}: {progress:?}"
            );
        }
        for end in 0..octets.len() {
            assert_eq!(tls_by(&octets[..end], 65_536), Progress::More, "{file} cut at {end}");
        }
    }
}

#[test]
fn every_tls_hello_is_understood_in_records_of_any_size() {
    for (file, octets, expected) in captures("tls") {
        let mut message = Vec::new();
        let mut rest = octets.as_slice();
        while let Some(([_, _, _, len @ ..], after)) = rest.split_first_chunk::<5>() {
            let (body, after) = after.split_at(usize::from(u16::from_be_bytes(*len)));
            message.extend_from_slice(body);
            rest = after;
        }
        for size in [1_u16, 2, 3, 7, 64, 300] {
            let record =
                |piece: &[u8]| [&[22, 3, 1], &u16::try_from(piece.len()).unwrap().to_be_bytes()[..], piece].concat();
            let octets: Vec<u8> = message.chunks(size.into()).flat_map(record).collect();
            let progress = tls_by(&octets, 4);
            assert!(
                matches!(&progress, Progress::Done(sniffed) if expected.meets(sniffed)),
                "{file} in {size}: {progress:?}"
            );
        }
    }
}

#[test]
fn every_quic_client_is_understood_in_any_order_of_datagrams() {
    for (file, octets, expected) in captures("quic") {
        let all = datagrams(&octets);
        let turned: Vec<_> = all.iter().rev().copied().collect();
        for order in [&all, &turned] {
            let (mut assembly, progress) = quic_of(order.iter().copied());
            assert!(matches!(&progress, Progress::Done(sniffed) if expected.meets(sniffed)), "{file}: {progress:?}");
            assert!(!assembly.take_held().is_empty());
            assert!(all.iter().all(|datagram| assembly.admits(datagram)), "{file}: repetitions pass");
        }
        assert!(all.iter().any(|datagram| quic::refusal(datagram).is_some()), "{file}");
        assert!(matches!(quic::kind(all[0]), quic::Kind::Initial { .. }), "{file}");
    }
}

#[test]
fn every_http_client_is_understood() {
    for (file, octets, expected) in captures("http") {
        assert_eq!(http::opening(&octets), Opening::Http1, "{file}");
        let target = http::check(&head(&octets).unwrap()).unwrap_or_else(|refusal| panic!("{file}: {refusal}"));
        assert!(expected.meets(&target.into_sniffed()), "{file}");
    }
    for (file, octets, _) in captures("tls") {
        assert_eq!(http::opening(&octets), Opening::Tls, "{file}");
    }
}

/// Damaged at any octet, a capture ends in an answer; and what QUIC protects is not read as another name. (aioquic pads
/// behind its packet, where nothing is protected and nothing is read.)
#[test]
fn damage_anywhere_is_answered() {
    for (file, octets, _) in captures("tls") {
        for at in 0..octets.len() {
            for bit in [0x01, 0x80, 0xff] {
                let mut damaged = octets.clone();
                damaged[at] ^= bit;
                assert_eq!(tls_by(&damaged, 1), tls_by(&damaged, 9999), "{file} at {at}");
            }
        }
    }
    for (file, octets, expected) in captures("quic") {
        let first = datagrams(&octets)[0];
        for at in (0..first.len()).step_by(7) {
            let mut damaged = first.to_vec();
            damaged[at] ^= 0x11;
            let (_, progress) = quic_of([damaged.as_slice()]);
            assert!(!matches!(&progress, Progress::Done(sniffed) if !expected.meets(sniffed)), "{file} at {at}");
            let _ = (quic::kind(&damaged), quic::refusal(&damaged[..at]), Assembly::new().admits(&damaged));
        }
        for end in 0..first.len() {
            let _ = (quic::kind(&first[..end]), quic_of([&first[..end]]), Assembly::new().admits(&first[..end]));
        }
    }
    for (_, octets, _) in captures("http") {
        for at in 0..octets.len() {
            let mut damaged = octets.clone();
            damaged[at] ^= 0x11;
            let _ =
                (http::opening(&damaged), http::opening(&octets[..at]), head(&damaged).map(|head| http::check(&head)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3000) })]

    #[test]
    fn noise_is_answered(octets in proptest::collection::vec(any::<u8>(), 0..2000), first in any::<u8>(), step in 1_usize..600) {
        prop_assert_eq!(tls_by(&octets, step), tls_by(&octets, 1));
        let record = [&[22, 3, 1, 0, first][..], &octets].concat();
        prop_assert_eq!(tls_by(&record, step), tls_by(&record, 1));
        for version in [[0, 0, 0, 1], [0x6b, 0x33, 0x43, 0xcf]] {
            let datagram = [&[first | 0xc0][..], &version, &octets].concat();
            let (mut assembly, progress) = quic_of([datagram.as_slice(), &octets]);
            prop_assert!(!matches!(progress, Progress::Done(_)));
            prop_assert!(assembly.take_held().is_empty());
            let _ = (assembly.admits(&datagram), quic::kind(&octets), quic::refusal(&datagram));
        }
        let _ = http::opening(&octets);
    }
}

/// A browser that is refused must not wait: quinn as the client of a server that answers with nothing but the refusal.
#[tokio::test]
async fn a_real_client_takes_the_refusal_at_once() {
    let mut config =
        rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth();
    config.alpn_protocols = vec![b"h3".to_vec()];
    let crypto = quinn::crypto::rustls::QuicClientConfig::try_from(config).unwrap();
    let mut endpoint = quinn::Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap();
    endpoint.set_default_client_config(quinn::ClientConfig::new(std::sync::Arc::new(crypto)));

    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let started = Instant::now();
    let connecting = endpoint.connect(socket.local_addr().unwrap(), "www.example.com").unwrap();
    let mut buffer = [0; 2000];
    let (len, peer) = socket.recv_from(&mut buffer).await.unwrap();
    socket.send_to(&quic::refusal(&buffer[..len]).unwrap(), peer).await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(5), connecting).await.unwrap().unwrap_err();

    let quinn::ConnectionError::ConnectionClosed(close) = error else { panic!("{error}") };
    assert_eq!(close.error_code, quinn::TransportErrorCode::crypto(112));
    assert!(started.elapsed() < Duration::from_secs(2));
}
