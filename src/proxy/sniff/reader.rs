//! Octets read from the front, never behind the end: what TLS and QUIC have in common on the wire. Knows no protocol.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

/// What is left to read. Every method answers `None` when that is too little, and then the input is malformed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Reader<'a> {
        Reader(octets)
    }

    /// Octets not read yet.
    pub(super) fn len(self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Octets behind their length in one octet.
    pub(super) fn vec8(&mut self) -> Option<&'a [u8]> {
        let len = self.u8()?;
        self.take(usize::from(len))
    }

    /// Octets behind their length in two octets.
    pub(super) fn vec16(&mut self) -> Option<&'a [u8]> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// A variable-length integer (RFC 9000 §16); needless length is allowed there.
    pub(super) fn varint(&mut self) -> Option<u64> {
        match self.0.first()? >> 6 {
            0 => self.u8().map(u64::from),
            1 => self.u16().map(|value| u64::from(value & 0x3fff)),
            2 => self.u32().map(|value| u64::from(value & 0x3fff_ffff)),
            _ => self.array().map(|octets| u64::from_be_bytes(octets) & 0x3fff_ffff_ffff_ffff),
        }
    }

    /// Octets behind their length as a variable-length integer.
    pub(super) fn vec_varint(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.varint()?).ok()?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_every_length_are_read() {
        // RFC 9000 §A.1.
        let octets =
            [0xc2, 0x19, 0x7c, 0x5e, 0xff, 0x14, 0xe8, 0x8c, 0x9d, 0x7f, 0x3e, 0x7d, 0x7b, 0xbd, 0x25, 0x40, 0x25];
        let mut reader = Reader::new(&octets);
        let mut next = || reader.varint().unwrap();
        assert_eq!([next(), next(), next(), next(), next()], [151_288_809_941_952_652, 494_878_333, 15_293, 37, 37]);
        assert!(reader.is_empty());
    }

    #[test]
    fn nothing_is_read_behind_the_end() {
        assert_eq!(Reader::new(&[0x40]).varint(), None);
        assert_eq!(Reader::new(&[2, 1]).vec8(), None);
        assert_eq!(Reader::new(&[0, 2, 1]).vec16(), None);
        assert_eq!(Reader::new(&[0xff; 9]).vec_varint(), None);
    }
}
