//! `luytre explain`: the policy simulator. Asks the same judge as the doors, for any profile or age, at any time.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail};
use jiff::Timestamp;
use jiff::civil::DateTime;

use crate::app::guesser::{guesser, kept_seen};
use crate::app::{open_store, published, snapshot};
use crate::classify::{Category, Engine, Url, UrlHost};
use crate::clock::now_secs;
use crate::config::Config;
use crate::judge::{Explanation, Guessed, Snapshot};
use crate::lists::inputs::{inputs, load};
use crate::name::Name;
use crate::policy::{Age, Band, Grant, Granted, Moment, Profile, ProfileInput, Selector};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A name or a URL
    name: String,
    /// For this profile [default: the one of unknown clients]
    #[arg(long = "as", value_name = "PROFILE", conflicts_with = "age")]
    profile: Option<String>,
    /// For a child of this age without rules of its own
    #[arg(long, value_name = "YEARS")]
    age: Option<u8>,
    /// At this time: 2026-11-24T21:30 on the household's clock, or with an offset [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    what_if: WhatIf,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What may hold for a while, to try it out.
#[derive(clap::Args)]
struct WhatIf {
    /// As if the profile were paused for an hour
    #[arg(long)]
    paused: bool,
    /// As if this were granted for an hour: a name, a category, a service, "everything", or "time" (no schedules, no budgets)
    #[arg(long, value_name = "WHAT")]
    granted: Vec<String>,
    /// As if this budget of the profile were used up
    #[arg(long, value_name = "BUDGET")]
    spent: Vec<String>,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (builtin, config) = match super::load(file) {
        Ok(loaded) => loaded,
        Err(code) => return Ok(code),
    };
    let url = url_of(&arguments.name);
    let name = match url.as_ref().map(|url| &url.host) {
        Some(UrlHost::Name(name)) => name.clone(),
        Some(UrlHost::Addr(_)) => bail!("{:?} names no host but an address", arguments.name),
        None => Name::parse(host_of(&arguments.name)).with_context(|| format!("{:?} is not a name", arguments.name))?,
    };
    let store = open_store(&config);
    let (inputs, _) = inputs(&config, &builtin, store.as_ref());
    let bundle = load(&inputs, &builtin, store.as_ref(), &mut |_, _| {})?;
    let engine =
        Engine::new(bundle).with(published(&config, &builtin)).guessing(guesser(&config, &builtin, kept_seen(&config)));
    let snapshot = snapshot(&config, engine, &builtin, now_secs());
    let moment = moment(arguments.at.as_deref(), &config, &snapshot)?;
    let mut profile = match (&arguments.profile, arguments.age) {
        (Some(name), _) => match snapshot.profile_named(name) {
            Some(profile) => profile.clone(),
            None => bail!("there is no profile {name:?}"),
        },
        (None, Some(age)) => {
            let input = ProfileInput::new(&format!("age {age}"), Age::Band(Band::from_age(age)));
            Profile::compile(&input, &config.criteria, snapshot.infrastructure, moment.local.year())
        }
        (None, None) => snapshot.profile(snapshot.clients.strangers()).clone(),
    };
    arguments.what_if.put(&mut profile, &snapshot, &moment)?;
    let explanation = snapshot.explain(&profile, &name, url.as_ref(), &moment);
    let mut out = io::stdout().lock();
    if arguments.json {
        serde_json::to_writer_pretty(&mut out, &explanation)?;
        writeln!(out)?;
    } else {
        write_text(&mut out, &explanation)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// How long what is tried out holds.
const HOUR_SECS: i64 = 3600;

impl WhatIf {
    fn put(&self, profile: &mut Profile, snapshot: &Snapshot, moment: &Moment) -> anyhow::Result<()> {
        let until = moment.unix_secs.saturating_add(HOUR_SECS);
        if self.paused {
            profile.temporary.paused_until = Some(until);
        }
        for text in &self.granted {
            let what = granted(text, snapshot)?;
            profile.temporary.grants.push(Grant { what, until });
        }
        for name in &self.spent {
            let found = profile.budgets(moment.local.date()).find(|budget| budget.name == *name);
            let Some(budget) = found else { bail!("{} has no budget {name:?} on that day", profile.name) };
            let bit = 1 << budget.position;
            profile.temporary.spent |= bit;
        }
        Ok(())
    }
}

fn granted(text: &str, snapshot: &Snapshot) -> anyhow::Result<Granted> {
    if text == "time" {
        return Ok(Granted::Time);
    }
    let category = || Category::from_code(text).map(Selector::Category);
    let service = || snapshot.engine.bundle().service_id(text).map(Selector::Service);
    let everything = (text == "everything").then_some(Selector::Everything);
    if let Some(selector) = everything.or_else(category).or_else(service) {
        return Ok(Granted::Selector(selector));
    }
    Name::parse(text)
        .map(Box::new)
        .map(Granted::Name)
        .with_context(|| format!("{text:?} is no name, category or service"))
}

/// The URL, if it is one with a scheme, a path or a query.
pub(super) fn url_of(text: &str) -> Option<Url> {
    if text.contains(['/', '?']) { Url::read(text.as_bytes()).ok() } else { None }
}

/// The host of what is no URL that can be taken apart; a bare name is its own.
pub(super) fn host_of(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#']).next().unwrap_or(text);
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|octet| octet.is_ascii_digit()) => host,
        _ => text,
    }
}

