//! What was decided, and why, in a few octets: the value every door acts on and `explain` puts into words.

use super::band::Action;
use super::profile::{Hit, Profile};
use crate::classify::{Category, ServiceId, Tier};

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
    /// Position of the profile's budget, if one decided.
    pub budget: Option<u8>,
    /// Position among what was granted, if a grant decided.
    pub grant: Option<u8>,
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
    /// Everything is paused.
    Pause,
    /// The guardian granted it for a while.
    Grant,
    /// The guardian allowed it.
    OwnAllow,
    /// The guardian refused it.
    OwnBlock,
    /// A schedule holds.
    Schedule,
    /// A day's time is used up.
    Budget,
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
    /// Nobody lists it; its spelling is that of a category.
    Guessed,
    /// A connection to an address that no name explains.
    Nameless,
    /// A connection whose name does not belong to its address.
    Unexplained,
    /// A connection whose true name is hidden behind an outer one (Encrypted Client Hello).
    HiddenName,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Step; 19] = [
        Step::HelpSet,
        Step::Sealed,
        Step::Security,
        Step::Pause,
        Step::Grant,
        Step::OwnAllow,
        Step::OwnBlock,
        Step::Schedule,
        Step::Budget,
        Step::MinAge,
        Step::Criterion,
        Step::BandDefault,
        Step::AllowListOnly,
        Step::Rebinding,
        Step::Lookalike,
        Step::Guessed,
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
            Step::Pause => "pause",
            Step::Grant => "grant",
            Step::OwnAllow => "own_allow",
            Step::OwnBlock => "own_block",
            Step::Schedule => "schedule",
            Step::Budget => "budget",
            Step::MinAge => "min_age",
            Step::Criterion => "criterion",
            Step::BandDefault => "band_default",
            Step::AllowListOnly => "allow_list_only",
            Step::Rebinding => "rebinding",
            Step::Lookalike => "lookalike",
            Step::Guessed => "guessed",
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

    /// It may be sealed, and nobody can say now. Looks from outside like sealed content.
    pub const IN_DOUBT: Verdict = Verdict::new(Action::Block, Step::Sealed);

    /// The true name is hidden.
    pub const HIDDEN_NAME: Verdict = Verdict::new(Action::Block, Step::HiddenName);

    pub(super) const fn new(action: Action, step: Step) -> Verdict {
        let reason =
            Reason { step, category: None, criterion: None, service: None, schedule: None, budget: None, grant: None };
        Verdict { action, reason }
    }

    pub(super) fn by(action: Action, step: Step, category: Category, profile: &Profile) -> Verdict {
        let mut verdict = Verdict::new(action, step);
        verdict.reason.category = Some(category);
        verdict.reason.criterion = profile.criterion[category as usize];
        verdict
    }

    pub(super) fn hit(action: Action, step: Step, hit: Hit) -> Verdict {
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
        let by = &self.reason;
        let is_choice = match by.step {
            Step::HelpSet | Step::OwnAllow | Step::Schedule => true,
            // A category for an hour lets in what belongs to it, not what an answer leads to beside that.
            Step::Grant => by.category.is_none(),
            _ => false,
        };
        self.action == Action::Allow && is_choice
    }

    /// The extended DNS error that tells the truth about a refusal (RFC 8914 §4.16 to §4.18): 15 for security and
    /// sealed content, 16 for legal orders, 17 for what the household or its criteria decided.
    pub fn ede(&self) -> u16 {
        match self.reason.category.map(Category::tier) {
            _ if matches!(self.reason.step, Step::Pause | Step::OwnBlock | Step::Schedule | Step::Budget) => 17,
            _ if matches!(self.reason.step, Step::Rebinding | Step::Lookalike | Step::Sealed) => 15,
            Some(Tier::Security | Tier::Sealed) => 15,
            Some(Tier::Law) => 16,
            _ => 17,
        }
    }
}
