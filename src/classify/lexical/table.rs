//! The table of rows: what each gram adds to the sixteen sums of a name. Rows stand in lines of 64 octets, one line of
//! the processor's cache each, so that a gram costs one access. A gram that is not there adds nothing.
//!
//! ```text
//! 0      7      8 … 64
//! ┌──────┬──────┬──────────────────┐
//! │ 7 ×  │flags │ 7 × row: 16 nibbles, each a number from -8 to 7 plus 8
//! │ mark │      │ low nibble of octet i: sum 2i, high nibble: sum 2i+1
//! └──────┴──────┴──────────────────┘
//! mark: 8 bits of the gram's hash, 0 for none. Flag i: row i counts four times.
//! ```
#![deny(clippy::indexing_slicing)]

/// Sums a name has.
pub const DIMS: usize = 16;
/// Octets of a line.
pub const LINE: usize = 64;
/// Rows in a line.
pub const ROWS: usize = 7;
/// What a flagged row is multiplied by.
pub const COARSE: i32 = 4;
/// What a nibble holds more than the number it means.
const BIAS: i32 = 8;

/// One line of the table.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Line([u8; LINE]);

/// The rows of one model.
#[derive(Debug, Clone)]
pub struct Table {
    lines: Box<[Line]>,
}

/// Where a row was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// Number of its slot, counted over all lines.
    pub slot: usize,
    row: u64,
    is_coarse: bool,
}

impl Table {
    /// The table of these octets; what is left behind the last whole line is ignored.
    pub fn of(octets: &[u8]) -> Table {
        Table { lines: octets.as_chunks::<LINE>().0.iter().map(|line| Line(*line)).collect() }
    }

    /// Lines it has.
    pub fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The row of that hash, or of another that looks the same to it: in a full line 7 in 256 do.
    pub fn find(&self, hash: u64) -> Option<Found> {
        let (at, mark) = place(hash, self.lines.len());
        let Line(line) = self.lines.get(at)?;
        let words = line.as_chunks::<8>().0;
        let head = u64::from_le_bytes(*words.first()?);
        let entry = position(head, mark)?;
        let row = u64::from_le_bytes(*words.get(entry.wrapping_add(1))?);
        Some(Found { slot: at.wrapping_mul(ROWS).wrapping_add(entry), row, is_coarse: head >> (56 + entry) & 1 == 1 })
    }
}

impl Found {
    /// The numbers of the row.
    pub fn values(&self) -> [i32; DIMS] {
        let mut sums = Sums::default();
        sums.add(self);
        sums.finish()
    }
}

/// The line of a hash in a table of so many, and its mark there (never 0).
pub fn place(hash: u64, lines: usize) -> (usize, u8) {
    let line = ((hash >> 32).wrapping_mul(lines as u64) >> 32) as usize;
    (line, (hash as u8).max(1))
}

/// The entry with that mark among the seven of a line's head.
fn position(head: u64, mark: u8) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x0080_8080_8080_8080;
    let differ = head ^ ONES.wrapping_mul(u64::from(mark));
    // The lowest octet that is zero (Hacker's Delight, 6-1); the flags' octet is not asked.
    let zero = differ.wrapping_sub(ONES) & !differ & HIGH;
    (zero != 0).then(|| (zero.trailing_zeros() / 8) as usize)
}

/// Sixteen sums, added up eight nibbles at a time.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sums {
    fine: Lanes,
    coarse: Lanes,
}

impl Sums {
    /// Adds a row.
    pub fn add(&mut self, found: &Found) {
        if found.is_coarse { self.coarse.add(found.row) } else { self.fine.add(found.row) }
    }

    /// The sums.
    pub fn finish(mut self) -> [i32; DIMS] {
        let (fine, coarse) = (self.fine.finish(), self.coarse.finish());
        let mut sums = [0; DIMS];
        for ((sum, fine), coarse) in sums.iter_mut().zip(fine).zip(coarse) {
            *sum = fine + coarse * COARSE;
        }
        sums
    }
}

/// Nibbles added in octets, put away before an octet can overflow: 17 × 15 = 255.
#[derive(Debug, Clone, Copy, Default)]
struct Lanes {
    even: u64,
    odd: u64,
    pending: u32,
    rows: i32,
    sums: [i32; DIMS],
}

