//! TLS without decryption: the ClientHello of a TCP connection, put together across records and segments however they are
//! cut. Keeps only the handshake's octets; the connection's own are the proxy's to keep and forward.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use arrayvec::ArrayVec;

use super::Progress;
use super::hello;

/// Octets of a connection within which its hello must end, record headers included. Post-quantum hellos take 2 KiB.
pub const LIMIT: usize = 64 * 1024;
/// Octets of a record's header (RFC 8446 §5.1).
const HEADER: usize = 5;
/// Empty records of a hello: forbidden, yet OpenSSL takes 32 of them.
const EMPTY_MAX: u8 = 32;
/// Content types (IANA "TLS ContentType"). One of them begins every record since SSL 3.0.
const CONTENT_TYPES: std::ops::RangeInclusive<u8> = 20..=24;
const HANDSHAKE: u8 = 22;
/// The major version in every record's header; the minor one is to be ignored (RFC 8446 §5.1).
const MAJOR: u8 = 3;

/// A ClientHello on its way.
#[derive(Debug, Default)]
pub struct Hello {
    /// The header of the record being read, as far as it has come; whole while its body is read.
    header: ArrayVec<u8, HEADER>,
    /// Octets of the record's body still to come.
    left: usize,
    /// What the records held so far.
    octets: Vec<u8>,
    /// Octets of the connection so far.
    seen: usize,
    empty: u8,
}

impl Hello {
    /// Takes the next octets of the connection; not to be called again once the answer was not [`Progress::More`]. Work is
    /// linear in the octets of all calls together, and nothing is copied when the first call holds the hello in one record.
    ///
    /// `Alien` after the first octet that begins no TLS record (the SSLv2 format too, which has no names). A record of any
    /// kind but a ClientHello's is `Malformed`: some servers let alerts precede the hello.
    pub fn push(&mut self, octets: &[u8]) -> Progress {
        self.seen = self.seen.saturating_add(octets.len());
        match self.read(octets) {
            Progress::More if self.seen >= LIMIT => Progress::Malformed,
            progress => progress,
        }
    }

    fn read(&mut self, mut octets: &[u8]) -> Progress {
        while let Some(first) = octets.first() {
            if self.left > 0 {
                let (body, after) = octets.split_at(self.left.min(octets.len()));
                octets = after;
                match self.read_body(body) {
                    Progress::More => continue,
                    progress => return progress,
                }
            }
            if self.header.is_empty() && self.octets.is_empty() && self.empty == 0 && !CONTENT_TYPES.contains(first) {
                return Progress::Alien;
            }
            let (head, after) = octets.split_at(self.header.remaining_capacity().min(octets.len()));
            octets = after;
            // It fits: no more than the remaining capacity was split off.
            let _ = self.header.try_extend_from_slice(head);
            if !self.read_header() {
                return Progress::Malformed;
            }
        }
        Progress::More
    }

    /// Looks at as much of the header as there is. False when no hello can follow.
    fn read_header(&mut self) -> bool {
        let begins_well = self.header.iter().zip([HANDSHAKE, MAJOR]).all(|(octet, right)| *octet == right);
        if let Some([_, _, _, len @ ..]) = self.header.first_chunk::<HEADER>() {
            self.left = usize::from(u16::from_be_bytes(*len));
            if self.left == 0 {
                self.header.clear();
                self.empty = self.empty.saturating_add(1);
            }
        }
        begins_well && self.empty <= EMPTY_MAX
    }

    /// Takes a piece of the record's body, not longer than what is left of it.
    fn read_body(&mut self, body: &[u8]) -> Progress {
        self.left = self.left.saturating_sub(body.len());
        if self.left == 0 {
            self.header.clear();
        }
        if self.octets.is_empty() {
            match hello::read(body, LIMIT) {
                Progress::More => {}
                progress => return progress,
            }
        }
        self.octets.extend_from_slice(body);
        hello::read(&self.octets, LIMIT)
    }
}

/// The record that refuses: fatal alert `unrecognized_name` (RFC 6066 §3). Of all alerts the one that browsers show with a
/// code of its own.
pub fn alert() -> [u8; 7] {
    const ALERT: u8 = 21;
    const FATAL: u8 = 2;
    const UNRECOGNIZED_NAME: u8 = 112;
    // Minor version 3 is right for TLS 1.2 and 1.3 (RFC 8446 §5.1); clients of 1.0 take it too before they know the version.
    [ALERT, MAJOR, 3, 0, 2, FATAL, UNRECOGNIZED_NAME]
}
