//! The pages as a browser meets them, on a household that exists in memory and one folder.

mod children;
mod dashboard;
mod guarding;
mod household;
mod machine;
mod reports;

pub use household::Household;
