//! Webhook endpoints and deliveries.

use super::text::TimeText;
use crate::webhook::{Attempt, Delivery, Endpoint, Outcome, Secret, State};
use serde::{Deserialize, Serialize};
use stegos_common::api::encoding::Timestamp;
use utoipa::ToSchema;

/// An endpoint that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEndpoint {
    /// Where events are posted to: https, of the public internet unless the configuration allows private targets.
    #[schema(max_length = 2048, example = "https://shop.example.com/stegos")]
    pub url: String,
    /// Types of events (`deposit.final`) or groups of them (`deposit.*`); all of them where there is none.
    #[serde(default)]
    #[schema(example = json!(["deposit.*", "transaction.changed"]))]
    pub events: Vec<String>,
    /// For people.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub description: String,
    /// Begin behind this event, which must be kept still, and not with the next one to come.
    #[serde(default)]
    pub after: Option<u64>,
}

/// What is to be changed of an endpoint. What is left out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointChange {
    /// Another address. What is on its way goes there too.
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// Other types of events, from the next one on.
    pub events: Option<Vec<String>>,
    /// Another description.
    #[schema(max_length = 200)]
    pub description: Option<String>,
    /// Whether anything is delivered. Once it is again, deliveries go on where they stopped.
    pub enabled: Option<bool>,
}

/// How the secret of an endpoint is to be replaced.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SecretRotation {
    /// For so many seconds, both secrets sign: at most 604800, by default 86400.
    #[schema(maximum = 604_800, example = 86_400)]
    pub grace_seconds: Option<u32>,
}

/// A webhook endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub struct EndpointView {
    /// Its number.
    #[schema(minimum = 1)]
    pub id: u64,
    /// Whose it is: the id of the token that made it.
    pub subscriber: String,
    /// Where events are posted to.
    pub url: String,
    /// Which ones; all of them where there is none.
    pub events: Vec<String>,
    /// For people.
    pub description: String,
    /// Whether anything is delivered.
    pub enabled: bool,
    /// When it was made.
    #[schema(value_type = TimeText)]
    pub created: Timestamp,
    /// The last event that was looked at for it.
    pub cursor: u64,
    /// How many deliveries are on their way.
    pub pending: u64,
    /// Events that it never gets, because they were not kept any more when it was their turn; the oldest first.
    pub missed: Vec<MissedView>,
    /// Until when the secret before the present one signs too, where it was replaced.
    #[schema(value_type = Option<TimeText>)]
    pub previous_secret_until: Option<Timestamp>,
}

/// Events that an endpoint never gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Missed)]
pub struct MissedView {
    /// The first one.
    pub first: u64,
    /// The last one.
    pub last: u64,
    /// When that was noticed.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
}

/// An endpoint with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = EndpointWithSecret)]
pub struct EndpointSecretView {
    /// The endpoint.
    pub endpoint: EndpointView,
    /// What every request to it is signed with.
    #[schema(pattern = "^whsec_[A-Za-z0-9_-]{43}$")]
    pub secret: String,
}

/// The delivery of an event to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// What is sent as `webhook-id`: the same in all attempts.
    #[schema(pattern = "^[0-9]+-[0-9]+$", example = "3-17")]
    pub id: String,
    /// The event.
    pub event_id: u64,
    /// Its type.
    #[serde(rename = "type")]
    #[schema(example = "deposit.final")]
    pub kind: String,
    /// When it was made.
    #[schema(value_type = TimeText)]
    pub created: Timestamp,
    /// Where it is.
    pub state: DeliveryState,
    /// When it is tried next, while it is pending.
    #[schema(value_type = Option<TimeText>)]
    pub due: Option<Timestamp>,
    /// The last attempts, the oldest first.
    pub attempts: Vec<AttemptView>,
}

/// Where a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It will be tried, perhaps once more.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was given up after the last attempt. It can be redelivered.
    Failed,
}

