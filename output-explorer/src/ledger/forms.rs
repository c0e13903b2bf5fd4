//! Ledgers of earlier forms are made what they would be today, when they are opened. Whoever is stopped meanwhile goes on
//! with what is left; no program of before opens what is neither the one nor the other.

use super::LedgerError;
use super::changes::Log;
use super::query::{found, sum_at};
use super::record::{Balance, FORMAT, HistoryRecord, Info, Kind, Sum, What};
use super::store::{Batch, Store, beginning_with};
use super::table;
use super::value::{damaged, decode, encode, get};
use crate::block::Place;
use crate::log::{Line, tell};
use serde::{Deserialize, Serialize};
use std::mem::take;
use std::ops::Bound;
use std::time::{Duration, Instant};
use stegos_common::group::Encoded;
use stegos_common::hash::Hash;

/// The form of a ledger that is on its way to that of today.
pub(super) const RENEWING: u32 = 3;

/// So many records change at a time.
pub(super) const AT_ONCE: usize = 10_000;

/// How often it is said how far that is.
const PROGRESS: Duration = Duration::from_secs(10);

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
/// [`LedgerError::OldCopy`] where it is a copy, [`LedgerError::Damaged`] where its records contradict each other.
pub(super) fn renew(store: &dyn Store, info: Info) -> Result<(), LedgerError> {
    if store.get(table::COPY)?.is_some() {
        return Err(LedgerError::OldCopy(info.format));
    }
    tell(Line::info("the ledger is of an earlier version and is renewed: all of it is read once"));
    if info.format != RENEWING {
        let mut begun = Batch::default();
        begun.put(table::INFO.to_vec(), encode(&Info { format: RENEWING, ..info }));
        store.write(&begun)?;
    }
    let mut steps = Steps { store, batch: Batch::default(), changed: 0 };
    renew_history(&mut steps)?;
    for pair in store.scan(beginning_with(SUMS)) {
        steps.batch.delete(pair?.0);
        steps.next()?;
    }
    // The first form had no changes.
    let log = get::<Log>(store, table::LOG)?.map_or_else(Log::new, Log::anew);
    steps.batch.put(table::LOG.to_vec(), encode(&log));
    steps.batch.put(table::INFO.to_vec(), encode(&Info { format: FORMAT, ..info }));
    store.write(&steps.batch)?;
    tell(Line::info("the ledger is renewed"));
    Ok(())
}

/// What is changed, some records at a time.
struct Steps<'a> {
    store: &'a dyn Store,
    batch: Batch,
    changed: usize,
}

impl Steps<'_> {
    /// One more record is changed.
    fn next(&mut self) -> Result<(), LedgerError> {
        self.changed += 1;
        if self.changed.is_multiple_of(AT_ONCE) {
            self.store.write(&take(&mut self.batch))?;
        }
        Ok(())
    }
}

/// What a recipient had after the last thing that was looked at.
struct Last {
    recipient: Encoded,
    after: Sum,
}

impl Last {
    /// That is its balance, if all is well.
    fn check(&self, store: &dyn Store) -> Result<(), LedgerError> {
        let balance: Balance = get(store, &table::balance(&self.recipient))?.unwrap_or_default();
        if balance.prepared == self.after { Ok(()) } else { Err(damaged(table::BALANCES)) }
    }
}

fn renew_history(steps: &mut Steps<'_>) -> Result<(), LedgerError> {
    let store = steps.store;
    let (mut last, mut told): (Option<Last>, _) = (None, Instant::now());
    for pair in store.scan(beginning_with(table::HISTORY)) {
        let (key, value) = pair?;
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            tell_progress(&key, steps.changed);
        }
        if decode::<HistoryRecord>(&key, &value).is_ok() {
            // Those of before are shorter: this one had its turn.
            continue;
        }
        let broken = || damaged(&key);
        let place = table::place_of(&key).ok_or_else(broken)?;
        let recipient = table::recipient_of(&key).ok_or_else(broken)?;
        let before = match &last {
            Some(last) if last.recipient == recipient => last.after,
            _ => {
                last.map_or(Ok(()), |last| last.check(store))?;
                // Those before it may have had their turn.
                sum_at(store, &recipient, Bound::Excluded(place))?
            }
        };
        let HappenedRecord { output, created, what } = decode(&key, &value)?;
        let Kind::Public { amount, .. } = found(store, output, created)?.output.kind else {
            return Err(broken());
        };
        let unspent = table::unspent_at(&recipient, place);
        let (after, is_unspent) = match what {
            What::Deposit => (before.with(amount), store.get(&unspent)?.is_some()),
            What::Spend => (before.sub(amount), false),
        };
        let after = after.ok_or_else(broken)?;
        last = Some(Last { recipient, after });
        let record = encode(&HistoryRecord { output, created, what, after });
        if is_unspent {
            steps.batch.delete(key);
            steps.batch.put(unspent, record);
        } else {
            steps.batch.put(key, record);
        }
        steps.next()?;
    }
    last.map_or(Ok(()), |last| last.check(store))
}

/// Recipients are keys, which are everywhere alike: the first byte tells how many are behind. One of them may have very many
/// records.
fn tell_progress(key: &[u8], records: usize) {
    let percent = key.get(table::HISTORY.len()).map_or(0, |byte| u32::from(*byte) * 100 / 256);
    let line =
        Line::info(format!("the ledger is being renewed: {records} records, {percent} % of the recipients"));
    tell(line.with("records", records).with("percent", percent));
}
