//! One UDP worker: a plain thread that moves datagrams in batches and never waits for anything but the network. What needs
//! a look-up goes to the asynchronous side; its reply leaves by the same socket.

use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use arrayvec::ArrayVec;
use tokio::runtime::Handle;

use super::answer;
use super::pipeline::{Context, Deferred, Door, Foreseen, Scratch, Step, Transport};
use super::query::{Parsed, Query};
use super::share::{LOOK_UP, Shares};
use crate::identity::ClientAddr;
use crate::net::replies::{self, Reply};
use crate::sys::{Batch, LocalAddr, recv_batch, send_batch, wipe_stack};
use crate::telemetry::metrics::Counters;

/// What all workers share.
#[derive(Clone)]
pub struct Shared {
    /// The door.
    pub door: Arc<Door>,
    /// Where look-ups run.
    pub runtime: Handle,
    /// Questions that wait for a look-up.
    pub waiting: Waiting,
    /// Shares of the clients on streams.
    pub shares: Arc<Mutex<Shares>>,
    /// Set once, when no more questions are taken.
    pub stop: Arc<AtomicBool>,
}

/// How many questions wait for a look-up, over all doors.
#[derive(Clone, Default)]
pub struct Waiting(Arc<AtomicUsize>);

/// Each holds a packet and a snapshot pointer; 16,384 of them are a few MiB.
const WAITING_MAX: usize = 16_384;
/// Replies on their way to the socket.
const REPLIES_MAX: usize = 4_096;
/// Pause after an error of the socket, so that a lasting one does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// One question's place; leaving it is dropping it.
pub struct Place(Arc<AtomicUsize>);

