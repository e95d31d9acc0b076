//! The pages as a browser meets them, on a household that exists in memory and one folder.

mod guarding;
mod household;

pub use household::Household;
