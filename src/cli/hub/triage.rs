//! `luytre hub triage`: the desk at which people look at what enough homes met. Everything a page does can be done here, too.

use std::fs;
use std::io::{self, BufRead, Read as _, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::app::guesser::guesser;
use crate::classify::Category;
use crate::clock::now_secs;
use crate::hub::triage::audit;
use crate::hub::triage::candidate::Candidate;
use crate::hub::triage::desk::{Desk, Wish};
use crate::hub::triage::guide::Guide;
use crate::hub::triage::import::{FILE_MAX, Published};
use crate::hub::triage::server;
use crate::hub::triage::state::{Reason, Role, State, Step};
use crate::hub::triage::store::Store;

#[derive(Args)]
pub(in crate::cli) struct Place {
    /// A file of SQLite, or `postgres://…`
    #[arg(long, value_name = "PLACE")]
    pub(super) database: String,
}

#[derive(Args)]
pub(in crate::cli) struct Surroundings {
    #[command(flatten)]
    pub(super) place: Place,
    /// The folder of proposals of both authorities; `triage.toml` in it is the desk's
    #[arg(long, value_name = "FOLDER")]
    proposals: Option<PathBuf>,
    /// The published list, in which proposed names are looked for
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(in crate::cli) enum Command {
    /// Who may sit at the desk
    #[command(subcommand)]
    Account(AccountCommand),
    /// Take in what operators published, from a file
    Import {
        #[command(flatten)]
        place: Place,
        /// `{"indicators": […], "cells": […], "batches": […]}`
        file: PathBuf,
    },
    /// Show the candidates, those that wait first
    List {
        #[command(flatten)]
        place: Place,
        /// Only those that stand so
        #[arg(long, value_parser = state)]
        state: Option<State>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Take a step with a candidate; the account's password comes from standard input
    Step {
        #[command(flatten)]
        surroundings: Surroundings,
        /// The candidate's name
        name: String,
        /// The candidate's category
        #[arg(value_parser = category)]
        category: Category,
        /// verify, reject, propose, list, withdraw, reopen
        #[arg(value_parser = step)]
        step: Step,
        /// Why, one of the reasons of the step
        #[arg(long, value_parser = reason)]
        reason: Reason,
        /// More about it, never about a person
        #[arg(long, default_value = "")]
        note: String,
        /// Who takes it
        #[arg(long)]
        account: String,
    },
    /// Note what was published since, and write the proposals where they are not as they should be
    Look {
        #[command(flatten)]
        surroundings: Surroundings,
    },
    /// Show what was done, newest first
    Audit {
        #[command(flatten)]
        place: Place,
        /// Check the whole chain instead, and print the digest at its end
        #[arg(long)]
        verify: bool,
        /// A digest noted earlier, which has to be in the chain
        #[arg(long, value_name = "SHA-256", requires = "verify")]
        noted: Option<String>,
    },
    /// Serve the desk's pages; behind a web server that ends TLS, except on this machine
    Serve {
        #[command(flatten)]
        surroundings: Surroundings,
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8400")]
        listen: SocketAddr,
    },
}

#[derive(Subcommand)]
pub(in crate::cli) enum AccountCommand {
    /// Make an account; its password comes from standard input
    Add {
        #[command(flatten)]
        place: Place,
        /// What they are called here
        name: String,
        /// analyst, lead, reader or auditor
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Remove an account; what it did stays written down
    Remove {
        #[command(flatten)]
        place: Place,
        /// What they are called here
        name: String,
    },
    /// Show the accounts
    List {
        #[command(flatten)]
        place: Place,
    },
}

fn state(text: &str) -> Result<State, String> {
    State::from_code(text).ok_or_else(|| format!("{text:?} is none of {}", codes(State::ALL, |one| one.code())))
}

fn step(text: &str) -> Result<Step, String> {
    Step::from_code(text).ok_or_else(|| format!("{text:?} is none of {}", codes(Step::ALL, |one| one.code())))
}

fn reason(text: &str) -> Result<Reason, String> {
    Reason::from_code(text).ok_or_else(|| format!("{text:?} is none of {}", codes(Reason::ALL, |one| one.code())))
}

fn role(text: &str) -> Result<Role, String> {
    let role = Role::from_code(text).filter(|role| *role != Role::Desk);
    role.ok_or_else(|| format!("{text:?} is none of analyst, lead, reader, auditor"))
}

fn category(text: &str) -> Result<Category, String> {
    Category::from_code(text).ok_or_else(|| format!("{text:?} is no category"))
}

fn codes<T: Copy>(all: &[T], code: impl Fn(T) -> &'static str) -> String {
    all.iter().map(|one| code(*one)).collect::<Vec<_>>().join(", ")
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let now = i64::try_from(now_secs()).unwrap_or(i64::MAX);
    match command {
        Command::Account(command) => account(&mut out, command, now)?,
        Command::Import { place, file } => {
            let put = read_published(file)?.put(&Store::open(&place.database)?)?;
            writeln!(out, "{put} new rows")?;
        }
        Command::List { place, state, json } => {
            let desk = desk(place, None, None)?;
            let chosen = |one: &Candidate| state.is_none_or(|state| one.state == state);
            let candidates: Vec<Candidate> = desk.candidates()?.into_iter().filter(chosen).collect();
            list(&mut out, &desk, &candidates, *json)?;
        }
        Command::Step { surroundings, name, category, step, reason, note, account } => {
            let desk = surroundings.desk()?;
            let wish = Wish { name, category: *category, step: *step, reason: *reason, note };
            let state = take(&desk, &wish, account, now)?;
            writeln!(out, "{name} {} {}", category.code(), state.code())?;
        }
        Command::Look { surroundings } => writeln!(out, "{} listed", surroundings.desk()?.look(now)?)?,
        Command::Audit { place, verify, noted } => {
            let store = Store::open(&place.database)?;
            if *verify {
                let (count, digest) = audit::verify(&store.database, noted.as_deref())?;
                writeln!(out, "{count} rows hold, up to {digest}")?;
            } else {
                for one in audit::newest(&store.database, 1000)? {
                    writeln!(out, "{}\t{}\t{}\t{}\t{}", one.id, one.at, one.account, one.deed, one.detail)?;
                }
            }
        }
        Command::Serve { surroundings, listen } => serve(&mut out, surroundings, *listen)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn account(out: &mut impl Write, command: &AccountCommand, now: i64) -> anyhow::Result<()> {
    match command {
        AccountCommand::Add { place, name, role } => {
            let store = Store::open(&place.database)?;
            store.add_account(name, *role, &password()?, now)?;
            writeln!(out, "{name} is {}", role.code())?;
        }
        AccountCommand::Remove { place, name } => {
            Store::open(&place.database)?.remove_account(name, now)?;
            writeln!(out, "{name} is gone")?;
        }
        AccountCommand::List { place } => {
            for one in Store::open(&place.database)?.accounts()? {
                writeln!(out, "{}\t{}", one.name, one.role.code())?;
            }
        }
    }
    Ok(())
}

/// One line of standard input.
fn password() -> anyhow::Result<String> {
    let mut line = String::new();
    writeln!(io::stderr(), "password:")?;
    io::stdin().lock().take(4096).read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_string())
}

fn read_published(file: &Path) -> anyhow::Result<Published> {
    let mut text = Vec::new();
    let opened = fs::File::open(file).with_context(|| file.display().to_string())?;
    opened.take(FILE_MAX + 1).read_to_end(&mut text).with_context(|| file.display().to_string())?;
    if text.len() as u64 > FILE_MAX {
        bail!("{}: more than {FILE_MAX} octets", file.display());
    }
    Published::parse(&text).with_context(|| file.display().to_string())
}

impl Surroundings {
    fn desk(&self) -> anyhow::Result<Desk> {
        desk(&self.place, self.proposals.clone(), self.bundle.clone())
    }
}

/// The desk with the program's own engine.
pub(super) fn desk(place: &Place, proposals: Option<PathBuf>, bundle: Option<PathBuf>) -> anyhow::Result<Desk> {
    let Ok((builtin, config)) = crate::cli::load(None) else { bail!("what comes with the program has faults") };
    let guesser = guesser(&config, &builtin, None);
    let guide = Guide::new(builtin, guesser, bundle);
    let guide =
        guide.map_err(|faults| anyhow::anyhow!("{}", faults.first().map_or(String::new(), ToString::to_string)))?;
    guide.look().context("the bundle")?;
    Ok(Desk { store: Store::open(&place.database)?, guide, proposals, tries: Mutex::default() })
}

fn take(desk: &Desk, wish: &Wish<'_>, account: &str, now: i64) -> anyhow::Result<State> {
    let secret = desk.store.sign_in(&desk.tries, (account, &password()?), None, now)?;
    let account = desk.store.session(&secret, now)?;
    desk.store.sign_out(&secret)?;
    let Some(account) = account else { bail!("signed out meanwhile") };
    Ok(desk.take(wish, &account, now)?)
}

fn list(out: &mut impl Write, desk: &Desk, candidates: &[Candidate], as_json: bool) -> anyhow::Result<()> {
    if as_json {
        let rows: Vec<_> = candidates.iter().map(|one| row(desk, one)).collect();
        serde_json::to_writer_pretty(&mut *out, &rows)?;
        writeln!(out)?;
        return Ok(());
    }
    for one in candidates {
        let mark = if desk.guide.against(one).is_empty() { "" } else { "\tguarded" };
        writeln!(out, "{}\t{}\t{}\t{}{mark}", one.state.code(), one.most(), one.category.code(), one.name)?;
    }
    Ok(())
}

fn row(desk: &Desk, one: &Candidate) -> serde_json::Value {
    let known = desk.guide.of(one);
    let counts = one.counts.iter().map(|count| json!({ "epoch": count.epoch, "households": count.households }));
    json!({
        "name": one.name.to_string(),
        "category": one.category.code(),
        "lane": one.lane.name(),
        "state": one.state.code(),
        "counts": counts.collect::<Vec<_>>(),
        "regions": one.regions,
        "confidence": one.confidence,
        "guess": known.guess,
        "is_listed": known.is_listed,
        "against": known.against,
    })
}

fn serve(out: &mut impl Write, surroundings: &Surroundings, listen: SocketAddr) -> anyhow::Result<()> {
    let desk = Arc::new(surroundings.desk()?);
    super::listen(out, listen, |listener| server::serve(listener, desk))
}
