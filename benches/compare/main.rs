//! Compares luytre with other filtering resolvers of Debian, side by side in one run.
//!
//! ```text
//! cargo build --release && cargo run --release --example compare -- --data FOLDER
//! ```
//!
//! Every server forwards to the same local authority, holds the same list and answers the same questions. Rounds are
//! interleaved, so that what disturbs the machine disturbs all. `--help` tells the options.
#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod data;
mod load;
mod peers;
mod process;
mod report;
mod servers;
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Compares luytre with other filtering resolvers, side by side")]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    run: Run,
}

/// What is measured, and how long.
#[derive(clap::Args, Clone)]
pub struct Run {
    /// Sizes of the list.
    #[arg(long, value_delimiter = ',', default_value = "1000000")]
    names: Vec<usize>,
    /// Peers by name; all that are installed without it.
    #[arg(long, value_delimiter = ',')]
    peers: Vec<String>,
    /// start, cpu, latency, change, tcp, threads.
    #[arg(long, value_delimiter = ',', default_value = "start,cpu,latency,change,tcp,threads")]
    tests: Vec<String>,
    /// Interleaved rounds of each test.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of load in one round.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Questions a second for latencies.
    #[arg(long, default_value_t = 40_000)]
    rate: u64,
    /// Folder with lists/big/union.domains.zst and toplist/allowed.tsv.zst; without it names are made up.
    #[arg(long)]
    data: Option<PathBuf>,
    /// The luytre binary.
    #[arg(long, default_value = "target/release/luytre")]
    luytre: PathBuf,
    /// Where lists, configurations and results are written.
    #[arg(long, default_value = "target/compare")]
    work: PathBuf,
}

#[derive(Subcommand)]
enum Part {
    /// The authority everybody forwards to.
    #[command(hide = true)]
    Authority { addr: SocketAddr },
    /// The floor: every datagram goes back with QR set.
    #[command(hide = true)]
    Echo { addr: SocketAddr, threads: usize },
    /// The load.
    #[command(hide = true)]
    Load(load::Load),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match args.part {
        Some(Part::Authority { addr }) => servers::authority(addr),
        Some(Part::Echo { addr, threads }) => servers::echo(addr, threads),
        Some(Part::Load(load)) => load.run(),
        None => tests::run(&args.run),
    }
}
