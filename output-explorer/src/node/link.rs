//! A connection to a node: one question at a time, matched with its answer by id, and whatever the node sends besides.

use rand_core::OsRng;
use std::num::NonZeroU64;
use std::time::Duration;
use stegos_common::api::request::Request;
use stegos_common::api::response::{Notification, Response};
use stegos_common::api::{Id, Message, MessageError, NodeMessage};
use stegos_common::frame::ApiToken;
use stegos_common::socket::token_file::TokenFileError;
use stegos_common::socket::{Client, Endpoint, Limits, SocketError};
use thiserror::Error;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Why a connection is given up. Another one is tried then.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The socket fails, or the node closed it.
    #[error(transparent)]
    Socket(#[from] SocketError),
    /// A text is no message at all.
    #[error(
        "the node sent what is no API message ({0}); check that --node is a node's API and that the token is its own"
    )]
    Message(MessageError),
    /// An answer to something that was not asked.
    #[error("the node sent an answer that nobody waits for (id {0:?})")]
    Unasked(Id),
    /// An answer that fits another question.
    #[error("the node's answer fits another request than {0}")]
    WrongAnswer(&'static str),
    /// No answer.
    #[error("the node did not answer {what} within {0:?}", what = .1)]
    Timeout(Duration, &'static str),
    /// The API token's file cannot be used any more.
    #[error(transparent)]
    Token(TokenFileError),
    /// The node has stopped sending blocks.
    #[error("the node has stopped sending blocks without a word")]
    Dropped,
}

/// What arrives.
pub(super) enum Heard {
    /// The answer to the question.
    Answer(Response),
    /// The answer to the question is not understood.
    Unclear(MessageError),
    /// Something that was not asked for.
    Notification(Notification),
    /// The same, not understood.
    UnclearNotification(MessageError),
}

/// The question that is not answered yet.
struct Pending {
    id: NonZeroU64,
    what: &'static str,
    deadline: Instant,
}

/// See the module.
pub(super) struct Link {
    client: Client,
    last_id: u64,
    pending: Option<Pending>,
    patience: Duration,
}

impl Link {
    /// Connects. A message may have so many bytes, and every answer may take so long.
    pub(super) async fn connect(
        endpoint: &Endpoint,
        token: ApiToken,
        max_message: usize,
        patience: Duration,
    ) -> Result<Self, LinkError> {
        // Silence is noticed by the questions' deadlines.
        let limits = Limits { json: max_message, idle: Duration::MAX, message: patience, write: patience };
        let deadline = Instant::now() + patience;
        let connecting = timeout_at(deadline, Client::connect(endpoint, token, limits)).await;
        let client = connecting.map_err(|_elapsed| LinkError::Timeout(patience, "a connection"))??;
        Ok(Self { client, last_id: 0, pending: None, patience })
    }

    /// Whether an answer is outstanding.
    pub(super) const fn is_waiting(&self) -> bool {
        self.pending.is_some()
    }

    /// Asks; `what` names the question for people. No other may be outstanding.
    pub(super) async fn ask(&mut self, body: Request, what: &'static str) -> Result<(), LinkError> {
        let id = NonZeroU64::MIN.saturating_add(self.last_id);
        self.last_id = id.get();
        let request = serde_json::to_string(&Message { body, id: Some(id) });
        let request = request.expect("requests are plain data");
        self.client.send(&request, &mut OsRng).await?;
        self.pending = Some(Pending { id, what, deadline: Instant::now() + self.patience });
        Ok(())
    }

    /// Asks and waits for the answer; for the time before anything is subscribed to.
    pub(super) async fn request(&mut self, body: Request, what: &'static str) -> Result<Response, LinkError> {
        self.ask(body, what).await?;
        loop {
            match self.hear().await? {
                Heard::Answer(answer) => return Ok(answer),
                Heard::Unclear(error) => return Err(LinkError::Message(error)),
                Heard::Notification(_) | Heard::UnclearNotification(_) => {}
            }
        }
    }

    /// The next thing that arrives. Nothing is lost where this future is dropped before it is ready.
    ///
    /// # Errors
    /// [`LinkError`]: the connection is to be dropped.
    pub(super) async fn hear(&mut self) -> Result<Heard, LinkError> {
        let text = match &self.pending {
            None => self.client.receive().await?,
            Some(Pending { deadline, what, .. }) => tokio::select! {
                text = self.client.receive() => text?,
                () = sleep_until(*deadline) => return Err(LinkError::Timeout(self.patience, what)),
            },
        };
        match NodeMessage::parse(&text) {
            Ok(NodeMessage::Notification(notification)) => Ok(Heard::Notification(notification)),
            Ok(NodeMessage::Response(Message { body, id })) => {
                self.answered(id).map(|()| Heard::Answer(body))
            }
            Err(error @ MessageError::Malformed(_)) => Err(LinkError::Message(error)),
            Err(error @ MessageError::Unknown { id: None, .. }) => Ok(Heard::UnclearNotification(error)),
            Err(error @ MessageError::Unknown { id, .. }) => {
                self.answered(id).map(|()| Heard::Unclear(error))
            }
        }
    }

    /// Takes the question off that this id answers.
    fn answered(&mut self, id: Id) -> Result<(), LinkError> {
        match self.pending.take() {
            Some(Pending { id: asked, .. }) if id == Some(asked) => Ok(()),
            _ => Err(LinkError::Unasked(id)),
        }
    }
}
