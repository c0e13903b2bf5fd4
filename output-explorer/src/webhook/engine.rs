//! Delivers: each endpoint is served by itself, so that a slow one keeps no other waiting.
//!
//! What is to be done is read from the ledger at each step; nothing is remembered but what is under way.

use super::client::Message;
use super::record::{Delivery, Endpoint, EndpointRecord, State};
use super::{Attempt, Missed, Webhooks};
use crate::event::EventRecord;
use crate::ledger::LedgerError;
use crate::ledger::events::EventsError;
use crate::ledger::webhooks::{Due, EndpointError, Intake};
use crate::log::Line;
use crate::view::event::Event;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rand_core::{OsRng, RngCore};
use std::collections::HashSet;
use std::future::{pending, ready};
use stegos_common::api::encoding::Timestamp;

/// So many requests to an endpoint are under way at once.
const AT_ONCE: usize = 4;

/// So many events are turned into deliveries at once.
const INTAKE: usize = 100;

/// With so many deliveries on their way, events wait until some are over: an endpoint that never answers fills no disk.
const MOST_PENDING: u64 = 100_000;

impl Webhooks {
    /// Delivers for ever.
    ///
    /// # Errors
    /// [`LedgerError`] where the ledger fails.
    pub async fn run(&self) -> Result<(), LedgerError> {
        let mut changed = self.changed.subscribe();
        let mut serving = FuturesUnordered::new();
        let mut served = HashSet::new();
        loop {
            changed.mark_unchanged();
            for endpoint in self.ledger.endpoints(None)? {
                if served.insert(endpoint.id) {
                    serving.push(self.serve(endpoint.id));
                }
            }
            tokio::select! {
                Some(gone) = serving.next() => {
                    served.remove(&gone?);
                }
                _ = changed.changed() => {}
            }
        }
    }

    /// Delivers to one endpoint until it is deleted, and answers its id.
    async fn serve(&self, id: u64) -> Result<u64, LedgerError> {
        let (mut events, mut changed) = (self.ledger.watch_events(), self.changed.subscribe());
        let mut attempts = FuturesUnordered::new();
        let mut at_work = HashSet::new();
        let mut trouble = false;
        loop {
            // Whatever comes from here on is seen below.
            events.mark_unchanged();
            changed.mark_unchanged();
            let Some(record) = self.ledger.endpoint(id)? else { return Ok(id) };
            let now = self.clock.now();
            if record.endpoint.enabled && self.ledger.is_over(&record.endpoint.subscriber, now)? {
                self.end(&record.endpoint)?;
                continue;
            }
            let free = AT_ONCE.saturating_sub(at_work.len());
            let mut due = Due::default();
            let mut more = false;
            if record.endpoint.enabled && free > 0 {
                due = self.ledger.due(id, now, free, &at_work)?;
                // What was due before comes first.
                more = due.now.len() < free && self.take_in(&record.endpoint, now)?;
            }
            for delivery in due.now {
                at_work.insert(delivery.event);
                attempts.push(self.attempt(&record, delivery, now));
            }
            let next = async {
                match due.next {
                    _ if more => ready(()).await,
                    Some(time) => self.clock.until(time).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                Some(attempt) = attempts.next() => {
                    trouble = self.tried(id, attempt, &mut at_work, trouble)?;
                }
                () = next => {}
                _ = events.changed() => {}
                _ = changed.changed() => {}
            }
        }
    }

    /// Tells a subscriber nothing more whose token is over.
    fn end(&self, Endpoint { id, subscriber, .. }: &Endpoint) -> Result<(), LedgerError> {
        let disabled = self.ledger.change_endpoint(None, *id, |record| record.endpoint.enabled = false);
        if let Err(EndpointError::Ledger(error)) = disabled {
            return Err(error);
        }
        let text = format!("webhook endpoint {id} is disabled: the token {subscriber} that made it is over");
        (self.log)(Line::warn(text).with("endpoint", *id).with("subscriber", subscriber.as_str()));
        Ok(())
    }

    /// One attempt of a delivery, with the address and the secrets that are so now.
    fn attempt(
        &self,
        record: &EndpointRecord,
        delivery: Delivery,
        now: Timestamp,
    ) -> impl Future<Output = (u64, Attempt)> + use<'_> {
        let (url, secrets) = (record.endpoint.url.clone(), record.secrets(now));
        async move {
            let (id, event) = (delivery.id(), delivery.event);
            let message = Message { url: &url, id: &id, event, body: &delivery.body, secrets: &secrets };
            (event, self.client.send(message, self.clock.as_ref()).await)
        }
    }

