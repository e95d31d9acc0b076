//! URLs as lists write them, brought to one form: host as a name or an address, the scheme's own port dropped, path and
//! query normalised (RFC 3986 §6.2.2), no user, no fragment.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use super::host;
use super::item::{Details, EntryAction, ErrorCode, Scheme, Subject};
use super::line::Sink;
use crate::name::Name;

/// A URL that a list speaks of.
pub(super) struct Url {
    scheme: Option<Scheme>,
    host: Host,
    port: Option<u16>,
    rest: String,
}

#[allow(clippy::large_enum_variant, reason = "lives on the stack of one line")]
enum Host {
    Name(Name),
    Ip(IpAddr),
}

impl Url {
    /// Blocks the URL. `lift` tells that the list means the whole host where the URL names no more than that.
    pub(super) fn block(self, lift: bool, sink: &mut Sink<'_>) {
        let Url { scheme, host, port, rest } = self;
        let names_host = port.is_none() && rest == "/" && matches!(host, Host::Name(_));
        let details = Details { scheme, lift_to_host: lift && names_host, ..Details::default() };
        let rest = rest.into();
        let subject = match host {
            Host::Name(host) => Subject::Url { host, port, rest },
            Host::Ip(ip) => Subject::IpUrl { ip, port, rest },
        };
        sink.entry(subject, EntryAction::Block, details);
    }
}

/// Reads a URL, its scheme optional. The path need not be UTF-8.
pub(super) fn read(text: &[u8]) -> Result<Url, ErrorCode> {
    if text.iter().any(|octet| octet.is_ascii_whitespace() || octet.is_ascii_control()) {
        return Err(ErrorCode::BadChar);
    }
    let (scheme, text) = cut_scheme(text)?;
    let end = text.iter().position(|octet| b"/?#\\".contains(octet)).unwrap_or(text.len());
    let (authority, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
    let authority = std::str::from_utf8(authority).map_err(|_| ErrorCode::NotUtf8)?;
    let (host, port) = cut_port(without_user(authority, scheme, rest)?, scheme)?;
    let port = port.filter(|port| scheme.is_none_or(|scheme| scheme.port() != *port));
    Ok(Url { scheme, host: read_host(host)?, port, rest: normal(rest) })
}

fn cut_scheme(text: &[u8]) -> Result<(Option<Scheme>, &[u8]), ErrorCode> {
    let Some(colon) = text.iter().position(|octet| b":/?#".contains(octet)) else { return Ok((None, text)) };
    let (scheme, after) = text.split_at_checked(colon).unwrap_or((text, &[]));
    let Some(after) = after.strip_prefix(b"://") else { return Ok((None, text)) };
    let known = [Scheme::Http, Scheme::Https, Scheme::Ftp];
    let known = known.into_iter().find(|known| scheme.eq_ignore_ascii_case(known.code().as_bytes()));
    known.map(|scheme| (Some(scheme), after)).ok_or(ErrorCode::BadScheme)
}

/// Drops `user:password@`. Without scheme and path that would be a mail address, and its host a stranger to the matter.
fn without_user<'t>(authority: &'t str, scheme: Option<Scheme>, rest: &[u8]) -> Result<&'t str, ErrorCode> {
    match authority.rsplit_once('@') {
        None => Ok(authority),
        Some((_, host)) if scheme.is_some() || rest.len() > 1 => Ok(host),
        Some(_) => Err(ErrorCode::BadChar),
    }
}

fn cut_port(text: &str, scheme: Option<Scheme>) -> Result<(&str, Option<u16>), ErrorCode> {
    let inside = text.rfind(']').unwrap_or_default();
    let Some(colon) = text.rfind(':').filter(|colon| *colon > inside || inside == 0) else { return Ok((text, None)) };
    let (host, port) = text.split_at_checked(colon).unwrap_or((text, ""));
    let port = port.trim_start_matches(':');
    match host::port(port) {
        Some(port) => Ok((host, Some(port))),
        None if scheme.is_some() && port.is_empty() => Ok((host, None)),
        // `data:`, `javascript:` and the like.
        None if scheme.is_none() && !port.bytes().all(|octet| octet.is_ascii_digit()) => Err(ErrorCode::BadScheme),
        None => Err(ErrorCode::BadChar),
    }
}

