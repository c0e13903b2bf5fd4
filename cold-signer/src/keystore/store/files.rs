//! The files of a database. sled is never given the only copy: where it finds damage, it destroys what lies behind
//! it, and only then says that something is wrong.
//!
//! | name | what it is |
//! | --- | --- |
//! | `keys` | what sled works with |
//! | `keys.kept` | the database as it was before an opening that has not succeeded yet; it counts, `keys` does not |
//! | `keys.copied` | a copy that is not complete yet |
//! | `keys.tried` | what `keys` was when another opening was tried |
//! | `keys.unneeded` | what `keys.kept` was when an opening succeeded; it is being removed |
//!
//! That sled works with a copy has another use. After a failed fsync the system may show what is not on disk and will
//! never get there. What is written anew, and synced, is there.

use super::sled::database_failed;
use crate::disk::{Call, Disk};
use crate::keystore::KeystoreError;
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;
use tempfile::TempDir;

/// The file that holds the records.
pub(super) const LOG: &str = "db";

/// What stands behind the name of a database that an opening has not succeeded with yet, and of one that it has.
pub(in crate::keystore) const KEPT: &str = ".kept";
const COPIED: &str = ".copied";
const TRIED: &str = ".tried";
const UNNEEDED: &str = ".unneeded";

/// How often it is looked whether a database is closed, 10 ms apart.
const ATTEMPTS: usize = 500;

/// So much of a file is lost where a part of it cannot be read, in bytes.
const BLOCK: usize = 4096;

/// Puts a copy of the database in the place where sled opens it, and keeps the original.
///
/// # Errors
/// `Database` where there is none, and `Io`. Nothing is lost then.
pub(in crate::keystore) fn keep(dir: &Path, disk: &Disk) -> Result<(), KeystoreError> {
    let (kept, tried) = (beside(dir, KEPT), beside(dir, TRIED));
    let io = || KeystoreError::io(dir);
    if has_log(dir).map_err(io())? {
        wait_until_closed(dir).map_err(io())?;
    } else if !has_log(&kept).map_err(io())? {
        return Err(missing(dir));
    }
    let keep = || {
        if !has_log(&kept)? {
            // Where it is there without a log, it was being removed; and what was tried before is of no use any more.
            disk.remove(&kept)?;
            disk.remove(&tried)?;
            quarantine_snapshots(dir, disk)?;
            disk.rename(dir, &kept)?;
        } else if !dir.try_exists()? || tried.try_exists()? {
            disk.remove(dir)?;
        } else {
            // It may be all that there is, should the original turn out to be worse.
            disk.rename(dir, &tried)?;
        }
        // It gets its name when all of it is there.
        let copied = beside(dir, COPIED);
        disk.remove(&copied)?;
        copy(&kept, &copied, disk)?;
        disk.rename(&copied, dir)
    };
    keep().map_err(io())
}

/// Lets go of the original: the copy opened, has everything that it must have, and is on disk.
///
/// # Errors
/// `Io`.
pub(in crate::keystore) fn accept(dir: &Path, disk: &Disk) -> Result<(), KeystoreError> {
    let unneeded = beside(dir, UNNEEDED);
    // A directory does not vanish in one step; its name does.
    let rename = || disk.remove(&unneeded).and_then(|()| disk.rename(&beside(dir, KEPT), &unneeded));
    rename().map_err(KeystoreError::io(dir))?;
    for needless in [unneeded, beside(dir, TRIED)] {
        // What cannot be removed costs space until the next opening.
        let _ = disk.remove(&needless);
    }
    Ok(())
}

/// Where there are files of this database, the ones that count first.
pub(in crate::keystore) fn sources(dir: &Path) -> Vec<PathBuf> {
    let beside = |what| beside(dir, what);
    [beside(KEPT), dir.to_owned(), beside(TRIED), beside(UNNEEDED)]
        .into_iter()
        .filter(|dir| has_log(dir).unwrap_or(true))
        .collect()
}

fn has_log(dir: &Path) -> io::Result<bool> {
    dir.join(LOG).try_exists()
}

/// There is no such database.
pub(in crate::keystore) fn missing(dir: &Path) -> KeystoreError {
    database_failed(dir, "it is missing")
}

/// A copy to be read and thrown away, with zeros where the original cannot be read.
///
/// # Errors
/// What the system says, mostly about the copy.
pub(in crate::keystore) fn scratch(source: &Path, disk: &Disk) -> io::Result<TempDir> {
    wait_until_closed(source)?;
    let scratch = disk.scratch_directory(source)?;
    for entry in fs::read_dir(source)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_file() && !is_unfinished(name) {
            let target = scratch.path().join(name);
            disk.call(Call::Write, &target, || {
                let mut copy = BufWriter::with_capacity(1 << 20, File::create(&target)?);
                copy_readable(&File::open(&path)?, &mut copy)?;
                copy.flush()
            })?;
        }
    }
    Ok(scratch)
}

