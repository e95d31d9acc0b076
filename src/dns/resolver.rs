//! The asynchronous side: equal questions in flight are asked once, answers are kept, and an old answer is better than none
//! (RFC 8767). Judges nothing.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::cache::AnswerCache;
use super::record::{Answer, Entry, Freshness, Key, Note, Question};
use super::rewrite;
use super::source::Source;
use crate::classify::guess::Guesser;
use crate::clock::now_secs;
use crate::config;
use crate::name::Suffix;
use crate::telemetry::metrics::ServerStats;

/// Cache, upstreams and what is being asked right now.
pub struct Resolver {
    cache: AnswerCache,
    cache_bytes_max: u64,
    settings: ArcSwap<Settings>,
    guesser: ArcSwap<Guesser>,
    flights: Mutex<Flights>,
    runtime: Handle,
}

struct Settings {
    source: Arc<Source>,
    upstream: config::Upstream,
    cache: config::Cache,
}

type Landed = Result<Arc<Entry>, ResolveError>;

/// What is being asked right now.
#[derive(Default)]
struct Flights {
    /// Each key in a block of its own, which is wiped: a table leaves what was removed from it where it was.
    by_key: HashMap<Box<Key>, watch::Receiver<Option<Landed>>>,
    /// How many for names of one domain.
    by_domain: HashMap<Box<[u8]>, usize>,
}

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
/// Of these, for names under one registrable domain: a flood of its random names leaves room for all others. The busiest
/// honest domains have some dozens in flight.
const DOMAIN_FLIGHTS_MAX: usize = 400;
/// An answer is asked again when this share of its time is left, if it was used at least [`PREFETCH_HITS`] times.
const PREFETCH_SHARE: u32 = 10;
const PREFETCH_HITS: u64 = 2;
/// A client waits this long before it gets an old answer (RFC 8767 §5).
const STALE_AFTER: Duration = Duration::from_millis(1800);

impl Resolver {
    /// An empty cache of at most `cache_bytes_max` octets in front of the configured upstreams, asked on `runtime`.
    pub fn new(dns: &config::Dns, cache_bytes_max: u64, runtime: Handle) -> Resolver {
        Resolver {
            cache: AnswerCache::new(cache_bytes_max),
            settings: ArcSwap::from_pointee(Settings {
                source: Arc::new(Source::new(&dns.upstream, cache_bytes_max)),
                upstream: dns.upstream.clone(),
                cache: dns.cache.clone(),
            }),
            guesser: ArcSwap::default(),
            cache_bytes_max,
            flights: Mutex::default(),
            runtime,
        }
    }

    /// Takes on new upstreams and limits; the cache and what is in flight stay.
    pub fn reconfigure(&self, dns: &config::Dns) {
        let old = self.settings.load();
        // Connections and what recursion has learned outlive a reload that does not concern them.
        let source = if old.upstream == dns.upstream {
            Arc::clone(&old.source)
        } else {
            Arc::new(Source::new(&dns.upstream, self.cache_bytes_max))
        };
        self.settings.store(Arc::new(Settings { source, upstream: dns.upstream.clone(), cache: dns.cache.clone() }));
    }

    /// From now on names are guessed at so. Without it, none is.
    pub fn guess_by(&self, guesser: Arc<Guesser>) {
        self.guesser.store(guesser);
    }

    /// The cache, to look ahead.
    pub fn cache(&self) -> &AnswerCache {
        &self.cache
    }

