//! The triage desk as its people use it: what operators published, accounts, the served pages and the feed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Output, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::authority::good;
use super::http::{Client, Reply};
use super::{binary, run, text};

pub const PASSWORD: &str = "tre xanh xanh tu bao gio";
/// Weeks and days since 1970 shortly before this was written.
pub const WEEK: u32 = 2966;
pub const DAY: u32 = 20_780;

/// A `luytre hub …` that listens; ends with the test.
pub struct Served {
    child: Child,
    pub addr: SocketAddr,
}

impl Served {
    pub fn start(arguments: &[&str]) -> Served {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", binary(), "hub"]).args(arguments).args(["--listen", "127.0.0.1:0"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addr = line.trim().strip_prefix("listening on ").and_then(|addr| addr.parse().ok());
        Served { child, addr: addr.unwrap_or_else(|| panic!("{line:?}")) }
    }

    pub fn client(&self) -> Client {
        Client::new(self.addr, Ipv4Addr::LOCALHOST)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A database with what operators published, and four people.
pub struct Desk {
    pub folder: TempDir,
    pub database: String,
}

impl Desk {
    /// In a file of SQLite.
    pub fn new() -> Desk {
        let folder = TempDir::new().unwrap();
        let database = folder.path().join("desk.db").to_str().unwrap().to_string();
        Desk::on(folder, database)
    }

    /// At that place.
    pub fn on(folder: TempDir, database: String) -> Desk {
        let desk = Desk::over(folder, database);
        desk.import(&published());
        desk
    }

    /// With its people, over what operators keep there.
    pub fn over(folder: TempDir, database: String) -> Desk {
        let desk = Desk { folder, database };
        for (name, role) in [("an", "analyst"), ("lan", "lead"), ("minh", "lead"), ("ada", "auditor"), ("ro", "reader")]
        {
            let arguments = ["hub", "triage", "account", "add", "--database", &desk.database, name, "--role", role];
            let made = run(&arguments, PASSWORD);
            assert!(made.status.success(), "{}", text(&made.stderr));
        }
        desk
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    pub fn import(&self, published: &serde_json::Value) -> String {
        let file = self.path("published.json");
        fs::write(&file, published.to_string()).unwrap();
        good(&["hub", "triage", "import", "--database", &self.database, &file])
    }

    /// A step by the command line.
    pub fn step(&self, account: &str, name: &str, category: &str, step: &str, reason: &str, more: &[&str]) -> Output {
        let fixed = [
            "hub",
            "triage",
            "step",
            "--database",
            &self.database,
            name,
            category,
            step,
            "--reason",
            reason,
            "--account",
            account,
        ];
        run(&[&fixed[..], more].concat(), PASSWORD)
    }

    /// The same, which has to be done.
    #[track_caller]
    pub fn done(&self, account: &str, name: &str, category: &str, step: &str, reason: &str, more: &[&str]) {
        let output = self.step(account, name, category, step, reason, more);
        assert!(output.status.success(), "{step}: {}", text(&output.stderr));
    }

    /// The same, which has to be refused; what was said.
    #[track_caller]
    pub fn refused(
        &self,
        account: &str,
        name: &str,
        category: &str,
        step: &str,
        reason: &str,
        more: &[&str],
    ) -> String {
        let output = self.step(account, name, category, step, reason, more);
        assert!(!output.status.success(), "{step} was done: {}", text(&output.stdout));
        text(&output.stderr)
    }

    pub fn list(&self) -> serde_json::Value {
        serde_json::from_str(&good(&["hub", "triage", "list", "--database", &self.database, "--json"])).unwrap()
    }

    pub fn state(&self, name: &str) -> String {
        let list = self.list();
        let found = list.as_array().unwrap().iter().find(|one| one["name"] == name);
        found.map_or_else(|| "none".into(), |one| one["state"].as_str().unwrap().to_string())
    }
}

/// Four candidates, one of them a popular name; a name of the help set, of which nothing may ever be seen; two weeks of sums.
pub fn published() -> serde_json::Value {
    let indicator = |lane: &str, epoch: u32, name: &str, category: &str, homes: u32| {
        let at = u64::from(epoch) * if lane == "harm" { 604_800 } else { 86_400 } + 1_000_000;
        json!({ "lane": lane, "epoch": epoch, "name": name, "category": category, "households": homes, "refused": 1,
                "regions": { "7": 12, "3": 4 }, "confidence": [0, 1, 3, homes - 4], "at": at })
    };
    let cells: Vec<_> = (0..216)
        .map(|cell| json!({ "epoch": WEEK, "cell": cell, "households": f64::from(cell) - 3.5, "deviation": 37.5 }))
        .collect();
    let batch = |epoch: u32| json!({ "epoch": epoch, "reports": 900, "variance": 573, "flip_one_in": 64 });
    json!({
        "indicators": [
            indicator("harm", WEEK - 1, "lure-jobs.example", "trafficking_lure", 31),
            indicator("harm", WEEK, "lure-jobs.example", "trafficking_lure", 44),
            indicator("security", DAY, "vietcornbank-login.example", "phishing_scam", 29),
            indicator("harm", WEEK, "strangers.example", "stranger_chat", 22),
            indicator("security", DAY, "vnexpress.net", "malware", 40),
            indicator("harm", WEEK, "tongdai111.vn", "bullying_dox", 99),
        ],
        "cells": cells,
        "batches": [batch(WEEK), batch(WEEK - 1)],
    })
}

/// Somebody at the pages, signed in.
pub struct Sitting {
    pub client: Client,
    pub csrf: String,
}

/// What a page's forms send back.
pub fn csrf_of(html: &str) -> String {
    let rest = html.split("name=\"csrf\" value=\"").nth(1).unwrap_or_else(|| panic!("no form: {html}"));
    rest.split('"').next().unwrap().to_string()
}

pub fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").unwrap().split(';').next().unwrap().to_string()
}

impl Sitting {
    pub fn sign_in(served: &Served, name: &str, password: &str) -> Reply {
        let client = served.client();
        let door = client.get("/sign-in").expect(200);
        let fields = [("csrf", &*csrf_of(&door.body)), ("name", name), ("password", password)];
        client.with("Cookie", &cookie_of(&door)).form("/sign-in", &fields)
    }

    pub fn of(served: &Served, name: &str) -> Sitting {
        let reply = Sitting::sign_in(served, name, PASSWORD).expect(303);
        let client = served.client().with("Cookie", &cookie_of(&reply)).with("Accept-Language", "en");
        let csrf = csrf_of(&client.get("/").expect(200).body);
        Sitting { client, csrf }
    }

    pub fn step(&self, name: &str, category: &str, step: &str, reason: &str, note: &str) -> Reply {
        let fields = [
            ("csrf", &*self.csrf),
            ("name", name),
            ("category", category),
            ("step", step),
            ("reason", reason),
            ("note", note),
        ];
        self.client.form("/step", &fields)
    }
}
