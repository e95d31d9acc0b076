//! `luytre model`: a model of spellings from rows of names, and how good it is.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context;
use clap::ValueEnum;
use serde::Serialize;

use crate::classify::lexical::Model;
use crate::lists::data::Builtin;
use crate::model::{ClassReport, Part, Report, Rows, is_permissive, measure, train};
use crate::name::Name;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Learn a model from rows `name TAB class[,class]`. The same rows and seed give the same file
    Train(Train),
    /// Measure a model on rows it has not learnt from
    Eval(Eval),
}

#[derive(clap::Args)]
pub(super) struct Train {
    /// Rows, plain or packed with zstd (.zst)
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// Where each row is from: keys of sources, a line a row
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
    /// The model's file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Learn only from rows all of whose sources ask for no more than a notice
    #[arg(long, requires = "sources")]
    permissive_only: bool,
    /// The seed of all chance
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(clap::Args)]
pub(super) struct Eval {
    /// The rows of training, all parts
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The model's file
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// Which of the rows
    #[arg(long, value_enum, default_value_t = Split::Test)]
    split: Split,
    /// Harmless names, one a line (what follows a tab is ignored); counted whole, not by part
    #[arg(long, value_name = "FILE")]
    harmless: Vec<PathBuf>,
    /// Of those files only the part of `--split`
    #[arg(long)]
    harmless_split: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// A part of the rows, by the hash of their registrable domain.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Split {
    /// Learnt from.
    Train,
    /// Probabilities and thresholds come from it.
    Calibrate,
    /// Never looked at before.
    Test,
}

