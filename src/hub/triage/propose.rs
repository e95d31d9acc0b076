//! The desk's proposals as a file for both authorities: everything that stands as proposed or listed, and nothing else. The
//! file follows from the desk's memory alone, so writing it again repairs it, and what is withdrawn is gone from it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::classify::Category;
use crate::hub::database::{Row, Value};
use crate::hub::triage::store::{Store, TriageError};
use crate::lists::store::write_aside;
use crate::lists::trust::update::digest_of;

/// Name of the file in a folder of proposals.
pub const FILE: &str = "triage.toml";

/// Days a proposal holds: what the reader of proposals allows at most.
const DAYS: i32 = 180;
const DAYS_SHORT: i32 = 30;

/// Until when a proposal of that moment holds, seconds since 1970: the end of its last day.
pub fn holds_until(category: Category, proposed_at: i64) -> i64 {
    let days = if matches!(category, Category::PhishingScam | Category::Malware) { DAYS_SHORT } else { DAYS };
    (proposed_at / 86_400 + i64::from(days) + 1) * 86_400
}

/// Writes the file, where it is not so already; how many proposals it holds.
pub fn write(store: &Store, folder: &Path) -> Result<usize, TriageError> {
    let (text, count) = text(store)?;
    let path = folder.join(FILE);
    if fs::read_to_string(&path).is_ok_and(|kept| kept == text) {
        return Ok(count);
    }
    let failed = |error: io::Error| TriageError::File { path: path.display().to_string(), error };
    write_aside(&path, text.as_bytes()).map_err(failed)?;
    Ok(count)
}

fn text(store: &Store) -> Result<(String, usize), TriageError> {
    let question = "SELECT s.name, s.category, t.at, t.evidence FROM triage_state s JOIN triage_step t \
                    ON t.name = s.name AND t.category = s.category \
                    WHERE s.state IN ('proposed', 'listed') AND t.id = (SELECT MAX(id) FROM triage_step l \
                    WHERE l.name = s.name AND l.category = s.category AND l.step = 'propose') \
                    ORDER BY s.name, s.category";
    let rows = store.database.query(question, &[])?;
    let mut text = "schema = \"proposals/1\"\n".to_string();
    let mut count = 0;
    for one in rows.iter().filter_map(one) {
        text.push_str(&one);
        count += 1;
    }
    Ok((text, count))
}

/// One entry of the file. Names hold letters, digits, dots and hyphens alone.
fn one(row: &Row) -> Option<String> {
    let (name, category) = (row.first()?.text()?, Category::from_code(row.get(1)?.text()?)?);
    let (at, evidence) = (row.get(2)?.int()?, row.get(3)?.text()?);
    let issued = TimeZone::UTC.to_datetime(Timestamp::from_second(at).ok()?).date();
    let days = if matches!(category, Category::PhishingScam | Category::Malware) { DAYS_SHORT } else { DAYS };
    let expires = issued.checked_add(days.days()).ok()?;
    let mut text = String::new();
    // Writing into a string does not fail.
    let _ = write!(
        text,
        "\n[[proposal]]\nname = \"{name}\"\nmatch = \"suffix\"\ncategory = \"{}\"\nreason = \"indicator\"\n\
         evidence = \"sha256:{}\"\nproposer = \"triage\"\nissued = \"{issued}\"\nexpires = \"{expires}\"\n",
        category.code(),
        digest_of(evidence.as_bytes()),
    );
    Some(text)
}

/// When the proposal that stands was made, and until when it holds; `None` where there was none.
pub fn term(store: &Store, name: &str, category: Category) -> Result<Option<(i64, i64)>, TriageError> {
    let question =
        "SELECT at FROM triage_step WHERE name = $1 AND category = $2 AND step = 'propose' ORDER BY id DESC LIMIT 1";
    let rows = store.database.query(question, &[name.into(), category.code().into()])?;
    let at = rows.first().and_then(|row| row.first()).and_then(Value::int);
    Ok(at.map(|at| (at, holds_until(category, at))))
}
