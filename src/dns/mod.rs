//! Door one: DNS. `pipeline` shows the whole way of a question.

pub mod answer;
pub mod cache;
pub mod cookie;
pub mod designate;
pub mod dnssec;
pub mod doubt;
pub mod given;
pub mod https;
pub mod listen;
pub mod lookup;
pub mod pipeline;
pub mod proxied;
pub mod query;
pub mod quic;
pub mod record;
pub mod resolver;
pub mod rewrite;
pub mod share;
pub mod single;
pub mod source;
pub mod special;
pub mod stream;
pub mod structured;
pub mod tls;
pub mod upstream;
pub mod worker;
