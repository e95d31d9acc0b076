//! Everything that changes something, once: who may, what it does, what is noted of it. The API and the dashboard both come
//! through here. Hours and grants go to the family's file; rules go to the configuration (`policy`).

use jiff::ToSpan;

use super::{Trouble, Visitor, Web};
use crate::classify::Category;
use crate::family::{Answer, Deed, GrantRow, Role, Scope, Who};
use crate::judge::Snapshot;
use crate::name::Name;
use crate::policy::code::Extra;

/// How long something holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// So many minutes.
    Minutes(u32),
    /// Until the household's day ends.
    Today,
}

/// A pause or a grant in minutes is at most a week.
const MINUTES_MAX: u32 = 7 * 24 * 60;

impl Lasts {
    /// Of an answer: a quarter of an hour, an hour, today; `None` for the others.
    pub fn of(answer: Answer) -> Option<Lasts> {
        match answer {
            Answer::Once => Some(Lasts::Minutes(15)),
            Answer::Hour => Some(Lasts::Minutes(60)),
            Answer::Today => Some(Lasts::Today),
            Answer::Always | Answer::No => None,
        }
    }

    /// First moment after, seconds since 1970.
    pub fn until(self, snapshot: &Snapshot, now: i64) -> Result<i64, Trouble> {
        match self {
            Lasts::Minutes(minutes) if (1..=MINUTES_MAX).contains(&minutes) => Ok(now + i64::from(minutes) * 60),
            Lasts::Minutes(_) => Err(Trouble::Invalid(format!("minutes are 1 to {MINUTES_MAX}"))),
            Lasts::Today => {
                let tomorrow = snapshot.moment(now).local.date().checked_add(1.day());
                let midnight =
                    tomorrow.ok().map(|day| snapshot.time_zone.to_ambiguous_zoned_datetime(day.at(0, 0, 0, 0)));
                midnight
                    .and_then(|at| at.compatible().ok())
                    .map(|at| at.timestamp().as_second())
                    .ok_or_else(|| Trouble::Internal("no tomorrow".into()))
            }
        }
    }
}

impl Web {
    /// Allows something of a profile for a while. `what`: `name:…`, `category:…`, `service:…` or `time`.
    pub fn grant(&self, visitor: &Visitor, profile: &str, what: &str, lasts: Lasts) -> Result<GrantRow, Trouble> {
        let by = visitor.may(Scope::Moments)?;
        let snapshot = self.judge.keep();
        known(&snapshot, profile)?;
        let what = self.subject(what)?;
        let until = lasts.until(&snapshot, visitor.now)?;
        let id = self.family.grant(profile, &what, until, by, visitor.now)?;
        self.in_force()?;
        let kind = what.split(':').next().unwrap_or("");
        self.family.note(by, Some(profile), Deed::Grant, &format!("{kind} {}", until - visitor.now), visitor.now)?;
        Ok(GrantRow { id, profile: profile.to_string(), what, until, by: by.to_string() })
    }

