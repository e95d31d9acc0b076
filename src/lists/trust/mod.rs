//! What two authorities publish together: a release counts only when both signed the same bytes.

pub mod release;
