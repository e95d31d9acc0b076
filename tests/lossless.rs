//! No question is lost or answered wrongly while lists are swapped, the configuration is reloaded, and the service is
//! restarted on sockets that the service manager keeps.
//!
//! `LUYTRE_NAMES=1000000 cargo test --release --test lossless -- --nocapture` measures with a million names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use harness::load::{Expected, Load};
use harness::{Server, Upstream};
use tempfile::TempDir;

const PER_SECOND: u64 = 5_000;

fn names() -> usize {
    std::env::var("LUYTRE_NAMES").map_or(10_000, |count| count.parse().expect("a number of names"))
}

/// A list of that many names that differs by round, with one that is always in it.
fn write_list(file: &Path, round: usize) {
    let mut text = String::from("always.casino.example\n");
    for at in 0..names() {
        writeln!(text, "n{at}.r{}.casino{}.example", round % 3, at % 1000).unwrap();
    }
    // In place of the old one by renaming, as any careful tool does.
    let aside = file.with_extension("aside");
    fs::write(&aside, text).unwrap();
    fs::rename(&aside, file).unwrap();
}

fn questions() -> Vec<Expected> {
    let of = |name: String, address: Ipv4Addr| Expected { name, address: IpAddr::V4(address) };
    let mut all = Vec::new();
    for at in 0..50 {
        all.push(of(format!("site{at}.example"), Ipv4Addr::new(192, 0, 2, 1)));
        all.push(of(format!("www{at}.always.casino.example"), Ipv4Addr::UNSPECIFIED));
    }
    all
}

fn household(list: &Path, extra: &str) -> String {
    format!(
        "[[list]]\nname = \"big\"\nsource = \"file:{}\"\nformat = \"domains\"\nplain = \"suffix\"\ncategories = [\"gambling\"]\n\
         [[profile]]\nname = \"child\"\nband = \"10-12\"\n{extra}\n[defaults]\nprofile = \"child\"\n",
        list.display()
    )
}

fn nothing_lost(what: &str, load: Load) {
    let result = load.finish();
    println!("{what}: {} asked, {} answered, {} wrong", result.sent, result.answered, result.wrong.len());
    assert!(result.wrong.is_empty(), "{what}: {} wrong, the first: {}", result.wrong.len(), result.wrong[0]);
    assert_eq!(result.sent, result.answered, "{what}: lost");
    assert!(result.sent > 1_000, "{what}: only {} asked", result.sent);
}

#[test]
fn list_swaps_and_reloads_lose_nothing() {
    let upstream = Upstream::start();
    let folder = Arc::new(TempDir::new().unwrap());
    let list = folder.path().join("big.txt");
    write_list(&list, 0);
    let server = Server::start_in(folder, upstream.addr, "", &household(&list, ""));
    let load = Load::start(server.dns, questions(), PER_SECOND);
    for round in 1..=10 {
        write_list(&list, round);
        let started = Instant::now();
        server.reload();
        println!("swap {round}: {} names in force after {:?}", names(), started.elapsed());
    }
    assert!(server.metric("luytre_lists_names") as usize > names());
    let plain = fs::read_to_string(&server.config).unwrap();
    for round in 0..10 {
        let changed =
            plain.replace("band = \"10-12\"", &format!("band = \"10-12\"\nblock_names = [\"x{round}.example\"]"));
        fs::write(&server.config, changed).unwrap();
        server.reload();
    }
    assert_eq!(server.metric("luytre_app_changes_total{change=\"reload\"}"), 20.0);
    nothing_lost("20 reloads", load);
}

/// Starts the program on sockets that stay ours, as a service manager does (sd_listen_fds(3)).
fn activated(config: &Path, udp: &UdpSocket, tcp: &TcpListener, log: &Path) -> Child {
    let dup = |fd: std::os::fd::BorrowedFd<'_>| -> OwnedFd { fd.try_clone_to_owned().unwrap() };
    let script = "exec 3<&0 4>&1 </dev/null >/dev/null; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\" -c \"$1\"";
    Command::new("sh")
        .args(["-c", script, harness::binary(), config.to_str().unwrap()])
        .stdin(Stdio::from(dup(udp.as_fd())))
        .stdout(Stdio::from(dup(tcp.as_fd())))
        .stderr(fs::OpenOptions::new().create(true).append(true).open(log).unwrap())
        .spawn()
        .unwrap()
}

#[test]
fn a_restart_on_kept_sockets_loses_nothing() {
    let upstream = Upstream::start();
    let folder = TempDir::new().unwrap();
    let list = folder.path().join("big.txt");
    write_list(&list, 0);
    let (udp, tcp) = harness::both();
    let dns = udp.local_addr().unwrap();
    luytre::sys::set_receive_buffer(udp.as_fd(), 16 << 20).unwrap();
    let queue = socket2::SockRef::from(&udp).recv_buffer_size().unwrap() as u64;
    let metrics = (Ipv4Addr::LOCALHOST, harness::free_port()).into();
    let config = folder.path().join("luytre.toml");
    let head = harness::head(dns, metrics, upstream.addr, &folder.path().join("state"), "");
    fs::write(&config, head + &household(&list, "")).unwrap();
    let log = folder.path().join("log");
    let mut child = activated(&config, &udp, &tcp, &log);
    // A queued question of this size costs the kernel about 800 octets; unprivileged queues are small.
    let per_second = PER_SECOND.min(queue / 800);
    let load = Load::start(dns, questions(), per_second);
    wait_until(|| load.sent() > per_second);
    for _ in 0..2 {
        let asked = load.sent();
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait().unwrap();
        assert!(ended.success(), "{ended}: {}", fs::read_to_string(&log).unwrap());
        child = activated(&config, &udp, &tcp, &log);
        wait_until(|| load.sent() > asked + per_second);
    }
    nothing_lost("2 restarts", load);
    child.kill().unwrap();
    child.wait().unwrap();
}

fn wait_until(done: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < until, "waited too long");
        std::thread::sleep(Duration::from_millis(5));
    }
}
