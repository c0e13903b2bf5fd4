//! sled 0.34, which sees ciphertext and meaningless keys only.
//!
//! What must be known about sled:
//!
//! - An unfinished snapshot, left by a crash, would keep it from opening for ever, and where it finds damage it
//!   destroys what lies behind. It is given copies, and records can be found without it: see [`super::files`] and
//!   [`super::marked`].
//! - Its `flush` does not wait for the disk. An fsync follows.
//! - A batch is atomic within one tree only. There is one tree; tables are prefixes of the keys.
//! - Its cache would take a gigabyte. It gets 64 MiB.
//! - It closes its files some time after it was dropped. Copying waits for that.
//!
//! Nothing else in the program names sled.

use super::files::LOG;
use super::{Item, Store, marked};
use crate::disk::{Call, Disk};
use crate::keystore::KeystoreError;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// How much of the database is held in memory, in bytes.
const CACHE: u64 = 64 * 1024 * 1024;

/// Sealed records by their keys, in one tree.
pub(in crate::keystore) struct SledStore {
    db: sled::Db,
    dir: PathBuf,
    disk: Disk,
}

impl SledStore {
    /// Opens the database in `dir`, making it where there is none. The caller holds the store's lock.
    ///
    /// # Errors
    /// `Database` where the files are damaged or cannot be reached. They may be more damaged then: see
    /// [`super::files`].
    pub(in crate::keystore) fn open(dir: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        let db = guarded(dir, || open_database(dir))?;
        Ok(Self { db, dir: dir.to_owned(), disk })
    }

    /// Opens a copy of the database in `dir`, to be read.
    ///
    /// # Errors
    /// As [`SledStore::open`]; they name the original.
    pub(in crate::keystore) fn open_copy(copy: &Path, dir: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        let db = guarded(dir, || open_database(copy))?;
        Ok(Self { db, dir: dir.to_owned(), disk })
    }

    /// Makes a call to the database through the gate of the disk, which tells I/O errors apart.
    fn call(&self, call: Call, run: impl Fn() -> sled::Result<()>) -> Result<(), KeystoreError> {
        let run = || run().map_err(|error| io::Error::other(error.to_string()));
        self.disk.call(call, &self.dir, run).map_err(|error| database_failed(&self.dir, &error.to_string()))
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KeystoreError> {
        let value = guarded(&self.dir, || self.db.get(key))?;
        Ok(value.map(|value| marked::unmark(&value)))
    }

    fn scan(&self, prefix: &[u8]) -> Box<dyn Iterator<Item = Result<Item, KeystoreError>> + '_> {
        let mut items = self.db.scan_prefix(prefix);
        Box::new(std::iter::from_fn(move || {
            let item = guarded(&self.dir, || items.next().transpose()).transpose()?;
            Some(item.map(|(key, value)| (key.to_vec(), marked::unmark(&value))))
        }))
    }

    fn insert(&self, items: &[Item]) -> Result<(), KeystoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in items {
            let marked = marked::mark(key, value);
            let marked =
                marked.ok_or_else(|| database_failed(&self.dir, "a record is too long; report this"))?;
            batch.insert(key.as_slice(), marked);
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

/// Asks the database. On some damage it panics; that is one more way to say so.
fn guarded<T>(dir: &Path, ask: impl FnOnce() -> sled::Result<T>) -> Result<T, KeystoreError> {
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => answer.map_err(|error| database_failed(dir, &error.to_string())),
        Err(_) => Err(database_failed(dir, "it is damaged in a way that the database does not understand")),
    }
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
    config(dir).open()
}

/// The database failed, and says why.
pub(super) fn database_failed(dir: &Path, reason: &str) -> KeystoreError {
    KeystoreError::Database { dir: dir.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Log;
    use std::sync::Arc;

    fn item(key: u8, value: u8) -> Item {
        (vec![key], vec![value])
    }

    #[test]
    fn a_flush_ends_with_the_word_of_the_disk_on_file_and_directory() {
        let temp = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::default());
        let store = SledStore::open(temp.path(), Disk::behind(log.clone())).unwrap();
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

    /// sled has no way to ask a database for its settings; it shows them in its debug output.
    #[test]
    fn the_cache_is_small_and_nothing_is_compressed() {
        let shown = format!("{:?}", config(Path::new("x")));
        assert!(shown.contains("cache_capacity: 67108864"), "{shown}");
        assert!(shown.contains("use_compression: false"), "{shown}");
        assert!(shown.contains("flush_every_ms: None"), "{shown}");
    }
}
