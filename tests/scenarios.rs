//! Runs every file of `tests/scenarios` against the real binary. `tests/scenarios/README.md` tells the words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use harness::{Seen, Server, Upstream};
use hickory_proto::op::ResponseCode;

/// One file as it is run.
#[derive(Default)]
struct Scenario {
    lists: Vec<(String, String, String)>,
    dns: Vec<String>,
    profiles: Vec<(String, Vec<String>, Vec<String>)>,
    clock: Option<String>,
    server: Option<Server>,
    upstream: Option<Upstream>,
    metrics: String,
}

#[test]
fn every_scenario_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios", files.len());
    let mut failures = String::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("=>") || text.contains("upstream saw"), "{}: checks nothing", file.display());
        let mut scenario = Scenario { upstream: Some(Upstream::start()), ..Scenario::default() };
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Err(what) = scenario.step(line) {
                let shown = file.file_name().unwrap().to_string_lossy();
                writeln!(failures, "{shown}:{}: {line}\n    {what}", number + 1).unwrap();
            }
        }
    }
    assert!(failures.is_empty(), "\n{failures}");
}

impl Scenario {
    fn step(&mut self, line: &str) -> Result<(), String> {
        let (left, expected) = line.split_once("=>").map_or((line, ""), |(left, right)| (left.trim(), right.trim()));
        let words: Vec<&str> = left.split_whitespace().collect();
        let rest = |at: usize| words[at..].join(" ");
        match words[0] {
            "list" => self.lists.push((words[1].into(), "domains".into(), words[2..].join("\n"))),
            "rules" => self.lists.push((words[1].into(), "adblock".into(), words[2..].join("\n"))),
            "urls" => self.lists.push((words[1].into(), "urls".into(), words[2..].join("\n"))),
            "ips" => self.lists.push((words[1].into(), "ips".into(), words[2..].join("\n"))),
            "allow-list" => self.lists.push(("allow".into(), "domains".into(), words[1..].join("\n"))),
            "profile" => {
                let age = if words[2] == "born" { rest(3) } else { format!("{:?}", words[3]) };
                self.profiles.push((words[1].into(), vec![format!("{} = {age}", words[2])], Vec::new()));
            }
            "set" => self.profile(words[1]).1.push(rest(2)),
            "schedule" => {
                let text = left.splitn(3, char::is_whitespace).nth(2).unwrap_or_default().trim().replace(';', "\n");
                self.profile(words[1]).2.push(text);
            }
            "dns-set" => self.dns.push(rest(1)),
            "clock" => self.clock = Some(rest(1)),
            "reload" => {
                self.write_config();
                self.running().reload();
            }
            "dns" => return check(&self.ask(words[1], words[2], words[3], false), expected),
            "tcp" => return check(&self.ask(words[1], words[2], words[3], true), expected),
            "explain" => return self.explain(words[1], words[2], expected),
            // The one thing that cannot be hurried: a time to live of one second.
            "wait" => std::thread::sleep(std::time::Duration::from_secs(words[1].parse().unwrap())),
            "metric" => {
                let value = self.running().metric(words[1]).to_string();
                return same("the value", &value, expected);
            }
            "upstream" => return self.upstream(&words),
            "metrics" if rest(1) == "noted" => {
                self.running();
                self.metrics = counters(&self.running().metrics_text());
            }
            "metrics" if rest(1) == "unchanged" => {
                let now = counters(&self.running().metrics_text());
                return same("the metrics", &now, &self.metrics.clone());
            }
            "log" => {
                let log = self.running().log();
                if log.contains(words[3]) {
                    return Err(format!("the log holds {}: {log}", words[3]));
                }
            }
            other => return Err(format!("unknown word {other:?}")),
        }
        Ok(())
    }

    fn profile(&mut self, name: &str) -> &mut (String, Vec<String>, Vec<String>) {
        self.profiles.iter_mut().find(|(known, ..)| known == name).expect("a profile of that name")
    }

