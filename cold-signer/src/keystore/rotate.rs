//! Rotation: another key for an account that keeps its name, and its old keys.

use super::record::Account;
use super::{AccountError, Keystore};
use std::collections::HashSet;

impl Keystore {
    /// Gives accounts their next generation, all or none of them: another key, derived from the master key, and with it
    /// another address. They are on disk when it answers. The old keys stay in use.
    ///
    /// # Errors
    /// [`AccountError`] for the first account that cannot be rotated: [`AccountError::Unknown`], `Archived`, `Twice`,
    /// `KeyExists` where somebody imported the key it would get, `Keystore` where the disk failed.
    pub fn rotate(&mut self, names: &[&str]) -> Result<(), AccountError> {
        let (mut met, mut new) = (HashSet::new(), Vec::with_capacity(names.len()));
        for name in names {
            let newest = self.account(name).ok_or_else(|| AccountError::unknown(name))?;
            if newest.archived {
                return Err(AccountError::Archived((*name).to_owned()));
            }
            if !met.insert(name) {
                return Err(AccountError::Twice((*name).to_owned()));
            }
            // After the last number the key exists.
            let generation = newest.generation.saturating_add(1);
            let public_key = self.master.generation_key(name, generation).public_key().encoded();
            new.push(Account { public_key, generation, imported: None, ..newest.clone() });
        }
        self.append(new, None)
    }
}
