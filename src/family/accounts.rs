//! People who may steer: passwords (Argon2id, RFC 9106), one-time codes (RFC 6238), sessions, and tokens for programs. Secrets
//! are kept as digests; tries are limited.

use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::PoisonError;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use totp_rs::{Builder, Secret, Totp};

use super::{Error, Family, hex, random};
use crate::password::{PasswordError, TRIED_MAX, Tries, hash, matches};

/// A session nobody used for so long is over.
const IDLE_SECS: i64 = 12 * 3600;
/// A session is over after this.
const SESSION_SECS: i64 = 7 * 24 * 3600;
/// Shorter passwords are refused (NIST SP 800-63B §3.1.1.2 with a second factor at hand).
pub const PASSWORD_MIN: usize = 8;
/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A child, for its own profile.
    Child,
    /// Sees what a guardian sees and changes nothing.
    Reader,
    /// A guardian beside the first: all but people and tokens.
    Second,
    /// Everything.
    Guardian,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 4] = [Role::Child, Role::Reader, Role::Second, Role::Guardian];

    /// The code that forms, JSON and the file use.
    pub const fn code(self) -> &'static str {
        match self {
            Role::Child => "child",
            Role::Reader => "reader",
            Role::Second => "second",
            Role::Guardian => "guardian",
        }
    }

    /// The role of that code.
    pub fn from_code(code: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.code() == code)
    }
}

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// See what a guardian sees.
    Read,
    /// Grants, pauses, requests.
    Moments,
    /// Profiles, devices, settings.
    Policy,
    /// People and tokens.
    People,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Scope; 4] = [Scope::Read, Scope::Moments, Scope::Policy, Scope::People];

    /// The code that forms and JSON use.
    pub const fn code(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Moments => "moments",
            Scope::Policy => "policy",
            Scope::People => "people",
        }
    }

    /// The scope of that code.
    pub fn from_code(code: &str) -> Option<Scope> {
        Scope::ALL.into_iter().find(|scope| scope.code() == code)
    }
}

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// To name it by.
    pub id: i64,
    /// What they call themselves.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// A child's own profile.
    pub profile: Option<String>,
    /// Signs in with one-time codes as well.
    pub has_totp: bool,
}

/// What somebody shows to sign in.
pub struct Login<'a> {
    /// Their name.
    pub name: &'a str,
    /// Their password.
    pub password: &'a str,
    /// A one-time code, where they use them.
    pub code: &'a str,
    /// Where they come from.
    pub from: IpAddr,
}

/// A session: what the browser holds, and whose it is.
pub struct Session {
    /// Goes into the cookie. Has to come back with each request.
    pub secret: String,
    /// Whose.
    pub account: Account,
}

impl Session {
    /// What forms have to send back, so that no other site can send them (CSRF).
    pub fn csrf(secret: &str) -> String {
        hex(&digest_of(format!("form {secret}").as_bytes())[..16])
    }
}

/// A token of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    /// To remove it by.
    pub id: i64,
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it was made, seconds since 1970.
    pub created: i64,
    /// When it was last used.
    pub used: Option<i64>,
}

/// Who tried to sign in, by address and by account name.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) wrong: Tries,
    /// Addresses with the names that signed in from there.
    known: HashSet<String>,
}

const COLUMNS: &str = "account.id, account.name, account.role, account.profile, account.totp IS NOT NULL";

impl Family {
    /// True until the first guardian exists. Never of a substitute: whoever comes first must not become guardian because a
    /// disk failed.
    pub fn is_new(&self) -> Result<bool, Error> {
        if self.is_substitute {
            return Ok(false);
        }
        let guardians: i64 =
            self.db().query_row("SELECT count(*) FROM account WHERE role = 'guardian'", [], |row| row.get(0))?;
        Ok(guardians == 0)
    }

