//! A child's side of asking: what was just refused to this device, a request about it, and a guardian's code.

use serde::Serialize;

use super::{Trouble, Visitor, Web};
use crate::classify::{Category, CategorySet, Tier};
use crate::family::{Ask, Deed, Kind};
use crate::name::Name;
use crate::policy::{Action, Band, Moment, Profile, Step, Verdict};

/// A request that was taken.
pub struct Asked {
    /// Its number.
    pub id: i64,
    /// Guardians see the group alone.
    pub hides_name: bool,
}

/// Something that was just refused, for the child's own eyes.
#[derive(Debug, Clone, Serialize)]
pub struct StoppedView {
    /// What was asked for.
    pub name: String,
    /// The category's code.
    pub category: Option<&'static str>,
    /// Whether one may ask.
    pub may_ask: bool,
    /// When, seconds since 1970.
    pub at: i64,
}

/// What nobody else is told of: it could betray a child to whoever reads it.
const NEVER_TOLD: CategorySet = CategorySet::of(&[Category::Csam, Category::HealthSexed, Category::Help]);
/// What no guardian may allow.
const NEVER_ALLOWED: CategorySet = CategorySet::of(&[Category::Malware, Category::Stalkerware, Category::LegalOrder]);

/// True when others may learn of a page that is refused so, at the child's own wish.
pub fn may_be_told(verdict: &Verdict, categories: CategorySet) -> bool {
    let is_harm = categories.iter().chain(verdict.reason.category).any(|category| category.tier() == Tier::Harm);
    verdict.is_refusal()
        && verdict.action != Action::Help
        && !is_harm
        && !categories.intersects(NEVER_TOLD)
        && !matches!(verdict.reason.step, Step::HelpSet | Step::Sealed)
}

/// True when the child may ask a guardian about it.
pub fn may_ask(verdict: &Verdict, categories: CategorySet) -> bool {
    may_be_told(verdict, categories)
        && !categories.intersects(NEVER_ALLOWED)
        && !matches!(verdict.reason.step, Step::Security | Step::Rebinding)
}

/// True where guardians may see which page a child asks for.
pub const fn shows_name(band: Band) -> bool {
    !matches!(band, Band::Age16to17 | Band::Adult)
}

impl Web {
    /// What was refused to this device in the last ten minutes.
    pub fn stopped(&self, visitor: &Visitor) -> Vec<StoppedView> {
        let snapshot = self.judge.keep();
        let stopped = self.family.recent(visitor.client(), visitor.now);
        let views = stopped.into_iter().map(|one| StoppedView {
            may_ask: may_ask(&one.verdict, snapshot.engine.classify(&one.name).categories),
            name: one.name.to_string(),
            category: one.verdict.reason.category.map(Category::code),
            at: one.at,
        });
        views.collect()
    }

    /// Takes a child's request about a page that is refused to it now.
    pub fn ask(&self, visitor: &Visitor, kind: Kind, text: &str, note: &str) -> Result<Asked, Trouble> {
        let name = Name::parse(text.trim()).map_err(|_| Trouble::Invalid(format!("{text:?} is not a name")))?;
        let snapshot = self.judge.keep();
        let (profile, moment) = (visitor.profile(&snapshot), visitor.moment(&snapshot));
        let verdict = self.verdict(profile, &name, &moment).ok_or_else(not_refused)?;
        let categories = snapshot.engine.classify(&name).categories;
        let is_possible = match kind {
            Kind::Ask => may_ask(&verdict, categories),
            Kind::Wrong => may_be_told(&verdict, categories),
        };
        if !is_possible {
            return Err(Trouble::Invalid("nobody is asked about this".into()));
        }
        let shows_name = shows_name(profile.band);
        let ask = Ask {
            profile: &profile.name,
            kind,
            name: &name.to_string(),
            category: verdict.reason.category.map(Category::code),
            note,
            shows_name,
        };
        Ok(Asked { id: self.family.ask(&ask, visitor.now)?, hides_name: !shows_name })
    }

    /// The refusal of that name for that profile now; `None` when it is not refused.
    pub fn verdict(&self, profile: &Profile, name: &Name, moment: &Moment) -> Option<Verdict> {
        use crate::judge::Ruling;
        let snapshot = self.judge.keep();
        let ruling = match snapshot.rule(profile, name, moment) {
            Ruling::Doubt => snapshot.rule_doubtful(profile, name, moment),
            ruling => ruling,
        };
        match ruling {
            Ruling::Verdict(verdict) if verdict.is_refusal() => Some(verdict),
            Ruling::Verdict(verdict) if !verdict.is_chosen() => {
                snapshot.rule_guess(profile, name, moment).filter(Verdict::is_refusal)
            }
            _ => None,
        }
    }

    /// Takes a guardian's code: more time, without a guardian at the dashboard. Gives its end.
    pub fn use_code(&self, visitor: &Visitor, code: &str) -> Result<i64, Trouble> {
        let snapshot = self.judge.keep();
        let profile = visitor.profile(&snapshot).name.to_string();
        let extra = self.family.use_code(&profile, code, visitor.peer, visitor.now)?;
        let until = visitor.now + i64::from(extra.secs(visitor.moment(&snapshot).local));
        self.family.grant(&profile, "time", until, "code", visitor.now)?;
        self.steward.renew().map_err(Trouble::Internal)?;
        self.family.note("code", Some(&profile), Deed::Code, &format!("{}", until - visitor.now), visitor.now)?;
        Ok(until)
    }
}

fn not_refused() -> Trouble {
    Trouble::Conflict("this page is not refused now; try it again".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Reason;

    #[test]
    fn what_could_betray_a_child_is_never_told() {
        let refused = |action, step, category| {
            let reason = Reason { step, category: Some(category), ..Verdict::HELP_SET.reason };
            Verdict { action, reason }
        };
        let told = |verdict: &Verdict, all: &[Category]| {
            let all = CategorySet::of(all);
            (may_be_told(verdict, all), may_ask(verdict, all))
        };
        let gambling = refused(Action::Block, Step::Criterion, Category::Gambling);
        assert_eq!(told(&gambling, &[Category::Gambling]), (true, true));
        assert_eq!(told(&gambling, &[Category::Gambling, Category::HealthSexed]), (false, false));
        assert_eq!(told(&gambling, &[Category::Gambling, Category::Grooming]), (false, false));
        let health = refused(Action::Block, Step::OwnBlock, Category::HealthSexed);
        assert_eq!(told(&health, &[Category::HealthSexed]), (false, false));
        let harm = refused(Action::Block, Step::Criterion, Category::DangerousActs);
        assert_eq!(told(&harm, &[Category::DangerousActs]), (false, false));
        let malware = refused(Action::Block, Step::Security, Category::Malware);
        assert_eq!(told(&malware, &[Category::Malware]), (true, false), "wrongly listed, but no guardian may allow it");
        let scam = refused(Action::Help, Step::Criterion, Category::PhishingScam);
        assert_eq!(told(&scam, &[Category::PhishingScam]), (false, false));
    }
}
