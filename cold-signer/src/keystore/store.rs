//! The database below: sled 0.34, which sees ciphertext and meaningless keys only.
//!
//! Everything that must be known about sled is in this file:
//!
//! - An unfinished snapshot, left by a crash, would keep it from opening for ever. It is moved out of the way.
//! - Its `flush` does not wait for the disk. An fsync follows.
//! - A batch is atomic within one tree only. There is one tree; tables are prefixes of the keys.
//! - Its cache would take a gigabyte. It gets 64 MiB.
//! - It frees its file lock some time after it was dropped. Opening waits for that.
//!
//! Nothing else in the program names sled, so that another database can take its place.

use super::directory::sync;
use super::error::KeystoreError;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

/// How often a locked database is tried, 10 ms apart.
const ATTEMPTS: usize = 500;

/// Sealed records by their keys, in one tree.
pub(super) struct Store {
    db: sled::Db,
    dir: PathBuf,
}

impl Store {
    /// Opens the database in `dir`, creating it where there is none. The caller holds the store's lock.
    ///
    /// # Errors
    /// `Database` where the files are damaged, `Io` where they cannot be reached.
    pub(super) fn open(dir: &Path) -> Result<Self, KeystoreError> {
        quarantine_snapshots(dir)?;
        let db = open_database(dir).map_err(|error| database_error(dir, &error))?;
        Ok(Self { db, dir: dir.to_owned() })
    }

    /// The record of a key, if there is one.
    ///
    /// # Errors
    /// `Database`.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KeystoreError> {
        let value = self.db.get(key).map_err(|error| database_error(&self.dir, &error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    /// All records whose key starts with `prefix`, in the order of their keys.
    pub(super) fn scan(&self, prefix: &[u8]) -> impl Iterator<Item = Result<Vec<u8>, KeystoreError>> {
        self.db
            .scan_prefix(prefix)
            .values()
            .map(|value| value.map(|value| value.to_vec()).map_err(|error| database_error(&self.dir, &error)))
    }

    /// Writes records, all or none of them, replacing those of the same keys. They last after
    /// [`Store::flush`].
    ///
    /// # Errors
    /// `Database`; nothing was written then.
    pub(super) fn insert(
        &self,
        records: impl IntoIterator<Item = ([u8; 9], Vec<u8>)>,
    ) -> Result<(), KeystoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in records {
            batch.insert(&key, value);
        }
        self.db.apply_batch(batch).map_err(|error| database_error(&self.dir, &error))
    }

    /// Waits until everything written so far survives a power loss.
    ///
    /// # Errors
    /// `Database` or `Io`; what was written may or may not last then.
    pub(super) fn flush(&self) -> Result<(), KeystoreError> {
        self.db.flush().map_err(|error| database_error(&self.dir, &error))?;
        // sled only starts the write-back (sync_file_range); the disk's word comes from fsync.
        sync(&self.dir.join("db"))?;
        sync(&self.dir)
    }
}

/// Opens the database itself.
pub(super) fn open_database(dir: &Path) -> sled::Result<sled::Db> {
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(64 * 1024 * 1024)
        .use_compression(false)
        // Writes are flushed where they must last; a timer guarantees nothing.
        .flush_every_ms(None);
    while_locked(|| config.open())
}

/// Tries again while the database is locked. No other process has it open: the caller holds the store's
/// lock. It is an earlier `Db` of this process, whose last thread has not ended yet.
fn while_locked<T>(mut open: impl FnMut() -> sled::Result<T>) -> sled::Result<T> {
    for _ in 1..ATTEMPTS {
        match open() {
            // The error has no kind of its own.
            Err(sled::Error::Io(error)) if error.to_string().contains("could not acquire lock") => {
                sleep(Duration::from_millis(10));
            }
            result => return result,
        }
    }
    open()
}

/// The database's word, without its type.
fn database_error(dir: &Path, error: &sled::Error) -> KeystoreError {
    KeystoreError::Database { dir: dir.to_owned(), reason: error.to_string() }
}

/// Moves unfinished snapshots aside. sled would take one for the newest snapshot and refuse to open for ever;
/// a snapshot only speeds recovery up, the data is in the log.
fn quarantine_snapshots(dir: &Path) -> Result<(), KeystoreError> {
    if !dir.exists() {
        return Ok(());
    }
    let quarantine = dir.join("quarantine");
    for entry in fs::read_dir(dir).map_err(KeystoreError::io(dir))? {
        let entry = entry.map_err(KeystoreError::io(dir))?;
        let name = entry.file_name();
        let unfinished = name.to_str().is_some_and(|n| n.starts_with("snap.") && n.ends_with(".generating"));
        if unfinished {
            fs::create_dir_all(&quarantine).map_err(KeystoreError::io(&quarantine))?;
            let target = quarantine.join(&name);
            fs::rename(entry.path(), &target).map_err(KeystoreError::io(&target))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_snapshot_does_not_stop_the_store() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        store.insert([([1; 9], vec![2])]).unwrap();
        store.flush().unwrap();
        drop(store);
        fs::write(temp.path().join("snap.00000000000000FF.generating"), [0; 3]).unwrap();
        let store = Store::open(temp.path()).unwrap();
        assert_eq!(store.get(&[1; 9]).unwrap(), Some(vec![2]));
        assert!(temp.path().join("quarantine/snap.00000000000000FF.generating").exists());
    }

    #[test]
    fn a_lock_that_is_freed_late_is_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let held = open_database(temp.path()).unwrap();
        let mut held = Some(held);
        let mut refused = 0;
        let opened = while_locked(|| {
            let result = sled::open(temp.path());
            if result.is_err() {
                refused += 1;
                held = None;
            }
            result
        });
        assert!(opened.is_ok() && refused > 0);
    }

    #[test]
    fn scans_one_prefix_in_order() {
        let temp = tempfile::tempdir().unwrap();
        let store = Store::open(temp.path()).unwrap();
        store.insert([([3; 9], vec![3]), ([2; 9], vec![2]), ([1; 9], vec![1])]).unwrap();
        let mut second = [2; 9];
        second[8] = 9;
        store.insert([(second, vec![9])]).unwrap();
        let values: Vec<_> = store.scan(&[2]).map(|record| record.unwrap()).collect();
        assert_eq!(values, [vec![2], vec![9]]);
    }
}
