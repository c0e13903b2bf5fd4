//! When a delivery that failed is tried again.

use std::time::Duration;

/// The pause after each failure: 1, 5 and 30 minutes, then 1 hour, doubled five times.
const PAUSES: [Duration; 9] = [
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(1),
    Duration::from_hours(2),
    Duration::from_hours(4),
    Duration::from_hours(8),
    Duration::from_hours(16),
    Duration::from_hours(32),
];

/// How long to wait after so many failures in a row, give or take a tenth: receivers that came back are not met by all at
/// once. `random` is any number; nothing means that it is over.
pub(super) fn pause(failures: u32, random: u32) -> Option<Duration> {
    let index = usize::try_from(failures).ok()?.checked_sub(1)?;
    let pause = *PAUSES.get(index)?;
    // 900 to 1100 thousandths.
    Some(pause / 1000 * (900 + random % 201))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is documented, step by step.
    #[test]
    fn each_pause_is_as_documented_give_or_take_a_tenth() {
        let minutes = [1, 5, 30, 60, 120, 240, 480, 960, 1920];
        for (failures, minutes) in (1..).zip(minutes) {
            let whole = Duration::from_mins(minutes);
            assert_eq!(pause(failures, 100), Some(whole), "after {failures}");
            assert_eq!(pause(failures, 0), Some(whole * 9 / 10), "after {failures}");
            assert_eq!(pause(failures, 200), Some(whole * 11 / 10), "after {failures}");
            assert!(pause(failures, u32::MAX).is_some_and(|pause| pause <= whole * 11 / 10));
        }
        assert_eq!(pause(10, 100), None, "after the tenth failure it is over");
        assert_eq!(pause(0, 100), None, "what did not fail is not tried again");
    }
}
