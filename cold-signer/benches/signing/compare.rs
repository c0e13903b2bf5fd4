//! Two times that are compared are taken in turns, so that whatever else the machine does meets both; the best
//! of many turns counts, because nothing makes code faster than it is.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one comparison takes.
const TIME: Duration = Duration::from_secs(3);

/// The best times of one call, in seconds.
pub(crate) fn compare(mut first: impl FnMut() -> f64, mut second: impl FnMut() -> f64) -> (f64, f64) {
    let mut best = (f64::INFINITY, f64::INFINITY);
    let start = Instant::now();
    while start.elapsed() < TIME {
        best = (best.0.min(first()), best.1.min(second()));
    }
    best
}

/// The time of one call, without what it takes to prepare it, in seconds.
pub(crate) fn timed<P, T>(prepare: impl Fn() -> P, mut call: impl FnMut(&P) -> T) -> impl FnMut() -> f64 {
    move || {
        let prepared = prepare();
        let start = Instant::now();
        black_box(call(&prepared));
        start.elapsed().as_secs_f64()
    }
}
