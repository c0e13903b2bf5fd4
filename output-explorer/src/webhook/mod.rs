//! Webhooks: events are posted to addresses that subscribers register. `docs/webhooks.md` says what receivers can rely on.
//!
//! An event's way: the ledger's events → a [`Delivery`] for each endpoint that wants it, with what is sent, in one batch
//! with the endpoint's cursor → attempts until the receiver takes it or the last one failed. All of that is in the ledger,
//! so a new start goes on where the last one ended; only what was under way is sent again.

mod client;
mod clock;
mod engine;
pub mod record;
mod schedule;
mod secret;
mod target;

use crate::event::{Filter, UnknownType};
pub use client::ClientError;
pub use clock::{Clock, SystemClock};
pub use record::{Attempt, Delivery, Endpoint, Missed, Outcome, State};
pub use secret::Secret;
pub use target::TargetError;

use crate::clock::later;
use crate::ledger::events::EventsError;
use crate::ledger::webhooks::EndpointError;
use crate::ledger::{Ledger, LedgerError};
use crate::log::Log;
use crate::metrics::WebhookMetrics;
use crate::settings::WebhookConfig;
use crate::view::webhook::{EndpointChange, NewEndpoint, Ping};
use client::{Client, Message};
use rand_core::{OsRng, RngCore};
use record::EndpointRecord;
use std::sync::Arc;
use std::time::Duration;
use thiserror::Error;
use tokio::sync::watch;

/// The longest description of an endpoint, in bytes.
const MOST_DESCRIPTION: usize = 200;

/// How long a secret is valid after it was replaced, unless something else is said; and at most.
pub const GRACE: Duration = Duration::from_hours(24);
const LONGEST_GRACE: Duration = Duration::from_hours(7 * 24);

/// Why something about webhooks is not done.
#[derive(Debug, Error)]
pub enum WebhookError {
    /// Nothing may be delivered there.
    #[error("{0}")]
    Target(#[from] TargetError),
    /// No event has such a type.
    #[error(transparent)]
    Filter(#[from] UnknownType),
    /// The description is too long.
    #[error("the description is longer than {MOST_DESCRIPTION} bytes")]
    Description,
    /// The replaced secret would be valid for too long.
    #[error("a secret that was replaced is valid for 7 days at most")]
    Grace,
    /// There are no events behind that place.
    #[error(transparent)]
    Events(#[from] EventsError),
    /// There is no such endpoint or delivery, or there are too many.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
}

/// The endpoints and what is delivered to them.
///
/// Who asks says whose endpoints it is about: those of a subscriber, or with `None` everybody's.
pub struct Webhooks {
    ledger: Arc<Ledger>,
    client: Client,
    private: bool,
    clock: Arc<dyn Clock>,
    log: Log,
    pub(crate) metrics: WebhookMetrics,
    /// Whatever changed may concern who sends.
    changed: watch::Sender<()>,
}

impl Webhooks {
    /// For the endpoints of a ledger. Nothing is sent before [`Webhooks::run`].
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn new(
        ledger: Arc<Ledger>,
        config: &WebhookConfig,
        clock: Arc<dyn Clock>,
        log: Log,
    ) -> Result<Self, ClientError> {
        let (client, private) = (Client::new(config)?, config.allow_private_targets);
        let (metrics, changed) = (WebhookMetrics::default(), watch::Sender::default());
        Ok(Self { ledger, client, private, clock, log, metrics, changed })
    }

    /// The endpoints, by their ids.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn endpoints(&self, subscriber: Option<&str>) -> Result<Vec<Endpoint>, LedgerError> {
        self.ledger.endpoints(subscriber)
    }

    /// An endpoint.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn endpoint(&self, subscriber: Option<&str>, id: u64) -> Result<Endpoint, EndpointError> {
        Ok(self.ledger.endpoint_for(subscriber, id)?.endpoint)
    }

    /// Makes an endpoint, with a secret that is shown this once.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn create(&self, subscriber: &str, new: NewEndpoint) -> Result<(Endpoint, Secret), WebhookError> {
        let url = target::parse(&new.url, self.private)?.into();
        let events = Filter::new(new.events)?;
        let description = described(new.description)?;
        let cursor = match new.after {
            Some(after) => self.ledger.events(after, 0).map(|_| after)?,
            None => *self.ledger.watch_events().borrow(),
        };
        let endpoint = Endpoint {
            id: 0,
            subscriber: subscriber.to_owned(),
            url,
            events,
            description,
            enabled: true,
            created: self.clock.now(),
            cursor,
            pending: 0,
            finished: 0,
            missed: Vec::new(),
            previous_until: None,
        };
        let secret = Secret::random();
        let endpoint =
            self.ledger.add_endpoint(EndpointRecord { endpoint, secret: secret.clone(), previous: None })?;
        self.changed.send_replace(());
        Ok((endpoint, secret))
    }

