//! Addresses that answers of ours gave, and those of help, told to the kernel: elements of the sets in the table of our
//! rules, so that packets are let through without asking us. Also reads that table's counters. Never makes the table or its
//! sets; `given4_3` here is a name and nothing more.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::net::netlink::{self, ACK, CREATE, Protocol, REQUEST, Socket, Writer, attributes};

/// The table our rules live in, family `inet`.
pub const TABLE: &str = "luytre";
/// How long the kernel may take. It answers at once, or after a change of rules by somebody else.
const PATIENCE: Duration = Duration::from_secs(2);
/// Elements of one transaction: with every element told three times, 150 KiB, which fits the send buffer that every system
/// gives (208 KiB), and less than the 64 KiB that a message's list may have.
const TRANSACTION_MAX: usize = 1000;
/// Counters read. Ours are a few for each profile.
const COUNTERS_MAX: usize = 4096;

/// Numbers of linux/netfilter/nfnetlink.h and nf_tables.h.
const SUBSYSTEM: u16 = 10 << 8;
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;
const GET_TABLE: u16 = SUBSYSTEM | 1;
const NEW_ELEMENT: u16 = SUBSYSTEM | 12;
const DELETE_ELEMENT: u16 = SUBSYSTEM | 14;
const GET_OBJECT: u16 = SUBSYSTEM | 19;
const DESTROY_ELEMENT: u16 = SUBSYSTEM | 30;
const LIST_TABLE: u16 = 1;
const LIST_SET: u16 = 2;
const LIST_ELEMENTS: u16 = 3;
const LIST_ITEM: u16 = 1;
const ELEMENT_KEY: u16 = 1;
const ELEMENT_TIMEOUT: u16 = 4;
const DATA_VALUE: u16 = 1;
const TABLE_NAME: u16 = 1;
const OBJECT_TABLE: u16 = 1;
const OBJECT_NAME: u16 = 2;
const OBJECT_TYPE: u16 = 3;
const OBJECT_DATA: u16 = 4;
const OBJECT_COUNTER: u32 = 1;
const COUNTER_PACKETS: u16 = 2;
/// `struct nfgenmsg`: the family (`inet`; a batch has none), version 0, and in a batch the subsystem, in network order.
const HEADER: [u8; 4] = [libc::NFPROTO_INET as u8, 0, 0, 0];
const BATCH_HEADER: [u8; 4] = [0, 0, 0, 10];

/// An address and the set it belongs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The set's name.
    pub set: &'a str,
    /// The address, of the set's family.
    pub ip: IpAddr,
    /// How long it stays, counted from now, in whole milliseconds; `None` leaves it to the set. Only for a set that has
    /// the flag `timeout`.
    pub timeout: Option<Duration>,
}

/// Why elements were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No such set, or no such table.
    #[error("set {set} does not exist in table inet {TABLE} (are the rules applied?)")]
    Missing {
        /// Its name.
        set: String,
    },
    /// It holds as many as it may.
    #[error("set {set} is full; its new addresses are not let through")]
    Full {
        /// Its name.
        set: String,
    },
    /// Another reason: an address of the other family, a time-out where the set has none.
    #[error("set {set}: {error}")]
    Refused {
        /// Its name.
        set: String,
        /// The kernel's reason.
        error: netlink::Error,
    },
    /// The kernel cannot be spoken to, or CAP_NET_ADMIN is missing.
    #[error("addresses cannot be told to the kernel: {0}")]
    Kernel(netlink::Error),
}

/// What it takes to start an element's time-out anew. Adding it again is enough since Linux 6.12; before, that changes
/// nothing. Each way is right on every later kernel too, so a kernel that says less of itself than it can do costs time only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refresh {
    /// Add.
    Add,
    /// Since 6.3: destroy (which may find nothing) and add, in one transaction: no packet sees it missing.
    Destroy,
    /// Add, so that there is something to delete, then delete and add, in one transaction.
    Delete,
}

/// The sets and counters of our table.
pub struct Sets {
    socket: Mutex<Socket>,
    refresh: Refresh,
}

impl Sets {
    /// Opens the way to the kernel. Needs neither the table nor a privilege yet.
    pub fn open() -> io::Result<Sets> {
        Sets::for_kernel(&std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default())
    }

