//! Where anonymous reports arrive: shares of one secret are put together once enough households said the same, and sums
//! are noised. What is not said often enough stays closed, here too.

pub mod decode;
pub mod issue;
pub mod noise;
pub mod open;
pub mod sum;

#[cfg(test)]
mod tests;
