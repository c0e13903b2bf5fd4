//! What a node or a signer sends: answers, blocks, notifications.

use super::assert_harmless;
use stegos_common::address::Network;
use stegos_common::api::NodeMessage;
use stegos_common::api::response::{Notification, Response};
use stegos_common::transaction::PaymentTransaction;

/// The JSON text of a message of a node.
pub(super) fn response(bytes: &[u8]) {
    let Ok(json) = std::str::from_utf8(bytes) else { return };
    let message = match NodeMessage::parse(json) {
        Ok(message) => message,
        Err(error) => return assert_harmless(&error.to_string()),
    };
    let written = serde_json::to_string(&message).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(NodeMessage::parse(&written).as_ref(), Ok(&message), "{written}");

    let verified = match &message {
        NodeMessage::Response(message) => match &message.body {
            Response::MacroBlockInfo(block) => block.verify(Network::Dev),
            Response::MicroBlockInfo(block) => block.verify(Network::Dev),
            Response::CreateRawTransaction(raw) => {
                if let Err(error) = PaymentTransaction::from_bytes(&raw.data.0) {
                    assert_harmless(&error.to_string());
                }
                return;
            }
            _ => return,
        },
        NodeMessage::Notification(
            Notification::MicroBlockPrepared(block) | Notification::MicroBlockReverted(block),
        ) => block.verify(Network::Dev),
        NodeMessage::Notification(Notification::MacroBlockCommitted(block)) => block.verify(Network::Dev),
        NodeMessage::Notification(Notification::StatusChanged(_)) => return,
    };
    if let Err(error) = verified {
        assert_harmless(&error.to_string());
    }
}
