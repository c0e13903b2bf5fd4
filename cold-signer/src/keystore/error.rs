//! Everything that can go wrong with a key store, and what the operator does about it.

use super::record::Place;
use crate::journal::JournalError;
use std::io;
use std::path::{Path, PathBuf};
use stegos_common::address::Network;
use stegos_common::text::excerpt;
use thiserror::Error;

/// Why a key store cannot be created, opened, read or written.
#[derive(Debug, Error)]
pub enum KeystoreError {
    /// Nothing is there.
    #[error(
        "there is no key store in {}: create one with `cold-signer init`, `restore` a backup, or name its directory with --data-dir",
        .0.display()
    )]
    Missing(PathBuf),
    /// `init` never overwrites.
    #[error(
        "{} already holds a key store, which is never overwritten: use it, or name another --data-dir",
        .0.display()
    )]
    Exists(PathBuf),
    /// Records without the header that holds their key.
    #[error("{} holds records but no header: restore the header `store.toml` from a backup", .0.display())]
    HeaderMissing(PathBuf),
    /// Another process holds the lock.
    #[error("the key store in {} is in use by process {pid}: stop that process first", dir.display())]
    InUse {
        /// The store's directory.
        dir: PathBuf,
        /// The process id that the other process left in the lock file, `?` where it left none.
        pid: String,
    },
    /// The directory is not private.
    #[error("{} must be a directory that is yours and closed to others: chown it to you, then chmod 700", .0.display())]
    NotPrivate(PathBuf),
    /// The header is not as it was written.
    #[error("the header of the key store is damaged ({0}): restore `store.toml` from a backup")]
    HeaderDamaged(String),
    /// Deriving the key would cost so little that passphrases could be tried fast.
    #[error(
        "the header of the key store asks for Argon2id with {memory_kib} KiB and {passes} passes, below the floor of \
         65536 KiB and 2 passes: somebody downgraded it; restore `store.toml` from a backup"
    )]
    HeaderDowngraded {
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
    },
    /// Deriving the key would cost more than any store of ours.
    #[error(
        "the header of the key store asks for Argon2id with {memory_kib} KiB, {passes} passes and {lanes} lanes, above \
         the ceiling of 4194304 KiB, 64 passes and 16 lanes: restore `store.toml` from a backup"
    )]
    HeaderExcessive {
        /// Memory, in KiB.
        memory_kib: u32,
        /// Passes over the memory.
        passes: u32,
        /// Lanes.
        lanes: u32,
    },
    /// The test-only cost, or a store made with it, together with the network where money is real.
    #[error("the test-only cost protects nothing and is refused on mainnet: create the store without it")]
    TestCostOnMainnet,
    /// Written by a newer version of this program.
    #[error(
        "the key store has format {found}, this program knows formats up to {known}: use the newer cold-signer that wrote it"
    )]
    NewerFormat {
        /// The store's format version.
        found: u32,
        /// The newest that this program reads.
        known: u32,
    },
    /// The header does not open. Nothing can tell a wrong passphrase from a header changed on purpose.
    #[error(
        "wrong passphrase: try again; if you are sure of it, the header was tampered with, restore `store.toml` from a backup"
    )]
    WrongPassphrase,
    /// A good store of another network.
    #[error("the key store is of {actual}, expected {expected}: name the right --data-dir or --network")]
    WrongNetwork {
        /// The network asked for.
        expected: Network,
        /// The network of the store.
        actual: Network,
    },
    /// A record does not open, is missing or makes no sense.
    #[error(
        "{0} is damaged or missing: restore the key store from a backup. Without one, `cold-signer store rebuild` keeps \
         what is left"
    )]
    Damaged(Place),
    /// The records are not those that were written last.
    #[error(
        "{}: of {expected} accounts {found} are there, or some are older than they should be: the files were damaged or \
         set back. Restore a copy of the whole directory. Without one, `cold-signer store rebuild` keeps what is left \
         and brings derived accounts back from their names; imported keys come from their own backups",
        dir.display()
    )]
    RecordsMissing {
        /// The store's directory.
        dir: PathBuf,
        /// How many records are there.
        found: u64,
        /// How many there must be.
        expected: u64,
    },
    /// The file that says what there must be does not open.
    #[error(
        "{} is damaged or missing, so that nobody can tell whether accounts were lost: restore a copy of the whole \
         directory of the key store. Without one, `cold-signer store rebuild` keeps what is left",
        .0.display()
    )]
    TallyDamaged(PathBuf),
    /// An earlier change of this open store was cut off.
    #[error("an earlier change of the key store failed half way: run the command again")]
    ChangeFailed,
    /// A new header was written, perhaps.
    #[error(
        "the new passphrase could not be made durable ({0}): either the old one or the new one opens the store, try both"
    )]
    PassphraseUnsettled(io::Error),
    /// A rebuild without the master key.
    #[error("the record of the master key cannot be read: give its 24 recovery words with --restore-phrase")]
    MasterMissing,
    /// A rebuild with another master key.
    #[error(
        "these 24 recovery words are not those of this store: its accounts were derived from another master key"
    )]
    OtherMaster,
    /// The journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// This host cannot give the memory that the header asks for.
    #[error(
        "{0} KiB of memory are needed to derive the key and this host does not have them: free some memory"
    )]
    OutOfMemory(u32),
    /// The database below failed.
    #[error(
        "the database in {} failed ({reason}): check the disk. If it persists, move the whole directory away and put \
         a copy in its place; without one, `cold-signer store rebuild` keeps what is left",
        dir.display()
    )]
    Database {
        /// The database's directory.
        dir: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl KeystoreError {
    /// For `map_err`: an I/O error at `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Why a change of the accounts was refused. Nothing was changed then.
#[derive(Debug, Error)]
pub enum AccountError {
    /// Not a name for an account.
    #[error("{name:?} is not an account name: {reason}")]
    Name {
        /// The name, shortened.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The name is taken.
    #[error("the account {0:?} exists already: choose another name")]
    Exists(String),
    /// The name is taken by an account that was removed.
    #[error("the account {0:?} exists in the archive: bring it back with `cold-signer key restore`")]
    Archived(String),
    /// No account of this name.
    #[error("there is no account {0:?}: see `cold-signer key list --archived`")]
    Unknown(String),
    /// An account that is to be rotated once is named twice.
    #[error("the account {0:?} is named twice: name it once")]
    Twice(String),
    /// The key belongs to somebody already.
    #[error("this key already belongs to the account {0:?}: use that account")]
    KeyExists(String),
    /// Another number of accounts was being added.
    #[error(
        "an earlier `key add --count {count}` was cut off after {added} accounts: run it again first, it adds the rest"
    )]
    Unfinished {
        /// How many were asked for.
        count: u64,
        /// How many were added.
        added: u64,
    },
    /// The store failed.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
}

impl AccountError {
    /// No account of this name, which is shortened.
    pub(crate) fn unknown(name: &str) -> Self {
        Self::Unknown(excerpt(name))
    }
}
