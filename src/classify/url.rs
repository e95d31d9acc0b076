//! URLs as lists and people write them, taken apart: host as a name or an address, the scheme's own port dropped, path and
//! query in their normal form, no user, no fragment. Opens nothing and resolves nothing.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::path;
use crate::name::{Name, NameError};

/// Whom a request goes to.
#[derive(Clone, Copy)]
pub enum Host<'h> {
    /// A name.
    Name(&'h Name),
    /// An address; IPv4 inside IPv6 counts as IPv4.
    Addr(IpAddr),
}

impl<'h> From<&'h Name> for Host<'h> {
    fn from(name: &'h Name) -> Host<'h> {
        Host::Name(name)
    }
}

impl From<IpAddr> for Host<'_> {
    fn from(addr: IpAddr) -> Self {
        Host::Addr(addr)
    }
}

impl fmt::Display for Host<'_> {
    /// As in a URL: IPv6 in brackets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => name.fmt(out),
            Host::Addr(IpAddr::V4(addr)) => addr.fmt(out),
            Host::Addr(IpAddr::V6(addr)) => write!(out, "[{addr}]"),
        }
    }
}

/// A URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Url {
    /// The scheme, where one was written.
    pub scheme: Option<Scheme>,
    /// The host.
    pub host: UrlHost,
    /// The port, when it is not the scheme's own.
    pub port: Option<u16>,
    /// Path and query in their normal form; starts with `/`.
    pub rest: String,
}

/// The host of a URL.
#[allow(clippy::large_enum_variant, reason = "lives on the stack of one line")]
#[derive(Debug, Clone, PartialEq)]
pub enum UrlHost {
    /// A name.
    Name(Name),
    /// An address.
    Addr(IpAddr),
}

/// The scheme of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`
    Https,
    /// `ftp`
    Ftp,
}

impl Scheme {
    /// As written in a URL, in lower case.
    pub fn code(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Ftp => "ftp",
        }
    }

    /// The port meant when the URL names none.
    pub fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
            Scheme::Ftp => 21,
        }
    }
}

/// Why a text is no URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// A blank, a control character, or a port that is no number.
    #[error("character not allowed in a URL")]
    BadChar,
    /// A host that is not UTF-8.
    #[error("host is not UTF-8")]
    NotUtf8,
    /// A scheme that names no host.
    #[error("neither http, https nor ftp")]
    BadScheme,
    /// No host.
    #[error("URL without a host")]
    NoHost,
    /// A host that looks like an address and is none.
    #[error("not an address")]
    BadIp,
    /// A host that is no name.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl Url {
    /// Reads a URL, its scheme optional. The path need not be UTF-8.
    pub fn read(text: &[u8]) -> Result<Url, UrlError> {
        if text.iter().any(|octet| octet.is_ascii_whitespace() || octet.is_ascii_control()) {
            return Err(UrlError::BadChar);
        }
        let (scheme, text) = cut_scheme(text)?;
        let end = text.iter().position(|octet| b"/?#\\".contains(octet)).unwrap_or(text.len());
        let (authority, rest) = text.split_at_checked(end).unwrap_or((text, &[]));
        let authority = std::str::from_utf8(authority).map_err(|_| UrlError::NotUtf8)?;
        let (host, port) = cut_port(without_user(authority, scheme, rest)?, scheme)?;
        let port = port.filter(|port| scheme.is_none_or(|scheme| scheme.port() != *port));
        Ok(Url { scheme, host: read_host(host)?, port, rest: path::normal(rest) })
    }

    /// The host.
    pub fn host(&self) -> Host<'_> {
        match &self.host {
            UrlHost::Name(name) => Host::Name(name),
            UrlHost::Addr(addr) => Host::Addr(*addr),
        }
    }

    /// The port that a request for it goes to; a URL without a scheme is taken for `http`.
    pub fn effective_port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.scheme.unwrap_or(Scheme::Http).port())
    }
}

impl fmt::Display for Url {
    /// In its normal form, without a scheme when none was written.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(scheme) = self.scheme {
            write!(out, "{}://", scheme.code())?;
        }
        write_url(out, self.host(), self.port, &self.rest)
    }
}

/// Host, port where there is one, path and query.
pub fn write_url(out: &mut impl fmt::Write, host: Host<'_>, port: Option<u16>, rest: &str) -> fmt::Result {
    match port {
        Some(port) => write!(out, "{host}:{port}{rest}"),
        None => write!(out, "{host}{rest}"),
    }
}

