//! Counters, one set a thread, summed when Prometheus asks. Labels come from closed sets only; every series exists from the
//! start at zero. The help set is counted nowhere.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, Encoder, GaugeVec, Opts, Registry, TextEncoder};

use super::proxied::Proxied;
use crate::classify::Category;

/// How a question ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Outcome {
    /// Answered.
    Allowed,
    /// Answered, with a warning due.
    Warned,
    /// Led to a safe form.
    Rewritten,
    /// Refused until the guardian says yes.
    Asked,
    /// Refused.
    Blocked,
    /// Refused with help.
    Helped,
    /// A name that is answered here: special use, canary, ANY.
    Local,
    /// A kind of question that is not served.
    Unserved,
    /// No packet of ours: malformed, or a response.
    Malformed,
    /// No answer could be had.
    Failed,
}

impl Outcome {
    const CODES: [&'static str; 10] =
        ["allowed", "warned", "rewritten", "asked", "blocked", "helped", "local", "unserved", "malformed", "failed"];
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Source {
    /// The cache.
    Hit,
    /// An upstream.
    Miss,
    /// The cache, past its time.
    Stale,
}

impl Source {
    const CODES: [&'static str; 3] = ["hit", "miss", "stale"];
}

/// One thread's counters, or those of the asynchronous side as one. Read by the scrape.
#[repr(align(128))]
pub struct Counters {
    /// One thread writes them: adding needs no locked instruction.
    is_alone: bool,
    outcomes: [AtomicU64; 10],
    refused: [AtomicU64; 48],
    sources: [AtomicU64; 3],
    limited: AtomicU64,
    dropped: AtomicU64,
}

impl Counters {
    fn new(is_alone: bool) -> Counters {
        Counters {
            is_alone,
            outcomes: array::from_fn(|_| AtomicU64::new(0)),
            refused: array::from_fn(|_| AtomicU64::new(0)),
            sources: array::from_fn(|_| AtomicU64::new(0)),
            limited: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Counts a question.
    pub fn outcome(&self, outcome: Outcome) {
        self.add(&self.outcomes[outcome as usize]);
    }

    /// Counts a refusal by its category.
    pub fn refused(&self, category: Category) {
        self.add(&self.refused[category as usize]);
    }

    /// Counts where an answer came from.
    pub fn source(&self, source: Source) {
        self.add(&self.sources[source as usize]);
    }

    /// Counts a question over its client's share.
    pub fn limited(&self) {
        self.add(&self.limited);
    }

    /// Counts a question given up because too much is in flight, or a reply the kernel would not take.
    pub fn dropped(&self) {
        self.add(&self.dropped);
    }

    fn add(&self, counter: &AtomicU64) {
        if self.is_alone {
            counter.store(counter.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
        } else {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What one upstream did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServerStats {
    /// Questions put to it.
    pub asked: u64,
    /// Of these, unanswered.
    pub failed: u64,
    /// True while it is asked before others.
    pub healthy: bool,
    /// Smoothed, in microseconds; 0 before the first answer.
    pub latency_us: u32,
}

impl ServerStats {
    /// Takes the numbers of the same server elsewhere in; always true.
    pub fn add(&mut self, other: &ServerStats) -> bool {
        self.asked += other.asked;
        self.failed += other.failed;
        self.healthy &= other.healthy;
        self.latency_us = self.latency_us.max(other.latency_us);
        true
    }
}

/// Numbers that are read when asked for.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// Entries and octets of the answer cache.
    pub cache: (usize, u64),
    /// Upstreams.
    pub upstreams: Vec<(String, ServerStats)>,
    /// Names in the bundle.
    pub names: u64,
    /// Octets of the bundle.
    pub bundle_bytes: usize,
    /// When the bundle was put in force, seconds since 1970.
    pub lists_at: u64,
    /// Reloads that took effect, and that were refused.
    pub reloads: (u64, u64),
    /// List updates that took effect, and that were refused.
    pub updates: (u64, u64),
    /// Looks at the signed lists by how they ended.
    pub signed: Vec<(&'static str, u64)>,
    /// Names asked about at the holder of the sealed list: settled, and not.
    pub doubts: (u64, u64),
    /// Their release in force; 0 for none.
    pub signed_version: u64,
    /// The system's clock shows no less than is known.
    pub is_clock_trusted: bool,
    /// Refusals the family's side was not told of.
    pub untold: u64,
    /// Addresses remembered.
    pub addresses: usize,
    /// The kernel's counters.
    pub firewall: Vec<(String, u64)>,
    /// Reports.
    pub reports: Reports,
}

/// What became of reports. All of it is the same for every household with the same manifest, but for what failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reports {
    /// By kind and outcome, in the order of their codes.
    pub messages: [[u64; 3]; 5],
    /// Sealed messages that wait on disk.
    pub waiting: usize,
    /// Place of the mode in force.
    pub mode: usize,
}

impl Reports {
    const KINDS: [&'static str; 5] = ["tokens", "question", "report", "week", "answer"];
    const OUTCOMES: [&'static str; 3] = ["sent", "failed", "dropped"];
    const MODES: [&'static str; 4] = ["off", "counts_only", "full", "paused"];

    fn messages(&self) -> Vec<(String, f64)> {
        let of_kind = |(kind, counts): (&&str, &[u64; 3])| {
            let all = Reports::OUTCOMES.iter().zip(counts);
            all.map(|(outcome, count)| (format!("{kind},{outcome}"), *count as f64)).collect::<Vec<_>>()
        };
        Reports::KINDS.iter().zip(&self.messages).flat_map(of_kind).collect()
    }

    fn modes(&self) -> Vec<(String, f64)> {
        let all = Reports::MODES.iter().enumerate();
        all.map(|(at, mode)| (mode.to_string(), f64::from(u8::from(at == self.mode)))).collect()
    }
}

type Reader = Box<dyn Fn() -> Gauges + Send + Sync>;

/// All counters of the process.
pub struct Metrics {
    threads: Mutex<Vec<Arc<Counters>>>,
    reader: Mutex<Option<Reader>>,
    proxied: Arc<Proxied>,
}

impl Metrics {
    /// Nothing counted yet.
    pub fn new() -> Arc<Metrics> {
        Arc::new(Metrics { threads: Mutex::default(), reader: Mutex::new(None), proxied: Arc::default() })
    }

    /// Counters of door two.
    pub fn proxied(&self) -> Arc<Proxied> {
        Arc::clone(&self.proxied)
    }

    /// Counters for one more thread, which alone writes them.
    pub fn thread(&self) -> Arc<Counters> {
        self.add(true)
    }

    /// Counters for any number of threads.
    pub fn shared(&self) -> Arc<Counters> {
        self.add(false)
    }

    fn add(&self, is_alone: bool) -> Arc<Counters> {
        let counters = Arc::new(Counters::new(is_alone));
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counters));
        counters
    }

    /// Says where gauges are read.
    pub fn read_from(&self, reader: impl Fn() -> Gauges + Send + Sync + 'static) {
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(reader));
    }

    /// The text Prometheus reads.
    pub fn text(self: &Arc<Self>) -> String {
        let registry = Registry::new();
        let mut text = Vec::new();
        let collected = registry
            .register(Box::new(Scrape(Arc::clone(self))))
            .and_then(|()| TextEncoder::new().encode(&registry.gather(), &mut text));
        match collected {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => format!("# {error}\n"),
        }
    }

    /// Questions so far, however they ended.
    pub fn answered(&self) -> u64 {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().flat_map(|counters| &counters.outcomes).map(|count| count.load(Ordering::Relaxed)).sum()
    }

    fn sum(&self, of: impl Fn(&Counters) -> &AtomicU64) -> f64 {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.iter().map(|counters| of(counters).load(Ordering::Relaxed)).sum::<u64>() as f64
    }

    fn gauges(&self) -> Gauges {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|read| read()).unwrap_or_default()
    }
}

/// Metric name, what it counts, its label. The README's table is compared with this one.
pub const FAMILIES: [(&str, &str, &str); 30] = [
    ("luytre_dns_queries_total", "Questions by how they ended; the help set is not counted.", "outcome"),
    ("luytre_dns_refused_total", "Refused questions by category.", "category"),
    ("luytre_dns_cache_answers_total", "Answers by where they came from.", "source"),
    ("luytre_dns_limited_total", "Questions not answered: over their client's share.", ""),
    ("luytre_dns_dropped_total", "Questions given up: too many in flight, or no room to reply.", ""),
    ("luytre_dns_cache_entries", "Answers in the cache.", ""),
    ("luytre_dns_cache_bytes", "Octets in the cache.", ""),
    ("luytre_upstream_queries_total", "Questions put to an upstream.", "server"),
    ("luytre_upstream_failures_total", "Of these, unanswered.", "server"),
    ("luytre_upstream_healthy", "1 while the upstream is preferred.", "server"),
    ("luytre_upstream_latency_seconds", "Smoothed time to an answer.", "server"),
    ("luytre_lists_names", "Names in the compiled lists.", ""),
    ("luytre_lists_bytes", "Octets of the compiled lists.", ""),
    ("luytre_lists_loaded_timestamp_seconds", "When the lists in force were loaded.", ""),
    ("luytre_lists_signed_looks_total", "Looks at the signed lists by how they ended.", "outcome"),
    ("luytre_lists_signed_version", "Release of the signed lists in force; 0 for none.", ""),
    ("luytre_dns_doubts_total", "Names asked about at the holder of the sealed list: settled, or not.", "outcome"),
    ("luytre_app_changes_total", "Reloads and list updates, in force or refused.", "change"),
    ("luytre_app_clock_trusted", "1 while the system's clock shows no less than is known.", ""),
    ("luytre_app_untold_total", "Refusals that were not counted for the family: too many at once.", ""),
    ("luytre_proxy_passages_total", "Connections, requests and QUIC flows by how they ended.", "by,outcome"),
    ("luytre_proxy_refused_total", "Of these, refused ones by category.", "category"),
    ("luytre_proxy_ways_total", "Ways round the filter that were tried, as the proxy saw them.", "way"),
    ("luytre_proxy_octets_total", "Octets moved, `up` to the origin and `down` to the client.", "direction"),
    ("luytre_proxy_open", "Connections under way.", ""),
    ("luytre_proxy_addresses", "Addresses remembered because an answer gave them.", ""),
    (
        "luytre_firewall_packets_total",
        "Packets that the kernel rejected or counted, by the way round the filter.",
        "way",
    ),
    ("luytre_report_messages_total", "Messages of the household's reports by what became of them.", "kind,outcome"),
    ("luytre_report_waiting", "Sealed messages of reports that wait on disk.", ""),
    ("luytre_report_mode", "1 for the mode of reports in force.", "mode"),
];

struct Scrape(Arc<Metrics>);

impl Collector for Scrape {
    fn desc(&self) -> Vec<&Desc> {
        // Series are made at each scrape; none is declared in advance.
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let metrics = &self.0;
        let gauges = metrics.gauges();
        let by = |codes: &[&str], of: &dyn Fn(usize) -> f64| -> Vec<(String, f64)> {
            codes.iter().enumerate().map(|(at, code)| (code.to_string(), of(at))).collect()
        };
        let one = |value: f64| vec![(String::new(), value)];
        let per_server = |of: &dyn Fn(&ServerStats) -> f64| -> Vec<(String, f64)> {
            gauges.upstreams.iter().map(|(addr, stats)| (addr.clone(), of(stats))).collect()
        };
        let categories = Category::ALL.map(Category::code);
        let values = [
            by(&Outcome::CODES, &|at| metrics.sum(|counters| &counters.outcomes[at])),
            by(&categories, &|at| metrics.sum(|counters| &counters.refused[at])),
            by(&Source::CODES, &|at| metrics.sum(|counters| &counters.sources[at])),
            one(metrics.sum(|counters| &counters.limited)),
            one(metrics.sum(|counters| &counters.dropped)),
            one(gauges.cache.0 as f64),
            one(gauges.cache.1 as f64),
            per_server(&|stats| stats.asked as f64),
            per_server(&|stats| stats.failed as f64),
            per_server(&|stats| f64::from(u8::from(stats.healthy))),
            per_server(&|stats| f64::from(stats.latency_us) / 1e6),
            one(gauges.names as f64),
            one(gauges.bundle_bytes as f64),
            one(gauges.lists_at as f64),
            gauges.signed.iter().map(|(code, count)| (code.to_string(), *count as f64)).collect(),
            one(gauges.signed_version as f64),
            vec![("settled".to_string(), gauges.doubts.0 as f64), ("failed".to_string(), gauges.doubts.1 as f64)],
            vec![
                ("reload".to_string(), gauges.reloads.0 as f64),
                ("reload_refused".to_string(), gauges.reloads.1 as f64),
                ("update".to_string(), gauges.updates.0 as f64),
                ("update_refused".to_string(), gauges.updates.1 as f64),
            ],
            one(f64::from(u8::from(gauges.is_clock_trusted))),
            one(gauges.untold as f64),
        ];
        let [passages, refused, ways, octets, open] = metrics.proxied.values();
        let kernel = gauges.firewall.iter().map(|(way, packets)| (way.clone(), *packets as f64)).collect();
        let of_proxy = [passages, refused, ways, octets, open, one(gauges.addresses as f64), kernel];
        let reports = &gauges.reports;
        let of_reports = [reports.messages(), one(reports.waiting as f64), reports.modes()];
        FAMILIES
            .iter()
            .zip(values.into_iter().chain(of_proxy).chain(of_reports))
            .flat_map(|((name, help, label), values)| family(name, help, label, &values))
            .collect()
    }
}

fn family(name: &str, help: &str, label: &str, values: &[(String, f64)]) -> Vec<MetricFamily> {
    // Several labels and their values stand with commas between them; no value holds one.
    let labels: Vec<&str> = label.split(',').filter(|label| !label.is_empty()).collect();
    let fill = |value: &String| -> Vec<String> {
        if labels.is_empty() { Vec::new() } else { value.split(',').map(str::to_string).collect() }
    };
    let options = Opts::new(name, help);
    // Names and labels are constants of this file, so making the vectors cannot fail; an empty answer would show in tests.
    if name.ends_with("_total") {
        let Ok(counters) = CounterVec::new(options, &labels) else { return Vec::new() };
        values.iter().for_each(|(value, count)| counters.with_label_values(&fill(value)).inc_by(*count));
        return counters.collect();
    }
    let Ok(gauges) = GaugeVec::new(options, &labels) else { return Vec::new() };
    values.iter().for_each(|(value, count)| gauges.with_label_values(&fill(value)).set(*count));
    gauges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_summed_and_every_series_exists() {
        let metrics = Metrics::new();
        let (a, b) = (metrics.thread(), metrics.shared());
        a.outcome(Outcome::Allowed);
        b.outcome(Outcome::Allowed);
        b.refused(Category::Gambling);
        // Its endings are named by the side that looks.
        metrics.read_from(|| Gauges { names: 7, signed: vec![("taken", 0)], ..Gauges::default() });
        let text = metrics.text();
        assert!(text.contains("luytre_report_messages_total{kind=\"week\",outcome=\"dropped\"} 0\n"), "{text}");
        assert!(text.contains("luytre_report_mode{mode=\"off\"} 1\n"), "{text}");
        assert!(text.contains("luytre_dns_queries_total{outcome=\"allowed\"} 2\n"), "{text}");
        assert!(text.contains("luytre_dns_refused_total{category=\"gambling\"} 1\n"));
        assert!(text.contains("luytre_dns_refused_total{category=\"porn\"} 0\n"));
        assert!(text.contains("luytre_lists_names 7\n"));
        let always =
            FAMILIES.iter().filter(|(name, _, label)| *label != "server" && !name.starts_with("luytre_firewall"));
        for (name, _, _) in always {
            assert!(text.contains(&format!("# HELP {name} ")), "{name}");
        }
    }
}
