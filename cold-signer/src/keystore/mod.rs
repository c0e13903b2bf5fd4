//! The key store: a master key, the accounts derived from it, and imported keys, sealed on disk.
//!
//! A store is a directory:
//!
//! | entry | content |
//! | --- | --- |
//! | `store.toml` | the header: network, cost of the passphrase, the sealed data key |
//! | `keys/`, after a rebuild `keys.1/` and so on | the database: records sealed with the data key, under meaningless keys |
//! | `keys.kept/` and the like | only while the database is opened, or where that failed: the original, see `store/files.rs` |
//! | `quarantine/` | what sled left unfinished |
//! | `journal`, `journal.torn-…` | what was signed, see [`crate::journal`]; last commits that a crash tore |
//! | `tally` | sealed, too: which database is in use, a sum over the records of all accounts and a position of the journal, by which lost or older ones are noticed |
//! | `backups.toml` | when a backup was made last, and when one was tried |
//! | `policy.restored.toml` | the policy of the backup from which it was restored; nothing reads it |
//! | `lock` | the process id of whoever has the store open |
//! | `init.unfinished` | only while the store is made: without a header, all the rest is worth nothing |
//!
//! Whoever reads the files without the passphrase learns the network, the number of keys and about how
//! long their names are, nothing else. Whoever writes to them can destroy, but not exchange a key, move a
//! record, drop one, set one back to an older state or change the network unnoticed; nor can a bad disk. What
//! is not noticed is an older copy of the whole directory: that no backup is mistaken for the store is the
//! operator's care.
//!
//! In memory an account takes its name and its public key. Its secret key is derived from the master key
//! when it is needed; only imported keys are held.
//!
//! Rotation gives an account another key, its next *generation*. The newest one is its address; all of them stay its
//! own, because money may come to an old address for ever.

mod accounts;
pub mod backup;
mod check;
mod create;
mod directory;
mod error;
mod header;
mod kdf;
mod locked;
mod rebuild;
mod record;
mod rotate;
mod salvage;
mod store;
mod tally;
#[cfg(test)]
mod tests;

pub use self::accounts::Numbered;
pub use self::check::{Fault, Report};
pub use self::create::require_absent;
pub use self::error::{AccountError, KeystoreError};
pub use self::kdf::Cost;
pub use self::locked::{JournalReader, Locked, id_of, network_of};
pub use self::rebuild::{Listed, Rebuilt, Sources};
pub use self::record::{Account, Place, Table};

use self::accounts::Accounts;
use self::directory::Directory;
use self::header::Header;
use self::store::Store;
use self::tally::Tally;
use crate::disk::Disk;
use crate::journal::{self, Journal, JournalError, Position, Reader, Torn};
use crate::passphrase::Passphrase;
use crate::seal::SealingKey;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use stegos_common::address::Network;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;

/// The reserved name of the master key, which receives private outputs like an account.
pub const MASTER: &str = "master";

/// The first database's directory within the store's.
const DATABASE: &str = "keys";

/// The directory of a database within the store's. Each rebuild makes one.
fn database(generation: u32) -> String {
    if generation == 0 { DATABASE.to_owned() } else { format!("{DATABASE}.{generation}") }
}

/// Somebody who owns outputs: an account, or the master key.
pub struct Owner {
    /// The account's name, [`MASTER`] for the master key.
    pub account: Arc<str>,
    /// The public key that outputs name as their recipient.
    pub public_key: Encoded,
    key: OwnerKey,
}

/// Where an owner's secret key comes from.
enum OwnerKey {
    /// From the master key, the account's name and the generation.
    Derived(Arc<SecretKey>, NonZeroU32),
    /// It is this one.
    Itself(Arc<SecretKey>),
}

impl Owner {
    /// The secret key; derived keys are computed at every call, which costs one hash.
    #[must_use]
    pub fn secret_key(&self) -> SecretKey {
        match &self.key {
            OwnerKey::Derived(master, generation) => master.generation_key(&self.account, *generation),
            OwnerKey::Itself(key) => SecretKey::clone(key),
        }
    }
}

/// An open key store. It is locked for this process until it is dropped.
pub struct Keystore {
    header: Header,
    master: Arc<SecretKey>,
    master_name: Arc<str>,
    master_public: Encoded,
    accounts: Accounts,
    data_key: Arc<SealingKey>,
    store: Box<dyn Store>,
    tally: Mutex<Tally>,
    /// Dropped last: nobody else opens the database before it is closed.
    directory: Directory,
}

