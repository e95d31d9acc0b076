//! `luytre hub operator` and `luytre hub issuer`: the secrets of whoever takes reports, and what is public of them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::clock::now_secs;
use crate::hub::operator::secrets::Folder;
use crate::report::calendar::{Calendar, DAY_SECS};
use crate::report::message::Lane;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Make the secrets of operator A or B in a new folder; they never leave it
    New {
        /// The folder
        folder: PathBuf,
        /// Who it is, as people read it; two operators of one name are one
        #[arg(long)]
        name: String,
    },
    /// Make the keys of epochs to come; those that are there stay, those that were destroyed are never made again
    Keys {
        /// The folder
        folder: PathBuf,
        /// `security` (days) or `harm` (weeks)
        #[arg(long, value_parser = lane)]
        lane: Lane,
        /// The first epoch [default: the one that begins next]
        #[arg(long)]
        from: Option<u32>,
        /// How many
        #[arg(long)]
        count: u32,
        /// Seconds of a day, in a test
        #[arg(long, default_value_t = DAY_SECS)]
        day_secs: u64,
    },
    /// Print what is public, for `luytre hub manifest`
    Announce {
        /// The folder
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
pub(in crate::cli) enum Issuer {
    /// Make a provider's key in a new folder
    New {
        /// The folder
        folder: PathBuf,
        /// Who it is
        #[arg(long)]
        name: String,
    },
    /// Print what is public, for `luytre hub manifest`
    Announce {
        /// The folder
        folder: PathBuf,
        /// Where boxes ask, with a / at its end
        #[arg(long)]
        url: String,
    },
}

fn lane(text: &str) -> Result<Lane, String> {
    Lane::from_name(text).ok_or_else(|| "`security` or `harm`".into())
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match command {
        Command::New { folder, name } => {
            Folder::found(folder, name)?;
        }
        Command::Keys { folder, lane, from, count, day_secs } => {
            let calendar = Calendar::of_days(*day_secs).context("--day-secs is 1 to 86400")?;
            let from = from.unwrap_or_else(|| calendar.epoch(*lane, now_secs()).saturating_add(1));
            let made = Folder::open(folder).make_keys(*lane, from, *count)?;
            writeln!(out, "{made} keys made, {} to {}", from, from.saturating_add(count.saturating_sub(1)))?;
        }
        Command::Announce { folder } => {
            writeln!(out, "{}", serde_json::to_string_pretty(&Folder::open(folder).announcement()?)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn run_issuer(command: &Issuer) -> anyhow::Result<ExitCode> {
    match command {
        Issuer::New { folder, name } => {
            Folder::found_issuer(folder, name)?;
        }
        Issuer::Announce { folder, url } => {
            let provider = Folder::open(folder).provider(url)?;
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&provider)?)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
