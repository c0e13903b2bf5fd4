//! What a test does to a node that nobody could do to a real one: commands as JSON, on a port of their own.

use super::clock::Clock;
use super::faucet::FaucetError;
use super::faults::Faults;
use super::node::{Node, NodeError};
use super::sign::Planned;
use serde::{Deserialize, Serialize};
use stegos_common::api::create_raw_transaction::TxOut;
use stegos_common::api::encoding::Timestamp;
use stegos_common::api::response::Status;
use stegos_common::hash::Hash;
use thiserror::Error;

/// A command.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// Make so many blocks, micro or macro as they come.
    Mine {
        /// How many.
        blocks: u32,
    },
    /// Make blocks up to and with the next macro block.
    FinishEpoch,
    /// Pay these outputs out of the reserve; they are in the next block.
    Faucet {
        /// What to pay, as in a `create_raw_transaction`.
        payments: Vec<TxOut>,
    },
    /// Take micro blocks back.
    Revert {
        /// How many.
        blocks: u32,
        /// Whether their payments return to the mempool; otherwise they are lost.
        keep_transactions: bool,
    },
    /// Take the last micro block back and make another one at its offset.
    Replace {
        /// Whether it has the payments of the old one; otherwise they are lost.
        keep_transactions: bool,
    },
    /// Go on as a node that was restarted: all connections are closed, the mempool is empty.
    Restart {
        /// Begin another chain, of this seed, with the same name.
        seed: Option<String>,
        /// Forget all but so many epochs, the first block's included.
        epochs: Option<u64>,
    },
    /// Let the clock stand at a time, or go again.
    SetClock {
        /// The time; none is the computer's.
        time: Option<Timestamp>,
    },
    /// Pretend to be behind the network, or not.
    SetSynchronized {
        /// Whether it is up to date.
        on: bool,
    },
    /// Behave as the patched node: announce reverts and the end of each epoch.
    Announce {
        /// Whether to.
        on: bool,
    },
    /// Break the connections' frames and answers from now on.
    Faults(Faults),
    /// Send one connection no notifications any more, without a word.
    Silence {
        /// Its number: the first connection has 1.
        connection: u64,
    },
    /// Close connections.
    Close {
        /// The number of the only one to close.
        connection: Option<u64>,
    },
}

/// What a command did.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Outcome {
    /// It is done.
    Done {
        /// Where the chain is now.
        status: Status,
        /// The outputs that were paid.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        outputs: Vec<Hash>,
    },
    /// It is not.
    Error {
        /// Why.
        error: String,
    },
}

/// Why a command is not done.
#[derive(Debug, Error)]
pub enum CommandError {
    /// No command.
    #[error("not a command: {0}; see docs/devnode.md")]
    Unknown(#[from] serde_json::Error),
    /// No block can be made, taken back, found or kept.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The faucet does not pay.
    #[error(transparent)]
    Faucet(#[from] FaucetError),
    /// No output can be like this.
    #[error("payment {0} is impossible; check its recipient, amount and comment")]
    Payment(usize),
}

impl Node {
    /// Obeys a command's JSON text and answers what became of it.
    pub fn control(&mut self, json: &str) -> Option<String> {
        let obeyed = serde_json::from_str(json).map_err(CommandError::from);
        let outcome = match obeyed.and_then(|command| self.obey(command)) {
            Ok(outputs) => Outcome::Done { status: self.status(), outputs },
            Err(error) => Outcome::Error { error: error.to_string() },
        };
        serde_json::to_string(&outcome).ok()
    }

    /// Obeys a command. Answers the outputs that it paid.
    ///
    /// # Errors
    /// [`CommandError`], see its variants.
    pub fn obey(&mut self, command: Command) -> Result<Vec<Hash>, CommandError> {
        match command {
            Command::Mine { blocks } => (0..blocks).try_for_each(|_block| self.mine())?,
            Command::FinishEpoch => {
                let epoch = self.chain.epoch();
                while self.chain.epoch() == epoch {
                    self.mine()?;
                }
            }
            Command::Faucet { payments } => return self.faucet(&payments),
            Command::Revert { blocks, keep_transactions } => self.revert(blocks, keep_transactions)?,
            Command::Replace { keep_transactions } => {
                self.revert(1, keep_transactions)?;
                self.mine()?;
            }
            Command::Restart { seed, epochs } => self.restart(seed, epochs)?,
            Command::SetClock { time } => self.clock = time.map_or(Clock::System, Clock::Manual),
            Command::SetSynchronized { on } => self.synchronized = on,
            Command::Announce { on } => self.announce = on,
            Command::Faults(faults) => self.faults = faults,
            Command::Silence { connection } => self.subscribers.silence(connection),
            Command::Close { connection } => self.connections.close(connection),
        }
        Ok(Vec::new())
    }

    fn faucet(&mut self, payments: &[TxOut]) -> Result<Vec<Hash>, CommandError> {
        let network = self.chain.params().network;
        let outputs = payments.iter().enumerate().map(|(index, payment)| {
            let planned = Planned::read(payment, network).and_then(Planned::valid);
            planned.ok_or(CommandError::Payment(index))
        });
        Ok(self.pay(&outputs.collect::<Result<Vec<_>, _>>()?)?)
    }
}
