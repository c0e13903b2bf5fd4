//! The key store: a master key, the accounts derived from it, and imported keys, sealed on disk.
//!
//! A store is a directory:
//!
//! | entry | content |
//! | --- | --- |
//! | `store.toml` | the header: network, cost of the passphrase, the sealed data key |
//! | `keys/` | the database: records sealed with the data key, under meaningless keys |
//! | `tally` | sealed, too: a sum over the records of all accounts, by which lost or older ones are noticed |
//! | `lock` | the process id of whoever has the store open |
//!
//! Whoever reads the files without the passphrase learns the network, the number of accounts and about how
//! long their names are, nothing else. Whoever writes to them can destroy, but not exchange a key, move a
//! record, drop one, set one back to an older state or change the network unnoticed; nor can a bad disk. What
//! is not noticed is an older copy of the whole directory: that no backup is mistaken for the store is the
//! operator's care.
//!
//! In memory an account takes its name and its public key. Its secret key is derived from the master key
//! when it is needed; only imported keys are held.

mod accounts;
mod directory;
mod error;
mod header;
mod kdf;
mod record;
mod seal;
mod store;
mod tally;
#[cfg(test)]
mod tests;

pub use self::error::{AccountError, KeystoreError};
pub use self::kdf::Cost;
pub use self::record::{Account, Place, Table};

use self::accounts::Accounts;
use self::directory::Directory;
use self::header::Header;
use self::seal::SealingKey;
use self::store::Store;
use self::tally::Tally;
use crate::passphrase::Passphrase;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;

/// The reserved name of the master key, which receives private outputs like an account.
pub const MASTER: &str = "master";

/// The database's directory within the store's.
const DATABASE: &str = "keys";

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
    /// From the master key and the account's name.
    Derived(Arc<SecretKey>),
    /// It is this one.
    Itself(Arc<SecretKey>),
}

impl Owner {
    /// The secret key; derived keys are computed at every call, which costs one hash.
    #[must_use]
    pub fn secret_key(&self) -> SecretKey {
        match &self.key {
            OwnerKey::Derived(master) => master.account_key(&self.account),
            OwnerKey::Itself(key) => SecretKey::clone(key),
        }
    }
}

/// A store that is locked for this process but not opened yet: what it is has been checked, so that nobody
/// is asked for a passphrase in vain.
pub struct Locked {
    directory: Directory,
    header: Header,
}

impl Locked {
    /// Locks the store in `dir` and reads its header. With `network` given, it must be a store of it.
    ///
    /// # Errors
    /// Everything that [`Keystore::open`] answers, except what takes the passphrase to find out.
    pub fn new(dir: &Path, network: Option<Network>) -> Result<Self, KeystoreError> {
        let path = dir.join(header::FILE);
        match require_absent(dir) {
            Ok(()) => return Err(KeystoreError::Missing(dir.to_owned())),
            Err(KeystoreError::Exists(_)) => {}
            Err(error) => return Err(error),
        }
        let directory = Directory::lock(dir)?;
        let mut text = String::new();
        File::open(&path)
            .and_then(|file| file.take(header::MAX_LENGTH).read_to_string(&mut text))
            .map_err(|error| KeystoreError::HeaderDamaged(error.to_string()))?;
        let header = Header::parse(&text)?;
        match network {
            Some(expected) if expected != header.network => {
                Err(KeystoreError::WrongNetwork { expected, actual: header.network })
            }
            _ => Ok(Self { directory, header }),
        }
    }

    /// Opens the store: derives the key, which takes about a second, and reads all accounts.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`], [`KeystoreError::Damaged`], [`KeystoreError::RecordsMissing`],
    /// [`KeystoreError::TallyDamaged`] and errors of the disk.
    pub fn unlock(self, passphrase: &Passphrase) -> Result<Keystore, KeystoreError> {
        let data_key = self.header.unlock(passphrase.expose())?;
        let mut tally = Tally::read(&self.directory, &data_key)?;
        let store = Store::open(&self.directory.path().join(DATABASE))?;
        let master = store
            .get(&Place::MASTER.key())?
            .and_then(|sealed| data_key.open(&sealed, &Place::MASTER.associated_data()))
            .and_then(|bytes| SecretKey::from_bytes(&bytes).ok())
            .ok_or(KeystoreError::Damaged(Place::MASTER))?;
        let (accounts, sum) = Accounts::load(&store, &data_key, &tally)?;
        // What an interrupted change wrote may not be on disk yet, and must be when the tally says so.
        store.flush()?;
        tally.settle(&self.directory, &data_key, sum)?;
        Ok(Keystore::assemble(self, store, tally, data_key, master, accounts))
    }
}

