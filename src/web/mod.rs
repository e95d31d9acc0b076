//! Pages and API: the portal (children), the dashboard (guardians), and the same as JSON. Decides nothing about names: asks the
//! judge.

mod api;
pub mod asking;
pub mod charts;
pub mod dashboard;
pub mod guard;
pub mod pages;
pub mod policy;
pub mod portal;
pub mod reports;
pub mod server;
pub mod sessions;
pub mod sight;
pub mod steering;
pub mod steward;
pub mod text;
pub mod trouble;
pub mod visitor;

use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;

use crate::config;
use crate::family::Family;
use crate::judge::Judge;
use crate::lists::data::Builtin;

pub use steward::{Finding, ListState, SignedState, Status, Steward};
pub use trouble::Trouble;
pub use visitor::Visitor;

/// What all pages share.
pub struct Web {
    /// Who decides about names.
    pub judge: Arc<Judge>,
    /// What the family keeps.
    pub family: Arc<Family>,
    /// Who does what has to be done outside of this room.
    pub steward: Arc<dyn Steward>,
    /// What comes with the program.
    pub builtin: Arc<Builtin>,
    options: ArcSwap<config::Web>,
    /// For forms of people who are not signed in.
    key: hmac::Key,
    /// One change of the configuration at a time.
    editing: Mutex<()>,
}

impl Web {
    /// The pages of a household.
    pub fn new(
        judge: Arc<Judge>,
        family: Arc<Family>,
        steward: Arc<dyn Steward>,
        builtin: Arc<Builtin>,
        options: config::Web,
    ) -> Result<Web, crate::family::Error> {
        let rng = aws_lc_rs::rand::SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &rng);
        let key = key.map_err(|_| crate::family::Error::Crypto("no randomness"))?;
        Ok(Web {
            judge,
            family,
            steward,
            builtin,
            options: ArcSwap::from_pointee(options),
            key,
            editing: Mutex::new(()),
        })
    }

    /// Takes on new options.
    pub fn reconfigure(&self, options: &config::Web) {
        self.options.store(Arc::new(options.clone()));
    }

    /// The options in force.
    pub fn options(&self) -> Arc<config::Web> {
        self.options.load_full()
    }
}

/// Runs what may take a tenth of a second (hashing, files) aside.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    let ended = tokio::task::spawn_blocking(work).await;
    ended.unwrap_or_else(|_| Err(Trouble::Internal("a request ended badly".into())))
}

#[cfg(test)]
mod tests;
