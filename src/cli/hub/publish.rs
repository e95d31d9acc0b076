//! `luytre hub publish`: one authority's repository, as a folder that any web server can serve.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use jiff::Timestamp;

use crate::hub::key::{KeyError, SigningKey};
use crate::hub::lint::names_of;
use crate::hub::metadata::Metadata;
use crate::hub::publish::{Change, Days, Folder, Keys};

#[derive(Args)]
pub(in crate::cli) struct Arguments {
    /// The folder of the repository
    repository: PathBuf,
    /// Publish this root, the first or the next one
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// Publish the release that `luytre hub build` wrote to this folder
    #[arg(long, value_name = "FOLDER")]
    release: Option<PathBuf>,
    /// Take the release away: boxes keep the last good one
    #[arg(long, conflicts_with = "release")]
    no_release: bool,
    /// Take back the names in this file, one a line, alone and at once; an empty file takes none back any more
    #[arg(long, value_name = "FILE")]
    withdraw: Option<PathBuf>,
    /// Say that all is still the newest: sign the timestamp anew (every day)
    #[arg(long)]
    refresh: bool,
    /// Key for the list of files; without one, `luytre hub sign` adds the signature later
    #[arg(long, value_name = "FILE")]
    targets_key: Vec<PathBuf>,
    /// Key for the snapshot
    #[arg(long, value_name = "FILE")]
    snapshot_key: Vec<PathBuf>,
    /// Key for the timestamp
    #[arg(long, value_name = "FILE")]
    timestamp_key: Vec<PathBuf>,
    /// Days the list of files holds
    #[arg(long, default_value_t = Days::default().targets)]
    targets_days: i64,
    /// Days the snapshot holds
    #[arg(long, default_value_t = Days::default().snapshot)]
    snapshot_days: i64,
    /// Days the timestamp holds: so long can somebody hold a box back unnoticed
    #[arg(long, default_value_t = Days::default().timestamp)]
    timestamp_days: i64,
}

pub(super) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = Folder::open(&arguments.repository)?;
    if let Some(root) = &arguments.root {
        folder.add_root(&Metadata::read(root)?)?;
    }
    let read =
        |files: &[PathBuf]| files.iter().map(|file| SigningKey::read(file)).collect::<Result<Vec<_>, KeyError>>();
    let keys = Keys {
        targets: read(&arguments.targets_key)?,
        snapshot: read(&arguments.snapshot_key)?,
        timestamp: read(&arguments.timestamp_key)?,
    };
    let days = Days {
        targets: arguments.targets_days,
        snapshot: arguments.snapshot_days,
        timestamp: arguments.timestamp_days,
    };
    let withdrawn = arguments.withdraw.as_deref().map(names_of).transpose()?;
    let withdrawn = withdrawn.map(|names| names.iter().map(ToString::to_string).collect());
    let change = Change { release: arguments.release.clone(), no_release: arguments.no_release, withdrawn };
    if change.release.is_some() || change.no_release || change.withdrawn.is_some() {
        folder.publish(&change, &keys, days, Timestamp::now())?;
    } else if arguments.refresh {
        folder.refresh(&keys, days, Timestamp::now())?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn check(repository: &Path) -> anyhow::Result<ExitCode> {
    Folder::open(repository)?.check()?;
    writeln!(io::stdout(), "every file is signed as the root demands, and is what was signed")?;
    Ok(ExitCode::SUCCESS)
}
