//! Watches one body go by: keeps its first octets and judges them when asked. How the body was cut into pieces changes nothing.

use super::model::{TextModel, TextScores};
use super::page::PageText;

/// Octets of a body that are looked at. A choice: what a page is about stands in its first screens.
pub const BODY_MAX: usize = 64 << 10;

/// The beginning of one body, after transfer and content codings are undone.
pub struct Reader<'m> {
    model: &'m TextModel,
    body: Vec<u8>,
}

impl<'m> Reader<'m> {
    /// Nothing was seen yet.
    pub fn new(model: &'m TextModel) -> Reader<'m> {
        Reader { model, body: Vec::new() }
    }

    /// Takes the next octets; true while more would be looked at. Memory never exceeds [`BODY_MAX`].
    pub fn push(&mut self, chunk: &[u8]) -> bool {
        let room = BODY_MAX.saturating_sub(self.body.len());
        self.body.extend_from_slice(chunk.get(..room).unwrap_or(chunk));
        self.body.len() < BODY_MAX
    }

    /// What speaks for each category in what was seen so far.
    pub fn verdict(&self) -> TextScores {
        self.model.judge(&PageText::of(&self.body))
    }
}
