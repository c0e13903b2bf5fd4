//! Why a node is not followed, for a while or at all.

use super::link::LinkError;
use crate::block::InvalidBlock;
use crate::follower::OtherChain;
use crate::ledger::{Fault, LedgerError};
use stegos_common::address::Network;
use stegos_common::socket::Endpoint;
use stegos_common::socket::token_file::TokenFileError;
use thiserror::Error;

/// Why nothing is followed any more.
#[derive(Debug, Error)]
pub enum WatchError {
    /// The ledger cannot be written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The node's final blocks are others.
    #[error(transparent)]
    OtherChain(#[from] OtherChain),
    /// The node is one of another network.
    #[error(
        "the node at {node} is one of {actual}, not of {expected}; choose another --node or another --network"
    )]
    OtherNetwork {
        /// Where the node is.
        node: Endpoint,
        /// Its network.
        actual: Network,
        /// That of the ledger.
        expected: Network,
    },
    /// The API token's file cannot be used.
    #[error(transparent)]
    Token(#[from] TokenFileError),
    /// Nobody said where the API token is.
    #[error("no API token: name the node's token file with --node-token-file")]
    NoToken,
    /// The connection was lost, and it matters.
    #[error(transparent)]
    Lost(LinkError),
}

/// Why a connection ended.
pub(super) enum End {
    /// Another one may do better.
    Lost(LinkError),
    /// None would.
    Fatal(WatchError),
    /// The end of the node's chain was reached, and that was all.
    Arrived,
}

impl From<LinkError> for End {
    fn from(error: LinkError) -> Self {
        Self::Lost(error)
    }
}

impl<E: Into<WatchError>> From<E> for End {
    fn from(error: E) -> Self {
        Self::Fatal(error.into())
    }
}

/// A block that is refused.
#[derive(Debug, Error)]
pub(super) enum NodeFault {
    /// It contradicts itself.
    #[error(transparent)]
    Invalid(#[from] InvalidBlock),
    /// It contradicts what is stored.
    #[error(transparent)]
    Contradiction(#[from] Fault),
}
