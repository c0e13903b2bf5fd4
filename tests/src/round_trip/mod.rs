//! The `round-trip` program: from a deposit to a final withdrawal with the real programs on real sockets, for
//! somebody who has never seen them.
#![warn(clippy::panic, clippy::indexing_slicing)]

mod books;
mod error;
mod explorer;
mod node;
mod process;
mod stage;
mod story;
mod terminal;

use clap::Parser;
use error::Error;
use node::Node;
use stage::{Programs, Stage, empty};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use story::Story;
use terminal::{narrate, quote};
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

const AFTER_HELP: &str = "\
A dev node, the explorer and the signer start in a temporary directory. Three users get addresses and are
paid, a block is taken back, their money is swept into the treasury and paid out, once in private and with
a certificate, and in the end every amount is what it must be; otherwise the exit code is 1. It takes less
than a minute after the programs are built, needs 256 MiB of memory, and leaves nothing behind.

Examples:
  round-trip
  round-trip --keep look-at-it
  round-trip --serve
  cargo run -p custody-tests --bin round-trip -- --serve --keep look-at-it";

/// What can be looked at afterwards.
const LOOK: [&str; 5] = [
    "output-explorer balance hot",
    "output-explorer handoff list",
    "cold-signer journal list",
    "cold-signer inspect handoff-2.response.json --request handoff-2.request.json",
    "stegos-devnode run --config devnode.toml",
];

/// Money on a round trip through a node, the explorer and the signer, with every command shown
#[derive(Parser)]
#[command(name = "round-trip", version, after_help = AFTER_HELP)]
struct Cli {
    /// Leave everything in this directory, which must be empty or not exist, and say how to look at it
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Let the node, with a block every two seconds, and the explorer run until interrupted, and say how to
    /// talk to them
    #[arg(long)]
    serve: bool,
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("round-trip: {error}");
            ExitCode::FAILURE
        }
    }
}

impl Cli {
    fn run(self) -> Result<(), Error> {
        // Before anybody waits in vain.
        let keep = self.keep.as_deref().map(empty).transpose()?;
        let is_kept = keep.is_some();
        let programs = Programs::build(self.serve || is_kept)?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Before there is anything that an interruption could leave behind.
        let mut interruption = runtime.block_on(async { Interruption::new() })?;
        let begin = Instant::now();
        let stage = Stage::new(keep, programs)?;
        let node = Node::start(&stage)?;
        runtime.block_on(async {
            // Who ends first drops the story and so its children; only then does the directory go.
            let mut story = tokio::select! {
                biased;
                () = interruption.comes() => return Err(Error::Interrupted),
                story = Story::tell(&stage, node) => story?,
            };
            narrate(&format!("Everything adds up, in {} seconds.", begin.elapsed().as_secs()))?;
            if self.serve {
                narrate("Until Ctrl-C, the node makes a block every two seconds and the explorer follows.")?;
                story.show_how_to_ask().await?;
                tokio::select! {
                    biased;
                    () = interruption.comes() => {}
                    end = story.go_on() => end?,
                }
            }
            story.end().await
        })?;
        if is_kept {
            narrate("Everything is still there. To look at it:\n")?;
            stage.show_setup(None)?;
            LOOK.into_iter().try_for_each(quote)?;
        }
        Ok(())
    }
}

/// The signals that end the program.
struct Interruption {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Interruption {
    fn new() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    async fn comes(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
