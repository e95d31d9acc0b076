//! Each proxy with its configuration: transparent, one worker, the same list, names looked up at the same name server where
//! it looks them up at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::lab::{self, HTTP_PORT, Interception, TLS_PORT};
use crate::plan::{self, Place};
use crate::report::Test;

/// A proxy that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// No proxy: the router forwards.
    Direct,
    Luytre,
    Haproxy,
    Nginx,
    Squid,
    E2guardian,
}

/// What a proxy holds and where its files are.
pub struct Setting<'a> {
    pub folder: PathBuf,
    pub names: usize,
    /// Connections it must be able to hold.
    pub idle: u64,
    pub luytre: &'a Path,
    /// It does not put its own rules into the kernel.
    pub lab_rules: bool,
}

impl Setting<'_> {
    /// As many descriptors as it needs: some proxies take memory for each they might have.
    fn descriptors(&self) -> u64 {
        descriptors().min(2 * self.idle + SPARE)
    }
}

/// Descriptors of a proxy that are no connections: lists, listeners, pipes, name servers.
pub const SPARE: u64 = 600;
/// Where the Debian packages of nginx and e2guardian have their parts.
const NGINX_STREAM: &str = "/usr/lib/nginx/modules/ngx_stream_module.so";
const E2GUARDIAN: &str = "/etc/e2guardian";

impl Peer {
    pub const ALL: [Peer; 6] = [Peer::Direct, Peer::Luytre, Peer::Haproxy, Peer::Nginx, Peer::Squid, Peer::E2guardian];

