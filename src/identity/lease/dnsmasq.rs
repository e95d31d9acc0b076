//! dnsmasq: `END MAC ADDRESS NAME CLIENT`, a line a lease; below the line `duid …`, which is the server's own, those of
//! DHCPv6: `END IAID ADDRESS NAME DUID`.

use std::net::IpAddr;

use super::{Kept, Lease, Mac, clean_name, client_id, duid, octets};

/// Smaller ends are lengths: dnsmasq for machines without a clock writes those (`HAVE_BROKEN_RTC`).
const CLOCK_MIN: i64 = 1_000_000_000;

pub(super) fn read(text: &str, kept: &mut Kept) {
    for lease in text.lines().filter_map(line) {
        kept.give(lease);
    }
}

fn line(line: &str) -> Option<Lease> {
    let mut fields = line.split_ascii_whitespace();
    let until: i64 = fields.next()?.parse().ok()?;
    let device = fields.next()?;
    let ip: IpAddr = fields.next()?.parse().ok()?;
    let name = fields.next().and_then(clean_name);
    let client = fields.next().and_then(octets).unwrap_or_default();
    let (mac, client_id) = match ip {
        IpAddr::V4(_) => {
            let mac = Mac::parse(device);
            (mac, client_id(&client, mac))
        }
        IpAddr::V6(_) => duid::read(&client),
    };
    Some(Lease { ip, mac, name, client_id, until: (until >= CLOCK_MIN).then_some(until) })
}
