//! The four who take anonymous reports, each a process of its own: the relay passes on, the provider gives tokens, B mixes, A
//! opens. What each keeps on its disk is all there is to find there.

mod due;
mod gateway;
mod issuing;
mod metrics;
mod opening;
mod post;
mod relay;
pub mod secrets;
pub mod serve;
pub mod settings;
mod store;
mod weeks;
