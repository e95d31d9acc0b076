//! `luytre hub feed`: what came of triage, for other programs.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::triage::{Place, desk};
use crate::clock::now_secs;
use crate::hub::feed::stix::{Marking, Terms};
use crate::hub::feed::taxii::{self, Feed};
use crate::hub::feed::{csv, misp};
use crate::hub::triage::numbers::{answers, weeks};
use crate::hub::triage::state::State;
use crate::hub::triage::store::Store;
use crate::report::ledger::WEEKS_A_YEAR;
use crate::report::message::Threshold;

#[derive(Args)]
pub(in crate::cli) struct Said {
    #[command(flatten)]
    place: Place,
    /// Say also what is verified, and not proposed yet
    #[arg(long)]
    verified: bool,
    /// Who may read it (TLP 2.0): clear, green, amber, amber+strict
    #[arg(long, value_parser = marking, default_value = "amber")]
    tlp: Marking,
    /// Homes that had to say the same, as the manifest of reports has it
    #[arg(long, value_parser = threshold, default_value = "20")]
    k: u8,
    /// Who publishes it
    #[arg(long, default_value = "Lũy Tre triage desk")]
    publisher: String,
}

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Serve STIX 2.1 by TAXII 2.1; behind a web server that ends TLS, except on this machine
    Serve {
        #[command(flatten)]
        said: Said,
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8401")]
        listen: SocketAddr,
        /// As it is reached from outside (`https://feeds.example`)
        #[arg(long)]
        url: Option<String>,
        /// Who may read it: `name:secret`, one a line, for HTTP Basic; the secret alone as a bearer token [default: everybody]
        #[arg(long, value_name = "FILE")]
        readers: Option<PathBuf>,
    },
    /// Add versions of what changed since; `serve` does so itself twice a minute
    Publish {
        #[command(flatten)]
        said: Said,
    },
    /// Write a folder that MISP reads as a feed
    Misp {
        #[command(flatten)]
        said: Said,
        /// Where to write it
        #[arg(short, long, value_name = "FOLDER")]
        output: PathBuf,
    },
    /// Print the statistics as a table, with what is needed to compute with their noise
    Csv {
        #[command(flatten)]
        place: Place,
        /// What homes answered where one operator only could be reached, instead of the sums
        #[arg(long)]
        answers: bool,
    },
}

fn marking(text: &str) -> Result<Marking, String> {
    Marking::from_code(text).ok_or_else(|| format!("{text:?} is none of clear, green, amber, amber+strict"))
}

fn threshold(text: &str) -> Result<u8, String> {
    let homes = text.parse().ok().and_then(|homes| Threshold::new(homes).map(|_| homes));
    homes.ok_or_else(|| format!("{text:?} is no number of homes from 10 on"))
}

impl Said {
    fn terms(&self) -> Terms {
        let verified = self.verified.then_some(State::Verified);
        let states = verified.into_iter().chain([State::Proposed, State::Listed]).collect();
        Terms { states, marking: self.tlp, threshold: self.k, publisher: self.publisher.clone() }
    }

    fn feed(&self, url: Option<String>, readers: Vec<String>) -> anyhow::Result<Feed> {
        Ok(Feed::new(Arc::new(desk(&self.place, None, None)?), self.terms(), url, readers))
    }
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let now = i64::try_from(now_secs()).unwrap_or(i64::MAX);
    match command {
        Command::Publish { said } => {
            writeln!(out, "{} new versions", said.feed(None, Vec::new())?.publish(now)?)?;
        }
        Command::Misp { said, output } => {
            let events = misp::write(&desk(&said.place, None, None)?, &said.terms(), output)?;
            writeln!(out, "{events} events")?;
        }
        Command::Csv { place, answers: true } => {
            csv::write_answers(&mut out, &answers(&Store::open(&place.database)?)?)?;
        }
        Command::Csv { place, answers: false } => {
            csv::write(&mut out, &weeks(&Store::open(&place.database)?, WEEKS_A_YEAR)?)?
        }
        Command::Serve { said, listen, url, readers } => {
            let readers = readers.as_deref().map(readers_of).transpose()?.unwrap_or_default();
            let url = url.as_ref().map(|url| url.trim_end_matches('/').to_string());
            serve(&mut out, said.feed(url, readers)?, *listen)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A file that names nobody would open the feed to everybody, so it is a fault.
fn readers_of(path: &std::path::Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let readers: Vec<String> = lines.map(str::to_string).collect();
    let is_reader =
        |line: &String| line.split_once(':').is_some_and(|(name, secret)| !name.is_empty() && secret.len() >= 16);
    if readers.is_empty() || !readers.iter().all(is_reader) {
        bail!("{}: one `name:secret` a line, the secret of 16 octets at least", path.display());
    }
    Ok(readers)
}

fn serve(out: &mut impl Write, feed: Feed, listen: SocketAddr) -> anyhow::Result<()> {
    feed.publish(i64::try_from(now_secs()).unwrap_or(i64::MAX))?;
    super::listen(out, listen, |listener| taxii::serve(listener, Arc::new(feed)))
}
