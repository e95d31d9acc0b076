//! Names that are not for the outside: answered here, never asked upstream (RFC 6761 and its successors).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::answer;
use super::query::{Query, Rcode};
use crate::name::{Name, NameSet};

/// How long such an answer may be kept, in seconds; they never change.
const TTL_SECS: u32 = 10_800;
const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// What `ipv4only.arpa` always has (RFC 8880 §7.1).
const NAT64_PROBE: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(192, 0, 0, 170)), IpAddr::V4(Ipv4Addr::new(192, 0, 0, 171))];

/// Names that households use inside; what leads to their own addresses there is as it should be.
pub const LOCAL_NAMES: [&str; 10] =
    ["corp", "fritz.box", "home", "home.arpa", "internal", "intranet", "lan", "local", "localdomain", "private"];

/// True for addresses that lead to this machine or into the household, and mean nothing outside (RFC 6890).
pub fn is_inside(addr: IpAddr) -> bool {
    match addr.to_canonical() {
        IpAddr::V4(addr) => {
            let [first, second, ..] = addr.octets();
            let shared = first == 100 && (64..=127).contains(&second);
            addr.is_private() || addr.is_loopback() || addr.is_link_local() || first == 0 || shared
        }
        IpAddr::V6(addr) => {
            addr.is_loopback() || addr.is_unspecified() || addr.is_unique_local() || addr.is_unicast_link_local()
        }
    }
}

/// Answers a special-use name; false when `query` is for any other name.
///
/// A name in `routed` has a server of the operator's choice to answer it.
pub fn answer(query: &Query<'_>, routed: &NameSet, out: &mut Vec<u8>) -> bool {
    match Use::of(&query.name) {
        None => return false,
        Some(Use::NoData | Use::None) if routed.contains(&query.name) => return false,
        Some(Use::Loopback) => answer::addresses(query, &LOOPBACK, TTL_SECS, None, out),
        Some(Use::Nat64) => answer::addresses(query, &NAT64_PROBE, TTL_SECS, None, out),
        Some(Use::NoData) => answer::negative(query, Rcode::NoError, TTL_SECS, None, out),
        Some(Use::None) => answer::negative(query, Rcode::NxDomain, TTL_SECS, None, out),
    }
    true
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// This machine (RFC 6761 §6.3).
    Loopback,
    /// The probe for translators (RFC 8880).
    Nat64,
    /// The name is, but has nothing to say (RFC 9462 §4: no designated resolver).
    NoData,
    /// The name is not.
    None,
}

impl Use {
    fn of(name: &Name) -> Option<Use> {
        let mut from_root: [&[u8]; 4] = [b""; 4];
        let mut count = 0;
        // The last four labels decide; only the reverse zones need more than two.
        let skip = name.label_count().saturating_sub(4);
        for label in name.labels().skip(skip) {
            from_root[count] = label;
            count += 1;
        }
        from_root[..count].reverse();
        match from_root[..count] {
            [b"localhost", ..] => Some(Use::Loopback),
            // RFC 6761 §6.2 and §6.4, RFC 7686, RFC 6762 §22.1, RFC 9476.
            [b"test" | b"invalid" | b"onion" | b"local" | b"alt", ..] => Some(Use::None),
            // RFC 8375, RFC 9665.
            [b"arpa", b"home" | b"service", ..] => Some(Use::None),
            [b"arpa", b"resolver", ..] => Some(Use::NoData),
            [b"arpa", b"ipv4only"] => Some(Use::Nat64),
            [b"arpa", b"in-addr", first, ..] if first == b"10" || first == b"127" || first == b"0" => Some(Use::None),
            [b"arpa", b"in-addr", b"192", b"168"] | [b"arpa", b"in-addr", b"169", b"254"] => Some(Use::None),
            [b"arpa", b"in-addr", b"172", second] => (16..=31).contains(&decimal(second)?).then_some(Use::None),
            // Unique local and link-local addresses, fd00::/8 and fe80::/10 (RFC 6303 §4.4, §4.5).
            [b"arpa", b"ip6", b"f", b"d"] => Some(Use::None),
            [b"arpa", b"ip6", b"f", b"e"] => link_local(name).then_some(Use::None),
            _ => None,
        }
    }
}

fn decimal(label: &[u8]) -> Option<u8> {
    std::str::from_utf8(label).ok()?.parse().ok()
}

fn link_local(name: &Name) -> bool {
    let third = name.label_count().checked_sub(5).and_then(|at| name.labels().nth(at));
    third.is_some_and(|nibble| matches!(nibble, b"8" | b"9" | b"a" | b"b"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_and_outside() {
        let is = |text: &str| is_inside(text.parse().unwrap());
        for inside in
            ["10.1.2.3", "172.31.0.1", "192.168.0.1", "127.0.0.2", "169.254.1.1", "0.0.0.0", "100.64.0.1", "::", "::1"]
        {
            assert!(is(inside), "{inside}");
        }
        for inside in ["fd00::1", "fe80::1", "::ffff:192.168.1.1"] {
            assert!(is(inside), "{inside}");
        }
        for outside in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "192.0.2.1", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(!is(outside), "{outside}");
        }
    }

    #[test]
    fn special_names_and_no_others() {
        let of = |text| Use::of(&Name::parse(text).unwrap());
        assert_eq!(of("localhost"), Some(Use::Loopback));
        assert_eq!(of("a.b.c.d.e.localhost"), Some(Use::Loopback));
        for none in ["x.test", "x.onion", "printer.local", "home.arpa", "x.home.arpa", "a.alt"] {
            assert_eq!(of(none), Some(Use::None), "{none}");
        }
        for none in ["4.3.2.10.in-addr.arpa", "1.168.192.in-addr.arpa", "9.20.172.in-addr.arpa", "1.0.d.f.ip6.arpa"] {
            assert_eq!(of(none), Some(Use::None), "{none}");
        }
        assert_eq!(of("x.8.e.f.ip6.arpa"), Some(Use::None));
        assert_eq!(of("_dns.resolver.arpa"), Some(Use::NoData));
        assert_eq!(of("ipv4only.arpa"), Some(Use::Nat64));
        for other in [
            "example.com",
            "test.com",
            "8.8.8.8.in-addr.arpa",
            "1.32.172.in-addr.arpa",
            "x.c.e.f.ip6.arpa",
            "localhost.com",
            "arpa",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
