//! The accounts: finding them in memory, adding, importing, archiving.
//!
//! All accounts are held in memory, some 300 bytes each, so that the owner of an output is found by two
//! lookups without a disk. Records are only ever added or replaced, never deleted: a key that was handed out
//! as an address may receive money for ever.

use super::record::{Account, Batch, Place, Table};
use super::store::{Item, Store};
use super::tally::{Sum, Tally};
use super::{AccountError, Keystore, KeystoreError, MASTER};
use crate::seal::SealingKey;
use rayon::prelude::*;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, PoisonError};
use stegos_common::account::{AccountName, AccountNameError};
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;

/// So many accounts are written, or opened, in one step.
const STEP: usize = 10_000;

/// All generations of all accounts. The record of the one at an index is at [`Place::account`] of that index.
#[derive(Default)]
pub(super) struct Accounts {
    list: Vec<Account>,
    /// The newest generation of each account.
    names: HashMap<Arc<str>, usize>,
    /// The others, of those accounts that have some.
    older: HashMap<Arc<str>, Vec<usize>>,
    keys: HashMap<Encoded, usize>,
}

impl Accounts {
    /// Reads and opens every record. Answers their sum, too, for [`Tally::settle`].
    ///
    /// # Errors
    /// [`KeystoreError::Damaged`] names the first record that does not open at its place.
    pub(super) fn load(
        store: &dyn Store,
        key: &SealingKey,
        tally: &Tally,
    ) -> Result<(Self, Sum), KeystoreError> {
        let mut accounts = Self::with_capacity(tally.expected());
        let mut sum = Sum::default();
        let mut items = store.scan(&[Table::Account as u8]);
        loop {
            let first = accounts.list.len();
            let chunk: Vec<Item> = items.by_ref().take(STEP).collect::<Result<_, _>>()?;
            if chunk.is_empty() {
                return Ok((accounts, sum));
            }
            let open = |(offset, (_, sealed)): (usize, &Item)| {
                let place = Place::account(first + offset);
                // A record opens at its own place only, so that one lost before others is noticed here.
                Account::open(key, place, sealed).ok_or(KeystoreError::Damaged(place))
            };
            let opened: Vec<Result<Account, KeystoreError>> =
                chunk.par_iter().enumerate().map(open).collect();
            for (account, (_, sealed)) in opened.into_iter().zip(&chunk) {
                accounts.push(account?);
                sum = tally.with(sum, sealed);
            }
        }
    }

    /// None yet, with room for so many. What they take is taken once: growing would take it several times over.
    fn with_capacity(count: u64) -> Self {
        let count = usize::try_from(count).unwrap_or_default();
        Self {
            list: Vec::with_capacity(count),
            names: HashMap::with_capacity(count),
            older: HashMap::new(),
            keys: HashMap::with_capacity(count),
        }
    }

    /// The newest generation of the account of this name, archived or not.
    pub(super) fn by_name(&self, name: &str) -> Option<&Account> {
        self.list.get(*self.names.get(name)?)
    }

    /// All generations of the account of this name, the newest one first.
    pub(super) fn generations(&self, name: &str) -> impl Iterator<Item = &Account> {
        self.indices(name).filter_map(|index| self.list.get(index))
    }

    /// The same as indices.
    fn indices(&self, name: &str) -> impl Iterator<Item = usize> {
        let older = self.older.get(name).into_iter().flatten().rev();
        self.names.get(name).into_iter().chain(older).copied()
    }

    /// The account of this public key, archived or not.
    pub(super) fn by_key(&self, public_key: &Encoded) -> Option<&Account> {
        self.list.get(*self.keys.get(public_key)?)
    }

    /// All generations in the order of their records.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.list.iter()
    }

    /// Knows an account whose record is the next one.
    fn push(&mut self, account: Account) {
        let index = self.list.len();
        match self.names.entry(account.name.clone()) {
            Entry::Vacant(newest) => {
                newest.insert(index);
            }
            Entry::Occupied(mut newest) => {
                // A rebuild may have brought an older one back later.
                let known = self.list.get(*newest.get()).map(|known| known.generation);
                let older = if known < Some(account.generation) { newest.insert(index) } else { index };
                self.older.entry(account.name.clone()).or_default().push(older);
            }
        }
        self.keys.insert(account.public_key, index);
        self.list.push(account);
    }
}