/// An open key store. It is locked for this process until it is dropped.
pub struct Keystore {
    header: Header,
    master: Arc<SecretKey>,
    master_name: Arc<str>,
    master_public: Encoded,
    accounts: Accounts,
    data_key: SealingKey,
    store: Store,
    tally: Tally,
    /// Dropped last: nobody else opens the database before it is closed.
    directory: Directory,
}

impl Keystore {
    /// Creates a store in `dir`, which is made if it does not exist.
    ///
    /// # Errors
    /// [`KeystoreError::Exists`] if there is one: nothing is ever overwritten; `HeaderMissing` if there are
    /// remains of one; `TestCostOnMainnet`, `NotPrivate`, `InUse` and errors of the disk.
    pub fn create(
        dir: &Path,
        passphrase: &Passphrase,
        network: Network,
        master: SecretKey,
        cost: Cost,
    ) -> Result<Self, KeystoreError> {
        require_absent(dir)?;
        let (header, text, data_key) = Header::create(network, cost, passphrase.expose())?;
        let directory = Directory::create(dir)?;
        // Once more: another process may have created the store before we had the lock.
        require_absent(dir)?;
        let store = Store::open(&dir.join(DATABASE))?;
        let sealed = data_key.seal(master.to_bytes().as_slice(), &Place::MASTER.associated_data());
        store.insert([(Place::MASTER.key(), sealed)])?;
        store.flush()?;
        let tally = Tally::create(&directory, &data_key)?;
        // The header comes last: with it the store is complete.
        directory.write_new(header::FILE, text.as_bytes())?;
        let locked = Locked { directory, header };
        Ok(Self::assemble(locked, store, tally, data_key, master, Accounts::default()))
    }

    /// Opens the store in `dir`. With `network` given, it must be a store of it.
    ///
    /// # Errors
    /// See [`KeystoreError`]: each reason has its own variant.
    pub fn open(
        dir: &Path,
        passphrase: &Passphrase,
        network: Option<Network>,
    ) -> Result<Self, KeystoreError> {
        Locked::new(dir, network)?.unlock(passphrase)
    }

    fn assemble(
        locked: Locked,
        store: Store,
        tally: Tally,
        data_key: SealingKey,
        master: SecretKey,
        accounts: Accounts,
    ) -> Self {
        let Locked { directory, header } = locked;
        Self {
            header,
            master_name: MASTER.into(),
            master_public: master.public_key().encoded(),
            master: Arc::new(master),
            accounts,
            data_key,
            store,
            tally,
            directory,
        }
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

    /// Whether the store was made with the test-only cost: its passphrase protects nothing.
    #[must_use]
    pub const fn is_test_only(&self) -> bool {
        self.header.cost.test_only
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

    /// The account of this name if it is not archived; the master key for [`MASTER`].
    #[must_use]
    pub fn owner(&self, account: &str) -> Option<Owner> {
        if account == MASTER {
            return Some(self.master());
        }
        self.accounts.by_name(account).filter(|account| !account.archived).map(|a| self.owner_of(a))
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

    /// The master key, then all accounts that are not archived, the oldest first.
    pub fn owners(&self) -> impl Iterator<Item = Owner> {
        let active = self.accounts.iter().filter(|account| !account.archived);
        std::iter::once(self.master()).chain(active.map(|account| self.owner_of(account)))
    }

    /// All accounts, archived ones included, the oldest first.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// The account of this name, archived or not.
    #[must_use]
    pub fn account(&self, name: &str) -> Option<&Account> {
        self.accounts.by_name(name)
    }

    /// An account's keys, archived or not.
    #[must_use]
    pub fn owner_of(&self, account: &Account) -> Owner {
        let key = match &account.imported {
            Some(key) => OwnerKey::Itself(key.clone()),
            None => OwnerKey::Derived(self.master.clone()),
        };
        Owner { account: account.name.clone(), public_key: account.public_key, key }
    }
}

/// Refuses a directory that holds a store, or what is left of one.
///
/// # Errors
/// [`KeystoreError::Exists`] and [`KeystoreError::HeaderMissing`]; [`KeystoreError::Io`] where the directory
/// cannot be entered.
pub fn require_absent(dir: &Path) -> Result<(), KeystoreError> {
    let exists = |name| {
        let path = dir.join(name);
        path.try_exists().map_err(KeystoreError::io(&path))
    };
    if exists(header::FILE)? {
        return Err(KeystoreError::Exists(dir.to_owned()));
    }
    if exists(DATABASE)? {
        return Err(KeystoreError::HeaderMissing(dir.to_owned()));
    }
    Ok(())
}
