//! A small Internet: a root, a few top-level zones and a dozen below, signed in all the ways that matter and broken in the
//! ways that happen, served by knotd. Only in a namespace of the test's own.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// Addresses of the servers: root, top-level zones, and two that share all others.
pub const ROOT: &str = "10.77.0.10";
pub const TOP: &str = "10.77.0.20";
pub const ZONES: [&str; 2] = ["10.77.0.30", "10.77.0.40"];

/// How a zone is signed.
#[derive(Clone, Copy, PartialEq)]
pub enum Signed {
    /// Not at all.
    No,
    /// Algorithm and policy of knot's configuration.
    With(&'static str, &'static str),
}

/// What is wrong with a zone.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    None,
    /// The parent does not know that it is signed.
    NoDs,
    /// The parent knows another key.
    WrongDs,
    /// Signed long ago.
    Expired,
    /// The same, but help is there.
    ExpiredHelp,
    /// Signed for a time to come.
    Future,
    /// An address was changed after signing.
    Altered,
    /// The signatures over addresses are gone.
    Unsigned,
}

pub struct Zone {
    pub name: &'static str,
    pub signed: Signed,
    pub fault: Fault,
    /// Its servers' names are in another zone.
    pub hosted: bool,
}

const NSEC: Signed = Signed::With("ECDSAP256SHA256", "nsec");
const NSEC3: Signed = Signed::With("ECDSAP256SHA256", "nsec3");
const RSA: Signed = Signed::With("RSASHA256", "nsec");
const ED: Signed = Signed::With("ED25519", "nsec3");
const OPT_OUT: Signed = Signed::With("ECDSAP256SHA256", "optout");

const fn zone(name: &'static str, signed: Signed, fault: Fault, hosted: bool) -> Zone {
    Zone { name, signed, fault, hosted }
}

/// Top-level zones.
pub const TOPS: [Zone; 5] = [
    zone("com", NSEC, Fault::None, false),
    zone("net", OPT_OUT, Fault::None, false),
    zone("vn", NSEC3, Fault::None, false),
    zone("org", Signed::No, Fault::None, false),
    zone("arpa", NSEC, Fault::None, false),
];

/// Everything below.
pub const LEAVES: [Zone; 17] = [
    zone("nsec.com", NSEC, Fault::None, false),
    zone("nsec3.com", NSEC3, Fault::None, false),
    zone("rsa.net", RSA, Fault::None, true),
    zone("ed.vn", ED, Fault::None, false),
    zone("hosting.net", NSEC, Fault::None, false),
    zone("insecure.com", Signed::No, Fault::None, false),
    zone("insecure.net", Signed::No, Fault::None, true),
    zone("plain.org", Signed::No, Fault::None, true),
    zone("island.org", NSEC, Fault::NoDs, false),
    zone("8.8.8.in-addr.arpa", NSEC, Fault::None, true),
    zone("expired.com", NSEC, Fault::Expired, false),
    zone("tongdai111.vn", NSEC, Fault::ExpiredHelp, false),
    zone("future.com", NSEC, Fault::Future, false),
    zone("wrongds.com", NSEC, Fault::WrongDs, false),
    zone("altered.com", NSEC, Fault::Altered, false),
    zone("unsigned.com", NSEC, Fault::Unsigned, false),
    zone("deep.nsec.com", NSEC3, Fault::None, true),
];

/// Names that every leaf zone has something at or near.
pub const OWNERS: [&str; 30] = [
    "",
    "www",
    "v4",
    "v6",
    "alias",
    "chain1",
    "far",
    "dangling",
    "loop1",
    "x.dname",
    "y.x.dname",
    "dname",
    "a.ent",
    "ent",
    "any.wild",
    "two.any.wild",
    "*.wild",
    "any.wildalias",
    "_443._tcp.www",
    "_sip._tcp",
    "naptr",
    "svc",
    "big",
    "mail",
    "caa",
    "missing",
    "missing.www",
    "zzz.missing",
    "under.alias",
    "ns1",
];

/// The running servers; they end with it.
pub struct Internet {
    pub folder: TempDir,
    servers: Vec<Child>,
}

