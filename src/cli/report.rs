//! `luytre report`: what a household tells of new names, from its configuration and from what waits on disk. What the running
//! program met is in its memory alone, and shown on the guardian's pages.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use serde_json::{Value, json};

use crate::app::reporting::{manifest_of, options_of, spool_file, waiting};
use crate::classify::Category;
use crate::clock::now_secs;
use crate::config::Config;
use crate::lists::compile::hex;
use crate::name::Name;
use crate::report::consent::Operators;
use crate::report::courier::outlook;
use crate::report::manifest::Manifest;
use crate::report::message::{Content, Lane};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Show who would receive, what leaves in a week, and one message made of a made-up name
    Preview {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show whether reports are on, whether there are keys for today, and what waits on disk
    Status,
    /// Delete what waits on disk; stop the program first, which has it in memory as well
    Wipe,
}

pub(super) fn run(file: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    let (_, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    match command {
        Command::Preview { json } => preview(&config, *json),
        Command::Status => status(&config),
        Command::Wipe => wipe(&config),
    }
}

/// The name of the example; nobody can own it (RFC 2606).
const EXAMPLE: &str = "example.com";

fn preview(config: &Config, as_json: bool) -> anyhow::Result<ExitCode> {
    let manifest = manifest_of(config).map_err(anyhow::Error::msg)?;
    let options = options_of(config);
    let (operators, plan) = outlook(&manifest, options);
    let content = Content {
        name: Name::parse(EXAMPLE).context("the example")?,
        category: Category::PhishingScam,
        confidence: 2,
        region: options.region,
        engine: options.engine,
    };
    let octets = hex(&content.octets());
    let mut out = io::stdout().lock();
    if as_json {
        let plan: Vec<Value> = plan
            .iter()
            .map(|planned| json!({ "kind": planned.kind.code(), "count": planned.count, "octets": planned.octets }))
            .collect();
        let example = json!({ "name": EXAMPLE, "category": content.category.code(), "confidence": content.confidence,
            "region": content.region, "engine": content.engine, "octets": octets });
        let operators = json!({ "a": operators.a, "b": operators.b, "relay": operators.relay });
        let all = json!({ "operators": operators, "a_week": plan, "example": example, "waiting": lengths(config)? });
        writeln!(out, "{all:#}")?;
        return Ok(ExitCode::SUCCESS);
    }
    write_operators(&mut out, &operators)?;
    writeln!(out, "in a week, whatever was met:")?;
    for planned in &plan {
        writeln!(out, "  {:>3} x {:<9} {:>5} octets", planned.count, planned.kind.code(), planned.octets)?;
    }
    let Content { category, confidence, region, engine, .. } = &content;
    writeln!(
        out,
        "a report of {EXAMPLE}: category {category}, confidence {confidence}, region {region}, engine {engine}"
    )?;
    writeln!(out, "  {octets}")?;
    writeln!(out, "  sealed, and to be read by nobody before {} homes say the same", manifest.threshold.households())?;
    write_waiting(&mut out, config)?;
    writeln!(out, "nothing of it leaves before all agreed; what this household met is shown on the guardian's pages")?;
    Ok(ExitCode::SUCCESS)
}

fn status(config: &Config) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    if config.report.is_none() {
        writeln!(out, "reports are off (`[report] enabled`)")?;
        write_waiting(&mut out, config)?;
        return Ok(ExitCode::SUCCESS);
    }
    let manifest = match manifest_of(config) {
        Ok(manifest) => manifest,
        Err(error) => {
            writeln!(out, "reports are on, and nobody can be told: {error}")?;
            return Ok(ExitCode::FAILURE);
        }
    };
    let (operators, _) = outlook(&manifest, options_of(config));
    writeln!(out, "reports are on; who agreed stands on the guardian's pages")?;
    write_operators(&mut out, &operators)?;
    for lane in Lane::ALL {
        let state = if has_keys(&manifest, lane) { "has keys" } else { "has no keys: nothing is asked" };
        writeln!(out, "{}: this {} {state}", lane.name(), if lane == Lane::Harm { "week" } else { "day" })?;
    }
    write_waiting(&mut out, config)?;
    Ok(ExitCode::SUCCESS)
}

fn wipe(config: &Config) -> anyhow::Result<ExitCode> {
    let path = spool_file(config).context("without `state_dir` nothing waits on disk")?;
    let mut out = io::stdout().lock();
    match std::fs::remove_file(&path) {
        Ok(()) => writeln!(out, "{} is deleted", path.display())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => writeln!(out, "nothing waits")?,
        Err(error) => return Err(error).with_context(|| path.display().to_string()),
    }
    writeln!(out, "a program that runs has its messages in memory as well: on its pages, consent can be taken back")?;
    Ok(ExitCode::SUCCESS)
}

fn has_keys(manifest: &Manifest, lane: Lane) -> bool {
    manifest.keys(lane, manifest.calendar.epoch(lane, now_secs())).is_some()
}

fn write_operators(out: &mut impl Write, operators: &Operators) -> io::Result<()> {
    let all = [
        ("A, who opens what enough homes said", &operators.a),
        ("B, who mixes", &operators.b),
        ("relay, who alone sees addresses", &operators.relay),
    ];
    for (role, name) in all {
        writeln!(out, "{role}: {}", name.as_deref().unwrap_or("nobody"))?;
    }
    if operators.is_lab {
        writeln!(out, "a test's manifest: nothing leaves by it (`lab`)")?;
    }
    Ok(())
}

/// Messages that wait, by length.
fn lengths(config: &Config) -> anyhow::Result<Vec<Value>> {
    let Some(path) = spool_file(config) else { return Ok(Vec::new()) };
    let all = waiting(&path).with_context(|| path.display().to_string())?;
    Ok(all.into_iter().map(|(octets, count)| json!({ "octets": octets, "count": count })).collect())
}

fn write_waiting(out: &mut impl Write, config: &Config) -> anyhow::Result<()> {
    let all = lengths(config)?;
    if all.is_empty() {
        writeln!(out, "nothing waits on disk")?;
    }
    for waiting in all {
        writeln!(out, "waiting on disk, sealed: {} of {} octets", waiting["count"], waiting["octets"])?;
    }
    Ok(())
}
