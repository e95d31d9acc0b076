//! A conversation with the kernel over netlink: requests with acknowledgements, dumps, and events of a group. Blocks, with
//! a time-out; never waits for anybody but the kernel.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::time::Duration;

use super::{ALIGNMENT, HEADER, Message, TooLong, Writer, attributes, messages, u32_at};
use crate::sys;

/// Which part of the kernel is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Links, addresses, routes, neighbours (rtnetlink(7)).
    Route,
    /// Packet filter rules and sets.
    Netfilter,
}

/// Why the kernel did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be spoken to, or did not answer in time.
    #[error("netlink: {0}")]
    Io(#[from] io::Error),
    /// It refused.
    #[error("the kernel refused: {error}{}", if .text.is_empty() { String::new() } else { format!(" ({text})") })]
    Refused {
        /// Why.
        error: io::Error,
        /// Its own words, where it gave some.
        text: String,
        /// The sequence number of the message it refused.
        sequence: u32,
    },
    /// What was asked does not fit a message.
    #[error(transparent)]
    TooLong(#[from] TooLong),
}

impl Error {
    /// The system's error number, where there is one.
    pub fn raw_os_error(&self) -> Option<i32> {
        match self {
            Error::Io(error) | Error::Refused { error, .. } => error.raw_os_error(),
            Error::TooLong(_) => None,
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        match error {
            Error::Io(error) => error,
            Error::Refused { error, text, .. } if text.is_empty() => error,
            Error::Refused { error, text, .. } => io::Error::new(error.kind(), format!("{error} ({text})")),
            Error::TooLong(error) => io::Error::new(io::ErrorKind::InvalidInput, error),
        }
    }
}

/// Octets of one datagram: the kernel fills at most 32 KiB of a dump at once (`netlink_dump`), and its other messages are
/// far shorter.
const DATAGRAM_MAX: usize = 64 << 10;
/// A dump during which the kernel's table changed is asked for again so often; then what came is taken.
const DUMP_TRIES: usize = 4;
/// Options of `SOL_NETLINK`, and bits of the flags (linux/netlink.h).
const ADD_MEMBERSHIP: i32 = 1;
const CAP_ACK: i32 = 10;
const EXT_ACK: i32 = 11;
pub(crate) const REQUEST: u16 = 0x1;
pub(crate) const ACK: u16 = 0x4;
pub(crate) const CREATE: u16 = 0x400;
const DUMP: u16 = 0x300;
const DUMP_INTERRUPTED: u16 = 0x10;
const CAPPED: u16 = 0x100;
const ACK_ATTRIBUTES: u16 = 0x200;
/// Types every family shares.
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `NLMSGERR_ATTR_MSG`.
const ERROR_TEXT: u16 = 1;

/// A netlink socket and its buffer.
pub struct Socket {
    socket: socket2::Socket,
    buffer: Box<[u8]>,
    sequence: u32,
}

impl Socket {
    /// Opens one. `patience` is how long an answer, or an event, is waited for.
    pub fn open(protocol: Protocol, patience: Duration) -> io::Result<Socket> {
        let number = match protocol {
            Protocol::Route => libc::NETLINK_ROUTE,
            Protocol::Netfilter => libc::NETLINK_NETFILTER,
        };
        let socket = sys::netlink_socket(number)?;
        socket.set_read_timeout(Some(patience))?;
        // Refusals in words, and without the request repeated behind them. Kernels before 4.12 know neither.
        for option in [CAP_ACK, EXT_ACK] {
            let _ = sys::set_netlink_option(socket.as_fd(), option, 1);
        }
        Ok(Socket { socket, buffer: vec![0; DATAGRAM_MAX].into_boxed_slice(), sequence: 0 })
    }

    /// Receives the events of a multicast group (`RTNLGRP_…`) from now on, with room for `bytes` of them to wait.
    pub fn join(&self, group: u32, bytes: i32) -> io::Result<()> {
        // A smaller queue loses events sooner, and that is noticed.
        let _ = sys::set_receive_buffer(self.socket.as_fd(), bytes);
        let group = i32::try_from(group).map_err(|_| io::ErrorKind::InvalidInput)?;
        sys::set_netlink_option(self.socket.as_fd(), ADD_MEMBERSHIP, group)
    }

    /// Waits for one datagram. `WouldBlock` when none comes in time; `ENOBUFS` when the kernel had to drop some.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        loop {
            match self.socket.read(&mut self.buffer) {
                Ok(len) => return Ok(self.buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads away all that waits. After `ENOBUFS` only what is sent after this is complete.
    pub fn drain(&mut self) -> io::Result<()> {
        self.socket.set_nonblocking(true)?;
        let drained = loop {
            match self.receive() {
                Ok(_) => {}
                Err(error) if is_overrun(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.socket.set_nonblocking(false)?;
        drained
    }

    /// A number for the next message; never 0, which is an event's.
    pub fn next_sequence(&mut self) -> u32 {
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        self.sequence
    }

    /// Sends messages numbered `first` to `last`, and waits until `last` (which must ask for it) is acknowledged or any is
    /// refused. What else answers them goes to `each`.
    pub fn transact(
        &mut self,
        writer: Writer,
        (first, last): (u32, u32),
        mut each: impl FnMut(&Message<'_>),
    ) -> Result<(), Error> {
        self.send(writer)?;
        loop {
            for message in messages(self.receive()?) {
                if !is_between(message.sequence, first, last) {
                    // Left behind by a request that was given up, or refused early.
                    continue;
                }
                match acknowledgement(&message) {
                    None => each(&message),
                    Some(Ok(())) if message.sequence == last => return Ok(()),
                    Some(Ok(())) => {}
                    Some(Err(error)) => return Err(error),
                }
            }
        }
    }

    /// Asks for all entries of a table: a request of that type, with the header of its family and what `fill` adds. Takes
    /// what `read` makes of each, and leaves out what is over `limit`. An interrupted dump is repeated.
    pub fn dump<T>(
        &mut self,
        kind: u16,
        family_header: &[u8],
        fill: impl Fn(&mut Writer),
        limit: usize,
        read: impl Fn(&Message<'_>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let mut tries = DUMP_TRIES;
        loop {
            let sequence = self.next_sequence();
            let mut writer = Writer::new();
            writer.begin(kind, REQUEST | DUMP, sequence, family_header);
            fill(&mut writer);
            self.send(writer)?;
            let (rows, is_whole) = self.dumped(sequence, limit, &read)?;
            tries = tries.saturating_sub(1);
            if is_whole || tries == 0 {
                return Ok(rows);
            }
        }
    }

    /// The entries of one dump, and whether the kernel could give all of them of one moment.
    fn dumped<T>(
        &mut self,
        sequence: u32,
        limit: usize,
        read: impl Fn(&Message<'_>) -> Option<T>,
    ) -> Result<(Vec<T>, bool), Error> {
        let (mut rows, mut is_whole) = (Vec::new(), true);
        loop {
            for message in messages(self.receive()?).filter(|message| message.sequence == sequence) {
                is_whole &= message.flags & DUMP_INTERRUPTED == 0;
                match acknowledgement(&message) {
                    None if rows.len() < limit => rows.extend(read(&message)),
                    None => {}
                    Some(Ok(())) => return Ok((rows, is_whole)),
                    Some(Err(error)) => return Err(error),
                }
            }
        }
    }

    fn send(&self, writer: Writer) -> Result<(), Error> {
        let octets = writer.finish()?;
        loop {
            match self.socket.send(&octets) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// True for `ENOBUFS`: the kernel dropped messages to us, because too many waited.
pub fn is_overrun(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOBUFS)
}

/// What the end of an answer says (`NLMSG_ERROR`, `NLMSG_DONE`); `None` for a message that is part of one.
pub(crate) fn acknowledgement(message: &Message<'_>) -> Option<Result<(), Error>> {
    match message.kind {
        // A dump may fail half-way: the number stands there too.
        ERROR | DONE => {}
        _ => return None,
    }
    let number = message.body.first_chunk().map_or(0, |number| i32::from_ne_bytes(*number));
    if number == 0 {
        return Some(Ok(()));
    }
    let error = io::Error::from_raw_os_error(number.saturating_neg());
    let text = error_text(message).unwrap_or_default().to_owned();
    Some(Err(Error::Refused { error, text, sequence: message.sequence }))
}

/// The kernel's words: behind the number and the header of the request, or all of the request where it is repeated.
fn error_text<'a>(message: &Message<'a>) -> Option<&'a str> {
    if message.kind != ERROR || message.flags & ACK_ATTRIBUTES == 0 {
        return None;
    }
    let request = message.body.get(size_of::<i32>()..)?;
    let repeated = if message.flags & CAPPED != 0 { HEADER } else { usize::try_from(u32_at(request, 0)?).ok()? };
    attributes(request.get(repeated.checked_next_multiple_of(ALIGNMENT)?..)?).text(ERROR_TEXT)
}

/// True when `sequence` is one of `first` to `last`, which may lie beyond the end of the numbers.
fn is_between(sequence: u32, first: u32, last: u32) -> bool {
    sequence.wrapping_sub(first) <= last.wrapping_sub(first)
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may end so")]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);
    const GET_LINK: u16 = libc::RTM_GETLINK;
    const NEW_LINK: u16 = libc::RTM_NEWLINK;

    /// The loopback interface's name, or why not.
    fn loopback(socket: &mut Socket, index: i32) -> Result<Option<String>, Error> {
        let sequence = socket.next_sequence();
        let mut header = [0; 16];
        header[4..8].copy_from_slice(&index.to_ne_bytes());
        let mut writer = Writer::new();
        writer.begin(GET_LINK, REQUEST | ACK, sequence, &header);
        let mut name = None;
        socket.transact(writer, (sequence, sequence), |message| {
            let (_, attributes) = message.split::<16>().unwrap();
            name = attributes.text(libc::IFLA_IFNAME).map(str::to_owned);
        })?;
        Ok(name)
    }

    #[test]
    fn the_kernel_answers_and_refuses_in_words() {
        let mut socket = Socket::open(Protocol::Route, PATIENCE).unwrap();
        assert_eq!(loopback(&mut socket, 1).unwrap().as_deref(), Some("lo"));
        let Error::Refused { error, sequence, .. } = loopback(&mut socket, 1 << 30).unwrap_err() else {
            panic!("not refused")
        };
        assert_eq!((error.raw_os_error(), sequence), (Some(libc::ENODEV), 2));
        // An interface by nothing: refused with the kernel's explanation.
        let refused = loopback(&mut socket, 0).unwrap_err();
        assert!(refused.to_string().contains("("), "{refused}");
        assert_eq!(loopback(&mut socket, 1).unwrap().as_deref(), Some("lo"), "the next request is its own");
    }

    #[test]
    fn a_dump_ends_and_keeps_its_limit() {
        let mut socket = Socket::open(Protocol::Route, PATIENCE).unwrap();
        let kinds = |limit| socket.dump(GET_LINK, &[0; 16], |_| {}, limit, |message| Some(message.kind));
        let mut kinds = kinds;
        let all = kinds(1000).unwrap();
        assert!(!all.is_empty() && all.iter().all(|kind| *kind == NEW_LINK), "{all:?}");
        assert!(kinds(0).unwrap().is_empty());
    }

    #[test]
    fn nothing_comes_in_time() {
        let mut socket = Socket::open(Protocol::Route, Duration::from_millis(10)).unwrap();
        assert_eq!(socket.receive().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        socket.drain().unwrap();
    }

    #[test]
    fn sequence_numbers_go_round() {
        let mut socket = Socket::open(Protocol::Route, PATIENCE).unwrap();
        socket.sequence = u32::MAX;
        assert_eq!(socket.next_sequence(), 1);
        assert!(is_between(1, u32::MAX, 2) && is_between(5, 5, 5));
        assert!(!is_between(3, u32::MAX, 2) && !is_between(4, 5, 5));
    }
}
