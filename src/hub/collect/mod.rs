//! Where anonymous reports arrive: shares of one secret are put together once enough households said the same, and sums

pub mod decode;
pub mod open;
