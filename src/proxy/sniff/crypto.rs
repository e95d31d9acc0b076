//! The CRYPTO stream of a QUIC connection's Initials: octets that come in any order, over frames and datagrams, put in
//! their places (RFC 9000 §7.5, §19.6). What comes twice must be the same twice.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::ops::Range;

use super::reader::Reader;

/// Octets of the stream kept. A server need not take more than 4096 out of order (RFC 9000 §7.5).
pub(super) const LIMIT: usize = 16 * 1024;
/// Pieces that do not touch. Chromium cuts a packet's share of the hello into about ten.
const PIECES_MAX: usize = 128;

/// What has come of the stream.
#[derive(Debug, Default)]
pub(super) struct Crypto {
    octets: Vec<u8>,
    /// Where `octets` are filled in; ordered, apart from one another.
    pieces: Vec<Range<usize>>,
}

impl Crypto {
    /// The beginning of the stream, as far as it has come without a gap.
    pub(super) fn beginning(&self) -> &[u8] {
        self.pieces
            .first()
            .filter(|piece| piece.start == 0)
            .and_then(|piece| self.octets.get(..piece.end))
            .unwrap_or(&[])
    }

    /// Reads the frames of an Initial (RFC 9000 §12.4 allows five kinds). `None` when a frame is malformed or of another
    /// kind, contradicts what came before, or goes over a limit.
    pub(super) fn read_frames(&mut self, payload: &[u8]) -> Option<()> {
        let mut reader = Reader::new(payload);
        while !reader.is_empty() {
            match reader.varint()? {
                frame::PADDING | frame::PING => {}
                kind @ (frame::ACK | frame::ACK_ECN) => skip_ack(&mut reader, kind == frame::ACK_ECN)?,
                frame::CRYPTO => {
                    let offset = reader.varint()?;
                    self.insert(offset, reader.vec_varint()?)?;
                }
                frame::CONNECTION_CLOSE => {
                    let (_error, _frame) = (reader.varint()?, reader.varint()?);
                    let _reason = reader.vec_varint()?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn insert(&mut self, offset: u64, octets: &[u8]) -> Option<()> {
        let start = usize::try_from(offset).ok()?;
        let end = start.checked_add(octets.len()).filter(|end| *end <= LIMIT)?;
        if octets.is_empty() {
            return Some(());
        }
        // Pieces that overlap or touch the new one, which become one with it.
        let first = self.pieces.partition_point(|piece| piece.end < start);
        let behind = self.pieces.partition_point(|piece| piece.start <= end);
        let mut whole = start..end;
        for piece in self.pieces.get(first..behind)? {
            let (from, to) = (start.max(piece.start), end.min(piece.end));
            if from < to
                && self.octets.get(from..to)? != octets.get(from.checked_sub(start)?..to.checked_sub(start)?)?
            {
                return None;
            }
            whole = whole.start.min(piece.start)..whole.end.max(piece.end);
        }
        self.pieces.splice(first..behind, [whole]);
        if self.octets.len() < end {
            self.octets.resize(end, 0);
        }
        self.octets.get_mut(start..end)?.copy_from_slice(octets);
        (self.pieces.len() <= PIECES_MAX).then_some(())
    }
}

/// Frame types (IANA "QUIC Frame Types").
mod frame {
    pub(super) const PADDING: u64 = 0;
    pub(super) const PING: u64 = 1;
    pub(super) const ACK: u64 = 2;
    pub(super) const ACK_ECN: u64 = 3;
    pub(super) const CRYPTO: u64 = 6;
    pub(super) const CONNECTION_CLOSE: u64 = 0x1c;
}

/// RFC 9000 §19.3. Every range takes octets, so their number needs no limit of its own.
fn skip_ack(reader: &mut Reader<'_>, ecn: bool) -> Option<()> {
    let (_largest, _delay) = (reader.varint()?, reader.varint()?);
    let ranges = reader.varint()?;
    let _first = reader.varint()?;
    for _ in 0..ranges {
        let (_gap, _len) = (reader.varint()?, reader.varint()?);
    }
    if ecn {
        let (_ect0, _ect1, _ce) = (reader.varint()?, reader.varint()?, reader.varint()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crypto(offset: u16, octets: &[u8]) -> Vec<u8> {
        let [high, low] = (offset | 0x4000).to_be_bytes();
        let [len_high, len_low] = (u16::try_from(octets.len()).unwrap() | 0x4000).to_be_bytes();
        [&[6, high, low, len_high, len_low], octets].concat()
    }

    #[test]
    fn pieces_in_any_order_become_the_stream() {
        let whole: Vec<u8> = (0..=255).cycle().take(3000).collect();
        for step in [1_usize, 7, 64, 999] {
            let mut pieces: Vec<usize> = (0..whole.len()).step_by(step).collect();
            // Odd ones first, from the end: touching and apart, never more than a hundred apart for the larger steps.
            pieces.sort_by_key(|at| if step < 64 { *at } else { (at / step) % 2 * 10_000 + whole.len() - at });
            let mut stream = Crypto::default();
            for at in pieces {
                // Each overlaps the next by five octets.
                let end = whole.len().min(at + step + 5);
                stream.read_frames(&crypto(u16::try_from(at).unwrap(), &whole[at..end])).unwrap();
            }
            assert_eq!(stream.beginning(), whole, "step {step}");
            assert_eq!(stream.pieces.len(), 1);
        }
    }

    #[test]
    fn all_other_frames_are_skipped() {
        let ack = [2, 0x40, 9, 0, 1, 2, 3, 4];
        let ack_ecn = [3, 9, 0, 0, 2, 1, 2, 3];
        let close = [0x1c, 0x41, 0x70, 6, 2, b'n', b'o'];
        let mut stream = Crypto::default();
        let frames = [&[0, 0, 1][..], &ack, &crypto(0, b"abc"), &ack_ecn, &crypto(3, b""), &close, &[0; 9]].concat();
        stream.read_frames(&frames).unwrap();
        assert_eq!(stream.beginning(), b"abc");
    }

    #[test]
    fn what_contradicts_itself_is_refused() {
        let mut stream = Crypto::default();
        stream.read_frames(&crypto(10, b"allowed.example")).unwrap();
        stream.read_frames(&crypto(8, b"..allo")).unwrap();
        assert_eq!(stream.read_frames(&crypto(9, b".blocked.example")), None);
        assert_eq!(stream.read_frames(&crypto(24, b"Ex")), None);
    }

    #[test]
    fn limits_hold() {
        let mut stream = Crypto::default();
        assert_eq!(stream.insert(16_383, b"ab"), None);
        assert_eq!(stream.insert(u64::MAX, b"ab"), None);
        let apart = (0..200).map(|at| stream.insert(at * 2, b"a")).take_while(Option::is_some).count();
        assert_eq!(apart, PIECES_MAX);
        assert!(stream.octets.len() <= 2 * PIECES_MAX + 1);
    }

    #[test]
    fn malformed_frames_are_refused() {
        for frames in [
            &[6, 0][..],
            &[6, 0, 5, b'a'],
            &[2, 0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0, 0],
            &[8, 0, 0],
            &[0x40],
            &[0x1d, 0, 0],
        ] {
            assert_eq!(Crypto::default().read_frames(frames), None, "{frames:?}");
        }
    }
}
