//! Codes that a guardian reads out to a child who is away: secrets and how far they are used.

use std::net::IpAddr;
use std::sync::PoisonError;

use rusqlite::{OptionalExtension, params};

use super::{Error, Family, random};
use crate::policy::code::{self, Code, Extra, Redeemed, Secret};

impl Family {
    /// The next codes of a profile, one for each length. Reading them uses none.
    pub fn codes(&self, profile: &str) -> Result<Vec<(Extra, Code)>, Error> {
        let (secret, counter) = self.code_secret(profile)?;
        Ok(Extra::ALL.into_iter().map(|extra| (extra, code::make(&secret, profile, extra, counter))).collect())
    }

    /// Makes all earlier codes of a profile worthless.
    pub fn renew_codes(&self, profile: &str) -> Result<(), Error> {
        let sql = "INSERT INTO code (profile, secret, counter) VALUES (?1, ?2, 0)
                   ON CONFLICT (profile) DO UPDATE SET secret = excluded.secret, counter = 0";
        self.db().execute(sql, params![profile, random::<32>()?])?;
        Ok(())
    }

    /// Takes a code: it and all before it are used up then. Tries are limited as those of passwords are.
    pub fn use_code(&self, profile: &str, typed: &str, from: IpAddr, now: i64) -> Result<Extra, Error> {
        let key = format!("code {profile} {from}");
        let wait = self.tries.lock().unwrap_or_else(PoisonError::into_inner).wrong.wait(&key, now);
        if wait > 0 {
            return Err(Error::Wait(wait));
        }
        let (secret, counter) = self.code_secret(profile)?;
        let redeemed = Code::read(typed).and_then(|typed| code::check(&secret, profile, typed, counter));
        let Some(Redeemed { extra, counter }) = redeemed else {
            self.tries.lock().unwrap_or_else(PoisonError::into_inner).wrong.failed(&key, now);
            return Err(Error::Refused("this code is wrong or was used before"));
        };
        let next = i64::try_from(counter.saturating_add(1)).unwrap_or(i64::MAX);
        self.db().execute("UPDATE code SET counter = ?2 WHERE profile = ?1", params![profile, next])?;
        Ok(extra)
    }

    fn code_secret(&self, profile: &str) -> Result<(Secret, u64), Error> {
        let sql = "SELECT secret, counter FROM code WHERE profile = ?1";
        let read = |db: &rusqlite::Connection| {
            db.query_row(sql, [profile], |row| Ok((row.get::<_, [u8; 32]>(0)?, row.get::<_, i64>(1)?))).optional()
        };
        let found = read(&self.db())?;
        let (secret, counter) = match found {
            Some(found) => found,
            None => {
                self.renew_codes(profile)?;
                read(&self.db())?.ok_or(Error::NoSuch("code"))?
            }
        };
        Ok((Secret(secret), counter.unsigned_abs()))
    }
}
