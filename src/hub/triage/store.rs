//! The desk's memory: candidates with their states, and steps, which are taken whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::classify::Category;
use crate::hub::database::{Database, DatabaseError, Row, Transaction, Value};
use crate::hub::triage::audit;
use crate::hub::triage::candidate::{COLUMNS, Candidate, gather};
use crate::hub::triage::schema;
use crate::hub::triage::state::{Reason, Role, State, Step};
use crate::judge::HelpSet;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum TriageError {
    /// Where it is kept.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// It may not be done; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// Nobody reported it, or it may not be reported.
    #[error("there is no such candidate")]
    NoSuch,
    /// Signing in has to wait so many seconds.
    #[error("too many tries; the next one is heard in {0} s")]
    Wait(u64),
    /// The system has no randomness, or a password could not be hashed.
    #[error("cryptography: {0}")]
    Crypto(&'static str),
    /// A file.
    #[error("{path}: {error}")]
    File {
        /// Which.
        path: String,
        /// What the system said.
        error: std::io::Error,
    },
}

/// Candidates and what was done with them.
pub struct Store {
    /// Where it all lies.
    pub database: Database,
}

/// A step that somebody takes.
#[derive(Debug, Clone, Copy)]
pub struct Taking<'a> {
    /// Of the candidate.
    pub name: &'a str,
    /// Of the candidate.
    pub category: Category,
    /// What is done.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// More about it, at most [`NOTE_MAX`] characters. Never about a person.
    pub note: &'a str,
    /// Who.
    pub account: &'a str,
    /// As what.
    pub role: Role,
    /// What was known then, kept with a proposal.
    pub evidence: &'a str,
    /// Seconds since 1970.
    pub now: i64,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// What was done.
    pub step: Step,
    /// Why.
    pub reason: String,
    /// More about it.
    pub note: String,
    /// Who.
    pub account: String,
    /// As what.
    pub role: String,
    /// Seconds since 1970.
    pub at: i64,
    /// What was known then.
    pub evidence: String,
}

/// Characters of a note.
pub const NOTE_MAX: usize = 500;
/// Rows of counts that are looked at, the newest: more than three hundred new names a day for a year.
const ROWS_MAX: u32 = 120_000;

impl Store {
    /// Opens the place (see [`Database::open`]) and makes the tables that are missing.
    pub fn open(place: &str) -> Result<Store, TriageError> {
        let database = Database::open(place)?;
        schema::create(&database)?;
        Ok(Store { database })
    }

    /// All candidates, by name and category.
    pub fn candidates(&self, help: &HelpSet) -> Result<Vec<Candidate>, TriageError> {
        let question = format!("SELECT {COLUMNS} FROM indicators ORDER BY at DESC LIMIT $1");
        let mut all = gather(&self.database.query(&question, &[Value::from(ROWS_MAX)])?, help);
        let states = self.database.query("SELECT name, category, state, changed FROM triage_state", &[])?;
        for row in &states {
            let Some((key, state, changed)) = stood(row) else { continue };
            if let Some(one) = all.get_mut(&key) {
                (one.state, one.changed) = (state, changed);
            }
        }
        Ok(all.into_values().collect())
    }

    /// One candidate.
    pub fn candidate(&self, name: &str, category: Category, help: &HelpSet) -> Result<Candidate, TriageError> {
        let question = format!("SELECT {COLUMNS} FROM indicators WHERE name = $1 AND category = $2");
        let rows = self.database.query(&question, &[name.into(), category.code().into()])?;
        let found: BTreeMap<_, _> = gather(&rows, help);
        let mut one = found.into_values().next().ok_or(TriageError::NoSuch)?;
        self.database.transact(|open| {
            (one.state, one.changed) = state_of(open, name, category)?;
            Ok::<_, TriageError>(())
        })?;
        Ok(one)
    }

    /// What was done with a candidate, oldest first.
    pub fn history(&self, name: &str, category: Category) -> Result<Vec<Taken>, TriageError> {
        let question = "SELECT step, reason, note, account, role, at, evidence FROM triage_step \
                        WHERE name = $1 AND category = $2 ORDER BY id";
        let rows = self.database.query(question, &[name.into(), category.code().into()])?;
        Ok(rows.iter().filter_map(taken).collect())
    }

    /// Names that were handed to a hotline, in whatever category, and not looked at again since.
    pub fn handed_over(&self) -> Result<BTreeSet<String>, TriageError> {
        let question = "SELECT t.name FROM triage_step t WHERE t.reason = 'hotline' AND t.id = (SELECT MAX(l.id) \
                        FROM triage_step l WHERE l.name = t.name AND l.category = t.category)";
        let rows = self.database.query(question, &[])?;
        Ok(rows.iter().filter_map(|row| row.first()?.text().map(str::to_string)).collect())
    }

