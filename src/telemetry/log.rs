//! Log lines to stderr, for systemd's journal or a terminal.

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::Log;

/// Starts logging. A second call changes nothing.
pub fn start(log: &Log) {
    // Libraries log questions and answers at INFO and below; a name must not get out that way.
    let targets = Targets::new().with_default(Level::ERROR).with_target("luytre", LevelFilter::from(log.level));
    let text = fmt::layer().with_writer(io::stderr).with_target(false).with_ansi(io::stderr().is_terminal());
    let layer = if log.json {
        fmt::layer().with_writer(io::stderr).json().flatten_event(true).boxed()
    } else if std::env::var_os("JOURNAL_STREAM").is_some() {
        // The journal stamps lines itself.
        text.without_time().boxed()
    } else {
        text.boxed()
    };
    let _ = tracing_subscriber::registry().with(layer.with_filter(targets)).try_init();
}
