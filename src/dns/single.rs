//! One question on a stream or request of its own, as DNS over HTTPS and DNS over QUIC bring them.

use std::sync::{Arc, PoisonError};

use super::pipeline::{Scratch, Step, Transport};
use super::share::LOOK_UP;
use super::worker::Shared;
use crate::identity::Asker;
use crate::telemetry::metrics::Counters;

/// What every such door holds.
#[derive(Clone)]
pub struct Single {
    /// What all listeners share.
    pub shared: Shared,
    /// Where questions are counted.
    pub counters: Arc<Counters>,
}

/// What becomes of a question.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// This.
    Answer(Vec<u8>),
    /// It was none.
    NoQuestion,
    /// The client is over its share.
    Limited,
    /// The house is full.
    Busy,
}

impl Single {
    /// Answers the question in `packet`.
    pub async fn ask(&self, asker: Asker, packet: &[u8]) -> Told {
        let Shared { door, waiting, .. } = &self.shared;
        let mut scratch = Scratch::default();
        let step = {
            let context = door.context();
            if !self.take(asker, 1, context.client_rate(), context.now()) {
                self.counters.limited();
                return Told::Limited;
            }
            let foreseen = door.foresee(&context, packet);
            let step = door.answer(&context, &foreseen, asker, Transport::Single, &self.counters, &mut scratch);
            if matches!(step, Step::Defer(_)) {
                self.take(asker, LOOK_UP, context.client_rate(), context.now());
            }
            step
        };
        match step {
            Step::Reply => Told::Answer(scratch.out),
            Step::Drop => Told::NoQuestion,
            Step::Defer(deferred) => {
                let Some(_place) = waiting.enter() else {
                    self.counters.dropped();
                    return Told::Busy;
                };
                door.finish(deferred, &self.counters).await.map_or(Told::NoQuestion, Told::Answer)
            }
        }
    }

    fn take(&self, asker: Asker, tokens: u32, rate: u32, now: u64) -> bool {
        let mut shares = self.shared.shares.lock().unwrap_or_else(PoisonError::into_inner);
        shares.set_rate(rate);
        shares.take(asker.client, tokens, now)
    }
}
