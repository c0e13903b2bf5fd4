//! The messages of the node's websocket API as types (protocol page §8).
//!
//! A message is one JSON object. [`Message::parse`] reads a request, [`NodeMessage::parse`] whatever a node
//! sends; writing is serde's. How long a message may be is for the socket to limit; how deep it may nest is
//! limited by serde_json. How single values look is in [`encoding`].

pub mod block;
pub mod create_raw_transaction;
pub mod encoding;
pub mod output;
pub mod request;
pub mod response;
mod seal;
pub mod transaction;
pub mod verify;

use crate::text::excerpt;
use request::Request;
use response::{Notification, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::num::NonZeroU64;
use thiserror::Error;

/// The number that ties an answer to its request. A request without one, or with 0, gets an answer without.
pub type Id = Option<NonZeroU64>;

/// A request or an answer with its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message<T> {
    /// What is asked or answered.
    #[serde(flatten)]
    pub body: T,
    /// The id, the same in both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Id,
}

/// Bytes that are no message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// No JSON object, or an `id` that is no unsigned 64-bit number: a node closes the connection over it.
    #[error("not an API message: {0}; it must be one JSON object whose id, if any, is an unsigned number")]
    Malformed(String),
    /// A JSON object that is no message known here: a node answers [`Response::NotUnderstood`] to it.
    #[error("no such API message: {reason}")]
    Unknown {
        /// The id, for the answer.
        id: Id,
        /// What does not fit, shortened.
        reason: String,
    },
}

impl Message<Request> {
    /// Reads a request from its JSON text.
    ///
    /// # Errors
    /// [`MessageError`] distinguishes the two ways in which a node turns a request down.
    pub fn parse(json: &str) -> Result<Self, MessageError> {
        let Head { id, .. } = Head::parse(json)?;
        Ok(Self { id, body: body(id, json)? })
    }
}

/// Whatever a node sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum NodeMessage {
    /// An answer.
    Response(Message<Response>),
    /// Something that was subscribed to.
    Notification(Notification),
}

/// A message up to this length, in bytes, may consist of anything.
const SHORT: usize = 64 << 10;

/// In a longer one, so many bytes go with each value: a node's are lists of ids, keys and proofs, 48 bytes each and
/// more. In memory a value takes up to 128, however short its text.
const BYTES_PER_VALUE: usize = 16;

/// Refuses a long message of small values, which would unfold to many times its length.
fn require_substance(json: &str) -> Result<(), MessageError> {
    let values = || json.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if json.len() > SHORT && values() > json.len() / BYTES_PER_VALUE {
        return Err(MessageError::Malformed("it is long, but its values are too small for a node's".into()));
    }
    Ok(())
}

impl NodeMessage {
    /// Reads a node's message from its JSON text. It takes a few times the memory of the text at most, and a block
    /// little more than it has in the end.
    ///
    /// # Errors
    /// [`MessageError`] for anything that a node does not send.
    pub fn parse(json: &str) -> Result<Self, MessageError> {
        require_substance(json)?;
        let head = Head::parse(json)?;
        let id = head.id;
        let response = |body| Self::Response(Message { body, id });
        // The derived code of the two enums would keep all of a message until it knows the type.
        match head.kind().as_deref() {
            Some("macro_block_info") => body(id, json).map(Response::MacroBlockInfo).map(response),
            Some("micro_block_info") => body(id, json).map(Response::MicroBlockInfo).map(response),
            Some("micro_block_prepared") => {
                body(id, json).map(Notification::MicroBlockPrepared).map(Self::Notification)
            }
            Some("micro_block_reverted") => {
                body(id, json).map(Notification::MicroBlockReverted).map(Self::Notification)
            }
            Some("macro_block_committed") => {
                body(id, json).map(Notification::MacroBlockCommitted).map(Self::Notification)
            }
            Some("status_changed") => body(id, json).map(Notification::StatusChanged).map(Self::Notification),
            _ => body(id, json).map(response),
        }
    }
}

/// What is read of a message before its body.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "id")]
    id: Id,
}

impl<'a> Head<'a> {
    fn parse(json: &'a str) -> Result<Self, MessageError> {
        // A list of two values would do otherwise.
        if !json.trim_start().starts_with('{') {
            return Err(MessageError::Malformed("it does not start with {".into()));
        }
        serde_json::from_str(json).map_err(|error| MessageError::Malformed(excerpt(&error.to_string())))
    }

    /// The type, if it is text.
    fn kind(&self) -> Option<String> {
        self.kind.and_then(|kind| serde_json::from_str(kind.get()).ok())
    }
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Id, D::Error> {
    u64::deserialize(deserializer).map(NonZeroU64::new)
}

fn body<T: DeserializeOwned>(id: Id, json: &str) -> Result<T, MessageError> {
    serde_json::from_str(json).map_err(|error| {
        let reason = excerpt(&error.to_string());
        // The head was not looked at so closely, for instance for the depth of what stands in it.
        if error.is_data() { MessageError::Unknown { id, reason } } else { MessageError::Malformed(reason) }
    })
}
