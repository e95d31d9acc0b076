//! What an observer of a line can see: passes TCP connections on, and notes from where each came and how many octets went each
//! way.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// One connection.
#[derive(Debug, Clone)]
pub struct Passed {
    pub from: IpAddr,
    pub at: Instant,
    pub up: usize,
    pub down: usize,
}

/// Stands between boxes and one server.
pub struct Recorder {
    pub addr: SocketAddr,
    passed: Arc<Mutex<Vec<Passed>>>,
}

impl Recorder {
    pub fn before(server: SocketAddr) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let passed = Arc::new(Mutex::new(Vec::new()));
        let notes = Arc::clone(&passed);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let notes = Arc::clone(&notes);
                thread::spawn(move || {
                    let at = Instant::now();
                    let from = stream.peer_addr().map(|peer| peer.ip());
                    if let (Ok(from), Ok((up, down))) = (from, pass(stream, server)) {
                        notes.lock().unwrap().push(Passed { from, at, up, down });
                    }
                });
            }
        });
        Recorder { addr, passed }
    }

    /// Connections that have ended.
    pub fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap().clone()
    }

    /// Of one line: how much went each way in each connection, smallest first.
    pub fn sizes(&self, from: IpAddr) -> Vec<(usize, usize)> {
        let mut sizes: Vec<_> =
            self.passed().iter().filter(|one| one.from == from).map(|one| (one.up, one.down)).collect();
        sizes.sort_unstable();
        sizes
    }
}

fn pass(client: TcpStream, server: SocketAddr) -> io::Result<(usize, usize)> {
    let server = TcpStream::connect(server)?;
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let up = thread::spawn(move || copy(from, to));
    let down = copy(server, client);
    Ok((up.join().unwrap_or(0), down))
}

fn copy(mut from: TcpStream, mut to: TcpStream) -> usize {
    let (mut buffer, mut copied) = ([0; 16 << 10], 0);
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
        copied += read;
    }
    let _ = to.shutdown(Shutdown::Write);
    copied
}
