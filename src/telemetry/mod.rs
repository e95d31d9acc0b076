//! What we tell about ourselves: numbers for Prometheus, lines for the log. Never a name, never a client, but for `activity`,
//! which stays in memory and ends at `family`.

pub mod activity;
pub mod log;
pub mod metrics;
pub mod proxied;
pub mod serve;
