//! What time it is for the node.

use std::time::{SystemTime, UNIX_EPOCH};
use stegos_common::api::encoding::Timestamp;

/// The node's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The computer's.
    System,
    /// One that stands until it is set.
    Manual(Timestamp),
}

impl Clock {
    /// The time.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Timestamp::from_unix_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
            }
            Self::Manual(time) => time,
        }
    }
}
