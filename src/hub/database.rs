//! Where the central side keeps what it must not lose: SQLite in one file, or PostgreSQL. One text of SQL for both: places are
//! `$1`, numbers BIGINT, octets BYTEA, words TEXT. Every call waits for the disk, and makes room for others while it does
//! (`block_in_place`: in asynchronous code a runtime with several threads).

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio::task::block_in_place;

/// Why nothing was read or written.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// SQLite.
    #[error("the hub's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL. The source says more than the error itself.
    #[error("PostgreSQL: {}", said(.0))]
    Postgres(#[from] postgres::Error),
    /// It was closed.
    #[error("the connection to the database is closed")]
    Closed,
    /// A column of a type that is not used here.
    #[error("a column of a type the hub does not use")]
    Column,
}

/// One value, as it goes in and comes out.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// BIGINT.
    Int(i64),
    /// DOUBLE PRECISION.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Octets(Vec<u8>),
}

/// A row, in the order of the question.
pub type Row = Vec<Value>;

/// An open database. One connection: the hub's work is arithmetic, not waiting for a disk.
pub struct Database(Mutex<Connection>);

enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres { client: Client, options: String },
}

/// PostgreSQL's client drives a runtime of its own, which no other may wait for, not even when it is dropped.
struct Client(Option<Box<postgres::Client>>);

impl Client {
    fn get(&mut self) -> Result<&mut postgres::Client, DatabaseError> {
        self.0.as_deref_mut().ok_or(DatabaseError::Closed)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        block_in_place(|| drop(self.0.take()));
    }
}

/// What is done as a whole or not at all. Dropped without [`Transaction::commit`], nothing was done.
pub struct Transaction<'a>(Open<'a>);

enum Open<'a> {
    Sqlite(rusqlite::Transaction<'a>),
    Postgres(postgres::Transaction<'a>),
}

impl Database {
    /// `postgres://…` or `host=…` is PostgreSQL; everything else a file of SQLite, which is made where it is missing.
    pub fn open(place: &str) -> Result<Database, DatabaseError> {
        let is_postgres = ["postgres://", "postgresql://", "host="].iter().any(|head| place.starts_with(head));
        let open = || if is_postgres { Connection::postgres(place) } else { Connection::sqlite(Path::new(place)) };
        Ok(Database(Mutex::new(block_in_place(open)?)))
    }

    /// Several statements without values, as `CREATE TABLE IF NOT EXISTS`.
    pub fn define(&self, statements: &str) -> Result<(), DatabaseError> {
        block_in_place(|| match &mut *self.connection()? {
            Connection::Sqlite(sqlite) => Ok(sqlite.execute_batch(statements)?),
            Connection::Postgres { client, .. } => Ok(client.get()?.batch_execute(statements)?),
        })
    }

    /// One statement; how many rows it changed.
    pub fn execute(&self, statement: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        self.transact(|open| open.execute(statement, values))
    }

    /// All rows of an answer.
    pub fn query(&self, question: &str, values: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        self.transact(|open| open.query(question, values))
    }

    /// All that `work` does, or nothing when it ends in `Err`.
    pub fn transact<T, E: From<DatabaseError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        block_in_place(|| self.transact_here(work))
    }

    fn transact_here<T, E: From<DatabaseError>>(
        &self,
        work: impl FnOnce(&mut Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut connection = self.connection().map_err(E::from)?;
        let mut open = Transaction(match &mut *connection {
            Connection::Sqlite(sqlite) => {
                let behavior = rusqlite::TransactionBehavior::Immediate;
                let begun = sqlite.transaction_with_behavior(behavior);
                Open::Sqlite(begun.map_err(DatabaseError::from)?)
            }
            Connection::Postgres { client, .. } => {
                Open::Postgres(client.get()?.transaction().map_err(DatabaseError::from)?)
            }
        });
        let done = work(&mut open)?;
        match open.0 {
            Open::Sqlite(sqlite) => sqlite.commit().map_err(DatabaseError::from)?,
            Open::Postgres(postgres) => postgres.commit().map_err(DatabaseError::from)?,
        }
        Ok(done)
    }

    /// What was deleted leaves the disk now: out of SQLite's log of changes too. PostgreSQL does so by itself.
    pub fn settle(&self) -> Result<(), DatabaseError> {
        block_in_place(|| {
            if let Connection::Sqlite(sqlite) = &*self.connection()? {
                sqlite.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
            Ok(())
        })
    }

    /// The connection; one that was lost is made anew.
    fn connection(&self) -> Result<MutexGuard<'_, Connection>, DatabaseError> {
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Connection::Postgres { client, options } = &*connection
            && client.0.as_ref().is_none_or(|client| client.is_closed())
        {
            let options = options.clone();
            *connection = Connection::postgres(&options)?;
        }
        Ok(connection)
    }
}

impl Connection {
    fn sqlite(path: &Path) -> Result<Connection, DatabaseError> {
        let sqlite = rusqlite::Connection::open(path)?;
        sqlite.busy_timeout(Duration::from_secs(5))?;
        // What is deleted is written over, in the log of changes too.
        sqlite.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; \
             PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;",
        )?;
        Ok(Connection::Sqlite(sqlite))
    }

    fn postgres(options: &str) -> Result<Connection, DatabaseError> {
        let client = Client(Some(Box::new(postgres::Client::connect(options, postgres::NoTls)?)));
        Ok(Connection::Postgres { client, options: options.into() })
    }
}

