//! The ledger's directory: private, used by one process at a time.

use super::LedgerError;
use rustix::fs::{FlockOperation, flock};
use rustix::process::geteuid;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The lock file's name. It holds the process id of whoever holds the lock.
const LOCK: &str = "lock";

/// A directory that this process alone uses until the value is dropped, however the process ends.
pub(super) struct Directory {
    path: PathBuf,
    _lock: File,
}

impl Directory {
    /// Locks it; makes it, mode 0700, where there is none.
    ///
    /// # Errors
    /// `NotPrivate` where others may enter it, `InUse` where another process has it, `Io`.
    pub(super) fn lock(path: &Path) -> Result<Self, LedgerError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))?;
        let metadata = path.metadata().map_err(io_error(path))?;
        if metadata.mode() & 0o077 != 0 || metadata.uid() != geteuid().as_raw() {
            return Err(LedgerError::NotPrivate(path.to_owned()));
        }
        let lock = path.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let mut file = options.open(&lock).map_err(io_error(&lock))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(LedgerError::InUse { dir: path.to_owned(), pid: read_pid(file) });
            }
            Err(error) => return Err(io_error(&lock)(error.into())),
        }
        write_pid(&mut file).map_err(io_error(&lock))?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    /// Where a file or directory of the ledger is.
    pub(super) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

/// The operating system refused something about `path`.
pub(super) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> LedgerError {
    let path = path.to_owned();
    move |source| LedgerError::Io { path, source }
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
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => pid.to_string(),
        _ => "?".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_directory_that_others_may_enter_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        for mode in [0o750, 0o701, 0o770] {
            set_permissions(temp.path(), Permissions::from_mode(mode)).unwrap();
            let refused = Directory::lock(temp.path());
            assert!(matches!(refused, Err(LedgerError::NotPrivate(_))), "{mode:o}");
        }
        let made = temp.path().join("a/b");
        let _held = Directory::lock(&made).unwrap();
        assert_eq!(made.metadata().unwrap().mode() & 0o777, 0o700);
    }
}
