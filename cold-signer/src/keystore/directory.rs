//! The store's directory: private, locked by one process, written so that a crash leaves old or new.
//!
//! The lock is our own, beside the database's: it covers the header too, and its refusal names the process
//! that holds it. It is an advisory lock (`flock`) which ends with the process, so that no crash leaves a
//! lock behind.

use super::error::KeystoreError;
use crate::disk::Disk;
use crate::passphrase::is_private_to;
use rustix::fs::{FlockOperation, flock};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The lock file's name. It holds the process id of whoever holds the lock.
const LOCK: &str = "lock";

/// A private directory that this process alone uses until the value is dropped.
pub(super) struct Directory {
    path: PathBuf,
    disk: Disk,
    /// Holds the lock; the system frees it however the process ends.
    _lock: File,
}

impl Directory {
    /// Creates the directory, mode 0700, and those above it where they do not exist yet, and locks it.
    ///
    /// # Errors
    /// As [`Directory::lock`], and `Io` where it cannot be created.
    pub(super) fn create(path: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        disk.create_directory(path).map_err(KeystoreError::io(path))?;
        Self::lock(path, disk)
    }

    /// Refuses a directory that others may enter.
    ///
    /// # Errors
    /// `NotPrivate`, `Io`.
    pub(super) fn require_private(path: &Path) -> Result<(), KeystoreError> {
        let metadata = path.metadata().map_err(KeystoreError::io(path))?;
        if !metadata.is_dir() || !is_private_to(rustix::process::geteuid().as_raw(), &metadata) {
            return Err(KeystoreError::NotPrivate(path.to_owned()));
        }
        Ok(())
    }

    /// Locks an existing directory.
    ///
    /// # Errors
    /// `NotPrivate` where others may enter it, `InUse` where another process holds the lock.
    pub(super) fn lock(path: &Path, disk: Disk) -> Result<Self, KeystoreError> {
        Self::require_private(path)?;
        let lock = path.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&lock).map_err(KeystoreError::io(&lock))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(KeystoreError::InUse { dir: path.to_owned(), pid: read_pid(file) });
            }
            Err(error) => return Err(KeystoreError::io(&lock)(error.into())),
        }
        write_pid(&mut file).map_err(KeystoreError::io(&lock))?;
        // What an earlier process gave a name to, and was stopped before it was on disk, counts from now on.
        disk.sync(path).map_err(KeystoreError::io(path))?;
        disk.sweep(path).map_err(KeystoreError::io(path))?;
        Ok(Self { path: path.to_owned(), disk, _lock: file })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The disk it is on.
    pub(super) const fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Writes a new file in one step: after a crash it is there completely or not at all.
    ///
    /// # Errors
    /// `Io`, also where the file exists already.
    pub(super) fn write_new(&self, name: &str, content: &[u8]) -> Result<(), KeystoreError> {
        let path = self.path.join(name);
        self.disk.write_new(&path, |file| file.write_all(content)).map_err(KeystoreError::io(&path))
    }

    /// Writes a file in one step: after a crash it is the old one or the new one.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn replace(&self, name: &str, content: &[u8]) -> Result<(), KeystoreError> {
        let path = self.path.join(name);
        self.disk.replace(&path, |file| file.write_all(content)).map_err(KeystoreError::io(&path))
    }

    /// Removes a file or directory, if there is one.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn remove(&self, name: &str) -> Result<(), KeystoreError> {
        let path = self.path.join(name);
        self.disk.remove(&path).map_err(KeystoreError::io(&path))
    }
}

/// Leaves this process's id in the lock file, for the message that others get.
fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// What the holder wrote, if it is a number; it may be writing just now.
fn read_pid(file: File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    let pid = text.trim().parse::<u32>();
    match (read, pid) {
        (Ok(_), Ok(pid)) => pid.to_string(),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::fs::PermissionsExt;

    fn create(path: &Path) -> Result<Directory, KeystoreError> {
        Directory::create(path, Disk::default())
    }

    fn lock(path: &Path) -> Result<Directory, KeystoreError> {
        Directory::lock(path, Disk::default())
    }

    #[test]
    fn is_private_and_held_by_one() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a/b");
        let held = create(&path).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(path.join(LOCK).metadata().unwrap().mode() & 0o777, 0o600);
        let Err(KeystoreError::InUse { pid, .. }) = lock(&path) else { panic!("not locked") };
        assert_eq!(pid, std::process::id().to_string());
        drop(held);
        assert!(lock(&path).is_ok());
    }

    #[test]
    fn an_open_directory_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        for mode in [0o750, 0o701, 0o770] {
            set_permissions(temp.path(), Permissions::from_mode(mode)).unwrap();
            assert!(matches!(create(temp.path()), Err(KeystoreError::NotPrivate(_))), "{mode:o}");
        }
    }

    #[test]
    fn a_new_file_never_replaces_one() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("store");
        let directory = create(&path).unwrap();
        directory.write_new("x", b"one").unwrap();
        assert!(directory.write_new("x", b"two").is_err());
        assert_eq!(std::fs::read_to_string(path.join("x")).unwrap(), "one");
        assert_eq!(path.join("x").metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 2, "the lock and the file");
    }

    #[test]
    fn what_a_crash_left_unfinished_is_removed_by_the_next_owner() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("store");
        drop(create(&path).unwrap());
        let unfinished = path.join(".unfinished-Ab12");
        std::fs::write(&unfinished, "half").unwrap();
        drop(lock(&path).unwrap());
        assert!(!unfinished.exists());
    }
}
