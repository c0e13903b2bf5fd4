//! A ledger that is the copy of another explorer's: a replica's. It begins with the records as they are, read in pages
//! while they change, and makes the changes that happened since then. A change says what its records are afterwards, so
//! it does no harm where a record was read after it; once all changes are made that happened up to the last page, the
//! copy is whole, and after each further change it is what the other ledger was after that one.

use super::changes::{Change, ChangeId, RecordPage, is_copied};
use super::store::{Batch, beginning_with};
use super::value::encode;
use super::{Ledger, LedgerError, State, table};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use thiserror::Error;

/// How far a copy has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    /// The last change that was made.
    pub change: ChangeId,
    /// The last key that was read, while there are more.
    pub key: Option<Vec<u8>>,
    /// The copy is whole after this change.
    pub whole_at: u64,
}

impl Copy {
    /// Whether it is what the other ledger is, or was.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.key.is_none() && self.change.number >= self.whole_at
    }
}

/// Why a copy does not go on.
#[derive(Debug, Error)]
pub enum CopyError {
    /// The ledger is no copy, and has something in it.
    #[error("this directory has a ledger of its own: a replica needs another --data-dir, one that is empty")]
    NotEmpty,
    /// What was sent does not go on from where the copy is.
    #[error("what was sent does not go on from change {0}, where this replica is")]
    OutOfOrder(u64),
    /// What was sent is not what a replica gets.
    #[error("what was sent is no part of a replica")]
    NotCopied,
    /// The ledger fails.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl Ledger {
    /// How far this copy has got; none where it is no copy.
    ///
    /// # Errors
    /// [`LedgerError`] where the database failed before.
    pub fn copied(&self) -> Result<Option<Copy>, LedgerError> {
        Ok(self.any_state()?.copy.clone())
    }

    /// Makes an empty ledger a copy, of which nothing is there yet.
    ///
    /// # Errors
    /// [`CopyError::NotEmpty`].
    pub fn begin_copy(&self) -> Result<Copy, CopyError> {
        let mut state = self.any_state_to_change()?;
        let (_, behind_info) = beginning_with(table::INFO);
        let before = self.store.scan((Bound::Unbounded, Bound::Excluded(table::INFO.to_vec()))).next();
        let behind = self.store.scan((from(behind_info), Bound::Unbounded)).next();
        if before.or(behind).transpose().map_err(LedgerError::from)?.is_some() {
            return Err(CopyError::NotEmpty);
        }
        let copy = Copy { change: ChangeId::default(), key: Some(Vec::new()), whole_at: 0 };
        self.store_copy(&mut state, Batch::default(), copy.clone())?;
        Ok(copy)
    }

    /// Takes the next records.
    ///
    /// # Errors
    /// [`CopyError`] where they are not the next ones.
    pub fn copy_records(&self, page: RecordPage) -> Result<Copy, CopyError> {
        let RecordPage { records, is_last, newest } = page;
        let mut state = self.any_state_to_change()?;
        let Some(Copy { change, key: Some(mut last), .. }) = state.copy.clone() else {
            return Err(CopyError::OutOfOrder(state.log.newest.number));
        };
        // What happens from the first page on is made again.
        let change = if last.is_empty() { newest } else { change };
        let mut batch = Batch::default();
        for (key, value) in records {
            if !is_copied(&key) {
                return Err(CopyError::NotCopied);
            }
            if key <= last {
                return Err(CopyError::OutOfOrder(change.number));
            }
            last.clone_from(&key);
            batch.put(key, value);
        }
        let key = if is_last { None } else { Some(last) };
        let copy = Copy { change, key, whole_at: newest.number };
        self.store_copy(&mut state, batch, copy.clone())?;
        Ok(copy)
    }

    /// Makes the next change.
    ///
    /// # Errors
    /// [`CopyError`] where it is not the next one.
    pub fn copy_change(&self, change: Change) -> Result<Copy, CopyError> {
        let Change { id, writes } = change;
        let mut state = self.any_state_to_change()?;
        let copy = match &state.copy {
            Some(copy) if copy.key.is_none() && id.number == copy.change.number.saturating_add(1) => {
                Copy { change: id, ..copy.clone() }
            }
            Some(copy) => return Err(CopyError::OutOfOrder(copy.change.number)),
            None => return Err(CopyError::NotEmpty),
        };
        let mut batch = Batch::default();
        for (key, value) in writes {
            if !is_copied(&key) {
                return Err(CopyError::NotCopied);
            }
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        self.store_copy(&mut state, batch, copy.clone())?;
        Ok(copy)
    }

    /// Writes what was copied with how far that is, and takes into memory what is there then.
    fn store_copy(&self, state: &mut State, mut batch: Batch, copy: Copy) -> Result<(), LedgerError> {
        batch.put(table::COPY.to_vec(), encode(&copy));
        let written = self.store.write(&batch).map_err(LedgerError::from);
        let read = written.and_then(|()| State::stored(self.store.as_ref()));
        state.failed = read.is_err();
        let now = read?;
        let before = std::mem::replace(state, now);
        if before.events.last != state.events.last {
            self.newest.send_replace(state.events.last);
        }
        Ok(())
    }
}

fn from(end: Bound<Vec<u8>>) -> Bound<Vec<u8>> {
    match end {
        Bound::Excluded(key) => Bound::Included(key),
        end => end,
    }
}
