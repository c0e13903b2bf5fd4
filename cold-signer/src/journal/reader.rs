//! Reading a journal from its beginning: every record is opened and its place in the chain checked.

use super::error::JournalError;
use super::frame::{self, Found, Frame};
use super::recover::AnchorCheck;
use super::{Entry, MAGIC, Owner, Position, follow};
use crate::disk::Disk;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// About so many bytes are opened at once, on all processors.
const BATCH: usize = 1 << 20;

/// A record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The position of the journal after it; its number is one less than the count.
    pub after: Position,
    /// What it says.
    pub entry: Entry,
    /// Where it is in the file.
    pub(super) offset: u64,
}

impl Record {
    /// Its number, from 0.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.after.count.saturating_sub(1)
    }
}

/// The records of a journal, in order; each is on disk when it is shown. After an error there are none.
pub struct Reader {
    path: PathBuf,
    disk: Disk,
    file: BufReader<File>,
    size: u64,
    owner: Owner,
    /// Where the next frame begins.
    offset: u64,
    /// The position after all frames read so far.
    position: Position,
    ready: VecDeque<Record>,
    torn: bool,
    /// Found behind the records that are ready.
    error: Option<JournalError>,
}

/// A record of a frame that is not opened yet.
struct Sealed<'a> {
    before: Position,
    after: Position,
    offset: u64,
    sealed: &'a [u8],
}

