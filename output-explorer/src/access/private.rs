//! Files that nobody else may read.

use rustix::process::geteuid;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a secret is not taken from a file.
#[derive(Debug, Error)]
pub enum PrivateFileError {
    /// It cannot be read.
    #[error("cannot read {}: {source}; check the path and its rights", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others can read it.
    #[error(
        "{} has mode {mode:03o} and is of user {owner}, so others know what is in it: have a new one made, and keep it \
         in a file of your own (chmod 600)", path.display()
    )]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The user id of its owner.
        owner: u32,
    },
}

/// What is in a file that only this user can read, up to so many bytes.
///
/// # Errors
/// [`PrivateFileError`].
pub(crate) fn read_private(path: &Path, most: usize) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let read = |source| PrivateFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let found = file.metadata().map_err(read)?;
    let (mode, owner) = (found.mode() & 0o777, found.uid());
    // The superuser knows it anyway.
    let is_ours = owner == geteuid().as_raw() || owner == 0;
    if mode & 0o077 != 0 || !is_ours {
        return Err(PrivateFileError::NotPrivate { path: path.to_owned(), mode, owner });
    }
    // One allocation from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(Vec::with_capacity(most.saturating_mul(2)));
    file.take(most as u64).read_to_end(&mut text).map_err(read)?;
    Ok(text)
}
