//! The accounts: finding them in memory, adding, importing, archiving.
//!
//! All accounts are held in memory, some 300 bytes each, so that the owner of an output is found by two
//! lookups without a disk. Records are only ever added or replaced, never deleted: a key that was handed out
//! as an address may receive money for ever.

use super::record::{Account, Place, Table};
use super::seal::SealingKey;
use super::store::Store;
use super::tally::{Sum, Tally};
use super::{AccountError, Keystore, KeystoreError, MASTER};
use rayon::prelude::*;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use stegos_common::group::Encoded;
use stegos_common::keys::SecretKey;
use stegos_common::text::excerpt;

/// No account name is longer, in characters.
const MAX_NAME: usize = 128;

/// So many accounts are written in one step when they are added by number.
const BATCH: usize = 10_000;

/// All accounts. The record of the account at an index is at [`Place::account`] of that index.
#[derive(Default)]
pub(super) struct Accounts {
    list: Vec<Account>,
    names: HashMap<Arc<str>, usize>,
    keys: HashMap<Encoded, usize>,
}

impl Accounts {
    /// Reads and opens every record. Answers their sum, too, for [`Tally::settle`].
    ///
    /// # Errors
    /// [`KeystoreError::Damaged`] names the first record that does not open at its place.
    pub(super) fn load(store: &Store, key: &SealingKey, tally: &Tally) -> Result<(Self, Sum), KeystoreError> {
        let mut accounts = Self::default();
        let mut sum = Sum::default();
        for sealed in store.scan(&[Table::Account as u8]) {
            let place = Place::account(accounts.list.len());
            let sealed = sealed?;
            // A record opens at its own place only, so that one lost before others is noticed here.
            let opened = key.open(&sealed, &place.associated_data());
            let account = opened.and_then(|bytes| Account::decode(&bytes));
            accounts.push(account.ok_or(KeystoreError::Damaged(place))?);
            sum = tally.toggle(sum, &sealed);
        }
        Ok((accounts, sum))
    }

    /// The account of this name, archived or not.
    pub(super) fn by_name(&self, name: &str) -> Option<&Account> {
        self.list.get(*self.names.get(name)?)
    }

    /// The account of this public key, archived or not.
    pub(super) fn by_key(&self, public_key: &Encoded) -> Option<&Account> {
        self.list.get(*self.keys.get(public_key)?)
    }

    /// All accounts in the order of their records.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Account> {
        self.list.iter()
    }

    /// Knows an account whose record is the next one.
    fn push(&mut self, account: Account) {
        let index = self.list.len();
        self.names.insert(account.name.clone(), index);
        self.keys.insert(account.public_key, index);
        self.list.push(account);
    }
}

