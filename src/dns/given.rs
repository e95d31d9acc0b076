//! The addresses that our answers gave, by profile, with the names they were given for: what explains a connection to an
//! address. Kept for a day, and longer while in use; never written anywhere, and never for the help set.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use arrayvec::ArrayVec;

use crate::name::Name;
use crate::policy::{Nameless, Profile, Unexplained};

/// Who lets connections through to addresses that were given: the kernel's sets.
pub trait Gate: Send + Sync {
    /// Lets the devices of that profile reach these addresses. Returns when they can.
    fn open(&self, profile: &str, addrs: &[IpAddr]);
    /// Lets everybody reach these addresses of the help set, for good.
    fn open_help(&self, addrs: &[IpAddr]);
}

/// What was given to whom.
pub struct Given {
    books: RwLock<HashMap<Arc<str>, Arc<Book>>>,
    help: RwLock<Vec<IpAddr>>,
    gate: Box<dyn Gate>,
}

#[derive(Default)]
struct Book {
    entries: RwLock<HashMap<IpAddr, Entry>>,
}

struct Entry {
    /// The latest last.
    names: ArrayVec<Noted, NAMES_MAX>,
    /// Seconds since 1970.
    used_at: AtomicU64,
}

/// A name for which an address was given.
struct Noted {
    wire: Box<[u8]>,
    /// Seconds since 1970; an address in daily use must not keep the name of a year ago.
    used_at: AtomicU64,
}

/// Names remembered for one address: a content network serves thousands, and a page uses a few of them.
const NAMES_MAX: usize = 8;
/// Addresses of one profile; a household meets some thousands a day. As large as the kernel's sets.
const ADDRESSES_MAX: usize = 65_535;
/// Addresses of the help set.
const HELP_MAX: usize = 4096;
/// An address that was not used for so long is forgotten, in seconds.
pub const KEPT_SECS: u64 = 86_400;
/// An entry that was touched less than this ago need not be written again, in seconds.
const TOUCH_SECS: u64 = 600;

/// True when what is given to this profile has to be remembered.
pub fn concerns(profile: &Profile) -> bool {
    let network = &profile.network;
    network.intercept && (network.nameless != Nameless::Allow || network.unexplained != Unexplained::Allow)
}

/// True when the kernel lets devices of this profile through to given addresses only, or counts the others.
pub fn is_gated(profile: &Profile) -> bool {
    profile.network.intercept && matches!(profile.network.nameless, Nameless::Block | Nameless::Log)
}

impl Given {
    /// Nothing was given yet.
    pub fn new(gate: Box<dyn Gate>) -> Given {
        Given { books: RwLock::default(), help: RwLock::default(), gate }
    }

    /// True when `addr` was given for `name` lately, so that nothing need be written.
    pub fn is_noted(&self, profile: &Profile, name: &Name, addr: IpAddr, now: u64) -> bool {
        let Some(book) = self.book(profile) else { return false };
        let entries = book.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(&addr).and_then(|entry| entry.noted(name)).is_some_and(|noted| noted.was_used(now, TOUCH_SECS))
    }

    /// Notes that `addrs` were given for `name`; when this returns, the kernel lets connections to them through.
    pub fn note(&self, profile: &Profile, name: &Name, addrs: &[IpAddr], now: u64) {
        let book = self.book(profile).unwrap_or_else(|| self.new_book(profile));
        {
            let mut entries = book.entries.write().unwrap_or_else(PoisonError::into_inner);
            for addr in addrs {
                make_room(&mut entries, now);
                entries.entry(*addr).or_insert_with(Entry::new).add(name, now);
            }
        }
        if is_gated(profile) {
            self.gate.open(&profile.name, addrs);
        }
    }

    /// The names for which `addr` was given, the latest first.
    pub fn names(&self, profile: &Profile, addr: IpAddr, now: u64) -> Vec<Name> {
        let Some(book) = self.book(profile) else { return Vec::new() };
        let entries = book.entries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get(&addr).filter(|entry| entry.is_kept(now)) else { return Vec::new() };
        entry.used_at.store(now, Ordering::Relaxed);
        // Which of them is meant nobody can tell; the latest is the likeliest.
        entry.names.last().iter().for_each(|noted| noted.used_at.store(now, Ordering::Relaxed));
        let kept = entry.names.iter().rev().filter(|noted| noted.was_used(now, KEPT_SECS));
        kept.filter_map(|noted| Some(Name::from_wire(&noted.wire, 0).ok()?.0)).collect()
    }

