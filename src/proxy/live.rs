//! The connections of one thread that are under way: looked over once a second and whenever the rules change, so that a
//! connection ends when its asker may no longer have it, or when nothing has moved for too long. One clock for all of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use super::route::{Guide, OriginalDst};
use crate::identity::Asker;
use crate::name::Name;

/// A connection that carries only one direction any more is closed after this without a byte: long enough for a slow answer.
const HALF_CLOSED_SECS: u32 = 600;

/// An origin that does not answer for so long is not there; browsers give up later.
pub const CONNECT_SECS: u32 = 20;

/// Connections are judged again once a minute; what moved in it counts as used.
const MINUTE_SECS: u32 = 60;

/// All connections of one thread.
#[derive(Default, Clone)]
pub struct Live(Rc<Shelf>);

#[derive(Default)]
struct Shelf {
    entries: RefCell<Vec<Option<Rc<Entry>>>>,
    free: RefCell<Vec<usize>>,
    /// Seconds since the thread began.
    now: Cell<u32>,
}

/// What has to be known of a connection to judge it again.
pub struct About {
    /// Whose it is.
    pub asker: Asker,
    /// The name it asked for last.
    pub name: RefCell<Option<Box<Name>>>,
    /// Where it leads.
    pub to: OriginalDst,
    /// For the help set: never judged again, never counted.
    pub is_help: Cell<bool>,
}

/// One connection.
pub struct Entry {
    about: Option<About>,
    shelf: Rc<Shelf>,
    place: usize,
    touched: Cell<u32>,
    is_half_closed: Cell<bool>,
    is_connected: Cell<bool>,
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
}

/// Why a connection was ended from here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The rules no longer allow it.
    Cut,
    /// Nothing moved for too long.
    Idle,
}

/// Leaves the shelf when it goes.
pub struct Seat(Rc<Entry>);

impl Live {
    /// Puts a connection on the shelf.
    pub fn enter(&self, about: About) -> Seat {
        Seat(self.add(Some(about)))
    }

    #[cfg(test)]
    pub(super) fn enter_for_test(&self) -> Rc<Entry> {
        self.add(None)
    }

    fn add(&self, about: Option<About>) -> Rc<Entry> {
        let mut entries = self.0.entries.borrow_mut();
        let place = self.0.free.borrow_mut().pop().unwrap_or(entries.len());
        let entry = Rc::new(Entry {
            about,
            shelf: Rc::clone(&self.0),
            place,
            touched: Cell::new(self.0.now.get()),
            is_half_closed: Cell::new(false),
            is_connected: Cell::new(false),
            end: Cell::new(None),
            waker: RefCell::new(None),
        });
        match entries.get_mut(place) {
            Some(slot) => *slot = Some(Rc::clone(&entry)),
            None => entries.push(Some(Rc::clone(&entry))),
        }
        entry
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.entries.borrow().len() - self.0.free.borrow().len()
    }

    /// Sets the clock, and ends what has been still for longer than `idle`.
    pub fn tick(&self, now: u32, idle: Duration) {
        self.0.now.set(now);
        let idle = u32::try_from(idle.as_secs()).unwrap_or(u32::MAX);
        for entry in self.0.entries.borrow().iter().flatten() {
            let patience = match (entry.is_connected.get(), entry.is_half_closed.get()) {
                (false, _) => idle.min(CONNECT_SECS),
                (true, true) => idle.min(HALF_CLOSED_SECS),
                (true, false) => idle,
            };
            if now.saturating_sub(entry.touched.get()) > patience {
                entry.finish(End::Idle);
            }
        }
    }

    /// Asks the judge again for every connection, as of that time (seconds since 1970), and marks what was in use for budgets.
    pub fn judge_again(&self, guide: &Guide, at: u64) {
        for entry in self.0.entries.borrow().iter().flatten() {
            let Some(about) = entry.about.as_ref().filter(|about| !about.is_help.get()) else { continue };
            if self.0.now.get().saturating_sub(entry.touched.get()) < MINUTE_SECS {
                guide.used(about.asker, about.name.borrow().as_deref(), at);
            }
            if !guide.still_allows(about.asker, about.name.borrow().as_deref(), about.to.0, at) {
                entry.finish(End::Cut);
            }
        }
    }
}

impl Entry {
    /// True when the connection has to end now; else `context` is woken when it has to.
    pub fn is_over(&self, context: &Context<'_>) -> bool {
        let mut waker = self.waker.borrow_mut();
        if waker.as_ref().is_none_or(|waker| !waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        self.end.get().is_some()
    }

    /// Something moved.
    pub fn touch(&self) {
        self.touched.set(self.shelf.now.get());
    }

    /// The other side is there.
    pub fn connected(&self) {
        self.is_connected.set(true);
        self.touch();
    }

    /// One direction has ended.
    pub fn half_closed(&self) {
        self.is_half_closed.set(true);
    }

    /// Why it was ended from here; `None` when it ended by itself.
    pub fn end(&self) -> Option<End> {
        self.end.get()
    }

    /// What the connection asks for now.
    pub fn rename(&self, name: Option<&Name>) {
        if let Some(about) = &self.about {
            *about.name.borrow_mut() = name.cloned().map(Box::new);
        }
    }

    /// It is for the help set now, or no longer.
    pub fn set_quiet(&self, is_help: bool) {
        if let Some(about) = &self.about {
            about.is_help.set(is_help);
        }
    }

    /// True while nothing of it may be counted.
    pub fn is_quiet(&self) -> bool {
        self.about.as_ref().is_some_and(|about| about.is_help.get())
    }

    fn finish(&self, end: End) {
        self.end.set(Some(end));
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl Seat {
    /// The entry itself.
    pub fn entry(&self) -> Rc<Entry> {
        Rc::clone(&self.0)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let (shelf, place) = (&self.0.shelf, self.0.place);
        if let Some(slot) = shelf.entries.borrow_mut().get_mut(place) {
            *slot = None;
        }
        shelf.free.borrow_mut().push(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ClientAddr;

    fn about() -> About {
        let client = ClientAddr::from("192.0.2.1".parse::<std::net::IpAddr>().unwrap());
        let to = OriginalDst("192.0.2.2".parse().unwrap());
        About { asker: client.into(), name: RefCell::default(), to, is_help: Cell::new(false) }
    }

    #[test]
    fn what_is_still_for_too_long_ends_and_places_are_used_again() {
        let live = Live::default();
        let (busy, still, half) = (live.enter(about()), live.enter(about()), live.enter(about()));
        [&busy, &still, &half].iter().for_each(|seat| seat.entry().connected());
        half.entry().half_closed();
        live.tick(HALF_CLOSED_SECS + 1, Duration::from_secs(3600));
        assert_eq!((busy.entry().end(), half.entry().end()), (None, Some(End::Idle)));
        busy.entry().touch();
        live.tick(3601, Duration::from_secs(3600));
        assert_eq!((busy.entry().end(), still.entry().end()), (None, Some(End::Idle)));
        drop(still);
        drop(half);
        assert_eq!(live.len(), 1);
        let again = live.enter(about());
        live.tick(3601 + CONNECT_SECS + 1, Duration::from_secs(3600));
        assert_eq!(again.entry().end(), Some(End::Idle), "nobody answered");
        assert_eq!((live.len(), live.0.entries.borrow().len()), (2, 3));
        drop(again);
    }
}