    /// Makes an account. Takes about a tenth of a second.
    pub fn add_account(
        &self,
        name: &str,
        password: &str,
        role: Role,
        profile: Option<&str>,
        now: i64,
    ) -> Result<i64, Error> {
        const ACCOUNTS_MAX: i64 = 50;
        let name = account_name(name)?;
        if (role == Role::Child) != profile.is_some() {
            return Err(Error::Refused("an account of a child, and no other, has a profile"));
        }
        let hashed = hashed(password)?;
        let db = self.db();
        let held: i64 = db.query_row("SELECT count(*) FROM account", [], |row| row.get(0))?;
        if held >= ACCOUNTS_MAX {
            return Err(Error::Refused("there are as many accounts as there can be"));
        }
        let sql = "INSERT INTO account (name, role, profile, password, created) VALUES (?1, ?2, ?3, ?4, ?5)";
        match db.execute(sql, params![name, role.code(), profile, hashed, now]) {
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
                Err(Error::Refused("this name is taken"))
            }
            other => other.map(|_| db.last_insert_rowid()).map_err(Error::from),
        }
    }

    /// Everybody who can sign in.
    pub fn accounts(&self) -> Result<Vec<Account>, Error> {
        let db = self.db();
        let mut rows = db.prepare_cached(&format!("SELECT {COLUMNS} FROM account ORDER BY id"))?;
        let rows = rows.query_map([], account)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Removes an account with its sessions; the last guardian stays.
    pub fn remove_account(&self, id: i64) -> Result<(), Error> {
        let sql = "DELETE FROM account WHERE id = ?1
                   AND (role != 'guardian' OR (SELECT count(*) FROM account WHERE role = 'guardian') > 1)";
        match self.db().execute(sql, [id])? {
            0 => Err(Error::Refused("there is no such account, or it is the last guardian's")),
            _ => Ok(()),
        }
    }

    /// Gives an account a new password; its other sessions are over.
    pub fn set_password(&self, id: i64, password: &str) -> Result<(), Error> {
        let hashed = hashed(password)?;
        let db = self.db();
        if db.execute("UPDATE account SET password = ?2 WHERE id = ?1", params![id, hashed])? == 0 {
            return Err(Error::NoSuch("account"));
        }
        db.execute("DELETE FROM session WHERE account = ?1", [id])?;
        Ok(())
    }

    /// True when that is the account's password.
    pub fn is_password(&self, id: i64, password: &str) -> Result<bool, Error> {
        let sql = "SELECT password FROM account WHERE id = ?1";
        let kept: Option<String> = self.db().query_row(sql, [id], |row| row.get(0)).optional()?;
        Ok(kept.is_some_and(|kept| matches(Some(&kept), password)))
    }

    /// A new secret for one-time codes, and the URL that an authenticator reads. Counts only after [`Family::set_totp`].
    pub fn new_totp(&self, name: &str) -> Result<(String, String), Error> {
        let totp = totp_of(random::<20>()?.to_vec(), name)?;
        let url = totp.to_url().map_err(|_| Error::Crypto("one-time codes"))?;
        Ok((secret_in(&url), url))
    }

    /// From now on the account needs one-time codes of that secret, of which this is one; `None` is no longer.
    pub fn set_totp(&self, id: i64, secret: Option<(&str, &str)>, now: i64) -> Result<(), Error> {
        let kept = secret.map(|(secret, code)| {
            let secret =
                Secret::try_from_base32(secret).map_err(|_| Error::Refused("this is no secret for one-time codes"))?;
            let octets = secret.as_bytes().to_vec();
            let step = totp_of(octets.clone(), "x")?.check(code.trim(), now as u64);
            step.map(|_| octets).ok_or(Error::Refused("this code is wrong; is the clock of the phone right?"))
        });
        let kept = kept.transpose()?;
        let sql = "UPDATE account SET totp = ?2, totp_step = 0 WHERE id = ?1";
        self.db().execute(sql, params![id, kept])?;
        Ok(())
    }

    /// Signs in. A wrong name costs as much time as a wrong password; after five tries each costs twice the wait of the
    /// one before, for the address and for the name.
    pub fn sign_in(&self, login: &Login<'_>, now: i64) -> Result<Session, Error> {
        let keys = [format!("from {}", login.from), format!("name {}", login.name.to_lowercase())];
        let pair = keys.concat();
        let tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        // Where this person signed in before, others' tries at the name do not keep them out.
        let counted = if tries.known.contains(&pair) { &keys[..1] } else { &keys[..] };
        let wait = counted.iter().map(|key| tries.wrong.wait(key, now)).max().unwrap_or(0);
        drop(tries);
        if wait > 0 {
            return Err(Error::Wait(wait));
        }
        match self.check(login, now) {
            Ok(account) => {
                let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
                tries.wrong.forget(&keys);
                if tries.known.len() < TRIED_MAX {
                    tries.known.insert(pair);
                }
                drop(tries);
                self.begin_session(account, now)
            }
            Err(error) => {
                let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
                keys.iter().for_each(|key| tries.wrong.failed(key, now));
                Err(error)
            }
        }
    }

    fn check(&self, login: &Login<'_>, now: i64) -> Result<Account, Error> {
        const WRONG: Error = Error::Refused("the name, the password or the code is wrong");
        let sql = format!("SELECT {COLUMNS}, password, totp, totp_step FROM account WHERE name = ?1");
        let found = self.db().query_row(&sql, [login.name.trim()], |row| {
            Ok((account(row)?, row.get::<_, String>(5)?, row.get::<_, Option<Vec<u8>>>(6)?, row.get::<_, i64>(7)?))
        });
        let Some((account, password, totp, used)) = found.optional()? else {
            matches(None, login.password);
            return Err(WRONG);
        };
        if !matches(Some(&password), login.password) {
            return Err(WRONG);
        }
        if let Some(secret) = totp {
            let step = totp_of(secret, "x")?.check(login.code.trim(), now as u64).ok_or(WRONG)? as i64;
            // A code counts once (RFC 6238 §5.2).
            if step <= used {
                return Err(WRONG);
            }
            self.db().execute("UPDATE account SET totp_step = ?2 WHERE id = ?1", params![account.id, step])?;
        }
        Ok(account)
    }

    fn begin_session(&self, account: Account, now: i64) -> Result<Session, Error> {
        let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
        let sql = "INSERT INTO session (digest, account, created, seen) VALUES (?1, ?2, ?3, ?3)";
        self.db().execute(sql, params![digest_of(secret.as_bytes()), account.id, now])?;
        Ok(Session { secret, account })
    }

    /// Whose session it is; `None` when it is over.
    pub fn session(&self, secret: &str, now: i64) -> Result<Option<Account>, Error> {
        let sql = format!(
            "SELECT {COLUMNS}, session.seen FROM session JOIN account ON account.id = session.account
             WHERE digest = ?1 AND session.created > ?2 AND session.seen > ?3"
        );
        let key = digest_of(secret.as_bytes());
        let db = self.db();
        let found = db.query_row(&sql, params![key, now - SESSION_SECS, now - IDLE_SECS], |row| {
            Ok((account(row)?, row.get::<_, i64>(5)?))
        });
        let Some((account, seen)) = found.optional()? else { return Ok(None) };
        // Not a write for each request.
        if now - seen > 60 {
            db.execute("UPDATE session SET seen = ?2 WHERE digest = ?1", params![key, now])?;
        }
        Ok(Some(account))
    }

    /// Ends a session.
    pub fn sign_out(&self, secret: &str) -> Result<(), Error> {
        self.db().execute("DELETE FROM session WHERE digest = ?1", [digest_of(secret.as_bytes())])?;
        Ok(())
    }

    pub(super) fn forget_sessions(&self, now: i64) -> Result<usize, Error> {
        let sql = "DELETE FROM session WHERE created <= ?1 OR seen <= ?2";
        Ok(self.db().execute(sql, params![now - SESSION_SECS, now - IDLE_SECS])?)
    }

    /// Makes a token for a program; its text is shown once.
    pub fn add_token(&self, name: &str, scopes: &[Scope], now: i64) -> Result<(i64, String), Error> {
        const TOKENS_MAX: i64 = 50;
        let name = account_name(name)?;
        if scopes.is_empty() {
            return Err(Error::Refused("a token needs at least one scope"));
        }
        let text = format!("luytre_{}", hex(&random::<20>()?));
        let bits = scopes.iter().fold(0, |bits, scope| bits | 1 << *scope as i64);
        let db = self.db();
        let held: i64 = db.query_row("SELECT count(*) FROM token", [], |row| row.get(0))?;
        if held >= TOKENS_MAX {
            return Err(Error::Refused("there are as many tokens as there can be"));
        }
        let sql = "INSERT INTO token (digest, name, scopes, created) VALUES (?1, ?2, ?3, ?4)";
        db.execute(sql, params![digest_of(text.as_bytes()), name, bits, now])?;
        Ok((db.last_insert_rowid(), text))
    }

    /// All tokens, without their texts.
    pub fn tokens(&self) -> Result<Vec<TokenRow>, Error> {
        let db = self.db();
        let mut rows = db.prepare_cached("SELECT id, name, scopes, created, used FROM token ORDER BY id")?;
        let rows = rows.query_map([], token)?.collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// The token of that text.
    pub fn token(&self, text: &str, now: i64) -> Result<Option<TokenRow>, Error> {
        let db = self.db();
        let sql = "SELECT id, name, scopes, created, used FROM token WHERE digest = ?1";
        let found = db.query_row(sql, [digest_of(text.as_bytes())], token).optional()?;
        if let Some(row) = found.as_ref().filter(|row| row.used.is_none_or(|used| now - used > 60)) {
            db.execute("UPDATE token SET used = ?2 WHERE id = ?1", params![row.id, now])?;
        }
        Ok(found)
    }

    /// Removes a token.
    pub fn remove_token(&self, id: i64) -> Result<(), Error> {
        match self.db().execute("DELETE FROM token WHERE id = ?1", [id])? {
            0 => Err(Error::NoSuch("token")),
            _ => Ok(()),
        }
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    let role: String = row.get(2)?;
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        // An unknown role may do the least.
        role: Role::from_code(&role).unwrap_or(Role::Child),
        profile: row.get(3)?,
        has_totp: row.get(4)?,
    })
}

