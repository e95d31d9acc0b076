//! UT1 and squidGuard folders: `domains` (names with all below them, addresses mixed in), `urls` (host and path, no
//! scheme) and `expressions` (on the URL without its scheme). None of the three has remarks.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{ErrorCode, Subject};
use super::line::{self, Outcome, Sink};
use super::pattern;
use super::url;

pub(super) fn domains(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    sink.block(domain(line::text(line)?)?);
    Ok(())
}

fn domain(text: &str) -> Result<Subject<'static>, ErrorCode> {
    let name = text.strip_prefix('.').unwrap_or(text);
    match host::name(name) {
        Ok(name) => host::suffix(name, Tld::None),
        Err(_) if text.contains('/') => Err(ErrorCode::PathInDomains),
        Err(code) => host::address(text).map(Subject::Ip).ok_or(code),
    }
}

pub(super) fn urls(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    url::block(line.trim_ascii(), false, sink)?;
    Ok(())
}

pub(super) fn expressions(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let regex = line::text(line)?;
    pattern::check_regex(regex)?;
    sink.block(Subject::UrlRegex(regex.into()));
    Ok(())
}
