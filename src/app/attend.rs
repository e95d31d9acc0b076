//! Once a second: what the doors told goes to the family's file, time that was used is added to budgets, and what may no longer
//! be kept is deleted.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;

use crate::family::{Error, Family};
use crate::judge::Snapshot;
use crate::policy::{Band, Profile};
use crate::telemetry::activity::{Activity, Refused};
use crate::web::steward::Sighting;

/// Activity in a minute counts as the whole minute.
const MINUTE: u32 = 60;
/// What may no longer be kept is deleted this often, in seconds.
const FORGET_EVERY: i64 = 3600;
/// Events taken at once.
const BATCH: usize = 4096;

/// Keeps the family's file up to date.
pub struct Attendant {
    family: Arc<Family>,
    activity: Arc<Activity>,
    told: Mutex<Receiver<Box<Refused>>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The minute in which each budget was counted last, by profile and budget.
    counted: HashMap<(Arc<str>, Box<str>), i64>,
    /// When each device was noted last, and its name then.
    seen: HashMap<String, (i64, String)>,
    today: Option<Date>,
    /// Whose activity was looked over last.
    bands: Vec<(Arc<str>, Band)>,
    forgot_at: Option<i64>,
}

impl Attendant {
    /// Nothing was told yet.
    pub fn new(family: Arc<Family>, activity: Arc<Activity>, told: Receiver<Box<Refused>>) -> Attendant {
        Attendant { family, activity, told: Mutex::new(told), state: Mutex::default() }
    }

    /// One round. True when what holds for a while has changed: a budget is used up, or a day began.
    /// `hear` is told of each event as well.
    pub fn attend(&self, snapshot: &Snapshot, now: i64, hear: impl Fn(&Refused)) -> Result<bool, Error> {
        let today = snapshot.moment(now).local.date();
        let told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let refused: Vec<Box<Refused>> = told.try_iter().take(BATCH).collect();
        drop(told);
        refused.iter().for_each(|refused| hear(refused));
        if !refused.is_empty() {
            self.family.record(&refused, now, today)?;
        }
        self.family.forget_recent(now);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_spent = self.spend(&mut state, snapshot, now, today)?;
        let is_new_day = state.today.replace(today).is_some_and(|before| before != today);
        // A child that has grown, or is gone, is forgotten at once.
        let bands = bands(snapshot);
        let is_other = state.bands != bands;
        if is_new_day || is_other || state.forgot_at.is_none_or(|at| !(0..FORGET_EVERY).contains(&(now - at))) {
            state.forgot_at = Some(now);
            state.counted.clear();
            self.family.forget(&bands, now, today)?;
            state.bands = bands;
        }
        Ok(is_spent || is_new_day)
    }

    /// Notes devices that are on the network; each once a minute.
    pub fn see(&self, seen: &[Sighting], now: i64) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let State { seen: noted, .. } = &mut *state;
        for device in seen {
            let (at, name) = noted.entry(device.key.clone()).or_default();
            if now - *at < i64::from(MINUTE) && *name == device.name {
                continue;
            }
            (*at, *name) = (now, device.name.clone());
            self.family.see(&device.key, &device.name, now)?;
        }
        noted.retain(|_, (at, _)| now - *at < FORGET_EVERY);
        Ok(())
    }

    /// Adds a minute to each budget that was used in a minute not yet counted; true when one is used up by it.
    fn spend(&self, state: &mut State, snapshot: &Snapshot, now: i64, today: Date) -> Result<bool, Error> {
        let (used, minute) = (self.activity.take_used(snapshot.profiles.len()), now / i64::from(MINUTE));
        let mut is_spent = false;
        for (profile, used) in snapshot.profiles.iter().zip(used).filter(|(_, used)| *used != 0) {
            for budget in profile.budgets(today).filter(|budget| used & 1 << budget.position != 0) {
                let key = (Arc::clone(&profile.name), budget.name.into());
                if state.counted.insert(key, minute) == Some(minute) {
                    continue;
                }
                self.family.spend(&profile.name, budget.name, today, MINUTE)?;
                is_spent |= profile.temporary.spent & 1 << budget.position == 0
                    && self.is_used_up(profile, budget.name, budget.limit.as_secs(), now, today)?;
            }
        }
        Ok(is_spent)
    }

    fn is_used_up(&self, profile: &Profile, budget: &str, limit: u64, now: i64, today: Date) -> Result<bool, Error> {
        let used = self.family.moments(now, today)?.used;
        Ok(used.iter().any(|(of, name, secs)| *of == *profile.name && name == budget && u64::from(*secs) >= limit))
    }
}

fn bands(snapshot: &Snapshot) -> Vec<(Arc<str>, Band)> {
    snapshot.profiles.iter().map(|profile| (Arc::clone(&profile.name), profile.band)).collect()
}
