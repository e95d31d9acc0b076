//! The asynchronous side: equal questions in flight are asked once, answers are kept, and an old answer is better than none
//! (RFC 8767). Judges nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cache::{AnswerCache, Entry, Freshness, Key};
use super::upstream::{UpstreamError, Upstreams};
use crate::config;
use crate::telemetry::metrics::ServerStats;

/// Cache, upstreams and what is being asked right now.
pub struct Resolver {
    cache: AnswerCache,
    settings: ArcSwap<Settings>,
    flights: Mutex<HashMap<Key, watch::Receiver<Option<Landed>>>>,
    runtime: Handle,
}

struct Settings {
    upstreams: Upstreams,
    cache: config::Cache,
}

type Landed = Result<Arc<Entry>, ResolveError>;

/// An answer, and whether its time is past.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The answer.
    pub entry: Arc<Entry>,
    /// Served past its time.
    pub stale: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No upstream answered.
    #[error("no upstream answered")]
    Unreachable,
    /// What came back was no answer.
    #[error("upstream answered with a malformed message")]
    Malformed,
    /// Too many different questions in flight.
    #[error("too many questions in flight")]
    Busy,
}

/// Different questions in flight. A home has tens; at 2 seconds each this is 4,000 misses a second.
const FLIGHTS_MAX: usize = 8192;
/// A client waits this long before it gets an old answer (RFC 8767 §5).
const STALE_AFTER: Duration = Duration::from_millis(1800);

impl Resolver {
    /// An empty cache of at most `cache_bytes_max` octets in front of the configured upstreams, asked on `runtime`.
    pub fn new(dns: &config::Dns, cache_bytes_max: u64, runtime: Handle) -> Resolver {
        Resolver {
            cache: AnswerCache::new(cache_bytes_max),
            settings: ArcSwap::from_pointee(Settings::new(dns)),
            flights: Mutex::default(),
            runtime,
        }
    }

    /// Takes on new upstreams and limits; the cache and what is in flight stay.
    pub fn reconfigure(&self, dns: &config::Dns) {
        self.settings.store(Arc::new(Settings::new(dns)));
    }

    /// A fresh answer from the cache, and whether the caller should have it asked again soon.
    pub fn cached(&self, key: &Key, now: u64) -> Option<(Arc<Entry>, bool)> {
        let entry = self.cache.get(key)?;
        match entry.freshness(now, 0) {
            Freshness::Fresh(left) => {
                let prefetch = entry.wants_prefetch(left) && self.settings.load().cache.prefetch;
                Some((entry, prefetch))
            }
            _ => None,
        }
    }

    /// The answer to a question that is not in the cache.
    pub async fn resolve(self: &Arc<Self>, key: &Key) -> Result<Resolved, ResolveError> {
        let old = self.stale(key);
        let mut landing = self.fly(key)?;
        let landed = async {
            match landing.wait_for(Option::is_some).await {
                Ok(landed) => landed.clone().unwrap_or(Err(ResolveError::Unreachable)),
                Err(_) => Err(ResolveError::Unreachable),
            }
        };
        let Some(old) = old else { return landed.await.map(Resolved::fresh) };
        match tokio::time::timeout(STALE_AFTER, landed).await {
            // A failure of the upstream is no reason to forget what was known.
            Ok(Ok(entry)) if matches!(entry.rcode(), 0 | 3) => Ok(Resolved::fresh(entry)),
            _ => Ok(Resolved { entry: old, stale: true }),
        }
    }

    /// Asks again for an answer that is about to run out.
    pub fn prefetch(self: &Arc<Self>, key: &Key) {
        // A full house is no reason to fail: the answer is still good.
        let _ = self.fly(key);
    }

    /// Numbers of the cache: entries, octets.
    pub fn cache_size(&self) -> (usize, u64) {
        (self.cache.len(), self.cache.bytes())
    }

    /// Numbers of the upstreams.
    pub fn upstream_stats(&self) -> Vec<(std::net::SocketAddr, ServerStats)> {
        self.settings.load().upstreams.stats().collect()
    }

    fn stale(&self, key: &Key) -> Option<Arc<Entry>> {
        let stale_max = self.settings.load().cache.stale_max.as_secs();
        self.cache.get(key).filter(|entry| entry.freshness(now_secs(), stale_max) != Freshness::Gone)
    }

    /// Joins the flight for `key`, or starts it.
    fn fly(self: &Arc<Self>, key: &Key) -> Result<watch::Receiver<Option<Landed>>, ResolveError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let room = flights.len() < FLIGHTS_MAX;
        match flights.entry(key.clone()) {
            Slot::Occupied(flight) => Ok(flight.get().clone()),
            Slot::Vacant(_) if !room => Err(ResolveError::Busy),
            Slot::Vacant(slot) => {
                let (landed, landing) = watch::channel(None);
                slot.insert(landing.clone());
                // A task of its own: the asker may go away, the others still wait.
                let (resolver, key) = (Arc::clone(self), key.clone());
                self.runtime.spawn(async move {
                    let result = resolver.ask(&key).await;
                    resolver.flights.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
                    // Nobody may be waiting any more.
                    let _ = landed.send(Some(result));
                });
                Ok(landing)
            }
        }
    }

    async fn ask(&self, key: &Key) -> Landed {
        let settings = self.settings.load_full();
        let answer = settings.upstreams.ask(key).await.map_err(|error| match error {
            UpstreamError::AllDown => ResolveError::Unreachable,
            UpstreamError::Unaskable => ResolveError::Malformed,
        })?;
        let entry = Entry::new(&answer, now_secs(), &settings.cache).map_err(|_| ResolveError::Malformed)?;
        let entry = Arc::new(entry);
        // A failure must not push out an old answer that could still be served.
        let keeps_old = !matches!(entry.rcode(), 0 | 3) && self.stale(key).is_some();
        if !keeps_old {
            self.cache.insert(key.clone(), Arc::clone(&entry));
        }
        Ok(entry)
    }
}

impl Settings {
    fn new(dns: &config::Dns) -> Settings {
        Settings { upstreams: Upstreams::new(&dns.upstream), cache: dns.cache.clone() }
    }
}

impl Resolved {
    fn fresh(entry: Arc<Entry>) -> Resolved {
        Resolved { entry, stale: false }
    }
}

/// Seconds since 1970.
pub fn now_secs() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
