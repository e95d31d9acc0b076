//! What a family keeps, in one file: people who may steer, grants and pauses, requests, devices that were seen, and as much of
//! what was refused as CATEGORIES lets anybody see. Time is passed in. Policy is not here: that stands in the configuration.

mod accounts;
mod activity;
mod audit;
mod codes;
mod database;
mod devices;
mod moments;
mod recent;
pub mod reports;
mod requests;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::watch;

pub use accounts::{Account, Login, Role, Scope, Session, TokenRow};
pub use activity::{Alert, Count, NameCount, Visible};
pub use audit::{Act, Deed};
pub use devices::Seen;
pub use moments::{GrantRow, Moments, PauseRow, Who};
pub use recent::Stopped;
pub use reports::{OwnIndicator, ReportConsents};
pub use requests::{Answer, Ask, Kind, RequestRow};

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be read or written.
    #[error("the family's file: {0}")]
    Database(#[from] rusqlite::Error),
    /// There is no such thing.
    #[error("there is no such {0}")]
    NoSuch(&'static str),
    /// It was refused; why, for the person who tried.
    #[error("{0}")]
    Refused(&'static str),
    /// Too many tries; seconds to wait.
    #[error("too many tries; wait {0} s")]
    Wait(u64),
    /// Randomness or hashing failed.
    #[error("cryptography: {0}")]
    Crypto(&'static str),
}

/// What a family keeps.
pub struct Family {
    db: Mutex<Connection>,
    tries: Mutex<accounts::Tried>,
    recent: Mutex<recent::Recent>,
    /// Names that 16- and 17-year-olds asked about: in memory alone, by request.
    unwritten: Mutex<Vec<(i64, String)>>,
    /// What was allowed of these: in memory alone as well.
    unwritten_grants: Mutex<Vec<GrantRow>>,
    alerts: Mutex<activity::Alerts>,
    changes: watch::Sender<u64>,
    /// Stands in for a file that could not be opened.
    is_substitute: bool,
}

impl Family {
    /// Opens the family's file in that folder; a file that cannot be read is kept aside and a new one begun. Without a
    /// folder everything is forgotten at the end.
    pub fn open(folder: Option<&Path>, now: i64) -> Result<Family, Error> {
        Ok(Family {
            db: Mutex::new(database::open(folder, now)?),
            tries: Mutex::default(),
            recent: Mutex::default(),
            unwritten: Mutex::default(),
            unwritten_grants: Mutex::default(),
            alerts: Mutex::default(),
            changes: watch::Sender::new(0),
            is_substitute: false,
        })
    }

    /// Stands in while the file cannot be opened: children are protected and find help as ever, nobody can steer.
    pub fn substitute(now: i64) -> Result<Family, Error> {
        Ok(Family { is_substitute: true, ..Family::open(None, now)? })
    }

    /// A number that changes whenever something did that a page may show.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Says that something changed.
    pub fn changed(&self) {
        self.changes.send_modify(|number| *number = number.wrapping_add(1));
    }

    fn db(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// So many octets nobody can guess.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| Error::Crypto("no randomness"))?;
    Ok(octets)
}

/// Lower-case hexadecimal.
fn hex(octets: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
    octets.iter().flat_map(|octet| [digit(octet >> 4), digit(*octet)]).collect()
}

#[cfg(test)]
mod tests;
