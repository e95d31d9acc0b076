//! Two authorities on one machine: each with keys, a repository and a plain web server of its own that can be told to
//! misbehave.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::{run, text};

/// What a web server does wrong with paths that hold a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Sends for ever.
    Endless,
    /// Ends in the middle, and says nothing of it.
    Cut,
    /// Changes one octet.
    Flip,
    /// Says that there is no such file.
    Missing,
    /// Does not say a word.
    Silent,
}

#[derive(Default)]
struct Shared {
    fault: Option<(&'static str, Fault)>,
    /// Path and octets sent.
    sent: Vec<(String, usize)>,
}

/// A plain web server over a folder.
pub struct Web {
    pub addr: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

impl Web {
    pub fn start(folder: PathBuf) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let shared = Arc::new(Mutex::new(Shared::default()));
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (folder, shared) = (folder.clone(), Arc::clone(&of_thread));
                thread::spawn(move || {
                    let _ = answer(stream, &folder, &shared);
                });
            }
        });
        Web { addr, shared }
    }

    /// From now on wrong for paths that hold `word`.
    pub fn fail(&self, word: &'static str, fault: Fault) {
        self.shared.lock().unwrap().fault = Some((word, fault));
    }

    pub fn heal(&self) {
        self.shared.lock().unwrap().fault = None;
    }

    /// What was sent since the last time this was asked.
    pub fn sent(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.shared.lock().unwrap().sent)
    }
}

fn answer(mut stream: TcpStream, folder: &Path, shared: &Mutex<Shared>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut first, mut from) = (String::new(), 0_usize);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap_or(0);
        }
    }
    let path = first.split(' ').nth(1).unwrap_or("/").trim_start_matches('/').to_string();
    let fault = shared.lock().unwrap().fault.clone().filter(|(word, _)| path.contains(word)).map(|(_, fault)| fault);
    let close = "Connection: close\r\n";
    let body = fs::read(folder.join(&path)).ok().filter(|_| fault != Some(Fault::Missing));
    let Some(mut body) = body else {
        return write!(stream, "HTTP/1.1 404 Not Found\r\n{close}Content-Length: 0\r\n\r\n");
    };
    let status = if from > 0 { "206 Partial Content" } else { "200 OK" };
    let range = format!("Content-Range: bytes {from}-{}/{}\r\n", body.len().saturating_sub(1), body.len());
    let range = if from > 0 { range } else { String::new() };
    match fault {
        Some(Fault::Silent) => {
            thread::sleep(Duration::from_secs(20));
            return Ok(());
        }
        Some(Fault::Endless) => {
            write!(stream, "HTTP/1.1 200 OK\r\n{close}\r\n")?;
            let block = [b' '; 1 << 16];
            // Enough for any limit, and an end all the same.
            for _ in 0..1 << 16 {
                stream.write_all(&block)?;
            }
            return Ok(());
        }
        Some(Fault::Cut) => body.truncate(body.len() / 2),
        Some(Fault::Flip) => {
            let middle = body.len() / 2;
            body[middle] ^= 1;
        }
        _ => {}
    }
    let body = body.get(from.min(body.len())..).unwrap_or_default();
    let kind = match path.rsplit('.').next() {
        Some("html") => "Content-Type: text/html; charset=utf-8\r\n",
        Some("css") => "Content-Type: text/css\r\n",
        _ => "",
    };
    write!(stream, "HTTP/1.1 {status}\r\n{close}{range}{kind}Content-Length: {}\r\n\r\n", body.len())?;
    stream.write_all(body)?;
    shared.lock().unwrap().sent.push((path, body.len()));
    Ok(())
}

/// One authority.
pub struct Authority {
    pub folder: PathBuf,
    pub web: Web,
}

impl Authority {
    /// The ceremony: two officers for the root, one key each for the rest; a repository with a root and nothing else.
    pub fn found(folder: &Path) -> Authority {
        fs::create_dir_all(folder).unwrap();
        for key in ["officer1", "officer2", "targets", "snapshot", "timestamp"] {
            make_key(&folder.join(key));
        }
        let authority = Authority { folder: folder.to_path_buf(), web: Web::start(folder.join("repository")) };
        authority.first_root(&["targets"]);
        authority
    }

    /// Makes the first root with these keys for the list of files, and publishes it.
    pub fn first_root(&self, targets: &[&str]) {
        let root = self.file("root.json");
        let mut arguments = vec!["hub".to_string(), "root".into(), "new".into(), "-o".into(), root.clone()];
        let public = |role: &str, key: &str| [format!("--{role}-key"), self.public(key)];
        arguments.extend(public("root", "officer1").into_iter().chain(public("root", "officer2")));
        arguments.extend(targets.iter().flat_map(|key| public("targets", key)));
        arguments.extend(public("snapshot", "snapshot").into_iter().chain(public("timestamp", "timestamp")));
        good(&strs(&arguments));
        for officer in ["officer1", "officer2"] {
            good(&["hub", "sign", &root, "--key", &self.file(officer)]);
        }
        good(&["hub", "root", "show", &root]);
        good(&["hub", "publish", &self.file("repository"), "--root", &root]);
    }

    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_string()
    }

    /// The public half of a key.
    pub fn public(&self, key: &str) -> String {
        let shown = good(&["hub", "key", "show", &self.file(key)]);
        shown.lines().next().unwrap().trim_start_matches("public ").to_string()
    }

    /// Publishes with all keys at hand, and these arguments.
    pub fn publish(&self, rest: &[&str]) {
        self.publish_by(&["targets", "snapshot", "timestamp"], rest);
    }

    /// Publishes with the keys of these roles only.
    pub fn publish_by(&self, roles: &[&str], rest: &[&str]) {
        let mut arguments = vec!["hub".to_string(), "publish".into(), self.file("repository")];
        for role in roles {
            arguments.extend([format!("--{role}-key"), self.file(role)]);
        }
        arguments.extend(rest.iter().map(|one| one.to_string()));
        good(&strs(&arguments));
    }

    /// A copy of the repository as it is now.
    pub fn keep_copy(&self, name: &str) {
        copy(&self.folder.join("repository"), &self.folder.join(name));
    }

    /// Puts a copy in the repository's place.
    pub fn put_back(&self, name: &str) {
        fs::remove_dir_all(self.folder.join("repository")).unwrap();
        copy(&self.folder.join(name), &self.folder.join("repository"));
    }
}

/// Makes a key in a new file.
pub fn make_key(file: &Path) {
    good(&["hub", "key", "new", file.to_str().unwrap()]);
}

/// Runs a command that has to end well; what it printed.
#[track_caller]
pub fn good(arguments: &[&str]) -> String {
    let output = run(arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that has to end badly; what it said.
#[track_caller]
pub fn bad(arguments: &[&str]) -> String {
    let output: Output = run(arguments, "");
    assert!(!output.status.success(), "{arguments:?}: {}", text(&output.stdout));
    text(&output.stdout) + &text(&output.stderr)
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}
