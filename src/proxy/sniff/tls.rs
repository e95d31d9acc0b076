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
pub(super) const CONTENT_TYPES: std::ops::RangeInclusive<u8> = 20..=24;
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

#[cfg(test)]
mod tests {
    use super::hello::build::{hello, named, names};
    use super::*;

    /// The message in records of these octets each.
    fn records(message: &[u8], octets: usize) -> Vec<u8> {
        message.chunks(octets).flat_map(|piece| record(22, piece)).collect()
    }

    fn record(kind: u8, body: &[u8]) -> Vec<u8> {
        [&[kind, 3, 1], &u16::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
    }

    fn push_by(octets: &[u8], step: usize) -> Progress {
        let mut hello = Hello::default();
        octets.chunks(step).map(|piece| hello.push(piece)).find(|it| *it != Progress::More).unwrap_or(Progress::More)
    }

    fn name(progress: &Progress) -> Option<String> {
        match progress {
            Progress::Done(sniffed) => sniffed.name.as_ref().map(ToString::to_string),
            _ => None,
        }
    }

    #[test]
    fn however_it_is_cut_the_name_is_read() {
        let message = named("www.example.com", 1800);
        for record in [1, 2, 3, 4, 5, 7, 64, 512, 1199, 16_384] {
            let octets = records(&message, record);
            for step in [1, 2, 3, 4, 5, 6, 7, 11, 536, 1460, 65_535] {
                let progress = push_by(&octets, step);
                assert_eq!(
                    name(&progress).as_deref(),
                    Some("www.example.com"),
                    "records of {record}, pieces of {step}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_copied_when_it_comes_whole() {
        let mut hello = Hello::default();
        let octets = records(&named("www.example.com", 1800), 16_384);
        assert!(matches!(hello.push(&octets), Progress::Done(_)));
        assert_eq!(hello.octets.capacity(), 0);
    }

    #[test]
    fn what_is_not_tls_is_known_by_its_first_octet() {
        for first in [&b"GET / HTTP/1.1"[..], b"SSH-2.0", b"\0", b"\x80\x2e\x01\x03\x01", b"\x13", b"\x19", b"\xff"] {
            assert_eq!(push_by(first, 99), Progress::Alien, "{first:?}");
            assert_eq!(push_by(first, 1), Progress::Alien, "{first:?}");
        }
    }

    #[test]
    fn what_a_lenient_server_would_pass_over_is_malformed() {
        let message = records(&named("blocked.example", 50), 16_384);
        for (kind, body) in [(21, &[1, 0][..]), (20, &[1]), (23, b"early"), (24, b"\x01\0\0"), (22, &[0, 0, 0, 0])] {
            let octets = [record(kind, body), message.clone()].concat();
            assert_eq!(push_by(&octets, 1), Progress::Malformed, "{kind}");
            assert_eq!(push_by(&octets, 999), Progress::Malformed, "{kind}");
        }
        let mut other_version = message.clone();
        other_version[1] = 2;
        assert_eq!(push_by(&other_version, 999), Progress::Malformed);
        let whole = named("blocked.example", 50);
        let (front, back) = whole.split_at(30);
        let between = [record(22, front), record(21, &[1, 0]), record(22, back)].concat();
        assert_eq!(push_by(&between, 999), Progress::Malformed);
    }

    #[test]
    fn empty_records_are_bounded() {
        let message = records(&hello(&[names(&["www.example.com"])]), 30);
        let empty = |count: usize| record(22, &[]).repeat(count);
        assert!(matches!(push_by(&[empty(32), message.clone()].concat(), 7), Progress::Done(_)));
        assert_eq!(push_by(&[empty(33), message.clone()].concat(), 7), Progress::Malformed);
        assert_eq!(push_by(&empty(1_000_000), usize::MAX), Progress::Malformed);
    }

    #[test]
    fn a_hello_ends_within_the_limit() {
        let long = named("www.example.com", 65_000);
        assert!(matches!(push_by(&records(&long, 16_384), 1460), Progress::Done(_)));
        assert_eq!(push_by(&records(&long, 100), 1460), Progress::Malformed, "too many record headers");
        let mut endless = Hello::default();
        let pushes = (0..).take_while(|_| endless.push(&record(22, &[1, 0, 0xff, 0xff])) == Progress::More).count();
        assert!(pushes <= LIMIT / 9 && endless.octets.len() < LIMIT, "{pushes}");
    }

    #[test]
    fn an_octet_at_a_time_costs_no_more_than_all_at_once() {
        let octets = records(&named("www.example.com", 60_000), 16_384);
        let started = std::time::Instant::now();
        for _ in 0..20 {
            assert!(matches!(push_by(&octets, 1), Progress::Done(_)));
        }
        // 1.2 million calls; had each looked at all octets before it, this would be minutes.
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }

    #[test]
    fn the_alert_is_a_record_that_rustls_understands() {
        let config = rustls::ClientConfig::builder().with_root_certificates(rustls::RootCertStore::empty());
        let config = std::sync::Arc::new(config.with_no_client_auth());
        let mut client = rustls::ClientConnection::new(config, "www.example.com".try_into().unwrap()).unwrap();
        client.read_tls(&mut &alert()[..]).unwrap();
        let error = client.process_new_packets().unwrap_err();
        assert_eq!(error, rustls::Error::AlertReceived(rustls::AlertDescription::UnrecognisedName));
    }
}
