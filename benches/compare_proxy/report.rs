//! Tables of what was measured.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::{Value, json};

use crate::Run;
use crate::idle::Idle;
use crate::load::Outcome;
use crate::peers::{self, Peer};

/// What is measured; the last two only look whether a proxy is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Test {
    Tls,
    Hello,
    Bulk1,
    Bulk8,
    Keep,
    Close,
    Idle,
    ProbeTls,
    ProbeHttp,
}

/// All results.
pub struct Report {
    head: Vec<String>,
    notes: Vec<String>,
    idle: Vec<(Peer, Idle)>,
    pub rows: Vec<Row>,
}

/// One round of one proxy.
#[derive(Serialize, Clone)]
pub struct Row {
    test: Test,
    peer: &'static str,
    round: usize,
    /// Done a second, in the test's unit.
    rate: f64,
    /// Proxy time on a processor for each, in the test's unit.
    cpu: f64,
    outcome: Outcome,
}

const GIB: f64 = (1_u64 << 30) as f64;
const MIB: f64 = (1_u64 << 20) as f64;

impl Test {
    const MEASURED: [Test; 7] = [Test::Tls, Test::Hello, Test::Bulk1, Test::Bulk8, Test::Keep, Test::Close, Test::Idle];

    pub fn chosen(names: &[String]) -> anyhow::Result<Vec<Test>> {
        let find = |name: &String| Test::MEASURED.into_iter().find(|test| test.name() == name);
        names.iter().map(|name| find(name).ok_or_else(|| anyhow::anyhow!("no test {name:?}"))).collect()
    }

    pub fn name(self) -> &'static str {
        match self {
            Test::Tls => "tls",
            Test::Hello => "hello",
            Test::Bulk1 => "bulk1",
            Test::Bulk8 => "bulk8",
            Test::Keep => "keep",
            Test::Close => "close",
            Test::Idle => "idle",
            Test::ProbeTls => "probe-tls",
            Test::ProbeHttp => "probe-http",
        }
    }

    pub fn is_http(self) -> bool {
        matches!(self, Test::Keep | Test::Close | Test::ProbeHttp)
    }

    /// What a probe decides about.
    pub fn of_what(self) -> &'static str {
        if self.is_http() { "plain HTTP" } else { "TLS" }
    }

    fn title(self) -> &'static str {
        match self {
            Test::Tls => "TLS: connection, handshake, 1 KiB page, close",
            Test::Hello => "ClientHello and 1 KiB, no cryptography: connection, answer, close",
            Test::Bulk1 => "bulk through one connection",
            Test::Bulk8 => "bulk through eight connections",
            Test::Keep => "HTTP requests, connections stay",
            Test::Close => "HTTP requests, one connection each",
            Test::Idle | Test::ProbeTls | Test::ProbeHttp => "",
        }
    }

    /// Of the rate, and of processor time.
    fn units(self) -> (&'static str, &'static str) {
        match self {
            Test::Bulk1 | Test::Bulk8 => ("MiB/s", "ms/GiB"),
            Test::Keep | Test::Close => ("requests/s", "us/request"),
            _ => ("connections/s", "us/connection"),
        }
    }

    fn is_bulk(self) -> bool {
        matches!(self, Test::Bulk1 | Test::Bulk8)
    }
}

impl Row {
    pub fn new(test: Test, peer: Peer, round: usize, cpu_ns: u64, outcome: Outcome) -> Row {
        let cpu_ns = cpu_ns as f64;
        let (amount, cpu) = if test.is_bulk() {
            let octets = outcome.octets as f64;
            (octets / MIB, cpu_ns / 1e6 / (octets / GIB))
        } else {
            (outcome.in_time as f64, cpu_ns / 1e3 / outcome.done as f64)
        };
        let cpu = if cpu.is_finite() { cpu } else { 0.0 };
        Row { test, peer: peer.name(), round, rate: amount / outcome.seconds, cpu, outcome }
    }

    pub fn line(&self) -> String {
        let (rate, cpu) = self.test.units();
        format!(
            "{:6} {:11} {:9.0} {rate} {:8.1} {cpu}  p50 {:7.0} p99 {:7.0} us  failed {} {}",
            self.test.name(),
            self.peer,
            self.rate,
            self.cpu,
            self.outcome.p50,
            self.outcome.p99,
            self.outcome.failed,
            self.outcome.first_fault.as_deref().unwrap_or("")
        )
    }
}

impl Report {
    pub fn new(run: &Run, peers: &[(Peer, String)]) -> Report {
        let said = |program: &str, args: &[&str]| {
            let output = Command::new(program).args(args).output();
            output.map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        };
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("");
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let mut head = vec![
            format!(
                "{} cores, {}, {}; load average at the beginning {}",
                said("nproc", &[]),
                model.trim_start_matches([' ', '\t', ':']),
                said("uname", &["-sr"]),
                load.split(' ').next().unwrap_or("")
            ),
            format!(
                "{} rounds of {} s or {} MiB, interleaved; {} connections at a time; {} listed names; IPv4, veth",
                run.rounds, run.seconds, run.mib, run.window, run.names
            ),
            "proxy on core 0 (one worker), clients and internet together on core 1: where `direct` is near, the rate is theirs; \
             processor time is the scheduler's for the proxy's processes, and holds what the kernel does in their name (its \
             sending side up to the receiver's socket), not what it does in the clients' and the internet's"
                .to_owned(),
            "hellos are post-quantum sized (two segments); no session is resumed; every proxy was seen to refuse the first \
             and the last listed name and to pass an allowed one, with the origin's certificate"
                .to_owned(),
        ];
        head.extend(peers.iter().map(|(peer, version)| format!("{version}: {}", peer.about())));
        Report { head, notes: Vec::new(), idle: Vec::new(), rows: Vec::new() }
    }

