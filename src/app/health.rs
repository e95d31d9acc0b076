//! What would keep it from working on this machine, each thing with its remedy. Changes nothing.

use std::fs;
use std::process::Command;

use jiff::Timestamp;

use super::earliest;
use crate::clock;
use crate::config::Config;
use crate::lists::data::Builtin;
use crate::lists::inputs::inputs;
use crate::lists::store::Store;
use crate::net::hazards::{self, Hazard, Machine};
use crate::web::Finding;

type Check = fn(&Config, &Builtin) -> Vec<Hazard>;

/// Everything that is looked at: its name, how bad it is, and how.
const CHECKS: [(&str, &str, Check); 9] = [
    ("clock", "problem", clock_behind),
    ("dns ports", "problem", dns_ports),
    ("state folder", "problem", state_folder),
    ("lists", "note", lists),
    ("proxy: capabilities", "problem", |config, _| of_proxy(config, |_| Machine::default().capabilities())),
    ("proxy: interfaces", "problem", |config, _| of_proxy(config, |lan| Machine::default().interfaces(lan))),
    ("proxy: forwarding", "problem", |config, _| of_proxy(config, |_| Machine::default().forwarding())),
    ("proxy: rules", "problem", |config, _| of_proxy(config, |_| kernel())),
    ("proxy: flow offloading", "note", |config, _| of_proxy(config, |_| offload())),
];

/// Everything, looked at now. `is_running`: the ports are taken by this program itself.
pub fn findings(config: &Config, builtin: &Builtin, is_running: bool) -> Vec<Finding> {
    let checks = CHECKS.iter().filter(|(name, ..)| !(is_running && *name == "dns ports"));
    checks.flat_map(|(name, state, check)| of_check(name, state, check(config, builtin))).collect()
}

fn of_check(check: &'static str, state: &'static str, hazards: Vec<Hazard>) -> Vec<Finding> {
    if hazards.is_empty() {
        return vec![Finding { check, state: "ok", what: String::new(), fix: String::new() }];
    }
    hazards.into_iter().map(|Hazard { what, fix }| Finding { check, state, what, fix }).collect()
}

fn clock_behind(config: &Config, _: &Builtin) -> Vec<Hazard> {
    let at = |secs: u64| {
        let moment = Timestamp::from_second(i64::try_from(secs).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
        config.time_zone.to_datetime(moment).strftime("%F %H:%M").to_string()
    };
    let (shown, known) = (clock::system_secs(), earliest(config));
    // A running appliance may have noted this very second.
    if shown.saturating_add(1) >= known {
        return Vec::new();
    }
    let what =
        format!("the clock shows {}, which is past: schedules go on from {} until it is set", at(shown), at(known));
    let fix = "let ntpd, chrony or systemd-timesyncd set it; if it was wrong before and is right now, delete the file \
               `clock` of the state folder and start again";
    vec![Hazard { what, fix: fix.to_string() }]
}

fn dns_ports(config: &Config, _: &Builtin) -> Vec<Hazard> {
    let each = config.dns.listen.iter().flat_map(|addr| [hazards::taken(*addr, true), hazards::taken(*addr, false)]);
    each.flatten().collect()
}

fn state_folder(config: &Config, _: &Builtin) -> Vec<Hazard> {
    let Some(folder) = &config.state_dir else { return Vec::new() };
    let probe = folder.join(".doctor");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&probe, b""));
    // Only what was just made.
    let _ = fs::remove_file(&probe);
    let hazard = |error| Hazard {
        what: format!("{} cannot be written to: {error}", folder.display()),
        fix: "`state_dir`: a folder that belongs to the user it runs as".to_string(),
    };
    written.err().map(hazard).into_iter().collect()
}

fn lists(config: &Config, builtin: &Builtin) -> Vec<Hazard> {
    let store = config.state_dir.as_ref().and_then(|folder| Store::open(folder).ok());
    let (_, missing) = inputs(config, builtin, store.as_ref());
    let hazard = |name: &String| Hazard {
        what: format!("list {name:?} was never fetched"),
        fix: "luytre lists update".to_string(),
    };
    missing.iter().map(|missing| hazard(&missing.0)).collect()
}

fn of_proxy(config: &Config, check: impl FnOnce(&[String]) -> Vec<Hazard>) -> Vec<Hazard> {
    config.proxy.as_ref().map_or_else(Vec::new, |proxy| check(&proxy.lan))
}

fn kernel() -> Vec<Hazard> {
    hazards::rules().into_iter().chain(Machine::default().bridge_filter()).collect()
}

fn offload() -> Vec<Hazard> {
    let ruleset =
        Command::new("nft").args(["list", "ruleset"]).output().map(|output| output.stdout).unwrap_or_default();
    hazards::offload(&String::from_utf8_lossy(&ruleset)).into_iter().collect()
}
