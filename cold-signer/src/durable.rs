//! Files that are on disk when it is said so: complete or not at all, also where the power fails.

use std::fs::File;
use std::io;
use std::path::Path;
use tempfile::NamedTempFile;

/// Writes a new file, mode 0600 from the start; it never takes the place of another.
///
/// # Errors
/// Of kind `AlreadyExists` where there is one, otherwise what the system says.
pub(crate) fn write_new(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    temporary(path, write)?.persist_noclobber(path)?;
    sync(directory(path))
}

/// Writes a file, mode 0600 from the start, in the place of the one that is there: old or new, never half.
///
/// # Errors
/// What the system says.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    temporary(path, write)?.persist(path)?;
    sync(directory(path))
}

/// Makes a file's content, or a directory's entries, survive a power loss.
///
/// # Errors
/// Where it cannot be opened, or the disk refuses.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The content on disk, without its name yet.
fn temporary(
    path: &Path,
    write: impl FnOnce(&mut NamedTempFile) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new_in(directory(path))?;
    write(&mut file)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// The directory that holds `path`, also where the path names none.
pub(crate) fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
