//! The one clock of the house: seconds since 1970, never earlier than what is known for certain. A box without a battery
//! starts in 1970; until the kernel says that its clock was set by somebody who knows, the latest moment this household has
//! seen counts on. Writes nothing: who keeps that moment on disk is `app`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::sys;

/// The day of this release, 2026-11-26: no right clock shows less. Set at each release by hand, since a package is built
/// without a repository to ask, and files carry whatever date was convenient for who packed them.
pub const RELEASED_SECS: u64 = 1_795_651_200;
/// A clock that moves on by more at once was wrong before, or is now.
const JUMP_SECS: u64 = 86_400;
/// System and monotonic clock are read one after the other, and whole seconds are compared.
const TOLERANCE_SECS: u64 = 2;

/// Moments read once and again, without a lock: the floor counts on from the start of the process.
static FLOOR: AtomicU64 = AtomicU64::new(0);
static IS_SYNCHRONISED: AtomicBool = AtomicBool::new(false);
/// When the last look was, and what it saw.
static SEEN: AtomicU64 = AtomicU64::new(0);
static SEEN_AT: AtomicU64 = AtomicU64::new(0);

/// What a look at the clock found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing of note.
    Steady,
    /// Between two looks, so many seconds went by that did not.
    Jumped(u64),
}

/// Seconds since 1970. Cheap: no system call, no lock.
pub fn now_secs() -> u64 {
    settled(system_secs(), IS_SYNCHRONISED.load(Ordering::Relaxed), || floor_now(FLOOR.load(Ordering::Relaxed)))
}

/// No moment before `secs` is believed from now on, unless the kernel's clock is synchronised.
pub fn set_floor(secs: u64) {
    FLOOR.fetch_max(secs.saturating_sub(running_secs()), Ordering::Relaxed);
}

/// Asks the kernel whether its clock is synchronised, and lets what is shown now be the least that is shown later. Called
/// about once a second.
pub fn look() -> Look {
    IS_SYNCHRONISED.store(sys::is_clock_synchronised(), Ordering::Relaxed);
    let (now, running) = (now_secs(), running_secs());
    let floor = now.saturating_sub(running);
    if IS_SYNCHRONISED.load(Ordering::Relaxed) {
        // Whoever knows may also take back what an earlier, wrong clock made us believe.
        FLOOR.store(floor, Ordering::Relaxed);
    } else {
        FLOOR.fetch_max(floor, Ordering::Relaxed);
    }
    let (before, at) = (SEEN.swap(now, Ordering::Relaxed), SEEN_AT.swap(running, Ordering::Relaxed));
    compare(before, now, running.saturating_sub(at))
}

/// False while the system's clock shows less than is known, and nobody vouches for it.
pub fn is_trusted() -> bool {
    IS_SYNCHRONISED.load(Ordering::Relaxed)
        || system_secs().saturating_add(TOLERANCE_SECS) >= floor_now(FLOOR.load(Ordering::Relaxed))
}

/// What the system's clock shows.
pub fn system_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn settled(system: u64, is_synchronised: bool, floor: impl FnOnce() -> u64) -> u64 {
    if is_synchronised { system } else { system.max(floor()) }
}

/// Where the floor stands now; it was 0 or more when the process started.
fn floor_now(at_start: u64) -> u64 {
    if at_start == 0 { 0 } else { at_start.saturating_add(running_secs()) }
}

fn compare(before: u64, now: u64, went_by: u64) -> Look {
    let jump = now.saturating_sub(before.saturating_add(went_by));
    if before != 0 && jump > JUMP_SECS { Look::Jumped(jump) } else { Look::Steady }
}

fn running_secs() -> u64 {
    static STARTED: OnceLock<Instant> = OnceLock::new();
    STARTED.get_or_init(Instant::now).elapsed().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_floor_counts_until_the_kernel_vouches_for_less() {
        assert_eq!(settled(100, false, || 2000), 2000);
        assert_eq!(settled(3000, false, || 2000), 3000);
        assert_eq!(settled(100, true, || 2000), 100);
    }

    #[test]
    fn a_jump_is_what_did_not_go_by() {
        assert_eq!(compare(0, 5000, 0), Look::Steady, "the first look");
        assert_eq!(compare(1000, 1060, 60), Look::Steady);
        assert_eq!(compare(1000, 1000 + 200_000, 200_000), Look::Steady, "asleep, but counted");
        assert_eq!(compare(1000, 1060 + 90_000, 60), Look::Jumped(90_000));
        assert_eq!(compare(1000, 900, 60), Look::Steady);
    }

    #[test]
    fn the_release_is_past() {
        assert!(RELEASED_SECS <= system_secs());
    }
}
