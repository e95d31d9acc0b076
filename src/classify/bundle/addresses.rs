//! Overlapping prefixes to disjoint ranges: a sweep over their ends, so that the reader needs one binary search.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// Addresses as numbers, IPv4 and IPv6 in tables of their own.
#[derive(Clone, Copy)]
pub struct Span {
    pub first: u128,
    pub last: u128,
    pub part: u32,
}

/// A run of addresses covered by exactly these parts.
pub struct Segment {
    pub first: u128,
    pub last: u128,
    pub parts: Vec<u32>,
}

pub fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u128::from(u32::from(addr)),
        IpAddr::V6(addr) => u128::from(addr),
    }
}

/// Disjoint segments in order, neighbours with the same parts joined.
pub fn sweep(spans: &[Span]) -> Vec<Segment> {
    let mut starts: Vec<&Span> = spans.iter().filter(|span| span.first <= span.last).collect();
    starts.sort_unstable_by_key(|span| (span.first, span.part));
    let mut ends: BTreeMap<u128, Vec<u32>> = BTreeMap::new();
    let mut active: BTreeMap<u32, u32> = BTreeMap::new();
    let mut segments: Vec<Segment> = Vec::new();
    let mut from = 0;
    let mut next = starts.into_iter().peekable();
    loop {
        let start = next.peek().map(|span| span.first);
        let end = ends.keys().next().copied();
        match (start, end) {
            (Some(start), end) if end.is_none_or(|end| start <= end) => {
                if start > from {
                    push(&mut segments, from, start - 1, &active);
                }
                from = start;
                if let Some(span) = next.next() {
                    ends.entry(span.last).or_default().push(span.part);
                    *active.entry(span.part).or_default() += 1;
                }
            }
            (_, None) => return segments,
            (_, Some(end)) => {
                push(&mut segments, from, end, &active);
                for part in ends.remove(&end).unwrap_or_default() {
                    retire(&mut active, part);
                }
                let Some(after) = end.checked_add(1) else { return segments };
                from = after;
            }
        }
    }
}

fn retire(active: &mut BTreeMap<u32, u32>, part: u32) {
    if let Some(count) = active.get_mut(&part) {
        *count -= 1;
        if *count == 0 {
            active.remove(&part);
        }
    }
}

fn push(segments: &mut Vec<Segment>, first: u128, last: u128, active: &BTreeMap<u32, u32>) {
    if active.is_empty() || first > last {
        return;
    }
    let parts: Vec<u32> = active.keys().copied().collect();
    match segments.last_mut() {
        Some(before) if before.last.checked_add(1) == Some(first) && before.parts == parts => before.last = last,
        _ => segments.push(Segment { first, last, parts }),
    }
}