fn moment(at: Option<&str>, config: &Config, snapshot: &Snapshot) -> anyhow::Result<Moment> {
    let Some(text) = at else { return Ok(snapshot.moment(i64::try_from(now_secs())?)) };
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(snapshot.moment(at.as_second()));
    }
    let local: DateTime = text.parse().with_context(|| format!("{text:?} is not a time (2026-11-24T21:30)"))?;
    let zoned = config.time_zone.to_ambiguous_zoned_datetime(local).compatible()?;
    Ok(Moment { unix_secs: zoned.timestamp().as_second(), local })
}

fn write_guess(out: &mut impl Write, guess: &Guessed) -> io::Result<()> {
    if let Some(imitated) = &guess.imitates {
        return writeln!(out, "  pretends to be {imitated} ({})", guess.by);
    }
    let (margin, needed) = guess.margin.unwrap_or_default();
    let new = if guess.is_new == Some(true) { "new here, " } else { "" };
    let nats = |margin: i32| f64::from(margin) / 1024.0;
    let (category, margin, needed) = (guess.category, nats(margin), nats(needed));
    writeln!(out, "  looks like    {category} ({new}{margin:.1} nats, {needed:.1} needed)")?;
    let grams: Vec<String> = guess.grams.iter().map(|(text, weight)| format!("{text} {:+.1}", nats(*weight))).collect();
    writeln!(out, "  because of    {}", grams.join(", "))
}

fn write_text(out: &mut impl Write, found: &Explanation) -> io::Result<()> {
    let why = &found.reason;
    let asked = found.url.as_ref().unwrap_or(&found.name);
    writeln!(out, "{asked}: {} for {} ({}) at {}", found.verdict, found.profile, found.band, found.at)?;
    if let Some(target) = &found.target {
        writeln!(out, "  answered as   {target}")?;
    }
    for entry in &found.matches {
        let lifted = if entry.in_force { "" } else { " (lifted)" };
        let verb = if entry.kind == "allow" { "lifts" } else { "says" };
        writeln!(
            out,
            "  list          {}: {} {verb} {}{lifted}",
            entry.list,
            entry.entry,
            entry.categories.join(", ")
        )?;
        if let Some(appeal) = &entry.appeal {
            writeln!(out, "  appeal        {appeal}")?;
        }
    }
    if let Some(guess) = &found.guess {
        write_guess(out, guess)?;
    }
    writeln!(out, "  decided by    {}", why.step)?;
    if let Some(category) = why.category {
        writeln!(out, "  category      {category}")?;
    }
    if let (Some(id), Some(title)) = (&why.criterion, &why.title) {
        writeln!(out, "  criterion     {id}: {} / {}", title.vi, title.en)?;
    }
    if let Some(schedule) = &why.schedule {
        writeln!(out, "  schedule      {schedule}")?;
    }
    if let Some(budget) = &why.budget {
        writeln!(out, "  budget        {budget}")?;
    }
    if let Some(until) = &why.until {
        writeln!(out, "  until         {until}")?;
    }
    if !found.budgets.is_empty() {
        writeln!(out, "  counts for    {}", found.budgets.join(", "))?;
    }
    if found.strips_ech {
        writeln!(out, "  https records without Encrypted Client Hello (`strip_ech`)")?;
    }
    if found.guards_rebinding {
        writeln!(out, "  answers that lead to addresses of the household are refused (`rebinding_protection`)")?;
    }
    if let Some(by) = &found.connections {
        let rejects = |is_on: bool| if is_on { "rejected" } else { "allowed" };
        writeln!(out, "  QUIC          {} (`quic`)", by.quic)?;
        writeln!(out, "  addresses that no answer gave    {} (`nameless`)", by.nameless)?;
        writeln!(out, "  names of another address         {} (`unexplained`)", by.unexplained)?;
        writeln!(out, "  hidden names (ECH)               {} (`strip_ech`)", rejects(by.blocks_hidden_names))?;
        writeln!(
            out,
            "  DNS over TLS and QUIC            {} (`block_encrypted_dns`)",
            rejects(by.blocks_encrypted_dns)
        )?;
        writeln!(out, "  VPN, Tor and proxies             {} (`block_tunnels`)", rejects(by.blocks_tunnels))?;
    }
    writeln!(out, "  changed by    {}", why.who_can_change)
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn hosts_of_urls() {
        for text in
            ["x.example", "https://x.example/a?b#c", "http://u:p@x.example:8080/", "x.example:53", "x.example/a"]
        {
            assert_eq!(host_of(text), "x.example", "{text}");
        }
    }
}
