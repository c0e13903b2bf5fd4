//! Webhook endpoints and their deliveries. An endpoint is changed durably by whoever has it; a delivery is done with at
//! least once: where the receiver took it and that was not written yet, it is sent again.

use super::handoffs::to_json;
use super::store::{Batch, beginning_with};
use super::value::damaged;
use super::{Ledger, LedgerError, table};
use crate::webhook::record::{Attempt, Delivery, Endpoint, EndpointRecord, Missed, State};
use std::collections::HashSet;
use std::ops::Bound;
use stegos_common::api::encoding::Timestamp;
use thiserror::Error;

/// So many endpoints may a subscriber have.
const MOST_ENDPOINTS: usize = 3;

/// So many deliveries that are over are kept for each endpoint.
const KEPT: u64 = 10_000;

/// Why an endpoint or a delivery is not changed.
#[derive(Debug, Error)]
pub enum EndpointError {
    /// There is none, or it is somebody else's.
    #[error("there is no webhook endpoint {0}")]
    Unknown(u64),
    /// There are enough.
    #[error("there are {MOST_ENDPOINTS} webhook endpoints already: change or delete one of them")]
    TooMany,
    /// It is not in the log any more, or never was.
    #[error("there is no delivery {endpoint}-{event}")]
    UnknownDelivery {
        /// The endpoint.
        endpoint: u64,
        /// The event.
        event: u64,
    },
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What an endpoint takes in: events up to one, as deliveries.
pub(crate) struct Intake {
    /// The event behind which it begins.
    pub(crate) after: u64,
    /// The last event.
    pub(crate) cursor: u64,
    /// One for each event that the endpoint wants.
    pub(crate) deliveries: Vec<Delivery>,
    /// Events on the way that are not kept any more.
    pub(crate) missed: Option<Missed>,
}

/// What an endpoint has to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// What is to be sent now, the longest overdue first.
    pub(crate) now: Vec<Delivery>,
    /// When the next one is due, where all that is due is in `now`.
    pub(crate) next: Option<Timestamp>,
}

