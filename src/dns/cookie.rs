//! DNS cookies (RFC 7873) in their interoperable form (RFC 9018): a client that shows one can be told from one that forges
//! its address. Made from a secret of this process; nothing is remembered.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;

use crate::identity::ClientAddr;

/// What a client made up for us (RFC 7873 §4).
pub type ClientCookie = [u8; 8];

/// The key of all cookies of this process.
#[derive(Clone)]
pub struct Secret([u8; 16]);

/// Version 1 and three reserved octets (RFC 9018 §4).
const VERSION: [u8; 4] = [1, 0, 0, 0];

impl Secret {
    /// A new one. The system's random source does not fail once the kernel is up; were it to, cookies would be guessable, and
    /// all that hangs on them is convenience.
    pub fn new() -> Secret {
        let mut key = [0; 16];
        let _ = aws_lc_rs::rand::fill(&mut key);
        Secret(key)
    }

    /// The whole cookie for a client at `now` (seconds since 1970): its own part, then ours.
    pub fn cookie(&self, theirs: ClientCookie, client: ClientAddr, now: u64) -> [u8; 24] {
        let stamp = (now as u32).to_be_bytes();
        let mut hasher = SipHasher24::new_with_key(&self.0);
        for part in [&theirs[..], &VERSION, &stamp] {
            hasher.write(part);
        }
        match client.ip() {
            IpAddr::V4(addr) => hasher.write(&addr.octets()),
            IpAddr::V6(addr) => hasher.write(&addr.octets()),
        }
        let mut cookie = [0; 24];
        for (place, octet) in
            cookie.iter_mut().zip(theirs.into_iter().chain(VERSION).chain(stamp).chain(hasher.finish().to_le_bytes()))
        {
            *place = octet;
        }
        cookie
    }
}

impl Default for Secret {
    fn default() -> Secret {
        Secret::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9018 §A.1.
    #[test]
    fn the_example_of_the_standard() {
        let secret = Secret(0xe5e973e5a6b2a43f48e7dc849e37bfcf_u128.to_be_bytes());
        let client = ClientAddr::from("198.51.100.100".parse::<IpAddr>().unwrap());
        let cookie = secret.cookie(0x2464c4abcf10c957_u64.to_be_bytes(), client, 1_559_731_985);
        let expected = [0x2464c4abcf10c957_u64, 0x010000005cf79f11, 0x1f8130c3eee29480];
        assert_eq!(cookie.to_vec(), expected.map(u64::to_be_bytes).concat());
    }
}
