//! Lines of subscribers, as far as an address tells them apart, and how much each may ask in an hour. In memory alone.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Lines that are remembered for an hour; over it new ones wait for the next.
const LINES_MAX: usize = 1 << 18;

/// How often each line asked in this hour.
pub struct Shares {
    per_hour: u32,
    hour: u64,
    asked: HashMap<IpAddr, u32>,
}

impl Shares {
    /// So many an hour.
    pub fn new(per_hour: u32) -> Shares {
        Shares { per_hour, hour: 0, asked: HashMap::new() }
    }

    /// Whether that address has something left in that hour, and takes it.
    pub fn take(&mut self, peer: IpAddr, hour: u64) -> bool {
        if self.hour != hour {
            self.hour = hour;
            self.asked.clear();
        }
        let line = line_of(peer);
        if self.asked.len() >= LINES_MAX && !self.asked.contains_key(&line) {
            return false;
        }
        let asked = self.asked.entry(line).or_default();
        *asked = asked.saturating_add(1);
        *asked <= self.per_hour
    }
}

/// A household: an IPv4 address, an IPv6 /56 (RIPE-690 §4.2).
pub fn line_of(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(addr) => IpAddr::V6(Ipv6Addr::from_bits(addr.to_bits() >> 72 << 72)),
        addr => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_share_of_an_hour() {
        let mut shares = Shares::new(2);
        let (one, same, other) = ("2001:db8::1", "2001:db8:0:ff::2", "192.0.2.1");
        let addr = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(shares.take(addr(one), 1) && shares.take(addr(same), 1) && !shares.take(addr(one), 1));
        assert!(shares.take(addr("2001:db8:0:100::1"), 1), "another household");
        assert!(shares.take(addr(other), 1) && shares.take(addr("::ffff:192.0.2.1"), 1));
        assert!(!shares.take(addr(other), 1) && shares.take(addr(other), 2) && shares.take(addr(one), 2));
    }
}
