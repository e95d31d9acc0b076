//! The two ends of the scale: an authority that knows every name, and an echo that does nothing.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::thread;

use luytre::sys::{Batch, recv_batch, send_batch, set_receive_buffer};
use socket2::{Domain, Protocol, Socket, Type};

/// The address of every name.
pub const ADDRESS: [u8; 4] = [203, 0, 113, 7];

/// A UDP socket that shares its port.
fn listen(addr: SocketAddr) -> anyhow::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_port(true)?;
    socket.bind(&addr.into())?;
    let socket = UdpSocket::from(socket);
    let _ = set_receive_buffer(socket.as_fd(), 4 << 20);
    Ok(socket)
}

/// Answers every name with one A record, and everything else with nothing.
pub fn authority(addr: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(addr)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || authority_stream(stream));
        }
    });
    let socket = listen(addr)?;
    let (mut inbox, mut outbox, mut answer) = (Batch::new(), Batch::new(), Vec::new());
    loop {
        recv_batch(socket.as_fd(), &mut inbox)?;
        outbox.clear();
        for at in 0..inbox.len() {
            if authority_answer(inbox.data(at), &mut answer).is_some() {
                outbox.push_reply(&answer, &inbox, at);
            }
        }
        send_batch(socket.as_fd(), &mut outbox);
    }
}

fn authority_stream(mut stream: TcpStream) -> Option<()> {
    let mut answer = Vec::new();
    loop {
        let mut len = [0; 2];
        stream.read_exact(&mut len).ok()?;
        let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
        stream.read_exact(&mut packet).ok()?;
        authority_answer(&packet, &mut answer)?;
        stream.write_all(&(answer.len() as u16).to_be_bytes()).ok()?;
        stream.write_all(&answer).ok()?;
    }
}

fn authority_answer(packet: &[u8], answer: &mut Vec<u8>) -> Option<()> {
    let mut end = 12;
    while *packet.get(end)? != 0 {
        end += 1 + usize::from(packet[end]);
    }
    end += 5;
    let question = packet.get(12..end)?;
    let is_address = question.ends_with(&[0, 1, 0, 1]);
    let has_opt = packet.get(11).is_some_and(|count| *count > 0);
    answer.clear();
    // AA and RA, since forwarders expect a resolver.
    answer.extend_from_slice(&[packet[0], packet[1], 0x84 | packet[2] & 1, 0x80, 0, 1]);
    answer.extend_from_slice(if is_address { &[0, 1, 0, 0] } else { &[0, 0, 0, 1] });
    answer.extend_from_slice(&[0, u8::from(has_opt)]);
    answer.extend_from_slice(question);
    if is_address {
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 1, 0x51, 0x80, 0, 4]);
        answer.extend_from_slice(&ADDRESS);
    } else {
        answer.extend_from_slice(&[0, 0, 6, 0, 1, 0, 0, 0x0e, 0x10, 0, 22, 0, 0, 0, 0, 0, 1]);
        answer.extend_from_slice(&[0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10, 0, 0, 0x0e, 0x10]);
    }
    if has_opt {
        answer.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0]);
    }
    Some(())
}

/// Sends every datagram back: what the kernel alone costs.
pub fn echo(addr: SocketAddr, threads: usize) -> anyhow::Result<()> {
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let socket = listen(addr)?;
            Ok(thread::spawn(move || {
                let (mut inbox, mut outbox, mut answer) = (Batch::new(), Batch::new(), Vec::new());
                while recv_batch(socket.as_fd(), &mut inbox).is_ok() {
                    outbox.clear();
                    for at in 0..inbox.len() {
                        answer.clear();
                        answer.extend_from_slice(inbox.data(at));
                        if let Some(flags) = answer.get_mut(2) {
                            *flags |= 0x80;
                        }
                        outbox.push_reply(&answer, &inbox, at);
                    }
                    send_batch(socket.as_fd(), &mut outbox);
                }
            }))
        })
        .collect::<anyhow::Result<_>>()?;
    workers.into_iter().for_each(|worker| drop(worker.join()));
    Ok(())
}
