//! How clients find the encrypted doors: the designated resolvers of `_dns.resolver.arpa` (RFC 9462), the same under the
//! resolver's own name, its addresses, what it says of itself (RESINFO, RFC 9606), and the name of the pages.

use std::net::IpAddr;

use hickory_proto::rr::Name as WireName;
use hickory_proto::rr::rdata::svcb::{Alpn, IpHint, SvcParamKey, SvcParamValue, Unknown};
use hickory_proto::rr::rdata::{A, AAAA, SVCB};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, BinEncodable};

use super::answer;
use super::https::PATH;
use super::query::{Query, Rcode, rtype};
use crate::config::Encrypted;
use crate::name::Name;

/// Everything there is to say, ready to be sent.
#[derive(Default)]
pub struct Designations {
    /// The resolver's name and `_dns` before it.
    names: Option<(Name, Name)>,
    addresses: Vec<IpAddr>,
    /// Data of SVCB records; none when no door is open or nothing leads to it.
    bindings: Vec<Vec<u8>>,
    /// Data of the RESINFO record.
    information: Vec<u8>,
    /// The name of the pages and where it leads.
    pages: Option<(Name, Vec<IpAddr>)>,
}

/// They change with the configuration only.
const TTL_SECS: u32 = 300;
/// Names of the records that every resolver may answer.
const RESOLVER: &[u8] = b"\x08resolver\x04arpa\x00";
const DNS_RESOLVER: &[u8] = b"\x04_dns\x08resolver\x04arpa\x00";

impl Designations {
    /// What the configuration says of the doors and of the pages. `minimizes`: recursion tells each server only what it needs.
    pub fn new(encrypted: &Encrypted, minimizes: bool, pages: Option<(Name, Vec<IpAddr>)>) -> Designations {
        let information = ["exterr=15,16,17", if minimizes { "qnamemin" } else { "" }]
            .iter()
            .filter(|text| !text.is_empty())
            .flat_map(|text| [&[text.len() as u8], text.as_bytes()].concat())
            .collect();
        let Some(name) = encrypted.name.clone().filter(|_| !encrypted.is_off()) else {
            return Designations { information, pages, ..Designations::default() };
        };
        let under = Name::parse(&format!("_dns.{name}")).ok();
        let bindings = doors(encrypted).into_iter().enumerate();
        let bindings = bindings.filter_map(|(at, door)| binding(at as u16 + 1, &name, door, &encrypted.addresses));
        Designations {
            bindings: bindings.collect(),
            addresses: encrypted.addresses.clone(),
            names: under.map(|under| (name, under)),
            information,
            pages,
        }
    }

    /// Answers questions for the resolver itself; false when `query` is for something else.
    pub fn answer(&self, query: &Query<'_>, out: &mut Vec<u8>) -> bool {
        if self.answer_pages(query, out) {
            return true;
        }
        let asked = query.name.as_wire();
        let (is_own, is_under) =
            self.names.as_ref().map_or((false, false), |(own, under)| (query.name == *own, query.name == *under));
        if is_own && matches!(query.qtype, rtype::A | rtype::AAAA) && !self.addresses.is_empty() {
            answer::addresses(query, &self.addresses, TTL_SECS, None, out);
            return true;
        }
        match query.qtype {
            rtype::SVCB if (asked == DNS_RESOLVER || is_under) && !self.bindings.is_empty() => {
                answer::records(query, self.bindings.iter().map(Vec::as_slice), TTL_SECS, out);
            }
            rtype::RESINFO if asked == RESOLVER || is_own => {
                answer::records(query, [self.information.as_slice()].into_iter(), TTL_SECS, out);
            }
            _ if asked == RESOLVER => answer::negative(query, Rcode::NoError, TTL_SECS, None, out),
            _ => return false,
        }
        true
    }
}

impl Designations {
    fn answer_pages(&self, query: &Query<'_>, out: &mut Vec<u8>) -> bool {
        let Some((_, addresses)) = self.pages.as_ref().filter(|(name, _)| *name == query.name) else { return false };
        match query.qtype {
            rtype::A | rtype::AAAA if !addresses.is_empty() => {
                answer::addresses(query, addresses, TTL_SECS, None, out);
            }
            _ => answer::negative(query, Rcode::NoError, TTL_SECS, None, out),
        }
        true
    }
}

/// A kind of door: its ALPN, the port, and whether it has a path.
type Door = (Vec<String>, u16, bool);

