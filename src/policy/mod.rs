//! May they, now? Bands, criteria, profiles and schedules compiled to masks, and the one function that decides. Pure: the
//! moment is an argument; no I/O, no clock, no lock.

pub mod band;
pub mod criteria;
pub mod decide;
pub mod explain;
pub mod network;
pub mod profile;
pub mod schedule;
pub mod temporary;

pub use band::{Action, Age, Band};
pub use criteria::{Criteria, Criterion, HelpPanel, Problem};
pub use decide::{Reason, Step, Verdict, decide, decide_part};
pub use explain::Chain;
pub use network::{Nameless, Network, Quic, Unexplained, WhenDead};
pub use profile::{Profile, ProfileInput, Selector, Youtube};
pub use schedule::{DaySet, Moment, ScheduleInput};
pub use temporary::{Grant, Granted, Temporary};