impl Reader {
    /// Opens the journal in a file.
    ///
    /// # Errors
    /// `Missing`, `Foreign` and `Io`.
    pub(crate) fn open(path: &Path, disk: Disk, owner: Owner) -> Result<Self, JournalError> {
        let file =
            OpenOptions::new().read(true).write(true).open(path).map_err(|error| match error.kind() {
                ErrorKind::NotFound => JournalError::Missing(path.to_owned()),
                _ => JournalError::io(path)(error),
            })?;
        let size = file.metadata().map_err(JournalError::io(path))?.len();
        let mut file = BufReader::with_capacity(BATCH, file);
        let mut magic = Vec::new();
        file.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic).map_err(JournalError::io(path))?;
        if magic != MAGIC {
            return Err(JournalError::Foreign(path.to_owned()));
        }
        let position = owner.genesis();
        Ok(Self {
            path: path.to_owned(),
            disk,
            file,
            size,
            owner,
            offset: MAGIC.len() as u64,
            position,
            ready: VecDeque::new(),
            torn: false,
            error: None,
        })
    }

    /// The position where the chain begins.
    #[must_use]
    pub fn genesis(&self) -> Position {
        self.owner.genesis()
    }

    /// Reads all records and shows each to `see`. The journal must have passed `anchor`. Answers the position at the end.
    ///
    /// # Errors
    /// For the first record that is not as it was written, and for a journal that never was at `anchor`, after the
    /// records before it were shown. Those of `see`.
    pub(crate) fn read_all<E: From<JournalError>>(
        &mut self,
        anchor: Position,
        mut see: impl FnMut(Record) -> Result<(), E>,
    ) -> Result<Position, E> {
        let path = self.path.clone();
        let mut check = AnchorCheck::new(&path, anchor, self.genesis());
        for record in self.by_ref() {
            let record = record?;
            check.pass(record.after);
            see(record)?;
        }
        Ok(check.finish()?)
    }

    /// Once all records were read: where the good part of the file ends, and the position there.
    pub(crate) const fn end(&self) -> (u64, Position) {
        (self.offset, self.position)
    }

    /// Once all records were read: the file, open for reading and writing.
    pub(super) fn into_file(self) -> File {
        self.file.into_inner()
    }

    /// Once all records were read: the bytes of a last commit that a crash tore. Nothing was answered from it.
    #[must_use]
    pub const fn torn(&self) -> Option<u64> {
        if self.torn { Some(self.size.saturating_sub(self.offset)) } else { None }
    }

    /// Reads some more frames.
    fn fill(&mut self) -> Result<(), JournalError> {
        let (mut frames, mut bytes) = (Vec::new(), 0);
        let mut offset = self.offset;
        let mut behind = None;
        while bytes < BATCH {
            match frame::read(&mut self.file, offset, self.size).map_err(JournalError::io(&self.path))? {
                Found::Frame(frame) => {
                    bytes += frame.length();
                    offset = frame.end();
                    frames.push(frame);
                }
                found => {
                    behind = Some(found);
                    break;
                }
            }
        }
        // The chain is followed one record after the other; opening, which takes longer, needs no order.
        let mut position = self.position;
        let mut chained = Vec::with_capacity(frames.len());
        for frame in &frames {
            let records = self.follow_chain(frame, position);
            position = records
                .as_ref()
                .ok()
                .and_then(|records: &Vec<Sealed<'_>>| records.last())
                .map_or(position, |last| last.after);
            chained.push(records);
            if matches!(chained.last(), Some(Err(_))) {
                break;
            }
        }
        let opened: Vec<_> = chained
            .into_par_iter()
            .map(|records| records.and_then(|records| self.open_all(&records)))
            .collect();
        for (frame, records) in frames.iter().zip(opened) {
            match records {
                Ok(records) => {
                    if frame.is_last() {
                        self.secure(frame)?;
                    }
                    self.position = records.last().map_or(self.position, |record| record.after);
                    self.offset = frame.end();
                    self.ready.extend(records);
                }
                Err(_) if frame.is_torn() => {
                    self.torn = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        match behind {
            Some(Found::Torn) => self.torn = true,
            Some(Found::Damaged) => return Err(self.damaged(self.position.count, offset, "it is no commit")),
            _ => {}
        }
        Ok(())
    }

    /// Makes the last frame survive a power loss. It can be read, but that may be all: where an earlier process was
    /// killed before its fsync, or that failed, the system shows what it holds in memory and need not hold it for
    /// unwritten any more, so that another fsync alone proves nothing. Written anew, it must go to the disk. Every
    /// frame that another follows is there, since nothing is written behind one that is not.
    fn secure(&self, frame: &Frame) -> Result<(), JournalError> {
        let file = self.file.get_ref();
        self.disk
            .write_at(file, &self.path, frame.bytes(), frame.offset)
            .and_then(|()| self.disk.sync_data(file, &self.path))
            .map_err(JournalError::io(&self.path))
    }

    /// Takes a frame behind `position` apart and follows the chain through it.
    fn follow_chain<'a>(
        &self,
        frame: &'a Frame,
        mut position: Position,
    ) -> Result<Vec<Sealed<'a>>, JournalError> {
        let mut all = Vec::new();
        let mut offset = frame.offset + frame::HEAD as u64;
        let mut rest =
            frame.records().ok_or_else(|| self.damaged(position.count, offset, "its end is missing"))?;
        while !rest.is_empty() {
            let damaged = |reason| self.damaged(position.count, offset, reason);
            let (head, sealed, more) = frame::split(rest).ok_or_else(|| damaged("its length is wrong"))?;
            if head != position.head.as_bytes() {
                return Err(damaged("it does not follow the record before it"));
            }
            let after = follow(&position, sealed);
            all.push(Sealed { before: position, after, offset, sealed });
            offset += (rest.len() - more.len()) as u64;
            (position, rest) = (after, more);
        }
        Ok(all)
    }

    fn open_all(&self, records: &[Sealed<'_>]) -> Result<Vec<Record>, JournalError> {
        let open = |record: &Sealed<'_>| {
            let Sealed { before, after, offset, sealed } = *record;
            let entry = self.owner.open(&before, sealed);
            let entry = entry.ok_or_else(|| self.damaged(before.count, offset, "it does not open"))?;
            Ok(Record { after, entry, offset })
        };
        records.par_iter().map(open).collect()
    }

    fn damaged(&self, record: u64, offset: u64, reason: &'static str) -> JournalError {
        JournalError::Damaged { path: self.path.clone(), record, offset, reason }
    }
}

impl Iterator for Reader {
    type Item = Result<Record, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let done = |reader: &Self| reader.torn || reader.error.is_some() || reader.offset >= reader.size;
        while self.ready.is_empty() && !done(self) {
            if let Err(error) = self.fill() {
                self.error = Some(error);
            }
        }
        match self.ready.pop_front() {
            Some(record) => Some(Ok(record)),
            None => self.error.take().map(|error| {
                // The rest of the file says nothing.
                self.size = self.offset;
                Err(error)
            }),
        }
    }
}
