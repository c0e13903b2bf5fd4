//! A ledger that is the copy of another explorer's: a replica's. It begins with the records as they are, read in pages
//! while they change, and makes the changes that happened since then. A change says what its records are afterwards, so
//! it does no harm where a record was read after it; once all changes are made that happened up to the last page, the
//! copy is whole, and after each further change it is what the other ledger was after that one.

use super::changes::{Change, ChangeId, RecordPage, Write, is_copied};
use super::store::Batch;
use super::value::encode;
use super::{Ledger, LedgerError, State, table};
use serde::{Deserialize, Serialize};
use std::ops::Bound;
use thiserror::Error;

/// How far a copy has got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The last change that was made.
    pub change: ChangeId,
    /// The last key that was read, while there are more; empty before the first page.
    pub key: Option<Vec<u8>>,
    /// The copy is whole after this change: it was the newest when the last page was read.
    pub whole_at: ChangeId,
}

impl Progress {
    /// Whether it is what the other ledger is, or was.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.key.is_none() && self.change.number >= self.whole_at.number
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
    pub fn copied(&self) -> Result<Option<Progress>, LedgerError> {
        Ok(self.any_state()?.copy.clone())
    }

    /// Makes an empty ledger a copy, of which nothing is there yet.
    ///
    /// # Errors
    /// [`CopyError::NotEmpty`].
    pub fn begin_copy(&self) -> Result<Progress, CopyError> {
        let mut state = self.write_any(self.turn())?;
        for pair in self.store.scan((Bound::Unbounded, Bound::Unbounded)) {
            if is_copied(&pair.map_err(LedgerError::from)?.0) {
                return Err(CopyError::NotEmpty);
            }
        }
        let (change, whole_at) = (ChangeId::default(), ChangeId::default());
        let begun = Progress { change, key: Some(Vec::new()), whole_at };
        self.store_copy(&mut state, Batch::default(), begun.clone())?;
        Ok(begun)
    }

    /// Takes the next records.
    ///
    /// # Errors
    /// [`CopyError`] where they are not the next ones.
    pub fn copy_records(&self, page: RecordPage) -> Result<Progress, CopyError> {
        let RecordPage { records, is_last, newest } = page;
        let mut state = self.write_any(self.turn())?;
        let (change, mut last) = match state.copy.clone().ok_or(CopyError::NotEmpty)? {
            // What happens from the first page on is made again.
            Progress { key: Some(key), .. } if key.is_empty() => (newest, key),
            Progress { key: Some(key), change, .. } => (change, key),
            Progress { change, .. } => return Err(CopyError::OutOfOrder(change.number)),
        };
        if records.is_empty() && !is_last {
            return Err(CopyError::OutOfOrder(change.number));
        }
        let mut batch = Batch::default();
        for (key, value) in records {
            if key <= last {
                return Err(CopyError::OutOfOrder(change.number));
            }
            last.clone_from(&key);
            put(&mut batch, (key, Some(value)))?;
        }
        let key = if is_last { None } else { Some(last) };
        let progress = Progress { change, key, whole_at: newest };
        self.store_copy(&mut state, batch, progress.clone())?;
        Ok(progress)
    }

    /// Makes the next changes, all in one step.
    ///
    /// # Errors
    /// [`CopyError`] where they are not the next ones.
    pub fn copy_changes(&self, changes: Vec<Change>) -> Result<Progress, CopyError> {
        let mut state = self.write_any(self.turn())?;
        let mut progress = state.copy.clone().ok_or(CopyError::NotEmpty)?;
        let mut batch = Batch::default();
        for Change { id, writes } in changes {
            let before = progress.change.number;
            if progress.key.is_some() || id.number != before.saturating_add(1) {
                return Err(CopyError::OutOfOrder(before));
            }
            progress.change = id;
            writes.into_iter().try_for_each(|write| put(&mut batch, write))?;
        }
        self.store_copy(&mut state, batch, progress.clone())?;
        Ok(progress)
    }

    /// Writes what was copied with how far that is, and takes into memory what is there then.
    fn store_copy(&self, state: &mut State, mut batch: Batch, progress: Progress) -> Result<(), LedgerError> {
        batch.put(table::COPY.to_vec(), encode(&progress));
        let written = self.store.write(&batch).map_err(LedgerError::from);
        let read = written.and_then(|()| State::stored(self.store.as_ref()));
        state.failed = read.is_err();
        *state = read?;
        // Whoever is told of events reads them, which nobody can before the copy is whole.
        if progress.is_whole() && *self.newest.borrow() != state.events.last {
            self.newest.send_replace(state.events.last);
        }
        Ok(())
    }
}

fn put(batch: &mut Batch, (key, value): Write) -> Result<(), CopyError> {
    if !is_copied(&key) {
        return Err(CopyError::NotCopied);
    }
    match value {
        Some(value) => batch.put(key, value),
        None => batch.delete(key),
    }
    Ok(())
}