fn cut_scheme(text: &[u8]) -> Result<(Option<Scheme>, &[u8]), UrlError> {
    let Some(colon) = text.iter().position(|octet| b":/?#".contains(octet)) else { return Ok((None, text)) };
    let (scheme, after) = text.split_at_checked(colon).unwrap_or((text, &[]));
    let Some(after) = after.strip_prefix(b"://") else { return Ok((None, text)) };
    let known = [Scheme::Http, Scheme::Https, Scheme::Ftp];
    let known = known.into_iter().find(|known| scheme.eq_ignore_ascii_case(known.code().as_bytes()));
    known.map(|scheme| (Some(scheme), after)).ok_or(UrlError::BadScheme)
}

/// Drops `user:password@`. Without scheme and path that would be a mail address, and its host a stranger to the matter.
fn without_user<'t>(authority: &'t str, scheme: Option<Scheme>, rest: &[u8]) -> Result<&'t str, UrlError> {
    match authority.rsplit_once('@') {
        None => Ok(authority),
        Some((_, host)) if scheme.is_some() || rest.len() > 1 => Ok(host),
        Some(_) => Err(UrlError::BadChar),
    }
}

fn cut_port(text: &str, scheme: Option<Scheme>) -> Result<(&str, Option<u16>), UrlError> {
    let inside = text.rfind(']').unwrap_or_default();
    let Some(colon) = text.rfind(':').filter(|colon| *colon > inside || inside == 0) else { return Ok((text, None)) };
    let (host, port) = text.split_at_checked(colon).unwrap_or((text, ""));
    let port = port.trim_start_matches(':');
    let digits = port.bytes().all(|octet| octet.is_ascii_digit());
    // `str::parse` would take a sign.
    match port.parse().ok().filter(|_| digits) {
        Some(port) => Ok((host, Some(port))),
        None if scheme.is_some() && port.is_empty() => Ok((host, None)),
        // `data:`, `javascript:` and the like.
        None if scheme.is_none() && !digits => Err(UrlError::BadScheme),
        None => Err(UrlError::BadChar),
    }
}

fn read_host(text: &str) -> Result<UrlHost, UrlError> {
    if text.is_empty() {
        return Err(UrlError::NoHost);
    }
    if let Some(inside) = text.strip_prefix('[') {
        let addr = inside.strip_suffix(']').and_then(|inside| inside.parse::<Ipv6Addr>().ok());
        return addr.map(|addr| UrlHost::Addr(IpAddr::V6(addr).to_canonical())).ok_or(UrlError::BadIp);
    }
    if ends_in_number(text) {
        return ipv4(text).map(|addr| UrlHost::Addr(addr.into())).ok_or(UrlError::BadIp);
    }
    match Name::parse(text)? {
        name if name.is_root() => Err(NameError::EmptyLabel.into()),
        name => Ok(UrlHost::Name(name)),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, form, port) in [
            ("HTTPS://User:pw@WWW.X.example:443/A/../b?c#d", "https://www.x.example/b?c", 443),
            ("http://x.example", "http://x.example/", 80),
            ("http://x.example:8080?q", "http://x.example:8080/?q", 8080),
            ("x.example/a", "x.example/a", 80),
            ("ftp://0x7f.1/%7e", "ftp://127.0.0.1/~", 21),
            ("http://[::ffff:192.0.2.1]:81/", "http://192.0.2.1:81/", 81),
            ("[2001:DB8::1]/x", "[2001:db8::1]/x", 80),
        ] {
            let url = Url::read(text.as_bytes()).unwrap();
            assert_eq!((url.to_string().as_str(), url.effective_port()), (form, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_url_is_refused_by_name() {
        for (text, error) in [
            ("http://x y/", UrlError::BadChar),
            ("gopher://x/", UrlError::BadScheme),
            ("javascript:alert(1)", UrlError::BadScheme),
            ("http:///x", UrlError::NoHost),
            ("http://256.1.1.1.1/", UrlError::BadIp),
            ("http://x:99999/", UrlError::BadChar),
            ("http://a..b/", UrlError::Name(NameError::EmptyLabel)),
            ("http://./", UrlError::Name(NameError::EmptyLabel)),
            ("someone@x.example", UrlError::BadChar),
        ] {
            assert_eq!(Url::read(text.as_bytes()), Err(error), "{text}");
        }
    }
}
