//! The measurements, in rounds that take every server in turn.

use std::net::{SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::Run;
use crate::data::{self, Data};
use crate::load::{Outcome, is_refusal, packet};
use crate::peers::{Change, Peer, Setting};
use crate::process::{Memory, Server};
use crate::report::{Report, Row};

/// The server has the first core, the load the second.
const SERVER_CORE: usize = 0;
const LOAD_CORE: usize = 1;
/// A server that does not answer rightly in this time is left out.
const START_MAX: Duration = Duration::from_secs(120);
/// Load during a change of the list, in questions a second.
const CHANGE_RATE: u64 = 5_000;

struct Bench<'a> {
    run: &'a Run,
    data: &'a Data,
    work: PathBuf,
    questions: PathBuf,
    authority: SocketAddr,
    report: Report,
}

/// A server that holds so many names.
struct Running<'a> {
    peer: Peer,
    setting: Setting<'a>,
    server: Server,
}

/// Everything.
pub fn run(run: &Run) -> anyhow::Result<()> {
    let most = run.names.iter().copied().max().unwrap_or(0);
    println!("making the list and the questions ...");
    let data = data::load(run.data.as_deref(), most)?;
    std::fs::create_dir_all(&run.work)?;
    let work = std::fs::canonicalize(&run.work)?;
    let questions = work.join("questions");
    data.write_questions(&questions)?;
    let authority: SocketAddr = "127.0.0.2:5390".parse()?;
    let mut serve = Command::new(std::env::current_exe()?);
    serve.args(["authority", &authority.to_string()]);
    // Warm caches leave it nothing to do while others are measured.
    let _authority = Server::start(&serve, Some(LOAD_CORE), &work.join("authority.log"))?;
    let peers = chosen(run)?;
    let report = Report::new(run, &data, &peers);
    let mut bench = Bench { run, data: &data, work, questions, authority, report };
    for names in &run.names {
        bench.size(*names, &peers)?;
    }
    bench.report.write(&run.work)
}

fn chosen(run: &Run) -> anyhow::Result<Vec<(Peer, String)>> {
    let wanted = |peer: &Peer| run.peers.is_empty() || run.peers.iter().any(|name| name == peer.name());
    if let Some(other) = run.peers.iter().find(|name| Peer::ALL.iter().all(|peer| peer.name() != *name)) {
        anyhow::bail!("no peer {other:?}; there are {}", Peer::ALL.map(Peer::name).join(", "));
    }
    let mut peers = Vec::new();
    for peer in Peer::ALL.into_iter().filter(wanted) {
        match peer.version() {
            Ok(version) => peers.push((peer, version)),
            Err(error) => println!("{}: {error}", peer.name()),
        }
    }
    Ok(peers)
}

impl<'a> Bench<'a> {
    fn does(&self, test: &str) -> bool {
        self.run.tests.iter().any(|wanted| wanted == test)
    }

    fn size(&mut self, names: usize, peers: &[(Peer, String)]) -> anyhow::Result<()> {
        println!("--- {names} names");
        let mut running = Vec::new();
        for (peer, _) in peers {
            match self.start(*peer, names, 1, self.does("start")) {
                Ok(one) => running.push(one),
                Err(error) => println!("{} left out: {error:#}", peer.name()),
            }
        }
        for round in 0..self.run.rounds {
            if self.does("cpu") {
                self.each(&running, "cpu", round, names, &["--window", "128"])?;
            }
            if self.does("latency") {
                self.each(&running, "latency", round, names, &["--rate", &self.run.rate.to_string()])?;
            }
            if self.does("tcp") {
                self.each(&running, "tcp", round, names, &["--tcp"])?;
            }
        }
        if self.does("change") {
            for one in &running {
                self.change(one, names, CHANGE_RATE, false)?;
            }
            // The swap alone, at full rate: the list is made and compiled before the load begins.
            if let Some(ours) = running.iter().find(|one| one.peer == Peer::Luytre) {
                self.change(ours, names, self.run.rate, true)?;
            }
        }
        drop(running);
        if self.does("threads") {
            let mut running = Vec::new();
            for (peer, _) in peers {
                match self.start(*peer, names, 2, false) {
                    Ok(one) => running.push(one),
                    Err(error) => println!("{} left out: {error:#}", peer.name()),
                }
            }
            for round in 0..self.run.rounds {
                self.each(&running, "threads", round, names, &["--window", "128"])?;
            }
        }
        Ok(())
    }

