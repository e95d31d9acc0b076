//! Kea's memfile: comma-separated values whose first line names the columns, one for IPv4 and one for IPv6. Kea adds a line
//! at the end for whatever happens to a lease; the last line of an address counts.

use std::net::IpAddr;

use super::{Kept, Lease, Mac, clean_name, client_id, duid, octets};

/// Columns read of one line; Kea has not twenty.
const COLUMNS_MAX: usize = 32;
/// The valid lifetime that never ends (RFC 8415 §7.7).
const FOREVER: u64 = 0xffff_ffff;
/// `state` of a lease that is in force.
const IN_FORCE: &str = "0";
/// `lease_type` of a delegated prefix: another router's.
const PREFIX: &str = "2";

pub(super) fn read(text: &str, kept: &mut Kept) {
    let mut columns = Vec::new();
    for line in text.lines() {
        let row = row(line);
        // Several files may stand behind each other.
        if row.first().is_some_and(|first| first == "address") {
            columns = row;
        } else {
            let field = |name: &str| {
                let at = columns.iter().position(|column| column == name)?;
                row.get(at).map(String::as_str)
            };
            let _ = lease(field, kept);
        }
    }
}

fn lease<'r>(field: impl Fn(&str) -> Option<&'r str>, kept: &mut Kept) -> Option<()> {
    let ip: IpAddr = field("address")?.parse().ok()?;
    let lifetime: u64 = field("valid_lifetime")?.parse().ok()?;
    if field("lease_type") == Some(PREFIX) {
        return None;
    }
    // A lifetime of 0 is how a lease is deleted.
    if lifetime == 0 || field("state").is_some_and(|state| state != IN_FORCE) {
        kept.take_back(ip);
        return None;
    }
    let known = field("hwaddr").and_then(Mac::parse);
    let of = |column| field(column).and_then(octets).unwrap_or_default();
    let (mac, client_id) = match ip {
        IpAddr::V4(_) => (known, client_id(&of("client_id"), known)),
        IpAddr::V6(_) => {
            let (mac, client_id) = duid::read(&of("duid"));
            (known.or(mac), client_id)
        }
    };
    let name = field("hostname").map(|name| name.trim_end_matches('.')).and_then(clean_name);
    let until = field("expire").and_then(|end| end.parse().ok()).filter(|_| lifetime != FOREVER);
    kept.give(Lease { ip, mac, name, client_id, until });
    Some(())
}

/// The fields of a line. Kea writes a comma inside a field as `&#x2c`; others put such a field into quotation marks.
fn row(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest.filter(|_| fields.len() < COLUMNS_MAX) {
        let (field, behind) = match text.strip_prefix('"') {
            Some(quoted) => quoted_field(quoted),
            None => {
                text.split_once(',').map_or((text.to_string(), None), |(field, behind)| (plain(field), Some(behind)))
            }
        };
        fields.push(field);
        rest = behind;
    }
    fields
}

/// The field up to the closing mark, a doubled one being the sign itself, and what stands behind the comma.
fn quoted_field(text: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('"') {
        field.push_str(before);
        match behind.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return (field, behind.split_once(',').map(|(_, behind)| behind)),
        }
    }
    field.push_str(rest);
    (field, None)
}

/// With `&#xHH` turned back into its sign.
fn plain(field: &str) -> String {
    const ESCAPE: &str = "&#x";
    let mut pieces = field.split(ESCAPE);
    let mut text = pieces.next().unwrap_or_default().to_string();
    for piece in pieces {
        let code = piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (code, piece.get(2..)) {
            (Some(code), Some(behind)) => {
                text.push(char::from(code));
                text.push_str(behind);
            }
            _ => {
                text.push_str(ESCAPE);
                text.push_str(piece);
            }
        }
    }
    text
}
