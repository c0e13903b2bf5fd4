//! The changes of the ledger, one after the other, for replicas. Each batch is a change; it is kept in the same batch, as
//! it is, so that a replica which makes the same changes in the same order is the same ledger at each moment.

use super::store::{Batch, Pair, Store, beginning_with};
use super::value::{damaged, decode, encode, get};
use super::{Ledger, LedgerError, State, table};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::RwLockReadGuard;
use thiserror::Error;
use tokio::sync::watch;

/// So many bytes of a change are one value. sled writes a handful of values as one message, and longer messages as files of
/// their own.
const PART: usize = 4096;

/// A batch deletes as many old keys as it adds, and so many more: where the limit was lowered, it is reached in steps.
const SPARE: usize = 16;

/// Which change it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ChangeId {
    /// Counts from 1; 0 is before the first.
    pub number: u64,
    /// Chosen by chance: after the ledger was restored from an old copy, another change has the same number.
    pub nonce: u64,
}

/// What happens to a key: a value, or none any more.
pub type Write = (Vec<u8>, Option<Vec<u8>>);

/// A change of the ledger, but for what replicas do not get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which one.
    pub id: ChangeId,
    /// What happens, in the order of the keys.
    pub writes: Vec<Write>,
}

/// Some changes, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePage {
    /// Those behind the one that was asked for.
    pub changes: Vec<Change>,
    /// The newest change.
    pub newest: ChangeId,
}

/// Some records, in the order of their keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPage {
    /// The records, as they are after the change `newest`.
    pub records: Vec<Pair>,
    /// Whether these are the last ones.
    pub is_last: bool,
    /// The newest change.
    pub newest: ChangeId,
}

/// Why there are no changes behind one.
#[derive(Debug, Error)]
pub enum ChangesError {
    /// None are kept.
    #[error(
        "no changes are kept for replicas here: start it with `run --keep-changes N`, at least as many as happen while \
         a replica copies the ledger or is away"
    )]
    NotKept,
    /// It is a copy itself.
    #[error("it is a replica itself: copy the explorer that it copies")]
    IsCopy,
    /// Some of them are not kept any more.
    #[error("changes behind {after} are not kept any more: the oldest one is {first}")]
    Expired {
        /// The number of the change.
        after: u64,
        /// The oldest change that is kept.
        first: u64,
    },
    /// There is no such change, or there is another one in its place.
    #[error(
        "the change {after} is not one of this ledger, whose newest is {newest}: it was restored from a copy, or begun anew"
    )]
    OtherHistory {
        /// The number of the change.
        after: u64,
        /// The number of the newest one.
        newest: u64,
    },
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Which changes are kept; this is stored, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Log {
    pub(super) newest: ChangeId,
    /// The oldest one that is kept with all behind it; one more than the newest where none is.
    first: u64,
    /// So many are to be kept.
    keep: u64,
}

/// What stands before the parts of a change.
#[derive(Serialize, Deserialize)]
struct Head {
    nonce: u64,
    /// The nonce of the change before.
    previous: u64,
}

impl Log {
    /// One that begins: before its first change it is another one than every other.
    pub(super) fn new() -> Self {
        Self { newest: ChangeId { number: 0, nonce: OsRng.next_u64() }, first: 1, keep: 0 }
    }

    /// One that goes on with none of its changes, as another history.
    pub(super) fn anew(self) -> Self {
        let newest = ChangeId { nonce: OsRng.next_u64(), ..self.newest };
        Self { newest, first: newest.number.saturating_add(1), ..self }
    }

    /// What is stored.
    pub(super) fn stored(store: &dyn Store) -> Result<Self, LedgerError> {
        get(store, table::LOG)?.ok_or_else(|| damaged(table::LOG))
    }

    /// With another number of changes that are to be kept.
    fn keeping(self, keep: u64) -> Self {
        let first = if keep == 0 { self.newest.number.saturating_add(1) } else { self.first };
        Self { keep, first, ..self }
    }

    /// Makes a change of what is in the batch, and keeps the newest so many.
    pub(super) fn add(self, store: &dyn Store, batch: &mut Batch) -> Result<Self, LedgerError> {
        if !batch.iter().any(|(key, _)| is_copied(key)) {
            return Ok(self);
        }
        let number = self.newest.number.saturating_add(1);
        let newest = ChangeId { number, nonce: OsRng.next_u64() };
        let first = self.first.max(number.saturating_add(1).saturating_sub(self.keep));
        let log = Self { newest, first, ..self };
        let mut added = 0;
        if self.keep > 0 {
            let head = Head { nonce: newest.nonce, previous: self.newest.nonce };
            let writes: Vec<_> = batch.iter().filter(|(key, _)| is_copied(key)).collect();
            let bytes = encode(&writes);
            batch.put(table::change(number), encode(&head));
            for (part, bytes) in (0..=u32::MAX).zip(bytes.chunks(PART)) {
                batch.put(table::change_part(number, part), bytes.to_vec());
                added += 1;
            }
        }
        let old = (Bound::Included(table::CHANGES.to_vec()), Bound::Excluded(table::change(first)));
        for pair in store.scan(old).take(added + SPARE) {
            batch.delete(pair?.0);
        }
        batch.put(table::LOG.to_vec(), encode(&log));
        Ok(log)
    }