/// What an adding of numbered accounts did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbered {
    /// How many of them an earlier adding, which was cut off, had added.
    pub earlier: usize,
    /// The first name added by this one, if any was.
    pub first: Option<String>,
    /// The last name.
    pub last: Option<String>,
}

impl Keystore {
    /// Adds accounts with keys derived from the master key, all or none of them. They are on disk when it
    /// answers.
    ///
    /// # Errors
    /// [`AccountError`] for the first name that cannot be added: [`AccountError::Name`], `Exists`, `Archived`,
    /// `KeyExists` where somebody imported the key it would get, `Keystore` where the disk failed.
    pub fn add(&mut self, names: &[&str]) -> Result<(), AccountError> {
        self.append(self.derive(names)?, None)
    }

    /// New accounts with keys derived from the master key.
    fn derive(&self, names: &[&str]) -> Result<Vec<Account>, AccountError> {
        let mut new = HashSet::new();
        for name in names {
            self.require_free(name)?;
            if !new.insert(name) {
                return Err(AccountError::Exists((*name).to_owned()));
            }
        }
        let derive = |name: &&str| Account {
            name: Arc::from(*name),
            public_key: self.master.account_key(name).public_key().encoded(),
            generation: NonZeroU32::MIN,
            imported: None,
            archived: false,
        };
        Ok(names.par_iter().map(derive).collect())
    }

    /// Adds `count` accounts named `user-000001`, `user-000002` and so on, leaving out names that exist, in
    /// steps of 10 000, each of which is on disk before the next. Where an earlier adding of as many was cut off, it
    /// is completed. `progress` is told how many of them are there, at first and after each step.
    ///
    /// # Errors
    /// [`AccountError::Unfinished`] where an earlier adding of another number was cut off; otherwise as
    /// [`Keystore::add`]. The steps before the failing one stay.
    pub fn add_numbered(
        &mut self,
        count: usize,
        mut progress: impl FnMut(usize),
    ) -> Result<Numbered, AccountError> {
        let mut numbered = Numbered { earlier: self.added_of(count)?, first: None, last: None };
        let mut added = numbered.earlier;
        let mut numbers = 1_u64..;
        progress(added);
        while added < count {
            let names: Vec<String> = numbers
                .by_ref()
                .map(|number| format!("user-{number:06}"))
                .filter(|name| self.account(name).is_none())
                .take((count - added).min(STEP))
                .collect();
            let new = names.iter().map(String::as_str).collect::<Vec<_>>();
            added += new.len();
            let batch = Batch { count: count as u64, added: added as u64 };
            self.append(self.derive(&new)?, Some(batch))?;
            numbered.first = numbered.first.or_else(|| names.first().cloned());
            numbered.last = names.last().cloned();
            progress(added);
        }
        Ok(numbered)
    }

    /// How many of `count` numbered accounts an adding that was cut off has added.
    fn added_of(&self, count: usize) -> Result<usize, AccountError> {
        let Some(sealed) = self.store.get(&Place::BATCH.key())? else { return Ok(0) };
        let opened = self.data_key.open(&sealed, &Place::BATCH.associated_data());
        let batch = opened.and_then(|bytes| Batch::decode(&bytes));
        let batch = batch.ok_or(KeystoreError::Damaged(Place::BATCH))?;
        if batch.added >= batch.count {
            return Ok(0);
        }
        if batch.count != count as u64 {
            return Err(AccountError::Unfinished { count: batch.count, added: batch.added });
        }
        usize::try_from(batch.added).map_err(|_| KeystoreError::Damaged(Place::BATCH).into())
    }

    /// Adds an account with a key of its own. The recovery words do not cover it.
    ///
    /// # Errors
    /// [`AccountError::KeyExists`] if any account, archived or not, or the master has this key; otherwise as
    /// [`Keystore::add`].
    pub fn import(&mut self, name: &str, key: SecretKey) -> Result<(), AccountError> {
        self.require_free(name)?;
        let public_key = key.public_key().encoded();
        let (generation, imported) = (NonZeroU32::MIN, Some(Arc::new(key)));
        let account = Account { name: Arc::from(name), public_key, generation, imported, archived: false };
        self.append(vec![account], None)
    }

