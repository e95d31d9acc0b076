//! Packets on their way to somebody else, caught by the kernel and answered by us in that somebody's place: a client and a
//! router in networks of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

#[allow(dead_code, reason = "others use the rest")]
#[path = "harness/namespace.rs"]
mod namespace;

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, SocketAddrV6, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use luytre::net::transparent;
use luytre::sys::{self, Batch, LocalAddr};

const TEST: &str = "the_client_is_answered_by_whom_it_asked";
/// Set for the client: the destinations it asks.
const CLIENT: &str = "LUYTRE_TEST_CLIENT";
const PATIENCE: Duration = Duration::from_secs(5);

/// The rules of the reference, for every port of the test.
const RULES: &str = "
table inet luytre {
  chain pre {
    type filter hook prerouting priority mangle; policy accept;
    iifname != lan return
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 tproxy ip to 127.0.0.1:53 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport 53 tproxy ip6 to [::1]:53 meta mark set 1 accept
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport 443 tproxy ip to 127.0.0.1:8443 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport 443 tproxy ip6 to [::1]:8443 meta mark set 1 accept
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport 123 tproxy ip to 127.0.0.1:123 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport 123 tproxy ip6 to [::1]:123 meta mark set 1 accept
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport 99 tproxy ip to 192.0.2.99:99 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport 99 tproxy ip6 to [100::99]:99 meta mark set 1 accept
  }
}
";

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A namespace for the client, which lasts as long as the process in it.
fn client_namespace() -> Ended {
    let ours = fs::read_link("/proc/self/ns/net").unwrap();
    let child = Ended(Command::new("unshare").args(["--net", "sleep", "120"]).spawn().unwrap());
    let theirs = format!("/proc/{}/ns/net", child.0.id());
    let end = Instant::now() + PATIENCE;
    while fs::read_link(&theirs).unwrap() == ours {
        assert!(Instant::now() < end);
        thread::sleep(Duration::from_millis(1));
    }
    child
}

