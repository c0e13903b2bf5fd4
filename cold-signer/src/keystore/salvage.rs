//! Whatever can be read of the databases of a store. They are read from copies and never written to.

use super::locked::{Locked, open_master, read_master};
use super::record::{Account, Place, Table};
use super::store::{Item, SledStore, Store, files, marked};
use super::tally::{Sum, Tally};
use super::{KeystoreError, database};
use crate::seal::SealingKey;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::Path;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;

/// What could be read: first of the database in use, then of the others from the newest on.
#[derive(Default)]
pub(super) struct Salvage {
    pub(super) master: Option<SecretKey>,
    /// Whether all that the tally counts was found in the database in use, as it was left.
    pub(super) complete: bool,
    /// With repetitions from several databases; the first counts.
    pub(super) accounts: Vec<Account>,
    /// Accounts that were in use at one time and archived at another, of which nobody knows the order. They are
    /// archived: an archived key is kept, and can be taken into use again.
    pub(super) doubtful: u64,
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
        let mut pieces = Found::default();
        for source in &sources {
            match self.read_copy(&dir, source, key, tally) {
                Ok((found, true)) => {
                    pieces = found;
                    salvage.complete = true;
                    break;
                }
                Ok((found, false)) => pieces.add(found),
                // Without room for a copy less would be found than there is.
                Err(error @ KeystoreError::Io { .. }) if tally.is_some() => return Err(error),
                Err(error) => salvage.unopened.push(error.to_string()),
            }
            match files::log_bytes(source) {
                Ok(bytes) => marked::find_all(&bytes).for_each(|item| {
                    pieces.take(key, &item);
                }),
                Err(error) => salvage.unopened.push(format!("{}: {error}", source.display())),
            }
        }
        salvage.master = salvage.master.take().or(pieces.master);
        salvage.accounts.extend(pieces.accounts);
        salvage.doubtful += pieces.doubtful.len() as u64;
        salvage.unreadable += pieces.unreadable;
        Ok(())
    }

    /// Reads what sled makes of a copy. Answers whether that is all that the tally counts.
    fn read_copy(
        &self,
        dir: &Path,
        source: &Path,
        key: &SealingKey,
        tally: Option<&Tally>,
    ) -> Result<(Found, bool), KeystoreError> {
        let disk = self.directory.disk();
        let scratch = files::scratch(source, disk).map_err(KeystoreError::io(source))?;
        let store = SledStore::open_copy(scratch.path(), dir, disk.clone())?;
        let mut found = Found { master: read_master(&store, key).unwrap_or_default(), ..Found::default() };
        let mut sum = Sum::default();
        for item in store.scan(&[Table::Account as u8]) {
            let Ok(item) = item else {
                // A scan does not get past a page that cannot be read.
                found.unreadable += 1;
                break;
            };
            if !found.take(key, &item) {
                found.unreadable += 1;
            }
            sum = tally.map_or(sum, |tally| tally.with(sum, &item.1));
        }
        let complete =
            found.master.is_some() && found.unreadable == 0 && tally.is_some_and(|tally| tally.admits(sum));
        Ok((found, complete))
    }
}

/// What was found of one database, each account once.
#[derive(Default)]
struct Found {
    master: Option<SecretKey>,
    accounts: Vec<Account>,
    by_key: HashMap<Encoded, usize>,
    doubtful: HashSet<Encoded>,
    unreadable: u64,
}

impl Found {
    /// Takes a record. Answers whether it opens.
    fn take(&mut self, key: &SealingKey, (at, sealed): &Item) -> bool {
        if *at == Place::MASTER.key() {
            let master = open_master(key, sealed);
            let opens = master.is_some();
            self.master = self.master.take().or(master);
            return opens;
        }
        let place = Place::number(Table::Account, at).map(|number| Place { table: Table::Account, number });
        let account = place.and_then(|place| Account::open(key, place, sealed));
        let opens = account.is_some();
        account.into_iter().for_each(|account| self.add_account(account));
        opens
    }

    fn add_account(&mut self, account: Account) {
        let known = self.by_key.get(&account.public_key).and_then(|index| self.accounts.get_mut(*index));
        match known {
            Some(known) => {
                if known.archived != account.archived {
                    self.doubtful.insert(account.public_key);
                    known.archived = true;
                }
            }
            None => {
                self.by_key.insert(account.public_key, self.accounts.len());
                self.accounts.push(account);
            }
        }
    }

    /// Takes what another reading found.
    fn add(&mut self, other: Self) {
        self.master = self.master.take().or(other.master);
        self.unreadable = self.unreadable.max(other.unreadable);
        self.doubtful.extend(other.doubtful);
        other.accounts.into_iter().for_each(|account| self.add_account(account));
    }
}
