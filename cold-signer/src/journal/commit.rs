//! Writing a journal: many requests at once, one write and one fsync for all that wait.
//!
//! Whoever comes first while nobody writes takes everything that is pending, writes it as one frame and syncs it;
//! the others wait for that, or for the next turn. Which requests conflict is decided before, under the lock, so that
//! the order of the records is the order of the decisions.

use super::error::JournalError;
use super::frame;
use super::index::{Behind, Index, Number};
use super::reader::Reader;
use super::recover::{self, Recovered, Torn};
use super::{Entry, FILE, MAX_RECORD, Owner, Position, follow};
use crate::approval::Waiting;
use crate::disk::Disk;
use crate::policy::Totals;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use stegos_common::hash::Hash;

/// More than sealing and framing add to a record, in bytes.
const OVERHEAD: usize = 128;

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on disk, and this is the position after it.
    Recorded(Position),
    /// It was not recorded: the same request was signed before, in this record.
    Repeats(u64),
    /// It was not recorded: an input was signed away before, in this record.
    Conflicts(Hash, u64),
    /// It was not recorded: too much left meanwhile, or it is not approved any more.
    NotPermitted,
    /// It was not recorded: the same request waits already.
    Waits,
    /// It was not recorded: too many wait, until this time in milliseconds since 1970 UTC.
    Full(u64),
}

/// A journal that can be written. It is for one process alone.
pub struct Journal {
    path: PathBuf,
    disk: Disk,
    owner: Owner,
    file: File,
    state: Mutex<State>,
    /// Told whenever records are on disk, or never will be.
    turn: Condvar,
}

/// What all threads share.
struct State {
    index: Index,
    /// Records that are sealed but not written.
    pending: Vec<u8>,
    /// The numbers of the signed ones among them, and where each begins in `pending`.
    starts: Vec<(Number, u64)>,
    /// After all sealed records.
    sealed: Position,
    /// After all records on disk.
    durable: Position,
    /// Where the next frame goes.
    end: u64,
    /// Whether somebody writes.
    writing: bool,
    /// Why nothing can be written any more.
    failure: Option<String>,
}

impl Journal {
    /// Opens the journal of a store's directory, which must have got as far as `anchor`. Answers, too, what a crash
    /// tore.
    ///
    /// # Errors
    /// [`JournalError`]: nothing may be signed then.
    pub(crate) fn open(
        directory: &Path,
        disk: Disk,
        owner: Owner,
        anchor: Position,
    ) -> Result<(Self, Option<Torn>), JournalError> {
        let path = directory.join(FILE);
        let Recovered { file, end, position, index, torn } = recover::recover(&path, &disk, &owner, anchor)?;
        let state = State {
            index,
            pending: Vec::new(),
            starts: Vec::new(),
            sealed: position,
            durable: position,
            end,
            writing: false,
            failure: None,
        };
        Ok((Self { path, disk, owner, file, state: Mutex::new(state), turn: Condvar::new() }, torn))
    }

    /// The position after all records on disk.
    #[must_use]
    pub fn position(&self) -> Position {
        self.lock().durable
    }

    /// The record of a request that was signed before.
    #[must_use]
    pub fn request(&self, digest: &Hash) -> Option<u64> {
        self.lock().index.request(digest)
    }

    /// The first of these inputs that was signed away, and the record.
    #[must_use]
    pub fn spent(&self, inputs: &[Hash]) -> Option<(Hash, u64)> {
        self.lock().index.spent(inputs)
    }

