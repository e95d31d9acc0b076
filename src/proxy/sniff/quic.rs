//! QUIC without a connection: the ClientHello in a client's Initials, read with the keys that anybody can derive, and the two
//! answers a server gives without a handshake. Holds back the datagrams of one connection until it is decided, so that
//! nothing passes that was not read. Never sends, never reads a clock.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use rustls::quic::Keys;

use super::Progress;
use super::crypto::{self, Crypto};
use super::hello;
use super::initial::{self, ConnectionId, Long, Packet, Packets};
use super::reader::Reader;

pub use super::initial::Version;

/// Servers discard Initials in smaller datagrams, and answer none with Version Negotiation (RFC 9000 §14.1, §6.1).
pub const DATAGRAM_MIN: usize = 1200;
/// Datagrams of a connection held: two carry the largest hello of today, the rest are repetitions and early data.
const DATAGRAMS_MAX: usize = 16;
/// Octets of a connection held: sixteen full datagrams on Ethernet.
const HELD_MAX: usize = 24 * 1024;

/// What a client's datagram begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// An Initial of a version that is read.
    Initial {
        /// Its version.
        version: Version,
        /// Destination Connection ID, chosen by the client or by the server that answered it.
        dcid: &'a [u8],
        /// Source Connection ID: the client's own.
        scid: &'a [u8],
    },
    /// Another version, to be answered with [`version_negotiation`].
    UnknownVersion {
        /// Its number.
        version: u32,
        /// Destination Connection ID, up to 255 octets.
        dcid: &'a [u8],
        /// Source Connection ID, up to 255 octets.
        scid: &'a [u8],
    },
    /// 0-RTT, Handshake or Retry.
    OtherLong,
    /// A packet of a connection that has been made; or another protocol.
    Short,
    /// No packet at all, or Version Negotiation, which clients do not send.
    Malformed,
}

/// Looks at the first packet's header.
pub fn kind(datagram: &[u8]) -> Kind<'_> {
    if datagram.first().is_some_and(|_| !Long::is_long(datagram)) {
        return Kind::Short;
    }
    let Some(long) = Long::read(&mut Reader::new(datagram)) else { return Kind::Malformed };
    match long.known() {
        Some(version) if long.is_initial(version) => Kind::Initial { version, dcid: long.dcid, scid: long.scid },
        Some(_) => Kind::OtherLong,
        None if long.version == 0 || Version::from_number(long.version).is_some() => Kind::Malformed,
        None => Kind::UnknownVersion { version: long.version, dcid: long.dcid, scid: long.scid },
    }
}

/// The client's side of one connection: read until the name is known, watched afterwards.
///
/// A flow (addresses and ports) may hold several connections. [`Assembly::push`] reads one at a time: an Initial with another
/// Destination Connection ID and keys of its own starts anew, as after a Retry, and what was held of the one before is dropped
/// (its client sends it again). When the name is allowed, [`Assembly::take_held`] is what may be sent on. Thereafter a
/// datagram may pass if [`Assembly::admits`] it; else it is of another connection, and a new assembly is to read it.
#[derive(Default)]
pub struct Assembly {
    connection: Option<Connection>,
    held: Vec<Vec<u8>>,
    malformed: bool,
}

struct Connection {
    version: Version,
    dcid: ConnectionId,
    keys: Keys,
    largest: Option<u64>,
    crypto: Crypto,
}

impl Connection {
    fn new(packet: &Packet<'_>) -> Option<Connection> {
        let keys = initial::keys(packet.version, packet.dcid)?;
        let dcid = packet.dcid.try_into().ok()?;
        Some(Connection { version: packet.version, dcid, keys, largest: None, crypto: Crypto::default() })
    }

    fn is_of(&self, packet: &Packet<'_>) -> bool {
        self.version == packet.version && self.dcid.as_slice() == packet.dcid
    }

    /// Reads an Initial of this connection. The outer `None`: not its keys. The inner: frames that are not to be trusted.
    fn read(&mut self, packet: &Packet<'_>) -> Option<Option<()>> {
        let mut buffer = Vec::new();
        let (number, frames) = packet.open(&self.keys, self.largest, &mut buffer)?;
        self.largest = self.largest.max(Some(number));
        Some(self.crypto.read_frames(frames))
    }

    /// Reads an Initial that comes once the server has answered: its Destination Connection ID is the server's now, and its
    /// version may have changed, with keys still made from the first (RFC 9369 §4.1).
    fn read_later(&mut self, packet: &Packet<'_>) -> Option<()> {
        if packet.version == self.version {
            return self.read(packet)?;
        }
        let mut buffer = Vec::new();
        let (_, frames) = packet.open(&initial::keys(packet.version, &self.dcid)?, self.largest, &mut buffer)?;
        self.crypto.read_frames(frames)
    }

    fn progress(&self) -> Progress {
        match hello::read(self.crypto.beginning(), crypto::LIMIT) {
            Progress::Done(_) if !self.repeats_its_name() => Progress::Malformed,
            progress => progress,
        }
    }

    /// A second hello, which answers a HelloRetryRequest, must have the name of the first; servers take it for the true one.
    fn repeats_its_name(&self) -> bool {
        let beginning = self.crypto.beginning();
        match (hello::read(beginning, crypto::LIMIT), hello::read(hello::behind_first(beginning), crypto::LIMIT)) {
            (Progress::Done(first), Progress::Done(second)) => first.name == second.name,
            (Progress::Done(_), Progress::More) => true,
            _ => false,
        }
    }
}

