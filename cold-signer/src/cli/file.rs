//! Files that commands read and write.

use crate::disk::{Disk, open_regular};
use crate::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::SystemTime;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

/// Reads a text of at most `limit` bytes, which may hold a secret key.
pub(super) fn read_text(path: &Path, limit: usize) -> Result<Zeroizing<String>, Error> {
    text(path, File::open(path), limit).map(|(text, _)| text)
}

/// Reads a text of at most `limit` bytes that holds nothing secret; a long one takes no more memory than it needs.
pub(super) fn read_public(path: &Path, limit: usize) -> Result<String, Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    File::open(path).map_err(failed)?.take(most).read_to_string(&mut text).map_err(failed)?;
    if text.len() > limit { Err(Error::TooLong { path: path.to_owned(), limit }) } else { Ok(text) }
}

/// The same as [`read_text`] from a file that somebody else put there: no link, and no pipe that would never end.
/// Answers, too, when it was written.
pub(super) fn read_regular(
    path: &Path,
    limit: usize,
) -> Result<(Zeroizing<String>, Option<SystemTime>), Error> {
    text(path, open_regular(path), limit)
}

fn text(
    path: &Path,
    file: io::Result<File>,
    limit: usize,
) -> Result<(Zeroizing<String>, Option<SystemTime>), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    let file = file.map_err(failed)?;
    let written = file.metadata().and_then(|file| file.modified()).ok();
    // A buffer that never grows: growing would leave copies of a secret behind.
    let mut text = Zeroizing::new(String::with_capacity(limit.saturating_add(1)));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    if file.take(most).read_to_string(&mut text).map_err(failed)? > limit {
        return Err(Error::TooLarge { path: path.to_owned(), limit });
    }
    Ok((text, written))
}

/// Refuses a file that exists already, before anything is done whose result could not be written to it.
pub(super) fn require_new(path: &Path) -> Result<(), Error> {
    match path.try_exists() {
        Ok(false) => Ok(()),
        Ok(true) => Err(Error::FileExists(path.to_owned())),
        Err(source) => Err(Error::File { path: path.to_owned(), source }),
    }
}

/// Writes a new file, complete or not at all: half an export would be deposits that nobody sees.
pub(super) fn write_new(
    path: &Path,
    write: impl FnMut(&mut NamedTempFile) -> io::Result<()>,
) -> Result<(), Error> {
    Disk::default().write_new(path, write).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::FileExists(path.to_owned()),
        _ => Error::File { path: path.to_owned(), source },
    })
}
