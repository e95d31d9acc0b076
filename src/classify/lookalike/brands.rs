//! What is protected, as `blocklists/protected.toml` says it.

use crate::name::Name;

/// The brands, and the words swindlers write beside them.
#[derive(Debug, Clone, Default)]
pub struct Protected {
    /// Who is imitated.
    pub brands: Vec<Brand>,
    /// Words that lure (`login`, `trungthuong`).
    pub lures: Vec<String>,
    /// Words that leave a brand's own word as plain as before (`www`, `online`, `vn`).
    pub fillers: Vec<String>,
    /// Endings and delivery networks from which nobody imitates.
    pub trusted: Vec<Name>,
    /// Registered labels that look like a protected word and are words of their own.
    pub others: Vec<String>,
}

/// One bank, authority or brand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brand {
    /// Stable.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Its real names, with all below them.
    pub names: Vec<Name>,
    /// Words that mean it wherever they stand.
    pub words: Vec<String>,
    /// Words of everyday speech, and short ones: they mean it only beside a lure, or where they are disguised.
    pub joined: Vec<String>,
    /// It holds its name at the endings of nearly all countries; a namesake there is its own.
    pub everywhere: bool,
}
