//! Door two: the transparent proxy. `server` shows the whole way of a connection.

pub mod sniff;
