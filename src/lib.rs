//! The map of the house. Rooms stand in the order in which data flows; arrows point one way only:
//! `name ← classify ← policy ← judge ← {dns, proxy, lists, family} ← web ← app ← cli ← main` (`tests/house.rs` holds them to it).
//!
//! `name`, `classify` and `policy` are pure: no I/O, no clock, no lock, no `async`. `classify` is the shared engine and can
//! be used from another program with nothing else of ours.

pub mod app;
pub mod classify;
pub mod cli;
pub mod clock;
pub mod config;
pub mod dns;
pub mod document;
pub mod family;
pub mod hub;
pub mod identity;
pub mod judge;
pub mod lists;
pub mod model;
pub mod name;
pub mod net;
pub mod oprf;
pub mod password;
pub mod policy;
pub mod proxy;
pub mod report;
pub mod sys;
pub mod telemetry;
pub mod web;
