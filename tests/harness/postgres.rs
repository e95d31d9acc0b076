//! A PostgreSQL of its own for a test: Debian's binaries, an empty cluster in a temporary folder, on loopback alone.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{free_port, text};

/// Runs until it is dropped.
pub struct Postgres {
    pub url: String,
    child: Child,
    _folder: TempDir,
}

/// Starting takes longer on a busy machine than anything else here.
const PATIENCE: Duration = Duration::from_secs(60);

impl Postgres {
    pub fn start() -> Postgres {
        let (folder, port) = (TempDir::new().unwrap(), free_port());
        let data = folder.path().join("data");
        let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
        if is_root {
            assert!(Command::new("chown").arg("postgres:").arg(folder.path()).status().unwrap().success());
        }
        let made = command(is_root, "initdb")
            .args(["--auth", "trust", "--username", "luytre", "--encoding", "UTF8", "--no-sync", "--locale", "C", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        let child = command(is_root, "postgres")
            .arg("-D")
            .arg(&data)
            .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-c", "fsync=off", "-c", "unix_socket_directories="])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let url = format!("postgres://luytre@127.0.0.1:{port}/postgres");
        let server = Postgres { url, child, _folder: folder };
        server.wait_ready(port);
        server
    }

    fn wait_ready(&self, port: u16) {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() || !self.answers() {
            let log = self._folder.path().join("log");
            assert!(Instant::now() < until, "not ready: {}", fs::read_to_string(log).unwrap_or_default());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A server that is still starting takes connections and refuses them with words.
    fn answers(&self) -> bool {
        let asked = Command::new(bin("psql")).args([&self.url, "-Atc", "SELECT 1"]).output().unwrap();
        asked.status.success()
    }
}

/// Asked to end at once (SIGQUIT), it takes its shared memory with it; killed, that would stay on the machine.
impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-QUIT", &self.child.id().to_string()]).status();
        let until = Instant::now() + PATIENCE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < until {
            thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(is_root: bool, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root {
        command.args(["--reuid", "postgres", "--regid", "postgres", "--init-groups"]);
    }
    command.args(["--pdeathsig", "KILL"]).arg(bin(program)).current_dir("/");
    command
}

/// The newest version that is installed.
fn bin(program: &str) -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql").unwrap_or_else(|_| panic!("tests/run installs postgresql"));
    let mut versions: Vec<PathBuf> = installed.flatten().map(|entry| entry.path()).collect();
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    versions.last().map_or_else(|| Path::new("/nowhere").into(), |path| path.join("bin").join(program))
}
