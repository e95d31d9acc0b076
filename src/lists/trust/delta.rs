//! From an older bundle to a newer one: a zstd frame (RFC 8878) made with the older one as its reference prefix, so that what
//! stayed the same is copied from where it lies.

use std::io::{self, BufRead, Write};

use zstd::stream::read::Decoder;

/// Window of a delta: as large as the largest bundle that is ever changed by one, 2 GiB.
const WINDOW_LOG_MAX: u32 = 31;

/// Writes what `delta` makes of `old`; never more than `length_max` octets. Returns how many.
pub fn apply(old: &[u8], delta: impl BufRead, out: &mut impl Write, length_max: u64) -> io::Result<u64> {
    let mut decoder = Decoder::with_ref_prefix(delta, old)?;
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let mut limited = io::Read::take(decoder, length_max + 1);
    let written = io::copy(&mut limited, out)?;
    if written > length_max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "makes more octets than the bundle has"));
    }
    Ok(written)
}
