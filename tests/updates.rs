//! Fetching lists from a web server of the test's own: only what changed, never what cannot be believed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may end so")]

mod harness;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use harness::{Server, Upstream, run, text};
use tempfile::TempDir;

/// What the web server says, and the requests it has seen.
#[derive(Default)]
struct Web {
    status: &'static str,
    headers: String,
    body: Vec<u8>,
    /// Announce more octets than are sent.
    cut: bool,
    requests: Vec<String>,
}

fn serve() -> (SocketAddr, Arc<Mutex<Web>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let web = Arc::new(Mutex::new(Web { status: "200 OK", ..Web::default() }));
    let shared = Arc::clone(&web);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut request).unwrap_or(0) > 2 {}
            let mut web = shared.lock().unwrap();
            let unchanged = request.to_lowercase().contains("if-none-match: \"v1\"") && web.headers.contains("\"v1\"");
            let moved = request.starts_with("GET /moved");
            web.requests.push(request);
            let (status, body) = match (unchanged, moved) {
                (true, _) => ("304 Not Modified", Vec::new()),
                (_, true) => ("301 Moved Permanently\r\nLocation: /list", Vec::new()),
                _ => (web.status, web.body.clone()),
            };
            let length = body.len() + if web.cut { 100 } else { 0 };
            let head =
                format!("HTTP/1.1 {status}\r\n{}Content-Length: {length}\r\nConnection: close\r\n\r\n", web.headers);
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    (addr, web)
}

fn names(count: usize) -> Vec<u8> {
    (0..count).map(|at| format!("n{at}.casino.example\n")).collect::<String>().into_bytes()
}

struct Box {
    folder: TempDir,
    config: String,
    web: Arc<Mutex<Web>>,
}

impl Box {
    fn new(path: &str) -> Box {
        let (addr, web) = serve();
        let folder = TempDir::new().unwrap();
        let config = folder.path().join("c.toml");
        fs::write(&config, format!("version = 1\nstate_dir = {:?}\n[dns]\nlisten = [\"127.0.0.1:5300\"]\n[dns.upstream]\nservers = [\"127.0.0.1\"]\n{}",
            folder.path().join("state"), rest(addr, path))).unwrap();
        Box { config: config.display().to_string(), folder, web }
    }

    fn says(&self, change: impl FnOnce(&mut Web)) {
        change(&mut self.web.lock().unwrap());
    }

    fn update(&self) -> (bool, String) {
        let output = run(&["-c", &self.config, "lists", "update"], "");
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    }

    fn category(&self, name: &str) -> String {
        text(&run(&["-c", &self.config, "classify"], &format!("{name}\n")).stdout)
    }
}

fn rest(addr: SocketAddr, path: &str) -> String {
    format!(
        "[lists]\nsize_max = \"64KiB\"\ntimeout = \"5s\"\nshrink_max_percent = 50\n\
         [[list]]\nname = \"outside\"\nsource = \"http://{addr}{path}\"\nformat = \"domains\"\nplain = \"suffix\"\n\
         categories = [\"gambling\"]\n[[profile]]\nname = \"an\"\nband = \"10-12\"\n[defaults]\nprofile = \"an\"\n"
    )
}

#[test]
fn a_list_is_fetched_once_and_then_only_when_it_changed() {
    let site = Box::new("/moved");
    site.says(|web| {
        web.body = names(100);
        web.headers = "ETag: \"v1\"\r\nLast-Modified: Tue, 24 Nov 2026 08:00:00 GMT\r\n".into();
    });
    let status = run(&["-c", &site.config, "lists", "status"], "");
    assert_eq!(status.status.code(), Some(1));
    assert!(text(&status.stdout).contains("not fetched yet"));
    assert_eq!(site.update(), (true, "outside: updated, 100 rules\n".into()));
    assert!(site.category("n7.casino.example").contains("gambling"));
    assert_eq!(site.update(), (true, "outside: unchanged\n".into()));
    let requests = site.web.lock().unwrap().requests.clone();
    assert_eq!(requests.len(), 3, "a redirect, the list, and a look that found nothing new");
    assert!(requests[2].to_lowercase().contains("if-modified-since: tue, 24 nov 2026"));
    let status = run(&["-c", &site.config, "lists", "status"], "");
    assert!(status.status.success() && text(&status.stdout).contains("100 rules"));
}

#[test]
fn what_cannot_be_believed_changes_nothing() {
    let site = Box::new("/list");
    site.says(|web| web.body = names(100));
    assert!(site.update().0);
    type Change = fn(&mut Web);
    let cases: [(&str, Change); 7] = [
        ("shrank from 100 rules to 49", |web| web.body = names(49)),
        ("holds no rule", |web| web.body = b"# empty\n".to_vec()),
        ("lines are in error", |web| web.body = [names(60), b"bad name\n".repeat(10)].concat()),
        ("no rule", |web| web.body = b"<!DOCTYPE html>\n<html>login</html>\n".to_vec()),
        ("larger than 65536", |web| web.body = names(10_000)),
        ("answered 503", |web| web.status = "503 Service Unavailable"),
        ("not fetched", |web| web.cut = true),
    ];
    for (expected, change) in cases {
        site.says(|web| {
            (web.status, web.body, web.cut) = ("200 OK", names(100), false);
            change(web);
        });
        let (fine, said) = site.update();
        assert!(!fine && said.contains(expected), "{expected}: {said}");
        assert!(site.category("n99.casino.example").contains("gambling"), "after {expected}");
    }
    let left: Vec<_> = fs::read_dir(site.folder.path().join("state/lists")).unwrap().collect();
    assert_eq!(left.len(), 2, "no half files are left: {left:?}");
    site.says(|web| (web.status, web.body, web.cut) = ("200 OK", names(51), false));
    assert!(site.update().0, "half the size is within the guard");
}

#[test]
fn the_daemon_fetches_what_is_missing_and_puts_it_in_force() {
    let (addr, web) = serve();
    web.lock().unwrap().body = names(10);
    let upstream = Upstream::start();
    let server = Server::start(upstream.addr, &rest(addr, "/list"));
    let until = std::time::Instant::now() + harness::PATIENCE;
    while server.metric("luytre_app_changes_total{change=\"update\"}") < 1.0
        || server.metric("luytre_app_changes_total{change=\"reload\"}") < 1.0
    {
        assert!(std::time::Instant::now() < until, "{}", server.log());
        thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(server.ask("n3.casino.example", "A").ede_code(), Some(17));
}
