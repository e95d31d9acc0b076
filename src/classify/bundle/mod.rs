//! The bundle: everything the lists say, as one immutable, checked block of bytes that is looked up where it lies. Written
//! deterministically (same lists, same bytes); the reader trusts nothing it was not shown a checksum for.
//!
//! A name costs one 8-octet slot in a table of 64-octet lines, filled to 88 %: about 9.1 octets.
//! A URL rule costs as much in a table of its own, and each host that has rules once more.

mod addresses;
mod format;
mod meta;
mod reader;
mod sets;
mod table;
mod url_key;
mod urls;
mod writer;

pub use format::Line;
pub use meta::{ServiceInfo, Skipped, SourceInfo};
pub(super) use reader::Finding;
pub use reader::{Bundle, BundleError, Match, Places, Storage};
pub use writer::{Applies, BundleWriter, Part, PartId, PartKind, SourceId, WriteError, WriteReport};
