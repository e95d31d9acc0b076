//! The one function that decides. The order is CATEGORIES': help, sealed, malware and stalkerware, the guardian's allow, the
//! guardian's block, schedule, minimum age and criteria, band default. Of several rules in one step the strictest holds,
//! and of equally strict categories the lowest id.

use super::band::{Action, Band};
use super::profile::{Hit, Profile};
use super::schedule::Moment;
use crate::classify::{Category, CategorySet, Classes, ServiceId, Tier};
use crate::name::Name;

/// What happens, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// What happens.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// Why: enough to explain the verdict, small enough for the hot path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The step that decided.
    pub step: Step,
    /// The category that decided, if one did.
    pub category: Option<Category>,
    /// Position of the criterion behind it.
    pub criterion: Option<u16>,
    /// The service that decided, if one did.
    pub service: Option<ServiceId>,
    /// Position of the profile's schedule, if one decided.
    pub schedule: Option<u8>,
}

/// The steps in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// The help set: nothing comes before it.
    HelpSet,
    /// Sealed content.
    Sealed,
    /// Malware and stalkerware.
    Security,
    /// The guardian allowed it.
    OwnAllow,
    /// The guardian refused it.
    OwnBlock,
    /// A schedule holds.
    Schedule,
    /// The entry's own minimum age.
    MinAge,
    /// A criterion.
    Criterion,
    /// The band's default, where no criterion speaks.
    BandDefault,
    /// The youngest may only go where a list says it is good for them.
    AllowListOnly,
    /// A name from outside led to an address of the household.
    Rebinding,
    /// It pretends to be another.
    Lookalike,
    /// A connection to an address that no name explains.
    Nameless,
    /// A connection whose name does not belong to its address.
    Unexplained,
    /// A connection whose true name is hidden behind an outer one (Encrypted Client Hello).
    HiddenName,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Step; 15] = [
        Step::HelpSet,
        Step::Sealed,
        Step::Security,
        Step::OwnAllow,
        Step::OwnBlock,
        Step::Schedule,
        Step::MinAge,
        Step::Criterion,
        Step::BandDefault,
        Step::AllowListOnly,
        Step::Rebinding,
        Step::Lookalike,
        Step::Nameless,
        Step::Unexplained,
        Step::HiddenName,
    ];

    /// The code that `explain --json` uses.
    pub const fn code(self) -> &'static str {
        match self {
            Step::HelpSet => "help_set",
            Step::Sealed => "sealed",
            Step::Security => "security",
            Step::OwnAllow => "own_allow",
            Step::OwnBlock => "own_block",
            Step::Schedule => "schedule",
            Step::MinAge => "min_age",
            Step::Criterion => "criterion",
            Step::BandDefault => "band_default",
            Step::AllowListOnly => "allow_list_only",
            Step::Rebinding => "rebinding",
            Step::Lookalike => "lookalike",
            Step::Nameless => "nameless",
            Step::Unexplained => "unexplained",
            Step::HiddenName => "hidden_name",
        }
    }
}

impl Verdict {
    /// The help set's verdict.
    pub const HELP_SET: Verdict = Verdict::new(Action::Allow, Step::HelpSet);

    /// A name from outside must not lead into the household.
    pub const REBINDING: Verdict = Verdict::new(Action::Block, Step::Rebinding);

    /// It pretends to be another.
    pub const LOOKALIKE: Verdict = Verdict::new(Action::Block, Step::Lookalike);

    /// No name explains the address.
    pub const NAMELESS: Verdict = Verdict::new(Action::Block, Step::Nameless);

    /// The name does not belong to the address.
    pub const UNEXPLAINED: Verdict = Verdict::new(Action::Block, Step::Unexplained);

    /// The true name is hidden.
    pub const HIDDEN_NAME: Verdict = Verdict::new(Action::Block, Step::HiddenName);

    const fn new(action: Action, step: Step) -> Verdict {
        let reason = Reason { step, category: None, criterion: None, service: None, schedule: None };
        Verdict { action, reason }
    }

    fn by(action: Action, step: Step, category: Category, profile: &Profile) -> Verdict {
        let mut verdict = Verdict::new(action, step);
        verdict.reason.category = Some(category);
        verdict.reason.criterion = profile.criterion[category as usize];
        verdict
    }

