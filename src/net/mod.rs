//! Sockets: bound here, or handed over by the service manager so that a restart loses nothing.

pub mod certificate;
pub mod firewall;
pub mod given;
pub mod hazards;
pub mod interfaces;
pub mod leases;
pub mod mdns;
pub mod neighbours;
pub mod netlink;
pub mod replies;
pub mod sightings;
pub mod transparent;

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::sys;

/// Everything that is listened on.
#[derive(Debug, Default)]
pub struct Listeners {
    /// One for each UDP worker.
    pub udp: Vec<UdpSocket>,
    /// One for each address.
    pub tcp: Vec<TcpListener>,
}

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {addr}: {error}{}", advice(.error))]
pub struct BindError {
    /// The address.
    pub addr: SocketAddr,
    /// What the system said.
    pub error: io::Error,
}

/// How often a waiting worker looks whether to stop.
const LOOK_AROUND: Duration = Duration::from_millis(100);
/// Octets of queue before a worker: 5,000 questions of the usual size for a second. The kernel may grant less.
const RECEIVE_BUFFER: i32 = 4 << 20;
/// Connections the kernel holds for us.
const BACKLOG: i32 = 1024;

/// Binds every address, with `workers` UDP sockets each.
pub fn bind(listen: &[SocketAddr], workers: usize) -> Result<Listeners, BindError> {
    let mut listeners = Listeners::default();
    for addr in listen {
        let failed = |error| BindError { addr: *addr, error };
        for _ in 0..workers {
            listeners.udp.push(udp(*addr).map_err(failed)?);
        }
        listeners.tcp.push(tcp(*addr).map_err(failed)?);
    }
    Ok(listeners)
}

/// Sockets handed over (`LISTEN_FDS`, sd_listen_fds(3)); `None` when there are none. `workers` share each UDP socket.
pub fn inherited(workers: usize) -> io::Result<Option<Listeners>> {
    let numbers: Vec<_> = sd_notify::listen_fds()?.collect();
    if numbers.is_empty() {
        return Ok(None);
    }
    let mut listeners = Listeners::default();
    for number in numbers {
        let socket = Socket::from(sys::adopt_fd(number));
        match socket.r#type()? {
            Type::DGRAM => {
                let socket = UdpSocket::from(socket);
                prepare(&socket)?;
                for _ in 1..workers {
                    listeners.udp.push(socket.try_clone()?);
                }
                listeners.udp.push(socket);
            }
            Type::STREAM => {
                socket.set_nonblocking(true)?;
                listeners.tcp.push(socket.into());
            }
            other => return Err(io::Error::other(format!("descriptor {number} is a socket of type {other:?}"))),
        }
    }
    Ok(Some(listeners))
}

fn udp(addr: SocketAddr) -> io::Result<UdpSocket> {
    let socket = socket(addr, Type::DGRAM, Protocol::UDP)?;
    socket.bind(&addr.into())?;
    let socket = UdpSocket::from(socket);
    prepare(&socket)?;
    Ok(socket)
}

fn prepare(socket: &UdpSocket) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    SockRef::from(socket).set_read_timeout(Some(LOOK_AROUND))?;
    // A smaller queue than asked for is no reason not to serve.
    let _ = sys::set_receive_buffer(socket.as_fd(), RECEIVE_BUFFER);
    let addr = socket.local_addr()?;
    if addr.ip().is_unspecified() {
        // A reply must come from the address that was asked.
        sys::enable_packet_info(socket.as_fd(), addr.is_ipv6())?;
    }
    Ok(())
}

/// UDP sockets for intercepted questions, one a worker.
pub fn bind_intercepted_udp(addr: SocketAddr, workers: usize) -> Result<Vec<UdpSocket>, BindError> {
    let bound: io::Result<Vec<_>> = (0..workers).map(|_| transparent::udp(addr)).collect();
    bound.map_err(|error| BindError { addr, error })
}

/// A TCP listener for intercepted questions.
pub fn bind_intercepted_tcp(addr: SocketAddr) -> Result<TcpListener, BindError> {
    transparent::tcp(addr, BACKLOG).map_err(|error| BindError { addr, error })
}

/// A TCP listener for an encrypted door.
pub fn bind_tcp(addr: SocketAddr) -> Result<TcpListener, BindError> {
    tcp(addr).map_err(|error| BindError { addr, error })
}

/// A UDP socket for QUIC.
pub fn bind_quic(addr: SocketAddr) -> Result<UdpSocket, BindError> {
    let bind = || {
        let socket = socket(addr, Type::DGRAM, Protocol::UDP)?;
        socket.bind(&addr.into())?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket::from(socket))
    };
    bind().map_err(|error| BindError { addr, error })
}

fn tcp(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(addr, Type::STREAM, Protocol::TCP)?;
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn socket(addr: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, Some(protocol))?;
    socket.set_reuse_port(kind == Type::DGRAM)?;
    if addr.is_ipv6() {
        // `[::]` beside `0.0.0.0` must not clash.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => " (another resolver is running there; `ss -lnp` shows which)",
        io::ErrorKind::PermissionDenied => " (ports under 1024 need CAP_NET_BIND_SERVICE; the systemd unit grants it)",
        io::ErrorKind::AddrNotAvailable => " (no interface has this address)",
        _ => "",
    }
}
