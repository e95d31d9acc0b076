//! A ClientHello: the handshake message that TLS records and QUIC's CRYPTO frames both carry (RFC 8446 §4.1.2, RFC 5246
//! §7.4.1.2). Reads the name and whether there is ECH, and refuses what two servers might read in two ways.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use arrayvec::ArrayVec;

use super::host::Host;
use super::reader::Reader;
use super::{Progress, Sniffed};
use crate::name::Name;

const CLIENT_HELLO: u8 = 1;
/// Extension types (IANA "TLS ExtensionType Values").
const SERVER_NAME: u16 = 0;
const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
/// The one kind of server name there is (RFC 6066 §3).
const HOST_NAME: u8 = 0;
/// Browsers send about twenty. The bound keeps the search for duplicates small.
const EXTENSIONS_MAX: usize = 128;

/// Reads the handshake octets that have come so far, from the first on. Looks at four of them until all are there, so it
/// may be asked after every octet.
pub(super) fn read(octets: &[u8], len_max: usize) -> Progress {
    if octets.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Progress::Malformed;
    }
    let Some(([_, len @ ..], body)) = octets.split_first_chunk::<4>() else { return Progress::More };
    let len = length(*len);
    match body.get(..len) {
        _ if len > len_max => Progress::Malformed,
        Some(body) => parse(body).map_or(Progress::Malformed, Progress::Done),
        None => Progress::More,
    }
}

/// What follows the first handshake message: after a HelloRetryRequest, the second hello (RFC 8446 §4.1.4). Empty when the
/// first is not whole.
pub(super) fn behind_first(octets: &[u8]) -> &[u8] {
    let message = octets.split_first_chunk::<4>();
    let end = message.and_then(|([_, len @ ..], _)| length(*len).checked_add(4));
    end.and_then(|end| octets.get(end..)).unwrap_or(&[])
}

fn length(octets: [u8; 3]) -> usize {
    octets.iter().fold(0, |len, octet| (len << 8) | usize::from(*octet))
}

/// The body of a hello; `None` when it is malformed.
fn parse(body: &[u8]) -> Option<Sniffed> {
    let mut reader = Reader::new(body);
    let _version_and_random = reader.take(2 + 32)?;
    let _session = reader.vec8()?;
    let _cipher_suites = reader.vec16()?;
    let _compression_methods = reader.vec8()?;
    // A hello of TLS 1.2 may end here (RFC 5246 §7.4.1.2).
    let extensions = if reader.is_empty() { &[] } else { reader.vec16()? };
    if !reader.is_empty() {
        return None;
    }
    read_extensions(extensions)
}

fn read_extensions(extensions: &[u8]) -> Option<Sniffed> {
    let mut reader = Reader::new(extensions);
    let mut seen = ArrayVec::<u16, EXTENSIONS_MAX>::new();
    let mut sniffed = Sniffed { name: None, url: None, ech: false };
    while !reader.is_empty() {
        let kind = reader.u16()?;
        let data = reader.vec16()?;
        // Of two server names one server takes the first, another the last.
        if seen.contains(&kind) || seen.try_push(kind).is_err() {
            return None;
        }
        match kind {
            SERVER_NAME => sniffed.name = read_server_name(data)?,
            ENCRYPTED_CLIENT_HELLO => sniffed.ech = true,
            _ => {}
        }
    }
    Some(sniffed)
}

/// The outer `None`: malformed, or nothing that is a name or an address. The inner: an address, which RFC 6066 forbids and
/// some clients send.
fn read_server_name(data: &[u8]) -> Option<Option<Name>> {
    let mut reader = Reader::new(data);
    let mut list = Reader::new(reader.vec16()?);
    let kind = list.u8()?;
    let name = list.vec16()?;
    let only = kind == HOST_NAME && list.is_empty() && reader.is_empty();
    Host::parse(name).filter(|_| only).map(Host::name)
}

/// Hellos for tests.
#[cfg(test)]
pub(super) mod build {
    /// A handshake message with these extensions, each a type and its data.
    pub(in super::super) fn hello(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
        let mut list = Vec::new();
        for (kind, data) in extensions {
            list.extend_from_slice(&kind.to_be_bytes());
            list.extend(vec16(data));
        }
        let mut body = vec![3, 3];
        body.extend_from_slice(&[7; 32]);
        body.extend_from_slice(&[0, 0, 2, 0x13, 0x01, 1, 0]);
        body.extend(vec16(&list));
        message(&body)
    }

    pub(in super::super) fn message(body: &[u8]) -> Vec<u8> {
        [&[1], &u32::try_from(body.len()).unwrap().to_be_bytes()[1..], body].concat()
    }

    /// The server_name extension with these entries of kind host_name.
    pub(in super::super) fn names(names: &[&str]) -> (u16, Vec<u8>) {
        (0, vec16(&names.iter().flat_map(|name| [vec![0], vec16(name.as_bytes())].concat()).collect::<Vec<_>>()))
    }

    /// A hello that names `name` and is of at least `len` octets, padded in front of the name.
    pub(in super::super) fn named(name: &str, len: usize) -> Vec<u8> {
        hello(&[(21, vec![0; len]), names(&[name])])
    }

