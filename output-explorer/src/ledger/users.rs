//! Users: each has an account id and one or more addresses, of which one is current: what is paid to the user goes there.
//! That is the first one, until the signer tells of another. An address belongs to one user at most, also after the user
//! was archived: money may come to it for ever.

use super::record::UserRecord;
use super::store::{Batch, Pairs, beginning_with};
use super::value::{decode, encode, get};
use super::{Ledger, LedgerError, UserError, table};
use crate::event::{Event, UserFacts};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::ops::Bound;
use stegos_common::account::AccountName;
use stegos_common::address::EncodedAddress;
use stegos_common::group::Encoded;

/// An account and one of its addresses, to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAddress {
    /// The account id.
    pub account: AccountName,
    /// The public key of the address.
    pub key: Encoded,
    /// The generation of that key, where it is the account's current one.
    pub current: Option<NonZeroU32>,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The account id.
    pub account: String,
    /// The public keys of the addresses, the current one first, then the others in the order in which they were added.
    pub keys: Vec<Encoded>,
    /// Whether the user was removed. Its addresses stay its own.
    pub archived: bool,
}

/// Which users are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserQuery<'a> {
    /// Behind this account id in the order that is asked for.
    pub after: Option<&'a str>,
    /// Only account ids that begin so.
    pub prefix: &'a str,
    /// Also those that were removed.
    pub archived: bool,
    /// From the last account id to the first.
    pub descending: bool,
    /// At most so many.
    pub limit: usize,
}

/// What adding did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Added {
    /// Users that are new or no longer archived.
    pub users: usize,
    /// Addresses that are new.
    pub addresses: usize,
    /// Users that were there and have another current address now.
    pub moved: usize,
    /// Users whose current address stays, because it is of a later generation than the one that was to be it.
    pub outdated: usize,
}

impl Ledger {
    /// Adds addresses, and the users that are not there yet; all of them or none. What is there already stays as it is,
    /// but for which address is current. Their past deposits are known: the ledger has every public output.
    ///
    /// # Errors
    /// [`UserError::Taken`] for the first address that belongs to another user.
    pub fn add_users(&self, new: &[NewAddress]) -> Result<Added, UserError> {
        let mut state = self.write()?;
        let mut added = Added::default();
        let mut users: BTreeMap<&str, (UserRecord, Option<UserRecord>)> = BTreeMap::new();
        let mut owners: HashMap<Encoded, &str> = HashMap::new();
        let mut outdated = HashSet::new();
        for NewAddress { account, key, current } in new {
            let account = account.as_str();
            let (user, _) = match users.get_mut(account) {
                Some(user) => user,
                None => {
                    let stored: Option<UserRecord> = get(self.store.as_ref(), &table::user(account))?;
                    added.users += usize::from(stored.as_ref().is_none_or(|user| user.archived));
                    let user = UserRecord { archived: false, ..stored.clone().unwrap_or_default() };
                    users.entry(account).or_insert((user, stored))
                }
            };
            let stored: Option<String> = get(self.store.as_ref(), &table::owner(key))?;
            let owner = owners.get(key).copied().or(stored.as_deref());
            match owner {
                Some(owner) if owner == account => {}
                Some(owner) => {
                    let address = EncodedAddress { network: self.network, key: *key };
                    let (owner, account) = (owner.to_owned(), account.to_owned());
                    return Err(UserError::Taken { address, owner, account });
                }
                None => {
                    owners.insert(*key, account);
                    user.addresses.push(*key);
                    added.addresses += 1;
                }
            }
            if current.is_some_and(|generation| !user.make_current(key, generation)) {
                outdated.insert(account);
            }
        }
        added.outdated = outdated.len();
        let changed = users.iter().filter(|(_, (user, stored))| stored.as_ref() != Some(user));
        let (mut batch, mut events) = (Batch::default(), Vec::new());
        for (account, (user, stored)) in changed {
            let moved =
                stored.as_ref().is_some_and(|stored| stored.addresses.first() != user.addresses.first());
            added.moved += usize::from(moved);
            let is_new = stored.as_ref().is_none_or(|stored| stored.archived);
            let event = if is_new { Event::UserAdded } else { Event::UserChanged };
            events.push(event(facts(account, user, stored.as_ref())));
            batch.put(table::user(account), encode(user));
        }
        for (key, account) in owners {
            batch.put(table::owner(&key), encode(account));
        }
        if batch != Batch::default() {
            self.store_own(&mut state, batch, events)?;
        }
        Ok(added)
    }

