//! Patterns on names: asterisk patterns and regular expressions, checked before anybody relies on them.

use std::borrow::Cow;

use regex::RegexBuilder;

use super::host::{self, Tld};
use super::item::{ErrorCode, Subject};

/// Octets a compiled expression may take: a repetition bomb stops here within milliseconds. A guess, far above what real
/// lists need.
const REGEX_OCTETS_MAX: usize = 1 << 20;

/// Checks an asterisk pattern made of the characters of names and of those in `wild`. Refuses what covers everything or,
/// once the edges are taken away, a whole suffix (`*com`, `*.co.uk`).
pub(super) fn check_glob(glob: &str, wild: &[char], tld: Tld) -> Result<(), ErrorCode> {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if !glob.chars().all(|letter| plain(letter) || wild.contains(&letter)) {
        return Err(ErrorCode::BadChar);
    }
    if glob.contains("..") {
        return Err(ErrorCode::EmptyLabel);
    }
    let core = glob.trim_matches(|letter| letter == '.' || wild.contains(&letter));
    if core.is_empty() {
        return Err(ErrorCode::MatchesEverything);
    }
    if let Ok(name) = host::name(core) {
        host::guard(&name, tld)?;
    }
    Ok(())
}

/// Names that hold this text. Refuses what most names hold: the end of a whole suffix.
pub(super) fn keyword(text: &str) -> Result<Subject<'_>, ErrorCode> {
    check_glob(text, &[], Tld::New)?;
    Ok(Subject::Keyword(lower(text)))
}

/// Lower case, without a copy where it is already.
pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|octet| octet.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// Checks that an expression compiles, in the linear-time engine, and does not match just anything.
pub(super) fn check_regex(regex: &str) -> Result<(), ErrorCode> {
    let built = RegexBuilder::new(regex).case_insensitive(true).size_limit(REGEX_OCTETS_MAX).build();
    let built = match built {
        Ok(built) => built,
        Err(_) if needs_backtracking(regex) => return Err(ErrorCode::RegexUnsupported),
        Err(_) => return Err(ErrorCode::RegexInvalid),
    };
    if built.is_match("") || ANYTHING.iter().all(|host| built.is_match(host)) {
        return Err(ErrorCode::MatchesEverything);
    }
    Ok(())
}

/// Hosts without a character in common but dot and slash: an expression that is found in all three is found anywhere.
const ANYTHING: [&str; 3] = ["qz.xk/", "7-0.wv/", "bd.fm/"];

/// True when an expression that did not compile uses what only a backtracking engine has. Asked only then, so a mark inside
/// a character class, which does compile, is not mistaken for one.
fn needs_backtracking(regex: &str) -> bool {
    let mut rest = regex;
    while let Some(at) = rest.find(['\\', '(']) {
        rest = rest.get(at..).unwrap_or_default();
        if ["(?=", "(?!", "(?<=", "(?<!", "(?>"].iter().any(|mark| rest.starts_with(mark)) {
            return true;
        }
        let mut letters = rest.chars();
        let escaped = letters.next() == Some('\\');
        if escaped && matches!(letters.next(), Some('1'..='9' | 'k')) {
            return true;
        }
        rest = letters.as_str();
    }
    false
}
