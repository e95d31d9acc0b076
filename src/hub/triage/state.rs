//! What may become of a candidate: states, the steps between them, who may take a step and for which reasons. One table, and
//! everything that is not in it is refused.

/// Where a candidate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nobody has looked.
    New,
    /// An analyst found it to be what it is called.
    Verified,
    /// Written into a folder of proposals, for both authorities.
    Proposed,
    /// In the list that both sign.
    Listed,
    /// Taken back.
    Withdrawn,
    /// Not what it is called, or not for a list.
    Rejected,
}

/// Who somebody is at the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Looks at candidates: verifies and rejects.
    Analyst,
    /// Proposes what another one verified, and takes back.
    Lead,
    /// Sees, and changes nothing.
    Reader,
    /// Sees, and the record of what was done.
    Auditor,
    /// The program itself, which notes what was published. Nobody can sign in as it.
    Desk,
}

/// What is done with a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is what it is called.
    Verify,
    /// It is not, or is no matter for a list.
    Reject,
    /// Both authorities are asked to list it.
    Propose,
    /// It is in the published list.
    List,
    /// The proposal is taken back; the next release leaves it out.
    Withdraw,
    /// Looked at again.
    Reopen,
}

/// Why: one of a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Looked at, and it does that.
    Seen,
    /// An organisation that knows said so.
    Partner,
    /// Children are better off without.
    Protects,
    /// Found in the published list.
    Published,
    /// Harms nobody.
    Harmless,
    /// Something else than it is called.
    WrongCategory,
    /// Too many use it for something else.
    Popular,
    /// It is not there any more.
    Gone,
    /// Given to the hotline and the police; no matter for a list, and in no feed.
    Hotline,
    /// An appeal was upheld.
    Appeal,
    /// It was a mistake.
    Mistake,
    /// Something new is known.
    News,
}

/// One line of the table.
pub struct Rule {
    /// What is done.
    pub step: Step,
    /// Where it may stand before.
    pub from: &'static [State],
    /// Where it stands after.
    pub to: State,
    /// Who may.
    pub roles: &'static [Role],
    /// For which reasons.
    pub reasons: &'static [Reason],
}

/// All that may happen.
pub const RULES: [Rule; 6] = [
    Rule {
        step: Step::Verify,
        from: &[State::New],
        to: State::Verified,
        roles: &[Role::Analyst, Role::Lead],
        reasons: &[Reason::Seen, Reason::Partner],
    },
    Rule {
        step: Step::Reject,
        from: &[State::New, State::Verified],
        to: State::Rejected,
        roles: &[Role::Analyst, Role::Lead],
        reasons: &[Reason::Harmless, Reason::WrongCategory, Reason::Popular, Reason::Gone, Reason::Hotline],
    },
    Rule {
        step: Step::Propose,
        from: &[State::Verified],
        to: State::Proposed,
        roles: &[Role::Lead],
        reasons: &[Reason::Protects],
    },
    Rule {
        step: Step::List,
        from: &[State::Proposed],
        to: State::Listed,
        roles: &[Role::Lead, Role::Desk],
        reasons: &[Reason::Published],
    },
    Rule {
        step: Step::Withdraw,
        from: &[State::Proposed, State::Listed],
        to: State::Withdrawn,
        roles: &[Role::Lead],
        reasons: &[Reason::Appeal, Reason::Mistake, Reason::Gone, Reason::Hotline],
    },
    Rule {
        step: Step::Reopen,
        from: &[State::Rejected, State::Withdrawn],
        to: State::New,
        roles: &[Role::Lead],
        reasons: &[Reason::News, Reason::Mistake],
    },
];

impl Step {
    /// Its line of the table.
    pub fn rule(self) -> &'static Rule {
        match self {
            Step::Verify => &RULES[0],
            Step::Reject => &RULES[1],
            Step::Propose => &RULES[2],
            Step::List => &RULES[3],
            Step::Withdraw => &RULES[4],
            Step::Reopen => &RULES[5],
        }
    }
}

impl Rule {
    /// What speaks against this step, in words; `None` when nothing does.
    pub fn against(&self, from: State, role: Role, reason: Reason) -> Option<String> {
        let step = self.step.code();
        if !self.roles.contains(&role) {
            return Some(format!("{step} is not for the role {}", role.code()));
        }
        if !self.from.contains(&from) {
            let may: Vec<&str> = self.from.iter().map(|state| state.code()).collect();
            return Some(format!("{step} follows {}, and this is {}", may.join(" or "), from.code()));
        }
        if !self.reasons.contains(&reason) {
            let may: Vec<&str> = self.reasons.iter().map(|reason| reason.code()).collect();
            return Some(format!("{} is no reason to {step}: {}", reason.code(), may.join(", ")));
        }
        None
    }
}

macro_rules! codes {
    ($kind:ident, $doc:literal, [$($variant:ident $code:literal),* $(,)?]) => {
        impl $kind {
            #[doc = $doc]
            pub const ALL: &[$kind] = &[$($kind::$variant),*];

            /// The code that tables, forms and commands use.
            pub const fn code(self) -> &'static str {
                match self { $($kind::$variant => $code),* }
            }

            /// The one with that code.
            pub fn from_code(code: &str) -> Option<$kind> {
                $kind::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

codes!(State, "All states, in the order in which they are shown.", [
    New "new", Verified "verified", Proposed "proposed", Listed "listed", Withdrawn "withdrawn", Rejected "rejected",
]);
codes!(Role, "All roles.", [Analyst "analyst", Lead "lead", Reader "reader", Auditor "auditor", Desk "desk"]);
codes!(Step, "All steps.", [
    Verify "verify", Reject "reject", Propose "propose", List "list", Withdraw "withdraw", Reopen "reopen",
]);
codes!(Reason, "All reasons.", [
    Seen "seen", Partner "partner", Protects "protects", Published "published", Harmless "harmless",
    WrongCategory "wrong_category", Popular "popular", Gone "gone", Hotline "hotline", Appeal "appeal",
    Mistake "mistake", News "news",
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_finds_its_own_line_and_a_candidate_is_listed_by_three_steps_alone() {
        for step in Step::ALL {
            assert_eq!(step.rule().step, *step);
        }
        let reaches = |to: State| RULES.iter().filter(|rule| rule.to == to).map(|rule| rule.from).collect::<Vec<_>>();
        assert_eq!(reaches(State::Listed), [[State::Proposed]]);
        assert_eq!(reaches(State::Proposed), [[State::Verified]]);
        assert_eq!(reaches(State::Verified), [[State::New]]);
    }

    #[test]
    fn who_only_sees_takes_no_step() {
        for rule in &RULES {
            assert!(!rule.roles.contains(&Role::Reader) && !rule.roles.contains(&Role::Auditor));
            let (from, reason) = (rule.from[0], rule.reasons[0]);
            assert!(rule.against(from, Role::Reader, reason).is_some_and(|what| what.contains("role reader")));
            assert_eq!(rule.against(from, rule.roles[0], reason), None);
            assert!(rule.against(rule.to, rule.roles[0], reason).is_some_and(|what| what.contains("follows")));
        }
        let wrong = Step::Verify.rule().against(State::New, Role::Analyst, Reason::Harmless);
        assert!(wrong.is_some_and(|what| what.contains("no reason")));
    }
}
