//! What the kernel is asked to do, as a value: one nftables table of our own and the routes that its marks need. Rendering it
//! touches nothing; `apply` puts it in force. Knows no configuration and no name.

pub mod apply;
mod ways;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::identity::Mac;
use crate::policy::{Nameless, Network, Quic, WhenDead};

pub use ways::COUNTERS;

/// The name of our table, family `inet`.
pub const TABLE: &str = "luytre";
/// Where intercepted DNS and QUIC are led; answers have to come from these ports.
const DNS_PORT: u16 = 53;
const QUIC_PORT: u16 = 443;
/// An address that was given is let through for so long after its last use.
const GIVEN_HOURS: u32 = 24;
/// Addresses a set of them holds.
const GIVEN_MAX: u32 = 65_535;

/// The set that is empty when the program has not been heard of for [`ALIVE_SECS`].
const ALIVE: &str = "alive";
/// Longer than a restart takes, short enough that a household is not cut off by a program that has died.
pub const ALIVE_SECS: u32 = 60;

/// The whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// Interfaces behind which the devices live.
    pub lan: Vec<String>,
    /// The one bit that marks intercepted packets.
    pub mark: u32,
    /// Their routing table.
    pub table: u32,
    /// The preference of the rule that leads there.
    pub preference: u32,
    /// Port on the loopback addresses for HTTP.
    pub http_port: u16,
    /// The same for TLS.
    pub tls_port: u16,
    /// By position, which names their chains and sets.
    pub profiles: Vec<ProfileRules>,
    /// Position of the profile of unknown devices.
    pub strangers: usize,
}

/// What concerns the devices of one profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileRules {
    /// Its devices by MAC address; these come before addresses.
    pub macs: Vec<Mac>,
    /// Its devices by prefix; the longest counts.
    pub nets: Vec<IpNet>,
    /// How its connections are treated.
    pub network: Network,
    /// DNS over TLS and QUIC is rejected.
    pub block_encrypted_dns: bool,
    /// Nothing but help may be reached now.
    pub is_offline: bool,
}

/// The set of addresses that were given to the profile at that position.
pub fn given_set(position: usize, ipv6: bool) -> String {
    format!("given{}_{position}", if ipv6 { 6 } else { 4 })
}

/// The set of addresses of help.
pub fn help_set(ipv6: bool) -> &'static str {
    if ipv6 { "help6" } else { "help4" }
}

impl ProfileRules {
    /// True when the kernel looks whether an address was given.
    pub fn is_gated(&self) -> bool {
        self.network.intercept && matches!(self.network.nameless, Nameless::Block | Nameless::Log)
    }
}

impl Rules {
    /// What `nft -f` takes: the table as it shall be, in place of the one there is, in one transaction.
    pub fn text(&self) -> String {
        let mut text = String::from("# Made by luytre; `luytre firewall print` shows it. Changes are lost.\n");
        // Made if it is not there, so that deleting it never fails.
        line(&mut text, 0, &format!("table inet {TABLE} {{}}"));
        line(&mut text, 0, &format!("delete table inet {TABLE}"));
        line(&mut text, 0, &format!("table inet {TABLE} {{"));
        self.counters_and_sets(&mut text);
        self.prerouting(&mut text);
        self.forward(&mut text);
        for (position, profile) in self.profiles.iter().enumerate() {
            self.profile_prerouting(position, profile, &mut text);
            ways::profile_forward(position, profile, &mut text);
        }
        line(&mut text, 0, "}");
        text
    }

    /// What `nft -f` takes to add addresses to a set.
    pub fn elements(set: &str, addrs: &[IpAddr]) -> String {
        if addrs.is_empty() {
            return String::new();
        }
        let addrs: Vec<String> = addrs.iter().map(IpAddr::to_string).collect();
        format!("add element inet {TABLE} {set} {{ {} }}\n", addrs.join(", "))
    }

    /// What `nft -f` takes to say that the program lives. Added, taken away and added again, since kernels before 6.12 do not
    /// put off the end of what is there; fails where the table is gone.
    pub fn heart_beat() -> String {
        let element = |verb: &str| format!("{verb} element inet {TABLE} {ALIVE} {{ ipv4, ipv6 }}\n");
        ["add", "delete", "add"].map(element).concat()
    }

    /// The chains of [`Rules::text`] with the number of their rules, to look whether they are there.
    pub fn chains(&self) -> BTreeMap<String, usize> {
        let (text, mut chains, mut here) = (self.text(), BTreeMap::new(), None);
        for line in text.lines() {
            let words = line.trim();
            if let Some(chain) = words.strip_prefix("chain ").and_then(|rest| rest.strip_suffix(" {")) {
                here = Some(chain.to_string());
                chains.insert(chain.to_string(), 0);
            } else if line.starts_with("\t\t")
                && !words.starts_with("type ")
                && let Some(rules) = here.as_ref().and_then(|chain| chains.get_mut(chain))
            {
                *rules += 1;
            }
        }
        chains
    }

