//! Which boxes take a release first, and what becomes of one with which the program does not stay up. Pure: time and the
//! draw are handed in, the state is kept by the shelf.

use serde::{Deserialize, Serialize};

use super::release::Rollout;

/// Draws are from 0 to below so many.
pub const DRAWS: u16 = 10_000;
/// A release has proved itself when the program stayed up with it for so long.
pub const PROOF_SECS: u64 = 600;
/// Starts of which none lasted that long, after which the release before is taken back.
pub const STARTS_MAX: u32 = 3;
/// Releases that are remembered as bad: a newer one soon replaces them.
const BAD_MAX: usize = 16;

/// The draw of this box, and how the release in force fares.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// For which release the draw was made.
    draw_for: u64,
    draw: u16,
    /// The release on trial; 0 when the one in force has proved itself.
    version: u64,
    starts: u32,
    bad: Vec<u64>,
}

/// What a start comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Nothing is on trial.
    Proven,
    /// The release in force is on trial.
    OnTrial,
    /// It failed: the one before is to be taken back.
    GoBack,
}

impl Trial {
    /// The draw for a release: `random` when none was made yet, else the one that was.
    pub fn draw(&mut self, version: u64, random: u16) -> u16 {
        if self.draw_for != version {
            (self.draw_for, self.draw) = (version, random % DRAWS);
        }
        self.draw
    }

    /// A release came in force.
    pub fn begin(&mut self, version: u64) {
        (self.version, self.starts) = (version, 0);
    }

    /// The program started with the release in force.
    pub fn started(&mut self) -> Start {
        if self.version == 0 {
            return Start::Proven;
        }
        self.starts += 1;
        if self.starts < STARTS_MAX {
            return Start::OnTrial;
        }
        self.bad.push(self.version);
        let old = self.bad.len().saturating_sub(BAD_MAX);
        self.bad.drain(..old);
        (self.version, self.starts) = (0, 0);
        Start::GoBack
    }

    /// The program stayed up long enough, or was told to end in good order.
    pub fn proved(&mut self) -> bool {
        let was = self.version != 0;
        (self.version, self.starts) = (0, 0);
        was
    }

    /// True for a release with which the program did not stay up.
    pub fn is_bad(&self, version: u64) -> bool {
        self.bad.contains(&version)
    }
}

/// True when a box with that draw takes a release now.
pub fn takes_now(rollout: Option<Rollout>, published: u64, now: u64, draw: u16) -> bool {
    let Some(rollout) = rollout else { return true };
    let is_first = u32::from(draw) < u32::from(rollout.percent) * u32::from(DRAWS) / 100;
    is_first || now >= published.saturating_add(u64::from(rollout.hours) * 3600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_goes_first_and_the_others_follow() {
        let rollout = Some(Rollout { percent: 5, hours: 24 });
        let first = (0..DRAWS).filter(|draw| takes_now(rollout, 1000, 1000, *draw)).count();
        assert_eq!(first, 500);
        assert!(!takes_now(rollout, 1000, 1000 + 24 * 3600 - 1, 500));
        assert!(takes_now(rollout, 1000, 1000 + 24 * 3600, 9999));
        assert!(takes_now(None, 1000, 0, 9999));
    }

    #[test]
    fn a_box_draws_once_a_release() {
        let mut trial = Trial::default();
        assert_eq!((trial.draw(7, 12), trial.draw(7, 13), trial.draw(8, 14)), (12, 12, 14));
    }

    #[test]
    fn three_starts_that_did_not_last_take_a_release_back() {
        let mut trial = Trial::default();
        assert_eq!(trial.started(), Start::Proven);
        trial.begin(7);
        assert_eq!(
            (trial.started(), trial.started(), trial.started()),
            (Start::OnTrial, Start::OnTrial, Start::GoBack)
        );
        assert!(trial.is_bad(7) && !trial.is_bad(8));
        assert_eq!(trial.started(), Start::Proven);
    }

    #[test]
    fn a_release_that_lasted_is_no_longer_on_trial() {
        let mut trial = Trial::default();
        trial.begin(7);
        trial.started();
        trial.started();
        assert!(trial.proved() && !trial.proved());
        assert_eq!(trial.started(), Start::Proven);
        assert!(!trial.is_bad(7));
    }
}
