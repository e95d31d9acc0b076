//! Bytes after the verdict: both directions of one connection as one future without timers and without buffers of its own.
//! Few bytes are copied through a buffer of the thread, many are spliced in the kernel. Whether it may go on is `live`'s.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, Interest, ReadBuf};
use tokio::net::TcpStream;

use super::live::Entry;
use crate::sys::Pipe;

/// Octets of the buffer each thread copies through.
const BUFFER: usize = 16 << 10;
/// From so many octets in one direction on, splicing pays for its pipe: a guess between a page of text and a picture.
const SPLICE_FROM: u64 = 64 << 10;
/// Moves of one direction in a row, so that one busy connection does not keep the others of its thread waiting.
const MOVES_MAX: usize = 16;
/// Empty pipes kept by each thread.
const PIPES_KEPT: usize = 32;

thread_local! {
    static COPY: RefCell<Box<[u8]>> = RefCell::new(vec![0; BUFFER].into_boxed_slice());
    static PIPES: RefCell<Vec<Pipe>> = const { RefCell::new(Vec::new()) };
}

/// Overwrites what this thread copied last.
pub fn wipe() {
    COPY.with_borrow_mut(|buffer| buffer.fill(0));
}

/// A connection and its way on, until both sides have ended, one breaks, or [`Entry::is_over`].
pub struct Tunnel {
    client: TcpStream,
    origin: TcpStream,
    up: Direction,
    down: Direction,
    entry: Rc<Entry>,
}

/// One end, with what was read from it already.
pub struct Side {
    /// The connection.
    pub stream: TcpStream,
    /// Octets taken from it.
    pub read: Vec<u8>,
}

impl Tunnel {
    /// Between two sides; what was read from either already goes to the other before all else.
    pub fn new(client: Side, origin: Side, entry: Rc<Entry>) -> Tunnel {
        let (up, down) = (Direction::starting_with(client.read), Direction::starting_with(origin.read));
        Tunnel { client: client.stream, origin: origin.stream, up, down, entry }
    }

    /// Octets moved: to the origin, to the client.
    pub fn moved(&self) -> (u64, u64) {
        (self.up.moved, self.down.moved)
    }
}

impl Future for Tunnel {
    type Output = (u64, u64);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<(u64, u64)> {
        let tunnel = self.get_mut();
        if tunnel.entry.is_over(context) {
            return Poll::Ready(tunnel.moved());
        }
        let before = tunnel.moved();
        let up = tunnel.up.pump(context, &mut tunnel.client, &tunnel.origin, tunnel.down.has_ended());
        let down = tunnel.down.pump(context, &mut tunnel.origin, &tunnel.client, tunnel.up.has_ended());
        if tunnel.moved() != before {
            tunnel.entry.touch();
        }
        match (up, down) {
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(tunnel.moved()),
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(tunnel.moved()),
            (up, down) => {
                if up.is_ready() || down.is_ready() {
                    tunnel.entry.half_closed();
                }
                Poll::Pending
            }
        }
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    /// Octets that the receiver had no room for.
    left: Vec<u8>,
    sent: usize,
    pipe: Option<Pipe>,
    state: State,
    moved: u64,
    /// The kernel refused to splice here.
    copies: bool,
}

#[derive(Default, PartialEq, Eq, Clone, Copy)]
enum State {
    #[default]
    Open,
    /// The sender has ended; what is left goes first.
    Ending,
    Ended,
}

impl Direction {
    fn starting_with(left: Vec<u8>) -> Direction {
        let mut direction = Direction::default();
        direction.left = left;
        direction
    }

