//! The kernel asked and told by netlink: neighbours, and addresses that answers gave, in networks of the tests' own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test may end so")]

#[allow(dead_code, reason = "others use the rest")]
#[path = "harness/namespace.rs"]
mod namespace;

use std::fs;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use luytre::identity::Mac;
use luytre::net::given::{Element, Error, Sets};
use luytre::net::neighbours::Neighbours;

/// One for each way to start a time-out anew; all are right on a kernel that has the newest.
const KERNELS: [&str; 3] = ["6.12.0", "6.3.0", "5.10.0"];
/// How long an event may take to be seen.
const SOON: Duration = Duration::from_secs(1);

/// Runs a command and gives what it printed.
fn run(command: &str, input: &str) -> String {
    let mut words = command.split_whitespace();
    let mut child = Command::new(words.next().unwrap())
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn ip(arguments: &str) {
    run(&format!("ip {arguments}"), "");
}

/// True as soon as it holds, false when it does not hold soon.
fn soon(holds: impl Fn() -> bool) -> bool {
    let end = Instant::now() + SOON;
    while !holds() {
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(1));
    }
    true
}

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn mac(text: &str) -> Option<Mac> {
    Some(Mac::parse(text).unwrap())
}

/// Processor time of this process, in microseconds.
fn cpu_micros() -> u64 {
    // Fields 14 and 15 of proc_pid_stat(5) are clock ticks, 100 a second; schedstat counts nanoseconds, a thread.
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let spent = tasks.map(|task| {
        let text = fs::read_to_string(task.unwrap().path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
    });
    spent.sum::<u64>() / 1000
}

/// Two interfaces with networks of both families.
fn two_networks() {
    for (name, four, six) in [("lan", "10.7.0.1/16", "2001:db8:7::1/64"), ("guest", "10.8.0.1/16", "2001:db8:8::1/64")]
    {
        ip(&format!("link add {name} type veth peer name {name}-far"));
        ip(&format!("link set {name}-far addrgenmode none up"));
        ip(&format!("link set {name} up"));
        ip(&format!("address add {four} dev {name}"));
        ip(&format!("address add {six} dev {name} nodad"));
    }
}

#[test]
fn neighbours_come_change_and_go() {
    if !namespace::enter("neighbours_come_change_and_go") {
        return;
    }
    two_networks();
    ip("neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev lan nud permanent");
    ip("neigh add 2001:db8:7::2 lladdr 02:00:00:00:00:02 dev lan nud stale");
    let table = Neighbours::start().unwrap();
    let mut changes = table.changes();
    for known in ["10.7.0.2", "2001:db8:7::2", "::ffff:10.7.0.2"] {
        assert_eq!(table.mac_of(addr(known)), mac("02:00:00:00:00:02"), "{known}");
    }
    for (four, state) in [("10.7.0.3", "reachable"), ("10.7.0.4", "stale"), ("2001:db8:7::5", "permanent")] {
        ip(&format!("neigh add {four} lladdr 02:00:00:00:00:03 dev lan nud {state}"));
        assert!(soon(|| table.mac_of(addr(four)) == mac("02:00:00:00:00:03")), "{four} is {state}");
    }
    assert!(changes.has_changed().unwrap());
    changes.mark_unchanged();
    let mut addresses = table.addresses_of(mac("02:00:00:00:00:03").unwrap());
    addresses.sort_unstable();
    assert_eq!(addresses, ["10.7.0.3", "10.7.0.4", "2001:db8:7::5"].map(addr));
    // Another device takes an address over; unconfirmed is still its.
    ip("neigh replace 10.7.0.3 lladdr 02:00:00:00:00:09 dev lan nud stale");
    assert!(soon(|| table.mac_of(addr("10.7.0.3")) == mac("02:00:00:00:00:09")));
    assert!(changes.has_changed().unwrap());
    // Deleted, failed, and never asked for.
    ip("neigh del 10.7.0.3 dev lan");
    ip("neigh del 2001:db8:7::5 dev lan");
    ip("neigh change 10.7.0.4 dev lan nud failed");
    ip("neigh replace 10.7.0.2 lladdr 02:00:00:00:00:02 dev lan nud noarp");
    for gone in ["10.7.0.3", "2001:db8:7::5", "10.7.0.4", "10.7.0.2"] {
        assert!(soon(|| table.mac_of(addr(gone)).is_none()), "{gone}");
    }
    assert_eq!(table.all().len(), 1, "{:?}", table.all());
    // The interface goes, and all behind it.
    ip("link del lan");
    assert!(soon(|| table.is_empty()), "{:?}", table.all());
}

#[test]
fn a_link_local_address_is_found_by_its_interface() {
    if !namespace::enter("a_link_local_address_is_found_by_its_interface") {
        return;
    }
    two_networks();
    let table = Neighbours::start().unwrap();
    ip("neigh add fe80::5 lladdr 02:00:00:00:00:05 dev lan nud stale");
    assert!(soon(|| table.mac_of(addr("fe80::5")) == mac("02:00:00:00:00:05")));
    ip("neigh add fe80::5 lladdr 02:00:00:00:00:06 dev guest nud stale");
    assert!(soon(|| table.mac_of(addr("fe80::5")).is_none()), "it is two devices'");
    let index = |name| run(&format!("ip -o link show dev {name}"), "").split(':').next().unwrap().parse().unwrap();
    assert_eq!(table.mac_on(addr("fe80::5"), index("lan")), mac("02:00:00:00:00:05"));
    assert_eq!(table.mac_on(addr("fe80::5"), index("guest")), mac("02:00:00:00:00:06"));
    ip("neigh del fe80::5 dev lan");
    assert!(soon(|| table.mac_of(addr("fe80::5")) == mac("02:00:00:00:00:06")));
}

#[test]
fn who_is_faster_than_the_event_is_asked_for() {
    if !namespace::enter("who_is_faster_than_the_event_is_asked_for") {
        return;
    }
    two_networks();
    // A table nobody follows stands for one whose event is still on its way.
    let table = Neighbours::empty();
    ip("neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev lan nud stale");
    assert_eq!(table.mac_of(addr("10.7.0.2")), None);
    assert_eq!(table.look_up_now(addr("10.7.0.2")), mac("02:00:00:00:00:02"));
    // At once again: the kernel is not asked, and what it said counts.
    ip("neigh add 10.7.0.3 lladdr 02:00:00:00:00:03 dev lan nud stale");
    let started = Instant::now();
    let mut asked = 0_u32;
    while table.look_up_now(addr("10.7.0.3")).is_none() {
        asked += 1;
        assert!(started.elapsed() < SOON);
    }
    println!("{asked} look-ups in vain took {:?}", started.elapsed());
    assert!(asked > 1000, "each of {asked} look-ups asked the kernel");
}

#[test]
fn thousands_of_neighbours_at_once() {
    if !namespace::enter("thousands_of_neighbours_at_once") {
        return;
    }
    two_networks();
    let table = Neighbours::start().unwrap();
    let four = |number: u32| IpAddr::from(Ipv4Addr::from(0x0A07_1000 + number));
    let six = |number: u32| IpAddr::from(Ipv6Addr::from(0x2001_0db8_0007_u128 << 80 | u128::from(0x1000 + number)));
    let device = |number: u32| Mac([2, 1, 0, 0, (number >> 8) as u8, number as u8]);
    let lines = |verb: &str, tail: &str| -> String {
        let line =
            |number| format!("neigh {verb} {} lladdr {} dev lan {tail}\n", four(number), device(number).to_text());
        let line6 =
            |number| format!("neigh {verb} {} lladdr {} dev lan {tail}\n", six(number), device(number).to_text());
        (0..2500).map(|number| line(number) + &line6(number)).collect()
    };
    let spent = cpu_micros();
    run("ip -batch -", &lines("add", "nud permanent"));
    assert!(soon(|| table.len() >= 5000), "{} of 5,000 seen", table.len());
    println!("5,000 events took {} us of processor time", cpu_micros() - spent);
    for number in 0..2500 {
        assert_eq!(table.mac_of(four(number)), Some(device(number)));
        assert_eq!(table.mac_of(six(number)), Some(device(number)));
    }
    measure_look_ups(&table, &four, &six);
    let (started, spent) = (Instant::now(), cpu_micros());
    assert_eq!(Neighbours::start().unwrap().len(), table.len());
    println!("a dump of {} took {:?}, processor {} us", table.len(), started.elapsed(), cpu_micros() - spent);
    // As many events again that change nothing, and then none is left.
    run("ip -batch -", &lines("replace", "nud permanent"));
    run("ip neigh flush dev lan nud permanent", "");
    assert!(soon(|| table.is_empty()), "{} left", table.len());
    assert_eq!(table.refused(), 0);
}

fn measure_look_ups(table: &Neighbours, four: &dyn Fn(u32) -> IpAddr, six: &dyn Fn(u32) -> IpAddr) {
    const ROUNDS: u32 = 400;
    for (what, addresses) in [
        ("IPv4", (0..2500).map(four).collect::<Vec<_>>()),
        ("IPv6", (0..2500).map(six).collect()),
        ("unknown", (10_000..12_500).map(four).collect()),
    ] {
        let started = Instant::now();
        let mut found = 0;
        for _ in 0..ROUNDS {
            found += addresses.iter().filter(|addr| std::hint::black_box(table.mac_of(**addr)).is_some()).count();
        }
        let nanos = started.elapsed().as_nanos() / (u128::from(ROUNDS) * 2500);
        println!("{nanos} ns per look-up, {what}, {found} found");
    }
}

#[test]
fn lost_events_are_made_up_for() {
    if !namespace::enter("lost_events_are_made_up_for") {
        return;
    }
    two_networks();
    let table = Neighbours::start().unwrap();
    let all = |verb: &str| -> String {
        let line = |number: u32| {
            let (addr, low) = (Ipv4Addr::from(0x0A07_1000 + number), number & 255);
            format!("neigh {verb} {addr} lladdr 02:01:00:00:{:02x}:{low:02x} dev lan nud permanent\n", number >> 8)
        };
        (0..6000).map(line).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let batch = folder.path().join("batch");
    fs::write(&batch, [all("add"), all("del"), all("add")].concat()).unwrap();
    // The table's thread cannot keep up while this process is stopped, and far more happens than can wait.
    let us = std::process::id();
    let script = format!("kill -STOP {us}; ip -batch {}; kill -CONT {us}", batch.display());
    assert!(Command::new("sh").args(["-c", &script]).status().unwrap().success());
    assert!(soon(|| table.len() == 6000), "{} of 6,000", table.len());
    assert_eq!(table.mac_of(addr("10.7.16.5")), mac("02:01:00:00:00:05"));
    // And it still hears of what happens next.
    ip("neigh del 10.7.16.5 dev lan");
    assert!(soon(|| table.len() == 5999), "{}", table.len());
}

#[test]
fn reading_neighbours_needs_no_privilege() {
    const TEST: &str = "reading_neighbours_needs_no_privilege";
    const POWERLESS: &str = "LUYTRE_TEST_POWERLESS";
    if std::env::var_os(POWERLESS).is_some() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert!(status.contains("CapEff:\t0000000000000000\n"), "{status}");
        let table = Neighbours::start().unwrap();
        assert_eq!(table.mac_of(addr("10.7.0.2")), mac("02:00:00:00:00:02"));
        let sets = Sets::open().unwrap();
        let denied = sets.exists().unwrap_err();
        assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
        let element = Element { set: "help4", ip: addr("192.0.2.1"), timeout: None };
        assert!(matches!(sets.add(&[element]), Err(Error::Kernel(_))));
        return;
    }
    if !namespace::enter(TEST) {
        return;
    }
    two_networks();
    ip("neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev lan nud stale");
    let output = Command::new("setpriv")
        .args(["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", TEST, "--nocapture"])
        .env(POWERLESS, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.contains("1 passed"), "{output:?}");
}

/// The table as the firewall makes it.
fn make_table() {
    let sets = ["3", "4"].map(|number| {
        format!(
            "set given4_{number} {{ type ipv4_addr; flags timeout,dynamic; timeout 24h; size 65535; }}\n\
             set given6_{number} {{ type ipv6_addr; flags timeout,dynamic; timeout 24h; size 65535; }}\n"
        )
    });
    let table = format!(
        "table inet luytre {{ {}\nset small {{ type ipv4_addr; flags timeout,dynamic; timeout 1h; size 4; }}\n\
         set help4 {{ type ipv4_addr; }}\nset help6 {{ type ipv6_addr; }}\n\
         counter given_blocked {{ }}\ncounter quic {{ packets 7 bytes 700 }}\n\
         chain out {{ type filter hook output priority 0; ip daddr @help4 accept; ip daddr @given4_3 accept; ip daddr 127.0.0.9 counter name \"given_blocked\"; }}\n}}\n",
        sets.concat()
    );
    run("nft -f -", &table);
}

/// `nft list set`, without layout.
fn listed(set: &str) -> String {
    run(&format!("nft list set inet luytre {set}"), "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For how many seconds an address stays in a set; `None` when it is not there.
fn left(set: &str, ip: &str) -> Option<u64> {
    let text = listed(set);
    let entry = text.split_once(&format!(" {ip} "))?.1.split([',', '}']).next().unwrap();
    Some(entry.split_once("expires ").map_or(FOR_EVER, |(_, left)| seconds(left.trim())))
}

/// What the sets say for elements that say nothing.
const DAY: u64 = 86_400;
const FOR_EVER: u64 = u64::MAX;

/// `1d2h3m4s5ms`, up to the next second.
fn seconds(text: &str) -> u64 {
    let (number, rest) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap());
    let unit = rest.find(|letter: char| letter.is_ascii_digit()).unwrap_or(rest.len());
    let number: u64 = number.parse().unwrap();
    let this = match &rest[..unit] {
        "d" => 86_400 * number,
        "h" => 3600 * number,
        "m" => 60 * number,
        "s" => number,
        "ms" => 1,
        other => panic!("{other} in {text}"),
    };
    this + if unit < rest.len() { seconds(&rest[unit..]) } else { 0 }
}

/// True when an address stays so long, or a little less: it was added so many seconds ago at most.
fn stays(set: &str, ip: &str, seconds: u64) -> bool {
    left(set, ip).is_some_and(|left| left <= seconds && left + 5 > seconds)
}

fn element<'a>(set: &'a str, ip: &str, millis: Option<u64>) -> Element<'a> {
    Element { set, ip: addr(ip), timeout: millis.map(Duration::from_millis) }
}

