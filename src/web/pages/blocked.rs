//! The page in place of one that was refused: a reason in the child's words, a way on, and help. What must not stand on it is
//! decided here and nowhere else: sealed pages name nothing, and where a question could betray a child, none is offered.

use std::borrow::Cow;

use askama::Template;

use super::{Frame, Tile};
use crate::classify::{Category, Tier};
use crate::policy::explain::who_can_change;
use crate::policy::{Action, Band, Criteria, HelpPanel, Profile, Step, Verdict};
use crate::web::text::{Language, Tone};

/// A refused page.
#[derive(Debug, Clone, Template)]
#[template(path = "portal/blocked.html")]
pub struct Blocked {
    /// Round it.
    pub frame: Frame,
    /// Who reads it.
    pub band: Band,
    /// What happened: ask, block or help.
    pub action: Action,
    /// What decided.
    pub step: Step,
    /// The group it is in.
    pub category: Option<Category>,
    /// Id and title (in the page's language) of the criterion behind it.
    pub criterion: Option<(String, String)>,
    /// The refused name; never shown for sealed pages.
    pub name: Option<String>,
    /// The schedule, pause or budget that holds, by the guardian's name for it.
    pub hold: Option<String>,
    /// Under which id the entry behind it is appealed, where two authorities sign it.
    pub appeal: Option<String>,
    /// Page on which it is appealed; `None` where the authorities name none.
    pub appeal_url: Option<String>,
    /// When it ends, in words.
    pub until: Option<String>,
    /// Who could change it ([`who_can_change`]).
    pub who_can_change: &'static str,
    /// Asking is possible at all: a guardian exists, and the child has not asked too often.
    pub may_ask: bool,
    /// The guardian would see the group alone, not the name.
    pub asks_without_name: bool,
    /// The help panel of the criterion.
    pub help: HelpPanel,
    /// Put into the forms.
    pub csrf: String,
    /// Where else to go.
    pub learn: Vec<Tile>,
}

impl Blocked {
    /// The page for `verdict`. What the verdict does not know is left out: `name`, `appeal`, `until`, `csrf` and `learn` are the
    /// caller's to fill in.
    pub fn of(frame: Frame, verdict: &Verdict, profile: &Profile, criteria: &Criteria) -> Blocked {
        let reason = &verdict.reason;
        let criterion = reason.criterion.and_then(|position| criteria.get(position));
        let title = |vi: &str, en: &str| match frame.language {
            Language::Vietnamese => vi.to_string(),
            Language::English => en.to_string(),
        };
        Blocked {
            band: profile.band,
            action: verdict.action,
            step: reason.step,
            category: reason.category,
            criterion: criterion.map(|found| (found.id.clone(), title(&found.title_vi, &found.title_en))),
            name: None,
            hold: reason.schedule.and_then(|position| profile.schedule_name(position)).map(str::to_string),
            appeal: None,
            appeal_url: None,
            until: None,
            who_can_change: who_can_change(verdict, profile, criteria),
            may_ask: true,
            asks_without_name: profile.band == Band::Age16to17,
            help: criterion.map_or(HelpPanel::None, |found| found.help),
            csrf: String::new(),
            learn: Vec::new(),
            frame,
        }
    }

    /// The whole page.
    pub fn render(&self) -> String {
        super::rendered(self)
    }

    /// A question about this page could be put to the guardian. Not where the group could betray the child to whoever
    /// reads the question (harm, sealed, health, help), nor where nobody could say yes.
    pub fn offers_ask(&self) -> bool {
        self.may_ask && self.may_be_told() && matches!(self.who_can_change, "guardian" | "guardian_by_name")
    }

    /// "Wrongly blocked" could be told to the guardian; it says as much as a question does.
    pub fn offers_wrong(&self) -> bool {
        self.band >= Band::Age10to12 && self.may_be_told()
    }

    fn may_be_told(&self) -> bool {
        let tells_too_much = self.category.is_some_and(|category| {
            category == Category::HealthSexed || matches!(category.tier(), Tier::Sealed | Tier::Harm | Tier::Protected)
        });
        !self.is_sealed() && !tells_too_much && self.action != Action::Help && self.step != Step::HelpSet
    }

    fn is_sealed(&self) -> bool {
        self.step == Step::Sealed || self.category.is_some_and(|category| category.tier() == Tier::Sealed)
    }

    fn is_youngest(&self) -> bool {
        self.band == Band::Age0to5
    }

    /// What the forms send: the name, or what stands for it where the guardian does not see names.
    fn sent_name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    fn tone(&self) -> Tone {
        Tone::of(self.band)
    }

    fn headline(&self) -> Cow<'static, str> {
        let tone = self.tone().code();
        match (self.is_held(), self.action) {
            (true, _) => self.frame.language.t1("blocked-later", "tone", tone),
            (false, Action::Ask) => self.frame.language.t1("blocked-ask", "tone", tone),
            (false, _) => self.frame.language.t1("blocked-title", "tone", tone),
        }
    }

    /// It is the hour that refuses, not the page.
    fn is_held(&self) -> bool {
        self.step == Step::Schedule || self.until.is_some()
    }

    fn why(&self) -> Cow<'static, str> {
        match (self.step, self.category) {
            (Step::Criterion | Step::BandDefault | Step::Security, Some(category)) => {
                self.frame.language.why(&category)
            }
            (step, _) => self.frame.language.step(&step),
        }
    }

    /// Refused with help, whatever the criterion calls its panel.
    fn panel(&self) -> HelpPanel {
        match (self.is_sealed() || self.action == Action::Help, self.help) {
            (true, HelpPanel::None) => HelpPanel::Helpline,
            (true, panel) => panel,
            (false, _) => HelpPanel::None,
        }
    }
}
