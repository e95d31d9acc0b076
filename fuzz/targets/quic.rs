//! Datagrams of a client's flow: as they are, and as frames that are sealed into Initials here, since no fuzzer guesses a key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use luytre::proxy::sniff::Progress;
use luytre::proxy::sniff::quic::{self, Assembly, Version};
use rustls::Side;

fuzz_target!(|input: &[u8]| {
    let Some((mode, rest)) = input.split_first() else { return };
    let version = if mode & 2 == 0 { Version::V1 } else { Version::V2 };
    let mut assembly = Assembly::new();
    let mut decided = false;
    for (number, piece) in pieces(rest).enumerate() {
        let sealed = (mode & 1 != 0).then(|| seal(version, number as u8, piece));
        let datagram = sealed.as_deref().unwrap_or(piece);
        let _ = (quic::kind(datagram), quic::refusal(datagram));
        if decided {
            assembly.admits(datagram);
            continue;
        }
        decided = matches!(assembly.push(datagram), Progress::Done(_));
        if decided {
            let held = assembly.take_held();
            assert!(held.len() <= 16 && held.iter().map(Vec::len).sum::<usize>() <= 24 * 1024);
            assert!(held.iter().all(|datagram| assembly.admits(datagram)), "what was read is not admitted");
        }
    }
});

/// Pieces behind their length in two octets, as the captures are kept.
fn pieces(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, after) = rest.split_first_chunk::<2>()?;
        let (piece, after) = after.split_at(after.len().min(usize::from(u16::from_be_bytes(*len))));
        rest = after;
        Some(piece)
    })
}

fn seal(version: Version, number: u8, frames: &[u8]) -> Vec<u8> {
    let (quic_version, first) = match version {
        Version::V1 => (rustls::quic::Version::V1, 0xc0),
        Version::V2 => (rustls::quic::Version::V2, 0xd0),
    };
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13().and_then(|suite| suite.quic_suite());
    let keys = suite.expect("aws-lc-rs has it").keys(b"a dcid..", Side::Client, quic_version).local;
    let mut payload = frames.to_vec();
    payload.resize(payload.len().max(1200), 0);
    let mut datagram = vec![first];
    datagram.extend_from_slice(&version.number().to_be_bytes());
    datagram.extend_from_slice(b"\x08a dcid..\x00\x00");
    datagram.extend_from_slice(&(0x8000_0000 | (payload.len() + 17) as u32).to_be_bytes());
    let number_at = datagram.len();
    datagram.push(number);
    let tag = keys.packet.encrypt_in_place(number.into(), &datagram, &mut payload).expect("short enough");
    datagram.extend_from_slice(&payload);
    datagram.extend_from_slice(tag.as_ref());
    let (head, rest) = datagram.split_at_mut(number_at + 4);
    let (before, number) = head.split_at_mut(number_at);
    keys.header.encrypt_in_place(&rest[..16], &mut before[0], number).expect("long enough");
    datagram
}