    /// Writes what came of an attempt. Answers whether the endpoint is in trouble now, which is said when it changes.
    fn tried(
        &self,
        id: u64,
        (event, attempt): (u64, Attempt),
        at_work: &mut HashSet<u64>,
        trouble: bool,
    ) -> Result<bool, LedgerError> {
        self.metrics.tried(&attempt);
        let failed = !attempt.is_success();
        let outcome = attempt.outcome.to_string();
        let delivery = self.ledger.tried(id, event, attempt, OsRng.next_u32())?;
        at_work.remove(&event);
        if failed != trouble {
            let line = if failed {
                let text = format!(
                    "webhook endpoint {id} does not take deliveries, they are tried again: {outcome}"
                );
                Line::warn(text).with("outcome", outcome.as_str())
            } else {
                Line::info(format!("webhook endpoint {id} takes deliveries"))
            };
            (self.log)(line.with("endpoint", id));
        }
        if delivery.is_some_and(|delivery| delivery.state == State::Failed) {
            self.metrics.gave_up();
            let line = Line::warn(format!("webhook delivery {id}-{event} is given up: {outcome}"));
            (self.log)(line.with("endpoint", id).with("event", event).with("outcome", outcome));
        }
        Ok(failed)
    }

    /// Turns the next events into deliveries. Answers whether there may be more.
    fn take_in(&self, endpoint: &Endpoint, now: Timestamp) -> Result<bool, LedgerError> {
        if endpoint.pending >= MOST_PENDING {
            return Ok(false);
        }
        let after = endpoint.cursor;
        let intake = match self.ledger.events(after, INTAKE) {
            Ok(page) => {
                let Some(last) = page.events.last() else { return Ok(false) };
                let cursor = last.id;
                let wanted =
                    page.events.into_iter().filter(|record| endpoint.events.takes(record.event.kind()));
                let deliveries = wanted.map(|record| self.delivery(endpoint.id, record, now)).collect();
                Intake { after, cursor, deliveries, missed: None }
            }
            Err(EventsError::Expired { first, .. }) => {
                let missed =
                    Missed { first: after.saturating_add(1), last: first.saturating_sub(1), time: now };
                self.metrics.missed(missed);
                let Missed { first, last, .. } = missed;
                let line = Line::warn(format!(
                    "webhook endpoint {} never gets events {first} to {last}, which are not kept any more",
                    endpoint.id
                ));
                (self.log)(line.with("endpoint", endpoint.id).with("first", first).with("last", last));
                Intake { after, cursor: missed.last, deliveries: Vec::new(), missed: Some(missed) }
            }
            // The cursor is in the same database, so that somebody has changed it by hand.
            Err(EventsError::Ahead { last, .. }) => {
                Intake { after, cursor: last, deliveries: Vec::new(), missed: None }
            }
            Err(EventsError::Ledger(error)) => return Err(error),
        };
        self.ledger.take_in(endpoint, intake)?;
        Ok(true)
    }

    fn delivery(&self, endpoint: u64, record: EventRecord, now: Timestamp) -> Delivery {
        let (event, kind) = (record.id, record.event.kind().to_owned());
        let body =
            serde_json::to_string(&Event::new(record, self.ledger.network())).expect("it is plain data");
        let state = State::Pending { due: now };
        Delivery { endpoint, event, kind, body, created: now, state, failures: 0, attempts: Vec::new() }
    }
}
