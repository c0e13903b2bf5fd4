//! Reading and authenticating everything, without stopping at the first fault.

use super::locked::{Locked, read_master};
use super::record::{Account, Place, Table};
use super::store::{SledStore, Store, files};
use super::tally::{Sum, Tally};
use super::{KeystoreError, database};
use crate::journal::{self, JournalError, Position, Reader};
use crate::passphrase::Passphrase;
use crate::seal::SealingKey;
use std::collections::HashSet;
use std::sync::Arc;
use stegos_common::keys::SecretKey;
use stegos_common::text::excerpt;
use thiserror::Error;

/// What was found in a store.
#[derive(Debug)]
pub struct Report {
    /// How many account records open, one for each generation of an account.
    pub accounts: u64,
    /// How many records the journal has, up to its first fault, and the head after them.
    pub journal: Option<Position>,
    /// How many bytes a crash left of a last commit of the journal. That is no fault: nothing was answered from it.
    pub torn: Option<u64>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

/// Something that is not as it should be.
#[derive(Debug, Error)]
pub enum Fault {
    /// Something that has an error of its own.
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    /// Something about the journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// An account whose public key is not the one of its secret key: what it receives could not be spent.
    #[error(
        "the public key of account {0:?} does not belong to its secret key: do not use its address, and report this"
    )]
    Key(String),
    /// A generation of a name or a key that two records have.
    #[error("{0} repeats the name and generation or the key of another record")]
    Repeated(Place),
}

impl Locked {
    /// Opens every record of the store and of the journal, and derives every key anew.
    ///
    /// # Errors
    /// [`KeystoreError::WrongPassphrase`]; everything else that is wrong is in the report.
    pub fn check(&self, passphrase: &Passphrase) -> Result<Report, KeystoreError> {
        let key = Arc::new(self.header.unlock(passphrase.expose())?);
        let mut report = Report { accounts: 0, journal: None, torn: None, faults: Vec::new() };
        let tally = Tally::read(&self.directory, &key).map_err(|error| report.faults.push(error.into())).ok();
        if let Err(error) = self.check_records(&key, tally.as_ref(), &mut report) {
            report.faults.push(error.into());
        }
        if let Err(error) = self.check_journal(&key, tally.as_ref(), &mut report) {
            report.faults.push(error.into());
        }
        Ok(report)
    }

    fn check_records(
        &self,
        key: &SealingKey,
        tally: Option<&Tally>,
        report: &mut Report,
    ) -> Result<(), KeystoreError> {
        let dir = self.directory.path();
        // Without a tally nobody knows which database is in use; most likely it is the newest.
        let generation = match tally {
            Some(tally) => tally.generation,
            None => self.generations()?.last().copied().unwrap_or_default(),
        };
        let (database, disk) = (dir.join(database(generation)), self.directory.disk());
        let sources = files::sources(&database);
        let source = sources.first().ok_or_else(|| files::missing(&database))?;
        let scratch = files::scratch(source, disk).map_err(KeystoreError::io(source))?;
        let store = SledStore::open_copy(scratch.path(), &database, disk.clone())?;
        let master = read_master(&store, key)?;
        if master.is_none() {
            report.faults.push(KeystoreError::Damaged(Place::MASTER).into());
        }
        let (mut sum, mut seen) = (Sum::default(), HashSet::new());
        let mut next = 0;
        for item in store.scan(&[Table::Account as u8]) {
            let (at, sealed) = item?;
            let number = Place::number(Table::Account, &at).unwrap_or(next);
            // Where records are missing, the next one has a higher number.
            let missing = (next..number).map(|number| Place { table: Table::Account, number });
            report.faults.extend(missing.take(MOST).map(|place| KeystoreError::Damaged(place).into()));
            next = number.saturating_add(1);
            let place = Place { table: Table::Account, number };
            match Account::open(key, place, &sealed) {
                None => report.faults.push(KeystoreError::Damaged(place).into()),
                Some(account) => {
                    report.accounts += 1;
                    let generation = account.generation.get();
                    let new = [
                        seen.insert((account.name.as_bytes().to_vec(), generation)),
                        // No name is of generation 0.
                        seen.insert((account.public_key.as_bytes().to_vec(), 0)),
                    ];
                    report.faults.extend((new != [true; 2]).then_some(Fault::Repeated(place)));
                    let wrong = master.as_ref().is_some_and(|master| !has_its_key(&account, master));
                    report.faults.extend(wrong.then(|| Fault::Key(excerpt(&account.name))));
                }
            }
            sum = tally.map_or(sum, |tally| tally.with(sum, &sealed));
        }
        if let Some(tally) = tally.filter(|tally| !tally.admits(sum)) {
            let (dir, found, expected) = (dir.to_owned(), sum.records, tally.expected());
            report.faults.push(KeystoreError::RecordsMissing { dir, found, expected }.into());
        }
        Ok(())
    }

    fn check_journal(
        &self,
        key: &Arc<SealingKey>,
        tally: Option<&Tally>,
        report: &mut Report,
    ) -> Result<(), JournalError> {
        let path = self.directory.path().join(journal::FILE);
        let mut reader = Reader::open(&path, self.directory.disk().clone(), self.journal_owner(key))?;
        let anchor = tally.map_or_else(|| reader.genesis(), |tally| tally.anchor);
        report.journal = Some(reader.genesis());
        let read = reader.read_all::<JournalError>(anchor, |record| {
            report.journal = Some(record.after);
            Ok(())
        });
        report.torn = reader.torn();
        read.map(drop)
    }
}

/// No more missing records than so many are named one by one.
const MOST: usize = 1000;

/// Whether an account's public key is the one of its secret key.
pub(super) fn has_its_key(account: &Account, master: &SecretKey) -> bool {
    let public = match &account.imported {
        Some(key) => key.public_key(),
        None => master.generation_key(&account.name, account.generation).public_key(),
    };
    public.encoded() == account.public_key
}
