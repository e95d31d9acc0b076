//! From what is configured to what decides: the bundle, the snapshot, and the kernel's rules.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;

use super::guesser::guesser;
use super::signed::shelf_of;
use super::{StartError, gate};
use crate::classify::sealed::{Sealed, Table};
use crate::classify::seen::Seen;
use crate::classify::{Engine, Published, ServiceSet};
use crate::clock::now_secs;
use crate::config::{Config, SelectorSpec};
use crate::identity::{Clients, ProfileId};
use crate::judge::Snapshot;
use crate::lists::data::{Builtin, INFRASTRUCTURE};
use crate::lists::inputs::{inputs, load};
use crate::lists::store::Store;
use crate::name::{Name, NameSet};
use crate::net::firewall::Rules;
use crate::net::sightings::{Sightings, Sources};
use crate::policy::{Band, BudgetInput, Profile, ProfileInput, ScheduleInput, Selector};

/// Everything a decision needs, from a configuration and what is known of names.
pub fn snapshot(config: &Config, engine: Engine, builtin: &Builtin, now: u64) -> Snapshot {
    let bundle = engine.bundle();
    let services = |spec: &SelectorSpec| match spec {
        SelectorSpec::Known(selector) => Some(*selector),
        // A service unknown to an older bundle has no names there either.
        SelectorSpec::Service(id) => bundle.service_id(id).map(Selector::Service),
    };
    let resolve = |specs: &[SelectorSpec]| specs.iter().filter_map(services).collect::<Vec<_>>();
    let infrastructure: ServiceSet = bundle.service_id(INFRASTRUCTURE).into_iter().collect();
    let at = Timestamp::from_second(i64::try_from(now).unwrap_or(0)).unwrap_or_default();
    let year = config.time_zone.to_datetime(at).year();
    let profiles = config.profiles.iter().map(|spec| {
        let schedules = spec.schedules.iter().map(|schedule| ScheduleInput {
            block: resolve(&schedule.block),
            allow: resolve(&schedule.allow),
            ..schedule.input.clone()
        });
        let budgets = spec.budgets.iter().map(|(budget, of)| BudgetInput { of: resolve(of), ..budget.clone() });
        let input = ProfileInput {
            budgets: budgets.collect(),
            block: resolve(&spec.block),
            allow: resolve(&spec.allow),
            schedules: schedules.collect(),
            ..spec.input.clone()
        };
        Profile::compile(&input, &config.criteria, infrastructure, year)
    });
    let profiles = profiles.collect();
    let mut clients = Clients::new(ProfileId(config.strangers as u16));
    for (net, profile) in &config.devices {
        clients.insert(*net, ProfileId(*profile as u16));
    }
    for (token, profile) in &config.tokens {
        clients.insert_token(*token, ProfileId(*profile as u16));
    }
    for (mac, profile) in &config.macs {
        clients.insert_mac(*mac, ProfileId(*profile as u16));
    }
    config.identity.trusted_forwarders.iter().for_each(|addr| clients.trust((*addr).into()));
    Snapshot {
        engine,
        help: builtin.help.clone(),
        safe_search: builtin.safe_search.clone(),
        switches: builtin.switches.clone(),
        criteria: Arc::new(config.criteria.clone()),
        profiles,
        clients,
        infrastructure,
        time_zone: config.time_zone.clone(),
        has_proxy: config.proxy.is_some(),
    }
}