    fn start(&mut self, peer: Peer, names: usize, threads: usize, report: bool) -> anyhow::Result<Running<'a>> {
        let folder = self.work.join(peer.name());
        std::fs::create_dir_all(&folder)?;
        let port = 5400 + Peer::ALL.iter().position(|other| *other == peer).unwrap_or(0) as u16;
        let addr = SocketAddr::from(([127, 0, 0, 1], port));
        let setting = Setting { addr, authority: self.authority, threads, names, folder, luytre: &self.run.luytre };
        let core = (threads == 1).then_some(SERVER_CORE);
        let empty = if report && peer != Peer::Echo {
            let empty = Setting { names: 1, folder: setting.folder.clone(), ..setting };
            peer.write_list(&empty, self.data, None)?;
            peer.prepare(&empty)?;
            let log = empty.folder.join("log");
            let mut server = Server::start(&peer.command(&empty)?, core, &log)?;
            wait_for(peer, &mut server, addr, self.data)?;
            thread::sleep(Duration::from_millis(200));
            server.memory()
        } else {
            Memory::default()
        };
        peer.write_list(&setting, self.data, None)?;
        peer.prepare(&setting)?;
        let command = peer.command(&setting)?;
        let began = Instant::now();
        let mut server = Server::start(&command, core, &setting.folder.join("log"))?;
        wait_for(peer, &mut server, addr, self.data)
            .with_context(|| format!("see {}/log", setting.folder.display()))?;
        let took = began.elapsed();
        let fresh = server.memory();
        let running = Running { peer, setting, server };
        // Everything asked twice, so that answers come from memory.
        for _ in 0..2 {
            let warm = self.load(&running, &["--seconds", "0", "--window", "64"])?;
            if warm.wrong > 0 {
                println!("{}: {} wrong, first {:?}", peer.name(), warm.wrong, warm.first_wrong);
            }
        }
        let loaded = running.server.memory();
        if report && peer != Peer::Echo {
            let bytes = (fresh.rss as f64 - empty.rss as f64) / names as f64;
            println!(
                "{}: start {:.3} s, RSS {} MiB, {bytes:.1} octets a name",
                peer.name(),
                took.as_secs_f64(),
                fresh.rss >> 20
            );
            self.report.start(names, peer, took.as_secs_f64(), fresh, loaded, bytes);
        }
        Ok(running)
    }

    fn each(
        &mut self,
        running: &[Running<'_>],
        test: &str,
        round: usize,
        names: usize,
        args: &[&str],
    ) -> anyhow::Result<()> {
        for at in 0..running.len() {
            // Each round begins with another server.
            let one = &running[(at + round) % running.len()];
            if test == "tcp" && !one.peer.has_tcp() {
                continue;
            }
            let seconds = self.run.seconds.to_string();
            let before = one.server.cpu_ns();
            let outcome = self.load(one, &[args, &["--seconds", &seconds]].concat());
            let cpu_ns = one.server.cpu_ns().saturating_sub(before);
            let outcome = match outcome {
                Ok(outcome) => outcome,
                Err(error) => {
                    println!("{test} {}: {error:#}", one.peer.name());
                    continue;
                }
            };
            let row = Row::new(test, names, one.peer, round, cpu_ns, &outcome);
            println!("{}", row.line());
            self.report.rows.push(row);
        }
        Ok(())
    }

    fn load(&self, one: &Running<'_>, args: &[&str]) -> anyhow::Result<Outcome> {
        let mut load = if one.setting.threads == 1 {
            let mut load = Command::new("taskset");
            load.args(["-c", &LOAD_CORE.to_string()]).arg(std::env::current_exe()?);
            load
        } else {
            Command::new(std::env::current_exe()?)
        };
        load.args(["load", &one.setting.addr.to_string()]).arg(&self.questions).args(args);
        if one.peer == Peer::Echo {
            load.arg("--echo");
        }
        let output = load.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{}", said.lines().next().unwrap_or("the load failed"));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Adds one name while questions come, and watches until it is refused.
    fn change(&mut self, one: &Running<'_>, names: usize, rate: u64, ahead: bool) -> anyhow::Result<()> {
        let peer = one.peer;
        let extra = format!("new{rate}.added-later.example");
        let change = peer.change(&one.setting, one.server.id());
        if matches!(change, Change::Restart) {
            return Ok(());
        }
        let rate_text = rate.to_string();
        let seconds = if peer == Peer::Luytre { "6" } else { "30" };
        let args = ["--rate", &rate_text, "--seconds", seconds];
        if ahead {
            make(one, self.data, &extra)?;
        }
        let (load, outcome) = thread::scope(|scope| {
            let this = &*self;
            let load = scope.spawn(move || this.load(one, &args));
            let result = change_once(one, this.data, &extra, change, ahead);
            (load.join(), result)
        });
        let (began, in_place) = outcome?;
        let load = load.map_err(|_| anyhow::anyhow!("the load ended badly"))??;
        println!(
            "change {} at {rate}/s: {:.2} s, {:.2} s after the list was in place; lost {}, wrong {}, p99 {:.0} us, silence {:.0} ms",
            peer.name(),
            began,
            in_place,
            load.lost,
            load.wrong,
            load.p99,
            load.silence / 1000.0
        );
        self.report.change(names, peer, rate, began, in_place, &load);
        Ok(())
    }
}

/// Changes the list; returns the seconds until the new name was refused, from the beginning and from the moment at which
/// what the server reads was in place.
fn change_once(one: &Running<'_>, data: &Data, extra: &str, change: Change, ahead: bool) -> anyhow::Result<(f64, f64)> {
    thread::sleep(Duration::from_millis(500));
    let setting = &one.setting;
    let socket = probe(setting.addr)?;
    anyhow::ensure!(ask(&socket, extra).is_some_and(|answer| !is_refusal(&answer)), "{extra} is refused already");
    let began = Instant::now();
    if !ahead {
        make(one, data, extra)?;
    }
    let placed = Instant::now();
    if let Change::Command(mut command) = change {
        // Some wait until it is done; the probe does not.
        let _child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    }
    // A fresh subdomain each time: no cache has it.
    for number in 0_u64.. {
        let name = format!("p{number}.{extra}");
        if ask(&socket, &name).is_some_and(|answer| is_refusal(&answer)) {
            break;
        }
        anyhow::ensure!(placed.elapsed() < START_MAX, "the new name is never refused");
        thread::sleep(Duration::from_millis(5));
    }
    Ok((began.elapsed().as_secs_f64(), placed.elapsed().as_secs_f64()))
}

/// Writes the changed list and does what comes before a server takes it.
fn make(one: &Running<'_>, data: &Data, extra: &str) -> anyhow::Result<()> {
    one.peer.write_list(&one.setting, data, Some(extra))?;
    one.peer.prepare(&one.setting)
}

fn probe(addr: SocketAddr) -> anyhow::Result<UdpSocket> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(addr)?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    Ok(socket)
}

