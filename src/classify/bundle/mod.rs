//! The bundle: everything the lists say, as one immutable, checked block of bytes that is looked up where it lies. Written
//! deterministically (same lists, same bytes); the reader trusts nothing it was not shown a checksum for.
//!
//! A name costs one 8-octet slot in a table of 64-octet lines, filled to 88 %: about 9.1 octets.

mod addresses;
mod format;
mod meta;
mod reader;
mod writer;

pub use meta::{ServiceInfo, Skipped, SourceInfo};
pub use reader::{Bundle, BundleError, Match, Places, Storage};
pub use writer::{Applies, BundleWriter, Part, PartId, PartKind, SourceId, WriteError, WriteReport};
