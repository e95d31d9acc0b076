//! The one function that decides. The order is CATEGORIES': help, sealed, malware and stalkerware, a pause, what was granted for
//! a while, the guardian's allow (as far as budgets reach), the guardian's block, schedules, budgets that are used up, minimum age and criteria, band
//! default. Of several rules in one step the strictest holds, and of equally strict categories the lowest id.

use std::cmp::Reverse;

use super::band::{Action, Band};
use super::profile::{Hit, Profile, Selector};
use super::schedule::Moment;
use super::temporary::Granted;
use super::verdict::{Reason, Step, Verdict};
use crate::classify::{Category, CategorySet, Classes};
use crate::name::Name;

/// One question as the steps see it.
#[derive(Clone, Copy)]
struct Subject<'s> {
    name: Option<&'s Name>,
    classes: &'s Classes,
    /// Those of `classes`, or `unknown` where nobody lists what was asked for.
    categories: CategorySet,
    moment: &'s Moment,
    /// It only stands in an answer.
    is_part: bool,
}

/// Decides for a name or address somebody asked for. `name` is `None` for an address.
pub fn decide(profile: &Profile, name: Option<&Name>, classes: &Classes, moment: &Moment) -> Verdict {
    let subject = Subject { name, classes, categories: profile.effective(classes), moment, is_part: false };
    forbidden(profile, classes)
        .or_else(|| by_choice(profile, &subject))
        .unwrap_or_else(|| by_age(profile, classes, subject.categories))
}

/// Decides for something that only stands in the answer: an alias target, a service target, an address. What nobody lists
/// is judged by the name that was asked for, so only listed parts can refuse; `chosen` means the asked name stands whatever
/// it leads to, short of what nobody may choose.
pub fn decide_part(
    profile: &Profile,
    name: Option<&Name>,
    classes: &Classes,
    moment: &Moment,
    chosen: bool,
) -> Verdict {
    if let Some(verdict) = forbidden(profile, classes) {
        return verdict;
    }
    if chosen || classes.categories.is_empty() && classes.services.is_empty() && name.is_none() {
        return Verdict::new(Action::Allow, Step::OwnAllow);
    }
    let subject = Subject { name, classes, categories: classes.categories, moment, is_part: true };
    by_choice(profile, &subject).unwrap_or_else(|| by_classes(profile, classes, subject.categories))
}

/// Decides what a guess at a name means: never more than the category itself would, never more than asking from ten on, a
/// warning from sixteen on. `None` where the profile guesses nothing, or the category is open to it.
pub fn decide_guess(profile: &Profile, name: &Name, category: Category, moment: &Moment) -> Option<Verdict> {
    if !profile.guess_unlisted {
        return None;
    }
    let classes = Classes { categories: CategorySet::EMPTY.with(category), ..Classes::UNKNOWN };
    let listed = decide(profile, Some(name), &classes, moment);
    if listed.action == Action::Allow {
        return None;
    }
    let most = match profile.band {
        Band::Age0to5 | Band::Age6to9 => Action::Block,
        Band::Age10to12 | Band::Age13to15 => Action::Ask,
        Band::Age16to17 | Band::Adult => Action::Warn,
    };
    let action = if listed.action.strictness() < most.strictness() { listed.action } else { most };
    let guessed = Verdict::by(action, Step::Guessed, category, profile);
    Some(guessed)
}

/// What people of the household decided, for now or for good.
fn by_choice(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    paused(profile, subject)
        .or_else(|| granted(profile, subject))
        .or_else(|| allowed_within_budgets(profile, subject))
        .or_else(|| own_block(profile, subject))
        .or_else(|| schedules(profile, subject))
        .or_else(|| budgets(profile, subject))
}

const SEALED: CategorySet = CategorySet::of(&[Category::Csam]);
/// What no guardian may allow: it attacks the household, or the child on somebody's behalf.
const ATTACKS: CategorySet = CategorySet::of(&[Category::Malware, Category::Stalkerware]);
const HEALTH: CategorySet = CategorySet::of(&[Category::HealthSexed]);
const NEVER_BLOCKED: CategorySet = CategorySet::of(&[Category::Help]);
const GOOD_FOR_THE_YOUNGEST: CategorySet = CategorySet::of(&[Category::EducationKids, Category::Help]);

