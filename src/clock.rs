//! The one clock of the house: seconds since 1970, never earlier than what is known for certain.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970.
pub fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
