//! `[dns.upstream]` and `[[dns.route]]`: whom to ask, by which protocol, and whether what they say is checked.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use hickory_proto::dnssec::{PublicKey, TrustAnchors};
use hickory_proto::rr::{Name as WireName, RData};
use hickory_proto::serialize::txt::Parser;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::read::{duration_ms, word};
use crate::document::{At, Table};
use crate::name::Name;

/// Where unknown answers come from.
#[derive(Clone)]
pub struct Upstream {
    /// Other resolvers, or the authoritative servers themselves.
    pub mode: Mode,
    /// Resolvers to ask in [`Mode::Forward`].
    pub servers: Vec<Server>,
    /// Names that go elsewhere; the longest suffix counts.
    pub routes: Vec<Route>,
    /// One try.
    pub timeout: Duration,
    /// Order of asking.
    pub strategy: Strategy,
    /// Authorities that upstream certificates are checked against.
    pub authorities: Arc<RootCertStore>,
    /// Answers are validated (RFC 4035).
    pub dnssec: bool,
    /// Keys that are trusted from the start.
    pub trust_anchor: Arc<TrustAnchors>,
    /// Not validated, with all below them (RFC 7646).
    pub negative_trust_anchors: Vec<Name>,
    /// Addresses of the root servers.
    pub root_hints: Arc<[IpAddr]>,
    /// Recursion may ask servers with private addresses.
    pub allow_private_servers: bool,
}

/// How answers are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Other resolvers are asked.
    Forward,
    /// From the root down.
    Recurse,
}

/// Names that are asked elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// With all below it.
    pub suffix: Name,
    /// Whom to ask.
    pub servers: Vec<Server>,
}

/// One resolver and the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Where it is.
    pub addr: SocketAddr,
    /// The name its certificate must have; `None`: its address.
    pub tls_name: Option<Arc<str>>,
    /// Path of DNS over HTTPS.
    pub path: Arc<str>,
}

/// How a resolver is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams, with TCP when an answer does not fit.
    Udp,
    /// TCP only (RFC 7766).
    Tcp,
    /// DNS over TLS (RFC 7858).
    Tls,
    /// DNS over HTTPS with HTTP/2 (RFC 8484).
    Https,
    /// DNS over HTTPS with HTTP/3.
    H3,
    /// DNS over QUIC (RFC 9250).
    Quic,
}

impl Protocol {
    const ALL: [Protocol; 6] =
        [Protocol::Udp, Protocol::Tcp, Protocol::Tls, Protocol::Https, Protocol::H3, Protocol::Quic];

    /// The scheme of its addresses.
    pub const fn scheme(self) -> &'static str {
        match self {
            Protocol::Udp => "udp",
            Protocol::Tcp => "tcp",
            Protocol::Tls => "tls",
            Protocol::Https => "https",
            Protocol::H3 => "h3",
            Protocol::Quic => "quic",
        }
    }

    const fn port(self) -> u16 {
        match self {
            Protocol::Udp | Protocol::Tcp => 53,
            Protocol::Tls | Protocol::Quic => 853,
            Protocol::Https | Protocol::H3 => 443,
        }
    }
}

/// In which order upstreams are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// As written; later ones only when earlier ones fail.
    Ordered,
    /// The one that has answered fastest.
    Fastest,
    /// Each in turn, so that none sees every name.
    Spread,
}

impl fmt::Display for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.protocol == Protocol::Udp {
            return write!(out, "{}", self.addr);
        }
        write!(out, "{}://{}", self.protocol.scheme(), self.addr)?;
        if matches!(self.protocol, Protocol::Https | Protocol::H3) {
            out.write_str(&self.path)?;
        }
        self.tls_name.as_ref().map_or(Ok(()), |name| write!(out, "#{name}"))
    }
}

impl Server {
    /// The server at that address, asked by UDP.
    pub fn udp(addr: SocketAddr) -> Server {
        Server { protocol: Protocol::Udp, addr, tls_name: None, path: PATH.into() }
    }