    pub fn name(self) -> &'static str {
        match self {
            Peer::Direct => "direct",
            Peer::Luytre => "luytre",
            Peer::Haproxy => "haproxy",
            Peer::Nginx => "nginx",
            Peer::Squid => "squid",
            Peer::E2guardian => "e2guardian",
        }
    }

    pub fn place(self) -> Place {
        Place(Peer::ALL.iter().position(|other| *other == self).unwrap_or(0) as u8 + 1)
    }

    /// The Debian packages it is.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Peer::Direct | Peer::Luytre => &[],
            Peer::Haproxy => &["haproxy"],
            Peer::Nginx => &["nginx", "libnginx-mod-stream"],
            Peer::Squid => &["squid-openssl"],
            Peer::E2guardian => &["e2guardian"],
        }
    }

    /// The package with its version, or an error that names what is missing.
    pub fn version(self) -> anyhow::Result<String> {
        let Some(package) = self.packages().first() else { return Ok(self.name().to_owned()) };
        let mut version = String::new();
        for package in self.packages() {
            let query = Command::new("dpkg-query").args(["-W", "-f", "${Package} ${Version}", package]).output()?;
            let said = String::from_utf8_lossy(&query.stdout).into_owned();
            anyhow::ensure!(query.status.success() && said.len() > package.len() + 1, "apt-get install {package}");
            if version.is_empty() {
                version = said;
            }
        }
        anyhow::ensure!(version.starts_with(package), "no version");
        Ok(version)
    }

    /// nginx cannot be told to listen transparently and e2guardian does not set the option: both get NAT.
    pub fn interception(self, lab_rules: bool) -> Interception {
        match self {
            Peer::Direct => Interception::None,
            Peer::Luytre if !lab_rules => Interception::Own,
            Peer::Luytre | Peer::Haproxy | Peer::Squid => Interception::Tproxy,
            Peer::Nginx | Peer::E2guardian => Interception::Redirect,
        }
    }

    /// How it was set up, in words.
    pub fn about(self) -> &'static str {
        match self {
            Peer::Direct => "no proxy, the router forwards",
            Peer::Luytre => "TPROXY; to the address asked for if its name has it",
            Peer::Haproxy => "TPROXY; to the address asked for, unchecked; listed names match exactly; splice-auto",
            Peer::Nginx => {
                "REDIRECT (it cannot listen transparently); to what the SNI resolves to, kept in memory; TLS only"
            }
            Peer::Squid => "TPROXY; peek at step 1 and splice or terminate; to the address asked for; no cache",
            Peer::E2guardian => "REDIRECT; looks the Host up itself; Debian's phrase lists on, 64 threads; HTTP only",
        }
    }

    pub fn does(self, test: Test) -> bool {
        match self {
            Peer::Nginx => !test.is_http(),
            Peer::E2guardian => test.is_http(),
            _ => true,
        }
    }

    /// Writes the list in the proxy's own words.
    pub fn write_list(self, setting: &Setting<'_>) -> anyhow::Result<()> {
        let mut file = BufWriter::new(File::create(setting.folder.join("list"))?);
        for name in (0..setting.names).map(plan::listed) {
            match self {
                Peer::Direct => {}
                Peer::Luytre | Peer::Haproxy | Peer::E2guardian => writeln!(file, "{name}")?,
                Peer::Squid => writeln!(file, ".{name}")?,
                Peer::Nginx => writeln!(file, ".{name} 127.0.0.1:1;")?,
            }
        }
        Ok(file.flush()?)
    }

    /// Writes the configuration and says how to start the proxy in its router; `None` without a proxy.
    pub fn command(self, setting: &Setting<'_>) -> anyhow::Result<Option<Command>> {
        let (folder, config) = (&setting.folder, setting.folder.join("config"));
        let router = lab::router(self.place());
        let inside = |program: &str| lab::inside(&router, Path::new(program));
        let mut command;
        match self {
            Peer::Direct => return Ok(None),
            Peer::Luytre => {
                fs::write(&config, self.luytre_config(setting))?;
                let luytre = fs::canonicalize(setting.luytre).with_context(|| format!("{:?}", setting.luytre))?;
                // As an operator would; else the first start compiles.
                let done = Command::new(&luytre).arg("-c").arg(&config).args(["lists", "compile"]).output()?;
                anyhow::ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
                command = lab::inside(&router, &luytre);
                command.arg("-c").arg(&config);
            }
            Peer::Haproxy => {
                fs::write(&config, haproxy_config(setting))?;
                command = inside("/usr/sbin/haproxy");
                command.arg("-db").arg("-f").arg(&config);
            }
            Peer::Nginx => {
                fs::write(&config, self.nginx_config(setting))?;
                command = inside("/usr/sbin/nginx");
                command.arg("-p").arg(folder).arg("-c").arg(&config);
            }
            Peer::Squid => {
                fs::write(&config, self.squid_config(setting))?;
                command = inside("/usr/sbin/squid");
                command.args(["-N", "-f"]).arg(&config);
            }
            Peer::E2guardian => {
                self.write_e2guardian(setting, &lab::etc(&router).join("e2guardian"))?;
                command = inside("/usr/sbin/e2guardian");
                command.arg("-N");
            }
        }
        Ok(Some(command))
    }

    /// One profile for everybody, which refuses the list and lets other names pass.
    fn luytre_config(self, setting: &Setting<'_>) -> String {
        let (dir, resolver, own_rules) = (setting.folder.display(), self.place().resolver(), !setting.lab_rules);
        format!(
            "version = 1\nstate_dir = \"{dir}/state\"\n[dns]\nlisten = [\"127.0.0.1:53\"]\nworkers = 1\n\
             [dns.upstream]\nservers = [\"udp://{resolver}\"]\n\
             [proxy]\nenabled = true\nlan = [\"lan\"]\nmanage_firewall = {own_rules}\nhttp_port = {HTTP_PORT}\ntls_port = {TLS_PORT}\nworkers = 1\n\
             [[list]]\nname = \"list\"\nsource = \"file:{dir}/list\"\nformat = \"domains\"\nplain = \"suffix\"\n\
             categories = [\"gambling\"]\n[[profile]]\nname = \"child\"\nband = \"10-12\"\n\
             [defaults]\nprofile = \"child\"\n[metrics]\nenabled = false\n"
        )
    }

    fn nginx_config(self, setting: &Setting<'_>) -> String {
        let (dir, limit) = (setting.folder.display(), setting.descriptors());
        let Place(number) = self.place();
        let (resolver, own) = (self.place().resolver(), self.place().router());
        // A listed name goes to a port on which nobody listens: the phase in which `deny` stands is before the preread.
        format!(
            "load_module {NGINX_STREAM};\n# place {number}\nuser root;\ndaemon off;\nmaster_process off;\npid {dir}/pid;\n\
             error_log {dir}/error.log crit;\nworker_rlimit_nofile {limit};\nevents {{ worker_connections {limit}; }}\n\
             stream {{\n  map_hash_bucket_size 128;\n  map_hash_max_size 262144;\n  resolver {resolver} ipv6=off;\n\
             \x20 map $ssl_preread_server_name $to {{ hostnames; default $ssl_preread_server_name:443; include {dir}/list; }}\n\
             \x20 server {{\n    listen {own}:{TLS_PORT} backlog=4096;\n    ssl_preread on;\n    proxy_pass $to;\n\
             \x20   proxy_connect_timeout 10s;\n    proxy_timeout 1h;\n  }}\n}}\n"
        )
    }

    fn squid_config(self, setting: &Setting<'_>) -> String {
        let (dir, limit, resolver) = (setting.folder.display(), setting.descriptors(), self.place().resolver());
        // The client's own address towards the origin would need rules for the way back; nobody else here does it.
        format!(
            "http_port 127.0.0.1:3128\nhttp_port 127.0.0.1:{HTTP_PORT} tproxy\n\
             https_port 127.0.0.1:{TLS_PORT} tproxy ssl-bump generate-host-certificates=off tls-cert={dir}/cert.pem tls-key={dir}/key.pem\n\
             spoof_client_ip deny all\nacl step1 at_step SslBump1\nacl listed_tls ssl::server_name \"{dir}/list\"\n\
             acl listed dstdomain -n \"{dir}/list\"\nssl_bump peek step1\nssl_bump terminate listed_tls\nssl_bump splice all\n\
             http_access deny listed\nhttp_access allow all\ncache deny all\naccess_log none\ncache_log {dir}/cache.log\n\
             cache_store_log none\npid_filename none\nnetdb_filename none\ncoredump_dir {dir}\nvisible_hostname compare\n\
             dns_nameservers {resolver}\nmax_filedescriptors {limit}\nshutdown_lifetime 0 seconds\nread_timeout 1 hour\n\
             client_lifetime 2 hours\nlogfile_rotate 0\npinger_enable off\n"
        )
    }

    /// Debian's own configuration with our list, without logs, in the foreground. Stands over /etc in its namespace.
    fn write_e2guardian(self, setting: &Setting<'_>, to: &Path) -> anyhow::Result<()> {
        let dir = &setting.folder;
        let copied = Command::new("cp").args(["-a", "-T", E2GUARDIAN]).arg(to).status()?;
        anyhow::ensure!(copied.success(), "{E2GUARDIAN} cannot be copied");
        fs::copy(dir.join("list"), to.join("lists/bannedsitelist"))?;
        // One left behind keeps it from starting.
        let _ = fs::remove_file(dir.join("pid"));
        let ours = [
            ("loglevel", "0".to_owned()),
            ("filterip", self.place().router().to_string()),
            ("filterports", HTTP_PORT.to_string()),
            ("httpworkers", "64".to_owned()),
            ("pidfilename", format!("'{}/pid'", dir.display())),
            ("loglocation", format!("'{}/access.log'", dir.display())),
        ];
        let config = fs::read_to_string(to.join("e2guardian.conf"))?;
        let is_ours = |line: &&str| {
            let key = line.split('=').next().unwrap_or_default().trim();
            key == "transparenthttpsport" || ours.iter().any(|(ours, _)| key == *ours)
        };
        let kept = config.lines().filter(|line| !is_ours(line)).map(|line| format!("{line}\n"));
        let ours = ours.iter().map(|(key, value)| format!("{key} = {value}\n"));
        Ok(fs::write(to.join("e2guardian.conf"), kept.chain(ours).collect::<String>())?)
    }
}

