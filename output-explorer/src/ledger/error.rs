//! What the ledger can fail with.

use super::store::StoreError;
use crate::block::Position;
use std::io;
use std::path::PathBuf;
use stegos_common::address::{EncodedAddress, Network};
use stegos_common::hash::Hash;
use thiserror::Error;

/// A block that contradicts what is stored, though it agrees with itself. No honest node sends one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// It spends what no block made.
    #[error("it spends output {0}, which no block made")]
    UnknownInput(Hash),
    /// It spends what is spent.
    #[error("it spends output {input}, which was spent at {spent}")]
    AlreadySpent {
        /// The output.
        input: Hash,
        /// Where it was spent.
        spent: Position,
    },
    /// It makes what exists.
    #[error("it makes output {output}, which is unspent since {created}")]
    OutputExists {
        /// The output.
        output: Hash,
        /// Where it was made.
        created: Position,
    },
    /// It makes more money than the protocol can count.
    #[error("with output {0} there is more money than the protocol can count")]
    TooMuch(Hash),
    /// It is not the next one.
    #[error("it does not follow what is stored")]
    OutOfOrder,
}

/// Why the ledger does not do something.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// The block is refused. Nothing was changed.
    #[error("{0}")]
    Fault(#[from] Fault),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record is not what was written.
    #[error(
        "the ledger is damaged: a record of table {table:?} cannot be read, or contradicts others. Keep its directory, \
         and put your last copy in its place. Without one start with a new directory and import the users again: blocks \
         are read from the node, but handoffs and the ids of withdrawals are gone"
    )]
    Damaged {
        /// The table's letter.
        table: char,
    },
    /// The directory cannot be used.
    #[error("cannot use {}: {source}; check the path and its rights", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may enter the directory.
    #[error("{} is not this user's alone, so others could change the ledger: chmod 700 it, or choose another", .0.display())]
    NotPrivate(PathBuf),
    /// Another process has it.
    #[error("the ledger in {} is in use by process {pid}; ask that one, or stop it first", dir.display())]
    InUse {
        /// The directory.
        dir: PathBuf,
        /// The process id, as far as is known.
        pid: String,
    },
    /// It is one of another network.
    #[error("the ledger is one of {stored}, not of {wanted}; choose another --network or another --data-dir")]
    OtherNetwork {
        /// Its network.
        stored: Network,
        /// The one asked for.
        wanted: Network,
    },
    /// It was written by another version.
    #[error("the ledger has form {0}, which this version does not know; use the version that wrote it")]
    OtherFormat(u32),
    /// It is a replica's, and was written by an earlier version.
    #[error(
        "this replica has a ledger of form {0}, of an earlier version: move its directory away, or name another \
         --data-dir, and start again: it copies the ledger anew"
    )]
    OldCopy(u32),
    /// It is a replica's.
    #[error("this is a replica, which changes nothing by itself: ask the explorer that it follows")]
    ReadOnly,
    /// It is a replica's, and not all of it is there.
    #[error("this replica has not copied the whole ledger yet: let `replica` run until it says that it has")]
    HalfCopied,
    /// It lost changes of users or handoffs.
    #[error(
        "the database has lost changes of users or handoffs: it knows {stored} of {written}. Delete {}, import the \
         users again (`user import`), and look up in the signer's journal what was handed off lately", path.display()
    )]
    ChangesLost {
        /// How many changes it knows.
        stored: u64,
        /// How many were made.
        written: u64,
        /// The file that counts them.
        path: PathBuf,
    },
}

/// Why a user cannot be added or changed.
#[derive(Debug, Error)]
pub enum UserError {
    /// The address belongs to somebody else.
    #[error("address {address} belongs to user {owner:?}, so it cannot be one of {account:?}")]
    Taken {
        /// The address.
        address: EncodedAddress,
        /// Its owner.
        owner: String,
        /// Who should have got it.
        account: String,
    },
    /// There is no such user.
    #[error("there is no user {0:?}; see `user list`")]
    Unknown(String),
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}