    /// Reads `SCHEME://ADDRESS[:PORT][/PATH][#NAME]`; an address alone is UDP. The error says what would be right.
    pub fn parse(text: &str) -> Result<Server, String> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("udp", text));
        let known = Protocol::ALL.into_iter().find(|protocol| protocol.scheme() == scheme);
        let protocol = known.ok_or_else(|| {
            format!("upstream scheme {scheme:?} is not known (\"udp\", \"tcp\", \"tls\", \"https\", \"h3\", \"quic\")")
        })?;
        let (rest, tls_name) = rest.split_once('#').map_or((rest, None), |(rest, name)| (rest, Some(name)));
        let (place, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let with_port = place.parse().ok();
        let ip = || place.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|ip| (ip, protocol.port()).into());
        let addr = with_port.or_else(ip).ok_or_else(|| {
            let example = if protocol == Protocol::Udp { "\"192.168.1.1\"" } else { "\"tls://192.0.2.1#dns.example\"" };
            format!("{place:?} is not an address ({example}, \"[2001:db8::1]:53\"; the name goes behind #)")
        })?;
        let is_http = matches!(protocol, Protocol::Https | Protocol::H3);
        if !path.is_empty() && !is_http {
            return Err(format!("{scheme}:// has no path; {path:?} is only for https:// and h3://"));
        }
        if tls_name.is_some() && matches!(protocol, Protocol::Udp | Protocol::Tcp) {
            return Err(format!("{scheme}:// has no certificate; a name behind # is for tls, https, h3 and quic"));
        }
        if let Some(name) = tls_name
            && rustls::pki_types::ServerName::try_from(name).is_err()
        {
            return Err(format!("{name:?} is not a name a certificate can have"));
        }
        let path = if path.is_empty() { PATH } else { path };
        Ok(Server { protocol, addr, tls_name: tls_name.map(Arc::from), path: path.into() })
    }
}

/// The usual path (RFC 8484 §4.1.1).
const PATH: &str = "/dns-query";

pub(super) fn upstream(dns: &mut Table<'_>, beside: &Path) -> Option<Upstream> {
    let routes = routes(dns);
    let Some(mut table) = dns.table("upstream") else {
        dns.fault(&dns.span(), "`[dns.upstream]` is missing (`servers = [\"192.168.1.1:53\"]`)");
        return None;
    };
    let modes = [("forward", Mode::Forward), ("recurse", Mode::Recurse)];
    let mode = word(&mut table, "mode", "mode", &modes).map_or(Mode::Forward, |at| at.value);
    let servers = match mode {
        Mode::Forward => servers(&mut table),
        Mode::Recurse => {
            if table.has("servers") {
                table.fault(
                    &table.span(),
                    "`mode = \"recurse\"` asks no `servers`; names can go elsewhere by [[dns.route]]",
                );
            }
            Some(Vec::new())
        }
    };
    let strategies = [("ordered", Strategy::Ordered), ("fastest", Strategy::Fastest), ("spread", Strategy::Spread)];
    Some(Upstream {
        timeout: duration_ms(&mut table, "timeout", 2_000, 100..=30_000),
        strategy: word(&mut table, "strategy", "strategy", &strategies).map_or(Strategy::Ordered, |at| at.value),
        authorities: authorities(&mut table, beside),
        dnssec: table.or("dnssec", mode == Mode::Recurse),
        trust_anchor: trust_anchor(&mut table, beside),
        negative_trust_anchors: table.or("negative_trust_anchors", Vec::new()),
        root_hints: root_hints(&mut table, beside),
        allow_private_servers: table.or("allow_private_servers", false),
        mode,
        servers: servers?,
        routes,
    })
}

fn routes(dns: &mut Table<'_>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for mut table in dns.tables("route") {
        let suffixes = table.required::<Vec<At<Name>>>("suffix");
        let (Some(suffixes), Some(servers)) = (suffixes, servers(&mut table)) else { continue };
        for suffix in suffixes.value {
            if routes.iter().any(|other| other.suffix == suffix.value) {
                table.fault(&suffix.span, format!("{} has a route already", suffix.value));
            }
            routes.push(Route { suffix: suffix.value, servers: servers.clone() });
        }
    }
    // The longest first: the first that holds a name is its route.
    routes.sort_by_key(|route| std::cmp::Reverse(route.suffix.label_count()));
    routes
}

fn servers(table: &mut Table<'_>) -> Option<Vec<Server>> {
    let servers: Vec<At<String>> = table.required("servers")?.value;
    if servers.is_empty() {
        table.fault(&table.span(), "`servers` is empty; name at least one upstream");
    }
    let read = |server: &At<String>| Server::parse(&server.value).map_err(|what| table.fault(&server.span, what)).ok();
    servers.iter().map(read).collect::<Vec<_>>().into_iter().collect()
}

/// Reads the file that `key` names; what `read` finds wrong is a fault at its place.
fn file<T>(
    table: &mut Table<'_>,
    key: &'static str,
    beside: &Path,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<T> {
    let file = table.get::<PathBuf>(key)?;
    let path = beside.join(&file.value);
    let read = super::slurp(&path).and_then(|text| read(&text));
    read.map_err(|what| table.fault(&file.span, format!("{key} {}: {what}", path.display()))).ok()
}

fn authorities(table: &mut Table<'_>, beside: &Path) -> Arc<RootCertStore> {
    let own = file(table, "ca", beside, |text| {
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
            let certificate = certificate.map_err(|error| format!("is not PEM: {error}"))?;
            store.add(certificate).map_err(|error| format!("holds a certificate that is none: {error}"))?;
        }
        if store.is_empty() { Err("holds no certificate".into()) } else { Ok(store) }
    });
    Arc::new(own.unwrap_or_else(|| webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()))
}

