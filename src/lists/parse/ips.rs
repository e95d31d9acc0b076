//! Lists of addresses: address, prefix or range, an optional port, then a remark with the names behind them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::format::ParseOptions;
use super::host;
use super::item::{Details, EntryAction, ErrorCode, Subject};
use super::line::{self, Outcome, Sink};

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#;")?;
    let text = line::text(line::before_hash(line))?;
    match host::address_and_port(text) {
        Some((ip, port)) => {
            sink.entry(Subject::Ip(ip), EntryAction::Block, Details { port, ..Details::default() });
        }
        None => sink.block(network(text)?),
    }
    Ok(())
}

/// Reads an address, a prefix or a range that does not cover everything.
pub(super) fn network(text: &str) -> Result<Subject<'static>, ErrorCode> {
    if text.contains('%') {
        return Err(ErrorCode::ScopedAddress);
    }
    if let Some((first, last)) = text.split_once('-') {
        return range(first.trim_end(), last.trim_start());
    }
    match (host::address(text), text.parse::<IpNet>()) {
        (Some(ip), _) => Ok(Subject::Ip(ip)),
        (None, Ok(net)) => Ok(Subject::Cidr(prefix(net)?)),
        (None, Err(_)) => Err(ErrorCode::BadIp),
    }
}

/// Checks a prefix: no host bits, not everything.
pub(super) fn prefix(net: IpNet) -> Result<IpNet, ErrorCode> {
    if net.addr() != net.network() {
        return Err(ErrorCode::HostBitsSet);
    }
    if net.prefix_len() == 0 {
        return Err(ErrorCode::MatchesEverything);
    }
    Ok(net)
}

fn range(first: &str, last: &str) -> Result<Subject<'static>, ErrorCode> {
    let (first, last) = host::address(first).zip(host::address(last)).ok_or(ErrorCode::BadIp)?;
    if first.is_ipv4() != last.is_ipv4() || first > last {
        return Err(ErrorCode::BadIp);
    }
    if first.is_unspecified() && is_highest(last) {
        return Err(ErrorCode::MatchesEverything);
    }
    Ok(Subject::IpRange(first, last))
}

fn is_highest(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.to_bits() == u32::MAX,
        IpAddr::V6(ip) => ip.to_bits() == u128::MAX,
    }
}
