//! A store before it is opened: what can be done with it without reading every account.

use super::accounts::Accounts;
use super::create::{MARKER, require_absent};
use super::directory::Directory;
use super::header::{self, Header};
use super::record::Place;
use super::store::{SledStore, Store, files};
use super::tally::Tally;
use super::{Keystore, KeystoreError, MASTER, database};
use crate::disk::Disk;
use crate::journal::{self, JournalError, Position, Reader, Record};
use crate::passphrase::Passphrase;
use crate::seal::SealingKey;
use crate::stack;
use std::path::Path;
use std::sync::{Arc, Mutex};
use stegos_common::address::Network;
use stegos_common::keys::SecretKey;

/// A store that is locked for this process but not opened yet: what it is has been checked, so that nobody
/// is asked for a passphrase in vain.
pub struct Locked {
    pub(super) directory: Directory,
    pub(super) header: Header,
}

/// The network of the store in `dir`, which another process may have open.
///
/// # Errors
/// What the header says, `NotPrivate` where others may enter the directory.
pub fn network_of(dir: &Path) -> Result<Network, KeystoreError> {
    Ok(header_of(dir)?.network)
}

/// What tells the store in `dir` from others; another process may have it open.
///
/// # Errors
/// Those of [`network_of`].
pub fn id_of(dir: &Path) -> Result<[u8; 16], KeystoreError> {
    Ok(header_of(dir)?.store_id)
}

fn header_of(dir: &Path) -> Result<Header, KeystoreError> {
    Directory::require_private(dir)?;
    Header::read(dir)
}

impl Locked {
    /// Locks the store in `dir` and reads its header. With `network` given, it must be a store of it.
    ///
    /// # Errors
    /// Everything that [`Keystore::open`] answers, except what takes the passphrase to find out.
    pub fn new(dir: &Path, network: Option<Network>, disk: Disk) -> Result<Self, KeystoreError> {
        match require_absent(dir) {
            Ok(()) => return Err(KeystoreError::Missing(dir.to_owned())),
            Err(KeystoreError::Exists(_)) => {}
            Err(error) => return Err(error),
        }
        let directory = Directory::lock(dir, disk)?;
        let header = Header::read(dir)?;
        match network {
            Some(expected) if expected != header.network => {
                return Err(KeystoreError::WrongNetwork { expected, actual: header.network });
            }
            _ => {}
        }
        // With a header the store is complete, and what is in it must never again be taken for remains.
        directory.remove(MARKER)?;
        Ok(Self { directory, header })
    }

    /// Whether the store was made with the test-only cost: its passphrase protects nothing.
    #[must_use]
    pub const fn is_test_only(&self) -> bool {
        self.header.cost.test_only
    }

    /// Opens the store: derives the key, which takes about a second, and reads all accounts.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`], [`KeystoreError::Damaged`], [`KeystoreError::RecordsMissing`],
    /// [`KeystoreError::TallyDamaged`] and errors of the disk.
    pub fn unlock(self, passphrase: &Passphrase) -> Result<Keystore, KeystoreError> {
        let data_key = Arc::new(self.header.unlock(passphrase.expose())?);
        let mut tally = Tally::read(&self.directory, &data_key)?;
        let database = self.directory.path().join(database(tally.generation));
        files::keep(&database, self.directory.disk())?;
        let store = SledStore::open(&database, self.directory.disk().clone())?;
        let master = read_master(&store, &data_key)?.ok_or(KeystoreError::Damaged(Place::MASTER))?;
        let loaded = Accounts::load(&store, &data_key, &tally);
        // Imported keys were among what was opened.
        stack::wipe_workers();
        stack::wipe();
        let (accounts, sum) = loaded?;
        tally.require(&self.directory, sum)?;
        store.flush()?;
        // The original goes before the tally is settled. It may lack, on disk, what a change that was cut off had
        // written; a settled tally would not admit that any more.
        files::accept(&database, self.directory.disk())?;
        tally.settle(&self.directory, &data_key, sum)?;
        Ok(Keystore::assemble(self, Box::new(store), tally, data_key, master, accounts))
    }

    /// Wraps the data key for another passphrase. Accounts and journal are not touched. Whoever has a copy of the
    /// old header can still open it with the old passphrase.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`] for the old one; [`KeystoreError::PassphraseUnsettled`] where the disk
    /// failed: one of the two opens the store then.
    pub fn change_passphrase(self, old: &Passphrase, new: &Passphrase) -> Result<(), KeystoreError> {
        let text = self.header.rewrapped(old.expose(), new.expose())?;
        self.directory.replace(header::FILE, text.as_bytes()).map_err(|error| match error {
            KeystoreError::Io { source, .. } => KeystoreError::PassphraseUnsettled(source),
            error => error,
        })
    }

    /// Opens the journal to read it, and nothing else.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`], [`KeystoreError::TallyDamaged`], and [`KeystoreError::Journal`] where
    /// there is none.
    pub fn read_journal(self, passphrase: &Passphrase) -> Result<JournalReader, KeystoreError> {
        let key = Arc::new(self.header.unlock(passphrase.expose())?);
        let anchor = Tally::read(&self.directory, &key)?.anchor;
        let path = self.directory.path().join(journal::FILE);
        let reader = Reader::open(&path, self.directory.disk().clone(), self.journal_owner(&key))?;
        let network = self.header.network;
        Ok(JournalReader { reader, anchor, network, _locked: self })
    }

    /// The network of the store.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.header.network
    }

    pub(super) fn journal_owner(&self, key: &Arc<SealingKey>) -> journal::Owner {
        journal::Owner { key: key.clone(), store_id: self.header.store_id }
    }
}

/// The journal of a store, open to be read. The store is locked meanwhile.
pub struct JournalReader {
    reader: Reader,
    anchor: Position,
    network: Network,
    _locked: Locked,
}

impl JournalReader {
    /// The network of the store.
    #[must_use]
    pub const fn network(&self) -> Network {
        self.network
    }

    /// Where the journal begins.
    #[must_use]
    pub fn genesis(&self) -> Position {
        self.reader.genesis()
    }

    /// Reads the whole journal and shows each record to `see`. Answers the position at the end, and how many bytes a
    /// crash left of a last commit from which nothing was answered.
    ///
    /// # Errors
    /// [`JournalError`] for the first record that is not as it was written, and for a journal that ends before
    /// what the store remembers of it; after the records before it were shown. Those of `see`.
    pub fn read<E: From<JournalError>>(
        mut self,
        see: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<(Position, Option<u64>), E> {
        let end = self.reader.read_all(self.anchor, see)?;
        Ok((end, self.reader.torn()))
    }
}

/// The master key, if its record opens.
pub(super) fn read_master(
    store: &dyn Store,
    data_key: &SealingKey,
) -> Result<Option<SecretKey>, KeystoreError> {
    let sealed = store.get(&Place::MASTER.key())?;
    Ok(sealed.and_then(|sealed| open_master(data_key, &sealed)))
}

/// The master key of its sealed record.
pub(super) fn open_master(data_key: &SealingKey, sealed: &[u8]) -> Option<SecretKey> {
    SecretKey::from_bytes(&data_key.open(sealed, &Place::MASTER.associated_data())?).ok()
}

impl Keystore {
    pub(super) fn assemble(
        locked: Locked,
        store: Box<dyn Store>,
        tally: Tally,
        data_key: Arc<SealingKey>,
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
            tally: Mutex::new(tally),
            directory,
        }
    }
}
