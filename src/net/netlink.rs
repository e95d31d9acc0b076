//! Netlink messages (netlink(7), RFC 3549): written and read, octet by octet, in the machine's own byte order. Nothing here
//! knows what a message is about; `socket` sends and receives them.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod socket;

pub(super) use socket::{ACK, CREATE, REQUEST};
pub use socket::{Error, Protocol, Socket, is_overrun};

/// Octets of a message's header (`struct nlmsghdr`).
const HEADER: usize = 16;
/// Octets of an attribute's header (`struct nlattr`).
const ATTRIBUTE_HEADER: usize = 4;
/// Messages and attributes begin at multiples of so many octets.
const ALIGNMENT: usize = 4;
/// The bits of an attribute's type that say what it is; the others are flags (`NLA_TYPE_MASK`).
const KIND_MASK: u16 = 0x3FFF;
/// Flag of an attribute that holds attributes (`NLA_F_NESTED`).
const NESTED: u16 = 0x8000;

/// Messages being written, one behind the other.
#[derive(Debug, Default)]
pub struct Writer {
    octets: Vec<u8>,
    /// Where the last message begins.
    message: usize,
    is_too_long: bool,
}

/// A message or an attribute does not fit its length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("netlink message too long")]
pub struct TooLong;

impl Writer {
    /// Nothing written.
    pub fn new() -> Writer {
        Writer::default()
    }

    /// Begins a message: its type, `NLM_F_…` flags and sequence number, then the header of its family as it stands.
    pub fn begin(&mut self, kind: u16, flags: u16, sequence: u32, family_header: &[u8]) {
        self.message = self.octets.len();
        self.octets.extend_from_slice(&[0; 4]);
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        self.octets.extend_from_slice(&flags.to_ne_bytes());
        self.octets.extend_from_slice(&sequence.to_ne_bytes());
        // The sender's port: the kernel fills it in.
        self.octets.extend_from_slice(&[0; 4]);
        self.octets.extend_from_slice(family_header);
        self.pad();
    }

    /// Adds an attribute.
    pub fn attribute(&mut self, kind: u16, value: &[u8]) {
        let start = self.open(kind);
        self.octets.extend_from_slice(value);
        self.close(start);
    }

    /// Adds an attribute that is text, with the zero that ends it.
    pub fn text(&mut self, kind: u16, value: &str) {
        let start = self.open(kind);
        self.octets.extend_from_slice(value.as_bytes());
        self.octets.push(0);
        self.close(start);
    }

    /// Adds an attribute that holds what `fill` adds.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Writer)) {
        let start = self.open(kind | NESTED);
        fill(self);
        self.close(start);
    }

    /// The octets to send.
    pub fn finish(self) -> Result<Vec<u8>, TooLong> {
        if self.is_too_long { Err(TooLong) } else { Ok(self.octets) }
    }

    fn open(&mut self, kind: u16) -> usize {
        let start = self.octets.len();
        self.octets.extend_from_slice(&[0; 2]);
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        start
    }

    /// Writes the attribute's length, which leaves its own padding out, and then the message's, which holds all of it.
    fn close(&mut self, start: usize) {
        match u16::try_from(self.octets.len().saturating_sub(start)) {
            Ok(len) => self.patch(start, &len.to_ne_bytes()),
            Err(_) => self.is_too_long = true,
        }
        self.pad();
    }

    fn pad(&mut self) {
        self.octets.resize(self.octets.len().next_multiple_of(ALIGNMENT), 0);
        match u32::try_from(self.octets.len().saturating_sub(self.message)) {
            Ok(len) => self.patch(self.message, &len.to_ne_bytes()),
            Err(_) => self.is_too_long = true,
        }
    }

    fn patch(&mut self, at: usize, value: &[u8]) {
        if let Some(place) = self.octets.get_mut(at..).and_then(|rest| rest.get_mut(..value.len())) {
            place.copy_from_slice(value);
        }
    }
}

/// One message, borrowed from the datagram it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its type: `NLMSG_ERROR`, `NLMSG_DONE`, or one of its family's.
    pub kind: u16,
    /// Its `NLM_F_…` flags.
    pub flags: u16,
    /// The number of the request it answers; 0 for an event.
    pub sequence: u32,
    /// All behind the header.
    pub body: &'a [u8],
}

impl<'a> Message<'a> {
    /// The header of its family, `LEN` octets, and the attributes behind it; `None` when it is shorter.
    pub fn split<const LEN: usize>(&self) -> Option<(&'a [u8; LEN], Attributes<'a>)> {
        let (header, rest) = self.body.split_first_chunk::<LEN>()?;
        let padding = LEN.next_multiple_of(ALIGNMENT).saturating_sub(LEN);
        Some((header, attributes(rest.get(padding..).unwrap_or_default())))
    }
}

/// The messages of a datagram, up to the first that is cut or malformed.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let len = u32::from_ne_bytes(*rest.first_chunk()?);
        let octets = advance(&mut rest, usize::try_from(len).ok()?, HEADER)?;
        Some(Message {
            kind: u16_at(octets, 4)?,
            flags: u16_at(octets, 6)?,
            sequence: u32_at(octets, 8)?,
            body: octets.get(HEADER..)?,
        })
    })
}

/// Attributes one behind the other, up to the first that is cut or malformed.
#[derive(Debug, Clone, Copy)]
pub struct Attributes<'a>(&'a [u8]);

/// The attributes in `octets`: behind a family's header, or the value of an attribute that holds some.
pub fn attributes(octets: &[u8]) -> Attributes<'_> {
    Attributes(octets)
}

