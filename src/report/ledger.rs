//! What a year of statistics costs in privacy, as arithmetic: every release spends from a budget in zero-concentrated
//! differential privacy (Bun and Steinke 2016), and when it is spent nothing more is released. Both sides keep one. Pure.

use std::fmt;

use crate::report::statistics::WEIGHT_MAX;

/// Variance of the noise each aggregator adds to each count: the least whole number for which a week costs no more than ε = 1
/// at δ = 10⁻⁶ (a test derives it).
pub const NOISE_VARIANCE: u64 = 573;
/// δ of every ε that is printed: one in a million.
pub const DELTA: f64 = 1e-6;
/// Releases of one year.
pub const WEEKS_A_YEAR: u32 = 52;

const NANO: u64 = 1_000_000_000;

/// ρ of zCDP in billionths, always rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Rho(u64);

/// What was spent, epoch by epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    budget: Rho,
    spent: Vec<(u32, Rho)>,
}

/// Why nothing more is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The budget of the year would be exceeded.
    #[error("the privacy budget is spent: {spent} of {budget}, and epoch {epoch} would cost {cost}")]
    Exhausted {
        /// Which release.
        epoch: u32,
        /// What it would cost.
        cost: Rho,
        /// What was spent.
        spent: Rho,
        /// What there is.
        budget: Rho,
    },
    /// A count is released once.
    #[error("epoch {0} was released already")]
    Again(u32),
}

impl Rho {
    /// One release of the weekly counts: a household changes at most 20 counts by 1, so Δ₂² = 20 and ρ = Δ₂² / 2σ².
    pub fn of_release() -> Rho {
        Rho::of_variance(NOISE_VARIANCE)
    }

    fn of_variance(variance: u64) -> Rho {
        let sensitivity = u64::try_from(WEIGHT_MAX).unwrap_or(u64::MAX);
        Rho((sensitivity * NANO).div_ceil(2 * variance))
    }

    /// So many of them: ρ adds up.
    pub fn times(self, releases: u32) -> Rho {
        Rho(self.0.saturating_mul(u64::from(releases)))
    }

    /// Both.
    pub fn plus(self, other: Rho) -> Rho {
        Rho(self.0.saturating_add(other.0))
    }

    /// The ε it stands for at this δ: ρ + 2 √(ρ ln(1/δ)).
    #[allow(clippy::cast_precision_loss, reason = "billionths of what stays below 100")]
    pub fn epsilon(self, delta: f64) -> f64 {
        let rho = self.0 as f64 / NANO as f64;
        rho + 2.0 * (rho * (1.0 / delta).ln()).sqrt()
    }
}

impl fmt::Display for Rho {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ρ {}.{:09}", self.0 / NANO, self.0 % NANO)
    }
}

impl Ledger {
    /// For a year in which a household takes part in at most `weeks` weeks.
    pub fn for_weeks(weeks: u32) -> Ledger {
        Ledger { budget: Rho::of_release().times(weeks), spent: Vec::new() }
    }

    /// Spends one release. `Err`: nothing was spent, and nothing may be released.
    pub fn spend(&mut self, epoch: u32) -> Result<(), LedgerError> {
        if self.spent.iter().any(|(known, _)| *known == epoch) {
            return Err(LedgerError::Again(epoch));
        }
        let (cost, spent, budget) = (Rho::of_release(), self.spent(), self.budget);
        if spent.plus(cost) > budget {
            return Err(LedgerError::Exhausted { epoch, cost, spent, budget });
        }
        self.spent.push((epoch, cost));
        Ok(())
    }

    /// All so far.
    pub fn spent(&self) -> Rho {
        self.spent.iter().fold(Rho::default(), |sum, (_, cost)| sum.plus(*cost))
    }
}

impl fmt::Display for Ledger {
    /// A line for each release and one for the sum.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sum = Rho::default();
        for (epoch, cost) in &self.spent {
            sum = sum.plus(*cost);
            writeln!(out, "epoch {epoch}: {cost}, in all ε {:.2}", sum.epsilon(DELTA))?;
        }
        let (spent, budget) = (self.spent(), self.budget);
        write!(
            out,
            "spent {spent} of {budget}: ε {:.2} of {:.2} at δ 1e-6",
            spent.epsilon(DELTA),
            budget.epsilon(DELTA)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_costs_one_and_a_year_eight() {
        assert_eq!(Rho::of_release(), Rho(17_452_007));
        assert!(Rho::of_variance(NOISE_VARIANCE).epsilon(DELTA) <= 1.0);
        assert!(Rho::of_variance(NOISE_VARIANCE - 1).epsilon(DELTA) > 1.0);
        let epsilon = |weeks| Rho::of_release().times(weeks).epsilon(DELTA);
        assert!((0.999..=1.0).contains(&epsilon(1)), "{}", epsilon(1));
        assert!((7.985..7.995).contains(&epsilon(WEEKS_A_YEAR)), "{}", epsilon(WEEKS_A_YEAR));
        assert!((3.765..3.775).contains(&epsilon(WEEKS_A_YEAR / 4)), "{}", epsilon(WEEKS_A_YEAR / 4));
        assert_eq!(Rho::default().epsilon(DELTA), 0.0);
    }

    #[test]
    fn the_budget_ends() {
        let mut ledger = Ledger::for_weeks(3);
        assert_eq!(ledger.spend(7), Ok(()));
        assert_eq!(ledger.spend(7), Err(LedgerError::Again(7)));
        assert_eq!((ledger.spend(8), ledger.spend(9)), (Ok(()), Ok(())));
        assert!(matches!(ledger.spend(10), Err(LedgerError::Exhausted { epoch: 10, .. })));
        assert_eq!(ledger.spent(), Rho::of_release().times(3));
        let shown = ledger.to_string();
        assert_eq!(shown.lines().count(), 4);
        assert!(shown.contains("epoch 8: ρ 0.017452007") && shown.contains("spent ρ 0.052356021 of ρ 0.052356021"));
    }
}
