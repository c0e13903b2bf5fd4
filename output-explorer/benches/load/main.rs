//! The real program under load: clients in this process ask it over loopback, while a node in this process sends it
//! blocks of 1000 outputs. Once with a million users and five million outputs, once with a thousand users on a young
//! chain; both in one run and in turns, for only what was measured side by side can be compared.
//!
//! - The ledger is filled by the node: macro blocks of 20 000 outputs over the API. Users are imported before that, so all
//!   outputs are theirs. A page that is asked for has a hundred rows on both ledgers.
//! - Blocks come at a fixed pace, and so do requests: both processes share the host, and clients that ask as fast as they can
//!   would measure how the system divides its processors. Latencies count from when a request was due. How many requests a
//!   second are possible is measured apart, and so are blocks that follow each other at once.
//! - A block's time is from its first byte until it is on disk, with readers and without; that of its events is from its
//!   first byte until a subscriber has the last of them. Subscribers must have every event, or the run fails.
//!
//! Sizes are those of the environment: `OUTPUT_EXPLORER_BENCH_USERS`, `OUTPUT_EXPLORER_BENCH_SUBSCRIBERS`,
//! `OUTPUT_EXPLORER_BENCH_REQUESTS` (a second), `OUTPUT_EXPLORER_BENCH_TURNS`, `OUTPUT_EXPLORER_BENCH_PACE` (milliseconds from
//! block to block).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::float_arithmetic
)]

#[path = "../common/chain.rs"]
mod chain;
mod fill;
#[path = "../common/memory.rs"]
mod memory;
mod node;
mod program;
mod readers;
mod subscribers;
#[path = "../common/users.rs"]
mod users;

use chain::{Chain, OUTPUTS, PER_PAYMENT};
use node::Node;
use program::Program;
use readers::{Asked, Pace, Question, Readers, Times};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::env;
use std::path::Path;
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use stegos_common::frame::ApiToken;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;
use stegos_common::socket::token_file;
use subscribers::Subscribers;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Users of the ledger that a big one is held against.
const FEW: usize = 1000;

/// Blocks of each part of a turn.
const BLOCKS: usize = 10;

/// Events of a block: all outputs are users', those that are made and those that are spent.
const EVENTS: usize = OUTPUTS + OUTPUTS / PER_PAYMENT;

/// So long clients ask as fast as they can.
const RUSH: Duration = Duration::from_secs(3);

/// How much of everything.
#[derive(Debug, Clone, Copy)]
struct Load {
    subscribers: usize,
    /// A second.
    requests: u32,
    turns: usize,
    /// From block to block.
    pace: Duration,
}

fn main() {
    // `cargo test --benches` asks for nothing.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let users: usize = number("USERS", 1_000_000);
    let load = Load {
        subscribers: number("SUBSCRIBERS", 1000),
        requests: number("REQUESTS", 200),
        turns: number("TURNS", 3),
        pace: Duration::from_millis(number("PACE", 2000)),
    };
    allow_files();
    let temp = tempfile::tempdir().unwrap();
    let keys = chain::keys(users.max(FEW));
    let [mut small, mut big] = [("few", FEW), ("many", users)]
        .map(|(name, users)| Side::new(&temp.path().join(name), &keys[..users]));
    for side in [&mut small, &mut big] {
        side.rush();
    }
    for _ in 0..load.turns {
        for side in [&mut small, &mut big] {
            side.turn(load);
        }
    }
    report(load, &small, &big);
}

