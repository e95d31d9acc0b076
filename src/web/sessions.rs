//! Setting the household up, signing in and out, passwords and one-time codes.

use std::net::IpAddr;

use super::guard::COOKIE;
use super::{Trouble, Visitor, Web};
use crate::family::{Deed, Error, Login, Role, Session};

/// What somebody shows to sign in.
pub struct SignIn {
    /// Their name.
    pub name: String,
    /// Their password.
    pub password: String,
    /// A one-time code, where they use them.
    pub code: String,
}

impl Web {
    /// Makes the first guardian: from the local network only, and only until there is one.
    pub fn set_up(&self, visitor: &Visitor, name: &str, password: &str) -> Result<Session, Trouble> {
        if !is_local(visitor.peer) {
            return Err(Trouble::Forbidden);
        }
        if !self.family.is_new()? {
            return Err(Trouble::Conflict("this household was set up already".into()));
        }
        self.family.add_account(name, password, Role::Guardian, None, visitor.now)?;
        self.family.note(name.trim(), None, Deed::SetUp, "", visitor.now)?;
        let login = Login { name, password, code: "", from: visitor.peer };
        Ok(self.family.sign_in(&login, visitor.now)?)
    }

    /// Signs in; both ways it ends are noted.
    pub fn sign_in(&self, visitor: &Visitor, sign_in: &SignIn) -> Result<Session, Trouble> {
        let SignIn { name, password, code } = sign_in;
        match self.family.sign_in(&Login { name, password, code, from: visitor.peer }, visitor.now) {
            Ok(session) => {
                self.family.note(&session.account.name, None, Deed::SignedIn, "", visitor.now)?;
                Ok(session)
            }
            Err(error) => {
                if matches!(error, Error::Refused(_)) {
                    // Not the name: people type passwords into the wrong field.
                    self.family.note("?", None, Deed::SignInFailed, "", visitor.now)?;
                }
                Err(error.into())
            }
        }
    }

    /// Ends the session.
    pub fn sign_out(&self, visitor: &Visitor) -> Result<(), Trouble> {
        match &visitor.session {
            Some(secret) => Ok(self.family.sign_out(secret)?),
            None => Err(Trouble::NotSignedIn),
        }
    }

    /// A new password for whoever is signed in and knows the old one. Ends all of their sessions.
    pub fn change_password(&self, visitor: &Visitor, old: &str, new: &str) -> Result<(), Trouble> {
        let account = visitor.account().ok_or(Trouble::NotSignedIn)?;
        if !self.family.is_password(account.id, old)? {
            return Err(Trouble::Invalid("the old password is wrong".into()));
        }
        self.family.set_password(account.id, new)?;
        Ok(self.family.note(&account.name, None, Deed::Account, "password", visitor.now)?)
    }

    /// One-time codes for whoever is signed in, from now on or no longer.
    pub fn set_totp(&self, visitor: &Visitor, secret: Option<(&str, &str)>) -> Result<(), Trouble> {
        let account = visitor.account().ok_or(Trouble::NotSignedIn)?;
        self.family.set_totp(account.id, secret, visitor.now)?;
        let detail = if secret.is_some() { "one-time codes on" } else { "one-time codes off" };
        Ok(self.family.note(&account.name, None, Deed::Account, detail, visitor.now)?)
    }
}

/// The cookie of a session: out of reach of scripts, and never sent by another site's page.
pub fn cookie(secret: &str, is_tls: bool) -> String {
    let secure = if is_tls { "; Secure" } else { "" };
    format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}")
}

/// Takes the cookie away.
pub fn no_cookie(is_tls: bool) -> String {
    format!("{}; Max-Age=0", cookie("", is_tls))
}

/// True for addresses of the household.
pub fn is_local(peer: IpAddr) -> bool {
    match peer.to_canonical() {
        IpAddr::V4(addr) => addr.is_private() || addr.is_loopback() || addr.is_link_local(),
        IpAddr::V6(addr) => addr.is_loopback() || addr.is_unique_local() || addr.is_unicast_link_local(),
    }
}
