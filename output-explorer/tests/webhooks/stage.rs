//! A ledger, who delivers its events, and a clock that is set by hand.

use crate::receiver::Receiver;
use output_explorer::event::Event;
use output_explorer::ledger::store::memory::MemoryStore;
use output_explorer::ledger::{Ledger, Settings};
use output_explorer::settings::WebhookConfig;
use output_explorer::view::webhook::NewEndpoint;
use output_explorer::webhook::{Clock, Delivery, Endpoint, Secret, State, Webhooks};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use stegos_common::address::Network;
use stegos_common::api::encoding::Timestamp;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

pub(crate) const SETTINGS: Settings =
    Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: 1_000_000 };

/// Nothing waits longer, so that a test fails and does not hang.
const LONGEST: Duration = Duration::from_secs(120);

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let wait = async {
        while !is_so() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    timeout(LONGEST, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) struct HandClock(watch::Sender<u64>);

impl HandClock {
    fn new() -> Self {
        // Some time in 2023, in nanoseconds.
        Self(watch::Sender::new(1_700_000_000_000_000_000))
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.0.send_modify(|now| *now += u64::try_from(time.as_nanos()).unwrap());
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_nanos(*self.0.borrow())
    }

    fn until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let mut now = self.0.subscribe();
        Box::pin(async move {
            now.wait_for(|now| *now >= time.unix_nanos()).await.unwrap();
        })
    }
}

/// Who delivers; it is killed on drop.
pub(crate) struct Stage {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) webhooks: Arc<Webhooks>,
    running: AbortHandle,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.running.abort();
    }
}

pub(crate) fn config() -> WebhookConfig {
    WebhookConfig { allow_private_targets: true, ca_file: None, limit: Duration::from_secs(60) }
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(ledger(SETTINGS), &config())
    }

    pub(crate) fn with(ledger: Arc<Ledger>, config: &WebhookConfig) -> Self {
        Self::at(ledger, config, Arc::new(HandClock::new()))
    }

    pub(crate) fn at(ledger: Arc<Ledger>, config: &WebhookConfig, clock: Arc<HandClock>) -> Self {
        let webhooks =
            Webhooks::new(Arc::clone(&ledger), config, Arc::clone(&clock) as Arc<dyn Clock>, |line| {
                eprintln!("{line}")
            });
        let webhooks = Arc::new(webhooks.unwrap());
        let runner = Arc::clone(&webhooks);
        let running = tokio::spawn(async move { runner.run().await.unwrap() }).abort_handle();
        Self { ledger, clock, webhooks, running }
    }

    /// An endpoint of a shop, that gets everything.
    pub(crate) fn endpoint(&self, receiver: &Receiver) -> (Endpoint, Secret) {
        self.webhooks.create("shop", NewEndpoint { url: receiver.url(), ..NewEndpoint::default() }).unwrap()
    }

    /// So many things happen.
    pub(crate) fn happen(&self, count: usize) {
        for number in 0..count {
            self.ledger.note(Event::NodeConnected { address: format!("node {number}") }).unwrap();
        }
    }

    pub(crate) fn log(&self, endpoint: u64) -> Vec<Delivery> {
        self.webhooks.deliveries(None, endpoint, None, 100_000).unwrap()
    }

    /// Waits until there is nothing to do for an endpoint at this time.
    pub(crate) async fn settle(&self, endpoint: u64) {
        let newest = *self.ledger.watch_events().borrow();
        until("nothing is due", || {
            let now = self.clock.now();
            let is_due = |delivery: &Delivery| matches!(delivery.state, State::Pending { due } if due <= now);
            let endpoints = self.webhooks.endpoints(None).unwrap();
            let cursor = endpoints.iter().find(|it| it.id == endpoint).unwrap().cursor;
            cursor == newest && !self.log(endpoint).iter().any(is_due)
        })
        .await;
    }

    /// Lets time pass in steps, with everything done that is due meanwhile.
    pub(crate) async fn pass(&self, endpoint: u64, hours: u32) {
        for _ in 0..hours * 4 {
            self.clock.pass(Duration::from_mins(15));
            self.settle(endpoint).await;
        }
    }
}

pub(crate) fn ledger(settings: Settings) -> Arc<Ledger> {
    Arc::new(Ledger::new(Box::new(MemoryStore::default()), settings).unwrap())
}