/// The bytes of a database's log, with zeros where they cannot be read.
///
/// # Errors
/// Where it cannot be opened.
pub(in crate::keystore) fn log_bytes(source: &Path) -> io::Result<Vec<u8>> {
    wait_until_closed(source)?;
    let mut bytes = Vec::new();
    copy_readable(&File::open(source.join(LOG))?, &mut bytes)?;
    Ok(bytes)
}

fn copy_readable(from: &File, to: &mut impl Write) -> io::Result<()> {
    copy_blocks(from.metadata()?.len(), to, |block, at| from.read_exact_at(block, at))
}

/// Copies what can be read of so many bytes, with zeros in the place of the rest.
fn copy_blocks(
    length: u64,
    to: &mut impl Write,
    read: impl Fn(&mut [u8], u64) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = [0; BLOCK];
    for at in (0..length).step_by(BLOCK) {
        let rest = usize::try_from(length - at).unwrap_or(BLOCK).min(BLOCK);
        let block = block.get_mut(..rest).unwrap_or_default();
        if read(block, at).is_err() {
            block.fill(0);
        }
        to.write_all(block)?;
    }
    Ok(())
}

/// Waits until no database of this process works with the files any more: its last thread may end after it was
/// dropped. No other process has them: the caller holds the store's lock.
pub(in crate::keystore) fn wait_until_closed(dir: &Path) -> io::Result<()> {
    let log = File::open(dir.join(LOG))?;
    for _ in 0..ATTEMPTS {
        match flock(&log, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => sleep(Duration::from_millis(10)),
            freed => return Ok(freed?),
        }
    }
    Err(Errno::WOULDBLOCK.into())
}

/// Copies a directory, durably.
fn copy(from: &Path, to: &Path, disk: &Disk) -> io::Result<()> {
    disk.create_directory(to)?;
    for entry in fs::read_dir(from)? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        if path.is_dir() {
            copy(&path, &to.join(name), disk)?;
        } else {
            disk.write_new(&to.join(name), |file| {
                // A clone of the file would share what is on disk, not what can be read; a temporary file takes none.
                io::copy(&mut BufReader::with_capacity(1 << 20, File::open(&path)?), file).map(drop)
            })?;
        }
    }
    Ok(())
}

/// Moves unfinished snapshots aside. sled would take one for the newest snapshot and refuse to open for ever.
fn quarantine_snapshots(dir: &Path, disk: &Disk) -> io::Result<()> {
    let quarantine = dir.with_file_name("quarantine");
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_unfinished(&name) {
            disk.create_directory(&quarantine)?;
            disk.rename(&entry.path(), &quarantine.join(&name))?;
            // What a crash brings back here must never come back there.
            disk.sync(dir)?;
        }
    }
    Ok(())
}

/// Whether it is the name of a snapshot that was being written.
fn is_unfinished(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with("snap.") && name.ends_with(".generating"))
}

