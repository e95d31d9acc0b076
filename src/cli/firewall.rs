//! `luytre firewall`: the kernel's rules by hand, for operators who set `manage_firewall = false`, for the host's own firewall
//! scripts, and to look at.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::app::firewall_rules;
use crate::config::{Config, Proxy};
use crate::lists::data::Builtin;
use crate::net::firewall::Rules;
use crate::net::firewall::apply;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Show the rules as `nft -f` takes them; changes nothing
    Print,
    /// Put them in force in one transaction, with the routes they need, and look whether they are
    Apply,
    /// Take them and their routes away; that there are none is no error
    Clear {
        /// Only if the service was stopped in order: after a crash the rules stay, and are open or closed as `when_dead` says
        #[arg(long)]
        after_stop: bool,
    },
}

pub(super) fn run(file: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Clear { after_stop: true } if !stopped_in_order() => return Ok(ExitCode::SUCCESS),
        Command::Clear { .. } => return clear(file),
        Command::Print | Command::Apply => {}
    }
    let (builtin, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let rules = firewall_rules(&config, &builtin)?;
    if matches!(command, Command::Print) { print(rules) } else { with(rules, |rules| apply::apply(&rules, &[])) }
}

/// A faulty configuration is no reason to leave the rules: then they are the usual ones.
fn clear(file: Option<&Path>) -> anyhow::Result<ExitCode> {
    let vocabulary = Builtin::read().map(|builtin| builtin.vocabulary()).unwrap_or_default();
    let proxy = Config::load(file, &vocabulary).ok().and_then(|config| config.proxy);
    let (table, preference) = proxy.map_or(Proxy::USUAL_ROUTES, |proxy| (proxy.table, proxy.preference));
    apply::clear(table, preference)?;
    Ok(ExitCode::SUCCESS)
}

/// What systemd says of the service's end (systemd.exec(5)).
fn stopped_in_order() -> bool {
    std::env::var("SERVICE_RESULT").is_ok_and(|result| result == "success")
}

fn print(rules: Option<Rules>) -> anyhow::Result<ExitCode> {
    with(rules, |rules| io::stdout().write_all(rules.text().as_bytes()))
}

fn with<E>(rules: Option<Rules>, act: impl FnOnce(Rules) -> Result<(), E>) -> anyhow::Result<ExitCode>
where
    anyhow::Error: From<E>,
{
    let Some(rules) = rules else {
        writeln!(io::stderr(), "luytre: the proxy is off (`[proxy] enabled`); there are no rules")?;
        return Ok(ExitCode::FAILURE);
    };
    act(rules)?;
    Ok(ExitCode::SUCCESS)
}
