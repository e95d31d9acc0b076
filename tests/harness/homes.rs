//! Many households in one process, each with the program's own code and an address of its own on the loopback: what they send is
//! carried by plain sockets, and how much of it is noted.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use luytre::report::consent::Consent;
use luytre::report::courier::{Action, Came, Home, Options};
use luytre::report::manifest::Manifest;
use luytre::report::preview::Kind;
use luytre::report::spool::{Limits, Spool};
use rand::SeedableRng;
use rand::rngs::StdRng;
use socket2::{Domain, Socket, Type};

use super::clock::Clock;
use super::operators::Operators;

/// Messages on their way at once: the operators have two cores as well.
const CARRIERS: usize = 8;

/// One household.
pub struct Resident {
    pub home: Home,
    pub addr: Ipv4Addr,
    /// What left: kind, octets that went out, octets that came back.
    pub sent: Vec<(Kind, usize, usize)>,
}

impl Resident {
    /// The `number`th, which agreed to everything.
    pub fn new(manifest: &Manifest, number: u32, folder: &Path) -> Resident {
        let path = folder.join(format!("{number}.spool"));
        let spool = Spool::open(&path, Limits::default()).unwrap().0;
        let options = Options { lab: true, region: u8::try_from(number % 3).unwrap(), engine: 1 };
        let consent = Consent { guardian: true, children: true };
        let rng = StdRng::seed_from_u64(u64::from(number) + 7_000);
        // 127.64.0.0/10: each line is an address of its own.
        let addr = Ipv4Addr::from_bits(0x7f40_0000 + number * 256 + 1);
        Resident { home: Home::new(manifest.clone(), options, consent, spool, rng), addr, sent: Vec::new() }
    }
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Lets all of them live until that second of the machine's clock.
pub fn live(residents: &mut [Resident], until: u64) {
    while now() < until {
        turn(residents, &now);
        thread::sleep(Duration::from_millis(50));
    }
}

/// The same by a clock that waits for everybody: it moves on by half an hour when all that was due is answered, however long
/// this machine takes, and the operators look at it twice a day.
pub fn live_by(clock: &Clock, operators: &Operators, residents: &mut [Resident], until: u64) {
    for half_hours in 1_u64.. {
        while turn(residents, &|| clock.now_secs()) > 0 {}
        let left = until.saturating_sub(clock.now_secs());
        if left == 0 || half_hours.is_multiple_of(24) {
            operators.look_at_the_clock();
        }
        if left == 0 {
            return;
        }
        clock.add_secs(left.min(1800) as f64);
    }
}

/// Each home once: what is due leaves, and what came of it is told. How many messages that were.
fn turn(residents: &mut [Resident], now: &(dyn Fn() -> u64 + Sync)) -> usize {
    let (waiting, count) = (Mutex::new(residents.iter_mut()), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..CARRIERS {
            scope.spawn(|| {
                loop {
                    let Some(resident) = waiting.lock().unwrap().next() else { return };
                    for action in resident.home.step(now()) {
                        let (answer, out, back) = post(resident.addr, &action);
                        resident.home.came(action.id, answer, now());
                        resident.sent.push((action.kind, out, back));
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    count.into_inner()
}

/// Posts one message from that address. What came of it, and how many octets went each way.
fn post(from: Ipv4Addr, action: &Action) -> (Came, usize, usize) {
    let failed = (Came::Nothing, 0, 0);
    let Some((host, path)) = action.url.strip_prefix("http://").and_then(|rest| rest.split_once('/')) else {
        return failed;
    };
    let Ok(to) = host.parse::<SocketAddr>() else { return failed };
    let sent = || -> std::io::Result<(Came, usize, usize)> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((IpAddr::V4(from), 0)).into())?;
        socket.connect(&to.into())?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut stream = std::net::TcpStream::from(socket);
        let head = format!(
            "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            action.content_type,
            action.body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(&action.body)?;
        let mut answer = Vec::new();
        stream.take(1 << 20).read_to_end(&mut answer)?;
        let out = head.len() + action.body.len();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
        let status = std::str::from_utf8(&answer[..end]).ok().and_then(|head| head.split(' ').nth(1)?.parse().ok());
        let back = answer.len();
        let body = answer.split_off((end + 4).min(answer.len()));
        Ok(match status {
            Some(status) if body.len() <= action.answer_max => (Came::Answer { status, body }, out, back),
            _ => (Came::Nothing, out, back),
        })
    };
    sent().unwrap_or(failed)
}
