//! The load generator: one thread that never sleeps, asks, and checks every answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use luytre::sys::{BATCH, Batch, recv_batch, send_batch, set_receive_buffer};
use serde::{Deserialize, Serialize};

use crate::servers::ADDRESS;

/// One run of load.
#[derive(clap::Args)]
pub struct Load {
    target: SocketAddr,
    questions: PathBuf,
    /// Length of the run; 0 asks every question once.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Questions a second; without it, as many as are answered with `window` outstanding.
    #[arg(long)]
    rate: Option<u64>,
    #[arg(long, default_value_t = 128)]
    window: usize,
    #[arg(long)]
    tcp: bool,
    /// The target only sends questions back.
    #[arg(long)]
    echo: bool,
}

/// What came of it. Times in microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub sent: u64,
    pub answered: u64,
    pub lost: u64,
    pub wrong: u64,
    pub seconds: f64,
    pub p50: f64,
    pub p99: f64,
    pub p999: f64,
    /// Longest time without any answer.
    pub silence: f64,
    /// The first name that was answered wrongly.
    pub first_wrong: Option<String>,
}

struct Question {
    packet: Vec<u8>,
    is_listed: bool,
    name: String,
}

/// Sockets of the UDP load, and connections of the TCP load.
const SOCKETS: usize = 16;
const STREAMS: usize = 8;
/// Questions of a socket that can be told apart; far more than are ever outstanding.
const WAITING: usize = 4096;
/// Unanswered for so long, a question is lost.
const PATIENCE: Duration = Duration::from_secs(1);

impl Load {
    /// Prints the outcome as one line of JSON.
    pub fn run(&self) -> anyhow::Result<()> {
        let questions = read_questions(&self.questions)?;
        let mut tally = Tally { questions: &questions, echo: self.echo, ..Tally::new(&questions) };
        let started = Instant::now();
        if self.tcp {
            self.streams(&mut tally)?
        } else {
            self.datagrams(&mut tally)?
        }
        println!("{}", serde_json::to_string(&tally.outcome(started.elapsed()))?);
        Ok(())
    }

    fn datagrams(&self, tally: &mut Tally<'_>) -> anyhow::Result<()> {
        let per_socket = self.window.div_ceil(SOCKETS);
        let mut doors = (0..SOCKETS).map(|_| Door::new(self.target)).collect::<anyhow::Result<Vec<_>>>()?;
        let (mut inbox, mut outbox) = (Batch::new(), Batch::new());
        let started = Instant::now();
        let end = started + Duration::from_secs_f64(if self.seconds > 0.0 { self.seconds } else { 600.0 });
        let (mut asked, mut turn) = (0_u64, 0);
        loop {
            let now = Instant::now();
            let is_over = now >= end || self.seconds == 0.0 && asked >= tally.questions.len() as u64;
            if is_over && (doors.iter().all(|door| door.outstanding == 0) || now >= end + PATIENCE) {
                break;
            }
            turn = (turn + 1) % SOCKETS;
            let door = &mut doors[turn];
            if let Ok(count) = recv_batch(door.socket.as_fd(), &mut inbox) {
                let now = Instant::now();
                for at in 0..count {
                    door.take(inbox.data(at), now, tally);
                }
            }
            door.forget(now, tally);
            if is_over {
                continue;
            }
            outbox.clear();
            match self.rate {
                None => {
                    while door.outstanding < per_socket && outbox.len() < BATCH {
                        door.ask(tally, asked, now, &mut outbox);
                        asked += 1;
                    }
                }
                Some(rate) => {
                    // A question is due at its time, whenever it is sent: a slow answer delays none that follow.
                    let due = (now.duration_since(started).as_secs_f64() * rate as f64) as u64;
                    while asked < due && outbox.len() < 8 {
                        let at = started + Duration::from_secs_f64(asked as f64 / rate as f64);
                        door.ask(tally, asked, at, &mut outbox);
                        asked += 1;
                    }
                }
            }
            if !outbox.is_empty() {
                send_batch(door.socket.as_fd(), &mut outbox);
            }
        }
        tally.lost += doors.iter().map(|door| door.outstanding as u64).sum::<u64>();
        Ok(())
    }

    fn streams(&self, tally: &mut Tally<'_>) -> anyhow::Result<()> {
        let window = self.window.div_ceil(STREAMS);
        let mut lines = (0..STREAMS).map(|_| Line::new(self.target)).collect::<anyhow::Result<Vec<_>>>()?;
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        let mut asked = 0;
        while Instant::now() < end {
            for line in &mut lines {
                line.turn(window, &mut asked, tally)?;
            }
        }
        Ok(())
    }
}

