//! When a store was backed up last, and how old the newest backup is that was tried: a small file for `doctor`, which has no passphrase.

use crate::disk::Disk;
use crate::keystore::KeystoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Its name in the store's directory.
const FILE: &str = "backups.toml";

/// It is shorter, in bytes.
const MAX_LENGTH: u64 = 4096;

/// Two times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// When a backup was made.
    pub made: Option<Timestamp>,
    /// When the newest was made that was verified against the store.
    pub verified: Option<Timestamp>,
}

/// Reads them; both are missing where nothing was ever done.
///
/// # Errors
/// What is wrong with the file.
pub fn read(dir: &Path) -> Result<Last, String> {
    let mut text = String::new();
    match File::open(dir.join(FILE)).and_then(|file| file.take(MAX_LENGTH).read_to_string(&mut text)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Last::default()),
        read => read.map_err(|error| error.to_string())?,
    };
    toml::from_str(&text).map_err(|error| error.message().to_owned())
}

/// Changes them, for whoever holds the lock of the store. What cannot be read is begun anew.
///
/// # Errors
/// [`KeystoreError::Io`].
pub(crate) fn note(dir: &Path, disk: &Disk, change: impl FnOnce(&mut Last)) -> Result<(), KeystoreError> {
    let mut last = read(dir).unwrap_or_default();
    change(&mut last);
    let text = toml::to_string(&last).unwrap_or_default();
    let path = dir.join(FILE);
    disk.replace(&path, |file| file.write_all(text.as_bytes())).map_err(KeystoreError::io(&path))
}