impl Keystore {
    /// Adds accounts with keys derived from the master key, all or none of them. They are on disk when it
    /// answers.
    ///
    /// # Errors
    /// [`AccountError`] for the first name that cannot be added: [`AccountError::Name`], `Exists`, `Archived`,
    /// `KeyExists` where somebody imported the key it would get, `Keystore` where the disk failed.
    pub fn add(&mut self, names: &[&str]) -> Result<(), AccountError> {
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
            imported: None,
            archived: false,
        };
        let accounts = names.par_iter().map(derive).collect();
        self.append(accounts)
    }

    /// Adds `count` accounts named `user-000001`, `user-000002` and so on, leaving out names that exist, in
    /// steps of 10 000. Answers the first and the last name.
    ///
    /// # Errors
    /// As [`Keystore::add`]; the steps before the failing one stay.
    pub fn add_numbered(&mut self, count: usize) -> Result<Option<(String, String)>, AccountError> {
        let mut numbers = 1_u64..;
        let mut range: Option<(String, String)> = None;
        let mut missing = count;
        while missing > 0 {
            let names: Vec<String> = numbers
                .by_ref()
                .map(|number| format!("user-{number:06}"))
                .filter(|name| self.account(name).is_none())
                .take(missing.min(BATCH))
                .collect();
            self.add(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
            missing -= names.len();
            if let (Some(first), Some(last)) = (names.first(), names.last()) {
                let first = range.map_or_else(|| first.clone(), |(first, _)| first);
                range = Some((first, last.clone()));
            }
        }
        Ok(range)
    }

    /// Adds an account with a key of its own. The recovery words do not cover it.
    ///
    /// # Errors
    /// [`AccountError::KeyExists`] if any account, archived or not, or the master has this key; otherwise as
    /// [`Keystore::add`].
    pub fn import(&mut self, name: &str, key: SecretKey) -> Result<(), AccountError> {
        self.require_free(name)?;
        let public_key = key.public_key().encoded();
        self.append(vec![Account {
            name: Arc::from(name),
            public_key,
            imported: Some(Arc::new(key)),
            archived: false,
        }])
    }

    /// Removes an account: its key is kept, but nothing is signed with it.
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

    /// Replaces the record by one with the other flag.
    fn set_archived(&mut self, name: &str, archived: bool) -> Result<(), AccountError> {
        let unknown = || AccountError::unknown(name);
        let index = *self.accounts.names.get(name).ok_or_else(unknown)?;
        let account = self.accounts.list.get(index).ok_or_else(unknown)?;
        match (account.archived, archived) {
            (true, true) => return Err(AccountError::Archived(name.to_owned())),
            (false, false) => return Err(AccountError::Exists(name.to_owned())),
            _ => {}
        }
        let changed = Account { archived, ..account.clone() };
        self.write(index, std::slice::from_ref(&changed))?;
        if let Some(account) = self.accounts.list.get_mut(index) {
            *account = changed;
        }
        Ok(())
    }

    /// Writes new accounts, then knows them.
    fn append(&mut self, accounts: Vec<Account>) -> Result<(), AccountError> {
        for account in &accounts {
            if account.public_key == self.master_public {
                return Err(AccountError::KeyExists(MASTER.to_owned()));
            }
            if let Some(other) = self.accounts.by_key(&account.public_key) {
                return Err(AccountError::KeyExists(other.name.to_string()));
            }
        }
        self.write(self.accounts.list.len(), &accounts)?;
        accounts.into_iter().for_each(|account| self.accounts.push(account));
        Ok(())
    }

    /// Seals and writes the records of accounts from index `first` on; they are on disk when it answers.
    fn write(&mut self, first: usize, accounts: &[Account]) -> Result<(), KeystoreError> {
        let mut sum = self.tally.sum()?;
        let mut records = Vec::with_capacity(accounts.len());
        for (offset, account) in accounts.iter().enumerate() {
            let place = Place::account(first + offset);
            let sealed = self.data_key.seal(&account.encode(), &place.associated_data());
            if let Some(replaced) = self.store.get(&place.key())? {
                sum = self.tally.toggle(sum, &replaced);
            }
            sum = self.tally.toggle(sum, &sealed);
            records.push((place.key(), sealed));
        }
        self.tally.announce(&self.directory, &self.data_key, sum)?;
        self.store.insert(records)?;
        self.store.flush()?;
        self.tally.settle(&self.directory, &self.data_key, sum)
    }

    /// Refuses a name that is none, or taken.
    fn require_free(&self, name: &str) -> Result<(), AccountError> {
        check_name(name)?;
        match self.account(name) {
            Some(account) if account.archived => Err(AccountError::Archived(name.to_owned())),
            Some(_) => Err(AccountError::Exists(name.to_owned())),
            None => Ok(()),
        }
    }
}

/// Refuses names that cannot be read from a screen or paper and typed again, which restores their keys, or
/// that a spreadsheet would take for a formula.
fn check_name(name: &str) -> Result<(), AccountError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.len() > MAX_NAME {
        "it is longer than 128 characters"
    } else if !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        "use letters without accents, digits, punctuation and blanks only (printable ASCII)"
    } else if name.starts_with(' ') || name.ends_with(' ') || name.contains("  ") {
        "blanks may stand between two words only, one at a time"
    } else if name.starts_with(['=', '+', '-', '@']) {
        "it starts with one of = + - @, which spreadsheets take for a formula"
    } else if name.eq_ignore_ascii_case(MASTER) {
        "it is reserved for the master key"
    } else {
        return Ok(());
    };
    Err(AccountError::Name { name: excerpt(name), reason })
}
