//! What would keep interception from working on this machine, as sentences with their remedies. Reads `/proc` and `/sys`, asks
//! `nft`; changes nothing.

use std::fs;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something found, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hazard {
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub fix: String,
}

impl Hazard {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Hazard {
        Hazard { what: what.into(), fix: fix.into() }
    }
}

/// Where the machine tells of itself.
#[derive(Debug, Clone)]
pub struct Machine {
    root: PathBuf,
}

/// CAP_NET_BIND_SERVICE and CAP_NET_ADMIN of capability.h.
const CAPABILITIES: [(u32, &str); 2] = [(10, "CAP_NET_BIND_SERVICE"), (12, "CAP_NET_ADMIN")];

impl Default for Machine {
    fn default() -> Machine {
        Machine { root: "/".into() }
    }
}

impl Machine {
    /// A machine whose `/proc` and `/sys` are below `root`, for tests.
    pub fn at(root: &Path) -> Machine {
        Machine { root: root.into() }
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.root.join(path)).ok().map(|text| text.trim().to_string())
    }

    /// The bridge hands packets to the IP hooks, where TPROXY loses its socket: DNS times out and TLS hangs.
    pub fn bridge_filter(&self) -> Option<Hazard> {
        let is_on =
            |kind: &&&str| self.read(&format!("proc/sys/net/bridge/bridge-nf-call-{kind}")).as_deref() == Some("1");
        let on: Vec<String> = ["iptables", "ip6tables"]
            .iter()
            .filter(is_on)
            .map(|kind| format!("net.bridge.bridge-nf-call-{kind}"))
            .collect();
        let settings = on.iter().map(|key| format!("{key}=0")).collect::<Vec<_>>().join(" ");
        (!on.is_empty()).then(|| {
            Hazard::new(
                format!("{} is on: intercepted connections from a bridge hang", on.join(" and ")),
                format!("sysctl -w {settings}, and the same in /etc/sysctl.d (Docker turns it on)"),
            )
        })
    }

    /// Without forwarding there is nothing to intercept but DNS.
    pub fn forwarding(&self) -> Vec<Hazard> {
        let keys = [
            ("IPv4", "proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward"),
            ("IPv6", "proc/sys/net/ipv6/conf/all/forwarding", "net.ipv6.conf.all.forwarding"),
        ];
        let off = keys.iter().filter(|(_, path, _)| self.read(path).as_deref() == Some("0"));
        off.map(|(family, _, key)| {
            Hazard::new(format!("{family} is not forwarded: this machine is no router"), format!("sysctl -w {key}=1"))
        })
        .collect()
    }

    /// Interfaces that are not there.
    pub fn interfaces(&self, lan: &[String]) -> Vec<Hazard> {
        let missing = lan.iter().filter(|name| !self.root.join("sys/class/net").join(name).exists());
        let there = || {
            let names = fs::read_dir(self.root.join("sys/class/net")).into_iter().flatten().flatten();
            let mut names: Vec<String> = names.map(|name| name.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names.join(", ")
        };
        missing
            .map(|name| {
                Hazard::new(format!("there is no interface {name:?}"), format!("`[proxy] lan`: one of {}", there()))
            })
            .collect()
    }

    /// Capabilities that this process does not have.
    pub fn capabilities(&self) -> Vec<Hazard> {
        let status = self.read("proc/self/status").unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
        let held = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
        let missing = CAPABILITIES.iter().filter(|(bit, _)| held & (1 << bit) == 0);
        missing
            .map(|(_, name)| Hazard::new(format!("{name} is missing"), "run it by its systemd unit, or as root"))
            .collect()
    }
}

/// Rules of others that let packets pass by ours: offloaded flows see no hook again.
pub fn offload(ruleset: &str) -> Option<Hazard> {
    let mut lines = ruleset.lines().map(str::trim);
    let is_offloaded =
        |line: &str| line.starts_with("flow add") || line.contains(" flow add @") || line.contains("flow offload");
    let hardware = ruleset.contains("flags offload");
    lines.any(is_offloaded).then(|| {
        let kind = if hardware { "hardware " } else { "" };
        Hazard::new(
            format!(
                "{kind}flow offloading is on: connections that are forwarded stay as they began when a rule changes"
            ),
            "OpenWrt: Network, Firewall, \"Flow offloading\" off; intercepted connections are not concerned",
        )
    })
}

/// What is missing to put rules in force: the programs, the permission, parts of the kernel.
pub fn rules() -> Vec<Hazard> {
    const PROBE: &str = "table inet luytre_probe { chain c { type filter hook prerouting priority mangle; \
                         meta l4proto tcp socket wildcard 0 socket transparent 1 accept\n\
                         meta nfproto ipv4 tcp dport 443 tproxy ip to 127.0.0.1:8443\n\
                         fib daddr type local accept\n } }\n";
    let mut found = Vec::new();
    if let Err(error) = super::firewall::apply::check(PROBE) {
        found.push(Hazard::new(error.to_string(), "see the message; `luytre firewall print | nft -c -f -` tells more"));
    }
    if Command::new("ip").arg("-V").output().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        found.push(Hazard::new("`ip` is not installed", "apt-get install iproute2; on OpenWrt: opkg install ip-full"));
    }
    found
}

