//! May they, now? Bands, criteria, profiles and schedules compiled to masks, and the one function that decides. Pure: the
//! moment is an argument; no I/O, no clock, no lock.

pub mod band;
pub mod criteria;
pub mod decide;
pub mod explain;
pub mod profile;
pub mod schedule;

pub use band::{Action, Age, Band};
pub use schedule::{Moment, ScheduleInput};
