//! The measurements, in rounds that take every proxy in turn.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;

use crate::lab;
use crate::load::Outcome;
use crate::peers::{self, Peer, Setting};
use crate::process::Server;
use crate::report::{Report, Row, Test};
use crate::{Run, idle, wire};

/// The proxy has the first core; clients and internet share the second.
const PROXY_CORE: usize = 0;
const LOAD_CORE: usize = 1;
/// A proxy that does not refuse and pass rightly in this time is left out.
const START_MAX: Duration = Duration::from_secs(60);

struct Bench<'a> {
    run: &'a Run,
    work: PathBuf,
    report: Report,
}

/// A proxy that was seen to do its work; there is no process without a proxy.
struct Running<'a> {
    peer: Peer,
    setting: Setting<'a>,
    server: Option<Server>,
    is_right_for_tls: bool,
    is_right_for_http: bool,
}

/// Everything.
pub fn run(run: &Run) -> anyhow::Result<()> {
    fs::create_dir_all(&run.work)?;
    let work = fs::canonicalize(&run.work)?;
    wire::write_certificate(&work)?;
    let peers = chosen(run)?;
    let tests = Test::chosen(&run.tests)?;
    lab::build()?;
    for peer in Peer::ALL {
        lab::build_place(peer.place(), peer.interception(run.lab_rules))
            .with_context(|| format!("router of {}", peer.name()))?;
    }
    let mut origin = lab::inside(lab::INTERNET, &std::env::current_exe()?);
    origin.arg("origin").arg(&work);
    let _origin = Server::start(&origin, Some(LOAD_CORE), &work.join("origin.log"))?;
    let report = Report::new(run, &peers);
    let mut bench = Bench { run, work, report };
    let mut running = Vec::new();
    for (peer, _) in &peers {
        running.extend(bench.start_or_say(*peer));
    }
    for round in 0..run.rounds {
        for test in tests.iter().filter(|test| **test != Test::Idle) {
            bench.each(&running, *test, round)?;
        }
    }
    drop(running);
    if tests.contains(&Test::Idle) {
        for (peer, _) in &peers {
            bench.idle(*peer)?;
        }
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
    /// Idle connections for which a proxy has descriptors, two each.
    fn idle_count(&self) -> u64 {
        (self.run.idle as u64).min(peers::descriptors().saturating_sub(peers::SPARE) / 2)
    }

    fn start_or_say(&mut self, peer: Peer) -> Option<Running<'a>> {
        match self.start(peer) {
            Ok(one) => Some(one),
            Err(error) => {
                let log = self.work.join(peer.name()).join("log");
                let why = format!("{} is not measured: {error:#} (see {})", peer.name(), log.display());
                println!("{why}");
                self.report.note(why);
                None
            }
        }
    }

    /// Starts it and waits until it passes and refuses as it must.
    fn start(&mut self, peer: Peer) -> anyhow::Result<Running<'a>> {
        let folder = self.work.join(peer.name());
        fs::create_dir_all(&folder)?;
        open_to_all(&folder)?;
        for file in ["cert.pem", "key.pem"] {
            fs::copy(self.work.join(file), folder.join(file))?;
        }
        let setting = Setting {
            folder,
            names: self.run.names,
            idle: self.idle_count(),
            luytre: &self.run.luytre,
            lab_rules: self.run.lab_rules,
        };
        peer.write_list(&setting)?;
        let log = setting.folder.join("log");
        let began = Instant::now();
        let command = peer.command(&setting)?;
        let server = command.map(|command| Server::start(&command, Some(PROXY_CORE), &log)).transpose()?;
        let mut one = Running { peer, setting, server, is_right_for_tls: false, is_right_for_http: false };
        if peer.does(Test::Tls) {
            one.is_right_for_tls = self.wait_for(&mut one, Test::ProbeTls)?;
        }
        if peer.does(Test::Keep) {
            one.is_right_for_http = self.wait_for(&mut one, Test::ProbeHttp)?;
        }
        anyhow::ensure!(one.is_right_for_tls || one.is_right_for_http, "it neither passes nor refuses as it must");
        println!("{}: right after {:.2} s", peer.name(), began.elapsed().as_secs_f64());
        Ok(one)
    }

    /// False, with a note, when it runs and yet is never right.
    fn wait_for(&mut self, one: &mut Running<'_>, probe: Test) -> anyhow::Result<bool> {
        let began = Instant::now();
        loop {
            let outcome = self.load(one, probe);
            if let Some(server) = &mut one.server {
                anyhow::ensure!(server.is_alive(), "it ended");
            }
            let fault = match outcome {
                Ok(outcome) if outcome.failed == 0 => return Ok(true),
                Ok(outcome) => outcome.first_fault.unwrap_or_default(),
                Err(error) => format!("{error:#}"),
            };
            if began.elapsed() > START_MAX {
                let why = format!("{} is left out of {}: {fault}", one.peer.name(), probe.of_what());
                println!("{why}");
                self.report.note(why);
                return Ok(false);
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn each(&mut self, running: &[Running<'_>], test: Test, round: usize) -> anyhow::Result<()> {
        for at in 0..running.len() {
            // Each round begins with another proxy.
            let one = &running[(at + round) % running.len()];
            let is_right = if test.is_http() { one.is_right_for_http } else { one.is_right_for_tls };
            if !is_right {
                continue;
            }
            let cpu_ns = || one.server.as_ref().map_or(0, Server::cpu_ns);
            let before = cpu_ns();
            let outcome = self.load(one, test);
            let cpu_ns = cpu_ns().saturating_sub(before);
            match outcome {
                Ok(outcome) => {
                    let row = Row::new(test, one.peer, round, cpu_ns, outcome);
                    println!("{}", row.line());
                    self.report.rows.push(row);
                }
                Err(error) => println!("{} {}: {error:#}", test.name(), one.peer.name()),
            }
        }
        Ok(())
    }

    /// Idle connections through a proxy that has done nothing before.
    fn idle(&mut self, peer: Peer) -> anyhow::Result<()> {
        if !peer.does(Test::Idle) {
            return Ok(());
        }
        let Some(one) = self.start_or_say(peer) else { return Ok(()) };
        let (Some(server), true) = (&one.server, one.is_right_for_tls) else { return Ok(()) };
        let mut load = self.load_command(&one, Test::Idle)?;
        match idle::measure(&mut load, server, one.setting.idle, Duration::from_secs(self.run.hold)) {
            Ok(idle) => self.report.idle(peer, &idle),
            Err(error) => println!("idle {}: {error:#}", peer.name()),
        }
        Ok(())
    }

    fn load(&self, one: &Running<'_>, test: Test) -> anyhow::Result<Outcome> {
        let output = self.load_command(one, test)?.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{}", said.lines().next().unwrap_or("the load failed"));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn load_command(&self, one: &Running<'_>, test: Test) -> anyhow::Result<Command> {
        let (kind, window, amount) = match test {
            Test::Tls => ("tls", self.run.window, 0),
            Test::Hello => ("hello", self.run.window, 0),
            Test::Bulk1 => ("bulk", 1, self.run.mib << 20),
            Test::Bulk8 => ("bulk", 8, self.run.mib << 20),
            Test::Idle => ("idle", self.run.window, one.setting.idle),
            Test::Keep => ("keep", self.run.window, 0),
            Test::Close => ("close", self.run.window, 0),
            Test::ProbeTls => ("probe-tls", 1, one.listed()),
            Test::ProbeHttp => ("probe-http", 1, one.listed()),
        };
        let mut load = lab::inside(lab::CLIENTS, Path::new("taskset"));
        load.args(["-c", &LOAD_CORE.to_string()]).arg(std::env::current_exe()?).args(["load", kind]);
        load.arg(one.peer.place().0.to_string()).arg(&self.work);
        load.args(["--window", &window.to_string(), "--amount", &amount.to_string()]);
        load.args(["--seconds", &self.run.seconds.to_string()]);
        Ok(load)
    }
}

impl Running<'_> {
    /// Names it must refuse.
    fn listed(&self) -> u64 {
        if self.peer == Peer::Direct { 0 } else { self.setting.names as u64 }
    }
}

/// squid gives up its privileges and writes its log as somebody else.
fn open_to_all(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o777))?)
}
