//! Names that devices announce by multicast DNS (RFC 6762): listened to, never asked for. A name counts for the address it was
//! announced from, and only where that address is on a network we are part of. Names are hints for people and decide nothing.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, MessageType};
use hickory_proto::rr::{RData, Record};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use crate::identity::lease::clean_name;
use crate::net::interfaces;

/// Names kept; those that come then are left out until others run out.
pub const NAMES_MAX: usize = 1_024;
/// How long a name is kept after it was announced: a device repeats its own within that time (RFC 6762 §10).
const KEPT: Duration = Duration::from_secs(2 * 3600);
const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// Octets of the longest message (RFC 6762 §17).
const DATAGRAM_MAX: usize = 9_000;
/// Messages read a second, of each family; a guess: a hundred devices that wake at once say one or two each.
const MESSAGES_MAX: u32 = 200;
/// How often the thread looks whether anybody still wants the names.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often interfaces that came meanwhile are joined.
const JOIN_EVERY: Duration = Duration::from_secs(15);

/// The names announced so far.
#[derive(Debug, Default)]
pub struct Announced {
    names: Mutex<HashMap<IpAddr, (String, Instant)>>,
    changes: AtomicU64,
}

impl Announced {
    /// Listens on the interfaces of those names, on all when none is named, until the last handle is dropped.
    pub fn listen(lan: &[String]) -> io::Result<Arc<Announced>> {
        let announced = Arc::new(Announced::default());
        let sockets = match (socket_v4(), socket_v6()) {
            (Err(error), Err(_)) => return Err(error),
            // Where one family is off, the other is listened to.
            (one, other) => one.into_iter().chain(other),
        };
        for socket in sockets {
            let (lan, heard) = (lan.to_vec(), Arc::downgrade(&announced));
            thread::Builder::new().name("mdns".into()).spawn(move || follow(&socket, &lan, &heard))?;
        }
        Ok(announced)
    }

    /// The name last announced from that address.
    pub fn name_of(&self, ip: IpAddr) -> Option<String> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.get(&ip).filter(|(_, at)| at.elapsed() < KEPT).map(|(name, _)| name.clone())
    }

    /// A number that changes with the names.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    fn hear(&self, datagram: &[u8], from: IpAddr, now: Instant) {
        let Some((name, is_leaving)) = read(datagram, from) else { return };
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_MAX && !names.contains_key(&from) {
            names.retain(|_, (_, at)| now.duration_since(*at) < KEPT);
        }
        let old = if is_leaving {
            names.remove(&from)
        } else if names.len() < NAMES_MAX || names.contains_key(&from) {
            names.insert(from, (name.clone(), now))
        } else {
            return;
        };
        if is_leaving || old.is_none_or(|(old, _)| old != name) {
            self.changes.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The name of whoever sent that announcement, and whether it takes leave of it (§10.1). `None` for questions, and when the
/// message does not say that its sender's address has a name.
fn read(datagram: &[u8], from: IpAddr) -> Option<(String, bool)> {
    let message = Message::from_vec(datagram).ok()?;
    if message.metadata.message_type != MessageType::Response {
        return None;
    }
    let is_own = |record: &&Record| match &record.data {
        RData::A(addr) => IpAddr::V4(addr.0) == from,
        RData::AAAA(addr) => IpAddr::V6(addr.0) == from,
        _ => false,
    };
    let own = message.answers.iter().chain(&message.additionals).find(is_own)?;
    let text = own.name.to_string();
    let name = clean_name(text.trim_end_matches('.').strip_suffix(".local")?)?;
    Some((name, own.ttl == 0))
}

fn follow(socket: &UdpSocket, lan: &[String], announced: &Weak<Announced>) {
    let mut buffer = vec![0; DATAGRAM_MAX];
    let (mut joined_at, mut second, mut messages) = (None, Instant::now(), 0);
    while announced.strong_count() > 0 {
        if joined_at.is_none_or(|at: Instant| at.elapsed() >= JOIN_EVERY) {
            join(socket, lan);
            joined_at = Some(Instant::now());
        }
        let Ok((len, from)) = socket.recv_from(&mut buffer) else { continue };
        if second.elapsed() >= Duration::from_secs(1) {
            (second, messages) = (Instant::now(), 0);
        }
        messages += 1;
        let is_on_link = match from.ip() {
            // That socket has only what was sent to the group, which no router passes on.
            IpAddr::V4(_) => true,
            // No router passes those addresses on.
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        let datagram = buffer.get(..len).filter(|_| is_on_link && from.port() == PORT && messages <= MESSAGES_MAX);
        if let Some((announced, datagram)) = announced.upgrade().zip(datagram) {
            announced.hear(datagram, from.ip(), Instant::now());
        }
    }
}

/// Joins the group on every interface; where that is done already, the kernel refuses.
fn join(socket: &UdpSocket, lan: &[String]) {
    let all = interfaces::shared().unwrap_or_default();
    let socket = socket2::SockRef::from(socket);
    for interface in all.iter().filter(|interface| lan.is_empty() || lan.contains(&interface.name)) {
        let _ = match socket.domain() {
            Ok(Domain::IPV4) => socket.join_multicast_v4_n(&GROUP_V4, &InterfaceIndexOrAddress::Index(interface.index)),
            _ => socket.join_multicast_v6(&GROUP_V6, interface.index),
        };
    }
}

fn socket_v4() -> io::Result<UdpSocket> {
    let socket = socket(Domain::IPV4)?;
    // Groups that other programs joined elsewhere are not ours.
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SocketAddr::from((GROUP_V4, PORT)).into())?;
    Ok(socket.into())
}

fn socket_v6() -> io::Result<UdpSocket> {
    let socket = socket(Domain::IPV6)?;
    socket.set_only_v6(true)?;
    // Kernels before 4.20 cannot; the sender's address is looked at anyway.
    let _ = socket.set_multicast_all_v6(false);
    // Its group has a scope, so that one socket can only be bound to all addresses.
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT)).into())?;
    Ok(socket.into())
}