fn token(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    let bits: i64 = row.get(2)?;
    let scopes = Scope::ALL.into_iter().filter(|scope| bits & 1 << *scope as i64 != 0).collect();
    Ok(TokenRow { id: row.get(0)?, name: row.get(1)?, scopes, created: row.get(3)?, used: row.get(4)? })
}

fn account_name(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    let fits = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(Error::Refused("a name has 1 to 40 characters")) }
}

fn digest_of(octets: &[u8]) -> Vec<u8> {
    digest(&SHA256, octets).as_ref().to_vec()
}

fn totp_of(secret: Vec<u8>, name: &str) -> Result<Totp, Error> {
    let builder =
        Builder::new().with_secret(secret).with_account_name(name.replace(':', " ")).with_issuer(Some("luytre"));
    builder.build().map_err(|_| Error::Crypto("one-time codes"))
}

fn secret_in(url: &str) -> String {
    let secret = url.split(['?', '&']).find_map(|part| part.strip_prefix("secret="));
    secret.unwrap_or("").to_string()
}

fn hashed(password: &str) -> Result<String, Error> {
    hash(password, PASSWORD_MIN).map_err(|error| match error {
        PasswordError::Length(_) => Error::Refused("a password has 8 to 256 characters"),
        PasswordError::Crypto => Error::Crypto("password"),
    })
}