    /// True when `addr` was given for `name`. Counts as a use.
    pub fn explains(&self, profile: &Profile, name: &Name, addr: IpAddr, now: u64) -> bool {
        let Some(book) = self.book(profile) else { return false };
        let entries = book.entries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(entry) = entries.get(&addr).filter(|entry| entry.is_kept(now)) else { return false };
        let Some(noted) = entry.noted(name).filter(|noted| noted.was_used(now, KEPT_SECS)) else { return false };
        entry.used_at.store(now, Ordering::Relaxed);
        noted.used_at.store(now, Ordering::Relaxed);
        true
    }

    /// True when `addr` belongs to the help set.
    pub fn is_help(&self, addr: IpAddr) -> bool {
        self.help.read().unwrap_or_else(PoisonError::into_inner).contains(&addr)
    }

    /// Lets everybody reach these addresses of the help set. Does not tell who asked, or when.
    pub fn note_help(&self, addrs: &[IpAddr]) {
        let fresh: Vec<IpAddr> = addrs.iter().copied().filter(|addr| !self.is_help(*addr)).collect();
        if fresh.is_empty() {
            return;
        }
        self.gate.open_help(&fresh);
        let mut help = self.help.write().unwrap_or_else(PoisonError::into_inner);
        help.extend(fresh);
        let excess = help.len().saturating_sub(HELP_MAX);
        help.drain(..excess);
    }

    /// Tells the kernel everything again, after its sets were made anew.
    pub fn refill(&self, profiles: &[Profile], now: u64) {
        for profile in profiles.iter().filter(|profile| is_gated(profile)) {
            self.gate.open(&profile.name, &self.kept(profile, now));
        }
        self.gate.open_help(&self.help());
    }

    /// All addresses that were given to that profile lately.
    pub fn kept(&self, profile: &Profile, now: u64) -> Vec<IpAddr> {
        self.book(profile).map_or_else(Vec::new, |book| book.kept(now))
    }

    /// All addresses of the help set.
    pub fn help(&self) -> Vec<IpAddr> {
        self.help.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets what was not used for a day: addresses, and names of addresses that others still use.
    pub fn forget(&self, now: u64) {
        let books: Vec<Arc<Book>> =
            self.books.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        for book in books {
            let mut entries = book.entries.write().unwrap_or_else(PoisonError::into_inner);
            entries.retain(|_, entry| {
                entry.names.retain(|noted| noted.was_used(now, KEPT_SECS));
                entry.is_kept(now)
            });
        }
    }

    /// Addresses remembered, over all profiles.
    pub fn len(&self) -> usize {
        let books = self.books.read().unwrap_or_else(PoisonError::into_inner);
        books.values().map(|book| book.entries.read().unwrap_or_else(PoisonError::into_inner).len()).sum()
    }

    /// True when nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn book(&self, profile: &Profile) -> Option<Arc<Book>> {
        self.books.read().unwrap_or_else(PoisonError::into_inner).get(&profile.name).cloned()
    }

    fn new_book(&self, profile: &Profile) -> Arc<Book> {
        let mut books = self.books.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(books.entry(Arc::clone(&profile.name)).or_default())
    }
}

impl Book {
    fn kept(&self, now: u64) -> Vec<IpAddr> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|(_, entry)| entry.is_kept(now)).map(|(addr, _)| *addr).collect()
    }
}

impl Entry {
    fn new() -> Entry {
        Entry { names: ArrayVec::new(), used_at: AtomicU64::new(0) }
    }

    fn noted(&self, name: &Name) -> Option<&Noted> {
        self.names.iter().find(|noted| *noted.wire == *name.as_wire())
    }

    fn is_kept(&self, now: u64) -> bool {
        now.saturating_sub(self.used_at.load(Ordering::Relaxed)) < KEPT_SECS
    }

    /// The oldest name makes room.
    fn add(&mut self, name: &Name, now: u64) {
        self.names.retain(|noted| *noted.wire != *name.as_wire());
        if self.names.is_full() {
            self.names.remove(0);
        }
        self.names.push(Noted { wire: name.as_wire().into(), used_at: AtomicU64::new(now) });
        self.used_at.store(now, Ordering::Relaxed);
    }
}

impl Noted {
    fn was_used(&self, now: u64, within_secs: u64) -> bool {
        now.saturating_sub(self.used_at.load(Ordering::Relaxed)) < within_secs
    }
}

