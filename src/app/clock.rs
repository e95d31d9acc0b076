//! Keeps the clock honest: remembers on disk the latest moment this household has seen, tells when the system's clock shows
//! less, and has wiped, once a minute, what is past its time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::clock::{self, Look};
use crate::config::Config;
use crate::lists::store::write_aside;

/// What was told of the clock, and when it was noted last.
#[derive(Default)]
pub struct Watch {
    is_told: AtomicBool,
    noted_at: AtomicU64,
}

/// How often the moment is noted, and what is past its time wiped: a start without a clock is at most so much behind.
const EVERY_SECS: u64 = 60;

/// The latest moment that was noted, seconds since 1970; `None` when none was, or it cannot be read.
pub fn noted(config: &Config) -> Option<u64> {
    fs::read_to_string(file(config.state_dir.as_deref()?)).ok()?.trim().parse().ok()
}

/// The earliest moment that can be now.
pub fn earliest(config: &Config) -> u64 {
    noted(config).unwrap_or(0).max(clock::RELEASED_SECS)
}

impl Watch {
    /// Begins, before anybody asks what time it is.
    pub fn start(config: &Config) -> Watch {
        clock::set_floor(earliest(config));
        let watch = Watch::default();
        watch.look();
        watch
    }

    /// Once a second: looks at the clock, and tells what there is to tell.
    pub fn look(&self) {
        if let Look::Jumped(secs) = clock::look() {
            tracing::warn!(hours = secs / 3600, "the clock jumped forwards; schedules and answers follow it");
        }
        let is_trusted = clock::is_trusted();
        let was_told = self.is_told.swap(!is_trusted, Ordering::Relaxed);
        match (is_trusted, was_told) {
            (false, false) => tracing::warn!(
                shows = clock::system_secs(),
                taken = clock::now_secs(),
                "the system's clock is behind what is known; counting on from there until it is set"
            ),
            (true, true) => tracing::info!("the system's clock is right again"),
            _ => {}
        }
    }

    /// True once a minute, when it is time to note and to wipe.
    pub fn is_due(&self) -> bool {
        let now = clock::now_secs();
        // Also after a step back.
        let is_due = now.abs_diff(self.noted_at.load(Ordering::Relaxed)) >= EVERY_SECS;
        if is_due {
            self.noted_at.store(now, Ordering::Relaxed);
        }
        is_due
    }

    /// Notes this moment. Without a folder that can be written to, the next start knows the day of this release only.
    pub fn note(&self, config: &Config) {
        let Some(folder) = &config.state_dir else { return };
        if let Err(error) = write_aside(&file(folder), format!("{}\n", clock::now_secs()).as_bytes()) {
            tracing::debug!(%error, "the moment cannot be noted");
        }
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("clock")
}
