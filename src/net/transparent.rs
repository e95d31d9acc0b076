//! Sockets for packets on their way to somebody else, which the kernel hands to us (`tproxy`, kernel documentation
//! networking/tproxy): a connection's local address, or a datagram's packet information, is where its client meant it to
//! go, and what we answer comes from there. Making one needs CAP_NET_ADMIN or CAP_NET_RAW. Knows no rule: which packets
//! come here is said elsewhere.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use socket2::{Protocol, SockRef, Type};

use crate::net::{prepare, socket};
use crate::sys;

/// A listener, non-blocking. `local_addr` of an accepted connection is its original destination. Listens on `addr` as any
/// other would: on a loopback address, so that nobody reaches it but by a rule. Shares its address with more like it.
pub fn tcp(addr: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = socket(addr, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    sys::set_transparent(socket.as_fd(), addr.is_ipv6())?;
    socket.bind(&addr.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A socket for a UDP worker, blocking with a time-out like its others, which shares its address with more like it.
/// `LocalAddr` of each datagram is its original destination, and a reply sent from there reaches the client. But a reply's
/// port is always the socket's: where clients ask port 53, it must be bound to port 53, or they will not know the answer.
pub fn udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(addr, Type::DGRAM, Protocol::UDP)?;
    sys::set_transparent(socket.as_fd(), addr.is_ipv6())?;
    socket.bind(&addr.into())?;
    let socket = UdpSocket::from(socket);
    prepare(&socket)?;
    sys::enable_packet_info(socket.as_fd(), addr.is_ipv6())?;
    Ok(socket)
}

/// A non-blocking socket for one flow of datagrams: it speaks to `client` in the place of `original`, whatever port the
/// listener has. While it is open the kernel gives it the flow's datagrams, and the listener no more of them. Those that
/// came before it was made stay with the listener.
pub fn flow(original: SocketAddr, client: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(original, Type::DGRAM, Protocol::UDP)?;
    sys::set_transparent(socket.as_fd(), original.is_ipv6())?;
    // Two flows to one server differ by their clients only; port reuse, which spreads datagrams, is for listeners.
    socket.set_reuse_port(false)?;
    socket.set_reuse_address(true)?;
    socket.bind(&original.into())?;
    socket.connect(&client.into())?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Makes a socket that somebody else opened (the service manager) transparent; it may be bound and listening already.
pub fn make_transparent(socket: BorrowedFd<'_>) -> io::Result<()> {
    let is_ipv6 = SockRef::from(&socket).domain()? == socket2::Domain::IPV6;
    sys::set_transparent(socket, is_ipv6)
}
