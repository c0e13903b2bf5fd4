//! What a change of the chain is to users: the events of the outputs that are paid to them.

use super::LedgerError;
use super::record::{Cause, Kind};
use super::store::{Store, beginning_with};
use super::table;
use super::value::get;
use crate::event::{Event, Movement};
use std::collections::HashMap;
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// Collects events in the order in which things are done.
pub(super) struct Movements<'a> {
    store: &'a dyn Store,
    /// Without any, nobody's owner is looked for.
    has_users: bool,
    /// Whose each recipient is: one block pays the same ones often.
    owners: HashMap<Encoded, Option<String>>,
    pub(super) events: Vec<Event>,
}

impl<'a> Movements<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Result<Self, LedgerError> {
        let has_users = store.scan(beginning_with(table::OWNERS)).next().transpose()?.is_some();
        Ok(Self { store, has_users, owners: HashMap::new(), events: Vec::new() })
    }

    /// Tells of an output, if it is a user's.
    pub(super) fn tell(
        &mut self,
        event: fn(Movement) -> Event,
        output: &Hash,
        kind: &Kind,
        cause: Cause,
    ) -> Result<(), LedgerError> {
        let Kind::Public { recipient, amount, .. } = kind else { return Ok(()) };
        if let Some(account) = self.owner(recipient)?.map(str::to_owned) {
            let position = cause.place.position;
            self.events.push(event(Movement {
                account,
                recipient: *recipient,
                output_hash: *output,
                amount: *amount,
                epoch: position.epoch,
                offset: position.offset(),
                transaction: cause.transaction,
            }));
        }
        Ok(())
    }

    /// The user whose address it is.
    pub(super) fn owner(&mut self, recipient: &Encoded) -> Result<Option<&str>, LedgerError> {
        if !self.has_users {
            return Ok(None);
        }
        if !self.owners.contains_key(recipient) {
            self.owners.insert(*recipient, get(self.store, &table::owner(recipient))?);
        }
        Ok(self.owners.get(recipient).and_then(Option::as_deref))
    }
}