    /// A fresh answer from the cache, copied to `words`, and whether the caller should have it asked again soon.
    pub fn cached<'s>(
        &self,
        hash: u64,
        question: Question<'_>,
        now: u64,
        words: &'s mut Vec<u64>,
    ) -> Option<(Answer<'s>, bool)> {
        let (answer, mut filed) = self.cache.get_at(hash, question, words)?;
        match answer.freshness(now, 0) {
            Freshness::Fresh(left) => {
                let is_ending = left <= answer.ttl_secs() / PREFETCH_SHARE && filed.hits() >= PREFETCH_HITS;
                let prefetch = is_ending && self.settings.load().cache.prefetch && filed.refresh();
                Some((answer, prefetch))
            }
            _ => None,
        }
    }

    /// The answer to a question that was not in the cache when the caller looked.
    pub async fn resolve(self: &Arc<Self>, question: Question<'_>) -> Result<Resolved, ResolveError> {
        let old = match self.kept(question) {
            // It landed meanwhile.
            Some((entry, Freshness::Fresh(_))) => return Ok(Resolved::fresh(entry)),
            old => old.map(|(entry, _)| entry),
        };
        let mut landing = self.fly(question.to_key())?;
        let landed = async {
            match landing.wait_for(Option::is_some).await {
                Ok(landed) => landed.clone().unwrap_or(Err(ResolveError::Unreachable)),
                Err(_) => Err(ResolveError::Unreachable),
            }
        };
        let Some(old) = old else { return landed.await.map(Resolved::fresh) };
        match tokio::time::timeout(STALE_AFTER, landed).await {
            // A failure of the upstream is no reason to forget what was known.
            Ok(Ok(entry)) if matches!(entry.answer().rcode(), 0 | 3) => Ok(Resolved::fresh(entry)),
            _ => Ok(Resolved { entry: old, stale: true }),
        }
    }

    /// Asks again for an answer that is about to run out.
    pub fn prefetch(self: &Arc<Self>, question: Question<'_>) {
        // A full house is no reason to fail: the answer is still good.
        let _ = self.fly(question.to_key());
    }

    /// Wipes and forgets what is of no use any more at `now`.
    pub fn forget(&self, now: u64) {
        let settings = self.settings.load_full();
        self.cache.wipe(now, settings.cache.stale_max.as_secs());
        settings.source.forget(now);
    }

    /// Numbers of the cache: entries, octets.
    pub fn cache_size(&self) -> (usize, u64) {
        (self.cache.len(), self.cache.bytes())
    }

    /// Numbers of the upstreams.
    pub fn upstream_stats(&self) -> Vec<(String, ServerStats)> {
        self.settings.load().source.stats()
    }

    /// What the cache holds, if it is of any use.
    fn kept(&self, question: Question<'_>) -> Option<(Arc<Entry>, Freshness)> {
        let stale_max = self.settings.load().cache.stale_max.as_secs();
        let mut words = Vec::new();
        let freshness = self.cache.get(question, &mut words)?.0.freshness(now_secs(), stale_max);
        (freshness != Freshness::Gone).then(|| (Arc::new(Entry::from_words(&words)), freshness))
    }

    /// Joins the flight for `key`, or starts it.
    fn fly(self: &Arc<Self>, key: Key) -> Result<watch::Receiver<Option<Landed>>, ResolveError> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.by_key.get(&key) {
            return Ok(flight.clone());
        }
        if !flights.has_room(&key) {
            return Err(ResolveError::Busy);
        }
        let (landed, landing) = watch::channel(None);
        flights.enter(&key, landing.clone());
        // A task of its own: the asker may go away, the others still wait.
        let resolver = Arc::clone(self);
        self.runtime.spawn(async move {
            let result = resolver.ask(&key).await;
            resolver.flights.lock().unwrap_or_else(PoisonError::into_inner).leave(&key);
            // Nobody may be waiting any more.
            let _ = landed.send(Some(result));
        });
        Ok(landing)
    }

    async fn ask(&self, key: &Key) -> Landed {
        let settings = self.settings.load_full();
        let found = settings.source.ask(key).await;
        let question = key.question();
        let changed = if key.without_ech { rewrite::without_ech(&found.message) } else { None };
        let answer = changed.unwrap_or(found.message);
        let entry = Entry::new(&answer, question, now_secs(), &settings.cache).map_err(|_| ResolveError::Malformed)?;
        let is_suspect = self.guesser.load().suspects(&key.name);
        let entry = entry.with_note(Note { is_suspect, ..found.note });
        let entry = Arc::new(entry);
        // A failure must not push out an old answer that could still be served.
        let is_failure = !matches!(entry.answer().rcode(), 0 | 3);
        if !(is_failure && self.kept(question).is_some()) {
            self.cache.insert(question, &entry);
        }
        Ok(entry)
    }
}

impl Flights {
    fn has_room(&self, key: &Key) -> bool {
        let of_domain = self.by_domain.get(domain(key)).copied().unwrap_or(0);
        self.by_key.len() < FLIGHTS_MAX && of_domain < DOMAIN_FLIGHTS_MAX
    }

    fn enter(&mut self, key: &Key, landing: watch::Receiver<Option<Landed>>) {
        *self.by_domain.entry(domain(key).into()).or_default() += 1;
        self.by_key.insert(Box::new(key.clone()), landing);
    }

    fn leave(&mut self, key: &Key) {
        self.by_key.remove(key);
        if let Slot::Occupied(mut count) = self.by_domain.entry(domain(key).into()) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// What one owner has registered, in wire form; a public suffix stands for itself.
fn domain(key: &Key) -> &[u8] {
    key.name.registrable().map_or(key.name.as_wire(), Suffix::as_wire)
}

impl Resolved {
    fn fresh(entry: Arc<Entry>) -> Resolved {
        Resolved { entry, stale: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;

    fn key(name: &str) -> Key {
        let name = Name::parse(name).unwrap();
        Key { name, rtype: 1, dnssec_ok: false, checking_disabled: false, without_ech: false }
    }

    #[test]
    fn one_domain_leaves_room_for_others() {
        let mut flights = Flights::default();
        let landing = watch::channel(None).1;
        for at in 0..DOMAIN_FLIGHTS_MAX {
            assert!(flights.has_room(&key(&format!("n{at}.flood.com"))));
            flights.enter(&key(&format!("n{at}.flood.com")), landing.clone());
        }
        assert!(!flights.has_room(&key("one.more.flood.com")));
        assert!(flights.has_room(&key("www.other.com")), "its neighbour under the same suffix");
        flights.leave(&key("n7.flood.com"));
        assert!(flights.has_room(&key("one.more.flood.com")));
        for at in 0..DOMAIN_FLIGHTS_MAX {
            flights.leave(&key(&format!("n{at}.flood.com")));
        }
        assert!(flights.by_key.is_empty());
    }
}
