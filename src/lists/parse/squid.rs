//! Squid `dstdomain` lists: a leading dot means the name and all below it, none means the name alone.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink};

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#")?;
    let text = line::text(line::before_hash(line))?;
    // The one option of the list: do not look up names by address.
    if text == "-n" {
        return Err(Ignored::OtherDirective.into());
    }
    sink.block(subject(text)?);
    Ok(())
}

fn subject(text: &str) -> Result<Subject<'static>, ErrorCode> {
    match (text.strip_prefix('.'), host::address(text)) {
        (Some(name), _) => host::suffix(host::name(name)?, Tld::None),
        (None, Some(ip)) => Ok(Subject::Ip(ip)),
        (None, None) => Ok(Subject::Exact(host::name(text)?)),
    }
}
