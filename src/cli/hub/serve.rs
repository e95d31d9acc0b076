//! `luytre hub serve`: one of the four who take anonymous reports, as a process.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::hub::operator::serve::serve;
use crate::hub::operator::settings::{Role, Settings};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// Which of the four
    role: Role,
    /// Its settings (docs/indicators.md)
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::read(&arguments.settings, arguments.role)?;
    // INFO and above: below it libraries might tell of addresses.
    let _ = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_writer(io::stderr).try_init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut out = io::stdout().lock();
    runtime.block_on(serve(arguments.role, settings, |door, addr| {
        writeln!(out, "{door} on {addr}")?;
        out.flush()
    }))?;
    Ok(ExitCode::SUCCESS)
}
