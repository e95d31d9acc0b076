//! Counters of door two. Help is counted nowhere.

use std::array;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::classify::Category;

/// What became of a connection, a request or a QUIC flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Passage {
    /// Led on.
    Allowed,
    /// Led on although nobody knows where to: a profile that only counts them.
    Nameless,
    /// Refused.
    Refused,
    /// Ended when the rules no longer allowed it.
    Cut,
    /// Ended because nothing moved.
    Idle,
    /// It said nothing in time.
    Silent,
    /// It broke the rules of its protocol.
    Malformed,
    /// The other side could not be reached.
    Unreachable,
    /// Too many connections, of this client or in all.
    Limited,
}

impl Passage {
    /// By position.
    pub const CODES: [&'static str; 9] =
        ["allowed", "nameless", "refused", "cut", "idle", "silent", "malformed", "unreachable", "limited"];
}

/// By what a connection came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum By {
    /// A TCP connection that is tunnelled: TLS, or something unknown.
    Stream,
    /// A plain HTTP request.
    Http,
    /// A QUIC flow.
    Quic,
}

impl By {
    /// By position.
    pub const CODES: [&'static str; 3] = ["stream", "http", "quic"];
}

/// Why the names of a connection were of no use, as ways round the filter are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Way {
    /// An encrypted resolver or a service of the category `bypass`, by name or address.
    Bypass,
    /// The outer name of Encrypted Client Hello.
    HiddenName,
    /// A name that does not belong to its address.
    Unexplained,
    /// No name at all.
    Nameless,
}

impl Way {
    /// By position.
    pub const CODES: [&'static str; 4] = ["bypass", "hidden_name", "unexplained", "nameless"];
}

/// Counters of all threads of the proxy: a connection costs so much more than an addition that they share them.
pub struct Proxied {
    passages: [[AtomicU64; 9]; 3],
    refused: [AtomicU64; 48],
    ways: [AtomicU64; 4],
    octets: [AtomicU64; 2],
    open: AtomicI64,
}

impl Default for Proxied {
    fn default() -> Proxied {
        Proxied {
            passages: array::from_fn(|_| array::from_fn(|_| AtomicU64::new(0))),
            refused: array::from_fn(|_| AtomicU64::new(0)),
            ways: array::from_fn(|_| AtomicU64::new(0)),
            octets: array::from_fn(|_| AtomicU64::new(0)),
            open: AtomicI64::new(0),
        }
    }
}

impl Proxied {
    /// Counts what became of one.
    pub fn passage(&self, by: By, passage: Passage) {
        self.passages[by as usize][passage as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a refusal by its category.
    pub fn refused(&self, category: Category) {
        self.refused[category as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a way round the filter; how often that was tried so far.
    pub fn way(&self, way: Way) -> u64 {
        self.ways[way as usize].fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Counts octets to the origin and to the client.
    pub fn octets(&self, up: u64, down: u64) {
        self.octets[0].fetch_add(up, Ordering::Relaxed);
        self.octets[1].fetch_add(down, Ordering::Relaxed);
    }

    /// One more connection is open, or one fewer.
    pub fn open(&self, change: i64) {
        self.open.fetch_add(change, Ordering::Relaxed);
    }

    pub(super) fn values(&self) -> [Vec<(String, f64)>; 5] {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed) as f64;
        let by = |codes: &[&str], counts: &[AtomicU64]| -> Vec<(String, f64)> {
            codes.iter().zip(counts).map(|(code, count)| (code.to_string(), of(count))).collect()
        };
        let each = By::CODES.iter().zip(&self.passages);
        let passages = each.flat_map(|(door, counts)| {
            let outcomes = Passage::CODES.iter().zip(counts);
            outcomes.map(move |(outcome, count)| (format!("{door},{outcome}"), of(count)))
        });
        [
            passages.collect(),
            by(&Category::ALL.map(Category::code), &self.refused),
            by(&Way::CODES, &self.ways),
            by(&["up", "down"], &self.octets),
            vec![(String::new(), self.open.load(Ordering::Relaxed) as f64)],
        ]
    }
}
