//! odhcpd: `# INTERFACE DUID IAID NAME END ID LENGTH ADDRESS/LENGTH…`, a line a lease; the lines without `#` are a hosts file
//! and say the same. Leases of DHCPv4 have the MAC address for the DUID and `ipv4` for the IAID. An END of -1 never comes;
//! 0 has come.

use std::net::IpAddr;

use super::{Kept, Lease, Mac, clean_name, duid, octets};

/// Stands before names that odhcpd takes to be no host's.
const BROKEN: &str = "broken\\x20";
/// Addresses of one lease that are read; a client has one or two.
const ADDRESSES_MAX: usize = 16;

pub(super) fn read(text: &str, kept: &mut Kept) {
    for line in text.lines() {
        let _ = lease(line, kept);
    }
}

fn lease(line: &str, kept: &mut Kept) -> Option<()> {
    let mut fields = line.strip_prefix("# ")?.split_ascii_whitespace();
    let (_interface, device, iaid, name) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let end: i64 = fields.next()?.parse().ok()?;
    let (_id, _length) = (fields.next()?, fields.next()?);
    if end == 0 {
        return None;
    }
    let device = octets(device)?;
    let (mac, client_id) = if iaid == "ipv4" { (Mac::of_octets(&device), None) } else { duid::read(&device) };
    let name = clean_name(name.strip_prefix(BROKEN).unwrap_or(name));
    for ip in fields.take(ADDRESSES_MAX).filter_map(address) {
        let (name, client_id) = (name.clone(), client_id.clone());
        kept.give(Lease { ip, mac, name, client_id, until: (end > 0).then_some(end) });
    }
    Some(())
}

/// A whole address; a shorter prefix was given to another router, behind which there are many devices.
fn address(text: &str) -> Option<IpAddr> {
    let (ip, length) = text.split_once('/')?;
    let ip: IpAddr = ip.parse().ok()?;
    let whole = if ip.is_ipv4() { "32" } else { "128" };
    (length == whole).then_some(ip)
}
