//! May they, now? Bands, criteria, profiles and schedules compiled to masks, and the one function that decides. Pure: the
//! moment is an argument; no I/O, no clock, no lock.

pub mod band;
pub mod budget;
pub mod calendar;
pub mod code;
pub mod criteria;
pub mod decide;
pub mod explain;
pub mod hours;
pub mod network;
pub mod now;
pub mod profile;
pub mod schedule;
pub mod temporary;
pub mod verdict;

pub use band::{Action, Age, Band};
pub use budget::{BudgetInput, BudgetOn};
pub use calendar::{Calendar, Days, StartDays};
pub use criteria::{Criteria, Criterion, HelpPanel, Problem};
pub use decide::{decide, decide_guess, decide_part};
pub use explain::{Chain, Until};
pub use hours::Hours;
pub use network::{Nameless, Network, Quic, Unexplained, WhenDead};
pub use now::ScheduleNow;
pub use profile::{Profile, ProfileInput, Selector, Youtube};
pub use schedule::{DaySet, Moment, ScheduleInput};
pub use temporary::{Grant, Granted, Temporary};
pub use verdict::{Reason, Step, Verdict};
