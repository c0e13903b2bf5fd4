//! What a command can fail with, and the exit code that says so.

use crate::control::{AskError, ServerError};
use crate::export::ExportError;
use crate::http::HttpError;
use crate::ledger::LedgerError;
use crate::node::WatchError;
use crate::replica::ReplicaError;
use crate::reserves::{ProofError, TreeError};
use crate::settings::{HttpSettingsError, SettingsError};
use crate::webhook::ClientError;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use stegos_common::address::Network;
use stegos_common::hash::Hash;
use stegos_common::reserves::{AssetsError, AttestationError, Proved};
use thiserror::Error;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Error {
    /// A question has no answer.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The ledger cannot be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The node cannot be followed.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The other explorer cannot be copied.
    #[error(transparent)]
    Replica(#[from] ReplicaError),
    /// Other commands could not ask.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// Webhooks cannot be sent.
    #[error(transparent)]
    Webhooks(#[from] ClientError),
    /// The configuration file cannot be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Settings of HTTP that do not go together.
    #[error(transparent)]
    HttpSettings(#[from] HttpSettingsError),
    /// HTTP cannot be answered, or not any more.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Neither an option nor the environment says where the ledger is.
    #[error("neither HOME nor XDG_DATA_HOME is set: name the ledger's directory with --data-dir")]
    NoDataDir,
    /// Nothing says which network it is.
    #[error("which network? Name it with --network, or in the configuration file")]
    NoNetwork,
    /// A line that is no account with an address.
    #[error("{}, line {line}: {reason}. Lines before were imported in steps; correct it and import again", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// An account that cannot be imported.
    #[error(
        "{}, lines {first} to {last}: {reason}. None of these lines was imported, those before were; correct the file \
         and import it again", path.display()
    )]
    ImportRefused {
        /// The file.
        path: PathBuf,
        /// The first line of the step, from 1.
        first: usize,
        /// The last one.
        last: usize,
        /// Why the ledger refuses it; it names the account.
        reason: String,
    },
    /// A file that is too long.
    #[error("{} is longer than {most} bytes", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        most: u64,
    },
    /// A folder with too much in it.
    #[error("{} has more than {most} files to look at: take away those of handoffs that are over", path.display())]
    TooManyFiles {
        /// The folder.
        path: PathBuf,
        /// The most that are looked at.
        most: usize,
    },
    /// A line of a batch that is no withdrawal.
    #[error("{}, line {line}: {reason}. Nothing was handed off", path.display())]
    Batch {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A request that cannot be written.
    #[error(
        "cannot write {}: {source}. Handoff {number} holds its inputs: write it elsewhere with `handoff request \
         {number} --out DIR`, or cancel it", path.display()
    )]
    Request {
        /// The file.
        path: PathBuf,
        /// The handoff.
        number: u64,
        /// What the system said.
        source: io::Error,
    },
    /// Nothing says what the exchange's own account is.
    #[error("which account is the exchange's own? Name it with --treasury, or in the configuration file")]
    NoTreasury,
    /// A transaction that will not be in a block.
    #[error("the transaction of handoff {number} is not included: {state}")]
    NotIncluded {
        /// The handoff.
        number: u64,
        /// Why.
        state: String,
    },
    /// Nobody submits it.
    #[error("the transaction of handoff {0} is stored, but nothing can be waited for: start `run`")]
    NotFollowed(u64),
    /// A transaction that is not there yet.
    #[error(
        "the transaction of handoff {number} is {state} still; `handoff show {number}` tells how it goes on"
    )]
    NotYet {
        /// The handoff.
        number: u64,
        /// Where it is.
        state: String,
    },
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The ledger is not what the node's blocks say.
    #[error("{0} differences between the ledger and the node's blocks, listed above")]
    Differences(usize),
    /// The books have a hole.
    #[error("it does not reconcile: {0} rows have `reconciles` false; docs/exports.md says where to look")]
    Unreconciled(u64),
    /// An export broke off.
    #[error("the export broke off: {0}")]
    Export(ExportError),
    /// The ledger and the node were never at the same block.
    #[error("the chain moves faster than it can be compared: try again")]
    Moving,
    /// Amounts that make no tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A line of the exchange's books that cannot be meant.
    #[error("{}, line {line}: {reason}. Nothing was made", path.display())]
    Books {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// An account that should be left out, but is not there.
    #[error("there is no user {0:?} to be left out")]
    NotLeftOut(String),
    /// A file of a proof that is none.
    #[error("{}: {source}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// Why it cannot be read.
        source: serde_json::Error,
    },
    /// A proof of somebody else.
    #[error("NOT PROVED: the proof is for account {found:?}, not for {wanted:?}")]
    OtherAccount {
        /// The account of the proof.
        found: String,
        /// That of whoever asks.
        wanted: String,
    },
    /// A proof that proves nothing.
    #[error("NOT PROVED: {0}")]
    NotProved(#[from] ProofError),
    /// Outputs that make no list.
    #[error("nothing is listed: {0}")]
    NotListed(AssetsError),
    /// An attestation that shows nothing.
    #[error("NOT PROVED: {0}")]
    NotAttested(#[from] AttestationError),
    /// A root of another network than the ledger.
    #[error("the root is of {network}, the ledger of {ledger}")]
    OtherNetwork {
        /// The network of the ledger.
        ledger: Network,
        /// The network of the root.
        network: Network,
    },
    /// A root of another chain, or one that somebody altered.
    #[error(
        "NOT PROVED: the root is about block {root}, which is not the one that made its epoch final: {found}"
    )]
    OtherBlock {
        /// The block of the ledger.
        found: Hash,
        /// The block of the root.
        root: Hash,
    },
    /// An output that does not count.
    #[error("NOT PROVED: output {output} is not in the ledger as the list has it: {reason}")]
    NotThere {
        /// The output.
        output: Hash,
        /// What is otherwise.
        reason: &'static str,
    },
    /// Fewer assets than debts.
    #[error("PROVED, BUT LESS THAN WHAT IS OWED: {proved}, {after}")]
    LessThanOwed {
        /// How much.
        proved: Proved,
        /// When, and what was looked at.
        after: String,
    },
    /// The answer is one to another question.
    #[error("the process that has the ledger gave another answer than was asked for: is it another version?")]
    OtherAnswer,
    /// The output cannot be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Ask(error) => Self::Ask(error),
            ExportError::OtherAnswer => Self::OtherAnswer,
            ExportError::Write(error) => Self::Output(error),
            error @ ExportError::Stopped => Self::Export(error),
        }
    }
}

impl Error {
    /// The exit code, as the help of the program lists them. Code 2 is given by the parser of the command line.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Ask(AskError::Refused(_)) | Self::ImportRefused { .. } => 3,
            Self::Ledger(_) | Self::Watch(WatchError::Ledger(_)) => 4,
            Self::Ask(
                AskError::Ledger(_) | AskError::NotAnswering(..) | AskError::Failed(_) | AskError::Query(_),
            ) => 4,
            Self::Replica(ReplicaError::Ledger(_) | ReplicaError::Copy(_)) => 4,
            Self::Replica(ReplicaError::Source(_)) => 1,
            Self::Watch(_) | Self::Replica(_) => 5,
            Self::Differences(_) | Self::Unreconciled(_) | Self::LessThanOwed { .. } => 6,
            Self::NotIncluded { .. } => 7,
            Self::NotYet { .. } | Self::NotFollowed(_) | Self::Ask(AskError::NotRunning(_)) => 8,
            _ => 1,
        })
    }
}
