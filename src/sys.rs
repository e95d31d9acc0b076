//! The only `unsafe` of the house: batched UDP system calls with packet information (so that a reply leaves from the
//! address that was asked), splicing between sockets, netlink sockets, read-only file maps, and memory that is wiped when it is
//! given back (SQLite's, too), each behind a safe function.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;
use std::fs::File;
use std::hint;
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::ptr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libc::{c_int, c_void};
use rusqlite::ffi;

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

/// A socket address as the kernel writes it; an IPv6 one takes 28 octets.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct RawName([u8; 32]);

/// One datagram's octets. Odd in cache lines: were it a page, the heads of all would share a few sets of the cache.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Datagram([u8; DATAGRAM_MAX + 64]);

/// Buffers for one batch in one direction, with the headers that tell the kernel of them. Made once a worker, never grown.
pub struct Batch {
    data: Box<[Datagram]>,
    names: Box<[RawName]>,
    controls: Box<[Control]>,
    /// `headers` points at `vectors`, and both at the buffers above, none of which ever moves or shrinks.
    vectors: Box<[libc::iovec]>,
    headers: Box<[libc::mmsghdr]>,
    count: usize,
    /// Datagrams that held something since they were wiped.
    used: usize,
}

// SAFETY: the pointers lead to heap buffers that the batch itself owns, and nobody else holds them.
unsafe impl Send for Batch {}

impl Batch {
    /// Empty buffers.
    pub fn new() -> Batch {
        let mut data = vec![Datagram([0; DATAGRAM_MAX + 64]); BATCH].into_boxed_slice();
        let mut names = vec![RawName([0; 32]); BATCH].into_boxed_slice();
        let mut controls = vec![Control([0; CONTROL_MAX]); BATCH].into_boxed_slice();
        let mut vectors: Box<[libc::iovec]> = data
            .iter_mut()
            .map(|datagram| libc::iovec { iov_base: datagram.0.as_mut_ptr().cast(), iov_len: DATAGRAM_MAX })
            .collect();
        let buffers = vectors.iter_mut().zip(&mut names).zip(&mut controls);
        let headers = buffers.map(|((vector, name), control)| {
            // SAFETY: `mmsghdr` is plain old data for which all zeroes is a valid value.
            let mut header: libc::mmsghdr = unsafe { mem::zeroed() };
            header.msg_hdr.msg_name = name.0.as_mut_ptr().cast();
            header.msg_hdr.msg_iov = ptr::from_mut(vector);
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_control = control.0.as_mut_ptr().cast();
            header
        });
        let headers = headers.collect();
        Batch { data, names, controls, vectors, headers, count: 0, used: 0 }
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

    /// Forgets all datagrams and overwrites what they held, and who sent them. False when there was nothing to overwrite.
    pub fn wipe(&mut self) -> bool {
        let used = mem::take(&mut self.used);
        self.count = 0;
        self.data[..used].fill(Datagram([0; DATAGRAM_MAX + 64]));
        self.names[..used].fill(RawName([0; 32]));
        self.controls[..used].fill(Control([0; CONTROL_MAX]));
        used > 0
    }

    /// The octets of datagram `at` of a received batch.
    pub fn data(&self, at: usize) -> &[u8] {
        &self.data[at].0[..(self.headers[at].msg_len as usize).min(DATAGRAM_MAX)]
    }

    /// Who sent datagram `at`; `None` when the kernel gave no IP address.
    pub fn peer(&self, at: usize) -> Option<SocketAddr> {
        socket_addr(&self.names[at])
    }

    /// Where datagram `at` was sent to; `None` on a socket without packet information.
    pub fn local(&self, at: usize) -> Option<LocalAddr> {
        let filled = self.headers[at].msg_hdr.msg_controllen;
        if filled >= size_of::<libc::cmsghdr>() { local_addr(&self.controls[at]) } else { None }
    }

    /// Adds a reply. Returns false, and adds nothing, when the batch or the datagram is full.
    pub fn push(&mut self, payload: &[u8], to: SocketAddr, from: Option<LocalAddr>) -> bool {
        let (name, len) = raw_name(to);
        self.add(payload, name, len, from)
    }

    /// Adds the reply to datagram `at` of `inbox`, as `push` does.
    pub fn push_reply(&mut self, payload: &[u8], inbox: &Batch, at: usize) -> bool {
        self.add(payload, inbox.names[at], inbox.headers[at].msg_hdr.msg_namelen, inbox.local(at))
    }

    fn add(&mut self, payload: &[u8], name: RawName, name_len: u32, from: Option<LocalAddr>) -> bool {
        if self.count == BATCH || payload.len() > DATAGRAM_MAX {
            return false;
        }
        let at = self.count;
        self.data[at].0[..payload.len()].copy_from_slice(payload);
        self.vectors[at].iov_len = payload.len();
        self.names[at] = name;
        let header = &mut self.headers[at].msg_hdr;
        header.msg_namelen = name_len;
        header.msg_controllen = 0;
        if let Some(from) = from {
            (self.controls[at], header.msg_controllen) = control_for(from);
        }
        self.count += 1;
        self.used = self.used.max(self.count);
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
    // The kernel wrote to the headers of the last batch, and replies to their lengths.
    for header in batch.headers.iter_mut() {
        header.msg_hdr.msg_namelen = size_u32::<RawName>();
        header.msg_hdr.msg_controllen = CONTROL_MAX as _;
    }
    batch.count = 0;
    // SAFETY: every header points at a name, a control buffer and an iovec of the batch, as long as they say, and the iovec
    // at a datagram of at least `DATAGRAM_MAX` octets; all outlive the call.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            batch.headers.as_mut_ptr(),
            BATCH as u32,
            libc::MSG_WAITFORONE,
            ptr::null_mut(),
        )
    };
    if received < 0 {
        return Err(io::Error::last_os_error());
    }
    batch.count = received as usize;
    batch.used = batch.used.max(batch.count);
    Ok(batch.count)
}

