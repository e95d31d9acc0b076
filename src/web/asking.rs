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

/// What a guardian is not asked about: asking could betray a child, or nobody may allow it.
const NEVER_ASKED: CategorySet =
    CategorySet::of(&[Category::Csam, Category::Malware, Category::Stalkerware, Category::HealthSexed, Category::Help]);

/// True when the child may ask a guardian about something refused so.
pub fn may_ask(verdict: &Verdict, categories: CategorySet) -> bool {
    let by_tier = verdict
        .reason
        .category
        .is_some_and(|category| matches!(category.tier(), Tier::Harm | Tier::Sealed | Tier::Law));
    let is_harm = categories.iter().any(|category| category.tier() == Tier::Harm);
    verdict.is_refusal()
        && verdict.action != Action::Help
        && !by_tier
        && !is_harm
        && !categories.intersects(NEVER_ASKED)
        && !matches!(verdict.reason.step, Step::HelpSet | Step::Sealed | Step::Security | Step::Rebinding)
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
        if kind == Kind::Ask && !may_ask(&verdict, snapshot.engine.classify(&name).categories) {
            return Err(Trouble::Invalid("a guardian cannot allow this".into()));
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
        if profile.block_lookalikes && snapshot.lookalikes.imitated(name).is_some() {
            return Some(Verdict::LOOKALIKE);
        }
        match snapshot.rule(profile, name, moment) {
            Ruling::Verdict(verdict) if verdict.is_refusal() => Some(verdict),
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
