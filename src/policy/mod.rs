//! May they, now? Bands, criteria, profiles and schedules compiled to masks, and the one function that decides. Pure: the
//! moment is an argument.

pub mod band;
pub mod criteria;
pub mod decide;
pub mod profile;
pub mod schedule;
