//! The journal: what was signed, remembered before it leaves.
//!
//! An append-only file beside the database. Every request that was answered has a record in it, which is on disk
//! before the answer leaves: what it spends and makes, why it was refused, or the signed transaction. So the same
//! request gets the same bytes again, and an output that was signed away is never signed away in another
//! transaction.
//!
//! | bytes | content |
//! | --- | --- |
//! | 21 | `cold-signer journal 1` |
//! | frames | each the records of one commit, see `frame.rs` |
//!
//! A record is sealed with the data key of the store, and bound to its number and to the head before it. The head
//! after it is SHA3-256(number ‖ head before ‖ sealed record); the first head is SHA3-256 of the file's first 21
//! bytes and the store's id. Whoever cannot open the store can read nothing and change nothing; whoever can destroy
//! the file, cannot do so unnoticed, but for its end: that the end is not cut off is seen by the tally, which
//! remembers a position at every start, every stop and from time to time, and by those who asked for the position in
//! an answer.
//!
//! A crash can tear the last frame only, because nothing is written behind a frame that is not on disk. A torn
//! frame was never answered from. It is cut off and kept aside. A last frame that is whole is written once more
//! before anything in it counts, because reading it does not say that it is on disk.

mod commit;
mod entry;
mod error;
mod frame;
mod index;
mod reader;
mod recover;
#[cfg(test)]
mod tests;
mod wire;

pub use self::commit::{Journal, Outcome};
pub use self::entry::{Entry, Judged, NewOutputFacts, Signed, Verdict};
pub use self::error::JournalError;
pub use self::index::Behind;
pub use self::reader::{Reader, Record};
pub use self::recover::Torn;
pub use stegos_common::api::create_raw_transaction::JournalPosition as Position;

use crate::disk::Disk;
use crate::seal::SealingKey;
use jiff::Timestamp;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use stegos_common::hash::{Hash, Hasher};

/// The journal's file name in the store's directory.
pub(crate) const FILE: &str = "journal";

/// How the file begins.
const MAGIC: &[u8; 21] = b"cold-signer journal 1";

/// No record is longer, in bytes. The longest, with a hundred private outputs and their certificates, takes a third.
const MAX_RECORD: usize = 512 << 10;

/// A time as RFC 3339 in UTC, to the millisecond.
pub(crate) fn show_time(milliseconds: u64) -> String {
    let time = i64::try_from(milliseconds).ok().and_then(|time| Timestamp::from_millisecond(time).ok());
    time.map_or_else(|| format!("{milliseconds} ms after 1970"), |time| format!("{time:.3}"))
}

/// Whose journal it is: what opens its records and where its chain begins.
#[derive(Clone)]
pub(crate) struct Owner {
    /// The store's data key.
    pub(crate) key: Arc<SealingKey>,
    /// The store's id.
    pub(crate) store_id: [u8; 16],
}

impl Owner {
    /// Where the chain begins.
    pub(crate) fn genesis(&self) -> Position {
        let mut hasher = Hasher::new();
        hasher.update(MAGIC);
        hasher.update(&self.store_id);
        Position { count: 0, head: hasher.finish() }
    }

    /// Seals the record behind `before`.
    fn seal(&self, before: &Position, entry: &[u8]) -> Vec<u8> {
        self.key.seal(entry, &associated_data(before))
    }

    /// Opens the record behind `before`.
    fn open(&self, before: &Position, sealed: &[u8]) -> Option<Entry> {
        Entry::decode(&self.key.open(sealed, &associated_data(before))?)
    }
}

/// Writes an empty journal.
///
/// # Errors
/// What the system says, also where there is a file of this name.
pub(crate) fn create(directory: &Path, disk: &Disk) -> std::io::Result<()> {
    disk.write_new(&directory.join(FILE), |file| file.write_all(MAGIC))
}

/// The position after one more record.
fn follow(before: &Position, sealed: &[u8]) -> Position {
    let mut hasher = Hasher::new();
    hasher.update(&before.count.to_le_bytes());
    hasher.update(before.head.as_bytes());
    hasher.update(sealed);
    Position { count: before.count.saturating_add(1), head: hasher.finish() }
}

/// What a record is bound to besides the data key: what it is, and where in the chain it stands.
fn associated_data(before: &Position) -> Vec<u8> {
    [b"cold-signer journal record".as_slice(), &before.count.to_le_bytes(), before.head.as_bytes()].concat()
}

/// The digest of a request that cannot be read: there is no meaning, so it is over the text.
pub(crate) fn text_digest(text: &str) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(b"cold-signer unreadable request");
    hasher.update(text.as_bytes());
    hasher.finish()
}
