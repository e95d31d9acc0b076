//! Who is asking? A client's address to the profile whose rules hold, by longest prefix. Read without a lock; built once a
//! configuration.

pub mod known;
pub mod lease;
mod mac;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use prefix_trie::PrefixMap;

pub use mac::Mac;

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

/// What a device shows to be known wherever it is: a part of the path of DNS over HTTPS, or of the name it asks for by TLS.
/// Kept as a digest; has no `Display`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token([u8; 16]);

impl Token {
    /// Fewest characters: 26 of base 32 or 36 carry 128 bits.
    pub const LEN_MIN: usize = 26;
    /// Most, since it is a label of a domain name as well.
    pub const LEN_MAX: usize = 63;

    /// The token of that text; `None` unless it is 26 to 63 lower-case letters and digits.
    pub fn of(text: &str) -> Option<Token> {
        let fits = (Token::LEN_MIN..=Token::LEN_MAX).contains(&text.len());
        let plain = text.bytes().all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit());
        if !fits || !plain {
            return None;
        }
        let digest = digest(&SHA256, text.as_bytes());
        digest.as_ref().first_chunk().map(|octets| Token(*octets))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Token(..)")
    }
}

/// Who asks, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Where the question came from.
    pub client: ClientAddr,
    /// What it showed; comes before its address.
    pub token: Option<Token>,
    /// The device for whom it says it asks (EDNS). Anybody may say so: counts from trusted forwarders alone.
    pub mac: Option<Mac>,
}

impl From<ClientAddr> for Asker {
    fn from(client: ClientAddr) -> Asker {
        Asker { client, token: None, mac: None }
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
    tokens: HashMap<Token, ProfileId>,
    macs: HashMap<Mac, ProfileId>,
    /// Who has which address on the link; asked only where a device is known by MAC address.
    link: Option<Arc<dyn Link>>,
    /// Those who may say for which device they ask.
    forwarders: Vec<ClientAddr>,
    strangers: ProfileId,
}

/// What is known of the local link.
pub trait Link: Send + Sync {
    /// The MAC address that has this address now; `None` when the kernel knows none.
    fn mac_of(&self, addr: IpAddr) -> Option<Mac>;
}

impl Clients {
    /// Nobody is known: everyone is a stranger and gets that profile.
    pub fn new(strangers: ProfileId) -> Clients {
        Clients {
            v4: PrefixMap::new(),
            v6: PrefixMap::new(),
            tokens: HashMap::new(),
            macs: HashMap::new(),
            link: None,
            forwarders: Vec::new(),
            strangers,
        }
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

    /// Gives a token to a profile.
    pub fn insert_token(&mut self, token: Token, profile: ProfileId) {
        self.tokens.insert(token, profile);
    }

    /// Gives a MAC address to a profile.
    pub fn insert_mac(&mut self, mac: Mac, profile: ProfileId) {
        self.macs.insert(mac, profile);
    }

    /// Says who knows which address belongs to which MAC address.
    pub fn look_on(&mut self, link: Arc<dyn Link>) {
        self.link = Some(link);
    }

    /// Lets that client say for which device it asks.
    pub fn trust(&mut self, forwarder: ClientAddr) {
        self.forwarders.push(forwarder);
    }

    /// True when a device of this household has that token.
    pub fn knows(&self, token: Token) -> bool {
        self.tokens.contains_key(&token)
    }

    /// The profile of the token, else of the device a trusted forwarder asks for, else of the address.
    pub fn profile_of_asker(&self, asker: Asker) -> ProfileId {
        let by_token = asker.token.and_then(|token| self.tokens.get(&token).copied());
        let by_word = || self.macs.get(&asker.mac.filter(|_| self.forwarders.contains(&asker.client))?).copied();
        by_token.or_else(by_word).unwrap_or_else(|| self.profile_of(asker.client))
    }

    /// The profile of the client's MAC address, else of the longest prefix that holds it, else that of strangers.
    pub fn profile_of(&self, client: ClientAddr) -> ProfileId {
        self.by_mac(client).unwrap_or_else(|| self.by_prefix(client))
    }

    /// Whose device it is, by MAC address or prefix; `None` for strangers.
    pub fn owner_of(&self, client: ClientAddr) -> Option<ProfileId> {
        self.by_mac(client).or_else(|| self.owner_of_addr(client.0))
    }

    /// Whose device has that MAC address; `None` for strangers.
    pub fn owner_of_mac(&self, mac: Mac) -> Option<ProfileId> {
        self.macs.get(&mac).copied()
    }

    /// Whose that address is by prefix; `None` for strangers.
    pub fn owner_of_addr(&self, addr: IpAddr) -> Option<ProfileId> {
        match addr.to_canonical() {
            IpAddr::V4(addr) => self.v4.get_lpm(&Ipv4Net::from(addr)).map(|(_, profile)| *profile),
            IpAddr::V6(addr) => self.v6.get_lpm(&Ipv6Net::from(addr)).map(|(_, profile)| *profile),
        }
    }

    fn by_mac(&self, client: ClientAddr) -> Option<ProfileId> {
        let link = self.link.as_ref().filter(|_| !self.macs.is_empty())?;
        self.macs.get(&link.mac_of(client.0)?).copied()
    }

    fn by_prefix(&self, client: ClientAddr) -> ProfileId {
        self.owner_of_addr(client.0).unwrap_or(self.strangers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(clients: &Clients, addr: &str) -> u16 {
        clients.profile_of(addr.parse::<IpAddr>().unwrap().into()).0
    }

    #[test]
    fn tokens_come_before_addresses_and_are_long() {
        let text = "k7q2m4x9v1b8n3z6c5j0h2g4f6";
        let token = Token::of(text).unwrap();
        let mut clients = Clients::new(ProfileId(0));
        clients.insert("10.0.0.0/8".parse().unwrap(), ProfileId(1));
        clients.insert_token(token, ProfileId(2));
        let client = ClientAddr::from("10.0.0.1".parse::<IpAddr>().unwrap());
        assert_eq!(clients.profile_of_asker(client.into()), ProfileId(1));
        assert_eq!(clients.profile_of_asker(Asker { token: Some(token), ..client.into() }), ProfileId(2));
        assert!(clients.knows(token) && !clients.knows(Token::of("aaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap()));
        for wrong in ["", &text[1..], "K7q2m4x9v1b8n3z6c5j0h2g4f6", "k7q2m4x9v1b8n3z6c5j0h2g4f-"] {
            assert_eq!(Token::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_a_trusted_forwarder_says_who_asks() {
        let (mac, other) = (Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]));
        let addr = |text: &str| ClientAddr::from(text.parse::<IpAddr>().unwrap());
        let (forwarder, child) = (addr("::ffff:10.0.0.1"), addr("10.0.0.2"));
        let mut clients = Clients::new(ProfileId(0));
        clients.insert("10.0.0.0/8".parse().unwrap(), ProfileId(1));
        clients.insert_mac(mac, ProfileId(2));
        clients.trust(addr("10.0.0.1"));
        let asked = |client, mac| clients.profile_of_asker(Asker { client, token: None, mac });
        assert_eq!(asked(forwarder, Some(mac)), ProfileId(2));
        assert_eq!(asked(forwarder, Some(other)), ProfileId(1), "of a device nobody knows");
        assert_eq!(asked(forwarder, None), ProfileId(1));
        assert_eq!(asked(child, Some(mac)), ProfileId(1), "a child says so");
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
