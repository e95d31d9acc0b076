//! `luytre hub build`: proposals to a release. Each authority runs it on its own machine; equal bytes are what they agree on.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use jiff::civil::Date;

use crate::classify::Category;
use crate::classify::lexical::Model;
use crate::classify::sealed::Table;
use crate::document::Fault;
use crate::hub::build::{Asked, build};
use crate::hub::lint::{Lint, names_of};
use crate::hub::proposal::{Proposals, Subject, read_folder};
use crate::lists::data::Builtin;
use crate::report::manifest::Manifest;

#[derive(Args)]
pub(in crate::cli) struct Checked {
    /// The folder of proposals (`*.toml`)
    proposals: PathBuf,
    /// A file of popular names, one a line, that are listed only where a proposal says that it is meant
    #[arg(long, value_name = "FILE")]
    popular: Option<PathBuf>,
}

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    checked: Checked,
    /// The day of the release; the same for both authorities
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Date,
    /// Folder of an earlier release, the newest first: the new one follows it, and a delta is made from each
    #[arg(long, value_name = "FOLDER")]
    earlier: Vec<PathBuf>,
    /// A file of names that are left out, one a line: suspended by an appeal, or withdrawn
    #[arg(long, value_name = "FILE")]
    without: Option<PathBuf>,
    /// The model of spellings, as `luytre model train` wrote it
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The sealed list, as `luytre hub holder seal` wrote it
    #[arg(long, value_name = "FILE")]
    sealed: Option<PathBuf>,
    /// To whom households report, as `luytre hub manifest` wrote it
    #[arg(long, value_name = "FILE")]
    reports: Option<PathBuf>,
    /// Where to write the release
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
}

/// Reads and checks, and prints every fault. `None` when there is one.
pub(super) fn checked(arguments: &Checked) -> anyhow::Result<Option<(Proposals, Vec<crate::name::Name>)>> {
    let builtin = match Builtin::read() {
        Ok(builtin) => builtin,
        Err(faults) => return print(&faults).map(|()| None),
    };
    let popular = arguments.popular.as_deref().map(names_of).transpose()?.unwrap_or_default();
    let lint = Lint::new(&builtin.help, popular);
    let against = |subject: &Subject, category: Category, meant: bool| lint.against(subject, category, meant);
    match read_folder(&arguments.proposals, &against) {
        Ok(proposals) => Ok(Some((proposals, lint.popular().to_vec()))),
        Err(faults) => print(&faults).map(|()| None),
    }
}

fn print(faults: &[Fault]) -> anyhow::Result<()> {
    let mut out = io::stderr().lock();
    faults.iter().try_for_each(|fault| writeln!(out, "{fault}"))?;
    Ok(())
}

pub(super) fn lint(arguments: &Checked) -> anyhow::Result<ExitCode> {
    let Some((proposals, _)) = checked(arguments)? else { return Ok(ExitCode::FAILURE) };
    let (entries, bulks) = (proposals.entries.len(), proposals.bulks.len());
    writeln!(io::stdout(), "{entries} entries and {bulks} bulk files: nothing speaks against them")?;
    Ok(ExitCode::SUCCESS)
}

fn model_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    Model::read(&octets).with_context(|| path.display().to_string())?;
    Ok(octets)
}

fn manifest(path: &Path) -> anyhow::Result<Vec<u8>> {
    let octets = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Manifest::parse(&octets).with_context(|| path.display().to_string())?;
    Ok(octets)
}

fn sealed_table(path: &Path) -> anyhow::Result<Vec<u8>> {
    let octets = fs::read(path).with_context(|| path.display().to_string())?;
    Table::read(&octets).with_context(|| path.display().to_string())?;
    Ok(octets)
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some((proposals, popular)) = checked(&arguments.checked)? else { return Ok(ExitCode::FAILURE) };
    let without = arguments.without.as_deref().map(names_of).transpose()?.unwrap_or_default();
    let sealed = arguments.sealed.as_deref().map(sealed_table).transpose()?;
    let reports = arguments.reports.as_deref().map(manifest).transpose()?;
    let model = arguments.model.as_deref().map(model_file).transpose()?;
    let asked =
        Asked { earlier: arguments.earlier.clone(), without, day: arguments.day, popular, model, sealed, reports };
    let built = build(&proposals, &asked)?;
    built.write(&arguments.output)?;
    let release = &built.release;
    let mut out = io::stdout().lock();
    writeln!(out, "release {}  added {}  removed {}", release.version, release.added, release.removed)?;
    writeln!(out, "bundle  {} octets  sha256 {}", release.bundle.length, release.bundle.sha256)?;
    for delta in &release.deltas {
        writeln!(out, "delta   {} octets  {}", delta.file.length, delta.file.path)?;
    }
    writeln!(out, "release.json  sha256 {}", crate::lists::trust::update::digest_of(&built.release_text))?;
    Ok(ExitCode::SUCCESS)
}
