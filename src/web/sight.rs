//! What can be seen, for pages and API alike.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use super::steering::known;
use super::{Trouble, Visitor, Web};
use crate::classify::{Url, UrlHost};
use crate::family::{GrantRow, Moments, Scope, Visible};
use crate::identity::Mac;
use crate::judge::{Explanation, Snapshot};
use crate::name::Name;
use crate::policy::{Band, Grant, Granted, Moment, Profile};
use crate::web::pages::Budget;

/// A device that was seen, with what is known of it.
#[derive(Debug, Clone, Serialize)]
pub struct SeenDevice {
    /// Its MAC address, or its address where no MAC address is known.
    pub key: String,
    /// What it calls itself; empty when it does not say.
    pub name: String,
    /// Its addresses now.
    pub addresses: Vec<String>,
    /// The address changes from network to network or from day to day.
    pub is_random: bool,
    /// Whose it is; `None` for strangers.
    pub profile: Option<String>,
    /// Whose it may be, and why. A hint, no more.
    pub proposal: Option<(String, &'static str)>,
    /// A guardian was told of it.
    pub is_known: bool,
    /// First and last seen, seconds since 1970.
    pub first: i64,
    /// Last seen.
    pub last: i64,
}

impl Web {
    /// The household's day.
    pub fn today(&self, now: i64) -> Date {
        self.judge.current().moment(now).local.date()
    }

    /// What holds for a while now.
    pub fn moments(&self, now: i64) -> Result<Moments, Trouble> {
        let mut moments = self.family.moments(now, self.today(now))?;
        // The page a 16- or 17-year-old asked for is nobody else's business.
        moments.grants.iter_mut().filter(|grant| grant.what.starts_with("hidden:")).for_each(|grant| {
            grant.what = "hidden".to_string();
        });
        Ok(moments)
    }

    /// The budgets of today, with what is left of each.
    pub fn budgets(&self, profile: &Profile, moment: &Moment) -> Result<Vec<Budget>, Trouble> {
        let today = moment.local.date();
        let used = self.family.moments(moment.unix_secs, today)?.used;
        let budgets = profile.budgets(today).map(|budget| {
            let mine = used.iter().find(|(of, name, _)| *of == *profile.name && name == budget.name);
            let (used, of) = (mine.map_or(0, |(_, _, secs)| secs / 60), (budget.limit.as_secs() / 60) as u32);
            Budget { title: budget.name.to_string(), left: of.saturating_sub(used), of }
        });
        Ok(budgets.collect())
    }

    /// What anybody may see of that profile.
    pub fn visible(&self, visitor: &Visitor, profile: &str) -> Result<Visible, Trouble> {
        let snapshot = self.judge.keep();
        let band = snapshot.profile_named(profile).ok_or(Trouble::NoSuch("profile"))?.band;
        Ok(self.family.visible(profile, band, self.today(visitor.now))?)
    }

    /// Deletes what is kept of a profile's activity: a guardian's right, and that of the child from 16 on.
    pub fn forget_activity(&self, visitor: &Visitor, profile: &str) -> Result<(), Trouble> {
        let snapshot = self.judge.keep();
        known(&snapshot, profile)?;
        let own = visitor.profile(&snapshot);
        let is_own = &*own.name == profile && matches!(own.band, Band::Age16to17 | Band::Adult);
        if !is_own {
            visitor.may(Scope::Policy)?;
        }
        Ok(self.family.forget_activity(profile, self.today(visitor.now))?)
    }

    /// Devices that were seen, with whose they are.
    pub fn seen_devices(&self) -> Result<Vec<SeenDevice>, Trouble> {
        let (snapshot, sightings) = (self.judge.keep(), self.steward.sightings());
        let seen = self.family.seen()?.into_iter().map(|seen| {
            let sighting = sightings.iter().find(|sighting| sighting.key == seen.key);
            SeenDevice {
                profile: owner(&snapshot, &seen.key),
                addresses: sighting
                    .map_or_else(Vec::new, |one| one.addresses.iter().map(ToString::to_string).collect()),
                is_random: sighting.is_some_and(|one| one.is_random),
                proposal: sighting.and_then(|one| one.proposal.clone()),
                name: seen.name,
                is_known: seen.is_known,
                first: seen.first,
                last: seen.last,
                key: seen.key,
            }
        });
        Ok(seen.collect())
    }

    /// Asks the judge as somebody else, at another time.
    pub fn explain(
        &self,
        text: &str,
        profile: Option<&str>,
        at: Option<&str>,
        now: i64,
    ) -> Result<Explanation, Trouble> {
        let snapshot = self.judge.keep();
        let profile = match profile.filter(|name| !name.is_empty()) {
            Some(name) => snapshot.profile_named(name).ok_or(Trouble::NoSuch("profile"))?,
            None => snapshot.profile(snapshot.clients.strangers()),
        };
        let text = text.trim();
        let invalid = || Trouble::Invalid(format!("{text:?} is not a name or an address of a page"));
        let url =
            if text.contains(['/', '?']) { Some(Url::read(text.as_bytes()).map_err(|_| invalid())?) } else { None };
        let name = match url.as_ref().map(|url| &url.host) {
            Some(UrlHost::Name(name)) => name.clone(),
            Some(UrlHost::Addr(_)) => return Err(invalid()),
            None => Name::parse(text).map_err(|_| invalid())?,
        };
        let moment = match at.filter(|at| !at.is_empty()) {
            Some(at) => moment_of(&snapshot, at)?,
            None => snapshot.moment(now),
        };
        Ok(snapshot.explain(&self.without_hidden(profile, now)?, &name, url.as_ref(), &moment))
    }

    /// A profile without the pages that were allowed to it and are nobody else's business: trying names would find them.
    fn without_hidden(&self, profile: &Profile, now: i64) -> Result<Profile, Trouble> {
        let grants = self.family.moments(now, self.today(now))?.grants.into_iter();
        let hidden: Vec<Grant> = grants.filter(|grant| grant.profile == *profile.name).filter_map(hidden).collect();
        let mut profile = profile.clone();
        profile.temporary.grants.retain(|grant| !hidden.contains(grant));
        Ok(profile)
    }
}

/// The grant that a row stands for, of those that are hidden.
fn hidden(row: GrantRow) -> Option<Grant> {
    let name = Name::parse(row.what.strip_prefix("hidden:")?).ok()?;
    Some(Grant { what: Granted::Name(Box::new(name)), until: row.until })
}

/// Whose device that is; `None` for strangers.
fn owner(snapshot: &Snapshot, key: &str) -> Option<String> {
    let clients = &snapshot.clients;
    let profile = match Mac::parse(key) {
        Some(mac) => clients.owner_of_mac(mac),
        None => key.parse::<IpAddr>().ok().and_then(|ip| clients.owner_of_addr(ip)),
    };
    profile.map(|id| snapshot.profile(id).name.to_string())
}

/// A time as a form or a program writes it: on the household's clock, or with an offset.
fn moment_of(snapshot: &Snapshot, at: &str) -> Result<Moment, Trouble> {
    if let Ok(at) = at.parse::<Timestamp>() {
        return Ok(snapshot.moment(at.as_second()));
    }
    let invalid = |_| Trouble::Invalid(format!("{at:?} is not a time (2026-11-24T21:30)"));
    let local: jiff::civil::DateTime = at.parse().map_err(invalid)?;
    let zoned = snapshot.time_zone.to_ambiguous_zoned_datetime(local).compatible().map_err(invalid)?;
    Ok(Moment { unix_secs: zoned.timestamp().as_second(), local })
}