/// At the limit what is past its time goes, and if that is not enough the less used half.
fn make_room(entries: &mut HashMap<IpAddr, Entry>, now: u64) {
    if entries.len() < ADDRESSES_MAX {
        return;
    }
    entries.retain(|_, entry| entry.is_kept(now));
    if entries.len() < ADDRESSES_MAX {
        return;
    }
    let mut uses: Vec<u64> = entries.values().map(|entry| entry.used_at.load(Ordering::Relaxed)).collect();
    uses.sort_unstable();
    let median = uses.get(uses.len() / 2).copied().unwrap_or(0);
    let mut to_go = ADDRESSES_MAX / 2;
    entries.retain(|_, entry| {
        let goes = to_go > 0 && entry.used_at.load(Ordering::Relaxed) <= median;
        to_go -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::ServiceSet;
    use crate::policy::{Age, Band, ProfileInput, criteria};
    use std::sync::Mutex;

    #[derive(Default, Clone)]
    struct Seen(Arc<Mutex<Vec<String>>>);

    impl Gate for Seen {
        fn open(&self, profile: &str, addrs: &[IpAddr]) {
            self.0.lock().unwrap().extend(addrs.iter().map(|addr| format!("{profile} {addr}")));
        }
        fn open_help(&self, addrs: &[IpAddr]) {
            self.0.lock().unwrap().extend(addrs.iter().map(|addr| format!("help {addr}")));
        }
    }

    fn profile(name: &str, band: Band) -> Profile {
        Profile::compile(&ProfileInput::new(name, Age::Band(band)), &criteria::plain(), ServiceSet::EMPTY, 2026)
    }

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    fn addr(last: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0xc000_0200 + last).into()
    }

    #[test]
    fn an_address_is_explained_for_its_names_and_its_profile_for_a_day() {
        let given = Given::new(Box::new(Seen::default()));
        let (mai, an) = (profile("mai", Band::Age10to12), profile("an", Band::Age10to12));
        given.note(&mai, &name("a.example"), &[addr(1)], 1000);
        assert!(given.explains(&mai, &name("a.example"), addr(1), 1000 + KEPT_SECS - 1), "and this is a use");
        assert!(given.explains(&mai, &name("a.example"), addr(1), 1000 + KEPT_SECS + 60));
        assert!(!given.explains(&mai, &name("b.example"), addr(1), 1001));
        assert!(!given.explains(&an, &name("a.example"), addr(1), 1001));
        assert!(!given.explains(&mai, &name("a.example"), addr(1), 1000 + 3 * KEPT_SECS));
        assert!(given.names(&mai, addr(2), 1001).is_empty());
    }

    #[test]
    fn what_nobody_used_for_a_day_is_not_there_any_more() {
        let given = Given::new(Box::new(Seen::default()));
        let mai = profile("mai", Band::Age10to12);
        given.note(&mai, &name("once.example"), &[addr(1), addr(2)], 1000);
        given.note(&mai, &name("daily.example"), &[addr(1)], 1000);
        assert!(given.explains(&mai, &name("daily.example"), addr(1), 80_000));
        given.forget(1000 + KEPT_SECS);
        assert_eq!((given.len(), given.names(&mai, addr(1), 1000 + KEPT_SECS)), (1, vec![name("daily.example")]));
        let book = given.book(&mai).unwrap();
        assert_eq!(book.entries.read().unwrap()[&addr(1)].names.len(), 1);
        given.forget(1000 + 3 * KEPT_SECS);
        assert!(given.is_empty());
    }

    #[test]
    fn only_gated_profiles_open_the_kernels_gate() {
        let seen = Seen::default();
        let given = Given::new(Box::new(seen.clone()));
        given.note(&profile("small", Band::Age6to9), &name("a.example"), &[addr(1)], 10);
        given.note(&profile("mai", Band::Age10to12), &name("a.example"), &[addr(2)], 10);
        given.note_help(&[addr(3)]);
        given.note_help(&[addr(3)]);
        assert_eq!(*seen.0.lock().unwrap(), ["small 192.0.2.1", "help 192.0.2.3"]);
        assert!(given.is_help(addr(3)) && !given.is_help(addr(1)));
        given.refill(&[profile("small", Band::Age6to9)], 20);
        assert_eq!(seen.0.lock().unwrap().len(), 4);
    }

    #[test]
    fn memory_is_bounded_by_addresses_and_names() {
        let given = Given::new(Box::new(Seen::default()));
        let mai = profile("mai", Band::Age10to12);
        for at in 0..100 {
            given.note(&mai, &name(&format!("n{at}.example")), &[addr(1)], 10);
        }
        let names = given.names(&mai, addr(1), 10);
        assert_eq!((names.len(), names[0].clone()), (NAMES_MAX, name("n99.example")));
        for at in 0..200_000 {
            given.note(&mai, &name("a.example"), &[addr(at)], 10 + u64::from(at));
        }
        assert!(given.len() <= ADDRESSES_MAX, "{}", given.len());
        assert!(given.explains(&mai, &name("a.example"), addr(199_999), 200_010));
    }
}