/// Sends every datagram of `batch` and empties it. Returns how many the kernel refused: those are lost, as UDP may.
pub fn send_batch(socket: BorrowedFd<'_>, batch: &mut Batch) -> usize {
    let count = mem::take(&mut batch.count);
    let (mut done, mut refused) = (0, 0);
    while done < count {
        let rest = &mut batch.headers[done..count];
        // SAFETY: as for `recv_batch`; the lengths were set when the replies were added.
        let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), rest.as_mut_ptr(), rest.len() as u32, 0) };
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

/// Lets a socket be bound to, and answer from, addresses that are not this machine's (`IP_TRANSPARENT`, ip(7)). Needs
/// CAP_NET_ADMIN or CAP_NET_RAW, once: the socket stays so when they are given up.
pub fn set_transparent(socket: BorrowedFd<'_>, ipv6: bool) -> io::Result<()> {
    let (level, option) =
        if ipv6 { (libc::IPPROTO_IPV6, libc::IPV6_TRANSPARENT) } else { (libc::IPPROTO_IP, libc::IP_TRANSPARENT) };
    set_int(socket, level, option, 1)
}

/// A netlink socket of `protocol` (netlink(7)), connected: the kernel refuses what anybody but itself sends to it.
pub fn netlink_socket(protocol: i32) -> io::Result<socket2::Socket> {
    let (domain, kind) = (socket2::Domain::from(libc::AF_NETLINK), socket2::Type::RAW);
    let socket = socket2::Socket::new(domain, kind, Some(protocol.into()))?;
    // SAFETY: all zeroes is a valid `sockaddr_nl`; port 0 is the kernel.
    let mut kernel: libc::sockaddr_nl = unsafe { mem::zeroed() };
    kernel.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    // SAFETY: the address is a live `sockaddr_nl` of the size given.
    let done =
        unsafe { libc::connect(socket.as_raw_fd(), ptr::from_ref(&kernel).cast(), size_u32::<libc::sockaddr_nl>()) };
    if done == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

/// Sets an option of a netlink socket (`SOL_NETLINK`).
pub fn set_netlink_option(socket: BorrowedFd<'_>, option: i32, value: i32) -> io::Result<()> {
    set_int(socket, libc::SOL_NETLINK, option, value)
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

/// Asks for the cache line of `at` before it is needed. A hint: where the processor has none, nothing happens.
pub fn prefetch<T>(at: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: prefetching reads nothing and never faults, and SSE is part of x86-64.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(ptr::from_ref(at).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}

/// Lets this process have as many descriptors as it is allowed: every question to an upstream by UDP has a socket of its own.
/// What the system gives by default (1,024) is for programs that use select(2).
pub fn raise_descriptor_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls take a valid pointer to a live `rlimit`; failing leaves the old limit in force.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 {
            limit.rlim_cur = limit.rlim_max;
            let _ = libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit);
        }
    }
}

/// Lets every other thread go first from now on: for long work beside answers that somebody waits for.
pub fn lower_priority() {
    /// Half-way to the least; the least would starve on a busy machine.
    const NICE: i32 = 10;
    // SAFETY: a plain system call; `0` means the calling thread (setpriority(2), "C library/kernel differences").
    let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE) };
}

