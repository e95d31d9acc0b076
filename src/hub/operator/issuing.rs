//! The provider: signs tokens unseen for lines it knows, so many a line and week. What it remembers of a line is a keyed digest and
//! a number, and goes two weeks later.

use std::sync::Arc;

use aws_lc_rs::hmac;
use bytes::Bytes;
use rand::Rng as _;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::metrics::Metrics;
use super::serve::{Answer, Asked, ServeError};
use crate::hub::collect::issue::{Allowance, Issuer, PER_LINE};
use crate::hub::database::{Database, DatabaseError, Value};
use crate::hub::line::line_of;
use crate::report::calendar::Calendar;
use crate::report::message::Lane;
use crate::report::token::REQUEST_LEN;

/// Octets of the longest request: all tokens of a week.
pub const MESSAGE_MAX: usize = PER_LINE as usize * REQUEST_LEN;
/// What is kept of lines.
pub const TABLES: &str =
    "CREATE TABLE IF NOT EXISTS allowances (week BIGINT, line BYTEA, given BIGINT NOT NULL, PRIMARY KEY (week, line))";
/// Signing takes a core for a millisecond or two; more at once would only wait.
const SIGNING_MAX: usize = 8;

/// A provider.
pub struct Issuing {
    issuer: Arc<Issuer>,
    database: Arc<Database>,
    calendar: Calendar,
    /// What lines are digested with.
    key: hmac::Key,
    places: Semaphore,
    metrics: Arc<Metrics>,
}

impl Issuing {
    /// With that key and database.
    pub fn new(issuer: Issuer, place: &str, calendar: Calendar, metrics: Arc<Metrics>) -> Result<Issuing, ServeError> {
        let database = Database::open(place)?;
        database.define(TABLES)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret(&database)?);
        let (issuer, database) = (Arc::new(issuer), Arc::new(database));
        Ok(Issuing { issuer, database, calendar, key, places: Semaphore::new(SIGNING_MAX), metrics })
    }

    /// Requests in a row; signatures in the same order, or nothing.
    pub async fn answer(&self, asked: Asked, now: u64) -> (&'static str, Answer) {
        if asked.path != "/tokens" {
            return ("other", Answer::status(404));
        }
        let count = asked.body.len() / REQUEST_LEN;
        if count == 0 || !asked.body.len().is_multiple_of(REQUEST_LEN) || asked.body.len() > MESSAGE_MAX {
            return ("tokens", Answer::status(400));
        }
        let line = hmac::sign(&self.key, line_of(asked.line).to_string().as_bytes()).as_ref().to_vec();
        let week = self.calendar.epoch(Lane::Harm, now);
        let Ok(_place) = self.places.acquire().await else { return ("tokens", Answer::status(503)) };
        let (issuer, database) = (Arc::clone(&self.issuer), Arc::clone(&self.database));
        let signed = spawn_blocking(move || {
            if !take(&database, week, &line, count)? {
                return Ok(None);
            }
            let signed = sign(&issuer, &asked.body);
            if signed.is_none() {
                give_back(&database, week, &line, count)?;
            }
            Ok::<_, DatabaseError>(Some(signed))
        });
        let answer = match signed.await {
            Ok(Ok(Some(Some(octets)))) => {
                self.metrics.tokens("signed", count as u64);
                Answer::new(200, "application/private-token-response", octets.into())
            }
            Ok(Ok(Some(None))) => Answer::status(400),
            Ok(Ok(None)) => {
                self.metrics.tokens("refused", count as u64);
                Answer::status(429)
            }
            Ok(Err(error)) => {
                tracing::error!("{error}");
                Answer::status(503)
            }
            Err(_) => Answer::status(503),
        };
        ("tokens", answer)
    }

    /// How long its days are.
    pub fn calendar(&self) -> Calendar {
        self.calendar
    }

    /// Whether its database answers.
    pub fn is_well(&self) -> bool {
        self.database.query("SELECT week FROM allowances WHERE week = -1", &[]).is_ok()
    }

    /// Forgets weeks before the last.
    pub fn forget(&self, now: u64) -> Result<(), DatabaseError> {
        let week = self.calendar.epoch(Lane::Harm, now).saturating_sub(1);
        self.database.execute("DELETE FROM allowances WHERE week >= 0 AND week < $1", &[week.into()])?;
        self.database.settle()
    }
}

/// Takes so many of a line's week, all or none.
fn take(database: &Database, week: u32, line: &[u8], count: usize) -> Result<bool, DatabaseError> {
    let count = count as u64;
    database.transact(|open| {
        open.execute(
            "INSERT INTO allowances (week, line, given) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING",
            &[week.into(), line.into()],
        )?;
        let most = u64::from(PER_LINE).saturating_sub(count);
        let taken = open.execute(
            "UPDATE allowances SET given = given + $3 WHERE week = $1 AND line = $2 AND given <= $4",
            &[week.into(), line.into(), count.into(), most.into()],
        )?;
        Ok(taken == 1)
    })
}

fn give_back(database: &Database, week: u32, line: &[u8], count: usize) -> Result<(), DatabaseError> {
    let values = [week.into(), line.into(), (count as u64).into()];
    database.execute("UPDATE allowances SET given = given - $3 WHERE week = $1 AND line = $2", &values).map(drop)
}

fn sign(issuer: &Issuer, requests: &Bytes) -> Option<Vec<u8>> {
    let mut signed = Vec::new();
    for request in requests.chunks(REQUEST_LEN) {
        let one = issuer.sign(request, &mut Allowance::default(), &mut rand::rng()).ok()?;
        signed.extend(one);
    }
    Some(signed)
}

/// What lines are digested with: drawn once, kept beside the digests, since a restart must not give a line its week again. Whoever
/// has the disk can try all addresses; the provider knows its lines anyway.
fn secret(database: &Database) -> Result<Vec<u8>, DatabaseError> {
    let mut drawn = [0; 32];
    rand::rng().fill_bytes(&mut drawn);
    let find = |database: &Database| {
        let rows = database.query("SELECT line FROM allowances WHERE week = -1", &[])?;
        Ok::<_, DatabaseError>(rows.first().and_then(|row| row.first()?.octets().map(<[u8]>::to_vec)))
    };
    if let Some(kept) = find(database)? {
        return Ok(kept);
    }
    let values = [Value::Int(-1), Value::from(drawn.as_slice())];
    database.execute("INSERT INTO allowances (week, line, given) VALUES ($1, $2, 0)", &values)?;
    Ok(drawn.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_week_and_no_more_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("issuer.db");
        let open = || {
            let database = Database::open(place.to_str().unwrap()).unwrap();
            database.define(TABLES).unwrap();
            database
        };
        let (database, week) = (open(), 7);
        let before = secret(&database).unwrap();
        assert!(take(&database, week, b"one", 60).unwrap());
        assert!(!take(&database, week, b"one", 2).unwrap(), "all or none");
        assert!(take(&database, week, b"two", 61).unwrap() && take(&database, week + 1, b"one", 61).unwrap());
        drop(database);
        let database = open();
        assert_eq!(secret(&database).unwrap(), before);
        assert!(take(&database, week, b"one", 1).unwrap() && !take(&database, week, b"one", 1).unwrap());
        give_back(&database, week, b"one", 1).unwrap();
        assert!(take(&database, week, b"one", 1).unwrap());
    }
}
