//! The time, and waiting for one. Tests bring a clock of their own, which lets a day pass in a moment.

use crate::clock::now;
use std::pin::Pin;
use std::time::Duration;
use stegos_common::api::encoding::Timestamp;
use tokio::time::sleep;

/// The longest sleep: whoever sets the host's clock does not wait longer for what is due by it.
const LONGEST: Duration = Duration::from_mins(1);

/// A clock.
pub trait Clock: Send + Sync {
    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits until then. It may end earlier: whoever waits looks again.
    fn until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The host's.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        now()
    }

    fn until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let left = time.unix_nanos().saturating_sub(now().unix_nanos());
        Box::pin(sleep(Duration::from_nanos(left).min(LONGEST)))
    }
}
