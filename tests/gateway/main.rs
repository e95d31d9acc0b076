//! The gateway lab: a household behind the real program, which puts its own rules into the kernel, and an internet of web,
//! TLS, QUIC and DNS servers; each in a network namespace, all of them in this process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

#[path = "../harness/mod.rs"]
mod harness;

mod browser;
mod crowd;
mod gone;
mod http;
mod lasting;
mod origin;
mod people;
mod privacy;
mod quic;
mod resolvers;
mod tls;

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::gateway::{ADULT_MAC, CHILD_MAC, LAN, Network, Room};
use harness::{PATIENCE, Seen, Server, Upstream, query_bytes, read};
use tempfile::TempDir;

use origin::{Authority, Visit, Visits};

/// The sites of the test's internet, by IPv4 and IPv6.
const SCHOOL: Site = Site { name: "school.example", addrs: ["198.51.100.10", "2001:db8:51::10"] };
const NEWS: Site = Site { name: "news.example", addrs: ["198.51.100.20", "2001:db8:51::20"] };
const CASINO: Site = Site { name: "casino.example", addrs: ["198.51.100.66", "2001:db8:51::66"] };
const HELP: Site = Site { name: "tongdai111.vn", addrs: ["198.51.100.111", "2001:db8:51::111"] };
const COP: Site = Site { name: "vn-cop.vn", addrs: ["198.51.100.112", "2001:db8:51::112"] };
const SITES: [Site; 5] = [SCHOOL, NEWS, CASINO, HELP, COP];
/// An address that belongs to no name.
const NOBODY: Site = Site { name: "nobody.example", addrs: ["198.51.100.200", "2001:db8:51::200"] };

/// Where the household's resolver asks, and the one a clever child asks.
const UPSTREAM: &str = "198.51.100.53";
const FOREIGN: [&str; 2] = ["203.0.113.99", "2001:db8:99::99"];

struct Site {
    name: &'static str,
    addrs: [&'static str; 2],
}

impl Site {
    fn ip(&self, family: usize) -> IpAddr {
        self.addrs[family].parse().unwrap()
    }

    fn at(&self, family: usize, port: u16) -> SocketAddr {
        (self.ip(family), port).into()
    }
}

/// IPv4 and IPv6, as positions.
const FAMILIES: [usize; 2] = [0, 1];

/// A household behind the program.
struct Gateway {
    network: Network,
    authority: Arc<Authority>,
    visits: Visits,
    quic: quic::Names,
    upstream: Upstream,
    foreign: [Upstream; 2],
    /// Last: it ends first.
    server: Server,
}

impl Gateway {
    /// With these options of the child's profile, `mai`.
    fn open(mai: &str) -> Gateway {
        Gateway::open_with("", mai)
    }

    /// And with these of `[proxy]`.
    fn open_with(proxy: &str, mai: &str) -> Gateway {
        Gateway::open_by(proxy, mai, |_| {})
    }

    /// And with a last word on how the program is run.
    fn open_by(proxy: &str, mai: &str, prepare: impl FnOnce(&mut std::process::Command)) -> Gateway {
        let network = Network::lay();
        let authority = Authority::new();
        let visits = origin::serve(&network.internet, &authority);
        let quic = quic::serve(&network.internet, &authority);
        let [upstream, foreign, foreign6] = [UPSTREAM, FOREIGN[0], FOREIGN[1]].map(|addr| resolver(&network, addr));
        for site in SITES {
            upstream.serve(site.name, "A", site.addrs[0]);
            upstream.serve(site.name, "AAAA", site.addrs[1]);
        }
        let folder = Arc::new(TempDir::new().unwrap());
        let server =
            Server::start_by(Arc::clone(&folder), |dns, metrics| config(&folder, dns, metrics, proxy, mai), prepare);
        Gateway { network, authority, visits, quic, upstream, foreign: [foreign, foreign6], server }
    }

    fn child(&self) -> &Room {
        &self.network.child
    }

    fn adult(&self) -> &Room {
        &self.network.adult
    }

    /// Puts other options of the child's profile in force.
    fn reconfigure(&self, mai: &str) {
        let text = config(&self.server.folder, self.server.dns, self.server.metrics, "", mai);
        fs::write(&self.server.config, text).unwrap();
        self.server.reload();
        assert_eq!(
            self.server.metric("luytre_app_changes_total{change=\"reload_refused\"}"),
            0.0,
            "{}",
            self.server.log()
        );
    }

