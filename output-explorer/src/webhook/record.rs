//! Endpoints and deliveries as they are stored, in JSON.

use super::schedule::pause;
use super::secret::{Secret, stored};
use crate::clock::later;
use crate::event::Filter;
use serde::{Deserialize, Serialize};
use std::fmt;
use stegos_common::api::encoding::Timestamp;

/// So many attempts of a delivery are kept: those of two schedules.
const MOST_ATTEMPTS: usize = 20;

/// So many gaps of an endpoint are told one by one; of older ones only how far they reach.
const MOST_GAPS: usize = 20;

/// Where events are delivered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Counts the endpoints of this ledger, from 1; never given twice.
    pub id: u64,
    /// Whose it is.
    pub subscriber: String,
    /// The address.
    pub url: String,
    /// Which events it gets.
    pub events: Filter,
    /// What its subscriber says about it.
    pub description: String,
    /// Whether anything is delivered.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// The last event that was looked at for it.
    pub cursor: u64,
    /// How many deliveries are on their way.
    pub pending: u64,
    /// How many deliveries are over and still in the log.
    pub finished: u64,
    /// Events that it never gets, because they were not kept any more when it was their turn; the oldest first.
    pub missed: Vec<Missed>,
    /// Until when the secret before the present one is valid too.
    pub previous_until: Option<Timestamp>,
}

/// Events that are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// When that was noticed.
    pub time: Timestamp,
}

impl Endpoint {
    /// Whether it is a subscriber's, or whoever's.
    pub(crate) fn is_of(&self, subscriber: Option<&str>) -> bool {
        subscriber.is_none_or(|subscriber| self.subscriber == subscriber)
    }

    /// Notes that events are gone.
    pub(crate) fn miss(&mut self, missed: Missed) {
        self.missed.push(missed);
        while self.missed.len() > MOST_GAPS {
            let oldest = self.missed.remove(0);
            if let Some(next) = self.missed.first_mut() {
                next.first = oldest.first;
            }
        }
    }
}

/// An endpoint with its secrets. They must be read to sign, so they cannot be stored as digests.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct EndpointRecord {
    pub(crate) endpoint: Endpoint,
    #[serde(with = "stored")]
    pub(crate) secret: Secret,
    pub(crate) previous: Option<Previous>,
}

/// A secret that was replaced.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Previous {
    #[serde(with = "stored")]
    secret: Secret,
}

impl EndpointRecord {
    /// Takes another secret; the one before is valid until `until`.
    pub(crate) fn rotate(&mut self, secret: Secret, until: Timestamp) {
        let previous = std::mem::replace(&mut self.secret, secret);
        self.previous = Some(Previous { secret: previous });
        self.endpoint.previous_until = Some(until);
    }

    /// The secrets to sign with.
    pub(crate) fn secrets(&self, now: Timestamp) -> Vec<Secret> {
        let is_valid = self.endpoint.previous_until.is_some_and(|until| now < until);
        let previous = self.previous.iter().filter(|_| is_valid).map(|previous| previous.secret.clone());
        std::iter::once(self.secret.clone()).chain(previous).collect()
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The endpoint.
    pub endpoint: u64,
    /// The event, of which an endpoint has one delivery.
    pub event: u64,
    /// The event's type.
    pub kind: String,
    /// What is sent, byte by byte: it stays the same where the event is not kept any more.
    pub body: String,
    /// When it was made.
    pub created: Timestamp,
    /// Where it is.
    pub state: State,
    /// How many attempts failed since it was due first.
    pub failures: u32,
    /// What was tried, the oldest first.
    pub attempts: Vec<Attempt>,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It will be tried.
    Pending {
        /// When.
        due: Timestamp,
    },
    /// The receiver has it.
    Delivered,
    /// It is given up.
    Failed,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub time: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// There was an answer.
    Answered {
        /// Its status.
        status: u16,
        /// How its body begins.
        body: String,
    },
    /// There was none.
    NotAnswered {
        /// Why.
        reason: String,
    },
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { status, .. } => write!(f, "answer {status}"),
            Self::NotAnswered { reason } => f.write_str(reason),
        }
    }
}

impl Attempt {
    /// Whether the receiver took it.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.outcome, Outcome::Answered { status: 200..=299, .. })
    }
}

impl Delivery {
    /// The id by which a receiver tells a repetition: that of every attempt.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}-{}", self.endpoint, self.event)
    }

    /// After an attempt. `random` is any number, for the length of the pause.
    pub(crate) fn after(mut self, attempt: Attempt, random: u32) -> Self {
        if attempt.is_success() {
            self.state = State::Delivered;
        } else {
            self.failures = self.failures.saturating_add(1);
            self.state = pause(self.failures, random)
                .map_or(State::Failed, |pause| State::Pending { due: later(attempt.time, pause) });
        }
        self.attempts.push(attempt);
        let too_many = self.attempts.len().saturating_sub(MOST_ATTEMPTS);
        self.attempts.drain(..too_many);
        self
    }

    /// Due again, as if it were new.
    pub(crate) fn again(mut self, now: Timestamp) -> Self {
        (self.state, self.failures) = (State::Pending { due: now }, 0);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp::from_unix_nanos(0);

    #[test]
    fn gaps_that_are_not_told_one_by_one_are_told_together() {
        let mut endpoint = Endpoint {
            id: 1,
            subscriber: "shop".to_owned(),
            url: String::new(),
            events: Filter::default(),
            description: String::new(),
            enabled: true,
            created: TIME,
            cursor: 0,
            pending: 0,
            finished: 0,
            missed: Vec::new(),
            previous_until: None,
        };
        for number in 1..=30 {
            endpoint.miss(Missed { first: number * 10, last: number * 10 + 2, time: TIME });
        }
        assert_eq!(endpoint.missed.len(), MOST_GAPS);
        assert_eq!((endpoint.missed[0].first, endpoint.missed[0].last), (10, 112));
        assert_eq!(endpoint.missed[19].last, 302);
    }

    #[test]
    fn ten_failures_are_the_end_until_somebody_wants_it_again() {
        let new = Delivery {
            endpoint: 3,
            event: 17,
            kind: "deposit.final".to_owned(),
            body: "{}".to_owned(),
            created: TIME,
            state: State::Pending { due: TIME },
            failures: 0,
            attempts: Vec::new(),
        };
        assert_eq!(new.id(), "3-17");
        let answered = |status| Outcome::Answered { status, body: String::new() };
        let mut delivery = new;
        let mut time = TIME;
        for _ in 0..9 {
            delivery = delivery.after(Attempt { time, milliseconds: 1, outcome: answered(500) }, 100);
            let State::Pending { due } = delivery.state else { panic!("{delivery:?}") };
            assert!(due > time);
            time = due;
        }
        assert_eq!(time.unix_nanos() / 60_000_000_000, 36 + 63 * 60, "64 hours, a little less");
        let failed = delivery.after(Attempt { time, milliseconds: 1, outcome: answered(301) }, 100);
        assert_eq!((failed.state, failed.attempts.len()), (State::Failed, 10));
        let again = failed.again(time);
        let lost = Outcome::NotAnswered { reason: "closed".to_owned() };
        let tried = again.after(Attempt { time, milliseconds: 1, outcome: lost }, 100);
        assert!(matches!(tried.state, State::Pending { .. }), "the schedule begins anew");
        let done = tried.after(Attempt { time, milliseconds: 1, outcome: answered(204) }, 100);
        assert_eq!(done.state, State::Delivered);
    }
}
