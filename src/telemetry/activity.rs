//! What the doors tell the family's side: refusals, as events on a bounded queue that drops before it blocks, and which time
//! budgets were just used, as bits. Allowed names are never told, and help is not told at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use arc_swap::ArcSwap;

use crate::classify::CategorySet;
use crate::identity::{ClientAddr, ProfileId};
use crate::name::Name;
use crate::policy::{Band, Verdict};

/// Events that may wait. A page that is refused makes a few dozen.
const WAITING_MAX: usize = 4096;

/// One refusal or warning.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Who asked.
    pub client: ClientAddr,
    /// Under whose rules.
    pub profile: Arc<str>,
    /// The profile's band, which decides what may be kept of this.
    pub band: Band,
    /// What was decided, and why.
    pub verdict: Verdict,
    /// Everything the name is listed as.
    pub categories: CategorySet,
    /// What was asked for.
    pub name: Name,
}

/// Where the doors tell.
pub struct Activity {
    /// In boxes: a place in the queue keeps what was in it until it is used again.
    events: SyncSender<Box<Refused>>,
    dropped: AtomicU64,
    /// By [`ProfileId`]: budgets used since they were last looked at.
    used: ArcSwap<Vec<AtomicU64>>,
}

impl Activity {
    /// A new one, and where its events come out.
    pub fn new() -> (Arc<Activity>, Receiver<Box<Refused>>) {
        let (events, told) = sync_channel(WAITING_MAX);
        (Arc::new(Activity { events, dropped: AtomicU64::new(0), used: ArcSwap::default() }), told)
    }

    /// Tells of a refusal or a warning. Never waits.
    pub fn refused(&self, refused: Refused) {
        match self.events.try_send(Box::new(refused)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Marks these budgets of a profile as being used.
    pub fn used(&self, profile: ProfileId, budgets: u64) {
        if let Some(used) = self.used.load().get(usize::from(profile.0))
            && used.load(Ordering::Relaxed) & budgets != budgets
        {
            used.fetch_or(budgets, Ordering::Relaxed);
        }
    }

    /// The budgets of each profile that were used since the last call, for so many profiles from now on.
    pub fn take_used(&self, profiles: usize) -> Vec<u64> {
        let taken = self.used.load().iter().map(|used| used.swap(0, Ordering::Relaxed)).collect();
        if self.used.load().len() != profiles {
            self.used.store(Arc::new((0..profiles).map(|_| AtomicU64::new(0)).collect()));
        }
        taken
    }

    /// Events that were dropped because too many waited.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
