//! v2fly domain-list-community source: `type:value @attribute &affiliation`, the type `domain` when none is written.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::item::{Details, EntryAction, ErrorCode, Subject};
use super::line::{self, Outcome, Sink};
use super::pattern;

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#")?;
    let mut words = line::text(line::before_hash(line))?.split_whitespace();
    let subject = subject(words.next().ok_or(ErrorCode::EmptyRule)?)?;
    let mut details = Details::default();
    for word in words {
        if let Some(attribute) = word.strip_prefix('@') {
            details.attrs.push(attribute.into());
        } else if let Some(list) = word.strip_prefix('&') {
            details.affiliations.push(list.into());
        } else {
            return Err(ErrorCode::BadChar.into());
        }
    }
    let action = if matches!(subject, Subject::Include(_)) { EntryAction::Include } else { EntryAction::Block };
    sink.entry(subject, action, details);
    Ok(())
}

fn subject(text: &str) -> Result<Subject<'_>, ErrorCode> {
    let (kind, value) = text.split_once(':').unwrap_or(("domain", text));
    if !["domain", "full", "keyword", "regexp", "include"].contains(&kind) {
        return Err(ErrorCode::UnknownType);
    }
    if value.is_empty() {
        return Err(ErrorCode::MissingValue);
    }
    match kind {
        "full" => Ok(Subject::Exact(host::name(value)?)),
        "keyword" => pattern::keyword(value),
        "regexp" => pattern::check_regex(value).map(|()| Subject::Regex(value.into())),
        "include" if is_list(value) => Ok(Subject::Include(value.into())),
        "include" => Err(ErrorCode::BadChar),
        _ => host::suffix(host::name(value)?, Tld::None),
    }
}

/// A file of the same folder, and no other: `geolocation-!cn`.
fn is_list(name: &str) -> bool {
    name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-!_".contains(&octet))
}