    fn has_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Moves what there is to move. `is_last` tells that the other direction has ended.
    fn pump(
        &mut self,
        context: &mut Context<'_>,
        from: &mut TcpStream,
        to: &TcpStream,
        is_last: bool,
    ) -> Poll<io::Result<()>> {
        for _ in 0..MOVES_MAX {
            ready!(self.empty(context, to))?;
            match self.state {
                State::Ended => return Poll::Ready(Ok(())),
                State::Ending => {
                    self.state = State::Ended;
                    // The last to end is closed anyhow, and a receiver that is gone has nothing more to hear.
                    if !is_last {
                        let _ = SockRef::from(to).shutdown(Shutdown::Write);
                    }
                    return Poll::Ready(Ok(()));
                }
                State::Open => ready!(self.take(context, from, to))?,
            }
        }
        // More may be there: after the others.
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Sends what an earlier move could not.
    fn empty(&mut self, context: &mut Context<'_>, to: &TcpStream) -> Poll<io::Result<()>> {
        while self.sent < self.left.len() {
            ready!(to.poll_write_ready(context))?;
            match to.try_write(&self.left[self.sent..]) {
                Ok(sent) => self.count(sent),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        if !self.left.is_empty() {
            (self.left, self.sent) = (Vec::new(), 0);
        }
        while let Some(pipe) = self.pipe.as_mut().filter(|pipe| pipe.held() > 0) {
            ready!(to.poll_write_ready(context))?;
            match to.try_io(Interest::WRITABLE, || pipe.drain(to.as_fd())) {
                Ok(sent) => self.moved += sent as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn count(&mut self, sent: usize) {
        self.sent += sent;
        self.moved += sent as u64;
    }

    /// Takes what the sender has.
    fn take(&mut self, context: &mut Context<'_>, from: &mut TcpStream, to: &TcpStream) -> Poll<io::Result<()>> {
        let taken = if self.moved >= SPLICE_FROM && !self.copies {
            self.splice(context, from)
        } else {
            self.copy(context, from, to)
        };
        match taken {
            Poll::Ready(Ok(taken)) => {
                if taken == 0 {
                    self.state = State::Ending;
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) if error.kind() == ErrorKind::InvalidInput && !self.copies => {
                self.copies = true;
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                // While nothing comes, others can use the pipe.
                self.pipe.take().into_iter().for_each(keep);
                Poll::Pending
            }
        }
    }

    fn splice(&mut self, context: &mut Context<'_>, from: &TcpStream) -> Poll<io::Result<usize>> {
        let pipe = match &mut self.pipe {
            Some(pipe) => pipe,
            None => {
                let kept = PIPES.with_borrow_mut(Vec::pop);
                let pipe = kept.map_or_else(Pipe::new, Ok);
                match pipe {
                    Ok(pipe) => self.pipe.insert(pipe),
                    // Out of descriptors or of pipe memory: copying needs neither.
                    Err(_) => return Poll::Ready(Err(ErrorKind::InvalidInput.into())),
                }
            }
        };
        loop {
            ready!(from.poll_read_ready(context))?;
            match from.try_io(Interest::READABLE, || pipe.fill(from.as_fd())) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                moved => return Poll::Ready(moved),
            }
        }
    }

    fn copy(&mut self, context: &mut Context<'_>, from: &mut TcpStream, to: &TcpStream) -> Poll<io::Result<usize>> {
        COPY.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            // Knows from a short read that there is no more, and spares the next one.
            ready!(Pin::new(from).poll_read(context, &mut buffer))?;
            let taken = buffer.filled();
            if taken.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let sent = match to.try_write(taken) {
                Ok(sent) => sent,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(error) => return Poll::Ready(Err(error)),
            };
            self.moved += sent as u64;
            self.left.extend_from_slice(&taken[sent..]);
            Poll::Ready(Ok(taken.len()))
        })
    }
}

impl Drop for Direction {
    fn drop(&mut self) {
        self.pipe.take().into_iter().for_each(keep);
    }
}

/// Keeps an empty pipe for the next direction; one that holds octets of a broken connection is closed.
fn keep(pipe: Pipe) {
    PIPES.with_borrow_mut(|pipes| {
        if pipe.held() == 0 && pipes.len() < PIPES_KEPT {
            pipes.push(pipe);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::live::Live;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    /// The outer ends of a tunnel, and the tunnel.
    async fn tunnel(first: &[u8]) -> (TcpStream, TcpStream, Tunnel) {
        let ((client, inner), (outer, origin)) = (pair().await, pair().await);
        let (inner, outer) = (Side { stream: inner, read: first.to_vec() }, Side { stream: outer, read: Vec::new() });
        (client, origin, Tunnel::new(inner, outer, Live::default().enter_for_test()))
    }

    #[tokio::test]
    async fn bytes_arrive_in_order_both_ways_whatever_their_number() {
        for len in [0_usize, 1, BUFFER - 1, BUFFER, BUFFER + 1, SPLICE_FROM as usize + 7, 3 << 20] {
            let (mut client, mut origin, tunnel) = tunnel(b"first").await;
            let sent: Vec<u8> = (0..len).map(|at| (at * 31 % 251) as u8).collect();
            let (there, back) = (sent.clone(), sent.clone());
            let client = async move {
                client.write_all(&there).await.unwrap();
                client.shutdown().await.unwrap();
                let mut got = Vec::new();
                client.read_to_end(&mut got).await.unwrap();
                got
            };
            let origin = async move {
                let mut got = Vec::new();
                origin.read_to_end(&mut got).await.unwrap();
                // Only now: a half-closed connection still carries the other direction.
                origin.write_all(&back).await.unwrap();
                origin.shutdown().await.unwrap();
                got
            };
            let ((up, down), received, returned) = tokio::join!(tunnel, origin, client);
            assert_eq!(received, [b"first", &sent[..]].concat(), "{len}");
            assert_eq!(returned, sent, "{len}");
            assert_eq!((up, down), (len as u64 + 5, len as u64));
        }
    }

    #[tokio::test]
    async fn a_receiver_that_does_not_read_stops_the_sender() {
        let (client, origin, tunnel) = tunnel(b"").await;
        let mut written = 0_usize;
        let flood = async {
            // Far more than the buffers of all four sockets: ends only because nothing moves any more.
            while written < 64 << 20 {
                tokio::select! {
                    ready = client.writable() => ready.unwrap(),
                    () = tokio::time::sleep(std::time::Duration::from_millis(500)) => break,
                }
                written += client.try_write(&[7; 65_536]).unwrap_or(0);
            }
        };
        tokio::select! {
            _ = tunnel => panic!("the tunnel ended"),
            () = flood => {}
        }
        assert!(written < 32 << 20, "{written} octets were taken though nobody reads");
        drop(origin);
    }

    #[tokio::test]
    async fn a_broken_side_ends_the_other() {
        let (mut client, origin, tunnel) = tunnel(b"").await;
        SockRef::from(&origin).set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(origin);
        tokio::time::timeout(std::time::Duration::from_secs(5), tunnel).await.unwrap();
        assert!(matches!(client.read(&mut [0; 1]).await, Ok(0) | Err(_)));
    }
}
