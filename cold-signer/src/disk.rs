//! Everything that the program asks of the disk, in one place. What it says is on disk survives a power loss.
//!
//! Every call passes a [`Gate`]. The real one lets everything through; tests have others, which let the n-th call
//! fail or end the process there, so that each promise about a crash is tried at every point where one can happen.

use rustix::fs::{CWD, Mode, OFlags, openat};
use std::fmt;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{DirBuilderExt, FileExt};
use std::path::Path;
use std::sync::Arc;
use tempfile::{NamedTempFile, TempDir};

/// How the name of a file begins that is not complete yet.
const UNFINISHED: &str = ".unfinished-";

/// What the disk is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// Make a directory.
    CreateDirectory,
    /// Write bytes into a file, a new one where there is none.
    Write,
    /// Give a file another length.
    Truncate,
    /// Wait until a file's content, or a directory's entries, are on disk.
    Sync,
    /// Give a file or directory its name, or another one.
    Rename,
    /// Remove a file, or a directory and all it holds.
    Remove,
    /// Write a batch of records into the database.
    Insert,
    /// Let the database write out what it holds back.
    Flush,
}

/// Where every call to the disk passes.
pub trait Gate: Send + Sync {
    /// Runs the call, or fails instead.
    ///
    /// # Errors
    /// What the system says.
    fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()>;
}

/// Opens a file that somebody else put there: no link, and no pipe that would never end.
///
/// # Errors
/// What the system says, or that it is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    open_regular_in(CWD, path)
}

/// The same where the path begins in a folder that is open.
///
/// # Errors
/// Those of [`open_regular`].
pub(crate) fn open_regular_in(folder: impl AsFd, path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(folder, path, flags, Mode::empty())?);
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
}

/// The gate that lets everything through.
struct Open;

impl Gate for Open {
    fn pass(&self, _: Call, _: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        run()
    }
}

/// The disk, behind its gate.
#[derive(Clone)]
pub struct Disk(Arc<dyn Gate>);

impl Default for Disk {
    /// The disk as it is.
    fn default() -> Self {
        Self(Arc::new(Open))
    }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    /// The disk behind another gate.
    #[must_use]
    pub fn behind(gate: Arc<dyn Gate>) -> Self {
        Self(gate)
    }

    /// Makes one call.
    ///
    /// # Errors
    /// Those of `run`, and those of the gate.
    pub(crate) fn call(
        &self,
        call: Call,
        path: &Path,
        mut run: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.pass(call, path, &mut run)
    }

    /// Writes a new file, mode 0600 from the start, complete or not at all; it never takes the place of another.
    ///
    /// # Errors
    /// Of kind `AlreadyExists` where there is one, otherwise what the system says.
    pub(crate) fn write_new(
        &self,
        path: &Path,
        write: impl FnMut(&mut NamedTempFile) -> io::Result<()>,
    ) -> io::Result<()> {
        self.place(path, write, |file| file.persist_noclobber(path).map(drop))
    }

