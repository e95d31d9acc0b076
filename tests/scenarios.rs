//! Runs every file of `tests/scenarios` against the real binary. `tests/scenarios/README.md` tells the words.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;
#[path = "gateway/origin.rs"]
#[allow(dead_code, reason = "the lab uses all of it")]
mod origin;
#[path = "gateway/said.rs"]
mod said;

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use harness::gateway::{LAN, Network};
use harness::{Seen, Server, Upstream, namespace};
use hickory_proto::op::ResponseCode;

/// One file as it is run.
#[derive(Default)]
struct Scenario {
    lists: Vec<(String, String, String)>,
    dns: Vec<String>,
    calendars: Vec<String>,
    /// Name, settings, tables of schedules and budgets.
    profiles: Vec<(String, Vec<String>, Vec<String>)>,
    /// What holds for a while, as `explain` is told of it: profile and argument.
    for_now: Vec<(String, String)>,
    clock: Option<String>,
    server: Option<Server>,
    upstream: Option<Upstream>,
    metrics: String,
    /// Where the same is asked at door two.
    lab: Option<std::sync::Arc<Lab>>,
}

/// A household's network with an Internet behind it, for door two.
struct Lab {
    network: Network,
    trust: rustls::ClientConfig,
}

/// Where every name leads that the mock upstream was not told of, by IPv4 and IPv6.
const EVERYBODY: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))];
/// Devices of the lab; the last belongs to nobody.
const DEVICES: usize = 20;

fn device(at: usize) -> [IpAddr; 2] {
    let at = 10 + at as u16;
    [Ipv4Addr::new(10, 77, 2, at as u8).into(), Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 2, at).into()]
}

#[test]
fn every_scenario_holds() {
    run_all(None);
}

/// The same files again, with the program as the household's router: what DNS tells is what a connection finds.
#[test]
fn every_scenario_holds_at_door_two() {
    if !namespace::enter("every_scenario_holds_at_door_two") {
        return;
    }
    let network = Network::lay();
    let authority = origin::Authority::new();
    origin::serve(&network.internet, &authority);
    let add =
        |[ipv4, ipv6]: [IpAddr; 2]| format!("address add {ipv4}/16 dev eth0\naddress add {ipv6}/64 dev eth0 nodad\n");
    let addresses: String = (0..DEVICES).map(device).map(add).collect();
    network.child.ip(&addresses);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der.clone()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let trust = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let trust = trust.with_root_certificates(roots).with_no_client_auth();
    run_all(Some(std::sync::Arc::new(Lab { network, trust })));
}

