//! Knowledge arrives: lists of names are fetched, read, compiled and kept.

pub mod compile;
pub mod data;
pub mod fetch;
pub mod inputs;
pub mod parse;
pub mod phrases;
pub mod store;
pub mod trust;
pub mod update;
