//! One client's share, so that none can starve the rest: every answer costs a token, a look-up twenty. Fixed memory; knows
//! a client by its prefix, since an IPv6 household has as many addresses as it likes.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::net::IpAddr;

use crate::identity::ClientAddr;

/// Tokens of the clients one thread met lately.
pub struct Shares {
    /// Tokens a second; 0 for no limit.
    rate: u32,
    sets: Box<[[Account; WAYS]]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Account {
    /// The client's prefix; 0 for nobody.
    key: u64,
    /// Seconds since 1970, cut to 32 bits, at which tokens were last added.
    filled_at: u32,
    left: u32,
}

const WAYS: usize = 4;
/// 4,096 clients in 64 KiB.
const SETS: usize = 1024;
/// Tokens that can be saved, in seconds of the rate.
const BURST_SECS: u32 = 2;
/// What a look-up costs on top of its answer: it takes about twenty times the work, and a place among those in flight.
pub const LOOK_UP: u32 = 19;
/// Bits of an IPv6 prefix that belong to one household (RFC 6177 §2).
const V6_BITS: u32 = 56;

impl Shares {
    /// Full shares of `rate` tokens a second; 0 is no limit.
    pub fn new(rate: u32) -> Shares {
        let sets = if rate == 0 { 0 } else { SETS };
        Shares { rate, sets: vec![[Account::default(); WAYS]; sets].into_boxed_slice() }
    }

    /// Sets another rate.
    pub fn set_rate(&mut self, rate: u32) {
        if rate != self.rate {
            *self = Shares::new(rate);
        }
    }

    /// Takes `tokens` from the client's share at `now` (seconds since 1970). False when it is used up; what is left is
    /// taken all the same.
    pub fn take(&mut self, client: ClientAddr, tokens: u32, now: u64) -> bool {
        let burst = self.rate.saturating_mul(BURST_SECS);
        let now = now as u32;
        let key = prefix(client.ip());
        let Some(set) = self.sets.get_mut(set_of(key)) else { return true };
        let known = set.iter().position(|account| account.key == key);
        let at = known.unwrap_or_else(|| {
            set.iter().enumerate().min_by_key(|(_, account)| account.filled_at).map_or(0, |(at, _)| at)
        });
        let Some(account) = set.get_mut(at) else { return true };
        if known.is_none() {
            *account = Account { key, filled_at: now, left: burst };
        }
        // A clock that was set back adds nothing; one that was set forward adds no more than a burst.
        if now != account.filled_at {
            let secs = now.saturating_sub(account.filled_at).min(BURST_SECS);
            account.left = account.left.saturating_add(self.rate.saturating_mul(secs)).min(burst);
            account.filled_at = now;
        }
        let enough = account.left >= tokens;
        account.left = account.left.saturating_sub(tokens);
        enough
    }
}

/// A number for each prefix; never 0.
fn prefix(ip: IpAddr) -> u64 {
    match ip {
        IpAddr::V4(ip) => u64::from(u32::from(ip)) | 1 << 63,
        IpAddr::V6(ip) => (u128::from(ip) >> (128_u32.saturating_sub(V6_BITS))) as u64 | 1 << 62,
    }
}

fn set_of(key: u64) -> usize {
    // Fibonacci hashing. Somebody with many addresses can push others out, who then have a full share again.
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize & SETS.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(addr: &str) -> ClientAddr {
        addr.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn a_share_is_used_up_and_fills_again_and_is_nobody_elses() {
        let mut shares = Shares::new(100);
        let (loud, quiet) = (client("192.0.2.1"), client("192.0.2.2"));
        let answered = (0..1000).filter(|_| shares.take(loud, 1, 50)).count();
        assert_eq!(answered, 200);
        assert!(shares.take(quiet, 1, 50));
        let answered = (0..1000).filter(|_| shares.take(loud, 1, 51)).count();
        assert_eq!(answered, 100);
        assert!(!shares.take(loud, 1, 40), "a clock set back");
        assert_eq!((0..1000).filter(|_| shares.take(loud, 1, 1_000_000)).count(), 200);
    }

    #[test]
    fn a_look_up_costs_more() {
        let mut shares = Shares::new(100);
        let loud = client("192.0.2.1");
        let looked_up = (0..1000).filter(|_| shares.take(loud, 1, 50) && shares.take(loud, LOOK_UP, 50)).count();
        assert_eq!(looked_up, 10);
    }

    #[test]
    fn an_ipv6_household_is_one_client() {
        let mut shares = Shares::new(1);
        assert!(shares.take(client("2001:db8:0:100::1"), 1, 50) && shares.take(client("2001:db8:0:1ff::9"), 1, 50));
        assert!(!shares.take(client("2001:db8:0:123::7"), 1, 50));
        assert!(shares.take(client("2001:db8:0:200::1"), 1, 50));
    }

    #[test]
    fn no_rate_is_no_limit_and_memory_is_fixed() {
        let mut shares = Shares::new(0);
        assert!((0..100_000).all(|_| shares.take(client("192.0.2.1"), 1, 50)));
        let mut shares = Shares::new(10);
        for at in 0..1_000_000_u32 {
            shares.take(client(&std::net::Ipv4Addr::from(at).to_string()), 1, 50);
        }
        assert_eq!(size_of_val(&*shares.sets), 64 << 10);
    }
}