/// An attempt to deliver something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptView {
    /// When it began.
    #[schema(value_type = TimeText)]
    pub time: Timestamp,
    /// How long it took.
    pub milliseconds: u64,
    /// Whether the receiver took it: its answer was 2xx.
    pub success: bool,
    /// The status of the answer, where there was one.
    #[schema(minimum = 100, maximum = 999)]
    pub status: Option<u16>,
    /// How the answer begins.
    pub answer: Option<String>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// What a `ping` says: an event that is none, with the id 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Ping {
    id: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[schema(value_type = TimeText)]
    time: Timestamp,
    data: PingData,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PingData {
    /// The endpoint.
    endpoint: u64,
}

impl Ping {
    /// To an endpoint.
    #[must_use]
    pub const fn new(endpoint: u64, time: Timestamp) -> Self {
        Self { id: 0, kind: "ping", time, data: PingData { endpoint } }
    }

    /// What is sent.
    #[must_use]
    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("it is plain data")
    }
}

impl From<Endpoint> for EndpointView {
    fn from(endpoint: Endpoint) -> Self {
        let missed = endpoint.missed.iter();
        Self {
            id: endpoint.id,
            subscriber: endpoint.subscriber,
            url: endpoint.url,
            events: endpoint.events.names().to_vec(),
            description: endpoint.description,
            enabled: endpoint.enabled,
            created: endpoint.created,
            cursor: endpoint.cursor,
            pending: endpoint.pending,
            missed: missed
                .map(|missed| MissedView { first: missed.first, last: missed.last, time: missed.time })
                .collect(),
            previous_secret_until: endpoint.previous_until,
        }
    }
}

impl From<(Endpoint, Secret)> for EndpointSecretView {
    fn from((endpoint, secret): (Endpoint, Secret)) -> Self {
        Self { endpoint: endpoint.into(), secret: secret.reveal().to_owned() }
    }
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        let (state, due) = match delivery.state {
            State::Pending { due } => (DeliveryState::Pending, Some(due)),
            State::Delivered => (DeliveryState::Delivered, None),
            State::Failed => (DeliveryState::Failed, None),
        };
        Self {
            id: delivery.id(),
            event_id: delivery.event,
            kind: delivery.kind,
            created: delivery.created,
            state,
            due,
            attempts: delivery.attempts.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Attempt> for AttemptView {
    fn from(attempt: Attempt) -> Self {
        let success = attempt.is_success();
        let (status, answer, error) = match attempt.outcome {
            Outcome::Answered { status, body } => (Some(status), Some(body), None),
            Outcome::NotAnswered { reason } => (None, None, Some(reason)),
        };
        Self { time: attempt.time, milliseconds: attempt.milliseconds, success, status, answer, error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp::from_unix_nanos(1_700_000_000_000_000_000);

    /// The exact JSON: to change it is to change the API.
    #[test]
    fn a_ping_and_a_delivery_are_shown_as_documented() {
        assert_eq!(
            serde_json::to_string(&Ping::new(3, TIME)).unwrap(),
            r#"{"id":0,"type":"ping","time":"2023-11-14T22:13:20.000000000Z","data":{"endpoint":3}}"#
        );
        let answered = Outcome::Answered { status: 500, body: "busy".to_owned() };
        let delivery = Delivery {
            endpoint: 3,
            event: 17,
            kind: "deposit.final".to_owned(),
            body: "{}".to_owned(),
            created: TIME,
            state: State::Pending { due: TIME },
            failures: 1,
            attempts: vec![Attempt { time: TIME, milliseconds: 12, outcome: answered }],
        };
        let time = r#""2023-11-14T22:13:20.000000000Z""#;
        let attempt = format!(
            r#"{{"time":{time},"milliseconds":12,"success":false,"status":500,"answer":"busy","error":null}}"#
        );
        let expected = format!(
            r#"{{"id":"3-17","event_id":17,"type":"deposit.final","created":{time},"state":"pending","due":{time},"attempts":[{attempt}]}}"#
        );
        assert_eq!(serde_json::to_string(&DeliveryView::from(delivery)).unwrap(), expected);
    }
}
