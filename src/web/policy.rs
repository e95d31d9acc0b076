//! Changes of the configuration: checked as `luytre check` does, written with comments kept, and in force at once or not at all.

use super::{Trouble, Web};

impl Web {
    /// Allows a name of a profile from now on.
    pub(super) fn allow_always(&self, profile: &str, name: &str) -> Result<(), Trouble> {
        let _ = (profile, name);
        Err(Trouble::Internal("not yet".into()))
    }
}