impl Ledger {
    /// The webhook endpoints of a subscriber, or of all of them, by their ids.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn endpoints(&self, subscriber: Option<&str>) -> Result<Vec<Endpoint>, LedgerError> {
        let _state = self.read()?;
        Ok(self.records_of(subscriber)?.into_iter().map(|record| record.endpoint).collect())
    }

    fn records_of(&self, subscriber: Option<&str>) -> Result<Vec<EndpointRecord>, LedgerError> {
        let (_, end) = beginning_with(table::ENDPOINTS);
        // Without the counter, whose key is the table's letter.
        let pairs = self.store.scan((Bound::Excluded(table::ENDPOINTS.to_vec()), end));
        let records =
            pairs.map(|pair| serde_json::from_slice(&pair?.1).map_err(|_| damaged(table::ENDPOINTS)));
        let is_wanted = |record: &EndpointRecord| record.endpoint.is_of(subscriber);
        records.filter(|read| read.as_ref().map_or(true, is_wanted)).collect()
    }

    /// Disables whatever endpoints somebody has.
    pub(super) fn disable_endpoints(&self, batch: &mut Batch, subscriber: &str) -> Result<(), LedgerError> {
        for mut record in self.records_of(Some(subscriber))? {
            record.endpoint.enabled = false;
            batch.put(table::endpoint(record.endpoint.id), to_json(&record));
        }
        Ok(())
    }

    /// An endpoint of a subscriber, or of anybody, with its secrets.
    pub(crate) fn endpoint_for(
        &self,
        subscriber: Option<&str>,
        id: u64,
    ) -> Result<EndpointRecord, EndpointError> {
        let _state = self.read()?;
        self.endpoint_of(subscriber, id)
    }

    /// An endpoint with its secrets, if there is one.
    pub(crate) fn endpoint(&self, id: u64) -> Result<Option<EndpointRecord>, LedgerError> {
        let _state = self.read()?;
        self.json(&table::endpoint(id))
    }

    /// Adds an endpoint, whose id is given now.
    pub(crate) fn add_endpoint(&self, mut record: EndpointRecord) -> Result<Endpoint, EndpointError> {
        let mut state = self.write()?;
        if self.records_of(Some(&record.endpoint.subscriber))?.len() >= MOST_ENDPOINTS {
            return Err(EndpointError::TooMany);
        }
        let last: u64 = self.json(table::ENDPOINTS)?.unwrap_or_default();
        record.endpoint.id = last.saturating_add(1);
        let mut batch = Batch::default();
        batch.put(table::ENDPOINTS.to_vec(), to_json(&record.endpoint.id));
        batch.put(table::endpoint(record.endpoint.id), to_json(&record));
        self.store_own(&mut state, batch, Vec::new())?;
        Ok(record.endpoint)
    }

    /// Changes an endpoint of a subscriber, or of anybody.
    pub(crate) fn change_endpoint(
        &self,
        subscriber: Option<&str>,
        id: u64,
        change: impl FnOnce(&mut EndpointRecord),
    ) -> Result<Endpoint, EndpointError> {
        let mut state = self.write()?;
        let mut record = self.endpoint_of(subscriber, id)?;
        change(&mut record);
        let mut batch = Batch::default();
        batch.put(table::endpoint(id), to_json(&record));
        self.store_own(&mut state, batch, Vec::new())?;
        Ok(record.endpoint)
    }

    /// Removes an endpoint with all of its deliveries.
    pub(crate) fn remove_endpoint(&self, subscriber: Option<&str>, id: u64) -> Result<(), EndpointError> {
        let mut state = self.write()?;
        self.endpoint_of(subscriber, id)?;
        let mut batch = Batch::default();
        batch.delete(table::endpoint(id));
        // By both indices, which are short: the deliveries themselves are not.
        for index in [table::due(id), table::finished(id)] {
            for pair in self.store.scan(beginning_with(&index)) {
                let (key, _) = pair.map_err(LedgerError::from)?;
                let event = table::number_of(&key).ok_or_else(|| damaged(&index))?;
                batch.delete(table::delivery(id, event));
                batch.delete(key);
            }
        }
        Ok(self.store_own(&mut state, batch, Vec::new())?)
    }

    /// Turns events into deliveries and moves the endpoint's cursor, in one batch. Nothing happens where the cursor is
    /// another one, or the endpoint wants other events by now: false.
    pub(crate) fn take_in(&self, before: &Endpoint, intake: Intake) -> Result<bool, LedgerError> {
        let mut state = self.write()?;
        let key = table::endpoint(before.id);
        let Some(mut record) = self.json::<EndpointRecord>(&key)? else { return Ok(false) };
        let endpoint = &mut record.endpoint;
        if endpoint.cursor != intake.after || endpoint.events != before.events {
            return Ok(false);
        }
        endpoint.cursor = intake.cursor;
        if let Some(missed) = intake.missed {
            endpoint.miss(missed);
        }
        let mut batch = Batch::default();
        for delivery in &intake.deliveries {
            put(&mut batch, endpoint, None, delivery);
        }
        batch.put(key, to_json(&record));
        self.store(&mut state, batch, Vec::new())?;
        Ok(true)
    }

    /// What is due at a time, at most `limit`, without those that are at work.
    pub(crate) fn due(
        &self,
        endpoint: u64,
        now: Timestamp,
        limit: usize,
        at_work: &HashSet<u64>,
    ) -> Result<Due, LedgerError> {
        let _state = self.read()?;
        let mut due = Due::default();
        for pair in self.store.scan(beginning_with(&table::due(endpoint))) {
            let (key, _) = pair?;
            let (time, event) = table::due_of(&key).ok_or_else(|| damaged(&key))?;
            if at_work.contains(&event) {
                continue;
            }
            if time > now {
                due.next = Some(time);
                break;
            }
            if due.now.len() == limit {
                break;
            }
            let delivery = self.json(&table::delivery(endpoint, event))?;
            due.now.push(delivery.ok_or_else(|| damaged(table::DELIVERIES))?);
        }
        Ok(due)
    }

    /// Writes what came of an attempt; `random` is any number, for the length of the next pause. Answers the delivery as it
    /// is now; that of an endpoint that is gone is nobody's.
    pub(crate) fn tried(
        &self,
        id: u64,
        event: u64,
        attempt: Attempt,
        random: u32,
    ) -> Result<Option<Delivery>, LedgerError> {
        let mut state = self.write()?;
        let key = table::endpoint(id);
        let Some(mut record) = self.json::<EndpointRecord>(&key)? else { return Ok(None) };
        let Some(before) = self.json::<Delivery>(&table::delivery(id, event))? else { return Ok(None) };
        let was = before.state;
        let after = before.after(attempt, random);
        let mut batch = Batch::default();
        put(&mut batch, &mut record.endpoint, Some(was), &after);
        self.drop_oldest(&mut batch, &mut record.endpoint)?;
        batch.put(key, to_json(&record));
        self.store(&mut state, batch, Vec::new())?;
        Ok(Some(after))
    }

    /// Makes a delivery due again, whatever became of it.
    pub(crate) fn redeliver(
        &self,
        subscriber: Option<&str>,
        id: u64,
        event: u64,
        now: Timestamp,
    ) -> Result<Delivery, EndpointError> {
        let mut state = self.write()?;
        let mut record = self.endpoint_of(subscriber, id)?;
        let before: Option<Delivery> = self.json(&table::delivery(id, event))?;
        let before = before.ok_or(EndpointError::UnknownDelivery { endpoint: id, event })?;
        let was = before.state;
        let after = before.again(now);
        let mut batch = Batch::default();
        put(&mut batch, &mut record.endpoint, Some(was), &after);
        batch.put(table::endpoint(id), to_json(&record));
        self.store(&mut state, batch, Vec::new())?;
        Ok(after)
    }

    /// The delivery log of an endpoint, the newest events first, at most `limit`, before the event `before`.
    pub(crate) fn deliveries(
        &self,
        subscriber: Option<&str>,
        id: u64,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, EndpointError> {
        let _state = self.read()?;
        self.endpoint_of(subscriber, id)?;
        let (first, last) = beginning_with(&table::deliveries(id));
        let last = before.map_or(last, |before| Bound::Excluded(table::delivery(id, before)));
        let pairs = self.store.scan((first, last)).rev().take(limit);
        let read = pairs.map(|pair| {
            let (key, value) = pair.map_err(LedgerError::from)?;
            Ok(serde_json::from_slice(&value).map_err(|_| damaged(&key))?)
        });
        read.collect()
    }

    /// Of what is over, takes away what the log has no room for.
    fn drop_oldest(&self, batch: &mut Batch, endpoint: &mut Endpoint) -> Result<(), LedgerError> {
        if endpoint.finished <= KEPT {
            return Ok(());
        }
        let index = table::finished(endpoint.id);
        let mut oldest = self.store.scan(beginning_with(&index));
        while endpoint.finished > KEPT
            && let Some(pair) = oldest.next()
        {
            let (key, _) = pair?;
            let event = table::number_of(&key).ok_or_else(|| damaged(&index))?;
            batch.delete(table::delivery(endpoint.id, event));
            batch.delete(key);
            endpoint.finished -= 1;
        }
        Ok(())
    }

    fn endpoint_of(&self, subscriber: Option<&str>, id: u64) -> Result<EndpointRecord, EndpointError> {
        let record: Option<EndpointRecord> = self.json(&table::endpoint(id))?;
        record.filter(|record| record.endpoint.is_of(subscriber)).ok_or(EndpointError::Unknown(id))
    }
}

/// Writes a delivery with its entry in the index of its state, in place of the one that it had.
fn put(batch: &mut Batch, endpoint: &mut Endpoint, was: Option<State>, delivery: &Delivery) {
    let (id, event) = (endpoint.id, delivery.event);
    let entry = |state: State| match state {
        State::Pending { due } => table::due_at(id, due, event),
        State::Delivered | State::Failed => table::finished_at(id, event),
    };
    let count = |endpoint: &mut Endpoint, state: State, by: fn(u64, u64) -> u64| match state {
        State::Pending { .. } => endpoint.pending = by(endpoint.pending, 1),
        State::Delivered | State::Failed => endpoint.finished = by(endpoint.finished, 1),
    };
    if let Some(was) = was {
        batch.delete(entry(was));
        count(endpoint, was, u64::saturating_sub);
    }
    batch.put(entry(delivery.state), Vec::new());
    count(endpoint, delivery.state, u64::saturating_add);
    batch.put(table::delivery(id, event), to_json(delivery));
}
