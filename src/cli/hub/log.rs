//! `luytre hub log`: the transparency log, and its witnesses.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::clock::now_secs;
use crate::hub::key::SigningKey;
use crate::hub::log::{Log, verifier};
use crate::lists::compile::hex;
use crate::lists::trust::release::Release;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Print the verifier key that boxes and witnesses are configured with
    Key {
        /// The key's file
        file: PathBuf,
        /// The log's or the witness's name, like `lists.example/log`
        name: String,
        /// It is a witness's
        #[arg(long)]
        witness: bool,
    },
    /// Add a release
    Append {
        /// The folder of the log: `log` in a repository
        folder: PathBuf,
        /// The log's name
        #[arg(long)]
        name: String,
        /// The log's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The release file, as both authorities sign it
        release: PathBuf,
    },
    /// Cosign the checkpoint as a witness, once it is found to have grown from what was seen before
    Cosign {
        /// The folder of the log
        folder: PathBuf,
        /// The log's name
        #[arg(long)]
        name: String,
        /// The witness's name
        #[arg(long)]
        witness: String,
        /// The witness's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where the witness keeps what it saw
        #[arg(long, value_name = "FILE")]
        memory: PathBuf,
    },
    /// Show the log's releases
    Show {
        /// The folder of the log
        folder: PathBuf,
        /// The log's name
        #[arg(long)]
        name: String,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match command {
        Command::Key { file, name, witness } => {
            writeln!(out, "{}", verifier(&SigningKey::read(file)?, name, *witness).text())?;
        }
        Command::Append { folder, name, key, release } => {
            let entry = fs::read(release).with_context(|| release.display().to_string())?;
            let size = Log::open(folder, name).append(&entry, &SigningKey::read(key)?)?;
            writeln!(out, "{size} releases")?;
        }
        Command::Cosign { folder, name, witness, key, memory } => {
            let log = Log::open(folder, name);
            let size = log.cosign(witness, &SigningKey::read(key)?, memory, now_secs())?;
            writeln!(out, "{size} releases seen")?;
        }
        Command::Show { folder, name } => {
            let log = Log::open(folder, name);
            let (size, root) = log.state()?;
            writeln!(out, "{name}: {size} releases, root {}", hex(&root))?;
            for entry in log.entries()? {
                match serde_json::from_slice::<Release>(&entry) {
                    Ok(one) => {
                        let (version, added, removed) = (one.version, one.added, one.removed);
                        writeln!(out, "{version}  +{added} -{removed}  {}", one.bundle.sha256)?;
                    }
                    Err(_) => writeln!(out, "an entry of {} octets that is no release", entry.len())?,
                }
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