    fn address(&self, profile: &str) -> Ipv4Addr {
        match self.profiles.iter().position(|(name, ..)| name == profile) {
            Some(at) => Ipv4Addr::new(127, 0, 0, 10 + at as u8),
            None => Ipv4Addr::new(127, 0, 0, 200),
        }
    }

    fn rest_of_config(&self, folder: &Path) -> String {
        let mut text = String::new();
        for (at, (category, format, lines)) in self.lists.iter().enumerate() {
            let file = folder.join(format!("list{at}.txt"));
            fs::write(&file, lines).unwrap();
            writeln!(text, "[[list]]\nname = \"list{at}\"\nsource = \"file:{}\"\nformat = {format:?}", file.display())
                .unwrap();
            match category.as_str() {
                "allow" => writeln!(text, "kind = \"allow\"\nplain = \"suffix\"").unwrap(),
                _ => writeln!(text, "categories = [{category:?}]\nplain = \"suffix\"").unwrap(),
            }
        }
        for (name, settings, schedules) in &self.profiles {
            writeln!(text, "[[profile]]\nname = {name:?}\n{}", settings.join("\n")).unwrap();
            for schedule in schedules {
                writeln!(text, "[[profile.schedule]]\n{schedule}").unwrap();
            }
            let address = self.address(name);
            writeln!(text, "[[device]]\nprofile = {name:?}\naddress = [\"{address}\"]").unwrap();
        }
        writeln!(text, "[defaults]\nprofile = {:?}", self.profiles[0].0).unwrap();
        text
    }

    fn write_config(&mut self) {
        let (dns, metrics, config, folder) = {
            let server = self.running();
            (server.dns, server.metrics, server.config.clone(), server.folder.clone())
        };
        let upstream = self.upstream.as_ref().unwrap().addr;
        let head = harness::head(dns, metrics, upstream, &folder.path().join("state"), &self.dns.join("\n"));
        fs::write(config, head + &self.rest_of_config(folder.path())).unwrap();
    }

    fn running(&mut self) -> &Server {
        if self.server.is_none() {
            let folder = std::sync::Arc::new(tempfile::TempDir::new().unwrap());
            let rest = self.rest_of_config(folder.path());
            let upstream = self.upstream.as_ref().unwrap().addr;
            self.server = Some(Server::start_in(folder, upstream, &self.dns.join("\n"), &rest));
        }
        self.server.as_ref().unwrap()
    }

    fn ask(&mut self, profile: &str, rtype: &str, name: &str, tcp: bool) -> Seen {
        let from = self.address(profile);
        if tcp { self.running().ask_tcp(name, rtype) } else { self.running().ask_from(from, name, rtype) }
    }

    fn explain(&mut self, profile: &str, name: &str, expected: &str) -> Result<(), String> {
        let clock = self.clock.clone();
        let mut arguments = vec!["explain", name, "--as", profile, "--json"];
        if let Some(clock) = &clock {
            arguments.extend(["--at", clock]);
        }
        let output = self.running().command(&arguments);
        if !output.status.success() {
            return Err(harness::text(&output.stderr));
        }
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let mut told = vec![found["verdict"].as_str().unwrap_or("?").to_string()];
        for field in ["category", "step", "schedule", "who_can_change"] {
            told.extend(found["reason"][field].as_str().map(str::to_string));
        }
        told.extend(found["target"].as_str().map(str::to_string));
        match expected
            .split_whitespace()
            .enumerate()
            .all(|(at, word)| if at == 0 { told[0] == word } else { told.iter().any(|one| one == word) })
        {
            true => Ok(()),
            false => Err(format!("explain says {told:?}")),
        }
    }

