//! Adblock rules, in the dialect of AdGuard's DNS filter. Rules on hosts count, and rules on paths that start at a host;
//! what hides parts of a page or asks for what nobody here can see is named and left, never turned into a rule on the
//! whole host.

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::hosts;
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink};
use super::modifiers::{self, Modifiers};
use super::pattern;
use super::url;
use crate::classify::url::{Url, UrlHost};

/// A list being read.
#[derive(Default)]
pub(super) struct Rules {
    /// How many `!#if` are open.
    depth: u32,
    /// The line of the outermost of them.
    opened: u64,
}

impl Rules {
    pub(super) fn line(&mut self, line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
        let line = line.trim_ascii();
        if line.starts_with(b"!") {
            return Err(self.remark(line, sink.line()).into());
        }
        // Whether the condition holds is a question to a browser.
        if self.depth > 0 {
            return Err(Ignored::Directive.into());
        }
        let text = line::text(line)?;
        if let Some(why) = not_a_rule(text) {
            return Err(why.into());
        }
        if let Some(hosts) = as_hosts(text) {
            return hosts::read(hosts, sink);
        }
        if is_cosmetic(text) {
            return Err(Ignored::Cosmetic.into());
        }
        rule(text, sink)
    }

    /// The line of an `!#if` still open.
    pub(super) fn unclosed(&self) -> Option<u64> {
        (self.depth > 0).then_some(self.opened)
    }

    fn remark(&mut self, line: &[u8], number: u64) -> Ignored {
        if line.starts_with(b"!#if") {
            if self.depth == 0 {
                self.opened = number;
            }
            self.depth = self.depth.saturating_add(1);
        } else if line.starts_with(b"!#endif") {
            self.depth = self.depth.saturating_sub(1);
        }
        if line.starts_with(b"!#") && line.get(2).is_some_and(u8::is_ascii_alphabetic) || line.starts_with(b"!+") {
            Ignored::Directive
        } else {
            Ignored::Comment
        }
    }
}

fn not_a_rule(text: &str) -> Option<Ignored> {
    let bracketed = text.starts_with('[') && text.ends_with(']');
    if bracketed && host::address_and_port(text).is_none() {
        return Some(Ignored::Header);
    }
    let after = text.strip_prefix('#')?;
    let rule = is_cosmetic(text) && !after.trim_start_matches('#').is_empty() && !after.starts_with("##");
    let heading = after.strip_prefix('#').is_some_and(|after| after.starts_with(char::is_whitespace));
    if rule && !heading { None } else { Some(Ignored::Comment) }
}

/// An address with names behind it, as in a hosts file, without its remark.
fn as_hosts(text: &str) -> Option<&str> {
    let hosts = text.split('#').next().unwrap_or(text);
    let (address, names) = hosts.split_once(char::is_whitespace)?;
    host::address(address.split('%').next().unwrap_or(address))?;
    (!names.trim().is_empty()).then_some(hosts)
}

/// `##` and its family, or `$$`, right behind names or nothing.
fn is_cosmetic(text: &str) -> bool {
    let head = text.split(char::is_whitespace).next().unwrap_or(text);
    if head.starts_with(['/', '|']) {
        return false;
    }
    let html = head.split_once("$$").or_else(|| head.split_once("$@$"));
    if html.is_some_and(|(_, after)| after.starts_with(|letter: char| letter.is_ascii_alphabetic())) {
        return true;
    }
    let mut rest = head;
    while let Some((_, after)) = rest.split_once('#') {
        if after.strip_prefix('@').unwrap_or(after).trim_start_matches(['?', '$', '%']).starts_with('#') {
            return true;
        }
        rest = after;
    }
    false
}

/// Reads one rule; feeds of URLs hold such lines too.
pub(super) fn rule(text: &str, sink: &mut Sink<'_>) -> Outcome {
    let (exception, text) = text.strip_prefix("@@").map_or((false, text), |text| (true, text));
    let (pattern, modifiers) = cut(text);
    let Modifiers { details, answer } = modifiers::read(modifiers)?;
    let action = match (exception, answer) {
        (false, None) => EntryAction::Block,
        (false, Some(answer)) => answer,
        (true, None) => EntryAction::Allow,
        // Takes back other rules' answers, and would allow more here.
        (true, Some(_)) => return Err(Ignored::UnsupportedModifier.into()),
    };
    sink.entry(subject(pattern.trim_end())?, action, details);
    Ok(())
}

/// Pattern and modifiers. Neither a name nor a pattern on names holds a `$`; an expression may.
fn cut(rule: &str) -> (&str, &str) {
    let at = match (rule.starts_with('/'), rule.ends_with('/')) {
        (true, true) => None,
        (true, false) => rule.rfind("/$").map(|slash| slash.saturating_add(1)).or_else(|| rule.rfind('$')),
        (false, _) => rule.find('$'),
    };
    let (pattern, modifiers) = at.and_then(|at| rule.split_at_checked(at)).unwrap_or((rule, ""));
    (pattern, modifiers.strip_prefix('$').unwrap_or(modifiers))
}

