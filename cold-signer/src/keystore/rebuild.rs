//! A fresh database from what can be read of the old ones, and from the master key.
//!
//! The new database is complete and on disk before the tally, in one step, says that it is the one in use. No other
//! is ever removed or written to, not even what a rebuild that was cut off left of one: which of them has the newest
//! key is not known.

use super::accounts::check_name;
use super::check::has_its_key;
use super::locked::Locked;
use super::record::{Account, Place};
use super::store::files::KEPT;
use super::store::{Item, SledStore, Store};
use super::tally::{Sum, Tally};
use super::{DATABASE, KeystoreError, database};
use crate::journal::{self, Reader};
use crate::passphrase::Passphrase;
use crate::seal::SealingKey;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::num::NonZeroU32;
use std::sync::Arc;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;

/// So many records are written in one step.
const STEP: usize = 10_000;

/// What a rebuild may use besides the store itself.
#[derive(Default)]
pub struct Sources {
    /// The master key from its 24 words.
    pub master: Option<SecretKey>,
    /// Accounts that there should be, from an export.
    pub accounts: Vec<Listed>,
    /// Begin a new journal; the old one is kept aside. What was signed before is forgotten.
    pub new_journal: bool,
}

/// A generation of an account of an export.
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its public key.
    pub public_key: Encoded,
    /// Which of the account's keys that is.
    pub generation: NonZeroU32,
    /// Whether it was removed.
    pub archived: bool,
}

/// What a rebuild did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Accounts whose records could be read.
    pub kept: u64,
    /// Accounts that were derived anew from the master key and their names.
    pub derived: u64,
    /// Whether the database in use could be read as it was left. Otherwise the newest state of an account may be lost.
    pub complete: bool,
    /// Accounts that were in use at one time and archived at another; they are archived now.
    pub doubtful: u64,
    /// How many accounts there were, if the tally could be read.
    pub expected: Option<u64>,
    /// Records that are there but do not open, or whose keys do not fit.
    pub unreadable: u64,
    /// Listed accounts that are neither there nor derived: imported keys. Import them again from their backups.
    pub missing: Vec<String>,
    /// What old databases said that could not be opened at all.
    pub unopened: Vec<String>,
    /// The directory of the new database, within the store's.
    pub database: String,
    /// The position that the journal must have passed from now on.
    pub journal: Option<journal::Position>,
}

/// The accounts of the new database.
#[derive(Default)]
struct Kept {
    accounts: Vec<Account>,
    names: HashSet<(Arc<str>, NonZeroU32)>,
    keys: HashSet<Encoded>,
}

impl Locked {
    /// Makes a fresh database and takes it into use.
    ///
    /// # Errors
    /// `WrongPassphrase`, `MasterMissing`, `OtherMaster`, and errors of the disk: the store is as it was then.
    pub fn rebuild(self, passphrase: &Passphrase, sources: Sources) -> Result<Rebuilt, KeystoreError> {
        let key = Arc::new(self.header.unlock(passphrase.expose())?);
        let tally = match Tally::read(&self.directory, &key) {
            Ok(tally) => Some(tally),
            Err(KeystoreError::TallyDamaged(_)) => None,
            Err(error) => return Err(error),
        };
        let generations = self.generations()?;
        let salvage = self.salvage(&key, tally.as_ref(), &generations)?;
        let given = sources.master.as_ref();
        let master = salvage.master.clone().or_else(|| given.cloned()).ok_or(KeystoreError::MasterMissing)?;
        if given.is_some_and(|given| given.public_key() != master.public_key()) {
            return Err(KeystoreError::OtherMaster);
        }
        let found = salvage.accounts.len();
        let fitting: Vec<Account> =
            salvage.accounts.into_par_iter().filter(|account| has_its_key(account, &master)).collect();
        let wrong = found - fitting.len();
        if wrong > 0 && fitting.iter().all(Account::is_imported) {
            return Err(KeystoreError::OtherMaster);
        }
        let mut kept = Kept::default();
        fitting.into_iter().for_each(|account| kept.add(account));
        let mut rebuilt = Rebuilt {
            kept: kept.accounts.len() as u64,
            expected: tally.as_ref().map(Tally::expected),
            unreadable: salvage.unreadable.saturating_add(wrong as u64),
            unopened: salvage.unopened,
            doubtful: salvage.doubtful,
            complete: salvage.complete,
            ..Rebuilt::default()
        };
        kept.derive(sources.accounts, &master, &mut rebuilt);
        rebuilt.doubtful += kept.archive_together();

        let generation = self.next_generation(&generations)?;
        rebuilt.database = database(generation);
        let anchor = self.journal_position(&key, tally.as_ref(), sources.new_journal)?;
        rebuilt.journal = Some(anchor);
        let fresh = Tally::new(generation, anchor);
        let sum = self.write(&rebuilt.database, &key, &master, &kept.accounts, &fresh)?;
        if sources.new_journal {
            self.replace_journal()?;
        }
        fresh.settled(sum).write(&self.directory, &key)?;
        Ok(rebuilt)
    }