    /// Takes a grant back.
    pub fn take_back(&self, visitor: &Visitor, id: i64) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Moments)?;
        let row = self.family.take_back(id)?;
        self.in_force()?;
        Ok(self.family.note(by, Some(&row.profile), Deed::Grant, "taken back", visitor.now)?)
    }

    /// Nothing but help for a while.
    pub fn pause(&self, visitor: &Visitor, who: &Who, lasts: Lasts) -> Result<i64, Trouble> {
        let by = visitor.may(Scope::Moments)?;
        let snapshot = self.judge.keep();
        if let Who::Profile(profile) = who {
            known(&snapshot, profile)?;
        }
        let until = lasts.until(&snapshot, visitor.now)?;
        self.family.pause(who, until, by)?;
        self.in_force()?;
        self.family.note(by, profile_of(who), Deed::Pause, &format!("{}", until - visitor.now), visitor.now)?;
        Ok(until)
    }

    /// Ends a pause.
    pub fn resume(&self, visitor: &Visitor, who: &Who) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Moments)?;
        if !self.family.resume(who)? {
            return Err(Trouble::NoSuch("pause"));
        }
        self.in_force()?;
        Ok(self.family.note(by, profile_of(who), Deed::Pause, "ended", visitor.now)?)
    }

    /// Answers a child's request, with a reason for the child.
    pub fn answer(&self, visitor: &Visitor, id: i64, answer: Answer, reason: &str) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Moments)?;
        if answer == Answer::Always {
            visitor.may(Scope::Policy)?;
        }
        let row = self.family.request(id)?;
        let snapshot = self.judge.keep();
        known(&snapshot, &row.profile)?;
        if answer == Answer::Always && row.name.is_none() {
            // It would stand in the configuration, for everybody to read.
            return Err(Trouble::Invalid(
                "a page whose name only the child knows can be allowed for a while, not always".into(),
            ));
        }
        let name = self.family.answer(id, answer, reason, visitor.now)?;
        self.family.note(by, Some(&row.profile), Deed::Request, answer.code(), visitor.now)?;
        if answer == Answer::No {
            return Ok(());
        }
        let Some(name) = name else {
            return Err(Trouble::Conflict("the page is no longer known; the child has to ask again".into()));
        };
        match Lasts::of(answer) {
            Some(lasts) => {
                let until = lasts.until(&snapshot, visitor.now)?;
                if row.name.is_some() {
                    self.family.grant(&row.profile, &format!("name:{name}"), until, by, visitor.now)?;
                } else {
                    self.family.grant_unwritten(&row.profile, &name, until, by, visitor.now);
                }
                self.in_force()
            }
            None => self.allow_always(visitor, &row.profile, &name),
        }
    }

    /// The next codes to read out to a child that is away, by their length.
    pub fn codes(&self, visitor: &Visitor, profile: &str) -> Result<Vec<(Extra, String)>, Trouble> {
        visitor.may(Scope::Moments)?;
        known(&self.judge.keep(), profile)?;
        Ok(self.family.codes(profile)?.into_iter().map(|(extra, code)| (extra, code.to_string())).collect())
    }

    /// Makes all earlier codes worthless.
    pub fn renew_codes(&self, visitor: &Visitor, profile: &str) -> Result<(), Trouble> {
        let by = visitor.may(Scope::Moments)?;
        known(&self.judge.keep(), profile)?;
        self.family.renew_codes(profile)?;
        Ok(self.family.note(by, Some(profile), Deed::Code, "renewed", visitor.now)?)
    }

    /// What a guardian wrote, in the form it is kept.
    fn subject(&self, what: &str) -> Result<String, Trouble> {
        let wrong = || {
            Trouble::Invalid(format!("{what:?} is nothing that can be allowed (name:…, category:…, service:…, time)"))
        };
        match what.split_once(':') {
            None if what == "time" => Ok(what.to_string()),
            Some(("name", name)) => {
                let name = Name::parse(name).map_err(|_| wrong())?;
                if name.is_icann_suffix() || name.is_root() {
                    return Err(Trouble::Invalid(format!("{name} is a public suffix; name the sites below it")));
                }
                Ok(format!("name:{name}"))
            }
            Some(("category", code)) => {
                let category = Category::from_code(code).ok_or_else(wrong)?;
                if self.judge.current().criteria.no_loosening().contains(category) {
                    return Err(Trouble::Invalid(
                        "the criteria do not let a guardian allow all of this; allow single names".into(),
                    ));
                }
                Ok(what.to_string())
            }
            Some(("service", id)) if self.judge.current().engine.bundle().service_id(id).is_some() => {
                Ok(what.to_string())
            }
            _ => Err(wrong()),
        }
    }

    fn in_force(&self) -> Result<(), Trouble> {
        self.steward.renew().map_err(Trouble::Internal)
    }

    /// Makes an account.
    pub fn add_account(
        &self,
        visitor: &Visitor,
        name: &str,
        password: &str,
        role: Role,
        profile: Option<&str>,
    ) -> Result<i64, Trouble> {
        let by = visitor.may(Scope::People)?;
        if let Some(profile) = profile {
            known(&self.judge.keep(), profile)?;
        }
        let id = self.family.add_account(name, password, role, profile, visitor.now)?;
        self.family.note(by, profile, Deed::Account, &format!("made {}", role.code()), visitor.now)?;
        Ok(id)
    }

    /// Removes an account.
    pub fn remove_account(&self, visitor: &Visitor, id: i64) -> Result<(), Trouble> {
        let by = visitor.may(Scope::People)?;
        self.family.remove_account(id)?;
        Ok(self.family.note(by, None, Deed::Account, "removed", visitor.now)?)
    }

    /// Makes a token; its text is shown once.
    pub fn add_token(&self, visitor: &Visitor, name: &str, scopes: &[Scope]) -> Result<(i64, String), Trouble> {
        let by = visitor.may(Scope::People)?;
        let made = self.family.add_token(name, scopes, visitor.now)?;
        self.family.note(by, None, Deed::Token, "made", visitor.now)?;
        Ok(made)
    }

    /// Removes a token.
    pub fn remove_token(&self, visitor: &Visitor, id: i64) -> Result<(), Trouble> {
        let by = visitor.may(Scope::People)?;
        self.family.remove_token(id)?;
        Ok(self.family.note(by, None, Deed::Token, "removed", visitor.now)?)
    }
}

fn profile_of(who: &Who) -> Option<&str> {
    match who {
        Who::Profile(profile) => Some(profile),
        Who::House | Who::Device(_) => None,
    }
}

/// Refuses profiles that are not there.
pub fn known(snapshot: &Snapshot, profile: &str) -> Result<(), Trouble> {
    snapshot.profile_named(profile).map(drop).ok_or(Trouble::NoSuch("profile"))
}
