//! The desk as a whole: looks a candidate up, asks the guards, takes the step, and keeps the file of proposals in step.

use std::path::PathBuf;
use std::sync::Mutex;

use serde_json::json;

use crate::classify::Category;
use crate::hub::triage::accounts::Account;
use crate::hub::triage::candidate::Candidate;
use crate::hub::triage::guide::{Guide, Known};
use crate::hub::triage::propose;
use crate::hub::triage::state::{Reason, Role, State, Step};
use crate::hub::triage::store::{Store, Taken, Taking, TriageError};
use crate::password::Tries;

/// Everything a desk needs.
pub struct Desk {
    /// What is kept.
    pub store: Store,
    /// What is known.
    pub guide: Guide,
    /// Where both authorities take proposals from.
    pub proposals: Option<PathBuf>,
    /// Tries at signing in.
    pub tries: Mutex<Tries>,
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Of the candidate.
    pub name: &'a str,
    /// Of the candidate.
    pub category: Category,
    /// What is to be done.
    pub step: Step,
    /// Why.
    pub reason: Reason,
    /// More about it.
    pub note: &'a str,
}

impl Desk {
    /// All candidates, those that wait first, then those most homes met.
    pub fn candidates(&self) -> Result<Vec<Candidate>, TriageError> {
        let mut all = self.store.candidates(&self.guide.builtin.help)?;
        all.sort_by_key(|one| (one.state, std::cmp::Reverse(one.most())));
        Ok(all)
    }

    /// One candidate with what is known about it and what was done with it.
    pub fn look_up(&self, name: &str, category: Category) -> Result<(Candidate, Known, Vec<Taken>), TriageError> {
        let candidate = self.store.candidate(name, category, &self.guide.builtin.help)?;
        let known = self.guide.of(&candidate);
        Ok((candidate, known, self.store.history(name, category)?))
    }

    /// Does what somebody asks for, or says why not.
    pub fn take(&self, wish: &Wish<'_>, by: &Account, now: i64) -> Result<State, TriageError> {
        let (candidate, known, history) = self.look_up(wish.name, wish.category)?;
        let mut evidence = String::new();
        if wish.step == Step::Propose {
            if let Some(against) = known.against.first() {
                return Err(TriageError::Refused(against.clone()));
            }
            if self.proposals.is_none() {
                return Err(TriageError::Refused("this desk was given no folder of proposals".into()));
            }
            evidence = evidence_of(&candidate, &known, &history);
        }
        let Wish { name, category, step, reason, note } = *wish;
        let (account, role) = (by.name.as_str(), by.role);
        let taking = Taking { name, category, step, reason, note, account, role, evidence: &evidence, now };
        let state = self.store.take(&taking)?;
        self.write_proposals()?;
        Ok(state)
    }

    /// Writes the proposals where they are not as they should be, and notes what was published since; how many were listed.
    pub fn look(&self, now: i64) -> Result<usize, TriageError> {
        self.write_proposals()?;
        self.guide.look().map_err(|error| TriageError::File { path: "the bundle".into(), error })?;
        let mut listed = 0;
        for one in self.candidates()?.iter().filter(|one| one.state == State::Proposed && self.guide.is_listed(one)) {
            let name = one.name.to_string();
            let taking = Taking {
                name: &name,
                category: one.category,
                step: Step::List,
                reason: Reason::Published,
                note: "",
                account: "desk",
                role: Role::Desk,
                evidence: "",
                now,
            };
            self.store.take(&taking)?;
            listed += 1;
        }
        Ok(listed)
    }

    fn write_proposals(&self) -> Result<(), TriageError> {
        if let Some(folder) = &self.proposals {
            propose::write(&self.store, folder)?;
        }
        Ok(())
    }
}

/// What a proposal rests on: counts and what the engine and people said, without saying which people. Kept at the desk; the
/// proposal names its digest.
fn evidence_of(candidate: &Candidate, known: &Known, history: &[Taken]) -> String {
    let counts: Vec<_> = candidate
        .counts
        .iter()
        .map(|one| json!({ "epoch": one.epoch, "households": one.households, "refused": one.refused }))
        .collect();
    let steps: Vec<_> = history
        .iter()
        .map(|one| json!({ "step": one.step.code(), "role": one.role, "reason": one.reason, "note": one.note }))
        .collect();
    let evidence = json!({
        "name": candidate.name.to_string(),
        "category": candidate.category.code(),
        "lane": candidate.lane.name(),
        "counts": counts,
        "regions": candidate.regions,
        "confidence": candidate.confidence,
        "engine": known.guess,
        "steps": steps,
    });
    evidence.to_string()
}
