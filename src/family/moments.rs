//! What holds for a while: grants that lock themselves again, pauses with an end, and time that was used of budgets.

use std::sync::PoisonError;

use jiff::civil::Date;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Error, Family};

/// A grant that holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantRow {
    /// To take it back by.
    pub id: i64,
    /// Whose.
    pub profile: String,
    /// `name:…`, `category:…`, `service:…` or `time`; `hidden` where it is nobody else's business.
    pub what: String,
    /// First moment at which it no longer holds, seconds since 1970.
    pub until: i64,
    /// Who gave it.
    pub by: String,
}

/// Whom a pause is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Everybody but adults.
    House,
    /// One profile.
    Profile(String),
    /// One device, by the key under which it was seen or is configured.
    Device(String),
}

impl Who {
    /// As it is kept: `house`, `profile:…`, `device:…`.
    pub fn key(&self) -> String {
        match self {
            Who::House => "house".to_string(),
            Who::Profile(name) => format!("profile:{name}"),
            Who::Device(key) => format!("device:{key}"),
        }
    }

    /// Read back; `None` for anything else.
    pub fn parse(key: &str) -> Option<Who> {
        match key.split_once(':') {
            None if key == "house" => Some(Who::House),
            Some(("profile", name)) => Some(Who::Profile(name.to_string())),
            Some(("device", key)) => Some(Who::Device(key.to_string())),
            _ => None,
        }
    }
}

/// A pause that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseRow {
    /// Whom it is for.
    pub who: Who,
    /// First moment after, seconds since 1970.
    pub until: i64,
    /// Who said so.
    pub by: String,
}

/// Everything that holds for a while now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moments {
    /// Grants.
    pub grants: Vec<GrantRow>,
    /// Pauses.
    pub pauses: Vec<PauseRow>,
    /// Used today: profile, budget, seconds.
    pub used: Vec<(String, String, u32)>,
}

impl Family {
    /// What holds at that moment, on that day of the household's calendar.
    pub fn moments(&self, now: i64, today: Date) -> Result<Moments, Error> {
        let db = self.db();
        let mut grants =
            db.prepare_cached("SELECT id, profile, what, until, by FROM allowed WHERE until > ?1 ORDER BY until")?;
        let mut grants: Vec<GrantRow> = grants.query_map([now], grant)?.collect::<Result<_, _>>()?;
        let unwritten = self.unwritten_grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.extend(unwritten.iter().filter(|grant| grant.until > now).cloned());
        drop(unwritten);
        let mut pauses = db.prepare_cached("SELECT who, until, by FROM pause WHERE until > ?1 ORDER BY who")?;
        let pauses = pauses.query_map([now], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)))?;
        let pauses: Vec<(String, i64, String)> = pauses.collect::<Result<_, _>>()?;
        let pauses =
            pauses.into_iter().filter_map(|(who, until, by)| Some(PauseRow { who: Who::parse(&who)?, until, by }));
        let mut used = db.prepare_cached("SELECT profile, budget, secs FROM spent WHERE day = ?1")?;
        let used = used.query_map([today.to_string()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        Ok(Moments { grants, pauses: pauses.collect(), used: used.collect::<Result<_, _>>()? })
    }

    /// Allows something until a moment, and gives back by what it can be taken back.
    pub fn grant(&self, profile: &str, what: &str, until: i64, by: &str, now: i64) -> Result<i64, Error> {
        /// More at once is a script gone wrong.
        const GRANTS_MAX: i64 = 200;
        let db = self.db();
        let held: i64 = db.query_row("SELECT count(*) FROM allowed WHERE profile = ?1", [profile], |row| row.get(0))?;
        if held >= GRANTS_MAX {
            return Err(Error::Refused("this profile has as many grants as it can have; take some back first"));
        }
        let sql = "INSERT INTO allowed (profile, what, until, by, created) VALUES (?1, ?2, ?3, ?4, ?5)";
        db.execute(sql, params![profile, what, until, by, now])?;
        let id = db.last_insert_rowid();
        drop(db);
        self.changed();
        Ok(id)
    }

    /// Allows a page that a 16- or 17-year-old asked for. Its name is not written: a restart takes the grant back.
    pub fn grant_unwritten(&self, profile: &str, name: &str, until: i64, by: &str, now: i64) {
        let mut grants = self.unwritten_grants.lock().unwrap_or_else(PoisonError::into_inner);
        grants.retain(|grant| grant.until > now);
        // Below zero, where no written one is.
        let id = grants.iter().map(|grant| grant.id).min().unwrap_or(0) - 1;
        let (profile, what) = (profile.to_string(), format!("hidden:{name}"));
        grants.push(GrantRow { id, profile, what, until, by: by.to_string() });
        drop(grants);
        self.changed();
    }

    /// Takes a grant back; it is told whose it was.
    pub fn take_back(&self, id: i64) -> Result<GrantRow, Error> {
        if id < 0 {
            let mut grants = self.unwritten_grants.lock().unwrap_or_else(PoisonError::into_inner);
            let at = grants.iter().position(|grant| grant.id == id).ok_or(Error::NoSuch("grant"))?;
            let row = grants.swap_remove(at);
            drop(grants);
            self.changed();
            return Ok(row);
        }
        let db = self.db();
        let sql = "DELETE FROM allowed WHERE id = ?1 RETURNING id, profile, what, until, by";
        let row = db.query_row(sql, [id], grant).optional()?.ok_or(Error::NoSuch("grant"))?;
        drop(db);
        self.changed();
        Ok(row)
    }

    /// Pauses until a moment; a later word replaces an earlier one.
    pub fn pause(&self, who: &Who, until: i64, by: &str) -> Result<(), Error> {
        let sql = "INSERT INTO pause (who, until, by) VALUES (?1, ?2, ?3)
                   ON CONFLICT (who) DO UPDATE SET until = excluded.until, by = excluded.by";
        self.db().execute(sql, params![who.key(), until, by])?;
        self.changed();
        Ok(())
    }

    /// Ends a pause; false when there was none.
    pub fn resume(&self, who: &Who) -> Result<bool, Error> {
        let ended = self.db().execute("DELETE FROM pause WHERE who = ?1", [who.key()])? > 0;
        self.changed();
        Ok(ended)
    }

    /// Adds time that was used of a budget on a day.
    pub fn spend(&self, profile: &str, budget: &str, day: Date, secs: u32) -> Result<(), Error> {
        let sql = "INSERT INTO spent (profile, budget, day, secs) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (profile, budget, day) DO UPDATE SET secs = secs + excluded.secs";
        self.db().execute(sql, params![profile, budget, day.to_string(), secs])?;
        Ok(())
    }
}

fn grant(row: &Row<'_>) -> rusqlite::Result<GrantRow> {
    Ok(GrantRow { id: row.get(0)?, profile: row.get(1)?, what: row.get(2)?, until: row.get(3)?, by: row.get(4)? })
}
