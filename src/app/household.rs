//! What the family's file says holds for a while, put into the configuration and the snapshot.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use super::snapshot;
use crate::classify::{Bundle, Category, Engine};
use crate::config::Config;
use crate::family::{Moments, Who};
use crate::identity::Mac;
use crate::judge::Snapshot;
use crate::lists::data::Builtin;
use crate::name::Name;
use crate::policy::{Band, Grant, Granted, Profile, Selector, Temporary};

/// The configuration in which each paused device has a profile of its own: a copy of its owner's.
pub struct Effective {
    /// With the copies, which stand after all others.
    pub config: Config,
    /// Until when each copy is paused.
    paused: Vec<i64>,
}

impl Effective {
    /// What holds when `config` is read together with `moments`.
    pub fn of(config: &Config, moments: &Moments) -> Effective {
        let mut effective = Effective { config: config.clone(), paused: Vec::new() };
        for pause in &moments.pauses {
            if let Who::Device(key) = &pause.who {
                effective.pause(key, pause.until);
            }
        }
        effective
    }

    fn pause(&mut self, key: &str, until: i64) {
        let config = &mut self.config;
        let copy = config.profiles.len();
        let owner = match (Mac::parse(key), key.parse::<IpAddr>()) {
            (Some(mac), _) => match config.macs.iter_mut().find(|(known, _)| *known == mac) {
                Some((_, owner)) => std::mem::replace(owner, copy),
                None => {
                    config.macs.push((mac, copy));
                    config.strangers
                }
            },
            (None, Ok(ip)) => {
                let net = IpNet::from(ip.to_canonical());
                let holding = config.devices.iter().filter(|(known, _)| known.contains(&net));
                let owner = holding.max_by_key(|(known, _)| known.prefix_len()).map(|(_, owner)| *owner);
                config.devices.retain(|(known, _)| *known != net);
                config.devices.push((net, copy));
                owner.unwrap_or(config.strangers)
            }
            // A device that is no longer configured.
            (None, Err(_)) => return,
        };
        let spec = config.profiles[owner].clone();
        config.profiles.push(spec);
        self.paused.push(until);
    }

    /// Everything a decision needs, with what holds for a while.
    pub fn snapshot(&self, engine: Engine, builtin: &Builtin, moments: &Moments, now: i64) -> Snapshot {
        let mut snapshot = snapshot(&self.config, engine.clone(), builtin, now.unsigned_abs());
        let today = snapshot.moment(now).local.date();
        let written = snapshot.profiles.len().saturating_sub(self.paused.len());
        for (position, profile) in snapshot.profiles.iter_mut().enumerate() {
            let own = position.checked_sub(written).and_then(|copy| self.paused.get(copy)).copied();
            profile.temporary = temporary(profile, moments, engine.bundle(), today);
            profile.temporary.paused_until = profile.temporary.paused_until.max(own);
        }
        snapshot
    }
}

fn temporary(profile: &Profile, moments: &Moments, bundle: &Bundle, today: Date) -> Temporary {
    let grants = moments.grants.iter().filter(|grant| grant.profile == *profile.name);
    let grants = grants.filter_map(|grant| Some(Grant { what: granted(&grant.what, bundle)?, until: grant.until }));
    let paused_until = moments.pauses.iter().filter(|pause| match &pause.who {
        // Whoever pauses the house still has to be reached, and pays the bill.
        Who::House => profile.band != Band::Adult,
        Who::Profile(name) => *name == *profile.name,
        Who::Device(_) => false,
    });
    let used = |name: &str| {
        let mine = moments.used.iter().find(|(of, budget, _)| *of == *profile.name && budget == name);
        mine.map_or(0, |(_, _, secs)| u64::from(*secs))
    };
    let spent = profile.budgets(today).filter(|budget| used(budget.name) >= budget.limit.as_secs());
    Temporary {
        grants: grants.collect(),
        paused_until: paused_until.map(|pause| pause.until).max(),
        spent: spent.fold(0, |spent, budget| spent | 1 << budget.position),
    }
}

/// What a grant's text stands for; `None` for what an older list knew and this one does not.
fn granted(what: &str, bundle: &Bundle) -> Option<Granted> {
    match what.split_once(':') {
        None if what == "time" => Some(Granted::Time),
        Some(("name" | "hidden", name)) => Name::parse(name).ok().map(Box::new).map(Granted::Name),
        Some(("category", code)) => Category::from_code(code).map(Selector::Category).map(Granted::Selector),
        Some(("service", id)) => bundle.service_id(id).map(Selector::Service).map(Granted::Selector),
        _ => None,
    }
}
