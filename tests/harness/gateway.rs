//! A household's network in namespaces: the test's own is the router, others are the child's, the adult's and the internet.
//! They live as long as their holders, which the kernel ends with the test, so that nothing is left behind.

use std::fs::{self, File};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};

use super::PATIENCE;

/// The router's interface to the devices.
pub const LAN: &str = "lan0";
pub const ROUTER: [&str; 2] = ["10.77.0.1", "fd77::1"];
pub const CHILD: [&str; 2] = ["10.77.0.10", "fd77::10"];
pub const CHILD_MAC: &str = "02:00:00:00:77:10";
pub const ADULT: [&str; 2] = ["10.77.0.20", "fd77::20"];
pub const ADULT_MAC: &str = "02:00:00:00:77:20";
/// Where the internet sees the router.
pub const OUTSIDE: [&str; 2] = ["203.0.113.1", "2001:db8:113::1"];

/// A network namespace that is not the test's.
pub struct Room {
    holder: Child,
    net: File,
}

impl Room {
    fn open() -> Room {
        let holder = Command::new("unshare")
            .args(["--net", "setpriv", "--pdeathsig", "KILL", "sleep", "600"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let (theirs, ours) =
            (format!("/proc/{}/ns/net", holder.id()), fs::read_link("/proc/thread-self/ns/net").unwrap());
        let until = Instant::now() + PATIENCE;
        while fs::read_link(&theirs).is_ok_and(|link| link == ours) {
            assert!(Instant::now() < until, "no namespace");
            thread::sleep(Duration::from_millis(1));
        }
        let room = Room { net: File::open(&theirs).unwrap(), holder };
        room.within(|| set_up(&["net/ipv6/conf/all/accept_dad", "net/ipv6/conf/default/accept_dad"], "0"));
        room.ip("link set lo up");
        room
    }

    /// Moves the calling thread there, for good.
    pub fn enter(&self) {
        move_into_link_name_space(self.net.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    /// Does something there: sockets stay where they were made.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let done = thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter();
                work()
            });
            inside.join()
        });
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// A program there.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.holder.id())).args([
            "setpriv",
            "--pdeathsig",
            "KILL",
            program,
        ]);
        command
    }

    pub fn listen(&self, addr: &str) -> TcpListener {
        self.within(|| TcpListener::bind(addr).unwrap())
    }

    pub fn udp(&self, addr: &str) -> UdpSocket {
        let socket = self.within(|| UdpSocket::bind(addr).unwrap());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// A connection that gives up after two seconds.
    pub fn connect(&self, to: SocketAddr) -> std::io::Result<TcpStream> {
        self.connect_from(None, to)
    }

    /// From one of the room's addresses.
    pub fn connect_from(&self, from: Option<IpAddr>, to: SocketAddr) -> std::io::Result<TcpStream> {
        let stream = self.within(|| {
            let socket = Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
            if let Some(from) = from {
                socket.bind(&SocketAddr::new(from, 0).into())?;
            }
            socket.connect_timeout(&to.into(), Duration::from_secs(2))?;
            std::io::Result::Ok(TcpStream::from(socket))
        })?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Runs lines of `ip` there.
    pub fn ip(&self, lines: &str) {
        batch(self.command("ip"), lines);
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// The household and what is outside.
pub struct Network {
    pub child: Room,
    pub adult: Room,
    pub internet: Room,
}

impl Network {
    /// Inside `namespace::enter`. The internet has every address there is but the household's.
    pub fn lay() -> Network {
        let network = Network { child: Room::open(), adult: Room::open(), internet: Room::open() };
        set_up(&["net/ipv6/conf/all/accept_dad", "net/ipv6/conf/default/accept_dad"], "0");
        set_up(&["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"], "1");
        // Where the module is loaded every new namespace begins with it on; `doctor` tells households.
        set_up(&["net/bridge/bridge-nf-call-iptables", "net/bridge/bridge-nf-call-ip6tables"], "0");
        let [child, adult, internet] = [&network.child, &network.adult, &network.internet].map(|room| room.holder.id());
        batch(
            Command::new("ip"),
            &format!(
                "link add {LAN} type bridge\n\
                 link add lan1 type veth peer name eth0 address {CHILD_MAC} netns {child}\n\
                 link add lan2 type veth peer name eth0 address {ADULT_MAC} netns {adult}\n\
                 link add wan0 type veth peer name eth0 netns {internet}\n\
                 link set lan1 master {LAN}\nlink set lan2 master {LAN}\n\
                 link set lan1 up\nlink set lan2 up\nlink set {LAN} up\nlink set wan0 up\n\
                 address add {}/16 dev {LAN}\naddress add {}/64 dev {LAN} nodad\n\
                 address add {}/30 dev wan0\naddress add {}/126 dev wan0 nodad\n",
                ROUTER[0], ROUTER[1], OUTSIDE[0], OUTSIDE[1]
            ),
        );
        network.child.ip(&device(CHILD));
        network.adult.ip(&device(ADULT));
        // IPv6 binds to addresses of an interface only, unless told otherwise.
        network.internet.within(|| set_up(&["net/ipv6/ip_nonlocal_bind"], "1"));
        network.internet.ip(&format!(
            "link set eth0 up\naddress add 203.0.113.2/30 dev eth0\naddress add 2001:db8:113::2/126 dev eth0 nodad\n\
             route add 203.0.113.0/30 dev eth0 table local\nroute add 10.77.0.0/16 via {} table local\n\
             route add local 0.0.0.0/0 dev lo table local\n\
             route add 2001:db8:113::/126 dev eth0 table local\nroute add fe80::/64 dev eth0 table local\n\
             route add fd77::/64 via {} table local\nroute add local ::/0 dev lo table local\n",
            OUTSIDE[0], OUTSIDE[1]
        ));
        batch(Command::new("ip"), "route add default via 203.0.113.2\nroute add ::/0 via 2001:db8:113::2\n");
        network
    }
}

fn device([ipv4, ipv6]: [&str; 2]) -> String {
    format!(
        "link set eth0 up\naddress add {ipv4}/16 dev eth0\naddress add {ipv6}/64 dev eth0 nodad\n\
         route add default via {}\nroute add ::/0 via {}\n",
        ROUTER[0], ROUTER[1]
    )
}

/// Writes a value to settings of the calling thread's namespace, where they exist.
fn set_up(settings: &[&str], value: &str) {
    for setting in settings {
        let file = format!("/proc/sys/{setting}");
        if fs::exists(&file).unwrap() {
            fs::write(&file, value).unwrap_or_else(|error| panic!("{file}: {error}"));
        }
    }
}

/// Runs lines of `ip`, which tells the family by the addresses.
fn batch(mut command: Command, lines: &str) {
    let mut child = command.args(["-batch", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{lines}: {}", String::from_utf8_lossy(&output.stderr));
}