    /// How many passages there were.
    fn passages(&self, by: &str, outcome: &str) -> f64 {
        self.server.metric(&format!("luytre_proxy_passages_total{{by=\"{by}\",outcome=\"{outcome}\"}}"))
    }

    /// Waits until that many were counted: what ends is counted a moment later than it is seen.
    fn await_passages(&self, by: &str, outcome: &str, expected: f64) {
        let until = Instant::now() + PATIENCE;
        while self.passages(by, outcome) != expected {
            let found = self.passages(by, outcome);
            assert!(Instant::now() < until, "{by} {outcome}: {found}, not {expected}\n{}", self.server.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// All counters of the proxy and the resolver, once nothing is under way.
    fn counters(&self) -> String {
        let until = Instant::now() + PATIENCE;
        while self.server.metric("luytre_proxy_open") != 0.0 {
            assert!(Instant::now() < until, "{}", self.server.metrics_text());
            thread::sleep(Duration::from_millis(10));
        }
        let text = self.server.metrics_text();
        text.lines().filter(|line| line.starts_with("luytre_")).collect::<Vec<_>>().join("\n")
    }

    /// Who came to the internet's servers since the last time.
    fn visits(&self) -> Vec<Visit> {
        self.visits.take()
    }
}

fn resolver(network: &Network, addr: &str) -> Upstream {
    let addr = SocketAddr::new(addr.parse().unwrap(), 53).to_string();
    let udp = network.internet.udp(&addr);
    Upstream::on(udp, network.internet.listen(&addr))
}

fn config(folder: &TempDir, dns: SocketAddr, metrics: SocketAddr, proxy: &str, mai: &str) -> String {
    let list = folder.path().join("list.txt");
    fs::write(&list, "casino.example\n").unwrap();
    let upstream = (UPSTREAM.parse::<IpAddr>().unwrap(), 53).into();
    let head = harness::head(dns, metrics, upstream, &folder.path().join("state"), "");
    let head = head.replace(&format!("[\"{dns}\"]"), &format!("[\"{dns}\", \"0.0.0.0:53\", \"[::]:53\"]"));
    format!(
        "{head}[proxy]\nenabled = true\nlan = [\"{LAN}\"]\n{proxy}\n[[list]]\nname = \"x\"\nsource = \"file:{}\"\n\
         format = \"domains\"\nplain = \"suffix\"\ncategories = [\"gambling\"]\n\
         [[profile]]\nname = \"parent\"\nband = \"18+\"\n[[device]]\nprofile = \"parent\"\nmac = \"{ADULT_MAC}\"\n\
         [[device]]\nprofile = \"mai\"\nmac = \"{CHILD_MAC}\"\n[defaults]\nprofile = \"mai\"\n\
         [[profile]]\nname = \"mai\"\nband = \"10-12\"\n{mai}\n",
        list.display()
    )
}

/// Asks a resolver from that room; a connected socket takes answers from the address that was asked alone.
fn ask(room: &Room, to: SocketAddr, name: &str, rtype: &str) -> Option<Seen> {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket: UdpSocket = room.udp(any);
    socket.connect(to).unwrap();
    socket.send(&query_bytes(7, name, rtype, true)).unwrap();
    let mut packet = [0; 4096];
    let len = socket.recv(&mut packet).ok()?;
    Some(read(&packet[..len]))
}

fn ask_tcp(room: &Room, to: SocketAddr, name: &str, rtype: &str) -> Seen {
    let mut stream = room.connect(to).unwrap();
    let packet = query_bytes(7, name, rtype, true);
    stream.write_all(&[&(packet.len() as u16).to_be_bytes()[..], &packet].concat()).unwrap();
    let mut len = [0; 2];
    stream.read_exact(&mut len).unwrap();
    let mut packet = vec![0; usize::from(u16::from_be_bytes(len))];
    stream.read_exact(&mut packet).unwrap();
    read(&packet)
}

/// Sends octets and returns all that comes back until the other side closes.
fn exchange(mut stream: TcpStream, octets: &[u8]) -> String {
    // A refusal may come before all was sent.
    let _ = stream.write_all(octets);
    read_all(&mut stream)
}

/// Up to the end or the error it ends with.
fn read_all(stream: &mut impl Read) -> String {
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    harness::text(&all)
}