    /// Removes an account: its keys are kept, but nothing is signed with them.
    ///
    /// # Errors
    /// [`AccountError::Unknown`] and [`AccountError::Archived`].
    pub fn archive(&mut self, name: &str) -> Result<(), AccountError> {
        self.set_archived(name, true)
    }

    /// Brings an archived account back.
    ///
    /// # Errors
    /// [`AccountError::Unknown`], and [`AccountError::Exists`] if it is not archived.
    pub fn restore(&mut self, name: &str) -> Result<(), AccountError> {
        self.set_archived(name, false)
    }

    /// Replaces the records of all generations by those with the other flag, in one step.
    fn set_archived(&mut self, name: &str, archived: bool) -> Result<(), AccountError> {
        let indices: Vec<usize> = self.accounts.indices(name).collect();
        if indices.is_empty() {
            return Err(AccountError::unknown(name));
        }
        let all = indices.into_iter().filter_map(|index| Some((index, self.accounts.list.get(index)?)));
        let others = all.filter(|(_, account)| account.archived != archived);
        let changed: Vec<_> =
            others.map(|(index, account)| (index, Account { archived, ..account.clone() })).collect();
        if changed.is_empty() {
            let name = name.to_owned();
            return Err(if archived { AccountError::Archived(name) } else { AccountError::Exists(name) });
        }
        self.write(changed.iter().map(|(index, account)| (*index, account)), None)?;
        for (index, changed) in changed {
            if let Some(account) = self.accounts.list.get_mut(index) {
                *account = changed;
            }
        }
        Ok(())
    }

    /// Writes new accounts, then knows them. A batch is written in the same step.
    pub(super) fn append(
        &mut self,
        accounts: Vec<Account>,
        batch: Option<Batch>,
    ) -> Result<(), AccountError> {
        for account in &accounts {
            if account.public_key == self.master_public {
                return Err(AccountError::KeyExists(MASTER.to_owned()));
            }
            if let Some(other) = self.accounts.by_key(&account.public_key) {
                return Err(AccountError::KeyExists(other.name.to_string()));
            }
        }
        self.write((self.accounts.list.len()..).zip(&accounts), batch)?;
        accounts.into_iter().for_each(|account| self.accounts.push(account));
        Ok(())
    }

    /// Seals and writes the records of accounts at their indices, and a batch, in one step; they are on disk when it
    /// answers.
    fn write<'a>(
        &mut self,
        accounts: impl Iterator<Item = (usize, &'a Account)>,
        batch: Option<Batch>,
    ) -> Result<(), KeystoreError> {
        let tally = self.tally.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut sum = tally.sum()?;
        let mut items = Vec::with_capacity(accounts.size_hint().0 + 1);
        for (index, account) in accounts {
            let place = Place::account(index);
            let sealed = self.data_key.seal(&account.encode(), &place.associated_data());
            if let Some(replaced) = self.store.get(&place.key())? {
                sum = tally.without(sum, &replaced);
            }
            sum = tally.with(sum, &sealed);
            items.push((place.key(), sealed));
        }
        items.extend(batch.map(|batch| {
            (Place::BATCH.key(), self.data_key.seal(&batch.encode(), &Place::BATCH.associated_data()))
        }));
        tally.announce(&self.directory, &self.data_key, sum)?;
        self.store.insert(&items)?;
        self.store.flush()?;
        tally.settle(&self.directory, &self.data_key, sum)
    }

    /// Refuses a name that is none, or taken. It is not where the first generation was lost, as a rebuild can tell.
    fn require_free(&self, name: &str) -> Result<(), AccountError> {
        check_name(name)?;
        if self.account(name).is_some_and(|account| account.archived) {
            return Err(AccountError::Archived(name.to_owned()));
        }
        if self.accounts.generations(name).any(|account| account.generation == NonZeroU32::MIN) {
            return Err(AccountError::Exists(name.to_owned()));
        }
        Ok(())
    }
}

/// Refuses names that are no account names, and the one of the master key.
pub(super) fn check_name(name: &str) -> Result<(), AccountError> {
    let refused = |AccountNameError { name, reason }| AccountError::Name { name, reason };
    AccountName::from_str(name).map_err(refused)?;
    if name.eq_ignore_ascii_case(MASTER) {
        return Err(AccountError::Name {
            name: name.to_owned(),
            reason: "it is reserved for the master key",
        });
    }
    Ok(())
}
