//! Ways round the filter that only the kernel sees: what is forwarded without having been intercepted.
//!
//! | counter | what | how it is known |
//! |---|---|---|
//! | `offline` | anything but help, while a schedule refuses everything | the profile's hour |
//! | `quic` | QUIC | UDP 443; on other UDP ports the long header of version 1 or 2 (RFC 9000, RFC 9369) |
//! | `encrypted_dns` | DNS over TLS and QUIC (RFC 7858, RFC 9250) | port 853 |
//! | `vpn` | IKE 500, 4500 · L2TP 1701 · PPTP 1723 · OpenVPN 1194 · WireGuard 51820 · ESP, AH, GRE | ports and protocols |
//! | `vpn` | WireGuard on any port | its handshake: 148 octets that begin 01 00 00 00 |
//! | `vpn` | OpenVPN on any UDP port | its handshake: opcode 0x38, as long as a hard reset is with its usual keys |
//! | `tor` | Tor | ports 9001, 9030, 9040, 9050, 9051, 9150 |
//! | `proxy` | SOCKS and HTTP proxies | ports 1080, 3128, 8118 |
//! | `nameless` | addresses that no answer of ours gave | the sets `given…` |

use super::{ALIVE, ProfileRules, given_set, help_set, line};
use crate::policy::{Nameless, Quic, WhenDead};

/// Named counters of the table, whichever rules there are.
pub const COUNTERS: [&str; 8] =
    ["offline", "quic", "encrypted_dns", "vpn", "tor", "proxy", "nameless", "nameless_logged"];

/// Addresses inside need no answer of ours (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
const INSIDE: [&str; 2] = [
    "ip daddr { 10.0.0.0/8, 100.64.0.0/10, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 }",
    "ip6 daddr { fc00::/7, fe80::/10 }",
];
/// Refused at once and told so: a client that waits in vain is slow to fall back.
const REJECT: &str = "reject with icmpx type port-unreachable";
const RESET: &str = "reject with tcp reset";

/// The chain of what devices of that profile send through.
pub(super) fn profile_forward(position: usize, profile: &ProfileRules, text: &mut String) {
    line(text, 1, &format!("chain fwd_{position} {{"));
    if profile.network.intercept {
        if profile.network.when_dead == WhenDead::Open {
            // Without its heart beat the program is taken for dead.
            line(text, 2, &format!("meta nfproto != @{ALIVE} return"));
        }
        offline(profile, text);
        quic(profile, text);
        if profile.block_encrypted_dns {
            ports(text, "meta l4proto { tcp, udp } th dport 853", "encrypted_dns");
        }
        if profile.network.block_tunnels {
            tunnels(text);
        }
        nameless(position, profile, text);
    }
    line(text, 1, "}");
}

fn offline(profile: &ProfileRules, text: &mut String) {
    if profile.is_offline {
        help(text);
        ports(text, "", "offline");
    }
}

fn help(text: &mut String) {
    line(text, 2, &format!("ip daddr @{} accept", help_set(false)));
    line(text, 2, &format!("ip6 daddr @{} accept", help_set(true)));
}

fn quic(profile: &ProfileRules, text: &mut String) {
    if profile.network.quic == Quic::Reject {
        reject(text, "udp dport 443", "quic", REJECT);
    }
    if profile.network.quic != Quic::Allow {
        // Long header with the fixed bit, then the version.
        let shape = "udp dport != 443 @th,64,8 & 0xc0 == 0xc0 @th,72,32 { 0x00000001, 0x6b3343cf }";
        reject(text, shape, "quic", REJECT);
    }
}

fn tunnels(text: &mut String) {
    ports(text, "meta l4proto { tcp, udp } th dport { 500, 1194, 1701, 1723, 4500, 51820 }", "vpn");
    reject(text, "meta l4proto { esp, ah, gre }", "vpn", REJECT);
    // UDP lengths count the header of 8 octets. Both shapes are of handshakes alone, so no state of the flow is asked for: on a
    // machine that tracks no connections, asking would make it track all.
    reject(text, "udp length 156 @th,64,32 0x01000000", "vpn", REJECT);
    // 14 octets, and 20, 32 or 64 of HMAC with 8 of packet id and time; 54 under tls-crypt.
    reject(text, "@th,64,8 0x38 udp length { 22, 50, 62, 94 }", "vpn", REJECT);
    ports(text, "meta l4proto { tcp, udp } th dport { 9001, 9030, 9040, 9050, 9051, 9150 }", "tor");
    reject(text, "tcp dport { 1080, 3128, 8118 }", "proxy", RESET);
}

fn nameless(position: usize, profile: &ProfileRules, text: &mut String) {
    if !profile.is_gated() {
        return;
    }
    // In use is in use: an address does not run out under a connection.
    line(text, 2, "ct state established,related accept");
    INSIDE.iter().for_each(|inside| line(text, 2, &format!("{inside} accept")));
    help(text);
    for (family, ipv6) in [("ip", false), ("ip6", true)] {
        let set = given_set(position, ipv6);
        line(text, 2, &format!("{family} daddr @{set} update @{set} {{ {family} daddr }} accept"));
    }
    // Neighbour discovery and the like are the network's own business.
    line(text, 2, "meta l4proto { icmp, ipv6-icmp } accept");
    match profile.network.nameless {
        Nameless::Block => ports(text, "", "nameless"),
        _ => line(text, 2, "counter name nameless_logged"),
    }
}

/// Rejects what matches, TCP by a reset.
fn ports(text: &mut String, matching: &str, counter: &str) {
    let tcp = format!("{matching} meta l4proto tcp");
    reject(text, tcp.trim_start(), counter, RESET);
    reject(text, matching, counter, REJECT);
}

fn reject(text: &mut String, matching: &str, counter: &str, how: &str) {
    line(text, 2, format!("{matching} counter name {counter} {how}").trim_start());
}
