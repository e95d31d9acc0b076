//! Anonymous reports from one end to the other: homes that meet names, the four who take reports as processes of their own, the
//! desk, the two authorities, and the home that is protected in the end. Side by side, since most of it is waiting.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test may end so"
)]

#[path = "../harness/mod.rs"]
mod harness;

mod homes;
mod junk;
mod round;
