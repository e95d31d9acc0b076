//! Who sends a request: somebody signed in, a program with a token, or a device of the household. Made once a request, by the
//! guard.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::{Trouble, Web};
use crate::family::{Account, Role, Scope, TokenRow};
use crate::identity::ClientAddr;
use crate::judge::Snapshot;
use crate::policy::{Moment, Profile};

/// Who it is, when they have shown it.
#[derive(Debug, Clone)]
pub enum Person {
    /// Signed in.
    Account(Account),
    /// A program.
    Token(TokenRow),
}

/// Who sends a request.
#[derive(Clone)]
pub struct Visitor {
    /// Where it comes from.
    pub peer: IpAddr,
    /// Who it is, if known.
    pub person: Option<Person>,
    /// The secret of the session, to end it.
    pub session: Option<String>,
    /// What forms have to send back.
    pub csrf: String,
    /// The language of the pages.
    pub languages: Option<String>,
    /// The language chosen before, from a cookie.
    pub chosen_language: Option<String>,
    /// The language of the profile, as a guardian chose it.
    pub own_language: Option<&'static str>,
    /// For inline style and script of this answer.
    pub nonce: String,
    /// Comes by TLS.
    pub is_tls: bool,
    /// Seconds since 1970.
    pub now: i64,
}

impl Visitor {
    /// Their name for the audit log, if they may do that.
    pub fn may(&self, scope: Scope) -> Result<&str, Trouble> {
        match &self.person {
            None => Err(Trouble::NotSignedIn),
            Some(Person::Token(token)) if token.scopes.contains(&scope) => Ok(&token.name),
            Some(Person::Account(account)) if scopes_of(account.role).contains(&scope) => Ok(&account.name),
            Some(_) => Err(Trouble::Forbidden),
        }
    }

    /// True when they may read what concerns that profile: who steers, and the child itself.
    pub fn may_read_of(&self, profile: &str) -> Result<(), Trouble> {
        match &self.person {
            Some(Person::Account(account))
                if account.role == Role::Child && account.profile.as_deref() == Some(profile) =>
            {
                Ok(())
            }
            _ => self.may(Scope::Read).map(drop),
        }
    }

    /// The account, if one is signed in.
    pub fn account(&self) -> Option<&Account> {
        match &self.person {
            Some(Person::Account(account)) => Some(account),
            _ => None,
        }
    }

    /// The device it comes from.
    pub fn client(&self) -> ClientAddr {
        ClientAddr::from(self.peer)
    }

    /// The profile of a child that is signed in, else of the device.
    pub fn profile<'s>(&self, snapshot: &'s Snapshot) -> &'s Profile {
        let own =
            self.account().filter(|account| account.role == Role::Child).and_then(|account| account.profile.as_deref());
        own.and_then(|name| snapshot.profile_named(name)).unwrap_or_else(|| snapshot.asker(self.client().into()))
    }

    /// The household's moment.
    pub fn moment(&self, snapshot: &Snapshot) -> Moment {
        snapshot.moment(self.now)
    }
}

const fn scopes_of(role: Role) -> &'static [Scope] {
    match role {
        Role::Child => &[],
        Role::Reader => &[Scope::Read],
        Role::Second => &[Scope::Read, Scope::Moments, Scope::Policy],
        Role::Guardian => &Scope::ALL,
    }
}

impl FromRequestParts<Arc<Web>> for Visitor {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Web>) -> Result<Visitor, Trouble> {
        parts
            .extensions
            .get::<Visitor>()
            .cloned()
            .ok_or_else(|| Trouble::Internal("a request without a visitor".into()))
    }
}
