//! Door one: the filtering resolver. `pipeline` shows the whole way of a question; `worker` and `stream` carry it in and
//! out; `cache`, `upstream` and `resolver` find what we do not know yet.

pub mod answer;
pub mod query;
