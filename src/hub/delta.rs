//! What changed between two bundles, so small that a box fetches it every day: a zstd frame that refers to the older one.

use std::io;

use zstd::stream::Encoder;
use zstd::zstd_safe::CParameter;

/// Slower levels win little: what is not copied is hashes.
const LEVEL: i32 = 9;
/// The shortest run that is looked for in the older bundle: two slots.
const RUN: u32 = 16;

/// The delta from `old` to `new`.
pub fn make(old: &[u8], new: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = Encoder::with_ref_prefix(Vec::new(), LEVEL, old)?;
    let both = (old.len() + new.len()).max(1 << 10) as u64;
    let window = (u64::BITS - both.leading_zeros()).clamp(10, 31);
    encoder.set_parameter(CParameter::WindowLog(window))?;
    encoder.set_parameter(CParameter::EnableLongDistanceMatching(true))?;
    encoder.set_parameter(CParameter::LdmMinMatch(RUN))?;
    encoder.include_checksum(true)?;
    io::Write::write_all(&mut encoder, new)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::trust::delta::apply;

    #[test]
    fn a_delta_makes_the_new_one_of_the_old_one_and_of_no_other() {
        let old: Vec<u8> =
            (0..100_000_u64).flat_map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect();
        let mut new = old.clone();
        for at in (0..new.len()).step_by(8000) {
            new[at] ^= 1;
        }
        let delta = make(&old, &new).unwrap();
        assert!(delta.len() < new.len() / 100, "{}", delta.len());
        let applied = |old: &[u8], max| {
            let mut out = Vec::new();
            apply(old, &delta[..], &mut out, max).map(|_| out)
        };
        assert_eq!(applied(&old, new.len() as u64).unwrap(), new);
        assert!(applied(&old, new.len() as u64 - 1).is_err());
        assert!(
            applied(&old[8..], new.len() as u64).is_ok_and(|out| out != new)
                || applied(&old[8..], new.len() as u64).is_err()
        );
    }
}