fn forbidden(profile: &Profile, classes: &Classes) -> Option<Verdict> {
    if classes.categories.intersects(SEALED) {
        let action = if profile.band == Band::Adult { Action::Block } else { Action::Help };
        return Some(Verdict::by(action, Step::Sealed, Category::Csam, profile));
    }
    let attack = classes.categories.and(ATTACKS).first()?;
    Some(Verdict::by(Action::Block, Step::Security, attack, profile))
}

fn paused(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let is_paused = profile.temporary.is_paused(subject.moment.unix_secs);
    (is_paused && !subject.categories.intersects(NEVER_BLOCKED)).then(|| Verdict::new(Action::Block, Step::Pause))
}

/// The best of the grants that hold: a name before a service before a category, then the one that holds longest.
fn granted(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let temporary = &profile.temporary;
    if temporary.grants.is_empty() {
        return None;
    }
    let now = subject.moment.unix_secs;
    let lifted = profile.own_allow.categories | temporary.granted_categories(now);
    let stands_alone = restricted(profile, subject.categories).without(lifted).is_empty();
    let hit_of = |what: &Granted| match what {
        Granted::Name(granted) => subject.name.is_some_and(|name| name.is_within(granted)).then_some(Hit::Name),
        Granted::Selector(Selector::Service(service)) => {
            subject.classes.services.contains(*service).then_some(Hit::Service(*service))
        }
        Granted::Selector(Selector::Category(category)) => {
            (stands_alone && subject.categories.contains(*category)).then_some(Hit::Category(*category))
        }
        Granted::Selector(Selector::Everything) => Some(Hit::Everything),
        Granted::Time => None,
    };
    let hits = temporary.in_force(now).filter_map(|(at, grant)| Some((hit_of(&grant.what)?, grant.until, at)));
    let (hit, _, at) = hits.min_by_key(|(hit, until, _)| (*hit, Reverse(*until)))?;
    // What is allowed for good stands on its own: the answer is then chosen, whatever it leads to.
    let is_weak = matches!(hit, Hit::Category(_) | Hit::Everything);
    if is_weak && let Some((_, allowed)) = own_allow(profile, subject) {
        return Some(allowed);
    }
    let mut verdict = Verdict::hit(Action::Allow, Step::Grant, hit);
    verdict.reason.grant = u8::try_from(at).ok();
    Some(verdict)
}

/// The guardian's allow. "An hour a day of this service" is an allow with a budget: when that is used up the allow rests,
/// but for names that were allowed one by one.
fn allowed_within_budgets(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let (hit, allowed) = own_allow(profile, subject)?;
    let used_up = if hit == Hit::Name { None } else { budgets(profile, subject) };
    Some(used_up.unwrap_or(allowed))
}

fn own_allow(profile: &Profile, subject: &Subject<'_>) -> Option<(Hit, Verdict)> {
    let hit = profile.own_allow.meets(subject.name, subject.classes, subject.categories)?;
    // Allowing one category does not allow another that the same name also belongs to.
    let left = restricted(profile, subject.categories).without(profile.own_allow.categories);
    let stands = !matches!(hit, Hit::Category(_)) || left.is_empty();
    stands.then(|| (hit, Verdict::hit(Action::Allow, Step::OwnAllow, hit)))
}

fn own_block(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let mut blockable = subject.categories.without(NEVER_BLOCKED);
    // A guardian may keep health and sex education from small children, not from those who may need it in secret.
    let is_small = matches!(profile.band, Band::Age0to5 | Band::Age6to9);
    let protects_health = subject.categories.intersects(HEALTH) && !is_small;
    if protects_health {
        blockable = blockable.without(HEALTH);
    }
    let hit = profile.own_block.meets(subject.name, subject.classes, blockable)?;
    if protects_health && !matches!(hit, Hit::Category(_)) {
        return None;
    }
    Some(Verdict::hit(Action::Block, Step::OwnBlock, hit))
}

