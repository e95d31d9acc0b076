//! `luytre lists`: the knowledge, fetched, compiled and looked into.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, bail};
use jiff::Timestamp;
use serde_json::json;

use super::classify::open_bundle;
use crate::app::open_store;
use crate::app::signed::shelf_of;
use crate::classify::bundle::SourceInfo;
use crate::classify::{Bundle, Category};
use crate::clock::now_secs;
use crate::config::{Config, ListSource};
use crate::lists::compile::compile;
use crate::lists::data::Builtin;
use crate::lists::inputs::{Missing, inputs, keep};
use crate::lists::store::{Store, write_aside};
use crate::lists::trust::update::{Looking, News};
use crate::lists::update::{Outcome, update, url_of};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Fetch the lists that changed; a list that fails keeps its old text
    Update,
    /// Show each configured list, where it is from and how old it is
    Status,
    /// Compile the configured lists into the bundle that the daemon takes at its next start or reload; print what it took
    Compile {
        /// Write it there instead of to the state folder
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Show what a bundle holds
    Inspect {
        /// The bundle [default: the one in force]
        bundle: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what changed between two bundles
    Diff {
        /// The older one
        old: PathBuf,
        /// The newer one
        new: PathBuf,
    },
}

pub(super) fn run(file: Option<&Path>, command: &Command) -> anyhow::Result<ExitCode> {
    if let Command::Diff { old, new } = command {
        return diff(&*open_bundle(old)?, &*open_bundle(new)?);
    }
    if let Command::Inspect { bundle: Some(path), json } = command {
        return inspect(&*open_bundle(path)?, *json);
    }
    let (builtin, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let store = open_store(&config);
    match command {
        Command::Update => update_lists(&config, &builtin, store.as_ref()),
        Command::Status => status(&config, &builtin, store.as_ref()),
        Command::Compile { output } => compile_lists(&config, &builtin, store.as_ref(), output.as_deref()),
        Command::Inspect { json, .. } => {
            let store = store.context("without `state_dir` there is no bundle; name a file")?;
            inspect(&*open_bundle(&store.bundle())?, *json)
        }
        Command::Diff { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn update_lists(config: &Config, builtin: &Builtin, store: Option<&Store>) -> anyhow::Result<ExitCode> {
    let Some(store) = store else { bail!("without `state_dir` fetched lists cannot be kept") };
    let count = config.lists.iter().filter(|list| url_of(list, builtin).is_some()).count();
    let bar = super::bar(count);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcomes = runtime.block_on(update(config, builtin, store, now_secs(), &mut |list, _| {
        bar.set_message(list.to_string());
        bar.inc(1);
    }));
    bar.finish_and_clear();
    let (mut out, mut failed) = (io::stdout().lock(), false);
    if let Some((options, shelf)) = shelf_of(config) {
        let looking = Looking { options, shelf: &shelf, builtin, criteria: &config.criteria, now: now_secs() };
        match runtime.block_on(looking.look()) {
            Ok(News::Unchanged(version)) => writeln!(out, "signed: release {version}, unchanged")?,
            Ok(News::Waiting(version)) => writeln!(out, "signed: release {version} waits for this box's turn")?,
            Ok(News::Taken { version, fetched, by_delta }) => {
                let how = if by_delta { "what changed" } else { "whole" };
                writeln!(out, "signed: release {version} taken, {fetched} octets ({how})")?;
            }
            Err(error) => {
                failed = true;
                writeln!(out, "signed: refused ({}): {error}", error.code())?;
            }
        }
    }
    for (list, outcome) in outcomes {
        match outcome {
            Outcome::Unchanged => writeln!(out, "{list}: unchanged")?,
            Outcome::Updated(rules) => writeln!(out, "{list}: updated, {rules} rules")?,
            Outcome::Failed(why) => {
                failed = true;
                writeln!(out, "{list}: not fetched: {why}")?;
            }
            Outcome::Refused(why) => {
                failed = true;
                writeln!(out, "{list}: refused: {why}")?;
            }
        }
    }
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn status(config: &Config, builtin: &Builtin, store: Option<&Store>) -> anyhow::Result<ExitCode> {
    let (_, missing) = inputs(config, builtin, store);
    let mut out = io::stdout().lock();
    for list in &config.lists {
        let state = match (&list.source, store.and_then(|store| store.fetched(&list.name))) {
            (ListSource::Starter, _) => "built-in".to_string(),
            (ListSource::File(path), _) => format!("file {}", path.display()),
            _ if missing.contains(&Missing(list.name.clone())) => "not fetched yet".to_string(),
            (_, Some(fetched)) => {
                let at = Timestamp::from_second(i64::try_from(fetched.checked_at)?)?;
                format!("{} rules, {} octets, looked at {at}", fetched.entries, fetched.bytes)
            }
            (_, None) => "fetched, but its record is torn; the next update mends it".to_string(),
        };
        let from = url_of(list, builtin).map(|url| format!(" from {url}")).unwrap_or_default();
        writeln!(out, "{}: {state}{from}", list.name)?;
    }
    let stale = signed_status(config, &mut out)?;
    Ok(if missing.is_empty() && !stale { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is known of the signed lists; true when the last look went wrong.
fn signed_status(config: &Config, out: &mut impl Write) -> anyhow::Result<bool> {
    let Some((options, shelf)) = shelf_of(config) else { return Ok(false) };
    let state = shelf.state();
    match &state.current {
        None => writeln!(out, "signed: no release yet")?,
        Some(kept) => {
            let release = &kept.release;
            let built = Timestamp::from_second(i64::try_from(release.published)?)?;
            let signers = release.network.signers("en").join(" and ");
            writeln!(out, "signed: release {} of {built}, signed by {signers}", release.version)?;
            let entries: u64 = release.categories.values().sum();
            let taken = |part: &&str| match *part {
                "criteria" => options.criteria,
                "sealed" => options.sealed,
                _ => true,
            };
            let (taken, left): (Vec<&str>, Vec<&str>) = release.parts().into_iter().partition(taken);
            writeln!(out, "signed: {}", parts(entries, &taken, &left))?;
        }
    }
    let withdrawn: usize = state.withdrawn.iter().map(Vec::len).sum();
    if withdrawn > 0 {
        writeln!(out, "signed: {withdrawn} names taken back since")?;
    }
    if state.last.at > 0 {
        let at = Timestamp::from_second(i64::try_from(state.last.at)?)?;
        writeln!(out, "signed: looked at {at}: {}: {}", state.last.code, state.last.message)?;
    }
    Ok(!matches!(state.last.code.as_str(), "" | "ok" | "waiting"))
}

/// What a release brings, and what of it the configuration leaves out.
fn parts(entries: u64, taken: &[&str], left: &[&str]) -> String {
    let with = if taken.is_empty() { String::new() } else { format!(", with {}", taken.join(", ")) };
    let without = if left.is_empty() { String::new() } else { format!(", not taken: {}", left.join(", ")) };
    format!("{entries} entries{with}{without}")
}

fn compile_lists(
    config: &Config,
    builtin: &Builtin,
    store: Option<&Store>,
    output: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let (inputs, missing) = inputs(config, builtin, store);
    let bar = super::bar(inputs.len());
    let started = Instant::now();
    let compiled = compile(&inputs, builtin, &mut |at, name| {
        bar.set_position(at as u64);
        bar.set_message(name.to_string());
    })?;
    let took = started.elapsed();
    bar.finish_and_clear();
    match (output, store) {
        (Some(path), _) => {
            write_aside(path, &compiled.bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        (None, Some(store)) => keep(store, &inputs, &compiled.bytes).context("the state folder cannot be written")?,
        (None, None) => {}
    }
    let mut out = io::stdout().lock();
    let report = &compiled.report;
    writeln!(out, "lists         {}", inputs.len())?;
    writeln!(out, "names         {}", report.names)?;
    writeln!(out, "ranges        {}", report.ranges)?;
    writeln!(out, "urls          {}", report.urls)?;
    writeln!(out, "class sets    {}", report.sets)?;
    writeln!(out, "octets        {}", report.bytes)?;
    let of_names = report.bytes - report.url_bytes;
    writeln!(out, "octets a name {:.2}", of_names as f64 / report.names.max(1) as f64)?;
    if report.urls > 0 {
        writeln!(out, "octets a url  {:.2}", report.url_bytes as f64 / report.urls as f64)?;
    }
    writeln!(out, "seconds       {:.2}", took.as_secs_f64())?;
    if let Some(peak) = peak_memory() {
        writeln!(out, "peak memory   {peak}")?;
    }
    for list in missing {
        writeln!(out, "left out      {} (not fetched yet)", list.0)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The process's high-water mark, as the kernel words it (proc(5), VmHWM).
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(|peak| peak.trim().to_string())
}

fn inspect(bundle: &Bundle, as_json: bool) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let categories: Vec<(&str, u64, u64)> = Category::ALL
        .into_iter()
        .map(|category| (category.code(), bundle.category_names(category), bundle.category_urls(category)))
        .filter(|(_, names, urls)| names + urls > 0)
        .collect();
    if as_json {
        let value = json!({
            "names": bundle.names(), "ranges": bundle.ranges(), "urls": bundle.urls(), "sets": bundle.sets(), "octets": bundle.bytes(),
            "built_at": bundle.built_at(), "services": bundle.services().len(),
            "categories": categories.iter().map(|(code, names, _)| (code, names)).collect::<BTreeMap<_, _>>(),
            "category_urls": categories.iter().map(|(code, _, urls)| (code, urls)).collect::<BTreeMap<_, _>>(),
            "sources": bundle.sources(),
        });
        writeln!(out, "{value:#}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "names {}  ranges {}  urls {}  class sets {}  services {}  octets {}",
        bundle.names(),
        bundle.ranges(),
        bundle.urls(),
        bundle.sets(),
        bundle.services().len(),
        bundle.bytes()
    )?;
    writeln!(out, "\ncategory             names    urls")?;
    for (code, names, urls) in categories {
        writeln!(out, "{code:<18} {names:>7} {urls:>7}")?;
    }
    writeln!(
        out,
        "\nsource                           names addresses    urls skipped format           licence, categories"
    )?;
    for source in bundle.sources() {
        let skipped: u64 = source.skipped.values().sum();
        writeln!(
            out,
            "{:<30} {:>7} {:>9} {:>7} {skipped:>7} {:<16} {} {}",
            source.name,
            source.names,
            source.addresses,
            source.urls,
            source.format,
            source.licence,
            source.categories.join(",")
        )?;
        for (why, count) in &source.skipped {
            if !matches!(why.as_str(), "blank" | "comment" | "header") {
                writeln!(out, "    {count} {why}")?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn diff(old: &Bundle, new: &Bundle) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let change =
        |before: u64, after: u64| format!("{before} -> {after} ({:+})", i128::from(after) - i128::from(before));
    writeln!(out, "names {}", change(old.names(), new.names()))?;
    if old.urls() + new.urls() > 0 {
        writeln!(out, "urls {}", change(old.urls(), new.urls()))?;
    }
    for category in Category::ALL {
        for (kind, before, after) in [
            ("", old.category_names(category), new.category_names(category)),
            (" urls", old.category_urls(category), new.category_urls(category)),
        ] {
            if before != after {
                writeln!(out, "category {}{kind}: {}", category.code(), change(before, after))?;
            }
        }
    }
    diff_sources(&mut out, &by_name(old), &by_name(new))?;
    Ok(ExitCode::SUCCESS)
}

fn by_name(bundle: &Bundle) -> BTreeMap<&str, &SourceInfo> {
    bundle.sources().iter().map(|source| (source.name.as_str(), source)).collect()
}

fn diff_sources(
    out: &mut impl Write,
    before: &BTreeMap<&str, &SourceInfo>,
    after: &BTreeMap<&str, &SourceInfo>,
) -> io::Result<()> {
    // Few lists hold URLs.
    let urls = |text: String, some: u64| if some > 0 { format!(", {text} urls") } else { String::new() };
    let holds = |source: &SourceInfo| format!("{} names{}", source.names, urls(source.urls.to_string(), source.urls));
    for (name, old) in before.iter().filter(|(name, _)| !after.contains_key(*name)) {
        writeln!(out, "source {name}: gone ({})", holds(old))?;
    }
    for (name, new) in after {
        match before.get(name) {
            None => writeln!(out, "source {name}: new ({})", holds(new))?,
            Some(old) if old.sha256 == new.sha256 => {}
            Some(old) => {
                let urls = urls(format!("{} -> {}", old.urls, new.urls), old.urls + new.urls);
                writeln!(out, "source {name}: {} -> {} names{urls}", old.names, new.names)?;
            }
        }
    }
    Ok(())
}