    /// Changes what is named and leaves the rest. What is on its way already goes to the new address.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn update(
        &self,
        subscriber: Option<&str>,
        id: u64,
        change: EndpointChange,
    ) -> Result<Endpoint, WebhookError> {
        let url = change.url.map(|url| target::parse(&url, self.private)).transpose()?;
        let events = change.events.map(Filter::new).transpose()?;
        let description = change.description.map(described).transpose()?;
        let endpoint = self.ledger.change_endpoint(subscriber, id, |record| {
            let endpoint = &mut record.endpoint;
            endpoint.url = url.map_or(std::mem::take(&mut endpoint.url), Into::into);
            endpoint.events = events.unwrap_or(std::mem::take(&mut endpoint.events));
            endpoint.description = description.unwrap_or(std::mem::take(&mut endpoint.description));
            endpoint.enabled = change.enabled.unwrap_or(endpoint.enabled);
        })?;
        self.changed.send_replace(());
        Ok(endpoint)
    }

    /// Deletes an endpoint, with what is on its way and its log.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn delete(&self, subscriber: Option<&str>, id: u64) -> Result<(), EndpointError> {
        self.ledger.remove_endpoint(subscriber, id)?;
        self.changed.send_replace(());
        Ok(())
    }

    /// Gives an endpoint a new secret, which is shown this once. The one before signs too for so long (by default
    /// [`GRACE`]); one before that does not any more.
    ///
    /// # Errors
    /// [`WebhookError`].
    pub fn rotate(
        &self,
        subscriber: Option<&str>,
        id: u64,
        grace: Option<Duration>,
    ) -> Result<(Endpoint, Secret), WebhookError> {
        let grace = grace.unwrap_or(GRACE);
        if grace > LONGEST_GRACE {
            return Err(WebhookError::Grace);
        }
        let secret = Secret::random();
        let until = later(self.clock.now(), grace);
        let endpoint =
            self.ledger.change_endpoint(subscriber, id, |record| record.rotate(secret.clone(), until))?;
        Ok((endpoint, secret))
    }

    /// The delivery log of an endpoint, the newest events first, at most `limit`, before the event `before`.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn deliveries(
        &self,
        subscriber: Option<&str>,
        id: u64,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Delivery>, EndpointError> {
        self.ledger.deliveries(subscriber, id, before, limit)
    }

    /// Makes the delivery of an event due now, whatever became of it, and all attempts with it.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn redeliver(
        &self,
        subscriber: Option<&str>,
        id: u64,
        event: u64,
    ) -> Result<Delivery, EndpointError> {
        let delivery = self.ledger.redeliver(subscriber, id, event, self.clock.now())?;
        self.changed.send_replace(());
        Ok(delivery)
    }

    /// Sends a `ping` to an endpoint, enabled or not, once, and tells what came of it.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub async fn ping(&self, subscriber: Option<&str>, id: u64) -> Result<Attempt, EndpointError> {
        let record = self.ledger.endpoint_for(subscriber, id)?;
        let now = self.clock.now();
        let message = Message {
            url: &record.endpoint.url,
            id: &format!("ping-{:016x}", OsRng.next_u64()),
            event: 0,
            body: &Ping::new(id, now).to_json(),
            secrets: &record.secrets(now),
        };
        Ok(self.client.send(message, self.clock.as_ref()).await)
    }
}

fn described(text: String) -> Result<String, WebhookError> {
    if text.len() > MOST_DESCRIPTION { Err(WebhookError::Description) } else { Ok(text) }
}
