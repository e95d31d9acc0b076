//! The lists two authorities sign, in the running program: looked at in due time, put in force by a reload, taken back when
//! the program does not stay up with them.

use std::sync::atomic::{AtomicU64, Ordering};

use super::App;
use crate::clock::now_secs;
use crate::config::{Config, Signed};
use crate::lists::trust::error::TrustError;
use crate::lists::trust::rollout::{PROOF_SECS, Start};
use crate::lists::trust::shelf::{Shelf, State};
use crate::lists::trust::update::{Looking, News, read_criteria};

/// Looks by how they ended: taken, unchanged, waiting, then [`TrustError::CODES`].
pub(super) struct Looks([AtomicU64; GOOD.len() + TrustError::CODES.len()]);

const GOOD: [&str; 3] = ["taken", "unchanged", "waiting"];

impl Default for Looks {
    fn default() -> Looks {
        Looks(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl Looks {
    fn count(&self, code: &str) {
        if let Some((_, count)) = codes().zip(&self.0).find(|(known, _)| *known == code) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Each ending and how often it came.
    pub(super) fn values(&self) -> Vec<(&'static str, u64)> {
        codes().zip(&self.0).map(|(code, count)| (code, count.load(Ordering::Relaxed))).collect()
    }
}

fn codes() -> impl Iterator<Item = &'static str> {
    GOOD.into_iter().chain(TrustError::CODES)
}

/// The shelf of a configuration, where signed lists are taken.
pub fn shelf_of(config: &Config) -> Option<(&Signed, Shelf)> {
    let options = config.signed.as_ref()?;
    let Some(state_dir) = &config.state_dir else {
        tracing::error!("signed lists cannot be kept without `state_dir`");
        return None;
    };
    match Shelf::open(state_dir) {
        Ok(shelf) => Some((options, shelf)),
        Err(error) => {
            tracing::error!("signed lists cannot be kept: {error}");
            None
        }
    }
}

/// Puts the criteria of the release in force in place of those that come with the program, where the configuration takes
/// them. The profiles were read before: what a guardian once allowed stands.
pub fn with_criteria(mut config: Config) -> Config {
    let Some((_, shelf)) = shelf_of(&config).filter(|(options, _)| options.criteria) else { return config };
    let Some(path) = shelf.kept(&shelf.state()).and_then(|kept| shelf.criteria(&kept)) else { return config };
    let read = std::fs::read(&path).map_err(|error| error.to_string());
    match read.and_then(|octets| read_criteria(&octets)) {
        Ok(signed) => config.criteria = signed,
        Err(error) => tracing::error!("signed criteria on disk cannot be read: {error}; the built-in ones hold"),
    }
    config
}

/// Counts a start with a release on trial, and goes back to the one before when it was one too many.
pub(super) fn count_start(config: &Config) {
    let Some((_, shelf)) = shelf_of(config) else { return };
    let mut state = shelf.state();
    match state.trial.started() {
        Start::Proven => return,
        Start::OnTrial => {}
        Start::GoBack => {
            let bad = state.current.take().map_or(0, |kept| kept.release.version);
            state.current = state.previous.take();
            let to = state.current.as_ref().map_or(0, |kept| kept.release.version);
            tracing::error!(bad, to, "the program did not stay up with this release of the signed lists; going back");
        }
    }
    keep(&shelf, &state);
}

fn keep(shelf: &Shelf, state: &State) {
    if let Err(error) = shelf.keep(state) {
        tracing::error!("what is known of the signed lists cannot be kept: {error}");
    }
}

impl App {
    /// Once a release on trial has lasted, or the program ends in good order, it is on trial no more.
    pub(super) fn prove_signed(&self) {
        let config = self.state().config.clone();
        let Some((_, shelf)) = shelf_of(&config) else { return };
        let mut state = shelf.state();
        if state.trial.proved() {
            keep(&shelf, &state);
        }
    }

    /// When the release in force has proved itself, seconds since 1970.
    pub(super) fn proof_at(&self) -> u64 {
        now_secs().saturating_add(PROOF_SECS)
    }

    /// Looks at what the authorities publish; when it changed, puts it in force.
    pub(super) async fn look_at_signed(&self) {
        let config = self.state().config.clone();
        let Some((options, shelf)) = shelf_of(&config) else { return };
        let before = shelf.state().withdrawn;
        let (builtin, criteria) = (&*self.builtin, &config.criteria);
        let looking = Looking { options, shelf: &shelf, builtin, criteria, now: now_secs() };
        let news = looking.look().await;
        let withdrawn = shelf.state().withdrawn != before;
        match &news {
            Ok(News::Taken { version, fetched, by_delta }) => {
                self.counts.signed.count(GOOD[0]);
                tracing::info!(version, fetched, by_delta, "signed lists updated");
            }
            Ok(News::Unchanged(_)) => self.counts.signed.count(GOOD[1]),
            Ok(News::Waiting(version)) => {
                self.counts.signed.count(GOOD[2]);
                tracing::info!(version, "a new release of the signed lists waits for this box's turn");
            }
            Err(error) => {
                self.counts.signed.count(error.code());
                tracing::warn!(
                    reason = error.code(),
                    "signed lists not updated: {error}; what was in force stays in force"
                );
            }
        }
        if withdrawn || matches!(news, Ok(News::Taken { .. })) {
            self.reload().await;
        }
    }

    /// When to look next; `None` never.
    pub(super) fn next_look(&self) -> Option<u64> {
        let every = self.state().config.signed.as_ref()?.every.as_secs();
        (every > 0).then(|| now_secs() + super::jittered(every))
    }
}
