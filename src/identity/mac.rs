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
        pairs.next().is_none().then_some(()).and_then(|()| Mac::of_octets(&octets))
    }

    /// Of six octets; `None` for any other number, and for addresses no single device has.
    pub fn of_octets(octets: &[u8]) -> Option<Mac> {
        let octets = <[u8; 6]>::try_from(octets).ok()?;
        (octets != [0; 6] && octets[0] & 1 == 0).then_some(Mac(octets))
    }

    /// True when the device made its address up (the locally administered bit): it may come with another one tomorrow.
    pub fn is_random(self) -> bool {
        self.0[0] & 2 != 0
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
    fn made_up_addresses_are_told_by_a_bit() {
        for (text, is_random) in
            [("da:a1:19:00:00:01", true), ("3c:22:fb:00:00:01", false), ("02:00:00:00:00:01", true)]
        {
            assert_eq!(Mac::parse(text).unwrap().is_random(), is_random, "{text}");
        }
        assert_eq!(Mac::of_octets(&[1; 6]), None);
        assert_eq!(Mac::of_octets(&[2; 7]), None);
    }

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