/// Why nobody can listen on `addr` now; `None` when one can. `by` finds out who does.
pub fn taken(addr: SocketAddr, udp: bool) -> Option<Hazard> {
    let tried =
        if udp { std::net::UdpSocket::bind(addr).map(drop) } else { std::net::TcpListener::bind(addr).map(drop) };
    let protocol = if udp { "UDP" } else { "TCP" };
    let error = tried.err()?;
    Some(match error.kind() {
        ErrorKind::AddrInUse => {
            let owner = owner(addr.port(), udp).unwrap_or_else(|| "another program".to_string());
            if owner.starts_with("luytre ") {
                return None;
            }
            Hazard::new(
                format!("{protocol} {addr} is taken by {owner}"),
                "stop it or give it another port (systemd-resolved: DNSStubListener=no; dnsmasq: port=0)",
            )
        }
        ErrorKind::PermissionDenied => Hazard::new(
            format!("{protocol} {addr} may not be listened on"),
            "ports under 1024 need CAP_NET_BIND_SERVICE",
        ),
        ErrorKind::AddrNotAvailable => {
            Hazard::new(format!("no interface has {}", addr.ip()), "`[dns] listen`: an address of this machine")
        }
        _ => Hazard::new(format!("{protocol} {addr}: {error}"), "see the message"),
    })
}

/// Name and number of the process that has that port, as far as we may look.
fn owner(port: u16, udp: bool) -> Option<String> {
    let tables = if udp { ["udp", "udp6"] } else { ["tcp", "tcp6"] };
    let wanted = format!(":{port:04X}");
    let inodes: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            fs::read_to_string(format!("/proc/net/{table}"))
                .unwrap_or_default()
                .lines()
                .map(str::to_string)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let is_it = words.get(1)?.ends_with(&wanted) && (udp || words.get(3) == Some(&"0A"));
            is_it.then(|| format!("socket:[{}]", words.get(9).unwrap_or(&"")))
        })
        .collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    processes.filter_map(|process| holder(&process.path(), &inodes)).next()
}

fn holder(process: &Path, inodes: &[String]) -> Option<String> {
    let number = process.file_name()?.to_str()?.parse::<u32>().ok()?;
    let mut descriptors = fs::read_dir(process.join("fd")).ok()?.flatten();
    descriptors
        .any(|descriptor| {
            fs::read_link(descriptor.path()).is_ok_and(|to| inodes.iter().any(|inode| to.as_os_str() == inode.as_str()))
        })
        .then(|| fs::read_to_string(process.join("comm")).ok())?
        .map(|name| format!("{} (process {number})", name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let folder = tempfile::TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let machine = Machine::at(folder.path());
        (folder, machine)
    }

    #[test]
    fn a_bridge_that_filters_is_told_with_its_remedy() {
        let (_folder, on) = machine(&[
            ("proc/sys/net/bridge/bridge-nf-call-iptables", "1\n"),
            ("proc/sys/net/bridge/bridge-nf-call-ip6tables", "0\n"),
        ]);
        let hazard = on.bridge_filter().unwrap();
        assert!(hazard.fix.contains("net.bridge.bridge-nf-call-iptables=0") && !hazard.fix.contains("ip6tables"));
        let (_folder, without) = machine(&[]);
        assert_eq!(without.bridge_filter(), None);
    }

    #[test]
    fn what_is_missing_is_named() {
        let (_folder, router) = machine(&[
            ("proc/sys/net/ipv4/ip_forward", "1"),
            ("proc/sys/net/ipv6/conf/all/forwarding", "0"),
            ("proc/self/status", "Name:\tx\nCapEff:\t0000000000000400\n"),
            ("sys/class/net/br-lan/mtu", "1500"),
        ]);
        let forwarding = router.forwarding();
        assert!(forwarding.len() == 1 && forwarding[0].what.starts_with("IPv6"));
        let capabilities = router.capabilities();
        assert!(capabilities.len() == 1 && capabilities[0].what.starts_with("CAP_NET_ADMIN"));
        let interfaces = router.interfaces(&["br-lan".into(), "eth9".into()]);
        assert!(interfaces.len() == 1 && interfaces[0].what.contains("eth9") && interfaces[0].fix.contains("br-lan"));
    }

    #[test]
    fn offloading_is_seen_in_the_rules_of_others() {
        let fw4 = "table inet fw4 {\n\tflowtable ft {\n\t\tflags offload\n\t}\n\tchain forward {\n\t\tmeta l4proto { tcp, udp } flow add @ft\n\t}\n}";
        assert!(offload(fw4).unwrap().what.starts_with("hardware"));
        assert_eq!(offload("table inet fw4 {\n\tchain forward {\n\t\tct state established accept\n\t}\n}"), None);
    }

    #[test]
    fn who_has_a_port_is_found_out() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let hazard = taken(listener.local_addr().unwrap(), false);
        // This test's own process is named after the library.
        assert!(hazard.is_none_or(|hazard| hazard.what.contains("(process ")));
        // On an address where no other test asks for any port.
        let free = { std::net::TcpListener::bind("127.0.0.77:0").unwrap().local_addr().unwrap() };
        assert_eq!(taken(free, false), None);
    }
}