    /// Something the reader must know.
    pub fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub fn idle(&mut self, peer: Peer, idle: &Idle) {
        println!("{}", idle_line(peer, idle).trim_end());
        self.idle.push((peer, *idle));
    }

    /// Prints the tables and writes `results.md` and `results.json`.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let mut text = String::new();
        for line in self.head.iter().chain(&self.notes) {
            writeln!(text, "* {line}")?;
        }
        for test in Test::MEASURED {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.test == test).collect();
            if !rows.is_empty() {
                table(&mut text, test, &rows)?;
            }
        }
        if !self.idle.is_empty() {
            let limit = peers::descriptors();
            writeln!(
                text,
                "\nIdle connections (a process may have {limit} descriptors here; kernel memory not counted)\n"
            )?;
            text.push_str("| proxy | wanted | open | still alive | RSS before MiB | RSS held MiB | RSS KiB/connection | PSS KiB/connection | CPU us/s |\n|---|---|---|---|---|---|---|---|---|\n");
            self.idle.iter().for_each(|(peer, idle)| text.push_str(&idle_line(*peer, idle)));
        }
        println!("\n{text}");
        fs::write(folder.join("results.md"), &text)?;
        let idle: Vec<Value> =
            self.idle.iter().map(|(peer, idle)| json!({ "peer": peer.name(), "idle": idle_json(idle) })).collect();
        let all = json!({ "about": self.head, "notes": self.notes, "rounds": self.rows, "idle": idle });
        fs::write(folder.join("results.json"), serde_json::to_vec_pretty(&all)?)?;
        println!("written to {0}/results.md and {0}/results.json", folder.display());
        Ok(())
    }
}

fn each_kib(idle: &Idle, of: impl Fn(&crate::process::Memory) -> u64) -> f64 {
    (of(&idle.during) as f64 - of(&idle.before) as f64) / 1024.0 / idle.open.max(1) as f64
}

fn idle_line(peer: Peer, idle: &Idle) -> String {
    format!(
        "| {} | {} | {} | {} | {:.1} | {:.1} | {:.2} | {:.2} | {:.0} |\n",
        peer.name(),
        idle.wanted,
        idle.open,
        idle.alive,
        idle.before.rss as f64 / MIB,
        idle.during.rss as f64 / MIB,
        each_kib(idle, |memory| memory.rss),
        each_kib(idle, |memory| memory.pss),
        idle.cpu_us_a_second
    )
}

fn idle_json(idle: &Idle) -> Value {
    json!({
        "wanted": idle.wanted, "open": idle.open, "alive": idle.alive, "rss_before": idle.before.rss,
        "rss": idle.during.rss, "pss_before": idle.before.pss, "pss": idle.during.pss,
        "cpu_us_a_second": idle.cpu_us_a_second,
    })
}

/// One test: medians and best of each proxy, and its ratio to HAProxy.
fn table(text: &mut String, test: Test, rows: &[&Row]) -> anyhow::Result<()> {
    let values = |peer: Peer, of: &dyn Fn(&Row) -> f64| -> Vec<f64> {
        let mut values: Vec<f64> = rows.iter().filter(|row| row.peer == peer.name()).map(|row| of(row)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |peer: Peer, of: &dyn Fn(&Row) -> f64| -> f64 {
        let values = values(peer, of);
        let at = |at: usize| values.get(at).copied().unwrap_or(f64::NAN);
        (at(values.len().saturating_sub(1) / 2) + at(values.len() / 2)) / 2.0
    };
    let over = |peer: Peer, of: &dyn Fn(&Row) -> f64| {
        let ratio = median(peer, of) / median(Peer::Haproxy, of);
        if ratio.is_finite() { format!("{ratio:.2}") } else { "-".to_owned() }
    };
    let (rate_unit, cpu_unit) = test.units();
    writeln!(
        text,
        "\n{}\n\n| proxy | rounds | {rate_unit} median | most | × haproxy | CPU {cpu_unit} median | least | × haproxy | p50 ms | p99 ms | failed |\n|---|---|---|---|---|---|---|---|---|---|---|",
        test.title()
    )?;
    let (rate, cpu) = (|row: &Row| row.rate, |row: &Row| row.cpu);
    for peer in Peer::ALL.into_iter().filter(|peer| rows.iter().any(|row| row.peer == peer.name())) {
        writeln!(
            text,
            "| {} | {} | {:.0} | {:.0} | {} | {:.1} | {:.1} | {} | {:.2} | {:.2} | {:.0} |",
            peer.name(),
            values(peer, &rate).len(),
            median(peer, &rate),
            values(peer, &rate).last().copied().unwrap_or(0.0),
            over(peer, &rate),
            median(peer, &cpu),
            values(peer, &cpu).first().copied().unwrap_or(0.0),
            over(peer, &cpu),
            median(peer, &|row| row.outcome.p50) / 1000.0,
            median(peer, &|row| row.outcome.p99) / 1000.0,
            values(peer, &|row| row.outcome.failed as f64).iter().sum::<f64>(),
        )?;
    }
    Ok(())
}
