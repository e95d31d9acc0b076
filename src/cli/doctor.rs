//! `luytre doctor`: what would keep it from working on this machine, each thing with its remedy. Changes nothing.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::app::health;
use crate::web::Finding;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (builtin, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let findings = health::findings(&config, &builtin, false);
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &findings)?;
        writeln!(out)?;
    } else {
        for Finding { check, state, what, fix } in &findings {
            let fix = if fix.is_empty() { String::new() } else { format!("  ({fix})") };
            writeln!(out, "{state:8} {check:24} {what}{fix}")?;
        }
    }
    let is_well = findings.iter().all(|finding| finding.state != "problem");
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