    /// The numbers of the databases that there are.
    pub(super) fn generations(&self) -> Result<BTreeSet<u32>, KeystoreError> {
        let dir = self.directory.path();
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(dir).map_err(KeystoreError::io(dir))? {
            let name = entry.map_err(KeystoreError::io(dir))?.file_name();
            let Some(name) = name.to_str().map(|name| name.strip_suffix(KEPT).unwrap_or(name)) else {
                continue;
            };
            let number = name.strip_prefix(DATABASE).and_then(|rest| match rest {
                "" => Some(0),
                _ => rest.strip_prefix('.')?.parse().ok(),
            });
            found.extend(number.filter(|number| name == database(*number)));
        }
        Ok(found)
    }

    /// A number that no database has, nor ever had.
    fn next_generation(&self, generations: &BTreeSet<u32>) -> Result<u32, KeystoreError> {
        let Some(last) = generations.last() else { return Ok(0) };
        last.checked_add(1).ok_or_else(|| KeystoreError::Database {
            dir: self.directory.path().join(database(*last)),
            reason: "no other can have a higher number: give it a lower one".to_owned(),
        })
    }

    /// The position that the journal must have passed from now on.
    fn journal_position(
        &self,
        key: &Arc<SealingKey>,
        tally: Option<&Tally>,
        new: bool,
    ) -> Result<journal::Position, KeystoreError> {
        let owner = self.journal_owner(key);
        match tally {
            _ if new => Ok(owner.genesis()),
            Some(tally) => Ok(tally.anchor),
            // Nobody remembers: the journal itself is all there is.
            None => {
                let mut position = owner.genesis();
                for record in Reader::open(
                    &self.directory.path().join(journal::FILE),
                    self.directory.disk().clone(),
                    owner,
                )? {
                    position = record?.after;
                }
                Ok(position)
            }
        }
    }

    /// Writes a database; answers the sum of its account records.
    fn write(
        &self,
        name: &str,
        key: &SealingKey,
        master: &SecretKey,
        accounts: &[Account],
        tally: &Tally,
    ) -> Result<Sum, KeystoreError> {
        let dir = self.directory.path();
        let store = SledStore::open(&dir.join(name), self.directory.disk().clone())?;
        let sealed = key.seal(master.to_bytes().as_slice(), &Place::MASTER.associated_data());
        store.insert(&[(Place::MASTER.key(), sealed)])?;
        let mut sum = Sum::default();
        for (step, accounts) in accounts.chunks(STEP).enumerate() {
            let mut items: Vec<Item> = Vec::with_capacity(accounts.len());
            for (offset, account) in accounts.iter().enumerate() {
                let place = Place::account(step * STEP + offset);
                let sealed = key.seal(&account.encode(), &place.associated_data());
                sum = tally.with(sum, &sealed);
                items.push((place.key(), sealed));
            }
            store.insert(&items)?;
        }
        store.flush()?;
        self.directory.disk().sync(dir).map_err(KeystoreError::io(dir))?;
        Ok(sum)
    }

    /// Puts the journal aside and begins a new one.
    fn replace_journal(&self) -> Result<(), KeystoreError> {
        let (dir, disk) = (self.directory.path(), self.directory.disk());
        let path = dir.join(journal::FILE);
        if path.exists() {
            let mut numbers = 1_u32..;
            let aside = numbers.by_ref().map(|number| dir.join(format!("{}.old-{number}", journal::FILE)));
            let aside = aside.into_iter().find(|aside| !aside.exists()).unwrap_or_else(|| path.clone());
            disk.rename(&path, &aside).map_err(KeystoreError::io(&aside))?;
        }
        journal::create(dir, disk).map_err(KeystoreError::io(&path))
    }
}

impl Kept {
    /// Keeps an account, unless an earlier one of the salvage has its name and generation, or its key.
    fn add(&mut self, account: Account) {
        if self.has_name(&account) || self.keys.contains(&account.public_key) {
            return;
        }
        self.names.insert((account.name.clone(), account.generation));
        self.keys.insert(account.public_key);
        self.accounts.push(account);
    }

    /// Whether the name and generation of an account are there.
    fn has_name(&self, account: &Account) -> bool {
        self.names.contains(&(account.name.clone(), account.generation))
    }

    /// Archives all generations of an account of which one is archived: which was the state of all is not known. Answers
    /// how many it archived.
    fn archive_together(&mut self) -> u64 {
        let archived = self.accounts.iter().filter(|account| account.archived);
        let names: HashSet<Arc<str>> = archived.map(|account| account.name.clone()).collect();
        let in_use = self.accounts.iter_mut().filter(|account| !account.archived);
        let doubtful = in_use.filter(|account| names.contains(&account.name));
        doubtful.map(|account| account.archived = true).count() as u64
    }

    /// Derives listed accounts that are not there.
    fn derive(&mut self, listed: Vec<Listed>, master: &SecretKey, rebuilt: &mut Rebuilt) {
        for Listed { name, public_key, generation, archived } in listed {
            if self.keys.contains(&public_key) || public_key == master.public_key().encoded() {
                continue;
            }
            let account = Account { name: name.into(), public_key, generation, imported: None, archived };
            if check_name(&account.name).is_ok() && !self.has_name(&account) && has_its_key(&account, master)
            {
                self.add(account);
                rebuilt.derived += 1;
            } else {
                rebuilt.missing.push(account.name.to_string());
            }
        }
    }
}
