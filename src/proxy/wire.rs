//! A connection under hyper: octets that were read before come first, and what moves is counted where `live` can see it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Octets moved on a connection: from the client, to the client.
#[derive(Default)]
pub struct Moved {
    up: AtomicU64,
    down: AtomicU64,
}

impl Moved {
    /// So far.
    pub fn so_far(&self) -> (u64, u64) {
        (self.up.load(Ordering::Relaxed), self.down.load(Ordering::Relaxed))
    }
}

/// The connection.
pub struct Wire {
    read: Vec<u8>,
    stream: TcpStream,
    moved: Arc<Moved>,
}

impl Wire {
    /// Over `stream`, from which `read` was taken already.
    pub fn new(stream: TcpStream, read: Vec<u8>, moved: Arc<Moved>) -> Wire {
        Wire { read, stream, moved }
    }

    /// The connection itself, and what is left of the octets that were read before.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.stream, self.read)
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = buffer.filled().len();
        let polled = if wire.read.is_empty() {
            Pin::new(&mut wire.stream).poll_read(context, buffer)
        } else {
            let taken = wire.read.len().min(buffer.remaining());
            buffer.put_slice(&wire.read[..taken]);
            wire.read.drain(..taken);
            Poll::Ready(Ok(()))
        };
        wire.moved.up.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_write(context, octets);
        if let Poll::Ready(Ok(written)) = &polled {
            wire.moved.down.fetch_add(*written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let polled = Pin::new(&mut wire.stream).poll_write_vectored(context, octets);
        if let Poll::Ready(Ok(written)) = &polled {
            wire.moved.down.fetch_add(*written as u64, Ordering::Relaxed);
        }
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
