//! Feeds of URLs, phishing for the most part: one URL a line, some of them defanged, with uBlacklist patterns and adblock
//! rules among them.

use std::borrow::Cow;

use super::adblock;
use super::domains;
use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{ErrorCode, Subject};
use super::line::{self, Outcome, Sink};
use super::url;

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, domains::MARKS)?;
    if line.starts_with(b"||") || line.starts_with(b"@@") {
        return adblock::rule(line::text(line)?, sink);
    }
    match std::str::from_utf8(line) {
        Ok(text) if let Some(subject) = match_pattern(text) => sink.block(subject?),
        Ok(text) => url::block(fanged(text).as_bytes(), true, sink)?,
        Err(_) => url::block(line, true, sink)?,
    }
    Ok(())
}

/// `*://*.name/*`: a match pattern as browsers' extensions know it. `None` for a plain URL.
fn match_pattern(text: &str) -> Option<Result<Subject<'static>, ErrorCode>> {
    let (scheme, rest) = text.split_once("://")?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, "*"));
    (scheme == "*" || host.contains('*')).then(|| whole_host(host, path))
}

fn whole_host(host: &str, path: &str) -> Result<Subject<'static>, ErrorCode> {
    match (host, host.strip_prefix("*.")) {
        ("", _) => Err(ErrorCode::NoHost),
        _ if path != "*" => Err(ErrorCode::PathRule),
        ("*", _) => Err(ErrorCode::MatchesEverything),
        (_, Some(name)) => host::suffix(host::name(name)?, Tld::None),
        (_, None) => Ok(Subject::Exact(host::name(host)?)),
    }
}

/// Undoes what people do to a URL to keep others from following it.
fn fanged(text: &str) -> Cow<'_, str> {
    let head = text.get(..4).filter(|head| head.eq_ignore_ascii_case("hxxp"));
    let dotted = |text: &str| text.replace("[.]", ".").replace("[:]", ":");
    match head.and_then(|_| text.get(4..)) {
        Some(rest) => format!("http{}", dotted(rest)).into(),
        None if text.contains("[.]") || text.contains("[:]") => dotted(text).into(),
        None => text.into(),
    }
}