/// One UDP socket and what it waits for.
struct Door {
    socket: UdpSocket,
    target: SocketAddr,
    waiting: Vec<Option<Waiting>>,
    outstanding: usize,
    next: u16,
    oldest: u16,
}

#[derive(Clone, Copy)]
struct Waiting {
    id: u16,
    question: u32,
    since: Instant,
}

impl Door {
    fn new(target: SocketAddr) -> anyhow::Result<Door> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_nonblocking(true)?;
        let _ = set_receive_buffer(socket.as_fd(), 4 << 20);
        Ok(Door { socket, target, waiting: vec![None; WAITING], outstanding: 0, next: 0, oldest: 0 })
    }

    fn slot(&mut self, id: u16) -> &mut Option<Waiting> {
        let at = usize::from(id) & (self.waiting.len() - 1);
        &mut self.waiting[at]
    }

    fn ask(&mut self, tally: &mut Tally<'_>, number: u64, since: Instant, outbox: &mut Batch) {
        let at = (number % tally.questions.len() as u64) as usize;
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        if self.slot(id).replace(Waiting { id, question: at as u32, since }).is_some() {
            tally.lost += 1;
        } else {
            self.outstanding += 1;
        }
        tally.packet.clear();
        tally.packet.extend_from_slice(&tally.questions[at].packet);
        tally.packet[..2].copy_from_slice(&id.to_be_bytes());
        outbox.push(&tally.packet, self.target, None);
        tally.sent += 1;
    }

    fn take(&mut self, answer: &[u8], now: Instant, tally: &mut Tally<'_>) {
        let Some(id) = answer.first_chunk().map(|id| u16::from_be_bytes(*id)) else { return };
        let slot = self.slot(id);
        let Some(waiting) = slot.filter(|waiting| waiting.id == id) else { return };
        *slot = None;
        self.outstanding -= 1;
        tally.answered(waiting.question as usize, answer, waiting.since, now);
    }

    /// Gives up on questions that are too old; they are numbered in the order they were asked.
    fn forget(&mut self, now: Instant, tally: &mut Tally<'_>) {
        while self.oldest != self.next {
            let oldest = self.oldest;
            let slot = self.slot(oldest);
            match slot.filter(|waiting| waiting.id == oldest) {
                Some(waiting) if now.saturating_duration_since(waiting.since) < PATIENCE => return,
                Some(_) => {
                    *slot = None;
                    self.outstanding -= 1;
                    tally.lost += 1;
                }
                None => {}
            }
            self.oldest = oldest.wrapping_add(1);
        }
    }
}

/// One TCP connection.
struct Line {
    stream: TcpStream,
    waiting: Vec<Waiting>,
    next: u16,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Line {
    fn new(target: SocketAddr) -> anyhow::Result<Line> {
        let stream = TcpStream::connect(target)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Line { stream, waiting: Vec::new(), next: 0, inbox: Vec::new(), outbox: Vec::new() })
    }

