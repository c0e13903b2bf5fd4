//! Files that commands read and write.

use crate::error::Error;
use rustix::fs::OFlags;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use tempfile::NamedTempFile;

/// Opens a file of at most `most` bytes.
pub(super) fn open(path: &Path, most: u64) -> Result<impl Read + use<>, Error> {
    bounded(path, File::open(path), most)
}

/// Reads a text of at most `most` bytes.
pub(super) fn read_text(path: &Path, most: u64) -> Result<String, Error> {
    text(path, open(path, most)?)
}

/// The same from a file that somebody else put there: no link, and no pipe that would never end.
pub(super) fn read_regular(path: &Path, most: u64) -> Result<String, Error> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).and_then(|file| {
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no regular file")) }
    });
    text(path, bounded(path, file, most)?)
}

fn bounded(path: &Path, file: io::Result<File>, most: u64) -> Result<impl Read + use<>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = file.map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > most {
        return Err(Error::TooLong { path: path.to_owned(), most });
    }
    // It may grow meanwhile.
    Ok(file.take(most))
}

fn text(path: &Path, mut file: impl Read) -> Result<String, Error> {
    let mut text = String::new();
    let read = file.read_to_string(&mut text);
    read.map(|_| text).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Writes a line into a file durably and in one step; `name` gives the file its name.
pub(super) fn write_line(
    path: &Path,
    line: &str,
    name: impl FnOnce(NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = begin(path)?;
    writeln!(file, "{line}")?;
    finish(path, file, name)
}

/// Begins a file that has no name before it is whole.
pub(super) fn begin(path: &Path) -> io::Result<NamedTempFile> {
    // Its error names a file that is another one each time.
    NamedTempFile::new_in(directory(path)).map_err(|error| io::Error::from(error.kind()))
}

/// Brings it to the disk, and lets `name` give it its name.
pub(super) fn finish(
    path: &Path,
    file: NamedTempFile,
    name: impl FnOnce(NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    file.as_file().sync_all()?;
    name(file)?;
    File::open(directory(path))?.sync_all()
}

/// That of a file; a name alone is in the one where we are.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