fn restricted(profile: &Profile, categories: CategorySet) -> CategorySet {
    let masks = &profile.masks;
    categories.and(masks.help | masks.block | masks.ask | masks.warn | profile.own_block.categories)
}

fn schedules(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let Subject { name, classes, categories, moment, .. } = *subject;
    let is_lifted = profile.temporary.gives_time(moment.unix_secs);
    let mut allowed = None;
    for (position, schedule) in profile.schedules.iter().enumerate() {
        if !schedule.hours.hold_at(moment.local) {
            continue;
        }
        let at = |mut verdict: Verdict| {
            verdict.reason.schedule = u8::try_from(position).ok();
            verdict
        };
        if let Some(hit) = schedule.allow.meets(name, classes, categories) {
            let left = restricted(profile, categories).without(schedule.allow.categories);
            if !matches!(hit, Hit::Category(_)) || left.is_empty() {
                allowed = allowed.or(Some(at(Verdict::hit(Action::Allow, Step::Schedule, hit))));
                continue;
            }
        }
        let blocked = schedule.block.meets(name, classes, categories.without(NEVER_BLOCKED));
        if let Some(hit) = blocked.filter(|_| !is_lifted) {
            return Some(at(Verdict::hit(Action::Block, Step::Schedule, hit)));
        }
    }
    allowed
}

fn budgets(profile: &Profile, subject: &Subject<'_>) -> Option<Verdict> {
    let Subject { name, classes, categories, moment, is_part } = *subject;
    let temporary = &profile.temporary;
    if temporary.spent == 0 || temporary.gives_time(moment.unix_secs) {
        return None;
    }
    let (position, hit) = profile
        .spent_on(moment.local.date())
        .filter_map(|(position, budget)| Some((position, profile.counts(budget, name, classes, categories)?)))
        // A part that nothing but "everything" names was counted as the name that was asked for.
        .find(|(_, hit)| !is_part || *hit != Hit::Everything)?;
    let mut verdict = Verdict::hit(Action::Block, Step::Budget, hit);
    verdict.reason.budget = Some(position);
    Some(verdict)
}

fn by_age(profile: &Profile, classes: &Classes, categories: CategorySet) -> Verdict {
    let verdict = by_classes(profile, classes, categories);
    let allow_list_only = profile.band == Band::Age0to5
        && !categories.intersects(GOOD_FOR_THE_YOUNGEST)
        && !classes.services.intersects(profile.infrastructure);
    if allow_list_only && verdict.action.strictness() < Action::Ask.strictness() {
        return Verdict { action: Action::Ask, reason: Reason { step: Step::AllowListOnly, ..verdict.reason } };
    }
    verdict
}

/// The strictest of minimum age, criteria and band default.
fn by_classes(profile: &Profile, classes: &Classes, categories: CategorySet) -> Verdict {
    let by_category = by_category(profile, categories);
    match by_min_age(profile.band, classes.min_age) {
        Some(by_age) if by_age.action.strictness() > by_category.action.strictness() => by_age,
        _ => by_category,
    }
}

fn by_category(profile: &Profile, categories: CategorySet) -> Verdict {
    let masks = &profile.masks;
    let in_order = [
        (masks.help, Action::Help),
        (masks.block, Action::Block),
        (masks.ask, Action::Ask),
        (masks.warn, Action::Warn),
        (categories, Action::Allow),
    ];
    for (mask, action) in in_order {
        if let Some(category) = categories.and(mask).first() {
            let decided = Verdict::by(action, Step::Criterion, category, profile);
            let step = if decided.reason.criterion.is_some() { Step::Criterion } else { Step::BandDefault };
            return Verdict { reason: Reason { step, ..decided.reason }, ..decided };
        }
    }
    Verdict::new(Action::Allow, Step::BandDefault)
}

/// A band entirely at or over the entry's age allows, one entirely under it blocks, one that holds it asks.
fn by_min_age(band: Band, min_age: u8) -> Option<Verdict> {
    if min_age == 0 || *band.ages().start() >= min_age {
        return None;
    }
    let action = if *band.ages().end() < min_age { Action::Block } else { Action::Ask };
    Some(Verdict::new(action, Step::MinAge))
}

#[cfg(test)]
mod tests;
