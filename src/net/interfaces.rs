//! The network interfaces there are, by netlink (`RTM_GETLINK`, rtnetlink(7)).

use std::time::Duration;

use crate::net::netlink::{Error, Message, Protocol, Socket};

/// More interfaces than this are left out; a router has a few dozen.
const INTERFACES_MAX: usize = 1_024;
/// An answer of the kernel takes microseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// Octets of `struct ifinfomsg`.
const HEADER: usize = 16;

/// An interface that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The number the kernel knows it by.
    pub index: u32,
    /// Its name.
    pub name: String,
}

/// All that are up and reach others by multicast: not loopback, not tunnels.
pub fn shared() -> Result<Vec<Interface>, Error> {
    Socket::open(Protocol::Route, PATIENCE)?.dump(libc::RTM_GETLINK, &[0; HEADER], |_| {}, INTERFACES_MAX, read)
}

fn read(message: &Message<'_>) -> Option<Interface> {
    if message.kind != libc::RTM_NEWLINK {
        return None;
    }
    let (header, attributes) = message.split::<HEADER>()?;
    let [_, _, _, _, i0, i1, i2, i3, f0, f1, f2, f3, ..] = *header;
    let flags = i32::from_ne_bytes([f0, f1, f2, f3]);
    let is_shared = flags & libc::IFF_UP != 0 && flags & libc::IFF_MULTICAST != 0 && flags & libc::IFF_LOOPBACK == 0;
    let name = attributes.text(libc::IFLA_IFNAME)?.to_string();
    is_shared.then_some(Interface { index: u32::from_ne_bytes([i0, i1, i2, i3]), name })
}
