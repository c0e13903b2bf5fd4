//! Backups: everything that a store is, in one file that proves itself.
//!
//! A backup is a tar archive (inside of an age file, see [`crate::envelope`]). Its members stand in this order:
//!
//! | member | content |
//! | --- | --- |
//! | `backup.toml` | the list: what store, when, how many accounts, how far the journal, and length and SHA3-256 of every member behind the seal |
//! | `backup.seal` | nothing, sealed with the data key of the store and bound to the list: whoever can only write backups cannot make or change one |
//! | `store.toml` | the header as it was: the passphrase of that time opens it |
//! | `records` | the sealed records of the database |
//! | `journal` | the journal up to its last whole commit |
//! | `policy.toml` | the policy, where one was in force |
//!
//! `records` has, for each record, its key of 9 bytes, the length of what follows (4 bytes, little-endian), and the
//! sealed record. Records are sealed as in the store, so that the file inside of the age file tells no more than the
//! store's directory does.

mod create;
mod last;
mod manifest;
mod members;
mod restore;

#[cfg(test)]
pub(crate) use self::last::note as note_last;
pub use self::last::{Last, read as read_last};
pub use self::manifest::Manifest;
pub use self::restore::{Backup, Compared, Restored};

use super::{Fault, KeystoreError};
use crate::envelope::EnvelopeError;
use crate::journal::{JournalError, Position};
use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// The list.
const MANIFEST: &str = "backup.toml";
/// What makes the list the store's.
const SEAL: &str = "backup.seal";
/// The sealed records.
const RECORDS: &str = "records";
/// The policy.
const POLICY: &str = "policy.toml";
/// How it is called in a restored store, where nothing reads it.
pub(super) const RESTORED_POLICY: &str = "policy.restored.toml";

/// Why there is no backup, or nothing was restored from one.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It is something else, or a part of one.
    #[error("it is no backup of this program: {0}")]
    NotABackup(String),
    /// Written by a newer version of this program.
    #[error(
        "the backup has format {found}, this program knows formats up to {known}: use the newer cold-signer that made it"
    )]
    NewerFormat {
        /// Its format version.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// Whoever wrote the list did not have the store.
    #[error(
        "the list of the backup was not made by the store whose header is in it: somebody changed it; take another backup"
    )]
    Forged,
    /// A member is not what the list says.
    #[error(
        "{0} in the backup is not what its list says: the file is damaged, or somebody changed it; take another backup"
    )]
    Differs(&'static str),
    /// What was restored is not what it must be.
    #[error("what was restored is not what was backed up, and is of no use: {}", list(.0))]
    NotProved(Vec<Fault>),
    /// Fewer or more of something than there must be.
    #[error(
        "{what}: {found} in what was restored, {expected} in the list of the backup; take another backup"
    )]
    Counts {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: u64,
        /// How many there must be.
        expected: u64,
    },
    /// The journal never was where somebody had seen it.
    #[error(
        "the journal in the backup never had the head {} at {} records: it is of another store, or of a store that was \
         restored from an older backup meanwhile", .0.head, .0.count
    )]
    NeverSeen(Position),
    /// The store went another way.
    #[error(
        "the journal of the store never had the head {} at {} records, as the one in the backup has: one of them is older, \
         or was restored meanwhile", .0.head, .0.count
    )]
    OtherJournal(Position),
    /// An account has another key than in the store.
    #[error(
        "account {0:?} has another key in the backup than in the store, or is not in the store at all: find out why"
    )]
    OtherKey(String),
    /// The store has another id.
    #[error(
        "the backup is of the store {found}, the one in use is {expected}: name the right file, or another --data-dir"
    )]
    OtherStore {
        /// The id in the backup.
        found: String,
        /// The id of the store.
        expected: String,
    },
    /// The file around it cannot be made or opened.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// There is a file of that name.
    #[error("{} exists already and is not overwritten: name another file", .0.display())]
    FileExists(PathBuf),
    /// The backup is fine, but the store it was compared with is not.
    #[error("the backup is proved, but the key store that it was compared with is not well: {0}")]
    Live(#[source] KeystoreError),
    /// The backup is made, or proved, but `doctor` will not know.
    #[error("the backup is whole, but that cannot be noted: {0}")]
    NotNoted(#[source] KeystoreError),
    /// The key store failed.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// The journal failed.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file cannot be read or written. Of a backup that is encrypted, that can mean that it was changed.
    #[error("the backup cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

fn list(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
