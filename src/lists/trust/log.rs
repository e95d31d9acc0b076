//! The transparency log (C2SP tlog-tiles, tlog-checkpoint): every release that was ever published, in one tree whose root
//! witnesses have seen. Pure over a reader of tiles. A list of releases stays short (one a day is 3,650 in ten years), so
//! its leaves are read whole and every claim is checked by computing it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::note::{Note, VerifierKey};
use crate::lists::compile::hex;

/// A hash of the tree.
pub type Hash = [u8; 32];
/// Hashes in a whole tile.
pub const TILE: usize = 256;
/// Largest checkpoint that is read.
pub const CHECKPOINT_MAX: u64 = 64 << 10;
/// A cosignature older than this says nothing about today: a witness looks every day.
pub const FRESH_SECS: u64 = 7 * 86_400;
/// Clocks of witnesses may be ahead by so much.
const AHEAD_SECS: u64 = 86_400;
/// More releases than a century of one an hour.
const LEAVES_MAX: u64 = 1 << 20;

/// Reads files of the log, by their paths below it.
pub trait Tiles {
    /// The file, at most `bytes_max` octets; why not, in words.
    fn read(&mut self, path: &str, bytes_max: u64) -> Result<Vec<u8>, String>;
}

/// Whose word counts.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The log.
    pub log: VerifierKey,
    /// Witnesses.
    pub witnesses: Vec<VerifierKey>,
    /// How many of them have to have seen the checkpoint.
    pub quorum: usize,
    /// Not longer ago than this.
    pub fresh_secs: u64,
}

/// The log as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Leaves.
    pub size: u64,
    /// The tree's root, hexadecimal.
    pub root: String,
}

/// Why the log does not bear a release out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// A file that does not come.
    #[error("{0}")]
    Read(String),
    /// The checkpoint is none.
    #[error("its checkpoint cannot be read")]
    Checkpoint,
    /// Somebody else's.
    #[error("its checkpoint is not signed by {0}")]
    Unsigned(String),
    /// Too few have seen it.
    #[error("{seen} of {quorum} witnesses have seen it within the last {days} days")]
    Witnesses {
        /// How many have.
        seen: usize,
        /// How many have to.
        quorum: usize,
        /// How long that counts.
        days: u64,
    },
    /// It forgot something.
    #[error("it had {before} releases and has {now}: it was cut")]
    Shrunk {
        /// As it was seen.
        before: u64,
        /// As it is.
        now: u64,
    },
    /// It was changed, or shows different homes different histories.
    #[error(
        "its first {0} releases are not those that were seen before: it was rewritten, or shows each home another one"
    )]
    Rewritten(u64),
    /// The tree is not what the checkpoint says.
    #[error("its tiles do not give the root of its checkpoint")]
    Root,
    /// Not in it.
    #[error("the release is not in it")]
    Absent,
    /// More leaves than are read.
    #[error("{0} releases are more than any list has")]
    TooLarge(u64),
}

/// Checks that the log holds `leaf`, and grew from what was seen.
pub fn check(
    policy: &Policy,
    tiles: &mut dyn Tiles,
    seen: Option<&Seen>,
    leaf: &[u8],
    now_secs: u64,
) -> Result<Seen, LogError> {
    let octets = tiles.read("checkpoint", CHECKPOINT_MAX).map_err(LogError::Read)?;
    let note = Note::parse(&octets).map_err(|_| LogError::Checkpoint)?;
    if !note.is_signed_by(&policy.log) {
        return Err(LogError::Unsigned(policy.log.name().into()));
    }
    let (size, root) = checkpoint(&note.text, policy.log.name()).ok_or(LogError::Checkpoint)?;
    let is_fresh = |time: u64| time + policy.fresh_secs >= now_secs && time <= now_secs + AHEAD_SECS;
    let seen_by = policy.witnesses.iter().filter(|witness| note.seen_by(witness).is_some_and(is_fresh)).count();
    if seen_by < policy.quorum {
        let (quorum, days) = (policy.quorum, policy.fresh_secs / 86_400);
        return Err(LogError::Witnesses { seen: seen_by, quorum, days });
    }
    if let Some(before) = seen.map(|seen| seen.size).filter(|before| *before > size) {
        return Err(LogError::Shrunk { before, now: size });
    }
    let leaves = leaves(tiles, size)?;
    if root_of(&leaves) != root {
        return Err(LogError::Root);
    }
    if let Some(seen) = seen {
        let before = leaves.get(..usize::try_from(seen.size).unwrap_or(usize::MAX)).unwrap_or_default();
        if hex(&root_of(before)) != seen.root {
            return Err(LogError::Rewritten(seen.size));
        }
    }
    // A release is looked for where it was just added.
    if !leaves.iter().rev().any(|hash| *hash == leaf_hash(leaf)) {
        return Err(LogError::Absent);
    }
    Ok(Seen { size, root: hex(&root) })
}

