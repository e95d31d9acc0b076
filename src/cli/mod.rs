//! The command line: arguments to a command, a command to an exit code (sysexits: 64 usage, 78 configuration).

mod check;
mod classify;
mod doctor;
mod explain;
mod firewall;
mod hub;
mod lists;
mod model;
mod report;
mod token;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::signed::with_criteria;
use crate::app::{self, Origin, StartError};
use crate::config::Config;
use crate::document::Fault;
use crate::lists::data::Builtin;

/// A filtering DNS resolver that protects children where it works for every device at once.
#[derive(Parser)]
#[command(name = "luytre", version, disable_help_subcommand = true)]
struct Arguments {
    /// Configuration file [default: /etc/luytre/luytre.toml, ./config/home.toml, else the built-in one]
    #[arg(short, long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the appliance (the default). SIGHUP reloads, SIGTERM drains
    Run,
    /// Show every fault of the configuration and change nothing
    Check,
    /// Show the whole chain of a decision
    Explain(explain::Arguments),
    /// Classify names, addresses or URLs from standard input, one a line
    Classify(classify::Arguments),
    /// Print a new token for a device that asks from anywhere (`[[device]] token`)
    Token,
    /// What would keep it from working here, with the remedies
    Doctor(doctor::Arguments),
    /// The kernel's rules for the transparent proxy: show them, put them in force, take them away
    #[command(subcommand)]
    Firewall(firewall::Command),
    /// Fetch, compile and look into lists
    #[command(subcommand)]
    Lists(lists::Command),
    /// The central side: propose, build, sign and publish lists
    #[command(subcommand)]
    Hub(hub::Command),
    /// What this household reports of new names, and what it would
    #[command(subcommand)]
    Report(report::Command),
    /// Learn and measure the model that knows names nobody has listed
    #[command(subcommand)]
    Model(model::Command),
}

/// EX_USAGE and EX_CONFIG of sysexits(3).
const USAGE: u8 = 64;
const CONFIG: u8 = 78;

/// Runs the command of this process's arguments.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // `--help` and `--version` are errors to clap, not to us.
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let is_named = arguments.config.is_some();
    let file = arguments.config.or_else(Config::find);
    let result = match arguments.command.unwrap_or(Command::Run) {
        Command::Run => run(Origin { file, is_named }),
        Command::Check => check::run(file.as_deref()),
        Command::Explain(arguments) => explain::run(file.as_deref(), &arguments),
        Command::Classify(arguments) => classify::run(file.as_deref(), &arguments),
        Command::Token => token::run(),
        Command::Doctor(arguments) => doctor::run(file.as_deref(), &arguments),
        Command::Firewall(command) => firewall::run(file.as_deref(), &command),
        Command::Lists(command) => lists::run(file.as_deref(), &command),
        Command::Hub(command) => hub::run(&command),
        Command::Report(command) => report::run(file.as_deref(), &command),
        Command::Model(command) => model::run(&command),
    };
    result.unwrap_or_else(|error| {
        // A reader that went away (`| head`) is no fault.
        let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
            cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
        };
        if error.chain().any(broken_pipe) {
            return ExitCode::SUCCESS;
        }
        let _ = writeln!(io::stderr(), "luytre: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(origin: Origin) -> anyhow::Result<ExitCode> {
    match app::run(origin) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(StartError::Config(faults)) => Ok(faulty(&faults)),
        Err(StartError::Other(error)) => Err(error),
    }
}

/// Prints faults, one a line.
fn faulty(faults: &[Fault]) -> ExitCode {
    let mut err = io::stderr().lock();
    for fault in faults {
        let _ = writeln!(err, "{fault}");
    }
    ExitCode::from(CONFIG)
}

/// The built-in data and the configuration, or the exit code after its faults were printed.
fn load(file: Option<&Path>) -> Result<(Builtin, Config), ExitCode> {
    let builtin = Builtin::read().map_err(|faults| faulty(&faults))?;
    let config = Config::load(file, &builtin.vocabulary()).map_err(|faults| faulty(&faults))?;
    Ok((builtin, with_criteria(config)))
}

/// Progress of long work on a terminal; nothing in a pipe.
fn bar(len: usize) -> indicatif::ProgressBar {
    let style = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
    let bar = indicatif::ProgressBar::new(len as u64);
    style.map_or(bar.clone(), |style| bar.with_style(style))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    /// As a shell splits a line, up to what is no argument any more.
    fn words(line: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
        for letter in line.chars() {
            match (quote, letter) {
                (Some(open), _) if letter == open => quote = None,
                (None, '"' | '\'') => {
                    quote = Some(letter);
                    word.get_or_insert_default();
                }
                (None, '#' | '>' | '<' | '|' | ';' | '&') => break,
                (None, ' ' | '\n') => words.extend(word.take()),
                _ => word.get_or_insert_default().push(letter),
            }
        }
        words.extend(word);
        words
    }

    /// Every command in the manuals: whole lines of examples, and what stands in the text between backquotes.
    fn commands(text: &str) -> Vec<(String, bool)> {
        let mut commands = Vec::new();
        for (at, part) in text.split("```").enumerate() {
            let is_example = at % 2 == 1;
            let pieces: Vec<&str> = if is_example {
                part.split(['\n', ';']).collect()
            } else {
                part.split('`').skip(1).step_by(2).collect()
            };
            let ours = pieces.into_iter().map(str::trim).filter(|piece| piece.starts_with("luytre "));
            commands.extend(ours.map(|piece| (piece.to_string(), is_example)));
        }
        commands
    }

    #[test]
    fn the_manuals_name_commands_there_are() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let docs = std::fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
        let files = docs.chain(["README.md", "SECURITY.md", "CHANGELOG.md"].map(|name| root.join(name)));
        let (mut seen, mut wrong) = (0, Vec::new());
        for file in files.filter(|file| file.extension().is_some_and(|end| end == "md")) {
            for (command, is_example) in commands(&std::fs::read_to_string(&file).unwrap()) {
                if command.contains('…') || !is_example && command.contains('|') {
                    continue;
                }
                seen += 1;
                // What may be left out is given; `$d` is what docs/triage.md says it is.
                let whole = command.replace(['[', ']'], "").replace("$d", "--database hub.db");
                let Err(error) = Arguments::command().try_get_matches_from(words(&whole)) else { continue };
                let is_wrong = match error.kind() {
                    ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => true,
                    ErrorKind::MissingRequiredArgument | ErrorKind::WrongNumberOfValues => is_example,
                    _ => false,
                };
                if is_wrong {
                    wrong.push(format!("{}: {command}\n{error}", file.display()));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        assert!(seen > 50, "{seen} commands found");
    }
}
