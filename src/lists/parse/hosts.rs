//! Hosts files: an address, then names. A sinkhole address blocks the names that follow, any other address is their answer.

use std::net::IpAddr;

use super::format::ParseOptions;
use super::host;
use super::item::{EntryAction, ErrorCode, Ignored, Subject};
use super::line::{self, Outcome, Sink};

pub(super) fn line(line: &[u8], _: &ParseOptions, sink: &mut Sink<'_>) -> Outcome {
    let line = line::not_comment(line, b"#")?;
    read(line::text(line::before_hash(line))?, sink)
}

/// Reads the part of a hosts line before its remark; adblock lists hold such lines too.
pub(super) fn read(text: &str, sink: &mut Sink<'_>) -> Outcome {
    let mut words = text.split_ascii_whitespace();
    let address = Address::read(words.next().unwrap_or_default())?;
    let mut named = false;
    let mut local = false;
    for word in words {
        named = true;
        if is_local(word) {
            local = true;
            continue;
        }
        match host::long_name(word) {
            _ if address == Address::Scoped => sink.skip(ErrorCode::ScopedAddress.into()),
            Ok(name) => sink.rule(Subject::Exact(name), address.action()),
            Err(code) => sink.skip(code.into()),
        }
    }
    match (named, local) {
        (false, _) => Err(ErrorCode::NoName.into()),
        (true, true) => Err(Ignored::Localhost.into()),
        (true, false) => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Address {
    Sinkhole,
    Answer(IpAddr),
    /// With a zone: means something on the machine it was written for, and nowhere else.
    Scoped,
}

impl Address {
    fn read(word: &str) -> Result<Address, ErrorCode> {
        if word == "0" {
            return Ok(Address::Sinkhole);
        }
        if let Some((ip, _)) = word.split_once('%') {
            return host::address(ip).map(|_| Address::Scoped).ok_or(ErrorCode::BadIp);
        }
        match host::address(word) {
            Some(ip) if host::is_sinkhole(ip) => Ok(Address::Sinkhole),
            Some(ip) => Ok(Address::Answer(ip)),
            None => Err(ErrorCode::BadIp),
        }
    }

    fn action(self) -> EntryAction<'static> {
        match self {
            Address::Answer(ip) => EntryAction::Rewrite(ip.to_string().into()),
            Address::Sinkhole | Address::Scoped => EntryAction::Block,
        }
    }
}

/// Names that systems put into their own hosts file, and that unified lists carry along.
const LOCAL: [&str; 16] = [
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost4.localdomain4",
    "localhost6",
    "localhost6.localdomain6",
    "local",
    "broadcasthost",
    "ip6-localhost",
    "ip6-loopback",
    "ip6-localnet",
    "ip6-mcastprefix",
    "ip6-allnodes",
    "ip6-allrouters",
    "ip6-allhosts",
    "0.0.0.0",
];

fn is_local(word: &str) -> bool {
    LOCAL.iter().any(|local| local.eq_ignore_ascii_case(word))
}
