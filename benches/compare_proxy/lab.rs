//! Namespaces: one for all clients, one for the internet, and a router between them for each place. Made at the beginning,
//! gone at the end, with every process in them; an interrupted run is cleared by the next.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::plan::{self, Place, Service};

/// All namespaces of ours begin so.
const PREFIX: &str = "cmpproxy-";
pub const CLIENTS: &str = "cmpproxy-clients";
pub const INTERNET: &str = "cmpproxy-internet";
/// Ports on the router to which connections are led.
pub const HTTP_PORT: u16 = 8080;
pub const TLS_PORT: u16 = 8443;
/// Files here stand over those of /etc in a namespace (`ip netns exec`).
const ETC: &str = "/etc/netns";

/// How connections come to the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interception {
    /// Not at all: the router forwards.
    None,
    /// The proxy puts its own rules into the kernel.
    Own,
    /// nft `tproxy` to a port on loopback; the address stays the origin's.
    Tproxy,
    /// nft `redirect` to a port on the router: NAT, and conntrack with it.
    Redirect,
}

/// One run at a time.
pub fn lock() -> anyhow::Result<File> {
    let file = File::create(std::env::temp_dir().join("compare-proxy.lock"))?;
    file.try_lock().context("another comparison is running")?;
    Ok(file)
}

pub fn router(place: Place) -> String {
    format!("{PREFIX}router{}", place.0)
}

/// `program` in a namespace.
pub fn inside(namespace: &str, program: &Path) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// The folder whose files stand over those of /etc in the namespace.
pub fn etc(namespace: &str) -> PathBuf {
    Path::new(ETC).join(namespace)
}

/// Clients and internet, without any way between them.
pub fn build() -> anyhow::Result<()> {
    for namespace in [CLIENTS, INTERNET] {
        add(namespace)?;
    }
    Ok(())
}

/// A router with its links and rules.
pub fn build_place(place: Place, interception: Interception) -> anyhow::Result<()> {
    let router = router(place);
    add(&router)?;
    let (number, [near, far]) = (place.0, place.link());
    batch(&format!(
        "link add to{number} netns {CLIENTS} type veth peer name lan netns {router}\n\
         link add from{number} netns {INTERNET} type veth peer name wan netns {router}\n"
    ))?;
    let mut clients = format!("link set to{number} up\n");
    for client in 0..=plan::CLIENTS {
        clients += &format!("addr add {}/16 dev to{number}\n", place.client(client));
    }
    clients += &format!("route add {} via {}\n", place.outside_net(), place.router());
    in_batch(CLIENTS, &clients)?;
    in_batch(
        &router,
        &format!(
            "link set lan up\nlink set wan up\naddr add {}/16 dev lan\naddr add {near}/24 dev wan\n\
             route add default via {far}\n",
            place.router()
        ),
    )?;
    let mut internet = format!("link set from{number} up\naddr add {far}/24 dev from{number}\n");
    for addr in [place.service(Service::Web), place.service(Service::Opaque), place.resolver()] {
        internet += &format!("addr add {addr}/32 dev lo\n");
    }
    internet += &format!("route add {} via {near}\n", place.inside_net());
    in_batch(INTERNET, &internet)?;
    set(&router, "net.ipv4.ip_forward=1")?;
    let etc = etc(&router);
    fs::create_dir_all(&etc)?;
    fs::write(etc.join("resolv.conf"), format!("nameserver {}\n", place.resolver()))?;
    intercept(&router, interception)
}

fn intercept(router: &str, interception: Interception) -> anyhow::Result<()> {
    let rules = match interception {
        Interception::None | Interception::Own => return Ok(()),
        Interception::Tproxy => {
            in_batch(
                router,
                "rule add pref 100 fwmark 0x1/0x1 lookup 100\nroute add local default dev lo table 100\n",
            )?;
            let lead = |from: u16, to: u16| {
                format!("iifname \"lan\" tcp dport {from} tproxy ip to 127.0.0.1:{to} meta mark set 0x1 accept\n")
            };
            let lead = lead(80, HTTP_PORT) + &lead(443, TLS_PORT);
            format!(
                "table ip compare {{ chain pre {{ type filter hook prerouting priority mangle; policy accept;\n{lead}}}\n}}\n"
            )
        }
        Interception::Redirect => {
            let lead = |from: u16, to: u16| format!("iifname \"lan\" tcp dport {from} redirect to :{to}\n");
            let lead = lead(80, HTTP_PORT) + &lead(443, TLS_PORT);
            format!(
                "table ip compare {{ chain pre {{ type nat hook prerouting priority dstnat; policy accept;\n{lead}}}\n}}\n"
            )
        }
    };
    fed(inside(router, Path::new("nft")).args(["-f", "-"]), &rules)?;
    if interception == Interception::Redirect {
        // Else ended connections fill conntrack's table, which all namespaces share, within one run.
        set(router, "net.netfilter.nf_conntrack_tcp_timeout_time_wait=1")?;
    }
    Ok(())
}

/// A namespace in which ports are reused as quickly as a busy machine needs.
fn add(namespace: &str) -> anyhow::Result<()> {
    batch(&format!("netns add {namespace}\n"))?;
    in_batch(namespace, "link set lo up\n")?;
    set(namespace, "net.ipv4.ip_local_port_range=10240 65535")?;
    set(namespace, "net.ipv4.tcp_tw_reuse=1")?;
    set(namespace, "net.ipv4.tcp_max_syn_backlog=16384")?;
    set(namespace, "net.core.somaxconn=16384")
}

fn set(namespace: &str, setting: &str) -> anyhow::Result<()> {
    fed(inside(namespace, Path::new("sysctl")).args(["-q", "-w", setting]), "")
}

fn batch(lines: &str) -> anyhow::Result<()> {
    fed(Command::new("ip").args(["-batch", "-"]), lines)
}

fn in_batch(namespace: &str, lines: &str) -> anyhow::Result<()> {
    fed(Command::new("ip").args(["-n", namespace, "-batch", "-"]), lines)
}

/// Runs to its end with `input`, and says what it said if that was bad.
fn fed(command: &mut Command, input: &str) -> anyhow::Result<()> {
    let spawned = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = spawned.with_context(|| format!("{}: not installed?", command.get_program().display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}

/// Ends what runs in our namespaces and removes them. Faults are passed over: there may be nothing.
pub fn clear() {
    let Ok(output) = Command::new("ip").args(["netns", "list"]).output() else { return };
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    let ours = list.lines().filter_map(|line| line.split(' ').next()).filter(|name| name.starts_with(PREFIX));
    for namespace in ours {
        if let Ok(output) = Command::new("ip").args(["netns", "pids", namespace]).output() {
            let ids = String::from_utf8_lossy(&output.stdout).into_owned();
            let ids: Vec<&str> = ids.split_whitespace().collect();
            if !ids.is_empty() {
                let _ = Command::new("kill").arg("-KILL").args(ids).stderr(Stdio::null()).status();
            }
        }
        let _ = Command::new("ip").args(["netns", "del", namespace]).status();
        let _ = fs::remove_dir_all(etc(namespace));
    }
    // Only if nobody else has files there.
    let _ = fs::remove_dir(ETC);
}
