//! `[proxy]`: the transparent proxy, what it intercepts and its limits.

use std::time::Duration;

use super::read::{duration, number, word};
use crate::document::{At, Table};
use crate::policy::WhenDead;

/// Door two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    /// Interfaces behind which the clients live; everything else is the outside.
    pub lan: Vec<String>,
    /// The program puts its rules into the kernel itself; off leaves that to `luytre firewall apply`.
    pub manage_firewall: bool,
    /// What the kernel does with intercepted connections while the program does not run, unless a profile says otherwise.
    pub when_dead: WhenDead,
    /// Port on the loopback addresses to which HTTP is led.
    pub http_port: u16,
    /// The same for TLS.
    pub tls_port: u16,
    /// Threads; 0 means one a core.
    pub workers: usize,
    /// Connections.
    pub places: Places,
    /// The first octets have to say where to in this time.
    pub hello: Duration,
    /// A connection on which nothing moves is closed after this.
    pub idle: Duration,
    /// The bit that marks intercepted packets; others of the mark are left alone.
    pub mark: u32,
    /// Routing table of intercepted packets.
    pub table: u32,
    /// Preference of the rule that leads to that table.
    pub preference: u32,
}

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// In all.
    pub all: usize,
    /// Of one client.
    pub client: usize,
    /// QUIC flows, in all.
    pub flows: usize,
}

/// One bit that neither Docker, Tailscale, mwan3 nor pbr uses by default.
const MARK: u64 = 0x0800_0000;
/// "LT" in ASCII.
const TABLE: u64 = 0x4c54;
/// Before the tables every system has (32766, 32767) and those of VPN programs (from 5000).
const PREFERENCE: u64 = 1090;

impl Proxy {
    /// Routing table and preference where nothing is said.
    pub const USUAL_ROUTES: (u32, u32) = (TABLE as u32, PREFERENCE as u32);
}

pub(super) fn proxy(root: &mut Table<'_>) -> Option<Proxy> {
    let mut table = root.table("proxy")?;
    let table = &mut table;
    let enabled = table.or("enabled", false);
    let lan = interfaces(table, enabled);
    let when_dead = word(table, "when_dead", "state", WhenDead::WORDS).map_or(WhenDead::Open, |at| at.value);
    let [http_port, tls_port] =
        [("http_port", 8180), ("tls_port", 8443)].map(|(key, port)| number(table, key, port, 1..=65_535) as u16);
    if http_port == tls_port || [53, 443].contains(&http_port) || [53, 443].contains(&tls_port) {
        table.fault(&table.span(), "`http_port` and `tls_port` have to differ from each other and from 53 and 443");
    }
    let proxy = Proxy {
        lan,
        manage_firewall: table.or("manage_firewall", true),
        when_dead,
        http_port,
        tls_port,
        workers: number(table, "workers", 0, 0..=256) as usize,
        places: Places {
            all: number(table, "connections_max", 65_536, 1..=1 << 20) as usize,
            client: number(table, "connections_per_client", 1024, 1..=1 << 20) as usize,
            flows: number(table, "flows_max", 4096, 1..=1 << 16) as usize,
        },
        hello: duration(table, "hello_timeout", 10, 1..=60),
        idle: duration(table, "idle", 7200, 10..=86_400),
        mark: bit(table),
        table: number(table, "table", TABLE, 1..=u64::from(u32::MAX)) as u32,
        preference: number(table, "preference", PREFERENCE, 1..=32_765) as u32,
    };
    enabled.then_some(proxy)
}

/// Interface names as the kernel takes them: 1 to 15 octets, no space, no slash.
fn interfaces(table: &mut Table<'_>, needed: bool) -> Vec<String> {
    const NAME_MAX: usize = 15;
    let lan = table.or::<Vec<At<String>>>("lan", Vec::new());
    for name in &lan {
        let plain = |letter: char| letter.is_ascii_graphic() && !"/\"\\{}*".contains(letter);
        if name.value.is_empty() || name.value.len() > NAME_MAX || !name.value.chars().all(plain) {
            table.fault(&name.span, format!("{:?} is not the name of an interface (\"br-lan\")", name.value));
        }
    }
    if needed && lan.is_empty() {
        table.fault(&table.span(), "`lan` is missing: the interfaces behind which the clients live ([\"br-lan\"])");
    }
    lan.into_iter().map(|name| name.value).collect()
}

fn bit(table: &mut Table<'_>) -> u32 {
    let Some(mark) = table.get::<u64>("mark") else { return MARK as u32 };
    match u32::try_from(mark.value) {
        Ok(bit) if bit.is_power_of_two() => bit,
        _ => {
            table.fault(&mark.span, format!("{:#x} is not one bit of a mark (0x08000000)", mark.value));
            MARK as u32
        }
    }
}
