//! What two authorities publish together: a release counts only when both signed the same bytes.

pub mod delta;
pub mod error;
pub mod guard;
pub mod log;
pub mod note;
pub mod place;
pub mod release;
pub mod repository;
pub mod rollout;
pub mod shelf;
pub mod update;
