//! Ways round the filter, counted: a device that tries one is no alarm, and nobody is told its name.

use crate::classify::Category;
use crate::policy::{Step, Verdict};
use crate::telemetry::proxied::{Proxied, Way};

/// The way round the filter that a refusal stands for, if it stands for one.
pub fn of(verdict: &Verdict) -> Option<Way> {
    match (verdict.reason.step, verdict.reason.category) {
        (Step::HiddenName, _) => Some(Way::HiddenName),
        (Step::Unexplained, _) => Some(Way::Unexplained),
        (Step::Nameless, _) => Some(Way::Nameless),
        (_, Some(Category::Bypass)) => Some(Way::Bypass),
        _ => None,
    }
}

/// Counts a refusal.
pub fn note(counters: &Proxied, verdict: &Verdict) {
    if let Some(way) = of(verdict) {
        let times = counters.way(way);
        // The first time, the second, the fourth and so on: a notice, not an alarm.
        if times.is_power_of_two() {
            tracing::info!(?way, times, "a way round the filter was tried, and is closed");
        }
    }
    if let Some(category) = verdict.reason.category {
        counters.refused(category);
    }
}
