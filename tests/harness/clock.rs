//! The wall clock of the real program, set and moved by the test while it runs (Debian's libfaketime). Monotonic time, and with
//! it every timer, goes on as ever. What the kernel says of its clock is the test's to say, too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A clock for as many processes as the test starts with it.
pub struct Clock {
    /// How far the clock is from the machine's, as libfaketime reads it.
    offset: PathBuf,
    /// There while the kernel's clock is synchronised.
    synchronised: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// A clock that is right and not synchronised. `folder` outlives whoever runs by it.
    pub fn new(folder: &Path) -> Clock {
        let clock = Clock {
            offset: folder.join("clock.offset"),
            synchronised: folder.join("clock.synchronised"),
            library: folder.join("adjtimex.so"),
        };
        clock.keep(0.0);
        let source = folder.join("adjtimex.c");
        fs::write(&source, ADJTIMEX).unwrap();
        let built =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&clock.library).arg(&source).output().unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        clock
    }

    /// Shows that moment from now on: `2026-11-23T20:59:50+07:00`.
    pub fn set(&self, moment: &str) {
        let moment: Timestamp = moment.parse().unwrap();
        self.keep(moment.as_millisecond() as f64 / 1000.0 - machine_secs());
    }

    /// Moves by so many days, fractions too.
    pub fn add_days(&self, days: f64) {
        self.keep(self.offset_secs() + days * 86_400.0);
    }

    pub fn add_secs(&self, secs: f64) {
        self.keep(self.offset_secs() + secs);
    }

    /// What it shows now, seconds since 1970.
    pub fn now_secs(&self) -> u64 {
        (machine_secs() + self.offset_secs()) as u64
    }

    /// What the kernel says of its clock from now on.
    pub fn set_synchronised(&self, is_synchronised: bool) {
        if is_synchronised {
            fs::write(&self.synchronised, "").unwrap();
        } else {
            let _ = fs::remove_file(&self.synchronised);
        }
    }

    /// Lets that program run by this clock.
    pub fn rule(&self, command: &mut Command) {
        let preload = format!("{}:{}", faketime(), self.library.display());
        command
            .env("LD_PRELOAD", preload)
            .env("FAKETIME_TIMESTAMP_FILE", &self.offset)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            // Files keep the times that the machine gave them.
            .env("NO_FAKE_STAT", "1")
            .env("CLOCK_SYNCHRONISED", &self.synchronised);
    }

    fn offset_secs(&self) -> f64 {
        fs::read_to_string(&self.offset).unwrap().trim().parse().unwrap()
    }

    fn keep(&self, offset: f64) {
        // Never read half written.
        let aside = self.offset.with_extension("new");
        fs::write(&aside, format!("{offset:+.3}\n")).unwrap();
        fs::rename(&aside, &self.offset).unwrap();
    }
}

/// What libfaketime leaves of a process that was killed, and stumbles over when another gets its number.
pub fn sweep(pid: u32) {
    for name in ["faketime_shm_", "sem.faketime_sem_"] {
        let _ = fs::remove_file(format!("/dev/shm/{name}{pid}"));
    }
}

fn machine_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

/// Where Debian has it, by the machine's architecture.
fn faketime() -> String {
    let listed = Command::new("dpkg").args(["-L", "libfaketime"]).output().unwrap();
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let library = listed.lines().find(|line| line.ends_with("/libfaketime.so.1"));
    library.expect("libfaketime is installed by tests/run").to_string()
}

/// In place of the kernel's answer.
const ADJTIMEX: &str = "
#include <stdlib.h>
#include <sys/timex.h>
#include <unistd.h>

int adjtimex(struct timex *state) {
    const char *file = getenv(\"CLOCK_SYNCHRONISED\");
    int is_synchronised = file && access(file, F_OK) == 0;
    state->status = is_synchronised ? STA_PLL : STA_UNSYNC;
    return is_synchronised ? TIME_OK : TIME_ERROR;
}
";
