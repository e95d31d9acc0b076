//! Servers as processes: started, accounted for and stopped.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server; stopped when it goes.
pub struct Server {
    child: Child,
}

/// Resident and proportional octets.
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub rss: u64,
    pub pss: u64,
}

impl Server {
    /// Starts `command`, on core `core` alone if given.
    pub fn start(command: &Command, core: Option<usize>, log: &std::path::Path) -> anyhow::Result<Server> {
        let mut pinned = Command::new(command.get_program());
        if let Some(core) = core {
            pinned = Command::new("taskset");
            pinned.args(["-c", &core.to_string()]).arg(command.get_program());
        }
        pinned.args(command.get_args());
        if let Some(dir) = command.get_current_dir() {
            pinned.current_dir(dir);
        }
        let log = fs::File::create(log)?;
        let child = pinned.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
        Ok(Server { child })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Time on a processor so far, in nanoseconds, as the scheduler counts it.
    pub fn cpu_ns(&self) -> u64 {
        tree(self.id())
            .into_iter()
            .flat_map(tasks)
            .filter_map(|path| fs::read_to_string(path).ok()?.split(' ').next()?.parse::<u64>().ok())
            .sum()
    }

    pub fn memory(&self) -> Memory {
        let mut memory = Memory::default();
        for id in tree(self.id()) {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let kib = |key: &str| {
                let line = text.lines().find(|line| line.starts_with(key));
                line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0)
            };
            memory.rss += kib("Rss:") * 1024;
            memory.pss += kib("Pss:") * 1024;
        }
        memory
    }

    /// True while it runs.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.id().to_string()).status();
        for _ in 0..200 {
            if !self.is_alive() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tree(id: u32) -> Vec<u32> {
    let mut all = vec![id];
    let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    for child in children.split_whitespace().filter_map(|child| child.parse().ok()) {
        all.extend(tree(child));
    }
    all
}

fn tasks(id: u32) -> Vec<std::path::PathBuf> {
    let folder = fs::read_dir(format!("/proc/{id}/task"));
    folder.map(|all| all.flatten().map(|task| task.path().join("schedstat")).collect()).unwrap_or_default()
}
