//! What a name that nobody has listed looks like: a small model of spellings, read from a file at run time and replaced
//! like a list. Pure and in whole numbers, so that every machine says the same; allocates nothing to score. What is done
//! about a score, and that help and good names are exempt, is decided elsewhere.

mod chance;
mod class;
mod format;
mod head;
mod model;
mod reading;
mod table;

pub use chance::{Curve, KNOTS, MILLION, NAT_BITS};
pub use class::{CLASSES, Class};
pub use format::{FILE_MAX, HEADER, ModelError, ModelWriter, NOTE_MAX};
pub use head::{HIDDEN, HIDDEN_MAX, HIDDEN_SHIFT, Head, OUTS, SUM_MAX, Weights};
pub use model::{Gram, Model, Scores};
pub use reading::{Feature, Kind, Reading};
pub use table::{COARSE, DIMS, LINE, ROWS, TableWriter};
