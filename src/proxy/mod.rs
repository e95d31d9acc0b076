//! Door two: the transparent proxy. `server` shows the whole way of a connection.

pub mod live;
pub mod route;
pub mod sniff;
pub mod tunnel;