    /// Writes a file, mode 0600 from the start, in the place of the one that is there: old or new, never half.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn replace(
        &self,
        path: &Path,
        write: impl FnMut(&mut NamedTempFile) -> io::Result<()>,
    ) -> io::Result<()> {
        self.place(path, write, |file| file.persist(path).map(drop))
    }

    /// Content first, then its name, each on disk before the next step.
    fn place(
        &self,
        path: &Path,
        mut write: impl FnMut(&mut NamedTempFile) -> io::Result<()>,
        name: impl Fn(NamedTempFile) -> Result<(), tempfile::PersistError>,
    ) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(directory(path))?;
        self.call(Call::Write, path, || write(&mut file))?;
        self.call(Call::Sync, path, || file.as_file().sync_all())?;
        let mut file = Some(file);
        self.call(Call::Rename, path, || file.take().map_or(Ok(()), |file| Ok(name(file)?)))?;
        self.sync(directory(path))
    }

    /// Removes what an ended process left unfinished in a directory. Nobody else may be writing there.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn sweep(&self, directory: &Path) -> io::Result<()> {
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if entry.file_name().as_encoded_bytes().starts_with(UNFINISHED.as_bytes()) {
                self.remove(&entry.path())?;
            }
        }
        Ok(())
    }

    /// Makes a directory, mode 0700, and those above it where they do not exist yet, and all of that durable.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn create_directory(&self, path: &Path) -> io::Result<()> {
        let changed = parents_of_missing(path);
        if changed.is_empty() {
            // Whoever made it may not have waited for the disk; where that is not for us to do, it was the system.
            return self.sync(directory(path)).or_else(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => Ok(()),
                _ => Err(error),
            });
        }
        self.call(Call::CreateDirectory, path, || {
            DirBuilder::new().recursive(true).mode(0o700).create(path)
        })?;
        changed.into_iter().try_for_each(|parent| self.sync(parent))
    }

    /// Makes a directory beside `path` that vanishes when it is dropped, or swept where the process was killed.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn scratch_directory(&self, path: &Path) -> io::Result<TempDir> {
        let mut made = None;
        self.call(Call::CreateDirectory, path, || {
            made = Some(tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(directory(path))?);
            Ok(())
        })?;
        made.ok_or_else(|| io::ErrorKind::Other.into())
    }

    /// Makes a file's content, or a directory's entries, survive a power loss.
    ///
    /// # Errors
    /// Where it cannot be opened, or the disk refuses.
    pub(crate) fn sync(&self, path: &Path) -> io::Result<()> {
        self.call(Call::Sync, path, || File::open(path)?.sync_all())
    }

    /// Gives a file or directory another name in the same directory, durably.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.call(Call::Rename, to, || fs::rename(from, to))?;
        self.sync(directory(to))
    }

    /// Removes a file, or a directory and all it holds, durably; nothing where there is none.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        let found = match path.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        self.call(Call::Remove, path, || {
            if found.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
        })?;
        self.sync(directory(path))
    }

    /// Writes into an open file at `offset`. It lasts after [`Disk::sync_data`].
    ///
    /// # Errors
    /// What the system says; some of the bytes may have been written then.
    pub(crate) fn write_at(&self, file: &File, path: &Path, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.call(Call::Write, path, || file.write_all_at(bytes, offset))
    }

    /// Makes what was written into an open file survive a power loss, its length included.
    ///
    /// # Errors
    /// What the disk says. What was written may or may not last then, and asking again proves nothing: the system
    /// forgets what it failed to write.
    pub(crate) fn sync_data(&self, file: &File, path: &Path) -> io::Result<()> {
        self.call(Call::Sync, path, || file.sync_data())
    }

    /// Cuts an open file to `length` bytes, durably.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn truncate(&self, file: &File, path: &Path, length: u64) -> io::Result<()> {
        self.call(Call::Truncate, path, || file.set_len(length))?;
        self.call(Call::Sync, path, || file.sync_all())
    }
}

/// The directory that holds `path`, also where the path names none.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The directories that get a new entry when `path` is created with all that is missing above it.
fn parents_of_missing(path: &Path) -> Vec<&Path> {
    let missing = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists());
    missing.map(directory).collect()
}

/// A gate that remembers what passed: calls and the names of the files they are about.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Log(pub(crate) std::sync::Mutex<Vec<(Call, String)>>);

#[cfg(test)]
impl Gate for Log {
    fn pass(&self, call: Call, path: &Path, run: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        self.0.lock().unwrap().push((call, name));
        run()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_new_file_is_complete_private_and_replaces_none() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("x");
        let disk = Disk::default();
        let write = |text: &'static str| move |file: &mut NamedTempFile| file.write_all(text.as_bytes());
        disk.write_new(&path, write("one")).unwrap();
        assert_eq!(disk.write_new(&path, write("two")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        disk.replace(&path, write("three")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "nothing else is left");
    }

    #[test]
    fn content_is_on_disk_before_its_name_and_the_name_before_the_answer() {
        let temp = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::default());
        let disk = Disk::behind(log.clone());
        let path = temp.path().join("x");
        disk.replace(&path, |file| file.write_all(b"x")).unwrap();
        let holder = temp.path().file_name().unwrap().to_str().unwrap().to_owned();
        let x = || "x".to_owned();
        let expected =
            [(Call::Write, x()), (Call::Sync, x()), (Call::Rename, x()), (Call::Sync, holder.clone())];
        assert_eq!(*log.0.lock().unwrap(), expected);
        log.0.lock().unwrap().clear();
        disk.remove(&path).unwrap();
        assert_eq!(*log.0.lock().unwrap(), [(Call::Remove, x()), (Call::Sync, holder)]);
    }

    #[test]
    fn every_directory_with_a_new_entry_is_synced() {
        let temp = tempfile::tempdir().unwrap();
        let [a, b, c] = ["a", "a/b", "a/b/c"].map(|name| temp.path().join(name));
        assert_eq!(parents_of_missing(&c), [&b, &a, temp.path()]);
        Disk::default().create_directory(&c).unwrap();
        assert_eq!(c.metadata().unwrap().mode() & 0o777, 0o700);
        assert!(parents_of_missing(&c).is_empty());
        let log = Arc::new(Log::default());
        Disk::behind(log.clone()).create_directory(&c).unwrap();
        assert_eq!(*log.0.lock().unwrap(), [(Call::Sync, "b".to_owned())], "also of one that is there");
        assert_eq!(parents_of_missing(Path::new("none/below")), [Path::new("none"), Path::new(".")]);
    }
}
