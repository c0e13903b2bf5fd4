//! Whatever can be read of the databases of a store. They are read from copies and never written to.

use super::locked::{Locked, read_master};
use super::record::{Account, Place, Table};
use super::store::{Item, SledStore, Store, files, marked};
use super::tally::{Sum, Tally};
use super::{KeystoreError, database};
use crate::seal::SealingKey;
use std::collections::BTreeSet;
use std::path::Path;
use stegos_common::keys::SecretKey;

/// What could be read: first of the database in use, then of the others from the newest on.
#[derive(Default)]
pub(super) struct Salvage {
    pub(super) master: Option<SecretKey>,
    /// With repetitions; the first counts.
    pub(super) accounts: Vec<Account>,
    /// Records that are there but cannot be read or do not open.
    pub(super) unreadable: u64,
    /// Why databases could not be opened.
    pub(super) unopened: Vec<String>,
}

impl Locked {
    /// Reads all databases of these numbers, and the one that the tally knows.
    ///
    /// # Errors
    /// `Io` where there is no room for a copy of the database in use.
    pub(super) fn salvage(
        &self,
        key: &SealingKey,
        tally: Option<&Tally>,
        generations: &BTreeSet<u32>,
    ) -> Result<Salvage, KeystoreError> {
        let mut salvage = Salvage::default();
        let in_use = tally.map(|tally| tally.generation);
        let others = generations.iter().rev().copied().filter(|other| Some(*other) != in_use);
        for generation in in_use.into_iter().chain(others) {
            let tally = tally.filter(|tally| tally.generation == generation);
            self.salvage_one(key, generation, tally, &mut salvage)?;
        }
        Ok(salvage)
    }

    /// Reads one database: what sled makes of it, then, unless that is known to be all, every record that is found in
    /// its bytes; of what was kept of it and of what an opening made of it.
    fn salvage_one(
        &self,
        key: &SealingKey,
        generation: u32,
        tally: Option<&Tally>,
        salvage: &mut Salvage,
    ) -> Result<(), KeystoreError> {
        let dir = self.directory.path().join(database(generation));
        let sources = files::sources(&dir);
        if sources.is_empty() {
            salvage.unopened.push(files::missing(&dir).to_string());
        }
        for source in &sources {
            match self.read_copy(&dir, source, key, tally, salvage) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                // Without room for a copy less would be found than there is.
                Err(error @ KeystoreError::Io { .. }) if tally.is_some() => return Err(error),
                Err(error) => salvage.unopened.push(error.to_string()),
            }
            match files::log_bytes(source) {
                Ok(bytes) => marked::find_all(&bytes).for_each(|item| {
                    salvage.take(key, &item);
                }),
                Err(error) => salvage.unopened.push(format!("{}: {error}", source.display())),
            }
        }
        Ok(())
    }

    /// Reads what sled makes of a copy. Answers whether that is all that the tally counts.
    fn read_copy(
        &self,
        dir: &Path,
        source: &Path,
        key: &SealingKey,
        tally: Option<&Tally>,
        salvage: &mut Salvage,
    ) -> Result<bool, KeystoreError> {
        let disk = self.directory.disk();
        let scratch = files::scratch(source, disk).map_err(KeystoreError::io(source))?;
        let store = SledStore::open_copy(scratch.path(), dir, disk.clone())?;
        let mut sum = Sum::default();
        let mut sound = true;
        match read_master(&store, key) {
            Ok(Some(master)) => {
                salvage.master.get_or_insert(master);
            }
            Ok(None) | Err(_) => sound = false,
        }
        for item in store.scan(&[Table::Account as u8]) {
            let Ok(item) = item else {
                // A scan does not get past a page that cannot be read.
                salvage.unreadable += 1;
                sound = false;
                break;
            };
            if !salvage.take(key, &item) {
                salvage.unreadable += 1;
            }
            sum = tally.map_or(sum, |tally| tally.with(sum, &item.1));
        }
        Ok(sound && tally.is_some_and(|tally| tally.admits(sum)))
    }
}

impl Salvage {
    /// Takes a record. Answers whether it opens.
    fn take(&mut self, key: &SealingKey, (at, sealed): &Item) -> bool {
        let opened = |place: Place| key.open(sealed, &place.associated_data());
        if *at == Place::MASTER.key() {
            let master = opened(Place::MASTER).and_then(|bytes| SecretKey::from_bytes(&bytes).ok());
            let opens = master.is_some();
            self.master = self.master.take().or(master);
            return opens;
        }
        let place = Place::number(Table::Account, at).map(|number| Place { table: Table::Account, number });
        let account = place.and_then(opened).and_then(|bytes| Account::decode(&bytes));
        let opens = account.is_some();
        self.accounts.extend(account);
        opens
    }
}