    /// As `open`, for a kernel of that release (`uname -r`) or a later one.
    pub fn for_kernel(release: &str) -> io::Result<Sets> {
        Ok(Sets { socket: Mutex::new(Socket::open(Protocol::Netfilter, PATIENCE)?), refresh: refresh_for(release) })
    }

    /// Adds elements and starts the time-outs of those that are there anew. When it returns, the kernel knows them. All of
    /// one transaction (1,000) are taken at once or not at all; where one set refuses, the others' are still taken, and
    /// where a set is full, those of its elements that are there already. The error is the first.
    pub fn add(&self, elements: &[Element<'_>]) -> Result<(), Error> {
        let mut socket = self.socket();
        let mut first = Ok(());
        for part in elements.chunks(TRANSACTION_MAX) {
            let mut sets: Sorted<'_> = BTreeMap::new();
            for Element { set, ip, timeout } in part {
                sets.entry(set).or_default().insert(ip.to_canonical(), *timeout);
            }
            first = first.and(add_part(&mut socket, self.refresh, &sets));
        }
        first
    }

    /// The named counters of the table and the packets each has counted, in no order.
    pub fn counters(&self) -> io::Result<Vec<(String, u64)>> {
        let fill = |writer: &mut Writer| {
            writer.text(OBJECT_TABLE, TABLE);
            writer.attribute(OBJECT_TYPE, &OBJECT_COUNTER.to_be_bytes());
        };
        let counters = self.socket().dump(GET_OBJECT, &HEADER, fill, COUNTERS_MAX, |message| {
            let (_, object) = message.split::<4>()?;
            let data = attributes(object.value(OBJECT_DATA)?);
            let packets = u64::from_be_bytes(data.value(COUNTER_PACKETS)?.try_into().ok()?);
            Some((object.text(OBJECT_NAME)?.to_owned(), packets))
        });
        Ok(counters?)
    }

    /// True when the table is there.
    pub fn exists(&self) -> io::Result<bool> {
        let mut socket = self.socket();
        let sequence = socket.next_sequence();
        let mut writer = Writer::new();
        writer.begin(GET_TABLE, REQUEST | ACK, sequence, &HEADER);
        writer.text(TABLE_NAME, TABLE);
        match socket.transact(writer, (sequence, sequence), |_| {}) {
            Ok(()) => Ok(true),
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn socket(&self) -> MutexGuard<'_, Socket> {
        self.socket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Elements by set, each address once: the kernel refuses to delete one twice.
type Sorted<'a> = BTreeMap<&'a str, BTreeMap<IpAddr, Option<Duration>>>;

/// Adds what it can: all at once, else set by set, else by halves until what is refused is alone.
fn add_part(socket: &mut Socket, refresh: Refresh, sets: &Sorted<'_>) -> Result<(), Error> {
    let refused = match transaction(socket, refresh, sets) {
        Err(refused @ (Error::Missing { .. } | Error::Full { .. } | Error::Refused { .. })) => refused,
        done => return done,
    };
    let parts: Vec<Sorted<'_>> = match (&refused, sets.first_key_value()) {
        (_, Some(_)) if sets.len() > 1 => {
            sets.iter().map(|(set, elements)| BTreeMap::from([(*set, elements.clone())])).collect()
        }
        (Error::Full { .. }, Some((set, elements))) if elements.len() > 1 => {
            let half = elements.len().div_ceil(2);
            let part =
                |skip, take| elements.iter().skip(skip).take(take).map(|(ip, timeout)| (*ip, *timeout)).collect();
            vec![BTreeMap::from([(*set, part(0, half))]), BTreeMap::from([(*set, part(half, half))])]
        }
        _ => return Err(refused),
    };
    let mut first = Ok(());
    for part in &parts {
        // Every part is tried, whatever became of the others.
        first = first.and(add_part(socket, refresh, part));
    }
    first
}

/// Adds all of it, or nothing.
fn transaction(socket: &mut Socket, refresh: Refresh, sets: &Sorted<'_>) -> Result<(), Error> {
    let steps = refresh.steps();
    let first = socket.next_sequence();
    let mut writer = Writer::new();
    writer.begin(BATCH_BEGIN, REQUEST, first, &BATCH_HEADER);
    let mut told = Vec::with_capacity(sets.len().saturating_mul(steps.len()));
    for (set, elements) in sets {
        for step in steps {
            told.push((socket.next_sequence(), *set, *step, elements));
        }
    }
    let last = told.last().map_or(first, |(sequence, ..)| *sequence);
    for (sequence, set, step, elements) in &told {
        // The transaction is over when its last message is acknowledged; asking for more would be answered for nothing.
        let acknowledge = if *sequence == last { ACK } else { 0 };
        writer.begin(*step, REQUEST | CREATE | acknowledge, *sequence, &HEADER);
        write_elements(&mut writer, set, elements, *step == NEW_ELEMENT);
    }
    writer.begin(BATCH_END, REQUEST, socket.next_sequence(), &BATCH_HEADER);
    socket.transact(writer, (first, last), |_| {}).map_err(|error| refusal(error, &told))
}

fn write_elements(writer: &mut Writer, set: &str, elements: &BTreeMap<IpAddr, Option<Duration>>, with_timeout: bool) {
    writer.text(LIST_TABLE, TABLE);
    writer.text(LIST_SET, set);
    writer.nest(LIST_ELEMENTS, |list| {
        for (ip, timeout) in elements {
            let timeout = timeout.filter(|_| with_timeout);
            list.nest(LIST_ITEM, |item| write_element(item, *ip, timeout));
        }
    });
}

fn write_element(item: &mut Writer, ip: IpAddr, timeout: Option<Duration>) {
    item.nest(ELEMENT_KEY, |key| match ip {
        IpAddr::V4(ip) => key.attribute(DATA_VALUE, &ip.octets()),
        IpAddr::V6(ip) => key.attribute(DATA_VALUE, &ip.octets()),
    });
    if let Some(timeout) = timeout {
        // 0 would be for ever.
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX).max(1);
        item.attribute(ELEMENT_TIMEOUT, &millis.to_be_bytes());
    }
}

impl Refresh {
    /// The messages for one set's elements, in their order.
    fn steps(self) -> &'static [u16] {
        match self {
            Refresh::Add => &[NEW_ELEMENT],
            Refresh::Destroy => &[DESTROY_ELEMENT, NEW_ELEMENT],
            Refresh::Delete => &[NEW_ELEMENT, DELETE_ELEMENT, NEW_ELEMENT],
        }
    }
}

/// By the kernel's release, `6.18.44-…`; what cannot be read is treated as old.
fn refresh_for(release: &str) -> Refresh {
    let mut numbers =
        release.split(|letter: char| !letter.is_ascii_digit()).map_while(|number| number.parse::<u32>().ok());
    match (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) {
        version if version >= (6, 12) => Refresh::Add,
        version if version >= (6, 3) => Refresh::Destroy,
        _ => Refresh::Delete,
    }
}

/// Whose elements the kernel refused, and why.
fn refusal<T>(error: netlink::Error, told: &[(u32, &str, u16, T)]) -> Error {
    let netlink::Error::Refused { sequence, .. } = &error else { return Error::Kernel(error) };
    let Some((_, set, ..)) = told.iter().find(|(number, ..)| number == sequence) else { return Error::Kernel(error) };
    let set = (*set).to_owned();
    match error.raw_os_error() {
        Some(libc::ENOENT) => Error::Missing { set },
        Some(libc::ENFILE) => Error::Full { set },
        _ => Error::Refused { set, error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernels_release_says_how_to_refresh() {
        for (release, way) in [
            ("6.18.44-fc-v669\n", Refresh::Add),
            ("6.12", Refresh::Add),
            ("7.0.0", Refresh::Add),
            ("6.11.9", Refresh::Destroy),
            ("6.3.0-rc1", Refresh::Destroy),
            ("6.1.0-40-amd64", Refresh::Delete),
            ("5.15.0", Refresh::Delete),
            ("", Refresh::Delete),
            ("unreadable", Refresh::Delete),
            ("99999999999.1", Refresh::Delete),
        ] {
            assert_eq!(refresh_for(release), way, "{release}");
        }
    }

    #[test]
    fn the_largest_transaction_fits_its_length_fields() {
        let elements = (0..TRANSACTION_MAX as u128)
            .map(|number| (IpAddr::from(std::net::Ipv6Addr::from(number)), Some(Duration::from_secs(1))));
        let elements = elements.collect();
        let mut writer = Writer::new();
        for step in Refresh::Delete.steps() {
            writer.begin(*step, 0, 1, &HEADER);
            write_elements(&mut writer, "given6_15", &elements, *step == NEW_ELEMENT);
        }
        let octets = writer.finish().unwrap().len();
        assert!(octets < 160 << 10, "{octets}");
    }
}
