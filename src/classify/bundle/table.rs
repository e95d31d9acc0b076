//! Hashed records, sorted in place, and the table of lines they fill: the same for names and for URLs. Knows nothing of
//! what the sixteen bits of a record mean.

use super::format::{self, Line};

/// Slots used of a hundred: higher is smaller and slower (chains of full lines), 88 gives 9.1 octets a name.
const LOAD_PERCENT: u64 = 88;
/// Between these a table keeps its number of lines, so that what did not change stays where it was.
const LOADS_KEPT: (u64, u64) = (75, 92);
/// Tries to find remainders that tell all names apart; each fails about once in 10¹⁴ pairs of a line.
const NONCES_MAX: u64 = 16;

/// A name or a URL by its hash, and what is said of it: a part while they are collected, a class set once they are grouped.
#[derive(Clone, Copy)]
pub struct Hashed {
    pub hash: (u64, u64),
    pub says: u32,
}

/// From so many records on, repeated ones are dropped before more memory is taken: lists repeat each other.
const TIDY_MIN: usize = 1 << 20;

/// Records on their way into a table: 24 octets each.
pub struct Pile {
    records: Vec<Hashed>,
    /// Both in one, for records of one hash; `None` keeps them apart.
    merge: fn(u32, u32) -> Option<u32>,
}

impl Pile {
    /// An empty one.
    pub fn new(merge: fn(u32, u32) -> Option<u32>) -> Pile {
        Pile { records: Vec::new(), merge }
    }

    /// Adds a record.
    pub fn push(&mut self, record: Hashed) {
        // Lists keep the URLs of a host together.
        if let Some(last) = self.records.last_mut().filter(|last| last.hash == record.hash)
            && let Some(both) = (self.merge)(last.says, record.says)
        {
            last.says = both;
            return;
        }
        if self.records.len() == self.records.capacity() && self.records.len() >= TIDY_MIN {
            self.tidy();
            // A little room won would be used up, and sorted for, soon again.
            if self.records.len() > self.records.capacity() / 4 * 3 {
                self.records.reserve(self.records.capacity());
            }
        }
        self.records.push(record);
    }

    fn tidy(&mut self) {
        self.records.sort_unstable_by_key(|record| (record.hash, record.says));
        let merge = self.merge;
        self.records.dedup_by(|later, kept| {
            let both = if later.hash == kept.hash { merge(kept.says, later.says) } else { None };
            kept.says = both.unwrap_or(kept.says);
            both.is_some()
        });
    }

    /// The records by hash, none twice.
    pub fn into_sorted(mut self) -> Vec<Hashed> {
        self.tidy();
        self.records
    }
}

/// A filled table.
#[derive(Default)]
pub struct Table {
    pub lines: Vec<Line>,
    pub nonce: u64,
    /// Lines that hashes lead to; what is passed on may need more behind them.
    pub home_lines: u64,
}

impl Table {
    /// A table of `records`, which are sorted and of different hashes. `None` when no nonce tells them apart.
    pub fn fill(records: &[Hashed]) -> Option<Table> {
        Table::fill_like(records, None)
    }

    /// The same, on so many lines where that leaves them neither crowded nor empty.
    pub fn fill_like(records: &[Hashed], lines: Option<u64>) -> Option<Table> {
        let best = |load: u64| (records.len() as u64 * 100).div_ceil(8 * load).max(1);
        let fitting = lines.filter(|lines| (best(LOADS_KEPT.1)..=best(LOADS_KEPT.0)).contains(lines));
        let home_lines = fitting.unwrap_or_else(|| best(LOAD_PERCENT));
        (0..NONCES_MAX)
            .find_map(|nonce| fill(records, home_lines, nonce).map(|lines| Table { lines, nonce, home_lines }))
    }
}

/// Fills lines in hash order; what does not fit its line goes to the next, marked on the way. `None` when two records
/// cannot be told apart under this nonce.
fn fill(records: &[Hashed], home_lines: u64, nonce: u64) -> Option<Vec<Line>> {
    let mut table = vec![Line::EMPTY; home_lines as usize];
    let (mut line, mut used) = (0, 0);
    for Hashed { hash, says } in records {
        let place = format::place(*hash, nonce, home_lines);
        if place.line > line {
            (line, used) = (place.line, 0);
        } else if used == 8 {
            table[line].pass_on();
            (line, used) = (line + 1, 0);
            if line == table.len() {
                table.push(Line::EMPTY);
            }
        }
        // Another record's remainder anywhere on the way from home would be found first.
        if table[place.line..=line].iter().any(|line| line.find(place.remainder).is_some()) {
            return None;
        }
        table[line].0[used] = format::slot(place.remainder, *says as u16);
        used += 1;
    }
    // A later record may have settled on the way of an earlier one only behind it, so the check above is enough.
    Some(table)
}
