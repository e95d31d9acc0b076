//! What the central side exports says the same as the bundle: asked of a real unbound, and read back by our own parsers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use harness::authority::good;
use harness::{PATIENCE, Upstream, free_port, query_bytes, read, run, text};
use hickory_proto::op::ResponseCode;
use tempfile::TempDir;

const DAY: &str = "2026-11-26";

/// Half of them listed: each second exact, each second with all below it.
fn propose(folder: &Path) {
    let (exact, suffix): (Vec<u32>, Vec<u32>) = (0..5000).partition(|at| at % 2 == 0);
    let mut toml = "schema = \"proposals/1\"\n".to_string();
    for (kind, numbers) in [("exact", exact), ("suffix", suffix)] {
        let names: String = numbers.iter().map(|at| format!("n{at}.example\n")).collect();
        let file = format!("{kind}.txt");
        fs::write(folder.join(&file), names).unwrap();
        let sum = text(&Command::new("sha256sum").arg(folder.join(&file)).output().unwrap().stdout)[..64].to_string();
        toml += &format!(
            "[[bulk]]\nnames = \"{file}\"\nsha256 = \"{sum}\"\nmatch = \"{kind}\"\ncategory = \"gambling\"\nreason = \"list\"\n\
             proposer = \"desk\"\nissued = \"2026-11-01\"\nexpires = \"2027-03-01\"\n"
        );
    }
    toml += "[[proposal]]\nname = \"page.example/bad,page\"\nmatch = \"url\"\ncategory = \"porn\"\nreason = \"review\"\n\
             evidence = \"sha256:0000000000000000000000000000000000000000000000000000000000000000\"\nproposer = \"=desk, a\"\n\
             issued = \"2026-11-01\"\nexpires = \"2027-03-01\"\n";
    fs::write(folder.join("all.toml"), toml).unwrap();
}

/// 10,000 names: listed ones, names below them, and as many that are not listed.
fn asked() -> Vec<String> {
    let listed = (0..5000).map(|at| if at % 3 == 0 { format!("www.n{at}.example") } else { format!("n{at}.example") });
    let others = (5000..10_000).map(|at| format!("n{at}.example"));
    listed.chain(others).collect()
}

struct Unbound {
    addr: SocketAddr,
    child: Child,
}

