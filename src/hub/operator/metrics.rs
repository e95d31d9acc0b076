//! What an operator's process counts. Closed sets of labels, all there from the start; never an address, never a name.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use super::settings::Role;

/// The counters of a process.
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    tokens: IntCounterVec,
    done: IntCounterVec,
    held: IntGaugeVec,
}

/// What became of tokens.
const TOKENS: [&str; 4] = ["signed", "spent", "again", "refused"];
/// Things that are done now and then.
const DONE: [&str; 8] = [
    "batch_taken",
    "batch_handed_over",
    "batch_failed",
    "week_summed",
    "week_refused",
    "sum_published",
    "sum_too_small",
    "key_destroyed",
];
/// Things there are so many of.
const HELD: [&str; 3] = ["keys", "messages", "indicators"];

impl Metrics {
    /// For that role. `None` when the library refuses its own names.
    pub fn new(role: Role) -> Option<Metrics> {
        let registry = Registry::new_custom(None, Some([("role".to_string(), role.code().to_string())].into())).ok()?;
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels).ok()?;
            registry.register(Box::new(counter.clone())).ok()?;
            Some(counter)
        };
        let requests =
            counter("luytre_hub_requests_total", "Requests by what they ask for and their status", &["ask", "status"])?;
        let tokens = counter("luytre_hub_tokens_total", "Tokens by what became of them", &["outcome"])?;
        let done = counter("luytre_hub_done_total", "Things done now and then", &["thing"])?;
        let held = IntGaugeVec::new(Opts::new("luytre_hub_held", "What there is now"), &["thing"]).ok()?;
        registry.register(Box::new(held.clone())).ok()?;
        TOKENS.iter().for_each(|outcome| drop(tokens.with_label_values(&[outcome])));
        DONE.iter().for_each(|thing| drop(done.with_label_values(&[thing])));
        HELD.iter().for_each(|thing| drop(held.with_label_values(&[thing])));
        Some(Metrics { registry, requests, tokens, done, held })
    }

    /// A request was answered. `ask` is of a closed set.
    pub fn request(&self, ask: &'static str, status: u16) {
        self.requests.with_label_values(&[ask, &status.to_string()]).inc();
    }

    /// So many tokens.
    pub fn tokens(&self, outcome: &'static str, count: u64) {
        self.tokens.with_label_values(&[outcome]).inc_by(count);
    }

    /// So many things.
    pub fn done(&self, thing: &'static str, count: u64) {
        self.done.with_label_values(&[thing]).inc_by(count);
    }

    /// How many there are now.
    pub fn held(&self, thing: &'static str, count: u64) {
        self.held.with_label_values(&[thing]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// All of it, for Prometheus.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }
}