impl Internet {
    /// Makes and signs the zones, starts the servers and writes `root.hints` and `root.key`.
    pub fn start() -> Internet {
        let folder = TempDir::new().unwrap();
        for place in ["db", "out"] {
            fs::create_dir_all(folder.path().join(place)).unwrap();
        }
        let mut internet = Internet { folder, servers: Vec::new() };
        internet.write("knot.conf", &configuration(internet.folder.path()));
        // From the leaves up: each zone holds the keys of those below it.
        for zone in LEAVES.iter().rev() {
            let mut text = head(zone.name, zone.hosted, &ZONES);
            text += if zone.name.ends_with(".arpa") { REVERSE } else { CONTENT };
            for child in below(zone.name) {
                text += &internet.delegation(child);
            }
            internet.make(zone, &text);
        }
        for top in &TOPS {
            let mut text = head(top.name, false, &[TOP]);
            for child in LEAVES.iter().filter(|leaf| parent(leaf.name) == top.name) {
                text += &internet.delegation(child);
            }
            internet.make(top, &text);
        }
        let root = zone("", NSEC, Fault::None, false);
        let mut text = head("", false, &[ROOT]);
        for top in &TOPS {
            let _ = writeln!(text, "{0}. NS ns1.{0}.\nns1.{0}. A {TOP}", top.name);
            text += &internet.ds(top);
        }
        internet.make(&root, &text);
        internet.write("root.hints", &format!(". 3600 IN NS ns1.\nns1. 3600 IN A {ROOT}\n"));
        let keys = internet.keymgr(&[".", "dnskey"]);
        internet.write("root.key", &keys.replace(". DNSKEY", ". 3600 IN DNSKEY"));
        internet.serve();
        internet
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.file(name), text).unwrap();
    }

    fn keymgr(&self, arguments: &[&str]) -> String {
        run(Command::new("keymgr").arg("-c").arg(self.file("knot.conf")).args(arguments))
    }

    /// Signs a zone and leaves what is served in `out/`.
    fn make(&self, zone: &Zone, text: &str) {
        let file = file_of(zone.name);
        self.write(&file, text);
        let Signed::With(algorithm, _) = zone.signed else {
            fs::copy(self.file(&file), self.file(&format!("out/{file}"))).unwrap();
            return;
        };
        let (name, algorithm) = (format!("{}.", zone.name), format!("algorithm={algorithm}"));
        let always = ["created=1", "publish=1", "ready=1", "active=1"];
        self.keymgr(&[&[&name[..], "generate", "ksk=yes", "zsk=yes", &algorithm], &always[..]].concat());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let time = match zone.fault {
            Fault::Expired | Fault::ExpiredHelp => now - 90 * 86_400,
            Fault::Future => now + 90 * 86_400,
            _ => now,
        };
        let mut sign = Command::new("kzonesign");
        run(sign.arg("-c").arg(self.file("knot.conf")).arg("-o").arg(self.file("out")).args([
            "-t",
            &time.to_string(),
            &name,
        ]));
        let out = self.file(&format!("out/{file}"));
        let signed = fs::read_to_string(&out).unwrap();
        let broken: String =
            signed.lines().filter_map(|line| spoil(zone.fault, line)).map(|line| line + "\n").collect();
        fs::write(&out, broken).unwrap();
    }

    fn delegation(&self, child: &Zone) -> String {
        let mut text = String::new();
        for (at, addr) in ZONES.iter().enumerate() {
            let at = at + 1;
            let _ = match child.hosted {
                true => writeln!(text, "{}. NS ns{at}.hosting.net.", child.name),
                false => writeln!(text, "{0}. NS ns{at}.{0}.\nns{at}.{0}. A {addr}", child.name),
            };
        }
        text + &self.ds(child)
    }

    fn ds(&self, zone: &Zone) -> String {
        if zone.signed == Signed::No || zone.fault == Fault::NoDs {
            return String::new();
        }
        let line = self.keymgr(&[&format!("{}.", zone.name), "ds"]).lines().next().unwrap().to_string();
        let (start, digest) = line.rsplit_once(' ').unwrap();
        match zone.fault {
            Fault::WrongDs => format!("{start} {}\n", digest.chars().rev().collect::<String>()),
            _ => line + "\n",
        }
    }

    fn serve(&mut self) {
        let leaves = LEAVES.iter().map(|zone| zone.name).collect::<Vec<_>>();
        let tops = TOPS.iter().map(|zone| zone.name).collect::<Vec<_>>();
        for (at, (addrs, zones)) in [(&[ROOT][..], vec![""]), (&[TOP], tops), (&ZONES, leaves)].into_iter().enumerate()
        {
            let place = self.file(&format!("server{at}"));
            fs::create_dir_all(&place).unwrap();
            let listen: String = addrs.iter().map(|addr| format!("  listen: {addr}@53\n")).collect();
            let zones: String = zones
                .iter()
                .map(|name| {
                    format!(
                        "  - domain: {name}.\n    file: {}\n",
                        self.file(&format!("out/{}", file_of(name))).display()
                    )
                })
                .collect();
            let text = format!(
                "server:\n  rundir: {0}\n{listen}database:\n  storage: {0}\ntemplate:\n  - id: default\n    zonefile-load: whole\n    \
                 journal-content: none\nzone:\n{zones}",
                place.display()
            );
            let file = place.join("knot.conf");
            fs::write(&file, text).unwrap();
            let log = fs::File::create(place.join("log")).unwrap();
            let child = Command::new("knotd").arg("-c").arg(&file).stdout(log.try_clone().unwrap()).stderr(log).spawn();
            self.servers.push(child.unwrap());
        }
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for server in &mut self.servers {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn file_of(name: &str) -> String {
    format!("{}zone", if name.is_empty() { ".".to_string() } else { format!("{name}.") })
        .trim_start_matches('.')
        .to_string()
}

/// The zone that delegates a leaf.
fn parent(name: &str) -> &str {
    let above = LEAVES.iter().map(|leaf| leaf.name).filter(|other| name.ends_with(&format!(".{other}")));
    above.max_by_key(|other| other.len()).unwrap_or_else(|| name.rsplit('.').next().unwrap())
}

fn below(name: &str) -> impl Iterator<Item = &'static Zone> + use<'_> {
    LEAVES.iter().filter(move |leaf| leaf.name != name && parent(leaf.name) == name)
}

fn head(name: &str, hosted: bool, addrs: &[&str]) -> String {
    let mut text = format!("$ORIGIN {name}.\n$TTL 3600\n@ SOA ns1 nobody 1 3600 600 86400 300\n");
    for (at, addr) in addrs.iter().enumerate() {
        let at = at + 1;
        let _ = match hosted {
            true => writeln!(text, "@ NS ns{at}.hosting.net.\nns{at} TXT \"not the server\""),
            false => writeln!(text, "@ NS ns{at}\nns{at} A {addr}"),
        };
    }
    text
}

fn spoil(fault: Fault, line: &str) -> Option<String> {
    match fault {
        Fault::Altered if line.ends_with("192.0.2.80") => Some(line.replace("192.0.2.80", "192.0.2.81")),
        Fault::Unsigned if line.contains("RRSIG\tA ") => None,
        _ => Some(line.to_string()),
    }
}

fn configuration(folder: &Path) -> String {
    let policy = |id: &str, algorithm: &str, nsec3: &str, optout: &str| {
        format!(
            "  - id: {id}\n    algorithm: {algorithm}\n    manual: on\n    single-type-signing: on\n    rrsig-lifetime: 14d\n    \
             nsec3: {nsec3}\n    nsec3-iterations: 0\n    nsec3-opt-out: {optout}\n"
        )
    };
    let mut text = format!("server:\n  rundir: {0}\ndatabase:\n  storage: {0}/db\npolicy:\n", folder.display());
    for algorithm in ["ECDSAP256SHA256", "RSASHA256", "ED25519"] {
        for (id, nsec3, optout) in [("nsec", "off", "off"), ("nsec3", "on", "off"), ("optout", "on", "on")] {
            text += &policy(&format!("{id}-{}", algorithm.to_lowercase()), algorithm, nsec3, optout);
        }
    }
    text += "zone:\n";
    let root = zone("", NSEC, Fault::None, false);
    for zone in LEAVES.iter().chain(&TOPS).chain([&root]) {
        if let Signed::With(algorithm, policy) = zone.signed {
            let _ = write!(
                text,
                "  - domain: {}.\n    storage: {}\n    file: {}\n    dnssec-signing: on\n    dnssec-policy: {policy}-{}\n",
                zone.name,
                folder.display(),
                file_of(zone.name),
                algorithm.to_lowercase()
            );
        }
    }
    text
}

const CONTENT: &str = "@ A 192.0.2.80
@ AAAA 2001:db8::80
@ MX 10 mail
@ TXT \"one\" \"two\"
@ CAA 0 issue \"ca.example\"
www A 192.0.2.80
www AAAA 2001:db8::80
v4 A 192.0.2.4
v6 AAAA 2001:db8::6
mail A 192.0.2.25
alias CNAME www
chain1 CNAME chain2
chain2 CNAME chain3
chain3 CNAME chain4
chain4 CNAME chain5
chain5 CNAME www
far CNAME www.nsec3.com.
dangling CNAME nothing
loop1 CNAME loop2
loop2 CNAME loop1
dname DNAME target
x.target A 192.0.2.90
a.ent A 192.0.2.91
*.wild A 192.0.2.92
*.wild TXT \"wild\"
*.wildalias CNAME www
_443._tcp.www TLSA 3 1 1 0000000000000000000000000000000000000000000000000000000000000001
_sip._tcp SRV 10 20 5060 www
naptr NAPTR 10 20 \"S\" \"SIP+D2U\" \"\" _sip._tcp
svc HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
svc SVCB 1 www alpn=dot port=853
caa CAA 0 iodef \"mailto:a@ca.example\"
big TXT ( \"0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\"
 \"1111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111111\"
 \"2222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222222\"
 \"3333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333333\"
 \"4444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444444\"
 \"5555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555555\"
 \"6666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666666\" )
";

const REVERSE: &str = "8 PTR www.nsec.com.
4.4 PTR www.nsec3.com.
";
