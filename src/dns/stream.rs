//! DNS on a stream, TCP (RFC 7766) or TLS (RFC 7858): many questions on a connection, answered as they are ready. What can be answered at once is
//! read, answered and written many questions at a time. Every connection and every wait has a limit.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::pipeline::{Context, Scratch, Step, Transport};
use super::share::LOOK_UP;
use super::single::Single;
use crate::identity::Asker;

/// Questions of one connection that wait for a look-up; further ones are read when earlier ones are answered.
const IN_FLIGHT_MAX: usize = 64;
/// Octets of answers gathered before they are written.
const OUTBOX_MAX: usize = 1 << 16;
/// Octets read at a time.
const READ_SIZE: usize = 8 << 10;
/// A client that takes no answers for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// A client over its share waits this long.
const SHARE_PAUSE: Duration = Duration::from_millis(250);

/// One connection and what is under way on it.
pub struct Connection {
    single: Single,
    asker: Asker,
    transport: Transport,
    /// Octets read, from `taken` on not yet looked at.
    inbox: Vec<u8>,
    taken: usize,
    /// Answers, each behind its length.
    outbox: Vec<u8>,
    scratch: Scratch,
    /// Questions that wait for a look-up.
    in_flight: usize,
    answers: mpsc::Sender<Option<Vec<u8>>>,
    landing: mpsc::Receiver<Option<Vec<u8>>>,
}

impl Connection {
    /// A connection of `asker`, on which nothing was read yet.
    pub fn new(single: Single, asker: Asker, transport: Transport) -> Connection {
        let (answers, landing) = mpsc::channel(IN_FLIGHT_MAX);
        Connection {
            single,
            asker,
            transport,
            inbox: Vec::with_capacity(READ_SIZE),
            taken: 0,
            outbox: Vec::new(),
            scratch: Scratch::default(),
            in_flight: 0,
            answers,
            landing,
        }
    }

    /// Answers until the client closes or is idle for so long.
    pub async fn run(mut self, stream: impl AsyncRead + AsyncWrite + Unpin, idle: Duration) -> std::io::Result<()> {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut is_open = true;
        // A whole question has to come in this time.
        let mut deadline = Instant::now() + idle;
        while is_open || self.in_flight > 0 {
            let may_read = is_open && self.in_flight < IN_FLIGHT_MAX;
            if may_read {
                self.inbox.reserve(READ_SIZE);
            }
            let (inbox, landing) = (&mut self.inbox, &mut self.landing);
            tokio::select! {
                read = timeout_at(deadline, reader.read_buf(inbox)), if may_read => match read {
                    Ok(read) => is_open = read? > 0,
                    // Idle is a client that waits for nothing.
                    Err(_) if self.in_flight == 0 => return Ok(()),
                    Err(_) => deadline = Instant::now() + idle,
                },
                Some(answer) = landing.recv() => self.landed(answer),
            }
            while let Ok(answer) = self.landing.try_recv() {
                self.landed(answer);
            }
            loop {
                let before = self.taken;
                let next = self.answer();
                is_open &= next != Next::Close;
                if self.taken != before {
                    deadline = Instant::now() + idle;
                }
                if next == Next::Pause {
                    tokio::time::sleep(SHARE_PAUSE).await;
                } else if self.outbox.is_empty() {
                    break;
                }
                timeout(WRITE_TIMEOUT, write_all(&mut writer, &self.outbox)).await??;
                self.outbox.clear();
            }
            self.inbox.drain(..self.taken);
            self.taken = 0;
        }
        Ok(())
    }

    /// Answers the questions that are whole, as many as there is room for.
    fn answer(&mut self) -> Next {
        let mut context = None;
        while self.outbox.len() < OUTBOX_MAX && self.in_flight < IN_FLIGHT_MAX {
            let Some((packet, end)) = question_at(&self.inbox, self.taken) else { break };
            let door = &self.single.shared.door;
            let context = context.get_or_insert_with(|| door.context());
            if !self.take(1, context) {
                self.single.counters.limited();
                return Next::Pause;
            }
            match door.answer(
                context,
                &door.foresee(context, packet),
                self.asker,
                self.transport,
                &self.single.counters,
                &mut self.scratch,
            ) {
                Step::Reply => frame(&self.scratch.out, &mut self.outbox),
                // What is no question at all ends the connection: its framing cannot be trusted.
                Step::Drop => {
                    self.taken = self.inbox.len();
                    return Next::Close;
                }
                Step::Defer(deferred) => {
                    let Some(waiting) = self.single.shared.waiting.enter() else { return Next::Close };
                    self.take(LOOK_UP, context);
                    let (door, answers, counters) =
                        (Arc::clone(door), self.answers.clone(), Arc::clone(&self.single.counters));
                    self.in_flight += 1;
                    tokio::spawn(async move {
                        let _waiting = waiting;
                        let answer = door.finish(deferred, &counters).await;
                        // The client may have left.
                        let _ = answers.send(answer).await;
                    });
                }
            }
            self.taken = end;
        }
        Next::Read
    }

    /// As for datagrams, but a client over its share is slowed down: its questions wait in its own buffers.
    fn take(&self, tokens: u32, context: &Context) -> bool {
        let mut shares = self.single.shared.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.set_rate(context.client_rate());
        shares.take(self.asker.client, tokens, context.now())
    }

    fn landed(&mut self, answer: Option<Vec<u8>>) {
        self.in_flight -= 1;
        if let Some(answer) = answer {
            frame(&answer, &mut self.outbox);
        }
    }
}

/// TLS keeps what is written until it is told that this is all.
async fn write_all(writer: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> std::io::Result<()> {
    writer.write_all(octets).await?;
    writer.flush().await
}

/// How a connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// All that could be answered is.
    Read,
    /// The client is over its share.
    Pause,
    /// Its framing cannot be trusted, or the house is full.
    Close,
}

/// The whole question that starts at `at`, and where the next one starts.
fn question_at(inbox: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let (len, rest) = inbox.get(at..)?.split_first_chunk::<2>()?;
    let len = usize::from(u16::from_be_bytes(*len));
    Some((rest.get(..len)?, at + 2 + len))
}

/// Adds an answer behind its length. One of more than 65,535 octets, which only an OPT can make of a full message, cannot be
/// framed.
fn frame(answer: &[u8], outbox: &mut Vec<u8>) {
    if let Ok(len) = u16::try_from(answer.len()) {
        outbox.extend_from_slice(&len.to_be_bytes());
        outbox.extend_from_slice(answer);
    }
}
