//! Where a child can go instead.

use crate::lists::data;
use crate::policy::Band;
use crate::web::text::Language;

/// One good page, in the page's language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tile {
    /// What it is called.
    pub title: String,
    /// Where it is.
    pub url: String,
}

impl Tile {
    /// At most `most` tiles for that band, in the file's order.
    pub fn for_band(tiles: &[data::Tile], band: Band, language: Language, most: usize) -> Vec<Tile> {
        let suits = tiles.iter().filter(|tile| tile.bands.contains(&band));
        suits
            .take(most)
            .map(|tile| Tile { title: tile.title(language.code()).to_string(), url: tile.url.clone() })
            .collect()
    }
}
