//! The host that a client names, in SNI or in an HTTP authority: a name or an address, never something between the two.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::IpAddr;

use crate::name::Name;

/// Whom a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "a name is the rule, and the judge takes it in place")]
pub enum Host {
    /// A name, the root not among them.
    Name(Name),
    /// An address literal, without brackets.
    Addr(IpAddr),
}

impl Host {
    /// Reads ASCII text: any case, A-labels, one final dot. `None` for whatever two readers may take for two things: other
    /// characters, U-labels, empty labels, the root, and numbers that are no address in its usual spelling (`127.1`).
    pub(super) fn parse(text: &[u8]) -> Option<Host> {
        let text = str::from_utf8(text).ok().filter(|text| text.is_ascii())?;
        let bare = text.strip_suffix('.').unwrap_or(text);
        if let Ok(addr) = bare.parse() {
            return Some(Host::Addr(addr));
        }
        let name = Name::parse(text).ok().filter(|name| !name.is_root())?;
        (!ends_in_number(bare)).then_some(Host::Name(name))
    }

    /// The name, if it is one.
    pub fn name(self) -> Option<Name> {
        match self {
            Host::Name(name) => Some(name),
            Host::Addr(_) => None,
        }
    }
}

/// A host whose last label is a number is an IPv4 address to a browser, however odd (WHATWG URL §3.5 "ends in a number").
fn ends_in_number(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or(text);
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    match hex {
        Some(digits) => digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
        None => last.bytes().all(|digit| digit.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Option<String> {
        Host::parse(text.as_bytes())?.name().map(|name| name.to_string())
    }

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(name("WWW.Example.COM.").as_deref(), Some("www.example.com"));
        assert_eq!(name("XN--bcher-KVA.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(name("r3---sn-4g5e6nsz.video.example").as_deref(), Some("r3---sn-4g5e6nsz.video.example"));
    }

    #[test]
    fn an_address_is_no_name() {
        for text in ["192.0.2.1", "192.0.2.1.", "2001:db8::1", "::"] {
            assert!(matches!(Host::parse(text.as_bytes()), Some(Host::Addr(_))), "{text}");
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        let long = format!("{}com", "a23456789.".repeat(26));
        let odd = [
            "",
            ".",
            "a..b",
            "a.b..",
            ".a",
            "a\0.b",
            "a b",
            "a@b",
            "bücher.example",
            "xn--0.example",
            "127.1",
            "0x7f.1",
        ];
        for text in
            odd.into_iter().chain(["1", "0x7f000001", "017700000001", "a.0x", "[::1]", "a%2eb", "*.a", long.as_str()])
        {
            assert_eq!(Host::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Host::parse(b"\xff.example"), None);
    }
}