fn haproxy_config(setting: &Setting<'_>) -> String {
    let (dir, places) = (setting.folder.display(), setting.idle + 500);
    // A server at 0.0.0.0 is the address the client asked for.
    format!(
        "global\n  nbthread 1\n  maxconn {places}\n  no strict-limits\ndefaults\n  maxconn {places}\n  backlog 4096\n  timeout connect 10s\n\
         \x20 timeout client 1h\n  timeout server 1h\n  option splice-auto\n\
         frontend tls\n  mode tcp\n  bind 127.0.0.1:{TLS_PORT} transparent\n  tcp-request inspect-delay 10s\n\
         \x20 tcp-request content reject if {{ req.ssl_sni,lower -m str -f {dir}/list }}\n\
         \x20 tcp-request content accept if {{ req.ssl_hello_type 1 }}\n  default_backend secure\n\
         backend secure\n  mode tcp\n  server origin 0.0.0.0:0\n\
         frontend web\n  mode http\n  bind 127.0.0.1:{HTTP_PORT} transparent\n\
         \x20 http-request deny if {{ req.hdr(host),field(1,:),lower -m str -f {dir}/list }}\n  default_backend plain\n\
         backend plain\n  mode http\n  server origin 0.0.0.0:0\n"
    )
}

/// Descriptors a process may have.
pub fn descriptors() -> u64 {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(4)?.parse().ok()).unwrap_or(1024)
}
