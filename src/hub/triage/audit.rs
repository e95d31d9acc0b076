//! What was done at the desk, in a chain: each row's digest covers the row before it, so that nothing can be changed or taken
//! out in the middle without notice. That the end was not cut off is seen by a digest somebody noted elsewhere.

use aws_lc_rs::digest::{Context, SHA256};

use crate::hub::database::{Database, DatabaseError, Row, Transaction, Value};
use crate::lists::compile::hex;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number, from 1.
    pub id: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// Who.
    pub account: String,
    /// What, as a code.
    pub deed: String,
    /// About what.
    pub detail: String,
    /// Of the row before; zeros for the first.
    pub previous: Vec<u8>,
    /// Of this row.
    pub digest: Vec<u8>,
}

/// Why the chain does not hold.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Where it is kept.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A row that was changed, or one that is missing before it.
    #[error("the record does not hold from row {0} on: it was changed, or a row before it is missing")]
    Broken(i64),
    /// What was noted is not in it.
    #[error("no row has the digest {0}: rows at the end were taken away")]
    Cut(String),
}

const COLUMNS: &str = "id, at, account, deed, detail, previous, digest";

/// Writes down a deed, in the transaction in which it is done.
pub fn append(
    open: &mut Transaction<'_>,
    at: i64,
    account: &str,
    deed: &str,
    detail: &str,
) -> Result<(), DatabaseError> {
    let last = open.query("SELECT id, digest FROM triage_audit ORDER BY id DESC LIMIT 1", &[])?;
    let last = last.first();
    let id = last.and_then(|row| row.first()).and_then(Value::int).unwrap_or(0) + 1;
    let previous = last.and_then(|row| row.get(1)).and_then(Value::octets).map_or_else(|| vec![0; 32], <[u8]>::to_vec);
    let mut entry = Entry {
        id,
        at,
        account: account.into(),
        deed: deed.into(),
        detail: detail.into(),
        previous,
        digest: Vec::new(),
    };
    entry.digest = digest_of(&entry);
    let values = [
        Value::Int(entry.id),
        Value::Int(entry.at),
        entry.account.as_str().into(),
        entry.deed.as_str().into(),
        entry.detail.as_str().into(),
        entry.previous.as_slice().into(),
        entry.digest.as_slice().into(),
    ];
    open.execute(&format!("INSERT INTO triage_audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)"), &values)?;
    Ok(())
}

/// The newest rows, newest first.
pub fn newest(database: &Database, most: u32) -> Result<Vec<Entry>, DatabaseError> {
    let rows = database
        .query(&format!("SELECT {COLUMNS} FROM triage_audit ORDER BY id DESC LIMIT $1"), &[Value::from(most)])?;
    rows.iter().map(entry).collect()
}

/// Goes through all rows; how many there are, and the digest of the last. `noted`: a digest that has to be among them.
pub fn verify(database: &Database, noted: Option<&str>) -> Result<(i64, String), AuditError> {
    const PIECE: i64 = 1000;
    let question = format!("SELECT {COLUMNS} FROM triage_audit WHERE id > $1 ORDER BY id LIMIT $2");
    let (mut count, mut previous, mut is_noted) = (0_i64, vec![0; 32], noted.is_none());
    loop {
        let rows = database.query(&question, &[Value::Int(count), Value::Int(PIECE)])?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let entry = entry(row)?;
            if entry.id != count + 1 || entry.previous != previous || entry.digest != digest_of(&entry) {
                return Err(AuditError::Broken(count + 1));
            }
            count = entry.id;
            is_noted |= noted.is_some_and(|noted| noted.eq_ignore_ascii_case(&hex(&entry.digest)));
            previous = entry.digest;
        }
    }
    if !is_noted {
        return Err(AuditError::Cut(noted.unwrap_or_default().into()));
    }
    Ok((count, hex(&previous)))
}

fn entry(row: &Row) -> Result<Entry, DatabaseError> {
    let text = |at: usize| row.get(at).and_then(Value::text).map(str::to_string).ok_or(DatabaseError::Column);
    let int = |at: usize| row.get(at).and_then(Value::int).ok_or(DatabaseError::Column);
    let octets = |at: usize| row.get(at).and_then(Value::octets).map(<[u8]>::to_vec).ok_or(DatabaseError::Column);
    Ok(Entry {
        id: int(0)?,
        at: int(1)?,
        account: text(2)?,
        deed: text(3)?,
        detail: text(4)?,
        previous: octets(5)?,
        digest: octets(6)?,
    })
}

/// SHA-256 over the digest before, the numbers, and each text behind its length.
fn digest_of(entry: &Entry) -> Vec<u8> {
    let mut context = Context::new(&SHA256);
    context.update(&entry.previous);
    context.update(&entry.id.to_be_bytes());
    context.update(&entry.at.to_be_bytes());
    for text in [&entry.account, &entry.deed, &entry.detail] {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().to_vec()
}
