//! How long a block takes from the frame to the disk, whether that depends on how many users there are, and how fast
//! questions are answered. Everything that is compared is measured in one run.
//!
//! `OUTPUT_EXPLORER_BENCH_USERS` is the number of users of the big ledger, a million unless it is set.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::float_arithmetic
)]

#[path = "../common/chain.rs"]
mod chain;
mod fill;
#[path = "../common/memory.rs"]
mod memory;
mod recorder;
#[path = "../common/users.rs"]
mod users;

use chain::{Chain, OUTPUTS};
use output_explorer::block::MicroBlock;
use output_explorer::follower::Change;
use output_explorer::ledger::query::{Cut, Filter};
use output_explorer::ledger::store::sled::{CACHE, SledStore};
use output_explorer::ledger::store::{Batch, Store};
use output_explorer::ledger::{Ledger, Settings};
use recorder::Recorder;
use std::env;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use stegos_common::address::Network;
use stegos_common::api::NodeMessage;
use stegos_common::api::response::Notification;
use stegos_common::frame::{self, ApiToken};
use stegos_common::group::Encoded;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Blocks of each measurement.
const BLOCKS: u32 = 60;

/// This process.
const SELF: &str = "self";

/// Few users, and a young chain's outputs.
const FEW: usize = 1000;

/// Outputs of a macro block with which a ledger is filled.
const FILL: usize = 20_000;

fn main() {
    // `cargo test --benches` asks for nothing.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let users = env::var("OUTPUT_EXPLORER_BENCH_USERS").map_or(1_000_000, |text| text.parse().unwrap());
    let keys = chain::keys(users.max(10_000));
    memory::forget_peak(SELF);
    let path = whole_path(&keys);
    println!("a block of {OUTPUTS} outputs: {path:.2} of decoding it and one bare batch (limit 2.5)");
    println!("  peak memory of both together: {} MiB", memory::peak(SELF));
    let temp = tempfile::tempdir().unwrap();
    // The same chain with few users and with many, and a young chain.
    let [few, many, young] = [("few", FEW, users), ("many", users, users), ("young", FEW, FEW)].map(
        |(name, users, recipients)| {
            let dir = temp.path().join(name);
            users::import(&dir, &keys[..users]);
            memory::forget_peak(SELF);
            let filled = filled(&dir, keys[..recipients].into());
            println!("  {recipients} outputs, {users} users: peak memory so far {} MiB", memory::peak(SELF));
            filled
        },
    );
    questions(&many.0, &keys[..users]);
    memory::forget_peak(SELF);
    let [few, many, young] = blocks([few, many, young]);
    let ratio = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    println!(
        "a block of {OUTPUTS} outputs on {users} outputs, with {FEW} users {:.2} ms, with {users} users {:.2} ms: \
         ratio {:.2} (limit 1.2)",
        millis(few),
        millis(many),
        ratio(many, few)
    );
    println!("  on {FEW} outputs {:.2} ms: ratio {:.2}", millis(young), ratio(many, young));
    println!("  peak memory of the three ledgers and {} blocks: {} MiB", 3 * BLOCKS, memory::peak(SELF));
}

const SETTINGS: Settings =
    Settings { network: Network::Dev, keep_spent_blobs: true, keep_events: Settings::KEEP_EVENTS };

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
fn whole_path(keys: &[Encoded]) -> f64 {
    let (temp, bare) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let recorder = Recorder::new(SledStore::open(temp.path(), CACHE).unwrap());
    let batches = recorder.batches();
    let ledger = Ledger::new(Box::new(recorder), SETTINGS).unwrap();
    let keys = &keys[..10_000];
    let mut chain = Chain::new(keys.into());
    fill(&ledger, &mut chain, keys);
    let token = ApiToken::random(&mut rand_core::OsRng);
    let frames: Vec<String> = (0..BLOCKS).map(|_| chain.frame(&token)).collect();
    // The floor's database gets what the ledger's got, so that both are equally full.
    let store = SledStore::open(bare.path(), CACHE).unwrap();
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

/// Gives each recipient an output.
fn fill(ledger: &Ledger, chain: &mut Chain, recipients: &[Encoded]) {
    for some in recipients.chunks(FILL) {
        let outputs = some.iter().map(|key| chain.output(*key)).collect();
        ledger.commit(&Change::Close(chain.macro_block(outputs))).unwrap();
    }
}

/// A ledger of these users, each with one output; the first has many more.
fn filled(dir: &Path, keys: Arc<[Encoded]>) -> (Ledger, Chain) {
    let ledger = Ledger::open(dir, SETTINGS, CACHE).unwrap();
    let mut chain = Chain::new(Arc::clone(&keys));
    fill(&ledger, &mut chain, &keys);
    fill(&ledger, &mut chain, &[keys[0]; 1000]);
    (ledger, chain)
}

/// A balance and a first page.
fn questions(ledger: &Ledger, keys: &[Encoded]) {
    let some = || (0..1000).map(|number| keys[number * 7919 % keys.len()]);
    let cut = Cut { after: None, descending: false, limit: 100 };
    let balance = median(some().map(|key| time(|| drop(black_box(ledger.balance(&key))))).collect());
    let rows = |key: Encoded| ledger.outputs(&[key], Filter::Unspent.into(), cut).unwrap().rows.len();
    let page = |key: Encoded| time(|| assert!(rows(key) > 0));
    let (one, hundred) =
        (median(some().map(page).collect()), median((0..1000).map(|_| page(keys[0])).collect()));
    assert_eq!(rows(keys[0]), 100);
    println!(
        "in {} outputs: a balance {balance:.1?}, the first page of a user with one output {one:.1?}, of one with 1000 \
         outputs {hundred:.1?}",
        keys.len()
    );
}

/// The time of a block on each of these ledgers, taken in turns.
fn blocks<const N: usize>(mut ledgers: [(Ledger, Chain); N]) -> [Duration; N] {
    let token = ApiToken::random(&mut rand_core::OsRng);
    let mut times = [const { Vec::new() }; N];
    for _ in 0..BLOCKS {
        for ((ledger, chain), times) in ledgers.iter_mut().zip(&mut times) {
            let frame = chain.frame(&token);
            times.push(time(|| take(&token, &frame, ledger)));
        }
    }
    times.map(median)
}
