//! What a child asked: may I, and "this is wrongly blocked". Only what the child chose to send. A 16- or 17-year-old's name stays
//! in memory: the guardian sees the group and decides about one page of it.

use std::sync::PoisonError;

use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;

use super::{Error, Family};

/// A question waits for so long.
const WAITS_SECS: i64 = 24 * 3600;
/// An answer can be read for so long.
const KEPT_SECS: i64 = 7 * 24 * 3600;
/// Questions of one profile within an hour.
const HOURLY_MAX: i64 = 5;
/// Characters of a note.
pub const NOTE_MAX: usize = 80;

/// What kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// May I?
    Ask,
    /// This is no such site.
    Wrong,
}

/// A guardian's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// For a quarter of an hour.
    Once,
    /// For an hour.
    Hour,
    /// Until the day ends.
    Today,
    /// From now on.
    Always,
    /// No.
    No,
}

impl Answer {
    /// All answers.
    pub const ALL: [Answer; 5] = [Answer::Once, Answer::Hour, Answer::Today, Answer::Always, Answer::No];

    /// The code that forms, JSON and the file use.
    pub const fn code(self) -> &'static str {
        match self {
            Answer::Once => "once",
            Answer::Hour => "hour",
            Answer::Today => "today",
            Answer::Always => "always",
            Answer::No => "no",
        }
    }

    /// The answer of that code.
    pub fn from_code(code: &str) -> Option<Answer> {
        Answer::ALL.into_iter().find(|answer| answer.code() == code)
    }
}

/// What a child sends.
pub struct Ask<'a> {
    /// Whose.
    pub profile: &'a str,
    /// Which kind.
    pub kind: Kind,
    /// About what.
    pub name: &'a str,
    /// The group it was refused for.
    pub category: Option<&'a str>,
    /// A few words.
    pub note: &'a str,
    /// The name may be shown to guardians and written; false for 16 and 17.
    pub shows_name: bool,
}

/// A request as people see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestRow {
    /// To answer it by.
    pub id: i64,
    /// Whose.
    pub profile: String,
    /// Which kind.
    pub kind: Kind,
    /// About what; `None` where guardians see the group alone.
    pub name: Option<String>,
    /// The group.
    pub category: Option<String>,
    /// The child's words.
    pub note: String,
    /// When, seconds since 1970.
    pub created: i64,
    /// The answer's code; `None` while it waits.
    pub answer: Option<String>,
    /// The guardian's words for the child.
    pub reason: String,
    /// When it was answered, seconds since 1970.
    pub answered: Option<i64>,
}

const COLUMNS: &str = "id, profile, kind, name, category, note, created, answer, reason, answered";

impl Family {
    /// Takes a request; the same one that waits already is not taken twice.
    pub fn ask(&self, ask: &Ask<'_>, now: i64) -> Result<i64, Error> {
        let db = self.db();
        let kind = if ask.kind == Kind::Ask { "ask" } else { "wrong" };
        let lately = "SELECT count(*) FROM request WHERE profile = ?1 AND created > ?2";
        let lately: i64 = db.query_row(lately, params![ask.profile, now - 3600], |row| row.get(0))?;
        if lately >= HOURLY_MAX {
            return Err(Error::Wait(3600));
        }
        let written = ask.shows_name.then_some(ask.name);
        if let Some(name) = written {
            let same = "SELECT id FROM request WHERE profile = ?1 AND kind = ?2 AND name = ?3 AND answer IS NULL";
            if let Some(id) = db.query_row(same, params![ask.profile, kind, name], |row| row.get(0)).optional()? {
                return Ok(id);
            }
        }
        let note: String = ask.note.chars().filter(|letter| !letter.is_control()).take(NOTE_MAX).collect();
        let sql = "INSERT INTO request (profile, kind, name, category, note, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        db.execute(sql, params![ask.profile, kind, written, ask.category, note.trim(), now])?;
        let id = db.last_insert_rowid();
        drop(db);
        if !ask.shows_name {
            self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).push((id, ask.name.to_string()));
        }
        self.changed();
        Ok(id)
    }

    /// Requests of one profile or of all, those that wait first.
    pub fn requests(&self, profile: Option<&str>) -> Result<Vec<RequestRow>, Error> {
        let db = self.db();
        let sql = format!(
            "SELECT {COLUMNS} FROM request WHERE ?1 IS NULL OR profile = ?1 ORDER BY answer IS NOT NULL, created DESC LIMIT 200"
        );
        let mut rows = db.prepare_cached(&sql)?;
        let rows = rows.query_map([profile], request)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// One request.
    pub fn request(&self, id: i64) -> Result<RequestRow, Error> {
        let sql = format!("SELECT {COLUMNS} FROM request WHERE id = ?1");
        self.db().query_row(&sql, [id], request).optional()?.ok_or(Error::NoSuch("request"))
    }

    /// Notes the answer, and gives the name that it is about; `None` when it was only in memory and the program was started
    /// anew since.
    pub fn answer(&self, id: i64, answer: Answer, reason: &str, now: i64) -> Result<Option<String>, Error> {
        let row = self.request(id)?;
        let reason: String = reason.chars().filter(|letter| !letter.is_control()).take(2 * NOTE_MAX).collect();
        let sql = "UPDATE request SET answer = ?2, reason = ?3, answered = ?4 WHERE id = ?1 AND answer IS NULL";
        if self.db().execute(sql, params![id, answer.code(), reason.trim(), now])? == 0 {
            return Err(Error::Refused("this request was answered before"));
        }
        let mut unwritten = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = unwritten.iter().position(|(of, _)| *of == id).map(|at| unwritten.swap_remove(at).1);
        drop(unwritten);
        self.changed();
        Ok(row.name.or(kept))
    }

    pub(super) fn forget_requests(&self, now: i64) -> Result<usize, Error> {
        let sql = "DELETE FROM request WHERE answer IS NULL AND created < ?1 OR answered < ?2";
        let gone = self.db().execute(sql, params![now - WAITS_SECS, now - KEPT_SECS])?;
        if gone > 0 {
            let left: Vec<i64> = self.requests(None)?.into_iter().map(|row| row.id).collect();
            self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).retain(|(id, _)| left.contains(id));
        }
        Ok(gone)
    }
}

fn request(row: &Row<'_>) -> rusqlite::Result<RequestRow> {
    let kind: String = row.get(2)?;
    Ok(RequestRow {
        id: row.get(0)?,
        profile: row.get(1)?,
        kind: if kind == "ask" { Kind::Ask } else { Kind::Wrong },
        name: row.get(3)?,
        category: row.get(4)?,
        note: row.get(5)?,
        created: row.get(6)?,
        answer: row.get(7)?,
        reason: row.get(8)?,
        answered: row.get(9)?,
    })
}