/// The snapshot with an eye on the local network, where a device is known by MAC address.
pub(super) fn linked(mut snapshot: Snapshot, config: &Config, sightings: &Arc<Sightings>) -> Snapshot {
    let lan = config.proxy.as_ref().map_or_else(Vec::new, |proxy| proxy.lan.clone());
    let sources = Sources { leases: config.identity.leases.clone(), mdns: config.identity.mdns, lan };
    if let Err(error) = sightings.follow(&sources) {
        tracing::error!("not all devices are seen: {error}");
    }
    if !config.macs.is_empty() {
        if !sightings.has_neighbours() {
            tracing::error!("devices are known by leases and forwarders alone: the kernel tells no neighbours");
        }
        snapshot.clients.look_on(Arc::clone(sightings) as _);
    }
    let strangers = snapshot.profile(snapshot.clients.strangers()).band;
    if strangers == Band::Adult && snapshot.profiles.iter().any(|profile| profile.band != Band::Adult) {
        tracing::warn!("children live here, and devices nobody knows get an adult's rules (`[defaults] profile`)");
    }
    snapshot
}

/// The folder of the state, if it can be used.
pub fn open_store(config: &Config) -> Option<Store> {
    let root = config.state_dir.as_ref()?;
    match Store::open(root) {
        Ok(store) => Some(store),
        Err(error) => {
            tracing::warn!(dir = %root.display(), %error, "state folder cannot be used; nothing is kept");
            None
        }
    }
}

/// The kernel's rules of this moment; `None` when the proxy is off.
pub fn firewall_rules(config: &Config, builtin: &Builtin) -> anyhow::Result<Option<Rules>> {
    let Some(proxy) = &config.proxy else { return Ok(None) };
    let store = open_store(config);
    let (inputs, _) = inputs(config, builtin, store.as_ref());
    let bundle = load(&inputs, builtin, store.as_ref(), &mut |_, _| {}).context("lists cannot be loaded")?;
    let engine = Engine::new(bundle).with(published(config, builtin));
    let snapshot = snapshot(config, engine, builtin, now_secs());
    let moment = snapshot.moment(i64::try_from(now_secs()).unwrap_or(0));
    Ok(Some(gate::rules(config, proxy, &snapshot, &moment)))
}

/// The lists in force, compiled when they have to be.
pub(super) fn engine_of(
    config: &Config,
    builtin: &Builtin,
    store: Option<&Store>,
    seen: Arc<Seen>,
) -> Result<Engine, StartError> {
    let (inputs, missing) = inputs(config, builtin, store);
    for list in &missing {
        tracing::warn!(list = list.0, "list not fetched yet; `luytre lists update` fetches it");
    }
    let bundle = load(&inputs, builtin, store, &mut |_, _| {}).context("lists cannot be loaded")?;
    Ok(Engine::new(bundle).with(published(config, builtin)).guessing(guesser(config, builtin, Some(seen))))
}

/// What two authorities sign, as far as it is on the shelf.
pub fn published(config: &Config, builtin: &Builtin) -> Option<Arc<Published>> {
    let (options, shelf) = shelf_of(config)?;
    let state = shelf.state();
    let (kept, bundle) = shelf.in_force(&state)?;
    // They were read before they were kept.
    let names: Vec<Name> = state.withdrawn.iter().flatten().filter_map(|name| Name::parse(name).ok()).collect();
    let path = shelf.sealed(&kept).filter(|_| options.sealed);
    let sealed = path.and_then(|path| match sealed_list(&path, builtin) {
        Ok(sealed) => Some(Arc::new(sealed)),
        Err(error) => {
            tracing::error!("the sealed list on disk cannot be read: {error}");
            None
        }
    });
    let appeals_url = kept.release.network.appeals_url;
    Some(Arc::new(Published { bundle, withdrawn: NameSet::new(&names), appeals_url, sealed }))
}

/// Names that everybody knows need not be asked about.
fn sealed_list(path: &Path, builtin: &Builtin) -> anyhow::Result<Sealed> {
    let table = Table::read(&std::fs::read(path)?)?;
    let known = builtin.canary.iter().flat_map(|group| &group.names).chain(builtin.help.names());
    let mut seed = [0; 8];
    aws_lc_rs::rand::fill(&mut seed).map_err(|_| anyhow::anyhow!("the system gives no randomness"))?;
    Ok(Sealed::new(table, NameSet::new(known), u64::from_le_bytes(seed)))
}
