//! Making a store, so that a crash leaves a whole one or none.
//!
//! A marker comes first and the header last. As long as there is a marker and no header, nobody has been told of
//! the store: what is there is removed and made anew. Records without a header and without a marker were a store
//! once, and are never touched.

use super::accounts::Accounts;
use super::backup::RESTORED_POLICY;
use super::directory::Directory;
use super::header::{self, Header};
use super::locked::Locked;
use super::record::Place;
use super::store::{SledStore, Store};
use super::tally::{self, Tally};
use super::{Cost, DATABASE, Keystore, KeystoreError, database};
use crate::disk::Disk;
use crate::journal;
use crate::passphrase::Passphrase;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use stegos_common::address::Network;
use stegos_common::keys::SecretKey;

/// The file that is there while a store is made.
pub(super) const MARKER: &str = "init.unfinished";

/// What stands in it.
const MARKER_TEXT: &[u8] =
    b"A key store is being made here. If this stays, making it was cut off: run `init` or `restore` again.\n";

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
        disk: Disk,
    ) -> Result<Self, KeystoreError> {
        require_absent(dir)?;
        let (header, text, data_key) = Header::create(network, cost, passphrase.expose())?;
        let directory = Directory::create(dir, disk)?;
        // Once more: another process may have created the store before we had the lock.
        require_absent(dir)?;
        mark(&directory)?;
        let store = SledStore::open(&dir.join(database(0)), directory.disk().clone())?;
        let sealed = data_key.seal(master.to_bytes().as_slice(), &Place::MASTER.associated_data());
        store.insert(&[(Place::MASTER.key(), sealed)])?;
        store.flush()?;
        journal::create(dir, directory.disk()).map_err(KeystoreError::io(dir))?;
        let owner = journal::Owner { key: Arc::new(data_key), store_id: header.store_id };
        let tally = Tally::new(0, owner.genesis());
        tally.write(&directory, &owner.key)?;
        // The header comes last: with it the store is complete.
        directory.write_new(header::FILE, text.as_bytes())?;
        directory.remove(MARKER)?;
        let locked = Locked { directory, header };
        Ok(Self::assemble(locked, Box::new(store), tally, owner.key, master, Accounts::default()))
    }
}

/// Marks the store as unfinished, and removes what an earlier attempt left.
pub(super) fn mark(directory: &Directory) -> Result<(), KeystoreError> {
    if !directory.path().join(MARKER).exists() {
        directory.write_new(MARKER, MARKER_TEXT)?;
    }
    remains(directory.path())?.iter().try_for_each(|name| directory.remove(name))
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
    if !exists(MARKER)? && !remains(dir)?.is_empty() {
        return Err(KeystoreError::HeaderMissing(dir.to_owned()));
    }
    Ok(())
}

/// What there is of a store's files besides header, marker and lock.
fn remains(dir: &Path) -> Result<Vec<String>, KeystoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(KeystoreError::io(dir))?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry.map_err(KeystoreError::io(dir))?.file_name();
        let is_ours = |name: &&str| {
            let database =
                name.strip_prefix(DATABASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
            database || [tally::FILE, RESTORED_POLICY].contains(name) || name.starts_with(journal::FILE)
        };
        names.extend(name.to_str().filter(is_ours).map(str::to_owned));
    }
    Ok(names)
}
