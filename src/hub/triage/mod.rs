//! What enough homes met, put before people: candidates, what is decided about them and by whom, and the desk on which that
//! happens. Nothing here blocks a name; the most it does is to propose one to both authorities.

pub mod accounts;
pub mod audit;
pub mod candidate;
pub mod desk;
pub mod guide;
pub mod import;
pub mod numbers;
pub mod propose;
pub mod schema;
pub mod server;
pub mod state;
pub mod store;
mod views;