/// Gives freed memory back to the system: the allocator would keep what a compilation needed for the next one.
pub fn release_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `malloc_trim` may be called at any time from any thread.
    let _ = unsafe { libc::malloc_trim(0) };
}

/// Octets a pipe of a tunnel holds: four times the kernel's default, as many as a busy socket gives at a time. A smaller one
/// is used where the system grants no more.
const PIPE_BYTES: i32 = 256 << 10;

/// A pipe through which the kernel moves octets from socket to socket.
#[derive(Debug)]
pub struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    held: usize,
}

impl Pipe {
    /// An empty one.
    pub fn new() -> io::Result<Pipe> {
        let mut ends = [0; 2];
        // SAFETY: the array has room for both descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_NONBLOCK | libc::O_CLOEXEC) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: both descriptors were just opened and are nobody else's.
        let (reader, writer) = unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) };
        // SAFETY: a plain system call on a descriptor of ours; what it refuses leaves the default size.
        let _ = unsafe { libc::fcntl(writer.as_raw_fd(), libc::F_SETPIPE_SZ, PIPE_BYTES) };
        Ok(Pipe { reader, writer, held: 0 })
    }

    /// Octets inside.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Moves what the socket has into the pipe; 0 is its end. Only for an empty pipe: a full one would look like a socket
    /// that has nothing.
    pub fn fill(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let moved = splice(socket.as_raw_fd(), self.writer.as_raw_fd(), PIPE_BYTES as usize)?;
        self.held += moved;
        Ok(moved)
    }

    /// Moves what the pipe holds to the socket.
    pub fn drain(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let moved = splice(self.reader.as_raw_fd(), socket.as_raw_fd(), self.held)?;
        self.held -= moved.min(self.held);
        Ok(moved)
    }
}

fn splice(from: RawFd, to: RawFd, len: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    // SAFETY: no offsets are passed; both descriptors are open for the duration of the call.
    let moved = unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), len, flags) };
    usize::try_from(moved).map_err(|_| io::Error::last_os_error())
}

/// True when the kernel was told by somebody who knows (NTP, PTP, a GPS receiver) what time it is. Also false where a sandbox
/// forbids to ask.
pub fn is_clock_synchronised() -> bool {
    // SAFETY: `timex` is plain old data for which all zeroes is a valid value; without modes the kernel only writes to it.
    let (told, state) = unsafe {
        let mut state: libc::timex = mem::zeroed();
        (libc::adjtimex(&raw mut state), state)
    };
    told >= 0 && state.status & libc::STA_UNSYNC == 0
}

/// Overwrites what earlier calls left on this thread's stack, as far down as ours ever reach.
#[inline(never)]
pub fn wipe_stack() {
    hint::black_box(&mut [0_u8; STACK_USED]);
}

/// As [`wipe_stack`], for a thread that is about to rest: a busy one rests thousands of times a second, and does so rarely.
pub fn wipe_stack_at_rest() {
    thread_local!(static WIPED_AT: Cell<Option<Instant>> = const { Cell::new(None) });
    if WIPED_AT.get().is_none_or(|at| at.elapsed() >= REST_EVERY) {
        wipe_stack();
        WIPED_AT.set(Some(Instant::now()));
    }
}

/// The deepest calls (recursion) reach 175 KiB in a build without optimisation, and less in others.
const STACK_USED: usize = 256 << 10;
/// Some microseconds of every so many.
const REST_EVERY: Duration = Duration::from_millis(100);

/// An allocator that gives nothing back unwiped: what was read, asked or written is not found in memory once it was freed.
///
/// Large blocks are mappings of their own, which the kernel wipes and which grow without a copy; all others are moved as they
/// grow, since an allocator that grows a block in its place may as well leave the old one behind.
pub struct Wiping<A>(pub A);

/// From here on a block is a mapping of its own: where mapping costs less than copying and wiping (guess; glibc's own limit
/// begins at 128 KiB and grows to 32 MiB).
const LARGE: usize = 1 << 20;
/// Mappings begin at a page.
const PAGE: usize = 4096;

impl<A> Wiping<A> {
    fn is_large(layout: Layout) -> bool {
        layout.size() >= LARGE && layout.align() <= PAGE
    }
}

