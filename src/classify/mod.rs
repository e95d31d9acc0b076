//! What is this? Names and addresses to categories and services, with the evidence. Pure: bytes in, [`Classes`] out; the
//! caller opens files. Usable from another program with nothing else of ours.

mod appeal;
pub mod bundle;
pub mod category;
mod classes;
pub mod engine;
pub mod guess;
pub mod lexical;
pub mod lookalike;
pub mod path;
pub mod sealed;
pub mod seen;
pub mod service;
pub mod text;
pub mod url;

pub use appeal::AppealId;
pub use bundle::{Bundle, BundleError, Match};
pub use category::{Category, CategorySet, Tier};
pub use classes::{Classes, Evidence};
pub use engine::{Engine, Places, Published};
pub use lookalike::{Brand, Imitation, Lookalikes, Protected};
pub use service::{ServiceId, ServiceSet};
pub use url::{Host, Url, UrlHost};
