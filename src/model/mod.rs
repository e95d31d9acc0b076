//! Where a model of spellings is made and measured; the appliance only reads what came out (`classify::lexical`). Training
//! is in one thread and from one seed: the same rows give the same file, octet for octet.

mod data;
mod measure;
mod network;
mod ordinary;
mod pack;
mod random;
mod settle;
mod train;
mod vocabulary;

pub use data::{BENIGN, Part, Row, Rows, is_permissive};
pub use measure::{Bin, ClassReport, Point, Report, measure};
pub use train::{TrainError, train};