    fn hit(action: Action, step: Step, hit: Hit) -> Verdict {
        let mut verdict = Verdict::new(action, step);
        match hit {
            Hit::Service(service) => verdict.reason.service = Some(service),
            Hit::Category(category) => verdict.reason.category = Some(category),
            Hit::Name | Hit::Everything => {}
        }
        verdict
    }

    /// True when the name is not answered: ask, block and help.
    pub fn is_refusal(&self) -> bool {
        self.action.strictness() >= Action::Ask.strictness()
    }

    /// True when the whole answer stands although parts of it are listed: someone chose this name.
    pub fn is_chosen(&self) -> bool {
        self.action == Action::Allow && matches!(self.reason.step, Step::HelpSet | Step::OwnAllow | Step::Schedule)
    }

    /// The extended DNS error that tells the truth about a refusal (RFC 8914 §4.16 to §4.18): 15 for security and
    /// sealed content, 16 for legal orders, 17 for what the household or its criteria decided.
    pub fn ede(&self) -> u16 {
        match self.reason.category.map(Category::tier) {
            _ if matches!(self.reason.step, Step::OwnBlock | Step::Schedule) => 17,
            _ if matches!(self.reason.step, Step::Rebinding | Step::Lookalike) => 15,
            Some(Tier::Security | Tier::Sealed) => 15,
            Some(Tier::Law) => 16,
            _ => 17,
        }
    }
}

/// Decides for a name or address somebody asked for. `name` is `None` for an address.
pub fn decide(profile: &Profile, name: Option<&Name>, classes: &Classes, moment: &Moment) -> Verdict {
    let mut categories = classes.categories;
    if categories.is_empty() && classes.services.and(profile.infrastructure).is_empty() {
        categories = CategorySet::of(&[Category::Unknown]);
    }
    forbidden(profile, classes)
        .or_else(|| own_rules(profile, name, classes, categories))
        .or_else(|| schedules(profile, name, classes, categories, moment))
        .unwrap_or_else(|| by_age(profile, classes, categories))
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
    let categories = classes.categories;
    own_rules(profile, name, classes, categories)
        .or_else(|| schedules(profile, name, classes, categories, moment))
        .unwrap_or_else(|| by_classes(profile, classes, categories))
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

fn own_rules(profile: &Profile, name: Option<&Name>, classes: &Classes, categories: CategorySet) -> Option<Verdict> {
    if let Some(hit) = profile.own_allow.meets(name, classes, categories) {
        // Allowing one category does not allow another that the same name also belongs to.
        let left = restricted(profile, categories).without(profile.own_allow.categories);
        if !matches!(hit, Hit::Category(_)) || left.is_empty() {
            return Some(Verdict::hit(Action::Allow, Step::OwnAllow, hit));
        }
    }
    let mut blockable = categories.without(NEVER_BLOCKED);
    // A guardian may keep health and sex education from small children, not from those who may need it in secret.
    let protects_health = categories.intersects(HEALTH) && !matches!(profile.band, Band::Age0to5 | Band::Age6to9);
    if protects_health {
        blockable = blockable.without(HEALTH);
    }
    let hit = profile.own_block.meets(name, classes, blockable)?;
    if protects_health && !matches!(hit, Hit::Category(_)) {
        return None;
    }
    Some(Verdict::hit(Action::Block, Step::OwnBlock, hit))
}

fn restricted(profile: &Profile, categories: CategorySet) -> CategorySet {
    let masks = &profile.masks;
    categories.and(masks.help | masks.block | masks.ask | masks.warn | profile.own_block.categories)
}

fn schedules(
    profile: &Profile,
    name: Option<&Name>,
    classes: &Classes,
    categories: CategorySet,
    moment: &Moment,
) -> Option<Verdict> {
    let mut allowed = None;
    for (position, schedule) in profile.schedules.iter().enumerate() {
        if !schedule.hours.hold_at(moment.local) {
            continue;
        }
        let at = |mut verdict: Verdict| {
            verdict.reason.schedule = Some(position as u8);
            verdict
        };
        if let Some(hit) = schedule.allow.meets(name, classes, categories) {
            let left = restricted(profile, categories).without(schedule.allow.categories);
            if !matches!(hit, Hit::Category(_)) || left.is_empty() {
                allowed = allowed.or(Some(at(Verdict::hit(Action::Allow, Step::Schedule, hit))));
                continue;
            }
        }
        if let Some(hit) = schedule.block.meets(name, classes, categories.without(NEVER_BLOCKED)) {
            return Some(at(Verdict::hit(Action::Block, Step::Schedule, hit)));
        }
    }
    allowed
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
