//! Compares luytre's transparent proxy with HAProxy, nginx, squid and e2guardian of Debian, side by side in one run.
//!
//! ```text
//! cargo build --release && sudo target/release/examples/compare-proxy
//! ```
//!
//! Each proxy has a router of its own (a network namespace) between the same clients and the same internet, holds the same
//! list and carries the same load. Rounds are interleaved, so that what disturbs the machine disturbs all. `--help` tells
//! the options. Nothing leaves the namespaces, and nothing is left behind.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod idle;
mod lab;
mod load;
mod origin;
mod peers;
mod plan;
#[path = "../compare/process.rs"]
mod process;
mod report;
mod tests;
mod web;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

#[derive(Parser)]
#[command(about = "Compares luytre's transparent proxy with others, side by side (needs root)")]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

/// What is measured, and how long.
#[derive(clap::Args, Clone)]
pub struct Run {
    /// Peers by name; all that are installed without it.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// tls, hello, bulk1, bulk8, keep, close, idle.
    #[arg(long, value_delimiter = ',', default_value = "tls,hello,bulk1,bulk8,keep,close,idle")]
    tests: Vec<String>,
    /// Interleaved rounds of each test.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in one round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Connections at a time.
    #[arg(long, default_value_t = 32)]
    window: usize,
    /// Listed names.
    #[arg(long, default_value_t = 100_000)]
    names: usize,
    /// Octets of one round of bulk, in MiB.
    #[arg(long, default_value_t = 1024)]
    mib: u64,
    /// Idle connections; fewer where a process may not have two descriptors for each.
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Seconds for which idle connections are held.
    #[arg(long, default_value_t = 10)]
    hold: u64,
    /// After so many minutes everything is stopped.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// The luytre binary.
    #[arg(long, default_value = "target/release/luytre")]
    luytre: PathBuf,
    /// luytre gets the same TPROXY rules as the others instead of its own.
    #[arg(long)]
    lab_rules: bool,
    /// Where lists, configurations, logs and results are written.
    #[arg(long, default_value = "target/compare-proxy")]
    work: PathBuf,
    /// Only removes what an interrupted run left behind.
    #[arg(long)]
    clean: bool,
}

#[derive(Subcommand)]
enum Part {
    /// The internet: web servers and a name server.
    #[command(hide = true)]
    Origin { folder: PathBuf },
    /// The clients.
    #[command(hide = true)]
    Load(load::Load),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    luytre::sys::raise_descriptor_limit();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match args.part {
        Some(Part::Origin { folder }) => runtime.block_on(origin::run(&folder)),
        Some(Part::Load(load)) => runtime.block_on(load.run()),
        None => {
            let _alone = lab::lock()?;
            lab::clear();
            if args.run.clean {
                return Ok(());
            }
            runtime.block_on(bounded(args.run))
        }
    }
}

/// The whole comparison; it ends early by a signal or when its time is over, and takes everything it started along.
async fn bounded(run: Run) -> anyhow::Result<()> {
    let minutes = Duration::from_secs(run.minutes * 60);
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let measured = tokio::task::spawn_blocking(move || tests::run(&run));
    let ended = tokio::select! {
        result = measured => Some(result.context("the measurement ended badly")),
        _ = interrupt.recv() => None,
        _ = terminate.recv() => None,
        () = tokio::time::sleep(minutes) => None,
    };
    lab::clear();
    let Some(result) = ended else {
        println!("stopped early");
        // The measuring thread waits for processes that are gone; nobody waits for it.
        std::process::exit(130);
    };
    result?
}
