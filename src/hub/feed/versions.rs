//! What was said to others, kept version by version: each has a moment at which it was added that no other has and that only
//! grows, whatever the clock does. So nobody who fetches what is new ever misses something.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::hub::database::{Database, DatabaseError, Row, Transaction, Value};
use crate::hub::feed::stix::{Object, millis};
use crate::hub::triage::store::TriageError;
use crate::lists::trust::update::digest_of;

/// One version of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// Microseconds since 1970.
    pub added: i64,
    /// Of the object.
    pub id: String,
    /// What it says, whole.
    pub object: Json,
}

impl Version {
    /// What TAXII calls the version: `modified`, else `created`, else when it was added.
    pub fn name(&self) -> String {
        let field = |name: &str| self.object.get(name).and_then(Json::as_str).map(str::to_string);
        field("modified").or_else(|| field("created")).unwrap_or_else(|| super::stix::micros(self.added))
    }

    /// `indicator`, `sighting` …
    pub fn kind(&self) -> &str {
        self.id.split_once("--").map_or("", |(kind, _)| kind)
    }
}

/// What is remembered of the newest version of an object.
struct Newest {
    modified: i64,
    created: String,
    digest: String,
}

/// Adds a version of each object that says something new, and forgets every version of what is `gone`; how many were added.
/// `now`: seconds since 1970.
pub fn publish(database: &Database, objects: &[Object], gone: &[String], now: i64) -> Result<u64, TriageError> {
    database.transact(|open| {
        for id in gone {
            open.execute("DELETE FROM feed_object WHERE id = $1", &[id.as_str().into()])?;
        }
        let newest = newest(open)?;
        let last = open.query("SELECT COALESCE(MAX(added), 0) FROM feed_object", &[])?;
        let mut added = last.first().and_then(|row| row.first()).and_then(Value::int).unwrap_or(0);
        let mut count = 0;
        for object in objects {
            let known = newest.get(&object.id);
            let digest = digest_of(object.body.to_string().as_bytes());
            if known.is_some_and(|known| known.digest == digest) || (known.is_none() && object.is_revoked) {
                continue;
            }
            added = (added + 1).max(now.saturating_mul(1_000_000));
            let modified = known.map_or(0, |known| known.modified + 1).max(now.saturating_mul(1000));
            let body = dated(object, modified, known.map(|known| known.created.as_str()));
            let values = [
                Value::Int(added),
                object.id.as_str().into(),
                Value::Int(modified),
                digest.as_str().into(),
                body.to_string().as_str().into(),
            ];
            let insert = "INSERT INTO feed_object (added, id, version, digest, object) VALUES ($1, $2, $3, $4, $5)";
            open.execute(insert, &values)?;
            count += 1;
        }
        Ok(count)
    })
}

/// The object with the moments at which it was first and last changed.
fn dated(object: &Object, modified: i64, created: Option<&str>) -> Json {
    let mut body = object.body.clone();
    if let (true, Some(map)) = (object.is_versioned, body.as_object_mut()) {
        let modified = millis(modified);
        map.insert("created".into(), created.unwrap_or(&modified).into());
        map.insert("modified".into(), modified.into());
    }
    body
}

fn newest(open: &mut Transaction<'_>) -> Result<BTreeMap<String, Newest>, DatabaseError> {
    let question = "SELECT id, version, digest, object FROM feed_object ORDER BY added";
    let mut newest = BTreeMap::new();
    for row in open.query(question, &[])? {
        let text = |at: usize| row.get(at).and_then(Value::text).map(str::to_string);
        let (Some(id), Some(digest), Some(object)) = (text(0), text(2), text(3)) else { continue };
        let object: Json = serde_json::from_str(&object).unwrap_or_default();
        let created = object.get("created").and_then(Json::as_str).unwrap_or_default().to_string();
        let modified = row.get(1).and_then(Value::int).unwrap_or(0);
        newest.insert(id, Newest { modified, created, digest });
    }
    Ok(newest)
}

/// All versions after a moment (microseconds), oldest first.
pub fn after(database: &Database, after: i64) -> Result<Vec<Version>, DatabaseError> {
    let question = "SELECT added, id, object FROM feed_object WHERE added > $1 ORDER BY added";
    let rows = database.query(question, &[Value::Int(after)])?;
    Ok(rows.iter().filter_map(version).collect())
}

/// All versions of an object, oldest first.
pub fn of(database: &Database, id: &str) -> Result<Vec<Version>, DatabaseError> {
    let question = "SELECT added, id, object FROM feed_object WHERE id = $1 ORDER BY added";
    let rows = database.query(question, &[id.into()])?;
    Ok(rows.iter().filter_map(version).collect())
}

fn version(row: &Row) -> Option<Version> {
    let object = serde_json::from_str(row.get(2)?.text()?).ok()?;
    Some(Version { added: row.first()?.int()?, id: row.get(1)?.text()?.to_string(), object })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::hub::triage::schema;

    fn object(says: &str, is_revoked: bool) -> Object {
        let id = "indicator--1".to_string();
        Object { body: json!({ "id": id, "says": says }), id, is_versioned: true, is_revoked }
    }

    #[test]
    fn versions_go_forward_even_where_the_clock_goes_back() {
        let database = Database::open(":memory:").unwrap();
        schema::create(&database).unwrap();
        let publish = |says: &str, now: i64| publish(&database, &[object(says, false)], &[], now).unwrap();
        assert_eq!(
            (publish("one", 2000), publish("one", 2001), publish("two", 1000), publish("three", 500)),
            (1, 0, 1, 1)
        );
        let all = after(&database, 0).unwrap();
        let names: Vec<String> = all.iter().map(Version::name).collect();
        assert!(all.windows(2).all(|two| two[0].added < two[1].added) && names.windows(2).all(|two| two[0] < two[1]));
        assert!(all.iter().all(|one| one.object["created"] == "1970-01-01T00:33:20.000Z"));
        assert_eq!(after(&database, all[1].added).unwrap(), all[2..]);
    }

    #[test]
    fn what_was_never_said_is_not_taken_back() {
        let database = Database::open(":memory:").unwrap();
        schema::create(&database).unwrap();
        assert_eq!(publish(&database, &[object("gone", true)], &[], 5).unwrap(), 0);
        publish(&database, &[object("here", false)], &[], 6).unwrap();
        assert_eq!(publish(&database, &[object("gone", true)], &[], 7).unwrap(), 1);
        publish(&database, &[], &["indicator--1".into()], 8).unwrap();
        assert_eq!(after(&database, 0).unwrap(), []);
    }
}
