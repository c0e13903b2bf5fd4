//! How much left in the last hour, day and week, in constant memory: sums over short spans of time. A span counts as
//! long as any of it lies in the window, so that a window is never shorter than its name.

use std::collections::VecDeque;
use stegos_common::amount::Amount;

/// A window of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// 60 minutes, in spans of one.
    Hour,
    /// 24 hours, in spans of 15 minutes.
    Day,
    /// 7 days, in spans of an hour.
    Week,
}

impl Window {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How long a span is, in milliseconds, and how many make the window.
    const fn spans(self) -> (u64, u64) {
        const MINUTE: u64 = 60_000;
        match self {
            Self::Hour => (MINUTE, 60),
            Self::Day => (15 * MINUTE, 96),
            Self::Week => (60 * MINUTE, 168),
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    hour: Spans,
    day: Spans,
    week: Spans,
    /// The time of the last signature.
    last: Option<u64>,
}

/// Sums over spans of one length, the oldest first; never more than the window has, and one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Spans(VecDeque<(u64, Amount)>);

impl Totals {
    /// Counts what left at a time, in milliseconds since 1970 UTC. Time does not go back: what seems earlier than the
    /// last counts as if it were now.
    pub fn add(&mut self, time: u64, outward: Amount) {
        // What was not the store's did not leave it.
        if outward.is_zero() {
            return;
        }
        let time = self.last.map_or(time, |last| last.max(time));
        self.last = Some(time);
        for window in [Window::Hour, Window::Day, Window::Week] {
            self.spans_mut(window).add(window, time, outward);
        }
    }

    /// Takes a time for right that somebody has confirmed: it goes on from there. What left later than that, by a clock
    /// that was wrong, counts as if it had left now.
    pub fn confirm(&mut self, time: u64) {
        self.last = Some(time);
        for window in [Window::Hour, Window::Day, Window::Week] {
            let now = time / window.spans().0;
            let spans = &mut self.spans_mut(window).0;
            let later = spans.iter().filter(|(span, _)| *span >= now).map(|(_, amount)| *amount);
            let later = Amount::checked_sum(later).unwrap_or(Amount::MAX);
            spans.retain(|(span, _)| *span < now);
            self.spans_mut(window).add(window, time, later);
        }
    }

    /// The time of the last signature, or of a later confirmation.
    #[must_use]
    pub const fn last(&self) -> Option<u64> {
        self.last
    }

    /// How much left in the window that ends at a time.
    #[must_use]
    pub fn sum(&self, window: Window, time: u64) -> Amount {
        let spans = &self.spans(window).0;
        let amounts = spans.iter().filter(|(span, _)| ends(window, *span) > time).map(|(_, amount)| *amount);
        Amount::checked_sum(amounts).unwrap_or(Amount::MAX)
    }

    /// The first time from which so much more keeps to a limit; `None` where it never will.
    #[must_use]
    pub fn fits_at(&self, window: Window, time: u64, outward: Amount, most: Amount) -> Option<u64> {
        let fits = |time: &u64| {
            let sum = self.sum(window, *time).checked_add(outward);
            sum.is_some_and(|sum| sum <= most)
        };
        let ends = self.spans(window).0.iter().map(|(span, _)| ends(window, *span));
        std::iter::once(time).chain(ends.filter(|end| *end > time)).find(fits)
    }

    const fn spans(&self, window: Window) -> &Spans {
        match window {
            Window::Hour => &self.hour,
            Window::Day => &self.day,
            Window::Week => &self.week,
        }
    }

    const fn spans_mut(&mut self, window: Window) -> &mut Spans {
        match window {
            Window::Hour => &mut self.hour,
            Window::Day => &mut self.day,
            Window::Week => &mut self.week,
        }
    }
}

impl Spans {
    fn add(&mut self, window: Window, time: u64, outward: Amount) {
        let (length, count) = window.spans();
        let span = time / length;
        match self.0.back_mut().filter(|(last, _)| *last == span) {
            Some((_, sum)) => *sum = sum.checked_add(outward).unwrap_or(Amount::MAX),
            None => self.0.push_back((span, outward)),
        }
        // Not by the clock: it may go back. Spans are in order, so those that go are out of any window.
        while self.0.len() as u64 > count + 1 {
            self.0.pop_front();
        }
    }
}

/// When a span is out of the window for good.
const fn ends(window: Window, span: u64) -> u64 {
    let (length, count) = window.spans();
    span.saturating_add(count + 1).saturating_mul(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Window; 3] = [Window::Hour, Window::Day, Window::Week];

    fn length(window: Window) -> u64 {
        let (length, count) = window.spans();
        length * count
    }

    fn micro(amount: u32) -> Amount {
        Amount::from_micro(amount.into()).unwrap()
    }

    proptest! {
        /// Nothing is forgotten too early, nothing is kept for more than a span too long, and memory is bounded.
        #[test]
        fn a_window_is_never_too_short(steps in prop::collection::vec((0..4_000_000_u64, 0..1000_u32), 1..400)) {
            let (mut totals, mut time, mut all) = (Totals::default(), 1_700_000_000_000, Vec::new());
            for (pause, amount) in steps {
                time += pause;
                totals.add(time, micro(amount));
                all.push((time, amount));
                for window in ALL {
                    let since = |age: u64| -> u32 {
                        all.iter().filter(|(then, _)| *then + age > time).map(|(_, amount)| amount).sum()
                    };
                    let sum = totals.sum(window, time);
                    let (span, count) = window.spans();
                    prop_assert!(sum >= micro(since(length(window))), "{window:?}");
                    prop_assert!(sum <= micro(since(length(window) + span)), "{window:?}");
                    prop_assert!(totals.spans(window).0.len() as u64 <= count + 1);
                }
            }
        }

        /// When it is said to fit, it fits, and not a moment before.
        #[test]
        fn it_fits_when_it_is_said_to(
            steps in prop::collection::vec((0..400_000_u64, 1..1000_u32), 1..60),
            more in 1..1000_u32,
            most in 1..3000_u32,
        ) {
            let (mut totals, mut time) = (Totals::default(), 1_700_000_000_000);
            for (pause, amount) in steps {
                time += pause;
                totals.add(time, micro(amount));
            }
            for window in ALL {
                let (more, most) = (micro(more), micro(most));
                let fits = |time| totals.sum(window, time).checked_add(more).unwrap() <= most;
                match totals.fits_at(window, time, more, most) {
                    Some(at) => prop_assert!(fits(at) && (at == time || !fits(at - 1))),
                    None => prop_assert!(more > most),
                }
            }
        }
    }

    #[test]
    fn windows_are_as_long_as_their_names() {
        let hour = 3_600_000;
        for (window, long) in [(Window::Hour, hour), (Window::Day, 24 * hour), (Window::Week, 7 * 24 * hour)]
        {
            assert_eq!(length(window), long, "{window:?}");
        }
    }

    #[test]
    fn a_confirmed_time_goes_on_from_there_and_nothing_is_forgotten() {
        let day = 24 * 3_600_000;
        let mut totals = Totals::default();
        totals.add(100 * day, micro(5));
        totals.add(106 * day, micro(7));
        totals.confirm(101 * day);
        assert_eq!(totals.last(), Some(101 * day));
        assert_eq!(totals.sum(Window::Hour, 101 * day), micro(7));
        assert_eq!(totals.sum(Window::Week, 101 * day), micro(12));
        assert_eq!(totals.sum(Window::Hour, 101 * day + 2 * 3_600_000), Amount::ZERO);
        assert_eq!(totals.sum(Window::Week, 108 * day), micro(7));
    }

    #[test]
    fn a_clock_that_goes_forward_and_back_makes_nothing_forgotten() {
        let (minute, hour) = (60_000, 3_600_000);
        let begin = 20_000 * 24 * hour;
        let mut totals = Totals::default();
        totals.add(begin, micro(500));
        totals.add(begin + 25 * hour, micro(1));
        totals.confirm(begin + 6 * minute);
        for window in ALL {
            assert_eq!(totals.sum(window, begin + 6 * minute), micro(501), "{window:?}");
        }
        // Within bounds nobody confirms anything.
        totals.add(begin + 65 * minute, micro(1));
        assert_eq!(totals.sum(Window::Hour, begin + 7 * minute), micro(502));
        // Confirmations alone take no memory either.
        for step in 0..1000 {
            totals.confirm(begin + step * hour);
        }
        for window in ALL {
            assert!(totals.spans(window).0.len() as u64 <= window.spans().1 + 1);
        }
    }

    #[test]
    fn time_does_not_go_back() {
        let mut totals = Totals::default();
        totals.add(10_000_000_000, micro(5));
        totals.add(1, micro(7));
        assert_eq!(totals.last(), Some(10_000_000_000));
        assert_eq!(totals.sum(Window::Hour, 10_000_000_000), micro(12));
        assert_eq!(totals.sum(Window::Hour, 10_000_000_000 + 61 * 60_000), Amount::ZERO);
    }
}
