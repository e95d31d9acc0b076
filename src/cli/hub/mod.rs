//! The central side's commands: one file each.

mod appeals;
mod build;
mod export;
mod feed;
mod holder;
mod key;
mod log;
mod manifest;
mod operator;
mod publish;
mod root;
mod serve;
mod sign;
mod site;
mod triage;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Subcommand;
use tokio::net::TcpListener;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a key, or show its public half
    #[command(subcommand)]
    Key(key::Command),
    /// Say who may sign: make a root, change it, look at it
    #[command(subcommand)]
    Root(root::Command),
    /// Show what speaks against proposals
    Lint(build::Checked),
    /// Make the release of a day from proposals
    Build(build::Arguments),
    /// Appeals against entries: open, decide, list
    #[command(subcommand)]
    Appeals(appeals::Command),
    /// Write proposals as other programs load them: zones, lists, the age-classified database
    Export(export::Arguments),
    /// The sealed list, at whoever may hold it: seal names, answer boxes
    #[command(subcommand)]
    Holder(holder::Command),
    /// The secrets of an operator of reports
    #[command(subcommand)]
    Operator(operator::Command),
    /// The secrets of a provider of tokens
    #[command(subcommand)]
    Issuer(operator::Issuer),
    /// Put what operators and provider announce together: to whom boxes report
    Manifest(manifest::Arguments),
    /// Take anonymous reports, as one of the four who do
    Serve(serve::Arguments),
    /// The transparency log, and its witnesses
    #[command(subcommand)]
    Log(log::Command),
    /// Sign a file of metadata, here or with a key that never leaves its token
    Sign(sign::Arguments),
    /// Write this authority's repository: a release, what is taken back, a root, or that all is still the newest
    Publish(publish::Arguments),
    /// Write the public site from the log: versions, counts, reasons, criteria, appeals; never a name
    Site(site::Arguments),
    /// The desk for what enough homes met: accounts, candidates, steps, pages
    #[command(subcommand)]
    Triage(triage::Command),
    /// What came of it, as other programs load it: STIX by TAXII, MISP, tables of the statistics
    #[command(subcommand)]
    Feed(feed::Command),
    /// Look at a repository as a box would: signatures and files
    Check {
        /// The folder of the repository
        repository: PathBuf,
    },
}

pub(super) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Holder(command) => holder::run(command),
        Command::Operator(command) => operator::run(command),
        Command::Issuer(command) => operator::run_issuer(command),
        Command::Manifest(arguments) => manifest::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Key(command) => key::run(command),
        Command::Root(command) => root::run(command),
        Command::Lint(arguments) => build::lint(arguments),
        Command::Build(arguments) => build::run(arguments),
        Command::Appeals(command) => appeals::run(command),
        Command::Export(arguments) => export::run(arguments),
        Command::Log(command) => log::run(command),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Publish(arguments) => publish::run(arguments),
        Command::Site(arguments) => site::run(arguments),
        Command::Triage(command) => triage::run(command),
        Command::Feed(command) => feed::run(command),
        Command::Check { repository } => publish::check(repository),
    }
}

/// Listens there, says where, and serves until the process ends.
fn listen<F: Future<Output = ()>>(
    out: &mut impl Write,
    addr: SocketAddr,
    serve: impl FnOnce(TcpListener) -> F,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(addr).await.with_context(|| format!("cannot listen on {addr}"))?;
        writeln!(out, "listening on {}", listener.local_addr()?)?;
        out.flush()?;
        serve(listener).await;
        anyhow::Ok(())
    })
}
