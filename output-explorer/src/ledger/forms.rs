//! Ledgers of earlier forms are made what they would be today, when they are opened. Whoever is stopped meanwhile goes on
//! with the recipients that are left.

use super::LedgerError;
use super::changes::Log;
use super::query::found;
use super::record::{FORMAT, HistoryRecord, Info, Kind, Sum, What};
use super::store::{Batch, Store, beginning_with};
use super::table;
use super::value::{damaged, decode, encode, get};
use crate::block::Place;
use serde::{Deserialize, Serialize};
use std::mem::take;
use stegos_common::hash::Hash;

/// So many keys change at a time, and those of one recipient more.
const AT_ONCE: usize = 10_000;

/// What was final after an epoch: until form 2 a table of its own.
pub(super) const SUMS: &[u8] = b"S";

/// What happened to a public output, whether it was spent or not, until form 2. The table of unspent outputs had ids only.
#[derive(Serialize, Deserialize)]
pub(super) struct HappenedRecord {
    pub(super) output: Hash,
    pub(super) created: Place,
    pub(super) what: What,
}

/// Makes the records of a ledger those of today, but not of a copy: replicas of it begin anew.
///
/// # Errors
/// [`LedgerError::OtherFormat`] where it is a copy.
pub(super) fn renew(store: &dyn Store, info: Info) -> Result<(), LedgerError> {
    if store.get(table::COPY)?.is_some() {
        return Err(LedgerError::OtherFormat(info.format));
    }
    renew_history(store)?;
    let mut batch = Batch::default();
    for (count, pair) in (1..).zip(store.scan(beginning_with(SUMS))) {
        batch.delete(pair?.0);
        if count % AT_ONCE == 0 {
            store.write(&take(&mut batch))?;
        }
    }
    // The first form had no changes.
    let log = get::<Log>(store, table::LOG)?.map_or_else(Log::new, Log::anew);
    batch.put(table::LOG.to_vec(), encode(&log));
    batch.put(table::INFO.to_vec(), encode(&Info { format: FORMAT, ..info }));
    Ok(store.write(&batch)?)
}

fn renew_history(store: &dyn Store) -> Result<(), LedgerError> {
    let (mut batch, mut changes) = (Batch::default(), 0);
    let (mut recipient, mut after) = (Vec::new(), Sum::default());
    for pair in store.scan(beginning_with(table::HISTORY)) {
        let (key, value) = pair?;
        if decode::<HistoryRecord>(&key, &value).is_ok() {
            // Those of before are shorter: this recipient had its turn.
            continue;
        }
        let broken = || damaged(&key);
        let place = table::place_of(&key).ok_or_else(broken)?;
        let whose = table::recipient_of(&key).ok_or_else(broken)?;
        if recipient != whose.as_bytes() {
            if changes >= AT_ONCE {
                store.write(&take(&mut batch))?;
                changes = 0;
            }
            (recipient, after) = (whose.as_bytes().to_vec(), Sum::default());
        }
        let HappenedRecord { output, created, what } = decode(&key, &value)?;
        let Kind::Public { amount, .. } = found(store, output, created)?.output.kind else {
            return Err(broken());
        };
        let unspent = table::unspent_at(&whose, place);
        let (sum, is_unspent) = match what {
            What::Deposit => (after.with(amount), store.get(&unspent)?.is_some()),
            What::Spend => (after.sub(amount), false),
        };
        after = sum.ok_or_else(broken)?;
        let record = encode(&HistoryRecord { output, created, what, after });
        if is_unspent {
            batch.delete(key);
            batch.put(unspent, record);
        } else {
            batch.put(key, record);
        }
        changes += 1;
    }
    Ok(store.write(&batch)?)
}
