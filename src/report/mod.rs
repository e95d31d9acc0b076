//! What a household may tell, in a form in which nobody can find it: names that many saw, and noised sums. Pure but for
//! `spool`, which keeps sealed messages in one file. Sends nothing: who carries them is not here.

pub mod calendar;
pub mod consent;
pub mod envelope;
pub mod ledger;
pub mod manifest;
pub mod message;
pub mod preview;
pub mod seal;
pub mod share;
pub mod slots;
pub mod spool;
pub mod statistics;
pub mod token;
