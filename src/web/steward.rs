//! What the pages need done outside of their room. The wiring does it; a test can stand in for it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::config::{Config, Vocabulary};
use crate::document::Fault;
use crate::report::preview::Preview;

/// Whoever keeps the house.
pub trait Steward: Send + Sync {
    /// Puts grants, pauses and budgets that are used up in force, at once.
    fn renew(&self) -> Result<(), String>;

    /// Reads the configuration again: all or nothing.
    fn reload(&self) -> Result<(), Vec<Fault>>;

    /// The configuration in force.
    fn config(&self) -> Arc<Config>;

    /// The words a configuration may use.
    fn vocabulary(&self) -> Vocabulary;

    /// The file that the pages change, and the one in force, if there is one.
    fn files(&self) -> Result<(PathBuf, Option<PathBuf>), String>;

    /// From now on that file is the configuration.
    fn use_file(&self, file: PathBuf);

    /// How things are.
    fn status(&self) -> Status;

    /// What would keep it from working here. May take a second.
    fn findings(&self) -> Vec<Finding>;

    /// Has the lists fetched again, soon.
    fn update_lists(&self);

    /// Devices that are on the network now.
    fn sightings(&self) -> Vec<Sighting>;

    /// What is told about this household, and what would be.
    fn report_preview(&self) -> Preview;

    /// Somebody agreed or took it back: from now on that holds, and without everybody's yes nothing waits any more.
    fn consent_changed(&self);
}

/// A device that is on the network now.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Its MAC address, or its address where no MAC address is known.
    pub key: String,
    /// What it calls itself; empty when it does not say.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<std::net::IpAddr>,
    /// Its MAC address was made up by the device itself.
    pub is_random: bool,
    /// Whose it may be, by the code of the reason. A hint, no more.
    pub proposal: Option<(String, &'static str)>,
}

/// How things are.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// This program's version.
    pub version: &'static str,
    /// Since when it runs, seconds since 1970.
    pub since: i64,
    /// Upstreams that answer, and all.
    pub upstreams: (usize, usize),
    /// Questions answered since the start.
    pub answered: u64,
    /// Connections go through the proxy.
    pub has_proxy: bool,
    /// The kernel's rules are in force.
    pub rules_hold: bool,
    /// The clock can be trusted.
    pub clock_trusted: bool,
    /// Lists.
    pub lists: Vec<ListState>,
    /// Names in the lists in force.
    pub names: u64,
}

/// How a list is.
#[derive(Debug, Clone, Serialize)]
pub struct ListState {
    /// Its name.
    pub name: String,
    /// Where it comes from.
    pub source: String,
    /// Its rules; `None` when they are not known.
    pub rules: Option<u64>,
    /// When it was last looked at, seconds since 1970.
    pub checked: Option<i64>,
    /// `ok`, `missing` or `stale`.
    pub state: &'static str,
}

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// `ok`, `note` (it works, but) or `problem`.
    pub state: &'static str,
    /// What is the matter; empty when nothing is.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}
