//! What is seen of the devices on the network, put together: the neighbour table says who has which address, leases say it for
//! those behind another hop, leases and announcements give names. Answers whose an address is, and keeps the register that
//! guardians see. Decides nothing.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::identity::known::{Assigned, Proposal, Register, Sight, Sighting};
use crate::identity::lease::{Lease, LeaseFile};
use crate::identity::{Link, Mac};
use crate::net::interfaces;
use crate::net::leases::Leases;
use crate::net::mdns::Announced;
use crate::net::neighbours::Neighbours;

/// What is looked at beside the neighbour table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sources {
    /// Lease files of DHCP servers.
    pub leases: Vec<LeaseFile>,
    /// Listen to the names devices announce.
    pub mdns: bool,
    /// Interfaces behind which the devices live; all when none is named.
    pub lan: Vec<String>,
}

/// Everything that is seen.
pub struct Sightings {
    neighbours: Option<Arc<Neighbours>>,
    leases: ArcSwap<Leases>,
    announced: ArcSwapOption<Announced>,
    sources: Mutex<Sources>,
    seen: Mutex<Seen>,
    now: fn() -> i64,
}

#[derive(Default)]
struct Seen {
    register: Register,
    /// The sources' change numbers when they were last looked at.
    at: Option<[u64; 3]>,
    /// When each lease ends: one that ends later than before was renewed by its device.
    ends: HashMap<IpAddr, Option<i64>>,
}

impl Link for Sightings {
    /// What the kernel knows comes first; leases speak only of addresses it knows nothing of.
    fn mac_of(&self, addr: IpAddr) -> Option<Mac> {
        let Some(neighbours) = &self.neighbours else { return self.leases.load().mac_of(addr) };
        neighbours.mac_of(addr).or_else(|| self.leases.load().mac_of(addr).filter(|_| !neighbours.holds(addr)))
    }
}

impl Sightings {
    /// Begins with the neighbour table, where the kernel gives one. `now` tells the time, in seconds since 1970.
    pub fn start(now: fn() -> i64) -> Sightings {
        let neighbours = Neighbours::start();
        if let Err(error) = &neighbours {
            tracing::debug!(%error, "no neighbour table: devices are not seen by MAC address");
        }
        Sightings {
            neighbours: neighbours.ok(),
            leases: ArcSwap::default(),
            announced: ArcSwapOption::default(),
            sources: Mutex::default(),
            seen: Mutex::default(),
            now,
        }
    }

    /// True when the kernel tells who its neighbours are.
    pub fn has_neighbours(&self) -> bool {
        self.neighbours.is_some()
    }

    /// Looks at these sources from now on. The error names the one that cannot be looked at; the others are.
    pub fn follow(&self, sources: &Sources) -> io::Result<()> {
        let mut followed = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let leases = if followed.leases == sources.leases { Ok(()) } else { self.follow_leases(&sources.leases) };
        let is_same = (followed.mdns, &followed.lan) == (sources.mdns, &sources.lan);
        let announced = if is_same { Ok(()) } else { self.follow_announced(sources) };
        *followed = sources.clone();
        // What failed is tried again at the next reload.
        if leases.is_err() {
            followed.leases.clear();
        }
        followed.mdns &= announced.is_ok();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).at = None;
        leases.and(announced)
    }

    fn follow_leases(&self, files: &[LeaseFile]) -> io::Result<()> {
        let leases = Leases::start(files, self.now);
        self.leases.store(leases.map_err(|error| io::Error::other(format!("lease files: {error}")))?);
        Ok(())
    }

    fn follow_announced(&self, sources: &Sources) -> io::Result<()> {
        self.announced.store(None);
        if sources.mdns {
            let announced = Announced::listen(&sources.lan);
            let announced = announced.map_err(|error| io::Error::other(format!("multicast DNS: {error}")))?;
            self.announced.store(Some(announced));
        }
        Ok(())
    }

    /// Brings the register up to date; next to nothing when nothing happened. For once a second.
    pub fn look(&self, now: i64) {
        let (leases, announced) = (self.leases.load(), self.announced.load());
        let neighbours = self.neighbours.as_ref().map_or(0, |table| *table.changes().borrow());
        let at = [neighbours, leases.changes(), announced.as_ref().map_or(0, |announced| announced.changes())];
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at != Some(at) {
            let leases = leases.all();
            let sights = self.sights(&leases, announced.as_deref());
            seen.register.take(sights, now);
            seen.renew(&leases, now);
            seen.at = Some(at);
        }
        let heard = self.neighbours.as_ref().map(|table| table.take_heard()).unwrap_or_default();
        heard.into_iter().for_each(|mac| seen.register.hear(mac, now));
    }

    /// All devices seen, those seen last first.
    pub fn all(&self) -> Vec<Sighting> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).register.all()
    }

    /// Strangers that may be a device of the household under another MAC address. Hints for guardians.
    pub fn propose(&self, assigned: &[Assigned]) -> Vec<Proposal> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).register.propose(assigned)
    }

    fn sights(&self, leases: &[Lease], announced: Option<&Announced>) -> Vec<Sight> {
        let by_addr: HashMap<IpAddr, &Lease> = leases.iter().map(|lease| (lease.ip, lease)).collect();
        let name_of = |ip| {
            let announced = || announced.and_then(|announced| announced.name_of(ip));
            by_addr.get(&ip).and_then(|lease| lease.name.clone()).or_else(announced)
        };
        let client_id_of = |ip| by_addr.get(&ip).and_then(|lease| lease.client_id.clone());
        let sight = |ip, mac| Sight { ip, mac, name: name_of(ip), client_id: client_id_of(ip) };
        let mut sights: Vec<Sight> =
            self.neighbours_of_lan().into_iter().map(|(ip, mac)| sight(ip, Some(mac))).collect();
        let is_elsewhere = |lease: &&Lease| self.neighbours.as_ref().is_none_or(|table| !table.holds(lease.ip));
        sights.extend(leases.iter().filter(is_elsewhere).map(|lease| sight(lease.ip, lease.mac)));
        sights
    }

    /// The neighbours behind the interfaces of the household.
    fn neighbours_of_lan(&self) -> Vec<(IpAddr, Mac)> {
        let rows = self.neighbours.as_ref().map_or_else(Vec::new, |table| table.all());
        let lan = self.sources.lock().unwrap_or_else(PoisonError::into_inner).lan.clone();
        let shared = if lan.is_empty() { Vec::new() } else { interfaces::shared().unwrap_or_default() };
        let is_lan =
            |index| lan.is_empty() || shared.iter().any(|found| found.index == index && lan.contains(&found.name));
        rows.into_iter().filter(|row| is_lan(row.interface)).map(|row| (row.ip, row.mac)).collect()
    }
}

impl Seen {
    /// Who renewed a lease is there, even behind another router.
    fn renew(&mut self, leases: &[Lease], now: i64) {
        for lease in leases {
            let is_renewed = self.ends.get(&lease.ip).is_some_and(|end| *end < lease.until);
            lease.mac.filter(|_| is_renewed).into_iter().for_each(|mac| self.register.hear(mac, now));
        }
        self.ends = leases.iter().map(|lease| (lease.ip, lease.until)).collect();
    }
}
