//! Leases of DHCP servers, read from their files: which device was given which address, and what it calls itself. One file of
//! this folder a format. Text in, leases out; opens nothing, never fails: what cannot be read is left out.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod dnsmasq;
mod duid;
mod isc;
mod kea;
mod odhcpd;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::PathBuf;

use super::Mac;

/// Leases kept of one file; those behind them are left out. As many as neighbours: a large school.
pub const LEASES_MAX: usize = 16_384;
/// Octets of the longest client identifier kept (DHCPv4's option field; RFC 8415 §11.1 grants a DUID half of it).
const CLIENT_ID_MAX: usize = 255;
/// Letters of a name kept: as many as a label of DNS has.
const NAME_MAX: usize = 63;

/// An address that was given to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub ip: IpAddr,
    /// The device, where the server knows it or its DUID tells.
    pub mac: Option<Mac>,
    /// What the device calls itself; a hint for people.
    pub name: Option<String>,
    /// How the device names itself to DHCP, as pairs of hexadecimal digits: its DUID where it has one. `None` when that is
    /// only its MAC address again.
    pub client_id: Option<String>,
    /// When it ends, in seconds since 1970; `None` when it does not or nobody says.
    pub until: Option<i64>,
}

/// Whose file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// dnsmasq's, and OpenWrt's `/tmp/dhcp.leases`.
    Dnsmasq,
    /// odhcpd's, OpenWrt's server for DHCPv6.
    Odhcpd,
    /// Kea's memfile, for IPv4 or IPv6.
    Kea,
    /// `dhcpd.leases` of ISC DHCP.
    Isc,
}

impl Format {
    /// The words a configuration uses.
    pub const WORDS: &'static [(&'static str, Format)] =
        &[("dnsmasq", Format::Dnsmasq), ("odhcpd", Format::Odhcpd), ("kea", Format::Kea), ("isc", Format::Isc)];
}

/// A file of leases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseFile {
    /// Where.
    pub path: PathBuf,
    /// Whose.
    pub format: Format,
}

/// The leases of a file, one an address, in order of their addresses.
pub fn read(format: Format, text: &str) -> Vec<Lease> {
    let mut kept = Kept::default();
    match format {
        Format::Dnsmasq => dnsmasq::read(text, &mut kept),
        Format::Odhcpd => odhcpd::read(text, &mut kept),
        Format::Kea => kea::read(text, &mut kept),
        Format::Isc => isc::read(text, &mut kept),
    }
    let mut leases: Vec<Lease> = kept.0.into_values().collect();
    leases.sort_unstable_by_key(|lease| lease.ip);
    leases
}

/// What was read so far, by address: what a file says last counts.
#[derive(Default)]
struct Kept(HashMap<IpAddr, Lease>);

impl Kept {
    fn give(&mut self, lease: Lease) {
        if self.0.len() < LEASES_MAX || self.0.contains_key(&lease.ip) {
            self.0.insert(lease.ip, lease);
        }
    }

    fn take_back(&mut self, ip: IpAddr) {
        self.0.remove(&ip);
    }
}

/// A name as people may see it: its first 63 letters, digits, marks on letters and plain signs. `None` when nothing is left.
pub fn clean_name(text: &str) -> Option<String> {
    let is_plain = |letter: &char| {
        letter.is_alphanumeric() || "-_.' ".contains(*letter) || ('\u{300}'..='\u{36f}').contains(letter)
    };
    let kept: String = text.chars().filter(is_plain).take(NAME_MAX).collect();
    let kept = kept.trim();
    kept.chars().any(char::is_alphanumeric).then(|| kept.to_string())
}

/// What identifies a client of DHCPv4 (RFC 2132 §9.14): the DUID inside when there is one (RFC 4361 §6.1).
fn client_id(octets: &[u8], mac: Option<Mac>) -> Option<String> {
    const ETHERNET: u8 = 1;
    const DUID: u8 = 255;
    match octets {
        [ETHERNET, rest @ ..] if mac.is_some_and(|mac| mac.0 == rest) => None,
        [DUID, _, _, _, _, duid @ ..] if !duid.is_empty() => Some(hex(duid)),
        [] => None,
        _ => Some(hex(octets)),
    }
}

