//! Devices that were seen and belong to nobody yet: noted so that a guardian can be told once, and say whose each is.

use rusqlite::params;
use serde::Serialize;

use super::{Error, Family};

/// Devices remembered; a network that makes addresses up cannot fill the disk.
const DEVICES_MAX: i64 = 2000;
/// One that was not seen for so long is forgotten.
const KEPT_SECS: i64 = 30 * 24 * 3600;

/// A device that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its MAC address, or its address where no MAC address is known.
    pub key: String,
    /// What it calls itself.
    pub name: String,
    /// When first, seconds since 1970.
    pub first: i64,
    /// When last.
    pub last: i64,
    /// A guardian knows about it.
    pub is_known: bool,
}

impl Family {
    /// Notes that a device is here; true when it was never seen before.
    pub fn see(&self, key: &str, name: &str, now: i64) -> Result<bool, Error> {
        let db = self.db();
        let sql =
            "UPDATE device SET last = max(last, ?2), name = CASE WHEN ?3 = '' THEN name ELSE ?3 END WHERE key = ?1";
        if db.execute(sql, params![key, now, name])? > 0 {
            return Ok(false);
        }
        let held: i64 = db.query_row("SELECT count(*) FROM device", [], |row| row.get(0))?;
        if held >= DEVICES_MAX {
            return Ok(false);
        }
        db.execute("INSERT INTO device (key, name, first, last) VALUES (?1, ?2, ?3, ?3)", params![key, name, now])?;
        drop(db);
        self.changed();
        Ok(true)
    }

    /// All devices that were seen, the newest first.
    pub fn seen(&self) -> Result<Vec<Seen>, Error> {
        let db = self.db();
        let mut rows =
            db.prepare_cached("SELECT key, name, first, last, quiet FROM device ORDER BY first DESC, key")?;
        let rows = rows.query_map([], |row| {
            Ok(Seen {
                key: row.get(0)?,
                name: row.get(1)?,
                first: row.get(2)?,
                last: row.get(3)?,
                is_known: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A guardian knows about the device now.
    pub fn know(&self, key: &str) -> Result<(), Error> {
        self.db().execute("UPDATE device SET quiet = 1 WHERE key = ?1", [key])?;
        self.changed();
        Ok(())
    }

    pub(super) fn forget_devices(&self, now: i64) -> Result<usize, Error> {
        Ok(self.db().execute("DELETE FROM device WHERE last < ?1", [now - KEPT_SECS])?)
    }
}