impl Assembly {
    /// Nothing read yet.
    pub fn new() -> Assembly {
        Assembly::default()
    }

    /// Reads the next datagram of a flow and holds it, if it is of the connection being read; all others are dropped. To be
    /// called until the answer is `Done` or `Malformed`.
    ///
    /// `Alien` is said of the datagram (another version, a short header, no QUIC), not of the flow: the next may be an
    /// Initial. `Malformed` is said of the flow and stays: contradicting, ambiguous or excessive.
    pub fn push(&mut self, datagram: &[u8]) -> Progress {
        let progress = match kind(datagram) {
            _ if self.malformed => Progress::Malformed,
            Kind::UnknownVersion { .. } | Kind::Short | Kind::Malformed => Progress::Alien,
            Kind::Initial { .. } | Kind::OtherLong => self.read(datagram),
        };
        self.malformed = progress == Progress::Malformed;
        progress
    }

    /// The datagrams of the connection whose name is known, in the order they came. Empty the second time.
    pub fn take_held(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.held)
    }

    /// Whether a datagram of a flow that is already decided may pass: every Initial in it must be of this connection, say
    /// nothing else than the hello that was read, and no other name in a second one. Packets other than Initials begin no connection.
    pub fn admits(&mut self, datagram: &[u8]) -> bool {
        let mut packets = Packets::of(datagram);
        for packet in packets.by_ref().filter(|packet| packet.initial) {
            let Some(connection) = self.connection.as_mut() else { return false };
            if connection.read_later(&packet).is_none() || !connection.repeats_its_name() {
                return false;
            }
        }
        !packets.leaves_long_header()
    }

    fn read(&mut self, datagram: &[u8]) -> Progress {
        let mut packets = Packets::of(datagram);
        let mut initials = 0_usize;
        for packet in packets.by_ref() {
            // Behind one another in a datagram stand packets of one connection (RFC 9000 §12.2).
            if initials > 0 && !self.connection.as_ref().is_some_and(|connection| connection.is_of(&packet)) {
                return Progress::Malformed;
            }
            if !packet.initial || datagram.len() < DATAGRAM_MIN {
                continue;
            }
            match self.read_initial(&packet) {
                Some(Some(())) => initials = initials.saturating_add(1),
                Some(None) => return Progress::Malformed,
                None => {}
            }
        }
        if packets.leaves_long_header() {
            return Progress::Malformed;
        }
        self.hold(datagram, initials > 0)
    }

    /// As [`Connection::read`], of the connection at hand or of a new one.
    fn read_initial(&mut self, packet: &Packet<'_>) -> Option<Option<()>> {
        if let Some(connection) = self.connection.as_mut().filter(|connection| connection.is_of(packet)) {
            return connection.read(packet);
        }
        let mut connection = Connection::new(packet)?;
        let read = connection.read(packet)?;
        self.connection = Some(connection);
        self.held.clear();
        Some(read)
    }

    fn hold(&mut self, datagram: &[u8], has_initial: bool) -> Progress {
        let octets = self.held.iter().map(Vec::len).fold(datagram.len(), usize::saturating_add);
        let fits = self.held.len() < DATAGRAMS_MAX && octets <= HELD_MAX;
        match (fits, has_initial) {
            (true, true) => self.held.push(datagram.to_vec()),
            // Early data of this connection, sent with the hello.
            (true, false) if self.owns(datagram) => self.held.push(datagram.to_vec()),
            (false, true) => return Progress::Malformed,
            (_, false) => return Progress::More,
        }
        self.connection.as_ref().map_or(Progress::More, Connection::progress)
    }

    fn owns(&self, datagram: &[u8]) -> bool {
        let first = Packets::of(datagram).next().filter(|packet| !packet.initial);
        let connection = self.connection.as_ref();
        first.zip(connection).is_some_and(|(packet, connection)| connection.is_of(&packet))
    }
}

/// Writes the Version Negotiation packet that answers a client's datagram of at least [`DATAGRAM_MIN`] octets with these
/// connection ids: the versions that are read (RFC 9000 §17.2.1). `out` is overwritten.
pub fn version_negotiation(dcid: &[u8], scid: &[u8], out: &mut Vec<u8>) {
    out.clear();
    // Long header with the fixed bit, and no version.
    out.extend_from_slice(&[0xc0, 0, 0, 0, 0]);
    for id in [scid, dcid] {
        // Ids of a datagram fit, since their lengths took one octet there.
        out.push(u8::try_from(id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(id.get(..usize::from(u8::MAX)).unwrap_or(id));
    }
    for version in Version::ALL {
        out.extend_from_slice(&version.number().to_be_bytes());
    }
}

/// The answer that refuses the connection which a client's datagram begins: a server's Initial that closes it with the alert
/// `unrecognized_name` (RFC 9000 §10.2.3, RFC 9001 §4.8), so that the client gives up at once. `None` when the datagram begins
/// with no Initial that can be read. Small enough for any path, and smaller than what it answers.
pub fn refusal(datagram: &[u8]) -> Option<Vec<u8>> {
    /// CONNECTION_CLOSE, error 0x0100 + 112, caused by frame 6 (CRYPTO), no reason.
    const CLOSE: [u8; 5] = [0x1c, 0x41, 0x70, 0x06, 0x00];
    let packet = Packets::of(datagram).next().filter(|packet| packet.initial)?;
    let keys = initial::keys(packet.version, packet.dcid)?;
    packet.open(&keys, None, &mut Vec::new())?;
    initial::seal(packet.version, &keys, packet.scid, packet.dcid, &CLOSE)
}

#[cfg(test)]
mod tests;
