//! Names that pretend to be a protected one. `brands` says what is protected, `sight` what the eye sees of a label, `words`
//! finds words in it, and `find` puts them together. What is popular under its own name is for the caller to except.

mod brands;
mod find;
mod sight;
mod words;

pub use brands::{Brand, Protected};
pub use find::{Imitation, Kind, Lookalikes};
