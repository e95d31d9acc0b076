//! Many questions on one stream (RFC 7766 §6.2.1.1): a task writes them as they come, another reads answers in whatever order
//! they come. Neither waits for the other, so two full buffers cannot stop the connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf};
use tokio::sync::{mpsc, oneshot};

/// The connection is over, or too many questions wait on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("connection closed")]
pub struct Closed;

/// A connection with its two tasks, which end when it is dropped or the other side closes.
pub struct Pipe {
    outgoing: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
}

/// Who waits for which id.
#[derive(Default)]
struct Waiting {
    askers: HashMap<u16, oneshot::Sender<Vec<u8>>>,
    last_id: u16,
    is_closed: bool,
}

/// Questions handed over and not yet written.
const OUTGOING_MAX: usize = 256;
/// Questions that wait for an answer; the ids are 65,536, and a free one has to be found soon.
const WAITING_MAX: usize = 16_384;

impl Pipe {
    /// On a connected stream.
    pub fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Pipe {
        let (reader, writer) = tokio::io::split(stream);
        let (outgoing, messages) = mpsc::channel(OUTGOING_MAX);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        tokio::spawn(write(writer, messages));
        let askers = Arc::clone(&waiting);
        tokio::spawn(async move {
            // Why it ended does not matter: it did.
            let _ = read(reader, &askers).await;
            askers.lock().unwrap_or_else(PoisonError::into_inner).close();
        });
        Pipe { outgoing, waiting }
    }

    /// The answer to `message`, whose id is replaced. Dropping the future gives the id back.
    pub async fn ask(&self, mut message: Vec<u8>) -> Result<Vec<u8>, Closed> {
        let (asker, answer) = oneshot::channel();
        let id = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).enter(asker).ok_or(Closed)?;
        let _place = Place { waiting: &self.waiting, id };
        message.get_mut(..2).ok_or(Closed)?.copy_from_slice(&id.to_be_bytes());
        self.outgoing.send(message).await.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }
}

impl Waiting {
    fn enter(&mut self, asker: oneshot::Sender<Vec<u8>>) -> Option<u16> {
        if self.is_closed || self.askers.len() >= WAITING_MAX {
            return None;
        }
        while self.askers.contains_key(&self.last_id) {
            self.last_id = self.last_id.wrapping_add(1);
        }
        let id = self.last_id;
        self.last_id = id.wrapping_add(1);
        self.askers.insert(id, asker);
        Some(id)
    }

    fn close(&mut self) {
        self.is_closed = true;
        self.askers.clear();
    }
}

struct Place<'a> {
    waiting: &'a Mutex<Waiting>,
    id: u16,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).askers.remove(&self.id);
    }
}

async fn write<S: AsyncWrite>(mut writer: WriteHalf<S>, mut messages: mpsc::Receiver<Vec<u8>>) -> std::io::Result<()> {
    let mut outbox = Vec::new();
    while let Some(first) = messages.recv().await {
        outbox.clear();
        let mut next = Some(first);
        while let Some(message) = next {
            // A question is at most a few hundred octets.
            let Ok(len) = u16::try_from(message.len()) else { break };
            outbox.extend_from_slice(&len.to_be_bytes());
            outbox.extend_from_slice(&message);
            next = messages.try_recv().ok();
        }
        writer.write_all(&outbox).await?;
        writer.flush().await?;
    }
    writer.shutdown().await
}

async fn read<S: AsyncRead>(reader: ReadHalf<S>, waiting: &Mutex<Waiting>) -> std::io::Result<()> {
    let mut reader = BufReader::new(reader);
    loop {
        let mut answer = vec![0; usize::from(reader.read_u16().await?)];
        reader.read_exact(&mut answer).await?;
        let id = answer.first_chunk().map_or(0, |octets| u16::from_be_bytes(*octets));
        let asker = waiting.lock().unwrap_or_else(PoisonError::into_inner).askers.remove(&id);
        if let Some(asker) = asker {
            // Who asked may have stopped waiting.
            let _ = asker.send(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn answers_find_their_askers_in_any_order() {
        let (ours, mut theirs) = tokio::io::duplex(64);
        let pipe = Arc::new(Pipe::new(ours));
        let asking: Vec<_> = (0..10_u8)
            .map(|at| {
                let pipe = Arc::clone(&pipe);
                tokio::spawn(async move { pipe.ask(vec![9, 9, at]).await })
            })
            .collect();
        let mut questions = Vec::new();
        for _ in 0..10 {
            let mut message = vec![0; usize::from(theirs.read_u16().await.unwrap())];
            theirs.read_exact(&mut message).await.unwrap();
            questions.push(message);
        }
        for message in questions.iter().rev() {
            theirs.write_u16(3).await.unwrap();
            theirs.write_all(message).await.unwrap();
        }
        for (at, asked) in asking.into_iter().enumerate() {
            assert_eq!(asked.await.unwrap().unwrap()[2], at as u8);
        }
    }

    #[tokio::test]
    async fn a_closed_connection_says_so_and_ids_come_back() {
        let (ours, theirs) = tokio::io::duplex(64);
        let pipe = Pipe::new(ours);
        assert!(tokio::time::timeout(std::time::Duration::from_millis(20), pipe.ask(vec![0, 0, 1])).await.is_err());
        assert!(pipe.waiting.lock().unwrap().askers.is_empty(), "nobody waits any more");
        drop(theirs);
        assert_eq!(pipe.ask(vec![0, 0, 2]).await, Err(Closed));
        assert_eq!(pipe.ask(vec![0, 0, 2]).await, Err(Closed), "and stays closed");
    }
}
