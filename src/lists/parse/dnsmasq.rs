//! dnsmasq configuration: `/name/` stands for the name and all below it. No address and no server mean that the name does
//! not exist, `#` the null address or, for a server, the usual ones.

use std::net::SocketAddr;

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::ips;
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink, Skip};
use super::record;

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#")?;
    let text = line::text(line::before_remark(line))?;
    let Some((key, value)) = text.split_once('=') else {
        return if is_key(text) { Err(Ignored::OtherDirective.into()) } else { Err(ErrorCode::UnknownType.into()) };
    };
    let value = value.trim();
    match key.trim() {
        "address" => names(value, address, sink),
        "server" | "local" if host::address(value.split(['#', '@']).next().unwrap_or(value)).is_some() => {
            Err(Ignored::OtherDirective.into())
        }
        "server" | "local" => names(value, server, sink),
        "bogus-nxdomain" => {
            sink.block(ips::network(value)?);
            Ok(())
        }
        "cname" => cname(value, sink),
        "host-record" => host_record(value, sink),
        key if is_key(key) => Err(Ignored::OtherDirective.into()),
        _ => Err(ErrorCode::UnknownType.into()),
    }
}

/// A word that could be an option of dnsmasq, which has far too many to list; a web page or a hosts line has none.
fn is_key(text: &str) -> bool {
    text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
}

/// `/name/name/target`.
fn names(
    value: &str,
    action: impl Fn(&str) -> Result<EntryAction<'static>, ErrorCode>,
    sink: &mut Sink<'_>,
) -> Outcome {
    let slashed = value.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (names, target) = slashed.ok_or(ErrorCode::Unclosed)?;
    let action = action(target.trim())?;
    for name in names.split('/') {
        match subject(name.trim()) {
            Ok(subject) => sink.rule(subject, action.clone()),
            Err(skip) => sink.skip(skip),
        }
    }
    Ok(())
}

fn subject(text: &str) -> Result<Subject<'static>, Skip> {
    if text.is_empty() {
        return Err(Ignored::UnqualifiedNames.into());
    }
    if text == "#" {
        return Err(ErrorCode::MatchesEverything.into());
    }
    if let Some(name) = text.strip_prefix("*.") {
        return Ok(host::subdomains(host::long_name(name)?, Tld::None)?);
    }
    Ok(host::suffix(host::long_name(text.strip_prefix('.').unwrap_or(text))?, Tld::None)?)
}

fn address(target: &str) -> Result<EntryAction<'static>, ErrorCode> {
    match target {
        "" | "#" => Ok(EntryAction::Block),
        _ => host::address(target).map(record::answer).ok_or(ErrorCode::BadIp),
    }
}

/// `address#port@interface`; the interface is that of another machine.
fn server(target: &str) -> Result<EntryAction<'static>, ErrorCode> {
    match target {
        "" => return Ok(EntryAction::Block),
        "#" => return Ok(EntryAction::Allow),
        _ => {}
    }
    let target = target.split('@').next().unwrap_or(target);
    let (ip, port) = target.split_once('#').map_or((target, None), |(ip, port)| (ip, Some(port)));
    let ip = host::address(ip).ok_or(ErrorCode::BadIp)?;
    let target = match port {
        Some(port) => SocketAddr::new(ip, host::port(port).ok_or(ErrorCode::BadIp)?).to_string(),
        None => ip.to_string(),
    };
    Ok(EntryAction::Forward(target.into()))
}

/// `alias,…,target`, then perhaps a time to live.
fn cname(value: &str, sink: &mut Sink<'_>) -> Outcome {
    let mut words = words(value);
    let target = words.pop().unwrap_or_default();
    if words.is_empty() {
        return Err(ErrorCode::MissingValue.into());
    }
    let action = record::alias(target)?;
    for alias in words {
        match alias.strip_prefix("*.").map_or_else(|| exact(alias), below) {
            Ok(subject) => sink.rule(subject, action.clone()),
            Err(code) => sink.skip(code.into()),
        }
    }
    Ok(())
}

/// `name,…,address,…`, then perhaps a time to live.
fn host_record(value: &str, sink: &mut Sink<'_>) -> Outcome {
    let words = words(value);
    let names = words.iter().take_while(|word| host::address(word).is_none());
    let addresses = words.iter().filter_map(|word| host::address(word));
    if addresses.clone().next().is_none() || names.clone().next().is_none() {
        return Err(ErrorCode::MissingValue.into());
    }
    for name in names {
        match exact(name) {
            Ok(subject) => addresses.clone().for_each(|ip| sink.rule(subject.clone(), record::answer(ip))),
            Err(code) => sink.skip(code.into()),
        }
    }
    Ok(())
}

fn exact(text: &str) -> Result<Subject<'static>, ErrorCode> {
    Ok(Subject::Exact(host::name(text)?))
}

fn below(text: &str) -> Result<Subject<'static>, ErrorCode> {
    host::subdomains(host::name(text)?, Tld::None)
}

fn words(value: &str) -> Vec<&str> {
    let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
    words.pop_if(|last| !last.is_empty() && last.bytes().all(|octet| octet.is_ascii_digit()));
    words
}