    fn upstream(&mut self, words: &[&str]) -> Result<(), String> {
        let upstream = self.upstream.as_ref().unwrap();
        match words[1..] {
            ["fails"] => upstream.set_failing(true),
            ["silent"] => upstream.set_silent(true),
            ["answers"] => {
                upstream.set_failing(false);
                upstream.set_silent(false);
            }
            ["forgets"] => upstream.forget(),
            ["saw", "nothing"] => {
                let seen = upstream.seen();
                return if seen.is_empty() { Ok(()) } else { Err(format!("it saw {seen:?}")) };
            }
            ["saw", rtype, name] => return saw(&upstream.seen(), &format!("{rtype} {name}")),
            ["saw", "only", rtype, name] => {
                let seen = upstream.seen();
                return if seen == [format!("{rtype} {name}")] { Ok(()) } else { Err(format!("it saw {seen:?}")) };
            }
            [owner, rtype, ..] => upstream.serve(owner, rtype, &words[3..].join(" ")),
            _ => return Err("unknown words".into()),
        }
        Ok(())
    }
}

fn saw(seen: &[String], expected: &str) -> Result<(), String> {
    if seen.iter().any(|one| one == expected) { Ok(()) } else { Err(format!("it saw {seen:?}")) }
}

fn same(what: &str, found: &str, expected: &str) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found}, not {expected}")) }
}

/// The series that count, without what moves by itself.
fn counters(text: &str) -> String {
    let lines = text.lines().filter(|line| line.starts_with("luytre_"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `block gambling`, `ask …`, `help …`, `answer ADDR…`, `alias NAME ADDR…`, `nxdomain`, `nodata`, `refused`, `servfail`,
/// `bindings [ech] TEXT…`, `hinfo`, each with `ede N` behind it if it matters, and `ttl<=N`.
fn check(seen: &Seen, expected: &str) -> Result<(), String> {
    let words: Vec<&str> = expected.split_whitespace().collect();
    let is = |rcode| seen.rcode() == rcode;
    let text = seen.ede.as_ref().map(|(_, text)| text.as_str()).unwrap_or_default();
    let none = || seen.message.answers.is_empty();
    let addresses: Vec<String> = seen.addresses().iter().map(ToString::to_string).collect();
    let wanted: Vec<String> = words
        .iter()
        .skip(1)
        .filter(|word| word.parse::<std::net::IpAddr>().is_ok())
        .map(|word| word.to_string())
        .collect();
    let refused = || text.starts_with(words[1]) && seen.addresses().iter().all(std::net::IpAddr::is_unspecified);
    let holds = match words[0] {
        "block" => refused() && text.contains("refused") && !text.contains("help") && !is(ResponseCode::Refused),
        "help" => refused() && text.contains("help: call 111"),
        "ask" => refused() && text.contains("ask"),
        "not-now" => text.starts_with("not now"),
        "sealed" => text.starts_with("not available"),
        "answer" => is(ResponseCode::NoError) && (wanted.is_empty() && !none() || addresses == wanted && !none()),
        "alias" => seen.aliases().iter().any(|alias| alias == words[1]) && addresses == wanted,
        "nxdomain" => is(ResponseCode::NXDomain) && none() && !seen.message.authorities.is_empty(),
        "nodata" => is(ResponseCode::NoError) && none() && !seen.message.authorities.is_empty(),
        "refused" => is(ResponseCode::Refused),
        "servfail" => is(ResponseCode::ServFail),
        // Service bindings with or without Encrypted Client Hello; the rest of the record stands either way.
        "bindings" => {
            let text = seen.message.answers.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            is(ResponseCode::NoError)
                && !none()
                && text.contains("ech=") == words.contains(&"ech")
                && words.iter().skip(1).filter(|word| **word != "ech").all(|word| text.contains(word))
        }
        "hinfo" => seen.message.answers.len() == 1 && seen.message.answers[0].record_type().to_string() == "HINFO",
        _ => return Err(format!("unknown expectation {expected:?}")),
    };
    let ede = words.iter().position(|word| *word == "ede").map(|at| words[at + 1].parse::<u16>().unwrap());
    let ttl = words.iter().find_map(|word| word.strip_prefix("ttl<=")).map(|ttl| ttl.parse::<u32>().unwrap());
    let ttl_holds = ttl.is_none_or(|max| !none() && seen.message.answers.iter().all(|record| record.ttl <= max));
    if holds && ttl_holds && (ede.is_none() || ede == seen.ede_code()) { Ok(()) } else { Err(format!("{seen:?}")) }
}