fn hex(octets: &[u8]) -> String {
    let mut text = String::new();
    for (at, octet) in octets.iter().take(CLIENT_ID_MAX).enumerate() {
        let _ = write!(text, "{}{octet:02x}", if at == 0 { "" } else { ":" });
    }
    text
}

/// Octets of pairs of hexadecimal digits, with or without `:` between them; `None` for anything else and when too long.
fn octets(text: &str) -> Option<Vec<u8>> {
    let digit = |octet: u8| char::from(octet).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let [high, low, behind @ ..] = rest {
        if octets.len() >= CLIENT_ID_MAX {
            return None;
        }
        octets.push(digit(*high)?.checked_mul(16)?.checked_add(digit(*low)?)?);
        rest = if let [b':', after @ ..] = behind { after } else { behind };
    }
    (rest.is_empty() && !text.ends_with(':')).then_some(octets)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may end so")]
mod tests {
    use super::*;

    macro_rules! fixture {
        ($name:literal, $format:expr) => {
            (
                $name,
                $format,
                include_str!(concat!("../../tests/data/leases/", $name, ".leases")),
                include_str!(concat!("../../tests/data/leases/", $name, ".expected")),
            )
        };
    }

    /// Name of a fixture, its format and its octets; what is expected stands beside it.
    const FIXTURES: &[(&str, Format, &str, &str)] = &[
        fixture!("dnsmasq", Format::Dnsmasq),
        fixture!("odhcpd", Format::Odhcpd),
        fixture!("kea4", Format::Kea),
        fixture!("kea6", Format::Kea),
        fixture!("isc4", Format::Isc),
        fixture!("isc6", Format::Isc),
    ];

    fn shown(leases: &[Lease]) -> String {
        let or = |text: Option<String>| text.unwrap_or_else(|| "-".into());
        let line = |lease: &Lease| {
            let mac = or(lease.mac.map(Mac::to_text));
            let until = or(lease.until.map(|until| until.to_string()));
            let (name, id) = (or(lease.name.clone()), or(lease.client_id.clone()));
            format!("{} {mac} {} {id} {until}\n", lease.ip, name.replace(' ', "_"))
        };
        leases.iter().map(line).collect()
    }

    #[test]
    fn every_format_is_read_as_expected() {
        for (name, format, text, expected) in FIXTURES {
            assert_eq!(shown(&read(*format, text)), *expected, "{name}");
        }
    }

    #[test]
    fn every_prefix_and_every_changed_octet_is_safe() {
        for (name, _, text, _) in FIXTURES {
            for (word, format) in Format::WORDS {
                for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                    assert!(read(*format, &text[..end]).len() <= LEASES_MAX, "{name} as {word}, {end} octets");
                }
                for at in 0..text.len() {
                    let mut octets = text.as_bytes().to_vec();
                    octets[at] ^= 1 << (at % 8);
                    let changed = String::from_utf8_lossy(&octets);
                    for lease in read(*format, &changed) {
                        assert!(lease.name.is_none_or(|name| name.chars().count() <= NAME_MAX));
                    }
                }
            }
        }
    }

    #[test]
    fn too_many_leases_are_left_out() {
        let text: String = (0..20_000_u32)
            .map(|number| format!("0 02:00:00:00:00:01 {} * *\n", std::net::Ipv4Addr::from(0x0a00_0000 + number)))
            .collect();
        assert_eq!(read(Format::Dnsmasq, &text).len(), LEASES_MAX);
    }

    #[test]
    fn names_lose_what_could_deceive() {
        assert_eq!(clean_name("  An's phone\u{202e}<script>\u{7} "), Some("An's phonescript".into()));
        assert_eq!(clean_name("máy của Mai"), Some("máy của Mai".into()));
        assert_eq!(clean_name("<>--"), None);
        assert_eq!(clean_name(&"a".repeat(200)).unwrap().len(), NAME_MAX);
    }
}
