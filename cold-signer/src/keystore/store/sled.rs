//! sled 0.34, which sees ciphertext and meaningless keys only.
//!
//! Everything that must be known about sled is in this file:
//!
//! - An unfinished snapshot, left by a crash, would keep it from opening for ever. It is moved out of the way.
//! - Its `flush` does not wait for the disk. An fsync follows.
//! - A batch is atomic within one tree only. There is one tree; tables are prefixes of the keys.
//! - When it opens, it writes and syncs a snapshot of the log as it reads it, also of what is not on disk yet. The
//!   log is synced before.
//! - Its cache would take a gigabyte. It gets 64 MiB.
//! - It frees its file lock some time after it was dropped. Opening waits for that.
//!
//! Nothing else in the program names sled.

use super::{Item, Store};
use crate::disk::{Call, Disk};
use crate::keystore::KeystoreError;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use tempfile::NamedTempFile;

/// How often a locked database is tried, 10 ms apart.
const ATTEMPTS: usize = 500;

/// The file that holds the records.
const LOG: &str = "db";

/// How much of the database is held in memory, in bytes.
const CACHE: u64 = 64 * 1024 * 1024;

/// Sealed records by their keys, in one tree.
pub(in crate::keystore) struct SledStore {
    db: sled::Db,
    dir: PathBuf,
    disk: Disk,
}

impl SledStore {
    /// Opens the database in `dir`. The caller holds the store's lock.
    ///
    /// # Errors
    /// `Database` where the files are missing or damaged, `Io` where they cannot be reached.
    pub(in crate::keystore) fn open(dir: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        let log = dir.join(LOG);
        if !log.exists() {
            return Err(failed(dir, "it is missing".to_owned()));
        }
        disk.sweep(dir).map_err(KeystoreError::io(dir))?;
        quarantine_snapshots(dir, &disk, Snapshots::Unfinished)?;
        for path in [&log, dir] {
            disk.sync(path).map_err(KeystoreError::io(path))?;
        }
        Self::create(dir, disk)
    }

    /// Makes a database in `dir`, or opens the one that was begun there.
    ///
    /// # Errors
    /// `Database` and `Io`.
    pub(in crate::keystore) fn create(dir: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        let db = open_database(dir).map_err(|error| database_error(dir, &error))?;
        Ok(Self { db, dir: dir.to_owned(), disk })
    }

    /// Makes a call to the database through the gate of the disk, which tells I/O errors apart.
    fn call(&self, call: Call, run: impl Fn() -> sled::Result<()>) -> Result<(), KeystoreError> {
        let run = || run().map_err(|error| io::Error::other(error.to_string()));
        self.disk.call(call, &self.dir, run).map_err(|error| failed(&self.dir, error.to_string()))
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KeystoreError> {
        let value = self.db.get(key).map_err(|error| database_error(&self.dir, &error))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Item, KeystoreError>> + '_> {
        Box::new(self.db.scan_prefix(prefix).map(|item| match item {
            Ok((key, value)) => Ok((key.to_vec(), value.to_vec())),
            Err(error) => Err(database_error(&self.dir, &error)),
        }))
    }

    fn insert(&self, items: &[Item]) -> Result<(), KeystoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in items {
            batch.insert(key.as_slice(), value.as_slice());
        }
        self.call(Call::Insert, || self.db.apply_batch(batch.clone()))
    }

    fn flush(&self) -> Result<(), KeystoreError> {
        self.call(Call::Flush, || self.db.flush().map(drop))?;
        // sled only starts the write-back (sync_file_range); the disk's word comes from fsync.
        for path in [&self.dir.join(LOG), &self.dir] {
            self.disk.sync(path).map_err(KeystoreError::io(path))?;
        }
        Ok(())
    }
}

/// Writes the log of a closed database anew, as far as it can be read, in the place of the old one. After a change
/// that was cut off, the system may show what it failed to write and has forgotten to write; syncing it again would
/// prove nothing.
///
/// # Errors
/// `Io`: the old log is there then, or the new one.
pub(in crate::keystore) fn write_anew(dir: &Path, disk: &Disk) -> Result<(), KeystoreError> {
    let log = dir.join(LOG);
    if !log.exists() {
        return Ok(());
    }
    let copy = |file: &mut NamedTempFile| io::copy(&mut File::open(&log)?, file).map(drop);
    disk.replace(&log, copy).map_err(KeystoreError::io(&log))
}

/// The settings under which a database is opened.
fn config(dir: &Path) -> sled::Config {
    sled::Config::new()
        .path(dir)
        .cache_capacity(CACHE)
        .use_compression(false)
        // Writes are flushed where they must last; a timer guarantees nothing.
        .flush_every_ms(None)
}

