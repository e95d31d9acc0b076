//! Names and addresses as lists write them, and the guard that keeps one line from covering a whole suffix.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::format::{ParseOptions, Plain};
use super::item::{ErrorCode, Subject};
use crate::name::{Name, NameError};

/// Reads a name. What looks like an address by its last label (WHATWG URL, "ends in a number") is none.
pub(super) fn name(text: &str) -> Result<Name, ErrorCode> {
    let name = Name::parse(text).map_err(code)?;
    let (count, last) = name.labels().fold((0_usize, &[][..]), |(count, _), label| (count.saturating_add(1), label));
    match count {
        0 => Err(ErrorCode::EmptyLabel),
        1 => Ok(name),
        _ if !last.iter().all(u8::is_ascii_digit) => Ok(name),
        _ if address(text).is_some() => Err(ErrorCode::IpAsName),
        _ => Err(ErrorCode::BadIp),
    }
}

/// Reads a name of at least two labels.
pub(super) fn long_name(text: &str) -> Result<Name, ErrorCode> {
    let name = name(text)?;
    if name.labels().nth(1).is_none() {
        return Err(ErrorCode::SingleLabel);
    }
    Ok(name)
}

/// The reason's name among all reasons.
pub(super) fn code(error: NameError) -> ErrorCode {
    match error {
        NameError::Empty | NameError::EmptyLabel => ErrorCode::EmptyLabel,
        NameError::LabelTooLong => ErrorCode::LabelTooLong,
        NameError::TooLong => ErrorCode::NameTooLong,
        NameError::BadIdna => ErrorCode::BadIdna,
        NameError::BadChar | NameError::Truncated | NameError::BadLabelType => ErrorCode::BadChar,
    }
}

/// Which whole top-level domains a list may cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tld {
    /// None that is on the public suffix list.
    None,
    /// Those of the programme of 2012 and later, as lists of abused top-level domains do.
    New,
}

/// The name and all below it, unless that is a whole suffix.
pub(super) fn suffix(name: Name, tld: Tld) -> Result<Subject<'static>, ErrorCode> {
    guard(&name, tld)?;
    Ok(Subject::Suffix(name))
}

/// All below the name, unless that is a whole suffix.
pub(super) fn subdomains(name: Name, tld: Tld) -> Result<Subject<'static>, ErrorCode> {
    guard(&name, tld)?;
    Ok(Subject::Subdomains(name))
}

/// What `*.name` means in this list.
pub(super) fn starred(name: Name, options: &ParseOptions, tld: Tld) -> Result<Subject<'static>, ErrorCode> {
    if options.star_includes_apex { suffix(name, tld) } else { subdomains(name, tld) }
}

/// What a plain name means in this list.
pub(super) fn plain(name: Name, options: &ParseOptions, tld: Tld) -> Result<Subject<'static>, ErrorCode> {
    match options.plain {
        Plain::Exact => Ok(Subject::Exact(name)),
        Plain::Suffix => suffix(name, tld),
    }
}

/// The deepest suffix in the ICANN part of the public suffix list has four labels (`pvt.k12.ma.us`); counting is cheaper
/// than looking up.
const SUFFIX_LABELS_MAX: usize = 4;

/// Refuses a name that is a whole ICANN suffix, a single new top-level domain excepted where `tld` says so.
pub(super) fn guard(name: &Name, tld: Tld) -> Result<(), ErrorCode> {
    if name.labels().nth(SUFFIX_LABELS_MAX).is_some() || !name.is_icann_suffix() {
        return Ok(());
    }
    if tld == Tld::New && is_new_tld(name) {
        return Ok(());
    }
    Err(ErrorCode::PublicSuffix)
}

/// One label, not a country code, not from before 2012. Names in other scripts count as new: lists of abused top-level
/// domains hold them all, and nothing but a table of its own tells their countries from the rest.
fn is_new_tld(name: &Name) -> bool {
    let mut labels = name.labels();
    match (labels.next(), labels.next()) {
        (Some(tld), None) => tld.len() > 2 && !OLD_TLDS.contains(&tld),
        _ => false,
    }
}

/// Generic top-level domains delegated before the programme of 2012, by IANA's root zone database.
const OLD_TLDS: [&[u8]; 22] = [
    b"aero", b"arpa", b"asia", b"biz", b"cat", b"com", b"coop", b"edu", b"gov", b"info", b"int", b"jobs", b"mil",
    b"mobi", b"museum", b"name", b"net", b"org", b"post", b"pro", b"tel", b"xxx",
];

/// Reads a bare address. IPv4 inside IPv6 (`::ffff:192.0.2.1`) becomes IPv4.
pub(super) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Reads `address`, `[address]`, `address:port` or `[address]:port`.
pub(super) fn address_and_port(text: &str) -> Option<(IpAddr, Option<u16>)> {
    if let Some(ip) = address(text) {
        return Some((ip, None));
    }
    if let Some((ip, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let ip = IpAddr::V6(ip.parse::<Ipv6Addr>().ok()?).to_canonical();
        return match rest {
            "" => Some((ip, None)),
            _ => Some((ip, Some(port(rest.strip_prefix(':')?)?))),
        };
    }
    let (ip, after) = text.split_once(':')?;
    Some((IpAddr::V4(ip.parse::<Ipv4Addr>().ok()?), Some(port(after)?)))
}

/// Reads a port: digits only, where `str::parse` would take a sign.
pub(super) fn port(text: &str) -> Option<u16> {
    if text.bytes().all(|octet| octet.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// Addresses that lists write to mean "nowhere". Any other address is an answer in earnest.
pub(super) fn is_sinkhole(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip == IpAddr::V4(Ipv4Addr::LOCALHOST) || ip == IpAddr::V6(Ipv6Addr::LOCALHOST)
}