fn doors(encrypted: &Encrypted) -> Vec<Door> {
    let alpn = |all: &[&str]| all.iter().map(|one| one.to_string()).collect::<Vec<_>>();
    let port = |addrs: &[std::net::SocketAddr]| addrs.first().map(|addr| addr.port());
    let quic = port(&encrypted.quic).map(|port| (alpn(&["doq"]), port, false));
    let https = port(&encrypted.https).map(|port| (alpn(&["h3", "h2"]), port, true));
    let tls = port(&encrypted.tls).map(|port| (alpn(&["dot"]), port, false));
    [https, quic, tls].into_iter().flatten().collect()
}

/// Data of one SVCB record (RFC 9461).
fn binding(priority: u16, name: &Name, (alpn, port, has_path): Door, addresses: &[IpAddr]) -> Option<Vec<u8>> {
    /// Key of `dohpath` (RFC 9461 §5).
    const DOH_PATH: u16 = 7;
    let target = WireName::read(&mut BinDecoder::new(name.as_wire())).ok()?;
    let v4 = addresses.iter().filter_map(|addr| if let IpAddr::V4(addr) = addr { Some(A(*addr)) } else { None });
    let v6 = addresses.iter().filter_map(|addr| if let IpAddr::V6(addr) = addr { Some(AAAA(*addr)) } else { None });
    let (v4, v6): (Vec<_>, Vec<_>) = (v4.collect(), v6.collect());
    // In the order of the keys (RFC 9460 §2.2).
    let mut params =
        vec![(SvcParamKey::Alpn, SvcParamValue::Alpn(Alpn(alpn))), (SvcParamKey::Port, SvcParamValue::Port(port))];
    if !v4.is_empty() {
        params.push((SvcParamKey::Ipv4Hint, SvcParamValue::Ipv4Hint(IpHint(v4))));
    }
    if !v6.is_empty() {
        params.push((SvcParamKey::Ipv6Hint, SvcParamValue::Ipv6Hint(IpHint(v6))));
    }
    if has_path {
        let template = format!("{PATH}{{?dns}}").into_bytes();
        params.push((SvcParamKey::Unknown(DOH_PATH), SvcParamValue::Unknown(Unknown(template))));
    }
    SVCB::new(priority, target, params).to_bytes().ok()
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::Message;
    use hickory_proto::rr::RData;

    use super::super::query::Parsed;
    use super::*;

    fn asked(designations: &Designations, name: &str, qtype: u16) -> Option<Message> {
        let mut packet = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
        packet.extend_from_slice(Name::parse(name).unwrap().as_wire());
        packet.extend_from_slice(&[qtype.to_be_bytes(), [0, 1]].concat());
        let Parsed::Query(query) = Query::parse(&packet) else { panic!("not read") };
        let mut out = Vec::new();
        designations.answer(&query, &mut out).then(|| Message::from_vec(&out).unwrap())
    }

    fn encrypted(name: Option<&str>) -> Encrypted {
        Encrypted {
            tls: vec!["0.0.0.0:853".parse().unwrap()],
            https: vec!["0.0.0.0:443".parse().unwrap()],
            quic: vec!["0.0.0.0:8853".parse().unwrap()],
            name: name.map(|name| Name::parse(name).unwrap()),
            addresses: vec!["192.168.1.2".parse().unwrap(), "fd00::2".parse().unwrap()],
            certificate: None,
            connections_max: 1,
            idle: std::time::Duration::from_secs(1),
        }
    }

    #[test]
    fn every_door_is_designated() {
        let designations = Designations::new(&encrypted(Some("dns.home.example")), true, None);
        for name in ["_dns.resolver.arpa", "_dns.dns.home.example"] {
            let message = asked(&designations, name, rtype::SVCB).unwrap();
            let shown: Vec<String> = message.answers.iter().map(|record| record.data.to_string()).collect();
            assert_eq!(shown.len(), 3, "{shown:?}");
            assert!(shown[0].starts_with("1 dns.home.example. alpn=h3,h2, port=443 ipv4hint=192.168.1.2"), "{shown:?}");
            assert!(shown[1].contains("doq") && shown[1].contains("8853") && shown[2].contains("dot"));
        }
        let address = asked(&designations, "dns.home.example", rtype::A).unwrap();
        assert!(matches!(&address.answers[0].data, RData::A(addr) if addr.0.to_string() == "192.168.1.2"));
        let information = asked(&designations, "resolver.arpa", rtype::RESINFO).unwrap();
        assert_eq!(information.answers.len(), 1);
    }

    #[test]
    fn without_a_name_nothing_is_designated() {
        let designations = Designations::new(&encrypted(None), false, None);
        assert!(asked(&designations, "_dns.resolver.arpa", rtype::SVCB).is_none());
        assert!(asked(&designations, "www.example", rtype::A).is_none());
        assert!(asked(&designations, "resolver.arpa", rtype::RESINFO).is_some());
    }
}