/// Beside whoever else listens there (Avahi, a browser).
fn socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An announcement that `name` has an address, as the wire has it: with the bit that flushes caches (§10.2).
    fn announcement(flags: u8, labels: &[&str], addr: [u8; 4], ttl: u32) -> Vec<u8> {
        let mut octets = vec![0, 0, flags, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        for label in labels {
            octets.push(label.len() as u8);
            octets.extend(label.bytes());
        }
        octets.extend([0, 0, 1, 0x80, 1]);
        octets.extend(ttl.to_be_bytes());
        octets.extend([0, 4]);
        octets.extend(addr);
        octets
    }

    #[test]
    fn a_name_counts_for_the_address_it_comes_from() {
        let from = IpAddr::from([10, 0, 0, 7]);
        let own = announcement(0x84, &["An-iPad", "local"], [10, 0, 0, 7], 120);
        assert_eq!(read(&own, from), Some(("An-iPad".into(), false)));
        assert_eq!(read(&own, IpAddr::from([10, 0, 0, 8])), None, "of another device");
        assert_eq!(read(&announcement(0, &["An-iPad", "local"], [10, 0, 0, 7], 120), from), None, "a question");
        assert_eq!(read(&announcement(0x84, &["an", "example"], [10, 0, 0, 7], 120), from), None);
        assert_eq!(read(&announcement(0x84, &["a", "local"], [10, 0, 0, 7], 0), from), Some(("a".into(), true)));
        for end in 0..own.len() {
            assert_eq!(read(&own[..end], from), None, "{end} octets");
        }
        for at in 0..own.len() {
            let mut changed = own.clone();
            changed[at] ^= 1 << (at % 8);
            let _ = read(&changed, from);
        }
    }

    #[test]
    fn names_come_change_go_and_are_limited() {
        let (announced, now) = (Announced::default(), Instant::now());
        let say = |name: &str, number: u16, ttl| {
            let [high, low] = number.to_be_bytes();
            let addr = [10, 0, high, low];
            announced.hear(&announcement(0x84, &[name, "local"], addr, ttl), IpAddr::from(addr), now);
        };
        say("an", 1, 120);
        say("an", 1, 120);
        assert_eq!((announced.name_of([10, 0, 0, 1].into()).as_deref(), announced.changes()), (Some("an"), 1));
        say("mai", 1, 120);
        assert_eq!((announced.name_of([10, 0, 0, 1].into()).as_deref(), announced.changes()), (Some("mai"), 2));
        say("mai", 1, 0);
        assert_eq!(announced.name_of([10, 0, 0, 1].into()), None);
        (0..NAMES_MAX as u16 + 5).for_each(|number| say("crowd", number, 120));
        assert_eq!(announced.names.lock().unwrap().len(), NAMES_MAX);
        assert_eq!(announced.name_of(IpAddr::from([10, 0, 4, 4])), None);
        say("renamed", 3, 120);
        assert_eq!(announced.name_of([10, 0, 0, 3].into()).as_deref(), Some("renamed"));
    }
}