    pub(in super::super) fn vec16(octets: &[u8]) -> Vec<u8> {
        [&u16::try_from(octets.len()).unwrap().to_be_bytes()[..], octets].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::build::{hello, message, names, vec16};
    use super::*;

    fn name(extensions: &[(u16, Vec<u8>)]) -> Option<Option<String>> {
        match read(&hello(extensions), 65_536) {
            Progress::Done(sniffed) => Some(sniffed.name.map(|name| name.to_string())),
            Progress::Malformed => None,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_name_stands_among_other_extensions() {
        let found = name(&[(0x1a1a, vec![]), (51, vec![0; 1300]), names(&["WWW.Example.com."]), (0xfe0d, vec![0; 9])]);
        assert_eq!(found, Some(Some("www.example.com".to_string())));
        assert_eq!(name(&[]), Some(None));
        assert_eq!(name(&[names(&["192.0.2.1"])]), Some(None), "an address is no name");
    }

    #[test]
    fn ech_is_seen_whatever_it_holds() {
        let ech =
            |data: &[u8]| matches!(read(&hello(&[(0xfe0d, data.to_vec())]), 99_999), Progress::Done(it) if it.ech);
        assert!(ech(&[]) && ech(&[1; 300]));
        assert!(matches!(read(&hello(&[(0xfe0e, vec![])]), 99_999), Progress::Done(it) if !it.ech));
    }

    #[test]
    fn a_hello_may_end_before_its_extensions() {
        let body = [&[3, 1][..], &[7; 32], &[0, 0, 2, 0, 5, 1, 0]].concat();
        assert!(matches!(read(&message(&body), 99_999), Progress::Done(Sniffed { name: None, .. })));
    }

    #[test]
    fn two_names_are_refused_however_they_come() {
        let [allowed, blocked] = ["allowed.example", "blocked.example"];
        assert_eq!(name(&[names(&[allowed, blocked])]), None, "in one list");
        assert_eq!(name(&[names(&[allowed]), names(&[blocked])]), None, "in two extensions");
        assert_eq!(name(&[names(&[allowed]), (5, vec![]), names(&[allowed])]), None, "equal ones too");
        assert_eq!(name(&[(5, vec![]), (5, vec![])]), None, "and all other extensions");
        let other_kind = vec16(&[vec![1], vec16(b"x"), vec![0], vec16(allowed.as_bytes())].concat());
        assert_eq!(name(&[(0, other_kind)]), None, "behind a kind that does not exist");
    }

    #[test]
    fn a_name_that_is_none_is_not_taken_for_no_name() {
        for odd in
            ["", ".", "a..example", "blocked.example..", "blocked.example\0", "blocked.example\0.allowed.example"]
        {
            assert_eq!(name(&[names(&[odd])]), None, "{odd:?}");
        }
        for odd in [" blocked.example", "blocked example", "bücher.example", &"a.".repeat(127), &"a".repeat(64)] {
            let verdict = name(&[names(&[odd])]);
            assert!(verdict.is_none() || odd.starts_with("a.a."), "{odd:?}");
        }
        assert_eq!(name(&[(0, vec![])]), None, "an empty extension");
        assert_eq!(name(&[(0, vec![0, 0])]), None, "an empty list");
        let (_, mut long) = names(&["allowed.example"]);
        long.push(0);
        assert_eq!(name(&[(0, long)]), None, "octets behind the list");
    }

    #[test]
    fn every_length_is_checked() {
        let whole = hello(&[(43, vec![2, 3, 4]), names(&["www.example.com"])]);
        for end in 0..whole.len() {
            assert_eq!(read(&whole[..end], 99_999), Progress::More, "{end}");
            // The same octets as the whole of a shorter message are malformed, except before the extensions.
            let cut = read(&message(&whole[4..end.max(4)]), 99_999);
            assert!(cut == Progress::Malformed || end == 4 + 41, "{end}: {cut:?}");
        }
        let mut longer = whole[4..].to_vec();
        longer.push(0);
        assert_eq!(read(&message(&longer), 99_999), Progress::Malformed);
        assert_eq!(read(&whole, whole.len() - 5), Progress::Malformed, "over the limit");
        assert_eq!(read(&[1, 0xff, 0xff, 0xff], 65_536), Progress::Malformed, "at once");
        assert_eq!(read(&[2], 65_536), Progress::Malformed, "not a hello");
    }

    #[test]
    fn extensions_are_bounded() {
        let many = |count: u16| (100..100 + count).map(|kind| (kind, vec![])).collect::<Vec<_>>();
        assert_eq!(name(&many(128)), Some(None));
        assert_eq!(name(&many(129)), None);
    }

    #[test]
    fn what_follows_the_first_message_is_found() {
        let first = hello(&[]);
        let both = [first.as_slice(), b"second"].concat();
        assert_eq!(behind_first(&both), b"second");
        assert_eq!(behind_first(&first), b"");
        assert_eq!(behind_first(&first[..9]), b"");
    }
}
