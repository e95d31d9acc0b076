//! The kernel's side of door two: its rules follow the configuration, the profiles and the hour; what answers gave is let
//! through; and rules that somebody else flushed are put back.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::clock::now_secs;
use crate::config::{self, Config};
use crate::dns::given::{Gate, Given, is_gated};
use crate::judge::{Judge, Snapshot};
use crate::net::firewall::apply::{self, Error};
use crate::net::firewall::{ALIVE_SECS, ProfileRules, Rules, given_set, help_set};
use crate::net::given::{Element, Sets};
use crate::policy::Moment;

/// The rules that `config` asks for at that moment, when the profiles are those of `snapshot`.
pub fn rules(config: &Config, proxy: &config::Proxy, snapshot: &Snapshot, moment: &Moment) -> Rules {
    let profiles = snapshot.profiles.iter().enumerate().map(|(position, profile)| ProfileRules {
        macs: owned(&config.macs, position),
        nets: owned(&config.devices, position),
        network: profile.network,
        block_encrypted_dns: profile.block_encrypted_dns,
        is_offline: profile.is_offline(moment),
    });
    Rules {
        lan: proxy.lan.clone(),
        mark: proxy.mark,
        table: proxy.table,
        preference: proxy.preference,
        http_port: proxy.http_port,
        tls_port: proxy.tls_port,
        profiles: profiles.collect(),
        strangers: config.strangers,
    }
}

fn owned<T: Copy>(all: &[(T, usize)], position: usize) -> Vec<T> {
    all.iter().filter(|(_, owner)| *owner == position).map(|(one, _)| *one).collect()
}

/// The kernel's sets of addresses that were given.
#[derive(Default)]
pub struct Kernel {
    sets: Option<Sets>,
    /// Positions of the profiles in the rules that are in force, by name.
    positions: ArcSwap<HashMap<Arc<str>, usize>>,
    /// A failure was told; the next ones are like it.
    is_told: AtomicBool,
}

impl Kernel {
    /// The way to the kernel; without it nothing is let through, and the log says so.
    pub fn open() -> Kernel {
        let sets = Sets::open().map_err(|error| tracing::error!(%error, "the kernel cannot be told of addresses")).ok();
        Kernel { sets, ..Kernel::default() }
    }

    /// The kernel's counters.
    pub fn counters(&self) -> Vec<(String, u64)> {
        let mut counters = self.sets.as_ref().and_then(|sets| sets.counters().ok()).unwrap_or_default();
        counters.sort();
        counters
    }

    fn is_there(&self) -> bool {
        self.sets.as_ref().is_some_and(|sets| sets.exists().unwrap_or(false))
    }

    fn tell(&self, set: impl Fn(bool) -> String, addrs: &[IpAddr]) {
        let Some(sets) = self.sets.as_ref().filter(|_| !addrs.is_empty()) else { return };
        let (set4, set6) = (set(false), set(true));
        let of = |ip: &IpAddr| if ip.is_ipv4() { set4.as_str() } else { set6.as_str() };
        let elements: Vec<Element<'_>> =
            addrs.iter().map(|ip| Element { set: of(ip), ip: *ip, timeout: None }).collect();
        match sets.add(&elements) {
            Ok(()) => self.is_told.store(false, Ordering::Relaxed),
            Err(error) if !self.is_told.swap(true, Ordering::Relaxed) => tracing::warn!("{error}"),
            Err(_) => {}
        }
    }
}

impl Gate for Arc<Kernel> {
    fn open(&self, profile: &str, addrs: &[IpAddr]) {
        let Some(position) = self.positions.load().get(profile).copied() else { return };
        self.tell(|ipv6| given_set(position, ipv6), addrs);
    }

    fn open_help(&self, addrs: &[IpAddr]) {
        self.tell(|ipv6| help_set(ipv6).to_string(), addrs);
    }
}

/// Keeps the kernel's rules as they should be.
pub struct Keeper {
    kernel: Arc<Kernel>,
    given: Arc<Given>,
    judge: Arc<Judge>,
    in_force: Mutex<Option<InForce>>,
}

struct InForce {
    rules: Rules,
    beaten_at: u64,
}

impl Keeper {
    /// Nothing is in force yet.
    pub fn new(kernel: Arc<Kernel>, given: Arc<Given>, judge: Arc<Judge>) -> Keeper {
        Keeper { kernel, given, judge, in_force: Mutex::new(None) }
    }

    /// Brings the kernel's rules up to date: at start, after a reload, and every second, since schedules begin and somebody
    /// may have flushed them. Nearly always finds nothing to do.
    pub fn keep(&self, config: &Config) -> Result<(), Error> {
        let Some(proxy) = config.proxy.as_ref().filter(|proxy| proxy.manage_firewall) else { return Ok(()) };
        let (snapshot, now) = (self.judge.keep(), now_secs());
        let rules = rules(config, proxy, &snapshot, &snapshot.moment(now as i64));
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = in_force.as_ref().is_some_and(|in_force| in_force.rules == rules);
        if is_same && self.kernel.is_there() {
            return beat(in_force.as_mut(), now);
        }
        if is_same {
            tracing::warn!("the kernel's rules were removed by somebody else; they are put back");
        }
        apply::apply(&rules, &self.sets(&snapshot, now))?;
        let positions = snapshot.profiles.iter().enumerate().map(|(at, profile)| (Arc::clone(&profile.name), at));
        self.kernel.positions.store(Arc::new(positions.collect()));
        // And what was given while they were made.
        self.given.refill(&snapshot.profiles, now);
        *in_force = Some(InForce { rules, beaten_at: now });
        Ok(())
    }

    /// What the sets of new rules hold from their first moment on.
    fn sets(&self, snapshot: &Snapshot, now: u64) -> Vec<(String, Vec<IpAddr>)> {
        let mut sets = Vec::new();
        let mut fill = |name: &dyn Fn(bool) -> String, addrs: Vec<IpAddr>| {
            let (v6, v4) = addrs.into_iter().partition(IpAddr::is_ipv6);
            sets.extend([(name(false), v4), (name(true), v6)]);
        };
        for (position, profile) in snapshot.profiles.iter().enumerate().filter(|(_, profile)| is_gated(profile)) {
            fill(&|ipv6| given_set(position, ipv6), self.given.kept(profile, now));
        }
        fill(&|ipv6| help_set(ipv6).to_string(), self.given.help());
        sets
    }

    /// Takes the rules away; the operator's wish, since the program was asked to stop.
    pub fn clear(&self) {
        let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(InForce { rules, .. }) = in_force else { return };
        if let Err(error) = apply::clear(rules.table, rules.preference) {
            tracing::error!("{error}");
        }
    }
}

/// Says that the program lives, three times before it would be taken for dead.
fn beat(in_force: Option<&mut InForce>, now: u64) -> Result<(), Error> {
    let Some(in_force) = in_force.filter(|in_force| now.abs_diff(in_force.beaten_at) >= u64::from(ALIVE_SECS / 3))
    else {
        return Ok(());
    };
    in_force.beaten_at = now;
    apply::heart_beat()
}
