//! `luytre classify`: the engine as a filter for shells and other programs. A line in, a line out, in order.

use std::fs::File;
use std::io::{self, BufRead, BufWriter, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use serde::Serialize;

use super::explain::{host_of, url_of};
use crate::app::guesser::{guesser, kept_seen};
use crate::app::{open_store, published};
use crate::classify::{Bundle, Category, Classes, Engine, Match, Url};
use crate::judge::Guessed;
use crate::lists::inputs::{inputs, load};
use crate::name::Name;
use crate::sys;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// One JSON object a line, with every matching entry
    #[arg(long)]
    json: bool,
    /// A compiled bundle [default: the lists of the configuration]
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Read from this file in place of standard input
    #[arg(value_name = "FILE")]
    input: Option<PathBuf>,
}

pub(super) fn run(file: Option<&Path>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let engine = match &arguments.bundle {
        Some(path) => Engine::new(open_bundle(path)?),
        None => {
            let (builtin, config) = match super::load(file) {
                Ok(loaded) => loaded,
                Err(code) => return Ok(code),
            };
            let store = open_store(&config);
            let inputs = inputs(&config, &builtin, store.as_ref()).0;
            Engine::new(load(&inputs, &builtin, store.as_ref(), &mut |_, _| {})?)
                .with(published(&config, &builtin))
                .guessing(guesser(&config, &builtin, kept_seen(&config)))
        }
    };
    let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    match &arguments.input {
        Some(path) => {
            let input = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
            lines(io::BufReader::with_capacity(1 << 16, input), out, &engine, arguments.json)?;
        }
        None => lines(io::stdin().lock(), out, &engine, arguments.json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Maps and checks a bundle file.
pub(super) fn open_bundle(path: &Path) -> anyhow::Result<Arc<Bundle>> {
    let storage = sys::map_file(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let bundle = Bundle::from_storage(storage).with_context(|| format!("{} is not a usable bundle", path.display()))?;
    Ok(Arc::new(bundle))
}

fn lines(mut input: impl BufRead, mut out: impl Write, engine: &Engine, json: bool) -> io::Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        // Octets that are not UTF-8 make no name; the line is answered like any other that is none.
        let text = std::str::from_utf8(line.trim_ascii()).unwrap_or("\u{fffd}");
        match Subject::read(text) {
            Some(subject) if json => write_json(&mut out, text, &subject, engine)?,
            Some(subject) => write_line(&mut out, text, &subject, engine)?,
            None if json => writeln!(out, "{}", serde_json::json!({ "name": text, "error": "not a name" }))?,
            None => writeln!(out, "{text}\t\t\t")?,
        }
        line.clear();
    }
    out.flush()
}

#[allow(clippy::large_enum_variant, reason = "lives on the stack of one line")]
enum Subject {
    Name(Name),
    Addr(IpAddr),
    Url(Url),
}

impl Subject {
    fn read(text: &str) -> Option<Subject> {
        if let Some(url) = url_of(text) {
            return Some(Subject::Url(url));
        }
        let host = host_of(text);
        // A name never ends in a digit or a bracket (RFC 3696 §2), so most lines need not be tried as addresses.
        let may_be_addr = host.ends_with(|last: char| last.is_ascii_hexdigit() || last == ']' || last == ':');
        if may_be_addr && let Ok(addr) = host.trim_matches(['[', ']']).parse() {
            return Some(Subject::Addr(addr));
        }
        Name::parse(host).ok().map(Subject::Name)
    }

    fn classify(&self, engine: &Engine) -> Classes {
        match self {
            Subject::Name(name) => engine.classify(name),
            Subject::Addr(addr) => engine.classify_addr(*addr),
            Subject::Url(url) => engine.classify_url(url.host(), url.effective_port(), &url.rest),
        }
    }

    fn matches(&self, engine: &Engine) -> Vec<Match> {
        match self {
            Subject::Name(name) => engine.matches(name),
            Subject::Addr(addr) => engine.matches_addr(*addr),
            Subject::Url(url) => engine.matches_url(url.host(), url.effective_port(), &url.rest),
        }
    }
}

/// `name TAB categories TAB evidence TAB score`: evidence is the listed name or URL, the score 1 for what is listed and 0 else.
fn write_line(out: &mut impl Write, text: &str, subject: &Subject, engine: &Engine) -> io::Result<()> {
    let classes = subject.classify(engine);
    out.write_all(text.as_bytes())?;
    let mut before = b"\t";
    for category in classes.categories.iter() {
        out.write_all(before)?;
        out.write_all(category.code().as_bytes())?;
        before = b",";
    }
    if classes.categories.is_empty() {
        out.write_all(b"\t")?;
    }
    out.write_all(b"\t")?;
    match (subject, classes.evidence) {
        (Subject::Name(name), Some(evidence)) => {
            let skip = name.label_count() - usize::from(evidence.labels);
            for (at, label) in name.labels().skip(skip).enumerate() {
                if at > 0 {
                    out.write_all(b".")?;
                }
                out.write_all(label)?;
            }
            out.write_all(b"\t1\n")
        }
        (Subject::Addr(addr), Some(_)) => writeln!(out, "{addr}\t1"),
        (Subject::Url(_), Some(_)) => {
            let matches = subject.matches(engine);
            let first = matches.iter().find(|found| !found.allow && found.in_force);
            writeln!(out, "{}\t1", first.map_or("", |found| &found.entry))
        }
        (_, None) => out.write_all(b"\t0\n"),
    }
}

#[derive(Serialize)]
struct Line<'a> {
    name: &'a str,
    categories: Vec<&'static str>,
    services: Vec<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    min_age: u8,
    evidence: Vec<Evidence>,
    score: f32,
    /// What it looks like, where nobody lists it.
    #[serde(skip_serializing_if = "Option::is_none")]
    guess: Option<Guessed>,
}

#[derive(Serialize)]
struct Evidence {
    list: String,
    entry: String,
    kind: &'static str,
    categories: Vec<&'static str>,
    in_force: bool,
    /// Under which id it is appealed, where two authorities sign it.
    #[serde(skip_serializing_if = "Option::is_none")]
    appeal: Option<String>,
}

fn is_zero(age: &u8) -> bool {
    *age == 0
}

fn write_json(out: &mut impl Write, text: &str, subject: &Subject, engine: &Engine) -> io::Result<()> {
    let classes = subject.classify(engine);
    let codes = |set: crate::classify::CategorySet| set.iter().map(Category::code).collect::<Vec<_>>();
    let evidence = subject.matches(engine).into_iter().map(|found| Evidence {
        kind: if found.allow { "allow" } else { "block" },
        categories: codes(found.categories),
        appeal: found.appeal().map(|id| id.to_string()),
        list: found.source,
        entry: found.entry,
        in_force: found.in_force,
    });
    let line = Line {
        name: text,
        categories: codes(classes.categories),
        services: classes.services.iter().filter_map(|id| engine.bundle().service_name(id)).collect(),
        min_age: classes.min_age,
        evidence: evidence.collect(),
        score: if classes.evidence.is_some() { 1.0 } else { 0.0 },
        guess: match subject {
            Subject::Name(name) => engine.guess(name).map(|guess| Guessed::of(&guess, name, engine.guesser())),
            Subject::Addr(_) | Subject::Url(_) => None,
        },
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
