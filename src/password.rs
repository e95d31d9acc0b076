//! Passwords as they are kept and tried, wherever somebody signs in: Argon2id (RFC 9106), one at a time, and a wait that doubles
//! with each wrong try. Who has which password is not known here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Longer ones would cost too much to hash, in characters.
pub const PASSWORD_MAX: usize = 256;
/// Keys whose wrong tries are remembered.
pub const TRIED_MAX: usize = 4096;
/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// Tries that cost nothing; from then on the wait doubles.
pub const FREE_TRIES: u32 = 5;
const WAIT_MAX_SECS: u64 = 15 * 60;

/// Why a password cannot be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has {0} to {PASSWORD_MAX} characters")]
    Length(usize),
    /// No randomness, or no memory to hash in.
    #[error("the password cannot be hashed")]
    Crypto,
}

/// One at a time: each takes 19 MiB, which a small router has once.
static HASHING: Mutex<()> = Mutex::new(());

/// The hash with all that is needed to check it (PHC string format); of at least `min` characters.
pub fn hash(password: &str, min: usize) -> Result<String, PasswordError> {
    if !(min..=PASSWORD_MAX).contains(&password.chars().count()) {
        return Err(PasswordError::Length(min));
    }
    let (mut salt, mut out) = ([0; 16], [0; 32]);
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| PasswordError::Crypto)?;
    derive(password, &salt, &mut out)?;
    let (salt, out) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(out));
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${out}"))
}

/// Whether it is the password of that hash. Of nobody's (`None`) it is not, which takes as long to find out.
pub fn matches(kept: Option<&str>, password: &str) -> bool {
    let decoded = |part: Option<&str>| part.and_then(|part| STANDARD_NO_PAD.decode(part).ok());
    let mut parts = kept.unwrap_or(NOBODY).rsplitn(3, '$');
    let (Some(expected), Some(salt)) = (decoded(parts.next()), decoded(parts.next())) else { return false };
    if password.len() > 4 * PASSWORD_MAX {
        return false;
    }
    let mut out = [0; 32];
    let is_hashed = derive(password, &salt, &mut out).is_ok();
    is_hashed && kept.is_some() && verify_slices_are_equal(&expected, &out).is_ok()
}

const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn derive(password: &str, salt: &[u8], out: &mut [u8; 32]) -> Result<(), PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, Some(32)).map_err(|_| PasswordError::Crypto)?;
    let _one = HASHING.lock().unwrap_or_else(PoisonError::into_inner);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.as_bytes(), salt, out).map_err(|_| PasswordError::Crypto)
}

/// Wrong tries, by whatever they are counted by.
#[derive(Debug, Default)]
pub struct Tries(HashMap<String, (u32, i64)>);

impl Tries {
    /// Seconds until another try is heard.
    pub fn wait(&self, key: &str, now: i64) -> u64 {
        let Some((failed, last)) = self.0.get(key) else { return 0 };
        let Some(over) = failed.checked_sub(FREE_TRIES) else { return 0 };
        let wait = 2_u64.saturating_pow(over.min(20)).min(WAIT_MAX_SECS);
        wait.saturating_sub(u64::try_from(now - last).unwrap_or(0))
    }

    /// Another wrong one.
    pub fn failed(&mut self, key: &str, now: i64) {
        if self.0.len() >= TRIED_MAX {
            self.0.retain(|_, (_, last)| now - *last < WAIT_MAX_SECS as i64);
        }
        if self.0.len() < TRIED_MAX || self.0.contains_key(key) {
            let tries = self.0.entry(key.to_string()).or_default();
            *tries = (tries.0.saturating_add(1), now);
        }
    }

    /// A right one: those before it count no more.
    pub fn forget(&mut self, keys: &[String]) {
        self.0.retain(|key, _| !keys.contains(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_one_is_right_and_nobody_has_one() {
        let kept = hash("đủ dài rồi", 8).unwrap();
        assert!(matches(Some(&kept), "đủ dài rồi"));
        assert!(!matches(Some(&kept), "đủ dài rồi.") && !matches(None, "đủ dài rồi") && !matches(Some("x"), ""));
        assert_ne!(kept, hash("đủ dài rồi", 8).unwrap(), "each has a salt of its own");
        assert_eq!(hash("short", 8), Err(PasswordError::Length(8)));
        assert_eq!(hash(&"x".repeat(257), 8), Err(PasswordError::Length(8)));
    }

    #[test]
    fn each_wrong_try_waits_twice_as_long_up_to_a_quarter_of_an_hour() {
        let mut tries = Tries::default();
        let mut waits = Vec::new();
        for _ in 0..20 {
            tries.failed("a", 0);
            waits.push(tries.wait("a", 0));
        }
        assert_eq!(waits[..8], [0, 0, 0, 0, 1, 2, 4, 8]);
        assert_eq!((waits[19], tries.wait("a", 100), tries.wait("b", 0)), (900, 800, 0));
        tries.forget(&["a".into()]);
        assert_eq!(tries.wait("a", 0), 0);
        (0..2 * TRIED_MAX).for_each(|at| tries.failed(&at.to_string(), 0));
        assert!(tries.0.len() <= TRIED_MAX);
    }
}
