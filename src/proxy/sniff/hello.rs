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
