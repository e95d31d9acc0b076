//! A country: two authorities, what is proposed to both, and boxes that take what both sign.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::authority::{Authority, good};
use super::{PATIENCE, Server, Upstream, run, text};

pub const PEOPLE: &str = "[[profile]]\nname = \"mai\"\nband = \"10-12\"\n[defaults]\nprofile = \"mai\"\n";
pub const EVIDENCE: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Two authorities, what is proposed to both, and the releases that were built.
pub struct Country {
    pub folder: TempDir,
    pub a: Authority,
    pub b: Authority,
}

impl Country {
    pub fn found() -> Country {
        let folder = TempDir::new().unwrap();
        let a = Authority::found(&folder.path().join("a"));
        let b = Authority::found(&folder.path().join("b"));
        fs::create_dir(folder.path().join("proposals")).unwrap();
        Country { folder, a, b }
    }

    /// With release 1 published, which lists `casino.example`.
    pub fn with_a_release() -> Country {
        let country = Country::found();
        country.propose(&["casino.example"]);
        country.build("one", None);
        country.publish("one");
        country
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_string()
    }

    /// Proposes these names for gambling, in place of what was proposed before.
    pub fn propose(&self, names: &[&str]) {
        let one = |name: &&str| {
            format!(
                "[[proposal]]\nname = \"{name}\"\nmatch = \"suffix\"\ncategory = \"gambling\"\nreason = \"review\"\n\
                 evidence = \"{EVIDENCE}\"\nproposer = \"desk\"\nissued = 2026-11-01\nexpires = 2027-03-01\n"
            )
            .replace("2026-11-01", "\"2026-11-01\"")
            .replace("2027-03-01", "\"2027-03-01\"")
        };
        let list: String = names.iter().map(one).collect();
        fs::write(self.path("proposals/desk.toml"), format!("schema = \"proposals/1\"\n{list}")).unwrap();
    }

    /// Builds a release, once for each authority, which have to be the same.
    pub fn build(&self, release: &str, earlier: Option<&str>) {
        self.build_on("2026-11-26", release, earlier);
    }

    /// The same on another day.
    pub fn build_on(&self, day: &str, release: &str, earlier: Option<&str>) {
        let mut texts = Vec::new();
        for side in ["a", "b"] {
            let out = self.path(&format!("{release}-{side}"));
            let (proposals, earlier) = (self.path("proposals"), earlier.map(|one| self.path(&format!("{one}-{side}"))));
            let mut arguments = vec!["hub", "build", &proposals, "--day", day, "-o", &out];
            arguments.extend(earlier.iter().flat_map(|earlier| ["--earlier", earlier]));
            good(&arguments);
            texts.push(fs::read(Path::new(&out).join("release.json")).unwrap());
        }
        assert_eq!(texts[0], texts[1], "both build the same");
    }

    /// Builds and publishes a release with a sealed list.
    pub fn publish_sealed(&self, release: &str, earlier: Option<&str>, sealed: &str) {
        self.publish_with("2026-11-26", release, earlier, &["--sealed", sealed]);
    }

    /// Builds and publishes a release of that day with these arguments more.
    pub fn publish_with(&self, day: &str, release: &str, earlier: Option<&str>, more: &[&str]) {
        for (side, authority) in [("a", &self.a), ("b", &self.b)] {
            let out = self.path(&format!("{release}-{side}"));
            let (proposals, earlier) = (self.path("proposals"), earlier.map(|one| self.path(&format!("{one}-{side}"))));
            let mut arguments = vec!["hub", "build", &proposals, "--day", day, "-o", &out];
            arguments.extend(more);
            arguments.extend(earlier.iter().flat_map(|earlier| ["--earlier", earlier]));
            good(&arguments);
            authority.publish(&["--release", &out]);
        }
    }

    /// Both publish a release.
    pub fn publish(&self, release: &str) {
        self.a.publish(&["--release", &self.path(&format!("{release}-a"))]);
        self.b.publish(&["--release", &self.path(&format!("{release}-b"))]);
    }

    /// The box's configuration for both.
    pub fn signed(&self, every: &str) -> String {
        let side = |key: &str, side: &Authority| {
            let (root, web) = (side.file("root.json"), side.web.addr);
            format!("[signed.{key}]\nroot = \"{root}\"\nmirrors = [\"http://{web}/\"]\n")
        };
        let (a, b) = (side("a", &self.a), side("b", &self.b));
        format!("[signed]\nupdate_every = \"{every}\"\ntimeout = \"2s\"\n{a}{b}{PEOPLE}")
    }
}

/// A box that looks every second.
pub fn start(country: &Country, upstream: &Upstream) -> Server {
    let folder = Arc::new(TempDir::new().unwrap());
    let (state, rest, upstream) = (folder.path().join("state"), country.signed("1s"), upstream.addr);
    Server::start_by(
        folder,
        |dns, metrics| super::head(dns, metrics, upstream, &state, "") + &rest,
        |command| {
            // Half of it is how often the program looks at what is due.
            command.env("WATCHDOG_USEC", "400000");
        },
    )
}

/// A box that looks only when it is told to: the state folder and a configuration.
pub fn quiet_box(country: &Country, name: &str) -> (PathBuf, PathBuf) {
    let folder = country.folder.path().join(name);
    fs::create_dir_all(&folder).unwrap();
    let (state, config) = (folder.join("state"), folder.join("luytre.toml"));
    let text = format!(
        "version = 1\nstate_dir = {state:?}\n[dns]\nlisten = [\"127.0.0.1:0\"]\n[dns.upstream]\nservers = [\"udp://127.0.0.1:9\"]\n{}",
        country.signed("0s")
    );
    fs::write(&config, text).unwrap();
    (state, config)
}

pub fn look(config: &Path) -> String {
    let output = run(&["-c", config.to_str().unwrap(), "lists", "update"], "");
    text(&output.stdout) + &text(&output.stderr)
}

pub fn looks(server: &Server, outcome: &str) -> f64 {
    server.metric(&format!("luytre_lists_signed_looks_total{{outcome=\"{outcome}\"}}"))
}

/// Waits for a look that begins after now and ends so.
#[track_caller]
pub fn wait_for(server: &Server, outcome: &str) {
    let (before, until) = (looks(server, outcome), Instant::now() + 2 * PATIENCE);
    while looks(server, outcome) < before + 2.0 {
        assert!(Instant::now() < until, "no look ended as {outcome}: {}\n{}", server.metrics_text(), server.log());
        thread::sleep(Duration::from_millis(50));
    }
}

#[track_caller]
pub fn wait_for_version(server: &Server, version: f64) {
    let until = Instant::now() + 2 * PATIENCE;
    while server.metric("luytre_lists_signed_version") != version {
        assert!(Instant::now() < until, "release {version} is not in force: {}", server.log());
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn is_blocked(server: &Server, name: &str) -> bool {
    server.ask(name, "A").ede_code() == Some(17)
}
