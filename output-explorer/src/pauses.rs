//! The pace of new attempts to connect.

use backon::{BackoffBuilder, ExponentialBuilder};
use std::time::Duration;

/// The pause before the second attempt; it doubles up to [`LONGEST`], give or take.
const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses between attempts that fail, one after the other.
pub(crate) struct Pauses(backon::ExponentialBackoff);

impl Pauses {
    pub(crate) fn new() -> Self {
        let pauses = ExponentialBuilder::default().with_min_delay(SHORTEST).with_max_delay(LONGEST);
        Self(pauses.without_max_times().with_jitter().build())
    }

    pub(crate) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST).min(LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_a_minute_and_no_further() {
        let mut pauses = Pauses::new();
        let first = pauses.next();
        assert!((SHORTEST..=SHORTEST * 2).contains(&first), "{first:?}");
        let all: Vec<Duration> = (0..100).map(|_| pauses.next()).collect();
        assert!(all.iter().all(|pause| *pause <= LONGEST) && all.ends_with(&[LONGEST]), "{all:?}");
    }
}
