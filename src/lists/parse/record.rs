//! Records in master-file form (RFC 1035 §5.1): what stands behind the owner. RPZ and Unbound share it.

use std::net::IpAddr;

use super::host;
use super::item::{EntryAction, ErrorCode};
use crate::name::Name;

/// What a record says, as far as a policy can be made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data<'t> {
    /// `A` or `AAAA`.
    Address(IpAddr),
    /// `CNAME`, its target as written.
    Alias(&'t str),
    /// `SOA`: the owner is the zone's apex.
    Start,
    /// A type that makes no policy.
    Other,
}

/// Reads time to live, class, type and data.
pub(super) fn data<'t>(mut words: impl Iterator<Item = &'t str>) -> Result<Data<'t>, ErrorCode> {
    let kind = words.find(|word| !is_ttl(word) && !word.eq_ignore_ascii_case("IN")).ok_or(ErrorCode::MissingType)?;
    let is = |known: &&str| known.eq_ignore_ascii_case(kind);
    if !["A", "AAAA", "CNAME", "SOA"].iter().chain(&OTHER_TYPES).any(is) && !is_unnamed_type(kind) {
        return Err(ErrorCode::UnknownType);
    }
    let value = words.next().ok_or(ErrorCode::MissingRdata)?;
    if is(&"A") || is(&"AAAA") {
        let ip: IpAddr = value.parse().map_err(|_| ErrorCode::BadIp)?;
        return if ip.is_ipv4() == is(&"A") { Ok(Data::Address(ip.to_canonical())) } else { Err(ErrorCode::BadIp) };
    }
    Ok(match () {
        () if is(&"CNAME") => Data::Alias(value),
        () if is(&"SOA") => Data::Start,
        () => Data::Other,
    })
}

/// `300` or `1h30m`; no type starts with a digit.
fn is_ttl(word: &str) -> bool {
    word.starts_with(|letter: char| letter.is_ascii_digit())
}

/// `TYPE65` (RFC 3597 §5).
fn is_unnamed_type(kind: &str) -> bool {
    let number = kind.split_at_checked(4).filter(|(head, _)| head.eq_ignore_ascii_case("TYPE"));
    number.and_then(|(_, number)| host::port(number)).is_some()
}

/// Types of IANA's registry that are met in zones.
const OTHER_TYPES: [&str; 30] = [
    "NS",
    "TXT",
    "MX",
    "PTR",
    "SRV",
    "NAPTR",
    "DNAME",
    "HINFO",
    "CAA",
    "DS",
    "CDS",
    "DNSKEY",
    "CDNSKEY",
    "RRSIG",
    "NSEC",
    "NSEC3",
    "NSEC3PARAM",
    "TLSA",
    "SMIMEA",
    "SVCB",
    "HTTPS",
    "SPF",
    "RP",
    "LOC",
    "SSHFP",
    "URI",
    "AFSDB",
    "CERT",
    "CSYNC",
    "ZONEMD",
];

/// What a list wants that gives this address as the answer.
pub(super) fn answer(ip: IpAddr) -> EntryAction<'static> {
    if host::is_sinkhole(ip) { EntryAction::Block } else { EntryAction::Rewrite(ip.to_string().into()) }
}

/// What a list wants that gives this name as the answer; `*.x` stays.
pub(super) fn alias(target: &str) -> Result<EntryAction<'static>, ErrorCode> {
    let (star, name) = target.strip_prefix("*.").map_or(("", target), |name| ("*.", name));
    let name: Name = host::name(name)?;
    Ok(EntryAction::Rewrite(format!("{star}{name}").into()))
}
