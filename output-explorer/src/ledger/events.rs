//! The events of the ledger: one table whose keys count from 1. What is too old is deleted by the batch that adds.

use super::store::{Batch, Store, beginning_with};
use super::value::damaged;
use super::{Ledger, LedgerError, State, table};
use crate::event::{Event, EventRecord};
use std::ops::Bound;
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;
use tokio::sync::watch;

/// A batch deletes at most twice what it adds, and so many more: where the limit was lowered, it is reached in steps.
const SPARE: u64 = 100;

/// Which events there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    /// The oldest; one more than the newest where there is none.
    pub(crate) first: u64,
    /// The newest, or 0.
    pub(crate) last: u64,
}

impl Kept {
    /// Those that are stored.
    pub(super) fn stored(store: &dyn Store) -> Result<Self, LedgerError> {
        let mut pairs = store.scan(beginning_with(table::EVENTS));
        let first = pairs.next().transpose()?.map(|(key, _)| id(&key)).transpose()?;
        let last = pairs.next_back().transpose()?.map(|(key, _)| id(&key)).transpose()?;
        let (first, last) = (first.unwrap_or(1), last.or(first).unwrap_or(0));
        Ok(Self { first, last })
    }

    /// Puts events behind the newest, and takes away what is too old. The newest stays whatever `keep` is, so that no
    /// number is given twice.
    pub(super) fn add(self, batch: &mut Batch, events: Vec<Event>, time: Timestamp, keep: u64) -> Self {
        let Self { first, mut last } = self;
        let spare = (events.len() as u64).saturating_mul(2).saturating_add(SPARE);
        for event in events {
            last = last.saturating_add(1);
            let record = EventRecord { id: last, time, event };
            batch.put(table::event(last), serde_json::to_vec(&record).expect("events are plain data"));
        }
        let wanted = last.saturating_add(1).saturating_sub(keep.max(1));
        let until = wanted.min(first.saturating_add(spare)).max(first);
        for old in first..until {
            batch.delete(table::event(old));
        }
        Self { first: until, last }
    }
}

fn id(key: &[u8]) -> Result<u64, LedgerError> {
    table::number_of(key).ok_or_else(|| damaged(table::EVENTS))
}

/// Some events, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// Those behind the number that was asked for.
    pub events: Vec<EventRecord>,
    /// The number of the oldest event that is kept; 1 where there never was one.
    pub first: u64,
    /// The number of the newest event, or 0.
    pub last: u64,
}

/// Why there are no events behind a number.
#[derive(Debug, Error)]
pub enum EventsError {
    /// Some of them are not kept any more.
    #[error(
        "events behind {after} are not kept any more: the oldest one is {first}. Read what is so now, and go on from there"
    )]
    Expired {
        /// The number.
        after: u64,
        /// The oldest event that is kept.
        first: u64,
    },
    /// There is no such event.
    #[error(
        "there is no event {after}: the newest one is {last}. Was the ledger restored from a copy, or begun anew? Read what is so now, and go on from there"
    )]
    Ahead {
        /// The number.
        after: u64,
        /// The newest event.
        last: u64,
    },
    /// The database fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// The events behind the number `after`, at most `limit`; all that there ever were are behind 0.
    ///
    /// # Errors
    /// [`EventsError`] where some of them are not kept any more, or there is no event `after`.
    pub fn events(&self, after: u64, limit: usize) -> Result<EventPage, EventsError> {
        let state = self.read()?;
        let Kept { first, last } = state.events;
        if after > last {
            return Err(EventsError::Ahead { after, last });
        }
        if after.saturating_add(1) < first {
            return Err(EventsError::Expired { after, first });
        }
        let (_, end) = beginning_with(table::EVENTS);
        let pairs = self.store.scan((Bound::Excluded(table::event(after)), end)).take(limit);
        let record = |value: Vec<u8>| serde_json::from_slice(&value).map_err(|_| damaged(table::EVENTS));
        let events =
            pairs.map(|pair| record(pair.map_err(LedgerError::from)?.1)).collect::<Result<_, _>>()?;
        Ok(EventPage { events, first, last })
    }

    /// Which events there are.
    pub(crate) fn kept_events(&self) -> Result<Kept, LedgerError> {
        Ok(self.read()?.events)
    }

    /// Tells the number of the newest event, whenever there are new ones on disk.
    #[must_use]
    pub fn watch_events(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// Stores an event that no change of the ledger comes with.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn note(&self, event: Event) -> Result<(), LedgerError> {
        let mut state = self.write()?;
        self.store(&mut state, Batch::default(), vec![event])
    }

    /// Puts events into a batch. They count once it is written.
    pub(super) fn put_events(&self, state: &State, batch: &mut Batch, events: Vec<Event>) -> Kept {
        if events.is_empty() {
            return state.events;
        }
        state.events.add(batch, events, (self.clock)(), self.keep_events)
    }

    /// Takes note of events that are on disk.
    pub(super) fn tell_events(&self, state: &mut State, kept: Kept) {
        if state.events.last != kept.last {
            self.newest.send_replace(kept.last);
        }
        state.events = kept;
    }
}