/// The client behind `lan`, and the rules. Gives the client's process and the number of its interface.
fn build() -> (Ended, u32) {
    let client = client_namespace();
    let pid = client.0.id();
    run("ip link add lan type veth peer name home");
    run(&format!("ip link set home netns {pid}"));
    run("ip link set lan addrgenmode none up");
    for addr in ["10.9.0.1/24", "2001:db8:9::1/64", "fe80::1/64"] {
        run(&format!("ip address add {addr} dev lan{}", if addr.contains(':') { " nodad" } else { "" }));
    }
    for family in ["-4", "-6"] {
        run(&format!("ip {family} rule add pref 100 fwmark 1/1 lookup 100"));
        run(&format!("ip {family} route add local default dev lo table 100"));
    }
    // Link-local addresses are looked for on the interface itself: the route above does not hold for others' than ours.
    run("ip -6 route add local fe80::/64 dev lan table 100");
    let inside = |command: &str| run(&format!("nsenter --net=/proc/{pid}/ns/net ip {command}"));
    inside("link set home addrgenmode none up");
    for addr in ["10.9.0.2/24", "2001:db8:9::2/64", "fe80::2/64"] {
        inside(&format!("address add {addr} dev home{}", if addr.contains(':') { " nodad" } else { "" }));
    }
    inside("-4 route add default via 10.9.0.1");
    inside("-6 route add default via 2001:db8:9::1");
    let mac = run("ip -o link show dev lan").split_once("link/ether ").unwrap().1.split(' ').next().unwrap().to_owned();
    // A resolver whose link-local address is somebody else's, and whose packets come to us nevertheless.
    inside(&format!("neigh add fe80::99 lladdr {mac} dev home nud permanent"));
    let mut nft = Command::new("nft").args(["-f", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    nft.stdin.take().unwrap().write_all(RULES.as_bytes()).unwrap();
    assert!(nft.wait().unwrap().success());
    let index = inside("-o link show dev home").split(':').next().unwrap().parse().unwrap();
    (client, index)
}

/// Answers each connection with the address it was meant for.
fn serve_tcp(listener: TcpListener) {
    thread::spawn(move || {
        loop {
            match listener.accept() {
                Ok((mut stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    let original = stream.local_addr().unwrap();
                    stream.write_all(format!("{} {}", original.ip(), original.port()).as_bytes()).unwrap();
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(1)),
                Err(error) => panic!("{error}"),
            }
        }
    });
}

/// Answers each datagram with the address it was meant for, from there.
fn serve_udp(socket: UdpSocket) {
    each_datagram(socket, |socket, outbox, inbox, at| {
        let local = inbox.local(at).unwrap();
        assert!(outbox.push(told(local).as_bytes(), inbox.peer(at).unwrap(), Some(local)));
        assert_eq!(sys::send_batch(socket.as_fd(), outbox), 0);
    });
}

fn told(local: LocalAddr) -> String {
    format!("{} by {}", local.ip, local.interface)
}

fn each_datagram(socket: UdpSocket, mut answer: impl FnMut(&UdpSocket, &mut Batch, &Batch, usize) + Send + 'static) {
    thread::spawn(move || {
        let (mut inbox, mut outbox) = (Batch::new(), Batch::new());
        loop {
            match sys::recv_batch(socket.as_fd(), &mut inbox) {
                Ok(count) => (0..count).for_each(|at| answer(&socket, &mut outbox, &inbox, at)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("{error}"),
            }
        }
    });
}

/// Gives each flow a socket of its own, which answers all but the first datagram. `first` counts what the listener saw.
fn serve_flows(socket: UdpSocket, first: Arc<AtomicUsize>) {
    let mut flows = HashMap::new();
    each_datagram(socket, move |_, _, inbox, at| {
        first.fetch_add(1, Ordering::Relaxed);
        let (local, client) = (inbox.local(at).unwrap(), inbox.peer(at).unwrap());
        let mut original = SocketAddr::new(local.ip, 443);
        if let SocketAddr::V6(addr) = &mut original {
            addr.set_scope_id(if addr.ip().is_unicast_link_local() { local.interface } else { 0 });
        }
        let flow = transparent::flow(original, client).unwrap();
        flow.set_nonblocking(false).unwrap();
        flow.send(told(local).as_bytes()).unwrap();
        let same = flow.try_clone().unwrap();
        thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok(len) = same.recv(&mut buffer) {
                same.send(&[b"flow ", &buffer[..len]].concat()).unwrap();
            }
        });
        assert!(flows.insert((original, client), flow).is_none(), "a known flow came to the listener");
    });
}

#[test]
fn the_client_is_answered_by_whom_it_asked() {
    if let Ok(destinations) = std::env::var(CLIENT) {
        return ask(&destinations);
    }
    if !namespace::enter(TEST) {
        return;
    }
    let (client, index) = build();
    let first = Arc::new(AtomicUsize::new(0));
    for (loopback, nobody) in [("127.0.0.1", "192.0.2.99"), ("::1", "100::99")] {
        let addr = |port| SocketAddr::new(loopback.parse().unwrap(), port);
        serve_tcp(transparent::tcp(addr(53), 16).unwrap());
        serve_udp(transparent::udp(addr(53)).unwrap());
        serve_tcp(transparent::tcp(addr(8443), 16).unwrap());
        serve_flows(transparent::udp(addr(8443)).unwrap(), first.clone());
        // As the service manager hands them over: bound already, and ordinary.
        let (tcp, udp) = (TcpListener::bind(addr(123)).unwrap(), UdpSocket::bind(addr(123)).unwrap());
        transparent::make_transparent(tcp.as_fd()).unwrap();
        transparent::make_transparent(udp.as_fd()).unwrap();
        sys::enable_packet_info(udp.as_fd(), addr(0).is_ipv6()).unwrap();
        serve_tcp(tcp);
        serve_udp(udp);
        // On an address that is nobody's, where nothing else can be bound to the port.
        let addr = SocketAddr::new(nobody.parse().unwrap(), 99);
        serve_tcp(transparent::tcp(addr, 16).unwrap());
        serve_udp(transparent::udp(addr).unwrap());
    }
    let foreign = ["198.51.100.7", "10.9.0.1", "2001:db8:77::7", "2001:db8:9::1", "fe80::1", "fe80::99"];
    let output = Command::new("nsenter")
        .arg(format!("--net=/proc/{}/ns/net", client.0.id()))
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(CLIENT, format!("{index} {}", foreign.join(" ")))
        .output()
        .unwrap();
    println!("{}", String::from_utf8_lossy(&output.stdout));
    let is_run = String::from_utf8_lossy(&output.stdout).contains("1 passed");
    assert!(output.status.success() && is_run, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        first.load(Ordering::Relaxed),
        2 * foreign.len(),
        "the listener saw more than each flow's first datagram"
    );
}

/// The client: asks every destination on every port, both ways.
fn ask(destinations: &str) {
    let mut words = destinations.split(' ');
    let index: u32 = words.next().unwrap().parse().unwrap();
    for word in words {
        let ip: IpAddr = word.parse().unwrap();
        for port in [53, 443, 123, 99] {
            let to = match ip {
                IpAddr::V6(ip) if ip.is_unicast_link_local() => SocketAddrV6::new(ip, port, 0, index).into(),
                _ => SocketAddr::new(ip, port),
            };
            let mut text = String::new();
            let mut stream =
                TcpStream::connect_timeout(&to, PATIENCE).unwrap_or_else(|error| panic!("TCP {to}: {error}"));
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            stream.read_to_string(&mut text).unwrap();
            assert_eq!(text, format!("{} {port}", to.ip()), "TCP {to}");
            ask_udp(to);
            println!("{to} answers");
        }
    }
}

fn ask_udp(to: SocketAddr) {
    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    // Two clients at once, and more than one datagram each.
    let sockets = [(); 2].map(|()| UdpSocket::bind(any).unwrap());
    for round in 0..3 {
        for socket in &sockets {
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send_to(format!("{round}").as_bytes(), to).unwrap();
        }
        for socket in &sockets {
            let mut buffer = [0; 128];
            let (len, from) = socket.recv_from(&mut buffer).unwrap_or_else(|error| panic!("UDP {to}: {error}"));
            assert_eq!(from, to, "the answer comes from elsewhere");
            let text = String::from_utf8_lossy(&buffer[..len]);
            if to.port() == 443 && round > 0 {
                assert_eq!(text, format!("flow {round}"));
            } else {
                assert!(text.starts_with(&format!("{} by ", to.ip())), "{text}");
                println!("UDP {to}: {text}");
            }
        }
    }
}