    /// Archives a user: it is listed on demand only. Adding it again brings it back.
    ///
    /// # Errors
    /// [`UserError::Unknown`].
    pub fn remove_user(&self, account: &str) -> Result<(), UserError> {
        let mut state = self.write()?;
        let stored: Option<UserRecord> = get(self.store.as_ref(), &table::user(account))?;
        let user = stored.ok_or_else(|| UserError::Unknown(account.to_owned()))?;
        if user.archived {
            return Ok(());
        }
        let mut batch = Batch::default();
        let events = vec![Event::UserArchived(facts(account, &user, Some(&user)))];
        batch.put(table::user(account), encode(&UserRecord { archived: true, ..user }));
        Ok(self.store_own(&mut state, batch, events)?)
    }

    /// A user, archived or not.
    ///
    /// # Errors
    /// [`UserError::Unknown`].
    pub fn user(&self, account: &str) -> Result<User, UserError> {
        let _state = self.read()?;
        let stored: Option<UserRecord> = get(self.store.as_ref(), &table::user(account))?;
        stored.map(|user| shown(account, user)).ok_or_else(|| UserError::Unknown(account.to_owned()))
    }

    /// Users in the order of their account ids, or in the reverse one.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn users(&self, query: UserQuery<'_>) -> Result<Vec<User>, LedgerError> {
        let UserQuery { after, prefix, archived, descending, limit } = query;
        let _state = self.read()?;
        let (mut first, mut last) = beginning_with(&table::user(prefix));
        match after {
            // Behind everything, or before it.
            Some(after) if !after.starts_with(prefix) && (after > prefix) != descending => {
                return Ok(Vec::new());
            }
            Some(after) if !after.starts_with(prefix) => {}
            Some(after) if descending => last = Bound::Excluded(table::user(after)),
            Some(after) => first = Bound::Excluded(table::user(after)),
            None => {}
        }
        let mut users = Vec::new();
        let pairs = self.store.scan((first, last));
        let pairs: Pairs<'_> = if descending { Box::new(pairs.rev()) } else { pairs };
        for pair in pairs {
            let (key, value) = pair?;
            let account = key.get(table::USERS.len()..).unwrap_or_default();
            let user: UserRecord = decode(table::USERS, &value)?;
            if archived || !user.archived {
                users.push(shown(&String::from_utf8_lossy(account), user));
            }
            if users.len() >= limit {
                break;
            }
        }
        Ok(users)
    }

    /// Whose address a public key is.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn owner(&self, key: &Encoded) -> Result<Option<String>, LedgerError> {
        let _state = self.read()?;
        get(self.store.as_ref(), &table::owner(key))
    }
}

/// The current address, and those that are new: no event is as long as all that a user ever had.
fn facts(account: &str, user: &UserRecord, stored: Option<&UserRecord>) -> UserFacts {
    let is_known = |key: &&Encoded| stored.is_some_and(|stored| stored.addresses.contains(key));
    let new = user.addresses.iter().skip(1).filter(|key| !is_known(key));
    UserFacts {
        account: account.to_owned(),
        keys: user.addresses.first().into_iter().chain(new).copied().collect(),
    }
}

fn shown(account: &str, user: UserRecord) -> User {
    User { account: account.to_owned(), keys: user.addresses, archived: user.archived }
}
