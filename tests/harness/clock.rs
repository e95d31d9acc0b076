//! The wall clock of the real program, set and moved by the test while it runs (`clock.c`). Monotonic time, and with it every
//! timer, goes on as ever. What the kernel says of its clock is the test's to say, too.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

/// A clock for as many processes as the test starts with it.
pub struct Clock {
    /// How far the clock is from the machine's, in nanoseconds: eight octets, which the program maps.
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
            library: folder.join("clock.so"),
        };
        fs::write(&clock.offset, 0_i64.to_ne_bytes()).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/harness/clock.c");
        let built = Command::new("cc")
            .args(["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&clock.library, &source])
            .output()
            .unwrap();
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
        command
            .env("LD_PRELOAD", &self.library)
            .env("CLOCK_OFFSET", &self.offset)
            .env("CLOCK_SYNCHRONISED", &self.synchronised);
    }

    fn offset_secs(&self) -> f64 {
        let octets = fs::read(&self.offset).unwrap();
        i64::from_ne_bytes(octets.try_into().unwrap()) as f64 / 1e9
    }

    /// In one write of one word, which nobody reads by halves.
    fn keep(&self, offset_secs: f64) {
        let nanos = (offset_secs * 1e9) as i64;
        File::options().write(true).open(&self.offset).unwrap().write_all_at(&nanos.to_ne_bytes(), 0).unwrap();
    }
}

fn machine_secs() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}