#[test]
fn the_kernel_knows_addresses_when_they_are_added() {
    if !namespace::enter("the_kernel_knows_addresses_when_they_are_added") {
        return;
    }
    let sets = Sets::open().unwrap();
    assert!(!sets.exists().unwrap());
    assert!(sets.counters().unwrap().is_empty());
    make_table();
    assert!(sets.exists().unwrap());
    let all = [
        element("given4_3", "192.0.2.1", None),
        element("given4_3", "192.0.2.2", Some(3_600_000)),
        element("given4_4", "192.0.2.1", Some(60_000)),
        element("given6_3", "2001:db8::1", None),
        element("help4", "198.51.100.1", None),
        element("help6", "2001:db8::9", None),
        element("given4_3", "192.0.2.1", None),
        element("given4_3", "::ffff:192.0.2.4", None),
    ];
    sets.add(&all).unwrap();
    sets.add(&[]).unwrap();
    for (set, ip, seconds) in [
        ("given4_3", "192.0.2.1", DAY),
        ("given4_3", "192.0.2.2", 3600),
        ("given4_3", "192.0.2.4", DAY),
        ("given4_4", "192.0.2.1", 60),
        ("given6_3", "2001:db8::1", DAY),
    ] {
        assert!(stays(set, ip, seconds), "{}", listed(set));
    }
    assert_eq!((left("help4", "198.51.100.1"), left("help6", "2001:db8::9")), (Some(FOR_EVER), Some(FOR_EVER)));
    assert_eq!((left("given4_4", "192.0.2.2"), left("given4_3", "192.0.2.3")), (None, None));
}