/// Size and root of a checkpoint of that log (tlog-checkpoint).
pub fn checkpoint(text: &str, origin: &str) -> Option<(u64, Hash)> {
    let mut lines = text.lines();
    let (name, size, root) = (lines.next()?, lines.next()?, lines.next()?);
    let root: Hash = STANDARD.decode(root).ok()?.try_into().ok()?;
    (name == origin).then_some((size.parse().ok()?, root))
}

/// The hashes of all leaves, from the tiles of the lowest level.
pub fn leaves(tiles: &mut dyn Tiles, size: u64) -> Result<Vec<Hash>, LogError> {
    if size > LEAVES_MAX {
        return Err(LogError::TooLarge(size));
    }
    let size = size as usize;
    let mut leaves = Vec::with_capacity(size);
    for index in 0..size.div_ceil(TILE) {
        let held = (size - index * TILE).min(TILE);
        let octets = tiles.read(&tile_path("0", index as u64, held), (TILE * 32) as u64).map_err(LogError::Read)?;
        if octets.len() != held * 32 {
            return Err(LogError::Root);
        }
        leaves.extend(octets.chunks_exact(32).filter_map(|hash| Hash::try_from(hash).ok()));
    }
    Ok(leaves)
}

/// Where a tile lies (tlog-tiles): `tile/0/x001/067.p/12`.
pub fn tile_path(level: &str, index: u64, held: usize) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut above = index / 1000;
    while above > 0 {
        path = format!("x{:03}/{path}", above % 1000);
        above /= 1000;
    }
    let part = if held < TILE { format!(".p/{held}") } else { String::new() };
    format!("tile/{level}/{path}{part}")
}

/// RFC 6962 §2.1, a leaf.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    sha256(&[&[0], leaf].concat())
}

/// RFC 6962 §2.1, the root over leaves; of none, the hash of nothing.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        several => {
            let half = several.len().next_power_of_two() / 2;
            let (left, right) = several.split_at(half);
            node(&root_of(left), &root_of(right))
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], &left[..], &right[..]].concat())
}

fn sha256(octets: &[u8]) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, octets).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        // The leaves and roots of the reference tests of RFC 6962 implementations.
        let leaves: Vec<Hash> = [
            &[][..],
            &[0x00],
            &[0x10],
            &[0x20, 0x21],
            &[0x30, 0x31],
            &[0x40, 0x41, 0x42, 0x43],
            &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
            &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
        ]
        .iter()
        .map(|leaf| leaf_hash(leaf))
        .collect();
        let root = |size: usize| hex(&root_of(&leaves[..size]));
        assert_eq!(root(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(root(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(root(2), "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125");
        assert_eq!(root(3), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77");
        assert_eq!(root(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    }

    #[test]
    fn tiles_lie_where_other_programs_look_for_them() {
        assert_eq!(tile_path("0", 0, 256), "tile/0/000");
        assert_eq!(tile_path("0", 67, 12), "tile/0/067.p/12");
        assert_eq!(tile_path("entries", 1_234_067, 256), "tile/entries/x001/x234/067");
    }
}
