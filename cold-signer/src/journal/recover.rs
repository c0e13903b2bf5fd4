//! Opening a journal to write: reading all of it, putting aside what a crash tore, checking it against the tally.

use super::error::JournalError;
use super::index::Index;
use super::{Owner, Position, Reader};
use crate::disk::Disk;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A last commit that a crash tore. Nothing was answered from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// Where in the journal it was, in bytes.
    pub offset: u64,
    /// How long it was.
    pub length: u64,
    /// Where its bytes are kept.
    pub kept: PathBuf,
}

/// A journal that was read.
pub(super) struct Recovered {
    /// Open for reading and writing; all that is in it is on disk.
    pub(super) file: File,
    /// Where the next frame goes.
    pub(super) end: u64,
    /// After all records.
    pub(super) position: Position,
    pub(super) index: Index,
    pub(super) torn: Option<Torn>,
}

/// Reads all of a journal that must have got as far as `anchor`.
///
/// # Errors
/// [`JournalError`]; the file is as it was then, but for a torn end that may be cut off.
pub(super) fn recover(
    path: &Path,
    disk: &Disk,
    owner: &Owner,
    anchor: Position,
) -> Result<Recovered, JournalError> {
    let mut reader = Reader::open(path, disk.clone(), owner.clone())?;
    let mut index = Index::default();
    reader.read_all::<JournalError>(anchor, |record| {
        index.add(&record);
        Ok(())
    })?;
    let ((end, position), torn) = (reader.end(), reader.torn());
    let file = reader.into_file();
    let torn = match torn {
        Some(length) => Some(put_aside(&file, path, disk, end, length).map_err(JournalError::io(path))?),
        None => None,
    };
    // An earlier cut may not be on disk yet.
    disk.sync_data(&file, path).map_err(JournalError::io(path))?;
    Ok(Recovered { file, end, position, index, torn })
}

/// Holds the positions of a journal against one that it must have passed.
pub(super) struct AnchorCheck<'a> {
    path: &'a Path,
    anchor: Position,
    last: Position,
    passed: bool,
}

impl<'a> AnchorCheck<'a> {
    /// For a journal that begins at `genesis`.
    pub(super) fn new(path: &'a Path, anchor: Position, genesis: Position) -> Self {
        Self { path, anchor, last: genesis, passed: anchor == genesis }
    }

    /// Notes the position after a record.
    pub(super) fn pass(&mut self, position: Position) {
        self.passed |= position == self.anchor;
        self.last = position;
    }

    /// After the last record; answers the position there.
    ///
    /// # Errors
    /// `Short` and `Other`.
    pub(super) fn finish(self) -> Result<Position, JournalError> {
        let Self { path, anchor, last, passed } = self;
        let path = path.to_owned();
        if passed {
            Ok(last)
        } else if last.count < anchor.count {
            Err(JournalError::Short { path, found: last.count, expected: anchor.count })
        } else {
            Err(JournalError::Other { path, count: anchor.count })
        }
    }
}

/// Copies the torn end to a file of its own, then cuts it off.
fn put_aside(file: &File, path: &Path, disk: &Disk, offset: u64, length: u64) -> io::Result<Torn> {
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    file.read_exact_at(&mut bytes, offset)?;
    let mut attempt = 0_u32;
    let kept = loop {
        let suffix = if attempt == 0 { String::new() } else { format!(".{attempt}") };
        let kept = path.with_file_name(format!("{}.torn-{offset}{suffix}", super::FILE));
        match disk.write_new(&kept, |file| io::Write::write_all(file, &bytes)) {
            Ok(()) => break kept,
            // An earlier crash at the same place.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => attempt += 1,
            Err(error) => return Err(error),
        }
    };
    disk.truncate(file, path, offset)?;
    Ok(Torn { offset, length, kept })
}
