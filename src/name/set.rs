//! A set of names with all below them, made for the common answer: no.

use std::collections::HashSet;

use super::{Name, Suffix};

/// Names with all below them.
#[derive(Debug, Clone, Default)]
pub struct NameSet {
    names: HashSet<Box<[u8]>>,
    /// One bit a mark; a power of two of words, or none.
    marks: Vec<u64>,
}

/// Bits of the filter for each name: of a hundred names that are not in the set, three get past it.
const BITS_PER_NAME: usize = 32;

impl NameSet {
    /// The set of these names with all below them.
    pub fn new<'n>(names: impl IntoIterator<Item = &'n Name>) -> NameSet {
        let names = names.into_iter().map(|name| name.as_wire().into()).collect();
        let mut set = NameSet { names, marks: Vec::new() };
        set.mark_all();
        set
    }

    /// Adds a name with all below it.
    pub fn insert(&mut self, name: &Name) {
        self.names.insert(name.as_wire().into());
        self.mark_all();
    }

    /// True when it holds no name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// True when `name` or one of its parents is in the set.
    pub fn contains(&self, name: &Name) -> bool {
        !self.marks.is_empty()
            && name.suffixes().any(|suffix| self.may_hold(suffix) && self.names.contains(suffix.as_wire()))
    }

    /// False when exactly this name is certainly not in the set; costs a few instructions.
    pub fn may_hold(&self, name: Suffix<'_>) -> bool {
        let bit = self.bit(name.as_wire());
        self.marks.get(bit / 64).is_some_and(|word| word >> (bit % 64) & 1 != 0)
    }

    fn mark_all(&mut self) {
        let words = (self.names.len().saturating_mul(BITS_PER_NAME)).div_ceil(64).next_power_of_two();
        self.marks = if self.names.is_empty() { Vec::new() } else { vec![0; words] };
        let bits: Vec<usize> = self.names.iter().map(|name| self.bit(name)).collect();
        for bit in bits {
            if let Some(word) = self.marks.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
        }
    }

    /// The mark of a name: its length and its first eight octets tell names apart well enough, and everybody who aims past
    /// the filter only meets the set itself.
    fn bit(&self, wire: &[u8]) -> usize {
        let first = match wire.first_chunk::<8>() {
            Some(octets) => u64::from_le_bytes(*octets),
            None => wire.iter().fold(0, |sum, octet| sum << 8 | u64::from(*octet)),
        };
        // Fibonacci hashing; the upper half is well mixed.
        let mixed = (first ^ wire.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize & (self.marks.len().wrapping_mul(64).wrapping_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    #[test]
    fn holds_names_and_all_below_them_and_nothing_else() {
        let names: Vec<Name> = (0..500).map(|at| name(&format!("n{at}.example"))).collect();
        let set = NameSet::new(&names);
        let mut grown = NameSet::default();
        assert!(!grown.contains(&name("n1.example")) && !grown.may_hold(Name::ROOT.view()));
        names.iter().for_each(|name| grown.insert(name));
        for at in 0..500 {
            assert!(
                set.contains(&name(&format!("n{at}.example"))) && grown.contains(&name(&format!("a.b.n{at}.example")))
            );
            assert!(
                !set.contains(&name(&format!("n{at}.example.org"))) && !set.contains(&name(&format!("m{at}.example")))
            );
        }
        assert!(!set.contains(&name("example")) && !set.contains(&Name::ROOT));
    }
}
