//! The only `unsafe` of the house: batched UDP system calls with packet information (so that a reply leaves from the
//! address that was asked) and read-only file maps, each behind a safe function.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::ptr;
use std::sync::Arc;

/// Datagrams moved by one system call: beyond 32 the gain is lost in latency (measured by peers, not here).
pub const BATCH: usize = 32;
/// Octets kept of a datagram. A DNS query is far smaller; what is longer is truncated and then malformed.
pub const DATAGRAM_MAX: usize = 4096;
/// Room for one packet-information message, IPv4 or IPv6, with its header.
const CONTROL_MAX: usize = 64;

/// Where a datagram was sent to and by which interface: what a reply needs to come from the address that was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalAddr {
    /// The address the client sent to.
    pub ip: IpAddr,
    /// The interface it came in by.
    pub interface: u32,
}

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_MAX]);

/// Buffers for one batch in one direction. Made once a worker, never grown.
pub struct Batch {
    data: Vec<[u8; DATAGRAM_MAX]>,
    lens: [usize; BATCH],
    names: Vec<libc::sockaddr_storage>,
    controls: Vec<Control>,
    count: usize,
}

impl Batch {
    /// Empty buffers.
    pub fn new() -> Batch {
        // SAFETY: `sockaddr_storage` is plain old data for which all zeroes is a valid value.
        let name: libc::sockaddr_storage = unsafe { mem::zeroed() };
        Batch {
            data: vec![[0; DATAGRAM_MAX]; BATCH],
            lens: [0; BATCH],
            names: vec![name; BATCH],
            controls: vec![Control([0; CONTROL_MAX]); BATCH],
            count: 0,
        }
    }

    /// Datagrams now held.
    pub fn len(&self) -> usize {
        self.count
    }

    /// True when it holds none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all datagrams.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// The octets of datagram `at`.
    pub fn data(&self, at: usize) -> &[u8] {
        &self.data[at][..self.lens[at]]
    }

    /// Who sent datagram `at`; `None` when the kernel gave no IP address.
    pub fn peer(&self, at: usize) -> Option<SocketAddr> {
        socket_addr(&self.names[at])
    }

    /// Where datagram `at` was sent to; `None` on a socket without packet information.
    pub fn local(&self, at: usize) -> Option<LocalAddr> {
        local_addr(&self.controls[at])
    }

    /// Adds a reply. Returns false, and adds nothing, when the batch or the datagram is full.
    pub fn push(&mut self, payload: &[u8], to: SocketAddr, from: Option<LocalAddr>) -> bool {
        if self.count == BATCH || payload.len() > DATAGRAM_MAX {
            return false;
        }
        let at = self.count;
        self.data[at][..payload.len()].copy_from_slice(payload);
        self.lens[at] = payload.len();
        self.names[at] = sockaddr(to);
        self.controls[at] = control_for(from);
        self.count += 1;
        true
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch::new()
    }
}

/// Waits for at least one datagram (as long as the socket's receive time-out), then takes what is there, up to a batch.
pub fn recv_batch(socket: BorrowedFd<'_>, batch: &mut Batch) -> io::Result<usize> {
    batch.count = 0;
    let mut vectors: [libc::iovec; BATCH] =
        std::array::from_fn(|at| libc::iovec { iov_base: batch.data[at].as_mut_ptr().cast(), iov_len: DATAGRAM_MAX });
    let mut headers: [libc::mmsghdr; BATCH] = std::array::from_fn(|at| {
        // SAFETY: `mmsghdr` is plain old data for which all zeroes is a valid value.
        let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
        header.msg_hdr.msg_name = ptr::from_mut(&mut batch.names[at]).cast();
        header.msg_hdr.msg_namelen = size_u32::<libc::sockaddr_storage>();
        header.msg_hdr.msg_iov = ptr::from_mut(&mut vectors[at]);
        header.msg_hdr.msg_iovlen = 1;
        header.msg_hdr.msg_control = batch.controls[at].0.as_mut_ptr().cast();
        header.msg_hdr.msg_controllen = CONTROL_MAX as _;
        header
    });
    // SAFETY: every header points at buffers of `batch` and `vectors`, which outlive the call and are that long.
    let received = unsafe {
        libc::recvmmsg(socket.as_raw_fd(), headers.as_mut_ptr(), BATCH as u32, libc::MSG_WAITFORONE, ptr::null_mut())
    };
    if received < 0 {
        return Err(io::Error::last_os_error());
    }
    batch.count = received as usize;
    for (at, header) in headers.iter().enumerate().take(batch.count) {
        batch.lens[at] = (header.msg_len as usize).min(DATAGRAM_MAX);
        let filled = header.msg_hdr.msg_controllen;
        batch.controls[at].0[filled.min(CONTROL_MAX)..].fill(0);
    }
    Ok(batch.count)
}

