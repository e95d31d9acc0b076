//! What the pages need done outside of their room. The wiring does it; a test can stand in for it.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::config::{Config, Vocabulary};
use crate::document::Fault;
use crate::lists::trust::release::Network;
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

    /// What is told of new names, and what would be.
    fn report_preview(&self) -> Preview;

    /// Somebody agreed to reports, or took it back: in force when this returns.
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
    /// The list two authorities sign, where the configuration takes one.
    pub signed: Option<SignedState>,
}

/// How the list that two authorities sign is.
#[derive(Debug, Clone, Serialize)]
pub struct SignedState {
    /// Who signs it.
    pub network: Network,
    /// The release in force, and when it was built, seconds since 1970; `None` before the first.
    pub release: Option<(u64, i64)>,
    /// Names in it.
    pub names: u64,
    /// Names that one of the two took back since.
    pub withdrawn: usize,
    /// When it was last looked at, seconds since 1970.
    pub checked: Option<i64>,
    /// How that ended: `ok`, `waiting` for this box's turn, or the code of what was wrong; empty before the first look.
    pub last: String,
    /// The same in words, for whoever keeps the box.
    pub message: String,
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
