//! What the pages ask of the wiring.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use super::signed::shelf_of;
use super::{App, health};
use crate::clock::now_secs;
use crate::config::{Config, ListSource, Vocabulary, edit};
use crate::document::Fault;
use crate::identity::Mac;
use crate::identity::known::{Assigned, Why};
use crate::lists::inputs::inputs;
use crate::report::preview::Preview;
use crate::web::steward::Sighting;
use crate::web::{Finding, ListState, SignedState, Status, Steward};

/// A fetched list that was not looked at for so many of its periods is stale.
const STALE_PERIODS: u64 = 3;

impl Steward for App {
    fn renew(&self) -> Result<(), String> {
        self.renew_moments().map_err(|error| error.to_string())
    }

    fn reload(&self) -> Result<(), Vec<Fault>> {
        self.reload_now()
    }

    fn config(&self) -> Arc<Config> {
        Arc::new(self.state().config.clone())
    }

    fn vocabulary(&self) -> Vocabulary {
        self.builtin.vocabulary()
    }

    fn files(&self) -> Result<(PathBuf, Option<PathBuf>), String> {
        let source = self.origin.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // Where the next start looks.
        let state_dir = Config::usual_state_dir();
        let target = edit::target(source.file.as_deref(), source.is_named, state_dir.as_deref());
        Ok((target.map_err(|error| error.to_string())?, source.file))
    }

    fn use_file(&self, file: PathBuf) {
        let mut source = self.origin.lock().unwrap_or_else(PoisonError::into_inner);
        if source.file.as_ref() != Some(&file) {
            tracing::info!(file = %file.display(), "the pages keep the configuration here from now on");
            source.file = Some(file);
        }
    }

    fn status(&self) -> Status {
        let upstreams = self.resolver.upstream_stats();
        let healthy = upstreams.iter().filter(|(_, stats)| stats.healthy).count();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            since: self.since,
            upstreams: (healthy, upstreams.len()),
            answered: self.metrics.answered(),
            has_proxy: self.keeper.is_some(),
            rules_hold: !self.counts.rules_failing.load(std::sync::atomic::Ordering::Relaxed),
            clock_trusted: crate::clock::is_trusted(),
            lists: self.list_states(),
            names: self.judge.current().engine.names(),
            signed: self.signed_state(),
        }
    }

    fn findings(&self) -> Vec<Finding> {
        health::findings(&self.config(), &self.builtin, true)
    }

    fn update_lists(&self) {
        self.update_wanted.notify_one();
    }

    fn sightings(&self) -> Vec<Sighting> {
        self.seen()
    }

    fn report_preview(&self) -> Preview {
        self.reporting.preview()
    }

    fn consent_changed(&self) {
        self.look_at_consent();
    }
}

impl App {
    /// Devices on the network, as pages show them, with whose each may be.
    pub(super) fn seen(&self) -> Vec<Sighting> {
        let proposals = self.sightings.propose(&self.assigned());
        let seen = self.sightings.all().into_iter().filter_map(|seen| {
            let first = seen.addrs.first();
            let proposal = proposals.iter().find(|proposal| Some(proposal.mac) == seen.mac);
            Some(Sighting {
                key: seen.mac.map(Mac::to_text).or_else(|| first.map(ToString::to_string))?,
                name: seen.name.unwrap_or_default(),
                addresses: seen.addrs,
                is_random: seen.is_random,
                proposal: proposal.map(|proposal| (proposal.profile.clone(), why(proposal.why))),
            })
        });
        seen.collect()
    }

    /// Devices by MAC address, under the name of whose they are.
    fn assigned(&self) -> Vec<Assigned> {
        let state = self.state();
        let owner = |position: usize| state.config.profiles[position].input.name.clone();
        let macs = state.config.macs.iter();
        macs.map(|(mac, at)| Assigned { device: owner(*at), mac: *mac, profile: owner(*at) }).collect()
    }

    fn signed_state(&self) -> Option<SignedState> {
        let config = self.config();
        let (_, shelf) = shelf_of(&config)?;
        let state = shelf.state();
        let seconds = |at: u64| i64::try_from(at).unwrap_or(i64::MAX);
        let release = state.current.as_ref().map(|kept| &kept.release);
        let judge = self.judge.current();
        Some(SignedState {
            network: release.map(|release| release.network.clone()).unwrap_or_default(),
            release: release.map(|release| (release.version, seconds(release.published))),
            names: judge.engine.signed().map_or(0, |signed| signed.bundle.names()),
            withdrawn: state.withdrawn.iter().map(Vec::len).sum(),
            checked: (state.last.at > 0).then(|| seconds(state.last.at)),
            last: state.last.code,
            message: state.last.message,
        })
    }

    fn list_states(&self) -> Vec<ListState> {
        let state = self.state();
        let (_, missing) = inputs(&state.config, &self.builtin, state.store.as_ref());
        let every = state.config.updates.every.as_secs();
        let lists = state.config.lists.iter().map(|list| {
            let fetched = state.store.as_ref().and_then(|store| store.fetched(&list.name));
            let is_missing = missing.iter().any(|missing| missing.0 == list.name);
            let is_stale = fetched.as_ref().is_some_and(|fetched| {
                every > 0 && now_secs().saturating_sub(fetched.checked_at) > STALE_PERIODS * every
            });
            ListState {
                name: list.name.clone(),
                source: source_of(&list.source),
                rules: fetched.as_ref().map(|fetched| fetched.entries),
                checked: fetched.as_ref().map(|fetched| i64::try_from(fetched.checked_at).unwrap_or(i64::MAX)),
                state: match (is_missing, is_stale) {
                    (true, _) => "missing",
                    (false, true) => "stale",
                    (false, false) => "ok",
                },
            }
        });
        lists.collect()
    }
}

/// The code of what two devices have in common.
fn why(why: Why) -> &'static str {
    match why {
        Why::SameClientId => "same_client_id",
        Why::SameName => "same_name",
    }
}

fn source_of(source: &ListSource) -> String {
    match source {
        ListSource::Starter => "starter".to_string(),
        ListSource::Catalog(id) => format!("catalog:{id}"),
        ListSource::File(path) => format!("file:{}", path.display()),
        ListSource::Url(url) => url.clone(),
    }
}
