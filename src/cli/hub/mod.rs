//! The central side's commands: one file each.

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(super) enum Command {}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match *command {}
}
