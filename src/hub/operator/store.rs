//! What came, by epoch: each lane and epoch has tables of its own, so that forgetting is dropping. Insertions of many requests go
//! to the disk together; each is told what became of it only then.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use tokio::sync::oneshot;

use crate::hub::database::{Database, DatabaseError, Transaction};
use crate::report::message::Lane;

/// Insertions that may wait; over it the operator says that there is no room.
const WAITING_MAX: usize = 4096;
/// Insertions that go to the disk together.
const TOGETHER_MAX: usize = 512;

/// Why nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// Too much at once.
    #[error("too much at once")]
    Busy,
    /// Together with others it could not be written; the log says why.
    #[error("not written")]
    Refused,
}

/// What became of an insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// It is on disk.
    New,
    /// The same key was there, with this value.
    Known(Vec<u8>),
}

/// Kinds of tables; each epoch has its own of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nonces of tokens, and what each was spent on.
    Spent,
    /// B: envelopes that wait to be handed over.
    Sealed,
    /// B: weeks that wait.
    Weeks,
    /// A: reports whose token was good.
    Reports,
}

/// The store of a process.
pub struct Store {
    database: Arc<Database>,
    jobs: SyncSender<Job>,
}

struct Job {
    table: String,
    key: Vec<u8>,
    value: Vec<u8>,
    reply: oneshot::Sender<Result<Kept, StoreError>>,
}

impl Store {
    /// Opens the database, makes these tables where they are missing, and starts its writer.
    pub fn open(place: &str, tables: &str) -> Result<Store, DatabaseError> {
        let database = Arc::new(Database::open(place)?);
        database.define(tables)?;
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let of_writer = Arc::clone(&database);
        thread::spawn(move || write(&of_writer, &waiting));
        Ok(Store { database, jobs })
    }

    /// Keeps a value once for each key.
    pub async fn insert(
        &self,
        (kind, lane, epoch): (Kind, Lane, u32),
        key: &[u8],
        value: &[u8],
    ) -> Result<Kept, StoreError> {
        let (reply, told) = oneshot::channel();
        let job = Job { table: table(kind, lane, epoch), key: key.to_vec(), value: value.to_vec(), reply };
        self.jobs.try_send(job).map_err(|_| StoreError::Busy)?;
        told.await.map_err(|_| StoreError::Refused)?
    }

    /// The next `count` keys behind `after`, in the order of their octets; none where no more follow. An epoch may be larger than
    /// memory, so it is read in pages.
    pub fn page(
        &self,
        (kind, lane, epoch): (Kind, Lane, u32),
        after: &[u8],
        count: usize,
    ) -> Result<Vec<Vec<u8>>, DatabaseError> {
        let table = table(kind, lane, epoch);
        self.database.define(&create(&table))?;
        let question = format!("SELECT k FROM {table} WHERE k > $1 ORDER BY k LIMIT $2");
        let rows = self.database.query(&question, &[after.into(), (count as u64).into()])?;
        Ok(rows.iter().filter_map(|row| row.first()?.octets().map(<[u8]>::to_vec)).collect())
    }

    /// How much there is.
    pub fn count(&self, kind: Kind, lane: Lane, epoch: u32) -> Result<u64, DatabaseError> {
        let table = table(kind, lane, epoch);
        self.database.define(&create(&table))?;
        let rows = self.database.query(&format!("SELECT COUNT(*) FROM {table}"), &[])?;
        let count = rows.first().and_then(|row| row.first()?.int()).unwrap_or(0);
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Takes these keys away.
    pub fn remove<'a>(
        &self,
        (kind, lane, epoch): (Kind, Lane, u32),
        mut keys: impl Iterator<Item = &'a [u8]>,
    ) -> Result<(), DatabaseError> {
        let delete = format!("DELETE FROM {} WHERE k = $1", table(kind, lane, epoch));
        self.database.transact(|open| keys.try_for_each(|key| open.execute(&delete, &[key.into()]).map(drop)))
    }

    /// Forgets all of an epoch.
    pub fn forget(&self, lane: Lane, epoch: u32) -> Result<(), DatabaseError> {
        let kinds = [Kind::Spent, Kind::Sealed, Kind::Weeks, Kind::Reports];
        let drops: String =
            kinds.into_iter().map(|kind| format!("DROP TABLE IF EXISTS {};", table(kind, lane, epoch))).collect();
        self.database.define(&drops)?;
        self.database.settle()
    }