/// Opens the database itself.
pub(in crate::keystore) fn open_database(dir: &Path) -> sled::Result<sled::Db> {
    while_locked(|| config(dir).open())
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
    failed(dir, error.to_string())
}

fn failed(dir: &Path, reason: String) -> KeystoreError {
    KeystoreError::Database { dir: dir.to_owned(), reason }
}

/// Which snapshots are moved aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::keystore) enum Snapshots {
    /// Those that were being written when the process ended.
    Unfinished,
    /// All of them: the last resort for a database that does not open.
    All,
}

/// Moves snapshots aside. sled would take an unfinished one for the newest snapshot and refuse to open for ever;
/// a snapshot only speeds recovery up, the data is in the log.
pub(in crate::keystore) fn quarantine_snapshots(
    dir: &Path,
    disk: &Disk,
    which: Snapshots,
) -> Result<(), KeystoreError> {
    if !dir.exists() {
        return Ok(());
    }
    let quarantine = dir.join("quarantine");
    for entry in fs::read_dir(dir).map_err(KeystoreError::io(dir))? {
        let entry = entry.map_err(KeystoreError::io(dir))?;
        let name = entry.file_name();
        let chosen = name.to_str().is_some_and(|name| {
            name.starts_with("snap.") && (which == Snapshots::All || name.ends_with(".generating"))
        });
        if chosen {
            disk.create_directory(&quarantine).map_err(KeystoreError::io(&quarantine))?;
            let target = quarantine.join(&name);
            // What a crash brings back here must never come back there.
            disk.rename(&entry.path(), &target).map_err(KeystoreError::io(&target))?;
            disk.sync(dir).map_err(KeystoreError::io(dir))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Log;
    use std::sync::Arc;

    fn open(dir: &Path) -> SledStore {
        SledStore::open(dir, Disk::default()).unwrap()
    }

    fn create(dir: &Path) -> SledStore {
        SledStore::create(dir, Disk::default()).unwrap()
    }

    fn item(key: u8, value: u8) -> Item {
        (vec![key], vec![value])
    }

    #[test]
    fn an_unfinished_snapshot_does_not_stop_the_store() {
        let temp = tempfile::tempdir().unwrap();
        let store = create(temp.path());
        store.insert(&[item(1, 2)]).unwrap();
        store.flush().unwrap();
        drop(store);
        drop(open(temp.path()));
        let good = fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().path());
        let good = good.into_iter().find(|path| path.to_str().unwrap().contains("/snap.")).unwrap();
        let mut flipped = fs::read(good).unwrap();
        flipped[9] ^= 1;
        for (name, content) in
            [("empty", vec![]), ("short", flipped[..flipped.len() / 2].to_vec()), ("flipped", flipped)]
        {
            let left_over = "snap.00000000000000FF.generating";
            fs::write(temp.path().join(left_over), content).unwrap();
            let store = open(temp.path());
            assert_eq!(store.get(&[1]).unwrap(), Some(vec![2]), "{name}");
            assert!(temp.path().join("quarantine").join(left_over).exists(), "{name}");
        }
    }

    #[test]
    fn a_flush_ends_with_the_word_of_the_disk_on_file_and_directory() {
        let temp = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::default());
        let store = SledStore::create(temp.path(), Disk::behind(log.clone())).unwrap();
        store.insert(&[item(1, 2)]).unwrap();
        store.flush().unwrap();
        let dir = temp.path().file_name().unwrap().to_str().unwrap().to_owned();
        let expected = [
            (Call::Insert, dir.clone()),
            (Call::Flush, dir.clone()),
            (Call::Sync, "db".to_owned()),
            (Call::Sync, dir),
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }

    #[test]
    fn the_log_is_on_disk_before_a_snapshot_of_it_is() {
        let temp = tempfile::tempdir().unwrap();
        drop(create(temp.path()));
        let log = Arc::new(Log::default());
        drop(SledStore::open(temp.path(), Disk::behind(log.clone())).unwrap());
        let dir = temp.path().file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(*log.0.lock().unwrap(), [(Call::Sync, LOG.to_owned()), (Call::Sync, dir)]);
    }

    #[test]
    fn a_database_that_is_gone_is_not_begun_anew() {
        let temp = tempfile::tempdir().unwrap();
        let gone = temp.path().join("gone");
        assert!(
            SledStore::open(&gone, Disk::default()).is_err_and(|error| error.to_string().contains("missing"))
        );
        assert!(!gone.exists());
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

    /// sled has no way to ask a database for its settings; it shows them in its debug output.
    #[test]
    fn the_cache_is_small_and_nothing_is_compressed() {
        let shown = format!("{:?}", config(Path::new("x")));
        assert!(shown.contains("cache_capacity: 67108864"), "{shown}");
        assert!(shown.contains("use_compression: false"), "{shown}");
        assert!(shown.contains("flush_every_ms: None"), "{shown}");
    }
}
