//! A device's link-layer address. Has no `Display`: no log line holds a client beside a name.

use std::fmt;

/// An EUI-48 address (IEEE 802).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// Reads six pairs of hexadecimal digits with `:` or `-` between them; `None` for anything else, and for addresses no
    /// single device has (all zeroes, multicast).
    pub fn parse(text: &str) -> Option<Mac> {
        let mut octets = [0; 6];
        let separator = if text.contains('-') { '-' } else { ':' };
        let mut pairs = text.split(separator);
        for octet in &mut octets {
            let pair =
                pairs.next().filter(|pair| pair.len() == 2 && pair.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
            *octet = u8::from_str_radix(pair, 16).ok()?;
        }
        let is_one_device = octets != [0; 6] && octets[0] & 1 == 0;
        (pairs.next().is_none() && is_one_device).then_some(Mac(octets))
    }

    /// As rules and configurations write it: `aa:bb:cc:dd:ee:ff`.
    pub fn to_text(self) -> String {
        self.0.map(|octet| format!("{octet:02x}")).join(":")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Mac(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macs_are_read_and_written() {
        let mac = Mac::parse("AA:bb:cc:0d:ee:ff").unwrap();
        assert_eq!(mac.to_text(), "aa:bb:cc:0d:ee:ff");
        assert_eq!(Mac::parse("aa-bb-cc-0d-ee-ff"), Some(mac));
        for wrong in [
            "",
            "aa:bb:cc:dd:ee",
            "aa:bb:cc:dd:ee:ff:00",
            "aa:bb:cc:dd:ee:fg",
            "a:bb:cc:dd:ee:ff",
            "00:00:00:00:00:00",
            "ff:ff:ff:ff:ff:ff",
            "01:00:5e:00:00:01",
            "+a:bb:cc:dd:ee:ff",
        ] {
            assert_eq!(Mac::parse(wrong), None, "{wrong}");
        }
    }
}
