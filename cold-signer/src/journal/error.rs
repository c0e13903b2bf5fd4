//! Everything that can go wrong with a journal, and what the operator does about it.

use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What to do about a journal that is not what it was.
macro_rules! restore {
    () => {
        "nothing is signed with it. Restore the newest copy of the whole directory; the latest answers of this \
         signer, which have the journal's count and head where that was asked for, tell whether it is new enough"
    };
}

/// Why a journal cannot be read or written.
#[derive(Debug, Error)]
pub enum JournalError {
    /// It is gone.
    #[error("the journal {} is missing: {}", .0.display(), restore!())]
    Missing(PathBuf),
    /// It is something else.
    #[error("{} is no journal of this program: {}", .0.display(), restore!())]
    Foreign(PathBuf),
    /// A record is not as it was written.
    #[error("record {record} of the journal {} is damaged, at byte {offset} ({reason}): {}", path.display(), restore!())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The record's number, from 0; where a whole commit is unreadable, that of its first record.
        record: u64,
        /// Where it begins, or the commit that it is in.
        offset: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It ends too early.
    #[error(
        "the journal {} has {found} records, but had {expected} or more: its end was cut off, or it is an old copy; {}",
        path.display(), restore!()
    )]
    Short {
        /// The file.
        path: PathBuf,
        /// How many records it has.
        found: u64,
        /// How many it had.
        expected: u64,
    },
    /// It is another one.
    #[error(
        "the first {count} records of the journal {} are not those that the store remembers: it is another journal; {}",
        path.display(), restore!()
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// How many records the store remembers.
        count: u64,
    },
    /// It could not be written, so that nobody knows what is on disk.
    #[error(
        "the journal cannot be written ({0}), and nothing is signed without it: check the disk, then start the signer again"
    )]
    Failed(String),
    /// A record that is longer than any of ours.
    #[error("a record of {0} bytes is longer than the journal takes; report this")]
    TooLong(usize),
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl JournalError {
    /// For `map_err`: an I/O error at `path`.
    pub(super) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path: path.to_owned(), source }
    }
}
