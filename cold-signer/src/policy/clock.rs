//! How far the clock may jump. This host has no clock that anybody vouches for, and the windows of totals are as good as it
//! is: whoever sets it forward empties them.

/// How far the clock may be from the time of the last signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Back, in milliseconds.
    pub back: u64,
    /// Forward, in milliseconds.
    pub forward: u64,
}

impl Default for Clock {
    /// An hour back, seven days forward.
    fn default() -> Self {
        const HOUR: u64 = 3_600_000;
        Self { back: HOUR, forward: 7 * 24 * HOUR }
    }
}

impl Clock {
    /// Whether the clock, at `now`, has jumped since `last`, both in milliseconds since 1970 UTC.
    #[must_use]
    pub const fn jumped(&self, last: u64, now: u64) -> bool {
        now.saturating_add(self.back) < last || last.saturating_add(self.forward) < now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_may_go_as_far_as_it_is_said_to() {
        let clock = Clock { back: 10, forward: 20 };
        for (now, jumped) in [(89, true), (90, false), (100, false), (120, false), (121, true)] {
            assert_eq!(clock.jumped(100, now), jumped, "{now}");
        }
        assert!(!clock.jumped(u64::MAX, u64::MAX) && !clock.jumped(0, 0));
    }
}
