//! Initial packets of QUIC v1 and v2: where they begin and end in a datagram, their keys, which anybody can derive (RFC
//! 9001 §5.2, RFC 9369 §3.3), and what they hold. Knows no frames.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use arrayvec::ArrayVec;
use rustls::Side;
use rustls::quic::Keys;

use super::reader::Reader;

/// Octets of the longest connection id of these versions (RFC 9000 §17.2).
pub(super) const CONNECTION_ID_MAX: usize = 20;
/// The header form bit: set in long headers (RFC 8999 §5.1).
const LONG: u8 = 0x80;
/// Octets of a header protection sample, and how far behind the start of the packet number it begins (RFC 9001 §5.4.2).
const SAMPLE: usize = 16;
const PACKET_NUMBER_MAX: usize = 4;

/// The versions of QUIC that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// RFC 9000.
    V1,
    /// RFC 9369.
    V2,
}

impl Version {
    /// All of them, the one that servers know first.
    pub const ALL: [Version; 2] = [Version::V1, Version::V2];

    /// As it stands in a long header.
    pub fn number(self) -> u32 {
        match self {
            Version::V1 => 0x0000_0001,
            Version::V2 => 0x6b33_43cf,
        }
    }

    pub(super) fn from_number(number: u32) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.number() == number)
    }

    /// Packet type bits of an Initial and of a Retry (RFC 9000 §17.2, RFC 9369 §3.2).
    fn types(self) -> (u8, u8) {
        match self {
            Version::V1 => (0, 3),
            Version::V2 => (1, 0),
        }
    }

    /// The first octet of an Initial with a packet number of one octet.
    pub(super) fn first_octet(self) -> u8 {
        0xc0 | (self.types().0 << 4)
    }

    fn for_keys(self) -> rustls::quic::Version {
        match self {
            Version::V1 => rustls::quic::Version::V1,
            Version::V2 => rustls::quic::Version::V2,
        }
    }
}

/// What every long header of every version begins with (RFC 8999 §5.1).
#[derive(Debug, Clone, Copy)]
pub(super) struct Long<'a> {
    pub(super) first: u8,
    pub(super) version: u32,
    pub(super) dcid: &'a [u8],
    pub(super) scid: &'a [u8],
}

impl<'a> Long<'a> {
    pub(super) fn is_long(octets: &[u8]) -> bool {
        octets.first().is_some_and(|first| first & LONG != 0)
    }

    /// `None` for a short header too.
    pub(super) fn read(reader: &mut Reader<'a>) -> Option<Long<'a>> {
        let first = reader.u8().filter(|first| first & LONG != 0)?;
        Some(Long { first, version: reader.u32()?, dcid: reader.vec8()?, scid: reader.vec8()? })
    }

    /// Its version, if it is one that is read and the connection ids have lengths that it allows.
    pub(super) fn known(&self) -> Option<Version> {
        let fits = self.dcid.len() <= CONNECTION_ID_MAX && self.scid.len() <= CONNECTION_ID_MAX;
        Version::from_number(self.version).filter(|_| fits)
    }

    pub(super) fn is_initial(&self, version: Version) -> bool {
        (self.first >> 4) & 3 == version.types().0
    }

    fn is_retry(&self, version: Version) -> bool {
        (self.first >> 4) & 3 == version.types().1
    }
}

/// A packet with a long header that tells its own length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub(super) version: Version,
    pub(super) initial: bool,
    pub(super) dcid: &'a [u8],
    pub(super) scid: &'a [u8],
    /// All of it, header included.
    octets: &'a [u8],
    /// Where the packet number begins.
    number_at: usize,
}

/// Packets of a datagram, one after another (RFC 9000 §12.2). Ends at the first that is none of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packets<'a>(&'a [u8]);

