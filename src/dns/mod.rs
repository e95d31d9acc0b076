//! Door one: DNS. `pipeline` shows the whole way of a question.

pub mod answer;
pub mod cache;
pub mod pipeline;
pub mod query;
pub mod record;
pub mod resolver;
pub mod rewrite;
pub mod share;
pub mod source;
pub mod special;
pub mod stream;
pub mod upstream;
pub mod worker;