#[test]
fn what_is_added_again_stays_longer() {
    if !namespace::enter("what_is_added_again_stays_longer") {
        return;
    }
    make_table();
    for release in KERNELS {
        let sets = Sets::for_kernel(release).unwrap();
        sets.add(&[element("given4_3", "192.0.2.1", Some(40_000)), element("given4_4", "192.0.2.9", None)]).unwrap();
        assert!(stays("given4_3", "192.0.2.1", 40), "{}", listed("given4_3"));
        sets.add(&[element("given4_3", "192.0.2.1", Some(400_000)), element("given4_3", "192.0.2.2", None)]).unwrap();
        assert!(stays("given4_3", "192.0.2.1", 400), "{}", listed("given4_3"));
        // Without a time-out of its own, the set's counts again.
        sets.add(&[element("given4_3", "192.0.2.1", None)]).unwrap();
        assert!(stays("given4_3", "192.0.2.1", DAY), "{}", listed("given4_3"));
        run("nft flush set inet luytre given4_3", "");
    }
}

#[test]
fn what_the_kernel_refuses_is_named_and_the_rest_is_taken() {
    if !namespace::enter("what_the_kernel_refuses_is_named_and_the_rest_is_taken") {
        return;
    }
    let sets = Sets::open().unwrap();
    let one = element("given4_3", "192.0.2.1", None);
    assert!(matches!(sets.add(&[one]), Err(Error::Missing { set }) if set == "given4_3"), "no table");
    make_table();
    let missing = [element("given4_99", "192.0.2.1", None), one];
    let Err(Error::Missing { set }) = sets.add(&missing) else { panic!("not missing") };
    assert_eq!(set, "given4_99");
    assert!(left("given4_3", "192.0.2.1").is_some(), "the other set's address was not taken");
    // Another family's address, and a time-out where there is none.
    for wrong in [element("given4_4", "2001:db8::1", None), element("help4", "192.0.2.1", Some(1000))] {
        let refused = sets.add(&[wrong, element("given4_3", "192.0.2.7", None)]).unwrap_err();
        println!("{refused}");
        assert!(matches!(&refused, Error::Refused { set, .. } if set == wrong.set), "{refused}");
    }
    assert!(left("given4_3", "192.0.2.7").is_some());
    // Four fit. Of the next six, one is known, and stays longer.
    let some = |from: u32, to: u32, millis| {
        (from..to).map(move |number| Element {
            set: "small",
            ip: Ipv4Addr::from(0xC633_6400 + number).into(),
            timeout: Some(Duration::from_millis(millis)),
        })
    };
    sets.add(&some(0, 4, 60_000).collect::<Vec<_>>()).unwrap();
    let more: Vec<_> = some(3, 9, 600_000).chain([element("given4_3", "192.0.2.8", None)]).collect();
    assert!(matches!(sets.add(&more), Err(Error::Full { set }) if set == "small"));
    assert!(stays("small", "198.51.100.3", 600), "{}", listed("small"));
    assert!(stays("small", "198.51.100.0", 60), "{}", listed("small"));
    assert_eq!(left("small", "198.51.100.5"), None);
    assert!(left("given4_3", "192.0.2.8").is_some());
}

