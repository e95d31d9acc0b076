//! The first octets of a connection: read until they tell what it is, whatever port it came in by.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;

use super::sniff::http::{Opening, opening};
use super::sniff::tls::Hello;
use super::sniff::{Progress, Sniffed};

/// What a connection begins with.
#[allow(clippy::large_enum_variant, reason = "lives on the stack for one look; boxing would allocate")]
#[derive(Debug)]
pub enum First {
    /// Plain HTTP.
    Http(Vec<u8>),
    /// TLS with what its hello says, or something unknown that says nothing.
    Stream(Vec<u8>, Sniffed),
    /// TLS that two readers could read differently.
    Malformed,
}

/// Octets taken at a time; a hello with post-quantum keys has 2 KiB.
const READ: usize = 4 << 10;

thread_local! {
    static BUFFER: RefCell<[u8; READ]> = const { RefCell::new([0; READ]) };
}

/// Reads until it is known, `octets` having been read already. The caller limits the time; the parsers limit the octets.
pub async fn read(stream: &mut TcpStream, mut octets: Vec<u8>) -> io::Result<First> {
    let (mut hello, mut fed) = (Hello::default(), 0);
    loop {
        match opening(&octets) {
            Opening::More => {}
            Opening::Http1 => return Ok(First::Http(octets)),
            // No browser speaks it, and it would carry requests that nobody judges.
            Opening::Http2 => return Ok(First::Malformed),
            Opening::Other => return Ok(First::Stream(octets, NAMELESS)),
            Opening::Tls => match hello.push(octets.get(fed..).unwrap_or_default()) {
                Progress::More => fed = octets.len(),
                Progress::Done(sniffed) => return Ok(First::Stream(octets, sniffed)),
                Progress::Alien => return Ok(First::Stream(octets, NAMELESS)),
                Progress::Malformed => return Ok(First::Malformed),
            },
        }
        take(stream, &mut octets).await?;
    }
}

const NAMELESS: Sniffed = Sniffed { name: None, url: None, ech: false };

/// Takes what is there; an end is an error.
async fn take(stream: &mut TcpStream, octets: &mut Vec<u8>) -> io::Result<()> {
    poll_fn(|context| {
        BUFFER.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
            octets.extend_from_slice(buffer.filled());
            Poll::Ready(if buffer.filled().is_empty() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) })
        })
    })
    .await
}
