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
        counters.way(way);
        tracing::debug!(?way, "a way round the filter was tried");
    }
    if let Some(category) = verdict.reason.category {
        counters.refused(category);
    }
}
