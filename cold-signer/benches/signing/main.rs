//! What signing costs, held against the floor that no signer can go below, measured in the same run.
//!
//! Criterion shows the single times; the tables at the end compare. All but the last leave out the waiting for the
//! disk, and every request is a new one: the same again would be answered from the journal.

#![allow(missing_docs, clippy::unwrap_used, clippy::float_arithmetic)]

mod compare;
mod connections;
mod desk;

use cold_signer::policy::Policy;
use compare::{compare, timed};
use criterion::{BatchSize, Criterion};
use desk::{Desk, EVERYTHING};
use rand_chacha::ChaCha20Rng;
use rand_core::{OsRng, SeedableRng};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::hint::black_box;
use std::time::Duration;
use stegos_common::address::{Address, Network};
use stegos_common::amount::Amount;
use stegos_common::group::{Point, Scalar};
use stegos_common::keys::SecretKey;
use stegos_common::range_proof::RangeProof;

/// What is asked for: its name, private or public, how many inputs and outputs.
#[derive(Clone, Copy)]
struct Kind(&'static str, bool, usize, usize);

const PUBLIC: Kind = Kind("1 public to 1 public", false, 1, 1);
const TWO_PUBLIC: Kind = Kind("1 public to 2 public", false, 1, 2);
const HUNDRED_PUBLIC: Kind = Kind("100 public to 2 public", false, 100, 2);
const PRIVATE: Kind = Kind("1 private to 1 private", true, 1, 1);
const FOUR_PRIVATE: Kind = Kind("1 private to 4 private", true, 1, 4);

impl Kind {
    /// A new request of this kind.
    fn request(&self, desk: &Desk) -> String {
        desk.request(self.1, self.2, self.3)
    }

    /// The time of an answer.
    fn answer(&self, desk: &Desk) -> impl FnMut() -> f64 {
        timed(|| self.request(desk), |request| desk.answer(request))
    }
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

fn single_times(desk: &Desk, scalar: &Scalar) {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group("answer");
    group.bench_function("floor of public requests", |b| b.iter(|| public_floor(scalar)));
    group.bench_function("floor of private requests", |b| b.iter(|| private_floor(scalar, &mut rng)));
    for kind in [PUBLIC, TWO_PUBLIC, HUNDRED_PUBLIC, PRIVATE, FOUR_PRIVATE] {
        group.bench_function(kind.0, |b| {
            b.iter_batched(|| kind.request(desk), |request| desk.answer(&request), BatchSize::PerIteration);
        });
    }
    group.finish();
    criterion.final_summary();
}

/// Answers with the self-check, as multiples of their floors; and what a second thread gains, where the machine
/// has a second core to spare.
fn ratios(desk: &Desk, scalar: &Scalar) {
    println!(
        "\n{:<40} {:>10} {:>10} {:>7}  target",
        "answer, with self-check", "floor µs", "ours µs", "ratio"
    );
    let row = |name: &str, (floor, ours): (f64, f64), target: &str| {
        println!("{name:<40} {:>10.1} {:>10.1} {:>7.2}  {target}", floor * 1e6, ours * 1e6, ours / floor);
    };
    let floor = || timed(|| (), |()| public_floor(scalar));
    row(PUBLIC.0, compare(floor(), PUBLIC.answer(desk)), "at most 2.5");
    row(HUNDRED_PUBLIC.0, compare(floor(), HUNDRED_PUBLIC.answer(desk)), "at most 15");
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let floor = timed(|| (), |()| private_floor(scalar, &mut rng));
    row(PRIVATE.0, compare(floor, PRIVATE.answer(desk)), "at most 1.25");
    let (one, two) = (pool(1), pool(2));
    let answer = || FOUR_PRIVATE.answer(desk);
    let (mut with_one, mut with_two) = (answer(), answer());
    let (two, one) = compare(|| two.install(&mut with_two), || one.install(&mut with_one));
    row("1 private to 4 private: 2 threads, then 1", (two, one), "at least 1.7");
}

/// A policy with every rule that can deny, none of which applies, and ten thousand recipients who are not paid.
fn every_rule() -> Policy {
    let nobody = |number: u32| {
        let key = SecretKey::from_seed(&number.to_le_bytes()).public_key();
        format!("\"{}\"", Address::new(Network::Devnet, key))
    };
    let recipients: Vec<String> = (0..10_000).map(nobody).collect();
    let most = "most = \"1000000000 STG\"";
    let rules = [
        ("policy-request-key", String::new()),
        ("policy-unknown-field", String::new()),
        ("policy-fee", most.to_owned()),
        ("policy-fee-share", "most_percent = 50".to_owned()),
        ("policy-inputs", "most = 100".to_owned()),
        ("policy-recipient-denied", format!("recipients = [{}]", recipients.join(","))),
        ("policy-recipient-amount", most.to_owned()),
        ("policy-transaction-amount", most.to_owned()),
        ("policy-hour-total", most.to_owned()),
        ("policy-day-total", most.to_owned()),
        ("policy-week-total", most.to_owned()),
        ("policy-delay", "seconds = 0".to_owned()),
    ];
    let deny = |(tag, settings)| format!("[[rules]]\nrule = \"{tag}\"\naction = \"deny\"\n{settings}\n");
    let rules: String = rules.into_iter().map(deny).collect();
    Policy::parse(&(rules + EVERYTHING), Network::Devnet).unwrap()
}

/// The same answers under a policy of many rules and under one that allows everything.
fn policies(desk: &Desk) {
    println!("\n{:<40} {:>10} {:>10} {:>7}", "answer, by policy", "one rule", "13 rules", "ratio");
    let (one, many) = (Policy::parse(EVERYTHING, Network::Devnet).unwrap(), every_rule());
    for kind in [PUBLIC, PRIVATE, HUNDRED_PUBLIC] {
        let under = |policy: &Policy| {
            let policy = policy.clone();
            let prepare = move || {
                desk.set_policy(policy.clone());
                kind.request(desk)
            };
            timed(prepare, |request| desk.answer(request))
        };
        let (one, many) = compare(under(&one), under(&many));
        println!("{:<40} {:>10.1} {:>10.1} {:>7.3}", kind.0, one * 1e6, many * 1e6, many / one);
    }
    desk.set_policy(one);
}

/// Requests per second on one thread, beside those of the reference node's own code on such a machine. It has
/// no self-check and no journal.
fn rates(desk: &Desk) {
    println!(
        "\n{:<40} {:>10} {:>10} {:>10}",
        "per second, one thread", "reference", "build only", "with check"
    );
    for (kind, reference) in [(PUBLIC, 5400), (PRIVATE, 76), (HUNDRED_PUBLIC, 1900)] {
        let build_only = timed(|| kind.request(desk), |request| desk.build_only(request));
        let (build, answer) = compare(build_only, kind.answer(desk));
        println!("{:<40} {reference:>10} {:>10.0} {:>10.0}", kind.0, 1.0 / build, 1.0 / answer);
    }
}

fn main() {
    let desk = Desk::without_sync();
    let scalar = Scalar::random(&mut OsRng);
    single_times(&desk, &scalar);
    // Without --bench, criterion only tries that everything runs.
    if std::env::args().any(|argument| argument == "--bench") {
        ratios(&desk, &scalar);
        policies(&desk);
        pool(1).install(|| rates(&desk));
        connections::compare_disks();
    }
}
