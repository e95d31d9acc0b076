//! What of the doors' events may be counted, and what never is: nothing of adults, of help, of health, of sealed content, and
//! nothing that people of the household decided by themselves.

use crate::classify::guess::By;
use crate::classify::{Category, CategorySet};
use crate::family::Family;
use crate::judge::Snapshot;
use crate::name::Name;
use crate::policy::{Band, Step};
use crate::report::courier::Home;
use crate::report::tally::lane_of;
use crate::telemetry::activity::Refused;

/// What is never told of, whatever else a name is.
const NEVER: CategorySet = CategorySet::of(&[Category::Csam, Category::Help, Category::HealthSexed]);
/// How sure a guess by spelling is, in parts per million: from each on, one more.
const CHANCES: [u32; 3] = [500_000, 900_000, 990_000];
/// A guardian is as sure as one can be.
const SURE: u8 = 3;

/// Writes down as much of an event as may be counted.
pub(super) fn hear(home: &mut Home, snapshot: &Snapshot, refused: &Refused, now: i64) {
    let Some(category) = category_of(refused) else { return };
    let Ok(at) = u64::try_from(now) else { return };
    let part = usize::try_from(snapshot.moment(now).local.hour() / 6).unwrap_or(0);
    home.meet_cell(at, category, refused.band as usize, part);
    if let Some((name, category, confidence)) = judged(snapshot, refused) {
        home.meet_name(at, &name, category, confidence, guardian_sees(refused.band));
    }
}

/// The category that decided, where the name itself did; `None` for what is not counted.
fn category_of(refused: &Refused) -> Option<Category> {
    if refused.band == Band::Adult || refused.categories.intersects(NEVER) {
        return None;
    }
    let category = match refused.verdict.reason.step {
        Step::Security | Step::MinAge | Step::Criterion | Step::BandDefault | Step::Guessed => {
            refused.verdict.reason.category
        }
        Step::Lookalike => Some(Category::PhishingScam),
        _ => None,
    };
    category.filter(|category| !NEVER.contains(*category))
}

/// The registrable name, where the engine guesses at it by itself and no list holds it: what is reported is what was judged.
fn judged(snapshot: &Snapshot, refused: &Refused) -> Option<(Name, Category, u8)> {
    if !matches!(refused.verdict.reason.step, Step::Guessed | Step::Lookalike) {
        return None;
    }
    let name = refused.name.registrable()?.to_name();
    let guess = snapshot.engine.guess(&name)?;
    lane_of(guess.category)?;
    let confidence = match guess.by {
        By::Brand(_) => SURE,
        By::Spelling(spelling) => {
            let passed = CHANCES.iter().filter(|chance| spelling.chance >= **chance).count();
            u8::try_from(passed).unwrap_or(SURE)
        }
        // It would tell which names this household protects.
        By::Name(_) => return None,
    };
    Some((name, guess.category, confidence))
}

/// Names of older children are kept for nobody.
fn guardian_sees(band: Band) -> bool {
    matches!(band, Band::Age0to5 | Band::Age6to9)
}

/// Names that guardians noted in epochs that still run, and that no list holds as that.
pub(super) fn note_own(home: &mut Home, family: &Family, snapshot: &Snapshot) {
    let all = family.own_indicators().unwrap_or_else(|error| {
        tracing::error!("{error}; names that guardians noted are not reported");
        Vec::new()
    });
    for own in all {
        let is_listed = snapshot.engine.classify(&own.name).categories.contains(own.category);
        let Ok(at) = u64::try_from(own.added_at) else { continue };
        if !is_listed && lane_of(own.category).is_some_and(|lane| home.is_running(lane, at)) {
            home.meet_name(at, &own.name, own.category, SURE, true);
        }
    }
}
