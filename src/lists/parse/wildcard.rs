//! Asterisk lists: names and patterns, one a line, as dnscrypt-proxy reads them.

use super::domains;
use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{ErrorCode, Subject};
use super::line::{self, Outcome, Sink};
use super::pattern;

pub(super) fn line(line: &[u8], options: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, domains::MARKS)?;
    let text = line::text(line::before_remark(line))?;
    if let Some(name) = text.strip_prefix('=') {
        sink.block(Subject::Exact(host::name(name)?));
        return Ok(());
    }
    let below = text.strip_prefix("*.").unwrap_or(text);
    // A slash or a bracket in front: a URL or an IPv6 address that strayed in.
    if below.contains(WILD) && !below.contains('/') && !below.starts_with('[') {
        sink.block(glob(text)?);
        return Ok(());
    }
    domains::read(text, options, Tld::New, sink)
}

const WILD: [char; 4] = ['*', '?', '[', ']'];

/// A pattern on the whole name.
pub(super) fn glob(text: &str) -> Result<Subject<'_>, ErrorCode> {
    pattern::check_glob(text, &WILD, Tld::New)?;
    Ok(Subject::Glob(text.into()))
}
