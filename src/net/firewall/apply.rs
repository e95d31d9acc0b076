//! Puts rules in force by `nft` and `ip`, in one transaction, and reads back whether they are. Taking them away works as
//! often as one likes and touches nothing of anybody else's.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::process::{Command, Output, Stdio};

use super::{Rules, TABLE};

/// Why the kernel's rules are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program that is needed is not there.
    #[error("`{0}` is not installed ({1})")]
    NotInstalled(&'static str, &'static str),
    /// It cannot be run.
    #[error("`{0}` cannot be run: {1}")]
    NotRun(&'static str, io::Error),
    /// The kernel refused.
    #[error("{command}: {said}{}", advice(.said))]
    Refused {
        /// What was run.
        command: String,
        /// What it said, on one line.
        said: String,
    },
    /// It was accepted, and is not there.
    #[error("the rules were put in force but {0} is not there")]
    NotThere(String),
}

fn advice(said: &str) -> &'static str {
    let said = said.to_ascii_lowercase();
    if said.contains("operation not permitted") {
        " (needs CAP_NET_ADMIN; the systemd unit grants it)"
    } else if said.contains("tproxy") || said.contains("no such file or directory") {
        " (does this kernel have nft_tproxy, nft_socket and nft_fib? on OpenWrt: kmod-nft-tproxy kmod-nft-socket kmod-nft-fib)"
    } else {
        ""
    }
}

/// Puts `rules` in force in place of what is there, with addresses in their sets, and looks whether they are.
pub fn apply(rules: &Rules, sets: &[(String, Vec<IpAddr>)]) -> Result<(), Error> {
    let filled = sets.iter().map(|(set, addrs)| Rules::elements(set, addrs)).collect::<String>();
    let text = rules.text() + &filled + &Rules::heart_beat();
    nft(&["-f", "-"], &text)?;
    routes(rules)?;
    read_back(rules)
}

/// Looks whether `nft` and the kernel would take `text`; changes nothing.
pub fn check(text: &str) -> Result<(), Error> {
    nft(&["-c", "-f", "-"], text).map(drop)
}

/// Says that the program lives. An error means that the table is gone.
pub fn heart_beat() -> Result<(), Error> {
    nft(&["-f", "-"], &Rules::heart_beat()).map(drop)
}

/// Takes everything of ours away; that there is nothing is no error. `table` and `preference` as in [`Rules`].
pub fn clear(table: u32, preference: u32) -> Result<(), Error> {
    // Made first, so that deleting it cannot fail.
    nft(&["-f", "-"], &format!("table inet {TABLE} {{}}\ndelete table inet {TABLE}\n"))?;
    for family in FAMILIES {
        for _ in 0..rules_at(family, preference, table)? {
            ip(&[family, "rule", "del", "pref", &preference.to_string(), "lookup", &table.to_string()])?;
        }
        // A table without routes, or a kernel without that family, says no.
        let _ = ip(&[family, "route", "flush", "table", &table.to_string()]);
    }
    Ok(())
}

/// True while our table and our routes are there; somebody may have flushed them.
pub fn is_in_force(rules: &Rules) -> bool {
    read_back(rules).is_ok()
}

const FAMILIES: [&str; 2] = ["-4", "-6"];

fn routes(rules: &Rules) -> Result<(), Error> {
    let (table, preference) = (rules.table.to_string(), rules.preference.to_string());
    let mark = format!("{0:#x}/{0:#x}", rules.mark);
    if has_ipv6() {
        // A resolver that announced itself by its link-local address: the default route of a table does not hold for those.
        for lan in &rules.lan {
            ip(&["-6", "route", "replace", "local", "fe80::/64", "dev", lan, "table", &table])?;
        }
    }
    for family in FAMILIES {
        let route = ip(&[family, "route", "replace", "local", "default", "dev", "lo", "table", &table]);
        if family == "-6" && route.is_err() && !has_ipv6() {
            continue;
        }
        route?;
        if rules_at(family, rules.preference, rules.table)? == 0 {
            ip(&[family, "rule", "add", "pref", &preference, "fwmark", &mark, "lookup", &table])?;
        }
    }
    Ok(())
}

/// How many rules of that preference lead to our table.
fn rules_at(family: &str, preference: u32, table: u32) -> Result<usize, Error> {
    let shown = match ip(&[family, "rule", "show", "pref", &preference.to_string()]) {
        Ok(shown) => shown,
        // A kernel without IPv6 has no rules there.
        Err(Error::Refused { .. }) if family == "-6" && !has_ipv6() => return Ok(0),
        Err(error) => return Err(error),
    };
    let leads = format!("lookup {table}");
    Ok(shown.lines().filter(|line| line.trim_end().ends_with(&leads)).count())
}

fn has_ipv6() -> bool {
    std::path::Path::new("/proc/net/if_inet6").exists()
        && std::fs::read_to_string("/proc/sys/net/ipv6/conf/lo/disable_ipv6").is_ok_and(|off| off.trim() == "0")
}

fn read_back(rules: &Rules) -> Result<(), Error> {
    let shown = nft(&["-j", "-t", "list", "table", "inet", TABLE], "")?;
    let there = chains_in(&shown);
    for (chain, rules) in rules.chains() {
        match there.get(&chain) {
            None => return Err(Error::NotThere(format!("chain {chain}"))),
            Some(found) if *found != rules => {
                return Err(Error::NotThere(format!("chain {chain} as it should be: {rules} rules, found {found};")));
            }
            Some(_) => {}
        }
    }
    for family in FAMILIES {
        if (family == "-4" || has_ipv6()) && rules_at(family, rules.preference, rules.table)? == 0 {
            return Err(Error::NotThere(format!("the rule that leads to table {} (ip {family} rule)", rules.table)));
        }
    }
    Ok(())
}

/// The chains and the number of their rules, as `nft -j` lists them.
fn chains_in(json: &str) -> BTreeMap<String, usize> {
    let Ok(shown) = serde_json::from_str::<serde_json::Value>(json) else { return BTreeMap::new() };
    let mut chains = BTreeMap::new();
    for object in shown["nftables"].as_array().into_iter().flatten() {
        if let Some(name) = object["chain"]["name"].as_str() {
            chains.entry(name.to_string()).or_insert(0);
        }
        if let Some(chain) = object["rule"]["chain"].as_str() {
            *chains.entry(chain.to_string()).or_insert(0) += 1;
        }
    }
    chains
}

fn nft(arguments: &[&str], input: &str) -> Result<String, Error> {
    run("nft", "apt-get install nftables", arguments, input)
}

fn ip(arguments: &[&str]) -> Result<String, Error> {
    run("ip", "apt-get install iproute2; on OpenWrt: opkg install ip-full", arguments, "")
}

fn run(program: &'static str, install: &'static str, arguments: &[&str], input: &str) -> Result<String, Error> {
    let output = spawn(program, arguments, input).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::NotInstalled(program, install),
        _ => Error::NotRun(program, error),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // The first line says what; the others point at it.
    let said = said.lines().next().unwrap_or("it failed without a word").trim().to_string();
    Err(Error::Refused { command: format!("{program} {}", arguments.join(" ")), said })
}

fn spawn(program: &str, arguments: &[&str], input: &str) -> io::Result<Output> {
    // Where routers and servers keep them, whatever PATH a service has.
    let path = format!("{}:/usr/sbin:/sbin:/usr/bin:/bin", std::env::var("PATH").unwrap_or_default());
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that ends before it has read all says why on its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    child.wait_with_output()
}
