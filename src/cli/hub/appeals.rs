//! `luytre hub appeals`: what is said against entries, and what became of it. Nothing here takes a name of whoever appeals.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::classify::AppealId;
use crate::document::Fault;
use crate::hub::appeal::{Appeal, Appeals, Ground, Outcome};
use crate::hub::proposal::{Proposals, read_folder};

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Open an appeal of the entry with that id
    Open {
        /// The folder of proposals
        proposals: PathBuf,
        /// The id that a refusal shows (`0A1B-2C3D-4E5F`)
        #[arg(value_parser = id)]
        id: AppealId,
        /// Why the entry is said to be wrong: help, health_sexed and education let it rest while the appeal is open
        #[arg(long, value_parser = ground)]
        ground: Ground,
        /// The day it came [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<Date>,
    },
    /// Decide an open appeal: `upheld` removes the entry, `rejected` keeps it
    Decide {
        /// The folder of proposals
        proposals: PathBuf,
        /// The appeal's id
        #[arg(value_parser = id)]
        id: AppealId,
        /// How
        #[arg(value_parser = outcome)]
        outcome: Outcome,
        /// The day [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<Date>,
    },
    /// Show the appeals, those that wait first
    List {
        /// The folder of proposals
        proposals: PathBuf,
        /// Only those that wait
        #[arg(long)]
        open: bool,
        /// Only the names that are left out because of an appeal, one a line: for `hub publish --withdraw`, which works at once
        #[arg(long, conflicts_with_all = ["open", "json"])]
        left_out: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
        /// As it stands on that day [default: today]
        #[arg(long, value_name = "YYYY-MM-DD")]
        day: Option<Date>,
    },
}

fn id(text: &str) -> Result<AppealId, String> {
    AppealId::parse(text).ok_or_else(|| format!("{text:?} is no appeal id (\"0A1B-2C3D-4E5F\")"))
}

fn ground(text: &str) -> Result<Ground, String> {
    Ground::from_code(text).ok_or_else(|| format!("{text:?} is none of {}", Ground::codes().join(", ")))
}

fn outcome(text: &str) -> Result<Outcome, String> {
    Outcome::from_code(text).ok_or_else(|| format!("{text:?} is neither upheld nor rejected"))
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let folder = match command {
        Command::Open { proposals, .. } | Command::Decide { proposals, .. } | Command::List { proposals, .. } => {
            proposals
        }
    };
    // What the lint has against an entry must not keep anybody from appealing against another.
    let mut proposals = match read_folder(folder, &|_, _, _| Vec::new()) {
        Ok(proposals) => proposals,
        Err(faults) => return refuse(&faults),
    };
    let mut out = io::stdout().lock();
    match command {
        Command::Open { id, ground, day, .. } => {
            open(&mut out, folder, &mut proposals, (*id, *ground), day.unwrap_or_else(today))
        }
        Command::Decide { id, outcome, day, .. } => {
            let decided = proposals.appeals.decide(*id, *outcome, day.unwrap_or_else(today))?;
            let entry = decided.entry.clone();
            keep(folder, &proposals.appeals)?;
            writeln!(out, "{id} {}: {entry}", outcome.code())?;
            if *outcome == Outcome::Upheld {
                writeln!(out, "the next release leaves it out; remove the proposal, too")?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::List { open, left_out, json, day, .. } => {
            let day = day.unwrap_or_else(today);
            if *left_out {
                names(&mut out, &proposals.appeals, day)
            } else {
                list(&mut out, &proposals.appeals, *open, *json, day)
            }
        }
    }
}

fn open(
    out: &mut impl Write,
    folder: &Path,
    proposals: &mut Proposals,
    (id, ground): (AppealId, Ground),
    day: Date,
) -> anyhow::Result<ExitCode> {
    let mut appeals = std::mem::take(&mut proposals.appeals);
    appeals.open(id, proposals, ground, day)?;
    keep(folder, &appeals)?;
    let Some(opened) = appeals.all().last() else { return Ok(ExitCode::FAILURE) };
    let rests =
        if appeals.suspends(opened, day) { "rests from the next release on" } else { "stays in force meanwhile" };
    writeln!(out, "{id} open since {day}: {} ({}) {rests}", opened.entry, opened.category.code())?;
    Ok(ExitCode::SUCCESS)
}

fn keep(folder: &Path, appeals: &Appeals) -> anyhow::Result<()> {
    appeals.write(folder).with_context(|| format!("{} cannot be written", folder.display()))
}

fn list(out: &mut impl Write, appeals: &Appeals, open: bool, as_json: bool, day: Date) -> anyhow::Result<ExitCode> {
    let mut chosen: Vec<&Appeal> =
        appeals.all().iter().filter(|one| one.opened <= day && (!open || one.is_open(day))).collect();
    chosen.sort_by_key(|one| (!one.is_open(day), one.opened));
    if as_json {
        let rows: Vec<_> = chosen.iter().map(|one| row(appeals, one, day)).collect();
        serde_json::to_writer_pretty(&mut *out, &json!({ "counts": appeals.on(day).counts, "appeals": rows }))?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    for one in chosen {
        let (id, opened, entry) = (one.id, one.opened, &one.entry);
        let (category, ground) = (one.category.code(), one.ground.code());
        writeln!(out, "{id}  {opened}  {:<18}  {ground:<12}  {category:<14}  {entry}", state(appeals, one, day))?;
    }
    let counts = appeals.on(day).counts;
    let (open, suspended, upheld, rejected) = (counts.open, counts.suspended, counts.upheld, counts.rejected);
    writeln!(out, "{open} open ({suspended} entries rest), {upheld} upheld, {rejected} rejected")?;
    Ok(ExitCode::SUCCESS)
}

fn state(appeals: &Appeals, one: &Appeal, day: Date) -> &'static str {
    match one.decided.filter(|_| !one.is_open(day)) {
        Some((_, outcome)) => outcome.code(),
        None if one.is_overdue(day) => "overdue",
        None if appeals.suspends(one, day) => "open, rests",
        None => "open",
    }
}

fn row(appeals: &Appeals, one: &Appeal, day: Date) -> serde_json::Value {
    json!({
        "id": one.id.to_string(),
        "entry": one.entry,
        "category": one.category.code(),
        "ground": one.ground.code(),
        "opened": one.opened.to_string(),
        "decided": one.decided.map(|(day, _)| day.to_string()),
        "state": one.decided.map_or("open", |(_, outcome)| outcome.code()),
        "suspended": appeals.suspends(one, day),
        "overdue": one.is_overdue(day),
    })
}

/// URLs are named by their host: a withdrawal speaks of names.
fn names(out: &mut impl Write, appeals: &Appeals, day: Date) -> anyhow::Result<ExitCode> {
    let left_out = appeals.on(day).left_out;
    for one in appeals.all().iter().filter(|one| left_out.contains(&one.id)) {
        let host = one.entry.split(['/', ':']).next().unwrap_or_default();
        writeln!(out, "{host}")?;
    }
    Ok(ExitCode::SUCCESS)
}

fn refuse(faults: &[Fault]) -> anyhow::Result<ExitCode> {
    let mut out = io::stderr().lock();
    faults.iter().try_for_each(|fault| writeln!(out, "{fault}"))?;
    Ok(ExitCode::FAILURE)
}

/// The desk's day is that of UTC, as a release's is.
fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}
