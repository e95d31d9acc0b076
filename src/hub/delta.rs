//! What changed between two bundles, so small that a box fetches it every day.

use std::io::{self, Write};

use zstd::stream::Encoder;

use crate::lists::trust::delta::{LINE, MAGIC, WORD, around, line_of};

/// Slower levels win little: what is new is hashes.
const LEVEL: i32 = 19;

/// The delta from `old` to `new` ([`lists::trust::delta`](crate::lists::trust::delta)).
pub fn make(old: &[u8], new: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = MAGIC.to_vec();
    out.extend((old.len() as u64).to_le_bytes());
    out.extend((new.len() as u64).to_le_bytes());
    let mut changes = Encoder::new(out, LEVEL)?;
    changes.include_checksum(true)?;
    let mut equal = 0;
    for index in 0..(new.len() as u64).div_ceil(LINE as u64) {
        let (before, after) = (line_of(old, index), line_of(new, index));
        if before == after {
            equal += 1;
            continue;
        }
        write_number(&mut changes, equal)?;
        write_change(&mut changes, &around(old, index), &after)?;
        equal = 0;
    }
    changes.finish()
}

fn write_change(out: &mut impl Write, before: &[u8; 3 * LINE], after: &[u8; LINE]) -> io::Result<()> {
    let old: Vec<&[u8]> = before.chunks_exact(WORD).collect();
    let (mut kept, mut fresh, mut from, mut words) = (0_u32, 0_u8, 0, Vec::new());
    for (at, word) in after.chunks_exact(WORD).enumerate() {
        match old.iter().skip(from).position(|old| *old == word) {
            Some(further) => {
                kept |= 1 << (from + further);
                from += further + 1;
            }
            None => {
                fresh |= 1 << at;
                words.extend_from_slice(word);
            }
        }
    }
    let [first, second, third, _] = kept.to_le_bytes();
    out.write_all(&[first, second, third, fresh])?;
    out.write_all(&words)
}

fn write_number(out: &mut impl Write, mut value: u64) -> io::Result<()> {
    while value >= 0x80 {
        out.write_all(&[(value & 0x7f) as u8 | 0x80])?;
        value >>= 7;
    }
    out.write_all(&[value as u8])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::trust::delta::apply;
    use proptest::prelude::*;

    fn applied(old: &[u8], delta: &[u8], max: u64) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        apply(old, delta, &mut out, max).map(|_| out)
    }

    #[test]
    fn a_delta_makes_the_new_one_of_the_old_one_and_of_no_other() {
        let old: Vec<u8> =
            (0..100_000_u64).flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        let mut new = old.clone();
        for at in (0..new.len()).step_by(8000) {
            new[at] ^= 1;
        }
        let delta = make(&old, &new).unwrap();
        assert!(delta.len() < new.len() / 400, "{}", delta.len());
        assert_eq!(applied(&old, &delta, new.len() as u64).unwrap(), new);
        assert!(applied(&old, &delta, new.len() as u64 - 1).is_err());
        assert!(applied(&old[8..], &delta, new.len() as u64).is_err());
        assert!(applied(&old, &delta[..delta.len() - 5], new.len() as u64).is_err(), "torn");
    }

    proptest! {
        #[test]
        fn any_two_files_are_led_over(
            old in prop::collection::vec(0_u8..3, 0..600),
            new in prop::collection::vec(0_u8..3, 0..600),
        ) {
            let delta = make(&old, &new).unwrap();
            prop_assert_eq!(applied(&old, &delta, new.len() as u64).unwrap(), new);
        }

        #[test]
        fn nonsense_is_refused_within_limits(old in prop::collection::vec(any::<u8>(), 0..300), noise in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut delta = MAGIC.to_vec();
            delta.extend((old.len() as u64).to_le_bytes());
            delta.extend(500_u64.to_le_bytes());
            delta.extend(zstd::encode_all(&noise[..], 1).unwrap());
            if let Ok(made) = applied(&old, &delta, 500) {
                prop_assert_eq!(made.len(), 500);
            }
        }
    }
}
