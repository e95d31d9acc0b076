//! `luytre hub site`: the public, read-only site, written from the log.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::hub::site::{Asked, write};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the log: `log` in a repository
    log: PathBuf,
    /// The log's name
    #[arg(long)]
    name: String,
    /// The criteria file of the newest release, where it has one (`release-27/criteria-27.toml`)
    #[arg(long, value_name = "FILE")]
    criteria: Option<PathBuf>,
    /// Where appeals are made, as people read it: a telephone number, an address
    #[arg(long, value_name = "TEXT")]
    contact: Option<String>,
    /// Where to write it; any web server can serve the folder
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let asked = Asked {
        log: arguments.log.clone(),
        origin: arguments.name.clone(),
        criteria: arguments.criteria.clone(),
        contact: arguments.contact.clone(),
    };
    let releases = write(&asked, &arguments.output)?;
    writeln!(io::stdout(), "{}: {releases} releases", arguments.output.display())?;
    Ok(ExitCode::SUCCESS)
}
