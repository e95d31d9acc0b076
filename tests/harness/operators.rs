//! The four who take reports, each a process of the real program, in days of a few seconds or by a clock of the test's own.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use luytre::hub::database::{Database, Row};
use luytre::report::calendar::Calendar;
use luytre::report::manifest::Manifest;
use luytre::report::message::Lane;
use tempfile::TempDir;

use super::authority::good;
use super::http::{Client, Reply};
use super::{binary, free_port};

/// What a test wants of them.
pub struct Options {
    pub day_secs: u64,
    /// From the epochs that begin next.
    pub days: u32,
    pub weeks: u32,
    pub takes_part_one_in: u32,
    /// Where A, B and the provider keep what came; files of SQLite unless a test says otherwise.
    pub databases: Option<[String; 3]>,
}

pub struct Operators {
    pub folder: TempDir,
    pub manifest: PathBuf,
    pub relay: SocketAddr,
    pub issuer: SocketAddr,
    pub internal: SocketAddr,
    pub calendar: Calendar,
    processes: Vec<(&'static str, Child)>,
    watched: Vec<(&'static str, SocketAddr)>,
    pub database: String,
}

impl Operators {
    pub fn start(options: &Options) -> Operators {
        Operators::start_by(options, |_| {})
    }

    /// The same, with a last word on how each is run.
    pub fn start_by(options: &Options, prepare: impl Fn(&mut Command)) -> Operators {
        let folder = super::folder_in_memory();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_string();
        let calendar = Calendar::of_days(options.day_secs).unwrap();
        let local = |port: u16| SocketAddr::from(([127, 0, 0, 1], port));
        let [a, b, relay, issuer, internal] = std::array::from_fn(|_| local(free_port()));
        fs::write(path("shared"), [9_u8; 32]).unwrap();
        let day_secs = options.day_secs.to_string();
        for (side, name) in [("a", "An ninh mạng"), ("b", "Trẻ em")] {
            good(&["hub", "operator", "new", &path(side), "--name", name]);
            for (lane, count) in [("security", options.days), ("harm", options.weeks)] {
                let count = count.to_string();
                let arguments = ["--lane", lane, "--count", &count, "--day-secs", &day_secs];
                good(&[["hub", "operator", "keys", &path(side)].as_slice(), &arguments].concat());
            }
            fs::write(path(&format!("{side}.json")), good(&["hub", "operator", "announce", &path(side)])).unwrap();
        }
        good(&["hub", "issuer", "new", &path("t"), "--name", "Nhà mạng"]);
        let provider = good(&["hub", "issuer", "announce", &path("t"), "--url", &format!("http://{issuer}/")]);
        fs::write(path("t.json"), provider).unwrap();
        let one_in = options.takes_part_one_in.to_string();
        let relay_url = format!("http://{relay}/");
        #[rustfmt::skip]
        good(&["hub", "manifest", "--a", &path("a.json"), "--b", &path("b.json"), "--relay-name", "Trạm", "--relay-url", &relay_url,
            "--issuer", &path("t.json"), "--lab", "--day-secs", &day_secs, "--takes-part-one-in", &one_in, "-o", &path("manifest.json")]);
        let [database, of_b, of_t] =
            options.databases.clone().unwrap_or_else(|| [path("a/hub.db"), path("b/hub.db"), path("t/issuer.db")]);
        let keeps = |side: &str, database: &str| {
            format!(
                "secrets = {:?}\ndatabase = {database:?}\nmanifest = {:?}\n{}",
                path(side),
                path("manifest.json"),
                if side == "t" { String::new() } else { format!("shared = {:?}\n", path("shared")) }
            )
        };
        let settings = [
            ("a", a, keeps("a", &database) + &format!("internal = \"{internal}\"\n")),
            ("b", b, keeps("b", &of_b) + &format!("a = \"http://{internal}/\"\n")),
            ("issuer", issuer, keeps("t", &of_t)),
            ("relay", relay, format!("a = \"http://{a}/\"\nb = \"http://{b}/\"\nper_hour = 2000\n")),
        ];
        let (mut processes, mut watched) = (Vec::new(), Vec::new());
        for (role, listen, text) in settings {
            let metrics = local(free_port());
            let file = path(&format!("{role}.toml"));
            fs::write(&file, format!("listen = \"{listen}\"\nmetrics = \"{metrics}\"\n{text}")).unwrap();
            processes.push((role, spawn(role, &file, &path(&format!("{role}.log")), &prepare)));
            watched.push((role, metrics));
        }
        let manifest = folder.path().join("manifest.json");
        Operators { folder, manifest, relay, issuer, internal, calendar, processes, watched, database }
    }

    pub fn manifest(&self) -> Manifest {
        Manifest::parse(&fs::read(&self.manifest).unwrap()).unwrap()
    }

    /// The first epoch of which there are keys.
    pub fn first(&self, lane: Lane) -> u32 {
        let manifest = self.manifest();
        manifest.epochs().filter(|(of, _)| *of == lane).map(|(_, epoch)| epoch).min().unwrap()
    }

    /// What A found: lane, epoch, name, category, households, refused.
    pub fn indicators(&self) -> Vec<Row> {
        self.query("SELECT lane, epoch, name, category, households, refused FROM indicators ORDER BY households DESC")
    }

    pub fn query(&self, question: &str) -> Vec<Row> {
        Database::open(&self.database).unwrap().query(question, &[]).unwrap()
    }

    /// `/metrics` of a role.
    pub fn metrics(&self, role: &str) -> String {
        let (_, addr) = self.watched.iter().find(|(known, _)| *known == role).unwrap();
        let reply: Reply = Client::new(*addr, [127, 0, 0, 1].into()).get("/metrics");
        reply.expect(200).body
    }

    /// One number of a role.
    pub fn metric(&self, role: &str, series: &str) -> f64 {
        let text = self.metrics(role);
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
        line.unwrap_or_else(|| panic!("no {series} in:\n{text}"))
    }

    /// User and system time of a role so far, in seconds.
    pub fn cpu_secs(&self, role: &str) -> f64 {
        let (_, process) = self.processes.iter().find(|(known, _)| *known == role).unwrap();
        let stat = fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
    }

    pub fn log(&self, role: &str) -> String {
        fs::read_to_string(self.folder.path().join(format!("{role}.log"))).unwrap_or_default()
    }

    /// Lets A and B do what is due by their clock, and waits a moment for it.
    pub fn look_at_the_clock(&self) {
        for (_, process) in self.processes.iter().filter(|(role, _)| ["a", "b"].contains(role)) {
            assert!(Command::new("kill").args(["-HUP", &process.id().to_string()]).status().unwrap().success());
        }
        thread::sleep(Duration::from_millis(500));
    }

    /// Asks all to end, and waits; each has to end well.
    pub fn stop(&mut self) {
        for (_, process) in &self.processes {
            Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap();
        }
        for (role, mut process) in self.processes.drain(..) {
            assert!(process.wait().unwrap().success(), "{role}");
        }
    }

    /// All octets on all disks of the four.
    pub fn disks(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        read_all(self.folder.path(), &mut found);
        found
    }
}

impl Drop for Operators {
    fn drop(&mut self) {
        for (_, process) in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn spawn(role: &str, settings: &str, log: &str, prepare: impl Fn(&mut Command)) -> Child {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", binary(), "hub", "serve", role, "--settings", settings])
        .stdout(Stdio::piped())
        .stderr(fs::File::create(log).unwrap());
    prepare(&mut command);
    let mut process = command.spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    // Every door says where it is; metrics is the last.
    let is_last = |line: &std::io::Result<String>| line.as_ref().is_ok_and(|line| line.starts_with("metrics"));
    let is_open = lines.by_ref().take(3).any(|line| is_last(&line));
    assert!(is_open, "{role} does not start: {}", fs::read_to_string(log).unwrap_or_default());
    process
}

fn read_all(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_all(&path, found);
        } else {
            found.push((path.clone(), fs::read(&path).unwrap_or_default()));
        }
    }
}