impl<'a> Attributes<'a> {
    /// The value of the first of that kind.
    pub fn value(mut self, kind: u16) -> Option<&'a [u8]> {
        self.find(|(found, _)| *found == kind).map(|(_, value)| value)
    }

    /// The first of that kind as text, without the zero that ends it; `None` also when it is not UTF-8.
    pub fn text(self, kind: u16) -> Option<&'a str> {
        let value = self.value(kind)?;
        std::str::from_utf8(value.split(|octet| *octet == 0).next()?).ok()
    }
}

impl<'a> Iterator for Attributes<'a> {
    /// The kind, without flags, and the value.
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<(u16, &'a [u8])> {
        let len = u16::from_ne_bytes(*self.0.first_chunk()?);
        let octets = advance(&mut self.0, usize::from(len), ATTRIBUTE_HEADER)?;
        Some((u16_at(octets, 2)? & KIND_MASK, octets.get(ATTRIBUTE_HEADER..)?))
    }
}

/// Takes `len` octets, of which at least `least`, and the padding behind them.
fn advance<'a>(rest: &mut &'a [u8], len: usize, least: usize) -> Option<&'a [u8]> {
    let octets = rest.get(..len).filter(|_| len >= least)?;
    // What ends the datagram need not be padded.
    *rest = rest.get(len.checked_next_multiple_of(ALIGNMENT)?..).unwrap_or_default();
    Some(octets)
}

/// The number in the machine's order at that place.
fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..)?.first_chunk().map(|number| u16::from_ne_bytes(*number))
}

/// The number in the machine's order at that place.
fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..)?.first_chunk().map(|number| u32::from_ne_bytes(*number))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may end so")]
mod tests {
    use super::*;

    fn two_messages() -> Vec<u8> {
        let mut writer = Writer::new();
        writer.begin(20, 0x301, 7, &[1, 0, 0]);
        writer.attribute(1, b"abcde");
        writer.nest(2, |inner| {
            inner.text(3, "luytre");
            inner.nest(4, |deepest| deepest.attribute(5, &[]));
        });
        writer.begin(21, 5, 8, &[]);
        writer.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let octets = two_messages();
        let all: Vec<_> = messages(&octets).collect();
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].kind, all[0].flags, all[0].sequence), (20, 0x301, 7));
        assert_eq!((all[1].kind, all[1].flags, all[1].sequence, all[1].body), (21, 5, 8, &[][..]));
        let (header, attributes) = all[0].split::<3>().unwrap();
        assert_eq!(header, &[1, 0, 0]);
        assert_eq!(attributes.value(1), Some(&b"abcde"[..]));
        let inner = super::attributes(attributes.value(2).unwrap());
        assert_eq!(inner.text(3), Some("luytre"));
        assert_eq!(super::attributes(inner.value(4).unwrap()).value(5), Some(&[][..]));
        assert_eq!(inner.value(9), None);
    }

    #[test]
    fn lengths_and_padding_are_the_kernels() {
        let octets = two_messages();
        // Header 16, family header 3 and padding 1, attribute 4 + 5 and padding 3, nest 4 + (4 + 7 + 1) + (4 + 4).
        assert_eq!(u32_at(&octets, 0), Some(16 + 4 + 12 + 24));
        assert_eq!(u16_at(&octets, 20), Some(9));
        assert_eq!((u16_at(&octets, 32), u16_at(&octets, 34)), (Some(24), Some(NESTED | 2)));
        assert_eq!(octets.len(), 56 + 16);
    }

    #[test]
    fn an_attribute_beyond_its_length_field_is_refused() {
        let mut writer = Writer::new();
        writer.begin(1, 0, 1, &[]);
        writer.attribute(1, &[0; 0xFFFB]);
        assert!(writer.finish().is_ok());
        let mut writer = Writer::new();
        writer.begin(1, 0, 1, &[]);
        writer.nest(2, |inner| inner.attribute(1, &[0; 0xFFFC]));
        assert_eq!(writer.finish(), Err(TooLong));
    }

    /// Reads all there is, to the depth that any message has.
    fn read_all(octets: &[u8]) -> usize {
        fn walk(octets: &[u8], depth: usize) -> usize {
            let deeper = |value| if depth < 4 { walk(value, depth + 1) } else { 0 };
            attributes(octets).map(|(_, value)| 1 + deeper(value)).sum()
        }
        let mut seen = walk(octets, 0);
        for message in messages(octets) {
            let behind = message.split::<12>().map_or(0, |(_, attributes)| attributes.count());
            seen += 1 + behind + message.split::<3>().map_or(0, |(_, attributes)| walk(attributes.0, 0));
            seen += usize::from(socket::acknowledgement(&message).is_some());
            seen += usize::from(super::super::neighbours::read_event(&message).is_some());
        }
        seen
    }

    #[test]
    fn no_octets_make_the_reader_panic() {
        let whole = two_messages();
        for end in 0..=whole.len() {
            read_all(&whole[..end]);
            for at in 0..end {
                for octet in [0, 1, 3, 4, 15, 16, 17, 0x7F, 0xFF] {
                    let mut damaged = whole[..end].to_vec();
                    damaged[at] = octet;
                    read_all(&damaged);
                }
            }
        }
        // xorshift: the same octets in every run.
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut seen = 0;
        for round in 0..20_000_usize {
            let octets: Vec<u8> = std::iter::repeat_with(|| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                // Small numbers are lengths that lead on.
                if state & 0x300 == 0 { state as u8 } else { (state & 31) as u8 }
            })
            .take(round % 200)
            .collect();
            let mut headed = octets.clone();
            if let Some(len) = headed.first_chunk_mut::<4>() {
                *len = u32::to_ne_bytes(octets.len() as u32);
            }
            seen += read_all(&octets) + read_all(&headed);
        }
        assert!(seen > 20_000, "only {seen} parts were ever read");
    }
}