#[test]
fn counters_are_read_without_nft() {
    if !namespace::enter("counters_are_read_without_nft") {
        return;
    }
    make_table();
    run("nft -f -", "table inet other {\ncounter not_ours { packets 3 bytes 3 }\n}\n");
    let sets = Sets::open().unwrap();
    let counters = || {
        let mut counters = sets.counters().unwrap();
        counters.sort();
        counters
    };
    assert_eq!(counters(), [("given_blocked".to_owned(), 0), ("quic".to_owned(), 7)]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..5 {
        socket.send_to(b"x", "127.0.0.9:9").unwrap();
    }
    assert_eq!(counters()[0].1, 5);
    // More than one datagram holds.
    let many: String = (0..2000).map(|number| format!("counter profile_{number} {{ }}\n")).collect();
    run("nft -f -", &format!("table inet luytre {{\n{many}}}\n"));
    let started = Instant::now();
    assert_eq!(sets.counters().unwrap().len(), 2002);
    println!("2,002 counters in {:?}", started.elapsed());
}

#[test]
fn twenty_thousand_addresses_are_added_fast() {
    if !namespace::enter("twenty_thousand_addresses_are_added_fast") {
        return;
    }
    make_table();
    let all = |set, net: u32| -> Vec<Element<'static>> {
        let ip = |number: u32| Ipv4Addr::from(net + number).into();
        (0..20_000).map(|number| Element { set, ip: ip(number), timeout: Some(Duration::from_secs(3600)) }).collect()
    };
    for (release, net) in KERNELS.into_iter().zip([0x0A00_0000, 0x0B00_0000, 0x0C00_0000]) {
        let sets = Sets::for_kernel(release).unwrap();
        let addresses = all("given4_3", net);
        for round in ["new", "known"] {
            let (started, spent) = (Instant::now(), cpu_micros());
            sets.add(&addresses).unwrap();
            let (wall, cpu) = (started.elapsed(), cpu_micros() - spent);
            println!("as for {release}: 20,000 {round}: {wall:?}, processor {cpu} us, {} ns each", cpu / 20);
        }
        let (started, spent) = (Instant::now(), cpu_micros());
        for element in &addresses[..2000] {
            sets.add(&[*element]).unwrap();
        }
        let (wall, cpu) = (started.elapsed().as_nanos() / 2000, (cpu_micros() - spent) / 2);
        println!("as for {release}: one add alone: {wall} ns, processor {cpu} ns");
        let text = listed("given4_3");
        assert_eq!(text.matches(" timeout 1h expires ").count(), 20_000, "{}", &text[..400]);
        run("nft flush set inet luytre given4_3", "");
    }
}