// SAFETY: a block is made and given back by the same means, which its layout alone tells apart; `A` keeps the contract for its
// own, and mappings are as large as asked for, aligned to a page and zeroed.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Wiping<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if Self::is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if Self::is_large(layout) {
            return map(layout.size());
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is the caller's, whole and of that layout; nobody reads it any more.
        unsafe {
            if Self::is_large(layout) {
                libc::munmap(block.cast(), layout.size());
            } else {
                libc::explicit_bzero(block.cast(), layout.size());
                self.0.dealloc(block, layout);
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises a size that makes a layout with the same alignment, and the block as for `dealloc`; the
        // copy is as long as the shorter of the two, which do not overlap.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            if Self::is_large(layout) && Self::is_large(wanted) {
                return remap(block, layout.size(), size);
            }
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// Has SQLite give its memory back wiped, too; false when it was in use already. Before the first file is opened.
pub fn wipe_sqlite() -> bool {
    let methods = ffi::sqlite3_mem_methods {
        xMalloc: Some(sqlite_malloc),
        xFree: Some(sqlite_free),
        xRealloc: Some(sqlite_realloc),
        xSize: Some(sqlite_size),
        xRoundup: Some(sqlite_round_up),
        xInit: Some(sqlite_init),
        xShutdown: Some(sqlite_shutdown),
        pAppData: ptr::null_mut(),
    };
    // SAFETY: SQLite copies the methods, which keep the contract of the allocator they stand for: C's, wiped.
    unsafe { ffi::sqlite3_config(ffi::SQLITE_CONFIG_MALLOC, &raw const methods) == ffi::SQLITE_OK }
}

unsafe extern "C" fn sqlite_malloc(len: c_int) -> *mut c_void {
    // SAFETY: any length may be asked for.
    unsafe { libc::malloc(usize::try_from(len).unwrap_or(0)) }
}

unsafe extern "C" fn sqlite_free(block: *mut c_void) {
    // SAFETY: a block of `sqlite_malloc` that nobody uses any more, or null, of which nothing is usable.
    unsafe {
        libc::explicit_bzero(block, libc::malloc_usable_size(block));
        libc::free(block);
    }
}

unsafe extern "C" fn sqlite_realloc(block: *mut c_void, len: c_int) -> *mut c_void {
    // SAFETY: a block of `sqlite_malloc`; the copy is as long as the shorter of the two, which do not overlap.
    unsafe {
        let moved = sqlite_malloc(len);
        if !moved.is_null() {
            let held = libc::malloc_usable_size(block);
            ptr::copy_nonoverlapping(block.cast::<u8>(), moved.cast(), held.min(usize::try_from(len).unwrap_or(0)));
            sqlite_free(block);
        }
        moved
    }
}

unsafe extern "C" fn sqlite_size(block: *mut c_void) -> c_int {
    // SAFETY: a block of `sqlite_malloc`.
    c_int::try_from(unsafe { libc::malloc_usable_size(block) }).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn sqlite_round_up(len: c_int) -> c_int {
    len.saturating_add(7) & !7
}

unsafe extern "C" fn sqlite_init(_: *mut c_void) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn sqlite_shutdown(_: *mut c_void) {}

fn map(len: usize) -> *mut u8 {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping where the kernel has room touches no other memory.
    let at = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, -1, 0) };
    if at == libc::MAP_FAILED { ptr::null_mut() } else { at.cast() }
}

/// The caller owns the mapping of `len` octets at `block`, and uses only what comes back, unless that is null.
unsafe fn remap(block: *mut u8, len: usize, wanted: usize) -> *mut u8 {
    // SAFETY: as the caller promises; pages that are cut off go back to the kernel.
    let at = unsafe { libc::mremap(block.cast(), len, wanted, libc::MREMAP_MAYMOVE) };
    if at == libc::MAP_FAILED { ptr::null_mut() } else { at.cast() }
}

const fn size_u32<T>() -> u32 {
    size_of::<T>() as u32
}