/// The name of a database's directory with something behind it.
fn beside(dir: &Path, what: &str) -> PathBuf {
    let mut name = dir.file_name().unwrap_or_default().to_owned();
    name.push(what);
    dir.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::super::{SledStore, Store, open_database};
    use super::*;
    use crate::disk::{Gate, Log};
    use std::sync::Arc;

    /// A closed database with one record.
    fn example() -> (TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let dir = temp.path().join("keys");
        let store = SledStore::open(&dir, Disk::default()).unwrap();
        store.insert(&[(vec![1], vec![2])]).unwrap();
        store.flush().unwrap();
        drop(store);
        wait_until_closed(&dir).unwrap();
        // Opened again, it has a snapshot.
        drop(SledStore::open(&dir, Disk::default()).unwrap());
        wait_until_closed(&dir).unwrap();
        (temp, dir)
    }

    fn snapshot(dir: &Path) -> PathBuf {
        let mut files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
        files.find(|path| path.to_str().unwrap().contains("/snap.")).unwrap()
    }

    fn record(dir: &Path) -> Option<Vec<u8>> {
        SledStore::open(dir, Disk::default()).unwrap().get(&[1]).unwrap()
    }

    #[test]
    fn the_original_is_untouched_until_the_copy_is_accepted() {
        let (_temp, dir) = example();
        let disk = Disk::default();
        let original = fs::read(dir.join(LOG)).unwrap();
        let kept = dir.with_file_name("keys.kept");
        for _ in 0..3 {
            keep(&dir, &disk).unwrap();
            assert_eq!(fs::read(dir.join(LOG)).unwrap(), original);
            // What sled does to a copy that does not please it.
            fs::write(dir.join(LOG), b"destroyed").unwrap();
            assert_eq!(fs::read(kept.join(LOG)).unwrap(), original);
        }
        keep(&dir, &disk).unwrap();
        accept(&dir, &disk).unwrap();
        assert!(!kept.exists() && !dir.with_file_name("keys.unneeded").exists());
        assert_eq!(record(&dir), Some(vec![2]));
    }

    /// Loses the original just before the copy is written: what can be read is all that there is of it.
    struct Forgetful(PathBuf);

    impl Gate for Forgetful {
        fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
            let done = run();
            if call == Call::Write && path.ends_with("keys.copied/db") {
                fs::write(&self.0, b"")?;
            }
            done
        }
    }

    #[test]
    fn the_copy_is_bytes_of_its_own_and_on_disk() {
        let (_temp, dir) = example();
        let original = fs::read(dir.join(LOG)).unwrap();
        let forgetful = Forgetful(dir.with_file_name("keys.kept").join(LOG));
        let lost = forgetful.0.clone();
        keep(&dir, &Disk::behind(Arc::new(forgetful))).unwrap();
        assert_eq!(fs::read(lost).unwrap(), b"");
        assert_eq!(fs::read(dir.join(LOG)).unwrap(), original);

        let (_temp, dir) = example();
        let log = Arc::new(Log::default());
        keep(&dir, &Disk::behind(log.clone())).unwrap();
        let calls = log.0.lock().unwrap();
        let about_the_log: Vec<Call> =
            calls.iter().filter(|(_, name)| name == LOG).map(|(call, _)| *call).collect();
        assert_eq!(about_the_log, [Call::Write, Call::Sync, Call::Rename]);
    }

    #[test]
    fn an_unfinished_snapshot_does_not_stop_the_store() {
        let (_temp, dir) = example();
        let mut flipped = fs::read(snapshot(&dir)).unwrap();
        flipped[9] ^= 1;
        let short = flipped[..flipped.len() / 2].to_vec();
        for (name, content) in [("empty", vec![]), ("short", short), ("flipped", flipped)] {
            let left_over = "snap.00000000000000FF.generating";
            fs::write(dir.join(left_over), content).unwrap();
            keep(&dir, &Disk::default()).unwrap();
            assert_eq!(record(&dir), Some(vec![2]), "{name}");
            accept(&dir, &Disk::default()).unwrap();
            assert!(dir.with_file_name("quarantine").join(left_over).exists(), "{name}");
        }
    }

    #[test]
    fn a_database_that_closes_late_is_waited_for() {
        let (_temp, dir) = example();
        let held = open_database(&dir).unwrap();
        let closing = std::thread::spawn(move || drop(held));
        keep(&dir, &Disk::default()).unwrap();
        assert_eq!(record(&dir), Some(vec![2]));
        closing.join().unwrap();
    }

    #[test]
    fn a_database_that_is_gone_is_not_begun_anew() {
        let temp = tempfile::tempdir().unwrap();
        let gone = temp.path().join("gone");
        assert!(keep(&gone, &Disk::default()).is_err_and(|error| error.to_string().contains("missing")));
        assert!(!gone.exists());
    }

    #[test]
    fn a_scratch_copy_lies_beside_and_vanishes() {
        let (_temp, dir) = example();
        fs::write(dir.join("snap.00000000000000FF.generating"), b"half").unwrap();
        let copy = scratch(&dir, &Disk::default()).unwrap();
        let path = copy.path().to_owned();
        assert_eq!(path.parent(), dir.parent());
        assert_eq!(record(&path), Some(vec![2]));
        drop(copy);
        assert!(!path.exists());
    }

    #[test]
    fn blocks_that_cannot_be_read_are_zeros() {
        let good: Vec<u8> = (1..=250).cycle().take(3 * BLOCK + 7).collect();
        let mut copied = Vec::new();
        let read = |block: &mut [u8], at| {
            let at = usize::try_from(at).unwrap();
            block.copy_from_slice(&good[at..at + block.len()]);
            if at == BLOCK { Err(io::Error::other("EIO")) } else { Ok(()) }
        };
        copy_blocks(good.len() as u64, &mut copied, read).unwrap();
        let mut expected = good.clone();
        expected[BLOCK..2 * BLOCK].fill(0);
        assert!(copied == expected);
    }

    #[test]
    fn what_is_left_of_an_original_that_was_being_removed_does_not_count() {
        let (_temp, dir) = example();
        fs::create_dir(beside(&dir, KEPT)).unwrap();
        keep(&dir, &Disk::default()).unwrap();
        assert_eq!(record(&dir), Some(vec![2]));
    }

    #[test]
    fn a_copy_that_may_be_better_than_its_original_is_not_removed() {
        let (_temp, dir) = example();
        let good = fs::read(dir.join(LOG)).unwrap();
        keep(&dir, &Disk::default()).unwrap();
        fs::write(beside(&dir, KEPT).join(LOG), b"").unwrap();
        for _ in 0..3 {
            keep(&dir, &Disk::default()).unwrap();
        }
        assert!(sources(&dir).iter().any(|source| fs::read(source.join(LOG)).unwrap() == good));
    }
}
