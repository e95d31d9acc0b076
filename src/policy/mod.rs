//! May they, now? Bands, criteria, profiles and schedules compiled to masks, and the one function that decides. Pure: the
//! moment is an argument.

pub mod band;
pub mod criteria;
pub mod decide;
pub mod profile;
pub mod schedule;

pub use band::{Action, Band};
pub use criteria::Criteria;
pub use decide::{Reason, Step, Verdict, decide};
pub use profile::{Profile, ProfileInput};
