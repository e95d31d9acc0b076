//! The kernel's neighbour table (ARP, RFC 826, and neighbour discovery, RFC 4861): which device has which address on the
//! networks we are part of. Copied once, then kept current by the kernel's events, on a thread of its own; read without a
//! lock. Needs no privilege. Asks no device anything and changes nothing in the kernel.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::identity::{Link, Mac};
use crate::net::netlink::{self, Message, Protocol, Socket, is_overrun, messages};

/// Entries held. A kernel left alone keeps 1,024 a family (`gc_thresh3`); sixteen times that is a large school. At the limit
/// no new entry is taken, known ones stay current, and `refused` counts: a device that makes addresses up cannot push
/// others out, and who is not found gets the profile of strangers.
pub const ENTRIES_MAX: usize = 16_384;
/// A change copies one shard: at the limit, 64 entries. Which one an address falls into, nobody outside can know.
const SHARDS: usize = 256;
/// How long to ask the kernel nothing after `look_up_now` asked it. A dump of 1,000 entries costs 0.4 ms, of 16,000 12 ms (measured).
const ASK_INTERVAL: Duration = Duration::from_millis(50);
/// How often the thread looks whether anybody still wants the table, and how long a dump may stand still.
const PATIENCE: Duration = Duration::from_secs(1);
/// After events were lost, or a failure: so long without a new dump, however many events are lost meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
/// Octets of events that may wait. An event takes about a kibibyte of kernel memory: 4,000 changes at once.
const EVENTS_BUFFER: i32 = 4 << 20;
/// Octets of `struct ndmsg`.
const HEADER: usize = 12;
/// States in which the kernel would send to the address it holds. Unconfirmed ones (`STALE`) count: a sleeping device
/// stays who it is. `NOARP` does not: nobody was asked there.
const USABLE: u16 = libc::NUD_REACHABLE | libc::NUD_STALE | libc::NUD_DELAY | libc::NUD_PROBE | libc::NUD_PERMANENT;

/// An address of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbour {
    /// The address.
    pub ip: IpAddr,
    /// The index of the interface behind which it is.
    pub interface: u32,
    /// The device.
    pub mac: Mac,
}

/// What one message of the kernel says of one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    ip: IpAddr,
    interface: u32,
    /// `None`: no device has it now.
    mac: Option<Mac>,
}

/// The table.
pub struct Neighbours {
    /// Each sorted by address, then interface. Written by one thread.
    shards: Box<[ArcSwap<Vec<Neighbour>>]>,
    keys: RandomState,
    entries: AtomicUsize,
    refused: AtomicU64,
    changes: watch::Sender<u64>,
    heard: Mutex<HashSet<Mac>>,
    asked: Mutex<Asked>,
}

/// The last answer to `look_up_now`, sorted as a shard.
#[derive(Default)]
struct Asked {
    at: Option<Instant>,
    rows: Vec<Neighbour>,
}

impl Link for Neighbours {
    fn mac_of(&self, addr: IpAddr) -> Option<Mac> {
        self.mac_of(addr)
    }
}

impl Neighbours {
    /// Copies the kernel's table and follows it until the last handle is dropped.
    pub fn start() -> io::Result<Arc<Neighbours>> {
        let events = Socket::open(Protocol::Route, PATIENCE)?;
        // First the events, then the dump: what changes between the two is an event.
        events.join(libc::RTNLGRP_NEIGH, EVENTS_BUFFER)?;
        let table = Arc::new(Neighbours::empty());
        table.replace(&dump()?);
        let followed = Arc::downgrade(&table);
        thread::Builder::new().name("neighbours".into()).spawn(move || follow(events, &followed))?;
        Ok(table)
    }

    /// A table nobody fills, for where there is no kernel to ask.
    pub fn empty() -> Neighbours {
        Neighbours {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            keys: RandomState::new(),
            entries: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            changes: watch::Sender::new(0),
            heard: Mutex::default(),
            asked: Mutex::default(),
        }
    }

    /// The device that has this address. `None` when none is known, and when different devices have it on different
    /// interfaces (link-local addresses, two networks with the same numbers): then only `mac_on` can tell. Takes no lock.
    pub fn mac_of(&self, ip: IpAddr) -> Option<Mac> {
        let ip = ip.to_canonical();
        only(rows_of(&self.shard(ip)?.load(), ip))
    }

    /// The device that has this address on the interface of that index. 0 means any, as in a socket address.
    pub fn mac_on(&self, ip: IpAddr, interface: u32) -> Option<Mac> {
        if interface == 0 {
            return self.mac_of(ip);
        }
        let ip = ip.to_canonical();
        rows_of(&self.shard(ip)?.load(), ip).iter().find(|row| row.interface == interface).map(|row| row.mac)
    }

