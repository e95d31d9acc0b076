//! Who may sit at the desk: accounts with a role, passwords (Argon2id, RFC 9106), sessions that end when nobody uses them, and
//! tries that are limited. Secrets are kept as digests.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::hub::database::Value;
use crate::hub::triage::audit;
use crate::hub::triage::state::Role;
use crate::hub::triage::store::{Store, TriageError};
use crate::lists::compile::hex;
use crate::password::{self, PasswordError, Tries};

/// A session nobody used for so long is over.
const IDLE_SECS: i64 = 30 * 60;
/// A session is over after this: a long working day.
const SESSION_SECS: i64 = 12 * 3600;
/// Without a second factor, NIST SP 800-63B (revision 4) §3.1.1.2 asks for fifteen.
pub const PASSWORD_MIN: usize = 15;
const ACCOUNTS_MAX: i64 = 200;

/// Somebody who can sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What they are called here.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Store {
    /// Makes an account. Takes about a tenth of a second.
    pub fn add_account(&self, name: &str, role: Role, password: &str, now: i64) -> Result<(), TriageError> {
        let is_name = (1..=40).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if !is_name || name.trim() != name || role == Role::Desk || Role::from_code(name) == Some(Role::Desk) {
            return Err(TriageError::Refused("a name has 1 to 40 characters and is not \"desk\"".into()));
        }
        let kept = password::hash(password, PASSWORD_MIN).map_err(|error| match error {
            PasswordError::Length(_) => TriageError::Refused(error.to_string()),
            PasswordError::Crypto => TriageError::Crypto("password"),
        })?;
        self.database.transact(|open| {
            let held = open.query("SELECT count(*) FROM triage_account", &[])?;
            if held.first().and_then(|row| row.first()).and_then(Value::int).is_none_or(|held| held >= ACCOUNTS_MAX) {
                return Err(TriageError::Refused(format!(
                    "there are {ACCOUNTS_MAX} accounts, as many as there can be"
                )));
            }
            let insert = "INSERT INTO triage_account (name, role, password, created) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT DO NOTHING";
            let values = [name.into(), role.code().into(), kept.as_str().into(), Value::Int(now)];
            if open.execute(insert, &values)? == 0 {
                return Err(TriageError::Refused(format!("the name {name:?} is taken")));
            }
            Ok(audit::append(open, now, name, "account", role.code())?)
        })
    }

    /// Removes an account and its sessions. What it did stays written down.
    pub fn remove_account(&self, name: &str, now: i64) -> Result<(), TriageError> {
        self.database.transact(|open| {
            if open.execute("DELETE FROM triage_account WHERE name = $1", &[name.into()])? == 0 {
                return Err(TriageError::Refused(format!("there is no account {name:?}")));
            }
            open.execute("DELETE FROM triage_session WHERE account = $1", &[name.into()])?;
            Ok(audit::append(open, now, name, "account_removed", "")?)
        })
    }

    /// Everybody who can sign in.
    pub fn accounts(&self) -> Result<Vec<Account>, TriageError> {
        let rows = self.database.query("SELECT name, role FROM triage_account ORDER BY name", &[])?;
        let one = |row: &Vec<Value>| {
            let role = Role::from_code(row.get(1)?.text()?)?;
            Some(Account { name: row.first()?.text()?.to_string(), role })
        };
        Ok(rows.iter().filter_map(one).collect())
    }

    /// Signs in from an address, where that says anything; the secret of the session. A wrong name costs as much time as a wrong password, and after five tries each
    /// costs twice the wait of the one before, for the address and for the name.
    pub fn sign_in(
        &self,
        tries: &Mutex<Tries>,
        (name, password): (&str, &str),
        from: Option<IpAddr>,
        now: i64,
    ) -> Result<String, TriageError> {
        let by_name = format!("name {}", name.to_lowercase());
        let keys: Vec<String> = from.map(|from| format!("from {from}")).into_iter().chain([by_name]).collect();
        let tries = || tries.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = keys.iter().map(|key| tries().wait(key, now)).max().unwrap_or(0);
        if wait > 0 {
            return Err(TriageError::Wait(wait));
        }
        let kept = self.database.query("SELECT password FROM triage_account WHERE name = $1", &[name.into()])?;
        let kept = kept.first().and_then(|row| row.first()).and_then(Value::text);
        if !password::matches(kept, password) {
            keys.iter().for_each(|key| tries().failed(key, now));
            // Not the name: people type passwords into the wrong field.
            self.database.transact(|open| audit::append(open, now, "?", "sign_in_failed", ""))?;
            return Err(TriageError::Refused("the name or the password is wrong".into()));
        }
        tries().forget(&keys);
        let secret = URL_SAFE_NO_PAD.encode(random::<32>()?);
        self.database.transact(|open| {
            let over = [Value::Int(now - SESSION_SECS), Value::Int(now - IDLE_SECS)];
            open.execute("DELETE FROM triage_session WHERE created <= $1 OR seen <= $2", &over)?;
            let insert = "INSERT INTO triage_session (digest, account, created, seen) VALUES ($1, $2, $3, $4)";
            let values = [digest_of(&secret).as_slice().into(), name.into(), Value::Int(now), Value::Int(now)];
            open.execute(insert, &values)?;
            audit::append(open, now, name, "signed_in", "")
        })?;
        Ok(secret)
    }

    /// Whose session it is; `None` when it is over.
    pub fn session(&self, secret: &str, now: i64) -> Result<Option<Account>, TriageError> {
        let question = "SELECT a.name, a.role, s.seen FROM triage_session s JOIN triage_account a ON a.name = s.account \
                        WHERE s.digest = $1 AND s.created > $2 AND s.seen > $3";
        let key = Value::Octets(digest_of(secret));
        let values = [key.clone(), Value::Int(now - SESSION_SECS), Value::Int(now - IDLE_SECS)];
        let rows = self.database.query(question, &values)?;
        let Some(row) = rows.first() else { return Ok(None) };
        let text = |at: usize| row.get(at).and_then(Value::text);
        let (Some(name), Some(role)) = (text(0), text(1).and_then(Role::from_code)) else { return Ok(None) };
        // Not a write for each request.
        if row.get(2).and_then(Value::int).is_some_and(|seen| now - seen > 60) {
            self.database.execute("UPDATE triage_session SET seen = $1 WHERE digest = $2", &[Value::Int(now), key])?;
        }
        Ok(Some(Account { name: name.to_string(), role }))
    }

    /// Ends a session.
    pub fn sign_out(&self, secret: &str) -> Result<(), TriageError> {
        let key = Value::Octets(digest_of(secret));
        self.database.execute("DELETE FROM triage_session WHERE digest = $1", &[key])?;
        Ok(())
    }
}

