//! The pace of new attempts to connect.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// The pause before the second attempt; it doubles, give or take.
const SHORTEST: Duration = Duration::from_millis(250);

/// The pauses between attempts that fail, one after the other.
pub(crate) struct Pauses {
    longest: Duration,
    pauses: backon::ExponentialBackoff,
}

impl Pauses {
    /// None is longer than `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        let pauses = ExponentialBuilder::default().with_min_delay(SHORTEST).with_max_delay(longest);
        Self { longest, pauses: pauses.without_max_times().with_jitter().build() }
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.pauses.next().unwrap_or(self.longest).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_none_is_longer_than_was_said() {
        let longest = Duration::from_secs(30);
        let mut pauses = Pauses::up_to(longest);
        let first = pauses.next();
        assert!((SHORTEST..=SHORTEST * 2).contains(&first), "{first:?}");
        let all: Vec<Duration> = (0..100).map(|_| pauses.next()).collect();
        assert!(all.iter().all(|pause| *pause <= longest) && all.ends_with(&[longest]), "{all:?}");
    }
}
