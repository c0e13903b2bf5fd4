//! What every request needs: the ledger and the node, who may ask, and how handoffs are made.

use super::feed::Feed;
use super::problem::Problem;
use super::web::{Sessions, Tally};
use crate::access::{Access, AllowList, Caller, Limits, Right};
use crate::control::{Answer, HandoffAnswer, HandoffRequest, LinkStatus, Request, answer};
use crate::handoff::plan::Terms;
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::webhook::Webhooks;
use axum::http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, watch};

/// See the module.
pub(super) struct App {
    pub(super) ledger: Arc<Ledger>,
    pub(super) node: Arc<Mutex<LinkStatus>>,
    pub(super) access: Access,
    pub(super) allow: AllowList,
    pub(super) limits: Limits,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) terms: Option<Terms>,
    /// So many micro blocks behind the node is still ready.
    pub(super) ready_blocks: u32,
    /// What is measured.
    pub(super) metrics: Metrics,
    /// Events for many readers.
    pub(super) feed: Arc<Feed>,
    /// Places for exports.
    pub(super) exports: Arc<Semaphore>,
    /// Places for streams of events.
    pub(super) streams: Arc<Semaphore>,
    /// Places for pictures in which codes are looked for.
    pub(super) pictures: Arc<Semaphore>,
    /// Whether the server speaks TLS.
    pub(super) is_encrypted: bool,
    /// Who is logged in to the pages.
    pub(super) sessions: Sessions,
    /// What the first page adds up.
    pub(super) tally: Tally,
    /// Becomes true when the server is to end.
    pub(super) stopping: watch::Receiver<bool>,
}

impl App {
    /// Does what may read a lot from the disk where that keeps nobody waiting.
    pub(super) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let app = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&app))
            .await
            .unwrap_or_else(|error| Err(Problem::internal(error)))
    }

    /// Whether these cookies are those of a session.
    pub(super) fn has_session(&self, cookies: &HeaderMap) -> bool {
        self.sessions.of(cookies, self.is_encrypted, true, Instant::now()).is_some()
    }

    /// Answers a question.
    pub(super) async fn ask(self: &Arc<Self>, request: Request) -> Result<Answer, Problem> {
        self.blocking(|app| {
            let node = app.node.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Ok(answer(&app.ledger, Some(node), request)?)
        })
        .await
    }

    /// Answers a question about handoffs.
    pub(super) async fn about_handoffs(
        self: &Arc<Self>,
        request: HandoffRequest,
    ) -> Result<HandoffAnswer, Problem> {
        match self.ask(Request::Handoff(Box::new(request))).await? {
            Answer::Handoff(answer) => Ok(*answer),
            _ => Err(other_answer()),
        }
    }
}

/// The answer is one to another question.
pub(super) fn other_answer() -> Problem {
    Problem::internal("a question was answered as another one")
}

/// Refuses what a caller may not do.
pub(super) fn require(caller: &Caller, right: Right) -> Result<(), Problem> {
    if caller.role.may(right) {
        return Ok(());
    }
    let detail = format!("a token of the role {} may not do this", caller.role);
    Err(Problem::new(StatusCode::FORBIDDEN, "role_not_allowed", detail))
}
