//! `luytre hub export`: the proposals as others can load them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::civil::Date;

use super::build::{Checked, checked};
use crate::classify::Category;
use crate::hub::export::{Chosen, Form, listed, write, write_csv};
use crate::policy::Band;

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// How it is written
    form: Asked,
    #[command(flatten)]
    proposals: Checked,
    /// Entries of this category
    #[arg(long, value_name = "CODE", conflicts_with = "band", value_parser = category)]
    category: Option<Category>,
    /// Entries that the criteria refuse to this age band (`10-12`)
    #[arg(long, value_name = "BAND", value_parser = band)]
    band: Option<Band>,
    /// The day: entries that are not due are left out
    #[arg(long, value_name = "YYYY-MM-DD")]
    day: Date,
    /// Name of the zone, title of the list
    #[arg(long, default_value = "luytre.rpz")]
    zone: String,
    /// Number of the zone [default: the day, 2026112600]
    #[arg(long)]
    serial: Option<u64>,
    /// Where to write it [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(in crate::cli) enum Asked {
    /// A response policy zone
    Rpz,
    /// A hosts file
    Hosts,
    /// One name a line
    Domains,
    /// Adblock rules
    Adblock,
    /// The age-classified database
    Csv,
}

fn category(text: &str) -> Result<Category, String> {
    Category::from_code(text).ok_or_else(|| format!("{text:?} is no category"))
}

fn band(text: &str) -> Result<Band, String> {
    let known = Band::ALL.map(Band::code).join(", ");
    Band::ALL.into_iter().find(|band| band.code() == text).ok_or_else(|| format!("{text:?} is none of {known}"))
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let Some((proposals, _)) = checked(&arguments.proposals)? else { return Ok(ExitCode::FAILURE) };
    let criteria = proposals.criteria().map_err(|_| anyhow::anyhow!("no criteria"))?;
    let mut out: Box<dyn Write> = match &arguments.output {
        Some(path) => Box::new(BufWriter::new(File::create(path)?)),
        None => Box::new(BufWriter::new(io::stdout().lock())),
    };
    let form = match arguments.form {
        Asked::Rpz => Form::Rpz,
        Asked::Hosts => Form::Hosts,
        Asked::Domains => Form::Domains,
        Asked::Adblock => Form::Adblock,
        Asked::Csv => {
            write_csv(&mut out, &proposals, &criteria, arguments.day)?;
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
    };
    let chosen = match (arguments.category, arguments.band) {
        (Some(category), _) => Chosen::Category(category),
        (None, Some(band)) => Chosen::Band(band),
        (None, None) => anyhow::bail!("--category or --band is needed"),
    };
    let (names, left) = listed(&proposals, chosen, &criteria, arguments.day)?;
    let day = arguments.day;
    let of_day = day.year().unsigned_abs() as u64 * 1_000_000 + day.month() as u64 * 10_000 + day.day() as u64 * 100;
    write(&mut out, form, &names, &arguments.zone, arguments.serial.unwrap_or(of_day))?;
    out.flush()?;
    writeln!(
        io::stderr(),
        "{} names; {} URL entries left out, which no name server can refuse",
        left.names,
        left.urls
    )?;
    Ok(ExitCode::SUCCESS)
}
