//! A load generator that checks every answer: so many questions a second over one socket, each with its own expectation.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{query_bytes, read};

/// A question and the address it must be answered with.
#[derive(Clone)]
pub struct Expected {
    pub name: String,
    pub address: IpAddr,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Result {
    pub sent: u64,
    pub answered: u64,
    pub wrong: Vec<String>,
}

/// A generator at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<(u64, Vec<String>)>,
}

impl Load {
    /// Asks `questions` in turn, `per_second` of them.
    pub fn start(to: SocketAddr, questions: Vec<Expected>, per_second: u64) -> Load {
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 9), 0)).unwrap();
        socket.connect(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let _ = luytre::sys::set_receive_buffer(std::os::fd::AsFd::as_fd(&socket), 8 << 20);
        let socket = Arc::new(socket);
        let stop = Arc::new(AtomicBool::new(false));
        let sent = Arc::new(AtomicU64::new(0));
        // Which question an id stands for; an id comes back only after 65,536 questions.
        let open: Arc<Mutex<HashMap<u16, usize>>> = Arc::default();
        let sender = {
            let (socket, stop, sent, open) = (socket.clone(), stop.clone(), sent.clone(), open.clone());
            let packets: Vec<_> = questions.iter().map(|question| query_bytes(0, &question.name, "A", true)).collect();
            thread::spawn(move || {
                let started = Instant::now();
                let mut count = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    let due = (started.elapsed().as_secs_f64() * per_second as f64) as u64;
                    while count < due {
                        let (id, at) = (count as u16, count as usize % packets.len());
                        let mut packet = packets[at].clone();
                        packet[..2].copy_from_slice(&id.to_be_bytes());
                        open.lock().unwrap().insert(id, at);
                        // While nobody listens a connected socket reports it; the question was not put then.
                        if socket.send(&packet).is_ok() {
                            count += 1;
                            sent.store(count, Ordering::Relaxed);
                        }
                    }
                    thread::sleep(Duration::from_micros(500));
                }
            })
        };
        let receiver = {
            let (stop, sent) = (stop.clone(), sent.clone());
            thread::spawn(move || {
                let (mut answered, mut wrong) = (0, Vec::new());
                let mut packet = [0; 4096];
                let mut quiet_since: Option<Instant> = None;
                loop {
                    if stop.load(Ordering::Relaxed) {
                        let since = quiet_since.get_or_insert_with(Instant::now);
                        // What is not here two seconds after the last question is lost.
                        if answered >= sent.load(Ordering::Relaxed) || since.elapsed() > Duration::from_secs(2) {
                            return (answered, wrong);
                        }
                    }
                    let Ok(len) = socket.recv(&mut packet) else { continue };
                    let id = u16::from_be_bytes([packet[0], packet[1]]);
                    let Some(at) = open.lock().unwrap().remove(&id) else {
                        wrong.push(format!("an answer nobody waits for: {id}"));
                        continue;
                    };
                    answered += 1;
                    let seen = read(&packet[..len]);
                    if seen.addresses() != [questions[at].address] {
                        wrong.push(format!("{}: {seen:?}", questions[at].name));
                    }
                }
            })
        };
        Load { stop, sent, sender, receiver }
    }

    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Stops asking, waits for the last answers.
    pub fn finish(self) -> Result {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.join().unwrap();
        let (answered, wrong) = self.receiver.join().unwrap();
        Result { sent: self.sent.load(Ordering::Relaxed), answered, wrong }
    }
}
