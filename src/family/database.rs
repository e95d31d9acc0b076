//! The file: opened, brought up to the newest form, and begun anew when it cannot be read.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::Error;

const FILE: &str = "family.db";

/// Each step brings the file from one version to the next (`user_version`).
const STEPS: [&str; 2] = ["
CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, role TEXT NOT NULL, profile TEXT, password TEXT NOT NULL,
  totp BLOB, totp_step INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL);
CREATE TABLE session (digest BLOB PRIMARY KEY, account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,
  created INTEGER NOT NULL, seen INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE token (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL, scopes INTEGER NOT NULL,
  created INTEGER NOT NULL, used INTEGER);
CREATE TABLE allowed (id INTEGER PRIMARY KEY, profile TEXT NOT NULL, what TEXT NOT NULL, until INTEGER NOT NULL,
  by TEXT NOT NULL, created INTEGER NOT NULL);
CREATE TABLE pause (who TEXT PRIMARY KEY, until INTEGER NOT NULL, by TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE request (id INTEGER PRIMARY KEY, profile TEXT NOT NULL, kind TEXT NOT NULL, name TEXT, category TEXT,
  note TEXT NOT NULL, created INTEGER NOT NULL, answer TEXT, reason TEXT NOT NULL DEFAULT '', answered INTEGER);
CREATE TABLE refused (profile TEXT NOT NULL, day TEXT NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY (profile, day, name)) WITHOUT ROWID;
CREATE TABLE counted (profile TEXT NOT NULL, period TEXT NOT NULL, what TEXT NOT NULL, count INTEGER NOT NULL,
  PRIMARY KEY (profile, period, what)) WITHOUT ROWID;
CREATE TABLE spent (profile TEXT NOT NULL, budget TEXT NOT NULL, day TEXT NOT NULL, secs INTEGER NOT NULL,
  PRIMARY KEY (profile, budget, day)) WITHOUT ROWID;
CREATE TABLE device (key TEXT PRIMARY KEY, name TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  quiet INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE act (id INTEGER PRIMARY KEY, at INTEGER NOT NULL, by TEXT NOT NULL, profile TEXT, deed TEXT NOT NULL,
  detail TEXT NOT NULL);
CREATE TABLE code (profile TEXT PRIMARY KEY, secret BLOB NOT NULL, counter INTEGER NOT NULL) WITHOUT ROWID;
", "
CREATE TABLE agreed (who TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE own_indicator (name TEXT PRIMARY KEY, category TEXT NOT NULL, added INTEGER NOT NULL) WITHOUT ROWID;
"];

const NEWEST: u32 = STEPS.len() as u32;

pub(super) fn open(folder: Option<&Path>, now: i64) -> Result<Connection, Error> {
    let Some(folder) = folder else { return ready(Connection::open_in_memory()?) };
    let path = folder.join(FILE);
    match Connection::open(&path).map_err(Error::from).and_then(ready) {
        Ok(db) => {
            private(&path);
            Ok(db)
        }
        Err(error) if is_broken(&error) => {
            let aside = put_aside(&path, now);
            tracing::error!(kept = %aside.display(), "{error}; it cannot be read and a new one is begun: guardians have to be set up again");
            ready(Connection::open(&path)?)
        }
        Err(error) => Err(error),
    }
}

fn ready(mut db: Connection) -> Result<Connection, Error> {
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    // What is deleted is overwritten: a name that may no longer be seen is not in the file either.
    db.pragma_update(None, "secure_delete", true)?;
    db.pragma_update(None, "journal_mode", "wal")?;
    db.pragma_update(None, "foreign_keys", true)?;
    let sound: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(Error::Database(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(sound),
        )));
    }
    let version: u32 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version > NEWEST {
        return Err(Error::Refused("the family's file was written by a newer version of this program"));
    }
    let step = db.transaction()?;
    for sql in STEPS.iter().skip(version as usize) {
        step.execute_batch(sql)?;
    }
    step.pragma_update(None, "user_version", NEWEST)?;
    step.commit()?;
    Ok(db)
}

fn is_broken(error: &Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
    matches!(error, Error::Database(error) if matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)))
}

fn put_aside(path: &Path, now: i64) -> PathBuf {
    let aside = path.with_extension(format!("broken-{now}"));
    // When it cannot be moved, opening it anew fails and says so.
    let _ = std::fs::rename(path, &aside);
    for side in ["db-wal", "db-shm"] {
        let _ = std::fs::remove_file(path.with_extension(side));
    }
    aside
}

/// The file is nobody else's business.
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)) {
        tracing::warn!(%error, "the family's file may be read by others");
    }
}

/// What was deleted also leaves the log beside the file.
pub(super) fn forget_log(db: &Connection) -> Result<(), Error> {
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    Ok(())
}
