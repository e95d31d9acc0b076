//! What came of triage, for other programs: STIX objects with versions that only go forward, TAXII to fetch them, a folder as
//! MISP reads it, and the statistics as a table. Nothing is said of what people have not decided about.

pub mod csv;
pub mod misp;
pub mod stix;
pub mod taxii;
pub mod versions;