/// Sends every datagram of `batch` and empties it. Returns how many the kernel refused: those are lost, as UDP may.
pub fn send_batch(socket: BorrowedFd<'_>, batch: &mut Batch) -> usize {
    let count = mem::take(&mut batch.count);
    let mut vectors: [libc::iovec; BATCH] =
        std::array::from_fn(|at| libc::iovec { iov_base: batch.data[at].as_mut_ptr().cast(), iov_len: batch.lens[at] });
    let mut headers: [libc::mmsghdr; BATCH] = std::array::from_fn(|at| {
        // SAFETY: `mmsghdr` is plain old data for which all zeroes is a valid value.
        let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
        header.msg_hdr.msg_name = ptr::from_mut(&mut batch.names[at]).cast();
        header.msg_hdr.msg_namelen = name_len(&batch.names[at]);
        header.msg_hdr.msg_iov = ptr::from_mut(&mut vectors[at]);
        header.msg_hdr.msg_iovlen = 1;
        let control = control_len(&batch.controls[at]);
        if control > 0 {
            header.msg_hdr.msg_control = batch.controls[at].0.as_mut_ptr().cast();
            header.msg_hdr.msg_controllen = control as _;
        }
        header
    });
    let (mut done, mut refused) = (0, 0);
    while done < count {
        // SAFETY: `headers[done..count]` point at buffers of `batch` and `vectors`, which outlive the call.
        let sent =
            unsafe { libc::sendmmsg(socket.as_raw_fd(), headers[done..].as_mut_ptr(), (count - done) as u32, 0) };
        if sent > 0 {
            done += sent as usize;
        } else if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            // The first one of the rest cannot be sent (no route, buffer full): leave it and go on behind it.
            done += 1;
            refused += 1;
        }
    }
    refused
}

/// Asks the kernel to tell where each datagram was sent to (`IP_PKTINFO`, RFC 3542 `IPV6_RECVPKTINFO`).
pub fn enable_packet_info(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    let (level, option) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO) } else { (libc::IPPROTO_IP, libc::IP_PKTINFO) };
    set_int(socket, level, option, 1)
}

/// Asks for a receive buffer of `bytes`, past the system's limit where the process may.
pub fn set_receive_buffer(socket: BorrowedFd<'_>, bytes: i32) -> io::Result<()> {
    set_int(socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, bytes)
        .or_else(|_| set_int(socket, libc::SOL_SOCKET, libc::SO_RCVBUF, bytes))
}

fn set_int(socket: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the option value is a live `i32` of the size given.
    let done =
        unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, ptr::from_ref(&value).cast(), size_u32::<i32>()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Takes over a descriptor that the service manager opened for us (`LISTEN_FDS`). Each number may be taken once.
pub fn adopt_fd(number: RawFd) -> OwnedFd {
    // SAFETY: the manager's protocol says the descriptor is open and ours; callers take each number once, at start.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Maps a file read-only. The file must never be changed in place (it is replaced by renaming): a shrinking file would end
/// the process with SIGBUS.
pub fn map_file(path: &Path) -> io::Result<Arc<dyn AsRef<[u8]> + Send + Sync>> {
    let file = File::open(path)?;
    // SAFETY: the house writes such files aside and renames them; nothing of ours truncates or edits one in place.
    let map = unsafe { memmap2::Mmap::map(&file)? };
    Ok(Arc::new(map))
}

const fn size_u32<T>() -> u32 {
    size_of::<T>() as u32
}

fn socket_addr(storage: &libc::sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says the storage holds a `sockaddr_in`, and the storage is large and aligned enough.
            let addr = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(addr.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(addr.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the family says the storage holds a `sockaddr_in6`, and the storage is large and aligned enough.
            let addr = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(addr.sin6_addr.s6_addr);
            let port = u16::from_be(addr.sin6_port);
            Some(SocketAddrV6::new(ip, port, addr.sin6_flowinfo, addr.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn sockaddr(addr: SocketAddr) -> libc::sockaddr_storage {
    let addr = socket2::SockAddr::from(addr);
    // SAFETY: both are the system's `sockaddr_storage`, plain old data; `SockAddr` always holds a whole one.
    unsafe { ptr::read(addr.as_ptr().cast()) }
}

fn name_len(storage: &libc::sockaddr_storage) -> u32 {
    if i32::from(storage.ss_family) == libc::AF_INET6 {
        size_u32::<libc::sockaddr_in6>()
    } else {
        size_u32::<libc::sockaddr_in>()
    }
}

fn control_len(control: &Control) -> usize {
    // SAFETY: the buffer is aligned for and as large as a `cmsghdr`; all zeroes is a valid one.
    let header = unsafe { ptr::read(control.0.as_ptr().cast::<libc::cmsghdr>()) };
    // The kernel wants the padded length of the one message there is.
    (header.cmsg_len as usize).next_multiple_of(align_of::<libc::cmsghdr>()).min(CONTROL_MAX)
}

fn local_addr(control: &Control) -> Option<LocalAddr> {
    let data = size_of::<libc::cmsghdr>();
    // SAFETY: the buffer is aligned for and as large as a `cmsghdr`.
    let header = unsafe { ptr::read(control.0.as_ptr().cast::<libc::cmsghdr>()) };
    match (header.cmsg_level, header.cmsg_type) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            // SAFETY: the kernel wrote an `in_pktinfo` behind the header, and it fits the buffer.
            let info = unsafe { ptr::read_unaligned(control.0.as_ptr().add(data).cast::<libc::in_pktinfo>()) };
            let ip = Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr));
            Some(LocalAddr { ip: ip.into(), interface: info.ipi_ifindex as u32 })
        }
        (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
            // SAFETY: the kernel wrote an `in6_pktinfo` behind the header, and it fits the buffer.
            let info = unsafe { ptr::read_unaligned(control.0.as_ptr().add(data).cast::<libc::in6_pktinfo>()) };
            let ip = Ipv6Addr::from(info.ipi6_addr.s6_addr);
            Some(LocalAddr { ip: ip.into(), interface: info.ipi6_ifindex })
        }
        _ => None,
    }
}

fn control_for(from: Option<LocalAddr>) -> Control {
    match from {
        None => Control([0; CONTROL_MAX]),
        Some(LocalAddr { ip: IpAddr::V4(ip), .. }) => control_message(
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            libc::in_pktinfo {
                // The routing table knows the way; the interface is only pinned for link-local IPv6.
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from(ip).to_be() },
                ipi_addr: libc::in_addr { s_addr: 0 },
            },
        ),
        Some(LocalAddr { ip: IpAddr::V6(ip), interface }) => control_message(
            libc::IPPROTO_IPV6,
            libc::IPV6_PKTINFO,
            libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: ip.octets() },
                ipi6_ifindex: if ip.is_unicast_link_local() { interface } else { 0 },
            },
        ),
    }
}

