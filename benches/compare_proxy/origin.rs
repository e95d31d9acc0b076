//! The internet: every place's web server (plain and TLS), its opaque server and its name server, in one thread. Ends with
//! the program that started it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use tokio_rustls::TlsAcceptor;

use crate::peers::Peer;
use crate::plan::{self, Service};
use crate::{web, wire};

/// Connections that wait to be taken.
const BACKLOG: u32 = 16_384;
/// Octets written at a time.
const CHUNK: usize = 256 << 10;

pub async fn run(folder: &Path) -> anyhow::Result<()> {
    let acceptor = TlsAcceptor::from(wire::server_config(folder)?);
    for peer in Peer::ALL {
        tokio::spawn(names(UdpSocket::bind((peer.place().resolver(), 53)).await?));
    }
    tokio::spawn(accept(listen(80)?, |stream| async move {
        let _ = web::serve(stream).await;
    }));
    let filler: Arc<[u8]> = wire::filler(CHUNK).into();
    tokio::spawn(accept(listen(443)?, move |stream| {
        let (acceptor, filler) = (acceptor.clone(), Arc::clone(&filler));
        async move {
            let _ = secure(stream, acceptor, &filler).await;
        }
    }));
    println!("ready");
    let parent = std::os::unix::process::parent_id();
    while std::os::unix::process::parent_id() == parent {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}

fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))?;
    Ok(socket.listen(BACKLOG)?)
}

async fn accept<F: Future<Output = ()> + Send + 'static>(listener: TcpListener, serve: impl Fn(TcpStream) -> F) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let _ = stream.set_nodelay(true);
                tokio::spawn(serve(stream));
            }
            // Out of descriptors: later.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn secure(stream: TcpStream, acceptor: TlsAcceptor, filler: &[u8]) -> anyhow::Result<()> {
    match stream.local_addr()?.ip() {
        IpAddr::V4(addr) if plan::service_at(addr) == Service::Opaque => opaque(stream, filler).await,
        _ => web::serve(acceptor.accept(stream).await?).await,
    }
}

/// Hears the hello and the wish, and fulfils it.
async fn opaque(mut stream: TcpStream, filler: &[u8]) -> anyhow::Result<()> {
    let mut head = [0; wire::HEAD];
    stream.read_exact(&mut head).await?;
    let mut hello = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
    stream.read_exact(&mut hello).await?;
    drop(hello);
    let mut wish = [0; wire::WISH];
    stream.read_exact(&mut wish).await?;
    let mut octets = [0; 8];
    octets.copy_from_slice(&wish[wire::HEAD..]);
    match u64::from_be_bytes(octets) {
        0 => echo(stream).await,
        octets => send(stream, octets, filler).await,
    }
}

async fn echo(mut stream: TcpStream) -> anyhow::Result<()> {
    stream.write_all(&[1]).await?;
    let mut octet = [0; 1];
    while stream.read(&mut octet).await? == 1 {
        stream.write_all(&octet).await?;
    }
    Ok(())
}

async fn send<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, octets: u64, filler: &[u8]) -> anyhow::Result<()> {
    let mut left = octets;
    while left > 0 {
        let now = left.min(filler.len() as u64);
        stream.write_all(&filler[..now as usize]).await?;
        left -= now;
    }
    stream.shutdown().await?;
    // The client closes, or the proxy for it.
    let _ = stream.read(&mut [0; 1]).await?;
    Ok(())
}

/// Answers every question for an address with that of the service the name belongs to.
async fn names(socket: UdpSocket) -> anyhow::Result<()> {
    let IpAddr::V4(own) = socket.local_addr()?.ip() else { return Ok(()) };
    let mut packet = [0; 1500];
    loop {
        let (len, from) = socket.recv_from(&mut packet).await?;
        if let Some(answer) = answer(&packet[..len], own) {
            let _ = socket.send_to(&answer, from).await;
        }
    }
}

fn answer(packet: &[u8], own: Ipv4Addr) -> Option<Vec<u8>> {
    let mut end = 12;
    while *packet.get(end)? != 0 {
        end += 1 + usize::from(packet[end]);
    }
    end += 5;
    let question = packet.get(12..end)?;
    let is_address = question.ends_with(&[0, 1, 0, 1]);
    let has_opt = packet.get(11).is_some_and(|count| *count > 0);
    // AA and RA, since forwarders expect a resolver.
    let mut answer = vec![packet[0], packet[1], 0x84 | packet[2] & 1, 0x80, 0, 1];
    answer.extend_from_slice(if is_address { &[0, 1, 0, 0] } else { &[0, 0, 0, 1] });
    answer.extend_from_slice(&[0, u8::from(has_opt)]);
    answer.extend_from_slice(question);
    if is_address {
        let base = own.octets()[3] / 16 * 16;
        let last = base + if plan::service_of(question[1]) == Service::Opaque { 2 } else { 1 };
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4, 203, 0, 113, last]);
    } else {
        answer.extend_from_slice(&[0, 0, 6, 0, 1, 0, 0, 0x0e, 0x10, 0, 22, 0, 0, 0, 0, 0, 1]);
        answer.extend_from_slice(&[0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10]);
    }
    if has_opt {
        answer.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
    }
    Some(answer)
}
