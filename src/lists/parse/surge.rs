//! Rules of Surge, Clash and Quantumult: `kind,value[,action[,option]]`, in a Clash file as an item of YAML.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::ips;
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink, Skip};
use super::pattern;
use super::wildcard;

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#;")?;
    let text = line::text(line::before_remark(line))?;
    if text.starts_with("//") {
        return Err(Ignored::Comment.into());
    }
    let text = item(text.split_once(" //").map_or(text, |(rule, _)| rule).trim_end());
    if text.starts_with('[') && text.ends_with(']') {
        return Err(Ignored::Section.into());
    }
    let (kind, rest) = text.split_once(',').unwrap_or((text, ""));
    let kind = Kind::read(kind.trim_end())?;
    let (value, action) = kind.cut(rest.trim());
    if value.is_empty() {
        return Err(ErrorCode::MissingValue.into());
    }
    let action = read_action(action)?;
    sink.rule(kind.subject(value)?, action);
    Ok(())
}

/// What a YAML list item holds; the text itself when it is none.
fn item(text: &str) -> &str {
    let Some(item) = text.strip_prefix("- ") else { return text };
    let item = item.trim();
    let quoted = ['"', '\''].iter().find_map(|quote| item.strip_prefix(*quote)?.strip_suffix(*quote));
    quoted.unwrap_or(item)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Exact,
    Suffix,
    Keyword,
    Glob,
    Regex,
    Network,
    UrlRegex,
}

impl Kind {
    fn read(word: &str) -> Result<Kind, Skip> {
        if word.ends_with(':') {
            return Err(Ignored::OtherDirective.into());
        }
        Ok(match word.to_ascii_uppercase().as_str() {
            "DOMAIN" | "HOST" => Kind::Exact,
            "DOMAIN-SUFFIX" | "HOST-SUFFIX" => Kind::Suffix,
            "DOMAIN-KEYWORD" | "HOST-KEYWORD" => Kind::Keyword,
            "DOMAIN-WILDCARD" | "HOST-WILDCARD" => Kind::Glob,
            "DOMAIN-REGEX" => Kind::Regex,
            "IP-CIDR" | "IP-CIDR6" | "IP6-CIDR" => Kind::Network,
            "URL-REGEX" => Kind::UrlRegex,
            word if OTHERS.contains(&word) => return Err(Ignored::OtherDirective.into()),
            _ => return Err(ErrorCode::UnknownType.into()),
        })
    }

    /// Value and action. An expression may hold commas of its own, so only a word of capitals behind its last one counts.
    fn cut(self, rest: &str) -> (&str, &str) {
        let cut = match self {
            Kind::Regex | Kind::UrlRegex => rest.rsplit_once(',').filter(|(_, last)| is_action(last.trim())),
            _ => rest.split_once(','),
        };
        let (value, options) = cut.unwrap_or((rest, ""));
        let action = options.split(',').map(str::trim).find(|option| !OPTIONS.contains(option));
        (value.trim().trim_matches('"'), action.unwrap_or_default())
    }

    fn subject(self, value: &str) -> Result<Subject<'_>, ErrorCode> {
        match self {
            Kind::Exact => Ok(Subject::Exact(host::name(value)?)),
            Kind::Suffix => host::suffix(host::name(value.strip_prefix('.').unwrap_or(value))?, Tld::None),
            Kind::Keyword => pattern::keyword(value),
            Kind::Glob => wildcard::glob(value),
            Kind::Regex => pattern::check_regex(value).map(|()| Subject::Regex(value.into())),
            Kind::Network => ips::network(value),
            Kind::UrlRegex => pattern::check_regex(value).map(|()| Subject::UrlRegex(value.into())),
        }
    }
}

/// Kinds that say nothing of names and addresses, or name another list.
const OTHERS: [&str; 26] = [
    "USER-AGENT",
    "PROCESS-NAME",
    "PROCESS-PATH",
    "GEOIP",
    "GEOSITE",
    "IP-ASN",
    "SRC-GEOIP",
    "SRC-IP",
    "SRC-IP-CIDR",
    "SRC-PORT",
    "DST-PORT",
    "DEST-PORT",
    "IN-PORT",
    "IN-TYPE",
    "PROTOCOL",
    "NETWORK",
    "SCRIPT",
    "SUBNET",
    "AND",
    "OR",
    "NOT",
    "RULE-SET",
    "DOMAIN-SET",
    "FINAL",
    "MATCH",
    "PAYLOAD",
];

const OPTIONS: [&str; 4] = ["", "no-resolve", "extended-matching", "pre-matching"];

fn is_action(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_alphabetic() || octet == b'-')
}

/// A rule without action stands in a list that is blocked as a whole. Any action but these routes, and blocks nothing.
fn read_action(word: &str) -> Result<EntryAction<'static>, Ignored> {
    let word = word.to_ascii_uppercase();
    match word.as_str() {
        "" => Ok(EntryAction::Block),
        "DIRECT" => Ok(EntryAction::Allow),
        word if word.starts_with("REJECT") => Ok(EntryAction::Block),
        _ => Err(Ignored::OtherDirective),
    }
}
