//! What becomes of deliveries.

use super::{Labelled, durations};
use crate::webhook::{Attempt, Missed, Outcome};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// What comes of an attempt.
const OUTCOMES: [&str; 3] = ["delivered", "refused", "not_answered"];

/// See the module.
pub(crate) struct WebhookMetrics {
    pub(super) attempts: Labelled<Counter, 1>,
    pub(super) durations: Histogram,
    pub(super) given_up: Counter,
    pub(super) missed: Counter,
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        let attempts = Labelled::<Counter, 1>::default();
        for outcome in OUTCOMES {
            attempts.get_or_create(&[("outcome", outcome.to_owned())]).inc_by(0);
        }
        let (given_up, missed) = (Counter::default(), Counter::default());
        Self { attempts, durations: durations(), given_up, missed }
    }
}

impl WebhookMetrics {
    /// Counts an attempt.
    pub(crate) fn tried(&self, attempt: &Attempt) {
        let [delivered, refused, not_answered] = OUTCOMES;
        let outcome = match attempt.outcome {
            Outcome::Answered { .. } if attempt.is_success() => delivered,
            Outcome::Answered { .. } => refused,
            Outcome::NotAnswered { .. } => not_answered,
        };
        self.attempts.get_or_create(&[("outcome", outcome.to_owned())]).inc();
        self.durations.observe(Duration::from_millis(attempt.milliseconds).as_secs_f64());
    }

    /// Counts a delivery that is not tried again.
    pub(crate) fn gave_up(&self) {
        self.given_up.inc();
    }

    /// Counts events that an endpoint never gets.
    pub(crate) fn missed(&self, missed: Missed) {
        self.missed.inc_by(missed.last.saturating_sub(missed.first).saturating_add(1));
    }
}
