//! A verdict in words: for the child and the guardian (the short text of a refused answer), and for the administrator (the
//! whole chain).

use std::fmt::Write;

use jiff::civil::{DateTime, Time};

use super::band::{Action, Band};
use super::criteria::Criteria;
use super::profile::Profile;
use super::schedule::Moment;
use super::verdict::{Step, Verdict};
use crate::classify::Category;

/// What lies behind a verdict, in codes that do not change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// The step that decided.
    pub step: Step,
    /// The category that decided.
    pub category: Option<Category>,
    /// Id and titles (Vietnamese, English) of the criterion behind it.
    pub criterion: Option<(String, String, String)>,
    /// The schedule's name.
    pub schedule: Option<String>,
    /// The budget's name.
    pub budget: Option<String>,
    /// When the pause, the grant or the schedule ends, or the budget begins anew.
    pub until: Option<Until>,
    /// Who could change it.
    pub who_can_change: &'static str,
}

/// When something ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// Seconds since 1970.
    Unix(i64),
    /// On the household's clock.
    Local(DateTime),
}

impl Until {
    /// The end of what decided; `None` where it has none.
    fn of(verdict: &Verdict, profile: &Profile, moment: &Moment) -> Option<Until> {
        let reason = &verdict.reason;
        match reason.step {
            Step::Pause => profile.temporary.paused_until.map(Until::Unix),
            Step::Grant => Some(Until::Unix(profile.temporary.grants.get(usize::from(reason.grant?))?.until)),
            Step::Schedule => {
                profile.schedules.get(usize::from(reason.schedule?))?.hours.end_at(moment.local).map(Until::Local)
            }
            Step::Budget => Some(Until::Local(moment.local.date().tomorrow().ok()?.to_datetime(Time::midnight()))),
            _ => None,
        }
    }
}

impl Chain {
    /// The chain behind `verdict`, which was given at `moment`.
    pub fn of(verdict: &Verdict, profile: &Profile, criteria: &Criteria, moment: &Moment) -> Chain {
        let reason = &verdict.reason;
        let criterion = reason.criterion.and_then(|position| criteria.get(position));
        Chain {
            step: reason.step,
            category: reason.category,
            criterion: criterion.map(|found| (found.id.clone(), found.title_vi.clone(), found.title_en.clone())),
            schedule: reason.schedule.and_then(|position| profile.schedule_name(position)).map(str::to_string),
            budget: reason.budget.and_then(|position| profile.budget_name(position)).map(str::to_string),
            until: Until::of(verdict, profile, moment),
            who_can_change: who_can_change(verdict, profile, criteria),
        }
    }
}

/// Who could make the same request end otherwise: `nobody`, `authorities`, `guardian`, `guardian_by_name` (one name at a
/// time), `self`.
pub fn who_can_change(verdict: &Verdict, profile: &Profile, criteria: &Criteria) -> &'static str {
    let guardian = if profile.band == Band::Adult { "self" } else { "guardian" };
    match verdict.reason.step {
        Step::HelpSet | Step::Sealed | Step::Security => "nobody",
        Step::Pause
        | Step::Grant
        | Step::OwnAllow
        | Step::OwnBlock
        | Step::Schedule
        | Step::Budget
        | Step::MinAge
        | Step::AllowListOnly
        | Step::Rebinding
        | Step::Lookalike
        | Step::Guessed
        | Step::Nameless
        | Step::Unexplained
        | Step::HiddenName => guardian,
        Step::Criterion | Step::BandDefault => match verdict.reason.category {
            Some(Category::LegalOrder) => "authorities",
            Some(category) if criteria.no_loosening().contains(category) => "guardian_by_name",
            _ => guardian,
        },
    }
}

/// Writes the text that goes with a refused answer: at most 100 octets of ASCII, the category by its code.
pub fn refusal_text(verdict: &Verdict, profile: &Profile, out: &mut String) {
    out.clear();
    let band = profile.band.code();
    // Writing into a string does not fail.
    let _ = match (verdict.reason.step, verdict.reason.category) {
        (Step::Sealed, _) => write!(out, "not available"),
        (Step::Pause, _) => write!(out, "not now: a pause"),
        (Step::Schedule, _) => write!(out, "not now: a schedule holds"),
        (Step::Budget, _) => write!(out, "not now: today's time is used up"),
        (Step::OwnBlock, None) => write!(out, "refused by a rule of this household"),
        (Step::OwnBlock, Some(category)) => write!(out, "{}: refused by a rule of this household", category.code()),
        (Step::MinAge, _) => write!(out, "minimum age: {} for ages {band}", verb(verdict.action)),
        (Step::Lookalike, _) => write!(out, "pretends to be another name"),
        (Step::Guessed, Some(category)) => {
            write!(out, "not listed, looks like {}: {}", category.code(), verb(verdict.action))
        }
        (Step::Nameless, _) => write!(out, "an address that no name explains"),
        (Step::Unexplained, _) => write!(out, "the name does not belong to the address"),
        (Step::HiddenName, _) => write!(out, "the true name is hidden"),
        (Step::Rebinding, _) => write!(out, "leads from outside to an address inside"),
        (Step::AllowListOnly, _) => write!(out, "not on the list for the youngest: ask"),
        (_, Some(category)) if profile.band == Band::Adult => {
            write!(out, "{}: {}", category.code(), verb(verdict.action))
        }
        (_, Some(category)) => write!(out, "{}: {} for ages {band}", category.code(), verb(verdict.action)),
        (_, None) => write!(out, "{}", verb(verdict.action)),
    };
    if verdict.action == Action::Help && verdict.reason.step != Step::Sealed {
        out.push_str("; help: call 111");
    }
}

/// The reason in one sentence for people, in Vietnamese or English, with the number to call.
pub fn justification(verdict: &Verdict, criteria: &Criteria, vietnamese: bool) -> String {
    let criterion = verdict.reason.criterion.and_then(|position| criteria.get(position));
    let title = criterion.map(|found| if vietnamese { found.title_vi.as_str() } else { found.title_en.as_str() });
    let why = match (verdict.reason.step, title, vietnamese) {
        (Step::Pause, _, true) => "Mạng đang tạm nghỉ một lúc".to_string(),
        (Step::Pause, _, false) => "The internet takes a break for a while".to_string(),
        (Step::Schedule, _, true) => "Chưa đến giờ dùng".to_string(),
        (Step::Schedule, _, false) => "Not at this time".to_string(),
        (Step::Budget, _, true) => "Hôm nay đã dùng hết giờ, mai lại có".to_string(),
        (Step::Budget, _, false) => "Today's time is used up; tomorrow there is more".to_string(),
        (Step::Criterion | Step::BandDefault | Step::Security, Some(title), _) => title.to_string(),
        (_, _, true) => "Chặn theo quy tắc gia đình".to_string(),
        (_, _, false) => "Refused by a rule of this household".to_string(),
    };
    let help = if vietnamese { "Cần giúp đỡ: gọi 111" } else { "For help call 111" };
    format!("{why}. {help}.")
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Allow => "allowed",
        Action::Warn => "allowed with a warning",
        Action::Ask => "ask first",
        Action::Block | Action::Help => "refused",
    }
}

#[cfg(test)]
mod tests;
