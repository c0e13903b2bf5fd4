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
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
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
        let (id, fields) = open(json)?;
        Ok(Self { id, body: body(id, fields)? })
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

impl NodeMessage {
    /// Reads a node's message from its JSON text.
    ///
    /// # Errors
    /// [`MessageError`] for anything that a node does not send.
    pub fn parse(json: &str) -> Result<Self, MessageError> {
        let (id, fields) = open(json)?;
        let kind = fields.get("type").and_then(Value::as_str);
        if kind.is_some_and(|kind| Notification::TYPES.contains(&kind)) {
            body(id, fields).map(Self::Notification)
        } else {
            Ok(Self::Response(Message { id, body: body(id, fields)? }))
        }
    }
}

/// Parses the JSON object and takes its id out.
fn open(json: &str) -> Result<(Id, Map<String, Value>), MessageError> {
    let mut fields: Map<String, Value> =
        serde_json::from_str(json).map_err(|error| MessageError::Malformed(excerpt(&error.to_string())))?;
    let id = match fields.remove("id") {
        None => None,
        Some(id) => match id.as_u64() {
            Some(id) => NonZeroU64::new(id),
            None => return Err(MessageError::Malformed("the id is no unsigned 64-bit number".into())),
        },
    };
    Ok((id, fields))
}

fn body<T: DeserializeOwned>(id: Id, fields: Map<String, Value>) -> Result<T, MessageError> {
    T::deserialize(Value::Object(fields))
        .map_err(|error| MessageError::Unknown { id, reason: excerpt(&error.to_string()) })
}