impl From<Split> for Part {
    fn from(split: Split) -> Part {
        match split {
            Split::Train => Part::Train,
            Split::Calibrate => Part::Calibrate,
            Split::Test => Part::Test,
        }
    }
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Train(arguments) => run_train(arguments)?,
        Command::Eval(arguments) => run_eval(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run_train(arguments: &Train) -> anyhow::Result<()> {
    let may_use = |sources: &str| !arguments.permissive_only || is_permissive(sources);
    let sources = arguments.sources.as_deref().map(open).transpose()?;
    let rows = Rows::read(open(&arguments.data)?, sources, may_use)
        .with_context(|| format!("{} cannot be learnt from", arguments.data.display()))?;
    let which = if arguments.permissive_only { "permissive sources" } else { "all sources" };
    let note =
        format!("luytre {}; {} rows of {which}; seed {}", env!("CARGO_PKG_VERSION"), rows.rows.len(), arguments.seed);
    let begun = Instant::now();
    let mut say = |text: &str| {
        let _ = writeln!(io::stderr(), "{:6.1} s  {text}", begun.elapsed().as_secs_f64());
    };
    if rows.skipped > 0 {
        say(&format!("{} lines hold no name and were left out", rows.skipped));
    }
    let file = train(rows, arguments.seed, &note, &mut say)?;
    fs::write(&arguments.out, &file).with_context(|| format!("{} cannot be written", arguments.out.display()))?;
    say(&format!("{} octets written to {}", file.len(), arguments.out.display()));
    Ok(())
}

/// Lines of a file, unpacked if its name ends in `.zst`.
fn open(path: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let reader = BufReader::with_capacity(1 << 16, file);
    if path.extension().is_some_and(|extension| extension == "zst") {
        return Ok(Box::new(BufReader::with_capacity(1 << 16, zstd::Decoder::with_buffer(reader)?)));
    }
    Ok(Box::new(reader))
}

/// What stands on the screen, or in one JSON object.
#[derive(Serialize)]
struct Measured {
    note: String,
    octets: usize,
    nanoseconds_a_name: f64,
    #[serde(flatten)]
    report: Report,
    harmless: Vec<Harmless>,
}

/// Names that must not be told, by where they are from. Counts only.
#[derive(Serialize)]
struct Harmless {
    from: String,
    names: usize,
    told: usize,
}

fn run_eval(arguments: &Eval) -> anyhow::Result<()> {
    let octets = fs::read(&arguments.model).with_context(|| format!("{} cannot be read", arguments.model.display()))?;
    let model = Model::read(&octets).with_context(|| format!("{} is no model", arguments.model.display()))?;
    let rows = Rows::read(open(&arguments.data)?, None::<Box<dyn BufRead>>, |_| true)?;
    let part = Part::from(arguments.split);
    let only = arguments.harmless_split.then_some(part);
    let mut harmless = vec![of_help(&model)];
    for path in &arguments.harmless {
        harmless.push(of_file(&model, path, only)?);
    }
    let measured = Measured {
        note: model.note().into(),
        octets: octets.len(),
        nanoseconds_a_name: nanoseconds(&model, &rows, part),
        report: measure(&model, &rows, part),
        harmless,
    };
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer(&mut out, &measured)?;
        writeln!(out)?;
        return Ok(());
    }
    write(&mut out, &measured)?;
    Ok(())
}

/// Where children find help, as the program ships it: each name and its `www`.
fn of_help(model: &Model) -> Harmless {
    let sites = Builtin::read().map(|builtin| builtin.help_lines).unwrap_or_default();
    let names = sites.iter().flat_map(|line| &line.sites).flat_map(|site| [site.clone(), format!("www.{site}")]);
    count(model, "help".into(), names.filter_map(|name| Name::parse(&name).ok()))
}

fn of_file(model: &Model, path: &Path, only: Option<Part>) -> anyhow::Result<Harmless> {
    let mut names = Vec::new();
    for line in open(path)?.lines() {
        let line = line?;
        let text = line.split(['\t', '#']).next().unwrap_or("").trim();
        names.extend(Name::parse(text).ok().filter(|name| only.is_none_or(|part| Part::of(name) == part)));
    }
    Ok(count(model, path.display().to_string(), names.into_iter()))
}

fn count(model: &Model, from: String, all: impl Iterator<Item = Name>) -> Harmless {
    let (mut names, mut told) = (0, 0);
    for name in all {
        names += 1;
        told += usize::from(model.told(&model.score(&name)).next().is_some());
    }
    Harmless { from, names, told }
}

/// Mean time of a score over the names of a part, its reading of the name included; of five turns the fastest, because
/// other work on the machine only ever adds.
fn nanoseconds(model: &Model, rows: &Rows, part: Part) -> f64 {
    let names: Vec<Name> = rows.of(part).map(|(_, name)| name).collect();
    let turn = || {
        let begun = Instant::now();
        let harmful = names.iter().filter(|name| model.score(name).benign() < 500_000).count();
        std::hint::black_box(harmful);
        begun.elapsed().as_nanos() as f64 / names.len().max(1) as f64
    };
    (0..5).map(|_| turn()).fold(f64::INFINITY, f64::min)
}

fn write(out: &mut impl Write, measured: &Measured) -> io::Result<()> {
    let Measured { note, octets, nanoseconds_a_name, report, harmless } = measured;
    writeln!(out, "{note}\n{octets} octets, {nanoseconds_a_name:.0} ns a name")?;
    writeln!(
        out,
        "{} rows, {} harmless, of which {} are told to be something ({:.3} %)",
        report.rows,
        report.benign,
        report.alarms,
        percent(report.alarms, report.benign)
    )?;
    writeln!(out, "\nall rows")?;
    write_classes(out, &report.classes)?;
    writeln!(out, "\nrows whose stem was never seen")?;
    write_classes(out, &report.unseen)?;
    writeln!(out, "\nprecision (false alarms) by recall")?;
    for class in &report.classes {
        write!(out, "{:9}", class.class)?;
        for point in &class.curve {
            write!(out, "  {:.2}: {:.3} ({:.2} %)", point.recall, point.precision, point.alarms * 100.0)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "\nsaid → was (rows), by tenths of the probability")?;
    for class in &report.classes {
        write!(out, "{:9}", class.class)?;
        for bin in class.reliability.iter().filter(|bin| bin.rows > 0) {
            write!(out, "  {:.2} → {:.2} ({})", bin.said, bin.was, bin.rows)?;
        }
        writeln!(out)?;
    }
    writeln!(out, "\nharmless names told to be something")?;
    for Harmless { from, names, told } in harmless {
        writeln!(out, "{told:5} of {names:7} ({:.3} %)  {from}", percent(*told, *names))?;
    }
    Ok(())
}

fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

fn write_classes(out: &mut impl Write, classes: &[ClassReport]) -> io::Result<()> {
    writeln!(out, "class        rows  PR-AUC  recall at 0.1 %    1 %   told  told as any  alarms")?;
    for class in classes {
        writeln!(
            out,
            "{:9} {:7}  {:.4}           {:.3}  {:.3}  {:.3}        {:.3}  {:6}",
            class.class,
            class.rows,
            class.pr_auc,
            class.recall_at_0_1_percent,
            class.recall_at_1_percent,
            class.told,
            class.told_any,
            class.alarms
        )?;
    }
    Ok(())
}