impl Waiting {
    /// A place, or `None` when the house is full.
    pub fn enter(&self) -> Option<Place> {
        let before = self.0.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&self.0));
        (before < WAITING_MAX).then_some(place)
    }

    /// Questions waiting now.
    pub fn len(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// True when none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Starts a worker on `socket`, which must have a receive time-out: that is how often it looks whether to stop. `counters`
/// are its own, `slow` those of the asynchronous side.
pub fn start(
    shared: Shared,
    socket: UdpSocket,
    counters: Arc<Counters>,
    slow: Arc<Counters>,
) -> std::io::Result<Vec<JoinHandle<()>>> {
    let socket = Arc::new(socket);
    let (handed_over, outgoing) = sync_channel(REPLIES_MAX);
    let sender = {
        let (socket, counters) = (Arc::clone(&socket), Arc::clone(&slow));
        thread::Builder::new()
            .name("dns-reply".into())
            .spawn(move || replies::send(&socket, &outgoing, || counters.dropped()))?
    };
    let worker = Worker { shared, socket, counters, slow, replies: handed_over };
    let receiver = thread::Builder::new().name("dns-udp".into()).spawn(move || worker.run())?;
    Ok(vec![receiver, sender])
}

struct Worker {
    shared: Shared,
    socket: Arc<UdpSocket>,
    counters: Arc<Counters>,
    slow: Arc<Counters>,
    replies: SyncSender<Reply>,
}

/// What one worker uses again and again.
struct Desk {
    outbox: Batch,
    scratch: Scratch,
    shares: Shares,
    /// Questions over their client's share so far.
    limited: u32,
    /// Holds what the last questions left.
    is_used: bool,
}

/// Questions looked over before the first of them is answered: enough to cover a fetch from memory.
const LOOK_AHEAD: usize = 8;

impl Worker {
    fn run(self) {
        let door = &self.shared.door;
        let mut context = door.context();
        let mut inbox = Batch::new();
        let mut desk = Desk {
            outbox: Batch::new(),
            scratch: Scratch::default(),
            shares: Shares::new(context.client_rate()),
            limited: 0,
            is_used: false,
        };
        while !self.shared.stop.load(Ordering::Relaxed) {
            let received = recv_batch(self.socket.as_fd(), &mut inbox);
            // After a pause, too: an old snapshot must not live on for want of questions.
            door.renew(&mut context);
            desk.shares.set_rate(context.client_rate());
            match received {
                Ok(_) => self.serve(&context, &inbox, &mut desk),
                Err(error) if is_pause(error.kind()) => desk.tidy(&mut inbox),
                Err(error) => {
                    tracing::warn!(%error, "UDP listener");
                    thread::sleep(ERROR_PAUSE);
                }
            }
        }
    }

    fn serve(&self, context: &Context, inbox: &Batch, desk: &mut Desk) {
        let door = &self.shared.door;
        desk.outbox.clear();
        desk.is_used = true;
        for from in (0..inbox.len()).step_by(LOOK_AHEAD) {
            let to = inbox.len().min(from + LOOK_AHEAD);
            let foreseen: ArrayVec<_, LOOK_AHEAD> =
                (from..to).map(|at| door.foresee(context, inbox.data(at))).collect();
            foreseen.iter().for_each(|foreseen| door.foresee_record(foreseen));
            for (foreseen, at) in foreseen.iter().zip(from..) {
                self.answer(context, foreseen, inbox, at, desk);
            }
        }
        let refused = send_batch(self.socket.as_fd(), &mut desk.outbox);
        (0..refused).for_each(|_| self.counters.dropped());
    }

    fn answer(&self, context: &Context, foreseen: &Foreseen<'_>, inbox: &Batch, at: usize, desk: &mut Desk) {
        let Some(peer) = inbox.peer(at) else { return };
        let (client, Desk { outbox, scratch, shares, limited, .. }) = (ClientAddr::from(peer), desk);
        if !shares.take(client, 1, context.now()) {
            self.counters.limited();
            *limited = limited.wrapping_add(1);
            if limited.is_multiple_of(SLIP) && come_by_tcp(inbox.data(at), &mut scratch.out) {
                outbox.push_reply(&scratch.out, inbox, at);
            }
            return;
        }
        match self.shared.door.answer(context, foreseen, client.into(), Transport::Udp, &self.counters, scratch) {
            Step::Reply => {
                if !outbox.push_reply(&scratch.out, inbox, at) {
                    self.counters.dropped();
                }
            }
            Step::Drop => {}
            Step::Defer(deferred) => {
                // What is left is taken; the next question will find out.
                shares.take(client, LOOK_UP, context.now());
                self.defer(deferred, peer, inbox.local(at));
            }
        }
    }

    fn defer(&self, deferred: Deferred, to: SocketAddr, from: Option<LocalAddr>) {
        let (replies, slow) = (self.replies.clone(), Arc::clone(&self.slow));
        let Some(place) = self.shared.waiting.enter() else {
            slow.dropped();
            if let Some(payload) = deferred.give_up(&slow) {
                let _ = replies.try_send(Reply { payload, to, from });
            }
            return;
        };
        let door = Arc::clone(&self.shared.door);
        self.shared.runtime.spawn(async move {
            let _place = place;
            if let Some(payload) = door.finish(deferred, &slow).await
                && replies.try_send(Reply { payload, to, from }).is_err()
            {
                slow.dropped();
            }
        });
    }
}

impl Desk {
    /// In a pause: what was asked and answered is wiped from the buffers and the stack.
    fn tidy(&mut self, inbox: &mut Batch) {
        if !std::mem::take(&mut self.is_used) {
            return;
        }
        inbox.wipe();
        self.outbox.wipe();
        self.scratch = Scratch::default();
        wipe_stack();
    }
}

/// Of the questions over their client's share, every so many is told to come by TCP; the others are dropped.
const SLIP: u32 = 4;

fn come_by_tcp(packet: &[u8], out: &mut Vec<u8>) -> bool {
    let Parsed::Query(query) = Query::parse(packet) else { return false };
    answer::come_by_tcp(&query, out);
    true
}

/// Nothing came in time, a signal came, or an earlier reply met a closed port (ICMP).
fn is_pause(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted | ErrorKind::ConnectionRefused)
}
