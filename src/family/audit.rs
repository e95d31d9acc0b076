//! Who did what at the controls. Written for each change; a child may read what concerns its own profile.

use rusqlite::params;
use serde::Serialize;

use super::{Error, Family};

/// Entries are kept this long.
const KEPT_SECS: i64 = 90 * 24 * 3600;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// The household was set up.
    SetUp,
    /// Somebody signed in.
    SignedIn,
    /// Somebody tried to and could not.
    SignInFailed,
    /// An account was made, changed or removed.
    Account,
    /// A token was made or removed.
    Token,
    /// Rules of a profile were changed.
    Profile,
    /// A device was given to a profile or taken from it.
    Device,
    /// Something was allowed for a while, or that was taken back.
    Grant,
    /// A pause began or ended.
    Pause,
    /// A request was answered.
    Request,
    /// Settings of the household were changed.
    Settings,
    /// A code for being away was used or renewed.
    Code,
    /// A guardian agreed to anonymous reports, took that back, or changed the household's own names in them.
    Reports,
}

impl Deed {
    /// All deeds.
    pub const ALL: [Deed; 13] = [
        Deed::SetUp,
        Deed::SignedIn,
        Deed::SignInFailed,
        Deed::Account,
        Deed::Token,
        Deed::Profile,
        Deed::Device,
        Deed::Grant,
        Deed::Pause,
        Deed::Request,
        Deed::Settings,
        Deed::Code,
        Deed::Reports,
    ];

    /// The code that the file and texts use.
    pub const fn code(self) -> &'static str {
        match self {
            Deed::SetUp => "set_up",
            Deed::SignedIn => "signed_in",
            Deed::SignInFailed => "sign_in_failed",
            Deed::Account => "account",
            Deed::Token => "token",
            Deed::Profile => "profile",
            Deed::Device => "device",
            Deed::Grant => "grant",
            Deed::Pause => "pause",
            Deed::Request => "request",
            Deed::Settings => "settings",
            Deed::Code => "code",
            Deed::Reports => "reports",
        }
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// When, seconds since 1970.
    pub at: i64,
    /// Who: an account's or a token's name.
    pub by: String,
    /// The profile concerned.
    pub profile: Option<String>,
    /// What.
    pub deed: Deed,
    /// More, in codes and numbers. Never a name that somebody asked for.
    pub detail: String,
}

impl Family {
    /// Notes what was done.
    pub fn note(&self, by: &str, profile: Option<&str>, deed: Deed, detail: &str, now: i64) -> Result<(), Error> {
        let sql = "INSERT INTO act (at, by, profile, deed, detail) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db().execute(sql, params![now, by, profile, deed.code(), detail])?;
        Ok(())
    }

    /// The newest entries, of one profile or of all.
    pub fn acts(&self, profile: Option<&str>, most: u32) -> Result<Vec<Act>, Error> {
        let db = self.db();
        let sql =
            "SELECT at, by, profile, deed, detail FROM act WHERE ?1 IS NULL OR profile = ?1 ORDER BY id DESC LIMIT ?2";
        let mut rows = db.prepare_cached(sql)?;
        let rows = rows.query_map(params![profile, most], |row| {
            let deed: String = row.get(3)?;
            let deed = Deed::ALL.into_iter().find(|one| one.code() == deed).unwrap_or(Deed::Settings);
            Ok(Act { at: row.get(0)?, by: row.get(1)?, profile: row.get(2)?, deed, detail: row.get(4)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(super) fn forget_acts(&self, now: i64) -> Result<usize, Error> {
        Ok(self.db().execute("DELETE FROM act WHERE at < ?1", [now - KEPT_SECS])?)
    }
}
