//! The only `unsafe` of the house: batched socket calls and memory maps, each behind a safe function.
#![allow(unsafe_code)]