impl Transaction<'_> {
    /// One statement; how many rows it changed.
    pub fn execute(&mut self, statement: &str, values: &[Value]) -> Result<u64, DatabaseError> {
        match &mut self.0 {
            Open::Sqlite(sqlite) => {
                let mut statement = sqlite.prepare_cached(&numbered(statement))?;
                Ok(statement.execute(rusqlite::params_from_iter(values))? as u64)
            }
            Open::Postgres(postgres) => Ok(postgres.execute(statement, &borrowed(values))?),
        }
    }

    /// All rows of an answer.
    pub fn query(&mut self, question: &str, values: &[Value]) -> Result<Vec<Row>, DatabaseError> {
        match &mut self.0 {
            Open::Sqlite(sqlite) => {
                let mut statement = sqlite.prepare_cached(&numbered(question))?;
                let columns = statement.column_count();
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                let mut all = Vec::new();
                while let Some(row) = rows.next()? {
                    let value = |at| row.get_ref(at).map_err(DatabaseError::from).and_then(Value::of_sqlite);
                    all.push((0..columns).map(value).collect::<Result<Row, DatabaseError>>()?);
                }
                Ok(all)
            }
            Open::Postgres(postgres) => {
                let rows = postgres.query(question, &borrowed(values))?;
                let row = |row: &postgres::Row| (0..row.len()).map(|at| Ok(row.try_get(at)?)).collect();
                rows.iter().map(row).collect()
            }
        }
    }
}

/// SQLite counts `$1` as a name, by where it first stands; `?1` is a number to it.
fn numbered(statement: &str) -> String {
    statement.replace('$', "?")
}

fn borrowed(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl Value {
    /// The number, where it is one.
    pub fn int(&self) -> Option<i64> {
        if let Value::Int(number) = self { Some(*number) } else { None }
    }

    /// The number, where it is one of either kind.
    #[allow(clippy::cast_precision_loss, reason = "counts of households")]
    pub fn real(&self) -> Option<f64> {
        match self {
            Value::Real(number) => Some(*number),
            Value::Int(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// The words, where they are.
    pub fn text(&self) -> Option<&str> {
        if let Value::Text(text) = self { Some(text) } else { None }
    }

    /// The octets, where they are.
    pub fn octets(&self) -> Option<&[u8]> {
        if let Value::Octets(octets) = self { Some(octets) } else { None }
    }

    fn of_sqlite(value: ValueRef<'_>) -> Result<Value, DatabaseError> {
        Ok(match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Real(number) => Value::Real(number),
            ValueRef::Text(text) => Value::Text(String::from_utf8(text.to_vec()).map_err(|_| DatabaseError::Column)?),
            ValueRef::Blob(octets) => Value::Octets(octets.to_vec()),
        })
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Value {
        Value::Int(i64::from(number))
    }
}

/// What does not fit (no count or time of ours) is the largest there is.
impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Real(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.into())
    }
}

impl From<&[u8]> for Value {
    fn from(octets: &[u8]) -> Value {
        Value::Octets(octets.to_vec())
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(number) => ValueRef::Integer(*number),
            Value::Real(number) => ValueRef::Real(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Octets(octets) => ValueRef::Blob(octets),
        }))
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut bytes::BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) => number.to_sql(kind, out),
            Value::Real(number) => number.to_sql(kind, out),
            Value::Text(text) => text.to_sql(kind, out),
            Value::Octets(octets) => octets.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT, Type::BYTEA].contains(kind)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, octets: &'a [u8]) -> Result<Value, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *kind {
            Type::INT8 => Value::Int(i64::from_sql(kind, octets)?),
            Type::FLOAT8 => Value::Real(f64::from_sql(kind, octets)?),
            Type::BYTEA => Value::Octets(octets.to_vec()),
            _ => Value::Text(String::from_sql(kind, octets)?),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Value, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(kind: &Type) -> bool {
        <Value as ToSql>::accepts(kind)
    }
}

fn said(error: &postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_in_comes_out_and_half_a_change_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path().join("hub.db").to_str().unwrap()).unwrap();
        database.define("CREATE TABLE t (n BIGINT PRIMARY KEY, r DOUBLE PRECISION, w TEXT, o BYTEA)").unwrap();
        let row = vec![Value::Int(7), Value::Real(0.5), "tre".into(), Value::Octets(vec![0, 255])];
        let insert = "INSERT INTO t VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
        assert_eq!(database.execute(insert, &row).unwrap(), 1);
        assert_eq!(database.execute(insert, &row).unwrap(), 0);
        let swapped = "UPDATE t SET r = $2 WHERE n = $1";
        assert_eq!(database.execute(swapped, &[Value::Int(7), Value::Real(0.5)]).unwrap(), 1, "by number");
        let failed: Result<(), DatabaseError> = database.transact(|open| {
            open.execute("DELETE FROM t", &[])?;
            Err(DatabaseError::Column)
        });
        assert!(failed.is_err());
        assert_eq!(database.query("SELECT n, r, w, o FROM t WHERE n = $1", &[Value::Int(7)]).unwrap(), [row]);
    }
}
