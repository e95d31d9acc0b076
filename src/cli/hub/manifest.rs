//! `luytre hub manifest`: what operators and provider announce, put together for the release.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde::de::DeserializeOwned;

use crate::lists::store::write_aside;
use crate::report::calendar::DAY_SECS;
use crate::report::consent::{Consent, Mode};
use crate::report::manifest::{Announcement, FORMAT, File, Manifest, Provider, Relay};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// What operator A announces
    #[arg(long, value_name = "FILE")]
    a: Option<PathBuf>,
    /// What operator B announces
    #[arg(long, value_name = "FILE")]
    b: Option<PathBuf>,
    /// Who passes on
    #[arg(long)]
    relay_name: String,
    /// Where boxes send to, with a / at its end
    #[arg(long)]
    relay_url: String,
    /// What the provider announces
    #[arg(long, value_name = "FILE")]
    issuer: PathBuf,
    /// Households that must report a name before anybody can read it
    #[arg(long, default_value_t = 20)]
    threshold: u8,
    /// A test, which boxes refuse unless they are told otherwise
    #[arg(long)]
    lab: bool,
    /// Seconds of a day, in a test
    #[arg(long, default_value_t = DAY_SECS)]
    day_secs: u64,
    /// Households take part in the week's sums once in so many weeks
    #[arg(long, default_value_t = 4)]
    takes_part_one_in: u32,
    /// Where to write the manifest
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let file = File {
        format: FORMAT,
        lab: arguments.lab,
        day_secs: arguments.day_secs,
        takes_part_one_in: arguments.takes_part_one_in,
        threshold: arguments.threshold,
        a: arguments.a.as_deref().map(read::<Announcement>).transpose()?,
        b: arguments.b.as_deref().map(read::<Announcement>).transpose()?,
        relay: Some(Relay { name: arguments.relay_name.clone(), url: arguments.relay_url.clone() }),
        issuer: Some(read::<Provider>(&arguments.issuer)?),
    };
    let manifest = Manifest::of(&file)?;
    let mut octets = serde_json::to_vec_pretty(&file)?;
    octets.push(b'\n');
    write_aside(&arguments.output, &octets)
        .with_context(|| format!("{} cannot be written", arguments.output.display()))?;
    let mut operators = manifest.operators();
    operators.is_lab = false;
    let mut err = io::stderr().lock();
    match Mode::of(Consent { guardian: true, children: true }, &operators) {
        Mode::Full(_) => {}
        Mode::CountsOnly(..) => writeln!(err, "operators A, B and relay are not three: boxes will send counts only")?,
        Mode::Off(_) => writeln!(err, "operators A, B and relay are not three: boxes will send nothing")?,
    }
    if manifest.is_lab {
        writeln!(err, "a test's manifest: whoever runs all of it can put it together")?;
    }
    writeln!(io::stdout(), "{} epochs, {} octets", manifest.epochs().count(), octets.len())?;
    Ok(ExitCode::SUCCESS)
}

fn read<T: DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let octets = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    serde_json::from_slice(&octets).with_context(|| path.display().to_string())
}
