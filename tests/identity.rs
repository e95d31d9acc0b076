//! Who is who: devices in network namespaces before the real program, known by MAC address whatever addresses they take, by
//! leases, and by the word of a trusted forwarder alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

mod harness;

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use harness::gateway::{ADULT, ADULT_MAC, CHILD, CHILD_MAC, LAN, Network, OUTSIDE, ROUTER, Room};
use harness::{PATIENCE, Server, Upstream, free_port, head, namespace, query_bytes, read};
use luytre::identity::Mac;
use luytre::identity::known::{Assigned, Why};
use luytre::identity::lease::{Format, LeaseFile};
use luytre::net::mdns::Announced;
use luytre::net::sightings::{Sightings, Sources};
use tempfile::TempDir;

/// Refused for the child, answered for the adult; strangers get neither.
const NAME: &str = "casino.example";
/// How soon a device has to be known by a new address.
const SOON: Duration = Duration::from_secs(1);
const NO_MAC: &[u8] = &[];
/// Behind another router: the kernel sees that router's MAC address, if any.
const FAR: [&str; 2] = ["10.99.0.5", "10.99.0.6"];

const PROFILES: &str = "[[profile]]\nname = \"an\"\nband = \"10-12\"\nblock_names = [\"casino.example\"]\n\
     [[profile]]\nname = \"parent\"\nband = \"18+\"\n\
     [[profile]]\nname = \"guest\"\nband = \"10-12\"\nblock = [\"everything\"]\n\
     [defaults]\nprofile = \"guest\"\n";

/// Who the program takes somebody to be, by what it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    An,
    Parent,
    Stranger,
    /// A stranger at the first question and known at the second.
    Becoming,
}

struct House {
    network: Network,
    server: Server,
    upstream: Upstream,
    port: u16,
}

impl House {
    fn open(identity: &str) -> House {
        let network = Network::lay();
        let upstream = Upstream::start();
        let folder = Arc::new(TempDir::new().unwrap());
        let (state, port) = (folder.path().join("state"), free_port());
        let upstream_addr = upstream.addr;
        let devices = [("an", CHILD_MAC), ("parent", ADULT_MAC)]
            .map(|(profile, mac)| format!("[[device]]\nprofile = \"{profile}\"\nmac = \"{mac}\"\n"));
        let server = Server::start_text(folder, |dns, metrics| {
            let listen = format!("{dns}\", \"{}:{port}\", \"[{}]:{port}", ROUTER[0], ROUTER[1]);
            let head = head(dns, metrics, upstream_addr, &state, "").replace(&dns.to_string(), &listen);
            head + PROFILES + &devices.concat() + identity
        });
        House { network, server, upstream, port }
    }

    /// Asks from one of the room's addresses, with the data of option 65001 if there is any.
    fn who(&self, room: &Room, from: &str, mac: &[u8]) -> Who {
        let from: IpAddr = from.parse().unwrap();
        let to = SocketAddr::new(ROUTER[usize::from(from.is_ipv6())].parse().unwrap(), self.port);
        let socket: UdpSocket = room.udp(&SocketAddr::new(from, 0).to_string());
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = [0; 4096];
        let mut ask = |name: &str| {
            socket.send_to(&with_mac(query_bytes(9, name, "A", true), mac), to).unwrap();
            let len = socket.recv(&mut answer).unwrap_or_else(|error| panic!("{from}: {error}: {}", self.server.log()));
            read(&answer[..len]).ede_code().is_none()
        };
        match (ask("school.example"), ask(NAME)) {
            (true, true) => Who::Parent,
            (true, false) => Who::An,
            (false, false) => Who::Stranger,
            (false, true) => Who::Becoming,
        }
    }

    /// Asks until it is so, for as long as `patience`; who it is then. The time begins with the first answer: before it, the
    /// kernel has nobody to send to, and asks for an address that was missed as it came up again after a second.
    fn becomes(&self, room: &Room, from: &str, expected: Who, patience: Duration) -> Who {
        let mut who = self.who(room, from, NO_MAC);
        let until = Instant::now() + patience;
        loop {
            if who == expected || Instant::now() > until {
                return who;
            }
            thread::sleep(Duration::from_millis(20));
            who = self.who(room, from, NO_MAC);
        }
    }
}