    /// Takes a step, or says why not. The candidate has to exist; whoever calls has looked it up.
    pub fn take(&self, taking: &Taking<'_>) -> Result<State, TriageError> {
        let note = taking.note.trim();
        if note.chars().count() > NOTE_MAX || note.chars().any(|letter| letter.is_control() && letter != '\n') {
            return Err(TriageError::Refused(format!("a note has at most {NOTE_MAX} characters")));
        }
        self.database.transact(|open| {
            let (from, changed) = state_of(open, taking.name, taking.category)?;
            let rule = taking.step.rule();
            if let Some(against) = rule.against(from, taking.role, taking.reason) {
                return Err(TriageError::Refused(against));
            }
            if taking.step == Step::Propose && last_verified_by(open, taking)?.as_deref() == Some(taking.account) {
                return Err(TriageError::Refused("four eyes: who verified it does not propose it".into()));
            }
            // A clock that was set back does not make what is newer older.
            let at = taking.now.max(changed + 1);
            stand(open, taking, (from, changed), (rule.to, at))?;
            write_down(open, taking, note, at)?;
            Ok(rule.to)
        })
    }
}

/// Puts the new state in the place of the one that was read; another desk may have been faster.
fn stand(
    open: &mut Transaction<'_>,
    taking: &Taking<'_>,
    (from, before): (State, i64),
    (to, at): (State, i64),
) -> Result<(), TriageError> {
    let (name, category) = (Value::from(taking.name), Value::from(taking.category.code()));
    let (new, at) = (Value::from(to.code()), Value::Int(at));
    let changed = if before == 0 {
        let insert = "INSERT INTO triage_state (name, category, state, changed) VALUES ($1, $2, $3, $4) \
                      ON CONFLICT DO NOTHING";
        open.execute(insert, &[name, category, new, at])?
    } else {
        // SQLite numbers places by where they first stand.
        let update = "UPDATE triage_state SET state = $1, changed = $2 \
                      WHERE name = $3 AND category = $4 AND state = $5 AND changed = $6";
        open.execute(update, &[new, at, name, category, from.code().into(), Value::Int(before)])?
    };
    if changed == 1 {
        return Ok(());
    }
    Err(TriageError::Refused("somebody else was faster; look at it again".into()))
}

fn write_down(open: &mut Transaction<'_>, taking: &Taking<'_>, note: &str, at: i64) -> Result<(), TriageError> {
    let last = open.query("SELECT COALESCE(MAX(id), 0) FROM triage_step", &[])?;
    let id = last.first().and_then(|row| row.first()).and_then(Value::int).unwrap_or(0) + 1;
    let values = [
        Value::Int(id),
        taking.name.into(),
        taking.category.code().into(),
        taking.step.code().into(),
        taking.account.into(),
        taking.role.code().into(),
        taking.reason.code().into(),
        note.into(),
        taking.evidence.into(),
        Value::Int(at),
    ];
    let insert = "INSERT INTO triage_step (id, name, category, step, account, role, reason, note, evidence, at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    open.execute(insert, &values)?;
    let detail = format!("{} {} {} {note}", taking.name, taking.category.code(), taking.reason.code());
    audit::append(open, at, taking.account, taking.step.code(), detail.trim())?;
    Ok(())
}

fn state_of(open: &mut Transaction<'_>, name: &str, category: Category) -> Result<(State, i64), TriageError> {
    let question = "SELECT name, category, state, changed FROM triage_state WHERE name = $1 AND category = $2";
    let rows = open.query(question, &[name.into(), category.code().into()])?;
    Ok(rows.first().and_then(stood).map_or((State::New, 0), |(_, state, changed)| (state, changed)))
}

fn last_verified_by(open: &mut Transaction<'_>, taking: &Taking<'_>) -> Result<Option<String>, TriageError> {
    let question = "SELECT account FROM triage_step WHERE name = $1 AND category = $2 AND step = 'verify' \
                    ORDER BY id DESC LIMIT 1";
    let rows = open.query(question, &[taking.name.into(), taking.category.code().into()])?;
    Ok(rows.first().and_then(|row| row.first()).and_then(Value::text).map(str::to_string))
}

/// A row of `triage_state`.
fn stood(row: &Row) -> Option<((String, Category), State, i64)> {
    let text = |at: usize| row.get(at).and_then(Value::text);
    let key = (text(0)?.to_string(), Category::from_code(text(1)?)?);
    Some((key, State::from_code(text(2)?)?, row.get(3)?.int()?))
}

fn taken(row: &Row) -> Option<Taken> {
    let text = |at: usize| row.get(at).and_then(Value::text).map(str::to_string);
    Some(Taken {
        step: Step::from_code(&text(0)?)?,
        reason: text(1)?,
        note: text(2)?,
        account: text(3)?,
        role: text(4)?,
        at: row.get(5)?.int()?,
        evidence: text(6)?,
    })
}
