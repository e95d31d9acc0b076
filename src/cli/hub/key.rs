//! `luytre hub key`: keys in files of their own.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;

use crate::hub::key::SigningKey;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Make a key in a new file that only its owner may read; print its public half
    New {
        /// The file, which must not exist
        file: PathBuf,
    },
    /// Print the public half of a key
    Show {
        /// The file
        file: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let key = match command {
        Command::New { file } => SigningKey::create(file)?,
        Command::Show { file } => SigningKey::read(file)?,
    };
    let mut out = io::stdout().lock();
    writeln!(out, "public {}", key.public_hex())?;
    writeln!(out, "id     {}", key.public()?.id)?;
    Ok(ExitCode::SUCCESS)
}
