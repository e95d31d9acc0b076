//! Who is asking? A client's address to the profile whose rules hold, by longest prefix. Read without a lock; built once a
//! configuration.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

/// The address a question came from, IPv4 in its own form even on a dual-stack socket. Has no `Display`: no log line holds
/// a client beside a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddr(IpAddr);

impl ClientAddr {
    /// The address itself, for look-ups.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl From<SocketAddr> for ClientAddr {
    fn from(addr: SocketAddr) -> ClientAddr {
        ClientAddr(addr.ip().to_canonical())
    }
}

impl From<IpAddr> for ClientAddr {
    fn from(addr: IpAddr) -> ClientAddr {
        ClientAddr(addr.to_canonical())
    }
}

impl fmt::Debug for ClientAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClientAddr(..)")
    }
}

/// Position of a profile in the configuration's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub u16);

/// Which prefix belongs to whom.
#[derive(Clone)]
pub struct Clients {
    v4: PrefixMap<Ipv4Net, ProfileId>,
    v6: PrefixMap<Ipv6Net, ProfileId>,
    strangers: ProfileId,
}

impl Clients {
    /// Nobody is known: everyone is a stranger and gets that profile.
    pub fn new(strangers: ProfileId) -> Clients {
        Clients { v4: PrefixMap::new(), v6: PrefixMap::new(), strangers }
    }

    /// The profile of unknown clients.
    pub fn strangers(&self) -> ProfileId {
        self.strangers
    }

    /// Gives a prefix to a profile; a second gift of the same prefix replaces the first and returns it.
    pub fn insert(&mut self, net: IpNet, profile: ProfileId) -> Option<ProfileId> {
        match net {
            IpNet::V4(net) => self.v4.insert(net.trunc(), profile),
            IpNet::V6(net) => self.v6.insert(net.trunc(), profile),
        }
    }

    /// The profile of the longest prefix that holds `client`, or that of strangers.
    pub fn profile_of(&self, client: ClientAddr) -> ProfileId {
        let found = match client.0 {
            IpAddr::V4(addr) => self.v4.get_lpm(&Ipv4Net::from(addr)).map(|(_, profile)| *profile),
            IpAddr::V6(addr) => self.v6.get_lpm(&Ipv6Net::from(addr)).map(|(_, profile)| *profile),
        };
        found.unwrap_or(self.strangers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(clients: &Clients, addr: &str) -> u16 {
        clients.profile_of(addr.parse::<IpAddr>().unwrap().into()).0
    }

    #[test]
    fn the_longest_prefix_wins_in_both_families() {
        let mut clients = Clients::new(ProfileId(0));
        for (net, profile) in [("10.0.0.0/8", 1), ("10.1.2.3/32", 2), ("2001:db8::/32", 3), ("2001:db8:1::/64", 4)] {
            clients.insert(net.parse().unwrap(), ProfileId(profile));
        }
        assert_eq!(asked(&clients, "10.9.9.9"), 1);
        assert_eq!(asked(&clients, "10.1.2.3"), 2);
        assert_eq!(asked(&clients, "::ffff:10.1.2.3"), 2, "IPv4 on a dual-stack socket");
        assert_eq!(asked(&clients, "2001:db8::1"), 3);
        assert_eq!(asked(&clients, "2001:db8:1::1"), 4);
        assert_eq!(asked(&clients, "192.0.2.1"), 0);
        assert_eq!(asked(&clients, "::1"), 0);
    }
}
