//! What signing costs, held against the floor that no signer can go below, measured in the same run.
//!
//! Criterion shows the single times; the two tables at the end compare.

#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

mod compare;
mod desk;

use compare::compare;
use criterion::Criterion;
use desk::Desk;
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::Duration;
use stegos_common::amount::Amount;
use stegos_common::group::{Point, Scalar};
use stegos_common::range_proof::RangeProof;

/// The requests that are measured.
struct Requests {
    public: String,
    two_public: String,
    hundred_public: String,
    private: String,
    four_private: String,
}

/// The least that any answer takes: signing and checking it, one multiplication and one encoding each.
fn public_floor(scalar: &Scalar) {
    for _ in 0..2 {
        black_box(Point::mul_g(black_box(scalar)).encode());
    }
}

/// The least that an answer with one private output takes.
fn private_floor(blinding: &Scalar, rng: &mut ChaCha20Rng) {
    let proof = RangeProof::prove(Amount::MAX, blinding, rng).unwrap();
    proof.verify(rng).unwrap();
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

fn single_times(desk: &Desk, requests: &Requests, scalar: &Scalar) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("answer");
    group.bench_function("floor of public requests", |b| b.iter(|| public_floor(scalar)));
    group.bench_function("1 public to 1 public", |b| b.iter(|| desk.answer(&requests.public)));
    group.bench_function("1 public to 2 public", |b| b.iter(|| desk.answer(&requests.two_public)));
    group.bench_function("100 public to 2 public", |b| b.iter(|| desk.answer(&requests.hundred_public)));
    group.bench_function("floor of private requests", |b| b.iter(|| private_floor(scalar, &mut rng)));
    group.bench_function("1 private to 1 private", |b| b.iter(|| desk.answer(&requests.private)));
    group.bench_function("1 private to 4 private", |b| b.iter(|| desk.answer(&requests.four_private)));
    group.finish();
    criterion.final_summary();
}

/// Answers with the self-check, as multiples of their floors; and what a second thread gains, where the machine
/// has a second core to spare.
fn ratios(desk: &Desk, requests: &Requests, scalar: &Scalar) {
    println!(
        "\n{:<40} {:>10} {:>10} {:>7}  target",
        "answer, with self-check", "floor µs", "ours µs", "ratio"
    );
    let row = |name: &str, (floor, ours): (f64, f64), target: &str| {
        println!("{name:<40} {:>10.1} {:>10.1} {:>7.2}  {target}", floor * 1e6, ours * 1e6, ours / floor);
    };
    let floor = || public_floor(scalar);
    row("1 public to 1 public", compare(floor, || desk.answer(&requests.public)), "at most 2.5");
    row("100 public to 2 public", compare(floor, || desk.answer(&requests.hundred_public)), "at most 15");
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let floor = || private_floor(scalar, &mut rng);
    row("1 private to 1 private", compare(floor, || desk.answer(&requests.private)), "at most 1.25");
    let (one, two) = (pool(1), pool(2));
    let answer = || desk.answer(&requests.four_private);
    let (two, one) = compare(|| two.install(answer), || one.install(answer));
    row("1 private to 4 private: 2 threads, then 1", (two, one), "at least 1.7");
}

/// Requests per second on one thread, beside those of the reference node's own code on such a machine. It has
/// no self-check.
fn rates(desk: &Desk, requests: &Requests) {
    println!(
        "\n{:<40} {:>10} {:>10} {:>10}",
        "per second, one thread", "reference", "build only", "with check"
    );
    for (name, json, reference) in [
        ("1 public to 1 public", &requests.public, 5400),
        ("1 private to 1 private", &requests.private, 76),
        ("100 public to 2 public", &requests.hundred_public, 1900),
    ] {
        let (build, answer) = compare(|| desk.build_only(json), || desk.answer(json));
        println!("{name:<40} {reference:>10} {:>10.0} {:>10.0}", 1.0 / build, 1.0 / answer);
    }
}

fn main() {
    let desk = Desk::new();
    let requests = Requests {
        public: desk.request(false, 1, 1),
        two_public: desk.request(false, 1, 2),
        hundred_public: desk.request(false, 100, 2),
        private: desk.request(true, 1, 1),
        four_private: desk.request(true, 1, 4),
    };
    let scalar = Scalar::random(&mut OsRng);
    single_times(&desk, &requests, &scalar);
    // Without --bench, criterion only tries that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        ratios(&desk, &requests, &scalar);
        pool(1).install(|| rates(&desk, &requests));
    }
}