    fn counters_and_sets(&self, text: &mut String) {
        for counter in COUNTERS {
            line(text, 1, &format!("counter {counter} {{ }}"));
        }
        line(text, 1, &format!("set {ALIVE} {{ typeof meta nfproto; flags timeout; timeout {ALIVE_SECS}s; }}"));
        for (set, kind) in [(help_set(false), "ipv4_addr"), (help_set(true), "ipv6_addr")] {
            line(text, 1, &format!("set {set} {{ type {kind}; }}"));
        }
        for (position, _) in self.profiles.iter().enumerate().filter(|(_, profile)| profile.is_gated()) {
            for (ipv6, kind) in [(false, "ipv4_addr"), (true, "ipv6_addr")] {
                let set = given_set(position, ipv6);
                let options = format!("flags timeout,dynamic; timeout {GIVEN_HOURS}h; size {GIVEN_MAX};");
                line(text, 1, &format!("set {set} {{ type {kind}; {options} }}"));
            }
        }
    }

    fn prerouting(&self, text: &mut String) {
        line(text, 1, "chain prerouting {");
        line(text, 2, "type filter hook prerouting priority mangle; policy accept;");
        self.only_lan(text);
        // What belongs to a connection that is ours goes on to it, whatever the rules have become.
        let mark = self.mark();
        line(text, 2, &format!("meta l4proto tcp socket wildcard 0 socket transparent 1 {mark} accept"));
        self.dispatch("pre", text);
        line(text, 1, "}");
    }

    fn forward(&self, text: &mut String) {
        line(text, 1, "chain forward {");
        // Before the host's own rules: what they accept we still may refuse.
        line(text, 2, "type filter hook forward priority filter - 5; policy accept;");
        self.only_lan(text);
        self.dispatch("fwd", text);
        line(text, 1, "}");
    }

    /// What comes from elsewhere than the devices' side is none of our business, and most of a router's packets do.
    fn only_lan(&self, text: &mut String) {
        let lan: Vec<String> = self.lan.iter().map(|name| format!("\"{name}\"")).collect();
        line(text, 2, &format!("iifname != {{ {} }} return", lan.join(", ")));
    }

    /// To the chain of whose device it is: by MAC address, by the longest prefix, else a stranger's.
    fn dispatch(&self, kind: &str, text: &mut String) {
        let chain = |position: usize| format!("{kind}_{position}");
        let macs = self
            .profiles
            .iter()
            .enumerate()
            .flat_map(|(position, profile)| profile.macs.iter().map(move |mac| (mac.to_text(), position)));
        let macs: Vec<String> = macs.map(|(mac, position)| format!("{mac} : goto {}", chain(position))).collect();
        if !macs.is_empty() {
            line(text, 2, &format!("ether saddr vmap {{ {} }}", macs.join(", ")));
        }
        for ((is_v6, _), elements) in self.prefixes(&chain) {
            let family = if is_v6 { "ip6" } else { "ip" };
            line(text, 2, &format!("{family} saddr vmap {{ {} }}", elements.join(", ")));
        }
        line(text, 2, &format!("goto {}", chain(self.strangers)));
    }

    /// Prefixes by family and from the longest to the shortest: a map of intervals takes none that overlap.
    fn prefixes(&self, chain: &dyn Fn(usize) -> String) -> BTreeMap<(bool, std::cmp::Reverse<u8>), Vec<String>> {
        let mut by_length: BTreeMap<_, Vec<String>> = BTreeMap::new();
        for (position, profile) in self.profiles.iter().enumerate() {
            for net in &profile.nets {
                let key = (matches!(net, IpNet::V6(_)), std::cmp::Reverse(net.prefix_len()));
                by_length.entry(key).or_default().push(format!("{net} : goto {}", chain(position)));
            }
        }
        by_length
    }

    fn profile_prerouting(&self, position: usize, profile: &ProfileRules, text: &mut String) {
        line(text, 1, &format!("chain pre_{position} {{"));
        if profile.network.intercept {
            let is_closed = profile.network.when_dead == WhenDead::Closed;
            self.lead("meta l4proto { tcp, udp } th", DNS_PORT, DNS_PORT, text);
            if is_closed {
                line(text, 2, &format!("meta l4proto {{ tcp, udp }} th dport {DNS_PORT} drop"));
            }
            // The router's own pages, and what is not for one receiver.
            line(text, 2, "fib daddr type { local, broadcast, multicast, anycast } return");
            self.lead("tcp", 80, self.http_port, text);
            self.lead("tcp", 443, self.tls_port, text);
            let is_filtered = profile.network.quic == Quic::Filter;
            if is_filtered {
                self.lead("udp", QUIC_PORT, QUIC_PORT, text);
            }
            if is_closed {
                line(text, 2, "tcp dport { 80, 443 } drop");
            }
            if is_closed && is_filtered {
                line(text, 2, &format!("udp dport {QUIC_PORT} drop"));
            }
        }
        line(text, 1, "}");
    }

    /// `tproxy` first: where nobody listens the rule ends there, and the packet goes its own way unmarked.
    fn lead(&self, protocol: &str, from: u16, to: u16, text: &mut String) {
        let mark = self.mark();
        for (family, statement) in
            [("ipv4", format!("tproxy ip to 127.0.0.1:{to}")), ("ipv6", format!("tproxy ip6 to [::1]:{to}"))]
        {
            line(text, 2, &format!("meta nfproto {family} {protocol} dport {from} {statement} {mark} accept"));
        }
    }

    fn mark(&self) -> String {
        format!("meta mark set meta mark | {:#010x}", self.mark)
    }
}

/// Adds a line `depth` tabs in.
fn line(text: &mut String, depth: usize, words: &str) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "{}{words}", "\t".repeat(depth));
}

#[cfg(test)]
mod tests;
