//! Server-sent events: that something changed, never what. The page asks for what it may see.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use tokio_stream::wrappers::WatchStream;
use tokio_stream::{Stream, StreamExt};

use crate::family::Scope;
use crate::web::{Trouble, Visitor, Web};

/// Proxies close what is silent for longer.
const KEEP_ALIVE: Duration = Duration::from_secs(25);

pub(super) async fn events(
    State(web): State<Arc<Web>>,
    visitor: Visitor,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Trouble> {
    visitor.may(Scope::Read)?;
    let changes = WatchStream::new(web.family.changes());
    let events = changes.map(|number| Ok(Event::default().event("changed").data(number.to_string())));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}