fn number<T: FromStr>(name: &str, default: T) -> T {
    let text = env::var(format!("OUTPUT_EXPLORER_BENCH_{name}"));
    text.map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Every subscriber is an open file.
fn allow_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// One ledger with its program, its node and its clients, and what was measured.
struct Side {
    program: Program,
    node: Node,
    node_token: ApiToken,
    chain: Chain,
    last_macro: Hash,
    asked: Asked,
    outputs: usize,
    /// The most memory of the program while the ledger was filled.
    filling: u64,
    /// Requests a second, as many as there can be: balances, pages.
    rush: [f64; 2],
    /// Of each block, at the fixed pace: without readers, with them.
    paced: [Vec<Duration>; 2],
    /// Of each block that came at once behind the last one.
    chased: [Vec<Duration>; 2],
    times: Times,
    /// From each block to each subscriber.
    events: Vec<Duration>,
}

impl Side {
    /// Imports users, starts the program, and fills the ledger.
    fn new(dir: &Path, keys: &[Encoded]) -> Self {
        users::import(dir, keys);
        let token_file = dir.with_extension("token");
        let node_token = token_file::load_or_create(&token_file, &mut rand_core::OsRng).unwrap();
        let (asked, paid) = keys.split_at(keys.len() / 2);
        let mut chain = Chain::new(paid.into());
        let mut last_macro = chain.last;
        let node = Node::start(node_token.clone(), chain.status(last_macro));
        let program = Program::start(dir, node.address, &token_file);
        let begin = Instant::now();
        let mut outputs = 0;
        let mut blocks = fill::blocks(asked, paid).into_iter().peekable();
        while let Some((recipients, spendable)) = blocks.next() {
            let frame = chain.macro_frame(&node_token, &recipients, spendable);
            last_macro = chain.last;
            outputs += recipients.len();
            let status = chain.status(last_macro);
            if blocks.peek().is_some() {
                node.send(frame, status);
            } else {
                node.store(frame, status);
            }
        }
        let filling = memory::peak(&program.process());
        println!(
            "{outputs} outputs, {} users: filled in {:.1?}, peak memory {filling} MiB",
            keys.len(),
            begin.elapsed()
        );
        memory::forget_peak(&program.process());
        let asked = Asked {
            users: u64::try_from(asked.len()).unwrap(),
            rich_every: u64::try_from(fill::RICH_EVERY).unwrap(),
        };
        let (rush, paced, chased, times, events) =
            ([0.0; 2], [const { Vec::new() }; 2], [const { Vec::new() }; 2], Times::default(), Vec::new());
        Self {
            program,
            node,
            node_token,
            chain,
            last_macro,
            asked,
            outputs,
            filling,
            rush,
            paced,
            chased,
            times,
            events,
        }
    }

    /// As many requests as there can be.
    fn rush(&mut self) {
        self.rush = [Question::Balance, Question::Page].map(|question| {
            let readers = Readers::start(&self.program, self.asked, Pace::Fastest(question));
            sleep(RUSH);
            let times = readers.stop();
            (times.balances.len() + times.pages.len()) as f64 / RUSH.as_secs_f64()
        });
    }

    /// Blocks without readers, and with them; at the fixed pace, and as fast as can be.
    fn turn(&mut self, load: Load) {
        let Load { subscribers, requests, pace, .. } = load;
        for (chased, pace) in [(false, pace), (true, Duration::ZERO)] {
            let (_, quiet) = self.blocks(pace);
            let followers = Subscribers::start(&self.program, subscribers, BLOCKS, EVENTS);
            let readers = Readers::start(&self.program, self.asked, Pace::Steady(requests));
            let (sent, busy) = self.blocks(pace);
            let arrived = followers.end();
            let times = readers.stop();
            let all = if chased { &mut self.chased } else { &mut self.paced };
            all[0].extend(quiet);
            all[1].extend(busy);
            if !chased {
                self.times.balances.extend(times.balances);
                self.times.pages.extend(times.pages);
                let delays =
                    |arrived: Vec<Instant>| sent.clone().into_iter().zip(arrived).map(|(sent, at)| at - sent);
                self.events.extend(arrived.into_iter().flat_map(delays));
            }
        }
    }

    /// Sends some blocks, and answers when each was sent and how long it took until it was stored.
    fn blocks(&mut self, pace: Duration) -> (Vec<Instant>, Vec<Duration>) {
        let blocks: Vec<_> = (0..BLOCKS)
            .map(|_| (self.chain.frame(&self.node_token), self.chain.status(self.last_macro)))
            .collect();
        let mut due = Instant::now();
        let (mut sent, mut stored) = (Vec::new(), Vec::new());
        for (frame, status) in blocks {
            due += pace;
            sleep(due.saturating_duration_since(Instant::now()));
            sent.push(Instant::now());
            stored.push(self.node.store(frame, status));
        }
        (sent, stored)
    }
}

/// Some of what was measured.
type TimesOf = fn(&Side) -> &Vec<Duration>;
type BlocksOf = fn(&Side) -> &[Vec<Duration>; 2];

fn report(load: Load, small: &Side, big: &Side) {
    let Load { subscribers, requests, pace, .. } = load;
    println!(
        "{requests} requests and a block of {OUTPUTS} outputs every {pace:?}, {subscribers} subscribers:"
    );
    println!(
        "  {:30}{:>15}{:>15}{:>9}",
        "",
        format!("{} outputs", small.outputs),
        format!("{} outputs", big.outputs),
        "ratio"
    );
    let row = |name: &str, one: Duration, other: Duration, limit: &str| {
        let ratio = other.as_secs_f64() / one.as_secs_f64();
        println!("  {name:30}{:>12.2} ms{:>12.2} ms{ratio:>9.2}{limit}", millis(one), millis(other));
    };
    let times: [(&str, TimesOf); 3] = [
        ("balance", |side| &side.times.balances),
        ("page of 100 outputs", |side| &side.times.pages),
        ("events at a subscriber", |side| &side.events),
    ];
    for (name, times) in times {
        row(&format!("{name}, p50"), part(times(small), 50), part(times(big), 50), "");
        row(&format!("{name}, p99"), part(times(small), 99), part(times(big), 99), " (limit 3)");
    }
    for (name, blocks) in
        [("", |side: &Side| &side.paced), (" at once", |side: &Side| &side.chased)] as [(&str, BlocksOf); 2]
    {
        for (index, with) in ["without readers", "with readers"].into_iter().enumerate() {
            row(&format!("block{name} {with}"), mean(&blocks(small)[index]), mean(&blocks(big)[index]), "");
        }
        let kept = |side: &Side| mean(&blocks(side)[0]).as_secs_f64() / mean(&blocks(side)[1]).as_secs_f64();
        let limit = if name.is_empty() { " (limit 0.8)" } else { "" };
        println!(
            "  ingestion{name} with readers, of that without: {:.2}, {:.2}{limit}",
            kept(small),
            kept(big)
        );
    }
    for (index, name) in ["balances", "pages"].into_iter().enumerate() {
        let (one, other) = (small.rush[index], big.rush[index]);
        println!("  {:30}{one:>15.0}{other:>15.0}{:>9.2}", format!("{name} a second at most"), other / one);
    }
    for side in [small, big] {
        println!(
            "  {} outputs: peak memory of the program {} MiB while it was filled, {} MiB since (limit 2048)",
            side.outputs,
            side.filling,
            memory::peak(&side.program.process())
        );
    }
}

/// The time that so many of a hundred do not exceed.
fn part(times: &[Duration], hundredths: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() * hundredths / 100).copied().unwrap_or_default()
}

fn mean(times: &[Duration]) -> Duration {
    times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
