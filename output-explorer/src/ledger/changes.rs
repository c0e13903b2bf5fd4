//! The changes of the ledger, one after the other, for replicas. Each batch is a change; it is kept in the same batch, as
//! it is, so that a replica which makes the same changes in the same order is the same ledger at each moment.

use super::store::{Batch, Pair, Store, beginning_with};
use super::value::{damaged, decode, encode, get};
use super::{Ledger, LedgerError, table};
use rand_core::{OsRng, RngCore};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use thiserror::Error;
use tokio::sync::watch;

/// So many bytes of a change are one value: sled puts values of half a megabyte elsewhere.
const PART: usize = 128 << 10;

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
        "no changes are kept for replicas here: start with --keep-changes N, at least as many as happen while a replica is away"
    )]
    NotKept,
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
}

/// What stands before the parts of a change.
#[derive(Serialize, Deserialize)]
struct Head {
    nonce: u64,
    /// The nonce of the change before.
    previous: u64,
}

impl Log {
    /// What is stored.
    pub(super) fn stored(store: &dyn Store) -> Result<Self, LedgerError> {
        let none = Self { newest: ChangeId::default(), first: 1 };
        Ok(get(store, table::LOG)?.unwrap_or(none))
    }

    /// Makes a change of what is in the batch, and keeps the newest so many.
    pub(super) fn add(self, store: &dyn Store, batch: &mut Batch, keep: u64) -> Result<Self, LedgerError> {
        let mut parts = parts(batch);
        if parts.is_empty() {
            return Ok(self);
        }
        let number = self.newest.number.saturating_add(1);
        let newest = ChangeId { number, nonce: OsRng.next_u64() };
        let first = self.first.max(number.saturating_add(1).saturating_sub(keep));
        let log = Self { newest, first };
        if keep == 0 {
            parts.clear();
        } else {
            let head = Head { nonce: newest.nonce, previous: self.newest.nonce };
            batch.put(table::change(number), encode(&head));
        }
        let old = (Bound::Included(table::CHANGES.to_vec()), Bound::Excluded(table::change(first)));
        for pair in store.scan(old).take(parts.len() + SPARE) {
            batch.delete(pair?.0);
        }
        for (part, value) in (0..=u32::MAX).zip(parts) {
            batch.put(table::change_part(number, part), value);
        }
        batch.put(table::LOG.to_vec(), encode(&log));
        Ok(log)
    }
}

/// What a batch does, but for what replicas do not get.
fn parts(batch: &Batch) -> Vec<Vec<u8>> {
    let (mut parts, mut writes, mut length) = (Vec::new(), Vec::new(), 0);
    for (key, value) in batch.iter().filter(|(key, _)| is_copied(key)) {
        if length >= PART {
            parts.push(encode(&std::mem::take(&mut writes)));
            length = 0;
        }
        length += key.len() + value.as_ref().map_or(0, Vec::len);
        writes.push((key, value));
    }
    if !writes.is_empty() {
        parts.push(encode(&writes));
    }
    parts
}

/// Whether a replica gets this record: not the log itself, and not what only the explorer needs that sends webhooks, the
/// secrets of the endpoints least of all.
pub(super) fn is_copied(key: &[u8]) -> bool {
    let kept_back = [
        table::CHANGES,
        table::LOG,
        table::COPY,
        table::ENDPOINTS,
        table::DELIVERIES,
        table::DUE,
        table::FINISHED,
    ];
    !kept_back.iter().any(|table| key.starts_with(table))
}

impl Ledger {
    /// The changes behind one, in whole, until they have so many bytes; all that there ever were are behind the default.
    ///
    /// # Errors
    /// [`ChangesError`] where that is not known here.
    pub fn changes(&self, after: ChangeId, bytes: usize) -> Result<ChangePage, ChangesError> {
        if self.keep_changes == 0 {
            return Err(ChangesError::NotKept);
        }
        let state = self.read()?;
        let Log { newest, first } = state.log;
        let other = || ChangesError::OtherHistory { after: after.number, newest: newest.number };
        if after.number >= newest.number {
            let changes = Vec::new();
            return if after == newest { Ok(ChangePage { changes, newest }) } else { Err(other()) };
        }
        if after.number.saturating_add(1) < first {
            return Err(ChangesError::Expired { after: after.number, first });
        }
        let (mut changes, mut before, mut length) = (Vec::new(), after, 0);
        while before.number < newest.number && length < bytes {
            let (change, previous, read) = self.change(before.number.saturating_add(1))?;
            if previous != before.nonce {
                return Err(other());
            }
            (before, length) = (change.id, length + read);
            changes.push(change);
        }
        Ok(ChangePage { changes, newest })
    }

    /// A change, the nonce of the one before, and how long it is.
    fn change(&self, number: u64) -> Result<(Change, u64, usize), LedgerError> {
        let mut pairs = self.store.scan(beginning_with(&table::change(number)));
        let (_, head) = pairs.next().transpose()?.ok_or_else(|| damaged(table::CHANGES))?;
        let Head { nonce, previous } = decode(table::CHANGES, &head)?;
        let (mut writes, mut length) = (Vec::new(), 0);
        for pair in pairs {
            let (_, part) = pair?;
            length += part.len();
            writes.extend(decode::<Vec<Write>>(table::CHANGES, &part)?);
        }
        Ok((Change { id: ChangeId { number, nonce }, writes }, previous, length))
    }

    /// The records behind a key, until they have so many bytes: what a new replica begins with.
    ///
    /// # Errors
    /// [`ChangesError::NotKept`], for it could not go on from there; [`ChangesError::Ledger`].
    pub fn records(&self, after: &[u8], bytes: usize) -> Result<RecordPage, ChangesError> {
        if self.keep_changes == 0 {
            return Err(ChangesError::NotKept);
        }
        let state = self.read()?;
        let (mut records, mut length) = (Vec::new(), 0);
        let mut from = Bound::Excluded(after.to_vec());
        let is_last = 'all: loop {
            for pair in self.store.scan((from.clone(), Bound::Unbounded)) {
                let (key, value) = pair.map_err(LedgerError::from)?;
                if !is_copied(&key) {
                    // Behind the whole table, which may be long.
                    from = beginning_with(key.get(..1).unwrap_or_default()).1;
                    let Bound::Excluded(next) = from else { break 'all true };
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
