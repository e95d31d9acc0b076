//! Each server with its configuration: a caching forwarder to the same authority, with the same list.

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::data::Data;

/// A server that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Luytre,
    Echo,
    UnboundZone,
    UnboundRpz,
    Dnsmasq,
    Kresd,
    Recursor,
    Dnsdist,
}

/// Where a server listens and forwards to, what it holds, and where its files are.
pub struct Setting<'a> {
    pub addr: SocketAddr,
    pub authority: SocketAddr,
    pub threads: usize,
    pub names: usize,
    pub folder: PathBuf,
    pub luytre: &'a Path,
}

/// How a changed list is put in force.
pub enum Change {
    /// Run this.
    Command(Command),
    /// The server watches the file.
    Watched,
    /// Only by a restart, which is not compared.
    Restart,
}

impl Peer {
    pub const ALL: [Peer; 8] = [
        Peer::Luytre,
        Peer::Echo,
        Peer::UnboundZone,
        Peer::UnboundRpz,
        Peer::Dnsmasq,
        Peer::Kresd,
        Peer::Recursor,
        Peer::Dnsdist,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Luytre => "luytre",
            Peer::Echo => "echo",
            Peer::UnboundZone => "unbound-zone",
            Peer::UnboundRpz => "unbound-rpz",
            Peer::Dnsmasq => "dnsmasq",
            Peer::Kresd => "kresd-rpz",
            Peer::Recursor => "recursor-rpz",
            Peer::Dnsdist => "dnsdist",
        }
    }

    /// The Debian package, and what else it needs to read a list.
    fn package(self) -> (&'static str, &'static str) {
        match self {
            Peer::Luytre | Peer::Echo => ("", ""),
            Peer::UnboundZone | Peer::UnboundRpz => ("unbound", ""),
            Peer::Dnsmasq => ("dnsmasq-base", ""),
            Peer::Kresd => ("knot-resolver", "lua-cqueues"),
            Peer::Recursor => ("pdns-recursor", ""),
            Peer::Dnsdist => ("dnsdist", ""),
        }
    }

    /// The package with its version, or an error that names what is missing.
    pub fn version(self) -> anyhow::Result<String> {
        let (package, also) = self.package();
        if package.is_empty() {
            return Ok(self.name().to_owned());
        }
        let installed = |package: &str| {
            let query = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}", package]).output()?;
            let version = String::from_utf8_lossy(&query.stdout).into_owned();
            anyhow::ensure!(query.status.success() && version.len() > package.len() + 1, "apt-get install {package}");
            Ok(version)
        };
        if !also.is_empty() {
            installed(also)?;
        }
        installed(package)
    }

    pub fn has_tcp(self) -> bool {
        self != Peer::Echo
    }

    /// Writes the list: the first `setting.names` names, and `extra` if given.
    pub fn write_list(self, setting: &Setting<'_>, data: &Data, extra: Option<&str>) -> anyhow::Result<()> {
        let path = setting.folder.join("list.new");
        let head = match self {
            Peer::UnboundRpz | Peer::Recursor | Peer::Kresd => {
                let serial = if extra.is_some() { 2 } else { 1 };
                format!(
                    "$ORIGIN rpz.\n$TTL 3600\n@ SOA localhost. root.localhost. {serial} 3600 600 86400 60\n@ NS localhost.\n"
                )
            }
            _ => String::new(),
        };
        let line = |file: &mut dyn Write, name: &str| match self {
            Peer::Luytre | Peer::Dnsdist => writeln!(file, "{name}"),
            Peer::Echo => Ok(()),
            Peer::UnboundZone => writeln!(file, "local-zone: \"{name}.\" always_nxdomain"),
            Peer::UnboundRpz | Peer::Recursor | Peer::Kresd => writeln!(file, "{name} CNAME .\n*.{name} CNAME ."),
            Peer::Dnsmasq => writeln!(file, "address=/{name}/"),
        };
        data.write_list(&path, setting.names, &head, line)?;
        if let Some(name) = extra {
            let mut file = fs::OpenOptions::new().append(true).open(&path)?;
            line(&mut file, name)?;
        }
        Ok(fs::rename(&path, setting.folder.join("list"))?)
    }

    /// Writes the configuration and says how to start the server.
    pub fn command(self, setting: &Setting<'_>) -> anyhow::Result<Command> {
        let Setting { addr, authority, threads, folder, .. } = setting;
        let (port, up) = (addr.port(), authority.port());
        let (ip, up_ip) = (addr.ip(), authority.ip());
        let dir = folder.display();
        let config = folder.join("config");
        let mut command;
        match self {
            Peer::Luytre => {
                fs::write(&config, luytre_config(setting))?;
                command = Command::new(setting.luytre);
                command.arg("-c").arg(&config);
            }
            Peer::Echo => {
                command = Command::new(std::env::current_exe()?);
                command.args(["echo", &addr.to_string(), &threads.to_string()]);
            }
            Peer::UnboundZone | Peer::UnboundRpz => {
                let (modules, list) = if self == Peer::UnboundRpz {
                    ("respip iterator", format!("rpz:\n  name: rpz.\n  zonefile: {dir}/list\n"))
                } else {
                    ("iterator", String::new())
                };
                let include =
                    if self == Peer::UnboundZone { format!("  include: {dir}/list\n") } else { String::new() };
                fs::write(
                    &config,
                    format!(
                        "server:\n  interface: {ip}\n  port: {port}\n  num-threads: {threads}\n  module-config: \"{modules}\"\n  \
                         so-reuseport: yes\n  so-rcvbuf: 4m\n  so-sndbuf: 4m\n  msg-cache-size: 64m\n  rrset-cache-size: 128m\n  \
                         msg-cache-slabs: 2\n  rrset-cache-slabs: 2\n  do-not-query-localhost: no\n  chroot: \"\"\n  username: \"\"\n  \
                         directory: {dir}\n  pidfile: {dir}/pid\n  use-syslog: no\n  do-daemonize: no\n  verbosity: 0\n  \
                         incoming-num-tcp: 64\n{include}{list}\
                         forward-zone:\n  name: \".\"\n  forward-addr: {up_ip}@{up}\n\
                         remote-control:\n  control-enable: yes\n  control-interface: {dir}/control\n  control-use-cert: no\n"
                    ),
                )?;
                command = Command::new("/usr/sbin/unbound");
                command.arg("-d").arg("-c").arg(&config);
            }
            Peer::Dnsmasq => {
                command = Command::new("/usr/sbin/dnsmasq");
                command.args(["-k", "--no-resolv", "--no-hosts", "--bind-interfaces", "--cache-size=50000"]);
                command.args(["--dns-forward-max=2000", "--user=root", "--pid-file="]);
                command.arg(format!("--listen-address={ip}")).arg(format!("--port={port}"));
                command.arg(format!("--server={up_ip}#{up}")).arg(format!("--conf-file={dir}/list"));
            }
            Peer::Kresd => {
                fs::create_dir_all(folder.join("run"))?;
                fs::write(
                    &config,
                    format!(
                        "net.listen('{ip}', {port}, {{ kind = 'dns' }})\n\
                         modules.unload('ta_update')\nmodules.unload('ta_signal_query')\nmodules.unload('priming')\n\
                         modules.unload('detect_time_skew')\nmodules.unload('detect_time_jump')\nmodules.unload('watchdog')\n\
                         trust_anchors.remove('.')\ncache.size = 100 * MB\n\
                         policy.add(policy.rpz(policy.DENY, '{dir}/list', true))\n\
                         policy.add(policy.all(policy.FORWARD('{up_ip}@{up}')))\n"
                    ),
                )?;
                command = Command::new("/usr/sbin/kresd");
                command.arg("-n").arg("-c").arg(&config).arg(folder.join("run"));
            }
            Peer::Recursor => {
                fs::write(folder.join("rpz.lua"), format!("rpzFile('{dir}/list', {{defpol=Policy.NXDOMAIN}})\n"))?;
                command = Command::new("/usr/sbin/pdns_recursor");
                command.arg(format!("--config-dir={dir}")).arg(format!("--socket-dir={dir}"));
                command.arg(format!("--local-address={ip}")).arg(format!("--local-port={port}"));
                command.arg(format!("--forward-zones-recurse=.={up_ip}:{up}")).arg(format!("--threads={threads}"));
                command.arg(format!("--lua-config-file={dir}/rpz.lua"));
                command.args(["--pdns-distributes-queries=no", "--reuseport=yes", "--dnssec=off", "--dont-query="]);
                command.args(["--qname-minimization=no", "--max-cache-entries=1000000", "--security-poll-suffix="]);
                command.args(["--allow-from=127.0.0.0/8", "--daemon=no", "--write-pid=no", "--max-tcp-clients=64"]);
                command.args(["--max-tcp-per-client=64", "--loglevel=3", "--quiet=yes"]);
            }
            Peer::Dnsdist => {
                let locals: String = (0..*threads)
                    .map(|_| format!("addLocal('{ip}:{port}', {{ reusePort=true, maxInFlight=64 }})\n"))
                    .collect();
                fs::write(
                    &config,
                    format!(
                        "setLocal('{ip}:{port}', {{ reusePort=true, maxInFlight=64 }})\n{}\
                         newServer({{ address='{up_ip}:{up}', sockets=4, checkName='health.example.' }})\n\
                         setMaxUDPOutstanding(65000)\nsetSecurityPollSuffix('')\nsetACL({{ '127.0.0.0/8' }})\n\
                         getPool(''):setCache(newPacketCache(200000, {{ maxTTL=86400, numberOfShards=20 }}))\n\
                         smn = newSuffixMatchNode()\nfor line in io.lines('{dir}/list') do smn:add(newDNSName(line)) end\n\
                         addAction(SuffixMatchNodeRule(smn, true), RCodeAction(DNSRCode.NXDOMAIN))\n",
                        locals.split_once('\n').map_or("", |(_, rest)| rest)
                    ),
                )?;
                command = Command::new("/usr/bin/dnsdist");
                command.args(["--supervised", "--disable-syslog", "-C"]).arg(&config);
            }
        }
        Ok(command)
    }

    /// What has to be done before the first start.
    pub fn prepare(self, setting: &Setting<'_>) -> anyhow::Result<()> {
        if self == Peer::Luytre {
            fs::write(setting.folder.join("config"), luytre_config(setting))?;
            // As an operator would, beside a server that is answering.
            let mut compile = Command::new("nice");
            compile.arg(setting.luytre).arg("-c").arg(setting.folder.join("config")).args(["lists", "compile"]);
            let done = compile.output().context("luytre lists compile")?;
            anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }

    /// How the server `id` takes a changed list.
    pub fn change(self, setting: &Setting<'_>, id: u32) -> Change {
        let dir = setting.folder.display();
        let mut command;
        match self {
            Peer::Luytre => {
                command = Command::new("kill");
                command.args(["-HUP", &id.to_string()]);
            }
            Peer::UnboundZone => {
                command = Command::new("/usr/sbin/unbound-control");
                command.args(["-c", &format!("{dir}/config"), "reload_keep_cache"]);
            }
            Peer::UnboundRpz => {
                command = Command::new("/usr/sbin/unbound-control");
                command.args(["-c", &format!("{dir}/config"), "auth_zone_reload", "rpz."]);
            }
            Peer::Recursor => {
                command = Command::new("/usr/bin/rec_control");
                command.args([&format!("--socket-dir={dir}"), "reload-lua-config"]);
            }
            Peer::Kresd => return Change::Watched,
            Peer::Dnsmasq | Peer::Dnsdist | Peer::Echo => return Change::Restart,
        }
        Change::Command(command)
    }
}

/// One profile for everybody, which refuses the list and nothing that is popular; its client may ask as fast as it likes,
/// but is counted.
fn luytre_config(setting: &Setting<'_>) -> String {
    let Setting { addr, authority, threads, folder, .. } = setting;
    let dir = folder.display();
    format!(
        "version = 1\nstate_dir = \"{dir}/state\"\n[dns]\nlisten = [\"{addr}\"]\nworkers = {threads}\n\
         client_rate = 1000000000\n[dns.cache]\nsize = \"64MiB\"\n[dns.upstream]\nservers = [\"udp://{authority}\"]\n\
         [[list]]\nname = \"list\"\nsource = \"file:{dir}/list\"\nformat = \"domains\"\nplain = \"suffix\"\n\
         categories = [\"gambling\"]\n[[profile]]\nname = \"all\"\nband = \"18+\"\nblock = [\"gambling\"]\ncanary = true\n\
         block_private_relay = true\n[defaults]\nprofile = \"all\"\n[metrics]\nenabled = false\n"
    )
}