    /// The database itself, for tables that are not of one epoch.
    pub fn database(&self) -> &Database {
        &self.database
    }
}

fn table(kind: Kind, lane: Lane, epoch: u32) -> String {
    let kind = match kind {
        Kind::Spent => "spent",
        Kind::Sealed => "sealed",
        Kind::Weeks => "weeks",
        Kind::Reports => "reports",
    };
    format!("{kind}_{}_{epoch}", lane.name())
}

fn create(table: &str) -> String {
    format!("CREATE TABLE IF NOT EXISTS {table} (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)")
}

/// The writer: what waits goes to the disk together, until nobody can send any more.
fn write(database: &Database, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let mut jobs = vec![first];
        jobs.extend(waiting.try_iter().take(TOGETHER_MAX - 1));
        let mut tables = HashSet::new();
        let done: Result<Vec<Kept>, DatabaseError> = database.transact(|open| {
            for job in &jobs {
                // Each time: a table may have been dropped in between.
                if tables.insert(&job.table) {
                    open.execute(&create(&job.table), &[])?;
                }
            }
            jobs.iter().map(|job| insert(open, job)).collect()
        });
        if let Err(error) = &done {
            tracing::error!("the hub's database takes nothing: {error}");
        }
        let mut kept = done.ok().map(Vec::into_iter);
        for job in jobs {
            let told = kept.as_mut().and_then(Iterator::next).ok_or(StoreError::Refused);
            // Whoever asked may have gone.
            let _ = job.reply.send(told);
        }
    }
}

fn insert(open: &mut Transaction<'_>, job: &Job) -> Result<Kept, DatabaseError> {
    let table = &job.table;
    let put = format!("INSERT INTO {table} (k, v) VALUES ($1, $2) ON CONFLICT DO NOTHING");
    if open.execute(&put, &[job.key.as_slice().into(), job.value.as_slice().into()])? == 1 {
        return Ok(Kept::New);
    }
    let rows = open.query(&format!("SELECT v FROM {table} WHERE k = $1"), &[job.key.as_slice().into()])?;
    let known = rows.first().and_then(|row| row.first()?.octets()).unwrap_or_default();
    Ok(Kept::Known(known.to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn an_epoch_is_read_in_pages_by_its_octets() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap(), "").unwrap();
        let place = (Kind::Sealed, Lane::Security, 3);
        for key in [[9, 0], [0, 255], [200, 1], [9, 9], [0, 1]] {
            store.insert(place, &key, &[]).await.unwrap();
        }
        let first = store.page(place, &[], 3).unwrap();
        assert_eq!(first, [[0, 1], [0, 255], [9, 0]]);
        assert_eq!(store.page(place, &first[2], 3).unwrap(), [[9, 9], [200, 1]]);
        assert!(store.page(place, &[200, 1], 3).unwrap().is_empty());
        store.remove(place, first.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(store.page(place, &[], 1).unwrap(), [[9, 9]]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_is_kept_once_and_an_epoch_is_forgotten_whole() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("hub.db");
        let store = Store::open(place.to_str().unwrap(), "").unwrap();
        let spent = (Kind::Spent, Lane::Harm, 7);
        assert_eq!(store.insert(spent, b"nonce", b"one").await.unwrap(), Kept::New);
        assert_eq!(store.insert(spent, b"nonce", b"two").await.unwrap(), Kept::Known(b"one".to_vec()));
        assert_eq!(store.insert((Kind::Spent, Lane::Harm, 8), b"nonce", b"two").await.unwrap(), Kept::New);
        let secret = b"a report that must not be found again".as_slice();
        store.insert((Kind::Reports, Lane::Harm, 7), secret, b"").await.unwrap();
        assert_eq!(store.count(Kind::Reports, Lane::Harm, 7).unwrap(), 1);
        store.forget(Lane::Harm, 7).unwrap();
        assert_eq!(store.count(Kind::Reports, Lane::Harm, 7).unwrap(), 0);
        assert_eq!(store.count(Kind::Spent, Lane::Harm, 8).unwrap(), 1);
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let octets = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!octets.windows(secret.len()).any(|window| window == secret), "found on disk");
        }
    }
}