fn ask(socket: &UdpSocket, name: &str) -> Option<Vec<u8>> {
    let mut question = packet(name);
    let id = (std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.subsec_nanos() >> 4) as u16;
    question[..2].copy_from_slice(&id.to_be_bytes());
    socket.send(&question).ok()?;
    let mut answer = vec![0; 4096];
    loop {
        let len = socket.recv(&mut answer).ok()?;
        if answer[..2] == question[..2] && len > 12 {
            answer.truncate(len);
            return Some(answer);
        }
    }
}

/// Waits until a listed name, and one below it, is refused and a popular one answered.
fn wait_for(peer: Peer, server: &mut Server, addr: SocketAddr, data: &Data) -> anyhow::Result<()> {
    let socket = probe(addr)?;
    let began = Instant::now();
    let refuses = |name: &str| ask(&socket, name).is_some_and(|answer| is_refusal(&answer));
    let listed = data.listed.first().context("an empty list")?;
    while began.elapsed() < START_MAX {
        anyhow::ensure!(server.is_alive(), "the server ended");
        if peer == Peer::Echo && ask(&socket, listed).is_some() {
            return Ok(());
        }
        if refuses(listed) {
            let popular = data.popular.first().context("no popular names")?;
            let right =
                (0..50).any(|_| ask(&socket, popular).is_some_and(|answer| answer[3] & 0x0f == 0 && answer[7] > 0));
            anyhow::ensure!(right, "{popular} is not answered");
            anyhow::ensure!(refuses(&format!("below.{listed}")), "a name below {listed} is not refused");
            return Ok(());
        }
        thread::sleep(Duration::from_millis(1));
    }
    anyhow::bail!("{listed} is never refused")
}
