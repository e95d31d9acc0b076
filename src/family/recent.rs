//! What was just refused to a device, for its own eyes: in memory, for ten minutes, so that a child whose browser could show no
//! page can still see why and ask. Never help, never sealed content.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError};

use super::Family;
use crate::classify::{Category, CategorySet};
use crate::identity::ClientAddr;
use crate::name::Name;
use crate::policy::Verdict;
use crate::telemetry::activity::Refused;

const KEPT_SECS: i64 = 600;
const NAMES_MAX: usize = 8;
const CLIENTS_MAX: usize = 1024;

/// Something that was refused just now.
#[derive(Debug, Clone)]
pub struct Stopped {
    /// What was asked for.
    pub name: Name,
    /// Whose rules refused it.
    pub profile: Arc<str>,
    /// Why.
    pub verdict: Verdict,
    /// When last, seconds since 1970.
    pub at: i64,
}

/// In boxes: a place in the queue keeps what was in it until it is used again.
#[derive(Default)]
pub(super) struct Recent(HashMap<IpAddr, VecDeque<Box<Stopped>>>);

impl Recent {
    fn forget(&mut self, now: i64) {
        for stopped in self.0.values_mut() {
            stopped.retain(|one| one.at > now - KEPT_SECS);
        }
        self.0.retain(|_, stopped| !stopped.is_empty());
    }
}

impl Family {
    pub(super) fn note_recent(&self, refused: &Refused, now: i64) {
        if refused.categories.intersects(CategorySet::of(&[Category::Csam, Category::Help]))
            || !refused.verdict.is_refusal()
        {
            return;
        }
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.0.len() >= CLIENTS_MAX {
            recent.forget(now);
        }
        if recent.0.len() >= CLIENTS_MAX {
            return;
        }
        let stopped = recent.0.entry(refused.client.ip()).or_default();
        stopped.retain(|one| one.name != refused.name);
        stopped.truncate(NAMES_MAX - 1);
        let (name, profile) = (refused.name.clone(), Arc::clone(&refused.profile));
        stopped.push_front(Box::new(Stopped { name, profile, verdict: refused.verdict, at: now }));
    }

    /// What was refused to this device in the last ten minutes, the newest first.
    pub fn recent(&self, client: ClientAddr, now: i64) -> Vec<Stopped> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let stopped = recent.0.get(&client.ip());
        stopped.into_iter().flatten().filter(|one| one.at > now - KEPT_SECS).map(|one| (**one).clone()).collect()
    }

    /// Forgets what is older.
    pub fn forget_recent(&self, now: i64) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).forget(now);
    }
}
