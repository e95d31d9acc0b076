//! A household with pages: the real program, a clock that the test moves, devices on loopback addresses, and a guardian.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::clock::Clock;
use super::http::Client;
use super::{PATIENCE, Server, Upstream, free_port};

/// Where guardians sit; no child's device.
pub const DESK: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
pub const PASSWORD: &str = "a long enough password";

/// A household whose clock the test moves.
pub struct Household {
    pub server: Server,
    pub upstream: Upstream,
    pub clock: Clock,
    pub pages: SocketAddr,
    pub folder: Arc<TempDir>,
    /// Beside the household's folder, so that what is found there was not put there by the test.
    lists: TempDir,
}

impl Household {
    /// At that moment, with these lists (category and the names in it, with all below them) and people.
    pub fn open(moment: &str, lists: &[(&str, Vec<String>)], people: &str) -> Household {
        let folder = Arc::new(TempDir::new().unwrap());
        let beside = TempDir::new().unwrap();
        let clock = Clock::new(folder.path());
        clock.set(moment);
        let upstream = Upstream::start();
        let pages: SocketAddr = (Ipv4Addr::LOCALHOST, free_port()).into();
        let rest = format!("[web]\nlisten = [\"{pages}\"]\n{}{people}", written(beside.path(), lists));
        let server = Server::start_at(&clock, Arc::clone(&folder), upstream.addr, "", &rest);
        Household { server, upstream, clock, pages, folder, lists: beside }
    }

    pub fn client(&self, from: Ipv4Addr) -> Client {
        Client::new(self.pages, from)
    }

    /// Sets the household up; its first guardian, signed in.
    pub fn guardian(&self) -> Client {
        let desk = self.client(DESK);
        let reply = desk.api("POST", "/setup", &json!({ "name": "lan", "password": PASSWORD })).expect(201);
        signed_in(&desk, &reply)
    }

    /// Somebody with an account, signed in.
    pub fn sign_in(&self, name: &str) -> Client {
        let desk = self.client(DESK);
        let reply = desk.api("POST", "/session", &json!({ "name": name, "password": PASSWORD })).expect(200);
        signed_in(&desk, &reply)
    }

    /// A program with these scopes.
    pub fn program(&self, guardian: &Client, scopes: &[&str]) -> Client {
        let made = guardian.api("POST", "/tokens", &json!({ "name": "program", "scopes": scopes })).expect(201);
        let token = made.json()["token"].as_str().unwrap().to_string();
        self.client(DESK).with("Authorization", &format!("Bearer {token}"))
    }

    /// True when that name is refused to that device now.
    pub fn is_refused(&self, from: Ipv4Addr, name: &str) -> bool {
        let addresses = self.server.ask_from(from, name, "A").addresses();
        assert!(!addresses.is_empty(), "{name} has no answer: {}", self.server.log());
        addresses.iter().all(|addr| addr.is_unspecified())
    }

    /// Asks for a name that is refused, and waits until the family's side has heard of it.
    #[track_caller]
    pub fn refused(&self, from: Ipv4Addr, name: &str) {
        assert!(self.is_refused(from, name), "{name} is not refused to {from}");
        self.heard(from, name);
    }

    /// Waits until the family's side has heard of that refusal.
    #[track_caller]
    pub fn heard(&self, from: Ipv4Addr, name: &str) {
        let client = self.client(from);
        let what = format!("{name} among what was refused to {from}");
        soon(&what, PATIENCE, || client.api("GET", "/me/recent", &Value::Null).body.contains(&format!("\"{name}\"")));
    }

    pub fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }
}

fn signed_in(client: &Client, reply: &super::http::Reply) -> Client {
    let cookie = reply.header("set-cookie").unwrap().split(';').next().unwrap();
    client.with("Cookie", cookie).with("x-csrf-token", reply.json()["csrf"].as_str().unwrap())
}

fn written(folder: &Path, lists: &[(&str, Vec<String>)]) -> String {
    let mut text = String::new();
    for (category, names) in lists {
        let file = folder.join(category);
        fs::write(&file, names.join("\n")).unwrap();
        writeln!(
            text,
            "[[list]]\nname = \"{category}\"\nsource = \"file:{}\"\nformat = \"domains\"\nplain = \"suffix\"\n\
             categories = [\"{category}\"]",
            file.display()
        )
        .unwrap();
    }
    text
}

/// Waits until it holds.
#[track_caller]
pub fn soon(what: &str, patience: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !holds() {
        assert!(Instant::now() < end, "waited {patience:?} for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A child of each band and a parent, each with a device, and what strangers are.
pub const TOT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 10);
pub const BE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 11);
pub const MAI: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 12);
pub const NAM: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 13);
pub const LINH: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 14);

/// Name, band and device of everybody.
pub const EVERYBODY: [(&str, &str, Ipv4Addr); 6] = [
    ("tot", "0-5", TOT),
    ("be", "6-9", BE),
    ("mai", "10-12", MAI),
    ("nam", "13-15", NAM),
    ("linh", "16-17", LINH),
    ("parent", "18+", DESK),
];

/// The part of a configuration about people; `of` is more of somebody's profile.
pub fn people(of: impl Fn(&str) -> String) -> String {
    let mut text = "[defaults]\nprofile = \"guest\"\n[[profile]]\nname = \"guest\"\nband = \"10-12\"\n".to_string();
    for (name, band, addr) in EVERYBODY {
        let more = of(name);
        write!(text, "[[profile]]\nname = \"{name}\"\nband = \"{band}\"\n{more}\n").unwrap();
        writeln!(text, "[[device]]\nprofile = \"{name}\"\naddress = [\"{addr}\"]").unwrap();
    }
    text
}
