//! Lists of names, one a line; addresses, ports and URLs stray into them and are taken for what they are.

use ipnet::IpNet;

use super::format::ParseOptions;
use super::host::{self, Tld};
use super::ips;
use super::item::{Details, EntryAction, ErrorCode, Subject};
use super::line::{self, Outcome, Sink};
use super::url;

pub(super) fn line(line: &[u8], options: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, MARKS)?;
    read(line::text(line::before_remark(line))?, options, Tld::None, sink)
}

/// What starts a remark in real lists of names.
pub(super) const MARKS: &[u8] = b"#!;";

/// Reads a name, or what strays in its place.
pub(super) fn read(text: &str, options: &ParseOptions, tld: Tld, sink: &mut Sink<'_>) -> Outcome {
    match host::name(text) {
        Ok(name) => sink.block(host::plain(name, options, tld)?),
        Err(code) => stray(text, code, options, tld, sink)?,
    }
    Ok(())
}

fn stray(text: &str, code: ErrorCode, options: &ParseOptions, tld: Tld, sink: &mut Sink<'_>) -> Outcome {
    if is_html(text) {
        return Err(ErrorCode::Html.into());
    }
    if let Some(below) = text.strip_prefix("*.") {
        sink.block(host::starred(host::name(below)?, options, tld)?);
    } else if let Some(name) = text.strip_prefix('.') {
        sink.block(host::suffix(host::name(name)?, tld)?);
    } else if let Some((ip, port)) = host::address_and_port(text) {
        sink.entry(Subject::Ip(ip), EntryAction::Block, Details { port, ..Details::default() });
    } else if text.parse::<IpNet>().is_ok() {
        sink.block(ips::network(text)?);
    } else if text.contains('/') {
        url::block(text.as_bytes(), false, sink)?;
    } else if let Some((name, Some(port))) = text.split_once(':').map(|(name, port)| (name, host::port(port))) {
        let details = Details { port: Some(port), ..Details::default() };
        sink.entry(host::plain(host::name(name)?, options, tld)?, EntryAction::Block, details);
    } else {
        return Err(code.into());
    }
    Ok(())
}

/// An error page in place of the list: a tag or a declaration, unlike the marks of a torn merge.
fn is_html(text: &str) -> bool {
    let after = text.strip_prefix('<').and_then(|rest| rest.bytes().next());
    after.is_some_and(|octet| octet.is_ascii_alphabetic() || octet == b'!' || octet == b'/')
}