fn trust_anchor(table: &mut Table<'_>, beside: &Path) -> Arc<TrustAnchors> {
    let own = file(table, "trust_anchor", beside, |text| {
        let anchors: TrustAnchors = text.parse().map_err(|error| format!("holds no DNSKEY records: {error}"))?;
        if anchors.is_empty() { Err("holds no DNSKEY of the root".into()) } else { Ok(anchors) }
    });
    Arc::new(own.unwrap_or_default())
}

fn root_hints(table: &mut Table<'_>, beside: &Path) -> Arc<[IpAddr]> {
    let own = file(table, "root_hints", beside, |text| {
        let parsed = Parser::new(text, None, Some(WireName::root())).parse();
        let (_, zone) = parsed.map_err(|error| format!("is no zone file: {error}"))?;
        let records = zone.values().flat_map(|set| set.records_without_rrsigs());
        let addrs: Arc<[IpAddr]> = records.filter_map(|record| RData::ip_addr(&record.data)).collect();
        if addrs.is_empty() { Err("holds no A or AAAA record".into()) } else { Ok(addrs) }
    });
    own.unwrap_or_else(|| ROOT_SERVERS.iter().filter_map(|addr| addr.parse().ok()).collect())
}

/// IANA's root servers, a to m (https://www.iana.org/domains/root/servers).
const ROOT_SERVERS: [&str; 26] = [
    "198.41.0.4",
    "2001:503:ba3e::2:30",
    "170.247.170.2",
    "2801:1b8:10::b",
    "192.33.4.12",
    "2001:500:2::c",
    "199.7.91.13",
    "2001:500:2d::d",
    "192.203.230.10",
    "2001:500:a8::e",
    "192.5.5.241",
    "2001:500:2f::f",
    "192.112.36.4",
    "2001:500:12::d0d",
    "198.97.190.53",
    "2001:500:1::53",
    "192.36.148.17",
    "2001:7fe::53",
    "192.58.128.30",
    "2001:503:c27::2:30",
    "193.0.14.129",
    "2001:7fd::1",
    "199.7.83.42",
    "2001:500:9f::42",
    "202.12.27.33",
    "2001:dc3::35",
];

impl PartialEq for Upstream {
    fn eq(&self, other: &Upstream) -> bool {
        let plain = |upstream: &Upstream| {
            let Upstream { mode, servers, routes, timeout, strategy, .. } = upstream.clone();
            let Upstream { dnssec, negative_trust_anchors, root_hints, allow_private_servers, .. } = upstream.clone();
            (
                mode,
                servers,
                routes,
                timeout,
                strategy,
                dnssec,
                negative_trust_anchors,
                root_hints,
                allow_private_servers,
            )
        };
        let keys = |upstream: &Upstream| {
            let anchors = &upstream.trust_anchor;
            (0..anchors.len())
                .filter_map(|at| anchors.get(at))
                .map(|key| key.public_bytes().to_vec())
                .collect::<Vec<_>>()
        };
        plain(self) == plain(other) && keys(self) == keys(other) && self.authorities.roots == other.authorities.roots
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Upstream { mode, timeout, strategy, dnssec, allow_private_servers, routes, .. } = self;
        let servers: Vec<String> = self.servers.iter().map(Server::to_string).collect();
        write!(
            out,
            "Upstream {{ {mode:?}, {servers:?}, {timeout:?}, {strategy:?}, dnssec: {dnssec}, private: \
             {allow_private_servers}, {routes:?} }}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_root_servers_are_addresses() {
        assert!(ROOT_SERVERS.iter().all(|addr| addr.parse::<IpAddr>().is_ok()));
    }

    #[test]
    fn servers_are_read_and_shown_alike() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("udp://[2001:db8::1]", "[2001:db8::1]:53"),
            ("tcp://192.0.2.1:5353", "tcp://192.0.2.1:5353"),
            ("tls://192.0.2.1#dns.example", "tls://192.0.2.1:853#dns.example"),
            ("https://192.0.2.1#dns.example", "https://192.0.2.1:443/dns-query#dns.example"),
            ("h3://[2001:db8::1]:8443/q#dns.example", "h3://[2001:db8::1]:8443/q#dns.example"),
            ("quic://192.0.2.1", "quic://192.0.2.1:853"),
        ] {
            assert_eq!(Server::parse(text).map(|server| server.to_string()), Ok(shown.into()), "{text}");
        }
        for wrong in [
            "tsl://192.0.2.1",
            "tls://dns.example",
            "udp://192.0.2.1#x",
            "tls://192.0.2.1/x",
            "tls://192.0.2.1#a b",
            "",
        ] {
            assert!(Server::parse(wrong).is_err(), "{wrong}");
        }
    }
}
