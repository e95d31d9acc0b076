//! DNS over TCP (RFC 7766): many questions on a connection, answered as they are ready. Every connection and every wait has
//! a limit.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::pipeline::{Step, Transport};
use super::worker::Shared;
use crate::config;
use crate::identity::ClientAddr;
use crate::telemetry::metrics::Counters;

/// Questions in flight on one connection; further ones are read when earlier ones are answered.
const IN_FLIGHT_MAX: usize = 64;
/// A client that takes no answers for so long is gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after an error of the listener (out of descriptors), so that a lasting one does not spin.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// Accepts until told to stop.
pub async fn serve(shared: Shared, listener: TcpListener, limits: config::Tcp, counters: Arc<Counters>) {
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    while !shared.stop.load(Ordering::Relaxed) {
        // The kernel's queue holds what comes while all places are taken.
        let Ok(place) = Arc::clone(&connections).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let (shared, counters, idle) = (shared.clone(), Arc::clone(&counters), limits.idle);
                tokio::spawn(async move {
                    let _place = place;
                    // The client's way of closing is no concern of ours.
                    let _ = connection(shared, stream, peer.into(), idle, counters).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "TCP listener");
                tokio::time::sleep(ERROR_PAUSE).await;
            }
        }
    }
}

async fn connection(
    shared: Shared,
    stream: TcpStream,
    client: ClientAddr,
    idle: Duration,
    counters: Arc<Counters>,
) -> std::io::Result<()> {
    // Answers are small and complete.
    stream.set_nodelay(true)?;
    let (mut reader, writer) = stream.into_split();
    let (answers, outgoing) = mpsc::channel(IN_FLIGHT_MAX);
    let writing = tokio::spawn(write_answers(writer, outgoing));
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    while let Some(packet) = read_question(&mut reader, idle).await? {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
        let context = shared.door.context();
        let mut out = Vec::new();
        match shared.door.answer(&context, &packet, client, Transport::Tcp, &counters, &mut out) {
            Step::Reply => {
                if answers.send(out).await.is_err() {
                    break;
                }
            }
            // What is no question at all ends the connection: its framing cannot be trusted.
            Step::Drop => break,
            Step::Defer(deferred) => {
                let Some(waiting) = shared.waiting.enter() else { break };
                let (door, answers, counters) = (Arc::clone(&shared.door), answers.clone(), Arc::clone(&counters));
                tokio::spawn(async move {
                    let _places = (place, waiting);
                    if let Some(answer) = door.finish(deferred, &counters).await {
                        // The client may have left.
                        let _ = answers.send(answer).await;
                    }
                });
            }
        }
    }
    drop(answers);
    let _ = writing.await;
    Ok(())
}

/// The next question; `None` when the client closed or kept silent.
async fn read_question(reader: &mut OwnedReadHalf, idle: Duration) -> std::io::Result<Option<Vec<u8>>> {
    let question = async {
        let len = reader.read_u16().await?;
        let mut packet = vec![0; usize::from(len)];
        reader.read_exact(&mut packet).await?;
        Ok::<_, std::io::Error>(packet)
    };
    match timeout(idle, question).await {
        Ok(Ok(packet)) => Ok(Some(packet)),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(None),
    }
}

async fn write_answers(mut writer: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Vec<u8>>) {
    while let Some(answer) = outgoing.recv().await {
        // An answer from the pipeline is at most 65,535 octets plus an OPT; one that is not cannot be framed.
        let Ok(len) = u16::try_from(answer.len()) else { continue };
        let framed = [&len.to_be_bytes()[..], &answer].concat();
        match timeout(WRITE_TIMEOUT, writer.write_all(&framed)).await {
            Ok(Ok(())) => {}
            _ => return,
        }
    }
}
