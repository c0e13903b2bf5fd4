//! Two times that are compared are taken in turns, so that whatever else the machine does meets both; the best
//! of many turns counts, because nothing makes code faster than it is.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one comparison takes.
const TIME: Duration = Duration::from_secs(3);
/// How long one turn takes at least: far above the resolution of the clock.
const TURN: Duration = Duration::from_millis(1);

/// The best times of one call, in seconds.
pub(crate) fn compare<A, B>(mut first: impl FnMut() -> A, mut second: impl FnMut() -> B) -> (f64, f64) {
    let mut best = (f64::INFINITY, f64::INFINITY);
    let start = Instant::now();
    while start.elapsed() < TIME {
        best = (best.0.min(turn(&mut first)), best.1.min(turn(&mut second)));
    }
    best
}

/// The mean time of the calls of one turn, in seconds.
fn turn<T>(call: &mut impl FnMut() -> T) -> f64 {
    let start = Instant::now();
    let mut calls = 0.0;
    while start.elapsed() < TURN {
        black_box(call());
        calls += 1.0;
    }
    start.elapsed().as_secs_f64() / calls
}