impl Unbound {
    fn start(folder: &Path, zone: &Path, upstream: SocketAddr) -> Unbound {
        let addr: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let (zone, folder_shown) = (zone.display(), folder.display());
        let text = format!(
            "server:\n interface: 127.0.0.1@{}\n port: {}\n do-daemonize: no\n use-syslog: no\n username: \"\"\n chroot: \"\"\n \
             directory: \"{folder_shown}\"\n pidfile: \"\"\n do-not-query-localhost: no\n module-config: \"respip iterator\"\n \
             num-threads: 1\n\
             rpz:\n name: luytre.rpz\n zonefile: \"{zone}\"\n\
             forward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@{}\nremote-control:\n control-enable: no\n",
            addr.port(),
            addr.port(),
            upstream.port()
        );
        fs::write(folder.join("unbound.conf"), text).unwrap();
        let log = fs::File::create(folder.join("unbound.log")).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "unbound", "-d", "-p", "-c"]).arg(folder.join("unbound.conf"));
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let unbound = Unbound { addr, child };
        let until = Instant::now() + PATIENCE;
        let socket = unbound.socket();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        while ask(&socket, 1, "n0.example").is_none() {
            let log = fs::read_to_string(folder.join("unbound.log")).unwrap_or_default();
            assert!(Instant::now() < until, "unbound does not answer: {log}");
            thread::sleep(Duration::from_millis(50));
        }
        unbound
    }

    fn socket(&self) -> UdpSocket {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.connect(self.addr).unwrap();
        socket
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(socket: &UdpSocket, id: u16, name: &str) -> Option<ResponseCode> {
    socket.send(&query_bytes(id, name, "A", true)).ok()?;
    let mut answer = [0; 1024];
    let len = socket.recv(&mut answer).ok()?;
    Some(read(&answer[..len]).rcode())
}

#[test]
fn unbound_agrees_on_ten_thousand_names() {
    let (folder, upstream) = (TempDir::new().unwrap(), Upstream::start());
    let proposals = folder.path().join("proposals");
    fs::create_dir(&proposals).unwrap();
    propose(&proposals);
    let (proposals, zone) = (proposals.to_str().unwrap(), folder.path().join("zone"));
    good(&["hub", "export", "rpz", proposals, "--band", "10-12", "--day", DAY, "-o", zone.to_str().unwrap()]);
    let release = folder.path().join("release");
    good(&["hub", "build", proposals, "--day", DAY, "-o", release.to_str().unwrap()]);
    let names = asked();
    let bundle = release.join("bundle-1.lyb");
    let ours = run(&["classify", "--bundle", bundle.to_str().unwrap()], &(names.join("\n") + "\n"));
    let ours = text(&ours.stdout);
    let unbound = Unbound::start(folder.path(), &zone, upstream.addr);
    let socket = unbound.socket();
    let mut refused = 0;
    for ((at, name), line) in names.iter().enumerate().zip(ours.lines()) {
        let is_listed = line.split('\t').nth(1) == Some("gambling");
        let theirs = ask(&socket, at as u16, name).unwrap_or_else(|| panic!("no answer to {name}"));
        assert_eq!(theirs == ResponseCode::NXDomain, is_listed, "{name}: {theirs:?}, {line}");
        refused += usize::from(is_listed);
    }
    assert_eq!(names.len(), 10_000);
    // Below the exact ones nothing is listed: a third of two and a half thousand.
    assert_eq!(refused, 5000 - (0..5000).filter(|at| at % 3 == 0 && at % 2 == 0).count());
}

#[test]
fn every_form_is_read_back_as_the_same_names() {
    let folder = TempDir::new().unwrap();
    let proposals = folder.path().join("proposals");
    fs::create_dir(&proposals).unwrap();
    propose(&proposals);
    let proposals = proposals.to_str().unwrap();
    let names = asked();
    let stdin = names.join("\n") + "\n";
    let classes = |form: &str, format: &str| {
        let file = folder.path().join(form);
        good(&["hub", "export", form, proposals, "--category", "gambling", "--day", DAY, "-o", file.to_str().unwrap()]);
        let config = folder.path().join(format!("{form}.toml"));
        let text_of = format!(
            "version = 1\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[dns.upstream]\nservers = [\"udp://127.0.0.1:9\"]\n\
             [[list]]\nname = \"x\"\nsource = \"file:{}\"\nformat = \"{format}\"\nplain = \"exact\"\ncategories = [\"gambling\"]\n\
             [[profile]]\nname = \"mai\"\nband = \"10-12\"\n[defaults]\nprofile = \"mai\"\n",
            file.display()
        );
        fs::write(&config, text_of).unwrap();
        let said = run(&["-c", config.to_str().unwrap(), "classify"], &stdin);
        assert!(said.status.success(), "{}", text(&said.stderr));
        text(&said.stdout).lines().map(|line| line.split('\t').nth(1) == Some("gambling")).collect::<Vec<_>>()
    };
    let all = classes("rpz", "rpz");
    assert_eq!(all.iter().filter(|listed| **listed).count(), 4166);
    assert_eq!(classes("adblock", "adblock"), all);
    assert_eq!(classes("domains", "wildcard"), all);
    // A hosts file knows only the names themselves.
    let hosts = classes("hosts", "hosts");
    assert!(names.iter().zip(&hosts).all(|(name, listed)| !*listed || !name.starts_with("www.")));
    assert_eq!(hosts.iter().filter(|listed| **listed).count(), 3333);
    let csv = good(&["hub", "export", "csv", proposals, "--day", DAY]);
    assert!(csv.starts_with("name,match,category,min_age,0-5,6-9,10-12,13-15,16-17,18+,reason,"), "{csv}");
    assert!(csv.contains(",url,porn,") && csv.contains("\"'=desk, a\""), "{csv}");
}