    fn turn(&mut self, window: usize, asked: &mut usize, tally: &mut Tally<'_>) -> anyhow::Result<()> {
        let mut block = [0; 16 << 10];
        match self.stream.read(&mut block) {
            Ok(0) => anyhow::bail!("the server closed a connection"),
            Ok(len) => self.inbox.extend_from_slice(&block[..len]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        let mut taken = 0;
        while let Some((len, rest)) = self.inbox[taken..].split_first_chunk::<2>() {
            let len = usize::from(u16::from_be_bytes(*len));
            let Some(answer) = rest.get(..len) else { break };
            let id = answer.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
            if let Some(at) = self.waiting.iter().position(|waiting| waiting.id == id) {
                let waiting = self.waiting.swap_remove(at);
                tally.answered(waiting.question as usize, answer, waiting.since, now);
            }
            taken += 2 + len;
        }
        self.inbox.drain(..taken);
        while self.waiting.len() < window {
            let at = *asked % tally.questions.len();
            *asked += 1;
            let packet = &tally.questions[at].packet;
            self.next = self.next.wrapping_add(1);
            self.outbox.extend_from_slice(&(packet.len() as u16).to_be_bytes());
            self.outbox.extend_from_slice(&self.next.to_be_bytes());
            self.outbox.extend_from_slice(&packet[2..]);
            self.waiting.push(Waiting { id: self.next, question: at as u32, since: now });
            tally.sent += 1;
        }
        if !self.outbox.is_empty() {
            match self.stream.write(&self.outbox) {
                Ok(len) => drop(self.outbox.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

struct Tally<'q> {
    questions: &'q [Question],
    echo: bool,
    packet: Vec<u8>,
    sent: u64,
    answered: u64,
    lost: u64,
    wrong: u64,
    first_wrong: Option<String>,
    latency: Histogram,
    last: Instant,
    silence: Duration,
}

impl<'q> Tally<'q> {
    fn new(questions: &'q [Question]) -> Tally<'q> {
        Tally {
            questions,
            echo: false,
            packet: Vec::new(),
            sent: 0,
            answered: 0,
            lost: 0,
            wrong: 0,
            first_wrong: None,
            latency: Histogram(vec![0; 64 * 64]),
            last: Instant::now(),
            silence: Duration::ZERO,
        }
    }

    fn answered(&mut self, at: usize, answer: &[u8], since: Instant, now: Instant) {
        let question = &self.questions[at];
        self.answered += 1;
        self.latency.add(now.saturating_duration_since(since));
        self.silence = self.silence.max(now.saturating_duration_since(self.last));
        self.last = now;
        if !is_right(question, answer, self.echo) {
            self.wrong += 1;
            self.first_wrong.get_or_insert_with(|| question.name.clone());
        }
    }

    fn outcome(self, took: Duration) -> Outcome {
        Outcome {
            sent: self.sent,
            answered: self.answered,
            lost: self.lost,
            wrong: self.wrong,
            seconds: took.as_secs_f64(),
            p50: self.latency.at(0.5),
            p99: self.latency.at(0.99),
            p999: self.latency.at(0.999),
            silence: self.silence.as_secs_f64() * 1e6,
            first_wrong: self.first_wrong,
        }
    }
}

fn is_right(question: &Question, answer: &[u8], echo: bool) -> bool {
    let asked = &question.packet[12..];
    let echoed = answer.get(12..12 + asked.len()).is_some_and(|back| back.eq_ignore_ascii_case(asked));
    let is_response = answer.get(2).is_some_and(|flags| flags & 0x80 != 0);
    if !echoed || !is_response || echo {
        return echoed && is_response;
    }
    let rcode = answer[3] & 0x0f;
    let holds = |addr: [u8; 4]| answer.windows(6).any(|window| window[..2] == [0, 4] && window[2..] == addr);
    if question.is_listed { rcode == 3 || rcode == 0 && holds([0; 4]) } else { rcode == 0 && holds(ADDRESS) }
}

fn read_questions(path: &PathBuf) -> anyhow::Result<Vec<Question>> {
    let text = std::fs::read_to_string(path)?;
    let question = |line: &str| {
        let (name, listed) = line.split_once('\t')?;
        Some(Question { packet: packet(name), is_listed: listed == "1", name: name.to_owned() })
    };
    Ok(text.lines().filter_map(question).collect())
}

/// A plain question for the address of `name`.
pub fn packet(name: &str) -> Vec<u8> {
    let mut packet = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    packet
}

/// True when `answer` refuses the question, by NXDOMAIN or by the null address.
pub fn is_refusal(answer: &[u8]) -> bool {
    answer.len() > 12 && (answer[3] & 0x0f == 3 || answer[7] > 0 && answer.ends_with(&[0, 4, 0, 0, 0, 0]))
}

/// Counts of nanoseconds, 64 steps for each power of two.
struct Histogram(Vec<u64>);

impl Histogram {
    fn add(&mut self, took: Duration) {
        let nanos = (took.as_nanos() as u64).max(64);
        let power = nanos.ilog2();
        self.0[(power as usize * 64 + (nanos >> (power - 6) & 63) as usize).min(4095)] += 1;
    }

    /// The time in microseconds that so large a share of answers kept.
    fn at(&self, share: f64) -> f64 {
        let wanted = (self.0.iter().sum::<u64>() as f64 * share) as u64;
        let mut seen = 0;
        for (at, count) in self.0.iter().enumerate() {
            seen += count;
            if seen > wanted {
                let (power, step) = (at / 64, at % 64);
                return ((64 + step) as f64) * 2_f64.powi(power as i32 - 6) / 1000.0;
            }
        }
        0.0
    }
}
