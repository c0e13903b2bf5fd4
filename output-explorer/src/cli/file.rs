//! Files that commands read and write.

use crate::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tempfile::NamedTempFile;

/// Opens a file of at most `most` bytes.
pub(super) fn open(path: &Path, most: u64) -> Result<impl Read + use<>, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.len() > most {
        return Err(Error::TooLong { path: path.to_owned(), most });
    }
    // It may grow meanwhile.
    Ok(file.take(most))
}

/// Reads a text of at most `most` bytes.
pub(super) fn read_text(path: &Path, most: u64) -> Result<String, Error> {
    let mut text = String::new();
    let read = open(path, most)?.read_to_string(&mut text);
    read.map(|_| text).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Writes a line into a file durably and in one step; `name` gives the file its name.
pub(super) fn write_line(
    path: &Path,
    line: &str,
    name: impl FnOnce(NamedTempFile) -> io::Result<()>,
) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(dir)?;
    writeln!(file, "{line}")?;
    file.as_file().sync_all()?;
    name(file)?;
    File::open(dir)?.sync_all()
}
