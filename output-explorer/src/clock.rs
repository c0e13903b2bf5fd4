//! The time.

use std::time::{Duration, SystemTime};
use stegos_common::api::encoding::Timestamp;

/// The time now.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

/// So much later.
#[must_use]
pub fn later(time: Timestamp, by: Duration) -> Timestamp {
    let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
    // What can be shown ends in the year 2262.
    Timestamp::from_unix_nanos(time.unix_nanos().saturating_add(nanos).min(i64::MAX.unsigned_abs()))
}
