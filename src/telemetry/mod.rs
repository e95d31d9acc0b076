//! What we tell about ourselves: numbers for Prometheus, lines for the log. Never a name, never a client.

pub mod log;
pub mod metrics;
pub mod proxied;
pub mod serve;