/// What forms of a session have to send back, so that no other site can send them (CSRF).
pub fn csrf(secret: &str) -> String {
    hex(&digest_of(&format!("form {secret}"))).chars().take(32).collect()
}

fn digest_of(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn random<const N: usize>() -> Result<[u8; N], TriageError> {
    let mut octets = [0; N];
    aws_lc_rs::rand::fill(&mut octets).map_err(|_| TriageError::Crypto("no randomness"))?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::FREE_TRIES;

    const PASSWORD: &str = "a password of some length";

    fn store() -> Store {
        let store = Store::open(":memory:").unwrap();
        store.add_account("lan", Role::Lead, PASSWORD, 1000).unwrap();
        store
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_at_the_end_of_a_day() {
        let (store, tries) = (store(), Mutex::<Tries>::default());
        let sign_in = |now| store.sign_in(&tries, ("lan", PASSWORD), None, now).unwrap();
        let idle = sign_in(1000);
        assert!(store.session(&idle, 1000 + IDLE_SECS - 1).unwrap().is_some());
        assert!(store.session(&idle, 1000 + 2 * IDLE_SECS).unwrap().is_none());
        let used = sign_in(50_000);
        let all_day = (50_000..50_000 + SESSION_SECS).step_by(600);
        assert!(all_day.into_iter().all(|now| store.session(&used, now).unwrap().is_some()));
        assert!(store.session(&used, 50_000 + SESSION_SECS).unwrap().is_none());
        assert!(store.session("", 50_000).unwrap().is_none());
    }

    #[test]
    fn nobody_signs_in_as_the_desk_itself_or_by_trying() {
        let (store, tries) = (store(), Mutex::<Tries>::default());
        assert!(store.add_account("desk", Role::Lead, PASSWORD, 1000).is_err());
        assert!(store.add_account("other", Role::Desk, PASSWORD, 1000).is_err());
        assert!(store.add_account("lan", Role::Reader, PASSWORD, 1000).is_err());
        let try_wrong = |now| store.sign_in(&tries, ("lan", "wrong"), None, now);
        for _ in 0..FREE_TRIES {
            assert!(!matches!(try_wrong(1000), Ok(_) | Err(TriageError::Wait(_))));
        }
        let sign_in = |now| store.sign_in(&tries, ("lan", PASSWORD), None, now);
        assert!(matches!(sign_in(1000), Err(TriageError::Wait(1))), "the right one, too");
        assert!(try_wrong(1001).is_err());
        assert!(matches!(sign_in(1001), Err(TriageError::Wait(2))), "twice as long");
        assert!(sign_in(1003).is_ok() && sign_in(1003).is_ok(), "and then all is forgotten");
    }
}
