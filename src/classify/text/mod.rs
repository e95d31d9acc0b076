//! What is a page about, by its words? `page` takes the text out of HTML, `model` knows what phrases and words speak for,
//! `learn` draws the words' weights from sample pages, and `reader` watches one body go by.

mod learn;
mod model;
mod page;
mod reader;

pub use learn::Sample;
pub use model::{HARMS, Phrase, TextModel, TextScores};
pub use page::PageText;
pub use reader::{BODY_MAX, Reader};
