//! The central side: from what people propose to what two authorities sign, and to what others can use of it. Never runs on
//! a family's box.

pub mod appeal;
pub mod build;
pub mod collect;
pub mod database;
pub mod delta;
pub mod export;
pub mod feed;
pub mod holder;
pub mod key;
pub mod line;
pub mod lint;
pub mod log;
pub mod metadata;
pub mod operator;
pub mod proposal;
pub mod publish;
pub mod site;
pub mod triage;
