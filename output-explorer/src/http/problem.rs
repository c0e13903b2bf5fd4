//! Errors as RFC 9457 tells them, each with a `code` that stays what it is.

use crate::access::AccessError;
use crate::control::QueryError;
use crate::handoff::desk::DeskError;
use crate::handoff::plan::PlanError;
use crate::ledger::changes::ChangesError;
use crate::ledger::events::EventsError;
use crate::ledger::handoffs::HandoffError;
use crate::ledger::query::EpochError;
use crate::ledger::webhooks::EndpointError;
use crate::ledger::{LedgerError, UserError};
use crate::log::{Line, tell};
use crate::webhook::WebhookError;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::fmt::Display;
use utoipa::ToSchema;

/// Why a request is not answered as it was meant (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(super) struct Problem {
    /// The HTTP status in words.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What programs go by: it stays what it is.
    #[schema(pattern = "^[a-z_]+$")]
    code: &'static str,
    /// What went wrong, with which value, and what to do next: for people.
    detail: String,
    #[serde(skip)]
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Display) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        Self { title, status: status.as_u16(), code, detail: detail.to_string(), header: None }
    }

    /// A parameter of the path, the query or a header.
    pub(super) fn parameter(detail: impl Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_parameter", detail)
    }

    /// A body of the right form that says something impossible.
    pub(super) fn body(detail: impl Display) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", detail)
    }

    /// The fault is ours. What it is, is said where the operator reads, not to the caller.
    pub(super) fn internal(error: impl Display) -> Self {
        tell(Line::error(format!("http: {error}")));
        let detail = "the server failed; its log says why";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// What programs go by.
    pub(super) const fn code(&self) -> &'static str {
        self.code
    }

    /// The status in words.
    pub(super) const fn title(&self) -> &'static str {
        self.title
    }

    /// What went wrong, for people.
    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether it is about who asks.
    pub(super) const fn is_unauthorized(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED.as_u16()
    }

    /// The same with a header.
    pub(super) fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { header: Some(Box::new((name, value))), ..self }
    }

    /// The same, about a part of what was asked for.
    pub(super) fn about(mut self, what: &str) -> Self {
        self.detail = format!("{what}: {}", self.detail);
        self
    }

    /// Too often; again after so many seconds.
    pub(super) fn too_many(seconds: u64) -> Self {
        let detail = format!("too many requests: try again in {seconds} s");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail)
            .with(RETRY_AFTER, HeaderValue::from(seconds))
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let header = self.header.take();
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        if let Some((name, value)) = header.map(|header| *header) {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const CONFLICT: StatusCode = StatusCode::CONFLICT;
const GONE: StatusCode = StatusCode::GONE;
const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Handoff(error) => error.into(),
            QueryError::User(error) => error.into(),
            QueryError::Epoch(EpochError::NotFinal { .. }) => Self::new(CONFLICT, "epoch_not_final", error),
            QueryError::NoBlock(_) => Self::new(NOT_FOUND, "block_unknown", error),
            QueryError::NoOutput(_) => Self::new(NOT_FOUND, "output_unknown", error),
            QueryError::NoBlob(..) => Self::new(GONE, "blob_not_kept", error),
            QueryError::Name(_) => Self::new(UNPROCESSABLE, "account_invalid", error),
            QueryError::Address(_) | QueryError::NoKey(..) => {
                Self::new(UNPROCESSABLE, "address_invalid", error)
            }
            QueryError::Events(error) => error.into(),
            // Tokens are not asked about over HTTP.
            QueryError::Token(_) | QueryError::TooMuch => Self::internal(error),
            QueryError::Ledger(error) | QueryError::Epoch(EpochError::Ledger(error)) => error.into(),
        }
    }
}

impl From<EventsError> for Problem {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::Expired { .. } => Self::new(GONE, "events_expired", error),
            EventsError::Ahead { .. } => Self::new(CONFLICT, "events_ahead", error),
            EventsError::Ledger(error) => error.into(),
        }
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::ReadOnly => Self::new(StatusCode::FORBIDDEN, "read_only", error),
            LedgerError::HalfCopied => Self::new(StatusCode::SERVICE_UNAVAILABLE, "not_copied_yet", error),
            error => Self::internal(error),
        }
    }
}

