//! The file that holds the API token: its base64 text, readable by the owner only.

use crate::frame::{ApiToken, TokenError};
use rand_core::CryptoRngCore;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use thiserror::Error;
use zeroize::Zeroizing;

/// More than a token file ever holds, in bytes.
const MAX_LENGTH: u64 = 256;

/// A token file that cannot be used.
#[derive(Debug, Error)]
pub enum TokenFileError {
    /// The operating system refused.
    #[error("cannot use the API token file {}: {source}; check the path and its rights", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others than the owner have access.
    #[error("the API token file {} has mode {mode:03o}, so others know the token; delete it and start anew",
        .path.display())]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is no token.
    #[error("the API token file {} is damaged: {source}; delete it to get a new one", .path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with its text.
        source: TokenError,
    },
}

/// Reads the token of an existing file.
///
/// # Errors
/// [`TokenFileError`] where the file cannot be read, is open to others, or holds no token.
pub fn load(path: &Path) -> Result<ApiToken, TokenFileError> {
    let io_error = |source| TokenFileError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io_error)?;
    let mode = file.metadata().map_err(io_error)?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(TokenFileError::NotPrivate { path: path.to_owned(), mode });
    }
    // One allocation from the start: growing would leave copies behind.
    let mut text = Zeroizing::new(String::with_capacity(512));
    file.take(MAX_LENGTH).read_to_string(&mut text).map_err(io_error)?;
    ApiToken::load(&text).map_err(|source| TokenFileError::Token { path: path.to_owned(), source })
}

/// Reads the token of a file; where there is none, makes one that only its owner may read.
///
/// # Errors
/// [`TokenFileError`], see [`load`]; also where the file cannot be made.
pub fn load_or_create(path: &Path, rng: &mut impl CryptoRngCore) -> Result<ApiToken, TokenFileError> {
    // Exclusive: neither another process's file nor a symbolic link is ever written to.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => load(path),
        created => {
            let token = ApiToken::random(rng);
            created
                .and_then(|mut file| {
                    file.write_all(token.to_base64().as_bytes())?;
                    file.sync_all()
                })
                .map_err(|source| TokenFileError::Io { path: path.to_owned(), source })?;
            Ok(token)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::OsRng;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_file_is_made_once_and_for_the_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        let made = load_or_create(&path, &mut OsRng).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), *made.to_base64());
        let again = load_or_create(&path, &mut OsRng).unwrap();
        assert_eq!(*again.to_base64(), *made.to_base64());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        load_or_create(&path, &mut OsRng).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = load_or_create(&path, &mut OsRng).err();
            assert!(matches!(refused, Some(TokenFileError::NotPrivate { mode: said, .. }) if said == mode));
        }
    }

    #[test]
    fn a_damaged_or_missing_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("api.token");
        assert!(matches!(load(&path), Err(TokenFileError::Io { .. })));
        load_or_create(&path, &mut OsRng).unwrap();
        for text in ["", "WlpaWlpa", &"A".repeat(100_000)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(load_or_create(&path, &mut OsRng), Err(TokenFileError::Token { .. })));
        }
        fs::write(&path, [0xff; 24]).unwrap();
        assert!(matches!(load(&path), Err(TokenFileError::Io { .. })));
    }

    #[test]
    fn a_link_to_a_file_that_does_not_exist_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (link, target) = (directory.path().join("api.token"), directory.path().join("elsewhere"));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(load_or_create(&link, &mut OsRng).is_err());
        assert!(!target.exists());
    }
}
