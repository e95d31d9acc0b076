//! What was measured, as a table for people and as JSON for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::{Value, json};

use crate::Run;
use crate::data::Data;
use crate::load::Outcome;
use crate::peers::Peer;
use crate::process::Memory;

/// All results.
pub struct Report {
    head: Vec<String>,
    starts: Vec<Value>,
    changes: Vec<Value>,
    pub rows: Vec<Row>,
}

/// One round of one server.
#[derive(Serialize, Clone)]
pub struct Row {
    test: String,
    names: usize,
    peer: &'static str,
    round: usize,
    /// Server time on a processor for each answer, in microseconds.
    cpu_us: f64,
    qps: f64,
    loss_percent: f64,
    outcome: Outcome,
}

impl Row {
    pub fn new(test: &str, names: usize, peer: Peer, round: usize, cpu_ns: u64, outcome: &Outcome) -> Row {
        Row {
            test: test.to_owned(),
            names,
            peer: peer.name(),
            round,
            cpu_us: cpu_ns as f64 / 1000.0 / outcome.answered.max(1) as f64,
            qps: outcome.answered as f64 / outcome.seconds,
            loss_percent: outcome.lost as f64 * 100.0 / outcome.sent.max(1) as f64,
            outcome: outcome.clone(),
        }
    }

    pub fn line(&self) -> String {
        format!(
            "{:8} {:13} {:9.0} q/s {:7.3} us/query  p50 {:6.0} p99 {:6.0} p99.9 {:6.0} us  lost {} wrong {} {}",
            self.test,
            self.peer,
            self.qps,
            self.cpu_us,
            self.outcome.p50,
            self.outcome.p99,
            self.outcome.p999,
            self.outcome.lost,
            self.outcome.wrong,
            self.outcome.first_wrong.as_deref().unwrap_or("")
        )
    }
}

impl Report {
    pub fn new(run: &Run, data: &Data, peers: &[(Peer, String)]) -> Report {
        let said = |program: &str, args: &[&str]| {
            Command::new(program)
                .args(args)
                .output()
                .map_or(String::new(), |out| String::from_utf8_lossy(&out.stdout).trim().to_owned())
        };
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu
            .lines()
            .find_map(|line| line.strip_prefix("model name"))
            .unwrap_or("")
            .trim_start_matches([' ', '\t', ':']);
        let versions: Vec<&str> = peers
            .iter()
            .filter(|(peer, _)| !matches!(peer, Peer::Echo | Peer::Luytre))
            .map(|(_, version)| version.as_str())
            .collect();
        let head = vec![
            format!("{} cores, {model}, {}", said("nproc", &[]), said("uname", &["-sr"])),
            format!(
                "list: {}; questions: 100,000, 30 % listed, {} popular names by Zipf's law",
                data.origin,
                data.popular.len()
            ),
            format!("{} rounds of {} s, interleaved; {}", run.rounds, run.seconds, versions.join(", ")),
        ];
        Report { head, starts: Vec::new(), changes: Vec::new(), rows: Vec::new() }
    }

    pub fn start(&mut self, names: usize, peer: Peer, seconds: f64, fresh: Memory, loaded: Memory, bytes_a_name: f64) {
        self.starts.push(json!({
            "names": names, "peer": peer.name(), "seconds": seconds, "rss": fresh.rss, "pss": fresh.pss,
            "rss_loaded": loaded.rss, "pss_loaded": loaded.pss, "bytes_a_name": bytes_a_name,
        }));
    }

    pub fn change(&mut self, names: usize, peer: Peer, rate: u64, began: f64, in_place: f64, load: &Outcome) {
        self.changes.push(json!({
            "names": names, "peer": peer.name(), "rate": rate, "seconds": began, "seconds_after_in_place": in_place,
            "sent": load.sent, "lost": load.lost, "wrong": load.wrong, "p99_us": load.p99, "silence_ms": load.silence / 1000.0,
        }));
    }