    /// As `mac_of`, and when it is not known, asks the kernel: for traffic that is faster than the event about its sender.
    /// Blocks for about as long as a dump takes. Asks at most every 50 ms; in between, what it said last counts.
    pub fn look_up_now(&self, ip: IpAddr) -> Option<Mac> {
        let ip = ip.to_canonical();
        if let Some(mac) = self.mac_of(ip) {
            return Some(mac);
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.at.is_none_or(|at| at.elapsed() >= ASK_INTERVAL) {
            asked.rows = dump().unwrap_or_default();
            asked.rows.sort_unstable_by_key(|row| (row.ip, row.interface));
            asked.at = Some(Instant::now());
        }
        only(rows_of(&asked.rows, ip))
    }

    /// All addresses of a device, in no order. Looks through the whole table.
    pub fn addresses_of(&self, mac: Mac) -> Vec<IpAddr> {
        self.all().into_iter().filter(|row| row.mac == mac).map(|row| row.ip).collect()
    }

    /// The whole table, in no order.
    pub fn all(&self) -> Vec<Neighbour> {
        self.shards.iter().flat_map(|shard| shard.load().to_vec()).collect()
    }

    /// Entries held.
    pub fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// True when it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often a new entry was not taken because the table was full.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// A number that changes after each change of the table. Who is slow sees several changes as one.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// True when some device, or several, have this address.
    pub fn holds(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.shard(ip).is_some_and(|shard| !rows_of(&shard.load(), ip).is_empty())
    }

    /// The devices that gave a sign of life since this was last asked for. That an address is held says nothing of it: a
    /// small table keeps those that left.
    pub fn take_heard(&self) -> HashSet<Mac> {
        std::mem::take(&mut self.heard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn hear(&self, mac: Mac) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        if heard.len() < ENTRIES_MAX {
            heard.insert(mac);
        }
    }

    fn shard(&self, ip: IpAddr) -> Option<&ArcSwap<Vec<Neighbour>>> {
        let hash = match ip {
            IpAddr::V4(ip) => self.keys.hash_one(ip.to_bits()),
            IpAddr::V6(ip) => self.keys.hash_one(ip.to_bits()),
        };
        self.shards.get(hash as usize % SHARDS)
    }

    /// Makes the table say the same as the kernel's.
    fn replace(&self, rows: &[Neighbour]) {
        let fresh: HashSet<_> = rows.iter().map(|row| (row.ip, row.interface)).collect();
        let gone = self.all().into_iter().filter(|row| !fresh.contains(&(row.ip, row.interface)));
        let gone = gone.map(|row| Change { ip: row.ip, interface: row.interface, mac: None });
        let known = rows.iter().map(|row| Change { ip: row.ip, interface: row.interface, mac: Some(row.mac) });
        self.apply(gone.chain(known));
    }

    fn apply(&self, changes: impl Iterator<Item = Change>) {
        let changed = changes.filter(|change| self.set(*change)).count();
        if changed > 0 {
            self.changes.send_modify(|number| *number = number.wrapping_add(1));
        }
    }

    /// True when the table says something else than before.
    fn set(&self, change: Change) -> bool {
        let Some(shard) = self.shard(change.ip) else { return false };
        let old = shard.load();
        let place = old.binary_search_by_key(&(change.ip, change.interface), |row| (row.ip, row.interface));
        if place.ok().and_then(|at| old.get(at)).map(|row| row.mac) == change.mac {
            return false;
        }
        let mut rows = Vec::clone(&old);
        match (place, change.mac) {
            (Ok(at), None) => {
                rows.remove(at);
                self.entries.fetch_sub(1, Ordering::Relaxed);
            }
            (Ok(at), Some(mac)) => rows.iter_mut().skip(at).take(1).for_each(|row| row.mac = mac),
            (Err(_), Some(_)) if self.len() >= ENTRIES_MAX => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                return false;
            }
            (Err(at), Some(mac)) => {
                rows.insert(at, Neighbour { ip: change.ip, interface: change.interface, mac });
                self.entries.fetch_add(1, Ordering::Relaxed);
            }
            (Err(_), None) => return false,
        }
        shard.store(Arc::new(rows));
        true
    }
}

/// The rows of one address.
fn rows_of(rows: &[Neighbour], ip: IpAddr) -> &[Neighbour] {
    let rest = rows.get(rows.partition_point(|row| row.ip < ip)..).unwrap_or_default();
    rest.get(..rest.iter().take_while(|row| row.ip == ip).count()).unwrap_or_default()
}

/// The device all rows speak of.
fn only(rows: &[Neighbour]) -> Option<Mac> {
    let mac = rows.first()?.mac;
    rows.iter().all(|row| row.mac == mac).then_some(mac)
}

/// Follows the kernel's events as long as somebody holds the table.
fn follow(mut events: Socket, table: &Weak<Neighbours>) {
    let mut is_complete = true;
    while table.strong_count() > 0 {
        let done = if is_complete { receive(&mut events, table) } else { renew(&mut events, table) };
        is_complete = done.is_ok();
        match done {
            Err(error) if !is_overrun(&error) => tracing::warn!(%error, "neighbour table; asking for all of it"),
            Err(_) => tracing::debug!("events of the neighbour table were lost; asking for all of it"),
            Ok(()) => {}
        }
    }
}

/// Waits for events; having waited in vain is no failure. Holds the table only while it writes.
fn receive(events: &mut Socket, table: &Weak<Neighbours>) -> io::Result<()> {
    match events.receive() {
        Ok(datagram) => {
            if let Some(table) = table.upgrade() {
                let read =
                    messages(datagram).filter_map(|message| Some((read_event(&message)?, is_confirmed(&message))));
                table.apply(read.map(|(change, is_confirmed)| {
                    change.mac.filter(|_| is_confirmed).into_iter().for_each(|mac| table.hear(mac));
                    change
                }));
            }
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

/// Starts over. What waits is from before a loss and may be undone by what was lost: it is read away before the dump, and
/// all that happens from then on is an event again.
fn renew(events: &mut Socket, table: &Weak<Neighbours>) -> io::Result<()> {
    thread::sleep(PAUSE);
    events.drain()?;
    let rows = dump()?;
    if let Some(table) = table.upgrade() {
        table.replace(&rows);
    }
    Ok(())
}

/// The kernel's table.
fn dump() -> Result<Vec<Neighbour>, netlink::Error> {
    let mut socket = Socket::open(Protocol::Route, PATIENCE)?;
    socket.dump(
        libc::RTM_GETNEIGH,
        &[0; HEADER],
        |_| {},
        ENTRIES_MAX,
        |message| {
            let Change { ip, interface, mac } = read_event(message)?;
            Some(Neighbour { ip, interface, mac: mac? })
        },
    )
}

/// What a message says (`struct ndmsg` and its attributes); `None` when it is about something else: bridges' tables,
/// addresses we answer for in somebody's place.
pub(super) fn read_event(message: &Message<'_>) -> Option<Change> {
    let is_gone = match message.kind {
        libc::RTM_NEWNEIGH => false,
        libc::RTM_DELNEIGH => true,
        _ => return None,
    };
    let (header, attributes) = message.split::<HEADER>()?;
    let [family, _, _, _, i0, i1, i2, i3, s0, s1, flags, _] = *header;
    if flags & libc::NTF_PROXY != 0 {
        return None;
    }
    let ip = address(family, attributes.value(libc::NDA_DST)?)?;
    let is_usable = !is_gone && u16::from_ne_bytes([s0, s1]) & USABLE != 0;
    let mac = if is_usable { attributes.value(libc::NDA_LLADDR).and_then(Mac::of_octets) } else { None };
    Some(Change { ip, interface: u32::from_ne_bytes([i0, i1, i2, i3]), mac })
}

/// True when the kernel has just been told by the device itself.
fn is_confirmed(message: &Message<'_>) -> bool {
    let Some(([_, _, _, _, _, _, _, _, s0, s1, _, _], _)) = message.split::<HEADER>() else { return false };
    u16::from_ne_bytes([*s0, *s1]) & libc::NUD_REACHABLE != 0
}

fn address(family: u8, octets: &[u8]) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(Ipv4Addr::from(<[u8; 4]>::try_from(octets).ok()?).into()),
        libc::AF_INET6 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?).into()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may end so")]
mod tests {
    use super::*;
    use crate::net::netlink::Writer;

    fn mac(number: u32) -> Mac {
        let [a, b, c, d] = number.to_be_bytes();
        Mac([2, 0, a, b, c, d])
    }

    fn known(ip: &str, interface: u32, number: u32) -> Change {
        Change { ip: ip.parse().unwrap(), interface, mac: Some(mac(number)) }
    }

    fn event(kind: u16, state: u16, flags: u8, ip: IpAddr, lladdr: &[u8]) -> Option<Change> {
        let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let [s0, s1] = state.to_ne_bytes();
        let [i0, i1, i2, i3] = 7_u32.to_ne_bytes();
        let mut writer = Writer::new();
        writer.begin(kind, 0, 0, &[family as u8, 0, 0, 0, i0, i1, i2, i3, s0, s1, flags, 1]);
        match ip {
            IpAddr::V4(ip) => writer.attribute(libc::NDA_DST, &ip.octets()),
            IpAddr::V6(ip) => writer.attribute(libc::NDA_DST, &ip.octets()),
        }
        if !lladdr.is_empty() {
            writer.attribute(libc::NDA_LLADDR, lladdr);
        }
        let octets = writer.finish().unwrap();
        read_event(&messages(&octets).next().unwrap())
    }

    #[test]
    fn states_say_whether_a_device_has_the_address() {
        for ip in ["192.0.2.1", "2001:db8::1"] {
            let ip: IpAddr = ip.parse().unwrap();
            let lladdr = mac(1).0;
            let with = |mac| Some(Change { ip, interface: 7, mac });
            for state in [libc::NUD_REACHABLE, libc::NUD_STALE, libc::NUD_DELAY, libc::NUD_PROBE, libc::NUD_PERMANENT] {
                assert_eq!(event(libc::RTM_NEWNEIGH, state, 0, ip, &lladdr), with(Some(mac(1))));
                assert_eq!(event(libc::RTM_DELNEIGH, state, 0, ip, &lladdr), with(None));
            }
            for state in [libc::NUD_NONE, libc::NUD_INCOMPLETE, libc::NUD_FAILED, libc::NUD_NOARP] {
                assert_eq!(event(libc::RTM_NEWNEIGH, state, 0, ip, &lladdr), with(None));
            }
            for nobody in [&[][..], &[0; 6], &[1, 0, 0x5E, 0, 0, 1], &[0xFF; 6], &[2; 8], &[10, 0, 0, 1]] {
                assert_eq!(event(libc::RTM_NEWNEIGH, libc::NUD_STALE, 0, ip, nobody), with(None));
            }
            assert_eq!(event(libc::RTM_NEWNEIGH, libc::NUD_PERMANENT, libc::NTF_PROXY, ip, &lladdr), None);
            assert_eq!(event(libc::RTM_NEWLINK, libc::NUD_STALE, 0, ip, &lladdr), None);
        }
    }

    #[test]
    fn an_address_of_two_devices_is_nobodys_without_the_interface() {
        let table = Neighbours::empty();
        table.apply([known("fe80::1", 2, 1), known("fe80::1", 3, 2), known("192.0.2.1", 2, 1)].into_iter());
        let (link_local, shared) = ("fe80::1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert_eq!(table.mac_of(link_local), None);
        assert_eq!((table.mac_on(link_local, 2), table.mac_on(link_local, 3)), (Some(mac(1)), Some(mac(2))));
        assert_eq!((table.mac_on(link_local, 4), table.mac_on(link_local, 0)), (None, None));
        assert_eq!(table.mac_of("::ffff:192.0.2.1".parse().unwrap()), Some(mac(1)));
        // The same device by two interfaces is one device.
        table.apply([known("192.0.2.1", 3, 1)].into_iter());
        assert_eq!(table.mac_of(shared), Some(mac(1)));
        table.apply([Change { mac: None, ..known("fe80::1", 3, 0) }].into_iter());
        assert_eq!(table.mac_of(link_local), Some(mac(1)));
        let mut addresses = table.addresses_of(mac(1));
        addresses.sort_unstable();
        assert_eq!(addresses, [shared, shared, link_local]);
    }

    #[test]
    fn changes_are_told_and_repetitions_are_not() {
        let table = Neighbours::empty();
        let mut changes = table.changes();
        table.apply([known("192.0.2.1", 2, 1)].into_iter());
        assert!(changes.has_changed().unwrap());
        changes.mark_unchanged();
        table.apply([known("192.0.2.1", 2, 1), Change { mac: None, ..known("192.0.2.9", 2, 1) }].into_iter());
        assert!(!changes.has_changed().unwrap());
        table.apply([known("192.0.2.1", 2, 5)].into_iter());
        assert!(changes.has_changed().unwrap());
        assert_eq!((table.len(), table.mac_of("192.0.2.1".parse().unwrap())), (1, Some(mac(5))));
    }

    #[test]
    fn a_full_table_keeps_who_it_knows() {
        let table = Neighbours::empty();
        let all = (0..20_000_u32).map(|number| Neighbour {
            ip: Ipv4Addr::from(0x0A00_0000 + number).into(),
            interface: 2,
            mac: mac(number),
        });
        let all: Vec<_> = all.collect();
        table.replace(&all);
        assert_eq!((table.len(), table.refused()), (ENTRIES_MAX, 20_000 - ENTRIES_MAX as u64));
        assert_eq!(table.mac_of(all[7].ip), Some(mac(7)));
        assert_eq!(table.mac_of(all[19_999].ip), None);
        table.apply([known("10.0.0.7", 2, 1 << 20)].into_iter());
        assert_eq!(table.mac_of(all[7].ip), Some(mac(1 << 20)));
        // What a new dump no longer holds makes room.
        table.replace(&all[10_000..]);
        assert_eq!((table.len(), table.mac_of(all[7].ip)), (10_000, None));
        assert_eq!(table.mac_of(all[19_999].ip), Some(mac(19_999)));
        assert_eq!(table.all().len(), 10_000);
    }
}
