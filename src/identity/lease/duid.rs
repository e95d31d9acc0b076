//! How clients of DHCPv6 name themselves (RFC 8415 §11): some by a MAC address.

use super::{Mac, hex};

/// Hardware type of Ethernet (IANA "ARP Parameters").
const ETHERNET: [u8; 2] = [0, 1];

/// What a DUID tells: the MAC address in it, if there is one (§11.2 and §11.4), and itself as text.
pub(super) fn read(duid: &[u8]) -> (Option<Mac>, Option<String>) {
    (mac(duid), (!duid.is_empty()).then(|| hex(duid)))
}

fn mac(duid: &[u8]) -> Option<Mac> {
    let (kind, rest) = duid.split_first_chunk::<2>()?;
    let (hardware, rest) = rest.split_first_chunk::<2>()?;
    let address = match kind {
        // Link-layer address plus time.
        [0, 1] => rest.get(4..)?,
        // Link-layer address.
        [0, 3] => rest,
        _ => return None,
    };
    if *hardware == ETHERNET { Mac::of_octets(address) } else { None }
}
