//! Datagrams on their way out: whoever has one hands it over, one thread sends as many at once as there are.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::mpsc::Receiver;

use crate::sys::{BATCH, Batch, LocalAddr, send_batch};

/// One of them.
pub struct Reply {
    /// Its octets.
    pub payload: Vec<u8>,
    /// Whom it is for.
    pub to: SocketAddr,
    /// The address it leaves from; `None` leaves that to the kernel.
    pub from: Option<LocalAddr>,
}

/// Sends replies as they come until the last sender is gone. `dropped` is called for each that was too long or that the
/// kernel would not take.
pub fn send(socket: &UdpSocket, outgoing: &Receiver<Reply>, dropped: impl Fn()) {
    let mut outbox = Batch::new();
    while let Ok(first) = outgoing.recv() {
        outbox.clear();
        let mut next = Some(first);
        while let Some(reply) = next {
            if !outbox.push(&reply.payload, reply.to, reply.from) {
                dropped();
            }
            next = if outbox.len() < BATCH { outgoing.try_recv().ok() } else { None };
        }
        let refused = send_batch(socket.as_fd(), &mut outbox);
        (0..refused).for_each(|_| dropped());
    }
}
