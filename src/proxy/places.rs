//! How many connections there may be: in all, and of one client, so that none can take the others' places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use crate::config;
use crate::identity::ClientAddr;

/// Connections under way, over all threads.
pub struct Places {
    limits: ArcSwap<config::Places>,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    clients: HashMap<ClientAddr, usize>,
}

/// Places beyond the limits that only help has, in all and of one client.
const HELP_ALL: usize = 1024;
const HELP_CLIENT: usize = 16;

/// One connection's place; leaving it is dropping it.
pub struct Place {
    places: Arc<Places>,
    client: ClientAddr,
}

impl Places {
    /// As many as `limits` says.
    pub fn new(limits: config::Places) -> Places {
        Places { limits: ArcSwap::from_pointee(limits), taken: Mutex::default() }
    }

    /// Other limits from now on; what is under way stays.
    pub fn limit(&self, limits: config::Places) {
        self.limits.store(Arc::new(limits));
    }

    /// A place for one more connection of `client`; `None` when it, or the house, is full. A connection to an address of
    /// help finds a place where others do not.
    pub fn enter(self: &Arc<Places>, client: ClientAddr, is_help: impl Fn() -> bool) -> Option<Place> {
        let limits = **self.limits.load();
        self.take(client, limits.all, limits.client)
            .or_else(|| is_help().then(|| self.take(client, limits.all + HELP_ALL, limits.client + HELP_CLIENT))?)
    }

    fn take(self: &Arc<Places>, client: ClientAddr, all: usize, of_one: usize) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let of_client = taken.clients.get(&client).copied().unwrap_or(0);
        if taken.all >= all || of_client >= of_one {
            return None;
        }
        taken.all += 1;
        taken.clients.insert(client, of_client + 1);
        Some(Place { places: Arc::clone(self), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all = taken.all.saturating_sub(1);
        let left = taken.clients.get(&self.client).copied().unwrap_or(0).saturating_sub(1);
        if left == 0 {
            taken.clients.remove(&self.client);
        } else {
            taken.clients.insert(self.client, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_cannot_take_all_places() {
        let client = |last: u8| ClientAddr::from(std::net::IpAddr::from([192, 0, 2, last]));
        let places = Arc::new(Places::new(config::Places { all: 5, client: 3, flows: 1 }));
        let greedy: Vec<_> = (0..10).filter_map(|_| places.enter(client(1), || false)).collect();
        assert_eq!(greedy.len(), 3);
        let others: Vec<_> = (2..9).filter_map(|last| places.enter(client(last), || false)).collect();
        assert_eq!(others.len(), 2);
        let help: Vec<_> = (0..100).filter_map(|_| places.enter(client(1), || true)).collect();
        assert_eq!(help.len(), HELP_CLIENT, "help is reached from a full house, and is no way round the limits");
        drop(help);
        drop(greedy);
        assert!(places.enter(client(9), || false).is_some());
        drop(others);
        let taken = places.taken.lock().unwrap();
        assert!(taken.all == 0 && taken.clients.is_empty());
    }
}