    /// All records that are on disk, from the first.
    ///
    /// # Errors
    /// [`JournalError`] where the file cannot be read.
    pub fn records(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.path, self.disk.clone(), self.owner.clone())
    }

    /// How much left in the last days.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.lock().index.totals().clone()
    }

    /// Asks what waits for approvals.
    pub fn waiting<T>(&self, ask: impl FnOnce(&Waiting) -> T) -> T {
        ask(self.lock().index.waiting())
    }

    /// The ids about which nothing is to be handed in any more, since this was asked last.
    #[must_use]
    pub fn take_gone(&self) -> Vec<String> {
        self.lock().index.take_gone()
    }

    /// What it may lack since it was restored: nothing may be signed then.
    #[must_use]
    pub fn behind(&self) -> Option<Behind> {
        self.lock().index.behind()
    }

    /// Where the chain of records begins, which no other store's does.
    #[must_use]
    pub fn genesis(&self) -> Position {
        self.owner.genesis()
    }

    /// Whether there is room for such an entry.
    #[must_use]
    pub(crate) fn takes(entry: &Entry) -> bool {
        entry.encode().len() <= MAX_RECORD
    }

    /// Records an entry, unless it was signed away from under it. It is on disk when this answers.
    ///
    /// # Errors
    /// `Failed` where it cannot be written: whether it is on disk is not known then, and nothing more is recorded.
    pub fn commit(&self, entry: &Entry) -> Result<Outcome, JournalError> {
        self.commit_if(entry, |_, _| true)
    }

    /// The same, where what left before and what waits permits it: nothing can leave, or be rejected, between that
    /// question and the record.
    ///
    /// # Errors
    /// Those of [`Journal::commit`].
    pub fn commit_if(
        &self,
        entry: &Entry,
        permits: impl FnOnce(&Totals, &Waiting) -> bool,
    ) -> Result<Outcome, JournalError> {
        let plain = entry.encode();
        if plain.len() > MAX_RECORD {
            return Err(JournalError::TooLong(plain.len()));
        }
        let mut state = self.lock();
        while !state.has_room(plain.len()) {
            let all = state.sealed.count;
            state = self.wait(state, all)?;
        }
        state.require_sound()?;
        if let Some(outcome) = state.index.objection(entry, permits) {
            return Ok(outcome);
        }
        let before = state.sealed;
        let sealed = self.owner.seal(&before, &plain);
        let after = follow(&before, &sealed);
        if entry.signed().is_some() {
            let start = state.pending.len() as u64;
            state.starts.push((before.count, start));
        }
        frame::push(&mut state.pending, before.head.as_bytes(), &sealed);
        state.index.note(entry, before.count);
        state.sealed = after;
        drop(self.wait(state, after.count)?);
        Ok(Outcome::Recorded(after))
    }

    /// A signed record, once it is on disk.
    ///
    /// # Errors
    /// `Failed` where it never will be, `Damaged` and `Io` where it cannot be read.
    pub fn entry(&self, number: u64) -> Result<Entry, JournalError> {
        let state = self.lock();
        // Who waits for a record that nobody wrote waits for ever.
        let count = number.saturating_add(1).min(state.sealed.count);
        let offset = self.wait(state, count)?.index.offset(number);
        let damaged = |offset, reason| JournalError::Damaged {
            path: self.path.clone(),
            record: number,
            offset,
            reason,
        };
        let offset = offset.ok_or_else(|| damaged(0, "it is not where it was"))?;
        let (head, sealed) = self.read(offset).map_err(JournalError::io(&self.path))?;
        let before = Position { count: number, head: Hash::from_bytes(head) };
        self.owner.open(&before, &sealed).ok_or_else(|| damaged(offset, "it does not open"))
    }

    /// Waits until all that was recorded so far is on disk.
    ///
    /// # Errors
    /// `Failed` where nothing can be recorded any more.
    pub fn require_sound(&self) -> Result<(), JournalError> {
        let state = self.lock();
        let all = state.sealed.count;
        self.wait(state, all)?.require_sound()
    }

    /// Nothing is recorded from now on.
    pub(crate) fn fail(&self, reason: &str) {
        self.lock().failure = Some(reason.to_owned());
        self.turn.notify_all();
    }

    /// The head before a record, and the sealed record.
    fn read(&self, offset: u64) -> io::Result<([u8; 32], Vec<u8>)> {
        let (mut length, mut head) = ([0; 4], [0; 32]);
        self.file.read_exact_at(&mut length, offset)?;
        self.file.read_exact_at(&mut head, offset + 4)?;
        let length = usize::try_from(u32::from_le_bytes(length)).unwrap_or(usize::MAX);
        if length > frame::MAX_RECORDS {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut sealed = vec![0; length];
        self.file.read_exact_at(&mut sealed, offset + 36)?;
        Ok((head, sealed))
    }

    /// Waits until the first `count` records are on disk, and writes where nobody else does.
    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        count: u64,
    ) -> Result<MutexGuard<'a, State>, JournalError> {
        loop {
            if state.durable.count >= count {
                return Ok(state);
            }
            state.require_sound()?;
            state = if state.writing {
                self.turn.wait(state).unwrap_or_else(PoisonError::into_inner)
            } else {
                self.write(state)
            };
        }
    }

    /// Writes everything that is pending.
    fn write<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let records = std::mem::take(&mut state.pending);
        let starts = std::mem::take(&mut state.starts);
        let (offset, sealed) = (state.end, state.sealed);
        state.writing = true;
        drop(state);
        let bytes = frame::encode(&records);
        let written = self
            .disk
            .write_at(&self.file, &self.path, &bytes, offset)
            .and_then(|()| self.disk.sync_data(&self.file, &self.path));
        let mut state = self.lock();
        state.writing = false;
        match written {
            Ok(()) => {
                state.durable = sealed;
                state.end = offset + bytes.len() as u64;
                let first = offset + frame::HEAD as u64;
                starts.into_iter().for_each(|(number, start)| state.index.place(number, first + start));
            }
            Err(error) => state.failure = Some(error.to_string()),
        }
        self.turn.notify_all();
        state
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a record fits into the frame that is written next.
    const fn has_room(&self, plain: usize) -> bool {
        self.pending.len() + plain + OVERHEAD <= frame::MAX_RECORDS
    }

    fn require_sound(&self) -> Result<(), JournalError> {
        self.failure.as_ref().map_or(Ok(()), |reason| Err(JournalError::Failed(reason.clone())))
    }
}