fn control_message<T: Copy>(level: i32, kind: i32, payload: T) -> Control {
    let data = size_of::<libc::cmsghdr>();
    const { assert!(size_of::<libc::cmsghdr>() + size_of::<T>() <= CONTROL_MAX) };
    let mut control = Control([0; CONTROL_MAX]);
    // SAFETY: all zeroes is a valid `cmsghdr`.
    let mut header: libc::cmsghdr = unsafe { mem::zeroed() };
    header.cmsg_level = level;
    header.cmsg_type = kind;
    header.cmsg_len = (data + size_of::<T>()) as _;
    // SAFETY: header and payload fit the buffer (asserted above), and unaligned writes need no alignment.
    unsafe {
        ptr::write_unaligned(control.0.as_mut_ptr().cast(), header);
        ptr::write_unaligned(control.0.as_mut_ptr().add(data).cast(), payload);
    }
    control
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::AsFd;

    fn round_trip(listen: &str, ipv6: bool) {
        let server = UdpSocket::bind(listen).unwrap();
        enable_packet_info(server.as_fd(), ipv6).unwrap();
        let client = UdpSocket::bind(listen).unwrap();
        client.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
        for octet in 0..3_u8 {
            client.send_to(&[octet; 3], server.local_addr().unwrap()).unwrap();
        }
        let mut inbox = Batch::new();
        let mut outbox = Batch::new();
        let mut seen = 0;
        while seen < 3 {
            seen += recv_batch(server.as_fd(), &mut inbox).unwrap();
            for at in 0..inbox.len() {
                let local = inbox.local(at).unwrap();
                assert_eq!(local.ip, server.local_addr().unwrap().ip());
                assert!(outbox.push(inbox.data(at), inbox.peer(at).unwrap(), Some(local)));
            }
            assert_eq!(send_batch(server.as_fd(), &mut outbox), 0);
        }
        let mut buffer = [0; 16];
        for octet in 0..3_u8 {
            let (len, from) = client.recv_from(&mut buffer).unwrap();
            assert_eq!((&buffer[..len], from), (&[octet; 3][..], server.local_addr().unwrap()));
        }
    }

    #[test]
    fn batches_keep_the_address_that_was_asked() {
        round_trip("127.0.0.1:0", false);
        round_trip("127.0.0.9:0", false);
        round_trip("[::1]:0", true);
    }

    #[test]
    fn a_full_batch_takes_no_more() {
        let mut batch = Batch::new();
        let to = "127.0.0.1:9".parse().unwrap();
        for _ in 0..BATCH {
            assert!(batch.push(b"x", to, None));
        }
        assert!(!batch.push(b"x", to, None));
        batch.clear();
        assert!(!batch.push(&[0; DATAGRAM_MAX + 1], to, None));
    }
}
