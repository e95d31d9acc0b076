//! `luytre hub root`: the ceremony. A root says which keys may sign what, and how many of them have to.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::Value;

use crate::hub::key::PublicKey;
use crate::hub::metadata::{Metadata, Roots, Signers};
use crate::hub::publish::in_days;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// The first root of an authority, unsigned
    New {
        #[command(flatten)]
        keys: Keys,
        /// Where to write it
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// The next root: keys that are named replace those of that role, the others stay
    Next {
        /// The root in force
        old: PathBuf,
        #[command(flatten)]
        keys: Keys,
        /// Where to write it
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Show what a root says, and whether it is signed as it demands
    Show {
        /// The root
        file: PathBuf,
        /// The root before it, whose keys have to have signed it too
        #[arg(long, value_name = "FILE")]
        after: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(in crate::cli) struct Keys {
    /// Public key of an officer who may sign roots; one option each
    #[arg(long, value_name = "HEX")]
    root_key: Vec<String>,
    /// How many officers have to
    #[arg(long, value_name = "N")]
    threshold: Option<u64>,
    /// Public key for the list of files (offline)
    #[arg(long, value_name = "HEX")]
    targets_key: Vec<String>,
    /// How many of those have to sign
    #[arg(long, value_name = "N")]
    targets_threshold: Option<u64>,
    /// Public key for the snapshot
    #[arg(long, value_name = "HEX")]
    snapshot_key: Vec<String>,
    /// Public key for the timestamp (online)
    #[arg(long, value_name = "HEX")]
    timestamp_key: Vec<String>,
    /// Days it holds
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    days: i64,
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::New { keys, output } => make(Roots::default(), keys, 1)?.write(output)?,
        Command::Next { old, keys, output } => {
            let old = Metadata::read(old)?;
            make(Roots::of(&old)?, keys, old.version() + 1)?.write(output)?;
        }
        Command::Show { file, after } => {
            let root = Metadata::read(file)?;
            show(&root)?;
            let shown = file.display().to_string();
            root.check(&shown, &root)?;
            if let Some(after) = after {
                root.check(&format!("{shown}, by the keys of {}", after.display()), &Metadata::read(after)?)?;
            }
            writeln!(io::stdout(), "signed as it demands")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn make(mut roots: Roots, keys: &Keys, version: u64) -> anyhow::Result<Metadata> {
    let roles = [
        (&mut roots.root, &keys.root_key, keys.threshold),
        (&mut roots.targets, &keys.targets_key, keys.targets_threshold),
        (&mut roots.snapshot, &keys.snapshot_key, None),
        (&mut roots.timestamp, &keys.timestamp_key, None),
    ];
    for (signers, named, threshold) in roles {
        change(signers, named, threshold)?;
    }
    Ok(roots.metadata(version, &in_days(Timestamp::now(), keys.days)?)?)
}

/// Without a threshold all keys that are named have to sign.
fn change(signers: &mut Signers, named: &[String], threshold: Option<u64>) -> anyhow::Result<()> {
    if !named.is_empty() {
        signers.keys = named.iter().map(|key| PublicKey::parse(key)).collect::<Result<_, _>>()?;
        signers.threshold = signers.keys.len() as u64;
    }
    signers.threshold = threshold.unwrap_or(signers.threshold);
    Ok(())
}

fn show(root: &Metadata) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "root {}", root.version())?;
    writeln!(out, "expires {}", root.signed.get("expires").and_then(Value::as_str).unwrap_or_default())?;
    let roots = Roots::of(root)?;
    let roles = [
        ("root", roots.root),
        ("targets", roots.targets),
        ("snapshot", roots.snapshot),
        ("timestamp", roots.timestamp),
    ];
    for (role, signers) in roles {
        writeln!(out, "{role}: {} of", signers.threshold)?;
        for key in signers.keys {
            let has_signed = root.signatures.iter().any(|(id, _)| *id == key.id);
            writeln!(out, "    {}{}", key.id, if has_signed { "  has signed this root" } else { "" })?;
        }
    }
    Ok(())
}