/// Where a pattern must start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Start {
    /// `||`: at a label.
    Label,
    /// `|`: where the name starts.
    Name,
    /// `://`: the same, written as part of a URL.
    Scheme,
    /// Anywhere.
    Free,
}

fn subject(pattern: &str) -> Result<Subject<'_>, ErrorCode> {
    if let Some(regex) = pattern.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
        return expression(regex);
    }
    let (start, rest) = cut_start(pattern);
    let (core, ended) = cut_end(rest);
    if core.is_empty() {
        return Err(ErrorCode::EmptyRule);
    }
    if core.contains(char::is_whitespace) {
        return Err(ErrorCode::BadChar);
    }
    match host::address_and_port(core) {
        Some((ip, None)) => return Ok(Subject::Ip(ip)),
        Some((_, Some(_))) => return on_url(start, rest, core),
        None if core.contains(OF_URLS) => return on_url(start, rest, core),
        None => {}
    }
    if let Some(name) = core.strip_prefix("*.").filter(|name| start != Start::Scheme && !is_open(name, ended)) {
        return host::subdomains(host::name(name)?, Tld::New);
    }
    if is_open(core, ended) {
        return glob(pattern, core);
    }
    match (start, core.strip_prefix('.')) {
        (Start::Label, _) => host::suffix(host::name(core)?, Tld::New),
        (Start::Name, _) if ended => Ok(Subject::Exact(host::name(core)?)),
        (Start::Name | Start::Scheme, _) => prefix(core),
        (Start::Free, Some(name)) => host::subdomains(host::name(name)?, Tld::New),
        (Start::Free, None) if ended || core.starts_with('-') || core.ends_with('-') => glob(pattern, core),
        (Start::Free, None) => Ok(Subject::Exact(host::name(core)?)),
    }
}

/// What is part of a URL and of no name. A separator in the middle could only be followed by a port or a path.
const OF_URLS: [char; 6] = ['/', ':', '?', '&', '=', '^'];

/// A rule on a path or a port of one host. Adblock would go on within a segment (`/ad` would match `/admin`); here a path
/// ends where a segment does, which is the narrower reading.
fn on_url<'t>(start: Start, rest: &str, core: &str) -> Result<Subject<'t>, ErrorCode> {
    let core = core.strip_suffix('*').unwrap_or(core);
    // What starts anywhere, ends nowhere else, or has gaps is a pattern.
    if start == Start::Free || rest.ends_with('|') || core.contains(['*', '^', '|']) {
        return Err(ErrorCode::PathRule);
    }
    let Url { host, port, rest, .. } = url::read(core.as_bytes())?;
    let rest = rest.into();
    match host {
        UrlHost::Addr(ip) => Ok(Subject::IpUrl { ip, port, rest }),
        UrlHost::Name(host) if start == Start::Label => {
            host::guard(&host, Tld::New)?;
            Ok(Subject::Url { host, port, rest, subdomains: true })
        }
        UrlHost::Name(host) => Ok(Subject::Url { host, port, rest, subdomains: false }),
    }
}

fn expression(regex: &str) -> Result<Subject<'_>, ErrorCode> {
    if regex.is_empty() {
        return Err(ErrorCode::EmptyRule);
    }
    pattern::check_regex(regex)?;
    Ok(Subject::Regex(regex.into()))
}

fn glob<'t>(pattern: &'t str, core: &str) -> Result<Subject<'t>, ErrorCode> {
    pattern::check_glob(core, &['*'], Tld::New)?;
    Ok(Subject::Glob(pattern.into()))
}

fn prefix(core: &str) -> Result<Subject<'_>, ErrorCode> {
    pattern::check_glob(core, &[], Tld::New)?;
    Ok(Subject::Prefix(pattern::lower(core)))
}

fn cut_start(pattern: &str) -> (Start, &str) {
    if let Some(rest) = pattern.strip_prefix("||") {
        return (Start::Label, rest);
    }
    let (start, rest) = pattern.strip_prefix('|').map_or((Start::Free, pattern), |rest| (Start::Name, rest));
    match ["://", "*://", "http://", "https://"].iter().find_map(|scheme| rest.strip_prefix(scheme)) {
        Some(rest) if start == Start::Free => (Start::Scheme, rest),
        Some(rest) => (start, rest),
        None => (start, rest),
    }
}

/// Cuts off what marks the end of the name, and tells whether there was any.
fn cut_end(rest: &str) -> (&str, bool) {
    let core = rest.strip_suffix('|').unwrap_or(rest);
    let core = core.strip_suffix("^*").or_else(|| core.strip_suffix('^')).unwrap_or(core);
    (core, core.len() < rest.len())
}

/// True when other labels may stand in or behind the pattern: it has an asterisk, ends in a dot without an end mark, or is
/// the front of an address.
fn is_open(core: &str, ended: bool) -> bool {
    let before_dot = core.strip_suffix('.').and_then(|head| head.rsplit('.').next());
    let number = before_dot.is_some_and(|last| last.bytes().all(|octet| octet.is_ascii_digit()));
    core.contains('*') || number || before_dot.is_some() && !ended
}