impl From<ChangesError> for Problem {
    fn from(error: ChangesError) -> Self {
        match error {
            ChangesError::NotKept | ChangesError::IsCopy => Self::new(CONFLICT, "changes_not_kept", error),
            ChangesError::Expired { .. } => Self::new(GONE, "changes_expired", error),
            ChangesError::OtherHistory { .. } => Self::new(CONFLICT, "other_history", error),
            ChangesError::Ledger(error) => error.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Endpoint(error) => error.into(),
            WebhookError::Events(error) => error.into(),
            WebhookError::Target(_) => Self::new(UNPROCESSABLE, "target_not_allowed", error),
            WebhookError::Filter(_) | WebhookError::Description | WebhookError::Grace => Self::body(error),
        }
    }
}

impl From<EndpointError> for Problem {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Unknown(_) => Self::new(NOT_FOUND, "webhook_unknown", error),
            EndpointError::UnknownDelivery { .. } => Self::new(NOT_FOUND, "delivery_unknown", error),
            EndpointError::TooMany => Self::new(CONFLICT, "too_many_webhooks", error),
            EndpointError::Ledger(error) => error.into(),
        }
    }
}

impl From<UserError> for Problem {
    fn from(error: UserError) -> Self {
        match error {
            UserError::Unknown(_) => Self::new(NOT_FOUND, "user_unknown", error),
            UserError::Taken { .. } => Self::new(CONFLICT, "address_taken", error),
            UserError::Ledger(error) => error.into(),
        }
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Plan(error) => error.into(),
            DeskError::Handoff(error) => error.into(),
            DeskError::NoAnswer(_) => Self::body(error),
            DeskError::NotSigned(_) => Self::new(UNPROCESSABLE, "not_signed", error),
            DeskError::NotAsked => Self::new(UNPROCESSABLE, "not_asked", error),
            DeskError::Check { .. } => Self::new(UNPROCESSABLE, "other_transaction", error),
            DeskError::Cancelled(_) => Self::new(CONFLICT, "handoff_cancelled", error),
            DeskError::SignedBefore(_) => Self::new(CONFLICT, "signed_before", error),
            DeskError::NoBlob { .. } => Self::new(CONFLICT, "blob_not_kept", error),
            DeskError::NotOpen { .. } => Self::new(CONFLICT, "handoff_not_open", error),
            DeskError::OtherBody => Self::new(UNPROCESSABLE, "idempotency_key_reused", error),
        }
    }
}

impl From<HandoffError> for Problem {
    fn from(error: HandoffError) -> Self {
        match error {
            HandoffError::Unknown(_) => Self::new(NOT_FOUND, "handoff_unknown", error),
            HandoffError::UnknownTransaction(_) => Self::new(NOT_FOUND, "transaction_unknown", error),
            HandoffError::Ledger(error) => error.into(),
            HandoffError::Reserved { .. }
            | HandoffError::NotUnspent(_)
            | HandoffError::Known { .. }
            | HandoffError::KeyUsed
            | HandoffError::Changed(_) => Self::new(CONFLICT, "changed_meanwhile", error),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Ledger(error) => error.into(),
            PlanError::User(error) => error.into(),
            PlanError::Handoff(error) => error.into(),
            PlanError::NoTreasury(_) => Self::new(CONFLICT, "treasury_unknown", error),
            PlanError::NothingToSweep(_) => Self::new(CONFLICT, "nothing_to_sweep", error),
            PlanError::Select { .. } => Self::new(CONFLICT, "not_enough", error),
            PlanError::Over { .. } => Self::new(CONFLICT, "withdrawal_over", error),
            PlanError::OtherBody { .. } => Self::new(CONFLICT, "withdrawal_reused", error),
            PlanError::Address(_) => Self::new(UNPROCESSABLE, "address_invalid", error),
            PlanError::NoAmount(_)
            | PlanError::NotPrivate(_)
            | PlanError::Comment(..)
            | PlanError::Twice(_)
            | PlanError::Id(_) => Self::body(error),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let challenge = error.challenge();
        let code = match error {
            AccessError::NoCredentials => "no_credentials",
            AccessError::NotValid => "credentials_invalid",
            AccessError::Ledger(error) => return error.into(),
        };
        let problem = Self::new(StatusCode::UNAUTHORIZED, code, error);
        match challenge {
            Some(challenge) => problem.with(WWW_AUTHENTICATE, HeaderValue::from_static(challenge)),
            None => problem,
        }
    }
}
