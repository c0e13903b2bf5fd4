//! sled 0.34. What must be known about it:
//!
//! - An unfinished snapshot, left by a crash, would keep it from opening for ever: it is moved into `quarantine` first.
//!   The log has what is in it.
//! - Its `flush` does not wait for the disk. An fsync follows.
//! - What it writes at once, up to sixteen values of neighbours, goes to a file of its own where it is longer than about
//!   128 KiB, and such a file it never syncs: that is done here.
//! - Where it finds damage, it forgets what was written later. What the node has is read again then; that users are
//!   missing is noticed by the count beside the database.
//! - A batch is atomic within one tree only. There is one tree; tables are prefixes of the keys.
//! - It frees the old versions of what a batch changed a few at each later access: after a million new keys it held three
//!   gigabytes of them. So they are freed with each batch.
//! - A page has at most sixteen values, however short, and where it lies on disk stays in memory for ever, with a piece for
//!   each change since it was written as a whole: a few hundred bytes a page. Few values cost less than short ones.
//! - On some damage it panics; that is one more way to say so.
//!
//! Nothing else in the program names sled.

use super::{Batch, Pair, Pairs, Range, Store, StoreError};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// How much of the database is held in memory, in MiB, unless something else is said: with it, a ledger of a million users
/// and five million outputs is served with less than 2 GiB, a thousand readers among that. The memory that it takes is two to
/// three times as much; besides, where pages lie on disk is held in memory, whatever this is.
pub const CACHE: u32 = 256;

/// The file that holds everything.
const LOG: &str = "db";

/// The directory of what is too long for that.
const LONG: &str = "blobs";

/// Where unfinished snapshots are moved to, beside the database.
const QUARANTINE: &str = "quarantine";

/// Values by their keys, in one tree.
pub struct SledStore {
    db: sled::Db,
    dir: PathBuf,
    log: File,
    /// The files of long messages that are on disk.
    synced: Mutex<HashSet<OsString>>,
}

impl SledStore {
    /// Opens the database in `dir`, making it where there is none, and holds so many MiB of it in memory. Nobody else may
    /// have it open.
    ///
    /// # Errors
    /// [`StoreError::Failed`] where the files are damaged or cannot be reached.
    pub fn open(dir: &Path, cache: u32) -> Result<Self, StoreError> {
        quarantine_snapshots(dir).map_err(|error| failed(dir, &error.to_string()))?;
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(u64::from(cache) << 20)
            .use_compression(false)
            // Writes are flushed where they must last; a timer guarantees nothing.
            .flush_every_ms(None);
        let db = guarded(dir, || config.open())?;
        let log = File::open(dir.join(LOG)).map_err(|error| failed(dir, &error.to_string()))?;
        Ok(Self { db, dir: dir.to_owned(), log, synced: Mutex::default() })
    }
}

impl SledStore {
    /// Sees that the files of long messages are on disk; they are written once and then only deleted.
    fn sync_long(&self) -> io::Result<()> {
        let dir = self.dir.join(LONG);
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        let mut there = HashSet::new();
        for entry in fs::read_dir(&dir)? {
            let name = entry?.file_name();
            if !synced.contains(&name) {
                match File::open(dir.join(&name)) {
                    // It is needed no more.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                    file => file?.sync_all()?,
                }
            }
            there.insert(name);
        }
        if !there.is_subset(&synced) {
            File::open(&dir)?.sync_all()?;
        }
        *synced = there;
        Ok(())
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(guarded(&self.dir, || self.db.get(key))?.map(|value| value.to_vec()))
    }

    fn scan(&self, range: Range) -> Pairs<'_> {
        Box::new(Scan { dir: &self.dir, pairs: self.db.range(range) })
    }

    fn write(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch.iter() {
            match value {
                Some(value) => writes.insert(key.as_slice(), value.as_slice()),
                None => writes.remove(key.as_slice()),
            }
        }
        guarded(&self.dir, || self.db.apply_batch(writes).and_then(|()| self.db.flush()))?;
        // sled only starts the write-back (sync_file_range); the disk's word comes from fsync.
        let synced = self.sync_long().and_then(|()| self.log.sync_all());
        let synced = synced.and_then(|()| File::open(&self.dir)?.sync_all());
        synced.map_err(|error| failed(&self.dir, &error.to_string()))?;
        free_garbage(batch);
        Ok(())
    }
}

/// Frees what sled put off while it applied a batch: it leaves that to the default collector of `crossbeam-epoch`, which
/// frees up to 512 values at a time. A change leaves two or three.
fn free_garbage(batch: &Batch) {
    for _some in batch.iter().step_by(128) {
        crossbeam_epoch::pin().flush();
    }
}

/// sled's pairs.
struct Scan<'a> {
    dir: &'a Path,
    pairs: sled::Iter,
}

type Step = Option<sled::Result<(sled::IVec, sled::IVec)>>;

impl Scan<'_> {
    fn step(&mut self, step: fn(&mut sled::Iter) -> Step) -> Option<Result<Pair, StoreError>> {
        let pair = guarded(self.dir, || step(&mut self.pairs).transpose()).transpose()?;
        Some(pair.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Pair, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step(Iterator::next)
    }
}

impl DoubleEndedIterator for Scan<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(DoubleEndedIterator::next_back)
    }
}

/// Asks the database, which may panic.
fn guarded<T>(dir: &Path, ask: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer.map_err(|error| failed(dir, &error.to_string())),
        Err(_) => Err(failed(dir, "it is damaged in a way that it does not understand")),
    }
}

fn failed(dir: &Path, reason: &str) -> StoreError {
    StoreError::Failed { dir: dir.to_owned(), reason: reason.to_owned() }
}

/// Moves snapshots that a crash left unfinished out of sled's sight.
fn quarantine_snapshots(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if is_unfinished(name) {
            let quarantine = dir.with_file_name(QUARANTINE);
            fs::create_dir_all(&quarantine)?;
            fs::rename(&path, quarantine.join(name))?;
        }
    }
    Ok(())
}

fn is_unfinished(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.starts_with(b"snap.") && name.ends_with(b".generating")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_snapshot_does_not_stop_the_store() {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("ledger");
        let mut batch = Batch::default();
        batch.put(vec![1], vec![2]);
        SledStore::open(&dir, 16).unwrap().write(&batch).unwrap();
        let left_over = "snap.00000000000000FF.generating";
        for content in [&[][..], &[0xff; 100]] {
            fs::write(dir.join(left_over), content).unwrap();
            assert_eq!(SledStore::open(&dir, 16).unwrap().get(&[1]).unwrap(), Some(vec![2]));
            assert!(temp.path().join(QUARANTINE).join(left_over).exists());
        }
    }
}