    /// Prints the tables and writes `results.md` and `results.json`.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let mut text = String::new();
        for line in &self.head {
            writeln!(text, "* {line}")?;
        }
        let mut groups: BTreeMap<(usize, &str), Vec<&Row>> = BTreeMap::new();
        for row in &self.rows {
            groups.entry((row.names, &row.test)).or_default().push(row);
        }
        for ((names, test), rows) in groups {
            table(&mut text, names, test, &rows)?;
        }
        if !self.starts.is_empty() {
            text.push_str("\n| start and memory | names | s to first right answer | RSS MiB | PSS MiB | after load, RSS MiB | octets a name |\n|---|---|---|---|---|---|---|\n");
            let mib = |value: &Value| value.as_f64().unwrap_or(0.0) / f64::from(1 << 20);
            for start in &self.starts {
                writeln!(
                    text,
                    "| {} | {} | {:.3} | {:.1} | {:.1} | {:.1} | {:.1} |",
                    start["peer"].as_str().unwrap_or(""),
                    start["names"],
                    start["seconds"].as_f64().unwrap_or(0.0),
                    mib(&start["rss"]),
                    mib(&start["pss"]),
                    mib(&start["rss_loaded"]),
                    start["bytes_a_name"].as_f64().unwrap_or(0.0)
                )?;
            }
        }
        if !self.changes.is_empty() {
            text.push_str("\n| list change | names | q/s | s until in force | s after the list was in place | sent | lost | wrong | p99 us | longest silence ms |\n|---|---|---|---|---|---|---|---|---|---|\n");
            for change in &self.changes {
                let number = |key: &str| change[key].as_f64().unwrap_or(0.0);
                writeln!(
                    text,
                    "| {} | {} | {} | {:.2} | {:.2} | {} | {} | {} | {:.0} | {:.1} |",
                    change["peer"].as_str().unwrap_or(""),
                    change["names"],
                    change["rate"],
                    number("seconds"),
                    number("seconds_after_in_place"),
                    change["sent"],
                    change["lost"],
                    change["wrong"],
                    number("p99_us"),
                    number("silence_ms")
                )?;
            }
        }
        println!("\n{text}");
        fs::write(folder.join("results.md"), &text)?;
        let all = json!({ "about": self.head, "starts": self.starts, "changes": self.changes, "rounds": self.rows });
        fs::write(folder.join("results.json"), serde_json::to_vec_pretty(&all)?)?;
        println!("written to {0}/results.md and {0}/results.json", folder.display());
        Ok(())
    }
}

/// One test at one size: medians and best of each server, and its ratio to the floor and to the best peer.
fn table(text: &mut String, names: usize, test: &str, rows: &[&Row]) -> anyhow::Result<()> {
    let mut peers: Vec<&str> = rows.iter().map(|row| row.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    let values = |peer: &str, of: &dyn Fn(&Row) -> f64| -> Vec<f64> {
        let mut values: Vec<f64> = rows.iter().filter(|row| row.peer == peer).map(|row| of(row)).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let median = |peer: &str, of: &dyn Fn(&Row) -> f64| -> f64 {
        let values = values(peer, of);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    let cpu = |row: &Row| row.cpu_us;
    let best = |peer: &str| values(peer, &cpu).first().copied().unwrap_or(0.0);
    let is_peer = |peer: &&&str| !matches!(**peer, "luytre" | "echo");
    let best_peer =
        peers.iter().filter(is_peer).map(|peer| median(peer, &cpu)).min_by(f64::total_cmp).unwrap_or(f64::NAN);
    let floor = median("echo", &cpu);
    peers.sort_by(|a, b| median(a, &cpu).total_cmp(&median(b, &cpu)));
    writeln!(
        text,
        "\n| {test}, {names} names | us/query median | best | × floor | × best peer | q/s median | q/s most | p50 us | p99 us | p99.9 us | loss % | wrong |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
    )?;
    for peer in peers {
        let whole = values(peer, &|row| if row.loss_percent < 0.1 { row.qps } else { 0.0 });
        let over = |base: f64| if base > 0.0 { format!("{:.2}", median(peer, &cpu) / base) } else { "-".to_owned() };
        writeln!(
            text,
            "| {peer} | {:.2} | {:.2} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.0} | {:.3} | {:.0} |",
            median(peer, &cpu),
            best(peer),
            over(floor),
            over(best_peer),
            median(peer, &|row| row.qps),
            whole.last().copied().unwrap_or(0.0),
            median(peer, &|row| row.outcome.p50),
            median(peer, &|row| row.outcome.p99),
            median(peer, &|row| row.outcome.p999),
            median(peer, &|row| row.loss_percent),
            values(peer, &|row| row.outcome.wrong as f64).iter().sum::<f64>(),
        )?;
    }
    Ok(())
}