fn socket_addr(name: &RawName) -> Option<SocketAddr> {
    let family = libc::sa_family_t::from_ne_bytes(*name.0.first_chunk()?);
    match i32::from(family) {
        libc::AF_INET => {
            // SAFETY: any octets are a valid `sockaddr_in`, and the name is longer than one.
            let addr = unsafe { ptr::read_unaligned(name.0.as_ptr().cast::<libc::sockaddr_in>()) };
            let ip = Ipv4Addr::from(u32::from_be(addr.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(addr.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: any octets are a valid `sockaddr_in6`, and the name is longer than one.
            let addr = unsafe { ptr::read_unaligned(name.0.as_ptr().cast::<libc::sockaddr_in6>()) };
            let ip = Ipv6Addr::from(addr.sin6_addr.s6_addr);
            let port = u16::from_be(addr.sin6_port);
            Some(SocketAddrV6::new(ip, port, addr.sin6_flowinfo, addr.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn raw_name(addr: SocketAddr) -> (RawName, u32) {
    let addr = socket2::SockAddr::from(addr);
    let mut name = RawName([0; 32]);
    let len = (addr.len() as usize).min(name.0.len());
    // SAFETY: `SockAddr` holds a whole `sockaddr_storage`, which is longer than the name.
    unsafe { ptr::copy_nonoverlapping(addr.as_ptr().cast::<u8>(), name.0.as_mut_ptr(), len) };
    (name, len as u32)
}

fn local_addr(control: &Control) -> Option<LocalAddr> {
    let data = size_of::<libc::cmsghdr>();
    // SAFETY: the buffer is aligned for and as large as a `cmsghdr`.
    let header = unsafe { ptr::read(control.0.as_ptr().cast::<libc::cmsghdr>()) };
    match (header.cmsg_level, header.cmsg_type) {
        (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
            // SAFETY: the kernel wrote an `in_pktinfo` behind the header, and it fits the buffer.
            let info = unsafe { ptr::read_unaligned(control.0.as_ptr().add(data).cast::<libc::in_pktinfo>()) };
            // The address to answer from. It is the header's destination (`ipi_addr`) wherever the route is local, as for
            // what a tproxy rule caught; for a broadcast it is the interface's own, from which can be sent.
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

fn control_for(from: LocalAddr) -> (Control, usize) {
    match from.ip {
        IpAddr::V4(ip) => control_message(
            libc::IPPROTO_IP,
            libc::IP_PKTINFO,
            libc::in_pktinfo {
                // The routing table knows the way; the interface is only pinned for link-local IPv6.
                ipi_ifindex: 0,
                ipi_spec_dst: libc::in_addr { s_addr: u32::from(ip).to_be() },
                ipi_addr: libc::in_addr { s_addr: 0 },
            },
        ),
        IpAddr::V6(ip) => control_message(
            libc::IPPROTO_IPV6,
            libc::IPV6_PKTINFO,
            libc::in6_pktinfo {
                ipi6_addr: libc::in6_addr { s6_addr: ip.octets() },
                ipi6_ifindex: if ip.is_unicast_link_local() { from.interface } else { 0 },
            },
        ),
    }
}

/// A control message and its padded length.
fn control_message<T: Copy>(level: i32, kind: i32, payload: T) -> (Control, usize) {
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
    (control, (data + size_of::<T>()).next_multiple_of(align_of::<libc::cmsghdr>()))
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
        client.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
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
    fn a_wiped_batch_holds_nothing() {
        let mut batch = Batch::new();
        assert!(batch.push(b"secret.example", "127.0.0.1:9".parse().unwrap(), None));
        batch.wipe();
        assert!(batch.is_empty() && batch.data.iter().all(|datagram| datagram.0.iter().all(|octet| *octet == 0)));
        assert!(batch.names.iter().all(|name| name.0 == [0; 32]));
    }

    /// Looks at each block as it is given back.
    struct Watching(std::sync::atomic::AtomicUsize);

    // SAFETY: all is the system's.
    unsafe impl GlobalAlloc for Watching {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            // SAFETY: passed on.
            unsafe { std::alloc::System.alloc(layout) }
        }

        unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
            // SAFETY: the block is whole and was written to.
            let is_wiped = unsafe { std::slice::from_raw_parts(block, layout.size()) }.iter().all(|octet| *octet == 0);
            assert!(is_wiped, "{layout:?}");
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            // SAFETY: passed on.
            unsafe { std::alloc::System.dealloc(block, layout) }
        }
    }

    #[test]
    fn no_block_is_given_back_as_it_was() {
        let memory = Wiping(Watching(0.into()));
        let sizes = [1, 16, 100, 5000, LARGE - 1, LARGE, 3 * LARGE + 5, 2 * LARGE, LARGE - 7, 200, 3];
        for align in [1, 16, 64, 8192] {
            let mut layout = Layout::from_size_align(8, align).unwrap();
            // SAFETY: each layout is the block's own, and octets are written before they are read.
            unsafe {
                let mut block = memory.alloc(layout);
                std::slice::from_raw_parts_mut(block, layout.size()).fill(7);
                for size in sizes {
                    let kept = layout.size().min(size);
                    block = memory.realloc(block, layout, size);
                    layout = Layout::from_size_align(size, align).unwrap();
                    assert_eq!(block as usize % align, 0);
                    let octets = std::slice::from_raw_parts_mut(block, size);
                    assert!(octets[..kept].iter().all(|octet| *octet == 7), "{size} {align}");
                    octets.fill(7);
                }
                memory.dealloc(block, layout);
            }
        }
        assert!(memory.0.0.load(std::sync::atomic::Ordering::Relaxed) > 20);
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
