//! Door two: the transparent proxy. `server` shows the whole way of a connection.

pub mod first;
pub mod flows;
pub mod http;
pub mod live;
pub mod places;
mod reading;
pub mod refusal;
pub mod route;
pub mod safe;
pub mod server;
pub mod sniff;
pub mod tunnel;
pub mod ways;
pub mod wire;