fn run_all(lab: Option<std::sync::Arc<Lab>>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "txt"));
    files.sort();
    assert!(files.len() >= 40, "only {} scenarios", files.len());
    let mut failures = String::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        assert!(text.contains("=>") || text.contains("upstream saw"), "{}: checks nothing", file.display());
        let mut scenario = Scenario { upstream: Some(Upstream::start()), lab: lab.clone(), ..Scenario::default() };
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
            "calendar" => {
                self.calendars.push(format!("[[calendar]]\nname = {:?}\ndays = {:?}", words[1], &words[2..]));
            }
            "schedule" | "budget" => {
                let text = rest(2).replace(';', "\n");
                self.profile(words[1]).2.push(format!("[[profile.{}]]\n{text}", words[0]));
            }
            "paused" => self.for_now.push((words[1].into(), "--paused".into())),
            "granted" | "spent" => self.for_now.push((words[1].into(), format!("--{}={}", words[0], rest(2)))),
            "over" => self.for_now.retain(|(profile, _)| profile != words[1]),
            "dns-set" => self.dns.push(rest(1)),
            "clock" => self.clock = Some(rest(1)),
            "reload" => {
                self.write_config();
                self.running().reload();
            }
            "dns" => {
                let seen = self.ask(words[1], words[2], words[3], false);
                // With a proxy help is known before an upstream can fail (`tests/gateway/people.rs` shows that); whether this
                // name already was is a matter of milliseconds.
                let is_known = self.lab.is_some() && expected == "servfail" && is_help(words[3]);
                if !is_known || seen.rcode() != ResponseCode::NoError {
                    check(&seen, expected)?;
                }
                let family = ["A", "AAAA"].iter().position(|rtype| *rtype == words[2]);
                return family.map_or(Ok(()), |family| self.same_at_door_two(words[1], words[3], family, expected));
            }
            "tls" | "http" => {
                let to = words.get(4).map_or(EVERYBODY[0], |addr| addr.parse().unwrap());
                return self.at_door_two(words[1], words[2], (words[0] == "http").then_some("/"), to, expected);
            }
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
                let running = self.running();
                // What ends is counted a moment later than it is seen.
                while running.metric("luytre_proxy_open") != 0.0 {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                self.metrics = counters(&self.running().metrics_text());
            }
            "metrics" if rest(1) == "unchanged" => {
                let now = counters(&self.running().metrics_text());
                let moved: Vec<_> =
                    now.lines().zip(self.metrics.lines()).filter(|(now, before)| now != before).collect();
                return if moved.is_empty() { Ok(()) } else { Err(format!("the metrics: {moved:?}")) };
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
        if self.lab.is_some() {
            writeln!(text, "[proxy]\nenabled = true\nlan = [{LAN:?}]").unwrap();
        }
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
        for calendar in &self.calendars {
            writeln!(text, "{calendar}").unwrap();
        }
        for (name, settings, tables) in &self.profiles {
            // An adult's device would be left alone; here everybody's connections are looked at.
            let all = if self.lab.is_some() { "intercept = true\nunexplained = \"resolve\"" } else { "" };
            writeln!(text, "[[profile]]\nname = {name:?}\n{}\n{all}", settings.join("\n")).unwrap();
            for table in tables {
                writeln!(text, "{table}").unwrap();
            }
            let ([ipv4, ipv6], own) = (self.lab_addresses(name), self.address(name));
            writeln!(text, "[[device]]\nprofile = {name:?}\naddress = [\"{own}\", \"{ipv4}\", \"{ipv6}\"]").unwrap();
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
        let for_now = self.for_now.clone();
        arguments.extend(for_now.iter().filter(|(of, _)| of == profile).map(|(_, argument)| argument.as_str()));
        let output = self.running().command(&arguments);
        if !output.status.success() {
            return Err(harness::text(&output.stderr));
        }
        let found: serde_json::Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
        let mut told = vec![found["verdict"].as_str().unwrap_or("?").to_string()];
        for field in ["category", "step", "schedule", "budget", "who_can_change"] {
            told.extend(found["reason"][field].as_str().map(str::to_string));
        }
        told.extend(found["reason"]["until"].as_str().map(|until| format!("until={until}")));
        let counted = found["budgets"].as_array().into_iter().flatten();
        told.extend(counted.filter_map(|budget| Some(format!("counts={}", budget.as_str()?))));
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

    /// What a line about DNS says of connections: refused is refused; what was answered is reached at that address, and an
    /// alias at the safe form's, wherever the device believes the name to be. Lines about answers of another kind (that a
    /// name does not exist, that no upstream answers) say nothing of connections, nor do addresses inside the household.
    fn same_at_door_two(&mut self, profile: &str, name: &str, family: usize, expected: &str) -> Result<(), String> {
        let words: Vec<&str> = expected.split_whitespace().collect();
        let addr = words.iter().skip(1).find_map(|word| word.parse::<IpAddr>().ok());
        let is_outside = |addr: &IpAddr| match addr {
            // 192.0.0.0/24 is answered here (RFC 7050), and nobody's outside.
            IpAddr::V4(addr) => !addr.is_private() && !addr.is_loopback() && addr.octets()[..3] != [192, 0, 0],
            IpAddr::V6(addr) => !addr.is_unique_local() && !addr.is_loopback(),
        };
        let addr = addr.filter(|addr| !addr.is_unspecified() && is_outside(addr));
        // The portal's address is an answer, and a refusal as well.
        let is_told = words.windows(2).any(|pair| pair[0] == "ede" && ["15", "16", "17"].contains(&pair[1]));
        let is_refused = is_told || matches!(words[0], "block" | "ask" | "help" | "not-now" | "sealed");
        let expected = match (words[0], addr) {
            _ if is_refused => "refused".to_string(),
            ("answer" | "alias", Some(addr)) => format!("reached {addr}"),
            _ => return Ok(()),
        };
        let at = addr.filter(|_| words[0] == "answer" && !is_refused).unwrap_or(EVERYBODY[family]);
        self.at_door_two(profile, name, None, at, &expected)?;
        self.at_door_two(profile, name, Some("/"), at, &expected)
    }

    /// A connection of the profile's device for `name`, sent to `to`.
    fn at_door_two(
        &mut self,
        profile: &str,
        name: &str,
        path: Option<&str>,
        to: IpAddr,
        expected: &str,
    ) -> Result<(), String> {
        let Some(lab) = self.lab.clone() else { return Ok(()) };
        self.running();
        let from = self.lab_addresses(profile)[usize::from(to.is_ipv6())];
        let (host, rest) = name.split_once('/').unwrap_or((name, ""));
        let said = match path {
            Some(_) => said::http(&lab.network.child, from, host, &format!("/{rest}"), to),
            None => said::tls(&lab.network.child, from, name, to, &lab.trust),
        };
        let found = match &said {
            said::Said::Refused(_) => "refused".to_string(),
            said::Said::Reached(addr) => format!("reached {addr}"),
            said::Said::Other(what) => format!("something else: {what}"),
        };
        let door = if path.is_some() { "by HTTP" } else { "by TLS" };
        same(&format!("a connection {door}"), &found, expected)
    }

    fn lab_addresses(&self, profile: &str) -> [IpAddr; 2] {
        device(self.profiles.iter().position(|(name, ..)| name == profile).unwrap_or(DEVICES - 1))
    }

    fn upstream(&mut self, words: &[&str]) -> Result<(), String> {
        let upstream = self.upstream.as_ref().unwrap();
        let seen = |upstream: &Upstream| if self.lab.is_some() { upstream.seen_beside_help() } else { upstream.seen() };
        match words[1..] {
            ["fails"] => upstream.set_failing(true),
            ["silent"] => upstream.set_silent(true),
            ["answers"] => {
                upstream.set_failing(false);
                upstream.set_silent(false);
            }
            ["forgets"] => upstream.forget(),
            ["saw", "nothing"] => {
                let seen = seen(upstream);
                return if seen.is_empty() { Ok(()) } else { Err(format!("it saw {seen:?}")) };
            }
            ["saw", rtype, name] => return saw(&upstream.seen(), &format!("{rtype} {name}")),
            ["saw", "only", rtype, name] => {
                let seen = seen(upstream);
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

fn is_help(name: &str) -> bool {
    let help = luytre::lists::data::Builtin::read().unwrap().help;
    help.contains(&luytre::name::Name::parse(name).unwrap())
}

/// `block gambling`, `ask …`, `help …`, `answer ADDR…`, `alias NAME ADDR…`, `nxdomain`, `nodata`, `refused`, `servfail`,
/// `bindings [ech] TEXT…`, `hinfo`, each with `ede N` behind it if it matters, and `ttl<=N`.
fn check(seen: &Seen, expected: &str) -> Result<(), String> {
    let words: Vec<&str> = expected.split_whitespace().collect();
    let is = |rcode| seen.rcode() == rcode;
    let text = seen.ede.as_ref().map(|(_, text)| text.as_str()).unwrap_or_default();
    let none = || seen.message.answers.is_empty();
    let addresses: Vec<String> = seen.addresses().iter().map(ToString::to_string).collect();
    let wanted: Vec<String> =
        words.iter().skip(1).filter(|word| word.parse::<IpAddr>().is_ok()).map(|word| word.to_string()).collect();
    let refused = || text.starts_with(words[1]) && seen.addresses().iter().all(IpAddr::is_unspecified);
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
