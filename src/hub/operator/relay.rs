//! The relay: takes a closed message from a line, passes its octets on and the answer back, and nothing else. It alone sees
//! addresses, counts messages of each in this hour in memory, and writes nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::post::Poster;
use super::serve::{Answer, Asked};
use super::settings::Settings;
use crate::hub::line::Shares;

/// Octets of the longest message: a week is 5,148 and its wrapping.
pub const MESSAGE_MAX: usize = 16 << 10;
const PATIENCE: Duration = Duration::from_secs(15);
const REQUEST_TYPE: &str = "message/ohttp-req";
const RESPONSE_TYPE: &str = "message/ohttp-res";

/// A relay.
pub struct Relay {
    a: String,
    b: String,
    poster: Poster,
    lines: Mutex<Shares>,
}

impl Relay {
    /// With these settings.
    pub fn new(settings: &Settings) -> Relay {
        let gateway = |url: &Option<String>| format!("{}gateway", url.as_deref().unwrap_or_default());
        let lines = Shares::new(settings.per_hour);
        Relay {
            a: gateway(&settings.a),
            b: gateway(&settings.b),
            poster: Poster::new(PATIENCE),
            lines: Mutex::new(lines),
        }
    }

    /// One message.
    pub async fn answer(&self, asked: Asked, now: u64) -> (&'static str, Answer) {
        let (ask, gateway) = match asked.path.as_str() {
            "/a" => ("a", &self.a),
            "/b" => ("b", &self.b),
            _ => return ("other", Answer::status(404)),
        };
        if asked.content_type != REQUEST_TYPE {
            return (ask, Answer::status(415));
        }
        if !self.lines.lock().unwrap_or_else(PoisonError::into_inner).take(asked.line, now / 3600) {
            return (ask, Answer::status(429));
        }
        // The message and what it is: nothing that came with it goes on.
        let headers = [("content-type", REQUEST_TYPE)];
        let answer = match self.poster.post(gateway, &headers, asked.body, MESSAGE_MAX).await {
            Some((200, body)) => Answer::new(200, RESPONSE_TYPE, body),
            Some((status @ (400 | 503), _)) => Answer::status(status),
            _ => Answer::status(502),
        };
        (ask, answer)
    }
}
