//! `luytre hub holder`: the sealed list, on the machine of whoever may hold it. Prints counts and lines, never a name.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;

use crate::hub::holder::{new_key, read_key, seal, serve};
use crate::lists::store::write_aside;

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Make the holder's key
    Key {
        /// Where to write it; it never leaves this machine
        file: PathBuf,
    },
    /// Seal a list of registered names for `luytre hub build --sealed`; it cannot be read back
    Seal {
        /// One name a line; this file never leaves the holder
        names: PathBuf,
        /// The holder's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where boxes ask
        #[arg(long)]
        url: String,
        /// Where to write the sealed table
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Answer the boxes; behind a web server that ends TLS
    Serve {
        /// The holder's key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8053")]
        listen: SocketAddr,
        /// Questions of one line in an hour
        #[arg(long, default_value_t = 60)]
        per_hour: u32,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match command {
        Command::Key { file } => new_key(file)?,
        Command::Seal { names, key, url, output } => {
            let (table, count) = seal(names, &read_key(key)?, url)?;
            let octets = table.write();
            write_aside(output, &octets).with_context(|| format!("{} cannot be written", output.display()))?;
            writeln!(out, "{count} names sealed, {} octets", octets.len())?;
        }
        Command::Serve { key, listen, per_hour } => {
            let key = read_key(key)?;
            super::listen(&mut out, *listen, |listener| serve(listener, key, *per_hour))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