fn read_host(text: &str) -> Result<Host, ErrorCode> {
    if text.is_empty() {
        return Err(ErrorCode::NoHost);
    }
    if text.starts_with('[') {
        return host::address_and_port(text).map(|(ip, _)| Host::Ip(ip)).ok_or(ErrorCode::BadIp);
    }
    if ends_in_number(text) {
        return ipv4(text).map(|ip| Host::Ip(ip.into())).ok_or(ErrorCode::BadIp);
    }
    host::name(text).map(Host::Name)
}

/// WHATWG URL, "ends in a number checker".
fn ends_in_number(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let last = host.rsplit('.').next().unwrap_or(host);
    !last.is_empty() && (last.bytes().all(|octet| octet.is_ascii_digit()) || number(last).is_some())
}

/// WHATWG URL, "IPv4 parser": one to four numbers, each decimal, octal or hexadecimal, the last filling what is left.
fn ipv4(host: &str) -> Option<Ipv4Addr> {
    let mut bits: u32 = 0;
    let mut room: u32 = 32;
    let mut parts = host.strip_suffix('.').unwrap_or(host).split('.').peekable();
    while let Some(part) = parts.next() {
        let value = number(part)?;
        let width = if parts.peek().is_some() { 8 } else { room };
        if width > room || u64::from(value) >= 1_u64.checked_shl(width)? {
            return None;
        }
        room = room.checked_sub(width)?;
        bits |= value.checked_shl(room)?;
    }
    Some(Ipv4Addr::from_bits(bits))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        (hex, 16)
    } else if let Some(octal) = text.strip_prefix('0').filter(|octal| !octal.is_empty()) {
        (octal, 8)
    } else {
        (text, 10)
    };
    match digits {
        "" if radix == 16 => Some(0),
        _ if digits.starts_with('+') => None,
        _ => u32::from_str_radix(digits, radix).ok(),
    }
}

/// Path and query in one form; `/` for an empty path.
fn normal(rest: &[u8]) -> String {
    let rest = rest.split(|octet| *octet == b'#').next().unwrap_or(rest);
    let mut parts = rest.splitn(2, |octet| *octet == b'?');
    let path = without_dots(&encoded(parts.next().unwrap_or_default(), Part::Path));
    match parts.next() {
        Some(query) => path + "?" + &encoded(query, Part::Query),
        None => path,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    Query,
}

/// Decodes what need not be encoded, encodes what must be, writes hexadecimal digits in capitals. Browsers read `\\` in a
/// path as `/`.
fn encoded(text: &[u8], part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        match (*octet, after.split_at_checked(2)) {
            (b'%', Some((digits, behind))) if digits.iter().all(u8::is_ascii_hexdigit) => {
                rest = behind;
                let octet = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                push(&mut out, octet.unwrap_or_default(), is_unreserved);
            }
            (b'\\', _) if part == Part::Path => out.push('/'),
            (octet, _) => push(&mut out, octet, |octet| octet.is_ascii_graphic() && !b"\"<>^`{}".contains(&octet)),
        }
    }
    out
}

fn push(out: &mut String, octet: u8, plain: impl Fn(u8) -> bool) {
    if plain(octet) {
        out.push(char::from(octet));
    } else {
        // Writing to a string does not fail.
        let _ = write!(out, "%{octet:02X}");
    }
}

/// RFC 3986 §2.3.
fn is_unreserved(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-._~".contains(&octet)
}

/// Takes out `.` and `..` (RFC 3986 §5.2.4). Empty segments stay.
fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = vec![""];
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." if kept.len() > 1 => drop(kept.pop()),
            ".." => {}
            _ => {
                kept.push(segment);
                continue;
            }
        }
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    kept.join("/")
}
