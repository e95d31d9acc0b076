//! Pages and API: the portal (children), the dashboard (guardians), and the same as JSON. Decides nothing about names: asks the
//! judge.

pub mod pages;
pub mod text;
