//! Time budgets: so much of a service, a category or everything in a day. What was used is measured elsewhere and arrives as
//! bits ([`Temporary::spent`](super::Temporary::spent)); here stands what counts, and on which days.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use super::calendar::StartDays;
use super::profile::{Hit, Profile, Selection, Selector};
use super::schedule::Moment;
use crate::classify::{Category, CategorySet, Classes};
use crate::name::Name;

/// A budget as it was written.
#[derive(Debug, Clone)]
pub struct BudgetInput {
    /// The guardian's name for it.
    pub name: String,
    /// What counts. `Everything` leaves out help and what devices need to work at all.
    pub of: Vec<Selector>,
    /// So much a day.
    pub limit: Duration,
    /// Days on which it holds; on others there is no limit.
    pub days: StartDays,
}

/// A budget as it is asked.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub name: Arc<str>,
    of: Selection,
    limit: Duration,
    days: StartDays,
}

/// A budget that holds on the day asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetOn<'p> {
    /// Its bit in masks of budgets.
    pub position: u8,
    /// The guardian's name for it.
    pub name: &'p str,
    /// So much that day.
    pub limit: Duration,
}

/// Of these a budget counts nothing, whatever it is of.
const NEVER_COUNTED: CategorySet = CategorySet::of(&[Category::Csam, Category::Help]);

impl Budget {
    /// One bit each of a word.
    pub const COUNT_MAX: usize = 64;

    pub fn new(input: &BudgetInput) -> Budget {
        Budget {
            name: input.name.as_str().into(),
            of: Selection::new(&input.of, &[]),
            limit: input.limit,
            days: input.days.clone(),
        }
    }

    pub fn is_of_everything(&self) -> bool {
        self.of.everything
    }
}

impl Profile {
    /// True when any is written; nearly all profiles have none.
    pub fn has_budgets(&self) -> bool {
        !self.budgets.is_empty()
    }

    /// The budgets that hold on that day.
    pub fn budgets(&self, date: Date) -> impl Iterator<Item = BudgetOn<'_>> {
        let numbered = (0..=u8::MAX).zip(&self.budgets).filter(move |(_, budget)| budget.days.contains(date));
        numbered.map(|(position, budget)| BudgetOn { position, name: &budget.name, limit: budget.limit })
    }

    /// The budgets that a use of this counts towards, bit by position. `name` is `None` for an address. Who asks for names
    /// of the help set does not ask here.
    pub fn budgets_met(&self, name: Option<&Name>, classes: &Classes, moment: &Moment) -> u64 {
        if self.budgets.is_empty() {
            return 0;
        }
        let (categories, date) = (self.effective(classes), moment.local.date());
        let numbered = self.budgets.iter().enumerate().filter(|(_, budget)| budget.days.contains(date));
        let met = numbered.filter(|(_, budget)| self.counts(budget, name, classes, categories).is_some());
        met.fold(0, |bits, (position, _)| bits | 1 << position)
    }

    /// The name of the budget at that position.
    pub fn budget_name(&self, position: u8) -> Option<&str> {
        self.budgets.get(usize::from(position)).map(|budget| &*budget.name)
    }

    /// The budgets that are used up, on a day on which they hold.
    pub(super) fn spent_on(&self, date: Date) -> impl Iterator<Item = (u8, &Budget)> {
        let is_spent = |position: u8| self.temporary.spent & (1 << position) != 0;
        (0..=u8::MAX)
            .zip(&self.budgets)
            .filter(move |(position, budget)| is_spent(*position) && budget.days.contains(date))
    }

    /// What of the budget this counts as.
    pub(super) fn counts(
        &self,
        budget: &Budget,
        name: Option<&Name>,
        classes: &Classes,
        categories: CategorySet,
    ) -> Option<Hit> {
        if categories.intersects(NEVER_COUNTED) {
            return None;
        }
        match budget.of.meets(name, classes, categories)? {
            Hit::Everything if classes.services.intersects(self.infrastructure) => None,
            hit => Some(hit),
        }
    }
}