impl<'a> Packets<'a> {
    pub(super) fn of(datagram: &'a [u8]) -> Packets<'a> {
        Packets(datagram)
    }

    /// True when what is left over has a long header: a packet of another version, or a malformed one, that a server might
    /// read all the same. A short header is a packet that needs a connection first, or padding.
    pub(super) fn leaves_long_header(self) -> bool {
        Long::is_long(self.0)
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let mut reader = Reader::new(self.0);
        let long = Long::read(&mut reader)?;
        let version = long.known().filter(|version| !long.is_retry(*version))?;
        let initial = long.is_initial(version);
        if initial {
            let _token = reader.vec_varint()?;
        }
        let len = usize::try_from(reader.varint()?).ok()?;
        let number_at = self.0.len().checked_sub(reader.len())?;
        let (octets, rest) = self.0.split_at_checked(number_at.checked_add(len)?)?;
        self.0 = rest;
        Some(Packet { version, initial, dcid: long.dcid, scid: long.scid, octets, number_at })
    }
}

impl Packet<'_> {
    /// The frames inside, decrypted with keys of the server's side into `buffer`; also the packet number. `None` when they are
    /// not its keys or it is too short.
    pub(super) fn open<'b>(
        &self,
        keys: &Keys,
        largest: Option<u64>,
        buffer: &'b mut Vec<u8>,
    ) -> Option<(u64, &'b [u8])> {
        buffer.clear();
        buffer.extend_from_slice(self.octets);
        let (head, rest) = buffer.split_at_mut_checked(self.number_at.checked_add(PACKET_NUMBER_MAX)?)?;
        let (before, number) = head.split_at_mut_checked(self.number_at)?;
        let first = before.first_mut()?;
        keys.remote.header.decrypt_in_place(rest.get(..SAMPLE)?, first, number).ok()?;
        let number_len = usize::from(*first & 3).saturating_add(1);
        let number = whole_number(number.get(..number_len)?, largest);
        let (header, payload) = buffer.split_at_mut_checked(self.number_at.checked_add(number_len)?)?;
        let frames = keys.remote.packet.decrypt_in_place(number, header, payload).ok()?;
        Some((number, frames))
    }
}

/// A packet number from its last octets: the nearest to the one that would come next (RFC 9000 §A.3).
fn whole_number(octets: &[u8], largest: Option<u64>) -> u64 {
    let low = octets.iter().fold(0_u64, |low, octet| (low << 8) | u64::from(*octet));
    let window = octets.iter().fold(1_u64, |window, _| window << 8);
    let expected = largest.map_or(0, |largest| largest.saturating_add(1));
    let near = (expected & !window.saturating_sub(1)) | low;
    let half = window >> 1;
    if near.saturating_add(half) <= expected {
        near.saturating_add(window)
    } else if near > expected.saturating_add(half) && near >= window {
        near.saturating_sub(window)
    } else {
        near
    }
}

/// Keys of a connection's Initials, from the Destination Connection ID of the client's first. `None` only if the library came
/// without AES-128-GCM.
pub(super) fn keys(version: Version, dcid: &[u8]) -> Option<Keys> {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256.tls13()?.quic_suite()?;
    Some(suite.keys(dcid, Side::Server, version.for_keys()))
}

/// A server's Initial with these frames: packet number 0, of one octet. `None` when the frames are fewer than four octets,
/// which header protection cannot sample, or more than a datagram holds.
pub(super) fn seal(version: Version, keys: &Keys, dcid: &[u8], scid: &[u8], frames: &[u8]) -> Option<Vec<u8>> {
    const NUMBER: [u8; 1] = [0];
    let packet = &keys.local.packet;
    let len = NUMBER.len().checked_add(frames.len())?.checked_add(packet.tag_len())?;
    // Two octets of a variable-length integer.
    let len = u16::try_from(len).ok().filter(|len| *len < 0x4000)? | 0x4000;
    let mut out = vec![version.first_octet()];
    out.extend_from_slice(&version.number().to_be_bytes());
    for id in [dcid, scid] {
        out.push(u8::try_from(id.len()).ok()?);
        out.extend_from_slice(id);
    }
    out.push(0); // no token
    out.extend_from_slice(&len.to_be_bytes());
    let number_at = out.len();
    out.extend_from_slice(&NUMBER);
    out.extend_from_slice(frames);
    let (header, payload) = out.split_at_mut_checked(number_at.checked_add(NUMBER.len())?)?;
    let tag = packet.encrypt_in_place(0, header, payload).ok()?;
    out.extend_from_slice(tag.as_ref());
    let (head, rest) = out.split_at_mut_checked(number_at.checked_add(PACKET_NUMBER_MAX)?)?;
    let (before, number) = head.split_at_mut_checked(number_at)?;
    keys.local.header.encrypt_in_place(rest.get(..SAMPLE)?, before.first_mut()?, number).ok()?;
    Some(out)
}

/// A connection id of its own.
pub(super) type ConnectionId = ArrayVec<u8, CONNECTION_ID_MAX>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packet_numbers_are_the_nearest_to_the_next() {
        // The example of RFC 9000 §A.3, then both ends of a window.
        assert_eq!(whole_number(&[0x9b, 0x32], Some(0xa82f_30ea)), 0xa82f_9b32);
        assert_eq!(whole_number(&[0x02], Some(0xff)), 0x102);
        assert_eq!(whole_number(&[0xfe], Some(0x101)), 0xfe);
        assert_eq!(whole_number(&[0xff], None), 0xff);
        assert_eq!(whole_number(&[0xff; 4], Some(u64::MAX)), u64::MAX);
    }
}
