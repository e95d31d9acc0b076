//! Unbound configuration: `local-zone` and `local-data`. Everything else configures the resolver it was written for.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink, Skip};
use super::record::{self, Data};

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let mut rest = line::text(line::not_comment(line, b"#")?)?;
    let mut key = keyword(&mut rest)?;
    while SECTIONS.contains(&key) {
        if word(&mut { rest })?.is_none() {
            return Err(Ignored::Section.into());
        }
        key = keyword(&mut rest)?;
    }
    match key {
        "local-zone" => zone(rest, sink),
        "local-data" => data(rest, sink),
        _ => Err(Ignored::OtherDirective.into()),
    }
}

/// Heads of parts, of unbound.conf(5). What follows one may stand on the same line.
const SECTIONS: [&str; 13] = [
    "server",
    "forward-zone",
    "stub-zone",
    "auth-zone",
    "view",
    "remote-control",
    "rpz",
    "python",
    "dynlib",
    "cachedb",
    "dnscrypt",
    "dnstap",
    "ipset",
];

/// Cuts `keyword:` off.
fn keyword<'t>(rest: &mut &'t str) -> Result<&'t str, ErrorCode> {
    let (key, after) = rest.split_once(':').ok_or(ErrorCode::UnknownType)?;
    let key = key.trim();
    if key.is_empty() || !key.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-') {
        return Err(ErrorCode::UnknownType);
    }
    *rest = after;
    Ok(key)
}

/// Cuts the next word off; a quoted one may hold blanks. `None` at the end and at a remark.
fn word<'t>(rest: &mut &'t str) -> Result<Option<&'t str>, ErrorCode> {
    let text = rest.trim_start();
    let Some(first) = text.chars().next().filter(|first| *first != '#') else {
        return Ok(None);
    };
    let (word, after) = match first {
        '"' | '\'' => {
            let inside = text.strip_prefix(first).unwrap_or(text);
            inside.split_once(first).ok_or(ErrorCode::UnclosedQuote)?
        }
        _ => text.split_once(char::is_whitespace).unwrap_or((text, "")),
    };
    *rest = after;
    Ok(Some(word))
}

fn zone(mut rest: &str, sink: &mut Sink<'_>) -> Outcome {
    let name = word(&mut rest)?.ok_or(ErrorCode::MissingValue)?;
    let kind = word(&mut rest)?.ok_or(ErrorCode::MissingType)?;
    let action = action(kind)?;
    if name == "." {
        return Err(ErrorCode::MatchesEverything.into());
    }
    sink.rule(host::suffix(host::name(name)?, Tld::None)?, action);
    Ok(())
}

fn action(kind: &str) -> Result<EntryAction<'static>, Skip> {
    Ok(match kind {
        "always_nxdomain" | "static" => EntryAction::Nxdomain,
        "always_null" => EntryAction::Block,
        "always_nodata" => EntryAction::Nodata,
        "always_refuse" | "refuse" => EntryAction::Refuse,
        "always_deny" | "deny" | "inform_deny" => EntryAction::Drop,
        "redirect" | "inform_redirect" => EntryAction::Redirect,
        "always_transparent" | "transparent" | "typetransparent" => EntryAction::Allow,
        // They log, or shape what the resolver adds of its own accord; the answer stays what it is.
        "inform" | "nodefault" | "noview" | "block_a" | "ipset" => return Err(Ignored::OtherDirective.into()),
        _ => return Err(ErrorCode::UnknownType.into()),
    })
}

fn data(mut rest: &str, sink: &mut Sink<'_>) -> Outcome {
    let record = word(&mut rest)?.ok_or(ErrorCode::MissingValue)?;
    let mut words = record.split_ascii_whitespace();
    let owner = words.next().ok_or(ErrorCode::NoName)?;
    let action = match record::data(words)? {
        Data::Address(ip) => record::answer(ip),
        Data::Alias(target) => record::alias(target)?,
        Data::Start | Data::Other => return Err(Ignored::OtherRecord.into()),
    };
    sink.rule(Subject::LocalData(host::name(owner)?), action);
    Ok(())
}
