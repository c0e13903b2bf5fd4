//! How long a block takes from the frame to the disk, whether that depends on how many users there are, and how fast
//! questions are answered. Everything that is compared is measured in one run.
//!
//! `OUTPUT_EXPLORER_BENCH_USERS` is the number of users of the big ledger, a million unless it is set.
#![allow(missing_docs, clippy::unwrap_used, clippy::cast_precision_loss, clippy::float_arithmetic)]

mod chain;
mod recorder;

use chain::{Chain, OUTPUTS, key};
use output_explorer::block::{MicroBlock, NewOutput};
use output_explorer::follower::Change;
use output_explorer::ledger::query::{Cut, Filter};
use output_explorer::ledger::store::sled::SledStore;
use output_explorer::ledger::store::{Batch, Store};
use output_explorer::ledger::users::NewAddress;
use output_explorer::ledger::{Ledger, Settings};
use recorder::Recorder;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};
use stegos_common::address::Network;
use stegos_common::api::NodeMessage;
use stegos_common::api::response::Notification;
use stegos_common::frame::{self, ApiToken};

/// Blocks of each measurement.
const BLOCKS: u32 = 60;

/// Outputs of a macro block with which a ledger is filled.
const FILL: usize = 20_000;

fn main() {
    // `cargo test --benches` asks for nothing.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let users = env::var("OUTPUT_EXPLORER_BENCH_USERS").map_or(1_000_000, |text| text.parse().unwrap());
    let path = whole_path();
    println!("a block of {OUTPUTS} outputs: {path:.2} of decoding it and one bare batch (limit 2.5)");
    println!("peak memory so far: {} MiB", peak());
    let (few_dir, many_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let few = filled(few_dir.path(), 1000);
    let many = filled(many_dir.path(), users);
    println!("peak memory so far: {} MiB", peak());
    questions(&many.0, users);
    let (few, many) = flat(few, many);
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    println!(
        "a block with 1000 users {:.2} ms, with {users} users {:.2} ms: ratio {ratio:.2} (limit 1.2)",
        few.as_secs_f64() * 1000.0,
        many.as_secs_f64() * 1000.0
    );
    println!("peak memory: {} MiB", peak());
}

const SETTINGS: Settings = Settings { network: Network::Dev, keep_spent_blobs: true };

/// The most memory that this process had, in MiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok()).unwrap_or_default() >> 10
}

/// Reads a frame as the link does.
fn read(token: &ApiToken, frame: &str) -> NodeMessage {
    NodeMessage::parse(&frame::open(token, frame).unwrap()).unwrap()
}

/// Takes a frame through the whole path.
fn take(token: &ApiToken, frame: &str, ledger: &Ledger) {
    let NodeMessage::Notification(Notification::MicroBlockPrepared(block)) = read(token, frame) else {
        return;
    };
    let block = MicroBlock::new(&block, Network::Dev).unwrap();
    ledger.commit(&Change::Connect(block)).unwrap();
}

/// The time of a block on its whole way, as a multiple of the floor.
fn whole_path() -> f64 {
    let (temp, bare) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorder = Recorder::new(SledStore::open(temp.path()).unwrap());
    let batches = recorder.batches();
    let ledger = Ledger::new(Box::new(recorder), SETTINGS).unwrap();
    let mut chain = Chain::new(10_000);
    fill(&ledger, &mut chain, 10_000);
    let token = ApiToken::random(&mut rand_core::OsRng);
    let frames: Vec<String> = (0..BLOCKS).map(|_| chain.frame(&token)).collect();
    // The floor's database gets what the ledger's got, so that both are equally full.
    let store = SledStore::open(bare.path()).unwrap();
    let given = |batches: &mut Vec<Batch>| batches.drain(..).for_each(|batch| store.write(&batch).unwrap());
    given(&mut batches.lock().unwrap());
    let (mut whole, mut floor, mut written) = (Vec::new(), Vec::new(), Vec::new());
    for frame in &frames {
        whole.push(time(|| take(&token, frame, &ledger)));
        let batch = batches.lock().unwrap().pop().unwrap();
        floor.push(time(|| {
            black_box(read(&token, frame));
            store.write(&batch).unwrap();
        }));
        written.push(batch);
    }
    let (whole, floor) = (median(whole), median(floor));
    println!("whole path {:.2} ms, floor {:.2} ms", millis(whole), millis(floor));
    parts(&token, &frames, &written);
    whole.as_secs_f64() / floor.as_secs_f64()
}

/// Where the time goes.
fn parts(token: &ApiToken, frames: &[String], batches: &[Batch]) {
    let median_of = |run: &dyn Fn(&String) -> Duration| median(frames.iter().map(run).collect());
    let decode = median_of(&|frame| time(|| drop(black_box(read(token, frame)))));
    let verify = median_of(&|frame| {
        let NodeMessage::Notification(Notification::MicroBlockPrepared(block)) = read(token, frame) else {
            return Duration::ZERO;
        };
        time(|| drop(black_box(MicroBlock::new(&block, Network::Dev))))
    });
    let entries = batches.first().map_or(0, |batch| batch.iter().count());
    println!(
        "  decode {:.2} ms, verify {:.2} ms, {entries} entries in a batch",
        millis(decode),
        millis(verify)
    );
}

fn time(run: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    run();
    begin.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Gives so many recipients an output each.
fn fill(ledger: &Ledger, chain: &mut Chain, recipients: usize) {
    for first in (0..recipients).step_by(FILL) {
        let outputs: Vec<NewOutput> =
            (first..recipients.min(first + FILL)).map(|user| chain.output(user)).collect();
        ledger.commit(&Change::Close(chain.macro_block(outputs))).unwrap();
    }
}

/// A ledger of so many users, each with one output.
fn filled(dir: &Path, users: usize) -> (Ledger, Chain) {
    let ledger = Ledger::open(dir, SETTINGS).unwrap();
    let mut chain = Chain::new(users);
    fill(&ledger, &mut chain, users);
    let added = time(|| {
        for first in (0..users).step_by(10_000) {
            let new = (first..users.min(first + 10_000))
                .map(|user| NewAddress { account: format!("user {user}").parse().unwrap(), key: key(user) });
            ledger.add_users(&new.collect::<Vec<_>>()).unwrap();
        }
    });
    println!("{users} users added in {:.1} s", added.as_secs_f64());
    (ledger, chain)
}

/// A balance and a first page.
fn questions(ledger: &Ledger, users: usize) {
    let some: Vec<usize> = (0..1000).map(|number| number * 7919 % users).collect();
    let cut = Cut { after: None, limit: 100 };
    let balance = some.iter().map(|user| time(|| drop(black_box(ledger.balance(&key(*user))))));
    let balance = median(balance.collect());
    let page =
        some.iter().map(|user| time(|| drop(black_box(ledger.outputs(&[key(*user)], Filter::Unspent, cut)))));
    let page = median(page.collect());
    println!("in {users} outputs: a balance {balance:.1?}, the first page of a user's outputs {page:.1?}");
}

/// The time of a block with few users and with many, taken in turns.
fn flat(
    (few, mut few_chain): (Ledger, Chain),
    (many, mut many_chain): (Ledger, Chain),
) -> (Duration, Duration) {
    let token = ApiToken::random(&mut rand_core::OsRng);
    let (mut few_times, mut many_times) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let (few_frame, many_frame) = (few_chain.frame(&token), many_chain.frame(&token));
        few_times.push(time(|| take(&token, &few_frame, &few)));
        many_times.push(time(|| take(&token, &many_frame, &many)));
    }
    (median(few_times), median(many_times))
}
