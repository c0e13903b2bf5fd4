//! What a replica is told, in postcard's binary form. Explorers of one version understand each other so; it is no API.

use crate::control::LinkStatus;
use crate::ledger::changes::ChangePage;
use crate::ledger::record::FORMAT;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use stegos_common::address::Network;
use thiserror::Error;

/// Where a replica asks for changes.
pub(crate) const CHANGES: &str = "/replication/changes";

/// Where it asks for records.
pub(crate) const RECORDS: &str = "/replication/records";

/// What both sides must have in common: their version, and the form of the ledger.
const FORM: (&str, u32) = (env!("CARGO_PKG_VERSION"), FORMAT);

/// A message that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// It is none.
    #[error("the answer is no message for a replica: is it an explorer?")]
    Malformed,
    /// It is one of another version.
    #[error("it is an explorer of another version: run the same one on both sides")]
    OtherVersion,
    /// It is one of another network.
    #[error("it is an explorer of {found}, not of {wanted}: choose another --from or another --network")]
    OtherNetwork {
        /// Its network.
        found: Network,
        /// That of the replica.
        wanted: Network,
    },
}

/// Changes, and what the other explorer knows of the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) node: LinkStatus,
    pub(crate) page: ChangePage,
}

/// Writes a message.
pub(crate) fn encode<T: Serialize>(network: Network, body: &T) -> Vec<u8> {
    postcard::to_allocvec(&(FORM, network, body)).expect("messages are plain data, and memory grows")
}

/// Reads a message.
pub(crate) fn decode<T: DeserializeOwned>(network: Network, bytes: &[u8]) -> Result<T, MessageError> {
    let (form, rest): ((&str, u32), _) =
        postcard::take_from_bytes(bytes).map_err(|_| MessageError::Malformed)?;
    if form != FORM {
        return Err(MessageError::OtherVersion);
    }
    let (found, rest): (Network, _) = postcard::take_from_bytes(rest).map_err(|_| MessageError::Malformed)?;
    if found != network {
        return Err(MessageError::OtherNetwork { found, wanted: network });
    }
    postcard::from_bytes(rest).map_err(|_| MessageError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_another_version_or_network_or_cut_off_is_told_apart() {
        let message = encode(Network::Dev, &vec![1_u64, 2, 3]);
        assert_eq!(decode(Network::Dev, &message), Ok(vec![1_u64, 2, 3]));
        let other = MessageError::OtherNetwork { found: Network::Dev, wanted: Network::Mainnet };
        assert_eq!(decode::<Vec<u64>>(Network::Mainnet, &message), Err(other));
        for length in 0..message.len() {
            let cut = message.get(..length).unwrap();
            assert_eq!(decode::<Vec<u64>>(Network::Dev, cut), Err(MessageError::Malformed), "{length}");
        }
        let later = postcard::to_allocvec(&(("99.0.0", FORMAT), Network::Dev, ())).unwrap();
        assert_eq!(decode::<Vec<u64>>(Network::Dev, &later), Err(MessageError::OtherVersion));
    }
}