impl Lanes {
    fn add(&mut self, row: u64) {
        const LOW: u64 = 0x0f0f_0f0f_0f0f_0f0f;
        self.even = self.even.wrapping_add(row & LOW);
        self.odd = self.odd.wrapping_add(row >> 4 & LOW);
        self.pending += 1;
        if self.pending == 17 {
            self.put_away();
        }
    }

    fn put_away(&mut self) {
        let octets = self.even.to_le_bytes().into_iter().zip(self.odd.to_le_bytes());
        for (pair, (even, odd)) in self.sums.as_chunks_mut::<2>().0.iter_mut().zip(octets) {
            *pair = [pair[0] + i32::from(even), pair[1] + i32::from(odd)];
        }
        self.rows += self.pending as i32;
        (self.even, self.odd, self.pending) = (0, 0, 0);
    }

    fn finish(&mut self) -> [i32; DIMS] {
        self.put_away();
        self.sums.map(|sum| sum - self.rows * BIAS)
    }
}

/// Makes the octets of a table.
#[derive(Debug)]
pub struct TableWriter {
    lines: usize,
    octets: Vec<u8>,
}

impl TableWriter {
    /// An empty table of so many lines.
    pub fn new(lines: usize) -> TableWriter {
        TableWriter { lines, octets: vec![0; lines * LINE] }
    }

    /// Gives the hash a slot. `None` when its line is full, or holds a row that looks the same to it.
    pub fn claim(&mut self, hash: u64) -> Option<usize> {
        let (at, mark) = place(hash, self.lines);
        let marks = self.octets.get_mut(at * LINE..at * LINE + ROWS)?;
        if marks.contains(&mark) {
            return None;
        }
        let entry = marks.iter().position(|taken| *taken == 0)?;
        *marks.get_mut(entry)? = mark;
        Some(at * ROWS + entry)
    }

    /// Lines it has.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// The slot that a reader finds for a hash, given to it or to one that looks the same.
    pub fn slot(&self, hash: u64) -> Option<usize> {
        let (at, mark) = place(hash, self.lines);
        let marks = self.octets.get(at * LINE..at * LINE + ROWS)?;
        Some(at * ROWS + marks.iter().position(|taken| *taken == mark)?)
    }

    /// Writes the row of a slot: numbers from -8 to 7, to be multiplied by [`COARSE`] if so.
    pub fn set(&mut self, slot: usize, values: [i32; DIMS], is_coarse: bool) {
        let (at, entry) = (slot / ROWS * LINE, slot % ROWS);
        let Some(line) = self.octets.get_mut(at..at + LINE) else { return };
        if let Some(flags) = line.get_mut(ROWS) {
            *flags = *flags & !(1 << entry) | u8::from(is_coarse) << entry;
        }
        let nibble = |value: i32| (value + BIAS).clamp(0, 15) as u8;
        for (to, pair) in line.iter_mut().skip(8 + entry * 8).zip(values.as_chunks::<2>().0) {
            *to = nibble(pair[0]) | nibble(pair[1]) << 4;
        }
    }

    /// The octets.
    pub fn finish(self) -> Vec<u8> {
        self.octets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_found() {
        let mut writer = TableWriter::new(3);
        let mut kept = Vec::new();
        for at in 0..40_u64 {
            let hash = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let values = std::array::from_fn(|dim| (at as i32 + dim as i32) % 16 - 8);
            if let Some(slot) = writer.claim(hash) {
                writer.set(slot, values, at % 3 == 0);
                kept.push((hash, slot, values, at % 3 == 0));
            }
        }
        assert!(kept.len() > 15 && kept.len() <= 21, "{}", kept.len());
        let table = Table::of(&writer.finish());
        let mut sums = Sums::default();
        let mut expected = [0; DIMS];
        for (hash, slot, values, is_coarse) in kept {
            let found = table.find(hash).unwrap();
            let values = values.map(|value| value * if is_coarse { COARSE } else { 1 });
            assert_eq!((found.slot, found.values()), (slot, values));
            for _ in 0..30 {
                sums.add(&found);
                expected = std::array::from_fn(|dim| expected[dim] + values[dim]);
            }
        }
        assert_eq!(sums.finish(), expected);
    }

    #[test]
    fn an_empty_table_holds_nothing() {
        assert_eq!(Table::of(&[]).find(1), None);
        let empty = Table::of(&TableWriter::new(4).finish());
        assert!((0..999_u64).all(|at| empty.find(at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).is_none()));
    }
}