/// The query with EDNS option 65001.
fn with_mac(mut packet: Vec<u8>, mac: &[u8]) -> Vec<u8> {
    if !mac.is_empty() {
        // The OPT ends the packet, and its last two octets are the length of its options.
        let len = packet.len();
        packet[len - 2..].copy_from_slice(&(4 + mac.len() as u16).to_be_bytes());
        packet.extend(65_001_u16.to_be_bytes());
        packet.extend((mac.len() as u16).to_be_bytes());
        packet.extend(mac);
    }
    packet
}

fn octets(mac: &str) -> Vec<u8> {
    mac.split(':').map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

#[test]
fn devices_keep_their_profiles_whatever_addresses_they_take() {
    if !namespace::enter("devices_keep_their_profiles_whatever_addresses_they_take") {
        return;
    }
    let house = House::open("");
    let (child, adult) = (&house.network.child, &house.network.adult);
    for (room, addrs, who) in [(child, CHILD, Who::An), (adult, ADULT, Who::Parent)] {
        for addr in addrs {
            assert_eq!(house.becomes(room, addr, who, SOON), who, "{addr}");
        }
    }
    // Privacy addresses come, are used beside each other, and go (RFC 8981).
    for round in 1..=5 {
        for (room, who, host) in [(child, Who::An, "c"), (adult, Who::Parent, "a")] {
            let addr = format!("fd77::{host}{round}:{round:x}eef");
            room.ip(&format!("address add {addr}/64 dev eth0 nodad\n"));
            assert_eq!(house.becomes(room, &addr, who, SOON), who, "{addr}");
        }
        if round > 2 {
            child.ip(&format!("address del fd77::c{old}:{old:x}eef/64 dev eth0\n", old = round - 2));
        }
    }
    // Another MAC address is a stranger, by all its addresses.
    child.ip("link set eth0 address da:a1:19:00:00:01\n");
    child.ip("address add fd77::d/64 dev eth0 nodad\n");
    assert_eq!(house.becomes(child, "fd77::d", Who::Stranger, SOON), Who::Stranger);
}

#[test]
fn only_a_trusted_forwarder_says_who_asks() {
    if !namespace::enter("only_a_trusted_forwarder_says_who_asks") {
        return;
    }
    let house = House::open(&format!("[identity]\ntrusted_forwarders = [\"{}\"]\n", ADULT[0]));
    let (child, forwarder) = (&house.network.child, &house.network.adult);
    let (childs, adults) = (octets(CHILD_MAC), octets(ADULT_MAC));
    assert_eq!(house.becomes(child, CHILD[0], Who::An, SOON), Who::An);
    assert_eq!(house.who(child, CHILD[0], &adults), Who::An, "a child that says to be an adult's device");
    assert_eq!(house.becomes(forwarder, ADULT[0], Who::Parent, SOON), Who::Parent);
    assert_eq!(house.who(forwarder, ADULT[0], &childs), Who::An);
    assert_eq!(house.becomes(forwarder, ADULT[1], Who::Parent, SOON), Who::Parent);
    assert_eq!(house.who(forwarder, ADULT[1], &childs), Who::Parent, "trusted by its other address only");
    assert_eq!(house.who(forwarder, ADULT[0], &childs[..5]), Who::Parent, "no MAC address");
    // Nobody upstream hears of it.
    house.upstream.forget();
    let asked = house.network.adult.udp(&format!("{}:0", ADULT[0]));
    asked.send_to(&with_mac(query_bytes(9, "fresh.example", "A", true), &adults), (ROUTER[0], house.port)).unwrap();
    let mut answer = [0; 4096];
    let len = asked.recv(&mut answer).unwrap();
    assert!(!answer[..len].windows(adults.len()).any(|part| part == adults), "told back");
    assert_eq!(house.upstream.seen(), ["A fresh.example"]);
    assert!(!house.upstream.octets().windows(adults.len()).any(|part| part == adults), "told upstream");
}

#[test]
fn a_lease_names_the_device_behind_another_router() {
    if !namespace::enter("a_lease_names_the_device_behind_another_router") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (file, aside) = (folder.path().join("dhcp.leases"), folder.path().join("new"));
    let identity = format!("[[identity.leases]]\nfile = {file:?}\nformat = \"dnsmasq\"\n");
    let house = House::open(&identity);
    let room = &house.network.adult;
    // The adult's device routes for them, and the kernel never sees theirs.
    // By its own address, not by that of whom it routes for.
    room.within(|| fs::write("/proc/sys/net/ipv4/conf/all/arp_announce", "2").unwrap());
    room.ip(&format!("address add {}/32 dev lo\naddress add {}/32 dev lo\n", FAR[0], FAR[1]));
    namespace::ip(&["route", "add", "10.99.0.0/24", "via", ADULT[0]]);
    assert_eq!(house.who(room, FAR[0], NO_MAC), Who::Stranger, "there is no file yet");
    let give = |leases: &[(&str, &str)]| {
        let lines = leases.iter().map(|(mac, addr)| format!("0 {mac} {addr} an-tablet *\n"));
        fs::write(&aside, lines.collect::<String>()).unwrap();
        fs::rename(&aside, &file).unwrap();
    };
    let look = Duration::from_secs(2);
    give(&[(CHILD_MAC, FAR[0])]);
    assert_eq!(house.becomes(room, FAR[0], Who::An, look), Who::An);
    assert_eq!(house.who(room, FAR[1], NO_MAC), Who::Stranger);
    // Rewritten by rename, with a lie about a neighbour: the kernel knows better.
    give(&[(ADULT_MAC, FAR[0]), (CHILD_MAC, FAR[1]), (ADULT_MAC, CHILD[0])]);
    assert_eq!(house.becomes(room, FAR[1], Who::An, look), Who::An);
    assert_eq!(house.who(room, FAR[0], NO_MAC), Who::Parent);
    assert_eq!(house.becomes(&house.network.child, CHILD[0], Who::An, SOON), Who::An);
    fs::remove_file(&file).unwrap();
    thread::sleep(look);
    assert_eq!(house.who(room, FAR[1], NO_MAC), Who::An, "without its file what was known stays");
    assert!(!house.server.log().contains("an-tablet"));
}

#[test]
fn a_device_is_seen_with_its_addresses_and_proposed_when_it_comes_back_as_another() {
    if !namespace::enter("a_device_is_seen_with_its_addresses_and_proposed_when_it_comes_back_as_another") {
        return;
    }
    let network = Network::lay();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("leases");
    fs::write(&path, format!("0 {CHILD_MAC} {} an-tablet *\n", CHILD[0])).unwrap();
    let sightings = Sightings::start(|| 100);
    let leases = vec![LeaseFile { path: path.clone(), format: Format::Dnsmasq }];
    sightings.follow(&Sources { leases, mdns: false, lan: vec![LAN.into()] }).unwrap();
    let reach = |room: &Room, addrs: [&str; 2], routers: [&str; 2]| {
        for (addr, router) in addrs.iter().zip(routers) {
            let socket = room.udp(&SocketAddr::new(addr.parse().unwrap(), 0).to_string());
            socket.send_to(b"x", SocketAddr::new(router.parse().unwrap(), 9)).unwrap();
        }
    };
    let seen = |mac: &str| sightings.all().into_iter().find(|device| device.mac == Mac::parse(mac));
    let until = Instant::now() + PATIENCE;
    let mut now = 100;
    while seen(CHILD_MAC).is_none_or(|device| device.addrs.len() < 2) || seen(ADULT_MAC).is_none() {
        assert!(Instant::now() < until, "{:?}", sightings.all());
        reach(&network.child, CHILD, ROUTER);
        reach(&network.adult, ADULT, ROUTER);
        reach(&network.internet, ["203.0.113.2", "2001:db8:113::2"], OUTSIDE);
        thread::sleep(Duration::from_millis(20));
        now += 1;
        sightings.look(now);
    }
    let child = seen(CHILD_MAC).unwrap();
    assert_eq!(child.name.as_deref(), Some("an-tablet"));
    for addr in CHILD {
        assert!(child.addrs.contains(&addr.parse().unwrap()), "{child:?}");
    }
    assert_eq!(sightings.all().len(), 2, "who is outside is no device of the household: {:?}", sightings.all());
    // The tablet makes itself another MAC address, and takes its name along.
    let (made_up, another) = ("da:a1:19:00:00:01", "10.77.0.30");
    fs::write(&path, format!("0 {CHILD_MAC} {} an-tablet *\n0 {made_up} {another} An-Tablet *\n", CHILD[0])).unwrap();
    network.child.ip(&format!("link set eth0 address {made_up}\naddress add {another}/16 dev eth0\n"));
    let device =
        |device: &str, mac| Assigned { device: device.into(), mac: Mac::parse(mac).unwrap(), profile: "an".into() };
    let assigned = [device("the tablet", CHILD_MAC), device("a phone", ADULT_MAC)];
    while sightings.propose(&assigned).is_empty() {
        assert!(Instant::now() < until, "{:?}", sightings.all());
        reach(&network.child, [another, CHILD[1]], ROUTER);
        thread::sleep(Duration::from_millis(20));
        now += 1;
        sightings.look(now);
    }
    let proposals = sightings.propose(&assigned);
    assert_eq!((proposals.len(), proposals[0].mac.to_text().as_str()), (1, made_up));
    assert_eq!((proposals[0].like.as_str(), proposals[0].why), ("the tablet", Why::SameName));
    assert!(seen(made_up).is_some_and(|device| device.is_random && device.first_seen > child.first_seen));
}

#[test]
fn an_adults_rules_for_strangers_are_warned_of_where_a_child_lives() {
    let upstream = Upstream::start();
    let warns = |strangers: &str| {
        let rest = PROFILES.replace("profile = \"guest\"", &format!("profile = {strangers:?}"));
        Server::start(upstream.addr, &rest).log().contains("devices nobody knows get an adult's rules")
    };
    assert!(warns("parent") && !warns("guest"));
}

#[test]
fn a_name_is_learnt_from_the_device_that_announces_it() {
    if !namespace::enter("a_name_is_learnt_from_the_device_that_announces_it") {
        return;
    }
    let network = Network::lay();
    let announced = Announced::listen(&["lan0".to_string()]).unwrap();
    let say = |room: &Room, addr: &str, name: &str| {
        let ip: std::net::Ipv4Addr = addr.parse().unwrap();
        let mut octets = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, name.len() as u8];
        octets.extend(name.bytes());
        octets.extend(b"\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04");
        octets.extend(ip.octets());
        let to: SocketAddr = "224.0.0.251:5353".parse().unwrap();
        room.within(|| {
            let socket = UdpSocket::bind((room_addr(room, &network), 5353)).unwrap();
            socket.send_to(&octets, to).unwrap();
            // To the router itself, as from afar: no announcement.
            socket.send_to(&octets, (ROUTER[0], 5353)).unwrap();
        });
    };
    let until = Instant::now() + PATIENCE;
    while announced.name_of(CHILD[0].parse().unwrap()).is_none() {
        assert!(Instant::now() < until, "not heard");
        say(&network.child, CHILD[0], "an-tablet");
        say(&network.adult, CHILD[0], "a-lie");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(announced.name_of(CHILD[0].parse().unwrap()).as_deref(), Some("an-tablet"));
    assert_eq!(announced.name_of(ADULT[0].parse().unwrap()), None);
}

fn room_addr(room: &Room, network: &Network) -> IpAddr {
    let of = if std::ptr::eq(room, &network.child) { CHILD } else { ADULT };
    of[0].parse().unwrap()
}