impl Keystore {
    /// Opens the store in `dir`. With `network` given, it must be a store of it.
    ///
    /// # Errors
    /// See [`KeystoreError`]: each reason has its own variant.
    pub fn open(
        dir: &Path,
        passphrase: &Passphrase,
        network: Option<Network>,
        disk: Disk,
    ) -> Result<Self, KeystoreError> {
        Locked::new(dir, network, disk)?.unlock(passphrase)
    }

    /// Opens the journal, for this process alone, and remembers how far it got. Answers, too, what a crash tore.
    ///
    /// # Errors
    /// [`KeystoreError::Journal`] and `Io`: nothing may be signed then.
    pub fn open_journal(&self) -> Result<(Journal, Option<Torn>), KeystoreError> {
        let anchor = self.tally.lock().unwrap_or_else(PoisonError::into_inner).anchor;
        let (journal, torn) =
            Journal::open(self.dir(), self.directory.disk().clone(), self.journal_owner(), anchor)?;
        self.anchor_journal(journal.position())?;
        Ok((journal, torn))
    }

    /// Reads and authenticates the whole journal; answers how long its good part is, and the position there.
    fn read_whole_journal(&self) -> Result<(u64, Position), JournalError> {
        let anchor = self.tally.lock().unwrap_or_else(PoisonError::into_inner).anchor;
        let path = self.dir().join(journal::FILE);
        let mut reader = Reader::open(&path, self.directory.disk().clone(), self.journal_owner())?;
        reader.read_all::<JournalError>(anchor, |_| Ok(()))?;
        Ok(reader.end())
    }

    fn journal_owner(&self) -> journal::Owner {
        journal::Owner { key: self.data_key.clone(), store_id: self.header.store_id }
    }

    /// Remembers that the journal got as far as `position`, so that one that ends earlier is refused. An earlier
    /// position than the one remembered changes nothing.
    ///
    /// # Errors
    /// [`KeystoreError::Io`].
    pub(crate) fn anchor_journal(&self, position: Position) -> Result<(), KeystoreError> {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        if position.count <= tally.anchor.count {
            return Ok(());
        }
        tally.anchor(&self.directory, &self.data_key, position)
    }

    /// The network of the store.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.header.network
    }

    /// The random identity of the store, which tells it from every other.
    #[must_use]
    pub const fn id(&self) -> &[u8; 16] {
        &self.header.store_id
    }

    /// The directory of the store, locked for this process.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.directory.path()
    }

    /// The owner of the key with this encoding: an account that is not archived, or the master key.
    #[must_use]
    pub fn find(&self, public_key: &Encoded) -> Option<Owner> {
        if *public_key == self.master_public {
            return Some(self.master());
        }
        self.accounts.by_key(public_key).filter(|account| !account.archived).map(|a| self.owner_of(a))
    }

    /// The newest key of the account of this name if it is not archived; the master key for [`MASTER`].
    #[must_use]
    pub fn owner(&self, account: &str) -> Option<Owner> {
        self.generations(account).next()
    }

    /// All keys of the account of this name if it is not archived, the newest one first; the master key for [`MASTER`].
    pub fn generations(&self, account: &str) -> impl Iterator<Item = Owner> {
        let master = (account == MASTER).then(|| self.master());
        let active = self.accounts.generations(account).filter(|account| !account.archived);
        master.into_iter().chain(active.map(|account| self.owner_of(account)))
    }

    /// The master key as an owner.
    #[must_use]
    pub fn master(&self) -> Owner {
        Owner {
            account: self.master_name.clone(),
            public_key: self.master_public,
            key: OwnerKey::Itself(self.master.clone()),
        }
    }

    /// The master key, then all keys of accounts that are not archived, the oldest first.
    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        let active = self.accounts.iter().filter(|account| !account.archived);
        std::iter::once(self.master()).chain(active.map(|account| self.owner_of(account)))
    }

    /// All generations of all accounts, archived ones included, the oldest first.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The newest generation of the account of this name, archived or not.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.by_name(name)
    }

    /// An account's keys, archived or not.
    #[must_use]
    pub fn owner_of(&self, account: &Account) -> Owner {
        let key = match &account.imported {
            Some(key) => OwnerKey::Itself(key.clone()),
            None => OwnerKey::Derived(self.master.clone(), account.generation),
        };
        Owner { account: account.name.clone(), public_key: account.public_key, key }
    }
}
