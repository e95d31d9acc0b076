//! Door one: DNS. `pipeline` shows the whole way of a question.

pub mod answer;
pub mod cache;
pub mod query;
pub mod special;