    /// Whether what is behind a change is kept, with that change before it.
    fn goes_on_from(self, after: ChangeId, ledger: &Ledger) -> Result<(), ChangesError> {
        let Self { newest, first, .. } = self;
        if after == newest {
            return Ok(());
        }
        if after.number.saturating_add(1) < first {
            return Err(ChangesError::Expired { after: after.number, first });
        }
        let previous = match after.number.cmp(&newest.number) {
            Ordering::Less => Some(ledger.change_head(after.number.saturating_add(1))?.previous),
            _ => None,
        };
        if previous == Some(after.nonce) {
            return Ok(());
        }
        Err(ChangesError::OtherHistory { after: after.number, newest: newest.number })
    }
}

/// Whether a replica gets this record: of what is in the ledger, all but the log itself and what only the explorer needs
/// that sends webhooks, the secrets of the endpoints least of all.
pub(super) fn is_copied(key: &[u8]) -> bool {
    key.first().is_some_and(|table| b"TMKUOEHNBAPDVLGXZYWQJCiteR".contains(table))
}

impl Ledger {
    /// Keeps so many changes for replicas from now on.
    ///
    /// # Errors
    /// [`LedgerError`] where the database fails.
    pub fn keep_changes(&self, keep: u64) -> Result<(), LedgerError> {
        let mut state = self.write()?;
        let log = state.log.keeping(keep);
        if log != state.log {
            let mut batch = Batch::default();
            batch.put(table::LOG.to_vec(), encode(&log));
            self.store(&mut state, batch, Vec::new())?;
            state.log = log;
        }
        Ok(())
    }

    /// Keeps changes away while replicas read, where they may.
    fn read_for_replica(&self) -> Result<RwLockReadGuard<'_, State>, ChangesError> {
        let state = self.read()?;
        if state.copy.is_some() {
            return Err(ChangesError::IsCopy);
        }
        if state.log.keep == 0 { Err(ChangesError::NotKept) } else { Ok(state) }
    }

    /// The changes behind one, in whole, until they have so many bytes.
    ///
    /// # Errors
    /// [`ChangesError`] where that is not known here.
    pub fn changes(&self, after: ChangeId, bytes: usize) -> Result<ChangePage, ChangesError> {
        let state = self.read_for_replica()?;
        state.log.goes_on_from(after, self)?;
        let newest = state.log.newest;
        let (mut changes, mut number, mut length) = (Vec::new(), after.number, 0);
        while number < newest.number && length < bytes {
            number = number.saturating_add(1);
            let (change, read) = self.change(number)?;
            length += read;
            changes.push(change);
        }
        Ok(ChangePage { changes, newest })
    }

    fn change_head(&self, number: u64) -> Result<Head, LedgerError> {
        get(self.store.as_ref(), &table::change(number))?.ok_or_else(|| damaged(table::CHANGES))
    }

    /// A change, and how long it is.
    fn change(&self, number: u64) -> Result<(Change, usize), LedgerError> {
        let Head { nonce, .. } = self.change_head(number)?;
        let (_, end) = beginning_with(&table::change(number));
        let mut bytes = Vec::new();
        for pair in self.store.scan((Bound::Excluded(table::change(number)), end)) {
            bytes.extend(pair?.1);
        }
        let writes = decode(table::CHANGES, &bytes)?;
        Ok((Change { id: ChangeId { number, nonce }, writes }, bytes.len()))
    }

    /// The records behind a key, until they have so many bytes: what a new replica begins with. Whoever reads on says which
    /// change was the newest when the page before was read.
    ///
    /// # Errors
    /// [`ChangesError`] where the copy could not go on from there.
    pub fn records(
        &self,
        after: &[u8],
        newest: Option<ChangeId>,
        bytes: usize,
    ) -> Result<RecordPage, ChangesError> {
        let state = self.read_for_replica()?;
        if let Some(newest) = newest {
            state.log.goes_on_from(newest, self)?;
        }
        let (mut records, mut length) = (Vec::new(), 0);
        let mut from = Bound::Excluded(after.to_vec());
        let is_last = 'all: loop {
            for pair in self.store.scan((from.clone(), Bound::Unbounded)) {
                let (key, value) = pair.map_err(LedgerError::from)?;
                if !is_copied(&key) {
                    // Behind the whole table, which may be long.
                    let (_, Bound::Excluded(next)) = beginning_with(key.get(..1).unwrap_or_default()) else {
                        break 'all true;
                    };
                    from = Bound::Included(next);
                    continue 'all;
                }
                length += key.len() + value.len();
                records.push((key, value));
                if length >= bytes {
                    break 'all false;
                }
            }
            break true;
        };
        Ok(RecordPage { records, is_last, newest: state.log.newest })
    }

    /// Tells the number of the newest change, whenever there are new ones on disk.
    #[must_use]
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.newest_change.subscribe()
    }
}
